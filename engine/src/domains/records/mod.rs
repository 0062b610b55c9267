//! Records: named, versioned pairs of opaque bytes, replaced by compare-and-set.
//!
//! The head row says what the present state is and in which slot the content of each version lies; a new version takes
//! the slot of the oldest, so history costs nothing to keep. Nothing here reads `meta` or `value`: they are the client's
//! ciphertext.
//!
//! A record is reached through many doors: what a Keyknox client stores is what the native interface shows. The single
//! record of an identity in Keyknox version 1 is the record named `keyknox-v1`, and only it follows that version's
//! rules about `meta` and `value` ([`RecordForm::Single`]).

mod access;
mod get;
mod history;
mod list;
mod name;
mod put;
mod receipt;
mod reset;
mod rows;
mod share;
#[cfg(test)]
mod tests;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use strongroom_primitives::{hash::RecordTag, id::Subject, time::Timestamp};

pub(crate) use access::{check_access, owner_account, reads_of_access};
pub use get::GetRecord;
pub use history::{GetVersion, History, HistoryPage, UndoRecord, VersionInfo};
pub use list::{Grant, GrantPage, ListGrants, ListRecords, NamePage};
pub use name::{NAME_PART_BYTES_MAX, NameError, RecordForm, RecordName, SINGLE_NAME};
pub use put::{Content, PutRecord};
pub use receipt::{Receipt, statement as receipt_statement};
pub use reset::{DeleteRecord, RemoveRecipient, ResetDone, ResetRecords, ResetSingle};
pub(crate) use rows::{StoredHead, StoredVersion};
pub use share::{DeliverGrants, ShareRecord, Shared};

use crate::command::Domain;

/// The domain of records.
#[derive(Debug)]
pub struct Records;

impl Domain for Records {
    const NAME: &'static str = "records";
}

/// Major and minor version. Starts at 1.0 and never goes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Version {
    /// Counts changes of `value`, and resets.
    pub major: u64,
    /// Counts changes of `meta` alone since then.
    pub minor: u64,
}

impl Version {
    /// The version of a new record, and the one that an absent record shows.
    pub const FIRST: Self = Self { major: 1, minor: 0 };

    fn next_major(self) -> Self {
        Self { major: self.major.saturating_add(1), minor: 0 }
    }

    fn next_minor(self) -> Self {
        Self { major: self.major, minor: self.minor.saturating_add(1) }
    }
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// The present state of a record, without its content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordHead {
    /// Its name.
    pub name: RecordName,
    /// Whose it is.
    pub owner: Subject,
    /// Counts every change of the record, resets and deletions included; never goes back.
    pub sequence: u64,
    /// Its version.
    pub version: Version,
    /// Names this state; a writer must show it.
    pub tag: RecordTag,
    /// SHA-256 over the chain before, the sequence and the tag: two devices that hold the same chain saw the same
    /// history.
    pub chain: [u8; 32],
    /// When this state began.
    pub written: Timestamp,
    /// Who may read it beside the owner, in the order in which they were added. For the single record: empty.
    pub recipients: Vec<Subject>,
}

/// A record: its head and its content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The head.
    pub head: RecordHead,
    /// Opaque bytes; by convention what is needed to decrypt `value`.
    pub meta: Bytes,
    /// Opaque bytes.
    pub value: Bytes,
}

/// What a writer believes the present state to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Previous {
    /// Says nothing: good for creating only.
    Unsaid,
    /// There is no record.
    Absent,
    /// The record has this tag; an absent record has the tag of its form's absent state.
    Tag(RecordTag),
    /// Something that can be no tag.
    Nonsense,
}

/// The tag that an absent record of this form shows.
pub fn absent_tag(form: RecordForm) -> RecordTag {
    match form {
        RecordForm::Single => RecordTag::v1(&[], &[], &Version::FIRST.to_string()),
        RecordForm::Named => RecordTag::v2(&[], &[]),
    }
}
