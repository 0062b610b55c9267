//! A new epoch: new shares, and with them other holders where some have gone.

use bytes::Bytes;
use serde::Serialize;
use strongroom_primitives::{id::EscrowId, sharing::POINT_BYTES};

use super::{
    Deal, EscrowFault, EscrowSummary, Recovery, clock,
    deal::Place,
    escrows::{check_payload, put_holdings},
    find,
    rows::StoredEscrowContent,
};
use crate::{
    command::{Command, Decision, Kind, Lane, Moment, Reads, Step, View},
    credential::{Need, Principal},
    domains::pause::{self, Pause, row},
    error::EngineError,
    feed::Event,
    keyspace::{self, Keyspace},
};

/// Deals an escrow of the caller's anew. Epoch, commitments, holders and sealed shares change in one commit, so nobody
/// ever sees half of a refresh; what was sealed for the epoch before is gone from the store, and requests of that epoch
/// are over. To replace a holder is to refresh without them (`RECOVERY.md`, sections 5.3 and 5.5).
///
/// The policy stays. The quorum must still be within the holders who can approve.
#[derive(Debug, Clone, Serialize)]
pub struct RefreshEscrow {
    /// Which.
    pub id: EscrowId,
    /// The epoch that this follows: the present one.
    pub epoch: u32,
    /// The shares of the next epoch.
    pub deal: Deal,
    /// What is recovered, sealed anew; `None` where the secret stays the same, as the commitments must show.
    pub payload: Option<Bytes>,
}

impl RefreshEscrow {
    fn rule(
        &self,
        view: &View<'_>,
        who: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Decision<EscrowSummary>, Pause> {
        let mut found = find::own(view, who, self.id)?;
        let before: Option<StoredEscrowContent> = row(view, keyspace::escrow_content(found.owner, self.id))?;
        let before = before.ok_or(EngineError::Corrupt)?;
        let epoch = found.escrow.epoch;
        if self.epoch != epoch {
            return Err(EngineError::StaleEpoch { epoch }.into());
        }
        let next = epoch.checked_add(1).ok_or(EngineError::StaleEpoch { epoch })?;
        self.payload.iter().try_for_each(|payload| check_payload(payload, moment.limits))?;
        let identity = who.identity()?;
        let (realm, owner) = (&identity.realm, &identity.subject);
        let place = Place { escrow: self.id, epoch: next, realm, owner };
        let checked = self.deal.check(&place, moment).map_err(EngineError::EscrowInvalid)?;
        if self.payload.is_none() && found.escrow.commitments.get(..POINT_BYTES) != Some(&checked.public) {
            return Err(EngineError::EscrowInvalid(EscrowFault::OtherSecret).into());
        }
        let now = clock::present(moment);
        let leaving: Vec<_> = found.escrow.accounts().collect();
        found.escrow.epoch = next;
        found.escrow.commitments = self.deal.commitments.clone();
        found.escrow.holders = checked.holders;
        found.escrow.written = now;
        // Of the requests only the marks stay: for the cooldown, and because their rows do.
        found.escrow.requests.iter_mut().for_each(|mark| mark.live_until = mark.live_until.min(now));
        found
            .escrow
            .policy
            .check(found.escrow.approvers(), moment.limits)
            .map_err(EngineError::EscrowInvalid)?;
        let payload = self.payload.clone().unwrap_or(before.payload);
        let content = StoredEscrowContent { payload, sealed: checked.sealed };
        let decision = Decision::reply(EscrowSummary::of(&found))
            .put(keyspace::escrow_content(found.owner, self.id), &content);
        let event = Event::EscrowPut { escrow: self.id, epoch: next };
        // Those who leave hear of it as well.
        let gone = leaving.into_iter().filter(|account| found.escrow.held_by(*account).is_none());
        let decision = gone.fold(decision, |decision, account| {
            decision.delete(keyspace::escrow_held(account, self.id)).tell(account, event.clone())
        });
        Ok(found.tell(found.put(put_holdings(decision, &found, now)), &event))
    }
}

impl Command for RefreshEscrow {
    type Domain = Recovery;
    type Reply = EscrowSummary;
    const NAME: &'static str = "refresh_escrow";
    const KIND: Kind = Kind::Write;

    fn needs(&self) -> Need {
        Need::Account
    }

    fn lane(&self, _: &Principal, _: &Keyspace) -> Lane {
        find::lane(self.id)
    }

    fn reads(&self, _: &Principal, _: &Keyspace) -> Reads {
        find::reads(self.id)
    }

    fn decide(
        &self,
        view: &View<'_>,
        who: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<EscrowSummary>, EngineError> {
        pause::step(self.rule(view, who, moment))
    }
}
