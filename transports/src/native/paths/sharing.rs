//! The paths of datastores and secrets.

use http::Method;
use serde::Deserialize;
use strongroom_primitives::time::Timestamp;
use strongroom_wire::{Boxed, Operation, Parent, TokenText};

use crate::native::http::{Reading, Refused, unknown_path};

/// The body of `PATCH /datastores/{id}`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DatastoreBody {
    #[serde(default)]
    data: Option<Boxed>,
    #[serde(default)]
    secret_key: Option<Boxed>,
    #[serde(default)]
    description: Option<String>,
    #[serde(default)]
    is_default: Option<bool>,
    #[serde(default)]
    previous: Option<Timestamp>,
}

/// The body of `DELETE /datastores/{id}`.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct DeleteBody {
    #[serde(default)]
    authkey: Option<TokenText>,
}

/// The body of `PUT /secrets/{id}` and `PUT /shares/{id}`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DataBody {
    pub(super) data: Boxed,
    #[serde(default)]
    pub(super) previous: Option<Timestamp>,
}

/// The body of what moves a link.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MoveBody {
    pub(super) parent: Parent,
}

pub(super) fn datastores(others: &[&str], reading: &mut Reading<'_>) -> Result<Operation, Refused> {
    match others {
        [] => match *reading.method() {
            Method::GET => Ok(Operation::ListDatastores {}),
            Method::POST => Ok(Operation::CreateDatastore(reading.body()?)),
            _ => Err(Refused::Method("GET, POST")),
        },
        [id] => {
            let id = id.parse().map_err(|_| unknown_path())?;
            match *reading.method() {
                Method::GET => Ok(Operation::GetDatastore { id }),
                Method::PATCH => {
                    let DatastoreBody { data, secret_key, description, is_default, previous } =
                        reading.body()?;
                    Ok(Operation::UpdateDatastore { id, data, secret_key, description, is_default, previous })
                }
                Method::DELETE => {
                    let DeleteBody { authkey } = reading.body_if_any()?;
                    Ok(Operation::DeleteDatastore { id, authkey })
                }
                _ => Err(Refused::Method("GET, PATCH, DELETE")),
            }
        }
        _ => Err(unknown_path().into()),
    }
}

pub(super) fn secrets(others: &[&str], reading: &mut Reading<'_>) -> Result<Operation, Refused> {
    match others {
        [] => {
            reading.only(&Method::POST, "POST")?;
            Ok(Operation::CreateSecrets(reading.body()?))
        }
        ["versions", version] => {
            let version = version.parse().map_err(|_| unknown_path())?;
            reading.only(&Method::GET, "GET").map(|()| Operation::GetSecretVersion { version })
        }
        ["links", link] => {
            let link = link.parse().map_err(|_| unknown_path())?;
            match *reading.method() {
                Method::PUT => {
                    let MoveBody { parent } = reading.body()?;
                    Ok(Operation::MoveSecret { link, parent })
                }
                Method::DELETE => Ok(Operation::UnlinkSecret { link }),
                _ => Err(Refused::Method("PUT, DELETE")),
            }
        }
        [id] => {
            let id = id.parse().map_err(|_| unknown_path())?;
            match *reading.method() {
                Method::GET => Ok(Operation::GetSecret { id }),
                Method::PUT => {
                    let DataBody { data, previous } = reading.body()?;
                    Ok(Operation::UpdateSecret { id, data, previous })
                }
                _ => Err(Refused::Method("GET, PUT")),
            }
        }
        [id, "versions"] => {
            let id = id.parse().map_err(|_| unknown_path())?;
            reading.only(&Method::GET, "GET").map(|()| Operation::SecretHistory { id })
        }
        _ => Err(unknown_path().into()),
    }
}
