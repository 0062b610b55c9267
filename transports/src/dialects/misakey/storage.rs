//! The secret storage. Source: dialects/misakey.md, section 7.

use serde_json::{Map, Value, json};
use strongroom_engine::domains::escrow::{
    AsymKey, BoxShare, DeleteAsymKeys, DeleteBoxShares, GetSecretStorage, IdentityKeys, NewBoxShare,
    PutAsymKey, PutBoxShare, SecretStorage, SetUpSecretStorage, WrappedRoot,
};
use strongroom_primitives::{encoding::to_base64url, id::BoxId, time::Timestamp};
use time::UtcDateTime;

use super::{
    call::Call,
    members::{self, Members},
    paths::Door,
    problem::{self, Problem},
};
use crate::exchange::{Response, StatusCode};

/// Longest hash of a key, in bytes.
const HASH_BYTES_MAX: usize = 64;
/// Most that one request deletes.
const DELETED_MAX: usize = 1_000;

/// `GET /crypto/secret-storage`, and during sign-in `GET /auth/secret-storage`
pub(super) async fn show(call: &Call<'_>) -> Result<Response, Problem> {
    let named = match call.door {
        Door::Process => Some((call.query("login_challenge")?, call.query("identity_id")?)),
        Door::Open | Door::Access => None,
    };
    if let Some((challenge, identity)) = named {
        if call.login_challenge() != Some(&challenge) {
            return Err(Problem::forbidden("query", "login_challenge", "invalid"));
        }
        if call.identity() != identity {
            return Err(Problem::forbidden("query", "identity_id", "forbidden"));
        }
    }
    let account = account_of(call)?;
    let secrets = shown(&call.ask(GetSecretStorage {}).await.map_err(|error| Problem::of(&error))?);
    let answer = match call.door {
        Door::Process => json!({ "secrets": secrets, "account_id": account }),
        Door::Open | Door::Access => secrets,
    };
    Ok(problem::json(StatusCode::OK, &answer))
}

/// `POST /crypto/migration/v2`, and during sign-in `POST /auth/crypto/migration/v2`
pub(super) async fn set_up(call: &Call<'_>) -> Result<Response, Problem> {
    let mut members = call.members()?;
    let set_up = SetUpSecretStorage {
        root: wrapped(members.object("account_root_key")?)?,
        vault: wrapped(members.object("vault_key")?)?,
        asym_keys: asym_keys(&mut members)?,
        box_shares: box_shares(&mut members)?,
        identity_keys: identity_keys(&mut members)?,
    };
    account_of(call)?;
    call.ask(set_up).await.map_err(|error| Problem::of(&error))?;
    Ok(Response::empty(StatusCode::NO_CONTENT))
}

/// `POST /crypto/secret-storage/asym-keys`
pub(super) async fn put_asym_key(call: &Call<'_>) -> Result<Response, Problem> {
    let mut members = call.members()?;
    let public_key = members.optional_key("public_key")?;
    let public_key = public_key.ok_or_else(|| Problem::body("public_key", "required"))?;
    let encrypted = members.opaque("encrypted_secret_key")?;
    let root_key_hash = members.bytes("account_root_key_hash", HASH_BYTES_MAX)?;
    account_of(call)?;
    let stored = call.ask(PutAsymKey { public_key, encrypted, root_key_hash }).await;
    let AsymKey { public_key, encrypted, created } = stored.map_err(|error| Problem::of(&error))?;
    let answer = json!({
        "public_key": public_key, "encrypted_secret_key": encrypted,
        "created_at": date(created), "updated_at": date(created),
    });
    Ok(problem::json(StatusCode::OK, &answer))
}

/// `DELETE /crypto/secret-storage/asym-keys`
pub(super) async fn delete_asym_keys(call: &Call<'_>) -> Result<Response, Problem> {
    let public_keys = few(call.members()?.texts("public_keys")?, "public_keys")?;
    account_of(call)?;
    call.ask(DeleteAsymKeys { public_keys }).await.map_err(|error| Problem::of(&error))?;
    Ok(Response::empty(StatusCode::NO_CONTENT))
}

/// `PUT /crypto/secret-storage/box-key-shares/{uuid}`
pub(super) async fn put_box_share(call: &Call<'_>, in_box: &str) -> Result<Response, Problem> {
    let mut members = call.members()?;
    let in_box = members::uuid4(in_box).ok_or_else(|| Problem::path("box_id", "malformed"))?;
    let new = new_box_share(in_box, &mut members)?;
    let root_key_hash = members.bytes("account_root_key_hash", HASH_BYTES_MAX)?;
    account_of(call)?;
    let stored = call.ask(PutBoxShare { new, root_key_hash }).await;
    let stored = stored.map_err(|error| Problem::of(&error))?;
    Ok(problem::json(StatusCode::OK, &box_share(&stored)))
}

/// `DELETE /crypto/secret-storage/box-key-shares`
pub(super) async fn delete_box_shares(call: &Call<'_>) -> Result<Response, Problem> {
    let boxes = few(call.members()?.texts("box_ids")?, "box_ids")?;
    let boxes = boxes.iter().map(|text| members::uuid4(text)).collect::<Option<Vec<BoxId>>>();
    let boxes = boxes.ok_or_else(|| Problem::body("box_ids", "malformed"))?;
    account_of(call)?;
    call.ask(DeleteBoxShares { boxes }).await.map_err(|error| Problem::of(&error))?;
    Ok(Response::empty(StatusCode::NO_CONTENT))
}

/// The account of the token.
///
/// # Errors
/// 403: there is none.
pub(super) fn account_of<'c>(call: &'c Call<'_>) -> Result<&'c str, Problem> {
    call.account().ok_or(problem::FORBIDDEN)
}

fn few(names: Vec<String>, field: &'static str) -> Result<Vec<String>, Problem> {
    if names.len() <= DELETED_MAX { Ok(names) } else { Err(Problem::body(field, "malformed")) }
}

fn wrapped(mut members: Members) -> Result<WrappedRoot, Problem> {
    let key_hash = members.bytes("key_hash", HASH_BYTES_MAX)?;
    Ok(WrappedRoot { key_hash, encrypted: members.opaque("encrypted_key")? })
}

fn asym_keys(members: &mut Members) -> Result<Vec<(String, String)>, Problem> {
    let read = |(public_key, mut members): (String, Members)| {
        if !members::is_public_key(&public_key) {
            return Err(Problem::body("asym_keys", "malformed"));
        }
        Ok((public_key, members.opaque("encrypted_secret_key")?))
    };
    members.objects("asym_keys")?.into_iter().map(read).collect()
}

fn box_shares(members: &mut Members) -> Result<Vec<NewBoxShare>, Problem> {
    let read = |(in_box, mut members): (String, Members)| {
        let in_box = members::uuid4(&in_box).ok_or_else(|| Problem::body("box_key_shares", "malformed"))?;
        new_box_share(in_box, &mut members)
    };
    members.objects("box_key_shares")?.into_iter().map(read).collect()
}

fn new_box_share(in_box: BoxId, members: &mut Members) -> Result<NewBoxShare, Problem> {
    let share_hash = members.bytes("invitation_share_hash", HASH_BYTES_MAX)?;
    Ok(NewBoxShare { in_box, share_hash, encrypted: members.opaque("encrypted_invitation_share")? })
}

/// The public keys of the identity, if one is given: then both are.
fn identity_keys(members: &mut Members) -> Result<Option<IdentityKeys>, Problem> {
    let identified = members.optional_key("pubkey")?;
    let non_identified = members.optional_key("non_identified_pubkey")?;
    let identified_rsa = members.optional_key("pubkey_aes_rsa")?;
    let non_identified_rsa = members.optional_key("non_identified_pubkey_aes_rsa")?;
    if [&identified, &non_identified, &identified_rsa, &non_identified_rsa].iter().all(|key| key.is_none()) {
        return Ok(None);
    }
    let required = |key: Option<String>, name| key.ok_or_else(|| Problem::body(name, "required"));
    let identified = required(identified, "pubkey")?;
    let non_identified = required(non_identified, "non_identified_pubkey")?;
    Ok(Some(IdentityKeys { identified, non_identified, identified_rsa, non_identified_rsa }))
}

fn shown(storage: &SecretStorage) -> Value {
    let asym_keys = storage.asym_keys.iter();
    let asym_keys: Map<String, Value> = asym_keys
        .map(|key| (key.public_key.clone(), json!({ "encrypted_secret_key": key.encrypted })))
        .collect();
    let box_shares: Map<String, Value> =
        storage.box_shares.iter().map(|share| (share.in_box.to_uuid(), box_share(share))).collect();
    json!({
        "account_root_key": key(&storage.root), "vault_key": key(&storage.vault),
        "asym_keys": asym_keys, "box_key_shares": box_shares,
    })
}

fn key(wrapped: &WrappedRoot) -> Value {
    json!({ "key_hash": to_base64url(&wrapped.key_hash), "encrypted_key": wrapped.encrypted })
}

fn box_share(share: &BoxShare) -> Value {
    json!({
        "id": BoxId::from_bytes(share.id).to_uuid(),
        "invitation_share_hash": to_base64url(&share.share_hash),
        "encrypted_invitation_share": share.encrypted,
        "created_at": date(share.created), "updated_at": date(share.updated),
    })
}

/// `2026-05-28T20:26:40.120Z`. An instant beyond the year 9999 is written as its last second.
fn date(at: Timestamp) -> String {
    const LAST_S: i64 = 253_402_300_799;
    let seconds = i64::try_from(at.as_s()).unwrap_or(LAST_S).min(LAST_S);
    let date = UtcDateTime::from_unix_timestamp(seconds).unwrap_or(UtcDateTime::UNIX_EPOCH);
    let (hour, minute, second) = date.as_hms();
    let (year, month, day) = (date.year(), u8::from(date.month()), date.day());
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{:03}Z", at.as_ms() % 1_000)
}
