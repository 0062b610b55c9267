//! Keys of the chain that the caller's key is of. Source: dialects/dragonchain.md, section 4.

use strongroom_engine::{
    EngineError,
    domains::service_keys::{
        CheckServiceKey, CreateServiceKey, DeleteServiceKey, GetServiceKey, KeyInUse, ListServiceKeys,
        NewServiceKey, UpdateServiceKey,
    },
};
use strongroom_primitives::dc1::{KeyId, permissions::Endpoint};

use super::{
    bodies::KeyFields,
    call::Call,
    problem::{self, Problem},
    wire,
};
use crate::exchange::Response;

/// What begins the id of a key of a smart contract.
const CONTRACT: &str = "SC_";
/// What begins the id of a key between chains.
const INTERCHAIN: &str = "INTERCHAIN";

/// Makes a key. It lasts as long as the caller's: a key that ends can grant nothing that lasts longer.
pub(super) async fn create(call: &Call<'_>, caller: &KeyInUse) -> Result<Response, Problem> {
    let KeyFields { nickname, permissions } = KeyFields::for_new(call.request)?;
    let nickname = nickname.unwrap_or_default();
    let expires = caller.expires;
    let create = CreateServiceKey { nickname, permissions, expires, ..CreateServiceKey::default() };
    let NewServiceKey { key, secret } = call.ask(create).await?;
    // A key of this kind has a secret, which the server drew.
    let secret = secret.ok_or(problem::INTERNAL)?;
    Ok(wire::made(&key, &secret))
}

pub(super) async fn list(call: &Call<'_>) -> Result<Response, Problem> {
    Ok(wire::keys(&call.ask(ListServiceKeys { chain: None }).await?))
}

pub(super) async fn show(call: &Call<'_>, id: &str) -> Result<Response, Problem> {
    match known(id) {
        Ok(id) => Ok(wire::key(&call.ask(GetServiceKey { chain: None, id }).await?)),
        Err(nothing) => {
            // That there is no such key is told to those who may ask, as of any other id.
            call.ask(CheckServiceKey { endpoint: Endpoint::GET_API_KEY }).await?;
            Err(nothing)
        }
    }
}

pub(super) async fn update(call: &Call<'_>, id: &str) -> Result<Response, Problem> {
    let KeyFields { nickname, permissions } = KeyFields::for_known(call.request)?;
    let id = known_or(id, &[INTERCHAIN], problem::MODIFY_INTERCHAIN)?;
    let update = UpdateServiceKey { nickname, permissions, ..UpdateServiceKey::of(id) };
    Ok(wire::changed(&call.ask(update).await?))
}

pub(super) async fn delete(call: &Call<'_>, id: &str) -> Result<Response, Problem> {
    let id = known_or(id, &[CONTRACT, INTERCHAIN], problem::REMOVE_RESERVED)?;
    match call.ask(DeleteServiceKey { chain: None, id }).await {
        Ok(()) => Ok(wire::done()),
        Err(EngineError::RootKeyRefused) => Err(problem::REMOVE_ROOT),
        Err(EngineError::ReservedKeyRefused) => Err(problem::REMOVE_RESERVED),
        Err(error) => Err(error.into()),
    }
}

/// What has not the form of an id names no key.
fn known(id: &str) -> Result<KeyId, Problem> {
    KeyId::new(id).map_err(|_| problem::NO_RESOURCE)
}

/// The same, but the ids of other kinds of keys begin in their own way and may go on as they like: that of a key between
/// chains goes on with a chain's id.
fn known_or(id: &str, reserved: &[&str], refused: Problem) -> Result<KeyId, Problem> {
    let is_reserved = reserved.iter().any(|start| id.starts_with(start));
    known(id).map_err(|nothing| if is_reserved { refused } else { nothing })
}
