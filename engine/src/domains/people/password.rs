//! What is kept of a password, and asking for it again.
//!
//! A client shows what it derives from the password, and shows it again for what a session alone is not enough for.
//! Wherever a wrong one is shown it is a guess, and all guesses are counted together: no call is a way round the wait
//! that a sign-in has (THREATS A-SRP-13).

use strongroom_primitives::{hash::keyed_hash16, id::AccountId, secret::SecretText};
use subtle::ConstantTimeEq;

use super::StoredPerson;
use crate::{
    command::{Decision, Moment, Reads, View},
    domains::sessions::srp::StoredGuesses,
    error::EngineError,
    keyspace,
};

/// What is kept of an authentication key: scrypt's work is in it already, so a keyed hash is enough.
pub(super) fn authkey_hash(account: AccountId, authkey: &SecretText, moment: &Moment<'_>) -> [u8; 16] {
    let parts: [&[u8]; 2] = [account.as_bytes(), authkey.expose().as_bytes()];
    keyed_hash16(moment.secrets.people(), "authentication key", &parts)
}

/// Whether a person shows their authentication key; for one that there is not, the same work for nothing.
pub(super) fn is_authentic(
    account: AccountId,
    stored: Option<&StoredPerson>,
    authkey: &SecretText,
    moment: &Moment<'_>,
) -> bool {
    let shown = authkey_hash(account, authkey, moment);
    let kept = stored.map_or([0; 16], |stored| stored.authkey);
    bool::from(kept.ct_eq(&shown)) && stored.is_some()
}

/// Somebody who is signed in and shows that they know the password as well. Whoever is no person has none to show.
pub(crate) struct PasswordAgain<'a> {
    /// Whose password.
    pub(crate) account: AccountId,
    /// What their client derives from it, if it is shown.
    pub(crate) authkey: Option<&'a SecretText>,
    /// The network that they come from; empty if there is none.
    pub(crate) network: &'a [u8],
}

impl PasswordAgain<'_> {
    /// The rows that [`PasswordAgain::before`] looks at.
    pub(crate) fn reads(account: AccountId) -> Reads {
        Reads::one(keyspace::person(account)).row(keyspace::guesses(account))
    }

    /// Decides what the password is asked for, if it is right. A wrong one is written down.
    ///
    /// A right one leaves the guesses as they are: only a sign-in shows where its owner signs in from.
    ///
    /// # Errors
    /// [`EngineError::PasswordWrong`], also for one that is not shown and one of an account that is no person;
    /// [`EngineError::TooManyAttempts`].
    pub(crate) fn before<R>(
        self,
        view: &View<'_>,
        moment: &mut Moment<'_>,
        then: impl FnOnce(&mut Moment<'_>) -> Result<Decision<R>, EngineError>,
    ) -> Result<Decision<R>, EngineError> {
        let key = keyspace::guesses(self.account);
        let mut guesses: StoredGuesses = view.row(&key)?.unwrap_or_default();
        let network = moment.space.network(self.network);
        guesses.check(&network, moment)?;
        let stored: Option<StoredPerson> = view.row(&keyspace::person(self.account))?;
        let Some(authkey) = self.authkey else {
            return if stored.is_none() { then(moment) } else { Err(EngineError::PasswordWrong) };
        };
        if is_authentic(self.account, stored.as_ref(), authkey, moment) {
            return then(moment);
        }
        guesses.failed(network, moment);
        Ok(Decision::refuse(EngineError::PasswordWrong).put(key, &guesses))
    }
}
