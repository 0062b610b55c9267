//! Saying who may: rights are offered, changed and revoked by whoever may grant.

use serde::Serialize;
use strongroom_primitives::{
    id::{AccountId, ShareId, ShareRightId},
    time::Timestamp,
};

use super::rows::{StoredShare, find, give, take};
use crate::{
    boxed::Boxed,
    command::{Command, Decision, Kind, Moment, Reads, Step, View},
    credential::{Access, Need, Principal},
    domains::{
        accounts::{AccountState, StoredAccount},
        pause::{self, Pause, row},
        sharing::{
            Child, Sharing, check_key,
            rights::{self, KeyKind, ShareRights, StoredShareRight},
        },
    },
    error::EngineError,
    feed::Event,
    keyspace::{self, Keyspace},
};

/// Refuses a caller who may not say who may.
fn check_grant(
    view: &View<'_>,
    who: &Principal,
    moment: &mut Moment<'_>,
    share: ShareId,
    otherwise: EngineError,
) -> Result<(), Pause> {
    if rights::on_shares(view, who.account, moment, [share])?.grant { Ok(()) } else { Err(otherwise.into()) }
}

/// Offers somebody a right on a share. It counts once they accept. One offer or right of a taker's on a share is all
/// there is; one that was declined or has expired gives way.
#[derive(Debug, Clone, Serialize)]
pub struct OfferShare {
    /// Which share.
    pub share: ShareId,
    /// To whom: an account of the caller's realm.
    pub taker: AccountId,
    /// The share's key, sealed for the taker; at most 256 bytes.
    pub key: Boxed,
    /// What the taker sees it called before they accept, sealed for them; at most 256 bytes.
    pub title: Option<Boxed>,
    /// What it is, sealed for them; at most 256 bytes.
    pub kind: Option<Boxed>,
    /// What they may do with it.
    pub rights: ShareRights,
    /// The last instant at which the right counts.
    pub expires: Option<Timestamp>,
}

impl OfferShare {
    fn rule(
        &self,
        view: &View<'_>,
        who: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Decision<ShareRightId>, Pause> {
        check_key("key", &self.key)?;
        self.title.iter().try_for_each(|title| check_key("title", title))?;
        self.kind.iter().try_for_each(|kind| check_key("type", kind))?;
        check_grant(view, who, moment, self.share, EngineError::UnknownShare)?;
        // Guarded, so that a share that is dropped takes no more members.
        row::<StoredShare>(view, keyspace::share(self.share))?.ok_or(EngineError::UnknownShare)?;
        self.check_taker(view, who)?;
        let now = moment.now;
        let mut decision = Decision::reply(());
        match row::<StoredShareRight>(view, keyspace::share_right(self.taker, self.share))? {
            Some(before) if before.accepted == Some(false) || before.has_expired(now) => {
                decision = take(decision, self.share, self.taker, before.id);
            }
            Some(_) => return Err(EngineError::ShareRightExists.into()),
            None => {}
        }
        self.check_room(view, moment.limits.share_members_max)?;
        let right = StoredShareRight {
            id: ShareRightId::from_bytes(moment.entropy.array()),
            giver: who.account,
            key: self.key.clone(),
            key_kind: KeyKind::Asymmetric,
            title: self.title.clone(),
            kind: self.kind.clone(),
            rights: self.rights,
            accepted: None,
            created: now,
            written: now,
            expires: self.expires,
        };
        let offered = Event::ShareOffered { share: self.share, right: right.id };
        let decision = decision.answer(right.id).tell(self.taker, offered);
        Ok(give(decision, self.share, self.taker, &right))
    }

    fn check_taker(&self, view: &View<'_>, who: &Principal) -> Result<(), Pause> {
        let taker: Option<StoredAccount> = row(view, keyspace::account(self.taker))?;
        let taker = taker.filter(|taker| taker.state != AccountState::Erased);
        let realm = taker.and_then(|taker| taker.identity).map(|identity| identity.realm);
        if realm.as_ref() == Some(&who.identity()?.realm) {
            Ok(())
        } else {
            Err(EngineError::UnknownTaker.into())
        }
    }

    /// Two offers at once may go over the limit by one: it bounds lists, and nothing hangs on its exactness.
    fn check_room(&self, view: &View<'_>, max: usize) -> Result<(), Pause> {
        let members = keyspace::share_members(self.share);
        if !view.has_range(&members) {
            return Err(Pause::Need(Reads::none().range_hint(members, None, max)));
        }
        if view.keys(&members)?.0.len() < max {
            Ok(())
        } else {
            Err(EngineError::TooManyMembers { max }.into())
        }
    }
}

impl Command for OfferShare {
    type Domain = Sharing;
    type Reply = ShareRightId;
    const NAME: &'static str = "offer_share";
    const KIND: Kind = Kind::Write;

    fn needs(&self) -> Need {
        Need::Keyed(Access::Write)
    }

    fn reads(&self, who: &Principal, _: &Keyspace) -> Reads {
        Reads::one(keyspace::share_right(who.account, self.share))
            .row(keyspace::node(Child::Share(self.share)))
            .row(keyspace::share(self.share))
            .row(keyspace::account(self.taker))
            .row(keyspace::share_right(self.taker, self.share))
    }

    fn decide(
        &self,
        view: &View<'_>,
        who: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<ShareRightId>, EngineError> {
        pause::step(self.rule(view, who, moment))
    }
}

/// Changes what somebody may do with a share, or will once they accept.
#[derive(Debug, Clone, Serialize)]
pub struct ChangeShareRight {
    /// Which share.
    pub share: ShareId,
    /// Whose right.
    pub taker: AccountId,
    /// What they may do from now on.
    pub rights: ShareRights,
}

impl ChangeShareRight {
    fn rule(
        &self,
        view: &View<'_>,
        who: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Decision<ShareRightId>, Pause> {
        check_grant(view, who, moment, self.share, EngineError::UnknownShare)?;
        let key = keyspace::share_right(self.taker, self.share);
        let before: Option<StoredShareRight> = row(view, key.clone())?;
        let before = before.filter(|right| !right.has_expired(moment.now));
        let before = before.ok_or(EngineError::UnknownShareRight)?;
        let right = StoredShareRight { rights: self.rights, written: moment.now, ..before };
        let changed = Event::ShareRightChanged { share: self.share, right: right.id };
        Ok(Decision::reply(right.id).put(key, &right).tell(self.taker, changed))
    }
}

impl Command for ChangeShareRight {
    type Domain = Sharing;
    type Reply = ShareRightId;
    const NAME: &'static str = "change_share_right";
    const KIND: Kind = Kind::Write;

    fn needs(&self) -> Need {
        Need::Keyed(Access::Write)
    }

    fn reads(&self, who: &Principal, _: &Keyspace) -> Reads {
        Reads::one(keyspace::share_right(who.account, self.share))
            .row(keyspace::node(Child::Share(self.share)))
            .row(keyspace::share_right(self.taker, self.share))
    }

    fn decide(
        &self,
        view: &View<'_>,
        who: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<ShareRightId>, EngineError> {
        pause::step(self.rule(view, who, moment))
    }
}

/// Takes a right or an offer back. It counts for nothing from then on, on every node.
#[derive(Debug, Clone, Serialize)]
pub struct RevokeShareRight {
    /// Which.
    pub right: ShareRightId,
}

impl RevokeShareRight {
    fn rule(&self, view: &View<'_>, who: &Principal, moment: &mut Moment<'_>) -> Result<Decision<()>, Pause> {
        let (place, _) = find(view, self.right)?;
        check_grant(view, who, moment, place.share, EngineError::UnknownShareRight)?;
        let revoked = Event::ShareRevoked { share: place.share, right: self.right };
        let decision = Decision::reply(()).tell(place.account, revoked);
        Ok(take(decision, place.share, place.account, self.right))
    }
}

impl Command for RevokeShareRight {
    type Domain = Sharing;
    type Reply = ();
    const NAME: &'static str = "revoke_share_right";
    const KIND: Kind = Kind::Write;

    fn needs(&self) -> Need {
        Need::Keyed(Access::Write)
    }

    fn reads(&self, _: &Principal, _: &Keyspace) -> Reads {
        Reads::one(keyspace::share_right_place(self.right))
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
