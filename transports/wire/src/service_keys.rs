//! Chains, and the service keys that sign requests to them.

use serde::{Deserialize, Serialize};
use strongroom_primitives::{
    dc1::{ChainId, KeyId},
    time::Timestamp,
};

use crate::{Base64Array, TokenText};

/// A chain to be made. Source: dialects/dragonchain.md, section 6.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewChain {
    /// Its id: 1 to 64 characters of base58; without it one is drawn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<ChainId>,
    /// The id of its root key: 1 to 64 of `A-Z`, `0-9` and `_`; without it one is drawn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root: Option<KeyId>,
    /// The secret of its root key: 32 to 256 letters, digits and `._~:/@+=-`; without it one is drawn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<TokenText>,
}

/// The root key of a chain, with its secret, which is shown this once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RootKey {
    /// The chain.
    pub chain: ChainId,
    /// The key.
    pub id: KeyId,
    /// The text whose bytes are the key of the HMAC.
    pub secret: TokenText,
}

/// A chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chain {
    /// Which.
    pub id: ChainId,
    /// Its root key.
    pub root: KeyId,
    /// Since when there is one.
    pub since: Timestamp,
    /// Keys that it has, the root key included.
    pub keys: u64,
}

/// All chains, in the order of their ids.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChainList {
    /// At most as many as the server may have.
    pub chains: Vec<Chain>,
}

/// How a service key signs. It signs in no other manner. Source: SIGNING.md.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ServiceKeyKind {
    /// By DC1-HMAC, in the dialect of chains, with a secret.
    #[default]
    Dc1Hmac,
    /// By RFC 9421 with HMAC-SHA256, with a secret.
    HmacSha256,
    /// By RFC 9421 with Ed25519: the server has the public key only.
    Ed25519,
}

impl ServiceKeyKind {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// A service key to be made.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewServiceKey {
    /// Of which chain: the operator says, and a service key reaches none but its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chain: Option<ChainId>,
    /// How it signs.
    #[serde(default, skip_serializing_if = "ServiceKeyKind::is_default")]
    pub kind: ServiceKeyKind,
    /// The public half of a key that signs with Ed25519, 32 bytes; no other kind has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_key: Option<Base64Array<32>>,
    /// What it is called; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub nickname: String,
    /// What it may do: the text of a permissions document; without it everything but making, changing and deleting keys.
    /// Source: dialects/dragonchain.md, section 5.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permissions: Option<String>,
    /// The last instant at which it signs, if limited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
}

/// What is shown of a service key. Its secret never is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceKey {
    /// Which of its chain.
    pub id: KeyId,
    /// How it signs.
    pub kind: ServiceKeyKind,
    /// Its public half, of a key that signs with Ed25519.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_key: Option<Base64Array<32>>,
    /// What somebody calls it; may be empty.
    pub nickname: String,
    /// Whether it is the chain's root key.
    pub root: bool,
    /// Since when there is one.
    pub registered: Timestamp,
    /// What it may do: the text of a permissions document.
    pub permissions: String,
    /// The last instant at which it signs, if limited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
    /// When it was last used, give or take a minute, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used: Option<Timestamp>,
    /// Until when it also signs with the secret, or the key, before its present one, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overlap_until: Option<Timestamp>,
}

/// A service key, with its secret if the server drew one, which is shown this once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceKeyMade {
    /// The key.
    pub key: ServiceKey,
    /// The text whose bytes are the key of the HMAC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<TokenText>,
}

/// The keys of a chain, in the order of their ids, the root key included.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceKeyList {
    /// At most as many as a chain may have.
    pub service_keys: Vec<ServiceKey>,
}

/// The service key that has signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceKeyInUse {
    /// Its chain.
    pub chain: ChainId,
    /// Which of the chain.
    pub id: KeyId,
    /// Whether it is the chain's root key.
    pub root: bool,
    /// The last instant at which it signs, if limited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
}
