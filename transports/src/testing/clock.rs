//! Time for dialects, whose rules are about seconds and days.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use strongroom_engine::ports::Clock;
use strongroom_primitives::time::Timestamp;

/// A clock that stands still until it is told to move.
pub(crate) struct HandClock(AtomicU64);

impl HandClock {
    /// One that stands at so many seconds since 1970.
    pub(crate) fn at_s(seconds: u64) -> Self {
        Self(AtomicU64::new(seconds * 1_000))
    }

    pub(crate) fn advance(&self, time: Duration) {
        let ms = u64::try_from(time.as_millis()).expect("less than an age");
        self.0.fetch_add(ms, Ordering::SeqCst);
    }
}

impl Clock for HandClock {
    fn wall(&self) -> Timestamp {
        Timestamp::from_ms(self.0.load(Ordering::SeqCst))
    }

    fn monotonic(&self) -> Duration {
        Duration::from_millis(self.0.load(Ordering::SeqCst))
    }
}
