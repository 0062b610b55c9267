//! Keys of chains, their service keys, and the signatures that were taken.

use strongroom_primitives::{
    dc1::{ChainId, KeyId},
    hash::keyed_hash16,
    id::AccountId,
};
use strongroom_storage::Key;

use super::{Keyspace, spell};
use crate::command::Lane;

/// How many chains there are.
pub(crate) fn chains_count() -> Key {
    Key::from_static(b"Mchains")
}

pub(crate) fn chains() -> Key {
    Key::from_static(b"CC")
}

pub(crate) fn signatures() -> Key {
    Key::from_static(b"CS")
}

/// The row of a signature that was taken.
pub(crate) fn signature(signature: &[u8; 16]) -> Key {
    spell(b'C', &[b"S", signature])
}

pub(crate) fn is_signature(key: &Key) -> bool {
    key.as_bytes().starts_with(b"CS")
}

impl Keyspace {
    fn chain_hash(&self, chain: &ChainId) -> [u8; 16] {
        keyed_hash16(&self.naming, "chain", &[chain.as_str().as_bytes()])
    }

    fn of_service_key(&self, kind: &[u8], chain: &ChainId, key: &KeyId) -> Key {
        let key = keyed_hash16(&self.naming, "service key", &[key.as_str().as_bytes()]);
        spell(b'C', &[kind, &self.chain_hash(chain), &key])
    }

    pub(crate) fn chain(&self, chain: &ChainId) -> Key {
        spell(b'C', &[b"C", &self.chain_hash(chain)])
    }

    pub(crate) fn service_key(&self, chain: &ChainId, key: &KeyId) -> Key {
        self.of_service_key(b"K", chain, key)
    }

    pub(crate) fn service_keys(&self, chain: &ChainId) -> Key {
        spell(b'C', &[b"K", &self.chain_hash(chain)])
    }

    /// The mark that a key id was in use and is not issued again.
    pub(crate) fn retired_key(&self, chain: &ChainId, key: &KeyId) -> Key {
        self.of_service_key(b"D", chain, key)
    }

    /// Where a key is that is named by its id alone.
    pub(crate) fn key_place(&self, key: &KeyId) -> Key {
        let key = keyed_hash16(&self.naming, "service key place", &[key.as_str().as_bytes()]);
        spell(b'C', &[b"I", &key])
    }

    pub(crate) fn service_key_use(&self, chain: &ChainId, key: &KeyId) -> Key {
        self.of_service_key(b"L", chain, key)
    }

    pub(crate) fn service_key_uses(&self, chain: &ChainId) -> Key {
        spell(b'C', &[b"L", &self.chain_hash(chain)])
    }

    /// The lane of all that is written about the keys of a chain.
    pub(crate) fn chain_lane(&self, chain: &ChainId) -> Lane {
        Lane(keyed_hash16(&self.naming, "chain lane", &[chain.as_str().as_bytes()]))
    }

    /// What stands for a service key where an account would.
    pub(crate) fn service_account(&self, chain: &ChainId, key: &KeyId) -> AccountId {
        let parts = [chain.as_str().as_bytes(), key.as_str().as_bytes()];
        AccountId::from_bytes(keyed_hash16(&self.naming, "service key as account", &parts))
    }

    /// A signature as it is remembered, by the bytes that were compared and not by the text that spells them.
    pub(crate) fn taken(&self, chain: &ChainId, key: &KeyId, mac: &[u8]) -> [u8; 16] {
        let parts = [chain.as_str().as_bytes(), key.as_str().as_bytes(), mac];
        keyed_hash16(&self.naming, "signature", &parts)
    }

    /// A message signature as it is remembered, by the nonce that its key promises not to use again.
    pub(crate) fn taken_nonce(&self, key: &KeyId, nonce: &str) -> [u8; 16] {
        let parts = [key.as_str().as_bytes(), nonce.as_bytes()];
        keyed_hash16(&self.naming, "message nonce", &parts)
    }
}
