//! SRP-6a, both sides: a password is proved without being sent, and whoever listens has nothing to test guesses on.
//!
//! Two profiles share one code: [`Profile::MEECO`] is what the published clients of `dialects/meeco.md`, 2 speak;
//! [`Profile::NATIVE`] is ours. The server's side is two functions without a memory of their own, [`challenge`] and
//! [`answer`]: between them the caller keeps A, B and the ephemeral secret. The client's side is [`register`] and
//! [`Client`]. Passwords are opaque bytes here; how a dialect makes them is its own affair.
//!
//! Believe this: a sign-in costs the server three exponentiations, for a name that exists and for one that does not
//! (see [`decoy`]), each of them in constant time in its exponent.
//!
//! # Arithmetic
//! Big numbers are those of aws-lc, which the TLS stack links already, wrapped by the one module that may use `unsafe`.
//! Powers of the generator come from a table of 64 entries, made once per group. `benches/srp.rs` measures a sign-in
//! against the same three exponentiations in OpenSSL 3.0 (`BN_mod_exp_mont_consttime`), all taking turns on one Xeon
//! core; time and ratio to OpenSSL are:
//!
//! | | 2048 bits | 3072 bits |
//! | --- | --- | --- |
//! | OpenSSL, the three powers alone | 781 us, 1.00 | 1700 us, 1.00 |
//! | **challenge and answer as they are here** | 593 us, **0.76** | 1303 us, **0.77** |
//! | aws-lc without the table, the powers alone | 754 us, 0.97 | 1671 us, 0.98 |
//! | `crypto-bigint` 0.7 with such a table, the powers alone | 1060 us, 1.36 | 2443 us, 1.44 |
//! | `crypto-bigint` 0.7, the powers alone | 1425 us, 1.82 | 3279 us, 1.93 |
//!
//! `crypto-bigint` needs no `unsafe`, but misses the floor of 1.15 even with the table.

mod client;
mod fixed_base;
mod group;
mod modpow;
mod server;
mod transcript;
mod values;

pub use client::{Client, Pending, register};
pub use group::Profile;
pub use server::{Accepted, Decoy, answer, challenge, decoy};
pub use transcript::Transcript;
pub use values::{
    ClientPublic, Ephemeral, Proof, SALT_BYTES_MAX, SALT_BYTES_MIN, Salt, ServerPublic, SessionKey, SrpError,
    Verifier,
};

#[cfg(test)]
mod tests;
