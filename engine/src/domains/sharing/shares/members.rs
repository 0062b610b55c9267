//! Who has a right on a share.

use serde::{Deserialize, Serialize};
use strongroom_primitives::{
    id::{AccountId, ShareId, ShareRightId, Subject},
    time::Timestamp,
};

use super::rows::StoredMember;
use crate::{
    command::{Command, Decision, Kind, Moment, Reads, Step, View},
    credential::{Access, Need, Principal},
    domains::pause::{self, Pause, seen},
    domains::sharing::{
        Child, Sharing, names,
        rights::{self, ShareRights, StoredShareRight},
    },
    error::EngineError,
    keyspace::{self, Keyspace},
};

/// Members that are looked at; more than a share has under any limit.
const MEMBERS_MAX: usize = 100_000;

/// Somebody's right on a share, or an offer to them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberRight {
    /// Which.
    pub id: ShareRightId,
    /// Whose.
    pub account: AccountId,
    /// By what name they are known.
    pub name: Option<Subject>,
    /// What they may do, or might.
    pub rights: ShareRights,
    /// What they answered; `None` while the offer waits.
    pub accepted: Option<bool>,
    /// When it was offered.
    pub created: Timestamp,
    /// The last instant at which it counts.
    pub expires: Option<Timestamp>,
    /// Who gave it.
    pub giver: AccountId,
}

/// Lists the rights and offers on a share. Who may not grant sees their own only.
#[derive(Debug, Clone, Serialize)]
pub struct ListShareRights {
    /// Which share.
    pub share: ShareId,
}

impl ListShareRights {
    fn rule(
        &self,
        view: &View<'_>,
        who: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Decision<Vec<MemberRight>>, Pause> {
        let rights = rights::on_shares(view, who.account, moment, [self.share])?;
        if rights == ShareRights::NONE {
            return Err(EngineError::UnknownShare.into());
        }
        let accounts = if rights.grant { self.members(view)? } else { vec![who.account] };
        let key_of = |account: &AccountId| keyspace::share_right(*account, self.share);
        seen(view, accounts.iter().map(key_of))?;
        let named = names::of(view, accounts.iter().copied())?;
        let mut shown = Vec::with_capacity(accounts.len());
        for account in accounts {
            let stored: Option<StoredShareRight> = view.row(&key_of(&account))?;
            let Some(right) = stored.filter(|right| !right.has_expired(moment.now)) else { continue };
            let StoredShareRight { id, rights, accepted, created, expires, giver, .. } = right;
            let name = named.get(&account).cloned();
            shown.push(MemberRight { id, account, name, rights, accepted, created, expires, giver });
        }
        Ok(Decision::reply(shown))
    }

    fn members(&self, view: &View<'_>) -> Result<Vec<AccountId>, Pause> {
        let members = keyspace::share_members(self.share);
        if !view.has_range(&members) {
            return Err(Pause::Need(Reads::none().range_hint(members, None, MEMBERS_MAX)));
        }
        let (rows, _) = view.range::<StoredMember>(&members)?;
        Ok(rows.into_iter().map(|(_, member)| member.account).collect())
    }
}

impl Command for ListShareRights {
    type Domain = Sharing;
    type Reply = Vec<MemberRight>;
    const NAME: &'static str = "list_share_rights";
    const KIND: Kind = Kind::Read;

    fn needs(&self) -> Need {
        Need::Keyed(Access::Read)
    }

    fn reads(&self, who: &Principal, _: &Keyspace) -> Reads {
        Reads::one(keyspace::share_right(who.account, self.share))
            .row(keyspace::node(Child::Share(self.share)))
    }

    fn decide(
        &self,
        view: &View<'_>,
        who: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<Vec<MemberRight>>, EngineError> {
        pause::step(self.rule(view, who, moment))
    }
}
