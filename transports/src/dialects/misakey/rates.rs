//! How often an account may ask for shares. Source: dialects/misakey.md, section 9.

use std::{sync::Arc, time::Duration};

use strongroom_engine::ports::Clock;

use super::problem::{self, Problem};
use crate::rates::{Limit, Ticks};

const HOUR: Duration = Duration::from_secs(60 * 60);

/// How often one account may ask for shares, each with a burst of as many; 0 is no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MisakeyRates {
    /// Shares filed or dropped, per hour.
    pub writes_per_hour: u32,
    /// Shares asked for, per hour.
    pub reads_per_hour: u32,
    /// Hashes that no share is filed under, per ten minutes.
    pub misses_per_ten_minutes: u32,
}

impl MisakeyRates {
    /// No limits at all.
    pub const NONE: Self = Self { writes_per_hour: 0, reads_per_hour: 0, misses_per_ten_minutes: 0 };
}

impl Default for MisakeyRates {
    fn default() -> Self {
        Self { writes_per_hour: 30, reads_per_hour: 120, misses_per_ten_minutes: 20 }
    }
}

/// What a request counts as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Counted {
    Write,
    Read,
    Miss,
}

/// [`MisakeyRates`], and who has spent how much of them.
pub(super) struct Allowances {
    writes: Limit<String>,
    reads: Limit<String>,
    misses: Limit<String>,
}

impl Allowances {
    pub(super) fn new(rates: MisakeyRates, clock: Arc<dyn Clock>) -> Self {
        let ticks = &Ticks::new(clock);
        Self {
            writes: Limit::within(rates.writes_per_hour, HOUR, ticks),
            reads: Limit::within(rates.reads_per_hour, HOUR, ticks),
            misses: Limit::within(rates.misses_per_ten_minutes, HOUR / 6, ticks),
        }
    }

    /// Counts a request of an account.
    ///
    /// # Errors
    /// 429.
    pub(super) fn spend(&self, what: Counted, account: &str) -> Result<(), Problem> {
        let limit = match what {
            Counted::Write => &self.writes,
            Counted::Read => &self.reads,
            Counted::Miss => &self.misses,
        };
        limit.spend(&account.to_owned()).map_err(|wait| problem::TOO_MANY.after(wait))
    }
}
