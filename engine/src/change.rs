//! What a command does to something that may be there or not.

use serde::Serialize;

/// A change of an optional thing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub enum Change<T> {
    /// It stays as it is.
    #[default]
    Keep,
    /// It goes.
    Clear,
    /// It becomes this.
    Set(T),
}

impl<T> Change<T> {
    /// What it becomes, if that is something.
    pub(crate) fn set(&self) -> Option<&T> {
        match self {
            Self::Set(thing) => Some(thing),
            Self::Keep | Self::Clear => None,
        }
    }
}

impl<T: Clone> Change<T> {
    /// Does it.
    pub(crate) fn apply<U: From<T>>(&self, to: &mut Option<U>) {
        match self {
            Self::Keep => {}
            Self::Clear => *to = None,
            Self::Set(thing) => *to = Some(thing.clone().into()),
        }
    }
}
