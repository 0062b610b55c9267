//! Showing requests to those who have to do with their escrow.

use serde::Serialize;
use strongroom_primitives::id::{EscrowId, RecoveryRequestId};

use super::RecoveryRequest;
use crate::{
    command::{Command, Decision, Kind, Moment, Reads, Step, View},
    credential::{Need, Principal},
    domains::{
        pause::{self, Pause},
        recovery::{Recovery, find},
    },
    error::EngineError,
    keyspace::Keyspace,
};

/// Shows a request to the owner of its escrow and to the accounts that hold a share. The shares are not shown here: see
/// [`CollectRelease`](super::CollectRelease).
#[derive(Debug, Clone, Serialize)]
pub struct GetRequest {
    /// Of which escrow.
    pub escrow: EscrowId,
    /// Which request.
    pub request: RecoveryRequestId,
}

impl GetRequest {
    fn rule(
        &self,
        view: &View<'_>,
        who: &Principal,
        moment: &Moment<'_>,
    ) -> Result<Decision<RecoveryRequest>, Pause> {
        let found = find::known(view, who, self.escrow)?;
        let request = found.request(view, self.request)?;
        Ok(Decision::reply(RecoveryRequest::of(self.request, &request, &found.escrow, moment.now)))
    }
}

impl Command for GetRequest {
    type Domain = Recovery;
    type Reply = RecoveryRequest;
    const NAME: &'static str = "get_recovery_request";
    const KIND: Kind = Kind::Read;

    fn needs(&self) -> Need {
        Need::Account
    }

    fn reads(&self, _: &Principal, _: &Keyspace) -> Reads {
        find::reads(self.escrow)
    }

    fn decide(
        &self,
        view: &View<'_>,
        who: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<RecoveryRequest>, EngineError> {
        pause::step(self.rule(view, who, moment))
    }
}

/// Lists the requests of an escrow that are still kept, oldest first. There are at most
/// [`Limits::recovery_requests_kept_max`](crate::Limits::recovery_requests_kept_max).
#[derive(Debug, Clone, Serialize)]
pub struct ListRequests {
    /// Of which escrow.
    pub escrow: EscrowId,
}

impl ListRequests {
    fn rule(
        &self,
        view: &View<'_>,
        who: &Principal,
        moment: &Moment<'_>,
    ) -> Result<Decision<Vec<RecoveryRequest>>, Pause> {
        let found = find::known(view, who, self.escrow)?;
        let ids: Vec<RecoveryRequestId> = found.escrow.requests.iter().map(|mark| mark.id).collect();
        let rows = pause::all(ids.iter().map(|id| pause::settled(found.request(view, *id))))?;
        let mut shown = Vec::new();
        for (id, request) in ids.into_iter().zip(rows) {
            match request {
                Ok(request) => shown.push(RecoveryRequest::of(id, &request, &found.escrow, moment.now)),
                // Its row went first: the sweeper takes rows only.
                Err(EngineError::UnknownRecoveryRequest) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(Decision::reply(shown))
    }
}

impl Command for ListRequests {
    type Domain = Recovery;
    type Reply = Vec<RecoveryRequest>;
    const NAME: &'static str = "list_recovery_requests";
    const KIND: Kind = Kind::Read;

    fn needs(&self) -> Need {
        Need::Account
    }

    fn reads(&self, _: &Principal, _: &Keyspace) -> Reads {
        find::reads(self.escrow)
    }

    fn decide(
        &self,
        view: &View<'_>,
        who: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<Vec<RecoveryRequest>>, EngineError> {
        pause::step(self.rule(view, who, moment))
    }
}
