//! Wrapped keys: the KEK, DEKs, key pairs, and the rotation that wraps them anew.

use serde::{Deserialize, Serialize};
use strongroom_primitives::{
    id::{DekId, KeyPairId},
    time::Timestamp,
};

use crate::{Base64Bytes, CryppoString};

/// A wrapped KEK, to be kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewKek {
    /// The KEK, wrapped by the caller's PDK: `Aes256Gcm`.
    pub wrapped: CryppoString,
}

/// A wrapped DEK, to be kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewDek {
    /// The DEK, wrapped by the present KEK: `Aes256Gcm`.
    pub wrapped: CryppoString,
    /// The generation of that KEK. Without it only a session that was opened under the present KEK is believed to hold
    /// it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generation: Option<u32>,
}

/// A key pair, to be kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewKeyPair {
    /// RSA of 2,048 to 8,192 bits, SubjectPublicKeyInfo in PEM, at most 8 KiB. Kept and returned as it is.
    pub public_key: String,
    /// The private key, wrapped by the present KEK: `Aes256Gcm`.
    pub wrapped_private_key: CryppoString,
    /// What to call it: at most 16 texts of 1 to 255 characters that no key pair of the account has.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub external_identifiers: Vec<String>,
    /// What to say of it: the text of a JSON object, at most 8 deep. Kept and returned as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<String>,
    /// As in [`NewDek`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generation: Option<u32>,
}

/// A new KEK, to take the present one's place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewRotation {
    /// The generation of the KEK that is to be replaced.
    pub generation: u32,
    /// The new KEK, wrapped by the caller's PDK: `Aes256Gcm`.
    pub wrapped: CryppoString,
}

/// A key that the KEK wraps: `{"dek": "..."}` or `{"keypair": "..."}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum WrappedKeyId {
    /// A DEK.
    #[serde(rename = "dek")]
    Dek(DekId),
    /// The private key of this key pair.
    #[serde(rename = "keypair")]
    KeyPair(KeyPairId),
}

/// A key as the KEK to come wraps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rewrapped {
    /// Which.
    pub id: WrappedKeyId,
    /// The key, wrapped by the KEK to come: `Aes256Gcm`.
    pub wrapped: CryppoString,
}

/// A wrapped KEK.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kek {
    /// Which of the account's KEKs, counted from 1. No number comes twice.
    pub generation: u32,
    /// The KEK, wrapped by the account's PDK.
    pub wrapped: CryppoString,
    /// When it became the present one.
    pub since: Timestamp,
    /// How many keys it wraps.
    pub keys: u64,
    /// The rotation that is under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotation: Option<Rotation>,
}

/// How far a rotation has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rotation {
    /// The generation of the KEK to come.
    pub target: u32,
    /// That KEK, wrapped by the account's PDK.
    pub wrapped: CryppoString,
    /// When the rotation began.
    pub began: Timestamp,
    /// Keys that are rewrapped.
    pub done: u64,
    /// All keys.
    pub keys: u64,
}

/// A wrapped DEK.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dek {
    /// Which.
    pub id: DekId,
    /// The generation of the KEK that wraps it.
    pub generation: u32,
    /// The DEK, wrapped by that KEK.
    pub wrapped: CryppoString,
    /// Since when it is kept.
    pub created: Timestamp,
}

/// A page of DEKs. The order means nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DekPage {
    /// The DEKs.
    pub deks: Vec<Dek>,
    /// The `cursor` of the next page, if there may be one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// A key pair.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyPair {
    /// Which.
    pub id: KeyPairId,
    /// SubjectPublicKeyInfo in PEM, exactly as it was given.
    pub public_key: String,
    /// SHA-256 of the SubjectPublicKeyInfo in DER, 32 bytes: the same for one key in whatever PEM.
    pub fingerprint: Base64Bytes,
    /// The generation of the KEK that wraps the private key.
    pub generation: u32,
    /// The private key, wrapped by that KEK.
    pub wrapped_private_key: CryppoString,
    /// What clients call it, in the order given.
    pub external_identifiers: Vec<String>,
    /// What clients say of it, exactly as it was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<String>,
    /// Since when it is kept.
    pub created: Timestamp,
}

/// A page of key pairs. The order means nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyPairPage {
    /// The key pairs.
    pub keypairs: Vec<KeyPair>,
    /// The `cursor` of the next page, if there may be one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}
