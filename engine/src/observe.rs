//! What the engine tells about itself: one hook that a server turns into metrics. Labels are names of commands and
//! outcomes, never of accounts.

use std::time::Duration;

/// Receives what happens. Called on hot paths: count and return.
pub trait Observer: Send + Sync + 'static {
    /// A command ended. `outcome` is `ok` or the code of an [`crate::EngineError`].
    fn command(&self, domain: &'static str, command: &'static str, outcome: &'static str, took: Duration);

    /// A batch of so many commands was committed, or tried to.
    fn batch(&self, commands: usize);

    /// A commit lost a race and its commands are decided again.
    fn conflict(&self);

    /// The sweeper removed so many rows.
    fn swept(&self, rows: usize);
}

/// Looks away.
#[derive(Debug, Default)]
pub struct Unobserved;

impl Observer for Unobserved {
    fn command(&self, _: &'static str, _: &'static str, _: &'static str, _: Duration) {}

    fn batch(&self, _: usize) {}

    fn conflict(&self) {}

    fn swept(&self, _: usize) {}
}
