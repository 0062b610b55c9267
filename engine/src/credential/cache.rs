//! What is pure about credentials, remembered: a signature that verified, the account that a session belongs to.
//! Bounded by two generations: when the young one is full it becomes the old one, and what nobody asked for since is
//! dropped.

#[expect(clippy::disallowed_types, reason = "looked up by digest and never iterated")]
use std::collections::HashMap;
use std::{
    hash::{BuildHasherDefault, Hasher},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use strongroom_primitives::{
    dc1::ChainId,
    id::{AccountId, ApiKeyId, RealmId, Subject},
    time::Timestamp,
};
use strongroom_storage::{Key, Revision};

use super::Rights;
use crate::domains::service_keys::StoredServiceKey;

/// How often the use of a session is written down at most.
const SEEN_EVERY: Duration = Duration::from_secs(60);

/// Keys are digests, which are spread well enough as they are.
#[derive(Default)]
pub(super) struct DigestHasher(u64);

impl Hasher for DigestHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        if let Some(first) = bytes.first_chunk() {
            self.0 = u64::from_le_bytes(*first);
        }
    }

    fn write_usize(&mut self, _length: usize) {}
}

#[expect(clippy::disallowed_types, reason = "looked up by digest and never iterated")]
type ByDigest<T> = HashMap<[u8; 32], Arc<T>, BuildHasherDefault<DigestHasher>>;

/// A bounded map from digests to facts.
struct Generations<T> {
    young: ByDigest<T>,
    old: ByDigest<T>,
    max: usize,
}

impl<T> Generations<T> {
    fn new(max: usize) -> Self {
        Self { young: ByDigest::default(), old: ByDigest::default(), max: max.max(2) / 2 }
    }

    fn get(&mut self, digest: &[u8; 32]) -> Option<Arc<T>> {
        if let Some(found) = self.young.get(digest) {
            return Some(found.clone());
        }
        let found = self.old.remove(digest)?;
        self.insert(*digest, found.clone());
        Some(found)
    }

    fn insert(&mut self, digest: [u8; 32], fact: Arc<T>) {
        if self.young.len() >= self.max {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(digest, fact);
    }
}

/// A token whose signature verified against `public_key`.
pub(crate) struct VerifiedToken {
    pub(crate) realm: RealmId,
    pub(crate) key_id: String,
    pub(crate) subject: Subject,
    pub(crate) account: AccountId,
    pub(crate) expires: Timestamp,
    pub(crate) rights: Option<Rights>,
    pub(crate) public_key: [u8; 32],
}

/// What never changes about a bearer session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct KnownBearer {
    pub(crate) account: AccountId,
    /// The API key that it was opened with.
    pub(crate) api_key: Option<ApiKeyId>,
}

/// A service key's row as it was read: its permissions document and its public key take longer to read than the rest of a
/// request takes. Its secret is in it as it lies in the store, sealed.
struct ReadServiceKey {
    /// The row's. Another one means that the row has changed.
    revision: Revision,
    stored: Arc<StoredServiceKey>,
}

/// Service keys that are remembered. What a document may hold takes many times its own length once it is read.
const SERVICE_KEYS_MAX: usize = 2_048;

/// The cache of one engine.
pub(crate) struct CredentialCache {
    tokens: Mutex<Generations<VerifiedToken>>,
    bearers: Mutex<Generations<KnownBearer>>,
    /// When the use of a session was last written down.
    seen: Mutex<Generations<Timestamp>>,
    /// Rows of service keys, by their keys in the store.
    service_keys: Mutex<Generations<ReadServiceKey>>,
    /// In which chain a service key is that is named by its id alone, by the key of the row that says so.
    places: Mutex<Generations<ChainId>>,
}

impl CredentialCache {
    pub(crate) fn new(max: usize) -> Self {
        Self {
            tokens: Mutex::new(Generations::new(max)),
            bearers: Mutex::new(Generations::new(max)),
            seen: Mutex::new(Generations::new(max)),
            service_keys: Mutex::new(Generations::new(max.min(SERVICE_KEYS_MAX))),
            places: Mutex::new(Generations::new(max)),
        }
    }

    pub(crate) fn token(&self, digest: &[u8; 32]) -> Option<Arc<VerifiedToken>> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner).get(digest)
    }

    pub(crate) fn remember_token(&self, digest: [u8; 32], token: Arc<VerifiedToken>) {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner).insert(digest, token);
    }

    /// Whose a bearer session was when it was last seen.
    pub(crate) fn bearer(&self, digest: &[u8; 32]) -> Option<KnownBearer> {
        self.bearers.lock().unwrap_or_else(PoisonError::into_inner).get(digest).map(|known| *known)
    }

    /// Whether the use of a session is to be written down: once a minute, as far as this engine knows.
    pub(crate) fn is_due(&self, digest: &[u8; 32], now: Timestamp) -> bool {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let due = seen.get(digest).is_none_or(|last| now.since(*last) >= SEEN_EVERY);
        if due {
            seen.insert(*digest, Arc::new(now));
        }
        due
    }

    /// The row of a service key, if it was read at this revision.
    pub(crate) fn service_key(&self, key: &Key, revision: Revision) -> Option<Arc<StoredServiceKey>> {
        let known = self.service_keys.lock().unwrap_or_else(PoisonError::into_inner).get(&digest_of(key))?;
        (known.revision == revision).then(|| known.stored.clone())
    }

    pub(crate) fn remember_service_key(&self, key: &Key, revision: Revision, stored: Arc<StoredServiceKey>) {
        let read = Arc::new(ReadServiceKey { revision, stored });
        self.service_keys.lock().unwrap_or_else(PoisonError::into_inner).insert(digest_of(key), read);
    }

    /// The chain that the row under `key` was seen to name. Rows of this kind never change.
    pub(crate) fn place(&self, key: &Key) -> Option<Arc<ChainId>> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner).get(&digest_of(key))
    }

    pub(crate) fn remember_place(&self, key: &Key, chain: ChainId) {
        self.places.lock().unwrap_or_else(PoisonError::into_inner).insert(digest_of(key), Arc::new(chain));
    }

    pub(crate) fn remember_bearer(&self, digest: [u8; 32], known: KnownBearer) {
        self.bearers.lock().unwrap_or_else(PoisonError::into_inner).insert(digest, Arc::new(known));
    }
}

/// Keys of rows end with keyed hashes, of which nobody makes many that begin alike.
fn digest_of(key: &Key) -> [u8; 32] {
    let mut digest = [0; 32];
    let end = key.as_bytes().iter().rev();
    digest.iter_mut().zip(end).for_each(|(to, from)| *to = *from);
    digest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_never_holds_more_than_its_bound_and_keeps_what_is_used() {
        let mut generations = Generations::new(8);
        let digest = |n: u64| {
            let mut digest = [0; 32];
            digest[..8].copy_from_slice(&n.to_le_bytes());
            digest
        };
        for n in 0..1_000 {
            generations.insert(digest(n), Arc::new(n));
            assert!(generations.get(&digest(0)).is_some(), "asked for every time, so it stays");
            assert!(generations.young.len() + generations.old.len() <= 8);
        }
        assert!(generations.get(&digest(500)).is_none());
    }

    /// A-MAC-06: a row that has changed is read anew, however it was remembered, and so is that of another key.
    #[test]
    fn a_service_key_is_remembered_for_one_state_of_its_row() {
        let cache = CredentialCache::new(16);
        let key = |number: u8| Key::new([&b"CK"[..], &[number; 32]].concat());
        let stored = Arc::new(StoredServiceKey::sample());
        cache.remember_service_key(&key(1), Revision(7), stored.clone());
        assert!(cache.service_key(&key(1), Revision(7)).is_some());
        for (other, revision) in [(key(1), 6), (key(1), 8), (key(2), 7)] {
            assert!(cache.service_key(&other, Revision(revision)).is_none());
        }
        cache.remember_service_key(&key(1), Revision(8), stored);
        assert!(cache.service_key(&key(1), Revision(8)).is_some());
        assert!(cache.service_key(&key(1), Revision(7)).is_none());
    }
}
