//! Finding an escrow and a request, and what the caller is to them.

use strongroom_primitives::id::{AccountId, EscrowId, RecoveryRequestId};

use super::{
    StoredRecoveryRequest,
    rows::{StoredEscrow, StoredEscrowPlace},
};
use crate::{
    command::{Decision, Lane, Reads, View},
    credential::Principal,
    domains::pause::{Pause, row},
    error::EngineError,
    feed::Event,
    keyspace,
};

/// An escrow, and whose it is.
pub(super) struct Found {
    pub(super) id: EscrowId,
    pub(super) owner: AccountId,
    pub(super) escrow: StoredEscrow,
}

/// Every write about an escrow and its requests waits in one lane.
pub(super) fn lane(escrow: EscrowId) -> Lane {
    Lane(*escrow.as_bytes())
}

pub(super) fn reads(escrow: EscrowId) -> Reads {
    Reads::one(keyspace::escrow_place(escrow))
}

/// The escrow, whoever asks.
pub(super) fn any(view: &View<'_>, id: EscrowId) -> Result<Found, Pause> {
    let place: Option<StoredEscrowPlace> = row(view, keyspace::escrow_place(id))?;
    let owner = place.ok_or(EngineError::UnknownEscrow)?.owner;
    let escrow: Option<StoredEscrow> = row(view, keyspace::escrow(owner, id))?;
    Ok(Found { id, owner, escrow: escrow.ok_or(EngineError::UnknownEscrow)? })
}

/// The escrow, if it is the caller's or they hold a share of it. Others learn nothing (THREATS A-KEY-02).
pub(super) fn known(view: &View<'_>, who: &Principal, id: EscrowId) -> Result<Found, Pause> {
    let found = any(view, id)?;
    let known = found.is_owner(who) || found.escrow.held_by(who.account).is_some();
    if known { Ok(found) } else { Err(EngineError::UnknownEscrow.into()) }
}

/// The escrow, if it is the caller's.
pub(super) fn own(view: &View<'_>, who: &Principal, id: EscrowId) -> Result<Found, Pause> {
    let found = any(view, id)?;
    if found.is_owner(who) { Ok(found) } else { Err(EngineError::UnknownEscrow.into()) }
}

impl Found {
    pub(super) fn is_owner(&self, who: &Principal) -> bool {
        self.owner == who.account
    }

    /// A request for it.
    pub(super) fn request(
        &self,
        view: &View<'_>,
        id: RecoveryRequestId,
    ) -> Result<StoredRecoveryRequest, Pause> {
        let request = row(view, keyspace::recovery_request(self.owner, self.id, id))?;
        Ok(request.ok_or(EngineError::UnknownRecoveryRequest)?)
    }

    /// Writes the escrow.
    pub(super) fn put<R>(&self, decision: Decision<R>) -> Decision<R> {
        decision.put(keyspace::escrow(self.owner, self.id), &self.escrow)
    }

    /// Writes a request, and its mark with it.
    pub(super) fn put_request<R>(
        &mut self,
        decision: Decision<R>,
        id: RecoveryRequestId,
        request: &StoredRecoveryRequest,
    ) -> Decision<R> {
        if let Some(mark) = self.escrow.mark(id) {
            mark.live_until = request.live_until;
        }
        self.put(decision.put(keyspace::recovery_request(self.owner, self.id, id), request))
    }

    /// Tells the owner and every account that holds a share (THREATS A-DEV-06).
    pub(super) fn tell<R>(&self, decision: Decision<R>, event: &Event) -> Decision<R> {
        let told = std::iter::once(self.owner).chain(self.escrow.accounts());
        told.fold(decision, |decision, account| decision.tell(account, event.clone()))
    }
}
