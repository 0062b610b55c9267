//! Signing up and signing in with a password that never leaves the client: SRP-6a.
//!
//! ```text
//! ReserveUsername -> a name         RegisterUser -> an account with salt and verifier
//! BeginSrp: A -> salt, B            FinishSrp: M1 -> a session and M2
//!                                   ChangePassphrase: M1, a new verifier, the KEK wrapped anew -> M2
//! ```
//!
//! A name without an account is answered like one that has one: with a salt and a verifier that are always the same
//! for it, at the same cost, and in the end with the same refusal. A challenge is answered once, right or wrong.
//!
//! Handshakes lie in a table of fixed size: an account has as many slots as it may have challenges open. A challenge has
//! four of them to choose from, which nobody can choose for it, and takes one that is free, or the oldest of the four: a
//! flood takes no more room than the table, and an owner's challenge, which is needed for a moment only, is not the
//! oldest of any four before it is answered.
//!
//! Source: dialects/meeco.md, sections 2, 5 and 9; RFC 5054.

mod begin;
mod change;
mod finish;
mod guesses;
mod proof;
mod register;
mod rows;
#[cfg(test)]
mod tests;

pub use begin::{BeginSrp, SrpChallenge};
pub use change::{ChangePassphrase, KekUnderNewPassphrase, PassphraseChanged};
pub use finish::{FinishSrp, SignedIn};
pub(crate) use guesses::StoredGuesses;
pub use guesses::{SignInAttempts, SignInFailures};
pub use register::{RegisterUser, Registered, ReserveUsername, Reserved};
pub use rows::SrpProfile;
pub(crate) use rows::{StoredHandshake, StoredReservation};

use strongroom_primitives::id::{AccountId, RealmId, Subject};

use crate::{credential::Identity, error::EngineError, keyspace::Keyspace};

/// Longest username, in bytes.
const USERNAME_BYTES_MAX: usize = 128;

/// The identity that a username names. One canonical form: what is not printable ASCII, or has a dot, is no username,
/// and no letter stands for another (THREATS A-SRP-14).
///
/// # Errors
/// [`EngineError::UsernameInvalid`].
fn identity_of(realm: &RealmId, username: &str) -> Result<Identity, EngineError> {
    let good = |byte: u8| byte.is_ascii_graphic() && byte != b'.';
    if username.is_empty() || username.len() > USERNAME_BYTES_MAX || !username.bytes().all(good) {
        return Err(EngineError::UsernameInvalid);
    }
    let subject = Subject::new(username).map_err(|_| EngineError::UsernameInvalid)?;
    Ok(Identity { realm: realm.clone(), subject })
}

/// The account of a username; one that nobody has for what is no username.
fn account_of(realm: &RealmId, username: &str, space: &Keyspace) -> AccountId {
    match identity_of(realm, username) {
        Ok(identity) => space.account_of(&identity.realm, &identity.subject),
        Err(_) => AccountId::from_bytes([0; 16]),
    }
}
