//! The tree: where secrets and shares hang. A thing may hang in several places; no share hangs below itself.
//!
//! Each secret and each share has one row with all its links, which is what walks up the tree read and are guarded by.
//! A link also has a row under its own id, which makes the id unique, and one below its parent, for listings.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use strongroom_primitives::{
    id::{AccountId, LinkId, ShareId},
    time::Timestamp,
};

use super::{Child, Parent};
use crate::{
    codec::Stored,
    command::{Decision, View},
    domains::pause::{Pause, row, seen},
    error::EngineError,
    keyspace,
};

/// Places in which one secret or one share hangs.
pub const LINKS_MAX: usize = 32;

/// How deep shares hang, and how far rights reach down, the share that they are on included. A link that would put a
/// share deeper is refused. What hangs below a share that is moved may come to lie deeper; rights from more than so
/// many levels above then do not reach it.
pub const SHARE_DEPTH_MAX: usize = 16;

/// Shares above one that a walk looks at. Only who hangs shares in many places at once meets this limit.
pub(super) const SHARES_ABOVE_MAX: usize = 256;

/// Where a secret or a share hangs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredNode {
    links: Vec<(LinkId, Parent)>,
    /// When the links changed last.
    pub(crate) since: Timestamp,
}

impl Stored for StoredNode {}

impl StoredNode {
    /// Whether it hangs nowhere.
    pub(crate) fn is_loose(&self) -> bool {
        self.links.is_empty()
    }

    pub(super) fn parents(&self) -> impl Iterator<Item = Parent> {
        self.links.iter().map(|(_, parent)| *parent)
    }

    pub(super) fn shares_above(&self) -> impl Iterator<Item = ShareId> {
        self.parents().filter_map(|parent| match parent {
            Parent::Share(share) => Some(share),
            Parent::Datastore(_) => None,
        })
    }
}

/// A link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredLink {
    pub(super) child: Child,
    pub(super) parent: Parent,
    /// Who placed it there: whose datastore it is, if the parent is one.
    pub(super) by: AccountId,
}

impl Stored for StoredLink {}

/// What hangs at a link, as its parent sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredChild {
    pub(crate) link: LinkId,
    pub(crate) child: Child,
    /// As in the link.
    pub(crate) by: AccountId,
}

impl Stored for StoredChild {}

/// Refuses the id of a link that there is. The row has been asked for.
pub(super) fn check_free(view: &View<'_>, link: LinkId) -> Result<(), Pause> {
    match row::<StoredLink>(view, keyspace::link(link))? {
        Some(_) => Err(EngineError::LinkTaken.into()),
        None => Ok(()),
    }
}

/// A link and the row of what hangs there.
pub(super) fn hanging(view: &View<'_>, link: LinkId) -> Result<(StoredLink, StoredNode), Pause> {
    let stored: StoredLink = row(view, keyspace::link(link))?.ok_or(EngineError::UnknownLink)?;
    let node = row(view, keyspace::node(stored.child))?.ok_or(EngineError::Corrupt)?;
    Ok((stored, node))
}

/// Hangs something up.
///
/// # Errors
/// [`EngineError::TooManyLinks`].
pub(super) fn hang<R>(
    decision: Decision<R>,
    node: &mut StoredNode,
    id: LinkId,
    link: &StoredLink,
    now: Timestamp,
) -> Result<Decision<R>, EngineError> {
    if node.links.len() >= LINKS_MAX {
        return Err(EngineError::TooManyLinks { max: LINKS_MAX });
    }
    node.links.push((id, link.parent));
    node.since = now;
    let StoredLink { child, parent, by } = *link;
    Ok(decision
        .put(keyspace::link(id), link)
        .put(keyspace::child(parent, child, id), &StoredChild { link: id, child, by })
        .put(keyspace::node(child), node))
}

/// Takes it down there.
pub(super) fn take_down<R>(
    decision: Decision<R>,
    node: &mut StoredNode,
    id: LinkId,
    link: &StoredLink,
    now: Timestamp,
) -> Decision<R> {
    node.links.retain(|(one, _)| *one != id);
    node.since = now;
    decision
        .delete(keyspace::link(id))
        .delete(keyspace::child(link.parent, link.child, id))
        .put(keyspace::node(link.child), node)
}

/// Why a share cannot hang in a place, if it cannot: the place is below the share itself, or too deep. Every row on
/// the way up is guarded: of two links that would make a circle together, one loses its race.
///
/// The refusal is for those who may hang the share there; nobody else is to learn from it what hangs where.
pub(super) fn refusal_of_place(
    view: &View<'_>,
    share: ShareId,
    parent: Parent,
) -> Result<Option<EngineError>, Pause> {
    let Parent::Share(above) = parent else { return Ok(None) };
    let (mut level, mut met) = (BTreeSet::from([above]), BTreeSet::new());
    for _ in 1..SHARE_DEPTH_MAX {
        if level.contains(&share) {
            return Ok(Some(EngineError::ShareCycle));
        }
        met.extend(level.iter().copied());
        if level.is_empty() || met.len() > SHARES_ABOVE_MAX {
            break;
        }
        level = level_above(view, &level)?;
    }
    // A share that was met before may come again higher up: depth is the length of the longest way.
    let fits = level.is_empty() && met.len() <= SHARES_ABOVE_MAX;
    Ok((!fits).then_some(EngineError::ShareTooDeep { max: SHARE_DEPTH_MAX }))
}

/// The shares right above those of a level.
fn level_above(view: &View<'_>, level: &BTreeSet<ShareId>) -> Result<BTreeSet<ShareId>, Pause> {
    let nodes = level.iter().map(|share| keyspace::node(Child::Share(*share)));
    seen(view, nodes.clone())?;
    let mut above = BTreeSet::new();
    for key in nodes {
        above.extend(view.row::<StoredNode>(&key)?.iter().flat_map(StoredNode::shares_above));
    }
    Ok(above)
}
