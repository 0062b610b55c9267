//! Halves of root keys, and what older clients kept in their place. Source: dialects/misakey.md, section 5.

use serde_json::{Map, Value, json};
use strongroom_engine::{
    EngineError,
    domains::escrow::{DepositShare, DropShare, DropShares, FetchShare, ShareBytes, ShareKind},
};
use strongroom_primitives::{
    encoding::{to_base64, to_base64url},
    misakey::{SHARE_BYTES_MAX, SHARE_HASH_BYTES_MAX},
};

use super::{
    call::Call,
    members::{self, Members},
    problem::{self, Problem},
    rates::Counted,
};
use crate::exchange::{Response, StatusCode};

const HASH: &str = "user_local_share_hash";
/// What the hash was called before.
const FORMER_HASH: &str = "other_share_hash";
const SALT_BYTES_MAX: usize = 64;

/// What is kept with a share that came under the former name of its hash.
const FORMER: &[u8] = b"former";

/// `POST /crypto/root-key-shares`, and during sign-in `POST /auth/account-root-key-shares`
pub(super) async fn file(call: &Call<'_>) -> Result<Response, Problem> {
    let mut members = call.members()?;
    let share = ShareBytes::new(members.bytes("share", SHARE_BYTES_MAX)?);
    let name = if !members.has(HASH) && members.has(FORMER_HASH) { FORMER_HASH } else { HASH };
    let hash = members.bytes(name, SHARE_HASH_BYTES_MAX)?;
    let claimed = members.optional_uuid("account_id")?;
    let account = account_of(call)?;
    own(claimed, account)?;
    call.misakey.allowances.spend(Counted::Write, account)?;
    let note = if name == HASH { Vec::new() } else { FORMER.to_vec() };
    let answer = root_share(account, &share, &hash, name);
    let deposit = DepositShare { kind: ShareKind::RootKey, hash, share, note };
    call.ask(deposit).await.map_err(|error| of_hash(&error, name))?;
    Ok(problem::json(StatusCode::CREATED, &answer))
}

/// `GET /crypto/root-key-shares/{hash}`, and during sign-in `GET /auth/account-root-key-shares/{hash}`
pub(super) async fn fetch(call: &Call<'_>, hash: &str) -> Result<Response, Problem> {
    let hash = hash_of(hash)?;
    let account = account_of(call)?;
    call.misakey.allowances.spend(Counted::Read, account)?;
    let fetch = FetchShare { kind: ShareKind::RootKey, hash: hash.clone() };
    let held = call.ask(fetch).await.map_err(|error| missed(call, account, &error))?;
    let name = if held.note == FORMER { FORMER_HASH } else { HASH };
    Ok(problem::json(StatusCode::OK, &root_share(account, &held.share, &hash, name)))
}

/// `DELETE /crypto/root-key-shares/{hash}`
pub(super) async fn drop_one(call: &Call<'_>, hash: &str) -> Result<Response, Problem> {
    let hash = hash_of(hash)?;
    let account = account_of(call)?;
    call.misakey.allowances.spend(Counted::Write, account)?;
    let dropped = call.ask(DropShare { kind: ShareKind::RootKey, hash }).await;
    dropped.map_err(|error| missed(call, account, &error))?;
    Ok(Response::empty(StatusCode::NO_CONTENT))
}

/// `DELETE /crypto/root-key-shares`
pub(super) async fn drop_all(call: &Call<'_>) -> Result<Response, Problem> {
    // Never refused for its rate: whoever wants to be rid of their shares is not kept waiting.
    account_of(call)?;
    call.ask(DropShares {}).await.map_err(|error| Problem::of(&error))?;
    Ok(Response::empty(StatusCode::NO_CONTENT))
}

/// `POST /backup-key-shares`
pub(super) async fn file_backup(call: &Call<'_>) -> Result<Response, Problem> {
    let mut members = call.members()?;
    let share = ShareBytes::new(members.standard("share", SHARE_BYTES_MAX)?);
    let salt = members.optional_standard("salt_base_64", SALT_BYTES_MAX)?.unwrap_or_default();
    let hash = members.bytes(FORMER_HASH, SHARE_HASH_BYTES_MAX)?;
    let claimed = required_account(&mut members)?;
    let account = account_of(call)?;
    own(Some(claimed), account)?;
    call.misakey.allowances.spend(Counted::Write, account)?;
    let answer = backup(account, &share, &hash, &salt);
    let deposit = DepositShare { kind: ShareKind::Backup, hash, share, note: salt };
    call.ask(deposit).await.map_err(|error| of_hash(&error, FORMER_HASH))?;
    Ok(problem::json(StatusCode::CREATED, &answer))
}

/// `GET /backup-key-shares/{hash}`
pub(super) async fn fetch_backup(call: &Call<'_>, hash: &str) -> Result<Response, Problem> {
    let hash = hash_of(hash)?;
    let account = account_of(call)?;
    call.misakey.allowances.spend(Counted::Read, account)?;
    let fetch = FetchShare { kind: ShareKind::Backup, hash: hash.clone() };
    let held = call.ask(fetch).await.map_err(|error| missed(call, account, &error))?;
    Ok(problem::json(StatusCode::OK, &backup(account, &held.share, &hash, &held.note)))
}

fn root_share(account: &str, share: &ShareBytes, hash: &[u8], name: &str) -> Value {
    let mut answer = Map::new();
    answer.insert("account_id".into(), account.into());
    answer.insert("share".into(), to_base64url(share.expose()).into());
    answer.insert(name.into(), to_base64url(hash).into());
    Value::Object(answer)
}

fn backup(account: &str, share: &ShareBytes, hash: &[u8], salt: &[u8]) -> Value {
    json!({
        "account_id": account, "salt_base_64": to_base64(salt),
        "share": to_base64(share.expose()), FORMER_HASH: to_base64url(hash),
    })
}

/// The account of the token.
///
/// # Errors
/// 409: there is none.
fn account_of<'c>(call: &'c Call<'_>) -> Result<&'c str, Problem> {
    call.account().ok_or_else(problem::no_account)
}

fn required_account(members: &mut Members) -> Result<String, Problem> {
    members.optional_uuid("account_id")?.ok_or_else(|| Problem::body("account_id", "required"))
}

/// # Errors
/// 403: it is somebody else's.
fn own(claimed: Option<String>, account: &str) -> Result<(), Problem> {
    match claimed {
        Some(claimed) if claimed != account => Err(Problem::forbidden("body", "account_id", "forbidden")),
        _ => Ok(()),
    }
}

/// A hash in a path.
///
/// # Errors
/// 400.
fn hash_of(text: &str) -> Result<Vec<u8>, Problem> {
    members::bytes(text, SHARE_HASH_BYTES_MAX).ok_or_else(|| Problem::path(HASH, "malformed"))
}

fn of_hash(error: &EngineError, name: &'static str) -> Problem {
    match error {
        EngineError::ShareNamesItself => Problem::body(name, "invalid"),
        other => Problem::of(other),
    }
}

/// Counts a hash that no share of the account is filed under.
fn missed(call: &Call<'_>, account: &str, error: &EngineError) -> Problem {
    match error {
        EngineError::UnknownEscrowShare => {
            let spent = call.misakey.allowances.spend(Counted::Miss, account);
            spent.err().unwrap_or_else(|| Problem::of(error))
        }
        other => Problem::of(other),
    }
}
