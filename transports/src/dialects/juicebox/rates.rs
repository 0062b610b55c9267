//! How often somebody may ask. Source: RECOVERY.md, section 4.2, rule 4.

use std::{net::IpAddr, sync::Arc, time::Duration};

use strongroom_engine::ports::Clock;
use strongroom_primitives::pin_recovery::RecoveryRealmId;

use super::problem::Problem;
use crate::rates::{Limit, Ticks, source_of};

/// Requests per minute, each with a burst of as many; 0 is no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JuiceboxRates {
    /// Requests of one user at one realm.
    pub user_requests_per_minute: u32,
    /// Requests of one tenant and its users, at all realms.
    pub tenant_requests_per_minute: u32,
    /// Requests with a good token, in all.
    pub requests_per_minute: u32,
    /// Requests of one address whose token is refused. An IPv6 address counts by its leading 64 bits.
    pub failures_per_minute: u32,
}

impl JuiceboxRates {
    /// No limits at all.
    pub const NONE: Self = Self {
        user_requests_per_minute: 0,
        tenant_requests_per_minute: 0,
        requests_per_minute: 0,
        failures_per_minute: 0,
    };
}

impl Default for JuiceboxRates {
    fn default() -> Self {
        Self {
            user_requests_per_minute: 60,
            tenant_requests_per_minute: 6_000,
            requests_per_minute: 30_000,
            failures_per_minute: 600,
        }
    }
}

/// [`JuiceboxRates`], and who has spent how much of them.
pub(super) struct Allowances {
    users: Limit<(RecoveryRealmId, String, String)>,
    tenants: Limit<String>,
    all: Limit<()>,
    failures: Limit<IpAddr>,
}

impl Allowances {
    pub(super) fn new(rates: JuiceboxRates, clock: Arc<dyn Clock>) -> Self {
        let ticks = &Ticks::new(clock);
        Self {
            users: Limit::new(rates.user_requests_per_minute, ticks),
            tenants: Limit::new(rates.tenant_requests_per_minute, ticks),
            all: Limit::new(rates.requests_per_minute, ticks),
            failures: Limit::new(rates.failures_per_minute, ticks),
        }
    }

    /// Counts a request whose token is good: of one user, so that nobody uses up what others have, before that of all.
    ///
    /// # Errors
    /// 429.
    pub(super) fn spend(
        &self,
        realm: &RecoveryRealmId,
        tenant: &str,
        user: Option<&str>,
    ) -> Result<(), Problem> {
        if let Some(user) = user {
            self.users.spend(&(*realm, tenant.to_owned(), user.to_owned())).map_err(too_many)?;
        }
        self.tenants.spend(&tenant.to_owned()).map_err(too_many)?;
        self.all.spend(&()).map_err(too_many)
    }

    /// Counts a request whose token was refused; one without an address costs nothing.
    ///
    /// # Errors
    /// 429.
    pub(super) fn spend_failure(&self, address: Option<IpAddr>) -> Result<(), Problem> {
        address.map_or(Ok(()), |address| self.failures.spend(&source_of(address))).map_err(too_many)
    }
}

fn too_many(wait: Duration) -> Problem {
    Problem::wait(wait)
}
