//! Shares: what they hold, where they hang, and what lies below something. Source: dialects/psono.md, sections 7.1 and
//! 7.3. Who may do what with them is in `share_rights`.

use serde_json::{Value, json};
use strongroom_engine::domains::sharing::{
    ListChildren, Parent, ShareRights,
    shares::{CreateShare, DeleteShareLink, GetShare, MoveShareLink, PlaceShareLink, SaveShare},
};
use strongroom_primitives::id::{DatastoreId, LinkId, ShareId};

use super::{
    dates,
    login::put_boxed,
    members::Members,
    problem::{self, Problem},
    secrets::{not_there, parent},
    session::Session,
    wire::{Answer, created, ok},
};

/// Longest sealed key, title and type, in bytes.
pub(super) const SEALED_BYTES_MAX: usize = 256;
/// What is asked of the engine at once.
pub(super) const PAGE: usize = 1_000;

/// What somebody may do with a share.
pub(super) fn rights(ShareRights { read, write, grant }: ShareRights) -> Value {
    json!({ "read": read, "write": write, "grant": grant })
}

/// `POST /share/`, which creates.
pub(super) async fn create(session: &Session<'_>, mut members: Members) -> Result<Answer, Problem> {
    let parent = parent(&mut members, "parent_share_id", "parent_datastore_id")?;
    let create = CreateShare {
        data: members.data()?,
        key: members.boxed("key", "key_nonce", SEALED_BYTES_MAX)?,
        link: members.id("link_id", LinkId::from_uuid)?,
        parent,
    };
    if members.text("key_type", 16)? != "symmetric" {
        return Err(Problem::field("key_type", "Unknown key type."));
    }
    let id = session.tell(create).await?;
    created(json!({ "share_id": id.to_uuid() }))
}

/// `PUT /share/`, which saves.
pub(super) async fn save(session: &Session<'_>, mut members: Members) -> Result<Answer, Problem> {
    let id = members.id("share_id", ShareId::from_uuid)?;
    let save = SaveShare { id, data: members.data()?, previous: members.old_write_date()? };
    let written = session.tell(save).await?;
    ok(json!({ "success": "Data updated.", "write_date": dates::write(written.at) }))
}

/// `GET /share/{id}/`
pub(super) async fn show(session: &Session<'_>, id: &str) -> Result<Answer, Problem> {
    let share = ShareId::from_uuid(id).map_err(|_| problem::NOT_THERE.about(id))?;
    let share = session.ask(GetShare { id: share }).await.map_err(not_there(id))?;
    let mut shown = json!({
        "id": share.id.to_uuid(),
        "user_id": share.by.to_uuid(),
        "rights": rights(share.rights),
        "write_date": dates::write(share.written),
    });
    put_boxed(&mut shown, "data", "data_nonce", &share.data);
    ok(shown)
}

/// `PUT /share/link/`
pub(super) async fn place_link(session: &Session<'_>, mut members: Members) -> Result<Answer, Problem> {
    let link = members.id("link_id", LinkId::from_uuid)?;
    let share = members.id("share_id", ShareId::from_uuid)?;
    let parent = parent(&mut members, "parent_share_id", "parent_datastore_id")?;
    session.tell(PlaceShareLink { link, share, parent }).await?;
    created(json!({}))
}

/// `POST /share/link/`
pub(super) async fn move_link(session: &Session<'_>, mut members: Members) -> Result<Answer, Problem> {
    let link = members.id("link_id", LinkId::from_uuid)?;
    let parent = parent(&mut members, "new_parent_share_id", "new_parent_datastore_id")?;
    session.tell(MoveShareLink { link, parent }).await?;
    ok(json!({}))
}

/// `DELETE /share/link/`
pub(super) async fn delete_link(session: &Session<'_>, mut members: Members) -> Result<Answer, Problem> {
    let link = members.id("link_id", LinkId::from_uuid)?;
    session.tell(DeleteShareLink { link }).await?;
    ok(json!({}))
}

/// `GET /metadata-datastore/{id}/`
pub(super) async fn below_datastore(session: &Session<'_>, id: &str) -> Result<Answer, Problem> {
    let datastore = DatastoreId::from_uuid(id).map_err(|_| problem::NOT_THERE.about(id))?;
    below(session, Parent::Datastore(datastore), id).await
}

/// `GET /metadata-share/{id}/`
pub(super) async fn below_share(session: &Session<'_>, id: &str) -> Result<Answer, Problem> {
    let share = ShareId::from_uuid(id).map_err(|_| problem::NOT_THERE.about(id))?;
    below(session, Parent::Share(share), id).await
}

async fn below(session: &Session<'_>, parent: Parent, id: &str) -> Result<Answer, Problem> {
    let (mut shares, mut secrets, mut from) = (Vec::new(), Vec::new(), None);
    let of = |id: String, written| json!({ "id": id, "write_date": dates::write(written) });
    loop {
        let page = session.ask(ListChildren { parent, from, limit: PAGE }).await.map_err(not_there(id))?;
        shares.extend(page.shares.iter().map(|(share, written)| of(share.to_uuid(), *written)));
        secrets.extend(page.secrets.iter().map(|(secret, written)| of(secret.to_uuid(), *written)));
        from = page.next;
        if from.is_none() {
            let written = dates::write(page.written);
            return ok(json!({ "write_date": written, "shares": shares, "secrets": secrets }));
        }
    }
}
