//! What a command decided: an answer, rows to write, and events to tell.

use bytes::Bytes;
use strongroom_primitives::id::AccountId;
use strongroom_storage::{Key, Topic};

use super::Reads;
use crate::{
    codec::{self, Stored},
    error::EngineError,
    feed::Event,
};

/// A decision, or the further rows that it turns out to need: rows may name rows.
#[derive(Debug)]
pub enum Step<R> {
    /// Look at these as well and ask again.
    Need(Reads),
    /// Decided.
    Done(Decision<R>),
}

/// An answer and what it takes to make it true.
#[derive(Debug)]
pub struct Decision<R> {
    pub(crate) answer: Result<R, EngineError>,
    pub(crate) writes: Vec<(Key, Option<Bytes>)>,
    pub(crate) events: Vec<(AccountId, Event)>,
    pub(crate) topics: Vec<Topic>,
}

impl<R> Decision<R> {
    /// This answer, and nothing written so far.
    pub fn reply(reply: R) -> Self {
        Self { answer: Ok(reply), writes: Vec::new(), events: Vec::new(), topics: Vec::new() }
    }

    /// A refusal that leaves a mark: what is put below is committed, and *then* the caller is refused.
    pub fn refuse(error: EngineError) -> Self {
        Self { answer: Err(error), writes: Vec::new(), events: Vec::new(), topics: Vec::new() }
    }

    /// Writes `row` under `key`.
    pub fn put<T: Stored>(mut self, key: Key, row: &T) -> Self {
        self.writes.push((key, Some(codec::encode(row))));
        self
    }

    /// Removes the row under `key`.
    pub fn delete(mut self, key: Key) -> Self {
        self.writes.push((key, None));
        self
    }

    /// Tells the followers of `account`. The runtime gives the event its sequence number in the same batch.
    pub fn tell(mut self, account: AccountId, event: Event) -> Self {
        self.events.push((account, event));
        self
    }

    /// Wakes whoever waits on `topic` without telling anything: credentials that may have died are looked at again.
    pub fn wake(mut self, topic: Topic) -> Self {
        self.topics.push(topic);
        self
    }

    /// The same decision with another answer.
    pub(crate) fn answer<S>(self, reply: S) -> Decision<S> {
        self.map(|_| reply)
    }

    /// The same decision with another answer, made of this one's.
    pub(crate) fn map<S>(self, to: impl FnOnce(R) -> S) -> Decision<S> {
        let Self { answer, writes, events, topics } = self;
        Decision { answer: answer.map(to), writes, events, topics }
    }

    /// Its answer, and the same decision without one.
    ///
    /// # Errors
    /// The refusal that it is.
    pub(crate) fn split(self) -> Result<(R, Decision<()>), EngineError> {
        let Self { answer, writes, events, topics } = self;
        Ok((answer?, Decision { answer: Ok(()), writes, events, topics }))
    }

    /// And what `other` writes and tells, whatever it answers.
    pub(crate) fn with<S>(mut self, other: Decision<S>) -> Self {
        self.writes.extend(other.writes);
        self.events.extend(other.events);
        self.topics.extend(other.topics);
        self
    }

    /// Whether nothing would be written or told.
    pub(crate) fn is_silent(&self) -> bool {
        self.writes.is_empty() && self.events.is_empty()
    }

    /// The decision as a finished step: every rule ends with it.
    ///
    /// # Errors
    /// None; the type is that of [`crate::Command::decide`].
    pub fn done(self) -> Result<Step<R>, EngineError> {
        Ok(Step::Done(self))
    }
}
