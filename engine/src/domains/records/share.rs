//! Sharing a record with other identities of the realm, and telling them.
//!
//! Who may read is one row beside the record, so it holds from the commit on. That somebody was given access is told
//! later, by the sweeper, from an outbox row: a change shared with a thousand identities writes one row, not a thousand.

use serde::{Deserialize, Serialize};
use strongroom_primitives::id::{AccountId, Subject};

use super::{
    RecordForm, RecordName, Records, StoredHead, access,
    rows::{StoredGrant, StoredOutbox, StoredRecipients},
};
use crate::{
    command::{Command, Decision, Kind, Lane, Moment, Reads, Step, View},
    credential::{Identity, Need, Principal, Right},
    error::EngineError,
    feed::Event,
    keyspace::{self, Keyspace, RecordId},
    limits::Limits,
};

/// Grants that one delivery makes.
const DELIVERY_MAX: usize = 64;

/// Adds the rows that telling recipients takes, if there is anybody to tell.
pub(super) fn reads_of_outbox(
    reads: Reads,
    owner: AccountId,
    name: &RecordName,
    changed: &[Subject],
    space: &Keyspace,
) -> Reads {
    if changed.is_empty() { reads } else { reads.row(keyspace::outbox(owner, space.record(name))) }
}

/// A change of a record's recipients.
pub(super) struct Sharing {
    /// All recipients after the change, in the order in which they were added.
    pub(super) recipients: Vec<Subject>,
    added: Vec<Subject>,
    removed: Vec<Subject>,
    write: bool,
}

/// Adds recipients. Duplicates are dropped, first order kept. A named record that would have none is its owner's.
///
/// Source: dialects/keyknox.md, section 5, "Push rules".
pub(super) fn add(
    before: &[Subject],
    more: &[Subject],
    owner: &Subject,
    live: bool,
    form: RecordForm,
    limits: &Limits,
) -> Result<Sharing, EngineError> {
    if form == RecordForm::Single {
        let none = Sharing { recipients: Vec::new(), added: Vec::new(), removed: Vec::new(), write: false };
        return if more.is_empty() { Ok(none) } else { Err(EngineError::NotShareable) };
    }
    let max = limits.recipients_max;
    if more.len() > max {
        return Err(EngineError::TooManyRecipients { max });
    }
    // A record that was deleted had its recipients removed with it.
    let mut recipients = if live { before.to_vec() } else { Vec::new() };
    let mut added = Vec::new();
    for subject in more {
        if !recipients.contains(subject) {
            recipients.push(subject.clone());
            added.push(subject.clone());
        }
    }
    if recipients.is_empty() {
        recipients.push(owner.clone());
        added.push(owner.clone());
    }
    if recipients.len() > max {
        return Err(EngineError::TooManyRecipients { max });
    }
    let write = !added.is_empty() || !live;
    Ok(Sharing { recipients, added, removed: Vec::new(), write })
}

/// Removes recipients.
pub(super) fn remove(before: &[Subject], gone: &[Subject]) -> Sharing {
    let (removed, recipients): (Vec<_>, Vec<_>) =
        before.iter().cloned().partition(|subject| gone.contains(subject));
    let write = !removed.is_empty();
    Sharing { recipients, added: Vec::new(), removed, write }
}

impl Sharing {
    /// Whether anything changes.
    pub(super) fn changes(&self) -> bool {
        self.write
    }

    /// Puts the change into `decision`: the recipients row, the event, and the outbox for everybody but the owner.
    pub(super) fn apply<R>(
        &self,
        view: &View<'_>,
        who: &Principal,
        name: &RecordName,
        moment: &Moment<'_>,
        mut decision: Decision<R>,
    ) -> Result<Decision<R>, EngineError> {
        if !self.write {
            return Ok(decision);
        }
        let identity = who.identity()?;
        let record = moment.space.record(name);
        let key = keyspace::recipients(who.account, record);
        decision = if self.recipients.is_empty() {
            decision.delete(key)
        } else {
            decision.put(key, &StoredRecipients { recipients: self.recipients.clone() })
        };
        let others = |subjects: &[Subject], given: bool| -> Vec<(Subject, bool)> {
            subjects.iter().filter(|one| **one != identity.subject).map(|one| (one.clone(), given)).collect()
        };
        let changes = [others(&self.added, true), others(&self.removed, false)].concat();
        if changes.is_empty() {
            return Ok(decision);
        }
        let (added, removed) = (self.added.len() as u64, self.removed.len() as u64);
        decision = put_outbox(view, who.account, record, identity, name, changes, decision)?;
        Ok(decision.tell(who.account, Event::RecordsShared { prefix: name.parts().to_vec(), added, removed }))
    }
}

/// Has everybody but the owner told that they lost access: the record is gone.
pub(super) fn withdraw<R>(
    view: &View<'_>,
    who: &Principal,
    name: &RecordName,
    readers: &[Subject],
    moment: &Moment<'_>,
    decision: Decision<R>,
) -> Result<Decision<R>, EngineError> {
    let identity = who.identity()?;
    let others = readers.iter().filter(|reader| **reader != identity.subject);
    let changes: Vec<(Subject, bool)> = others.map(|reader| (reader.clone(), false)).collect();
    if changes.is_empty() {
        return Ok(decision);
    }
    put_outbox(view, who.account, moment.space.record(name), identity, name, changes, decision)
}

/// Adds `changes` to what the sweeper has yet to tell.
pub(super) fn put_outbox<R>(
    view: &View<'_>,
    account: AccountId,
    record: RecordId,
    owner: &Identity,
    name: &RecordName,
    changes: Vec<(Subject, bool)>,
    decision: Decision<R>,
) -> Result<Decision<R>, EngineError> {
    let key = keyspace::outbox(account, record);
    let mut outbox = view.row(&key)?.unwrap_or_else(|| StoredOutbox {
        name: name.clone(),
        owner: owner.clone(),
        changes: Vec::new(),
    });
    // Only the last change of each recipient matters to them.
    outbox.changes.retain(|(subject, _)| changes.iter().all(|(changed, _)| changed != subject));
    outbox.changes.extend(changes);
    Ok(decision.put(key, &outbox))
}

/// Gives identities access to a record, or takes it back.
#[derive(Debug, Clone, Serialize)]
pub struct ShareRecord {
    /// Which of the caller's records.
    pub name: RecordName,
    /// Who may read it from now on.
    pub add: Vec<Subject>,
    /// Who may not any longer. A client that removes somebody also re-encrypts: what they have read, they have read.
    pub remove: Vec<Subject>,
}

/// Who may read the record now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shared {
    /// The recipients, in the order in which they were added.
    pub recipients: Vec<Subject>,
}

impl Command for ShareRecord {
    type Domain = Records;
    type Reply = Shared;
    const NAME: &'static str = "share_record";
    const KIND: Kind = Kind::Write;

    fn needs(&self) -> Need {
        Need::Right(Right::Create)
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
    ) -> Result<Step<Shared>, EngineError> {
        let form = self.name.form();
        if form == RecordForm::Single {
            return Err(EngineError::NotShareable);
        }
        let (_, before): (StoredHead, _) =
            access::readable(view, who.account, &self.name, who, moment.space)?;
        let owner = &who.identity()?.subject;
        let kept = remove(&before, &self.remove);
        let mut sharing = add(&kept.recipients, &self.add, owner, true, form, moment.limits)?;
        sharing.write |= kept.write;
        sharing.removed =
            kept.removed.into_iter().filter(|gone| !sharing.recipients.contains(gone)).collect();
        let decision = Decision::reply(Shared { recipients: sharing.recipients.clone() });
        sharing.apply(view, who, &self.name, moment, decision)?.done()
    }
}

/// Tells recipients of one record that they were given access or lost it. The sweeper asks for it.
#[derive(Debug, Clone, Serialize)]
pub struct DeliverGrants {
    /// Whose record.
    pub owner: AccountId,
    /// Which.
    pub record: [u8; 16],
}

impl DeliverGrants {
    fn outbox(&self) -> strongroom_storage::Key {
        keyspace::outbox(self.owner, RecordId(self.record))
    }
}

impl Command for DeliverGrants {
    type Domain = Records;
    /// Whether there is more to deliver.
    type Reply = bool;
    const NAME: &'static str = "deliver_grants";
    const KIND: Kind = Kind::Write;

    fn needs(&self) -> Need {
        Need::Node
    }

    fn lane(&self, _: &Principal, _: &Keyspace) -> Lane {
        Lane::of_account(self.owner)
    }

    fn reads(&self, _: &Principal, _: &Keyspace) -> Reads {
        Reads::one(self.outbox())
    }

    fn decide(
        &self,
        view: &View<'_>,
        _: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<bool>, EngineError> {
        let Some(mut outbox) = view.row::<StoredOutbox>(&self.outbox())? else {
            return Decision::reply(false).done();
        };
        let rest = outbox.changes.split_off(outbox.changes.len().min(DELIVERY_MAX));
        let told: Vec<(AccountId, bool)> = outbox
            .changes
            .iter()
            .map(|(subject, given)| (moment.space.account_of(&outbox.owner.realm, subject), *given))
            .collect();
        // An erased account gets nothing, and its rows are being removed.
        let missing: Vec<_> = told
            .iter()
            .map(|(account, _)| keyspace::account(*account))
            .filter(|key| !view.has(key))
            .collect();
        if !missing.is_empty() {
            return Ok(Step::Need(missing.into_iter().fold(Reads::none(), Reads::row)));
        }
        let mut decision = Decision::reply(!rest.is_empty());
        let owner = &outbox.owner.subject;
        for (account, given) in told {
            let state = view.row::<crate::domains::accounts::StoredAccount>(&keyspace::account(account))?;
            if state.is_some_and(|stored| stored.state == crate::domains::accounts::AccountState::Erased) {
                continue;
            }
            let key = keyspace::grant(account, self.owner, RecordId(self.record));
            let (owner, name) = (owner.clone(), outbox.name.clone());
            decision = if given {
                let grant = StoredGrant { owner: owner.clone(), name: name.clone(), since: moment.now };
                decision.put(key, &grant).tell(account, Event::RecordGranted { owner, name })
            } else {
                decision.delete(key).tell(account, Event::RecordWithdrawn { owner, name })
            };
        }
        if rest.is_empty() {
            decision.delete(self.outbox()).done()
        } else {
            let outbox = StoredOutbox { changes: rest, ..outbox };
            decision.put(self.outbox(), &outbox).done()
        }
    }
}
