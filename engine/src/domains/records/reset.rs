//! Resetting: emptying the single record, deleting named ones, taking a recipient out of them.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use strongroom_primitives::id::{AccountId, Subject};
use strongroom_storage::Key;

use super::{
    Content, Previous, Record, RecordForm, RecordName, Records, StoredHead, absent_tag, access,
    name::check_parts,
    put::{HeadWrite, check_previous, put_event},
    share,
};
use crate::{
    command::{Command, Decision, Kind, Moment, Reads, Step, Stretch, View},
    credential::{Need, Principal, Right},
    error::EngineError,
    feed::{Event, Ledger},
    keyspace::{self, Keyspace},
};

/// Heads that one commit looks at. A reset of more records takes several commits, each whole.
const RESET_ROWS: usize = 2_048;

/// Empties the caller's single record. The record stays, in its next major version; if there is none, nothing is
/// written.
///
/// Source: dialects/keyknox.md, section 3.3.
#[derive(Debug, Clone, Serialize)]
pub struct ResetSingle {
    /// Checked unless [`Previous::Unsaid`].
    pub previous: Previous,
}

impl Command for ResetSingle {
    type Domain = Records;
    /// The empty record; `None` if there was none.
    type Reply = Option<Record>;
    const NAME: &'static str = "reset_single";
    const KIND: Kind = Kind::Write;

    fn needs(&self) -> Need {
        Need::Right(Right::Reset)
    }

    fn reads(&self, who: &Principal, space: &Keyspace) -> Reads {
        Reads::one(space.head(who.account, &RecordName::single())).row(keyspace::ledger(who.account))
    }

    fn decide(
        &self,
        view: &View<'_>,
        who: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<Option<Record>>, EngineError> {
        let name = RecordName::single();
        let owner = who.identity()?.subject.clone();
        let stored: Option<StoredHead> = view.row(&moment.space.head(who.account, &name))?;
        if self.previous != Previous::Unsaid {
            check_previous(&self.previous, stored.as_ref(), RecordForm::Single, &owner, &[])?;
        }
        let Some(before) = stored else { return Decision::reply(None).done() };
        let ledger: Ledger = view.row(&keyspace::ledger(who.account))?.unwrap_or_default();
        let content = Content::empty();
        let write = HeadWrite {
            account: who.account,
            before: Some(&before),
            name: &name,
            version: before.version.next_major(),
            content: &content,
            now: moment.now,
        };
        let (head, decision) = write.apply(ledger, moment, Decision::reply(()))?;
        let record = Record { head: head.head(&owner, Vec::new()), meta: Bytes::new(), value: Bytes::new() };
        decision.tell(who.account, put_event(&head)).answer(Some(record)).done()
    }
}

/// Deletes the caller's named records whose names begin with `prefix`; the single record is not among them.
///
/// What is deleted is absent for everybody; history keeps it for the owner to undo.
#[derive(Debug, Clone, Serialize)]
pub struct ResetRecords {
    /// Leading parts of names; empty for all.
    pub prefix: Vec<String>,
    /// Checked unless [`Previous::Unsaid`]; only a whole name can be checked.
    pub previous: Previous,
    /// Where to go on: the `next` of the reply before.
    pub from: Option<Vec<u8>>,
}

/// What a reset did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResetDone {
    /// Records deleted, or changed, by this commit.
    pub count: u64,
    /// Where to go on, if there may be more.
    pub next: Option<Vec<u8>>,
    /// The record after the change, if the prefix was its whole name and it is still there.
    pub record: Option<Record>,
}

fn reads_of_heads(prefix: &[String], from: Option<&Vec<u8>>, account: AccountId, space: &Keyspace) -> Reads {
    let from = from.map(|bytes| Key::new(bytes.clone()));
    Reads::none().range(space.heads(account, prefix), from, RESET_ROWS, keyspace::ledger(account))
}

/// The live named records under `prefix`.
fn live_heads(
    view: &View<'_>,
    prefix: &[String],
    account: AccountId,
    space: &Keyspace,
) -> Result<Stretch<StoredHead>, EngineError> {
    let (mut rows, next) = view.range::<StoredHead>(&space.heads(account, prefix))?;
    rows.retain(|(_, head)| head.is_live() && head.name.form() == RecordForm::Named);
    Ok((rows, next))
}

/// The rows that say who reads these records and who has yet to be told of it, as far as they have not been read.
fn reads_of_recipients(
    view: &View<'_>,
    heads: &[(Key, StoredHead)],
    account: AccountId,
    space: &Keyspace,
) -> Reads {
    let records = heads.iter().map(|(_, head)| space.record(&head.name));
    records
        .flat_map(|record| [keyspace::recipients(account, record), keyspace::outbox(account, record)])
        .filter(|key| !view.has(key))
        .fold(Reads::none(), Reads::row)
}

/// Deletes one record: a tombstone head, an empty version, no recipients, less usage. Who could read it is told.
fn delete<R>(
    view: &View<'_>,
    who: &Principal,
    key: Key,
    head: &StoredHead,
    ledger: &mut Ledger,
    moment: &Moment<'_>,
    decision: Decision<R>,
) -> Result<(StoredHead, Decision<R>), EngineError> {
    ledger.records = ledger.records.saturating_sub(1);
    ledger.bytes = ledger.bytes.saturating_sub(head.bytes);
    let mut gone = head.deleted(absent_tag(RecordForm::Named), moment.now);
    let record = moment.space.record(&head.name);
    let readers = access::recipients(view, who.account, &head.name, moment.space)?;
    let nothing = (Bytes::new(), Bytes::new());
    let decision = gone
        .keep(key, who.account, record, nothing, moment.limits.history_versions_max, decision)
        .delete(keyspace::recipients(who.account, record));
    Ok((gone, share::withdraw(view, who, &head.name, &readers, moment, decision)?))
}

impl Command for ResetRecords {
    type Domain = Records;
    type Reply = ResetDone;
    const NAME: &'static str = "reset_records";
    const KIND: Kind = Kind::Write;

    fn needs(&self) -> Need {
        Need::Right(Right::Reset)
    }

    fn reads(&self, who: &Principal, space: &Keyspace) -> Reads {
        reads_of_heads(&self.prefix, self.from.as_ref(), who.account, space)
    }

    fn decide(
        &self,
        view: &View<'_>,
        who: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<ResetDone>, EngineError> {
        check_parts(&self.prefix).map_err(|_| EngineError::UnknownRecord)?;
        let (heads, next) = live_heads(view, &self.prefix, who.account, moment.space)?;
        if self.previous != Previous::Unsaid {
            let whole = heads.iter().map(|(_, head)| head).find(|head| head.name.parts() == self.prefix);
            let owner = who.identity()?.subject.clone();
            check_previous(&self.previous, whole, RecordForm::Named, &owner, &[])?;
        }
        let need = reads_of_recipients(view, &heads, who.account, moment.space);
        if !need.is_empty() {
            return Ok(Step::Need(need));
        }
        let next = next.map(|key| key.as_bytes().to_vec());
        let mut decision = Decision::reply(ResetDone { count: heads.len() as u64, next, record: None });
        if heads.is_empty() {
            return decision.done();
        }
        let mut ledger: Ledger = view.row(&keyspace::ledger(who.account))?.unwrap_or_default();
        let mut last = None;
        let count = heads.len() as u64;
        for (key, head) in heads {
            let (gone, more) = delete(view, who, key, &head, &mut ledger, moment, decision)?;
            (last, decision) = (Some(gone), more);
        }
        let event = match last {
            Some(gone) if gone.name.parts() == self.prefix => {
                Event::RecordDeleted { name: gone.name, sequence: gone.sequence }
            }
            _ => Event::RecordsReset { prefix: self.prefix.clone(), count },
        };
        decision.put(keyspace::ledger(who.account), &ledger).tell(who.account, event).done()
    }
}

/// Deletes the caller's named record of exactly this name. History keeps it for the owner to undo.
#[derive(Debug, Clone, Serialize)]
pub struct DeleteRecord {
    /// Which. The single record has [`ResetSingle`] instead.
    pub name: RecordName,
    /// Checked unless [`Previous::Unsaid`].
    pub previous: Previous,
}

impl Command for DeleteRecord {
    type Domain = Records;
    type Reply = ();
    const NAME: &'static str = "delete_record";
    const KIND: Kind = Kind::Write;

    fn needs(&self) -> Need {
        Need::Right(Right::Reset)
    }

    fn reads(&self, who: &Principal, space: &Keyspace) -> Reads {
        access::reads_of_access(who.account, &self.name, space)
            .row(keyspace::ledger(who.account))
            .row(keyspace::outbox(who.account, space.record(&self.name)))
    }

    fn decide(
        &self,
        view: &View<'_>,
        who: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<()>, EngineError> {
        if self.name.form() == RecordForm::Single {
            return Err(EngineError::UnknownRecord);
        }
        let key = moment.space.head(who.account, &self.name);
        let stored: Option<StoredHead> = view.row(&key)?;
        let recipients = access::recipients(view, who.account, &self.name, moment.space)?;
        if self.previous != Previous::Unsaid {
            let owner = &who.identity()?.subject;
            check_previous(&self.previous, stored.as_ref(), RecordForm::Named, owner, &recipients)?;
        }
        let head = stored.filter(StoredHead::is_live).ok_or(EngineError::UnknownRecord)?;
        let mut ledger: Ledger = view.row(&keyspace::ledger(who.account))?.unwrap_or_default();
        let (gone, decision) = delete(view, who, key, &head, &mut ledger, moment, Decision::reply(()))?;
        let event = Event::RecordDeleted { name: gone.name, sequence: gone.sequence };
        decision.put(keyspace::ledger(who.account), &ledger).tell(who.account, event).done()
    }
}

/// Takes one recipient out of all the caller's named records whose names begin with `prefix`. A record that then has
/// no recipient is deleted.
///
/// Source: dialects/keyknox.md, section 5, "Reset with `identity`".
#[derive(Debug, Clone, Serialize)]
pub struct RemoveRecipient {
    /// Leading parts of names; empty for all.
    pub prefix: Vec<String>,
    /// Who is to go.
    pub recipient: Subject,
    /// Where to go on: the `next` of the reply before.
    pub from: Option<Vec<u8>>,
}

impl Command for RemoveRecipient {
    type Domain = Records;
    type Reply = ResetDone;
    const NAME: &'static str = "remove_recipient";
    const KIND: Kind = Kind::Write;

    fn needs(&self) -> Need {
        Need::Right(Right::Reset)
    }

    fn reads(&self, who: &Principal, space: &Keyspace) -> Reads {
        reads_of_heads(&self.prefix, self.from.as_ref(), who.account, space)
    }

    fn decide(
        &self,
        view: &View<'_>,
        who: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<ResetDone>, EngineError> {
        check_parts(&self.prefix).map_err(|_| EngineError::UnknownRecord)?;
        let space = moment.space;
        let (heads, next) = live_heads(view, &self.prefix, who.account, space)?;
        let mut need = reads_of_recipients(view, &heads, who.account, space);
        if let Some((_, whole)) = heads.iter().find(|(_, head)| head.name.parts() == self.prefix) {
            let content = whole.content_key(who.account, space.record(&whole.name));
            if !view.has(&content) {
                need = need.hint(content);
            }
        }
        if !need.is_empty() {
            return Ok(Step::Need(need));
        }

        let owner = who.identity()?.subject.clone();
        let mut ledger: Ledger = view.row(&keyspace::ledger(who.account))?.unwrap_or_default();
        let mut done = ResetDone { count: 0, next: next.map(|key| key.as_bytes().to_vec()), record: None };
        let mut decision = Decision::reply(());
        let mut deleted = false;
        for (key, head) in heads {
            let before = access::recipients(view, who.account, &head.name, space)?;
            let sharing = share::remove(&before, std::slice::from_ref(&self.recipient));
            done.count += u64::from(sharing.changes());
            if sharing.recipients.is_empty() {
                let (gone, more) = delete(view, who, key, &head, &mut ledger, moment, decision)?;
                decision =
                    more.tell(who.account, Event::RecordDeleted { name: gone.name, sequence: gone.sequence });
                deleted = true;
                continue;
            }
            decision = sharing.apply(view, who, &head.name, moment, decision)?;
            if head.name.parts() == self.prefix {
                let content = head.content(view, who.account, space.record(&head.name))?;
                done.record = Some(head.record(&owner, sharing.recipients, content));
            }
        }
        if deleted {
            decision = decision.put(keyspace::ledger(who.account), &ledger);
        }
        decision.answer(done).done()
    }
}
