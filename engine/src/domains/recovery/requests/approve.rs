//! A holder's yes.

use bytes::Bytes;
use serde::Serialize;
use strongroom_primitives::{
    id::{EscrowId, RecoveryRequestId},
    recovery::{SEALED_SHARE_BYTES, approval_statement},
    sign::VerifyingKey,
};

use super::{Approval, RecoveryRequest, StoredRecoveryRequest, event};
use crate::{
    command::{Command, Decision, Kind, Lane, Moment, Reads, Step, View},
    credential::{Need, Principal},
    domains::{
        pause::{self, Pause},
        recovery::{
            HolderKind, Recovery, clock,
            find::{self, Found},
        },
    },
    error::EngineError,
    keyspace::Keyspace,
};

/// Approves a request with a holder's share. An account approves as who is signed in; a device of the owner's by its
/// signature, through a session of the owner's. Each holder once, and nobody their own request.
///
/// Whether the seal holds the share is for the requester to see: the engine has nothing to open it with.
#[derive(Debug, Clone, Serialize)]
pub struct ApproveRequest {
    /// Of which escrow.
    pub escrow: EscrowId,
    /// Which request.
    pub request: RecoveryRequestId,
    /// The epoch of the share: the present one.
    pub epoch: u32,
    /// The holder's index.
    pub index: u8,
    /// The share, sealed to the requester's key: 81 bytes.
    pub sealed: Bytes,
    /// The device's Ed25519 signature over [`approval_statement`], 64 bytes; `None` for an account.
    pub signature: Option<Bytes>,
}

impl ApproveRequest {
    fn rule(
        &self,
        view: &View<'_>,
        who: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Decision<RecoveryRequest>, Pause> {
        let mut found = find::known(view, who, self.escrow)?;
        let mut request = found.request(view, self.request)?;
        self.check_holder(&found, &request, who)?;
        let (epoch, index) = (found.escrow.epoch, self.index);
        if self.epoch != epoch {
            return Err(EngineError::StaleEpoch { epoch }.into());
        }
        request.check_under_way(epoch, moment.now)?;
        if request.approvals.iter().any(|approval| approval.index == index) {
            return Err(EngineError::AlreadyApproved { index }.into());
        }
        let (bytes, max) = (self.sealed.len(), SEALED_SHARE_BYTES);
        if bytes != max {
            return Err(EngineError::FieldSize { field: "sealed", bytes, max }.into());
        }
        moment.relies_on(request.live_until);
        let now = clock::present(moment);
        request.approvals.push(Approval { index, at: now, sealed: self.sealed.clone() });
        let policy = found.escrow.policy;
        if request.due.is_none() && request.approvals.len() >= usize::from(policy.quorum) {
            let due = clock::due_after(moment, policy.delay);
            request.due = Some(due);
            request.live_until = due.saturating_add(policy.collect);
        }
        let shown = RecoveryRequest::of(self.request, &request, &found.escrow, now);
        let decision = found.put_request(Decision::reply(shown), self.request, &request);
        Ok(found.tell(decision, &event(&found, self.request, &request, now)))
    }

    /// Refuses whoever the share is not of (THREATS A-DEV-02).
    fn check_holder(
        &self,
        found: &Found,
        request: &StoredRecoveryRequest,
        who: &Principal,
    ) -> Result<(), EngineError> {
        let refused = EngineError::NotYourShare { index: self.index };
        let holder = found.escrow.holder(self.index).ok_or(refused.clone())?;
        let is_theirs = match (&holder.kind, &self.signature) {
            (HolderKind::Account(_), None) => {
                holder.account == Some(who.account) && request.requester != who.account
            }
            (HolderKind::Device { signer }, Some(signature)) if found.is_owner(who) => {
                let statement =
                    approval_statement(found.id, self.request, self.epoch, self.index, &self.sealed);
                let signer = VerifyingKey::from_bytes(signer).map_err(|_| EngineError::Corrupt)?;
                signer.verify(&statement, signature).is_ok()
            }
            _ => false,
        };
        if is_theirs { Ok(()) } else { Err(refused) }
    }
}

impl Command for ApproveRequest {
    type Domain = Recovery;
    type Reply = RecoveryRequest;
    const NAME: &'static str = "approve_recovery_request";
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
    ) -> Result<Step<RecoveryRequest>, EngineError> {
        pause::step(self.rule(view, who, moment))
    }
}
