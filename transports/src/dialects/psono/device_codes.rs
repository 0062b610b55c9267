//! Device codes: a device that somebody lets in. Source: dialects/psono.md, section 9.

use serde_json::json;
use strongroom_engine::{
    EngineError,
    domains::{
        accounts::WhoAmI,
        sessions::{
            device_code::{ClaimDeviceCode, CreateDeviceCode, PollDeviceCode},
            sealed::Device,
        },
    },
};
use strongroom_primitives::{
    id::DeviceCodeId,
    nacl::{BoxPublic, NONCE_BYTES},
};
use zeroize::Zeroizing;

use super::{
    dates,
    login::{DESCRIPTION_CHARS_MAX, FINGERPRINT_CHARS_MAX, put_boxed},
    members::{Members, hex_of},
    problem::{self, Problem},
    session::Session,
    wire::{Answer, Open, created, ok},
};

/// Shortest description of a device, in characters.
const DESCRIPTION_CHARS_MIN: usize = 3;
/// Shortest fingerprint of a device, in characters.
const FINGERPRINT_CHARS_MIN: usize = 22;
/// Longest credentials that a person hands to a device, in bytes.
const CREDENTIALS_BYTES_MAX: usize = 4_096;

const NOT_FOUND: Problem = Problem::code("DEVICE_CODE_NOT_FOUND");

fn at_least(name: &'static str, text: String, chars: usize) -> Result<String, Problem> {
    if text.chars().count() < chars { Err(Problem::field(name, "Is too short.")) } else { Ok(text) }
}

/// `POST /device-code/`
pub(super) async fn create(open: &Open<'_>) -> Result<Answer, Problem> {
    let mut members = open.members()?;
    let description = members.text("device_description", DESCRIPTION_CHARS_MAX)?;
    let fingerprint = members.text("device_fingerprint", FINGERPRINT_CHARS_MAX)?;
    let time = members.optional_instant("device_date")?.ok_or(Problem::required("device_date"))?;
    let public_key = members.array("user_public_key")?;
    let no_key = Problem::field("user_public_key", "Is not a usable public key.");
    BoxPublic::from_bytes(public_key).map_err(|_| no_key)?;
    let device = Device {
        description: at_least("device_description", description, DESCRIPTION_CHARS_MIN)?,
        fingerprint: at_least("device_fingerprint", fingerprint, FINGERPRINT_CHARS_MIN)?,
        time: Some(time),
    };
    let made = open.tell(CreateDeviceCode { realm: open.psono.realm.clone(), device, public_key }).await?;
    created(json!({
        "id": made.id.to_uuid(),
        "state": "pending",
        "valid_till": dates::write(made.expires),
        "server_public_key": hex_of(open.front.engine().identities().code_public(made.id).as_bytes()),
        "web_client_url": open.psono.web_client,
    }))
}

/// `PUT /device-code/{id}/claim/`
pub(super) async fn claim(session: &Session<'_>, mut members: Members, id: &str) -> Result<Answer, Problem> {
    let code = DeviceCodeId::from_uuid(id).map_err(|_| NOT_FOUND)?;
    let name = ("encrypted_credentials_input", "encrypted_credentials_nonce");
    let credentials = members.boxed(name.0, name.1, CREDENTIALS_BYTES_MAX)?;
    let claim = ClaimDeviceCode { id: code, credentials: credentials.clone() };
    let claimed = session.ask(claim).await.map_err(|error| match error {
        EngineError::DeviceCodeExpired => problem::CODE_EXPIRED,
        EngineError::DeviceCodeClaimed => problem::CODE_CLAIMED,
        error => Problem::of(&error),
    })?;
    let me = session.tell(WhoAmI).await?;
    let mut shown = json!({
        "state": "claimed",
        "user": me.account.to_uuid(),
        "server_public_key": hex_of(session.front.engine().identities().code_public(code).as_bytes()),
        "user_public_key": hex_of(claimed.public_key),
    });
    put_boxed(&mut shown, "encrypted_credentials", "encrypted_credentials_nonce", &credentials);
    ok(shown)
}

/// `POST /device-code/{id}/token/`
pub(super) async fn poll(open: &Open<'_>, id: &str) -> Result<Answer, Problem> {
    open.members()?;
    let code = DeviceCodeId::from_uuid(id).map_err(|_| NOT_FOUND)?;
    let let_in = open.tell(PollDeviceCode { id: code }).await?;
    let mut payload = json!({
        "id": code.to_uuid(),
        "state": "claimed",
        "token": let_in.session.token,
        "session_secret_key": hex_of(let_in.session_key.expose()),
        "token_valid_till": let_in.session.expires.map(dates::write),
    });
    put_boxed(&mut payload, "encrypted_credentials", "encrypted_credentials_nonce", &let_in.credentials);
    let plain = Zeroizing::new(payload.to_string());
    let nonce: [u8; NONCE_BYTES] = open.psono.entropy.array();
    let boxed = let_in.box_key.to_box_key().seal(&nonce, plain.as_bytes());
    ok(json!({ "boxed_payload": hex_of(boxed), "nonce": hex_of(nonce) }))
}
