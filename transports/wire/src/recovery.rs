//! Recovery: shares of a secret with their holders, and requests that they be given out. Ciphertexts only.

use serde::{Deserialize, Serialize};
use strongroom_primitives::{
    id::{EscrowId, RecoveryRequestId, Subject},
    time::Timestamp,
};

use crate::{Base64Array, Base64Bytes, RecoveryState};

/// The key that shares of the server's own are sealed to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecoveryKey {
    /// X25519, 32 bytes.
    pub public_key: Base64Array<32>,
}

/// What kind of holder has a share: `{"account":"bob"}`, `{"device":{"signer":..}}`, `{"realm":{}}`, `{"paper":{}}` or
/// `{"server":{}}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum HolderKind {
    /// Another account of the owner's realm. It approves by its own sign-in.
    Account(Subject),
    /// A device of the owner's. It approves with a signature.
    Device {
        /// Its Ed25519 public key.
        signer: Base64Array<32>,
    },
    /// A realm of PIN recovery. The requester fetches the share there.
    Realm {},
    /// Words on paper. The requester brings the share.
    Paper {},
    /// The server, whose share is given out with every release and is no approval.
    Server {},
}

/// A share, sealed to its holder's key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SealedShare {
    /// The X25519 public key that it is sealed to.
    pub public_key: Base64Array<32>,
    /// The seal: 81 bytes.
    pub text: Base64Bytes,
}

/// One holder of an escrow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Holder {
    /// Its index, 1 to 255.
    pub index: u8,
    /// What it is.
    pub kind: HolderKind,
    /// Its share. May be left out for paper and realms; shown to those who can open it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share: Option<SealedShare>,
}

/// What a dealer has shared, of one epoch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deal {
    /// The points that shares are checked by, 32 bytes each: as many as the threshold.
    pub commitments: Base64Bytes,
    /// The holders.
    pub holders: Vec<Holder>,
}

/// Under what conditions shares are given out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReleasePolicy {
    /// Approvals before the delay begins.
    pub quorum: u8,
    /// Seconds from the last needed approval to the release.
    pub delay_s: u64,
    /// Seconds in which a request gathers approvals.
    pub window_s: u64,
    /// Seconds for which a release waits to be collected.
    pub collect_s: u64,
    /// Seconds from one request of a requester's to their next.
    #[serde(default)]
    pub cooldown_s: u64,
    /// Requests under way at a time.
    pub open_requests_max: u8,
    /// Whether the owner vetoes by using another session.
    #[serde(default)]
    pub activity_vetoes: bool,
}

/// An escrow to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewEscrow {
    /// Its id: 16 random bytes that the client draws, and that what is sealed names.
    pub id: EscrowId,
    /// What people know it by; at most 256 bytes.
    pub label: String,
    /// What is recovered, sealed under the key of the shared secret.
    pub payload: Base64Bytes,
    /// The shares.
    pub deal: Deal,
    /// When they are given out.
    pub policy: ReleasePolicy,
}

/// The next epoch of an escrow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EscrowRefresh {
    /// Which.
    pub id: EscrowId,
    /// The epoch that it follows.
    pub epoch: u32,
    /// The shares of the next epoch.
    pub deal: Deal,
    /// What is recovered, sealed anew; left out where the secret stays the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload: Option<Base64Bytes>,
}

/// What a list shows of an escrow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EscrowSummary {
    /// Which.
    pub id: EscrowId,
    /// Whose.
    pub owner: Subject,
    /// What people know it by.
    pub label: String,
    /// How many shares make the secret.
    pub threshold: u8,
    /// How many there are.
    pub holders: u8,
    /// Counts how often it was dealt, from 1 on.
    pub epoch: u32,
    /// When it was created.
    pub created: Timestamp,
    /// When it was dealt last.
    pub written: Timestamp,
}

/// A page of escrows, in the order of their ids.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EscrowPage {
    /// The escrows.
    pub escrows: Vec<EscrowSummary>,
    /// The `cursor` of the next page, if there may be one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<EscrowId>,
}

/// An escrow, as far as the caller may see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Escrow {
    /// What a list shows of it.
    pub summary: EscrowSummary,
    /// What shares are checked by.
    pub commitments: Base64Bytes,
    /// When shares are given out.
    pub policy: ReleasePolicy,
    /// The holders.
    pub holders: Vec<Holder>,
    /// What is recovered, sealed; for the owner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload: Option<Base64Bytes>,
}

/// A recovery request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecoveryRequest {
    /// Which.
    pub id: RecoveryRequestId,
    /// Who asks.
    pub requester: Subject,
    /// The X25519 public key that holders seal their shares to.
    pub public_key: Base64Array<32>,
    /// What the requester says.
    pub reason: String,
    /// The epoch whose shares are asked for.
    pub epoch: u32,
    /// When it was opened.
    pub opened: Timestamp,
    /// How far it has come.
    pub state: RecoveryState,
    /// Who has approved.
    pub approvals: Vec<Approved>,
    /// How many approvals are needed.
    pub quorum: u8,
}

/// One approval.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approved {
    /// The holder's index.
    pub index: u8,
    /// When.
    pub at: Timestamp,
}

/// The requests of an escrow, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecoveryRequestList {
    /// The requests.
    pub requests: Vec<RecoveryRequest>,
}

/// A holder's approval.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecoveryApproval {
    /// Of which escrow.
    pub escrow: EscrowId,
    /// Which request.
    pub request: RecoveryRequestId,
    /// The epoch of the share.
    pub epoch: u32,
    /// The holder's index.
    pub index: u8,
    /// The share, sealed to the requester: 81 bytes.
    pub sealed: Base64Bytes,
    /// A device's Ed25519 signature; left out for an account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<Base64Array<64>>,
}

/// What was released.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    /// The epoch of the shares.
    pub epoch: u32,
    /// What shares are checked by.
    pub commitments: Base64Bytes,
    /// The shares.
    pub shares: Vec<ReleasedShare>,
    /// What is recovered, sealed under the key of the shared secret.
    pub payload: Base64Bytes,
    /// The last instant at which it can be collected.
    pub until: Timestamp,
}

/// A share, sealed to the requester.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReleasedShare {
    /// The holder's index.
    pub index: u8,
    /// The seal: 81 bytes.
    pub sealed: Base64Bytes,
}
