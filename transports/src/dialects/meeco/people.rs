//! Vault users: enrolment with an admission token, sessions sealed to the user's key, the profile.

use serde_json::{Value, json};
use strongroom_engine::domains::{
    sessions::TokenForm,
    vault::{
        Change, CreateVaultUser, GetVaultKey, GetVaultUser, OpenVaultSession, UpdateVaultUser, VaultUser,
    },
};
use strongroom_primitives::{id::RealmId, rsa::PUBLIC_PEM_BYTES_MAX, secret::SecretText};

use super::{
    call::{Call, answer},
    members::{Members, instant, uuid},
    problem::{Problem, about},
    sign_in,
};
use crate::{
    exchange::{Response, StatusCode},
    sealed,
};

/// Longest admission token, in bytes.
const TOKEN_BYTES_MAX: usize = 4 * 1024;
/// Longest text of a profile, in bytes.
const TEXT_BYTES_MAX: usize = 1024;

/// A session's text as only the holder of the private key can read it. Source: dialects/meeco.md, section 3.3.
fn seal(public_key: &str, text: &str) -> Result<String, Problem> {
    sealed::token(public_key, text).map_err(about("public_key"))
}

/// `POST /me`
pub(super) async fn enrol(call: &Call<'_>, keystore: &RealmId) -> Result<Response, Problem> {
    let mut members = call.members()?;
    let public_key = members.text("public_key", PUBLIC_PEM_BYTES_MAX)?;
    let token = SecretText::new(members.text("admission_token", TOKEN_BYTES_MAX)?);
    let create = CreateVaultUser {
        realm: call.realm.clone(),
        keystore: keystore.clone(),
        token,
        public_key,
        label: call.label(),
        form: TokenForm::Pair,
    };
    let enrolled = call.ask_open(create).await.map_err(about("user"))?;
    let body = json!({
        "encrypted_session_authentication_string": seal(&enrolled.public_key, &enrolled.session.token)?,
        "user": user_of(&enrolled.user),
        "associations": [],
    });
    answer(StatusCode::CREATED, body)
}

/// `POST /session`
pub(super) async fn sign_in(call: &Call<'_>) -> Result<Response, Problem> {
    let mut members = call.members()?;
    let open = OpenVaultSession {
        realm: call.realm.clone(),
        public_key: members.text("public_key", PUBLIC_PEM_BYTES_MAX)?,
        life: members.valid_for()?,
        label: call.label(),
        form: TokenForm::Pair,
    };
    let opened = call.ask_open(open).await.map_err(about("user"))?;
    answer(StatusCode::CREATED, session_of(&opened.public_key, &opened.session.token)?)
}

fn session_of(public_key: &str, text: &str) -> Result<Value, Problem> {
    Ok(json!({ "session": { "encrypted_session_authentication_string": seal(public_key, text)? } }))
}

/// `POST /session/limited_in_time`
pub(super) async fn limited(call: &Call<'_>) -> Result<Response, Problem> {
    let members = call.members()?;
    let public_key = call.ask(GetVaultKey {}).await.map_err(about("user"))?;
    let issued = sign_in::child(call, members).await?;
    answer(StatusCode::CREATED, session_of(&public_key, &issued.token)?)
}

/// `GET /me`
pub(super) async fn show(call: &Call<'_>) -> Result<Response, Problem> {
    me(&call.ask(GetVaultUser {}).await.map_err(about("user"))?)
}

/// `PUT /me`
pub(super) async fn update(call: &Call<'_>) -> Result<Response, Problem> {
    let mut user = call.members()?.object("user")?;
    // One value under two names. Null takes neither away: whoever lost this id could not sign in again.
    let old_name = user.optional_text("private_encryption_space_id", TEXT_BYTES_MAX)?;
    let new_name = user.optional_text("private_dek_external_id", TEXT_BYTES_MAX)?;
    let private_dek = new_name.or(old_name).map_or(Change::Keep, Change::Set);
    let update = UpdateVaultUser {
        private_dek,
        country: change(&mut user, "country")?,
        email: change(&mut user, "email")?,
        full_name: change(&mut user, "full_name")?,
        image: change(&mut user, "image")?,
    };
    me(&call.ask(update).await.map_err(about("user"))?)
}

/// What a body says about a text: nothing, that it is to go, or what it is to be.
fn change(members: &mut Members, name: &'static str) -> Result<Change<String>, Problem> {
    if members.is_null(name) {
        return Ok(Change::Clear);
    }
    Ok(members.optional_text(name, TEXT_BYTES_MAX)?.map_or(Change::Keep, Change::Set))
}

fn me(user: &VaultUser) -> Result<Response, Problem> {
    answer(StatusCode::OK, json!({ "user": user_of(user), "associations": [] }))
}

/// Every field of every generation of clients. What nobody has set is null, except where clients take text for granted.
fn user_of(user: &VaultUser) -> Value {
    let profile = &user.profile;
    json!({
        "id": uuid(user.account.as_bytes()),
        "full_name": profile.full_name,
        "email": profile.email.as_deref().unwrap_or_default(),
        "is_app_logging_enabled": false,
        "image": profile.image,
        "country": profile.country,
        "joined_at": instant(user.joined),
        "onboarded_at": Value::Null,
        "track_events": false,
        "track_usage": false,
        "cloudname": Value::Null,
        "timezone": Value::Null,
        "unconfirmed_email": Value::Null,
        "verified_at": Value::Null,
        "share_terms": Value::Null,
        "key_store_admission_token": Value::Null,
        "key_store_id": Value::Null,
        "key_store_url": Value::Null,
        "key_store_username": user.identity.subject.as_str(),
        "private_dek_external_id": profile.private_dek,
        "private_encryption_space_id": profile.private_dek,
        "did": Value::Null,
        "queued_for_deletion_after": Value::Null,
        "accepted_terms": Value::Null,
        "broken_attachments_present": false,
        "association_ids": [],
        "user_type": "human",
        "using_key_store": true,
        "encryption_engine_admission_token": Value::Null,
        "using_shadow_key": Value::Null,
        "using_api_set_key_store_passphrase": Value::Null,
        "api_set_key_store_passphrase": Value::Null,
    })
}
