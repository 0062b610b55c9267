//! API keys: keys that a person gives to programs, with which these sign in by themselves.
//!
//! Signing in is the two messages of `strongroom_primitives::key_login`: a challenge, and a statement signed over it that
//! is answered with a sealed [`Grant`]. `docs/native-api.md` has them to the byte.

use std::fmt;

use serde::{Deserialize, Serialize};
use strongroom_primitives::{
    id::{AccountId, ApiKeyId, ApiKeySecretId, SecretId, SessionId},
    time::Timestamp,
};

use crate::{Base64Array, Base64Bytes, TokenText};

/// What the server never opens: a `secretbox` of NaCl, XSalsa20-Poly1305, or a `box`, which looks the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Boxed {
    /// The tag of 16 bytes, then the encrypted bytes; a sealed key has at most 256 bytes in all.
    pub text: Base64Bytes,
    /// What it was sealed with beside the key.
    pub nonce: Base64Array<24>,
}

/// What a sign-in with an API key is signed over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiKeyChallenge {
    /// Good on every node.
    pub nonce: Base64Array<32>,
    /// The last instant at which the nonce is taken: a minute from now.
    pub expires: Timestamp,
    /// Ed25519: the server's identity. A client keeps the one that its API key was made with, and signs in to that.
    pub server_key: Base64Array<32>,
    /// Which generation of the server's identity that is.
    pub generation: u32,
}

/// A sign-in with an API key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApiKeySignIn {
    /// Which key.
    pub api_key: ApiKeyId,
    /// The nonce of a challenge.
    pub nonce: Base64Array<32>,
    /// X25519: the client's key for this sign-in. One key signs in once.
    pub client_public: Base64Array<32>,
    /// The server's identity that the sign-in is meant for.
    pub server_key: Base64Array<32>,
    /// Seconds for which the session is to be good; at most what the server allows (ten minutes unless configured
    /// otherwise), which is also what it gets without saying.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub life_s: Option<u64>,
    /// What the session is called; at most 256 bytes. Over HTTP without it, the `User-Agent`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub label: String,
    /// Ed25519, by the API key, over all of the above.
    pub signature: Base64Array<64>,
}

/// The answer to a sign-in with an API key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiKeySignedIn {
    /// X25519: the server's key for this sign-in.
    pub server_public: Base64Array<32>,
    /// A [`Grant`] in JSON, sealed.
    pub grant: Base64Bytes,
    /// Ed25519, by the server's identity, over the sign-in and the two above.
    pub signature: Base64Array<64>,
}

/// What a sign-in gives.
#[derive(Debug, Serialize, Deserialize)]
pub struct Grant {
    /// What to send as `Authorization: Bearer`.
    pub token: TokenText,
    /// The session.
    pub session: SessionId,
    /// Whose key it is.
    pub account: AccountId,
    /// The last instant at which the session is good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
    /// The key, as it is now.
    pub key: ApiKey,
    /// The owner's keys, unless the API key is restricted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<OwnerKeys>,
}

/// The keys of an API key's owner, under the API key's secret key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnerKeys {
    /// The private key.
    pub private_key: Boxed,
    /// The secret key.
    pub secret_key: Boxed,
}

/// An API key to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewApiKey {
    /// What its owner calls it; at most 1,024 bytes.
    pub title: String,
    /// X25519.
    pub public_key: Base64Array<32>,
    /// Ed25519: what its sign-ins are verified with.
    pub verify_key: Base64Array<32>,
    /// Its private key, under the owner's secret key.
    pub private_key: Boxed,
    /// Its secret key, under the owner's secret key.
    pub secret_key: Boxed,
    /// The owner's private key, under its secret key.
    pub user_private_key: Boxed,
    /// The owner's secret key, under its secret key.
    pub user_secret_key: Boxed,
    /// Whether it may look.
    #[serde(default)]
    pub read: bool,
    /// Whether it may change something.
    #[serde(default)]
    pub write: bool,
    /// Whether it reaches only the secrets that are attached to it.
    #[serde(default)]
    pub restrict: bool,
    /// Whether the server may be given the key of its secrets, to open them there.
    #[serde(default)]
    pub insecure: bool,
    /// The last instant at which it is good; without it, until it is revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
}

/// One API key.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiKey {
    /// Which.
    pub id: ApiKeyId,
    /// What its owner calls it.
    pub title: String,
    /// Whether it may look.
    pub read: bool,
    /// Whether it may change something.
    pub write: bool,
    /// Whether it reaches only the secrets that are attached to it.
    pub restrict: bool,
    /// Whether the server may be given the key of its secrets.
    pub insecure: bool,
    /// Whether it signs in at all.
    pub active: bool,
    /// Since when there is one.
    pub created: Timestamp,
    /// The last instant at which it is good, if limited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
    /// X25519.
    pub public_key: Base64Array<32>,
    /// Its private key, under the owner's secret key.
    pub private_key: Boxed,
    /// Its secret key, under the owner's secret key.
    pub secret_key: Boxed,
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApiKey({:?})", self.id)
    }
}

/// The caller's API keys, in the order in which they were made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiKeyList {
    /// At most as many as an account may have: 100 unless configured otherwise.
    pub api_keys: Vec<ApiKey>,
}

/// A secret that was attached to an API key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attached {
    /// The attachment, by which it is detached.
    pub attachment: ApiKeySecretId,
}

/// A secret that an API key reaches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    /// The attachment.
    pub attachment: ApiKeySecretId,
    /// The secret.
    pub secret: SecretId,
    /// What the owner calls it, under the owner's secret key.
    pub title: Boxed,
}

/// What an API key reaches. The order means nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttachmentList {
    /// At most as many as may be attached to a key: 1,000 unless configured otherwise.
    pub attachments: Vec<Attachment>,
}
