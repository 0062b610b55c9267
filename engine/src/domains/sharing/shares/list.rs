//! An account's own rights and offers.

use serde::{Deserialize, Serialize};
use strongroom_primitives::{
    id::{AccountId, ShareId, ShareRightId, Subject},
    time::Timestamp,
};
use strongroom_storage::Key;

use crate::{
    boxed::Boxed,
    command::{Command, Decision, Kind, Moment, Reads, Step, View},
    credential::{Access, Need, Principal},
    domains::pause::{self, Pause},
    domains::sharing::{
        Sharing, names,
        rights::{KeyKind, ShareRights, StoredShareRight},
    },
    error::EngineError,
    keyspace::{self, Keyspace},
};

/// Rows of one page at most.
const PAGE_ROWS_MAX: usize = 1_000;

/// A right of the caller's on a share, or an offer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnShareRight {
    /// On which share.
    pub share: ShareId,
    /// Which right.
    pub id: ShareRightId,
    /// What the share is called, sealed for the caller.
    pub title: Option<Boxed>,
    /// What it is, sealed for the caller.
    pub kind: Option<Boxed>,
    /// The share's key.
    pub key: Boxed,
    /// How that is sealed.
    pub key_kind: KeyKind,
    /// What the caller may do, or might.
    pub rights: ShareRights,
    /// What the caller answered; `None` while the offer waits.
    pub accepted: Option<bool>,
    /// When it was offered.
    pub created: Timestamp,
    /// When it was last changed or answered.
    pub written: Timestamp,
    /// The last instant at which it counts.
    pub expires: Option<Timestamp>,
    /// Who gave it.
    pub giver: AccountId,
    /// By what name the giver is known; `None` once their account is erased.
    pub giver_name: Option<Subject>,
}

/// Lists the caller's rights and offers, whatever they answered. The order means nothing.
#[derive(Debug, Clone, Serialize)]
pub struct ListShares {
    /// Where to go on: the `next` of the page before.
    pub from: Option<Vec<u8>>,
    /// At most so many are looked at, 1 to 1,000.
    pub limit: usize,
}

/// A page of rights.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SharePage {
    /// The rights.
    pub rights: Vec<OwnShareRight>,
    /// Where to go on, if there may be more.
    pub next: Option<Vec<u8>>,
}

impl ListShares {
    fn rule(
        &self,
        view: &View<'_>,
        who: &Principal,
        moment: &Moment<'_>,
    ) -> Result<Decision<SharePage>, Pause> {
        let (rows, next) = view.range::<StoredShareRight>(&keyspace::share_rights(who.account))?;
        let live: Vec<_> = rows.into_iter().filter(|(_, right)| !right.has_expired(moment.now)).collect();
        let named = names::of(view, live.iter().map(|(_, right)| right.giver))?;
        let shown = live.into_iter().map(|(key, right)| {
            let share = keyspace::sixteen(&key, 17).map(ShareId::from_bytes).ok_or(EngineError::Corrupt)?;
            let giver_name = named.get(&right.giver).cloned();
            let StoredShareRight { id, giver, key, key_kind, title, kind, rights, .. } = right;
            let StoredShareRight { accepted, created, written, expires, .. } = right;
            Ok(OwnShareRight {
                share,
                id,
                title,
                kind,
                key,
                key_kind,
                rights,
                accepted,
                created,
                written,
                expires,
                giver,
                giver_name,
            })
        });
        let rights = shown.collect::<Result<_, EngineError>>()?;
        Ok(Decision::reply(SharePage { rights, next: next.map(|key| key.as_bytes().to_vec()) }))
    }
}

impl Command for ListShares {
    type Domain = Sharing;
    type Reply = SharePage;
    const NAME: &'static str = "list_shares";
    const KIND: Kind = Kind::Read;

    fn needs(&self) -> Need {
        Need::Keyed(Access::Read)
    }

    fn reads(&self, who: &Principal, _: &Keyspace) -> Reads {
        let from = self.from.as_ref().map(|bytes| Key::new(bytes.clone()));
        let limit = self.limit.clamp(1, PAGE_ROWS_MAX);
        Reads::none().range_hint(keyspace::share_rights(who.account), from, limit)
    }

    fn decide(
        &self,
        view: &View<'_>,
        who: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<SharePage>, EngineError> {
        pause::step(self.rule(view, who, moment))
    }
}
