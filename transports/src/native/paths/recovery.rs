//! The paths of escrows, of requests for what they hold, and of realms of PIN recovery.

use http::Method;
use serde::Deserialize;
use strongroom_primitives::{id::EscrowId, pin_recovery::RecoveryRealmId};
use strongroom_wire::{Base64Array, Base64Bytes, Deal, EscrowRefresh, Operation, RecoveryApproval};

use crate::native::http::{Reading, Refused, unknown_path};

/// The body of `POST /escrows/{id}/epochs`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RefreshBody {
    epoch: u32,
    deal: Deal,
    #[serde(default)]
    payload: Option<Base64Bytes>,
}

/// The body of `POST /escrows/{id}/requests`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OpenBody {
    public_key: Base64Array<32>,
    #[serde(default)]
    reason: String,
}

/// The body of `POST /escrows/{id}/requests/{request}/approve`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ApproveBody {
    epoch: u32,
    index: u8,
    sealed: Base64Bytes,
    #[serde(default)]
    signature: Option<Base64Array<64>>,
}

pub(super) fn escrows(others: &[&str], reading: &mut Reading<'_>) -> Result<Operation, Refused> {
    match others {
        [] => match *reading.method() {
            Method::GET => Ok(Operation::ListEscrows {
                cursor: reading.query.parsed("cursor")?,
                limit: reading.query.parsed("limit")?,
            }),
            Method::POST => Ok(Operation::CreateEscrow(reading.body()?)),
            _ => Err(Refused::Method("GET, POST")),
        },
        // No id is a word.
        ["key"] => reading.only(&Method::GET, "GET").map(|()| Operation::RecoveryKey {}),
        ["held"] => {
            reading.only(&Method::GET, "GET")?;
            let (cursor, limit) = (reading.query.parsed("cursor")?, reading.query.parsed("limit")?);
            Ok(Operation::ListHeldEscrows { cursor, limit })
        }
        [id, others @ ..] => one(id.parse().map_err(|_| unknown_path())?, others, reading),
    }
}

fn one(escrow: EscrowId, others: &[&str], reading: &mut Reading<'_>) -> Result<Operation, Refused> {
    match others {
        [] => match *reading.method() {
            Method::GET => Ok(Operation::GetEscrow { id: escrow }),
            Method::DELETE => Ok(Operation::DeleteEscrow { id: escrow }),
            _ => Err(Refused::Method("GET, DELETE")),
        },
        ["epochs"] => {
            reading.only(&Method::POST, "POST")?;
            let RefreshBody { epoch, deal, payload } = reading.body()?;
            Ok(Operation::RefreshEscrow(Box::new(EscrowRefresh { id: escrow, epoch, deal, payload })))
        }
        ["requests"] => match *reading.method() {
            Method::GET => Ok(Operation::ListRecoveryRequests { escrow }),
            Method::POST => {
                let OpenBody { public_key, reason } = reading.body()?;
                Ok(Operation::OpenRecoveryRequest { escrow, public_key, reason })
            }
            _ => Err(Refused::Method("GET, POST")),
        },
        ["requests", request, others @ ..] => {
            let request = request.parse().map_err(|_| unknown_path())?;
            match others {
                [] => {
                    reading.only(&Method::GET, "GET")?;
                    Ok(Operation::GetRecoveryRequest { escrow, request })
                }
                ["approve"] => {
                    reading.only(&Method::POST, "POST")?;
                    let ApproveBody { epoch, index, sealed, signature } = reading.body()?;
                    let approval = RecoveryApproval { escrow, request, epoch, index, sealed, signature };
                    Ok(Operation::ApproveRecovery(Box::new(approval)))
                }
                ["veto"] => {
                    reading.only(&Method::POST, "POST")?;
                    Ok(Operation::VetoRecovery { escrow, request })
                }
                ["collect"] => {
                    reading.only(&Method::POST, "POST")?;
                    Ok(Operation::CollectRelease { escrow, request })
                }
                _ => Err(unknown_path().into()),
            }
        }
        _ => Err(unknown_path().into()),
    }
}

/// What an account asks of a realm of PIN recovery.
pub(super) fn realm(realm: &str, others: &[&str], reading: &mut Reading<'_>) -> Result<Operation, Refused> {
    let realm = RecoveryRealmId::from_hex(realm).map_err(|_| unknown_path())?;
    match others {
        ["status"] => {
            reading.only(&Method::GET, "GET")?;
            Ok(Operation::PinRecoveryStatus { realm, tenant: reading.query.one("tenant")? })
        }
        ["veto"] => {
            reading.only(&Method::POST, "POST")?;
            Ok(Operation::VetoPinErasure { realm, tenant: reading.query.one("tenant")? })
        }
        _ => Err(unknown_path().into()),
    }
}
