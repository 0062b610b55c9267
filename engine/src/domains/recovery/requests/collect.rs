//! Giving out what was released.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use strongroom_primitives::{
    hpke::HolderPublic,
    id::{EscrowId, RecoveryRequestId, SessionId},
    recovery::{answer_info, share_info},
    time::Timestamp,
};

use super::{Approval, RequestState, Stage, StoredRecoveryRequest, event};
use crate::{
    command::{Command, Decision, Kind, Lane, Moment, Reads, Step, View},
    credential::{Need, Principal},
    domains::{
        pause::{self, Pause, row},
        recovery::{
            HolderKind, Recovery, clock,
            find::{self, Found},
            rows::StoredEscrowContent,
        },
        sessions::{SESSIONS_READ_MAX, StoredSeen},
    },
    error::EngineError,
    keyspace::{self, Keyspace},
};

/// Takes what a request of the caller's was released for. The first time is the release: until then the owner may
/// veto. Again, until [`Release::until`], gives the same.
#[derive(Debug, Clone, Serialize)]
pub struct CollectRelease {
    /// Of which escrow.
    pub escrow: EscrowId,
    /// Which request.
    pub request: RecoveryRequestId,
}

/// What was released: ciphertexts only. The requester opens, checks and combines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    /// The epoch of the shares.
    pub epoch: u32,
    /// What they are checked by.
    pub commitments: Bytes,
    /// Holders' indices and their shares, sealed to the requester: 81 bytes each.
    pub shares: Vec<(u8, Bytes)>,
    /// What is recovered, sealed under the key of the shared secret.
    pub payload: Bytes,
    /// The last instant at which it can be collected.
    pub until: Timestamp,
}

impl CollectRelease {
    fn rule(
        &self,
        view: &View<'_>,
        who: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Decision<Release>, Pause> {
        let mut found = find::known(view, who, self.escrow)?;
        let mut request = found.request(view, self.request)?;
        if request.requester != who.account {
            return Err(EngineError::UnknownRecoveryRequest.into());
        }
        let content: Option<StoredEscrowContent> =
            row(view, keyspace::escrow_content(found.owner, self.escrow))?;
        let content = content.ok_or(EngineError::Corrupt)?;
        let due = match request.state(found.escrow.epoch, moment.now) {
            RequestState::Released { .. } => {
                return Ok(Decision::reply(released(&found, &request, content.payload)));
            }
            RequestState::Waiting { due } => due,
            RequestState::Open | RequestState::Approved => {
                return Err(EngineError::NotReleased { due: None }.into());
            }
            state => return Err(EngineError::RequestClosed { state }.into()),
        };
        if !clock::is_reached(moment, due) {
            let refused = EngineError::NotReleased { due: Some(due) };
            if moment.now < due {
                return Err(refused.into());
            }
            // By our clock it is time, and the store may only not have been told: a write tells it, and changes nothing.
            return Ok(found.put_request(Decision::refuse(refused), self.request, &request));
        }
        let now = clock::present(moment);
        if found.escrow.policy.activity_vetoes && owner_was_seen(view, &found, &request)? {
            request.end(Stage::Vetoed, now);
            let closed = EngineError::RequestClosed { state: RequestState::Vetoed };
            let decision = found.put_request(Decision::refuse(closed), self.request, &request);
            return Ok(found.tell(decision, &event(&found, self.request, &request, now)));
        }
        moment.relies_on(request.live_until);
        let own = self.own_share(&found, &request, &content, moment)?;
        request.approvals.extend(own.map(|(index, sealed)| Approval { index, at: now, sealed }));
        request.stage = Stage::Released;
        request.live_until = now.saturating_add(found.escrow.policy.collect);
        let release = released(&found, &request, content.payload);
        let decision = found.put_request(Decision::reply(release), self.request, &request);
        Ok(found.tell(decision, &event(&found, self.request, &request, now)))
    }

    /// The server's own share, sealed to the requester, if it holds one.
    fn own_share(
        &self,
        found: &Found,
        request: &StoredRecoveryRequest,
        content: &StoredEscrowContent,
        moment: &Moment<'_>,
    ) -> Result<Option<(u8, Bytes)>, EngineError> {
        let own = found.escrow.holders.iter().find(|holder| holder.kind == HolderKind::Server);
        let Some(index) = own.map(|holder| holder.index) else { return Ok(None) };
        let epoch = found.escrow.epoch;
        let sealed = content.sealed.get(&index).ok_or(EngineError::Corrupt)?;
        let info = share_info(self.escrow, epoch, index, &found.escrow.commitments);
        let share = moment.secrets.recovery().open(&info, b"", sealed).map_err(|_| EngineError::Corrupt)?;
        let requester = HolderPublic::from_bytes(request.public_key).map_err(|_| EngineError::Corrupt)?;
        let info = answer_info(self.escrow, self.request, epoch, index);
        let sealed = requester.seal(&info, b"", &share, moment.entropy.array());
        Ok(Some((index, sealed.map_err(|_| EngineError::Corrupt)?.into())))
    }
}

fn released(found: &Found, request: &StoredRecoveryRequest, payload: Bytes) -> Release {
    Release {
        epoch: request.epoch,
        commitments: found.escrow.commitments.clone(),
        shares: request.approvals.iter().map(|given| (given.index, given.sealed.clone())).collect(),
        payload,
        until: request.live_until,
    }
}

/// Whether the owner has used a session since the request was opened, other than the one that opened it.
fn owner_was_seen(view: &View<'_>, found: &Found, request: &StoredRecoveryRequest) -> Result<bool, Pause> {
    let prefix = keyspace::sessions_seen(found.owner);
    if !view.has_range(&prefix) {
        // One for each session, of whatever kind, and one for those that have ended.
        return Err(Pause::Need(Reads::none().range_hint(prefix, None, SESSIONS_READ_MAX + 1)));
    }
    let (seen, _) = view.range::<StoredSeen>(&prefix)?;
    let is_other = |session: Option<[u8; 16]>| session.map(SessionId::from_bytes) != request.session;
    Ok(seen.iter().any(|(key, seen)| is_other(keyspace::sixteen(key, 17)) && seen.at > request.opened))
}

impl Command for CollectRelease {
    type Domain = Recovery;
    type Reply = Release;
    const NAME: &'static str = "collect_release";
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
    ) -> Result<Step<Release>, EngineError> {
        pause::step(self.rule(view, who, moment))
    }
}
