//! Lanes: a queue per account, handed out in batches. A lane exists while somebody waits in it.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Mutex, PoisonError},
};

use super::job::Job;
use crate::command::Lane;

/// Shared by all domain actors of a shard.
#[derive(Default)]
pub(crate) struct Lanes {
    queues: Mutex<BTreeMap<Lane, VecDeque<Box<dyn Job>>>>,
}

impl Lanes {
    /// Queues a job. True if the lane was empty: the caller must then see to it that somebody takes from it.
    pub(crate) fn push(&self, lane: Lane, job: Box<dyn Job>) -> bool {
        let mut queues = self.queues.lock().unwrap_or_else(PoisonError::into_inner);
        let idle = !queues.contains_key(&lane);
        queues.entry(lane).or_default().push_back(job);
        idle
    }

    /// The next batch: at most `max` jobs, in order. `None` once the lane is empty, which also ends it.
    pub(crate) fn take(&self, lane: Lane, max: usize) -> Option<Vec<Box<dyn Job>>> {
        let mut queues = self.queues.lock().unwrap_or_else(PoisonError::into_inner);
        let queue = queues.get_mut(&lane)?;
        if queue.is_empty() {
            queues.remove(&lane);
            return None;
        }
        let batch = queue.len().min(max.max(1));
        Some(queue.drain(..batch).collect())
    }

    /// Lanes in which somebody waits or is being served.
    pub(crate) fn len(&self) -> usize {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}
