//! How a command is run: the seven steps that every command takes, written once.

mod apart;
mod attempt;
mod courier;
mod job;
mod lanes;
mod replay;
mod shard;
mod sweeper;
#[cfg(test)]
mod tests;
mod turn;

#[cfg(any(test, feature = "testing"))]
pub(crate) use courier::NEED_ROUNDS_MAX;
pub(crate) use courier::{Courier, Shared, Touch};
pub(crate) use lanes::Lanes;
pub use shard::Shard;
pub(crate) use sweeper::Sweeper;
