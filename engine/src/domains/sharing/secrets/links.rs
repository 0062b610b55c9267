//! Moving secrets about, and taking them down.

use serde::Serialize;
use strongroom_primitives::id::LinkId;

use crate::{
    command::{Command, Decision, Kind, Moment, Reads, Step, View},
    credential::{Access, Need, Principal},
    domains::pause::{self, Pause, join},
    domains::sharing::{
        Child, Parent, Sharing, rights,
        tree::{self, StoredLink, StoredNode},
    },
    error::EngineError,
    keyspace::{self, Keyspace},
};

/// The link of a secret.
fn of_secret(view: &View<'_>, link: LinkId) -> Result<(StoredLink, StoredNode), Pause> {
    let (stored, node) = tree::hanging(view, link)?;
    match stored.child {
        Child::Secret(_) => Ok((stored, node)),
        Child::Share(_) => Err(EngineError::UnknownLink.into()),
    }
}

/// Moves a link of a secret. Whoever may read below the new parent may read the secret from then on, so it takes the
/// right to read and to write where it was, and to write where it goes.
#[derive(Debug, Clone, Serialize)]
pub struct MoveSecretLink {
    /// Which link.
    pub link: LinkId,
    /// Where it goes.
    pub parent: Parent,
}

impl MoveSecretLink {
    fn rule(&self, view: &View<'_>, who: &Principal, moment: &mut Moment<'_>) -> Result<Decision<()>, Pause> {
        let (stored, mut node) = of_secret(view, self.link)?;
        let (before, after) = join(
            rights::on_parent(view, who.account, moment, stored.parent),
            rights::on_parent(view, who.account, moment, self.parent),
        )?;
        if !(before.read && before.write) {
            return Err(EngineError::UnknownLink.into());
        }
        rights::check_writable(after, self.parent)?;
        let decision = tree::take_down(Decision::reply(()), &mut node, self.link, &stored, moment.now);
        let moved = StoredLink { parent: self.parent, by: who.account, ..stored };
        Ok(tree::hang(decision, &mut node, self.link, &moved, moment.now)?)
    }
}

impl Command for MoveSecretLink {
    type Domain = Sharing;
    type Reply = ();
    const NAME: &'static str = "move_secret_link";
    const KIND: Kind = Kind::Write;

    fn needs(&self) -> Need {
        Need::Keyed(Access::Write)
    }

    fn reads(&self, who: &Principal, _: &Keyspace) -> Reads {
        Reads::one(keyspace::link(self.link)).row(keyspace::datastores(who.account))
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

/// Takes a secret down from where a link has it. One that hangs nowhere can be read by nobody, and goes after a day.
#[derive(Debug, Clone, Serialize)]
pub struct DeleteSecretLink {
    /// Which link.
    pub link: LinkId,
}

impl DeleteSecretLink {
    fn rule(&self, view: &View<'_>, who: &Principal, moment: &mut Moment<'_>) -> Result<Decision<()>, Pause> {
        let (stored, mut node) = of_secret(view, self.link)?;
        if !rights::on_parent(view, who.account, moment, stored.parent)?.write {
            return Err(EngineError::UnknownLink.into());
        }
        Ok(tree::take_down(Decision::reply(()), &mut node, self.link, &stored, moment.now))
    }
}

impl Command for DeleteSecretLink {
    type Domain = Sharing;
    type Reply = ();
    const NAME: &'static str = "delete_secret_link";
    const KIND: Kind = Kind::Write;

    fn needs(&self) -> Need {
        Need::Keyed(Access::Write)
    }

    fn reads(&self, who: &Principal, _: &Keyspace) -> Reads {
        Reads::one(keyspace::link(self.link)).row(keyspace::datastores(who.account))
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
