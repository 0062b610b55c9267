//! Creating shares.

use serde::Serialize;
use strongroom_primitives::id::{LinkId, ShareId, ShareRightId};

use super::rows::{StoredShare, StoredShareContent, give};
use crate::{
    boxed::Boxed,
    command::{Command, Decision, Kind, Moment, Reads, Step, View},
    credential::{Access, Need, Principal},
    domains::pause::{self, Pause, join},
    domains::sharing::{
        Child, Parent, Sharing, check_data, check_key, holdings,
        rights::{self, KeyKind, ShareRights, StoredShareRight},
        tree::{self, StoredLink, StoredNode},
    },
    error::EngineError,
    keyspace::{self, Keyspace},
};

/// Creates a share. The caller may do everything with it.
#[derive(Debug, Clone, Serialize)]
pub struct CreateShare {
    /// What it holds, sealed with its key.
    pub data: Boxed,
    /// Its key, sealed with the caller's secret key; at most 256 bytes.
    pub key: Boxed,
    /// The link at which it hangs; drawn by the client, and no other link's.
    pub link: LinkId,
    /// What it hangs below: a datastore of the caller's, or a share that they may write.
    pub parent: Parent,
}

impl CreateShare {
    fn rule(
        &self,
        view: &View<'_>,
        who: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Decision<ShareId>, Pause> {
        check_data(&self.data, moment.limits)?;
        check_key("key", &self.key)?;
        let (id, now, by) = (ShareId::from_bytes(moment.entropy.array()), moment.now, who.account);
        let (rights, misplaced) = join(
            rights::on_parent(view, by, moment, self.parent),
            tree::refusal_of_place(view, id, self.parent),
        )?;
        rights::check_writable(rights, self.parent)?;
        misplaced.map_or(Ok(()), Err)?;
        tree::check_free(view, self.link)?;
        let right = StoredShareRight {
            id: ShareRightId::from_bytes(moment.entropy.array()),
            giver: by,
            key: self.key.clone(),
            key_kind: KeyKind::Symmetric,
            title: None,
            kind: None,
            rights: ShareRights::ALL,
            accepted: Some(true),
            created: now,
            written: now,
            expires: None,
        };
        let decision = Decision::reply(id)
            .put(keyspace::share(id), &StoredShare { by, written: now })
            .put(keyspace::share_content(id), &StoredShareContent { data: self.data.clone() });
        let hung = StoredLink { child: Child::Share(id), parent: self.parent, by };
        let decision = tree::hang(decision, &mut StoredNode::default(), self.link, &hung, now)?;
        let decision = holdings::count(decision, view, by, [Child::Share(id)], moment.limits)?;
        Ok(give(decision, id, by, &right))
    }
}

impl Command for CreateShare {
    type Domain = Sharing;
    type Reply = ShareId;
    const NAME: &'static str = "create_share";
    const KIND: Kind = Kind::Write;

    fn needs(&self) -> Need {
        Need::Keyed(Access::Write)
    }

    fn reads(&self, who: &Principal, _: &Keyspace) -> Reads {
        Reads::one(keyspace::datastores(who.account))
            .row(keyspace::holdings(who.account))
            .row(keyspace::link(self.link))
    }

    fn decide(
        &self,
        view: &View<'_>,
        who: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<ShareId>, EngineError> {
        pause::step(self.rule(view, who, moment))
    }
}
