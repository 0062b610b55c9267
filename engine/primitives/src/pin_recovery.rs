//! Recovery of a secret by a PIN, from realms that each count the guesses: the Juicebox protocol, both halves.
//!
//! ```text
//! client                                          each realm
//! Configuration::register: shares of two keys  ->   keeps a Registration, count 0
//! Configuration::agree                         <-   version
//! Agreed::blind: a point that hides the PIN    ->   count + 1, then Registration::evaluate
//! Blinded::unlock: the guess was right, or not <-   its part of the result, with a proof
//! Unlocked::request: a tag                     ->   Registration::unlocks: count 0
//! Unlocked::open: the secret                   <-   its share of the encryption key
//! ```
//!
//! | here | is |
//! |---|---|
//! | [`messages`] | requests and answers in CBOR |
//! | [`oprf`] | the evaluation of a blinded PIN under a key, with its proof |
//! | [`pin`] | what a PIN is stretched to |
//! | [`unlock`] | what a right guess gives, and the encryption of the secret |
//! | [`configuration`], [`recovering`] | the client's half over all realms |
//! | [`tenant_token`], [`tenant_key`] | who may ask: tokens of tenants, made and checked |
//! | [`names`] | what a user is called in a store and in a log |
//!
//! Believe this: a realm learns neither the PIN nor the secret, and below the threshold realms learn nothing together.
//! All that stands between a thief of the threshold and the secret is the cost of stretching the PIN. A realm's promise
//! is to count a guess durably before what [`messages::Registration::evaluate`] gives leaves it; the count itself is
//! not kept here. What the OPRF does has the structure of RFC 9497 but other labels and another map to the group, so it
//! is no instance of it. Source: `RECOVERY.md`, section 3.

pub mod configuration;
pub mod messages;
pub mod names;
mod octets;
pub mod oprf;
pub mod pin;
mod public_key;
mod realm;
pub mod recovering;
mod registering;
mod shares;
pub mod tenant_key;
pub mod tenant_token;
#[cfg(test)]
mod tests;
pub mod unlock;

use std::{borrow::Cow, fmt};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

pub use self::octets::SecretOctets;
use crate::encoding::{EncodingError, array_from_hex, to_hex};
use crate::id::Sixteen;

/// Length of the id of a realm, in bytes.
pub const REALM_ID_BYTES: usize = 16;
/// Length of a registration's version, in bytes.
pub const VERSION_BYTES: usize = 16;
/// Length of an encoded point of ristretto255, in bytes.
pub const POINT_BYTES: usize = 32;
/// Length of an encoded scalar of ristretto255, in bytes, little endian.
pub const SCALAR_BYTES: usize = 32;

/// What is wrong with what a user or a peer gave. Never contains it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PinRecoveryError {
    /// A message longer than [`messages::MESSAGE_BYTES_MAX`].
    #[error("message is too long")]
    TooLong,
    /// A message that is not one of the known ones in CBOR.
    #[error("message is malformed")]
    Malformed,
    /// 32 bytes that are no scalar in its one encoding, or zero where a key is expected.
    #[error("not a usable scalar")]
    Scalar,
    /// 32 bytes that are no point in its one encoding, or the identity.
    #[error("not a usable point")]
    Point,
    /// What should be chance is zero.
    #[error("the source of chance gives zeros")]
    Chance,
    /// The proof that a realm used its key does not verify.
    #[error("proof does not verify")]
    Proof,
    /// A public key is not signed for this realm.
    #[error("public key is not signed for this realm")]
    Signature,
    /// A registration's public key is not that of its private key.
    #[error("public key and private key do not belong together")]
    KeyPair,
    /// A PIN or user info above [`pin::INPUT_BYTES_MAX`], or a secret above [`unlock::SECRET_BYTES_MAX`].
    #[error("input is too long")]
    InputLength,
    /// There was not as much memory as stretching the PIN takes.
    #[error("not enough memory to stretch the PIN")]
    Memory,
    /// No realm, more than 255 or one of them twice, or thresholds that are not a strict majority to recover and at
    /// least as many to register.
    #[error("configuration of realms is not sound")]
    Configuration,
    /// The encrypted secret does not open.
    #[error("encrypted secret does not open")]
    Sealed,
}

/// The public name of a realm of recovery: 16 bytes, 32 digits of hexadecimal as text. Not to be taken for
/// [`crate::id::RealmId`], which names an application.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecoveryRealmId([u8; REALM_ID_BYTES]);

impl RecoveryRealmId {
    /// From its 16 bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; REALM_ID_BYTES]) -> Self {
        Self(bytes)
    }

    /// Reads 32 digits of lower-case hexadecimal.
    ///
    /// # Errors
    /// [`EncodingError::Hex`], [`EncodingError::Length`].
    pub fn from_hex(text: &str) -> Result<Self, EncodingError> {
        array_from_hex(text).map(Self)
    }

    /// Its 16 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; REALM_ID_BYTES] {
        &self.0
    }
}

impl Serialize for RecoveryRealmId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            serializer.serialize_bytes(&self.0)
        }
    }
}

impl<'de> Deserialize<'de> for RecoveryRealmId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            let text = Cow::<'de, str>::deserialize(deserializer)?;
            Self::from_hex(&text).map_err(de::Error::custom)
        } else {
            deserializer.deserialize_bytes(Sixteen).map(Self)
        }
    }
}

impl fmt::Display for RecoveryRealmId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&to_hex(&self.0))
    }
}

impl fmt::Debug for RecoveryRealmId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RecoveryRealmId({self})")
    }
}
