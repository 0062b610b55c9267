//! Instants as rows and frames carry them: milliseconds since 1970, nothing finer, no time zone.
//!
//! Nothing here reads a clock. Arithmetic saturates, because an instant beyond the end of time must still be "later"
//! and never wrap round to the past, where an expired thing would come back to life.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Milliseconds since 1970-01-01T00:00:00Z. Travels as a plain unsigned number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The latest instant that can be written down: "never" for an expiry.
    pub const MAX: Self = Self(u64::MAX);

    /// From milliseconds since 1970.
    #[must_use]
    pub const fn from_ms(ms: u64) -> Self {
        Self(ms)
    }

    /// From whole seconds since 1970; saturates.
    #[must_use]
    pub const fn from_s(s: u64) -> Self {
        Self(s.saturating_mul(1_000))
    }

    /// Milliseconds since 1970.
    #[must_use]
    pub const fn as_ms(self) -> u64 {
        self.0
    }

    /// Whole seconds since 1970, rounded down.
    #[must_use]
    pub const fn as_s(self) -> u64 {
        self.0 / 1_000
    }

    /// This instant plus `span`, cut to whole milliseconds; stops at [`Timestamp::MAX`].
    #[must_use]
    pub fn saturating_add(self, span: Duration) -> Self {
        Self(self.0.saturating_add(whole_ms(span)))
    }

    /// This instant minus `span`, cut to whole milliseconds; stops at 1970.
    #[must_use]
    pub fn saturating_sub(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(whole_ms(span)))
    }

    /// How long after `earlier` this instant is; zero when it is not after it.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

fn whole_ms(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_stops_at_both_ends_of_time() {
        assert_eq!(Timestamp::MAX.saturating_add(Duration::from_secs(1)), Timestamp::MAX);
        assert_eq!(Timestamp::from_ms(5).saturating_add(Duration::MAX), Timestamp::MAX);
        assert_eq!(Timestamp::from_ms(5).saturating_sub(Duration::MAX), Timestamp::from_ms(0));
        assert_eq!(Timestamp::from_s(u64::MAX), Timestamp::MAX);
    }

    #[test]
    fn a_span_between_instants_is_never_negative() {
        let (early, late) = (Timestamp::from_ms(1_500), Timestamp::from_s(2));
        assert_eq!(late.since(early), Duration::from_millis(500));
        assert_eq!(early.since(late), Duration::ZERO);
        assert_eq!(late.as_s(), 2);
    }

    #[test]
    fn an_instant_travels_as_a_plain_number() {
        let at = Timestamp::from_ms(1_700_000_000_123);
        assert_eq!(serde_json::to_string(&at).unwrap(), "1700000000123");
        assert_eq!(serde_json::from_str::<Timestamp>("1700000000123").unwrap(), at);
        assert!(serde_json::from_str::<Timestamp>("-1").is_err());
    }
}
