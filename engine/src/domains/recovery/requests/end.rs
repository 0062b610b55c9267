//! Saying that a request's time is over.

use serde::Serialize;
use strongroom_primitives::id::{EscrowId, RecoveryRequestId};

use super::{Stage, event};
use crate::{
    command::{Command, Decision, Kind, Lane, Moment, Reads, Step, View},
    credential::{Need, Principal},
    domains::{
        pause::{self, Pause},
        recovery::{Recovery, find},
    },
    error::EngineError,
    keyspace::Keyspace,
};

/// Writes down that a request has lapsed or expired, tells of it, and throws away what was sealed for it. The sweeper
/// asks for it; whether the request is over does not depend on it.
#[derive(Debug, Clone, Serialize)]
pub struct EndRequest {
    /// Of which escrow.
    pub escrow: EscrowId,
    /// Which request.
    pub request: RecoveryRequestId,
}

impl EndRequest {
    fn rule(&self, view: &View<'_>, moment: &Moment<'_>) -> Result<Decision<()>, Pause> {
        let mut found = find::any(view, self.escrow)?;
        let mut request = found.request(view, self.request)?;
        let told = moment.store_time();
        if !request.is_to_end(told) {
            return Ok(Decision::reply(()));
        }
        let stage = if request.stage == Stage::Released { Stage::Expired } else { Stage::Lapsed };
        request.end(stage, told);
        let decision = found.put_request(Decision::reply(()), self.request, &request);
        Ok(found.tell(decision, &event(&found, self.request, &request, told)))
    }
}

impl Command for EndRequest {
    type Domain = Recovery;
    type Reply = ();
    const NAME: &'static str = "end_recovery_request";
    const KIND: Kind = Kind::Write;

    fn needs(&self) -> Need {
        Need::Node
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
        _: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<()>, EngineError> {
        // What is gone has ended as well.
        match pause::step(self.rule(view, moment)) {
            Err(EngineError::UnknownEscrow | EngineError::UnknownRecoveryRequest) => {
                Decision::reply(()).done()
            }
            other => other,
        }
    }
}
