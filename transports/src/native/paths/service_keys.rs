//! The paths of chains and service keys.

use http::Method;
use serde::Deserialize;
use strongroom_primitives::{
    dc1::{ChainId, KeyId},
    time::Timestamp,
};
use strongroom_wire::{Base64Array, Change, Operation, Problem, TokenText};

use crate::{
    native::http::{Reading, Refused, unknown_path},
    problem::bad_request,
};

/// The body of `POST /chains/{id}/root-key`.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RootBody {
    #[serde(default)]
    root: Option<KeyId>,
    #[serde(default)]
    secret: Option<TokenText>,
}

/// The body of `PATCH /service-keys/{id}`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyBody {
    #[serde(default)]
    chain: Option<ChainId>,
    #[serde(default)]
    nickname: Option<String>,
    #[serde(default)]
    permissions: Option<String>,
    #[serde(default)]
    expires: Change<Timestamp>,
}

/// The body of `POST /service-keys/{id}/rotate`.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RotateBody {
    #[serde(default)]
    chain: Option<ChainId>,
    #[serde(default)]
    public_key: Option<Base64Array<32>>,
    #[serde(default)]
    overlap_s: u64,
}

pub(super) fn chains(others: &[&str], reading: &mut Reading<'_>) -> Result<Operation, Refused> {
    match others {
        [] => match *reading.method() {
            Method::GET => Ok(Operation::ListChains {}),
            Method::POST => Ok(Operation::CreateChain(reading.body_if_any()?)),
            _ => Err(Refused::Method("GET, POST")),
        },
        [chain, "root-key"] => {
            let chain = ChainId::new(chain).map_err(|_| unknown_path())?;
            reading.only(&Method::POST, "POST")?;
            let RootBody { root, secret } = reading.body_if_any()?;
            Ok(Operation::RotateRoot { chain, root, secret })
        }
        _ => Err(unknown_path().into()),
    }
}

pub(super) fn service_keys(others: &[&str], reading: &mut Reading<'_>) -> Result<Operation, Refused> {
    match others {
        [] => match *reading.method() {
            Method::GET => Ok(Operation::ListServiceKeys { chain: chain_of(reading)? }),
            Method::POST => Ok(Operation::CreateServiceKey(reading.body_if_any()?)),
            _ => Err(Refused::Method("GET, POST")),
        },
        // No id of a key has small letters.
        ["self"] => reading.only(&Method::GET, "GET").map(|()| Operation::ServiceKeyInUse {}),
        [id] => {
            let id = KeyId::new(id).map_err(|_| unknown_path())?;
            match *reading.method() {
                Method::GET => Ok(Operation::GetServiceKey { chain: chain_of(reading)?, id }),
                Method::PATCH => {
                    let KeyBody { chain, nickname, permissions, expires } = reading.body()?;
                    Ok(Operation::UpdateServiceKey { chain, id, nickname, permissions, expires })
                }
                Method::DELETE => Ok(Operation::DeleteServiceKey { chain: chain_of(reading)?, id }),
                _ => Err(Refused::Method("GET, PATCH, DELETE")),
            }
        }
        [id, "rotate"] => {
            let id = KeyId::new(id).map_err(|_| unknown_path())?;
            reading.only(&Method::POST, "POST")?;
            let RotateBody { chain, public_key, overlap_s } = reading.body_if_any()?;
            Ok(Operation::RotateServiceKey { chain, id, public_key, overlap_s })
        }
        _ => Err(unknown_path().into()),
    }
}

/// The chain that a request without a body names.
fn chain_of(reading: &mut Reading<'_>) -> Result<Option<ChainId>, Box<Problem>> {
    let named = reading.query.one("chain")?;
    let chain = named.map(|text| ChainId::new(&text)).transpose();
    chain.map_err(|_| bad_request("`chain` is the id of a chain: 1 to 64 characters of base58"))
}
