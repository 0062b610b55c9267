//! Datastores. Source: dialects/psono.md, section 7.1.

use serde_json::{Value, json};
use strongroom_engine::{
    EngineError,
    domains::sharing::{
        CreateDatastore, Datastore, DatastoreInfo, DeleteDatastore, GetDatastore, ListDatastores,
        UpdateDatastore,
    },
};
use strongroom_primitives::id::DatastoreId;

use super::{
    dates,
    members::Members,
    people::authkey,
    problem::{self, Problem},
    session::Session,
    wire::{Answer, created, ok, put_data},
};

/// Longest type and description, in characters.
const TEXT_CHARS_MAX: usize = 64;
/// Longest sealed key, in bytes: 256 hexadecimal digits.
const KEY_BYTES_MAX: usize = 128;

/// A datastore that is not there is refused by another status than all else that is not there.
fn unknown(error: EngineError) -> Problem {
    match error {
        EngineError::UnknownDatastore => problem::DATASTORE_NOT_THERE,
        error => Problem::of(&error),
    }
}

fn short(DatastoreInfo { id, kind, description, is_default }: &DatastoreInfo) -> Value {
    json!({ "id": id.to_uuid(), "type": kind, "description": description, "is_default": is_default })
}

/// `GET /datastore/`
pub(super) async fn list(session: &Session<'_>) -> Result<Answer, Problem> {
    let datastores = session.tell(ListDatastores {}).await?;
    ok(json!({ "datastores": datastores.iter().map(short).collect::<Vec<_>>() }))
}

/// `GET /datastore/{id}/`
pub(super) async fn show(session: &Session<'_>, id: &str) -> Result<Answer, Problem> {
    let id = DatastoreId::from_uuid(id).map_err(|_| problem::DATASTORE_NOT_THERE)?;
    let Datastore { info, data, secret_key, written } =
        session.ask(GetDatastore { id }).await.map_err(unknown)?;
    let mut shown = json!({
        "type": info.kind,
        "description": info.description,
        "is_default": info.is_default,
        "write_date": dates::write(written),
    });
    put_data(&mut shown, "data", "data_nonce", data.as_ref());
    put_data(&mut shown, "secret_key", "secret_key_nonce", Some(&secret_key));
    ok(shown)
}

/// `PUT /datastore/`
pub(super) async fn create(session: &Session<'_>, mut members: Members) -> Result<Answer, Problem> {
    let create = CreateDatastore {
        kind: members.text("type", TEXT_CHARS_MAX)?,
        description: members.text("description", TEXT_CHARS_MAX)?,
        data: members.optional_data()?,
        secret_key: members.boxed("secret_key", "secret_key_nonce", KEY_BYTES_MAX)?,
        is_default: members.optional_flag("is_default")?.unwrap_or(true),
    };
    let id = session.tell(create).await?;
    created(json!({ "datastore_id": id.to_uuid() }))
}

/// `POST /datastore/`
pub(super) async fn update(session: &Session<'_>, mut members: Members) -> Result<Answer, Problem> {
    let update = UpdateDatastore {
        id: members.id("datastore_id", DatastoreId::from_uuid)?,
        data: members.optional_data()?,
        secret_key: members.optional_boxed("secret_key", "secret_key_nonce", KEY_BYTES_MAX)?,
        description: members.optional_text("description", TEXT_CHARS_MAX)?,
        is_default: members.optional_flag("is_default")?,
        previous: members.old_write_date()?,
    };
    let written = session.ask(update).await.map_err(unknown)?;
    ok(json!({ "success": "Data updated.", "write_date": dates::write(written.at) }))
}

/// `DELETE /datastore/`
pub(super) async fn delete(session: &Session<'_>, mut members: Members) -> Result<Answer, Problem> {
    let id = members.id("datastore_id", DatastoreId::from_uuid)?;
    let authkey = Some(authkey(&mut members)?);
    session.ask(DeleteDatastore { id, authkey, network: session.network() }).await.map_err(unknown)?;
    ok(json!({}))
}
