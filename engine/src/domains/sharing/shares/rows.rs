//! How shares lie in storage, and how rights on them go.

use serde::{Deserialize, Serialize};
use strongroom_primitives::{
    id::{AccountId, ShareId, ShareRightId},
    time::Timestamp,
};
use strongroom_storage::Key;

use crate::{
    boxed::Boxed,
    codec::Stored,
    command::{Decision, Reads, View},
    domains::{
        pause::{Pause, row, seen},
        sharing::{Child, holdings, rights::StoredShareRight, tree::StoredNode},
    },
    error::EngineError,
    keyspace,
};

/// What is said of a share without what it holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredShare {
    /// Who created it, and counts it among what they hold.
    pub(super) by: AccountId,
    pub(in crate::domains::sharing) written: Timestamp,
}

impl Stored for StoredShare {}

/// What a share holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct StoredShareContent {
    pub(super) data: Boxed,
}

impl Stored for StoredShareContent {}

/// That an account has a right on a share, or an offer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct StoredMember {
    pub(super) account: AccountId,
}

impl Stored for StoredMember {}

/// Whose a right is, and on what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredRightPlace {
    pub(super) account: AccountId,
    pub(super) share: ShareId,
}

impl Stored for StoredRightPlace {}

/// Writes a new right with the rows that go with it.
pub(super) fn give<R>(
    decision: Decision<R>,
    share: ShareId,
    account: AccountId,
    right: &StoredShareRight,
) -> Decision<R> {
    decision
        .put(keyspace::share_right(account, share), right)
        .put(keyspace::share_right_place(right.id), &StoredRightPlace { account, share })
        .put(keyspace::share_member(share, account), &StoredMember { account })
}

/// The rows that go with the right of an account on a share.
pub(crate) fn place_and_member(right: ShareRightId, share: ShareId, account: AccountId) -> [Key; 2] {
    [keyspace::share_right_place(right), keyspace::share_member(share, account)]
}

/// Removes a right with the rows that go with it.
pub(super) fn take<R>(
    decision: Decision<R>,
    share: ShareId,
    account: AccountId,
    right: ShareRightId,
) -> Decision<R> {
    place_and_member(right, share, account)
        .into_iter()
        .fold(decision.delete(keyspace::share_right(account, share)), Decision::delete)
}

/// A right by its id, whatever has become of it.
///
/// # Errors
/// [`EngineError::UnknownShareRight`].
pub(super) fn find(view: &View<'_>, id: ShareRightId) -> Result<(StoredRightPlace, StoredShareRight), Pause> {
    let unknown = EngineError::UnknownShareRight;
    let place: StoredRightPlace = row(view, keyspace::share_right_place(id))?.ok_or(unknown.clone())?;
    let right: Option<StoredShareRight> = row(view, keyspace::share_right(place.account, place.share))?;
    Ok((place, right.filter(|right| right.id == id).ok_or(unknown)?))
}

/// Removes a right that has expired.
pub(crate) fn drop_right(
    view: &View<'_>,
    account: AccountId,
    share: ShareId,
    now: Timestamp,
) -> Result<Decision<()>, Pause> {
    let right: Option<StoredShareRight> = row(view, keyspace::share_right(account, share))?;
    let decision = Decision::reply(());
    Ok(match right.filter(|right| right.has_expired(now)) {
        Some(right) => take(decision, share, account, right.id),
        None => decision,
    })
}

/// Removes a share that hangs nowhere and on which nobody has a right.
pub(crate) fn drop_share(view: &View<'_>, share: ShareId) -> Result<Decision<()>, Pause> {
    let (node, members) = (keyspace::node(Child::Share(share)), keyspace::share_members(share));
    // Whoever gives a right on a share is guarded by its row, which this decision removes.
    seen(view, [node.clone(), keyspace::share(share)])?;
    if !view.has_range(&members) {
        return Err(Pause::Need(Reads::none().range_hint(members, None, 1)));
    }
    let loose = view.row::<StoredNode>(&node)?.is_some_and(|node| node.is_loose());
    let decision = Decision::reply(());
    if !loose || !view.keys(&members)?.0.is_empty() {
        return Ok(decision);
    }
    let rows = [node, keyspace::share(share), keyspace::share_content(share)];
    let decision = rows.into_iter().fold(decision, Decision::delete);
    match view.row::<StoredShare>(&keyspace::share(share))? {
        Some(stored) => holdings::discount(decision, view, stored.by, Child::Share(share)),
        None => Ok(decision),
    }
}
