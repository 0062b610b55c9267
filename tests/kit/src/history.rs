//! What clients asked and what they were told, with the virtual instants of both.
//!
//! The one thing to believe: **a call without an answer is unknown, never absent.** It may have happened at any time
//! after it was sent, and a checker must allow for both. A refusal, in contrast, is a promise that nothing happened.

use std::{cell::RefCell, fmt, time::Duration};

use bytes::Bytes;
use strongroom_engine::{
    EngineError,
    domains::records::{Previous, Record, RecordHead, RecordName, Version},
};

/// Names one thing that one client wanted, however often it was asked again.
pub type OperationId = u64;

/// The 64 bytes that name a state of a record.
pub type Tag = [u8; 64];

/// What a client wanted of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// To replace it with the content that belongs to the operation ([`content`]).
    Put(Previous),
    /// To delete it, or to empty it if it is the single record.
    Reset(Previous),
    /// To read it.
    Read,
}

/// One state of a record, as somebody was shown it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct State {
    /// The record's sequence number.
    pub sequence: u64,
    /// Its version.
    pub version: Version,
    /// Its tag.
    pub tag: Tag,
    /// Its chain.
    pub chain: [u8; 32],
    /// Whose content it is, where the content was shown.
    pub content: Option<Authorship>,
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{} {}", self.sequence, self.version)?;
        match self.content {
            Some(Authorship::Of(operation)) => write!(f, " by operation {operation}"),
            Some(other) => write!(f, " {other:?}"),
            None => Ok(()),
        }
    }
}

/// Whose content a state holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Authorship {
    /// Nothing at all: the record was emptied.
    Empty,
    /// That of this operation, byte for byte.
    Of(OperationId),
    /// Nobody's: damaged or made up.
    Nobody,
}

/// How a call ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It answered with this state of the record.
    Shown(State),
    /// There was no such record.
    Absent,
    /// So many records were deleted.
    Deleted(u64),
    /// Refused, and nothing happened. A refusal of what the caller believed shows what there was instead.
    Refused {
        /// The code of the refusal.
        code: &'static str,
        /// What there was, if the refusal says so.
        shown: Option<Shown>,
    },
    /// Nobody knows.
    Unknown,
}

/// What a refusal shows of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// There was none.
    Absent,
    /// It was in this state.
    State(State),
}

/// One thing that a client wanted of one record, and how it ended.
#[derive(Clone, PartialEq, Eq)]
pub struct Call {
    /// Who.
    pub client: usize,
    /// Which.
    pub operation: OperationId,
    /// Of which record.
    pub record: RecordName,
    /// What.
    pub wanted: Wanted,
    /// When it was first asked, in virtual time.
    pub invoked: Duration,
    /// When the last answer came; for an unknown outcome, when the client gave up.
    pub returned: Duration,
    /// How it ended.
    pub outcome: Outcome,
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let believed = match &self.wanted {
            Wanted::Read => "read".to_owned(),
            Wanted::Put(previous) => format!("put over {}", believed(previous)),
            Wanted::Reset(previous) => format!("reset over {}", believed(previous)),
        };
        write!(
            f,
            "{:>7} .. {:>7} ms  client {}  operation {:<3} {} {:<18} -> {:?}",
            self.invoked.as_millis(),
            self.returned.as_millis(),
            self.client,
            self.operation,
            self.record.parts().join("/"),
            believed,
            self.outcome,
        )
    }
}

/// Tags are not shown: a history is printed where a tag has no business to be.
fn believed(previous: &Previous) -> &'static str {
    match previous {
        Previous::Unsaid => "anything",
        Previous::Absent => "nothing",
        Previous::Tag(_) => "a tag",
        Previous::Nonsense => "nonsense",
    }
}

/// The content that an operation writes: `meta` and `value`, both different from every other operation's. `value` is
/// 8 to 135 bytes long, so that lengths differ too.
pub fn content(operation: OperationId) -> (Bytes, Bytes) {
    let meta = format!("operation {operation}");
    let mut value = operation.to_be_bytes().to_vec();
    let filler = operation.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    value.extend((0..filler % 128).map(|at| (filler >> (at % 57)) as u8));
    (meta.into(), value.into())
}

/// Whose content this is.
pub fn authorship(meta: &[u8], value: &[u8]) -> Authorship {
    if meta.is_empty() && value.is_empty() {
        return Authorship::Empty;
    }
    let Some(operation) = value.first_chunk().map(|bytes| OperationId::from_be_bytes(*bytes)) else {
        return Authorship::Nobody;
    };
    let (wanted_meta, wanted_value) = content(operation);
    if *meta == wanted_meta && *value == wanted_value {
        Authorship::Of(operation)
    } else {
        Authorship::Nobody
    }
}

impl From<&RecordHead> for State {
    fn from(head: &RecordHead) -> Self {
        Self {
            sequence: head.sequence,
            version: head.version,
            tag: *head.tag.as_bytes(),
            chain: head.chain,
            content: None,
        }
    }
}

impl From<&Record> for State {
    fn from(record: &Record) -> Self {
        Self { content: Some(authorship(&record.meta, &record.value)), ..Self::from(&record.head) }
    }
}

/// Whether an error leaves open what happened.
pub fn is_unknown(error: &EngineError) -> bool {
    matches!(error, EngineError::OutcomeUnknown)
}

/// What a refusal says and shows.
pub fn refusal(error: &EngineError) -> Outcome {
    let shown = match error {
        EngineError::PreviousMissing { head } | EngineError::StaleRecord { head: Some(head) } => {
            Some(Shown::State(State::from(&**head)))
        }
        EngineError::StaleRecord { head: None } => Some(Shown::Absent),
        _ => None,
    };
    Outcome::Refused { code: error.code(), shown }
}

/// All calls of a world, in the order in which they ended.
#[derive(Debug, Default)]
pub struct History {
    calls: RefCell<Vec<Call>>,
}

impl History {
    /// Notes a call.
    pub fn note(&self, call: Call) {
        self.calls.borrow_mut().push(call);
    }

    /// The calls so far.
    pub fn calls(&self) -> Vec<Call> {
        self.calls.borrow().clone()
    }

    /// The calls so far that concern `record`.
    pub fn of_record(&self, record: &RecordName) -> Vec<Call> {
        self.calls.borrow().iter().filter(|call| call.record == *record).cloned().collect()
    }

    /// The records that anybody asked for.
    pub fn records(&self) -> Vec<RecordName> {
        let mut records: Vec<RecordName> =
            self.calls.borrow().iter().map(|call| call.record.clone()).collect();
        records.sort();
        records.dedup();
        records
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_names_its_operation_and_nothing_else_does() {
        for operation in 0..300 {
            let (meta, value) = content(operation);
            assert_eq!(authorship(&meta, &value), Authorship::Of(operation));
            let mut damaged = value.to_vec();
            *damaged.last_mut().unwrap() ^= 1;
            assert_ne!(authorship(&meta, &damaged), Authorship::Of(operation));
            assert_ne!(authorship(&meta, &content(operation + 1).1), Authorship::Of(operation));
        }
        assert_eq!(authorship(b"", b""), Authorship::Empty);
        assert_eq!(authorship(b"x", b""), Authorship::Nobody);
    }
}
