use std::time::Duration;

use super::*;

const TOLD: Event = Event::EscrowSharesMissed { count: 20 };

/// How often the owner was told of a burst.
fn told(desk: &Desk) -> usize {
    desk.events.iter().filter(|event| **event == TOLD).count()
}

/// So many that there never was, a while apart.
fn miss(desk: &mut Desk, who: &Principal, times: u32, apart: Duration) {
    for _ in 0..times {
        assert_eq!(desk.run(who, &fetch(99)).unwrap_err(), EngineError::UnknownEscrowShare);
        desk.wait(apart);
    }
}

/// Section 9: the twentieth miss within ten minutes is told, once, and again only when ten minutes are over.
#[test]
fn a_burst_of_misses_is_told_once() {
    let mut desk = Desk::new();
    let (ann, bob) = (holder(&desk, "ann"), holder(&desk, "bob"));
    let second = Duration::from_secs(1);
    miss(&mut desk, &ann, 19, second);
    miss(&mut desk, &bob, 19, second);
    assert_eq!(told(&desk), 0);
    miss(&mut desk, &ann, 1, second);
    assert_eq!(told(&desk), 1);
    miss(&mut desk, &ann, 200, second);
    assert_eq!(told(&desk), 1, "the same burst");
    desk.wait(Duration::from_secs(400));
    miss(&mut desk, &ann, 19, second);
    assert_eq!(told(&desk), 1);
    miss(&mut desk, &ann, 1, second);
    assert_eq!(told(&desk), 2);
}

/// Browsers that come back too late now and then are no burst.
#[test]
fn misses_that_lie_apart_are_not_told() {
    let mut desk = Desk::new();
    let ann = holder(&desk, "ann");
    miss(&mut desk, &ann, 100, Duration::from_secs(32));
    assert_eq!(told(&desk), 0);
    miss(&mut desk, &ann, 20, Duration::from_secs(1));
    assert_eq!(told(&desk), 1);
}

/// A-SHR-04: of another account, expired, dropped and never filed count alike, whether asked for or dropped. A share
/// that is there does not count.
#[test]
fn every_kind_of_miss_counts_alike() {
    let mut desk = Desk::new();
    let (ann, bob) = (holder(&desk, "ann"), holder(&desk, "bob"));
    desk.run(&bob, &deposit(1)).unwrap();
    desk.run(&ann, &deposit(2)).unwrap();
    desk.wait(DAY + Duration::from_millis(1));
    desk.run(&bob, &deposit(1)).unwrap();
    desk.run(&ann, &deposit(3)).unwrap();
    let tries = [1, 2, 9].map(|number| (fetch(number), drop_it(number)));
    for (fetch_it, drop_it) in tries.iter().cycle().take(9) {
        desk.run(&ann, fetch_it).unwrap_err();
        desk.run(&ann, drop_it).unwrap_err();
        desk.run(&ann, &fetch(3)).unwrap();
    }
    assert_eq!(told(&desk), 0, "eighteen so far");
    desk.run(&ann, &drop_it(1)).unwrap_err();
    assert_eq!(told(&desk), 0);
    desk.run(&ann, &FetchShare { kind: ShareKind::Backup, ..fetch(3) }).unwrap_err();
    assert_eq!(told(&desk), 1);
}

/// Whoever is refused before their account is looked at has missed nothing.
#[test]
fn who_may_not_ask_misses_nothing() {
    let mut desk = Desk::new();
    let coded = with(&desk, assurance("ident", Some("ann"), 1));
    desk.run(&coded, &fetch(1)).unwrap_err();
    assert_eq!(desk.row_count(), 0);
    let ann = holder(&desk, "ann");
    desk.limits.escrow_misses_told = 0;
    miss(&mut desk, &ann, 30, Duration::ZERO);
    assert_eq!((told(&desk), desk.row_count()), (0, 0), "nor is anything counted that is told to nobody");
}

/// A node whose clock was ahead does not keep the next burst quiet.
#[test]
fn a_clock_that_was_ahead_hides_no_burst() {
    let mut desk = Desk::new();
    let ann = holder(&desk, "ann");
    let now = desk.now;
    desk.wait(DAY);
    miss(&mut desk, &ann, 20, Duration::ZERO);
    desk.now = now;
    miss(&mut desk, &ann, 20, Duration::ZERO);
    assert_eq!(told(&desk), 2);
}
