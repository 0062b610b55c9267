//! Access by an API key without a session. Source: dialects/psono.md, section 8.
//!
//! Whoever knows the ids of an API key and of a secret gets ciphertext, so every access is counted by the key. Where the
//! operator and the key allow it, a caller may send the API key's secret key and leave the opening to the server; then
//! the server sees the secret, and each such use is logged, by a tag of the key that says nothing else.

use serde_json::{Value, json};
use strongroom_engine::{
    EngineError,
    domains::sessions::api_key::{
        AttachedSecret, GetAttachedKey, InspectApiKey, NamedKey, ReadAttached, WriteAttached,
    },
};
use strongroom_primitives::{
    hash::sha256,
    id::{ApiKeyId, SecretId},
    json::parse,
    nacl::BoxKey,
    psono::open_key,
};
use zeroize::Zeroizing;

use super::{
    dates,
    login::put_boxed,
    members::{Members, hex_of},
    problem::{self, Problem},
    wire::{Answer, Open, ok},
};
use crate::exchange::StatusCode;

/// Longest way into a document, in characters.
const FILTER_CHARS_MAX: usize = 1_024;

/// Which key and which secret, and the key that opens what belongs to the API key, if the caller sends it.
struct Asked {
    key: NamedKey,
    secret: SecretId,
    opens: Option<BoxKey>,
}

/// The API key that somebody names, whose allowance this spends.
fn named(open: &Open<'_>, members: &mut Members) -> Result<NamedKey, Problem> {
    let id = members.id("api_key_id", ApiKeyId::from_uuid)?;
    open.psono.allowances.spend_access(id)?;
    Ok(NamedKey { realm: open.psono.realm.clone(), id })
}

fn asked(open: &Open<'_>, members: &mut Members) -> Result<Asked, Problem> {
    let key = named(open, members)?;
    let secret = members.id("secret_id", SecretId::from_uuid)?;
    let opens = match members.has("api_key_secret_key") {
        false => None,
        true if !open.psono.insecure_access => return Err(problem::INSECURE_REFUSED),
        true => Some(BoxKey::from_bytes(members.array("api_key_secret_key")?)),
    };
    if opens.is_some() {
        let tag = hex_of(&sha256(key.id.as_bytes())[..8]);
        tracing::info!(request = &*open.request.request_id, api_key = tag, "psono insecure access");
    }
    Ok(Asked { key, secret, opens })
}

/// Whatever may not be had is not there.
fn refused(error: EngineError) -> Problem {
    match error {
        EngineError::UnknownApiKey
        | EngineError::UnknownAttachment
        | EngineError::UnknownSecret
        | EngineError::ApiKeyRefused => problem::NO_PERMISSION,
        error => Problem::of(&error),
    }
}

/// `POST /api-key-access/secret/`
pub(super) async fn read(open: &Open<'_>) -> Result<Answer, Problem> {
    let mut members = open.members()?;
    let Asked { key, secret, opens } = asked(open, &mut members)?;
    let filter = members.optional_text("json_filter", FILTER_CHARS_MAX)?;
    let insecure = opens.is_some();
    let read = open.ask(ReadAttached { key, secret, insecure }).await.map_err(refused)?;
    let Some(opens) = opens else { return ok(shown(&read)) };
    let wrong = |_| problem::API_KEY_SECRET_INVALID;
    let key = open_key(&opens, &read.secret_key.nonce, &read.secret_key.text).map_err(wrong)?;
    let data = &read.secret.data;
    let plain = BoxKey::from_bytes(*key)
        .open(&data.nonce, &data.text)
        .map_err(|_| problem::API_KEY_SECRET_INVALID)?;
    let text = std::str::from_utf8(&plain).map_err(|_| problem::API_KEY_SECRET_INVALID)?;
    let body = match filter.filter(|filter| !filter.is_empty()) {
        Some(filter) => pick(text, &filter).unwrap_or_default(),
        None => text.to_owned(),
    };
    Ok(Answer { status: StatusCode::OK, body })
}

fn shown(AttachedSecret { secret, secret_key }: &AttachedSecret) -> Value {
    let mut shown = json!({ "read_count": secret.reads, "write_date": dates::write(secret.written) });
    put_boxed(&mut shown, "data", "data_nonce", &secret.data);
    put_boxed(&mut shown, "secret_key", "secret_key_nonce", secret_key);
    shown
}

/// What lies in a document at the end of a way whose steps are joined by dots: names of members, and numbers in lists.
/// Text on the way is read as a document of its own. Text at the end is given bare, anything else as JSON.
fn pick(text: &str, way: &str) -> Option<String> {
    let mut here = parse(text.as_bytes()).ok()?;
    for step in way.split('.') {
        if let Value::String(text) = &here {
            here = parse(text.as_bytes()).ok()?;
        }
        here = match &mut here {
            Value::Object(members) => members.remove(step)?,
            Value::Array(items) => step.parse().ok().and_then(|at: usize| items.get_mut(at))?.take(),
            _ => return None,
        };
    }
    Some(match here {
        Value::String(text) => text,
        other => other.to_string(),
    })
}

/// `PUT /api-key-access/secret/`
pub(super) async fn write(open: &Open<'_>) -> Result<Answer, Problem> {
    let mut members = open.members()?;
    let Asked { key, secret, opens } = asked(open, &mut members)?;
    let previous = members.old_write_date()?;
    let insecure = opens.is_some();
    let data = match opens {
        None => members.data()?,
        Some(opens) => {
            let text = Zeroizing::new(members.text("insecure_data", usize::MAX)?);
            parse(text.as_bytes()).map_err(|_| Problem::field("insecure_data", "Is not JSON."))?;
            let sealed = open.ask(GetAttachedKey { key: key.clone(), secret }).await.map_err(refused)?;
            let secret_key = open_key(&opens, &sealed.nonce, &sealed.text);
            let secret_key = secret_key.map_err(|_| problem::API_KEY_SECRET_INVALID)?;
            let nonce = open.psono.entropy.array();
            let text = BoxKey::from_bytes(*secret_key).seal(&nonce, text.as_bytes());
            strongroom_engine::Boxed { text: text.into(), nonce }
        }
    };
    let written = open.ask(WriteAttached { key, secret, data, previous, insecure }).await.map_err(refused)?;
    ok(json!({ "write_date": dates::write(written.at) }))
}

/// `POST /api-key-access/inspect/`
pub(super) async fn inspect(open: &Open<'_>) -> Result<Answer, Problem> {
    let key = named(open, &mut open.members()?)?;
    let inspected = open.ask(InspectApiKey { key }).await.map_err(refused)?;
    let secrets = inspected.secrets.iter().map(
        |(secret, written)| json!({ "secret_id": secret.to_uuid(), "write_date": dates::write(*written) }),
    );
    ok(json!({
        "allow_insecure_access": inspected.flags.insecure,
        "restrict_to_secrets": inspected.flags.restrict,
        "read": inspected.flags.read,
        "write": inspected.flags.write,
        "api_key_secrets": secrets.collect::<Vec<_>>(),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_walks_objects_lists_and_documents_in_text() {
        let text =
            r#"{"a":{"b":"plain","c":[10,{"d":true}],"e":"{\"f\":\"deep\",\"g\":null}"},"":1,"x.y":2}"#;
        for (way, found) in [
            ("a.b", Some("plain")),
            ("a.c", Some(r#"[10,{"d":true}]"#)),
            ("a.c.0", Some("10")),
            ("a.c.1.d", Some("true")),
            ("a.e.f", Some("deep")),
            ("a.e.g", Some("null")),
            ("a.e", Some(r#"{"f":"deep","g":null}"#)),
            ("", Some("1")),
            ("x.y", None),
            ("a.z", None),
            ("a.b.c", None),
            ("a.c.2", None),
            ("a.c.-1", None),
            ("a.c.0.0", None),
            ("a.c.x", None),
            ("a.c.99999999999999999999999", None),
        ] {
            assert_eq!(pick(text, way).as_deref(), found, "{way:?}");
        }
        assert_eq!(pick("not JSON", "a"), None);
    }
}
