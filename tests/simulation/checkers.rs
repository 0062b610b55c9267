//! The checkers themselves: a store that breaks its promises must be found out, soon, and an honest one never.

use strongroom_storage::Bugs;
use strongroom_testkit::{Client, Dice, Finding, Plan, World, first_seed_where, record, seeds};

/// Seeds within which a broken store must be found out.
const WITHIN: u64 = 100;

fn planted(bugs: Bugs) -> impl Fn(&Dice) -> Plan {
    move |_| {
        let mut plan = Plan::calm(2).with_latency_ms(0..=10);
        plan.faults.bugs = bugs;
        plan
    }
}

async fn is_found_out(world: &World) -> bool {
    let record = record("notes");
    let clients: Vec<Client<'_>> = (0..3).map(|_| world.client("ann")).collect();
    let busy = clients.iter().map(async |client| {
        for _ in 0..8 {
            client.update(&record).await;
        }
    });
    futures_util::future::join_all(busy).await;
    // A store that broke before the race began proves nothing about the checker.
    matches!(world.judge("ann").await, Err(Finding::Broken { .. }))
}

#[track_caller]
fn assert_found_out(bugs: Bugs) {
    let found = first_seed_where(seeds(0..WITHIN), planted(bugs), is_found_out);
    assert!(found.is_some(), "no history of {WITHIN} seeds shows {bugs:?}");
}

#[test]
fn a_store_with_stale_reads_is_found_out() {
    assert_found_out(Bugs { stale_reads: 0.05, ..Bugs::default() });
}

#[test]
fn a_store_that_loses_updates_is_found_out() {
    assert_found_out(Bugs { lost_updates: 0.05, ..Bugs::default() });
}

#[test]
fn a_store_that_drops_guards_is_found_out() {
    assert_found_out(Bugs { dropped_guards: 0.05, ..Bugs::default() });
}

#[test]
fn an_honest_store_is_never_accused() {
    let accused = first_seed_where(seeds(0..WITHIN), planted(Bugs::default()), is_found_out);
    assert_eq!(accused, None);
}
