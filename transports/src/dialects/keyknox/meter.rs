//! Rate limits: per identity, per address, and for bad tokens.
//!
//! An identity's allowance is spent only by requests whose token has verified; otherwise anybody could use up a
//! stranger's allowance with tokens of their own making. Everything kept here is a count of the last minute or a
//! shortcut, and forgetting it costs nothing but a second look.

use std::{
    collections::BTreeMap,
    hash::Hash,
    net::{IpAddr, Ipv6Addr},
    num::NonZeroU32,
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::Duration,
};

use governor::{
    Quota, RateLimiter, clock::Clock as _, middleware::NoOpMiddleware, nanos::Nanos,
    state::keyed::HashMapStateStore,
};
use strongroom_engine::{Identity, ports::Clock};

/// Keys that one limit remembers before it forgets those that are back at their full allowance.
const KEYS_MAX: usize = 65_536;
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

/// The engine's clock in the limiter's terms.
#[derive(Clone)]
struct Ticks(Arc<dyn Clock>);

impl governor::clock::Clock for Ticks {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        Nanos::from(self.0.monotonic())
    }
}

type Limiter<K> = RateLimiter<K, HashMapStateStore<K>, Ticks, NoOpMiddleware<Nanos>>;

/// One limit over many keys.
struct Limit<K: Hash + Eq + Clone> {
    limiter: RwLock<Limiter<K>>,
    quota: Quota,
    clock: Ticks,
}

impl<K: Hash + Eq + Clone> Limit<K> {
    fn new(per_minute: u32, clock: &Ticks) -> Option<Self> {
        let quota = Quota::per_minute(NonZeroU32::new(per_minute)?);
        let limiter = RwLock::new(RateLimiter::hashmap_with_clock(quota, clock.clone()));
        Some(Self { limiter, quota, clock: clock.clone() })
    }

    /// Spends one of `key`'s allowance.
    ///
    /// # Errors
    /// How long to wait, if there is none left.
    fn spend(&self, key: &K) -> Result<(), Duration> {
        let limiter = self.limiter.read().unwrap_or_else(PoisonError::into_inner);
        let spent = limiter.check_key(key).map_err(|wait| wait.wait_time_from(self.clock.now()));
        let crowded = limiter.len() > KEYS_MAX;
        drop(limiter);
        if crowded {
            self.forget();
        }
        spent
    }

    /// Makes room: first by what costs nothing to forget, then by all of it, because memory must stay bounded even
    /// when more sources are active than are remembered.
    fn forget(&self) {
        let mut limiter = self.limiter.write().unwrap_or_else(PoisonError::into_inner);
        limiter.retain_recent();
        if limiter.len() > KEYS_MAX / 2 {
            *limiter = RateLimiter::hashmap_with_clock(self.quota, self.clock.clone());
        }
    }
}

fn spend<K: Hash + Eq + Clone>(limit: &Option<Limit<K>>, key: &K) -> Result<(), Duration> {
    limit.as_ref().map_or(Ok(()), |limit| limit.spend(key))
}

/// All limits of one mount.
pub(super) struct Meter {
    reads: Option<Limit<Identity>>,
    writes: Option<Limit<Identity>>,
    requests: Option<Limit<IpAddr>>,
    bad_tokens: Option<Limit<IpAddr>>,
    /// Whose a verified token is, by SHA-256 of its text.
    tokens: Mutex<BTreeMap<[u8; 32], Identity>>,
}

impl Meter {
    pub(super) fn new(limits: RateLimits, clock: Arc<dyn Clock>) -> Self {
        let clock = Ticks(clock);
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
        self.reads.is_some() || self.writes.is_some()
    }

    /// Counts a request from `address`.
    ///
    /// # Errors
    /// How long to wait.
    pub(super) fn spend_request(&self, address: IpAddr) -> Result<(), Duration> {
        spend(&self.requests, &network(address))
    }

    /// Counts an invalid token from `address`.
    ///
    /// # Errors
    /// How long to wait.
    pub(super) fn spend_bad_token(&self, address: IpAddr) -> Result<(), Duration> {
        spend(&self.bad_tokens, &network(address))
    }

    /// Counts a request of `identity`, whose credential has been verified.
    ///
    /// # Errors
    /// How long to wait.
    pub(super) fn spend_operation(&self, identity: &Identity, writes: bool) -> Result<(), Duration> {
        spend(if writes { &self.writes } else { &self.reads }, identity)
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

/// What counts as one source: one host of IPv4, one network of IPv6, because whoever has one address there has 2^64.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
        v4 => v4,
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
    fn addresses_of_one_ipv6_network_share_an_allowance_and_mapped_ones_are_ipv4() {
        let of = |text: &str| network(text.parse().unwrap());
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:1"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
    }

    /// Memory stays bounded however many sources there are.
    #[test]
    fn a_limit_forgets_sources_beyond_its_capacity() {
        let limits = RateLimits { address_requests_per_minute: 1, ..RateLimits::NONE };
        let meter = Meter::new(limits, Arc::new(Still(Mutex::new(Duration::ZERO))));
        for bits in 0..u32::try_from(KEYS_MAX).unwrap() + 10 {
            let _ = meter.spend_request(IpAddr::V4(bits.into()));
        }
        let limiter = meter.requests.as_ref().unwrap().limiter.read().unwrap();
        assert!(limiter.len() <= KEYS_MAX, "{}", limiter.len());
    }

    #[test]
    fn no_limit_never_refuses() {
        let meter = Meter::new(RateLimits::NONE, Arc::new(Still(Mutex::new(Duration::ZERO))));
        assert!((0..1_000).all(|_| meter.spend_request(IpAddr::V4(1.into())).is_ok()));
        assert!(!meter.counts_identities());
    }
}
