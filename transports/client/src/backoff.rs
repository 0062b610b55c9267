//! How long to wait before trying again: twice as long each time, up to a bound, and never exactly.
//!
//! The chance in it keeps a thousand clients that lost the same server from coming back in the same instant.

use std::time::Duration;

use crate::keyknox::ports::{Entropy, draw};

/// The bounds of waiting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// Before the second try.
    pub first: Duration,
    /// At most.
    pub max: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { first: Duration::from_millis(100), max: Duration::from_secs(10) }
    }
}

impl Backoff {
    /// The wait after so many failures in a row, at least one: between half of the full wait and all of it.
    pub(crate) fn after(&self, failures: u32, entropy: &dyn Entropy) -> Duration {
        let doublings = failures.saturating_sub(1).min(31);
        let full = self.first.saturating_mul(1 << doublings).min(self.max);
        // Waiting in step with others is no harm worth failing for.
        let chance = draw::<2>(entropy).map_or(u16::MAX, u16::from_be_bytes);
        full.mul_f64(0.5 + 0.5 * f64::from(chance) / f64::from(u16::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyknox::ports::testing::{Counted, Scripted};

    #[test]
    fn waits_double_up_to_their_bound_and_differ_by_chance() {
        let backoff = Backoff { first: Duration::from_millis(100), max: Duration::from_secs(2) };
        let exact = Scripted::new([0xff; 2 * 5].to_vec());
        let waits: Vec<_> =
            [1, 2, 5, 6, u32::MAX].map(|failures| backoff.after(failures, &exact).as_millis()).into();
        assert_eq!(waits, [100, 200, 1_600, 2_000, 2_000]);
        let least = Scripted::new(vec![0, 0]);
        assert_eq!(backoff.after(1, &least), Duration::from_millis(50));
        let (one, other) = (backoff.after(9, &Counted), backoff.after(9, &Counted));
        assert_ne!(one, other);
    }
}
