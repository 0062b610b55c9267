//! The paths of shares, and of rights on them.

use http::Method;
use serde::Deserialize;
use strongroom_primitives::{
    id::{AccountId, LinkId},
    time::Timestamp,
};
use strongroom_wire::{Boxed, KeyKind, Operation, Parent, ShareOffer, ShareRights};

use super::sharing::{DataBody, MoveBody};
use crate::native::http::{Reading, Refused, unknown_path};

/// The body of `POST /shares/{id}/rights`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OfferBody {
    taker: AccountId,
    key: Boxed,
    #[serde(default)]
    title: Option<Boxed>,
    #[serde(default)]
    kind: Option<Boxed>,
    rights: ShareRights,
    #[serde(default)]
    expires: Option<Timestamp>,
}

/// The body of `POST /shares/rights/{right}/accept`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AcceptBody {
    key: Boxed,
    key_kind: KeyKind,
}

/// The body of `PUT /shares/{id}/rights/{taker}`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ChangeBody {
    rights: ShareRights,
}

/// The body of `POST /shares/{id}/links`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PlaceBody {
    link: LinkId,
    parent: Parent,
}

pub(super) fn shares(others: &[&str], reading: &mut Reading<'_>) -> Result<Operation, Refused> {
    match others {
        [] => match *reading.method() {
            Method::GET => Ok(Operation::ListShares {
                cursor: reading.query.one("cursor")?,
                limit: reading.query.parsed("limit")?,
            }),
            Method::POST => Ok(Operation::CreateShare(reading.body()?)),
            _ => Err(Refused::Method("GET, POST")),
        },
        ["links", link] => {
            let link = link.parse().map_err(|_| unknown_path())?;
            match *reading.method() {
                Method::PUT => {
                    let MoveBody { parent } = reading.body()?;
                    Ok(Operation::MoveShare { link, parent })
                }
                Method::DELETE => Ok(Operation::UnlinkShare { link }),
                _ => Err(Refused::Method("PUT, DELETE")),
            }
        }
        ["rights", right, others @ ..] => own_right(right, others, reading),
        [id, others @ ..] => one(id, others, reading),
    }
}

/// A right, by its own id.
fn own_right(right: &str, others: &[&str], reading: &mut Reading<'_>) -> Result<Operation, Refused> {
    let right = right.parse().map_err(|_| unknown_path())?;
    match others {
        [] => reading.only(&Method::DELETE, "DELETE").map(|()| Operation::RevokeShareRight { right }),
        ["accept"] => {
            reading.only(&Method::POST, "POST")?;
            let AcceptBody { key, key_kind } = reading.body()?;
            Ok(Operation::AcceptShare { right, key, key_kind })
        }
        ["decline"] => reading.only(&Method::POST, "POST").map(|()| Operation::DeclineShare { right }),
        _ => Err(unknown_path().into()),
    }
}

/// A share, and what is of it.
fn one(id: &str, others: &[&str], reading: &mut Reading<'_>) -> Result<Operation, Refused> {
    let share = id.parse().map_err(|_| unknown_path())?;
    match others {
        [] => match *reading.method() {
            Method::GET => Ok(Operation::GetShare { id: share }),
            Method::PUT => {
                let DataBody { data, previous } = reading.body()?;
                Ok(Operation::UpdateShare { id: share, data, previous })
            }
            _ => Err(Refused::Method("GET, PUT")),
        },
        ["rights"] => match *reading.method() {
            Method::GET => Ok(Operation::ListShareRights { share }),
            Method::POST => {
                let OfferBody { taker, key, title, kind, rights, expires } = reading.body()?;
                let offer = ShareOffer { share, taker, key, title, kind, rights, expires };
                Ok(Operation::OfferShare(Box::new(offer)))
            }
            _ => Err(Refused::Method("GET, POST")),
        },
        ["rights", taker] => {
            let taker = taker.parse().map_err(|_| unknown_path())?;
            reading.only(&Method::PUT, "PUT")?;
            let ChangeBody { rights } = reading.body()?;
            Ok(Operation::ChangeShareRight { share, taker, rights })
        }
        ["links"] => {
            reading.only(&Method::POST, "POST")?;
            let PlaceBody { link, parent } = reading.body()?;
            Ok(Operation::PlaceShare { share, link, parent })
        }
        _ => Err(unknown_path().into()),
    }
}
