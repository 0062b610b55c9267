//! A write that waits in a lane, with its type erased, so that commands of all domains can share a batch.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use strongroom_primitives::{hash, id::AccountId};
use strongroom_storage::{Key, Topic};
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::{
    replay::{self, Slot},
    turn::Turn,
};
use crate::{
    bus::Caller,
    command::{Command, Cost, Domain, Moment, Reads, Step, View},
    credential::{Need, Principal},
    error::EngineError,
    feed::Event,
    keyspace::Keyspace,
};

/// What a decision wants written.
#[derive(Debug, Default)]
pub(crate) struct Effects {
    pub(crate) writes: Vec<(Key, Option<Bytes>)>,
    pub(crate) events: Vec<(AccountId, Event)>,
    pub(crate) topics: Vec<Topic>,
}

impl Effects {
    pub(crate) fn are_none(&self) -> bool {
        self.writes.is_empty() && self.events.is_empty() && self.topics.is_empty()
    }
}

/// One step of a job.
pub(crate) enum JobStep {
    Need(Reads),
    Done(Effects),
}

/// A queued write.
pub(crate) trait Job: Send {
    fn domain(&self) -> &'static str;
    fn name(&self) -> &'static str;
    fn caller(&self) -> &Caller;
    fn cost(&self) -> Cost;
    fn turn(&self) -> &Turn;
    fn needs(&self) -> Need;
    fn reads(&self, who: &Principal, space: &Keyspace) -> Reads;

    /// Decides once more. The answer stays inside until [`Job::finish`].
    fn decide(
        &mut self,
        view: &View<'_>,
        who: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<JobStep, EngineError>;

    /// Sends the answer that was decided, or `failure` in its place.
    fn finish(self: Box<Self>, failure: Option<EngineError>) -> &'static str;

    /// When it was asked, on the monotonic clock.
    fn asked(&self) -> Duration;
}

/// A command in the shape of a job.
pub(crate) struct Queued<C: Command> {
    command: C,
    caller: Caller,
    answer: Option<Result<C::Reply, EngineError>>,
    reply: oneshot::Sender<Result<C::Reply, EngineError>>,
    asked: Duration,
    turn: Arc<Turn>,
    /// The room that the write takes up. Its caller may go away earlier than it does.
    _permit: Option<OwnedSemaphorePermit>,
    /// SHA-256 over the command, made when an idempotency key calls for it.
    fingerprint: Option<[u8; 32]>,
}

impl<C: Command> Queued<C> {
    pub(crate) fn new(
        command: C,
        caller: Caller,
        asked: Duration,
        turn: Arc<Turn>,
        permit: Option<OwnedSemaphorePermit>,
        reply: oneshot::Sender<Result<C::Reply, EngineError>>,
    ) -> Self {
        let fingerprint = caller.idempotency.as_ref().and_then(|_| {
            let bytes = postcard::to_allocvec(&(C::Domain::NAME, C::NAME, &command)).ok()?;
            Some(hash::sha256(&bytes))
        });
        Self { command, caller, answer: None, reply, asked, turn, _permit: permit, fingerprint }
    }
}

impl<C: Command> Job for Queued<C> {
    fn domain(&self) -> &'static str {
        C::Domain::NAME
    }

    fn name(&self) -> &'static str {
        C::NAME
    }

    fn caller(&self) -> &Caller {
        &self.caller
    }

    fn cost(&self) -> Cost {
        C::COST
    }

    fn turn(&self) -> &Turn {
        &self.turn
    }

    fn needs(&self) -> Need {
        self.command.needs()
    }

    fn reads(&self, who: &Principal, space: &Keyspace) -> Reads {
        let reads = self.command.reads(who, space);
        match &self.caller.idempotency {
            Some(key) => reads.row(space.slot(who.account, key)),
            None => reads,
        }
    }

    fn decide(
        &mut self,
        view: &View<'_>,
        who: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<JobStep, EngineError> {
        let slot = match (&self.caller.idempotency, self.fingerprint) {
            (Some(key), Some(fingerprint)) => Some(Slot::new(key, fingerprint, who.account, moment.space)),
            _ => None,
        };
        if let Some(slot) = &slot
            && let Some(first) = slot.answer::<C::Reply>(view, moment.now)?
        {
            self.answer = Some(Ok(first));
            return Ok(JobStep::Done(Effects::default()));
        }
        let decision = match self.command.decide(view, who, moment)? {
            Step::Need(reads) => return Ok(JobStep::Need(reads)),
            Step::Done(decision) => decision,
        };
        let mut effects =
            Effects { writes: decision.writes, events: decision.events, topics: decision.topics };
        if let (Some(slot), Ok(reply)) = (&slot, &decision.answer)
            && !effects.are_none()
        {
            let (key, row) = slot.fill(reply, moment);
            effects.writes.push((key, Some(crate::codec::encode(&row))));
        }
        self.answer = Some(decision.answer);
        Ok(JobStep::Done(effects))
    }

    fn finish(self: Box<Self>, failure: Option<EngineError>) -> &'static str {
        let answer = match failure {
            Some(failure) => Err(failure),
            None => self.answer.unwrap_or(Err(EngineError::Fault)),
        };
        let outcome = replay::outcome(&answer);
        // The caller may have given up; what was committed stays committed.
        let _ = self.reply.send(answer);
        outcome
    }

    fn asked(&self) -> Duration {
        self.asked
    }
}
