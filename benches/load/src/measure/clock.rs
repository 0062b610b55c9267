//! The one place where the load program reads the clock.
//!
//! Measuring real servers needs real time; no simulation ever runs this crate, so no clock is handed around.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The present instant of the monotonic clock.
#[expect(clippy::disallowed_methods, reason = "latency of real processes is measured in real time")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// Seconds since 1970, for the tokens that clients show. Zero on a machine whose clock stands before that.
#[expect(clippy::disallowed_methods, reason = "a real server checks the token against the real time")]
pub(crate) fn unix_seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// Milliseconds since 1970, for what clients sign. Zero on a machine whose clock stands before that.
#[expect(
    clippy::disallowed_methods,
    reason = "a real server checks the signature's time against the real time"
)]
pub(crate) fn unix_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// Whole nanoseconds, as the histograms store them. Saturates after 584 years.
pub(crate) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
