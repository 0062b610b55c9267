//! Lanes: a queue per account, handed out in batches. A lane exists while somebody waits in it.
//!
//! All shards of an engine share them, so a write is ordered with its account's other writes on whatever thread it
//! arrived. Whoever finds a lane empty serves it, on its own thread, until it is empty again.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
};

use super::job::Job;
use crate::{
    command::{Cost, Lane},
    error::EngineError,
};

/// How many tables the lanes are spread over, so that threads seldom meet at one lock.
const TABLES: usize = 16;

type Queues = BTreeMap<Lane, VecDeque<Box<dyn Job>>>;

/// Shared by all domain actors of an engine.
#[derive(Default)]
pub(crate) struct Lanes {
    tables: [Mutex<Queues>; TABLES],
}

impl Lanes {
    fn table(&self, lane: Lane) -> MutexGuard<'_, Queues> {
        // Nothing panics while a table is held; a poisoned one is still whole.
        self.tables[usize::from(lane.0[0]) % TABLES].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Queues a job. True if the lane was empty: the caller must then see to it that somebody takes from it.
    pub(crate) fn push(&self, lane: Lane, job: Box<dyn Job>) -> bool {
        let mut queues = self.table(lane);
        let idle = !queues.contains_key(&lane);
        queues.entry(lane).or_default().push_back(job);
        idle
    }

    /// The right to serve a lane, and the duty to; for whoever [`Lanes::push`] told that it was empty.
    pub(crate) fn serve(&self, lane: Lane) -> Serving<'_> {
        Serving { lanes: self, lane, ended: false }
    }

    /// The next batch: at most `max` jobs, in order, a heavy one always alone. `None` once the lane is empty, which also ends it.
    fn take(&self, lane: Lane, max: usize) -> Option<Vec<Box<dyn Job>>> {
        let mut queues = self.table(lane);
        let queue = queues.get_mut(&lane)?;
        if queue.is_empty() {
            queues.remove(&lane);
            return None;
        }
        let light = queue.iter().take(max.max(1)).take_while(|job| job.cost() == Cost::Light).count();
        let batch = light.max(1);
        Some(queue.drain(..batch).collect())
    }

    /// Lanes in which somebody waits or is being served.
    pub(crate) fn len(&self) -> usize {
        self.tables.iter().map(|table| table.lock().unwrap_or_else(PoisonError::into_inner).len()).sum()
    }
}

/// Serving one lane. A server that goes away with its thread must not leave the lane behind: whoever still waits is
/// told to come back, and the next to come serves it.
pub(crate) struct Serving<'a> {
    lanes: &'a Lanes,
    lane: Lane,
    /// The lane was found empty, and is somebody else's by now.
    ended: bool,
}

impl Serving<'_> {
    /// The next batch of at most `max` jobs; `None` once the lane is empty.
    pub(crate) fn next(&mut self, max: usize) -> Option<Vec<Box<dyn Job>>> {
        let batch = self.lanes.take(self.lane, max);
        self.ended = batch.is_none();
        batch
    }
}

impl Drop for Serving<'_> {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        let abandoned = self.lanes.table(self.lane).remove(&self.lane);
        for job in abandoned.into_iter().flatten() {
            job.finish(Some(EngineError::Draining));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use tokio::sync::oneshot;

    use super::*;
    use crate::{bus::Caller, credential::Credential, domains::accounts::EraseAccount, runtime::job::Queued};

    type Answer = oneshot::Receiver<Result<crate::domains::accounts::Erased, EngineError>>;

    fn job() -> (Box<dyn Job>, Answer) {
        let caller = Caller { credential: Credential::Node, deadline: Duration::ZERO, idempotency: None };
        let (reply, answer) = oneshot::channel();
        let erase = EraseAccount { identity: None };
        (Box::new(Queued::new(erase, caller, Duration::ZERO, Arc::default(), None, reply)), answer)
    }

    #[test]
    fn a_lane_whose_server_goes_away_is_free_again_and_nobody_waits_in_it_for_ever() {
        let lanes = Lanes::default();
        let lane = Lane([7; 16]);
        let (first, mut being_served) = job();
        let (second, mut waiting) = job();
        assert!(lanes.push(lane, first));
        assert!(!lanes.push(lane, second));
        let mut serving = lanes.serve(lane);
        drop(serving.next(1));
        drop(serving);
        assert!(being_served.try_recv().is_err_and(|error| error == oneshot::error::TryRecvError::Closed));
        assert_eq!(waiting.try_recv().unwrap(), Err(EngineError::Draining));
        assert_eq!(lanes.len(), 0);
        assert!(lanes.push(lane, job().0), "the next to come serves");
    }

    #[test]
    fn who_found_a_lane_empty_leaves_it_to_the_next() {
        let lanes = Lanes::default();
        let lane = Lane([7; 16]);
        assert!(lanes.push(lane, job().0));
        let mut serving = lanes.serve(lane);
        assert_eq!(serving.next(64).map(|batch| batch.len()), Some(1));
        assert!(serving.next(64).is_none());
        assert!(lanes.push(lane, job().0));
        drop(serving);
        assert_eq!(lanes.len(), 1, "the new server's job is still there");
    }
}
