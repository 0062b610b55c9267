//! The console client of the psono dialect: an API key, a sealed session, and the vault that it reaches. Source: seed
//! 001, which announces such a client and shows half of one in Python; dialects/psono.md, sections 2 to 8 and 13.
//!
//! | type | is |
//! |---|---|
//! | [`PsonoApiKey`] | six texts: where the server is, who it is, and who asks |
//! | [`PsonoClient`] | a session: datastores, shares, secrets, and the walk over all of them |
//! | [`AttachedSecrets`] | the way of an API key that is restricted to secrets attached to it; needs no session |
//! | [`PsonoSecret`] | a secret that was opened, with every member that anybody put into it |
//!
//! It speaks to any server of this dialect. Believe this: the server is asked for nothing before it has signed for
//! itself, and what it stores opens here only; where it can still lie is in leaving things out and in showing old ones.

mod attached;
mod document;
mod error;
mod key;
mod link;
mod secret;
mod session;
#[cfg(test)]
mod tests;
mod vault;
mod walk;

pub use attached::{AttachedSecrets, Inspected, InspectedSecret};
pub use error::PsonoClientError;
pub use key::{ApiKeyTexts, PsonoApiKey};
pub use secret::{FIELD_BYTES_MAX, PsonoSecret};
pub use session::{Flags, PsonoClient};
pub use vault::{DatastoreInfo, PsonoDatastore, PsonoShare, Rights};
pub use walk::{ENTRIES_MAX, Entry, EntrySecret, SHARES_MAX, Skipped, Walked, Why};

/// The largest answer that a client of this dialect should take, in bytes: a vault of 16 MiB is written in hexadecimal
/// twice, once in its document and once when that is sealed.
pub const ANSWER_BYTES_MAX: usize = 65 * 1024 * 1024;
