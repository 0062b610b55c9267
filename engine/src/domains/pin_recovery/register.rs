//! Registering and deleting.

use serde::Serialize;

use super::{
    LoggedKind, PinRecovery, PinStep,
    rows::StoredPinRecord,
    seal::Kept,
    seen::{Marked, Seen, reads},
    user::PinUser,
};
use crate::{
    command::{Command, Kind, Lane, Moment, Reads, Step, View},
    credential::{Need, Principal},
    error::EngineError,
    keyspace::Keyspace,
};

/// Keeps a registration in place of whatever was there, with no guess used.
#[derive(Debug, Serialize)]
pub(crate) struct RegisterShare {
    pub(super) user: PinUser,
    pub(super) kept: Kept,
}

impl Command for RegisterShare {
    type Domain = PinRecovery;
    type Reply = Marked<()>;
    const NAME: &'static str = "register_share";
    const KIND: Kind = Kind::Write;

    fn needs(&self) -> Need {
        Need::Anyone
    }

    fn lane(&self, _: &Principal, space: &Keyspace) -> Lane {
        space.pin_lane(&self.user.realm())
    }

    fn reads(&self, _: &Principal, space: &Keyspace) -> Reads {
        reads(&self.user, space)
    }

    fn decide(
        &self,
        view: &View<'_>,
        _: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<Marked<()>>, EngineError> {
        if !moment.sealed_at_rest {
            return Err(EngineError::StoreNotEncrypted);
        }
        let (allowed, max) = (self.kept.0.policy.num_guesses, self.user.policy.guesses_max);
        if allowed > max {
            return Err(EngineError::TooManyGuessesAllowed { max });
        }
        let seen = Seen::look(&self.user, view, moment.space)?;
        let mut change = seen.change();
        // Whoever has just shown that they know the PIN is not taking it away from its owner.
        let is_known = match &seen.record {
            Some(StoredPinRecord::Registered(record)) => record
                .head
                .opened
                .is_some_and(|opened| moment.now <= opened.saturating_add(self.user.policy.replace_within)),
            _ => false,
        };
        if !is_known {
            change = change.spare(moment.now);
        }
        let step = match &seen.record {
            Some(StoredPinRecord::Registered(_)) => {
                PinStep::Replaced { guesses_allowed: allowed, veto_until: change.veto_until(moment.now) }
            }
            _ => PinStep::Registered { guesses_allowed: allowed },
        };
        let head = seen.head(self.kept.0.version, allowed);
        change
            .keep(head, &self.kept, moment)
            .log(LoggedKind::Registered, Some((allowed, 0)), moment)
            .tell(step)
            .done(())
            .done()
    }
}

/// Forgets a registration, if there is one.
#[derive(Debug, Serialize)]
pub(crate) struct DeleteShare {
    pub(super) user: PinUser,
}

impl Command for DeleteShare {
    type Domain = PinRecovery;
    type Reply = Marked<()>;
    const NAME: &'static str = "delete_share";
    const KIND: Kind = Kind::Write;

    fn needs(&self) -> Need {
        Need::Anyone
    }

    fn lane(&self, _: &Principal, space: &Keyspace) -> Lane {
        space.pin_lane(&self.user.realm())
    }

    fn reads(&self, _: &Principal, space: &Keyspace) -> Reads {
        reads(&self.user, space)
    }

    fn decide(
        &self,
        view: &View<'_>,
        _: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<Marked<()>>, EngineError> {
        let seen = Seen::look(&self.user, view, moment.space)?;
        if seen.record.is_none() {
            return Marked::still(()).done();
        }
        let change = seen.change().spare(moment.now).remove();
        let step = PinStep::Deleted { veto_until: change.veto_until(moment.now) };
        change.log(LoggedKind::Deleted, None, moment).tell(step).done(()).done()
    }
}
