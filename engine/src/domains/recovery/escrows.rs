//! Escrows: created, shown, listed and deleted.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use strongroom_primitives::{
    id::{EscrowId, Subject},
    time::Timestamp,
};
use strongroom_storage::Key;

use super::{
    Deal, Holder, HolderKind, LABEL_BYTES_MAX, Recovery, ReleasePolicy, SealedShare, clock,
    deal::Place,
    find::{self, Found},
    rows::{StoredEscrow, StoredEscrowContent, StoredEscrowPlace, StoredHolding},
};
use crate::{
    command::{Command, Decision, Kind, Lane, Moment, Reads, Step, View},
    credential::{Need, Principal},
    domains::pause::{self, Pause, row},
    error::{EngineError, Quota},
    feed::Event,
    keyspace::{self, Keyspace},
    limits::Limits,
};

/// Refuses a payload that is empty or too large.
pub(super) fn check_payload(payload: &Bytes, limits: &Limits) -> Result<(), EngineError> {
    let (bytes, max) = (payload.len(), limits.escrow_payload_bytes_max);
    let fits = (1..=max).contains(&bytes);
    if fits { Ok(()) } else { Err(EngineError::FieldSize { field: "payload", bytes, max }) }
}

/// Creates an escrow of the caller's, in epoch 1.
#[derive(Debug, Clone, Serialize)]
pub struct CreateEscrow {
    /// Its id, which the client draws: what is sealed names it.
    pub id: EscrowId,
    /// What people know it by; at most 256 bytes.
    pub label: String,
    /// What is recovered, sealed under the key of the shared secret; at most [`Limits::escrow_payload_bytes_max`].
    pub payload: Bytes,
    /// The shares.
    pub deal: Deal,
    /// When they are given out.
    pub policy: ReleasePolicy,
}

impl Command for CreateEscrow {
    type Domain = Recovery;
    type Reply = EscrowSummary;
    const NAME: &'static str = "create_escrow";
    const KIND: Kind = Kind::Write;

    fn needs(&self) -> Need {
        Need::Account
    }

    fn reads(&self, who: &Principal, _: &Keyspace) -> Reads {
        Reads::one(keyspace::escrow_place(self.id)).row(keyspace::ledger(who.account))
    }

    fn decide(
        &self,
        view: &View<'_>,
        who: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<EscrowSummary>, EngineError> {
        let (label, max) = (self.label.len(), LABEL_BYTES_MAX);
        if label > max {
            return Err(EngineError::FieldSize { field: "label", bytes: label, max });
        }
        check_payload(&self.payload, moment.limits)?;
        let (present, max) = (keyspace::escrows(who.account), moment.limits.account_escrows_max);
        if !view.has_range(&present) {
            // Every escrow that comes or goes is told of, so the ledger guards the range.
            let ledger = keyspace::ledger(who.account);
            return Ok(Step::Need(Reads::none().range(present, None, max.max(1), ledger)));
        }
        if view.is_there(&keyspace::escrow_place(self.id))? {
            return Err(EngineError::EscrowExists);
        }
        if view.keys(&present)?.0.len() >= max {
            return Err(EngineError::QuotaExceeded { what: Quota::Escrows, max: max as u64 });
        }
        let identity = who.identity()?;
        let (realm, owner) = (&identity.realm, &identity.subject);
        let place = Place { escrow: self.id, epoch: 1, realm, owner };
        let checked = self.deal.check(&place, moment).map_err(EngineError::EscrowInvalid)?;
        let now = clock::present(moment);
        let escrow = StoredEscrow {
            owner: owner.clone(),
            label: self.label.clone(),
            epoch: 1,
            commitments: self.deal.commitments.clone(),
            holders: checked.holders,
            policy: self.policy,
            created: now,
            written: now,
            requests: Vec::new(),
        };
        self.policy.check(escrow.approvers(), moment.limits).map_err(EngineError::EscrowInvalid)?;
        let found = Found { id: self.id, owner: who.account, escrow };
        let content = StoredEscrowContent { payload: self.payload.clone(), sealed: checked.sealed };
        let decision = Decision::reply(EscrowSummary::of(&found))
            .put(keyspace::escrow_place(self.id), &StoredEscrowPlace { owner: who.account })
            .put(keyspace::escrow_content(who.account, self.id), &content);
        let decision = found.put(put_holdings(decision, &found, now));
        found.tell(decision, &Event::EscrowPut { escrow: self.id, epoch: 1 }).done()
    }
}

/// Writes down at its holders that they hold it.
pub(super) fn put_holdings<R>(decision: Decision<R>, found: &Found, since: Timestamp) -> Decision<R> {
    found.escrow.holders.iter().fold(decision, |decision, holder| match holder.account {
        Some(account) => {
            let key = keyspace::escrow_held(account, found.id);
            decision.put(key, &StoredHolding { index: holder.index, since })
        }
        None => decision,
    })
}

/// What a list shows of an escrow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EscrowSummary {
    /// Which.
    pub id: EscrowId,
    /// Whose.
    pub owner: Subject,
    /// What people know it by.
    pub label: String,
    /// How many shares make the secret.
    pub threshold: u8,
    /// How many there are.
    pub holders: u8,
    /// How often it was dealt.
    pub epoch: u32,
    /// When it was created.
    pub created: Timestamp,
    /// When it was dealt last.
    pub written: Timestamp,
}

impl EscrowSummary {
    pub(super) fn of(found: &Found) -> Self {
        let StoredEscrow { owner, label, epoch, holders, created, written, .. } = &found.escrow;
        Self {
            id: found.id,
            owner: owner.clone(),
            label: label.clone(),
            threshold: found.escrow.threshold(),
            holders: u8::try_from(holders.len()).unwrap_or(u8::MAX),
            epoch: *epoch,
            created: *created,
            written: *written,
        }
    }
}

/// An escrow, as far as the caller may see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Escrow {
    /// What a list shows of it.
    pub summary: EscrowSummary,
    /// What shares are checked by.
    pub commitments: Bytes,
    /// When shares are given out.
    pub policy: ReleasePolicy,
    /// The holders. Shares are shown to those who open them: a holder's own to the holder, and to the owner those of
    /// devices, realms and paper.
    pub holders: Vec<Holder>,
    /// What is recovered, sealed; for the owner. Others get it with a release.
    pub payload: Option<Bytes>,
}

/// Shows an escrow to its owner, or to an account that holds a share of it.
#[derive(Debug, Clone, Serialize)]
pub struct GetEscrow {
    /// Which.
    pub id: EscrowId,
}

impl GetEscrow {
    fn rule(&self, view: &View<'_>, who: &Principal) -> Result<Decision<Escrow>, Pause> {
        let found = find::known(view, who, self.id)?;
        let content: Option<StoredEscrowContent> = row(view, keyspace::escrow_content(found.owner, self.id))?;
        let mut content = content.ok_or(EngineError::Corrupt)?;
        let is_owner = found.is_owner(who);
        let holders = found.escrow.holders.iter().map(|holder| {
            let sees = match &holder.kind {
                HolderKind::Account(_) => holder.account == Some(who.account),
                HolderKind::Server => false,
                HolderKind::Device { .. } | HolderKind::Realm | HolderKind::Paper => is_owner,
            };
            let text = content.sealed.remove(&holder.index).filter(|_| sees);
            let share = holder.public_key.zip(text);
            let share = share.map(|(public_key, text)| SealedShare { public_key, text });
            Holder { index: holder.index, kind: holder.kind.clone(), share }
        });
        let holders = holders.collect();
        Ok(Decision::reply(Escrow {
            summary: EscrowSummary::of(&found),
            commitments: found.escrow.commitments.clone(),
            policy: found.escrow.policy,
            holders,
            payload: is_owner.then_some(content.payload),
        }))
    }
}

impl Command for GetEscrow {
    type Domain = Recovery;
    type Reply = Escrow;
    const NAME: &'static str = "get_escrow";
    const KIND: Kind = Kind::Read;

    fn needs(&self) -> Need {
        Need::Account
    }

    fn reads(&self, _: &Principal, _: &Keyspace) -> Reads {
        find::reads(self.id)
    }

    fn decide(
        &self,
        view: &View<'_>,
        who: &Principal,
        _: &mut Moment<'_>,
    ) -> Result<Step<Escrow>, EngineError> {
        pause::step(self.rule(view, who))
    }
}

/// Deletes an escrow of the caller's with everything in it, and ends its requests.
#[derive(Debug, Clone, Serialize)]
pub struct DeleteEscrow {
    /// Which.
    pub id: EscrowId,
}

impl DeleteEscrow {
    fn rule(&self, view: &View<'_>, who: &Principal) -> Result<Decision<()>, Pause> {
        let found = find::own(view, who, self.id)?;
        let rows = found.escrow.rows_with_it(found.owner, self.id);
        let decision = rows.into_iter().fold(Decision::reply(()), Decision::delete);
        let decision = decision.delete(keyspace::escrow(found.owner, self.id));
        Ok(found.tell(decision, &Event::EscrowDeleted { escrow: self.id }))
    }
}

impl Command for DeleteEscrow {
    type Domain = Recovery;
    type Reply = ();
    const NAME: &'static str = "delete_escrow";
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

    fn decide(&self, view: &View<'_>, who: &Principal, _: &mut Moment<'_>) -> Result<Step<()>, EngineError> {
        pause::step(self.rule(view, who))
    }
}

/// A page of escrows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EscrowPage {
    /// In the order of their ids.
    pub escrows: Vec<EscrowSummary>,
    /// Where to go on, if there may be more.
    pub next: Option<EscrowId>,
}

fn page_limit(limit: usize, limits: &Limits) -> usize {
    limit.clamp(1, limits.page_rows_max)
}

/// The escrow that a key of the caller's goes on with.
fn id_of(key: &Key) -> Option<EscrowId> {
    keyspace::sixteen(key, 17).map(EscrowId::from_bytes)
}

/// Lists the caller's own escrows.
#[derive(Debug, Clone, Serialize)]
pub struct ListEscrows {
    /// Where to go on: the `next` of the page before.
    pub from: Option<EscrowId>,
    /// At most so many, 1 to [`Limits::page_rows_max`].
    pub limit: usize,
}

impl Command for ListEscrows {
    type Domain = Recovery;
    type Reply = EscrowPage;
    const NAME: &'static str = "list_escrows";
    const KIND: Kind = Kind::Read;

    fn needs(&self) -> Need {
        Need::Account
    }

    fn reads(&self, _: &Principal, _: &Keyspace) -> Reads {
        Reads::none()
    }

    fn decide(
        &self,
        view: &View<'_>,
        who: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<EscrowPage>, EngineError> {
        let prefix = keyspace::escrows(who.account);
        if !view.has_range(&prefix) {
            let from = self.from.map(|id| keyspace::escrow(who.account, id));
            let limit = page_limit(self.limit, moment.limits);
            return Ok(Step::Need(Reads::none().range_hint(prefix, from, limit)));
        }
        let (rows, next) = view.range::<StoredEscrow>(&prefix)?;
        let owner = who.account;
        let shown = rows.into_iter().filter_map(|(key, escrow)| Some((id_of(&key)?, escrow)));
        let shown = shown.map(|(id, escrow)| EscrowSummary::of(&Found { id, owner, escrow }));
        Decision::reply(EscrowPage { escrows: shown.collect(), next: next.as_ref().and_then(id_of) }).done()
    }
}

/// Lists the escrows that the caller holds a share of.
#[derive(Debug, Clone, Serialize)]
pub struct ListHeldEscrows {
    /// Where to go on: the `next` of the page before.
    pub from: Option<EscrowId>,
    /// At most so many, 1 to [`Limits::page_rows_max`].
    pub limit: usize,
}

impl ListHeldEscrows {
    fn rule(
        &self,
        view: &View<'_>,
        who: &Principal,
        moment: &Moment<'_>,
    ) -> Result<Decision<EscrowPage>, Pause> {
        let prefix = keyspace::all_escrows_held(who.account);
        if !view.has_range(&prefix) {
            let from = self.from.map(|id| keyspace::escrow_held(who.account, id));
            let limit = page_limit(self.limit, moment.limits);
            return Err(Pause::Need(Reads::none().range_hint(prefix, from, limit)));
        }
        let (keys, next) = view.keys(&prefix)?;
        let mut escrows = Vec::new();
        let parts = keys.iter().filter_map(id_of).map(|id| pause::settled(find::known(view, who, id)));
        for part in pause::all(parts)? {
            match part {
                Ok(found) => escrows.push(EscrowSummary::of(&found)),
                // It went between the two looks.
                Err(EngineError::UnknownEscrow) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(Decision::reply(EscrowPage { escrows, next: next.as_ref().and_then(id_of) }))
    }
}

impl Command for ListHeldEscrows {
    type Domain = Recovery;
    type Reply = EscrowPage;
    const NAME: &'static str = "list_held_escrows";
    const KIND: Kind = Kind::Read;

    fn needs(&self) -> Need {
        Need::Account
    }

    fn reads(&self, _: &Principal, _: &Keyspace) -> Reads {
        Reads::none()
    }

    fn decide(
        &self,
        view: &View<'_>,
        who: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<EscrowPage>, EngineError> {
        pause::step(self.rule(view, who, moment))
    }
}
