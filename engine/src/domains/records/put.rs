//! Creating and replacing a record, by compare-and-set.

use bytes::Bytes;
use serde::Serialize;
use strongroom_primitives::{
    hash::{RecordTag, TagDraft},
    id::Subject,
    time::Timestamp,
};

use super::{
    Previous, RecordForm, RecordHead, RecordName, Records, StoredHead, Version, absent_tag, access, share,
};
use crate::{
    command::{Command, Decision, Kind, Moment, Reads, Step, View},
    credential::{Need, Principal, Right},
    error::{EngineError, Quota},
    feed::{Event, Ledger},
    keyspace::{self, Keyspace},
    limits::Limits,
};

/// `meta` and `value`, hashed already, so that the long part of a write's work happens before it waits its turn.
#[derive(Clone, Serialize)]
pub struct Content {
    /// Opaque bytes.
    pub(super) meta: Bytes,
    /// Opaque bytes.
    pub(super) value: Bytes,
    #[serde(skip)]
    draft: Draft,
    #[serde(skip)]
    pub(super) meta_digest: [u8; 16],
    #[serde(skip)]
    pub(super) value_digest: [u8; 16],
}

/// What is known of a tag before the version is.
#[derive(Clone)]
enum Draft {
    /// The single record's tag still takes its version.
    Open(TagDraft),
    /// Every other record's tag is finished.
    Finished(RecordTag),
}

fn digest16(bytes: &[u8]) -> [u8; 16] {
    let mut digest = [0; 16];
    digest.copy_from_slice(&blake3::hash(bytes).as_bytes()[..16]);
    digest
}

impl Content {
    /// Hashes `meta` and `value` for a record of this form.
    pub fn new(form: RecordForm, meta: Bytes, value: Bytes) -> Self {
        let draft = match form {
            RecordForm::Single => Draft::Open(TagDraft::v1(&meta, &value)),
            RecordForm::Named => Draft::Finished(RecordTag::v2(&meta, &value)),
        };
        let (meta_digest, value_digest) = (digest16(&meta), digest16(&value));
        Self { meta, value, draft, meta_digest, value_digest }
    }

    /// Nothing at all.
    pub(super) fn empty() -> Self {
        Self::new(RecordForm::Single, Bytes::new(), Bytes::new())
    }

    pub(super) fn bytes(&self) -> u64 {
        (self.meta.len() + self.value.len()) as u64
    }

    pub(super) fn tag(&self, version: Version) -> RecordTag {
        match &self.draft {
            Draft::Open(draft) => draft.finish(&version.to_string()),
            Draft::Finished(tag) => *tag,
        }
    }

    fn check(&self, form: RecordForm, limits: &Limits) -> Result<(), EngineError> {
        let meta_max = match form {
            RecordForm::Single => limits.single_meta_bytes_max,
            RecordForm::Named => limits.meta_bytes_max,
        };
        if self.meta.len() > meta_max {
            return Err(EngineError::MetaTooLarge { bytes: self.meta.len(), max: meta_max });
        }
        if self.value.len() > limits.value_bytes_max {
            let (bytes, max) = (self.value.len(), limits.value_bytes_max);
            return Err(EngineError::ValueTooLarge { bytes, max });
        }
        Ok(())
    }
}

impl std::fmt::Debug for Content {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Content({} + {} bytes)", self.meta.len(), self.value.len())
    }
}

/// Creates a record, or replaces it if the writer knows its present state.
#[derive(Debug, Clone, Serialize)]
pub struct PutRecord {
    name: RecordName,
    content: Content,
    previous: Previous,
    share_with: Vec<Subject>,
}

impl PutRecord {
    /// A write of `meta` and `value` over `previous`. `share_with` is added to the record's recipients.
    pub fn new(
        name: RecordName,
        meta: Bytes,
        value: Bytes,
        previous: Previous,
        share_with: Vec<Subject>,
    ) -> Self {
        let content = Content::new(name.form(), meta, value);
        Self { name, content, previous, share_with }
    }
}

/// Checks what a writer believes against what is there.
///
/// Source of the distinctions: dialects/keyknox.md, sections 3.2 and 5.
pub(super) fn check_previous(
    previous: &Previous,
    head: Option<&StoredHead>,
    form: RecordForm,
    owner: &Subject,
    recipients: &[Subject],
) -> Result<(), EngineError> {
    let live = head.filter(|head| head.is_live());
    let agrees = match (previous, live) {
        (Previous::Unsaid | Previous::Absent, None) => true,
        (Previous::Tag(tag), None) => *tag == absent_tag(form),
        (Previous::Tag(tag), Some(head)) => *tag == head.tag,
        (Previous::Unsaid, Some(head)) => {
            let head = Box::new(head.head(owner, recipients.to_vec()));
            return Err(EngineError::PreviousMissing { head });
        }
        (Previous::Absent | Previous::Nonsense, _) => false,
    };
    if agrees {
        Ok(())
    } else {
        Err(EngineError::StaleRecord {
            head: live.map(|head| Box::new(head.head(owner, recipients.to_vec()))),
        })
    }
}

/// The version after a write of `content` over `head`. `None` if the write changes nothing.
///
/// Source: dialects/keyknox.md, section 3.4. A named record's `value` may change alone; that counts as a change of
/// both.
fn next_version(
    head: Option<&StoredHead>,
    content: &Content,
    form: RecordForm,
) -> Result<Option<Version>, EngineError> {
    let Some(head) = head else { return Ok(Some(Version::FIRST)) };
    if !head.is_live() {
        return Ok(Some(head.version.next_major()));
    }
    let meta_changes = head.meta_digest != content.meta_digest;
    let value_changes = head.value_digest != content.value_digest;
    match (meta_changes, value_changes, form) {
        (false, false, _) => Ok(None),
        (true, false, _) => Ok(Some(head.version.next_minor())),
        (false, true, RecordForm::Single) => Err(EngineError::ValueChangedAlone),
        (_, true, _) => Ok(Some(head.version.next_major())),
    }
}

/// Writes a new state of a record: head, content, history's oldest version out, usage.
pub(super) struct HeadWrite<'a> {
    pub(super) account: strongroom_primitives::id::AccountId,
    pub(super) before: Option<&'a StoredHead>,
    pub(super) name: &'a RecordName,
    pub(super) version: Version,
    pub(super) content: &'a Content,
    pub(super) now: Timestamp,
}

impl HeadWrite<'_> {
    /// Adds the writes to `decision` and returns the new head.
    ///
    /// # Errors
    /// [`EngineError::QuotaExceeded`].
    pub(super) fn apply<R>(
        &self,
        mut ledger: Ledger,
        moment: &Moment<'_>,
        decision: Decision<R>,
    ) -> Result<(StoredHead, Decision<R>), EngineError> {
        let (space, limits) = (moment.space, moment.limits);
        let tag = self.content.tag(self.version);
        let mut head = StoredHead::next(self.before, self.name, self.version, tag, self.content, self.now);
        let live_before = self.before.filter(|before| before.is_live());
        ledger.records += u64::from(live_before.is_none());
        ledger.bytes = ledger.bytes.saturating_sub(live_before.map_or(0, |before| before.bytes)) + head.bytes;
        if live_before.is_none() && ledger.records > limits.account_records_max {
            return Err(EngineError::QuotaExceeded { what: Quota::Records, max: limits.account_records_max });
        }
        let grows = head.bytes > live_before.map_or(0, |before| before.bytes);
        if grows && ledger.bytes > limits.account_bytes_max {
            return Err(EngineError::QuotaExceeded { what: Quota::Bytes, max: limits.account_bytes_max });
        }
        let content = (self.content.meta.clone(), self.content.value.clone());
        let (key, record) = (space.head(self.account, self.name), space.record(self.name));
        let decision = head
            .keep(key, self.account, record, content, limits.history_versions_max, decision)
            .put(keyspace::ledger(self.account), &ledger);
        Ok((head, decision))
    }
}

/// The event that tells of a new head.
pub(super) fn put_event(head: &StoredHead) -> Event {
    Event::RecordPut {
        name: head.name.clone(),
        sequence: head.sequence,
        version: head.version,
        tag: head.tag,
    }
}

impl Command for PutRecord {
    type Domain = Records;
    type Reply = RecordHead;
    const NAME: &'static str = "put_record";
    const KIND: Kind = Kind::Write;

    fn needs(&self) -> Need {
        Need::Right(Right::Create)
    }

    fn reads(&self, who: &Principal, space: &Keyspace) -> Reads {
        let reads =
            access::reads_of_access(who.account, &self.name, space).row(keyspace::ledger(who.account));
        share::reads_of_outbox(reads, who.account, &self.name, &self.share_with, space)
    }

    fn decide(
        &self,
        view: &View<'_>,
        who: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<RecordHead>, EngineError> {
        let form = self.name.form();
        self.content.check(form, moment.limits)?;
        let owner = who.identity()?.subject.clone();
        let stored: Option<StoredHead> = view.row(&moment.space.head(who.account, &self.name))?;
        let recipients = access::recipients(view, who.account, &self.name, moment.space)?;
        check_previous(&self.previous, stored.as_ref(), form, &owner, &recipients)?;

        let live = stored.as_ref().is_some_and(StoredHead::is_live);
        let sharing = share::add(&recipients, &self.share_with, &owner, live, form, moment.limits)?;
        let version = next_version(stored.as_ref(), &self.content, form)?;
        let (Some(version), recipients) = (version, sharing.recipients.clone()) else {
            // The same content again: no new version, though there may be new recipients.
            let head = stored.ok_or(EngineError::Fault)?;
            let decision = Decision::reply(head.head(&owner, sharing.recipients.clone()));
            return sharing.apply(view, who, &self.name, moment, decision)?.done();
        };
        let ledger: Ledger = view.row(&keyspace::ledger(who.account))?.unwrap_or_default();
        let write = HeadWrite {
            account: who.account,
            before: stored.as_ref(),
            name: &self.name,
            version,
            content: &self.content,
            now: moment.now,
        };
        let (head, decision) = write.apply(ledger, moment, Decision::reply(()))?;
        let decision = decision.tell(who.account, put_event(&head));
        sharing.apply(view, who, &self.name, moment, decision)?.answer(head.head(&owner, recipients)).done()
    }
}
