//! Rates, counted by whatever a mount wants to count: so many in a span of time for each key, in bounded memory.

use std::{
    hash::Hash,
    net::{IpAddr, Ipv6Addr},
    num::NonZeroU32,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use governor::{
    Quota, RateLimiter, clock::Clock as _, middleware::NoOpMiddleware, nanos::Nanos,
    state::keyed::HashMapStateStore,
};
use strongroom_engine::ports::Clock;

/// Keys that one limit remembers before it forgets those that are back at their full allowance.
const KEYS_MAX: usize = 65_536;

/// The engine's clock in the limiter's terms.
#[derive(Clone)]
pub(crate) struct Ticks(Arc<dyn Clock>);

impl Ticks {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self(clock)
    }
}

impl governor::clock::Clock for Ticks {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        Nanos::from(self.0.monotonic())
    }
}

type Limiter<K> = RateLimiter<K, HashMapStateStore<K>, Ticks, NoOpMiddleware<Nanos>>;

/// One limit over many keys, or none at all.
pub(crate) struct Limit<K: Hash + Eq + Clone>(Option<Counting<K>>);

struct Counting<K: Hash + Eq + Clone> {
    limiter: RwLock<Limiter<K>>,
    quota: Quota,
    clock: Ticks,
}

impl<K: Hash + Eq + Clone> Limit<K> {
    /// So many per minute for each key, with a burst of as many; 0 is no limit.
    pub(crate) fn new(per_minute: u32, clock: &Ticks) -> Self {
        Self::within(per_minute, Duration::from_secs(60), clock)
    }

    /// So many within a span of time for each key, with a burst of as many; 0 is no limit.
    pub(crate) fn within(count: u32, span: Duration, clock: &Ticks) -> Self {
        Self(NonZeroU32::new(count).and_then(|count| {
            // None only where a span is so short that one of them takes no time at all, which is no limit either.
            let quota = Quota::with_period(span / count.get())?.allow_burst(count);
            let limiter = RwLock::new(RateLimiter::hashmap_with_clock(quota, clock.clone()));
            Some(Counting { limiter, quota, clock: clock.clone() })
        }))
    }

    /// Whether it ever refuses anybody.
    #[cfg(any(feature = "dialect-dragonchain", feature = "dialect-keyknox"))]
    pub(crate) fn refuses(&self) -> bool {
        self.0.is_some()
    }

    /// Spends one of `key`'s allowance.
    ///
    /// # Errors
    /// How long to wait, if there is none left.
    pub(crate) fn spend(&self, key: &K) -> Result<(), Duration> {
        self.0.as_ref().map_or(Ok(()), |counted| counted.spend(key))
    }
}

impl<K: Hash + Eq + Clone> Counting<K> {
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

/// What counts as one source: one host of IPv4, one network of IPv6, because whoever has one address there has 2^64.
pub(crate) fn source_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
        v4 => v4,
    }
}

/// The network that a caller comes from, as the engine counts failed attempts by it; empty if there is none.
pub(crate) fn network_of(address: Option<IpAddr>) -> Vec<u8> {
    address.map(|address| source_of(address).to_string().into_bytes()).unwrap_or_default()
}

/// Requests per minute of one address by people who sign up or in, each with a burst of as many; 0 is no limit. IPv6
/// addresses are counted by their leading 64 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PeopleRates {
    /// Attempts to sign in with a passphrase, good and bad; and as many challenges. Source: THREATS.md, section 3.
    pub sign_ins_per_minute: u32,
    /// Names asked for, users registered, vault users made.
    pub sign_ups_per_minute: u32,
    /// Vault sessions asked for.
    pub vault_sign_ins_per_minute: u32,
}

impl PeopleRates {
    /// No limits at all.
    pub const NONE: Self =
        Self { sign_ins_per_minute: 0, sign_ups_per_minute: 0, vault_sign_ins_per_minute: 0 };
}

impl Default for PeopleRates {
    fn default() -> Self {
        Self { sign_ins_per_minute: 60, sign_ups_per_minute: 60, vault_sign_ins_per_minute: 60 }
    }
}

/// What a request of people counts as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Counted {
    /// A challenge asked for.
    Challenge,
    /// An attempt to sign in with a passphrase.
    SignIn,
    /// A name asked for, a user registered, a vault user made.
    SignUp,
    /// A vault session asked for.
    VaultSignIn,
}

/// [`PeopleRates`], and who has spent how much of them.
pub(crate) struct PeopleLimits {
    challenges: Limit<IpAddr>,
    sign_ins: Limit<IpAddr>,
    sign_ups: Limit<IpAddr>,
    vault_sign_ins: Limit<IpAddr>,
}

impl PeopleLimits {
    pub(crate) fn new(rates: PeopleRates, clock: Arc<dyn Clock>) -> Self {
        let ticks = Ticks::new(clock);
        Self {
            challenges: Limit::new(rates.sign_ins_per_minute, &ticks),
            sign_ins: Limit::new(rates.sign_ins_per_minute, &ticks),
            sign_ups: Limit::new(rates.sign_ups_per_minute, &ticks),
            vault_sign_ins: Limit::new(rates.vault_sign_ins_per_minute, &ticks),
        }
    }

    /// Counts a request against the allowance of the address that it came from; one without an address costs nothing.
    ///
    /// # Errors
    /// How long to wait, if there is no allowance left.
    pub(crate) fn spend(&self, what: Counted, address: Option<IpAddr>) -> Result<(), Duration> {
        let limit = match what {
            Counted::Challenge => &self.challenges,
            Counted::SignIn => &self.sign_ins,
            Counted::SignUp => &self.sign_ups,
            Counted::VaultSignIn => &self.vault_sign_ins,
        };
        address.map_or(Ok(()), |address| limit.spend(&source_of(address)))
    }
}

#[cfg(test)]
mod tests {
    use strongroom_engine::ports::SystemClock;

    use super::*;

    #[test]
    fn addresses_of_one_ipv6_network_share_an_allowance_and_mapped_ones_are_ipv4() {
        let of = |text: &str| source_of(text.parse().unwrap());
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:1"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
    }

    /// Memory stays bounded however many sources there are.
    #[test]
    fn a_limit_forgets_sources_beyond_its_capacity() {
        let limit = Limit::new(1, &Ticks::new(Arc::new(SystemClock::new())));
        for bits in 0..u32::try_from(KEYS_MAX).unwrap() + 10 {
            let _ = limit.spend(&bits);
        }
        let limiter = limit.0.as_ref().unwrap().limiter.read().unwrap();
        assert!(limiter.len() <= KEYS_MAX, "{}", limiter.len());
    }
}
