//! Rate limits: per identity, per address, and for bad tokens.
//!
//! An identity's allowance is spent only by requests whose token has verified; otherwise anybody could use up a
//! stranger's allowance with tokens of their own making. Everything kept here is a count of the last minute or a
//! shortcut, and forgetting it costs nothing but a second look.

use std::{
    collections::BTreeMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use strongroom_engine::{Identity, ports::Clock};

use crate::rates::{Limit, Ticks, source_of};

/// Verified tokens whose identity is remembered.
const TOKENS_MAX: usize = 16_384;

/// Requests per minute, each with a burst of as many; 0 is no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimits {
    /// Reads of one identity of one application.
    pub reads_per_minute: u32,
    /// Writes and resets of one identity of one application.
    pub writes_per_minute: u32,
    /// Requests of one address. IPv6 addresses are counted by their leading 64 bits. Not counted for gateways.
    pub address_requests_per_minute: u32,
    /// Invalid tokens from one address; beyond it they are answered with 429.
    pub address_bad_tokens_per_minute: u32,
}

impl RateLimits {
    /// No limits at all.
    pub const NONE: Self = Self {
        reads_per_minute: 0,
        writes_per_minute: 0,
        address_requests_per_minute: 0,
        address_bad_tokens_per_minute: 0,
    };
}

impl Default for RateLimits {
    fn default() -> Self {
        Self {
            reads_per_minute: 6_000,
            writes_per_minute: 600,
            address_requests_per_minute: 60_000,
            address_bad_tokens_per_minute: 120,
        }
    }
}

/// All limits of one mount.
pub(super) struct Meter {
    reads: Limit<Identity>,
    writes: Limit<Identity>,
    requests: Limit<IpAddr>,
    bad_tokens: Limit<IpAddr>,
    /// Whose a verified token is, by SHA-256 of its text.
    tokens: Mutex<BTreeMap<[u8; 32], Identity>>,
}

impl Meter {
    pub(super) fn new(limits: RateLimits, clock: Arc<dyn Clock>) -> Self {
        let clock = Ticks::new(clock);
        Self {
            reads: Limit::new(limits.reads_per_minute, &clock),
            writes: Limit::new(limits.writes_per_minute, &clock),
            requests: Limit::new(limits.address_requests_per_minute, &clock),
            bad_tokens: Limit::new(limits.address_bad_tokens_per_minute, &clock),
            tokens: Mutex::default(),
        }
    }

    /// Whether it matters whose a request is.
    pub(super) fn counts_identities(&self) -> bool {
        self.reads.refuses() || self.writes.refuses()
    }

    /// Counts a request from `address`.
    ///
    /// # Errors
    /// How long to wait.
    pub(super) fn spend_request(&self, address: IpAddr) -> Result<(), Duration> {
        self.requests.spend(&source_of(address))
    }

    /// Counts an invalid token from `address`.
    ///
    /// # Errors
    /// How long to wait.
    pub(super) fn spend_bad_token(&self, address: IpAddr) -> Result<(), Duration> {
        self.bad_tokens.spend(&source_of(address))
    }

    /// Counts a request of `identity`, whose credential has been verified.
    ///
    /// # Errors
    /// How long to wait.
    pub(super) fn spend_operation(&self, identity: &Identity, writes: bool) -> Result<(), Duration> {
        if writes { self.writes.spend(identity) } else { self.reads.spend(identity) }
    }

    /// Whose the token is, if it has verified before.
    pub(super) fn known(&self, digest: &[u8; 32]) -> Option<Identity> {
        self.tokens().get(digest).cloned()
    }

    /// Remembers whose a verified token is.
    pub(super) fn remember(&self, digest: [u8; 32], identity: Identity) {
        let mut tokens = self.tokens();
        if tokens.len() >= TOKENS_MAX {
            tokens.clear();
        }
        tokens.insert(digest, identity);
    }

    fn tokens(&self) -> std::sync::MutexGuard<'_, BTreeMap<[u8; 32], Identity>> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use strongroom_primitives::time::Timestamp;

    use super::*;

    struct Still(Mutex<Duration>);

    impl Clock for Still {
        fn wall(&self) -> Timestamp {
            Timestamp::from_ms(0)
        }

        fn monotonic(&self) -> Duration {
            *self.0.lock().unwrap()
        }
    }

    #[test]
    fn an_allowance_is_spent_and_comes_back_with_time() {
        let clock = Arc::new(Still(Mutex::new(Duration::from_secs(1))));
        let limits = RateLimits { address_requests_per_minute: 2, ..RateLimits::NONE };
        let meter = Meter::new(limits, clock.clone());
        let address: IpAddr = "192.0.2.1".parse().unwrap();
        assert!(meter.spend_request(address).is_ok() && meter.spend_request(address).is_ok());
        assert_eq!(meter.spend_request(address), Err(Duration::from_secs(30)));
        assert!(meter.spend_request("192.0.2.2".parse().unwrap()).is_ok(), "somebody else's is their own");
        *clock.0.lock().unwrap() += Duration::from_secs(30);
        assert!(meter.spend_request(address).is_ok());
        assert!(meter.spend_request(address).is_err());
    }

    #[test]
    fn no_limit_never_refuses() {
        let meter = Meter::new(RateLimits::NONE, Arc::new(Still(Mutex::new(Duration::ZERO))));
        assert!((0..1_000).all(|_| meter.spend_request(IpAddr::V4(1.into())).is_ok()));
        assert!(!meter.counts_identities());
    }
}
