//! `POST /api-key/login/`. Source: dialects/psono.md, section 4.

use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};
use strongroom_engine::{
    Boxed, EngineError,
    domains::sessions::{
        TokenForm,
        api_key::{KeyLoggedIn, LoginByApiKey, LoginFacts},
        sealed::Device,
    },
};
use strongroom_primitives::{
    id::ApiKeyId,
    nacl::{BoxPublic, BoxSecret},
    psono::login::LoginAnswer,
};
use zeroize::Zeroizing;

use super::{
    dates,
    members::{Members, hex_of},
    problem::{self, Problem},
    wire::{Answer, Open, ok},
};
use crate::exchange::agent_of;

/// Longest text that is signed, in characters.
const INFO_CHARS_MAX: usize = 16 * 1024;
/// Longest description of a device, in characters.
pub(super) const DESCRIPTION_CHARS_MAX: usize = 256;
/// Longest fingerprint of a device, in characters.
pub(super) const FINGERPRINT_CHARS_MAX: usize = 128;

/// A login is checked in the order of what it costs: its form, the allowance of its key, and only then its signature.
pub(super) async fn by_api_key(open: &Open<'_>) -> Result<Answer, Problem> {
    let mut members = open.members()?;
    let info = members.text("info", INFO_CHARS_MAX)?;
    let signature = members.array("signature")?;
    let (facts, client) = read(open, &info)?;
    open.psono.allowances.spend_login(facts.api_key)?;
    let realm = open.psono.realm.clone();
    let (realm, form) = (Some(realm), TokenForm::Hex);
    let login = LoginByApiKey { realm, facts, form, info: Bytes::from(info), signature };
    let logged_in = open.ask(login).await.map_err(|error| match error {
        EngineError::LoginRefused => problem::NO_PERMISSION,
        error => Problem::of(&error),
    })?;
    let server = BoxSecret::from_seed(open.psono.entropy.array());
    let key = server.agree(&client).map_err(|_| LOW_ORDER)?;
    let plain = Zeroizing::new(session(&logged_in).to_string());
    let sign = |text: &[u8]| open.front.engine().identities().sign(logged_in.identity, text);
    let nonce = open.psono.entropy.array();
    let answer = LoginAnswer::new(&key, &server.public(), nonce, plain.as_bytes(), sign);
    ok(answer.to_json())
}

const LOW_ORDER: Problem = Problem::field("session_public_key", "Is not a usable public key.");

/// What the signed text says, and nothing else. It is looked at before the signature, because it says whose it is.
fn read(open: &Open<'_>, info: &str) -> Result<(LoginFacts, BoxPublic), Problem> {
    let mut said = Members::read(info.as_bytes()).map_err(|_| problem::LOGIN_INFO_INVALID)?;
    let api_key = said.id("api_key_id", ApiKeyId::from_uuid)?;
    let session_public_key = said.array("session_public_key")?;
    let client = BoxPublic::from_bytes(session_public_key).map_err(|_| LOW_ORDER)?;
    let life = life(&mut said)?;
    let facts = LoginFacts { api_key, session_public_key, device: device(open, &mut said)?, life };
    Ok((facts, client))
}

/// `session_duration`: whole seconds. What is below zero is zero, and the engine knows the most.
pub(super) fn life(members: &mut Members) -> Result<Option<Duration>, Problem> {
    let seconds = members.optional_seconds("session_duration")?;
    Ok(seconds.map(|seconds| Duration::from_secs(u64::try_from(seconds).unwrap_or(0))))
}

/// What a client says of its device. One that says nothing, as the published programs do, goes by its own name.
pub(super) fn device(open: &Open<'_>, members: &mut Members) -> Result<Device, Problem> {
    let description = members.optional_text("device_description", DESCRIPTION_CHARS_MAX)?;
    let fingerprint = members.optional_text("device_fingerprint", FINGERPRINT_CHARS_MAX)?;
    let agent = || agent_of(&open.request.headers).unwrap_or_default().into();
    Ok(Device {
        description: description.filter(|text| !text.is_empty()).unwrap_or_else(agent),
        fingerprint: fingerprint.unwrap_or_default(),
        time: members.optional_instant("device_time")?,
    })
}

fn session(logged_in: &KeyLoggedIn) -> Value {
    let KeyLoggedIn { session, session_key, key, person, user_keys, .. } = logged_in;
    let mut user = json!({
        "username": person.as_ref().map_or("", |person| &person.username),
        "public_key": person.as_ref().map_or_else(String::new, |person| hex_of(person.public_key)),
    });
    if let Some(keys) = user_keys {
        put_boxed(&mut user, "private_key", "private_key_nonce", &keys.private_key);
        put_boxed(&mut user, "secret_key", "secret_key_nonce", &keys.secret_key);
    }
    json!({
        "token": session.token,
        "session_valid_till": session.expires.map_or(Value::Null, |at| Value::String(dates::write(at))),
        "session_secret_key": hex_of(session_key.expose()),
        "api_key_restrict_to_secrets": key.flags.restrict,
        "api_key_allow_insecure_access": key.flags.insecure,
        "api_key_read": key.flags.read,
        "api_key_write": key.flags.write,
        "user": user,
    })
}

/// Writes a sealed text and its nonce.
pub(super) fn put_boxed(document: &mut Value, name: &str, nonce: &str, boxed: &Boxed) {
    document[name] = Value::String(hex_of(&boxed.text));
    document[nonce] = Value::String(hex_of(boxed.nonce));
}
