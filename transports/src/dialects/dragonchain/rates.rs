//! How often somebody may ask. Source: dialects/dragonchain.md, section 9.

use std::{net::IpAddr, sync::Arc, time::Duration};

use strongroom_engine::ports::Clock;

use super::problem::Problem;
use crate::rates::{Limit, Ticks, source_of};

/// Requests per minute, each with a burst of as many; 0 is no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DragonchainRates {
    /// Requests of one address whose signature is refused: beyond it they are answered with 429. An IPv6 address counts
    /// by its leading 64 bits.
    pub failures_per_minute: u32,
    /// Requests that one key has signed. What somebody else sends in its name is not counted, so nobody can use up the
    /// allowance of a key that they only know the id of.
    pub key_requests_per_minute: u32,
}

impl DragonchainRates {
    /// No limits at all.
    pub const NONE: Self = Self { failures_per_minute: 0, key_requests_per_minute: 0 };
}

impl Default for DragonchainRates {
    fn default() -> Self {
        Self { failures_per_minute: 600, key_requests_per_minute: 0 }
    }
}

/// [`DragonchainRates`], and who has spent how much of them.
pub(super) struct Allowances {
    rates: DragonchainRates,
    failures: Limit<IpAddr>,
    requests: Limit<String>,
}

impl Allowances {
    pub(super) fn new(rates: DragonchainRates, clock: Arc<dyn Clock>) -> Self {
        let ticks = &Ticks::new(clock);
        Self {
            rates,
            failures: Limit::new(rates.failures_per_minute, ticks),
            requests: Limit::new(rates.key_requests_per_minute, ticks),
        }
    }

    /// Counts a request whose signature was refused; one without an address costs nothing.
    ///
    /// # Errors
    /// 429.
    pub(super) fn spend_failure(&self, address: Option<IpAddr>) -> Result<(), Problem> {
        let spent = address.map_or(Ok(()), |address| self.failures.spend(&source_of(address)));
        spent.map_err(|wait| too_many(self.rates.failures_per_minute, wait))
    }

    /// Whether a key has an allowance at all.
    pub(super) fn limit_keys(&self) -> bool {
        self.requests.refuses()
    }

    /// Counts a request that a key has signed.
    ///
    /// # Errors
    /// 429.
    pub(super) fn spend_request(&self, signer: &String) -> Result<(), Problem> {
        self.requests.spend(signer).map_err(|wait| too_many(self.rates.key_requests_per_minute, wait))
    }
}

fn too_many(max: u32, wait: Duration) -> Problem {
    Problem::too_many(format!("API Rate Limit Exceeded. {max} requests allowed per minute."), wait)
}
