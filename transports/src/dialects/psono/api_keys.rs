//! API keys and what is attached to them. Source: dialects/psono.md, section 7.4.

use serde_json::{Value, json};
use strongroom_engine::{
    ApiKeyFlags, Change, EngineError,
    domains::sessions::api_key::{
        ApiKeyInfo, AttachSecret, CreateApiKey, DeleteApiKey, DetachSecret, GetApiKey, ListApiKeys,
        ListAttached, UpdateApiKey,
    },
};
use strongroom_primitives::id::{ApiKeyId, ApiKeySecretId, SecretId};

use super::{
    login::put_boxed,
    members::Members,
    problem::{self, Problem},
    session::Session,
    wire::{Answer, created, ok},
};

/// Longest title, in characters.
const TITLE_CHARS_MAX: usize = 256;
/// Longest sealed key, in bytes.
const SEALED_BYTES_MAX: usize = 256;
/// Longest sealed title of an attachment, in bytes.
const SEALED_TITLE_BYTES_MAX: usize = 1_024;

const NO_KEY: Problem = Problem::code("API_KEY_DOES_NOT_EXIST");

/// A refusal of an API key that is not there.
fn unknown(error: EngineError) -> Problem {
    match error {
        EngineError::UnknownApiKey => NO_KEY,
        error => Problem::of(&error),
    }
}

/// `PUT /api-key/`
pub(super) async fn create(session: &Session<'_>, mut members: Members) -> Result<Answer, Problem> {
    let create = CreateApiKey {
        title: members.text("title", TITLE_CHARS_MAX)?,
        public_key: members.array("public_key")?,
        verify_key: members.array("verify_key")?,
        private_key: members.boxed("private_key", "private_key_nonce", SEALED_BYTES_MAX)?,
        secret_key: members.boxed("secret_key", "secret_key_nonce", SEALED_BYTES_MAX)?,
        user_private_key: members.boxed("user_private_key", "user_private_key_nonce", SEALED_BYTES_MAX)?,
        user_secret_key: members.boxed("user_secret_key", "user_secret_key_nonce", SEALED_BYTES_MAX)?,
        flags: ApiKeyFlags {
            read: members.optional_flag("read")?.unwrap_or(true),
            write: members.optional_flag("write")?.unwrap_or(false),
            restrict: members.optional_flag("restrict_to_secrets")?.unwrap_or(false),
            insecure: members.optional_flag("allow_insecure_access")?.unwrap_or(false),
        },
        expires: None,
    };
    let info = session.tell(create).await?;
    created(json!({ "api_key_id": info.id.to_uuid() }))
}

fn short(info: &ApiKeyInfo) -> Value {
    json!({
        "id": info.id.to_uuid(),
        "title": info.title,
        "read": info.flags.read,
        "write": info.flags.write,
        "restrict_to_secrets": info.flags.restrict,
        "allow_insecure_access": info.flags.insecure,
        "active": info.active,
    })
}

/// `GET /api-key/`
pub(super) async fn list(session: &Session<'_>) -> Result<Answer, Problem> {
    let mut keys = session.tell(ListApiKeys {}).await?;
    keys.sort_by_key(|info| (info.created, info.id));
    ok(json!({ "api_keys": keys.iter().map(short).collect::<Vec<_>>() }))
}

/// `GET /api-key/{id}/`
pub(super) async fn show(session: &Session<'_>, id: &str) -> Result<Answer, Problem> {
    let nothing = || problem::NOT_THERE.about(id);
    let key = ApiKeyId::from_uuid(id).map_err(|_| nothing())?;
    let info = session.ask(GetApiKey { id: key }).await.map_err(|error| match error {
        EngineError::UnknownApiKey => nothing(),
        error => Problem::of(&error),
    })?;
    let mut shown = short(&info);
    shown["public_key"] = Value::String(super::members::hex_of(info.public_key));
    put_boxed(&mut shown, "private_key", "private_key_nonce", &info.private_key);
    put_boxed(&mut shown, "secret_key", "secret_key_nonce", &info.secret_key);
    ok(shown)
}

/// `POST /api-key/`
pub(super) async fn update(session: &Session<'_>, mut members: Members) -> Result<Answer, Problem> {
    let update = UpdateApiKey {
        id: members.id("api_key_id", ApiKeyId::from_uuid)?,
        title: members.optional_text("title", TITLE_CHARS_MAX)?,
        read: members.optional_flag("read")?,
        write: members.optional_flag("write")?,
        restrict: members.optional_flag("restrict_to_secrets")?,
        insecure: members.optional_flag("allow_insecure_access")?,
        active: members.optional_flag("active")?,
        expires: Change::Keep,
    };
    let flags = [update.read, update.write, update.restrict, update.insecure, update.active];
    if update.title.is_none() && flags.iter().all(Option::is_none) {
        return Err(problem::NOTHING_TO_UPDATE);
    }
    session.ask(update).await.map_err(unknown)?;
    ok(json!({}))
}

/// `DELETE /api-key/`
pub(super) async fn delete(session: &Session<'_>, mut members: Members) -> Result<Answer, Problem> {
    let id = members.id("api_key_id", ApiKeyId::from_uuid)?;
    session.ask(DeleteApiKey { id }).await.map_err(unknown)?;
    ok(json!({}))
}

/// `PUT /api-key/secret/`
pub(super) async fn attach(session: &Session<'_>, mut members: Members) -> Result<Answer, Problem> {
    let attach = AttachSecret {
        api_key: members.id("api_key_id", ApiKeyId::from_uuid)?,
        secret: members.id("secret_id", SecretId::from_uuid)?,
        secret_key: members.boxed("secret_key", "secret_key_nonce", SEALED_BYTES_MAX)?,
        title: members.boxed("title", "title_nonce", SEALED_TITLE_BYTES_MAX)?,
    };
    let id = session.ask(attach).await.map_err(|error| match error {
        EngineError::UnknownApiKey | EngineError::UnknownSecret => problem::NO_PERMISSION,
        error => Problem::of(&error),
    })?;
    created(json!({ "api_key_secret_id": id.to_uuid() }))
}

/// `GET /api-key/secret/{api_key_id}/`: a list and nothing around it.
pub(super) async fn attached(session: &Session<'_>, id: &str) -> Result<Answer, Problem> {
    let api_key = ApiKeyId::from_uuid(id).map_err(|_| NO_KEY)?;
    let attached = session.ask(ListAttached { api_key }).await.map_err(unknown)?;
    let shown = attached.iter().map(|info| {
        let mut one = json!({ "id": info.id.to_uuid(), "secret_id": info.secret.to_uuid() });
        put_boxed(&mut one, "title", "title_nonce", &info.title);
        one
    });
    ok(Value::Array(shown.collect()))
}

/// `DELETE /api-key/secret/`
pub(super) async fn detach(session: &Session<'_>, mut members: Members) -> Result<Answer, Problem> {
    let id = members.id("api_key_secret_id", ApiKeySecretId::from_uuid)?;
    session.tell(DetachSecret { id }).await?;
    ok(json!({}))
}
