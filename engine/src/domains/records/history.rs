//! History: looking at former versions, and bringing one back. The owner's alone.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use strongroom_primitives::{hash::RecordTag, time::Timestamp};
use strongroom_storage::Key;

use super::{
    Content, Previous, Record, RecordHead, RecordName, Records, StoredHead, StoredVersion, Version, access,
    put::{HeadWrite, check_previous, put_event},
    rows::{HeadState, StoredRecipients},
};
use crate::{
    command::{Command, Decision, Kind, Moment, Reads, Step, View},
    credential::{Need, Principal, Right},
    error::EngineError,
    feed::Ledger,
    keyspace::{self, Keyspace, RecordId},
};

/// Versions on one page: each is read with its content.
const PAGE_VERSIONS: u64 = 16;

/// Lists the versions that history keeps of a record, oldest first. Works for deleted records too.
#[derive(Debug, Clone, Serialize)]
pub struct History {
    /// Which of the caller's records.
    pub name: RecordName,
    /// Only versions after this sequence number.
    pub after: Option<u64>,
}

/// A version, without its content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionInfo {
    /// The record's sequence number at that version.
    pub sequence: u64,
    /// Its version then.
    pub version: Version,
    /// Its tag then.
    pub tag: RecordTag,
    /// When that version began.
    pub written: Timestamp,
    /// True for a deletion.
    pub deleted: bool,
    /// Bytes of `meta`.
    pub meta_bytes: u64,
    /// Bytes of `value`.
    pub value_bytes: u64,
}

/// A page of history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryPage {
    /// Versions, oldest first.
    pub versions: Vec<VersionInfo>,
    /// The `after` of the next page, if there may be one.
    pub next: Option<u64>,
}

impl Command for History {
    type Domain = Records;
    type Reply = HistoryPage;
    const NAME: &'static str = "history";
    const KIND: Kind = Kind::Read;

    fn needs(&self) -> Need {
        Need::Right(Right::Get)
    }

    fn reads(&self, who: &Principal, space: &Keyspace) -> Reads {
        Reads::one(space.head(who.account, &self.name))
    }

    fn decide(
        &self,
        view: &View<'_>,
        who: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<HistoryPage>, EngineError> {
        let head: Option<StoredHead> = view.row(&moment.space.head(who.account, &self.name))?;
        let head = head.ok_or(EngineError::UnknownRecord)?;
        let record = moment.space.record(&self.name);
        let first = self.after.map_or(0, |after| after.saturating_add(1)).max(head.oldest());
        let last = first.saturating_add(PAGE_VERSIONS - 1).min(head.sequence);
        let keys: Vec<Key> =
            (first..=last).filter_map(|sequence| head.key_of(sequence, who.account, record)).collect();
        if keys.iter().any(|key| !view.has(key)) {
            return Ok(Step::Need(keys.into_iter().fold(Reads::none(), Reads::hint)));
        }
        let mut versions = Vec::with_capacity(keys.len());
        for key in &keys {
            // What is too old is gone already, though its slot has not been taken again.
            let Some(stored) = view.row::<StoredVersion>(key)? else { continue };
            versions.push(VersionInfo {
                sequence: stored.sequence,
                version: stored.version,
                tag: stored.tag,
                written: stored.written,
                deleted: stored.state == HeadState::Deleted,
                meta_bytes: stored.meta.len() as u64,
                value_bytes: stored.value.len() as u64,
            });
        }
        let next = (last < head.sequence).then_some(last);
        Decision::reply(HistoryPage { versions, next }).done()
    }
}

/// The row of a former state.
fn former(head: &StoredHead, sequence: u64, who: &Principal, record: RecordId) -> Result<Key, EngineError> {
    head.key_of(sequence, who.account, record).ok_or(EngineError::UnknownVersion)
}

/// Reads the content of a former version.
#[derive(Debug, Clone, Serialize)]
pub struct GetVersion {
    /// Which of the caller's records.
    pub name: RecordName,
    /// Which of its versions.
    pub sequence: u64,
}

impl Command for GetVersion {
    type Domain = Records;
    type Reply = Record;
    const NAME: &'static str = "get_version";
    const KIND: Kind = Kind::Read;

    fn needs(&self) -> Need {
        Need::Right(Right::Get)
    }

    fn reads(&self, who: &Principal, space: &Keyspace) -> Reads {
        access::reads_of_access(who.account, &self.name, space)
    }

    fn decide(
        &self,
        view: &View<'_>,
        who: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<Record>, EngineError> {
        let owner = who.identity()?.subject.clone();
        let head: Option<StoredHead> = view.row(&moment.space.head(who.account, &self.name))?;
        let head = head.ok_or(EngineError::UnknownRecord)?;
        let key = former(&head, self.sequence, who, moment.space.record(&self.name))?;
        if !view.has(&key) {
            return Ok(Step::Need(Reads::none().hint(key)));
        }
        let stored: StoredVersion = view.row(&key)?.ok_or(EngineError::UnknownVersion)?;
        let recipients = access::recipients(view, who.account, &self.name, moment.space)?;
        let head = RecordHead {
            sequence: self.sequence,
            version: stored.version,
            tag: stored.tag,
            written: stored.written,
            // The chain belongs to the present head; a former one's is not kept.
            ..head.head(&owner, recipients)
        };
        Decision::reply(Record { head, meta: stored.meta, value: stored.value }).done()
    }
}

/// Makes a former version's content the new head.
#[derive(Debug, Clone, Serialize)]
pub struct UndoRecord {
    /// Which of the caller's records.
    pub name: RecordName,
    /// Which version comes back.
    pub sequence: u64,
    /// Checked unless [`Previous::Unsaid`].
    pub previous: Previous,
}

impl Command for UndoRecord {
    type Domain = Records;
    type Reply = RecordHead;
    const NAME: &'static str = "undo_record";
    const KIND: Kind = Kind::Write;

    fn needs(&self) -> Need {
        Need::Right(Right::Create)
    }

    fn reads(&self, who: &Principal, space: &Keyspace) -> Reads {
        access::reads_of_access(who.account, &self.name, space).row(keyspace::ledger(who.account))
    }

    fn decide(
        &self,
        view: &View<'_>,
        who: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<RecordHead>, EngineError> {
        let form = self.name.form();
        let owner = who.identity()?.subject.clone();
        let record = moment.space.record(&self.name);
        let stored: Option<StoredHead> = view.row(&moment.space.head(who.account, &self.name))?;
        let before = stored.ok_or(EngineError::UnknownRecord)?;
        let mut recipients = access::recipients(view, who.account, &self.name, moment.space)?;
        if self.previous != Previous::Unsaid {
            check_previous(&self.previous, Some(&before), form, &owner, &recipients)?;
        }
        let key = former(&before, self.sequence, who, record)?;
        if !view.has(&key) {
            return Ok(Step::Need(Reads::none().hint(key)));
        }
        let former: StoredVersion = view.row(&key)?.ok_or(EngineError::UnknownVersion)?;
        if former.state == HeadState::Deleted {
            return Err(EngineError::UnknownVersion);
        }
        let content = Content::new(form, Bytes::clone(&former.meta), Bytes::clone(&former.value));
        let ledger: Ledger = view.row(&keyspace::ledger(who.account))?.unwrap_or_default();
        let write = HeadWrite {
            account: who.account,
            before: Some(&before),
            name: &self.name,
            version: before.version.next_major(),
            content: &content,
            now: moment.now,
        };
        let (head, mut decision) = write.apply(ledger, moment, Decision::reply(()))?;
        // A deletion took the recipients away; what comes back is the owner's until it is shared anew.
        if recipients.is_empty() && form == super::RecordForm::Named {
            recipients.push(owner.clone());
            let row = StoredRecipients { recipients: recipients.clone() };
            decision = decision.put(keyspace::recipients(who.account, record), &row);
        }
        decision.tell(who.account, put_event(&head)).answer(head.head(&owner, recipients)).done()
    }
}
