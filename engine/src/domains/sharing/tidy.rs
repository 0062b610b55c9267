//! What the sweeper tidies up: links whose parent is gone, rights that have expired, and what nobody can reach.

use serde::Serialize;
use strongroom_primitives::id::{AccountId, LinkId, ShareId};

use super::{
    Child, Parent, Sharing,
    rows::StoredDatastores,
    secrets,
    shares::{self, StoredShare},
    tree::{self, StoredLink, StoredNode},
};
use crate::{
    command::{Command, Decision, Kind, Lane, Moment, Reads, Step, View},
    credential::{Need, Principal},
    domains::pause::{self, Pause, row},
    error::EngineError,
    keyspace::{self, Keyspace},
};

/// Takes something down from a parent that is no longer there.
#[derive(Debug, Clone, Serialize)]
pub struct DropLink {
    /// Which link.
    pub link: LinkId,
}

impl DropLink {
    fn rule(&self, view: &View<'_>, moment: &Moment<'_>) -> Result<Decision<()>, Pause> {
        let stored: Option<StoredLink> = row(view, keyspace::link(self.link))?;
        let Some(stored) = stored else { return Ok(Decision::reply(())) };
        let stands = match stored.parent {
            Parent::Share(share) => row::<StoredShare>(view, keyspace::share(share))?.is_some(),
            Parent::Datastore(datastore) => {
                let datastores: Option<StoredDatastores> = row(view, keyspace::datastores(stored.by))?;
                datastores.is_some_and(|datastores| datastores.has(datastore))
            }
        };
        if stands {
            return Ok(Decision::reply(()));
        }
        let (stored, mut node) = tree::hanging(view, self.link)?;
        Ok(tree::take_down(Decision::reply(()), &mut node, self.link, &stored, moment.now))
    }
}

impl Command for DropLink {
    type Domain = Sharing;
    type Reply = ();
    const NAME: &'static str = "drop_link";
    const KIND: Kind = Kind::Write;

    fn needs(&self) -> Need {
        Need::Node
    }

    fn lane(&self, _: &Principal, _: &Keyspace) -> Lane {
        Lane(*self.link.as_bytes())
    }

    fn reads(&self, _: &Principal, _: &Keyspace) -> Reads {
        Reads::one(keyspace::link(self.link))
    }

    fn decide(
        &self,
        view: &View<'_>,
        _: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<()>, EngineError> {
        pause::step(self.rule(view, moment))
    }
}

/// Removes a secret that has hung nowhere for as long as such are kept, or a share on which, besides, nobody has a
/// right.
#[derive(Debug, Clone, Serialize)]
pub struct DropLoose {
    /// Which.
    pub child: Child,
}

impl DropLoose {
    fn rule(&self, view: &View<'_>, moment: &Moment<'_>) -> Result<Decision<()>, Pause> {
        let node: Option<StoredNode> = row(view, keyspace::node(self.child))?;
        let kept_for = moment.limits.unlinked_retention;
        if node.is_none_or(|node| node.since.saturating_add(kept_for) >= moment.now) {
            return Ok(Decision::reply(()));
        }
        match self.child {
            Child::Secret(secret) => secrets::drop_secret(view, secret),
            Child::Share(share) => shares::drop_share(view, share),
        }
    }
}

impl Command for DropLoose {
    type Domain = Sharing;
    type Reply = ();
    const NAME: &'static str = "drop_loose";
    const KIND: Kind = Kind::Write;

    fn needs(&self) -> Need {
        Need::Node
    }

    fn lane(&self, _: &Principal, _: &Keyspace) -> Lane {
        Lane(match self.child {
            Child::Secret(secret) => *secret.as_bytes(),
            Child::Share(share) => *share.as_bytes(),
        })
    }

    fn reads(&self, _: &Principal, _: &Keyspace) -> Reads {
        Reads::one(keyspace::node(self.child))
    }

    fn decide(
        &self,
        view: &View<'_>,
        _: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<()>, EngineError> {
        pause::step(self.rule(view, moment))
    }
}

/// Removes a right that has expired.
#[derive(Debug, Clone, Serialize)]
pub struct DropShareRight {
    /// Whose.
    pub account: AccountId,
    /// On which share.
    pub share: ShareId,
}

impl Command for DropShareRight {
    type Domain = Sharing;
    type Reply = ();
    const NAME: &'static str = "drop_share_right";
    const KIND: Kind = Kind::Write;

    fn needs(&self) -> Need {
        Need::Node
    }

    fn lane(&self, _: &Principal, _: &Keyspace) -> Lane {
        Lane::of_account(self.account)
    }

    fn reads(&self, _: &Principal, _: &Keyspace) -> Reads {
        Reads::one(keyspace::share_right(self.account, self.share))
    }

    fn decide(
        &self,
        view: &View<'_>,
        _: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<()>, EngineError> {
        pause::step(shares::drop_right(view, self.account, self.share, moment.now))
    }
}
