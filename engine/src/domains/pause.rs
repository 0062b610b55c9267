//! Rules that find out as they go which rows they need. A walk up the tree learns the next level only from this one,
//! so a rule asks for what is missing, stops, and is run again from its beginning once it is there.

use strongroom_storage::Key;

use crate::{
    codec::Stored,
    command::{Decision, Reads, Step, View},
    error::EngineError,
};

/// Why a rule stopped before it had decided.
#[derive(Debug)]
pub(crate) enum Pause {
    /// It has to see these rows.
    Need(Reads),
    /// It refuses, and leaves no mark.
    Refused(EngineError),
}

impl From<EngineError> for Pause {
    fn from(error: EngineError) -> Self {
        Self::Refused(error)
    }
}

/// What a rule came to, in the words of the runtime.
pub(crate) fn step<R>(ruled: Result<Decision<R>, Pause>) -> Result<Step<R>, EngineError> {
    match ruled {
        Ok(decision) => Ok(Step::Done(decision)),
        Err(Pause::Need(reads)) => Ok(Step::Need(reads)),
        Err(Pause::Refused(error)) => Err(error),
    }
}

/// Stops unless all of these rows have been read. They are guarded.
pub(crate) fn seen(view: &View<'_>, keys: impl IntoIterator<Item = Key>) -> Result<(), Pause> {
    let missing = keys.into_iter().filter(|key| !view.has(key)).fold(Reads::none(), Reads::row);
    if missing.is_empty() { Ok(()) } else { Err(Pause::Need(missing)) }
}

/// A guarded row.
pub(crate) fn row<T: Stored>(view: &View<'_>, key: Key) -> Result<Option<T>, Pause> {
    seen(view, [key.clone()])?;
    Ok(view.row(&key)?)
}

/// What two parts came to. If both stopped, all that they have to see is asked for at once: walks up different ways
/// take as many rounds as the longer of them.
///
/// # Errors
/// A refusal, the first part's before the second's, before any need.
pub(super) fn join<A, B>(one: Result<A, Pause>, other: Result<B, Pause>) -> Result<(A, B), Pause> {
    match (one, other) {
        (Ok(one), Ok(other)) => Ok((one, other)),
        (Err(Pause::Need(one)), Err(Pause::Need(other))) => Err(Pause::Need(one.and(other))),
        (Err(refused @ Pause::Refused(_)), _) | (_, Err(refused @ Pause::Refused(_))) => Err(refused),
        (Err(need), Ok(_)) | (Ok(_), Err(need)) => Err(need),
    }
}

/// A part whose refusal waits for its turn: others have a say before it.
pub(crate) fn settled<T>(part: Result<T, Pause>) -> Result<Result<T, EngineError>, Pause> {
    match part {
        Ok(part) => Ok(Ok(part)),
        Err(Pause::Refused(error)) => Ok(Err(error)),
        Err(need) => Err(need),
    }
}

/// What every part came to. If any of them stopped, all that any of them has to see is asked for at once.
///
/// # Errors
/// The first refusal, before any need.
pub(crate) fn all<T>(parts: impl Iterator<Item = Result<T, Pause>>) -> Result<Vec<T>, Pause> {
    let (mut done, mut needed) = (Vec::new(), Reads::none());
    for part in parts {
        match part {
            Ok(part) => done.push(part),
            Err(Pause::Need(reads)) => needed = needed.and(reads),
            Err(refused @ Pause::Refused(_)) => return Err(refused),
        }
    }
    if needed.is_empty() { Ok(done) } else { Err(Pause::Need(needed)) }
}
