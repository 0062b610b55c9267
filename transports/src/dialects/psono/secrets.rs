//! Secrets, their history and their links. Source: dialects/psono.md, section 7.2.

use serde_json::{Value, json};
use strongroom_engine::{
    EngineError,
    domains::sharing::{
        Parent,
        secrets::{
            Callback, CreateSecrets, DeleteSecretLink, GetSecretVersion, MoveSecretLink, NewSecret,
            ReadSecret, ReadSecrets, SecretHistory, SecretState, UpdateSecret,
        },
    },
};
use strongroom_primitives::id::{DatastoreId, LinkId, SecretId, SecretVersionId, ShareId};

use super::{
    dates,
    login::put_boxed,
    members::Members,
    problem::{self, Problem},
    session::Session,
    wire::{Answer, created, ok},
};

/// Longest address of a callback, in characters.
const URL_CHARS_MAX: usize = 2_048;
/// Longest name and password of a callback, in characters.
const CALLBACK_CHARS_MAX: usize = 128;
/// Secrets that are made or read at once.
const SECRETS_MAX: usize = 1_000;

/// What is not there, named as the caller named it.
pub(super) fn not_there(id: &str) -> impl Fn(EngineError) -> Problem {
    move |error| match error {
        EngineError::UnknownSecret | EngineError::UnknownShare | EngineError::UnknownDatastore => {
            problem::NOT_THERE.about(id)
        }
        error => Problem::of(&error),
    }
}

/// Below what something is made, placed or moved: a datastore or a share, and not both.
pub(super) fn parent(
    members: &mut Members,
    share: &'static str,
    datastore: &'static str,
) -> Result<Parent, Problem> {
    let share = members.optional_id(share, ShareId::from_uuid)?;
    match (share, members.optional_id(datastore, DatastoreId::from_uuid)?) {
        (Some(share), None) => Ok(Parent::Share(share)),
        (None, Some(datastore)) => Ok(Parent::Datastore(datastore)),
        _ => Err(problem::ONE_PARENT),
    }
}

/// What a client wants called when the secret changes. It is kept and never called.
pub(super) fn callback(members: &mut Members) -> Result<Callback, Problem> {
    Ok(Callback {
        url: members.optional_text("callback_url", URL_CHARS_MAX)?,
        user: members.optional_text("callback_user", CALLBACK_CHARS_MAX)?,
        pass: members.optional_text("callback_pass", CALLBACK_CHARS_MAX)?,
    })
}

fn put_callback(document: &mut Value, callback: &Callback) {
    document["callback_url"] = json!(callback.url.as_deref().unwrap_or_default());
    document["callback_user"] = json!(callback.user.as_deref().unwrap_or_default());
    document["callback_pass"] = json!(callback.pass.as_deref().unwrap_or_default());
}

fn new_secret(members: &mut Members) -> Result<NewSecret, Problem> {
    Ok(NewSecret {
        data: members.data()?,
        link: members.id("link_id", LinkId::from_uuid)?,
        callback: callback(members)?,
    })
}

/// `PUT /secret/`
pub(super) async fn create(session: &Session<'_>, mut members: Members) -> Result<Answer, Problem> {
    let parent = parent(&mut members, "parent_share_id", "parent_datastore_id")?;
    let secrets = vec![new_secret(&mut members)?];
    let made = session.tell(CreateSecrets { secrets, parent }).await?;
    let made = made.first().ok_or(problem::INTERNAL)?;
    created(json!({ "secret_id": made.id.to_uuid() }))
}

/// `PUT /bulk-secret/`
pub(super) async fn create_many(session: &Session<'_>, mut members: Members) -> Result<Answer, Problem> {
    let parent = parent(&mut members, "parent_share_id", "parent_datastore_id")?;
    let mut given = members.objects("secrets", SECRETS_MAX)?;
    let secrets = given.iter_mut().map(new_secret).collect::<Result<_, _>>()?;
    let made = session.tell(CreateSecrets { secrets, parent }).await?;
    let shown =
        made.iter().map(|made| json!({ "link_id": made.link.to_uuid(), "secret_id": made.id.to_uuid() }));
    created(json!({ "secrets": shown.collect::<Vec<_>>() }))
}

fn shown(state: &SecretState) -> Value {
    let mut shown = json!({
        "create_date": dates::write(state.created),
        "write_date": dates::write(state.written),
        "type": "password",
        "read_count": state.reads,
    });
    put_boxed(&mut shown, "data", "data_nonce", &state.data);
    put_callback(&mut shown, &state.callback);
    shown
}

/// `GET /secret/{id}/`
pub(super) async fn read(session: &Session<'_>, id: &str) -> Result<Answer, Problem> {
    let secret = SecretId::from_uuid(id).map_err(|_| problem::NOT_THERE.about(id))?;
    let state = session.ask(ReadSecret { id: secret }).await.map_err(not_there(id))?;
    ok(shown(&state))
}

/// `POST /bulk-secret-read/`
pub(super) async fn read_many(session: &Session<'_>, mut members: Members) -> Result<Answer, Problem> {
    let ids = members.ids("secret_ids", SECRETS_MAX, SecretId::from_uuid)?;
    let states = session.tell(ReadSecrets { ids }).await?;
    let shown = states.iter().map(|state| {
        let mut one = shown(state);
        one["id"] = state.id.to_uuid().into();
        one
    });
    ok(json!({ "secrets": shown.collect::<Vec<_>>() }))
}

/// `POST /secret/`
pub(super) async fn update(session: &Session<'_>, mut members: Members) -> Result<Answer, Problem> {
    let update = UpdateSecret {
        id: members.id("secret_id", SecretId::from_uuid)?,
        data: members.optional_data()?,
        callback: callback(&mut members)?,
        previous: members.old_write_date()?,
    };
    let written = session.tell(update).await?;
    ok(json!({ "success": "Data updated.", "write_date": dates::write(written.at) }))
}

/// `GET /secret/history/{id}/`
pub(super) async fn history(session: &Session<'_>, id: &str) -> Result<Answer, Problem> {
    let secret = SecretId::from_uuid(id).map_err(|_| problem::NOT_THERE.about(id))?;
    let versions = session.ask(SecretHistory { secret }).await.map_err(not_there(id))?;
    let shown = versions.iter().map(|version| {
        json!({
            "id": version.id.to_uuid(),
            "create_date": dates::write(version.written),
            "username": version.name.as_ref().map(|name| name.as_str()).unwrap_or_default(),
        })
    });
    ok(json!({ "history": shown.collect::<Vec<_>>() }))
}

/// `GET /history/{id}/`
pub(super) async fn version(session: &Session<'_>, id: &str) -> Result<Answer, Problem> {
    let version = SecretVersionId::from_uuid(id).map_err(|_| problem::NOT_THERE.about(id))?;
    let state = session.ask(GetSecretVersion { id: version }).await.map_err(not_there(id))?;
    let mut shown = json!({
        "create_date": dates::write(state.created),
        "write_date": dates::write(state.written),
        "type": "password",
    });
    put_boxed(&mut shown, "data", "data_nonce", &state.data);
    put_callback(&mut shown, &state.callback);
    ok(shown)
}

/// `POST /secret/link/`
pub(super) async fn move_link(session: &Session<'_>, mut members: Members) -> Result<Answer, Problem> {
    let link = members.id("link_id", LinkId::from_uuid)?;
    let parent = parent(&mut members, "new_parent_share_id", "new_parent_datastore_id")?;
    session.tell(MoveSecretLink { link, parent }).await?;
    ok(json!({}))
}

/// `DELETE /secret/link/`
pub(super) async fn delete_link(session: &Session<'_>, mut members: Members) -> Result<Answer, Problem> {
    let link = members.id("link_id", LinkId::from_uuid)?;
    session.tell(DeleteSecretLink { link }).await?;
    ok(json!({}))
}
