//! Escrows, and requests for what they hold.

use std::time::Duration;

use strongroom_engine::domains::recovery as engine;
use strongroom_primitives::id::{EscrowId, RecoveryRequestId};
use strongroom_wire::{self as wire, Base64Array, Base64Bytes, Problem, Reply};

use super::{Desk, convert::recovery_state};

fn kind(kind: engine::HolderKind) -> wire::HolderKind {
    match kind {
        engine::HolderKind::Account(subject) => wire::HolderKind::Account(subject),
        engine::HolderKind::Device { signer } => wire::HolderKind::Device { signer: Base64Array(signer) },
        engine::HolderKind::Realm => wire::HolderKind::Realm {},
        engine::HolderKind::Paper => wire::HolderKind::Paper {},
        engine::HolderKind::Server => wire::HolderKind::Server {},
    }
}

fn kind_of(kind: wire::HolderKind) -> engine::HolderKind {
    match kind {
        wire::HolderKind::Account(subject) => engine::HolderKind::Account(subject),
        wire::HolderKind::Device { signer } => engine::HolderKind::Device { signer: signer.0 },
        wire::HolderKind::Realm {} => engine::HolderKind::Realm,
        wire::HolderKind::Paper {} => engine::HolderKind::Paper,
        wire::HolderKind::Server {} => engine::HolderKind::Server,
    }
}

fn holder(holder: engine::Holder) -> wire::Holder {
    let share = holder.share.map(|share| wire::SealedShare {
        public_key: Base64Array(share.public_key),
        text: Base64Bytes(share.text),
    });
    wire::Holder { index: holder.index, kind: kind(holder.kind), share }
}

fn deal_of(deal: wire::Deal) -> engine::Deal {
    let holders = deal.holders.into_iter().map(|holder| engine::Holder {
        index: holder.index,
        kind: kind_of(holder.kind),
        share: holder
            .share
            .map(|share| engine::SealedShare { public_key: share.public_key.0, text: share.text.0 }),
    });
    engine::Deal { commitments: deal.commitments.0, holders: holders.collect() }
}

fn policy(policy: engine::ReleasePolicy) -> wire::ReleasePolicy {
    wire::ReleasePolicy {
        quorum: policy.quorum,
        delay_s: policy.delay.as_secs(),
        window_s: policy.window.as_secs(),
        collect_s: policy.collect.as_secs(),
        cooldown_s: policy.cooldown.as_secs(),
        open_requests_max: policy.open_requests_max,
        activity_vetoes: policy.activity_vetoes,
    }
}

fn policy_of(policy: wire::ReleasePolicy) -> engine::ReleasePolicy {
    engine::ReleasePolicy {
        quorum: policy.quorum,
        delay: Duration::from_secs(policy.delay_s),
        window: Duration::from_secs(policy.window_s),
        collect: Duration::from_secs(policy.collect_s),
        cooldown: Duration::from_secs(policy.cooldown_s),
        open_requests_max: policy.open_requests_max,
        activity_vetoes: policy.activity_vetoes,
    }
}

fn summary(summary: engine::EscrowSummary) -> wire::EscrowSummary {
    wire::EscrowSummary {
        id: summary.id,
        owner: summary.owner,
        label: summary.label,
        threshold: summary.threshold,
        holders: summary.holders,
        epoch: summary.epoch,
        created: summary.created,
        written: summary.written,
    }
}

fn request(request: engine::RecoveryRequest) -> wire::RecoveryRequest {
    let approvals = request.approvals.into_iter().map(|(index, at)| wire::Approved { index, at });
    wire::RecoveryRequest {
        id: request.id,
        requester: request.requester,
        public_key: Base64Array(request.public_key),
        reason: request.reason,
        epoch: request.epoch,
        opened: request.opened,
        state: recovery_state(request.state),
        approvals: approvals.collect(),
        quorum: request.quorum,
    }
}

fn page(page: engine::EscrowPage) -> Reply {
    let escrows = page.escrows.into_iter().map(summary).collect();
    Reply::Escrows(wire::EscrowPage { escrows, next: page.next })
}

/// The key is public, and shown to whoever is signed in.
pub(super) async fn key(desk: Desk<'_>) -> Result<Reply, Box<Problem>> {
    let public_key = Base64Array(desk.front.engine().recovery_key());
    desk.ask(strongroom_engine::domains::accounts::WhoAmI).await?;
    Ok(Reply::RecoveryKey(wire::RecoveryKey { public_key }))
}

pub(super) async fn create(desk: Desk<'_>, new: wire::NewEscrow) -> Result<Reply, Box<Problem>> {
    let create = engine::CreateEscrow {
        id: new.id,
        label: new.label,
        payload: new.payload.0,
        deal: deal_of(new.deal),
        policy: policy_of(new.policy),
    };
    desk.ask(create).await.map(|made| Reply::EscrowDealt(summary(made)))
}

pub(super) async fn refresh(desk: Desk<'_>, next: wire::EscrowRefresh) -> Result<Reply, Box<Problem>> {
    let refresh = engine::RefreshEscrow {
        id: next.id,
        epoch: next.epoch,
        deal: deal_of(next.deal),
        payload: next.payload.map(|payload| payload.0),
    };
    desk.ask(refresh).await.map(|dealt| Reply::EscrowDealt(summary(dealt)))
}

pub(super) async fn list(
    desk: Desk<'_>,
    from: Option<EscrowId>,
    limit: Option<usize>,
) -> Result<Reply, Box<Problem>> {
    let limit = desk.page_rows(limit);
    desk.ask(engine::ListEscrows { from, limit }).await.map(page)
}

pub(super) async fn held(
    desk: Desk<'_>,
    from: Option<EscrowId>,
    limit: Option<usize>,
) -> Result<Reply, Box<Problem>> {
    let limit = desk.page_rows(limit);
    desk.ask(engine::ListHeldEscrows { from, limit }).await.map(page)
}

pub(super) async fn get(desk: Desk<'_>, id: EscrowId) -> Result<Reply, Box<Problem>> {
    let escrow = desk.ask(engine::GetEscrow { id }).await?;
    Ok(Reply::Escrow(Box::new(wire::Escrow {
        summary: summary(escrow.summary),
        commitments: Base64Bytes(escrow.commitments),
        policy: policy(escrow.policy),
        holders: escrow.holders.into_iter().map(holder).collect(),
        payload: escrow.payload.map(Base64Bytes),
    })))
}

pub(super) async fn open(
    desk: Desk<'_>,
    escrow: EscrowId,
    public_key: Base64Array<32>,
    reason: String,
) -> Result<Reply, Box<Problem>> {
    let open = engine::OpenRequest { escrow, public_key: public_key.0, reason };
    desk.ask(open).await.map(|opened| Reply::RecoveryRequest(request(opened)))
}

pub(super) async fn requests(desk: Desk<'_>, escrow: EscrowId) -> Result<Reply, Box<Problem>> {
    let requests = desk.ask(engine::ListRequests { escrow }).await?.into_iter().map(request).collect();
    Ok(Reply::RecoveryRequests(wire::RecoveryRequestList { requests }))
}

pub(super) async fn one(
    desk: Desk<'_>,
    escrow: EscrowId,
    id: RecoveryRequestId,
) -> Result<Reply, Box<Problem>> {
    let get = engine::GetRequest { escrow, request: id };
    desk.ask(get).await.map(|shown| Reply::RecoveryRequest(request(shown)))
}

pub(super) async fn approve(desk: Desk<'_>, approval: wire::RecoveryApproval) -> Result<Reply, Box<Problem>> {
    let approve = engine::ApproveRequest {
        escrow: approval.escrow,
        request: approval.request,
        epoch: approval.epoch,
        index: approval.index,
        sealed: approval.sealed.0,
        signature: approval.signature.map(|signature| signature.0.to_vec().into()),
    };
    desk.ask(approve).await.map(|approved| Reply::RecoveryRequest(request(approved)))
}

pub(super) async fn collect(
    desk: Desk<'_>,
    escrow: EscrowId,
    request: RecoveryRequestId,
) -> Result<Reply, Box<Problem>> {
    let release = desk.ask(engine::CollectRelease { escrow, request }).await?;
    let shares = release.shares.into_iter();
    let shares = shares.map(|(index, sealed)| wire::ReleasedShare { index, sealed: Base64Bytes(sealed) });
    Ok(Reply::Release(wire::Release {
        epoch: release.epoch,
        commitments: Base64Bytes(release.commitments),
        shares: shares.collect(),
        payload: Base64Bytes(release.payload),
        until: release.until,
    }))
}
