//! The `strongroom` binary as its operator meets it: started, configured, refused, stopped and killed as a process.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod admin;
mod admin_chains;
mod admin_sessions;
mod api_key;
mod chain;
mod coiin;
mod config;
mod cryppo;
mod dragonchain;
mod encrypted;
mod guide;
mod identity;
mod keys;
mod kit;
mod leak;
mod listeners;
mod memory;
mod misakey;
mod person;
mod pin_recovery;
mod psono;
mod recovery;
mod refusals;
mod replay;
mod session;
mod signed;
mod start;
mod stop;
mod tools;
mod user;
