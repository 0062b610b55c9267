//! Judges of histories. Each takes what clients were told and says which promise was broken, if one was.
//!
//! A checker never asks the system for its opinion about order: it is given what was asked, what was answered and
//! when, and what is left in the end, and looks for one course of events that explains all of it.

pub mod feed;
pub mod version_order;

use std::fmt;

/// A promise that a history shows broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Promise {
    /// States follow each other without a gap, and versions never go back.
    Consecutive,
    /// What was acknowledged or shown is there in the end.
    Kept,
    /// Every state has one writer, and every writer one state.
    OneWriter,
    /// Nothing appears that nobody wrote.
    NothingFromNowhere,
    /// A refusal means that nothing happened.
    RefusedMeansNothing,
    /// A write replaces the very state that its writer named.
    ComparedBeforeSet,
    /// The chain links every state to all before it.
    Chained,
    /// Content comes back as it was written.
    Content,
    /// What is told was true at some instant between question and answer.
    RealTime,
    /// Every event is delivered once and in order, or a gap is told.
    EveryEventOnce,
}

/// A broken promise and where it shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Which.
    pub promise: Promise,
    /// What was seen.
    pub seen: String,
}

impl Violation {
    fn of<T>(promise: Promise, seen: impl Into<String>) -> Result<T, Self> {
        Err(Self { promise, seen: seen.into() })
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is broken: {}", self.promise, self.seen)
    }
}
