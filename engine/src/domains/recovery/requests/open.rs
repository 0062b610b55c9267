//! Asking for the shares of an escrow.

use std::time::Duration;

use serde::Serialize;
use strongroom_primitives::{
    hpke::HolderPublic,
    id::{EscrowId, RecoveryRequestId},
};

use super::{RecoveryRequest, Stage, StoredRecoveryRequest, event};
use crate::{
    command::{Command, Decision, Kind, Lane, Moment, Reads, Step, View},
    credential::{Need, Principal},
    domains::{
        pause::{self, Pause},
        recovery::{
            EscrowFault, REASON_BYTES_MAX, Recovery, clock,
            find::{self, Found},
            rows::RequestMark,
        },
    },
    error::{EngineError, Quota},
    keyspace::{self, Keyspace},
};

/// Asks that the shares of an escrow be sealed to a key. The owner may, and every account that holds a share; who asks
/// is who is signed in (THREATS A-DEV-02). Everybody who has to do with the escrow is told (THREATS A-DEV-06).
#[derive(Debug, Clone, Serialize)]
pub struct OpenRequest {
    /// Of which escrow.
    pub escrow: EscrowId,
    /// The X25519 public key that shares are to be sealed to.
    pub public_key: [u8; 32],
    /// What holders and the owner are told; at most 1,024 bytes.
    pub reason: String,
}

impl OpenRequest {
    fn rule(
        &self,
        view: &View<'_>,
        who: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Decision<RecoveryRequest>, Pause> {
        let mut found = find::known(view, who, self.escrow)?;
        let (bytes, max) = (self.reason.len(), REASON_BYTES_MAX);
        if bytes > max {
            return Err(EngineError::FieldSize { field: "reason", bytes, max }.into());
        }
        HolderPublic::from_bytes(self.public_key)
            .map_err(|_| EngineError::EscrowInvalid(EscrowFault::RequesterKey))?;
        let decision = check_room(&mut found, who, moment)?;
        let (now, policy) = (clock::present(moment), found.escrow.policy);
        let due = (policy.quorum == 0).then(|| clock::due_after(moment, policy.delay));
        let request = StoredRecoveryRequest {
            requester: who.account,
            subject: who.identity()?.subject.clone(),
            session: who.session,
            public_key: self.public_key,
            reason: self.reason.clone(),
            epoch: found.escrow.epoch,
            opened: now,
            stage: Stage::Pending,
            approvals: Vec::new(),
            due,
            live_until: match due {
                Some(due) => due.saturating_add(policy.collect),
                None => now.saturating_add(policy.window),
            },
        };
        let id = RecoveryRequestId::from_bytes(moment.entropy.array());
        let mark = RequestMark { id, requester: who.account, opened: now, live_until: request.live_until };
        found.escrow.requests.push(mark);
        let shown = RecoveryRequest::of(id, &request, &found.escrow, now);
        let decision = found.put_request(decision.answer(shown), id, &request);
        Ok(found.tell(decision, &event(&found, id, &request, now)))
    }
}

/// Makes room for one more request: forgets those that nobody needs any more, and refuses one too many or too soon.
fn check_room(found: &mut Found, who: &Principal, moment: &Moment<'_>) -> Result<Decision<()>, EngineError> {
    let (policy, told, limits) = (found.escrow.policy, moment.store_time(), moment.limits);
    let cooled = |mark: &RequestMark| mark.opened.saturating_add(policy.cooldown);
    let mine = found.escrow.requests.iter().filter(|mark| mark.requester == who.account);
    if let Some(cooled) = mine.map(cooled).max().filter(|cooled| *cooled > told) {
        let retry_after = cooled.since(told).max(Duration::from_secs(1));
        return Err(EngineError::CoolingDown { retry_after });
    }
    let live = found.escrow.requests.iter().filter(|mark| mark.live_until >= told).count();
    let max = policy.open_requests_max;
    if live >= usize::from(max) {
        return Err(EngineError::QuotaExceeded { what: Quota::RecoveryRequests, max: max.into() });
    }
    let kept = |mark: &RequestMark| {
        mark.live_until.saturating_add(limits.recovery_request_retention) >= told || cooled(mark) > told
    };
    let (owner, escrow) = (found.owner, found.id);
    let (keeps, goes): (Vec<_>, Vec<_>) = found.escrow.requests.iter().partition(|mark| kept(mark));
    if keeps.len() >= limits.recovery_requests_kept_max {
        let max = limits.recovery_requests_kept_max as u64;
        return Err(EngineError::QuotaExceeded { what: Quota::RecoveryRequests, max });
    }
    found.escrow.requests = keeps;
    let gone = goes.iter().map(|mark| keyspace::recovery_request(owner, escrow, mark.id));
    Ok(gone.fold(Decision::reply(()), Decision::delete))
}

impl Command for OpenRequest {
    type Domain = Recovery;
    type Reply = RecoveryRequest;
    const NAME: &'static str = "open_recovery_request";
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
