//! What a realm holds its users to, beyond what they ask for themselves.

use std::time::Duration;

use serde::Serialize;

/// The most guesses that a realm can be told to allow. Source: RECOVERY.md, section 4.2, rule 6.
pub const GUESSES_MAX: u16 = 20;

/// How long a guess has to wait after the one before, by how many were used: so that a slip costs little, and a thief
/// of a token has to wait. The last holds for all that follow. Source: RECOVERY.md, section 4.2, rule 3.
pub const BACK_OFF: [Duration; 5] = [
    Duration::ZERO,
    Duration::ZERO,
    Duration::from_secs(30),
    Duration::from_secs(5 * 60),
    Duration::from_secs(60 * 60),
];

/// What a realm holds its users to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PinPolicy {
    /// The most guesses that a registration may ask for, up to [`GUESSES_MAX`]. One that asks for more is refused.
    pub guesses_max: u16,
    /// How long a guess has to wait after the one before, by how many were used; the last holds for all that follow.
    /// Empty for no wait.
    pub back_off: Vec<Duration>,
    /// How long a record is kept that was deleted or replaced; zero for not at all.
    pub grace: Duration,
    /// A record whose PIN was shown to be known so shortly before it is replaced is not kept.
    pub replace_within: Duration,
}

impl Default for PinPolicy {
    fn default() -> Self {
        Self {
            guesses_max: 10,
            back_off: BACK_OFF.to_vec(),
            grace: Duration::from_secs(72 * 60 * 60),
            replace_within: Duration::from_secs(10 * 60),
        }
    }
}

impl PinPolicy {
    /// How long after the last of `used` guesses there may be another.
    pub(super) fn wait_after(&self, used: u16) -> Duration {
        let last = self.back_off.last().copied().unwrap_or_default();
        self.back_off.get(usize::from(used)).copied().unwrap_or(last)
    }
}
