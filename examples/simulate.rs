//! A short simulation: three nodes over one store that loses answers and takes its time, nodes that die, devices that
//! race — and the history that they leave, checked.
//!
//! Run it: `cargo run --example simulate`, and with another seed: `SEED=42 cargo run --example simulate`. Equal seeds
//! print equal histories.

use std::{cell::Cell, time::Duration};

use strongroom_storage::Faults;
use strongroom_testkit::{Client, Plan, World, record, seeds, simulate};

fn main() {
    let plan = |_: &_| {
        let faults = Faults {
            latency_ms: 1..=40,
            reply_lost: 0.15,
            commit_error: 0.05,
            read_error: 0.05,
            ..Faults::default()
        };
        Plan { faults, ..Plan::calm(3) }
    };
    simulate(seeds(7..8), plan, async |world: &World| {
        let notes = record("notes");
        let done = Cell::new(false);

        // Three devices of ann's, each of which reads, changes what it found, and writes it back.
        let devices: Vec<Client<'_>> = (0..3).map(|_| world.client("ann")).collect();
        let racing = async {
            futures_util::future::join_all(devices.iter().map(async |device| {
                for _ in 0..4 {
                    device.update(&notes).await;
                }
            }))
            .await;
            done.set(true);
        };

        // Meanwhile nodes die, in whatever they are doing, and come back.
        let dying = async {
            let dice = world.dice("deaths");
            while !done.get() {
                world.wait(dice.ms(50..=150)).await;
                let node = dice.index(3);
                world.kill(node, true);
                world.wait(Duration::from_millis(30)).await;
                world.start(node).await;
            }
        };
        futures_util::future::join(racing, dying).await;

        // Then the chaos ends: every node must answer, all must agree, and everything acknowledged must be there.
        let tally = world.conclude("ann").await;
        println!("seed {}", world.seed);
        for call in world.history.calls() {
            println!("{call:?}");
        }
        println!(
            "{} calls, {} of unknown outcome, explain {} states in {} virtual ms",
            tally.calls,
            tally.unknown,
            tally.states,
            world.now().as_millis()
        );
        assert!(tally.states > 0, "somebody wrote something");
    });
}
