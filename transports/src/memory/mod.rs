//! Transports within one process: a [`Link`] that carries frames, and a [`Network`] between named ends that delays,
//! loses, doubles and parts under a seed.
//!
//! Both speak through the same connection and the same router as sockets do, so what a test or a simulation sees over
//! them is what a client sees over a socket. Time is tokio's and may be paused; nothing starts a thread.

mod link;
mod network;
#[cfg(test)]
mod tests;

pub use link::{Connector, Link, LinkClosed, connect};
pub use network::{Network, Weather};
