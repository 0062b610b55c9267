//! The only place that spells storage keys.
//!
//! | prefix | then | row | written by |
//! |---|---|---|---|
//! | `M` | name | the engine's own rows | start-up |
//! | `R` | realm | `StoredRealm` | realms |
//! | `K` | realm, key id | `StoredRealmKey` | realms |
//! | `A` | account | `StoredAccount` | accounts |
//! | `L` | account | `Ledger`: usage and feed head; the generation row of all that follows | every write of the account |
//! | `S` | session | `StoredSession` | sessions |
//! | `s` | account, session | `StoredSessionIndex` | sessions |
//! | `z` | account, session | `StoredSeen`: its last use; under session 0, that of those that have ended | sessions |
//! | `h` | account, session, kind, nonce | `StoredNonce`: a nonce that the session has used | sessions |
//! | `I` | API key | `StoredApiKeyPlace`: whose it is | sessions |
//! | `j` | account, API key | `StoredApiKey` | sessions |
//! | `q` | account, API key, session key | `StoredLogin`: it was signed in with | sessions |
//! | `Q` | account, API key | `StoredLatest`: the sessions of its latest logins | sessions |
//! | `w` | account, API key, secret | `StoredAttached`: a secret that the key reaches | sessions |
//! | `c` | account, attachment | `StoredAttachedPlace`: which key and secret it is of | sessions |
//! | `G` | device code | `StoredDeviceCode` | sessions |
//! | `W` | account | `StoredPerson` | people |
//! | `Y` | realm and activation code | `StoredActivation`: whose it is | people |
//! | `E` | realm and e-mail address | `StoredAddress`: whose it is | people |
//! | `r` | account, one to three name parts | `StoredHead` | records |
//! | `x` | account, record | `StoredRecipients` | records |
//! | `v` | account, record, slot | `StoredVersion`: one state; `StoredHead` says which slot holds which | records |
//! | `g` | account, owner, record | `StoredGrant` | records |
//! | `o` | account, record | `StoredOutbox` | records |
//! | `f` | account, sequence | `StoredEvent` | the runtime |
//! | `k` | account | `StoredKek`: the KEK; the generation row of what it wraps | key_hierarchy |
//! | `d` | account, DEK | `StoredDek` | key_hierarchy |
//! | `P` | account | `StoredVerifier` | sessions |
//! | `T` | account | `StoredGuesses` | sessions |
//! | `N` | realm and username | `StoredReservation` | sessions |
//! | `H` | bucket, slot | `StoredHandshake`: a table of fixed size | sessions |
//! | `p` | account, key pair | `StoredKeyPair` | key_hierarchy |
//! | `e` | account, external identifier | `StoredExternalIdentifier`: whose it is | key_hierarchy |
//! | `t` | account, audience | `StoredToken`: an admission token of this engine | admission |
//! | `u` | issuer key and token id | `StoredForeignToken`: one of another keystore, spent here | admission |
//! | `V` | account | `StoredVaultUser`; the generation row of the vault's items | vault |
//! | `F` | realm and fingerprint of a key | `StoredVaultKey`: whose key it is | vault |
//! | `m` | account, item | `StoredItem`, its slots included | vault |
//! | `n` | account, item | `StoredItemIndex`: what listing looks at | vault |
//! | `l` | account, slot | `StoredSlotPlace`: which item it is in | vault |
//! | `D` | account | `StoredDatastores`: which there are, in the order of their creation | sharing |
//! | `b` | account, datastore | `StoredDatastore`: its content | sharing |
//! | `J` | account | `StoredHoldings`: how many secrets and shares it has created | sharing |
//! | `a` | account, share | `StoredShareRight`: what the account may do with the share | sharing |
//! | `yL` | link | `StoredLink` | sharing |
//! | `yN` | kind, secret or share | `StoredNode`: where it hangs in the tree | sharing |
//! | `yC` | kind, datastore or share, kind, link | `StoredChild`: what hangs below it | sharing |
//! | `yS` | secret | `StoredSecret` | sharing |
//! | `yT` | secret | `StoredSecretContent` | sharing |
//! | `yR` | secret, stripe | `StoredReads`: how often it was read | sharing |
//! | `yH` | secret | `StoredHistory`: its earlier states | sharing |
//! | `yV` | version | `StoredSecretVersion`: one of them | sharing |
//! | `yU` | nonce | `StoredNonce`: it has sealed a secret | sharing |
//! | `yF` | share | `StoredShare` | sharing |
//! | `yG` | share | `StoredShareContent` | sharing |
//! | `yM` | share, account | `StoredMember`: who has a right on it | sharing |
//! | `yP` | share right | `StoredRightPlace`: whose it is and on what | sharing |
//! | `CC` | chain | `StoredChain`; the generation row of its keys | service_keys |
//! | `CK` | chain, service key | `StoredServiceKey` | service_keys |
//! | `CD` | chain, service key | `StoredRetired`: its id, which is never issued again | service_keys |
//! | `CL` | chain, service key | `StoredKeyUse`: its last use | service_keys |
//! | `CI` | service key | `StoredKeyPlace`: the chain of a key that is named by its id alone, kept after the key | service_keys |
//! | `CS` | signature | `StoredSignature`: it has been taken | service_keys |
//! | `U` | account, `r`, hash | `StoredShare`: half of a root key, filed under the hash of the other | escrow |
//! | `U` | account, `k`, hash | the same of the older kind | escrow |
//! | `U` | account, `s` | `StoredStorage`; the generation row of the wrapped secrets | escrow |
//! | `U` | account, `a`, public key | `StoredAsymKey` | escrow |
//! | `U` | account, `b`, box | `StoredBoxShare` | escrow |
//! | `U` | account, `p` | `StoredPassword` | escrow |
//! | `U` | account, `i`, identity | `StoredIdentityKeys` | escrow |
//! | `U` | account, `m` | `StoredMisses`: hashes asked for that no share is filed under, of late | escrow |
//! | `OM` | realm of recovery | `StoredPinRealm`: how much has happened in it | pin_recovery |
//! | `OR` | realm of recovery, record | `StoredPinRecord` | pin_recovery |
//! | `OK` | realm of recovery, record | `StoredPinKey`: the key of what the record keeps | pin_recovery |
//! | `OG` | realm of recovery, record | `StoredPinGrace`: a record that was deleted or replaced | pin_recovery |
//! | `OL` | realm of recovery, tenant | `StoredPinLog`: how many events the tenant's log has had | pin_recovery |
//! | `OE` | realm of recovery, tenant, number | `StoredPinEvent`: one of them | pin_recovery |
//! | `0` | escrow | `StoredEscrowPlace`: whose it is | recovery |
//! | `1` | account, escrow | `StoredEscrow` | recovery |
//! | `2` | account, escrow | `StoredEscrowContent`: the shares of its epoch and its payload | recovery |
//! | `3` | account, escrow, request | `StoredRecoveryRequest` | recovery |
//! | `4` | account, escrow | `StoredHolding`: the account holds a share of it | recovery |
//! | `i` | account, slot | `StoredSlot` | the runtime |
//!
//! Accounts, realms, chains, key ids, names, audiences, external identifiers, nonces, signatures, codes and slots appear as 16-byte keyed hashes, so a key
//! tells a thief nothing and needs no escaping; numbers are big-endian, so they sort.

mod chains;
mod recovery;
mod sharing;

use strongroom_primitives::{
    hash::keyed_hash16,
    id::{
        AccountId, ApiKeyId, ApiKeySecretId, Audience, DekId, DeviceCodeId, IdempotencyKey, ItemId,
        KeyPairId, RealmId, SecretId, SessionId, SlotId, Subject, TokenId,
    },
};
use strongroom_storage::{Key, Topic};

pub(crate) use self::{chains::*, recovery::*, sharing::*};
use crate::{command::Lane, domains::records::RecordName};

/// Buckets of handshakes. With 32 slots each, handshakes take up at most 131,072 rows however many are begun.
const HANDSHAKE_BUCKETS: u16 = 4_096;

/// Identifies a record within its account: a hash of its whole name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct RecordId(pub [u8; 16]);

/// Spells keys for one store.
#[derive(Clone)]
pub struct Keyspace {
    naming: [u8; 32],
}

/// Prefixes whose keys continue with an account, in the order in which erasure removes them. The ledger goes last, so
/// that an interrupted erasure still knows that there is something left.
pub(crate) const ACCOUNT_PREFIXES: &[u8] = b"rxvgofishqQwcjzdpekPTtmnlVWabUJD1234L";

fn spell(prefix: u8, parts: &[&[u8]]) -> Key {
    let mut bytes = Vec::with_capacity(1 + parts.iter().map(|part| part.len()).sum::<usize>());
    bytes.push(prefix);
    parts.iter().for_each(|part| bytes.extend_from_slice(part));
    Key::new(bytes)
}

/// The 16 bytes of a key from `at` on. `None` if the key is shorter.
pub(crate) fn sixteen(key: &Key, at: usize) -> Option<[u8; 16]> {
    key.as_bytes().get(at..at + 16)?.try_into().ok()
}

/// The big-endian number that ends a key.
pub(crate) fn trailing_number(key: &Key) -> Option<u64> {
    let bytes = key.as_bytes();
    let start = bytes.len().checked_sub(8)?;
    Some(u64::from_be_bytes(bytes[start..].try_into().ok()?))
}

/// The row of the engine's own keys.
pub(crate) fn engine_secrets() -> Key {
    Key::from_static(b"Msecrets")
}

/// The row that gates start-up by format.
pub(crate) fn format() -> Key {
    Key::from_static(b"Mformat")
}

/// The generation row of realms and their keys.
pub(crate) fn realms_generation() -> Key {
    Key::from_static(b"Mrealms")
}

pub(crate) fn realms() -> Key {
    Key::from_static(b"R")
}

pub(crate) fn all_realm_keys() -> Key {
    Key::from_static(b"K")
}

pub(crate) fn accounts() -> Key {
    Key::from_static(b"A")
}

pub(crate) fn outboxes() -> Key {
    Key::from_static(b"o")
}

pub(crate) fn account(account: AccountId) -> Key {
    spell(b'A', &[account.as_bytes()])
}

pub(crate) fn ledger(account: AccountId) -> Key {
    spell(b'L', &[account.as_bytes()])
}

pub(crate) fn session(session: SessionId) -> Key {
    spell(b'S', &[session.as_bytes()])
}

pub(crate) fn account_session(account: AccountId, session: SessionId) -> Key {
    spell(b's', &[account.as_bytes(), session.as_bytes()])
}

pub(crate) fn session_seen(account: AccountId, session: SessionId) -> Key {
    spell(b'z', &[account.as_bytes(), session.as_bytes()])
}

/// When the sessions that an account has no more were last there. No session has this id.
pub(crate) fn ended_sessions_seen(account: AccountId) -> Key {
    session_seen(account, SessionId::from_bytes([0; 16]))
}

pub(crate) fn account_sessions(account: AccountId) -> Key {
    spell(b's', &[account.as_bytes()])
}

/// Which generation of the engine's identity is the current one.
pub(crate) fn server_identity() -> Key {
    Key::from_static(b"Midentity")
}

pub(crate) fn session_nonce(account: AccountId, session: SessionId, kind: u8, nonce: &[u8; 16]) -> Key {
    spell(b'h', &[account.as_bytes(), session.as_bytes(), &[kind], nonce])
}

pub(crate) fn api_key_place(api_key: ApiKeyId) -> Key {
    spell(b'I', &[api_key.as_bytes()])
}

pub(crate) fn api_key(account: AccountId, api_key: ApiKeyId) -> Key {
    spell(b'j', &[account.as_bytes(), api_key.as_bytes()])
}

pub(crate) fn api_keys(account: AccountId) -> Key {
    spell(b'j', &[account.as_bytes()])
}

pub(crate) fn api_key_login(account: AccountId, api_key: ApiKeyId, session_key: &[u8; 16]) -> Key {
    spell(b'q', &[account.as_bytes(), api_key.as_bytes(), session_key])
}

pub(crate) fn api_key_latest(account: AccountId, api_key: ApiKeyId) -> Key {
    spell(b'Q', &[account.as_bytes(), api_key.as_bytes()])
}

/// The row that says that an API key reaches a secret.
pub(crate) fn api_key_attached(account: AccountId, api_key: ApiKeyId, secret: SecretId) -> Key {
    spell(b'w', &[account.as_bytes(), api_key.as_bytes(), secret.as_bytes()])
}

pub(crate) fn all_attached(account: AccountId, api_key: ApiKeyId) -> Key {
    spell(b'w', &[account.as_bytes(), api_key.as_bytes()])
}

pub(crate) fn attachment(account: AccountId, attachment: ApiKeySecretId) -> Key {
    spell(b'c', &[account.as_bytes(), attachment.as_bytes()])
}

pub(crate) fn device_code(code: DeviceCodeId) -> Key {
    spell(b'G', &[code.as_bytes()])
}

pub(crate) fn person(account: AccountId) -> Key {
    spell(b'W', &[account.as_bytes()])
}

pub(crate) fn account_prefix(prefix: u8, account: AccountId) -> Key {
    spell(prefix, &[account.as_bytes()])
}

pub(crate) fn recipients(account: AccountId, record: RecordId) -> Key {
    spell(b'x', &[account.as_bytes(), &record.0])
}

pub(crate) fn version(account: AccountId, record: RecordId, slot: u16) -> Key {
    spell(b'v', &[account.as_bytes(), &record.0, &slot.to_be_bytes()])
}

pub(crate) fn versions(account: AccountId, record: RecordId) -> Key {
    spell(b'v', &[account.as_bytes(), &record.0])
}

pub(crate) fn grant(recipient: AccountId, owner: AccountId, record: RecordId) -> Key {
    spell(b'g', &[recipient.as_bytes(), owner.as_bytes(), &record.0])
}

pub(crate) fn grants(recipient: AccountId) -> Key {
    spell(b'g', &[recipient.as_bytes()])
}

pub(crate) fn outbox(owner: AccountId, record: RecordId) -> Key {
    spell(b'o', &[owner.as_bytes(), &record.0])
}

pub(crate) fn kek(account: AccountId) -> Key {
    spell(b'k', &[account.as_bytes()])
}

pub(crate) fn dek(account: AccountId, dek: DekId) -> Key {
    spell(b'd', &[account.as_bytes(), dek.as_bytes()])
}

pub(crate) fn deks(account: AccountId) -> Key {
    spell(b'd', &[account.as_bytes()])
}

pub(crate) fn verifier(account: AccountId) -> Key {
    spell(b'P', &[account.as_bytes()])
}

pub(crate) fn guesses(account: AccountId) -> Key {
    spell(b'T', &[account.as_bytes()])
}

pub(crate) fn key_pair(account: AccountId, key_pair: KeyPairId) -> Key {
    spell(b'p', &[account.as_bytes(), key_pair.as_bytes()])
}

pub(crate) fn key_pairs(account: AccountId) -> Key {
    spell(b'p', &[account.as_bytes()])
}

pub(crate) fn admissions(account: AccountId) -> Key {
    spell(b't', &[account.as_bytes()])
}

pub(crate) fn vault_user(account: AccountId) -> Key {
    spell(b'V', &[account.as_bytes()])
}

pub(crate) fn item(account: AccountId, item: ItemId) -> Key {
    spell(b'm', &[account.as_bytes(), item.as_bytes()])
}

pub(crate) fn item_index(account: AccountId, item: ItemId) -> Key {
    spell(b'n', &[account.as_bytes(), item.as_bytes()])
}

pub(crate) fn item_indexes(account: AccountId) -> Key {
    spell(b'n', &[account.as_bytes()])
}

pub(crate) fn slot_place(account: AccountId, slot: SlotId) -> Key {
    spell(b'l', &[account.as_bytes(), slot.as_bytes()])
}

pub(crate) fn sessions_seen(account: AccountId) -> Key {
    spell(b'z', &[account.as_bytes()])
}

pub(crate) fn event(account: AccountId, sequence: u64) -> Key {
    spell(b'f', &[account.as_bytes(), &sequence.to_be_bytes()])
}

pub(crate) fn events(account: AccountId) -> Key {
    spell(b'f', &[account.as_bytes()])
}

/// The topic that an account's followers wait on.
pub(crate) fn account_topic(account: AccountId) -> Topic {
    Topic(*account.as_bytes())
}

impl Keyspace {
    pub(crate) fn new(naming: [u8; 32]) -> Self {
        Self { naming }
    }

    /// The account of an identity. Derived, so that a read never has to create an account.
    pub fn account_of(&self, realm: &RealmId, subject: &Subject) -> AccountId {
        let parts: [&[u8]; 2] = [realm.as_str().as_bytes(), subject.as_str().as_bytes()];
        AccountId::from_bytes(keyed_hash16(&self.naming, "account", &parts))
    }

    /// The topic on which a realm's credentials are looked at again.
    pub(crate) fn realm_topic(&self, realm: &RealmId) -> Topic {
        Topic(keyed_hash16(&self.naming, "realm topic", &[realm.as_str().as_bytes()]))
    }

    fn realm_hash(&self, realm: &RealmId) -> [u8; 16] {
        keyed_hash16(&self.naming, "realm", &[realm.as_str().as_bytes()])
    }

    pub(crate) fn realm(&self, realm: &RealmId) -> Key {
        spell(b'R', &[&self.realm_hash(realm)])
    }

    pub(crate) fn realm_key(&self, realm: &RealmId, key_id: &str) -> Key {
        let key_hash = keyed_hash16(&self.naming, "key id", &[key_id.as_bytes()]);
        spell(b'K', &[&self.realm_hash(realm), &key_hash])
    }

    /// The reservation of a username.
    pub(crate) fn reservation(&self, realm: &RealmId, username: &str) -> Key {
        let parts = [realm.as_str().as_bytes(), username.as_bytes()];
        spell(b'N', &[&keyed_hash16(&self.naming, "reservation", &parts)])
    }

    /// The places where a handshake may lie: some of the `slots` that its account shares with those of the same bucket.
    /// Which they are nobody can tell or choose.
    pub(crate) fn handshakes(&self, account: AccountId, client_public: &[u8], slots: u8) -> [Key; 4] {
        let bucket = keyed_hash16(&self.naming, "handshake bucket", &[account.as_bytes()]);
        let first = keyed_hash16(&self.naming, "handshake slot", &[account.as_bytes(), client_public])[0];
        let bucket = u16::from_be_bytes([bucket[0], bucket[1]]) % HANDSHAKE_BUCKETS;
        [0, 1, 2, 3].map(|step: u8| {
            let slot = first.wrapping_add(step) % slots.max(1);
            spell(b'H', &[&bucket.to_be_bytes(), &[slot]])
        })
    }

    /// What is counted together as one place that guesses come from.
    pub(crate) fn network(&self, network: &[u8]) -> [u8; 16] {
        keyed_hash16(&self.naming, "network", &[network])
    }

    /// The lane of an account's handshakes, which are not to stand in the way of its other writes.
    pub(crate) fn handshake_lane(&self, account: AccountId) -> Lane {
        Lane(keyed_hash16(&self.naming, "handshake lane", &[account.as_bytes()]))
    }

    /// The lane of a realm's newcomers.
    pub(crate) fn sign_up_lane(&self, realm: &RealmId) -> Lane {
        Lane(keyed_hash16(&self.naming, "sign-up lane", &[realm.as_str().as_bytes()]))
    }

    /// The record's id within any account.
    pub fn record(&self, name: &RecordName) -> RecordId {
        let mut parts: [&[u8]; 3] = [&[]; 3];
        for (slot, part) in parts.iter_mut().zip(name.parts()) {
            *slot = part.as_bytes();
        }
        RecordId(keyed_hash16(&self.naming, "record", &parts[..name.parts().len()]))
    }

    /// The head row of a record.
    pub(crate) fn head(&self, account: AccountId, name: &RecordName) -> Key {
        self.heads(account, name.parts())
    }

    /// The prefix of the head rows whose names begin with `parts`; the head row itself if `parts` is a whole name.
    pub(crate) fn heads(&self, account: AccountId, parts: &[impl AsRef<str>]) -> Key {
        let mut bytes = Vec::with_capacity(1 + 16 * (1 + parts.len()));
        bytes.push(b'r');
        bytes.extend_from_slice(account.as_bytes());
        for part in parts {
            bytes.extend_from_slice(&keyed_hash16(&self.naming, "name part", &[part.as_ref().as_bytes()]));
        }
        Key::new(bytes)
    }

    /// The row that says which key pair of an account goes by a name.
    pub(crate) fn external_identifier(&self, account: AccountId, text: &str) -> Key {
        let hash = keyed_hash16(&self.naming, "external identifier", &[text.as_bytes()]);
        spell(b'e', &[account.as_bytes(), &hash])
    }

    /// The admission token of an account for an audience.
    pub(crate) fn admission(&self, account: AccountId, audience: &Audience) -> Key {
        let hash = keyed_hash16(&self.naming, "audience", &[audience.as_str().as_bytes()]);
        spell(b't', &[account.as_bytes(), &hash])
    }

    /// The mark that a token of another keystore was spent here.
    pub(crate) fn foreign_token(&self, issuer: &[u8; 32], token: TokenId) -> Key {
        spell(b'u', &[&keyed_hash16(&self.naming, "foreign token", &[issuer, token.as_bytes()])])
    }

    /// A public key of a vault, by the SHA-256 of its SubjectPublicKeyInfo.
    pub(crate) fn vault_key(&self, realm: &RealmId, fingerprint: &[u8; 32]) -> Key {
        let parts: [&[u8]; 2] = [realm.as_str().as_bytes(), fingerprint];
        spell(b'F', &[&keyed_hash16(&self.naming, "vault key", &parts)])
    }

    /// A nonce, or the public key of a session, as it is remembered.
    pub(crate) fn once(&self, value: &[u8]) -> [u8; 16] {
        keyed_hash16(&self.naming, "once", &[value])
    }

    /// Whose an activation code is.
    pub(crate) fn activation(&self, realm: &RealmId, digest: &[u8; 32]) -> Key {
        spell(b'Y', &[&keyed_hash16(&self.naming, "activation", &[realm.as_str().as_bytes(), digest])])
    }

    /// Whose an e-mail address is.
    pub(crate) fn address(&self, realm: &RealmId, address: &str) -> Key {
        let parts = [realm.as_str().as_bytes(), address.as_bytes()];
        spell(b'E', &[&keyed_hash16(&self.naming, "e-mail address", &parts)])
    }

    /// The account under which rows of an API key that does not exist are looked for.
    pub(crate) fn nobody_of(&self, api_key: ApiKeyId) -> AccountId {
        AccountId::from_bytes(keyed_hash16(&self.naming, "no api key", &[api_key.as_bytes()]))
    }

    /// The slot of an idempotency key.
    pub(crate) fn slot(&self, account: AccountId, key: &IdempotencyKey) -> Key {
        spell(b'i', &[account.as_bytes(), &keyed_hash16(&self.naming, "idempotency", &[key.expose()])])
    }
}
