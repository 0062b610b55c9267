//! The owner's veto: a record that was deleted or replaced comes back, as it was.

use serde::Serialize;

use super::{
    LoggedKind, PinRecovery, PinStep,
    owner::Owners,
    seen::{Marked, Seen, reads},
};
use crate::{
    command::{Command, Kind, Lane, Moment, Reads, Step, View},
    credential::{Need, Principal},
    error::EngineError,
    keyspace::Keyspace,
};

/// Takes back a record that was deleted or replaced, with the count that it had; what is registered now is dropped for
/// it. Asked by the account whose subject is the user of the tenant: a token of the tenant is not enough, because one
/// may have been what deleted it.
#[derive(Debug, Serialize)]
pub(crate) struct VetoErasure {
    pub(super) owners: Owners,
}

impl Command for VetoErasure {
    type Domain = PinRecovery;
    type Reply = Marked<()>;
    const NAME: &'static str = "veto_erasure";
    const KIND: Kind = Kind::Write;

    fn needs(&self) -> Need {
        Need::Account
    }

    fn lane(&self, _: &Principal, space: &Keyspace) -> Lane {
        space.pin_lane(&self.owners.realm)
    }

    fn reads(&self, who: &Principal, space: &Keyspace) -> Reads {
        self.owners.user(who).map_or_else(Reads::none, |user| reads(&user, space))
    }

    fn decide(
        &self,
        view: &View<'_>,
        who: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<Marked<()>>, EngineError> {
        let user = self.owners.user(who).ok_or(EngineError::UnknownErasure)?;
        let seen = Seen::look(&user, view, moment.space)?;
        let grace = seen.grace_at(moment.now).ok_or(EngineError::UnknownErasure)?;
        let (allowed, used) = (grace.record.head.allowed, seen.used(&grace.record.head));
        let change = seen.change().restore(grace).log(LoggedKind::Registered, Some((allowed, used)), moment);
        let change = change.tell(PinStep::BroughtBack { guesses_used: used, guesses_allowed: allowed });
        moment.relies_on(grace.until);
        change.done(()).done()
    }
}
