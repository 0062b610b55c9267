//! Keys of the three ways back: halves of root keys, escrows among holders, and records of realms of recovery.

use strongroom_primitives::{
    hash::keyed_hash16,
    id::{AccountId, BoxId, EscrowId, RecoveryRequestId, Subject},
    pin_recovery::RecoveryRealmId,
};
use strongroom_storage::Key;

use super::{Keyspace, spell};
use crate::command::Lane;

/// All that escrow keeps for an account under one letter.
fn escrow_of(account: AccountId, kind: u8) -> Key {
    spell(b'U', &[account.as_bytes(), &[kind]])
}

/// The shares of an account that are of one kind: the letter of the kind.
pub(crate) fn escrow_shares(account: AccountId, kind: u8) -> Key {
    escrow_of(account, kind)
}

/// Whether a key is that of a share of a root key, of either kind.
pub(crate) fn is_escrow_share(key: &Key) -> bool {
    matches!(key.as_bytes().get(17), Some(b'r' | b'k'))
}

pub(crate) fn escrow_storage(account: AccountId) -> Key {
    escrow_of(account, b's')
}

pub(crate) fn escrow_asym_keys(account: AccountId) -> Key {
    escrow_of(account, b'a')
}

pub(crate) fn escrow_box_shares(account: AccountId) -> Key {
    escrow_of(account, b'b')
}

pub(crate) fn escrow_box_share(account: AccountId, in_box: BoxId) -> Key {
    spell(b'U', &[account.as_bytes(), b"b", in_box.as_bytes()])
}

pub(crate) fn escrow_password(account: AccountId) -> Key {
    escrow_of(account, b'p')
}

pub(crate) fn escrow_misses(account: AccountId) -> Key {
    escrow_of(account, b'm')
}

/// Whether a key is that of what an account has missed.
pub(crate) fn is_escrow_misses(key: &Key) -> bool {
    key.as_bytes().get(17) == Some(&b'm')
}

pub(crate) fn is_pin_grace(key: &Key) -> bool {
    key.as_bytes().starts_with(b"OG")
}

/// The keys of what a user has at a realm of recovery.
pub(crate) struct PinKeys {
    pub(crate) realm: Key,
    pub(crate) record: Key,
    pub(crate) key: Key,
    pub(crate) grace: Key,
    /// Of the user's tenant.
    pub(crate) log: Key,
    /// The prefix of the tenant's events.
    pub(crate) events: Key,
}

impl PinKeys {
    /// An event of the tenant.
    pub(crate) fn event(&self, event: u64) -> Key {
        Key::new([self.events.as_bytes(), &event.to_be_bytes()].concat())
    }
}

pub(crate) fn escrow_place(escrow: EscrowId) -> Key {
    spell(b'0', &[escrow.as_bytes()])
}

pub(crate) fn escrow(owner: AccountId, escrow: EscrowId) -> Key {
    spell(b'1', &[owner.as_bytes(), escrow.as_bytes()])
}

pub(crate) fn escrows(owner: AccountId) -> Key {
    spell(b'1', &[owner.as_bytes()])
}

pub(crate) fn escrow_content(owner: AccountId, escrow: EscrowId) -> Key {
    spell(b'2', &[owner.as_bytes(), escrow.as_bytes()])
}

pub(crate) fn recovery_request(owner: AccountId, escrow: EscrowId, request: RecoveryRequestId) -> Key {
    spell(b'3', &[owner.as_bytes(), escrow.as_bytes(), request.as_bytes()])
}

pub(crate) fn escrow_held(holder: AccountId, escrow: EscrowId) -> Key {
    spell(b'4', &[holder.as_bytes(), escrow.as_bytes()])
}

pub(crate) fn all_escrows_held(holder: AccountId) -> Key {
    spell(b'4', &[holder.as_bytes()])
}

impl Keyspace {
    /// A share of a root key, by its kind and the hash that it is filed under.
    pub(crate) fn escrow_share(&self, account: AccountId, kind: u8, hash: &[u8]) -> Key {
        let hash = keyed_hash16(&self.naming, "escrow share", &[hash]);
        spell(b'U', &[account.as_bytes(), &[kind], &hash])
    }

    /// A secret key that is kept wrapped, by its public key.
    pub(crate) fn escrow_asym_key(&self, account: AccountId, public_key: &str) -> Key {
        let hash = keyed_hash16(&self.naming, "escrow public key", &[public_key.as_bytes()]);
        spell(b'U', &[account.as_bytes(), b"a", &hash])
    }

    /// The public keys of an identity of an account.
    pub(crate) fn escrow_identity(&self, account: AccountId, identity: &Subject) -> Key {
        let hash = keyed_hash16(&self.naming, "escrow identity", &[identity.as_str().as_bytes()]);
        spell(b'U', &[account.as_bytes(), b"i", &hash])
    }

    fn pin_realm_hash(&self, realm: &RecoveryRealmId) -> [u8; 16] {
        keyed_hash16(&self.naming, "recovery realm", &[realm.as_bytes()])
    }

    pub(crate) fn pin_realm(&self, realm: &RecoveryRealmId) -> Key {
        spell(b'O', &[b"M", &self.pin_realm_hash(realm)])
    }

    /// The prefix of the records of a realm.
    pub(crate) fn pin_records(&self, realm: &RecoveryRealmId) -> Key {
        spell(b'O', &[b"R", &self.pin_realm_hash(realm)])
    }

    /// The key of the record whose own part this is: the 16 bytes from 18 on.
    pub(crate) fn pin_record_at(&self, realm: &RecoveryRealmId, record: &[u8; 16]) -> Key {
        spell(b'O', &[b"R", &self.pin_realm_hash(realm), record])
    }

    /// `record` is what the protocol calls the user's record.
    pub(crate) fn pin_recovery(&self, realm: &RecoveryRealmId, tenant: &str, record: &[u8; 32]) -> PinKeys {
        let hash = self.pin_realm_hash(realm);
        let record = keyed_hash16(&self.naming, "recovery record", &[record]);
        let tenant = keyed_hash16(&self.naming, "recovery tenant", &[tenant.as_bytes()]);
        PinKeys {
            realm: self.pin_realm(realm),
            record: spell(b'O', &[b"R", &hash, &record]),
            key: spell(b'O', &[b"K", &hash, &record]),
            grace: spell(b'O', &[b"G", &hash, &record]),
            log: spell(b'O', &[b"L", &hash, &tenant]),
            events: spell(b'O', &[b"E", &hash, &tenant]),
        }
    }

    /// The lane of all that is written at a realm of recovery, because all of it raises the realm's mark.
    pub(crate) fn pin_lane(&self, realm: &RecoveryRealmId) -> Lane {
        Lane(keyed_hash16(&self.naming, "recovery lane", &[realm.as_bytes()]))
    }
}
