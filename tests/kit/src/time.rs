//! Time that a simulation owns: it stands still while anybody works and jumps when everybody waits.
//!
//! The one thing to believe: there is one time, tokio's paused one, and every clock is a view of it. A node's clock
//! may be set wrong, by a constant or by a step; the monotonic clock of a node never is.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use strongroom_engine::ports::Clock;
use strongroom_primitives::time::Timestamp;
use strongroom_storage::WallClock;
use tokio::time::Instant;

/// Wall time at which every simulation begins: milliseconds since 1970.
pub const START_MS: u64 = 1_780_000_000_000;

/// The time of one world. Must be made and read inside its runtime.
#[derive(Debug, Clone, Copy)]
pub struct VirtualTime {
    began: Instant,
}

impl VirtualTime {
    /// Time that begins now.
    #[expect(
        clippy::disallowed_methods,
        reason = "the runtime's time is paused: this is the simulation's own clock"
    )]
    pub fn begin() -> Self {
        Self { began: Instant::now() }
    }

    /// How long the world has existed.
    #[expect(
        clippy::disallowed_methods,
        reason = "the runtime's time is paused: this is the simulation's own clock"
    )]
    pub fn elapsed(&self) -> Duration {
        Instant::now().duration_since(self.began)
    }

    /// True wall time in milliseconds since 1970.
    pub fn wall_ms(&self) -> u64 {
        START_MS + u64::try_from(self.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// True wall time, as a store takes it.
    pub fn wall_clock(self) -> WallClock {
        Arc::new(move || self.wall_ms())
    }
}

/// The clocks of one node. Clones are the same clock.
#[derive(Debug, Clone)]
pub struct NodeClock {
    time: VirtualTime,
    off_by_ms: Arc<AtomicI64>,
}

impl NodeClock {
    /// A clock that is `off_by_ms` ahead of the true time, or behind it if negative.
    pub fn new(time: VirtualTime, off_by_ms: i64) -> Self {
        Self { time, off_by_ms: Arc::new(AtomicI64::new(off_by_ms)) }
    }

    /// Sets how far the clock is ahead of the true time, in milliseconds; negative is behind. A change is a step.
    pub fn set_off_by_ms(&self, off_by_ms: i64) {
        self.off_by_ms.store(off_by_ms, Ordering::SeqCst);
    }
}

impl Clock for NodeClock {
    fn wall(&self) -> Timestamp {
        Timestamp::from_ms(self.time.wall_ms().saturating_add_signed(self.off_by_ms.load(Ordering::SeqCst)))
    }

    fn monotonic(&self) -> Duration {
        self.time.elapsed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_step_moves_wall_time_and_leaves_monotonic_time_alone() {
        let clock = NodeClock::new(VirtualTime::begin(), 0);
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert_eq!(clock.wall(), Timestamp::from_ms(START_MS + 60_000));
        clock.set_off_by_ms(-3_600_000);
        assert_eq!(clock.wall(), Timestamp::from_ms(START_MS - 3_540_000));
        assert_eq!(clock.monotonic(), Duration::from_secs(60));
    }
}
