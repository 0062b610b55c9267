//! The paths of people, keys, datastores, shares, vaults and service keys. Those of records, sessions and the account are in `http.rs`.

mod recovery;
mod service_keys;
mod shares;
mod sharing;

use std::borrow::Cow;

use http::Method;
use serde::Deserialize;
use strongroom_primitives::{id::SecretId, time::Timestamp};
use strongroom_wire::{Boxed, Change, Operation, Rewrapped, SlotChange};

use super::http::{Reading, Refused, unknown_path};

/// The body of `PATCH /keypairs/{id}`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyPairBody {
    #[serde(default)]
    external_identifiers: Option<Vec<String>>,
    #[serde(default)]
    metadata: Option<String>,
}

/// The body of `PATCH /api-keys/{id}`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ApiKeyBody {
    #[serde(default)]
    title: Option<String>,
    #[serde(default)]
    read: Option<bool>,
    #[serde(default)]
    write: Option<bool>,
    #[serde(default)]
    restrict: Option<bool>,
    #[serde(default)]
    insecure: Option<bool>,
    #[serde(default)]
    active: Option<bool>,
    #[serde(default)]
    expires: Change<Timestamp>,
}

/// The body of `POST /api-keys/{id}/attachments`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AttachBody {
    secret: SecretId,
    secret_key: Boxed,
    title: Boxed,
}

/// The body of `PUT /kek/rotation/{target}/keys`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RewrapBody {
    keys: Vec<Rewrapped>,
}

/// The body of `PATCH /vault/items/{id}`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ItemBody {
    #[serde(default)]
    label: Option<String>,
    #[serde(default)]
    slots: Vec<SlotChange>,
}

/// The operation that a request to one of these paths spells.
pub(super) fn operation(segments: &[Cow<'_, str>], reading: &mut Reading<'_>) -> Result<Operation, Refused> {
    let segments: Vec<&str> = segments.iter().map(|segment| &**segment).collect();
    match &*segments {
        ["service"] => reading.only(&Method::GET, "GET").map(|()| Operation::ServiceInfo {}),
        ["users" | "user", others @ ..] => users(segments[0], others, reading),
        ["api-keys", others @ ..] => api_keys(others, reading),
        ["datastores", others @ ..] => sharing::datastores(others, reading),
        ["secrets", others @ ..] => sharing::secrets(others, reading),
        ["shares", others @ ..] => shares::shares(others, reading),
        ["escrows", others @ ..] => recovery::escrows(others, reading),
        ["realms"] => reading.only(&Method::GET, "GET").map(|()| Operation::PinRecoveryRealms {}),
        ["recovery", realm, others @ ..] => recovery::realm(realm, others, reading),
        ["kek", "rotation", others @ ..] => rotation(others, reading),
        ["kek", others @ ..] => kek(others, reading),
        ["deks", others @ ..] => deks(others, reading),
        ["keypairs", others @ ..] => key_pairs(others, reading),
        ["admission", "tokens"] => {
            reading.only(&Method::POST, "POST")?;
            Ok(Operation::IssueToken(reading.body()?))
        }
        ["admission", "spend"] => {
            reading.only(&Method::POST, "POST")?;
            Ok(Operation::SpendToken(reading.body()?))
        }
        ["vault", others @ ..] => vault(others, reading),
        ["chains", others @ ..] => service_keys::chains(others, reading),
        ["service-keys", others @ ..] => service_keys::service_keys(others, reading),
        _ => Err(unknown_path().into()),
    }
}

fn users(first: &str, others: &[&str], reading: &mut Reading<'_>) -> Result<Operation, Refused> {
    match (first, others) {
        ("users", []) => {
            reading.only(&Method::POST, "POST")?;
            Ok(Operation::RegisterUser(reading.body()?))
        }
        ("users", ["names"]) => reading.only(&Method::POST, "POST").map(|()| Operation::ReserveUsername {}),
        ("users", ["challenge"]) => {
            reading.only(&Method::POST, "POST")?;
            Ok(Operation::BeginSrp(reading.body()?))
        }
        ("users", ["session"]) => {
            reading.only(&Method::POST, "POST")?;
            Ok(Operation::FinishSrp(reading.body()?))
        }
        ("user", ["passphrase"]) => {
            reading.only(&Method::PUT, "PUT")?;
            Ok(Operation::ChangePassphrase(reading.body()?))
        }
        ("user", ["attempts"]) => reading.only(&Method::GET, "GET").map(|()| Operation::SignInAttempts {}),
        _ => Err(unknown_path().into()),
    }
}

fn api_keys(others: &[&str], reading: &mut Reading<'_>) -> Result<Operation, Refused> {
    match others {
        [] => match *reading.method() {
            Method::GET => Ok(Operation::ListApiKeys {}),
            Method::POST => Ok(Operation::CreateApiKey(reading.body()?)),
            _ => Err(Refused::Method("GET, POST")),
        },
        ["challenge"] => reading.only(&Method::POST, "POST").map(|()| Operation::ChallengeApiKey {}),
        ["session"] => {
            reading.only(&Method::POST, "POST")?;
            Ok(Operation::SignInWithApiKey(reading.body()?))
        }
        [id] => {
            let id = id.parse().map_err(|_| unknown_path())?;
            match *reading.method() {
                Method::PATCH => {
                    let ApiKeyBody { title, read, write, restrict, insecure, active, expires } =
                        reading.body()?;
                    Ok(Operation::UpdateApiKey {
                        id,
                        title,
                        read,
                        write,
                        restrict,
                        insecure,
                        active,
                        expires,
                    })
                }
                Method::DELETE => Ok(Operation::RevokeApiKey { id }),
                _ => Err(Refused::Method("PATCH, DELETE")),
            }
        }
        ["attachments", attachment] => {
            let attachment = attachment.parse().map_err(|_| unknown_path())?;
            reading.only(&Method::DELETE, "DELETE").map(|()| Operation::DetachSecret { attachment })
        }
        [id, "attachments"] => {
            let id = id.parse().map_err(|_| unknown_path())?;
            match *reading.method() {
                Method::GET => Ok(Operation::ListAttached { id }),
                Method::POST => {
                    let AttachBody { secret, secret_key, title } = reading.body()?;
                    Ok(Operation::AttachSecret { id, secret, secret_key, title })
                }
                _ => Err(Refused::Method("GET, POST")),
            }
        }
        _ => Err(unknown_path().into()),
    }
}

fn kek(others: &[&str], reading: &mut Reading<'_>) -> Result<Operation, Refused> {
    match others {
        [] => match *reading.method() {
            Method::GET => Ok(Operation::GetKek {}),
            Method::PUT => Ok(Operation::SetKek(reading.body()?)),
            _ => Err(Refused::Method("GET, PUT")),
        },
        ["restart"] => {
            reading.only(&Method::POST, "POST")?;
            Ok(Operation::RestartEnrolment(reading.body()?))
        }
        _ => Err(unknown_path().into()),
    }
}

fn rotation(others: &[&str], reading: &mut Reading<'_>) -> Result<Operation, Refused> {
    let Some((target, others)) = others.split_first() else {
        reading.only(&Method::POST, "POST")?;
        return Ok(Operation::BeginRotation(reading.body()?));
    };
    let target = target.parse().map_err(|_| unknown_path())?;
    match others {
        [] => reading.only(&Method::DELETE, "DELETE").map(|()| Operation::CancelRotation { target }),
        ["keys"] => {
            reading.only(&Method::PUT, "PUT")?;
            let RewrapBody { keys } = reading.body()?;
            Ok(Operation::Rewrap { target, keys })
        }
        ["finish"] => reading.only(&Method::POST, "POST").map(|()| Operation::FinishRotation { target }),
        _ => Err(unknown_path().into()),
    }
}

fn deks(others: &[&str], reading: &mut Reading<'_>) -> Result<Operation, Refused> {
    match others {
        [] => match *reading.method() {
            Method::GET => Ok(Operation::ListDeks {
                pending: reading.query.parsed("pending")?.unwrap_or_default(),
                cursor: reading.query.one("cursor")?,
                limit: reading.query.parsed("limit")?,
            }),
            Method::POST => Ok(Operation::CreateDek(reading.body()?)),
            _ => Err(Refused::Method("GET, POST")),
        },
        [id] => {
            let id = id.parse().map_err(|_| unknown_path())?;
            match *reading.method() {
                Method::GET => Ok(Operation::GetDek { id }),
                Method::DELETE => Ok(Operation::DeleteDek { id }),
                _ => Err(Refused::Method("GET, DELETE")),
            }
        }
        _ => Err(unknown_path().into()),
    }
}

fn key_pairs(others: &[&str], reading: &mut Reading<'_>) -> Result<Operation, Refused> {
    match others {
        [] => match *reading.method() {
            Method::GET => Ok(Operation::ListKeyPairs {
                pending: reading.query.parsed("pending")?.unwrap_or_default(),
                cursor: reading.query.one("cursor")?,
                limit: reading.query.parsed("limit")?,
            }),
            Method::POST => Ok(Operation::CreateKeyPair(reading.body()?)),
            _ => Err(Refused::Method("GET, POST")),
        },
        ["named", name] => {
            reading.only(&Method::GET, "GET")?;
            Ok(Operation::FindKeyPair { external_identifier: (*name).to_owned() })
        }
        [id] => {
            let id = id.parse().map_err(|_| unknown_path())?;
            match *reading.method() {
                Method::GET => Ok(Operation::GetKeyPair { id }),
                Method::PATCH => {
                    let KeyPairBody { external_identifiers, metadata } = reading.body()?;
                    Ok(Operation::UpdateKeyPair { id, external_identifiers, metadata })
                }
                Method::DELETE => Ok(Operation::DeleteKeyPair { id }),
                _ => Err(Refused::Method("GET, PATCH, DELETE")),
            }
        }
        _ => Err(unknown_path().into()),
    }
}

fn vault(others: &[&str], reading: &mut Reading<'_>) -> Result<Operation, Refused> {
    match others {
        ["users"] => {
            reading.only(&Method::POST, "POST")?;
            Ok(Operation::CreateVaultUser(reading.body()?))
        }
        ["session"] => {
            reading.only(&Method::POST, "POST")?;
            Ok(Operation::OpenVaultSession(reading.body()?))
        }
        ["user"] => match *reading.method() {
            Method::GET => Ok(Operation::GetVaultUser {}),
            Method::PATCH => Ok(Operation::UpdateVaultUser(reading.body()?)),
            _ => Err(Refused::Method("GET, PATCH")),
        },
        ["templates"] => reading.only(&Method::GET, "GET").map(|()| Operation::ListTemplates {}),
        ["items"] => match *reading.method() {
            Method::GET => Ok(Operation::ListItems {
                templates: reading.query.parsed_many("template")?,
                cursor: reading.query.one("cursor")?,
                limit: reading.query.parsed("limit")?,
            }),
            Method::POST => Ok(Operation::CreateItem(reading.body()?)),
            _ => Err(Refused::Method("GET, POST")),
        },
        ["items", id] => {
            let id = id.parse().map_err(|_| unknown_path())?;
            match *reading.method() {
                Method::GET => Ok(Operation::GetItem { id }),
                Method::PATCH => {
                    let ItemBody { label, slots } = reading.body()?;
                    Ok(Operation::UpdateItem { id, label, slots })
                }
                Method::DELETE => Ok(Operation::DeleteItem { id }),
                _ => Err(Refused::Method("GET, PATCH, DELETE")),
            }
        }
        ["slots", id] => {
            let id = id.parse().map_err(|_| unknown_path())?;
            reading.only(&Method::DELETE, "DELETE").map(|()| Operation::DeleteSlot { id })
        }
        _ => Err(unknown_path().into()),
    }
}
