//! How records lie in storage.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use strongroom_primitives::{
    hash::{self, RecordTag},
    id::Subject,
    time::Timestamp,
};

use super::{Content, Record, RecordHead, RecordName, Version};
use crate::codec::Stored;

/// Whether a record is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum HeadState {
    /// It is.
    Live,
    /// It was deleted; the row keeps its sequence and version from going back.
    Deleted,
}

/// The present state of a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredHead {
    pub(crate) name: RecordName,
    pub(crate) state: HeadState,
    pub(crate) sequence: u64,
    pub(crate) version: Version,
    pub(crate) tag: RecordTag,
    pub(crate) chain: [u8; 32],
    pub(crate) written: Timestamp,
    /// The first 16 bytes of the BLAKE3 hash of `meta`; tells whether a write changes it.
    pub(crate) meta_digest: [u8; 16],
    /// The same of `value`.
    pub(crate) value_digest: [u8; 16],
    /// Bytes of `meta` and `value`.
    pub(crate) bytes: u64,
}

impl Stored for StoredHead {}

impl StoredHead {
    pub(crate) fn is_live(&self) -> bool {
        self.state == HeadState::Live
    }

    /// A head with a value in every field.
    #[cfg(test)]
    pub(crate) fn sample(name: RecordName, version: Version, tag: RecordTag, written: Timestamp) -> Self {
        let (chain, meta_digest, value_digest) = ([8; 32], [4; 16], [5; 16]);
        let state = HeadState::Live;
        Self {
            name,
            state,
            sequence: 9,
            version,
            tag,
            chain,
            written,
            meta_digest,
            value_digest,
            bytes: 1_024,
        }
    }

    /// The state after this one, or the first one.
    pub(super) fn next(
        before: Option<&Self>,
        name: &RecordName,
        version: Version,
        tag: RecordTag,
        content: &Content,
        now: Timestamp,
    ) -> Self {
        let sequence = before.map_or(0, |head| head.sequence) + 1;
        Self {
            name: name.clone(),
            state: HeadState::Live,
            sequence,
            version,
            tag,
            chain: chain(before.map_or(&[0; 32], |head| &head.chain), sequence, &tag),
            written: now,
            meta_digest: content.meta_digest,
            value_digest: content.value_digest,
            bytes: content.bytes(),
        }
    }

    /// The deletion of this state.
    pub(super) fn deleted(&self, absent: RecordTag, now: Timestamp) -> Self {
        let empty = Content::empty();
        Self {
            state: HeadState::Deleted,
            ..Self::next(Some(self), &self.name, self.version, absent, &empty, now)
        }
    }

    pub(super) fn head(&self, owner: &Subject, recipients: Vec<Subject>) -> RecordHead {
        RecordHead {
            name: self.name.clone(),
            owner: owner.clone(),
            sequence: self.sequence,
            version: self.version,
            tag: self.tag,
            chain: self.chain,
            written: self.written,
            recipients,
        }
    }

    pub(super) fn record(&self, owner: &Subject, recipients: Vec<Subject>, content: StoredVersion) -> Record {
        Record { head: self.head(owner, recipients), meta: content.meta, value: content.value }
    }

    /// What history keeps of this state.
    pub(super) fn version_row(&self, meta: Bytes, value: Bytes) -> StoredVersion {
        StoredVersion {
            version: self.version,
            tag: self.tag,
            written: self.written,
            state: self.state,
            meta,
            value,
        }
    }
}

/// One link of the chain: SHA-256 over the link before, the sequence (64-bit big endian) and the tag.
pub(super) fn chain(before: &[u8; 32], sequence: u64, tag: &RecordTag) -> [u8; 32] {
    let mut link = Vec::with_capacity(32 + 8 + 64);
    link.extend_from_slice(before);
    link.extend_from_slice(&sequence.to_be_bytes());
    link.extend_from_slice(tag.as_bytes());
    hash::sha256(&link)
}

/// The content of one state. Written once, never changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredVersion {
    pub(crate) version: Version,
    pub(crate) tag: RecordTag,
    pub(crate) written: Timestamp,
    pub(crate) state: HeadState,
    pub(crate) meta: Bytes,
    pub(crate) value: Bytes,
}

impl Stored for StoredVersion {}

impl StoredVersion {
    pub(crate) fn is_deletion(&self) -> bool {
        self.state == HeadState::Deleted
    }
}

/// Who may read a record beside its owner. No row means nobody.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredRecipients {
    pub(crate) recipients: Vec<Subject>,
}

impl Stored for StoredRecipients {}

/// A record that was shared with the account that the row belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredGrant {
    pub(crate) owner: Subject,
    pub(crate) name: RecordName,
    pub(crate) since: Timestamp,
}

impl Stored for StoredGrant {}

/// Recipients who have yet to be told of a change; the sweeper tells them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredOutbox {
    pub(crate) name: RecordName,
    pub(crate) owner: crate::credential::Identity,
    /// Each with whether access was given (`true`) or taken back.
    pub(crate) changes: Vec<(Subject, bool)>,
}

impl Stored for StoredOutbox {}
