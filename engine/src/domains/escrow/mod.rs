//! Escrow: halves of root keys that are kept for a while, and the secrets that root keys wrap.
//!
//! A client splits its root key in two, keeps one half, and files the other here under the hash of its own. Whoever has
//! a live session of the account and the first half gets the second without the password, until it expires. Either
//! half alone is noise, and the engine cannot tell whether a hash belongs to a share: it has one of the two only.
//!
//! Believe this: **a change of what the password protects drops all shares in the same commit**, so no browser that
//! was left behind opens what came after. Another password also ends every other session of the account.
//!
//! Every command takes a session with an assurance ([`crate::domains::sessions::assured`]) that was given for the
//! password at least, and for an account. Source: dialects/misakey.md, sections 5, 7 and 9.

mod asym_keys;
mod box_shares;
mod misses;
mod password;
mod rows;
mod setup;
mod shares;
mod storage;
#[cfg(test)]
mod tests;

pub use asym_keys::{DeleteAsymKeys, PutAsymKey};
pub use box_shares::{DeleteBoxShares, PutBoxShare};
pub(crate) use misses::StoredMisses;
pub use password::{ChangeEscrowPassword, PasswordParams, Prehash, ShowPasswordParams};
pub(crate) use rows::StoredShare;
pub use rows::{AsymKey, BoxShare, IdentityKeys, WrappedRoot};
pub use setup::{NewBoxShare, SetUpSecretStorage};
pub use shares::{DepositShare, DropShare, DropShares, FetchShare, HeldShare, ShareBytes, ShareKind};
pub use storage::{GetSecretStorage, SecretStorage};

use crate::{
    command::{Decision, Domain, Reads, View},
    credential::Principal,
    domains::sessions::assured::PASSWORD_LEVEL,
    error::EngineError,
    feed::Event,
    keyspace,
};
use strongroom_primitives::id::AccountId;

/// The domain of escrow.
#[derive(Debug)]
pub struct Escrow;

impl Domain for Escrow {
    const NAME: &'static str = "escrow";
}

/// A hash of a key or of a share, in bytes: SHA-512 as a rule. Source: dialects/misakey.md, section 2.
const HASH_BYTES_MAX: usize = 64;

/// A public key, in bytes of its text: an RSA key of 4,096 bits has some 760 characters and a prefix.
const PUBLIC_KEY_BYTES_MAX: usize = 2_048;

/// The account that the caller has signed in to with its password at least.
///
/// # Errors
/// [`EngineError::AssuranceTooLow`], [`EngineError::NoEscrowAccount`], in this order.
fn account_of(who: &Principal) -> Result<AccountId, EngineError> {
    let assurance = who.assurance.as_deref().ok_or(EngineError::CredentialInvalid)?;
    assurance.reaches(PASSWORD_LEVEL)?;
    assurance.account.as_ref().map(|_| who.account).ok_or(EngineError::NoEscrowAccount)
}

/// # Errors
/// [`EngineError::FieldSize`].
fn check_size(field: &'static str, bytes: usize, max: usize) -> Result<(), EngineError> {
    if (1..=max).contains(&bytes) { Ok(()) } else { Err(EngineError::FieldSize { field, bytes, max }) }
}

/// The most shares of one kind that an account can have, whatever the limits say.
pub(crate) const SHARES_MAX: usize = 1_000;

/// The most wrapped secrets that an account can have, whatever the limits say.
const SECRETS_MAX: usize = 4_000;

/// What [`drop_all`] looks at.
pub(crate) fn drop_reads(account: AccountId) -> Reads {
    ShareKind::ALL.into_iter().fold(Reads::none(), |reads, kind| reads.and(shares::reads_of(account, kind)))
}

/// Drops every share of the account, of both kinds, in a decision that goes on. Also where everybody is signed out.
pub(crate) fn drop_all<R>(
    decision: Decision<R>,
    view: &View<'_>,
    account: AccountId,
) -> Result<Decision<R>, EngineError> {
    let mut dropped = decision;
    let mut count = 0;
    for kind in ShareKind::ALL {
        let (keys, _) = view.keys(&keyspace::escrow_shares(account, kind.letter()))?;
        count += keys.len() as u64;
        dropped = keys.into_iter().fold(dropped, Decision::delete);
    }
    Ok(if count == 0 { dropped } else { dropped.tell(account, Event::EscrowSharesDropped { count }) })
}
