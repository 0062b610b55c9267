//! API keys: keys that an account gives to programs, with which these sign in by themselves.
//!
//! A key is two public keys, what its holder may do, and texts that the engine cannot open. A session that a key has
//! signed in for reads the key's row with every command, so whatever is taken from a key is taken from its sessions:
//! at once, on every node, even from a write in flight.
//!
//! Source: dialects/psono.md, sections 4, 7.4 and 11.

mod access;
mod attach;
mod latest;
mod list;
mod login;
mod manage;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};
use strongroom_primitives::{
    id::{AccountId, ApiKeyId, ApiKeySecretId, SecretId},
    time::Timestamp,
};
use strongroom_storage::Key;

pub use access::{
    AttachedSecret, GetAttachedKey, InspectApiKey, InspectedKey, NamedKey, ReadAttached, WriteAttached,
};
pub use attach::{AttachSecret, AttachedInfo, DetachSecret, ListAttached};
pub use list::{GetApiKey, ListApiKeys};
pub use login::{KeyLoggedIn, LoginByApiKey, LoginFacts, UserKeys};
pub use manage::{CreateApiKey, DeleteApiKey, UpdateApiKey};

use super::Sessions;
use crate::{boxed::Boxed, codec::Stored, credential::ApiKeyFlags, error::EngineError, keyspace};

/// Longest title, in bytes: 256 characters of any script.
const TITLE_BYTES_MAX: usize = 1_024;

/// Longest text that is sealed for an API key or its owner, in bytes.
const SEALED_BYTES_MAX: usize = 256;

/// Longest title of an attached secret, sealed, in bytes.
const SEALED_TITLE_BYTES_MAX: usize = 1_024;

/// Shortest sealed text: a tag.
const SEALED_BYTES_MIN: usize = 16;

/// One API key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredApiKey {
    pub(crate) title: String,
    pub(crate) flags: ApiKeyFlags,
    pub(crate) active: bool,
    pub(crate) created: Timestamp,
    /// The last instant at which it signs in and its sessions are good.
    pub(crate) expires: Option<Timestamp>,
    /// The generation of the engine's identity that its holder was set up with.
    pub(crate) identity: u32,
    /// X25519.
    public_key: [u8; 32],
    /// Ed25519.
    verify_key: [u8; 32],
    private_key: Boxed,
    secret_key: Boxed,
    user_private_key: Boxed,
    user_secret_key: Boxed,
}

impl Stored for StoredApiKey {}

/// Whose an API key is: it signs in by its id alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredApiKeyPlace {
    pub(crate) account: AccountId,
}

impl Stored for StoredApiKeyPlace {}

/// A session key has been signed in with. Kept as long as the API key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredLogin {}

impl Stored for StoredLogin {}

/// A secret that an API key reaches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredAttached {
    pub(crate) id: ApiKeySecretId,
    /// The secret's key under that of the API key.
    pub(crate) secret_key: Boxed,
    /// The title under the owner's key.
    pub(crate) title: Boxed,
}

impl Stored for StoredAttached {}

/// Which attachment an id names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredAttachedPlace {
    pub(crate) api_key: ApiKeyId,
    pub(crate) secret: SecretId,
}

impl Stored for StoredAttachedPlace {}

impl StoredAttachedPlace {
    /// The row of the API key that this one, under `key`, hangs on.
    pub(crate) fn api_key_of(&self, key: &Key) -> Option<Key> {
        Some(keyspace::api_key(AccountId::from_bytes(keyspace::sixteen(key, 1)?), self.api_key))
    }
}

/// The row of the API key that a row hangs on whose key is of this kind: account, API key, and perhaps something more.
/// Without that row, it can be forgotten.
pub(crate) fn api_key_of(key: &Key) -> Option<Key> {
    let account = AccountId::from_bytes(keyspace::sixteen(key, 1)?);
    Some(keyspace::api_key(account, ApiKeyId::from_bytes(keyspace::sixteen(key, 17)?)))
}

/// What an account sees of one of its API keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiKeyInfo {
    /// Which.
    pub id: ApiKeyId,
    /// What its owner calls it.
    pub title: String,
    /// What it may do.
    pub flags: ApiKeyFlags,
    /// Whether it signs in at all.
    pub active: bool,
    /// Since when there is one.
    pub created: Timestamp,
    /// The last instant at which it is good, if limited.
    pub expires: Option<Timestamp>,
    /// X25519.
    pub public_key: [u8; 32],
    /// Its private key under the owner's secret key.
    pub private_key: Boxed,
    /// Its secret key under the owner's secret key.
    pub secret_key: Boxed,
}

impl StoredApiKey {
    fn info(&self, id: ApiKeyId) -> ApiKeyInfo {
        ApiKeyInfo {
            id,
            title: self.title.clone(),
            flags: self.flags,
            active: self.active,
            created: self.created,
            expires: self.expires,
            public_key: self.public_key,
            private_key: self.private_key.clone(),
            secret_key: self.secret_key.clone(),
        }
    }

    /// Whether it is good now.
    pub(crate) fn is_good(&self, now: Timestamp) -> bool {
        self.active && self.expires.is_none_or(|expires| now <= expires)
    }
}

/// # Errors
/// [`EngineError::FieldSize`].
fn check_title(title: &str) -> Result<(), EngineError> {
    let bytes = title.len();
    let fits = bytes <= TITLE_BYTES_MAX;
    if fits { Ok(()) } else { Err(EngineError::FieldSize { field: "title", bytes, max: TITLE_BYTES_MAX }) }
}
