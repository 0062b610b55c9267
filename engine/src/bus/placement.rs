//! Where actors live.

use actix_rt::{Arbiter, ArbiterHandle};

/// Which threads the engine's actors run on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placement {
    /// The caller's own thread: simulations, tests, small hosts.
    Here,
    /// So many threads of the engine's own.
    Arbiters(usize),
}

/// The threads that a placement came to. Stops the engine's own when it is dropped.
pub(crate) struct Grounds {
    handles: Vec<ArbiterHandle>,
    own: Vec<Arbiter>,
}

impl Grounds {
    /// Prepares the threads. Must be called on a thread with a running `actix_rt` system.
    pub(crate) fn new(placement: Placement) -> Self {
        match placement {
            Placement::Here => Self { handles: vec![Arbiter::current()], own: Vec::new() },
            Placement::Arbiters(n) => {
                let own: Vec<Arbiter> = (0..n.max(1)).map(|_| Arbiter::new()).collect();
                Self { handles: own.iter().map(Arbiter::handle).collect(), own }
            }
        }
    }

    /// The thread of a shard.
    pub(crate) fn of_shard(&self, shard: usize) -> &ArbiterHandle {
        &self.handles[shard % self.handles.len()]
    }
}

impl Drop for Grounds {
    fn drop(&mut self) {
        for arbiter in &self.own {
            arbiter.stop();
        }
    }
}
