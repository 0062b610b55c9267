//! Passwords of accounts, as far as a server sees them. Source: dialects/misakey.md, section 7.

use std::net::IpAddr;

use serde_json::json;
use strongroom_engine::{
    Credential, EngineError,
    domains::escrow::{ChangeEscrowPassword, PasswordParams, Prehash, ShareBytes, ShowPasswordParams},
};
use strongroom_primitives::{encoding::to_base64, id::Subject};

use super::{
    Misakey,
    call::{Call, asking},
    members::{Members, uuid4},
    problem::{self, Problem},
    rates::Public,
    storage::account_of,
};
use crate::{
    Front,
    exchange::{Response, StatusCode},
};

const SALT_BYTES_MAX: usize = 64;
const HASH_BYTES_MAX: usize = 128;

/// `GET /accounts/{id}/pwd-params`
pub(super) async fn params(
    misakey: &Misakey,
    front: &Front,
    from: Option<IpAddr>,
    account: &str,
) -> Result<Response, Problem> {
    let malformed = || Problem::path("id", "malformed");
    let account = uuid4(account).ok_or_else(malformed)?.to_uuid();
    let account = Subject::new(account).map_err(|_| malformed())?;
    misakey.allowances.spend_from(from, Public::PasswordParams)?;
    let show = ShowPasswordParams { realm: misakey.realm.clone(), account };
    let params = front.engine().ask(asking(front, Credential::Anonymous), show).await;
    let PasswordParams { memory, iterations, parallelism, salt } =
        params.map_err(|error| Problem::of(&error))?;
    let answer = json!({
        "memory": memory, "iterations": iterations, "parallelism": parallelism,
        "salt_base_64": to_base64(&salt),
    });
    Ok(problem::json(StatusCode::OK, &answer))
}

/// `PUT /accounts/{id}/password`
pub(super) async fn change(call: &Call<'_>, account: &str) -> Result<Response, Problem> {
    let mut members = call.members()?;
    let claimed = uuid4(account).ok_or_else(|| Problem::path("id", "malformed"))?.to_uuid();
    let change = ChangeEscrowPassword {
        old: prehash(members.object("old_prehashed_password")?)?,
        new: prehash(members.object("new_prehashed_password")?)?,
        encrypted_root_key: members.opaque("encrypted_account_root_key")?,
        network: call.network(),
    };
    if account_of(call)? != claimed {
        return Err(Problem::forbidden("path", "account_id", "forbidden"));
    }
    call.ask(change).await.map_err(|error| match error {
        EngineError::PasswordWrong => Problem::forbidden("body", "old_password", "invalid"),
        other => Problem::of(&other),
    })?;
    Ok(Response::empty(StatusCode::NO_CONTENT))
}

fn prehash(mut members: Members) -> Result<Prehash, Problem> {
    let mut params = members.object("params")?;
    let params = PasswordParams {
        memory: params.number("memory")?,
        iterations: params.number("iterations")?,
        parallelism: params.number("parallelism")?,
        salt: params.standard("salt_base_64", SALT_BYTES_MAX)?,
    };
    Ok(Prehash { params, hash: ShareBytes::new(members.standard("hash_base_64", HASH_BYTES_MAX)?) })
}
