//! How often somebody may ask. Source: dialects/psono.md, section 11.6.

use std::{net::IpAddr, sync::Arc, time::Duration};

use strongroom_engine::ports::Clock;
use strongroom_primitives::id::ApiKeyId;

use super::problem::{self, Problem};
use crate::rates::{Limit, Ticks, source_of};

const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// How often one source may ask, each with a burst of as many; 0 is no limit. A source is an address, an IPv6 one by
/// its leading 64 bits; for logins and access by API keys it is also the key, and for sessions it is the session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PsonoRates {
    /// Logins of API keys, per hour.
    pub api_key_logins_per_hour: u32,
    /// Logins with a password, activations and e-mail codes, per day.
    pub logins_per_day: u32,
    /// Questions before a login, per day.
    pub prelogins_per_day: u32,
    /// Registrations, per day.
    pub registrations_per_day: u32,
    /// Device codes asked for and polled, per day.
    pub device_polls_per_day: u32,
    /// Questions who the server is, per hour.
    pub info_per_hour: u32,
    /// Everything else without a session, per day.
    pub anonymous_per_day: u32,
    /// Requests whose token or validator is not good, per minute; beyond it they are answered with 429.
    pub bad_tokens_per_minute: u32,
    /// Requests of one session, per day.
    pub session_per_day: u32,
}

impl PsonoRates {
    /// No limits at all.
    pub const NONE: Self = Self {
        api_key_logins_per_hour: 0,
        logins_per_day: 0,
        prelogins_per_day: 0,
        registrations_per_day: 0,
        device_polls_per_day: 0,
        info_per_hour: 0,
        anonymous_per_day: 0,
        bad_tokens_per_minute: 0,
        session_per_day: 0,
    };
}

impl Default for PsonoRates {
    fn default() -> Self {
        Self {
            api_key_logins_per_hour: 60,
            logins_per_day: 48,
            prelogins_per_day: 48,
            registrations_per_day: 20,
            device_polls_per_day: 500,
            info_per_hour: 600,
            anonymous_per_day: 14_400,
            bad_tokens_per_minute: 120,
            session_per_day: 86_400,
        }
    }
}

/// What a request without a session, or without a good one, counts as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Counted {
    ApiKeyLogin,
    Login,
    Prelogin,
    Registration,
    DevicePoll,
    Info,
    Anonymous,
    BadToken,
}

/// [`PsonoRates`], and who has spent how much of them.
pub(super) struct Allowances {
    api_key_logins: Limit<IpAddr>,
    logins: Limit<IpAddr>,
    prelogins: Limit<IpAddr>,
    registrations: Limit<IpAddr>,
    device_polls: Limit<IpAddr>,
    info: Limit<IpAddr>,
    anonymous: Limit<IpAddr>,
    bad_tokens: Limit<IpAddr>,
    api_key_logins_by_key: Limit<ApiKeyId>,
    access_by_key: Limit<ApiKeyId>,
    sessions: Limit<[u8; 32]>,
}

impl Allowances {
    pub(super) fn new(rates: PsonoRates, clock: Arc<dyn Clock>) -> Self {
        let ticks = &Ticks::new(clock);
        let address = |count, time| Limit::within(count, time, ticks);
        Self {
            api_key_logins: address(rates.api_key_logins_per_hour, HOUR),
            logins: address(rates.logins_per_day, DAY),
            prelogins: address(rates.prelogins_per_day, DAY),
            registrations: address(rates.registrations_per_day, DAY),
            device_polls: address(rates.device_polls_per_day, DAY),
            info: address(rates.info_per_hour, HOUR),
            anonymous: address(rates.anonymous_per_day, DAY),
            bad_tokens: Limit::new(rates.bad_tokens_per_minute, ticks),
            api_key_logins_by_key: Limit::within(rates.api_key_logins_per_hour, HOUR, ticks),
            access_by_key: Limit::within(rates.anonymous_per_day, DAY, ticks),
            sessions: Limit::within(rates.session_per_day, DAY, ticks),
        }
    }

    /// Counts a request without a session by the address that it came from; one without an address costs nothing.
    pub(super) fn spend(&self, what: Counted, address: Option<IpAddr>) -> Result<(), Problem> {
        let limit = match what {
            Counted::ApiKeyLogin => &self.api_key_logins,
            Counted::Login => &self.logins,
            Counted::Prelogin => &self.prelogins,
            Counted::Registration => &self.registrations,
            Counted::DevicePoll => &self.device_polls,
            Counted::Info => &self.info,
            Counted::Anonymous => &self.anonymous,
            Counted::BadToken => &self.bad_tokens,
        };
        throttled(address.map_or(Ok(()), |address| limit.spend(&source_of(address))))
    }

    /// Counts a login of an API key, whoever asks for it.
    pub(super) fn spend_login(&self, key: ApiKeyId) -> Result<(), Problem> {
        throttled(self.api_key_logins_by_key.spend(&key))
    }

    /// Counts an access by an API key without a session, whoever asks for it.
    pub(super) fn spend_access(&self, key: ApiKeyId) -> Result<(), Problem> {
        throttled(self.access_by_key.spend(&key))
    }

    /// Counts a request of the session with this digest of its token.
    pub(super) fn spend_session(&self, digest: &[u8; 32]) -> Result<(), Problem> {
        throttled(self.sessions.spend(digest))
    }
}

fn throttled(spent: Result<(), Duration>) -> Result<(), Problem> {
    spent.map_err(|wait| problem::THROTTLED.after(wait))
}
