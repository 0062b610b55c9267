//! Rights on shares: offered, answered, changed, revoked and listed. Source: dialects/psono.md, section 7.3.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use strongroom_engine::{
    Access, Boxed,
    domains::{
        accounts::WhoAmI,
        people::{FindBy, FindPerson},
        sharing::{
            KeyKind, ShareRights,
            shares::{
                AcceptShare, ChangeShareRight, DeclineShare, ListShareRights, ListShares, MemberRight,
                OfferShare, OwnShareRight, RevokeShareRight,
            },
        },
    },
};
use strongroom_primitives::{
    id::{AccountId, ShareId, ShareRightId},
    time::Timestamp,
};

use super::{
    dates,
    members::{Members, hex_of},
    problem::{self, Problem},
    secrets::not_there,
    session::Session,
    shares::{PAGE, SEALED_BYTES_MAX},
    wire::{Answer, created, ok, put_data},
};

fn rights_of(members: &mut Members) -> Result<ShareRights, Problem> {
    Ok(ShareRights {
        read: members.flag("read")?,
        write: members.flag("write")?,
        grant: members.flag("grant")?,
    })
}

/// `PUT /share/right/`: somebody is offered a right. Groups are not served.
pub(super) async fn offer(session: &Session<'_>, mut members: Members) -> Result<Answer, Problem> {
    let offer = OfferShare {
        share: members.id("share_id", ShareId::from_uuid)?,
        taker: members.id("user_id", AccountId::from_uuid)?,
        key: members.boxed("key", "key_nonce", SEALED_BYTES_MAX)?,
        title: members.optional_boxed("title", "title_nonce", SEALED_BYTES_MAX)?,
        kind: members.optional_boxed("type", "type_nonce", SEALED_BYTES_MAX)?,
        rights: rights_of(&mut members)?,
        expires: members.optional_instant("expiration_date")?,
    };
    let id = session.tell(offer).await?;
    created(json!({ "share_right_id": id.to_uuid() }))
}

/// `POST /share/right/`
pub(super) async fn change(session: &Session<'_>, mut members: Members) -> Result<Answer, Problem> {
    let change = ChangeShareRight {
        share: members.id("share_id", ShareId::from_uuid)?,
        taker: members.id("user_id", AccountId::from_uuid)?,
        rights: rights_of(&mut members)?,
    };
    let id = session.tell(change).await?;
    ok(json!({ "share_right_id": id.to_uuid() }))
}

/// `DELETE /share/right/`
pub(super) async fn revoke(session: &Session<'_>, mut members: Members) -> Result<Answer, Problem> {
    let right = members.id("user_share_right_id", ShareRightId::from_uuid)?;
    session.tell(RevokeShareRight { right }).await?;
    ok(json!({}))
}

/// `POST /share/right/accept/`
pub(super) async fn accept(session: &Session<'_>, mut members: Members) -> Result<Answer, Problem> {
    let key_kind = match &*members.text("key_type", 16)? {
        "symmetric" => KeyKind::Symmetric,
        "asymmetric" => KeyKind::Asymmetric,
        _ => return Err(Problem::field("key_type", "Unknown key type.")),
    };
    let accept = AcceptShare {
        right: members.id("share_right_id", ShareRightId::from_uuid)?,
        key: members.boxed("key", "key_nonce", SEALED_BYTES_MAX)?,
        key_kind,
    };
    let accepted = session.tell(accept).await?;
    let mut shown = json!({ "share_id": accepted.share.to_uuid() });
    put_data(&mut shown, "share_type", "share_type_nonce", accepted.kind.as_ref());
    if accepted.data.is_some() {
        put_data(&mut shown, "share_data", "share_data_nonce", accepted.data.as_ref());
    }
    ok(shown)
}

/// `POST /share/right/decline/`
pub(super) async fn decline(session: &Session<'_>, mut members: Members) -> Result<Answer, Problem> {
    let right = members.id("share_right_id", ShareRightId::from_uuid)?;
    session.tell(DeclineShare { right }).await?;
    ok(json!({}))
}

/// Every right of the caller's, offers included, the oldest first.
async fn own(session: &Session<'_>) -> Result<Vec<OwnShareRight>, Problem> {
    let (mut rights, mut from) = (Vec::new(), None);
    loop {
        let page = session.tell(ListShares { from, limit: PAGE }).await?;
        rights.extend(page.rights);
        from = page.next;
        if from.is_none() {
            rights.sort_by_key(|right| (right.created, right.id));
            return Ok(rights);
        }
    }
}

/// What opens the offers of those who have offered something: their public keys.
async fn givers(
    session: &Session<'_>,
    own: &[OwnShareRight],
) -> Result<BTreeMap<AccountId, String>, Problem> {
    let mut keys = BTreeMap::new();
    for right in own {
        if keys.contains_key(&right.giver) {
            continue;
        }
        let found = session.tell(FindPerson { by: FindBy::Id(right.giver), access: Access::Read }).await?;
        keys.insert(right.giver, found.first().map_or_else(String::new, |card| hex_of(card.public_key)));
    }
    Ok(keys)
}

fn date(at: Option<Timestamp>) -> Value {
    at.map_or(Value::Null, |at| Value::String(dates::write(at)))
}

/// A right of the caller's; every name begins with `prefix`.
fn own_right(right: &OwnShareRight, prefix: &str) -> Value {
    let mut shown = json!({});
    let mut put = |name: &str, value: Value| shown[format!("{prefix}{name}")] = value;
    let text = |boxed: Option<&Boxed>| boxed.map_or_else(String::new, |boxed| hex_of(&boxed.text));
    let nonce = |boxed: Option<&Boxed>| boxed.map_or_else(String::new, |boxed| hex_of(boxed.nonce));
    for (name, boxed) in
        [("title", right.title.as_ref()), ("type", right.kind.as_ref()), ("key", Some(&right.key))]
    {
        put(name, text(boxed).into());
        put(&format!("{name}_nonce"), nonce(boxed).into());
    }
    let kind = match right.key_kind {
        KeyKind::Symmetric => "symmetric",
        KeyKind::Asymmetric => "asymmetric",
    };
    put("key_type", kind.into());
    put("read", right.rights.read.into());
    put("write", right.rights.write.into());
    put("grant", right.rights.grant.into());
    put("accepted", right.accepted.map_or(Value::Null, Value::Bool));
    put("create_date", dates::write(right.created).into());
    put("write_date", dates::write(right.written).into());
    put("expiration_date", date(right.expires));
    put("create_user_id", right.giver.to_uuid().into());
    let giver = right.giver_name.as_ref().map(|name| name.as_str()).unwrap_or_default();
    put("create_user_username", giver.into());
    shown
}

/// `GET /share/`
pub(super) async fn shares(session: &Session<'_>) -> Result<Answer, Problem> {
    let own = own(session).await?;
    let givers = givers(session, &own).await?;
    let me = session.tell(WhoAmI).await?.account.to_uuid();
    let shown = own.iter().map(|right| {
        let mut shown = own_right(right, "share_right_");
        shown["id"] = right.share.to_uuid().into();
        shown["share_right_id"] = right.id.to_uuid().into();
        shown["share_right_user_id"] = me.clone().into();
        shown["share_right_create_user_public_key"] = givers[&right.giver].clone().into();
        shown
    });
    ok(json!({ "shares": shown.collect::<Vec<_>>() }))
}

/// `GET /share/right/`
pub(super) async fn own_rights(session: &Session<'_>) -> Result<Answer, Problem> {
    let shown = own(session).await?.into_iter().map(|right| {
        let mut shown = own_right(&right, "");
        shown["id"] = right.id.to_uuid().into();
        shown["share_id"] = right.share.to_uuid().into();
        shown
    });
    ok(json!({ "share_rights": shown.collect::<Vec<_>>() }))
}

/// `GET /share/rights/{share_id}/`
pub(super) async fn members(session: &Session<'_>, id: &str) -> Result<Answer, Problem> {
    let share = ShareId::from_uuid(id).map_err(|_| problem::NOT_THERE.about(id))?;
    let all = session.ask(ListShareRights { share }).await.map_err(not_there(id))?;
    let me = session.tell(WhoAmI).await?.account;
    let shown = |right: &MemberRight| {
        json!({
            "id": right.id.to_uuid(),
            "share_id": id,
            "user_id": right.account.to_uuid(),
            "username": right.name.as_ref().map(|name| name.as_str()).unwrap_or_default(),
            "read": right.rights.read,
            "write": right.rights.write,
            "grant": right.rights.grant,
            "accepted": right.accepted,
            "create_date": dates::write(right.created),
            "expiration_date": date(right.expires),
            "create_user_id": right.giver.to_uuid(),
        })
    };
    let own: Vec<_> = all.iter().filter(|right| right.account == me).map(shown).collect();
    let users: Vec<_> = all.iter().map(shown).collect();
    ok(json!({ "own_share_rights": own, "user_share_rights": users, "group_share_rights": [] }))
}
