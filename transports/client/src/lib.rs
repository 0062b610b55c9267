//! The Rust client of Strongroom. Everything that must not be seen by a server happens in here.
//!
//! [`keyknox`] is the cryptographic half: envelopes, tokens, the cloud record of a user's keys and its local mirror.
//! It knows no network; whatever carries its bytes stands behind a trait.

pub mod keyknox;
