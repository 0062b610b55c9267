//! One try at one or more commands: the rows they look at, the caller each turns out to have, and the batch that their
//! decisions come to.

use std::time::Duration;

use strongroom_primitives::id::AccountId;
use strongroom_storage::{Batch, Key, Range, Topic};
use tokio::sync::oneshot;

use super::{
    Courier,
    courier::{NEED_ROUNDS_MAX, unwound},
    job::{Effects, Job, JobStep},
};
use crate::{
    bus::Caller,
    codec,
    command::{Cost, Hold, Moment, Reads, Rows, View},
    credential::{Principal, Resolved, Resolver},
    domains::accounts::StoredAccount,
    error::EngineError,
    feed::{Ledger, StoredEvent},
    keyspace,
};

/// How long a heavy command's commit waits while others are computed, so that one sync makes them all durable. The
/// last of them waits for nobody, and nobody for it.
const HEAVY_PATIENCE: Duration = Duration::from_millis(4);

pub(super) struct Attempt<'a> {
    courier: &'a Courier,
    pub(super) rows: Rows,
    topics: Vec<Topic>,
    not_after_ms: Option<u64>,
    patience: Duration,
    /// How often storage was asked.
    looks: usize,
    wrote: bool,
}

impl<'a> Attempt<'a> {
    pub(super) fn new(courier: &'a Courier) -> Self {
        Self {
            courier,
            rows: Rows::default(),
            topics: Vec::new(),
            not_after_ms: None,
            patience: Duration::ZERO,
            looks: 0,
            wrote: false,
        }
    }

    /// Reads what is not there yet.
    pub(super) async fn load(&mut self, reads: Reads, deadline: Duration) -> Result<(), EngineError> {
        let Reads { rows, ranges } = reads;
        let mut missing: Vec<(Key, Hold)> = Vec::with_capacity(rows.len());
        for (key, hold) in rows {
            if self.rows.has(&key) {
                self.rows.hold(&key, hold);
            } else {
                missing.push((key, hold));
            }
        }
        // Of several wishes for one row the firmest counts.
        missing.sort_unstable_by(|(one, a), (other, b)| one.cmp(other).then(b.cmp(a)));
        missing.dedup_by(|(later, _), (earlier, _)| later == earlier);
        if !missing.is_empty() {
            self.courier.shared.check_deadline(deadline)?;
            self.looks += 1;
            let (keys, holds): (Vec<Key>, Vec<Hold>) = missing.into_iter().unzip();
            let found = self.courier.shared.storage.get(&keys).await.map_err(EngineError::of_read)?;
            for ((key, hold), row) in keys.into_iter().zip(holds).zip(found) {
                self.rows.load(key, row, hold);
            }
        }
        for read in ranges {
            if self.rows.has_range(&read) {
                continue;
            }
            self.looks += 1;
            let mut range = Range::prefix(&read.prefix, read.limit);
            if let Some(from) = &read.from {
                range = range.from(from.clone());
            }
            let mut found = Vec::new();
            let next = loop {
                self.courier.shared.check_deadline(deadline)?;
                range.limit = read.limit - found.len();
                let page =
                    self.courier.shared.storage.scan(range.clone()).await.map_err(EngineError::of_read)?;
                found.extend(page.rows);
                match page.next {
                    Some(next) if found.len() < read.limit => range = range.from(next),
                    next => break next,
                }
            };
            self.rows.load_range(read, found, next);
        }
        Ok(())
    }

    /// The caller, by rows, with the rows that a command of theirs begins with: `first` names them, and one look
    /// serves both wherever the account is known before its rows are.
    pub(super) async fn resolve(
        &mut self,
        caller: &Caller,
        moment: &mut Moment<'_>,
        first: impl Fn(&Principal) -> Reads,
    ) -> Result<Principal, EngineError> {
        let resolver = self.begin(caller, moment)?;
        let tentative = resolver.tentative(moment.space);
        let reads = resolver.reads(moment.space);
        let reads = match &tentative {
            Some(who) => reads.and(unwound(|| Ok(first(who)))?),
            None => reads,
        };
        self.load(reads, caller.deadline).await?;
        let who = self.resolve_loaded(&resolver, caller, moment).await?;
        if tentative
            .is_none_or(|tentative| tentative.account != who.account || tentative.identity != who.identity)
        {
            self.load(unwound(|| Ok(first(&who)))?, caller.deadline).await?;
        }
        Ok(who)
    }

    fn begin(&self, caller: &Caller, moment: &Moment<'_>) -> Result<Resolver, EngineError> {
        Resolver::begin(&caller.credential, &self.courier.shared.cache, moment)
    }

    async fn resolve_loaded(
        &mut self,
        resolver: &Resolver,
        caller: &Caller,
        moment: &mut Moment<'_>,
    ) -> Result<Principal, EngineError> {
        let (cache, signatures) = (&self.courier.shared.cache, &self.courier.shared.signatures);
        for _ in 0..=NEED_ROUNDS_MAX {
            match resolver.resolve(&View::new(&self.rows), moment, cache, signatures)? {
                Resolved::Who(principal) => {
                    self.courier.note_use(&caller.credential, &principal, moment.now);
                    return Ok(principal);
                }
                Resolved::Need(reads) => self.load(reads, caller.deadline).await?,
            }
        }
        Err(EngineError::Fault)
    }

    /// Reads in one look what all jobs of a batch begin with.
    pub(super) async fn preload(&mut self, jobs: &[Box<dyn Job>]) -> Result<(), EngineError> {
        let moment = self.courier.shared.moment();
        let space = moment.space;
        let mut reads = Reads::none();
        let mut latest = Duration::ZERO;
        for job in jobs {
            let caller = job.caller();
            latest = latest.max(caller.deadline);
            // A credential that cannot be read does not stop the others: its job is refused when it is decided.
            let Ok(resolver) = self.begin(caller, &moment) else { continue };
            reads = reads.and(resolver.reads(space));
            // Nor one whose rule breaks down before it has decided.
            if let Some(who) = resolver.tentative(space)
                && let Ok(first) = unwound(|| Ok(job.reads(&who, space)))
            {
                reads = reads.and(first);
            }
        }
        match self.load(reads, latest).await {
            // Every job is asked for its own deadline in its turn.
            Err(EngineError::DeadlinePassed) => Ok(()),
            other => other,
        }
    }

    /// Decides one job against the rows as the jobs before it leave them.
    pub(super) async fn decide(
        &mut self,
        jobs: &mut Vec<Box<dyn Job>>,
        at: usize,
    ) -> Result<(), EngineError> {
        let courier = self.courier;
        let job = &jobs[at];
        let deadline = job.caller().deadline;
        courier.shared.check_deadline(deadline)?;
        let mut moment = courier.shared.moment();
        let resolver = self.begin(job.caller(), &moment)?;
        self.load(resolver.reads(moment.space), deadline).await?;
        let who = self.resolve_loaded(&resolver, job.caller(), &mut moment).await?;
        who.require(job.needs())?;
        self.load(unwound(|| Ok(job.reads(&who, moment.space)))?, deadline).await?;
        for _ in 0..=NEED_ROUNDS_MAX {
            let step = match jobs[at].cost() {
                Cost::Light => unwound(|| jobs[at].decide(&View::new(&self.rows), &who, &mut moment))?,
                Cost::Heavy => self.decide_apart(jobs, at, &who, &mut moment).await?,
            };
            match step {
                JobStep::Need(reads) => self.load(reads, deadline).await?,
                JobStep::Done(effects) if effects.are_none() => return Ok(()),
                JobStep::Done(effects) => return self.take(effects, &who, &moment, deadline).await,
            }
        }
        tracing::error!(command = jobs[at].name(), "a command never had enough rows");
        Err(EngineError::Fault)
    }

    /// One step of a heavy job, on the CPU port. The job and the rows travel there and back.
    async fn decide_apart(
        &mut self,
        jobs: &mut Vec<Box<dyn Job>>,
        at: usize,
        who: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<JobStep, EngineError> {
        let shared = self.courier.shared.clone();
        let deadline = jobs[at].caller().deadline;
        let who = who.clone();
        let busy = EngineError::Overloaded { retry_after: shared.busy_retry_after() };
        let room = shared.heavy.clone().try_acquire_owned().map_err(|_| busy)?;
        let (hand_back, handed_back) = oneshot::channel();
        let mut job = jobs.remove(at);
        let rows = std::mem::take(&mut self.rows);
        self.courier.shared.cpu.run(Box::new(move || {
            let mut moment = shared.moment();
            let step = match shared.check_deadline(deadline) {
                // Nobody waits for it any more: the next in the queue shall not either.
                Err(late) => Err(late),
                Ok(()) => unwound(|| job.decide(&View::new(&rows), &who, &mut moment)),
            };
            drop(room);
            // Nobody is there to take it back where a thread has ended and its lane with it.
            let _ = hand_back.send((job, rows, step, moment.not_after()));
        }));
        let (job, rows, step, not_after) = handed_back.await.map_err(|_| EngineError::Fault)?;
        jobs.insert(at, job);
        self.rows = rows;
        let others = self.courier.shared.heavy.available_permits() < self.courier.shared.limits.heavy_max;
        self.patience = if others { HEAVY_PATIENCE } else { Duration::ZERO };
        if let Some(instant) = not_after {
            moment.relies_on(instant);
        }
        step
    }

    /// Takes a decision's effects into the batch, and gives its events their sequence numbers.
    async fn take(
        &mut self,
        effects: Effects,
        who: &Principal,
        moment: &Moment<'_>,
        deadline: Duration,
    ) -> Result<(), EngineError> {
        // Whatever else has to be read is read before the first write, so that a failure leaves nothing half taken.
        let topics: Vec<AccountId> = effects.events.iter().map(|(account, _)| *account).collect();
        let ledgers =
            topics.iter().fold(Reads::none(), |reads, account| reads.row(keyspace::ledger(*account)));
        self.load(ledgers, deadline).await?;
        let numbered = topics
            .iter()
            .map(|account| codec_or_default(self.rows.value(&keyspace::ledger(*account))))
            .collect::<Result<Vec<Ledger>, EngineError>>();
        numbered?;

        if who.new_account && !self.rows.written(&keyspace::account(who.account)) {
            let account = StoredAccount::new(who.identity()?.clone(), moment.now);
            self.rows.write(keyspace::account(who.account), Some(codec::encode(&account)));
        }
        for (key, value) in effects.writes {
            self.rows.write(key, value);
        }
        for (account, event) in effects.events {
            let ledger_key = keyspace::ledger(account);
            let mut ledger: Ledger = codec_or_default(self.rows.value(&ledger_key))?;
            ledger.feed += 1;
            let row = StoredEvent { at: moment.now, event };
            self.rows.write(keyspace::event(account, ledger.feed), Some(codec::encode(&row)));
            if let Some(old) = ledger.feed.checked_sub(moment.limits.feed_events_max).filter(|old| *old > 0) {
                self.rows.write(keyspace::event(account, old), None);
            }
            self.rows.write(ledger_key, Some(codec::encode(&ledger)));
            self.topics.push(keyspace::account_topic(account));
        }
        self.topics.extend(effects.topics);
        let deadline_ms = self.courier.shared.deadline_wall(deadline);
        let limit = moment.not_after().map_or(deadline_ms, |instant| instant.as_ms().min(deadline_ms));
        self.not_after_ms = Some(self.not_after_ms.map_or(limit, |earlier| earlier.min(limit)));
        self.wrote = true;
        Ok(())
    }

    /// The batch that the decisions come to; `None` if they write nothing.
    pub(super) fn batch(&mut self) -> Option<Batch> {
        if !self.wrote {
            return None;
        }
        self.topics.sort_unstable();
        self.topics.dedup();
        Some(Batch {
            guards: self.rows.guards(),
            writes: self.rows.writes(),
            topics: std::mem::take(&mut self.topics),
            not_after_ms: self.not_after_ms,
            patience: self.patience,
            ..Batch::default()
        })
    }

    /// Whether everything that was seen was there at one instant: always so after a single look.
    pub(super) async fn held_still(&self) -> Result<bool, EngineError> {
        if self.looks <= 1 {
            return Ok(true);
        }
        let (keys, revisions): (Vec<Key>, Vec<_>) =
            self.rows.guarded().map(|(key, revision)| (key.clone(), revision)).unzip();
        let found = self.courier.shared.storage.get(&keys).await.map_err(EngineError::of_read)?;
        Ok(found.into_iter().zip(revisions).all(|(row, revision)| row.map(|row| row.revision) == revision))
    }
}

fn codec_or_default(bytes: Option<&bytes::Bytes>) -> Result<Ledger, EngineError> {
    bytes.map_or(Ok(Ledger::default()), |bytes| codec::decode(bytes))
}
