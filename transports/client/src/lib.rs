//! The Rust client of Strongroom. Everything that must not be seen by a server happens in here.
//!
//! [`keyknox`] is the cryptographic half. It knows no network; whatever carries its bytes stands behind a trait.

pub mod keyknox;
