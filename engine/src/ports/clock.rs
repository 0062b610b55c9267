//! Two clocks: wall time for what outlives the process, monotonic time for durations.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use strongroom_primitives::time::Timestamp;

/// Where the engine learns the time.
pub trait Clock: Send + Sync + 'static {
    /// Wall time. May step in either direction.
    fn wall(&self) -> Timestamp;

    /// Time since some fixed moment of this process. Never steps back.
    fn monotonic(&self) -> Duration;
}

/// The clocks of the operating system.
#[derive(Debug)]
pub struct SystemClock {
    started: Instant,
}

impl SystemClock {
    /// The system's clocks, with monotonic time counted from now.
    #[expect(clippy::disallowed_methods, reason = "this is the clock that everybody else is handed")]
    pub fn new() -> Self {
        Self { started: Instant::now() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock that everybody else is handed")]
    fn wall(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_ms(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }

    fn monotonic(&self) -> Duration {
        self.started.elapsed()
    }
}

/// The time the engine believes: wall time that never goes back, not even across a restart.
///
/// It starts at the store's high-water mark and rises with every reading and every commit, so that after a step back
/// nothing that had expired becomes valid again (THREATS F-10).
#[derive(Clone)]
pub struct Timekeeper {
    clock: Arc<dyn Clock>,
    high_water_ms: Arc<AtomicU64>,
}

impl Timekeeper {
    /// A timekeeper over `clock` that believes nothing earlier than `high_water_ms`.
    pub fn new(clock: Arc<dyn Clock>, high_water_ms: u64) -> Self {
        Self { clock, high_water_ms: Arc::new(AtomicU64::new(high_water_ms)) }
    }

    /// Now, in wall time; never earlier than a former answer.
    pub fn now(&self) -> Timestamp {
        let wall = self.clock.wall().as_ms();
        let before = self.high_water_ms.fetch_max(wall, Ordering::Relaxed);
        Timestamp::from_ms(wall.max(before))
    }

    /// Takes note of an instant that has been reached elsewhere (a commit on this store).
    pub fn reached(&self, at_ms: u64) {
        self.high_water_ms.fetch_max(at_ms, Ordering::Relaxed);
    }

    /// Monotonic time, for deadlines and durations.
    pub fn monotonic(&self) -> Duration {
        self.clock.monotonic()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    struct Settable(Mutex<u64>);

    impl Clock for Settable {
        fn wall(&self) -> Timestamp {
            Timestamp::from_ms(*self.0.lock().unwrap())
        }

        fn monotonic(&self) -> Duration {
            Duration::ZERO
        }
    }

    #[test]
    fn a_step_back_is_not_believed() {
        let clock = Arc::new(Settable(Mutex::new(1_000)));
        let time = Timekeeper::new(clock.clone(), 5_000);
        assert_eq!(time.now().as_ms(), 5_000, "nothing before the store's high-water mark");
        *clock.0.lock().unwrap() = 9_000;
        assert_eq!(time.now().as_ms(), 9_000);
        *clock.0.lock().unwrap() = 2_000;
        assert_eq!(time.now().as_ms(), 9_000);
    }
}
