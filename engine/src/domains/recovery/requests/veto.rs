//! The owner's no.

use serde::Serialize;
use strongroom_primitives::id::{EscrowId, RecoveryRequestId};

use super::{Stage, event};
use crate::{
    command::{Command, Decision, Kind, Lane, Moment, Reads, Step, View},
    credential::{Need, Principal},
    domains::{
        pause::{self, Pause},
        recovery::{Recovery, clock, find},
    },
    error::EngineError,
    keyspace::Keyspace,
};

/// Refuses a request for an escrow of the caller's. Good until somebody has collected what is released, even after the
/// delay: whichever of the two is committed first holds. Again is no error (THREATS A-DEV-06).
#[derive(Debug, Clone, Serialize)]
pub struct VetoRequest {
    /// Of which escrow.
    pub escrow: EscrowId,
    /// Which request.
    pub request: RecoveryRequestId,
}

impl VetoRequest {
    fn rule(&self, view: &View<'_>, who: &Principal, moment: &mut Moment<'_>) -> Result<Decision<()>, Pause> {
        let mut found = find::own(view, who, self.escrow)?;
        let mut request = found.request(view, self.request)?;
        if request.stage == Stage::Vetoed {
            return Ok(Decision::reply(()));
        }
        request.check_under_way(found.escrow.epoch, moment.now)?;
        let now = clock::present(moment);
        request.end(Stage::Vetoed, now);
        let decision = found.put_request(Decision::reply(()), self.request, &request);
        Ok(found.tell(decision, &event(&found, self.request, &request, now)))
    }
}

impl Command for VetoRequest {
    type Domain = Recovery;
    type Reply = ();
    const NAME: &'static str = "veto_recovery_request";
    const KIND: Kind = Kind::Write;

    fn needs(&self) -> Need {
        Need::Account
    }

    fn lane(&self, _: &Principal, _: &Keyspace) -> Lane {
        find::lane(self.escrow)
    }

    fn reads(&self, _: &Principal, _: &Keyspace) -> Reads {
        find::reads(self.escrow)
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
