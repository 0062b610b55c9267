//! Rows of escrow, and what they hold that callers see.

use serde::{Deserialize, Serialize};
use strongroom_primitives::{id::BoxId, time::Timestamp};

use super::{HASH_BYTES_MAX, PUBLIC_KEY_BYTES_MAX, check_size};
use crate::{codec::Stored, command::Moment, error::EngineError, limits::Limits};

/// One half of a root key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredShare {
    pub(super) filed: Timestamp,
    pub(super) expires: Timestamp,
    /// How often it was handed out.
    pub(super) reads: u32,
    /// The share and what its client says of it, sealed for account, kind, hash and expiry.
    pub(super) sealed: Vec<u8>,
}

impl Stored for StoredShare {}

impl StoredShare {
    /// Whether its time is over.
    pub(crate) fn has_expired(&self, now: Timestamp) -> bool {
        now > self.expires
    }

    /// Whether it was handed out as often as it may be.
    pub(super) fn is_used_up(&self, limits: &Limits) -> bool {
        limits.escrow_share_reads_max != 0 && self.reads >= limits.escrow_share_reads_max
    }

    /// Whether it is handed out no more.
    pub(super) fn is_over(&self, moment: &Moment<'_>) -> bool {
        self.has_expired(moment.now) || self.is_used_up(moment.limits)
    }
}

/// A key of the account and the text under which it lies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WrappedRoot {
    /// SHA-512 of the key it is known by, at most 64 bytes. Opaque.
    pub key_hash: Vec<u8>,
    /// The key, sealed by the client. Opaque.
    pub encrypted: String,
}

impl WrappedRoot {
    pub(super) fn check(&self, limits: &Limits) -> Result<(), EngineError> {
        check_size("key_hash", self.key_hash.len(), HASH_BYTES_MAX)?;
        check_size("encrypted_key", self.encrypted.len(), limits.escrow_secret_bytes_max)
    }
}

/// The keys that an account's secrets lie under.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct StoredStorage {
    pub(super) root: WrappedRoot,
    pub(super) vault: WrappedRoot,
    /// Wrapped secrets of both kinds.
    pub(super) secrets: u64,
    pub(super) since: Timestamp,
}

impl Stored for StoredStorage {}

/// The secret half of a key pair under the root key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AsymKey {
    /// The public half, as its client writes it.
    pub public_key: String,
    /// The secret half, sealed by the client. Opaque.
    pub encrypted: String,
    /// When it was stored.
    pub created: Timestamp,
}

impl Stored for AsymKey {}

impl AsymKey {
    pub(super) fn check(public_key: &str, encrypted: &str, limits: &Limits) -> Result<(), EngineError> {
        check_size("public_key", public_key.len(), PUBLIC_KEY_BYTES_MAX)?;
        check_size("encrypted_secret_key", encrypted.len(), limits.escrow_secret_bytes_max)
    }
}

/// A share of the key of a box, under the root key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BoxShare {
    /// Names what is stored; stays when it is replaced. A UUID of version 4.
    pub id: [u8; 16],
    /// Of which box.
    pub in_box: BoxId,
    /// SHA-512 of the share, at most 64 bytes. Opaque.
    pub share_hash: Vec<u8>,
    /// The share, sealed by the client. Opaque.
    pub encrypted: String,
    /// When the first was stored.
    pub created: Timestamp,
    /// When this one was.
    pub updated: Timestamp,
}

impl Stored for BoxShare {}

impl BoxShare {
    pub(super) fn check(share_hash: &[u8], encrypted: &str, limits: &Limits) -> Result<(), EngineError> {
        check_size("invitation_share_hash", share_hash.len(), HASH_BYTES_MAX)?;
        check_size("encrypted_invitation_share", encrypted.len(), limits.escrow_secret_bytes_max)
    }
}

/// The public keys of an identity, as its client writes them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdentityKeys {
    /// For those who know who it is.
    pub identified: String,
    /// For those who do not.
    pub non_identified: String,
    /// The same for RSA, where the client has such keys.
    pub identified_rsa: Option<String>,
    /// The same.
    pub non_identified_rsa: Option<String>,
}

impl Stored for IdentityKeys {}

impl IdentityKeys {
    pub(super) fn check(&self) -> Result<(), EngineError> {
        let all = [Some(&self.identified), Some(&self.non_identified)];
        let rsa = [self.identified_rsa.as_ref(), self.non_identified_rsa.as_ref()];
        let mut keys = all.into_iter().chain(rsa).flatten();
        keys.try_for_each(|key| check_size("pubkey", key.len(), PUBLIC_KEY_BYTES_MAX))
    }
}
