//! Reading and saving shares.

use serde::{Deserialize, Serialize};
use strongroom_primitives::{
    id::{AccountId, ShareId},
    time::Timestamp,
};

use super::rows::{StoredShare, StoredShareContent};
use crate::{
    boxed::Boxed,
    command::{Command, Decision, Kind, Moment, Reads, Step, View},
    credential::{Access, Need, Principal},
    domains::pause::{self, Pause, row},
    domains::sharing::{
        Child, Sharing, Written, check_data, check_previous,
        rights::{self, ShareRights},
    },
    error::EngineError,
    keyspace::{self, Keyspace},
};

/// The rows of a share, and those that mostly say what an account may do with it.
fn reads_of(account: AccountId, share: ShareId) -> Reads {
    Reads::one(keyspace::share(share))
        .row(keyspace::share_right(account, share))
        .row(keyspace::node(Child::Share(share)))
}

/// A share.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// Which.
    pub id: ShareId,
    /// What it holds, sealed with its key.
    pub data: Boxed,
    /// Who created it.
    pub by: AccountId,
    /// What the caller may do with it.
    pub rights: ShareRights,
    /// When it was written last.
    pub written: Timestamp,
}

/// Reads a share that the caller may read.
#[derive(Debug, Clone, Serialize)]
pub struct GetShare {
    /// Which.
    pub id: ShareId,
}

impl GetShare {
    fn rule(
        &self,
        view: &View<'_>,
        who: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Decision<Share>, Pause> {
        let rights = rights::on_shares(view, who.account, moment, [self.id])?;
        if !rights.read {
            return Err(EngineError::UnknownShare.into());
        }
        let stored: Option<StoredShare> = row(view, keyspace::share(self.id))?;
        let StoredShare { by, written } = stored.ok_or(EngineError::UnknownShare)?;
        let content: Option<StoredShareContent> = row(view, keyspace::share_content(self.id))?;
        let StoredShareContent { data } = content.ok_or(EngineError::Corrupt)?;
        Ok(Decision::reply(Share { id: self.id, data, by, rights, written }))
    }
}

impl Command for GetShare {
    type Domain = Sharing;
    type Reply = Share;
    const NAME: &'static str = "get_share";
    const KIND: Kind = Kind::Read;

    fn needs(&self) -> Need {
        Need::Keyed(Access::Read)
    }

    fn reads(&self, who: &Principal, _: &Keyspace) -> Reads {
        reads_of(who.account, self.id).row(keyspace::share_content(self.id))
    }

    fn decide(
        &self,
        view: &View<'_>,
        who: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<Share>, EngineError> {
        pause::step(self.rule(view, who, moment))
    }
}

/// Saves a share that the caller may write.
#[derive(Debug, Clone, Serialize)]
pub struct SaveShare {
    /// Which.
    pub id: ShareId,
    /// What it holds from now on, sealed with its key.
    pub data: Boxed,
    /// When it was written last, as far as the caller knows: the write is refused if that was at another time.
    pub previous: Option<Timestamp>,
}

impl SaveShare {
    fn rule(
        &self,
        view: &View<'_>,
        who: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Decision<Written>, Pause> {
        check_data(&self.data, moment.limits)?;
        if !rights::on_shares(view, who.account, moment, [self.id])?.write {
            return Err(EngineError::UnknownShare.into());
        }
        let key = keyspace::share(self.id);
        let stored: StoredShare = row(view, key.clone())?.ok_or(EngineError::UnknownShare)?;
        check_previous(self.previous, stored.written)?;
        let written = Written::after(stored.written, moment.now);
        Ok(Decision::reply(written)
            .put(key, &StoredShare { written: written.at, ..stored })
            .put(keyspace::share_content(self.id), &StoredShareContent { data: self.data.clone() }))
    }
}

impl Command for SaveShare {
    type Domain = Sharing;
    type Reply = Written;
    const NAME: &'static str = "save_share";
    const KIND: Kind = Kind::Write;

    fn needs(&self) -> Need {
        Need::Keyed(Access::Write)
    }

    fn reads(&self, who: &Principal, _: &Keyspace) -> Reads {
        reads_of(who.account, self.id)
    }

    fn decide(
        &self,
        view: &View<'_>,
        who: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<Written>, EngineError> {
        pause::step(self.rule(view, who, moment))
    }
}
