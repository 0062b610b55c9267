//! The feed: what happened to an account, as rows in the order it happened.
//!
//! Events are written in the same batch as what they tell of, so a follower who reads the rows misses nothing and sees
//! nothing twice. Nothing is queued for anybody: the board only says "look again", and reading is the mechanism —
//! for a slow follower, after a reconnect and on another node alike.

mod board;
mod follow;

use serde::{Deserialize, Serialize};
use strongroom_primitives::{
    hash::RecordTag,
    id::{
        ApiKeyId, Audience, EscrowId, ItemId, RecoveryRequestId, SessionId, ShareId, ShareRightId, Subject,
    },
    pin_recovery::RecoveryRealmId,
    time::Timestamp,
};

pub(crate) use board::{Board, Waiter};
pub use follow::{FeedPage, FollowFeed, Subscription};

use crate::{
    codec::Stored,
    domains::{
        pin_recovery::PinStep,
        records::{RecordName, Version},
        recovery::RequestState,
    },
};

/// Something that happened in an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// A record was created or replaced.
    RecordPut {
        /// Which.
        name: RecordName,
        /// Its sequence number after the change.
        sequence: u64,
        /// Its version after the change.
        version: Version,
        /// Its tag after the change.
        tag: RecordTag,
    },
    /// A record was removed.
    RecordDeleted {
        /// Which.
        name: RecordName,
        /// Its sequence number after the change.
        sequence: u64,
    },
    /// Every record whose name begins so was removed.
    RecordsReset {
        /// The leading parts of the names; empty for all.
        prefix: Vec<String>,
        /// How many there were.
        count: u64,
    },
    /// The recipients of one or more records changed.
    RecordsShared {
        /// The leading parts of the names.
        prefix: Vec<String>,
        /// Recipients added.
        added: u64,
        /// Recipients removed.
        removed: u64,
    },
    /// Somebody gave this account access to a record.
    RecordGranted {
        /// Who owns it.
        owner: Subject,
        /// Which record of theirs.
        name: RecordName,
    },
    /// Somebody took this account's access to a record back.
    RecordWithdrawn {
        /// Who owns it.
        owner: Subject,
        /// Which record of theirs.
        name: RecordName,
    },
    /// A bearer session was opened.
    SessionOpened {
        /// Which.
        session: SessionId,
    },
    /// A bearer session was revoked.
    SessionRevoked {
        /// Which.
        session: SessionId,
    },
    /// The account's passphrase was changed.
    PassphraseChanged {},
    /// Something about the account's wrapped keys changed: one was added, removed or described anew, or
    /// a rotation went on.
    KeysChanged {
        /// The generation of the KEK after the change.
        generation: u32,
    },
    /// An admission token was issued to the account.
    TokenIssued {
        /// For which service.
        audience: Audience,
    },
    /// The account's admission token was spent: it was admitted.
    TokenSpent {
        /// To which service.
        audience: Audience,
    },
    /// An item of the vault was created or changed.
    ItemPut {
        /// Which.
        item: ItemId,
    },
    /// An item of the vault was deleted.
    ItemDeleted {
        /// Which.
        item: ItemId,
    },
    /// What the vault keeps about its user changed.
    VaultUserChanged,
    /// Somebody offered this account a right on a share.
    ShareOffered {
        /// Which share.
        share: ShareId,
        /// Which right.
        right: ShareRightId,
    },
    /// Somebody answered an offer of this account's.
    ShareAnswered {
        /// Which share.
        share: ShareId,
        /// Which right.
        right: ShareRightId,
        /// What they answered.
        accepted: bool,
    },
    /// Somebody changed what this account may do with a share.
    ShareRightChanged {
        /// Which share.
        share: ShareId,
        /// Which right.
        right: ShareRightId,
    },
    /// Somebody took this account's right on a share back.
    ShareRevoked {
        /// Which share.
        share: ShareId,
        /// Which right.
        right: ShareRightId,
    },
    /// An API key was made or changed, or what is attached to it.
    ApiKeyPut {
        /// Which.
        api_key: ApiKeyId,
    },
    /// An API key was deleted.
    ApiKeyDeleted {
        /// Which.
        api_key: ApiKeyId,
    },
    // Escrow.
    /// A share of the account's root key was filed.
    EscrowShareFiled {},
    /// A share of the account's root key was read.
    EscrowShareRead {},
    /// Shares of the account's root key were dropped.
    EscrowSharesDropped {
        /// How many.
        count: u64,
    },
    /// Secrets that the account keeps wrapped were set up anew, added or removed.
    SecretStorageChanged {},
    /// An escrow was created or dealt anew. Told to its owner and to the accounts that hold a share, or held one.
    EscrowPut {
        /// Which.
        escrow: EscrowId,
        /// Its epoch after the change; 1 where it was created.
        epoch: u32,
    },
    /// An escrow was deleted.
    EscrowDeleted {
        /// Which.
        escrow: EscrowId,
    },
    /// A request for an escrow was opened or has come further. Told to its owner and to the accounts that hold a share.
    RecoveryChanged {
        /// Of which escrow.
        escrow: EscrowId,
        /// Which request.
        request: RecoveryRequestId,
        /// Who asks.
        requester: Subject,
        /// How far it has come.
        state: RequestState,
        /// How many have approved.
        approvals: u8,
    },
    /// Hashes were asked for, many of them within ten minutes, that no share of the account's root key is filed under.
    /// Told once, and not again for as long.
    EscrowSharesMissed {
        /// How many.
        count: u64,
    },
    // PIN recovery.
    /// Something happened to what the account keeps behind a PIN.
    PinRecovery {
        /// At which realm.
        realm: RecoveryRealmId,
        /// As a user of which tenant.
        tenant: String,
        /// What.
        step: PinStep,
    },
}

impl Event {
    /// Whether the event concerns the record with this name.
    pub fn concerns(&self, wanted: &RecordName) -> bool {
        match self {
            Self::RecordPut { name, .. } | Self::RecordDeleted { name, .. } => name == wanted,
            Self::RecordsReset { prefix, .. } | Self::RecordsShared { prefix, .. } => {
                wanted.parts().starts_with(prefix)
            }
            Self::RecordGranted { .. }
            | Self::RecordWithdrawn { .. }
            | Self::SessionOpened { .. }
            | Self::SessionRevoked { .. }
            | Self::PassphraseChanged {}
            | Self::KeysChanged { .. }
            | Self::TokenIssued { .. }
            | Self::TokenSpent { .. }
            | Self::ItemPut { .. }
            | Self::ItemDeleted { .. }
            | Self::VaultUserChanged
            | Self::ShareOffered { .. }
            | Self::ShareAnswered { .. }
            | Self::ShareRightChanged { .. }
            | Self::ShareRevoked { .. }
            | Self::ApiKeyPut { .. }
            | Self::ApiKeyDeleted { .. }
            | Self::EscrowShareFiled {}
            | Self::EscrowShareRead {}
            | Self::EscrowSharesDropped { .. }
            | Self::SecretStorageChanged {}
            | Self::EscrowPut { .. }
            | Self::EscrowDeleted { .. }
            | Self::RecoveryChanged { .. }
            | Self::EscrowSharesMissed { .. }
            | Self::PinRecovery { .. } => false,
        }
    }
}

/// An event and when it happened. Its sequence number is in its key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredEvent {
    pub(crate) at: Timestamp,
    pub(crate) event: Event,
}

impl Stored for StoredEvent {}

/// What an account has used, and how far its feed has come.
///
/// Every write of the account writes this row too, which makes it the generation row of all the account's ranges.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ledger {
    /// Live records.
    pub(crate) records: u64,
    /// Bytes of `meta` and `value` of live records.
    pub(crate) bytes: u64,
    /// Bearer sessions.
    pub(crate) sessions: u64,
    /// The sequence number of the latest event; 0 before the first.
    pub(crate) feed: u64,
}

impl Stored for Ledger {}
