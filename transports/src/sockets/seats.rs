//! Seats: how many are connected, and from where.
//!
//! A connection takes a seat before anything of it is read, so that a crowd is turned away at the price of an accept.
//! Counted is the socket's own address; whoever a forwarded-for header names has no seat.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv6Addr},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

/// The seats of a listener, shared by its threads.
#[derive(Debug)]
pub(crate) struct Seats {
    all_max: usize,
    /// 0 for no limit.
    source_max: usize,
    taken: AtomicUsize,
    refused: AtomicUsize,
    sources: Mutex<BTreeMap<IpAddr, usize>>,
}

impl Seats {
    pub(crate) fn new(all_max: usize, source_max: usize) -> Arc<Self> {
        Arc::new(Self {
            all_max,
            source_max,
            taken: AtomicUsize::new(0),
            refused: AtomicUsize::new(0),
            sources: Mutex::default(),
        })
    }

    /// A seat for `address`, if there is one. `counted` says whether its source is limited: a proxy speaks for many.
    pub(crate) fn take(self: &Arc<Self>, address: IpAddr, counted: bool) -> Option<Ticket> {
        if self.taken.fetch_add(1, Ordering::Relaxed) >= self.all_max {
            self.taken.fetch_sub(1, Ordering::Relaxed);
            self.refused.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        let mut ticket = Ticket { seats: self.clone(), source: None };
        if counted && self.source_max > 0 {
            let source = source_of(address);
            let mut sources = self.lock();
            let count = sources.entry(source).or_default();
            if *count >= self.source_max {
                drop(sources);
                self.refused.fetch_add(1, Ordering::Relaxed);
                return None;
            }
            *count += 1;
            drop(sources);
            ticket.source = Some(source);
        }
        Some(ticket)
    }

    /// Connections that have a seat.
    pub(crate) fn taken(&self) -> usize {
        self.taken.load(Ordering::Relaxed)
    }

    /// Connections that were turned away since the start.
    pub(crate) fn refused(&self) -> usize {
        self.refused.load(Ordering::Relaxed)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<IpAddr, usize>> {
        // Nothing panics while it is held.
        self.sources.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whose connections are counted together: an IPv4 address, or the 64-bit network that a household or a host is given
/// in IPv6.
fn source_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let network = address.to_bits() >> 64 << 64;
            IpAddr::V6(Ipv6Addr::from_bits(network))
        }
        address => address,
    }
}

/// The right to a seat; given back when dropped.
#[derive(Debug)]
pub(crate) struct Ticket {
    seats: Arc<Seats>,
    source: Option<IpAddr>,
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.seats.taken.fetch_sub(1, Ordering::Relaxed);
        if let Some(source) = self.source {
            let mut sources = self.seats.lock();
            if let Some(count) = sources.get_mut(&source) {
                *count -= 1;
                if *count == 0 {
                    sources.remove(&source);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_source_gets_so_many_seats_and_gets_them_back() {
        let seats = Seats::new(10, 2);
        let [a, b] = ["192.0.2.1", "192.0.2.2"].map(address);
        let first = seats.take(a, true).unwrap();
        let _second = seats.take(a, true).unwrap();
        assert!(seats.take(a, true).is_none());
        assert!(
            seats.take(address("::ffff:192.0.2.1"), true).is_none(),
            "the same source, spelled otherwise"
        );
        let _other = seats.take(b, true).unwrap();
        let _proxy = seats.take(a, false).unwrap();
        drop(first);
        let _again = seats.take(a, true).unwrap();
        assert_eq!((seats.taken(), seats.refused()), (4, 2));
    }

    #[test]
    fn a_network_of_ipv6_is_one_source() {
        let seats = Seats::new(10, 1);
        let _first = seats.take(address("2001:db8:0:1::1"), true).unwrap();
        assert!(seats.take(address("2001:db8:0:1:ffff::2"), true).is_none());
        assert!(seats.take(address("2001:db8:0:2::1"), true).is_some());
    }

    #[test]
    fn when_all_seats_are_taken_nobody_else_comes_in() {
        let seats = Seats::new(2, 0);
        let here = address("127.0.0.1");
        let tickets = [seats.take(here, true).unwrap(), seats.take(here, true).unwrap()];
        assert!(seats.take(here, true).is_none());
        drop(tickets);
        assert!(seats.take(here, true).is_some());
        assert!(seats.lock().is_empty());
    }
}
