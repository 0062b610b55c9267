//! Admission: proof, for another service, that a user is signed in here. A token lets its account through one door,
//! once.
//!
//! A token is a signed statement: which keystore says it, about which identity, for which service (its audience), until
//! when. The engine signs it with a key of its own, so the text can be made again from the row and is never stored: the
//! table gives nothing to a thief (THREATS A-TOK-07), and whoever asks again gets the same text until it is spent.
//!
//! Spending is a write of the row that says so, guarded by what was read: of any number of tries exactly one succeeds.
//! A refused try consumes nothing. A token of another keystore has no row here; it is spent by writing one, which stays
//! until the token has expired by the clock of the store.
//!
//! Source: dialects/meeco.md, sections 5, 6 and 9.

mod issue;
mod issuers;
mod rows;
mod spend;
#[cfg(test)]
mod tests;
mod token;

pub(crate) use issue::TOKENS_READ_MAX;
pub use issue::{IssueToken, TokenIssued};
pub use issuers::{Issuers, TrustedIssuer};
pub(crate) use rows::{StoredForeignToken, StoredToken};
pub use spend::{Admitted, SpendToken};
pub(crate) use spend::{OpenToken, lane_of};
pub use token::Issuer;
pub(crate) use token::by_digest;

use crate::command::Domain;

/// The domain of admission tokens.
#[derive(Debug)]
pub struct Admission;

impl Domain for Admission {
    const NAME: &'static str = "admission";
}
