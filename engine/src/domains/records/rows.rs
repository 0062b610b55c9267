//! How records lie in storage.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use strongroom_primitives::{
    hash::{self, RecordTag},
    id::{AccountId, Subject},
    time::Timestamp,
};
use strongroom_storage::Key;

use super::{Content, Record, RecordHead, RecordName, Version};
use crate::{
    codec::Stored,
    command::{Decision, View},
    error::EngineError,
    keyspace::{self, RecordId},
};

/// Whether a record is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum HeadState {
    /// It is.
    Live,
    /// It was deleted; the row keeps its sequence and version from going back.
    Deleted,
}

/// Which slots hold the states that history keeps, newest first.
///
/// A new state takes the slot of the oldest one that is not to be kept, so a record that is written often lies in as
/// many rows as history is long, and replaces one with each write instead of adding one here and removing one there.
/// The contents of a slot therefore change, but never without the head.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Slots(Vec<u16>);

impl Slots {
    /// Takes a slot for a new state, so that with it at most `max` are kept. Gives the slots that hold nothing any
    /// more: none, unless fewer states are to be kept than before.
    fn take(&mut self, max: u64) -> Vec<u16> {
        let max = usize::try_from(max).unwrap_or(usize::MAX).clamp(1, u16::MAX.into());
        let mut dropped = self.0.split_off(self.0.len().min(max - 1));
        let slot = dropped.pop().unwrap_or_else(|| {
            let above = self.0.iter().max().map_or(Some(0), |highest| highest.checked_add(1));
            let free = above.or_else(|| (0..=u16::MAX).find(|slot| !self.0.contains(slot)));
            free.expect("there are more slots than states may be kept")
        });
        self.0.insert(0, slot);
        dropped
    }
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
    /// Where this state and those before it lie.
    pub(crate) slots: Slots,
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
            slots: Slots(vec![1, 0]),
        }
    }

    /// The state after this one, or the first one. It still lacks its slot; see [`StoredHead::keep`].
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
            slots: before.map_or_else(Slots::default, |head| head.slots.clone()),
        }
    }

    /// The deletion of this state. It still lacks its slot.
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

    /// Gives this new state its slot, and writes it under `key` and its content into the slot. History keeps `max`
    /// states.
    pub(super) fn keep<R>(
        &mut self,
        key: Key,
        account: AccountId,
        record: RecordId,
        (meta, value): (Bytes, Bytes),
        max: u64,
        decision: Decision<R>,
    ) -> Decision<R> {
        let dropped = self.slots.take(max);
        let decision = dropped
            .into_iter()
            .fold(decision, |decision, slot| decision.delete(keyspace::version(account, record, slot)));
        let content = self.version_row(meta, value);
        decision.put(self.content_key(account, record), &content).put(key, self)
    }

    /// The row of this state's content.
    pub(super) fn content_key(&self, account: AccountId, record: RecordId) -> Key {
        keyspace::version(account, record, self.slots.0.first().copied().unwrap_or_default())
    }

    /// The row that holds the state of this sequence number, if history keeps so much.
    pub(crate) fn key_of(&self, sequence: u64, account: AccountId, record: RecordId) -> Option<Key> {
        let age = usize::try_from(self.sequence.checked_sub(sequence)?).ok()?;
        Some(keyspace::version(account, record, *self.slots.0.get(age)?))
    }

    /// The sequence number of the oldest state that history may hold.
    pub(crate) fn oldest(&self) -> u64 {
        (self.sequence + 1).saturating_sub(self.slots.0.len() as u64)
    }

    /// The content of this state, which has been read.
    ///
    /// # Errors
    /// [`EngineError::Corrupt`] if its slot holds something else.
    pub(super) fn content(
        &self,
        view: &View<'_>,
        account: AccountId,
        record: RecordId,
    ) -> Result<StoredVersion, EngineError> {
        let stored: Option<StoredVersion> = view.row(&self.content_key(account, record))?;
        stored.filter(|stored| stored.sequence == self.sequence).ok_or(EngineError::Corrupt)
    }

    fn version_row(&self, meta: Bytes, value: Bytes) -> StoredVersion {
        StoredVersion {
            sequence: self.sequence,
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

/// One state, with its content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredVersion {
    pub(crate) sequence: u64,
    pub(crate) version: Version,
    pub(crate) tag: RecordTag,
    pub(crate) written: Timestamp,
    pub(crate) state: HeadState,
    pub(crate) meta: Bytes,
    pub(crate) value: Bytes,
}

impl Stored for StoredVersion {}

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
