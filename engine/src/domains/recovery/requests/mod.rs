//! Requests that the shares of an escrow be given out.
//!
//! ```text
//! Open -> Approved -> Waiting -> Released -> Expired
//! Open, Approved, Waiting -> Vetoed, Lapsed
//! ```
//!
//! What only time does needs no write: a request has lapsed or expired once its time is over, whether or not the sweeper
//! has said so. A request of an earlier epoch is over too.

mod approve;
mod collect;
mod end;
mod open;
mod show;
mod veto;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use strongroom_primitives::{
    id::{AccountId, RecoveryRequestId, SessionId, Subject},
    time::Timestamp,
};

pub use approve::ApproveRequest;
pub use collect::{CollectRelease, Release};
pub use end::EndRequest;
pub use open::OpenRequest;
pub use show::{GetRequest, ListRequests};
pub use veto::VetoRequest;

use super::{find::Found, rows::StoredEscrow};
use crate::{codec::Stored, error::EngineError, feed::Event};

/// How far a request has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum RequestState {
    /// Nobody has approved it.
    Open,
    /// Some have, fewer than are needed.
    Approved,
    /// Enough have. It can be collected once the delay is over, and vetoed until it is collected.
    Waiting {
        /// When the delay is over.
        due: Timestamp,
    },
    /// It was collected, and can be again.
    Released {
        /// Up to this instant.
        until: Timestamp,
    },
    /// It was released, and its time is over.
    Expired,
    /// The owner has refused it.
    Vetoed,
    /// It was not approved or not collected in time, or the escrow was refreshed.
    Lapsed,
}

/// What was written down of how far a request has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Stage {
    /// It gathers approvals, or waits.
    Pending,
    Vetoed,
    Released,
    Lapsed,
    Expired,
}

/// One approval: a share, sealed to the requester.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Approval {
    pub(super) index: u8,
    pub(super) at: Timestamp,
    /// Empty once the request is over.
    pub(super) sealed: Bytes,
}

/// A request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredRecoveryRequest {
    pub(super) requester: AccountId,
    pub(super) subject: Subject,
    /// The session that it was opened with, if it was.
    pub(super) session: Option<SessionId>,
    pub(super) public_key: [u8; 32],
    pub(super) reason: String,
    pub(super) epoch: u32,
    pub(super) opened: Timestamp,
    pub(super) stage: Stage,
    pub(super) approvals: Vec<Approval>,
    /// When the delay is over, once enough have approved.
    pub(super) due: Option<Timestamp>,
    /// The last instant at which it is under way, or what was released can be collected.
    pub(super) live_until: Timestamp,
}

impl Stored for StoredRecoveryRequest {}

impl StoredRecoveryRequest {
    /// How far it has come at `now`, with the escrow in `epoch`.
    pub(super) fn state(&self, epoch: u32, now: Timestamp) -> RequestState {
        let over = now > self.live_until || self.epoch != epoch;
        match self.stage {
            Stage::Vetoed => RequestState::Vetoed,
            Stage::Lapsed => RequestState::Lapsed,
            Stage::Expired => RequestState::Expired,
            Stage::Released if over => RequestState::Expired,
            Stage::Released => RequestState::Released { until: self.live_until },
            Stage::Pending if over => RequestState::Lapsed,
            Stage::Pending => match self.due {
                Some(due) => RequestState::Waiting { due },
                None if self.approvals.is_empty() => RequestState::Open,
                None => RequestState::Approved,
            },
        }
    }

    /// Refuses what is vetoed or over.
    pub(super) fn check_under_way(&self, epoch: u32, now: Timestamp) -> Result<(), EngineError> {
        match self.state(epoch, now) {
            RequestState::Open | RequestState::Approved | RequestState::Waiting { .. } => Ok(()),
            state => Err(EngineError::RequestClosed { state }),
        }
    }

    /// Ends it at this stage. Nothing that was sealed for it is kept.
    pub(super) fn end(&mut self, stage: Stage, at: Timestamp) {
        self.stage = stage;
        self.live_until = self.live_until.min(at);
        self.approvals.iter_mut().for_each(|approval| approval.sealed = Bytes::new());
    }

    /// Whether the sweeper has to say that its time is over.
    pub(crate) fn is_to_end(&self, store_time: Timestamp) -> bool {
        matches!(self.stage, Stage::Pending | Stage::Released) && self.live_until < store_time
    }

    /// Since when nothing can come of it.
    pub(crate) fn over_since(&self) -> Timestamp {
        self.live_until
    }
}

/// A request, as those are shown it who have to do with the escrow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecoveryRequest {
    /// Which.
    pub id: RecoveryRequestId,
    /// Who asks: the identity that they are signed in as.
    pub requester: Subject,
    /// The X25519 public key that holders seal their shares to.
    pub public_key: [u8; 32],
    /// What the requester says.
    pub reason: String,
    /// The epoch whose shares are asked for.
    pub epoch: u32,
    /// When it was opened.
    pub opened: Timestamp,
    /// How far it has come.
    pub state: RequestState,
    /// The indices of those who have approved, and when.
    pub approvals: Vec<(u8, Timestamp)>,
    /// How many approvals are needed.
    pub quorum: u8,
}

impl RecoveryRequest {
    fn of(
        id: RecoveryRequestId,
        stored: &StoredRecoveryRequest,
        escrow: &StoredEscrow,
        now: Timestamp,
    ) -> Self {
        Self {
            id,
            requester: stored.subject.clone(),
            public_key: stored.public_key,
            reason: stored.reason.clone(),
            epoch: stored.epoch,
            opened: stored.opened,
            state: stored.state(escrow.epoch, now),
            approvals: stored.approvals.iter().map(|approval| (approval.index, approval.at)).collect(),
            quorum: escrow.policy.quorum,
        }
    }
}

/// What is told of a step.
fn event(found: &Found, id: RecoveryRequestId, stored: &StoredRecoveryRequest, now: Timestamp) -> Event {
    Event::RecoveryChanged {
        escrow: found.id,
        request: id,
        requester: stored.subject.clone(),
        state: stored.state(found.escrow.epoch, now),
        approvals: u8::try_from(stored.approvals.len()).unwrap_or(u8::MAX),
    }
}
