//! Clocks that are wrong, step and stand still (F-10, F-11).

use std::{cell::Cell, time::Duration};

use strongroom_engine::{
    Credential, EngineError,
    domains::{
        accounts::WhoAmI,
        records::{Previous, PutRecord, RecordName},
    },
};
use strongroom_primitives::time::Timestamp;
use strongroom_testkit::{
    Client, Dice, Plan, START_MS, World,
    history::{Outcome, content},
    record, seeds, simulate,
};

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

fn apart(dice: &Dice) -> Plan {
    let mut plan = Plan::rough(dice);
    plan.clocks_off_by_ms = vec![0, 300_000, -300_000];
    plan
}

async fn devices_race(world: &World, devices: usize, steps: usize, record: &RecordName) {
    let clients: Vec<Client<'_>> = (0..devices).map(|_| world.client("ann")).collect();
    let busy = clients.iter().map(async |client| {
        for _ in 0..steps {
            match client.dice().below(8) {
                0 => {
                    client.reset(record, Previous::Unsaid).await;
                }
                _ => {
                    client.update(record).await;
                }
            }
            world.wait(client.dice().ms(0..=4_000)).await;
        }
    });
    futures_util::future::join_all(busy).await;
}

/// F-11: correctness does not depend on it that nodes agree about the time.
#[test]
fn nodes_whose_clocks_differ_by_five_minutes_agree_about_everything_else() {
    simulate(seeds(0..300), apart, async |world| {
        devices_race(world, 4, 8, &record("notes")).await;
        world.conclude("ann").await;
    });
}

/// F-11: nor does it depend on it that a node does its work. One that is behind the store's clock by more than a
/// command may take must not take all its commands for late.
#[test]
fn a_node_whose_clock_is_five_minutes_behind_the_store_writes_like_any_other() {
    let behind = |_: &Dice| {
        let mut plan = Plan::calm(2).with_latency_ms(0..=20);
        plan.clocks_off_by_ms = vec![0, -300_000];
        plan
    };
    simulate(seeds(1_000..1_050), behind, async |world| {
        let writer = world.client("ann");
        let record = record("notes");
        let mut previous = Previous::Absent;
        for _ in 0..6 {
            // Long enough for everything that the node has learned of the time to be out of date.
            world.wait(writer.dice().ms(1..=90_000)).await;
            let outcome = writer.put_at(1, &record, previous).await;
            let Outcome::Shown(state) = outcome else { panic!("{outcome:?}") };
            previous = strongroom_testkit::over(&state);
        }
        world.conclude("ann").await;
    });
}

/// F-10: clocks that step by up to a day and jitter all the while break nothing.
#[test]
fn clocks_that_step_back_and_forth_break_nothing() {
    let patient = |dice: &Dice| {
        let mut plan = Plan::rough(dice);
        // The answer under an idempotency key is kept by the clock of whoever is asked: longer than the longest step.
        plan.limits.idempotency_ttl = Duration::from_secs(3 * 24 * 60 * 60);
        plan
    };
    simulate(seeds(2_000..2_300), patient, async |world| {
        let done = Cell::new(false);
        let busy = async {
            devices_race(world, 3, 8, &record("notes")).await;
            done.set(true);
        };
        let stepping = async {
            let dice = world.dice("steps");
            while !done.get() {
                let node = dice.index(world.node_count());
                let off_by_ms = *dice.pick(&[0, 0, -DAY_MS, DAY_MS, -300_000, 300_000, -1_000, 1_000]);
                world.clock(node).set_off_by_ms(off_by_ms);
                world.wait(dice.ms(1..=2_000)).await;
            }
        };
        futures_util::future::join(busy, stepping).await;
        world.conclude("ann").await;
    });
}

/// A credential of ann's that is good for `life`, and a session or a signed token by chance.
async fn short_lived(world: &World, dice: &Dice, life: Duration) -> Credential {
    if dice.chance(50) {
        world.bearer("ann", Some(life)).await.1
    } else {
        let issued = Timestamp::from_ms(START_MS).saturating_add(world.now());
        world.token_key.issue(&world.realm, &world.subject("ann"), issued, life)
    }
}

/// F-10: a credential that was refused as expired stays refused, however far the clocks step back.
#[test]
fn what_has_expired_stays_expired_when_clocks_step_back() {
    simulate(
        seeds(3_000..3_200),
        |_| Plan::calm(3).with_latency_ms(0..=20),
        async |world| {
            let dice = world.dice("steps");
            let life = dice.ms(1_000..=60_000);
            let credential = short_lived(world, &dice, life).await;
            for node in 0..3 {
                world.up(node).ask(credential.clone(), WhoAmI).await.expect("it is good for now");
            }
            world.wait(life + Duration::from_secs(5)).await;
            for node in 0..3 {
                assert!(world.up(node).ask(credential.clone(), WhoAmI).await.is_err(), "it has expired");
            }
            // Something is written after it expired, so that the store knows of the time.
            world.client("ann").update_until_done(&record("notes")).await;
            for step in 0..6 {
                let node = dice.index(3);
                world.clock(node).set_off_by_ms(*dice.pick(&[-DAY_MS, -3_600_000, -61_000]));
                if dice.chance(50) {
                    world.restart(node).await;
                }
                world.wait(dice.ms(0..=3_000)).await;
                for node in 0..3 {
                    let answer = world.up(node).ask(credential.clone(), WhoAmI).await;
                    let refused = matches!(
                        answer,
                        Err(EngineError::CredentialExpired | EngineError::CredentialInvalid)
                    );
                    assert!(refused, "after step {step}, node {node} answered {answer:?}");
                }
            }
        },
    );
}

/// F-10, F-11: whatever a node believes about the time, nothing is written with a credential that has expired by the
/// clock of the store.
#[test]
fn no_write_lands_after_its_credential_has_expired() {
    simulate(seeds(4_000..4_200), apart, async |world| {
        let dice = world.dice("expiry");
        let life = dice.ms(500..=4_000);
        let before = world.now();
        let credential = short_lived(world, &dice, life).await;
        let until = world.now() + life;
        let writers: Vec<Client<'_>> = (0..3).map(|_| world.client_with(credential.clone())).collect();
        let record = record("notes");
        let writing = futures_util::future::join_all(writers.iter().map(async |writer| {
            while world.now() < until + Duration::from_secs(3) {
                writer.update(&record).await;
                world.wait(writer.dice().ms(1..=200)).await;
            }
        }));
        let watching = async {
            // A node that issues a session dates it by its own clock, which here is the true one.
            world.wait(until.saturating_sub(world.now()) + Duration::from_millis(1)).await;
            let rows = world.rows();
            world.wait(Duration::from_secs(3)).await;
            // The sweeper may remove the session; every write would add rows.
            assert!(world.rows() <= rows, "alive from {before:?} to {until:?}, and written after");
        };
        futures_util::future::join(writing, watching).await;
        world.conclude("ann").await;
    });
}

/// Deadlines are durations: a clock that steps while a command waits neither ends nor prolongs it.
#[test]
fn a_step_of_the_clock_does_not_touch_a_deadline() {
    simulate(
        seeds(5_000..5_060),
        |_| Plan::calm(1).with_latency_ms(400..=500),
        async |world| {
            let dice = world.dice("steps");
            let (meta, value) = content(1);
            let put = PutRecord::new(record("notes"), meta, value, Previous::Absent, Vec::new());
            let handle = world.up(0);
            let asking = strongroom_engine::Asking {
                within: Some(Duration::from_secs(5)),
                ..world.gateway("ann").into()
            };
            let stepping = async {
                world.wait(dice.ms(0..=1_000)).await;
                world.clock(0).set_off_by_ms(*dice.pick(&[-DAY_MS, DAY_MS, -60_000, 60_000]));
            };
            let (answer, ()) = futures_util::future::join(handle.ask(asking, put), stepping).await;
            assert!(answer.is_ok(), "{answer:?}");
        },
    );
}
