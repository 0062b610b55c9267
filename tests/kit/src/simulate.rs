//! Running one scenario under many seeds, each in a world of its own.
//!
//! The one thing to believe: a failing seed fails again. Every world has its own runtime with paused time on the
//! calling thread; there are no threads, no sockets and no clock but the world's.
//!
//! | variable | effect |
//! |---|---|
//! | `SEED=17` | runs seed 17 alone, in every simulation that is run |
//! | `STRONGROOM_SEEDS=50` | runs 50 seeds of every simulation in place of its own number |

use std::{
    ops::Range,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    time::Duration,
};

use actix_rt::System;

use crate::{
    dice::Dice,
    world::{Plan, World},
};

/// Virtual time after which a world is taken to be stuck.
const STUCK_AFTER: Duration = Duration::from_secs(4 * 60 * 60);

/// The seeds that a simulation runs by default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seeds(Range<u64>);

/// These seeds, unless the environment says otherwise.
pub fn seeds(range: Range<u64>) -> Seeds {
    let number = |name: &str| {
        std::env::var(name).ok().map(|text| {
            text.trim().parse::<u64>().unwrap_or_else(|_| panic!("{name} must be a number, not {text:?}"))
        })
    };
    Seeds(dose(range, number("SEED"), number("STRONGROOM_SEEDS")))
}

fn dose(range: Range<u64>, seed: Option<u64>, count: Option<u64>) -> Range<u64> {
    match (seed, count) {
        (Some(seed), _) => seed..seed.saturating_add(1),
        (None, Some(count)) => range.start..range.start.saturating_add(count),
        (None, None) => range,
    }
}

/// Runs `scenario` once for every seed, in the world that `plan` lays out for it. A failure prints the line that
/// repeats it and goes on unwinding.
pub fn simulate(seeds: Seeds, plan: impl Fn(&Dice) -> Plan, scenario: impl AsyncFn(&World)) {
    for seed in seeds.0 {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| live(seed, &plan, &scenario))) {
            eprintln!("\n{}\n", replay_line(seed));
            resume_unwind(panic);
        }
    }
}

/// The first of `seeds` in whose world `found` is true: for tests of the tests.
pub fn first_seed_where(
    seeds: Seeds,
    plan: impl Fn(&Dice) -> Plan,
    found: impl AsyncFn(&World) -> bool,
) -> Option<u64> {
    let mut seeds = seeds.0;
    seeds.find(|seed| live(*seed, &plan, &found))
}

/// One world, from its first instant to its last.
fn live<T>(seed: u64, plan: &impl Fn(&Dice) -> Plan, scenario: &impl AsyncFn(&World) -> T) -> T {
    let paused = || {
        tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .expect("a runtime without input and output needs nothing that could be missing")
    };
    System::with_tokio_rt(paused).block_on(async {
        let world = World::begin(seed, plan(&Dice::new(seed, "plan"))).await;
        tokio::time::timeout(STUCK_AFTER, scenario(&world)).await.unwrap_or_else(|_| {
            panic!("seed {seed} is not done after {} virtual hours", STUCK_AFTER.as_secs() / 3600)
        })
    })
}

/// The command that runs the same world again, and the commit that it was seen on.
fn replay_line(seed: u64) -> String {
    let commit = std::process::Command::new("git")
        .args(["rev-parse", "--short", "HEAD"])
        .output()
        .ok()
        .filter(|output| output.status.success())
        .and_then(|output| String::from_utf8(output.stdout).ok());
    let commit = commit.map(|hash| format!("   # at {}", hash.trim())).unwrap_or_default();
    let test = test_name().map(|name| format!(" {name}")).unwrap_or_default();
    format!("SEED={seed} cargo nextest run -p strongroom --test simulation{test}{commit}")
}

/// The running test: the thread's name, or what the test program was told to run where it runs one test alone.
fn test_name() -> Option<String> {
    let thread = std::thread::current().name().filter(|name| *name != "main").map(str::to_owned);
    thread.or_else(|| std::env::args().skip(1).find(|argument| !argument.starts_with('-')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_names_one_seed_or_another_dose() {
        assert_eq!(dose(100..200, None, None), 100..200);
        assert_eq!(dose(100..200, None, Some(5)), 100..105);
        assert_eq!(dose(100..200, Some(17), Some(5)), 17..18);
    }

    #[test]
    fn the_replay_line_names_seed_and_test() {
        let line = replay_line(17);
        assert!(line.starts_with("SEED=17 cargo nextest run -p strongroom --test simulation"), "{line}");
        assert!(line.contains("the_replay_line_names_seed_and_test"), "{line}");
    }

    #[test]
    fn equal_seeds_live_equal_lives() {
        let life = |seed| {
            live(seed, &Plan::rough, &async |world: &World| {
                let record = crate::world::record("notes");
                let clients: Vec<_> = (0..3).map(|_| world.client("ann")).collect();
                futures_util::future::join_all(clients.iter().map(async |client| {
                    for _ in 0..4 {
                        client.update(&record).await;
                    }
                }))
                .await;
                format!("{:?}", world.history.calls())
            })
        };
        assert_eq!(life(3), life(3));
        assert_ne!(life(3), life(4));
    }
}
