//! The courier: carries a command to the rows and its decision to storage.
//!
//! Order within a lane, batching, retries after lost races, deadlines and the isolation of panics live here. No rule
//! does.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Duration,
};

use futures_util::FutureExt;
use strongroom_primitives::{hash, time::Timestamp};
use strongroom_storage::{Batch, Storage, StorageError, Topic};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

use super::{
    attempt::Attempt,
    job::{Job, Queued},
    lanes::Lanes,
    replay,
    turn::Turn,
};
use crate::{
    bus::Caller,
    command::{Command, Domain, Lane, Moment, Reads, Step, StoreTime, View},
    credential::{Credential, CredentialCache, Principal, Signatures},
    domains::admission::Issuers,
    domains::pin_recovery::RecoveryRealms,
    domains::{service_keys::TouchServiceKey, sessions::TouchSession},
    error::EngineError,
    feed::Board,
    keyspace::Keyspace,
    limits::Limits,
    observe::Observer,
    ports::{Anchor, Cpu, Entropy, Timekeeper},
    secrets::EngineSecrets,
};

/// Time between two attempts to give up a write that is being committed.
const GIVE_UP_AGAIN: Duration = Duration::from_millis(20);

/// Rounds of `Need` before a command is considered broken. A walk up the tree of shares takes one for each of its 16
/// levels, and begins and ends with rows of its own; everything else is done after four.
pub(crate) const NEED_ROUNDS_MAX: usize = 20;

/// What all shards of an engine share.
pub(crate) struct Shared {
    pub(crate) storage: Arc<dyn Storage>,
    pub(crate) time: Timekeeper,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) limits: Limits,
    pub(crate) secrets: EngineSecrets,
    pub(crate) issuers: Issuers,
    /// The realms of PIN recovery that this engine is, and what knows how far they have come.
    pub(crate) recovery: RecoveryRealms,
    pub(crate) anchor: Arc<dyn Anchor>,
    pub(crate) space: Keyspace,
    pub(crate) board: Board,
    pub(crate) cache: CredentialCache,
    pub(crate) lanes: Lanes,
    pub(crate) cpu: Arc<dyn Cpu>,
    /// Room for heavy decisions, computed and waiting.
    pub(crate) heavy: Arc<Semaphore>,
    pub(crate) observer: Arc<dyn Observer>,
    /// What signatures were taken, where memory is enough.
    pub(crate) signatures: Signatures,
    /// Whether what the store keeps lies sealed.
    pub(crate) sealed_at_rest: bool,
    /// Uses that are to be written down.
    pub(crate) touched: mpsc::Sender<Touch>,
}

/// The use of something, to be written down.
pub(crate) enum Touch {
    /// Of a session.
    Session(TouchSession),
    /// Of a service key.
    ServiceKey(TouchServiceKey),
}

impl Shared {
    pub(crate) fn moment(&self) -> Moment<'_> {
        let now = self.time.now();
        Moment::new(now, &*self.entropy, &self.limits, &self.secrets, &self.issuers, &self.space)
            .sealed_at_rest(self.sealed_at_rest)
            .told_by(StoreTime::Of(&*self.storage))
    }

    /// The wall time at which a deadline falls.
    pub(super) fn deadline_wall(&self, deadline: Duration) -> u64 {
        let left = deadline.saturating_sub(self.time.monotonic());
        self.time.now().saturating_add(left).as_ms()
    }

    pub(super) fn check_deadline(&self, deadline: Duration) -> Result<(), EngineError> {
        if self.time.monotonic() > deadline { Err(EngineError::DeadlinePassed) } else { Ok(()) }
    }

    /// Commits a batch and wakes its followers.
    pub(super) async fn commit(&self, batch: Batch) -> Result<(), StorageError> {
        let topics: Vec<Topic> = batch.topics.clone();
        let not_after_ms = batch.not_after_ms;
        let writes = !batch.writes.is_empty();
        match self.storage.commit(batch).await {
            Ok(committed) => {
                self.time.reached(committed.at_ms);
                // A store may keep the time of a commit that writes nothing to itself.
                if writes {
                    self.signatures.told(committed.at_ms);
                }
                self.board.raise(&topics);
                Ok(())
            }
            Err(error) => {
                if error == StorageError::TooLate
                    && not_after_ms.is_some_and(|limit| self.time.now().as_ms() <= limit)
                {
                    self.learn_the_time().await;
                }
                Err(error)
            }
        }
    }

    /// Asks the store what time it is. A batch that is late for the store and in time for us means that our clock is
    /// behind the store's, and deciding again would be late again before we know by how much.
    async fn learn_the_time(&self) {
        match self.storage.commit(Batch::default()).await {
            Ok(committed) => {
                tracing::warn!(store_ms = committed.at_ms, "this node's clock is behind the store's");
                self.time.reached(committed.at_ms);
            }
            Err(error) => tracing::warn!(%error, "the store did not say what time it is"),
        }
    }

    pub(super) fn busy_retry_after(&self) -> Duration {
        Duration::from_millis(250)
    }
}

/// What carries commands for the actors of one thread.
pub(crate) struct Courier {
    pub(super) shared: Arc<Shared>,
}

impl Courier {
    pub(crate) fn new(shared: Arc<Shared>) -> Arc<Self> {
        Arc::new(Self { shared })
    }

    /// Has the use of a session or a service key written down, now and then, by somebody who has time for it.
    pub(super) fn note_use(&self, credential: &Credential, who: &Principal, now: Timestamp) {
        let (digest, touch) = match (credential, who.session, &who.service) {
            (Credential::Bearer { digest, .. }, Some(session), _) if !who.unproved => {
                (*digest, Touch::Session(TouchSession { account: who.account, session }))
            }
            (Credential::Signed(_), _, Some(service)) => {
                let (chain, id) = (service.chain.clone(), service.key.clone());
                (hash::sha256(who.account.as_bytes()), Touch::ServiceKey(TouchServiceKey { chain, id }))
            }
            _ => return,
        };
        if self.shared.cache.is_due(&digest, now) {
            // Where too many wait, the next use is as good.
            let _ = self.shared.touched.try_send(touch);
        }
    }

    /// Runs a command that only reads.
    pub(crate) async fn read<C: Command>(
        &self,
        command: &C,
        caller: &Caller,
    ) -> Result<C::Reply, EngineError> {
        let asked = self.shared.time.monotonic();
        let answer = self.read_until_still(command, caller).await;
        let took = self.shared.time.monotonic().saturating_sub(asked);
        self.shared.observer.command(C::Domain::NAME, C::NAME, replay::outcome(&answer), took);
        answer
    }

    async fn read_until_still<C: Command>(
        &self,
        command: &C,
        caller: &Caller,
    ) -> Result<C::Reply, EngineError> {
        for _ in 0..=self.shared.limits.conflict_retries_max {
            let mut attempt = Attempt::new(self);
            let mut moment = self.shared.moment();
            let decided = self.read_once(command, caller, &mut attempt, &mut moment).await;
            // What was seen in several looks counts only if it held still between them.
            if attempt.held_still().await? {
                return decided;
            }
            self.shared.observer.conflict();
        }
        Err(EngineError::Contended { retry_after: self.shared.busy_retry_after() })
    }

    async fn read_once<C: Command>(
        &self,
        command: &C,
        caller: &Caller,
        attempt: &mut Attempt<'_>,
        moment: &mut Moment<'_>,
    ) -> Result<C::Reply, EngineError> {
        let first = |who: &Principal| command.reads(who, &self.shared.space);
        let who = attempt.resolve(caller, moment, first).await?;
        who.require(command.needs())?;
        for _ in 0..=NEED_ROUNDS_MAX {
            let step = unwound(|| command.decide(&View::new(&attempt.rows), &who, moment))?;
            match step {
                Step::Need(reads) => attempt.load(reads, caller.deadline).await?,
                Step::Done(decision) => return decision.answer,
            }
        }
        tracing::error!(command = C::NAME, "a command never had enough rows");
        Err(EngineError::Fault)
    }

    /// Runs a command that may write, in its lane.
    pub(crate) async fn write<C: Command>(
        self: &Arc<Self>,
        command: C,
        caller: Caller,
        lane: Lane,
        permit: OwnedSemaphorePermit,
    ) -> Result<C::Reply, EngineError> {
        let asked = self.shared.time.monotonic();
        let deadline = caller.deadline;
        let turn = Arc::new(Turn::default());
        let (reply, answer) = oneshot::channel();
        let job = Box::new(Queued::new(command, caller, asked, turn.clone(), Some(permit), reply));
        if self.shared.lanes.push(lane, job) {
            // A task of its own: a caller that goes away must not take the lane with it.
            actix_rt::spawn(self.clone().serve(lane));
        }
        self.answered(answer, &turn, deadline).await
    }

    /// The answer of a queued write, or, once its deadline has passed, that it has not happened and never will.
    async fn answered<R>(
        &self,
        answer: oneshot::Receiver<Result<R, EngineError>>,
        turn: &Turn,
        deadline: Duration,
    ) -> Result<R, EngineError> {
        tokio::pin!(answer);
        let mut wait = deadline.saturating_sub(self.shared.time.monotonic());
        loop {
            tokio::select! {
                biased;
                answer = &mut answer => return answer.unwrap_or(Err(EngineError::OutcomeUnknown)),
                () = tokio::time::sleep(wait) => {
                    if turn.give_up() {
                        return Err(EngineError::DeadlinePassed);
                    }
                    // It is being committed. Should that fail, it is not tried again for nobody.
                    wait = GIVE_UP_AGAIN;
                }
            }
        }
    }

    /// The lane of a write. Nobody queues in another account's lane: the caller is resolved before the queue, and
    /// again, guarded, in it.
    pub(crate) async fn admit<C: Command>(&self, command: &C, caller: &Caller) -> Result<Lane, EngineError> {
        let mut attempt = Attempt::new(self);
        let mut moment = self.shared.moment();
        let admitted = match attempt.resolve(caller, &mut moment, |_| Reads::none()).await {
            Ok(who) => who
                .require(command.needs())
                .and_then(|()| unwound(|| Ok(command.lane(&who, &self.shared.space)))),
            Err(refusal) => Err(refusal),
        };
        if let Err(refusal) = &admitted {
            self.shared.observer.command(C::Domain::NAME, C::NAME, refusal.code(), Duration::ZERO);
        }
        admitted
    }

    /// Serves a lane until it is empty.
    async fn serve(self: Arc<Self>, lane: Lane) {
        let mut serving = self.shared.lanes.serve(lane);
        while let Some(jobs) = serving.next(self.shared.limits.lane_batch_max) {
            // Rules are caught one by one. Should anything else panic, its callers learn that nobody knows, and the
            // lane goes on: one that nobody serves would keep everybody waiting who comes after.
            if AssertUnwindSafe(self.run(jobs)).catch_unwind().await.is_err() {
                tracing::error!("a lane lost a batch to a panic");
            }
        }
    }

    /// Decides a batch together; where that does not go through, one by one.
    async fn run(&self, jobs: Vec<Box<dyn Job>>) {
        self.shared.observer.batch(jobs.len());
        let (late, mut jobs): (Vec<_>, Vec<_>) = jobs.into_iter().partition(|job| job.turn().is_given_up());
        late.into_iter().for_each(|job| self.finish(job, Some(EngineError::DeadlinePassed)));
        if jobs.is_empty() {
            return;
        }
        match self.try_together(&mut jobs).await {
            Ok(verdicts) => {
                for (job, verdict) in jobs.into_iter().zip(verdicts) {
                    self.finish(job, verdict.err());
                }
            }
            Err(Setback::Fatal(error)) => {
                jobs.into_iter().for_each(|job| self.finish(job, Some(error.clone())))
            }
            Err(Setback::Moved | Setback::Unfit(_)) => {
                for job in jobs {
                    self.run_alone(job).await;
                }
            }
        }
    }

    async fn run_alone(&self, job: Box<dyn Job>) {
        let mut alone = vec![job];
        let mut failure = Some(EngineError::Contended { retry_after: self.shared.busy_retry_after() });
        for _ in 0..self.shared.limits.conflict_retries_max.max(1) {
            match self.try_together(&mut alone).await {
                Ok(mut verdicts) => {
                    let verdict = verdicts.pop().unwrap_or(Err(EngineError::Fault));
                    failure = verdict.err();
                    break;
                }
                Err(Setback::Moved) if alone.iter().any(|job| job.turn().is_given_up()) => {
                    failure = Some(EngineError::DeadlinePassed);
                    break;
                }
                Err(Setback::Moved) => {}
                Err(Setback::Unfit(error)) => failure = Some(error),
                Err(Setback::Fatal(error)) => {
                    failure = Some(error);
                    break;
                }
            }
        }
        alone.into_iter().for_each(|job| self.finish(job, failure.clone()));
    }

    /// One try at a batch. The verdict of each job is that of its decision; a decision's own answer waits in the job.
    async fn try_together(
        &self,
        jobs: &mut Vec<Box<dyn Job>>,
    ) -> Result<Vec<Result<(), EngineError>>, Setback> {
        let mut attempt = Attempt::new(self);
        attempt.preload(jobs).await.map_err(Setback::Fatal)?;
        let mut verdicts = Vec::with_capacity(jobs.len());
        for at in 0..jobs.len() {
            verdicts.push(attempt.decide(jobs, at).await);
        }
        let Some(batch) = attempt.batch() else {
            return match attempt.held_still().await {
                Ok(true) => Ok(verdicts),
                Ok(false) => Err(Setback::Moved),
                Err(error) => Err(Setback::Fatal(error)),
            };
        };
        let claimed = jobs.iter().take_while(|job| job.turn().claim()).count();
        let release = || jobs.iter().take(claimed).for_each(|job| job.turn().release());
        if claimed < jobs.len() {
            release();
            return Err(Setback::Moved);
        }
        match self.shared.commit(batch).await {
            Ok(()) => Ok(verdicts),
            Err(StorageError::Conflict) => {
                self.shared.observer.conflict();
                release();
                Err(Setback::Moved)
            }
            // One of many may be what does not fit; alone, each gets its own answer.
            Err(error @ (StorageError::TooLarge(_) | StorageError::TooLate)) => {
                release();
                Err(Setback::Unfit(EngineError::of_commit(error)))
            }
            Err(error) => Err(Setback::Fatal(EngineError::of_commit(error))),
        }
    }

    fn finish(&self, job: Box<dyn Job>, failure: Option<EngineError>) {
        let took = self.shared.time.monotonic().saturating_sub(job.asked());
        let (domain, name) = (job.domain(), job.name());
        let outcome = job.finish(failure);
        self.shared.observer.command(domain, name, outcome, took);
    }
}

/// Why a batch did not go through. Nothing was written, except after `Fatal(OutcomeUnknown)`, where nobody knows.
enum Setback {
    /// A row moved, or a caller gave up; decide again.
    Moved,
    /// The batch as a whole was refused; each alone may not be.
    Unfit(EngineError),
    /// It ends here.
    Fatal(EngineError),
}

/// Runs a rule. A panic in it costs this one command (THREATS A-BUS-02).
pub(super) fn unwound<T>(rule: impl FnOnce() -> Result<T, EngineError>) -> Result<T, EngineError> {
    catch_unwind(AssertUnwindSafe(rule)).unwrap_or_else(|_| {
        tracing::error!("a rule panicked");
        Err(EngineError::Fault)
    })
}
