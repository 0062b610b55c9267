//! Shares, and who has which right on them.

use strongroom_engine::domains::sharing::{
    self as engine,
    shares::{
        AcceptShare, Accepted, CreateShare, GetShare, ListShareRights, ListShares, OfferShare, OwnShareRight,
    },
};
use strongroom_primitives::id::{ShareId, ShareRightId};
use strongroom_wire::{
    self as wire, Boxed, KeyKind, MemberList, NewShare, Problem, Reply, Share, ShareAccepted, ShareCreated,
    ShareOffer, SharePage, ShareRightGiven, ShareRights,
};

use super::{
    Desk,
    convert::{boxed, cursor, unboxed},
    cursor_of,
    sharing::parent_of,
};

fn rights(rights: engine::ShareRights) -> ShareRights {
    let engine::ShareRights { read, write, grant } = rights;
    ShareRights { read, write, grant }
}

pub(super) fn rights_of(rights: ShareRights) -> engine::ShareRights {
    let ShareRights { read, write, grant } = rights;
    engine::ShareRights { read, write, grant }
}

pub(super) fn right(right: ShareRightId) -> Reply {
    Reply::ShareRight(ShareRightGiven { right })
}

fn own(own: OwnShareRight) -> wire::OwnShareRight {
    wire::OwnShareRight {
        share: own.share,
        right: own.id,
        title: own.title.map(boxed),
        kind: own.kind.map(boxed),
        key: boxed(own.key),
        key_kind: match own.key_kind {
            engine::KeyKind::Symmetric => KeyKind::Symmetric,
            engine::KeyKind::Asymmetric => KeyKind::Asymmetric,
        },
        rights: rights(own.rights),
        accepted: own.accepted,
        created: own.created,
        written: own.written,
        expires: own.expires,
        giver: own.giver,
        giver_name: own.giver_name,
    }
}

pub(super) async fn list(
    desk: Desk<'_>,
    from: Option<String>,
    limit: Option<usize>,
) -> Result<Reply, Box<Problem>> {
    let list = ListShares { from: cursor_of(from)?, limit: desk.page_rows(limit) };
    let page = desk.ask(list).await?;
    let rights = page.rights.into_iter().map(own).collect();
    Ok(Reply::Shares(SharePage { rights, next: cursor(page.next) }))
}

pub(super) async fn create(desk: Desk<'_>, new: NewShare) -> Result<Reply, Box<Problem>> {
    let NewShare { data, key, link, parent } = new;
    let (data, key, parent) = (unboxed(data), unboxed(key), parent_of(parent));
    let id = desk.ask(CreateShare { data, key, link, parent }).await?;
    Ok(Reply::ShareCreated(ShareCreated { id }))
}

pub(super) async fn get(desk: Desk<'_>, id: ShareId) -> Result<Reply, Box<Problem>> {
    let share = desk.ask(GetShare { id }).await?;
    Ok(Reply::Share(Share {
        id: share.id,
        data: boxed(share.data),
        by: share.by,
        rights: rights(share.rights),
        written: share.written,
    }))
}

pub(super) async fn offer(desk: Desk<'_>, offer: ShareOffer) -> Result<Reply, Box<Problem>> {
    let offer = OfferShare {
        share: offer.share,
        taker: offer.taker,
        key: unboxed(offer.key),
        title: offer.title.map(unboxed),
        kind: offer.kind.map(unboxed),
        rights: rights_of(offer.rights),
        expires: offer.expires,
    };
    desk.ask(offer).await.map(right)
}

pub(super) async fn accept(
    desk: Desk<'_>,
    right: ShareRightId,
    key: Boxed,
    key_kind: KeyKind,
) -> Result<Reply, Box<Problem>> {
    let key_kind = match key_kind {
        KeyKind::Symmetric => engine::KeyKind::Symmetric,
        KeyKind::Asymmetric => engine::KeyKind::Asymmetric,
    };
    let accepted = desk.ask(AcceptShare { right, key: unboxed(key), key_kind }).await?;
    let Accepted { share, kind, data } = accepted;
    let (kind, data) = (kind.map(boxed), data.map(boxed));
    Ok(Reply::ShareAccepted(ShareAccepted { share, kind, data }))
}

pub(super) async fn members(desk: Desk<'_>, share: ShareId) -> Result<Reply, Box<Problem>> {
    let members = desk.ask(ListShareRights { share }).await?.into_iter();
    let document = |member: engine::shares::MemberRight| wire::MemberRight {
        right: member.id,
        account: member.account,
        name: member.name,
        rights: rights(member.rights),
        accepted: member.accepted,
        created: member.created,
        expires: member.expires,
        giver: member.giver,
    };
    Ok(Reply::Members(MemberList { members: members.map(document).collect() }))
}
