//! Answering an offer: once, and by the account that it was made to.

use serde::{Deserialize, Serialize};
use strongroom_primitives::id::{ShareId, ShareRightId};

use super::rows::{StoredShareContent, find};
use crate::{
    boxed::Boxed,
    command::{Command, Decision, Kind, Moment, Reads, Step, View},
    credential::{Access, Need, Principal},
    domains::pause::{self, Pause, row},
    domains::sharing::{
        Sharing, check_key,
        rights::{KeyKind, StoredShareRight},
    },
    error::EngineError,
    feed::Event,
    keyspace::{self, Keyspace},
};

/// An offer of the caller's that waits for an answer, answered.
fn answer(
    view: &View<'_>,
    who: &Principal,
    moment: &mut Moment<'_>,
    id: ShareRightId,
    accepted: bool,
) -> Result<(ShareId, StoredShareRight), Pause> {
    let (place, right) = find(view, id)?;
    // Somebody else's is one that never was (THREATS A-KEY-02); so is one that was answered.
    if place.account != who.account || right.accepted.is_some() || right.has_expired(moment.now) {
        return Err(EngineError::UnknownShareRight.into());
    }
    right.expires.iter().for_each(|expires| moment.relies_on(*expires));
    Ok((place.share, StoredShareRight { accepted: Some(accepted), written: moment.now, ..right }))
}

/// What the answer of both writes and tells.
fn decided<R>(reply: R, who: &Principal, share: ShareId, right: &StoredShareRight) -> Decision<R> {
    let accepted = right.accepted == Some(true);
    let answered = Event::ShareAnswered { share, right: right.id, accepted };
    Decision::reply(reply).put(keyspace::share_right(who.account, share), right).tell(right.giver, answered)
}

/// Accepts an offer. The right counts from then on.
#[derive(Debug, Clone, Serialize)]
pub struct AcceptShare {
    /// Which offer.
    pub right: ShareRightId,
    /// The share's key, sealed anew; at most 256 bytes.
    pub key: Boxed,
    /// How it is sealed.
    pub key_kind: KeyKind,
}

/// A share that was accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accepted {
    /// Which.
    pub share: ShareId,
    /// What it is, as the giver sealed it.
    pub kind: Option<Boxed>,
    /// What it holds, if the right is one to read.
    pub data: Option<Boxed>,
}

impl AcceptShare {
    fn rule(
        &self,
        view: &View<'_>,
        who: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Decision<Accepted>, Pause> {
        check_key("key", &self.key)?;
        let (share, right) = answer(view, who, moment, self.right, true)?;
        let right = StoredShareRight { key: self.key.clone(), key_kind: self.key_kind, ..right };
        let content: Option<StoredShareContent> = row(view, keyspace::share_content(share))?;
        let data = content.ok_or(EngineError::UnknownShareRight)?.data;
        let data = right.rights.read.then_some(data);
        let accepted = Accepted { share, kind: right.kind.clone(), data };
        Ok(decided(accepted, who, share, &right))
    }
}

impl Command for AcceptShare {
    type Domain = Sharing;
    type Reply = Accepted;
    const NAME: &'static str = "accept_share";
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
    ) -> Result<Step<Accepted>, EngineError> {
        pause::step(self.rule(view, who, moment))
    }
}

/// Declines an offer.
#[derive(Debug, Clone, Serialize)]
pub struct DeclineShare {
    /// Which offer.
    pub right: ShareRightId,
}

impl DeclineShare {
    fn rule(&self, view: &View<'_>, who: &Principal, moment: &mut Moment<'_>) -> Result<Decision<()>, Pause> {
        let (share, right) = answer(view, who, moment, self.right, false)?;
        Ok(decided((), who, share, &right))
    }
}

impl Command for DeclineShare {
    type Domain = Sharing;
    type Reply = ();
    const NAME: &'static str = "decline_share";
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
