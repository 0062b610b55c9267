//! Load itself: what one client does, how many do it, for how long, and what is counted meanwhile.
//!
//! Nothing here knows a protocol or a server; those implement [`Connector`] and [`Driver`]. Believe this: every target
//! is driven by the same loop, on the same threads, with the same payloads, so a difference is the target's own.

mod window;

pub(crate) use window::{Pace, Window, measure};

use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::future::LocalBoxFuture;

/// What a client repeats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Operation {
    /// A durable compare-and-set of the client's own record.
    Put,
    /// A read of the client's own record.
    Get,
}

/// What became of one operation that was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Written or read, as expected.
    Done,
    /// The compare-and-set met another head; the driver has read that head and is ready to try again.
    Refused,
}

/// Opens clients against one running target.
pub(crate) trait Connector: Send + Sync {
    /// Connects client number `client`, whose record has a value of `value_bytes`, and leaves the record existing and
    /// its head known. Called on the thread that will drive the client.
    fn connect(
        &self,
        client: usize,
        value_bytes: usize,
    ) -> LocalBoxFuture<'_, anyhow::Result<Box<dyn Driver>>>;
}

/// One connected client with one record of its own. After an error it is dropped and connected anew.
pub(crate) trait Driver {
    /// Replaces the record, guarded by the head last seen.
    fn put(&mut self) -> LocalBoxFuture<'_, anyhow::Result<Outcome>>;

    /// Reads the record. Finding another head than the one last written is an error, for nobody else writes it.
    fn get(&mut self) -> LocalBoxFuture<'_, anyhow::Result<Outcome>>;
}

/// The wish to end early, shared by everything that waits.
#[derive(Debug, Default)]
pub(crate) struct Halt(AtomicBool);

impl Halt {
    /// Asks for the end.
    pub(crate) fn ask(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether the end was asked for.
    pub(crate) fn is_asked(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// # Errors
    /// The end was asked for.
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        if self.is_asked() { Err(anyhow::anyhow!("interrupted")) } else { Ok(()) }
    }
}
