//! What followers are told.

use serde::{Deserialize, Serialize};
use strongroom_primitives::{
    hash::RecordTag,
    id::{
        ApiKeyId, Audience, EscrowId, ItemId, RecoveryRequestId, SessionId, ShareId, ShareRightId, Subject,
    },
    pin_recovery::RecoveryRealmId,
    time::Timestamp,
};

use crate::PinRecoveryStep;

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Its number in the feed. Consecutive for the owner; a recipient sees only some.
    pub sequence: u64,
    /// When it happened.
    pub at: Timestamp,
    /// What happened.
    pub what: What,
}

/// What happened: an object with one member, whose name is the kind of event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum What {
    /// A record was created or replaced.
    #[serde(rename = "record.put")]
    RecordPut {
        /// Which.
        name: Vec<String>,
        /// The record's own sequence number.
        record_sequence: u64,
        /// `major.minor`.
        version: String,
        /// Its tag.
        tag: RecordTag,
    },
    /// A record was deleted.
    #[serde(rename = "record.deleted")]
    RecordDeleted {
        /// Which.
        name: Vec<String>,
        /// The record's own sequence number.
        record_sequence: u64,
    },
    /// All records whose names begin so were deleted.
    #[serde(rename = "records.reset")]
    RecordsReset {
        /// Leading parts; empty for all.
        prefix: Vec<String>,
        /// How many there were.
        count: u64,
    },
    /// Recipients changed.
    #[serde(rename = "records.shared")]
    RecordsShared {
        /// Leading parts of the names.
        prefix: Vec<String>,
        /// How many were added.
        added: u64,
        /// How many were removed.
        removed: u64,
    },
    /// Somebody gave the caller access to a record.
    #[serde(rename = "record.granted")]
    RecordGranted {
        /// Whose it is.
        owner: Subject,
        /// Its name there.
        name: Vec<String>,
    },
    /// Somebody took the caller's access back.
    #[serde(rename = "record.withdrawn")]
    RecordWithdrawn {
        /// Whose it is.
        owner: Subject,
        /// Its name there.
        name: Vec<String>,
    },
    /// A bearer session was opened.
    #[serde(rename = "session.opened")]
    SessionOpened {
        /// Which.
        session: SessionId,
    },
    /// A bearer session was revoked.
    #[serde(rename = "session.revoked")]
    SessionRevoked {
        /// Which.
        session: SessionId,
    },
    /// The caller's passphrase was changed.
    #[serde(rename = "passphrase.changed")]
    PassphraseChanged {},
    /// A wrapped key was added, removed or described anew, or the KEK was rotated some way.
    #[serde(rename = "keys.changed")]
    KeysChanged {
        /// The generation of the KEK after the change.
        generation: u32,
    },
    /// An admission token was issued to the account.
    #[serde(rename = "token.issued")]
    TokenIssued {
        /// For which service.
        audience: Audience,
    },
    /// The account's admission token was spent: it was admitted.
    #[serde(rename = "token.spent")]
    TokenSpent {
        /// To which service.
        audience: Audience,
    },
    /// An item of the vault was created or changed.
    #[serde(rename = "item.put")]
    ItemPut {
        /// Which.
        item: ItemId,
    },
    /// An item of the vault was deleted.
    #[serde(rename = "item.deleted")]
    ItemDeleted {
        /// Which.
        item: ItemId,
    },
    /// What the vault keeps about its user changed.
    #[serde(rename = "vault_user.changed")]
    VaultUserChanged {},
    /// Somebody offered the caller a right on a share.
    #[serde(rename = "share.offered")]
    ShareOffered {
        /// Which share.
        share: ShareId,
        /// Which right.
        right: ShareRightId,
    },
    /// Somebody answered an offer of the caller's.
    #[serde(rename = "share.answered")]
    ShareAnswered {
        /// Which share.
        share: ShareId,
        /// Which right.
        right: ShareRightId,
        /// What they answered.
        accepted: bool,
    },
    /// Somebody changed what the caller may do with a share.
    #[serde(rename = "share.right_changed")]
    ShareRightChanged {
        /// Which share.
        share: ShareId,
        /// Which right.
        right: ShareRightId,
    },
    /// Somebody took the caller's right on a share back.
    #[serde(rename = "share.revoked")]
    ShareRevoked {
        /// Which share.
        share: ShareId,
        /// Which right.
        right: ShareRightId,
    },
    /// An API key was made or changed, or what is attached to it.
    #[serde(rename = "api_key.put")]
    ApiKeyPut {
        /// Which.
        api_key: ApiKeyId,
    },
    /// An API key was deleted.
    #[serde(rename = "api_key.deleted")]
    ApiKeyDeleted {
        /// Which.
        api_key: ApiKeyId,
    },
    // Escrow.
    /// A share of the account's root key was filed.
    #[serde(rename = "escrow.share_filed")]
    EscrowShareFiled {},
    /// A share of the account's root key was read.
    #[serde(rename = "escrow.share_read")]
    EscrowShareRead {},
    /// Shares of the account's root key were dropped.
    #[serde(rename = "escrow.shares_dropped")]
    EscrowSharesDropped {
        /// How many.
        count: u64,
    },
    /// Hashes were asked for, many of them within ten minutes, that no share of the account's root key is filed under.
    #[serde(rename = "escrow.shares_missed")]
    EscrowSharesMissed {
        /// How many.
        count: u64,
    },
    /// Secrets that the account keeps wrapped were set up anew, added or removed.
    #[serde(rename = "escrow.storage_changed")]
    SecretStorageChanged {},
    /// An escrow was created or dealt anew.
    #[serde(rename = "escrow.put")]
    EscrowPut {
        /// Which.
        escrow: EscrowId,
        /// Its epoch after the change; 1 where it was created.
        epoch: u32,
    },
    /// An escrow was deleted.
    #[serde(rename = "escrow.deleted")]
    EscrowDeleted {
        /// Which.
        escrow: EscrowId,
    },
    /// A request for an escrow was opened or has come further.
    #[serde(rename = "recovery.changed")]
    RecoveryChanged {
        /// Of which escrow.
        escrow: EscrowId,
        /// Which request.
        request: RecoveryRequestId,
        /// Who asks.
        requester: Subject,
        /// How far it has come.
        state: RecoveryState,
        /// How many have approved.
        approvals: u8,
    },
    /// Something happened to what the account keeps behind a PIN.
    #[serde(rename = "pin_recovery.changed")]
    PinRecoveryChanged {
        /// At which realm.
        realm: RecoveryRealmId,
        /// As a user of which tenant.
        tenant: String,
        /// What.
        step: PinRecoveryStep,
    },
}

/// How far a recovery request has come: `{"open":{}}`, `{"waiting":{"due":..}}` and so on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecoveryState {
    /// Nobody has approved it.
    Open {},
    /// Some have, fewer than are needed.
    Approved {},
    /// Enough have.
    Waiting {
        /// When the delay is over, in milliseconds since 1970.
        due: Timestamp,
    },
    /// It was collected, and can be again.
    Released {
        /// Up to this instant, in milliseconds since 1970.
        until: Timestamp,
    },
    /// It was released, and its time is over.
    Expired {},
    /// The owner has refused it.
    Vetoed {},
    /// It was not approved or not collected in time, or the escrow was refreshed.
    Lapsed {},
}

/// A stretch of a feed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeedPage {
    /// In order.
    pub events: Vec<Event>,
    /// The `after` of the next page.
    pub next_after: u64,
    /// The number of the latest event.
    pub head: u64,
    /// True if events after `after` are gone: read the records themselves again.
    pub gap: bool,
}
