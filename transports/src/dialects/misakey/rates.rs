//! How often an account may ask for shares, and an address for what takes no token. Source: dialects/misakey.md,
//! section 9.

use std::{net::IpAddr, sync::Arc, time::Duration};

use strongroom_engine::ports::Clock;

use super::problem::{self, Problem};
use crate::rates::{Limit, Ticks, source_of};

const HOUR: Duration = Duration::from_secs(60 * 60);

/// How often one account may ask for shares, and one address for what takes no token, each with a burst of as many; 0 is
/// no limit. Addresses of IPv6 are counted by their leading 64 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MisakeyRates {
    /// Shares filed or dropped, per hour.
    pub writes_per_hour: u32,
    /// Shares asked for, per hour.
    pub reads_per_hour: u32,
    /// Hashes that no share is filed under, per ten minutes.
    pub misses_per_ten_minutes: u32,
    /// Page tokens asked for from one address, per minute.
    pub page_tokens_per_minute: u32,
    /// Parameters of passwords asked for from one address, per minute.
    pub password_params_per_minute: u32,
}

impl MisakeyRates {
    /// No limits at all.
    pub const NONE: Self = Self {
        writes_per_hour: 0,
        reads_per_hour: 0,
        misses_per_ten_minutes: 0,
        page_tokens_per_minute: 0,
        password_params_per_minute: 0,
    };
}

impl Default for MisakeyRates {
    fn default() -> Self {
        Self {
            writes_per_hour: 30,
            reads_per_hour: 120,
            misses_per_ten_minutes: 20,
            page_tokens_per_minute: 60,
            password_params_per_minute: 60,
        }
    }
}

/// What a request of an account counts as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Counted {
    Write,
    Read,
    Miss,
}

/// What a request without a token counts as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Public {
    PageToken,
    PasswordParams,
}

/// [`MisakeyRates`], and who has spent how much of them.
pub(super) struct Allowances {
    writes: Limit<String>,
    reads: Limit<String>,
    misses: Limit<String>,
    page_tokens: Limit<IpAddr>,
    password_params: Limit<IpAddr>,
}

impl Allowances {
    pub(super) fn new(rates: MisakeyRates, clock: Arc<dyn Clock>) -> Self {
        let ticks = &Ticks::new(clock);
        Self {
            writes: Limit::within(rates.writes_per_hour, HOUR, ticks),
            reads: Limit::within(rates.reads_per_hour, HOUR, ticks),
            misses: Limit::within(rates.misses_per_ten_minutes, HOUR / 6, ticks),
            page_tokens: Limit::new(rates.page_tokens_per_minute, ticks),
            password_params: Limit::new(rates.password_params_per_minute, ticks),
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

    /// Counts a request against the allowance of the address that it came from; one without an address costs nothing.
    ///
    /// # Errors
    /// 429.
    pub(super) fn spend_from(&self, address: Option<IpAddr>, what: Public) -> Result<(), Problem> {
        let limit = match what {
            Public::PageToken => &self.page_tokens,
            Public::PasswordParams => &self.password_params,
        };
        let spent = address.map_or(Ok(()), |address| limit.spend(&source_of(address)));
        spent.map_err(|wait| problem::TOO_MANY.after(wait))
    }
}
