//! Recovery: shares of a secret, kept for their holders, and given out to a requester under a policy.
//!
//! ```text
//! owner       CreateEscrow: commitments, shares sealed to their holders, the sealed payload, a policy
//! requester   OpenRequest: a key to seal to
//! holders     ApproveRequest: their share, sealed to that key
//! owner       VetoRequest
//! requester   CollectRelease, once the delay is over
//! ```
//!
//! All cryptography is the clients'. The engine keeps ciphertexts and cannot tell a good share from a bad one: the
//! requester's client checks every share against the commitments and names a bad one. One share may be the server's own
//! ([`HolderKind::Server`]); that one the engine opens, checks and seals to the requester.
//!
//! Believe this: what a requester gets, they get from one guarded commit ([`CollectRelease`]), and every veto, refresh and
//! deletion before it wins. Delays run by the time that the store has been told, never by a node's clock alone
//! (`clock`). Source: `RECOVERY.md`, section 5.

mod clock;
mod deal;
mod escrows;
mod find;
mod policy;
mod refresh;
mod requests;
mod rows;
#[cfg(test)]
mod tests;

pub use deal::{Deal, EscrowFault, Holder, HolderKind, SealedShare};
pub use escrows::{
    CreateEscrow, DeleteEscrow, Escrow, EscrowPage, EscrowSummary, GetEscrow, ListEscrows, ListHeldEscrows,
};
pub use policy::ReleasePolicy;
pub use refresh::RefreshEscrow;
pub(crate) use requests::StoredRecoveryRequest;
pub use requests::{
    ApproveRequest, CollectRelease, EndRequest, GetRequest, ListRequests, OpenRequest, RecoveryRequest,
    Release, RequestState, VetoRequest,
};
pub(crate) use rows::StoredEscrow;

use crate::command::Domain;

/// The domain of escrows and of requests for what they hold.
#[derive(Debug)]
pub struct Recovery;

impl Domain for Recovery {
    const NAME: &'static str = "recovery";
}

/// The label of an escrow, in bytes.
pub const LABEL_BYTES_MAX: usize = 256;

/// The reason of a request, in bytes.
pub const REASON_BYTES_MAX: usize = 1_024;
