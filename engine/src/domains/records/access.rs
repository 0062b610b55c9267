//! Who may read a record: its owner, and the recipients that the owner named. For everybody else it does not exist.

use strongroom_primitives::id::{AccountId, Subject};

use super::{
    RecordForm, RecordName,
    rows::{StoredHead, StoredRecipients},
};
use crate::{
    command::{Reads, View},
    credential::Principal,
    error::EngineError,
    keyspace::{self, Keyspace},
};

/// The account of `owner` in the caller's realm; the caller's own without an owner.
pub(crate) fn owner_account(owner: Option<&Subject>, who: &Principal, space: &Keyspace) -> AccountId {
    match (owner, &who.identity) {
        (Some(owner), Some(identity)) if *owner != identity.subject => {
            space.account_of(&identity.realm, owner)
        }
        _ => who.account,
    }
}

/// The rows that say whether somebody may read a record.
pub(crate) fn reads_of_access(owner: AccountId, name: &RecordName, space: &Keyspace) -> Reads {
    let reads = Reads::one(space.head(owner, name));
    match name.form() {
        RecordForm::Single => reads,
        RecordForm::Named => reads.row(keyspace::recipients(owner, space.record(name))),
    }
}

/// Refuses a caller who may not read the record, in the words for a record that does not exist.
pub(crate) fn check_access(
    view: &View<'_>,
    owner: AccountId,
    name: &RecordName,
    who: &Principal,
    space: &Keyspace,
) -> Result<(), EngineError> {
    readable(view, owner, name, who, space).map(drop)
}

/// The head and the recipients of a record that the caller may read.
///
/// # Errors
/// [`EngineError::UnknownRecord`] if there is none or the caller may not read it.
pub(super) fn readable(
    view: &View<'_>,
    owner: AccountId,
    name: &RecordName,
    who: &Principal,
    space: &Keyspace,
) -> Result<(StoredHead, Vec<Subject>), EngineError> {
    let head: Option<StoredHead> = view.row(&space.head(owner, name))?;
    let recipients = recipients(view, owner, name, space)?;
    let mine = owner == who.account;
    // The identity may be unknown only for callers without an account, who are nobody's recipients.
    let named = who.identity.as_ref().is_some_and(|identity| recipients.contains(&identity.subject));
    match head {
        Some(head) if head.is_live() && (mine || named) => Ok((head, recipients)),
        _ => Err(EngineError::UnknownRecord),
    }
}

/// The recipients of a record.
pub(super) fn recipients(
    view: &View<'_>,
    owner: AccountId,
    name: &RecordName,
    space: &Keyspace,
) -> Result<Vec<Subject>, EngineError> {
    match name.form() {
        RecordForm::Single => Ok(Vec::new()),
        RecordForm::Named => {
            let stored: Option<StoredRecipients> =
                view.row(&keyspace::recipients(owner, space.record(name)))?;
            Ok(stored.unwrap_or_default().recipients)
        }
    }
}
