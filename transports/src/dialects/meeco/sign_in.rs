//! Signing up and in, sessions, and the ticket to the vault.

use serde_json::{Value, json};
use strongroom_engine::{
    EngineError,
    domains::{
        admission::IssueToken,
        sessions::{
            BearerIssued, OpenChild, RevokeSession, RevokeSessions, TokenForm,
            srp::{BeginSrp, FinishSrp, RegisterUser, ReserveUsername, SrpProfile},
        },
    },
};
use strongroom_primitives::{encoding::to_hex, id::Audience};

use super::{
    call::{Call, answer, nothing},
    members::{Members, instant, uuid},
    problem::{self, Problem, about},
};
use crate::exchange::{Response, StatusCode};

/// Longest username that is read, in bytes. What is good of it the engine says.
const USERNAME_BYTES_MAX: usize = 255;
/// A value of the group with some padding, in bytes. Larger ones are read so that they are refused by their own name.
const VALUE_BYTES_MAX: usize = 512;

/// `POST /srp/username`
pub(super) async fn reserve(call: &Call<'_>) -> Result<Response, Problem> {
    call.optional_members()?;
    let reserve = ReserveUsername { realm: call.realm.clone() };
    let reserved = call.ask_open(reserve).await.map_err(about("body"))?;
    let body = json!({ "username": reserved.username, "expires_at": instant(reserved.expires) });
    answer(StatusCode::OK, body)
}

/// `POST /srp/users`
pub(super) async fn register(call: &Call<'_>) -> Result<Response, Problem> {
    let mut members = call.members()?;
    let username = members.text("username", USERNAME_BYTES_MAX)?;
    let register = RegisterUser {
        realm: call.realm.clone(),
        username: username.clone(),
        profile: SrpProfile::Meeco,
        salt: members.hex("srp_salt", VALUE_BYTES_MAX)?,
        verifier: members.hex("srp_verifier", VALUE_BYTES_MAX)?,
        derivation: String::new(),
    };
    let registered = call.ask_open(register).await.map_err(about("body"))?;
    let user = json!({ "id": uuid(registered.account.as_bytes()), "username": username });
    answer(StatusCode::CREATED, json!({ "user": user }))
}

/// `POST /srp/challenges`
pub(super) async fn challenge(call: &Call<'_>) -> Result<Response, Problem> {
    let mut members = call.members()?;
    let begin = BeginSrp {
        realm: call.realm.clone(),
        username: members.text("username", USERNAME_BYTES_MAX)?,
        profile: SrpProfile::Meeco,
        client_public: members.hex("srp_a", VALUE_BYTES_MAX)?,
    };
    let challenge = call.ask_open(begin).await.map_err(about("body"))?;
    let body = json!({
        "challenge_salt": to_hex(&challenge.salt),
        "challenge_b": to_hex(&challenge.server_public),
    });
    answer(StatusCode::OK, json!({ "challenge": body }))
}

/// `POST /srp/session`
pub(super) async fn prove(call: &Call<'_>) -> Result<Response, Problem> {
    let mut members = call.members()?;
    let username = members.text("username", USERNAME_BYTES_MAX)?;
    let finish = FinishSrp {
        realm: call.realm.clone(),
        username: username.clone(),
        profile: SrpProfile::Meeco,
        client_public: members.hex("srp_a", VALUE_BYTES_MAX)?,
        proof: members.hex("srp_m", VALUE_BYTES_MAX)?,
        life: members.valid_for()?,
        label: call.label(),
        form: TokenForm::Pair,
        network: call.network(),
    };
    // There is no challenge for what is no value of the group, and every failure is told alike.
    let signed_in = call.ask_open(finish).await.map_err(|error| match error {
        EngineError::SrpInvalid(_) => problem::LOGIN_FAILED,
        error => Problem::of(&error, "body"),
    })?;
    answer(StatusCode::CREATED, session_body(&signed_in.session, &username))
}

fn session_body(issued: &BearerIssued, username: &str) -> Value {
    json!({ "session": {
        "id": uuid(issued.session.as_bytes()),
        "session_authentication_string": issued.token,
        "valid_from": instant(issued.opened),
        "valid_till": issued.expires.map_or(Value::Null, instant),
        "username": username,
    }})
}

/// `GET /session`
pub(super) async fn show(call: &Call<'_>) -> Result<Response, Problem> {
    let me = call.who_am_i().await?;
    answer(StatusCode::OK, json!({ "valid_till": me.expires.map_or(Value::Null, instant) }))
}

/// `DELETE /session`, of both services.
pub(super) async fn end(call: &Call<'_>) -> Result<Response, Problem> {
    call.ask(RevokeSession { identity: None, session: None }).await.map_err(about("body"))?;
    nothing()
}

/// `DELETE /session/all`, of both services.
pub(super) async fn end_all(call: &Call<'_>) -> Result<Response, Problem> {
    let pairs = call.query()?;
    let keep_current = match pairs.iter().find(|(name, _)| name == "except_current") {
        None => false,
        Some((_, value)) => match &**value {
            "true" => true,
            "false" => false,
            _ => return Err(Problem::field("except_current")),
        },
    };
    call.ask(RevokeSessions { identity: None, keep_current }).await.map_err(about("body"))?;
    nothing()
}

/// `POST /session/limited_in_time`, of the keystore.
pub(super) async fn limited(call: &Call<'_>) -> Result<Response, Problem> {
    let members = call.members()?;
    let me = call.who_am_i().await?;
    let issued = child(call, members).await?;
    answer(StatusCode::CREATED, session_body(&issued, me.identity.subject.as_str()))
}

/// A session that ends with the caller's at the latest.
pub(super) async fn child(call: &Call<'_>, mut members: Members) -> Result<BearerIssued, Problem> {
    let life = members.valid_for()?.ok_or_else(|| Problem::field("valid_for"))?;
    call.ask(OpenChild { life, label: call.label() }).await.map_err(about("body"))
}

/// `GET /external_admission_tokens`
pub(super) async fn admission_token(call: &Call<'_>, vault: &Audience) -> Result<Response, Problem> {
    let issued = call.ask(IssueToken { audience: vault.clone() }).await.map_err(about("body"))?;
    let tokens = json!({
        "vault_api_admission_token": issued.token.expose(),
        "passphrase_store_admission_token": Value::Null,
    });
    answer(StatusCode::OK, json!({ "external_admission_token": tokens }))
}
