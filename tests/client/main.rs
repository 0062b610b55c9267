//! The Rust client against the real router and the real listeners: the same over a link in memory, over HTTP and over
//! WebSockets, in text and in binary, on connections that end when they like.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod brittle;
mod keys;
mod records;
mod sealed;
mod support;
mod users;
mod watch;
