//! What sessions are sealed with, remembered so that not every request has to ask for it.
//!
//! Believe this: what is kept here never changes for a token, and grants nothing. Whether the session is still good, and
//! what it may do, the engine decides by its rows with every command.

use std::sync::Arc;

use quick_cache::sync::Cache;
use strongroom_engine::domains::sessions::sealed::SessionSeal;
use strongroom_primitives::nacl::BoxKey;

/// Sessions that are remembered: some two hundred bytes each.
const SEALS_MAX: usize = 16_384;

/// What one session is sealed with. The key is wiped when the last holder lets go of it.
pub(super) struct Seal {
    /// Which session, and what it says of its device.
    pub(super) facts: SessionSeal,
    /// The session key.
    pub(super) key: BoxKey,
}

/// Seals by the digest of the session's token, the least used of which make room.
pub(super) struct Seals(Cache<[u8; 32], Arc<Seal>>);

impl Seals {
    pub(super) fn new() -> Self {
        Self(Cache::new(SEALS_MAX))
    }

    pub(super) fn get(&self, token: &[u8; 32]) -> Option<Arc<Seal>> {
        self.0.get(token)
    }

    pub(super) fn remember(&self, token: [u8; 32], seal: Arc<Seal>) {
        self.0.insert(token, seal);
    }

    pub(super) fn forget(&self, token: &[u8; 32]) {
        self.0.remove(token);
    }
}
