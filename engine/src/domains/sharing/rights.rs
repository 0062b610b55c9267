//! Who may do what. A right of one's own on a share, accepted and not expired, says it all; only who has none has those
//! of the nearest shares above, on every way up for itself. Source: dialects/psono.md, section 7.3.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use strongroom_primitives::{
    id::{AccountId, SecretId, ShareId, ShareRightId},
    time::Timestamp,
};
use strongroom_storage::Key;

use super::{
    Child, Parent,
    rows::StoredDatastores,
    tree::{SHARE_DEPTH_MAX, SHARES_ABOVE_MAX, StoredNode},
};
use crate::{
    boxed::Boxed,
    codec::Stored,
    command::{Moment, View},
    domains::pause::{Pause, row, seen},
    error::EngineError,
    keyspace,
};

/// What somebody may do with a share and with what hangs below it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ShareRights {
    /// Read it and its secrets.
    pub read: bool,
    /// Change it, its secrets and what hangs there.
    pub write: bool,
    /// Say who else may.
    pub grant: bool,
}

impl ShareRights {
    /// Nothing.
    pub const NONE: Self = Self { read: false, write: false, grant: false };
    /// Everything.
    pub const ALL: Self = Self { read: true, write: true, grant: true };

    /// What either gives.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        Self {
            read: self.read || other.read,
            write: self.write || other.write,
            grant: self.grant || other.grant,
        }
    }
}

/// How a share's key is sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum KeyKind {
    /// With the taker's own secret key.
    Symmetric,
    /// By the giver, for the taker's public key.
    Asymmetric,
}

/// One account's right on one share, from the offer on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredShareRight {
    pub(crate) id: ShareRightId,
    pub(super) giver: AccountId,
    pub(super) key: Boxed,
    pub(super) key_kind: KeyKind,
    pub(super) title: Option<Boxed>,
    pub(super) kind: Option<Boxed>,
    pub(super) rights: ShareRights,
    /// `None` until the taker answers.
    pub(super) accepted: Option<bool>,
    pub(super) created: Timestamp,
    pub(super) written: Timestamp,
    /// The last instant at which it counts.
    pub(super) expires: Option<Timestamp>,
}

impl Stored for StoredShareRight {}

impl StoredShareRight {
    /// Whether it counts for nothing any more.
    pub(crate) fn has_expired(&self, now: Timestamp) -> bool {
        self.expires.is_some_and(|expires| expires < now)
    }

    fn counts(&self, now: Timestamp) -> bool {
        self.accepted == Some(true) && !self.has_expired(now)
    }
}

/// What an account may do with these shares taken together.
///
/// `moment` is told until when that holds.
pub(super) fn on_shares(
    view: &View<'_>,
    account: AccountId,
    moment: &mut Moment<'_>,
    shares: impl IntoIterator<Item = ShareId>,
) -> Result<ShareRights, Pause> {
    let mut rights = ShareRights::NONE;
    let mut level: BTreeSet<ShareId> = shares.into_iter().collect();
    let mut met = level.clone();
    for _ in 0..SHARE_DEPTH_MAX {
        if level.is_empty() || met.len() > SHARES_ABOVE_MAX {
            break;
        }
        seen(view, level.iter().flat_map(|share| keys_of_level(account, *share)))?;
        let mut above = BTreeSet::new();
        for share in level {
            let [right, node] = keys_of_level(account, share);
            let own: Option<StoredShareRight> = view.row(&right)?;
            match own.filter(|own| own.counts(moment.now)) {
                Some(own) => {
                    own.expires.iter().for_each(|expires| moment.relies_on(*expires));
                    rights = rights.or(own.rights);
                }
                None => {
                    above.extend(view.row::<StoredNode>(&node)?.iter().flat_map(StoredNode::shares_above))
                }
            }
        }
        // What was met on another way has been counted, or its parents have.
        level = above.into_iter().filter(|share| met.insert(*share)).collect();
    }
    Ok(rights)
}

fn keys_of_level(account: AccountId, share: ShareId) -> [Key; 2] {
    [keyspace::share_right(account, share), keyspace::node(Child::Share(share))]
}

/// What an account may do with a secret: everything if it hangs in a datastore of theirs, else what they may do with
/// the shares that it hangs in.
pub(super) fn on_secret(
    view: &View<'_>,
    account: AccountId,
    moment: &mut Moment<'_>,
    secret: SecretId,
) -> Result<ShareRights, Pause> {
    let (node, datastores) = (keyspace::node(Child::Secret(secret)), keyspace::datastores(account));
    seen(view, [node.clone(), datastores.clone()])?;
    let Some(node) = view.row::<StoredNode>(&node)? else { return Ok(ShareRights::NONE) };
    let datastores: StoredDatastores = view.row(&datastores)?.unwrap_or_default();
    let is_own = |parent| matches!(parent, Parent::Datastore(datastore) if datastores.has(datastore));
    if node.parents().any(is_own) {
        return Ok(ShareRights::ALL);
    }
    on_shares(view, account, moment, node.shares_above())
}

/// What an account may do with that which things hang below.
pub(super) fn on_parent(
    view: &View<'_>,
    account: AccountId,
    moment: &mut Moment<'_>,
    parent: Parent,
) -> Result<ShareRights, Pause> {
    match parent {
        Parent::Share(share) => on_shares(view, account, moment, [share]),
        Parent::Datastore(datastore) => {
            let datastores: Option<StoredDatastores> = row(view, keyspace::datastores(account))?;
            let is_own = datastores.is_some_and(|datastores| datastores.has(datastore));
            Ok(if is_own { ShareRights::ALL } else { ShareRights::NONE })
        }
    }
}

/// Refuses to hang anything below a parent by these rights on it.
pub(super) fn check_writable(rights: ShareRights, parent: Parent) -> Result<(), EngineError> {
    if rights.write { Ok(()) } else { Err(unknown_parent(parent)) }
}

/// What is said of a parent that the caller may not do this with (THREATS A-KEY-02).
pub(super) fn unknown_parent(parent: Parent) -> EngineError {
    match parent {
        Parent::Datastore(_) => EngineError::UnknownDatastore,
        Parent::Share(_) => EngineError::UnknownShare,
    }
}
