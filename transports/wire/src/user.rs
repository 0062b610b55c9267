//! People: signing up and in with a password that never leaves the client.
//!
//! The protocol is SRP-6a with the 3072-bit group of RFC 5054, SHA-256 and the proofs of RFC 2945; `docs/native-api.md`
//! has it to the byte. Values of the group have 384 bytes, proofs 32.

use serde::{Deserialize, Serialize};
use strongroom_primitives::{
    id::{AccountId, Audience, RealmId},
    time::Timestamp,
};

use crate::{Base64Bytes, CryppoString, SessionOpened};

/// Where people sign up here, and what the vault is called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceInfo {
    /// The realm of people who sign in with a passphrase.
    pub users_realm: RealmId,
    /// The vault, as `admission.issue` names it.
    pub vault_audience: Audience,
}

/// A new user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Registration {
    /// One that was reserved.
    pub username: String,
    /// 16 to 64 random bytes.
    pub salt: Base64Bytes,
    /// `v = g^x mod N`, big-endian, 384 bytes.
    pub verifier: Base64Bytes,
    /// How the client makes the password out of passphrase and Secret Key, in its own words; at most 256 bytes. Told to
    /// whoever begins to sign in.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub derivation: String,
}

/// Where a sign-in begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SrpStart {
    /// Who.
    pub username: String,
    /// A, big-endian, 384 bytes.
    pub client_public: Base64Bytes,
}

/// Where a sign-in ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SrpProof {
    /// Who.
    pub username: String,
    /// A, as the challenge was asked for.
    pub client_public: Base64Bytes,
    /// M1, 32 bytes.
    pub proof: Base64Bytes,
    /// Seconds for which the session is to be good; at most, and unless said, 30 days.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub life_s: Option<u64>,
    /// What its holder calls the session; at most 128 bytes are kept. Over HTTP without it, the `User-Agent`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub label: String,
}

/// Another passphrase for the caller. Takes a proof of the present one, by a challenge like any sign-in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PassphraseChange {
    /// A, as the challenge was asked for.
    pub client_public: Base64Bytes,
    /// M1 by the present passphrase, 32 bytes.
    pub proof: Base64Bytes,
    /// 16 to 64 random bytes, for the new passphrase.
    pub salt: Base64Bytes,
    /// `v = g^x mod N` by the new passphrase, big-endian, 384 bytes.
    pub verifier: Base64Bytes,
    /// As in [`Registration`].
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub derivation: String,
    /// The KEK; given exactly if the account has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kek: Option<KekRewrapped>,
}

/// The KEK as the new passphrase wraps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KekRewrapped {
    /// The generation of the present KEK, as the caller has read it.
    pub generation: u32,
    /// The present KEK.
    pub wrapped: CryppoString,
    /// The KEK of the rotation that is under way, if one is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<TargetRewrapped>,
}

/// The KEK to come as the new passphrase wraps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TargetRewrapped {
    /// Its generation.
    pub generation: u32,
    /// It.
    pub wrapped: CryppoString,
}

/// A username that nobody else can register.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsernameReserved {
    /// 11 characters of base58.
    pub username: String,
    /// The last instant at which it is kept.
    pub expires: Timestamp,
}

/// A user was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserRegistered {
    /// The account.
    pub account: AccountId,
}

/// What a password is to be proved against. A name without an account gets one too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SrpChallenge {
    /// The salt.
    pub salt: Base64Bytes,
    /// B, big-endian, 384 bytes.
    pub server_public: Base64Bytes,
    /// How the account's client makes the password, in its own words; empty where it said nothing.
    pub derivation: String,
    /// The last instant at which an answer is taken.
    pub expires: Timestamp,
}

/// Somebody has signed in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedIn {
    /// The session and its token, which is shown this once.
    pub session: SessionOpened,
    /// M2, by which the server shows that it knows the verifier: 32 bytes.
    pub server_proof: Base64Bytes,
    /// Attempts to sign in to this account that failed since the last one that did not.
    pub failures: u64,
}

/// The passphrase is another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PassphraseChanged {
    /// M2, by which the server shows that it knew the former verifier: 32 bytes.
    pub server_proof: Base64Bytes,
    /// Sessions that ended: all but the caller's.
    pub ended: u64,
}

/// Attempts to sign in to the caller's account that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignInFailures {
    /// How many since the last one that did not.
    pub count: u64,
    /// The last failure ever, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<Timestamp>,
}
