//! How Strongroom is tested from outside: worlds that obey a seed, clients that remember what they were told, and
//! checkers that judge it.
//!
//! [`simulate()`] runs a scenario under many seeds. Each seed gets a [`World`]: several engines over one store with bad
//! days, on one thread, under virtual time. [`Client`]s ask and note every call in the world's [`history`]; the
//! [`checkers`] say whether one course of events explains it all.
//!
//! The one thing to believe: **a failing seed fails again**, and the line that repeats it is printed.

mod cable;
pub mod checkers;
mod client;
mod dice;
mod follower;
pub mod history;
mod keyed;
pub mod rules;
mod simulate;
mod time;
mod tokens;
mod world;

pub use cable::Cable;
pub use client::{Client, over};
pub use dice::Dice;
pub use follower::Follower;
pub use simulate::{Seeds, first_seed_where, seeds, simulate};
pub use time::{NodeClock, START_MS, VirtualTime};
pub use tokens::TokenKey;
pub use world::{Finding, Plan, Store, World, record, simulated_limits};
