//! Where shares hang. Who has a right on a share above may do the same below, so it takes the right to grant to hang
//! one somewhere.

use serde::Serialize;
use strongroom_primitives::id::{LinkId, ShareId};

use crate::{
    command::{Command, Decision, Kind, Moment, Reads, Step, View},
    credential::{Access, Need, Principal},
    domains::pause::{self, Pause, join, row, settled},
    domains::sharing::{
        Child, Parent, Sharing, rights,
        tree::{self, StoredLink, StoredNode},
    },
    error::EngineError,
    keyspace::{self, Keyspace},
};

/// The link of a share.
fn of_share(view: &View<'_>, link: LinkId) -> Result<(ShareId, StoredLink, StoredNode), Pause> {
    let (stored, node) = tree::hanging(view, link)?;
    match stored.child {
        Child::Share(share) => Ok((share, stored, node)),
        Child::Secret(_) => Err(EngineError::UnknownLink.into()),
    }
}

/// Refuses a place that a share cannot have, or that the caller cannot give it.
fn check_place(
    view: &View<'_>,
    who: &Principal,
    moment: &mut Moment<'_>,
    share: ShareId,
    parent: Parent,
) -> Result<(), Pause> {
    let (rights, misplaced) = join(
        rights::on_parent(view, who.account, moment, parent),
        tree::refusal_of_place(view, share, parent),
    )?;
    rights::check_writable(rights, parent)?;
    Ok(misplaced.map_or(Ok(()), Err)?)
}

fn first_reads(who: &Principal, link: LinkId) -> Reads {
    Reads::one(keyspace::link(link)).row(keyspace::datastores(who.account))
}

/// Hangs a share up in one more place.
#[derive(Debug, Clone, Serialize)]
pub struct PlaceShareLink {
    /// The new link; drawn by the client, and no other link's.
    pub link: LinkId,
    /// Which share; the caller may grant it.
    pub share: ShareId,
    /// What it hangs below: a datastore of the caller's, or a share that they may write.
    pub parent: Parent,
}

impl PlaceShareLink {
    fn rule(&self, view: &View<'_>, who: &Principal, moment: &mut Moment<'_>) -> Result<Decision<()>, Pause> {
        let rights = rights::on_shares(view, who.account, moment, [self.share]);
        let (rights, place) = join(rights, settled(check_place(view, who, moment, self.share, self.parent)))?;
        if !rights.grant {
            return Err(EngineError::UnknownShare.into());
        }
        place?;
        tree::check_free(view, self.link)?;
        let child = Child::Share(self.share);
        let node: Option<StoredNode> = row(view, keyspace::node(child))?;
        let mut node = node.ok_or(EngineError::UnknownShare)?;
        let hung = StoredLink { child, parent: self.parent, by: who.account };
        Ok(tree::hang(Decision::reply(()), &mut node, self.link, &hung, moment.now)?)
    }
}

impl Command for PlaceShareLink {
    type Domain = Sharing;
    type Reply = ();
    const NAME: &'static str = "place_share_link";
    const KIND: Kind = Kind::Write;

    fn needs(&self) -> Need {
        Need::Keyed(Access::Write)
    }

    fn reads(&self, who: &Principal, _: &Keyspace) -> Reads {
        first_reads(who, self.link)
            .row(keyspace::share_right(who.account, self.share))
            .row(keyspace::node(Child::Share(self.share)))
    }

    fn decide(
        &self,
        view: &View<'_>,
        who: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<()>, EngineError> {
        pause::step(self.rule(view, who, moment))
    }
}

/// Moves a link of a share. It takes the right to grant it, and to write where it was and where it goes.
#[derive(Debug, Clone, Serialize)]
pub struct MoveShareLink {
    /// Which link.
    pub link: LinkId,
    /// Where it goes.
    pub parent: Parent,
}

impl MoveShareLink {
    fn rule(&self, view: &View<'_>, who: &Principal, moment: &mut Moment<'_>) -> Result<Decision<()>, Pause> {
        let (share, stored, mut node) = of_share(view, self.link)?;
        let before = join(
            rights::on_parent(view, who.account, moment, stored.parent),
            rights::on_shares(view, who.account, moment, [share]),
        );
        let ((before, rights), place) =
            join(before, settled(check_place(view, who, moment, share, self.parent)))?;
        if !(before.write && rights.grant) {
            return Err(EngineError::UnknownLink.into());
        }
        place?;
        let decision = tree::take_down(Decision::reply(()), &mut node, self.link, &stored, moment.now);
        let moved = StoredLink { parent: self.parent, by: who.account, ..stored };
        Ok(tree::hang(decision, &mut node, self.link, &moved, moment.now)?)
    }
}

impl Command for MoveShareLink {
    type Domain = Sharing;
    type Reply = ();
    const NAME: &'static str = "move_share_link";
    const KIND: Kind = Kind::Write;

    fn needs(&self) -> Need {
        Need::Keyed(Access::Write)
    }

    fn reads(&self, who: &Principal, _: &Keyspace) -> Reads {
        first_reads(who, self.link)
    }

    fn decide(
        &self,
        view: &View<'_>,
        who: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<()>, EngineError> {
        pause::step(self.rule(view, who, moment))
    }
}

/// Takes a share down from where a link has it. Whoever has a right of their own on it keeps that.
#[derive(Debug, Clone, Serialize)]
pub struct DeleteShareLink {
    /// Which link.
    pub link: LinkId,
}

impl DeleteShareLink {
    fn rule(&self, view: &View<'_>, who: &Principal, moment: &mut Moment<'_>) -> Result<Decision<()>, Pause> {
        let (_, stored, mut node) = of_share(view, self.link)?;
        if !rights::on_parent(view, who.account, moment, stored.parent)?.write {
            return Err(EngineError::UnknownLink.into());
        }
        Ok(tree::take_down(Decision::reply(()), &mut node, self.link, &stored, moment.now))
    }
}

impl Command for DeleteShareLink {
    type Domain = Sharing;
    type Reply = ();
    const NAME: &'static str = "delete_share_link";
    const KIND: Kind = Kind::Write;

    fn needs(&self) -> Need {
        Need::Keyed(Access::Write)
    }

    fn reads(&self, who: &Principal, _: &Keyspace) -> Reads {
        first_reads(who, self.link)
    }

    fn decide(
        &self,
        view: &View<'_>,
        who: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<()>, EngineError> {
        pause::step(self.rule(view, who, moment))
    }
}
