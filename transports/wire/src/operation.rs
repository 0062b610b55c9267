//! What can be asked.

use serde::{Deserialize, Serialize};
use strongroom_primitives::{
    hash::RecordTag,
    id::{SessionId, Subject},
};

use crate::Base64Bytes;

/// What a writer believes the present state of a record to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Previous {
    /// There is no record. Over HTTP: `If-None-Match: *`.
    Absent,
    /// The record has this tag. Over HTTP: `If-Match`.
    Tag(RecordTag),
}

/// One operation of the native interface: an object with one member, whose name is the operation and whose value its
/// arguments, as in `{"records.get": {"name": ["notes"]}}`. In frames it is the member `do`; over HTTP it is method, path, query,
/// headers and body together (`docs/native-api.md` has the table).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Operation {
    /// Who am I?
    #[serde(rename = "session.whoami")]
    Whoami {},
    /// The caller's bearer sessions.
    #[serde(rename = "session.list")]
    ListSessions {},
    /// Revokes a bearer session of the caller; without `session` the one the caller came with.
    #[serde(rename = "session.revoke")]
    RevokeSession {
        /// Which.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        session: Option<SessionId>,
    },
    /// Revokes the caller's bearer sessions.
    #[serde(rename = "session.revoke_all")]
    RevokeSessions {
        /// Whether the session that the caller came with stays, and with it the one it was opened from.
        keep_current: bool,
    },
    /// Opens a session that ends soon, out of the one that the caller came with.
    #[serde(rename = "session.child")]
    OpenChild {
        /// Seconds for which it is good: 1 to 2,592,000 (30 days), and never longer than its parent.
        life_s: u64,
        /// What its holder calls it; at most 128 bytes are kept.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        label: String,
    },
    /// Reads a record.
    #[serde(rename = "records.get")]
    GetRecord {
        /// Whose; without it the caller's own.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        owner: Option<Subject>,
        /// One to three parts.
        name: Vec<String>,
    },
    /// Creates or replaces a record.
    #[serde(rename = "records.put")]
    PutRecord {
        /// One to three parts.
        name: Vec<String>,
        /// Opaque bytes.
        meta: Base64Bytes,
        /// Opaque bytes.
        value: Base64Bytes,
        /// What the writer believes; needed to replace.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        previous: Option<Previous>,
        /// Added to the recipients.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        recipients: Vec<Subject>,
    },
    /// Lists records by leading parts of their names.
    #[serde(rename = "records.list")]
    ListRecords {
        /// Whose; without it the caller's own.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        owner: Option<Subject>,
        /// None to two parts.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        prefix: Vec<String>,
        /// The `next` of the page before.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cursor: Option<String>,
        /// At most so many.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        limit: Option<usize>,
    },
    /// Deletes the record of exactly this name; the single record is emptied instead. History keeps what was deleted.
    #[serde(rename = "records.delete")]
    DeleteRecord {
        /// One to three parts.
        name: Vec<String>,
        /// Checked if given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        previous: Option<Previous>,
    },
    /// Deletes all records whose names begin so, the single record excepted.
    #[serde(rename = "records.reset")]
    ResetRecords {
        /// None to three parts; none for all.
        prefix: Vec<String>,
        /// Takes this recipient out of the records instead of deleting them; a record without recipients left is
        /// deleted.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        recipient: Option<Subject>,
    },
    /// Lists the versions that history keeps of a record.
    #[serde(rename = "records.history")]
    History {
        /// One to three parts.
        name: Vec<String>,
        /// Only versions after this sequence number.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after: Option<u64>,
    },
    /// Reads a former version.
    #[serde(rename = "records.version")]
    GetVersion {
        /// One to three parts.
        name: Vec<String>,
        /// Which version.
        sequence: u64,
    },
    /// Makes a former version the head again.
    #[serde(rename = "records.undo")]
    UndoRecord {
        /// One to three parts.
        name: Vec<String>,
        /// Which version.
        sequence: u64,
        /// Checked if given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        previous: Option<Previous>,
    },
    /// Gives identities access to a record, or takes it back.
    #[serde(rename = "records.share")]
    ShareRecord {
        /// One to three parts.
        name: Vec<String>,
        /// Who may read it from now on.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        add: Vec<Subject>,
        /// Who may not any longer.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        remove: Vec<Subject>,
    },
    /// Lists what others have shared with the caller.
    #[serde(rename = "records.grants")]
    ListGrants {
        /// The `next` of the page before.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cursor: Option<String>,
        /// At most so many.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        limit: Option<usize>,
    },
    /// The engine's signature under a record's present head.
    #[serde(rename = "records.receipt")]
    Receipt {
        /// Whose; without it the caller's own.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        owner: Option<Subject>,
        /// One to three parts.
        name: Vec<String>,
    },
    /// One page of a feed. Over HTTP it may wait (`wait_s`) until there is something.
    #[serde(rename = "feed.page")]
    FeedPage {
        /// Whose; without it the caller's own.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        owner: Option<Subject>,
        /// Only events of this record; needed with `owner`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        record: Option<Vec<String>>,
        /// The last sequence number seen; without it the feed's end.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after: Option<u64>,
        /// Seconds to wait for an event; at most 60.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        wait_s: Option<u64>,
        /// At most so many.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        limit: Option<usize>,
    },
    /// Ends the caller's account for ever.
    #[serde(rename = "account.erase")]
    EraseAccount {
        /// The caller's own subject, typed again: erasing is not to happen by a slip.
        confirm: Subject,
    },
}
