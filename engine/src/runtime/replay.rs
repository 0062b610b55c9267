//! Idempotency: a retried command gets its first answer.
//!
//! The slot is written in the commit's own batch and read, guarded, before the next try. It holds a fingerprint of the
//! command and the answer sealed under a key derived from the idempotency key, which the store never sees.

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use strongroom_primitives::{
    id::{AccountId, IdempotencyKey},
    seal::{NONCE_BYTES, Place, SealKey},
    time::Timestamp,
};
use strongroom_storage::Key;

use crate::{
    codec::Stored,
    command::{Moment, View},
    error::EngineError,
    keyspace::Keyspace,
};

const PURPOSE: &str = "strongroom idempotent answer v1";

/// A kept answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredSlot {
    fingerprint: [u8; 32],
    sealed: Vec<u8>,
    pub(crate) expires: Timestamp,
}

impl Stored for StoredSlot {}

/// The slot of one caller's idempotency key, for one command.
pub(super) struct Slot {
    key: Key,
    fingerprint: [u8; 32],
    seal: SealKey,
}

impl Slot {
    pub(super) fn new(
        idempotency: &IdempotencyKey,
        fingerprint: [u8; 32],
        account: AccountId,
        space: &Keyspace,
    ) -> Self {
        let key = space.slot(account, idempotency);
        Self { key, fingerprint, seal: SealKey::derive(idempotency.expose(), PURPOSE) }
    }

    fn place(&self) -> Place {
        Place::new("idempotent answer", &[self.key.as_bytes(), &self.fingerprint])
    }

    /// The first answer, if there was one.
    pub(super) fn answer<R: DeserializeOwned>(
        &self,
        view: &View<'_>,
        now: Timestamp,
    ) -> Result<Option<R>, EngineError> {
        let Some(stored) = view.row::<StoredSlot>(&self.key)?.filter(|stored| now <= stored.expires) else {
            return Ok(None);
        };
        if stored.fingerprint != self.fingerprint {
            return Err(EngineError::IdempotencyMismatch);
        }
        let plain = self.seal.open(&self.place(), &stored.sealed).map_err(|_| EngineError::Corrupt)?;
        postcard::from_bytes(&plain).map(Some).map_err(|_| EngineError::Corrupt)
    }

    /// The row that keeps `reply`.
    pub(super) fn fill<R: Serialize>(&self, reply: &R, moment: &Moment<'_>) -> (Key, StoredSlot) {
        let plain = postcard::to_allocvec(reply).expect("replies are made of types that postcard can write");
        let sealed = self.seal.seal(moment.entropy.array::<NONCE_BYTES>(), &self.place(), &plain);
        let expires = moment.now.saturating_add(moment.limits.idempotency_ttl);
        (self.key.clone(), StoredSlot { fingerprint: self.fingerprint, sealed, expires })
    }
}

/// The outcome of an answer, for metrics.
pub(super) fn outcome<R>(answer: &Result<R, EngineError>) -> &'static str {
    answer.as_ref().map_or_else(EngineError::code, |_| "ok")
}
