//! How escrows lie in storage. Requests have their own file.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use strongroom_primitives::{
    id::{AccountId, EscrowId, RecoveryRequestId, Subject},
    sharing::POINT_BYTES,
    time::Timestamp,
};
use strongroom_storage::Key;

use super::{HolderKind, ReleasePolicy};
use crate::{codec::Stored, keyspace};

/// Whose an escrow is. Holders know it by its id alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct StoredEscrowPlace {
    pub(super) owner: AccountId,
}

impl Stored for StoredEscrowPlace {}

/// That an account holds a share of an escrow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct StoredHolding {
    pub(super) index: u8,
    pub(super) since: Timestamp,
}

impl Stored for StoredHolding {}

/// One holder of the present epoch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct StoredHolder {
    pub(super) index: u8,
    pub(super) kind: HolderKind,
    /// The account, if it is one.
    pub(super) account: Option<AccountId>,
    pub(super) public_key: Option<[u8; 32]>,
}

impl StoredHolder {
    /// Whether it can approve a request.
    pub(super) fn approves(&self) -> bool {
        matches!(self.kind, HolderKind::Account(_) | HolderKind::Device { .. })
    }
}

/// One request that has a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct RequestMark {
    pub(super) id: RecoveryRequestId,
    pub(super) requester: AccountId,
    pub(super) opened: Timestamp,
    /// The last instant at which it is under way.
    pub(super) live_until: Timestamp,
}

/// All of an escrow but what it holds, which is large.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredEscrow {
    pub(super) owner: Subject,
    pub(super) label: String,
    /// From 1 on; one more with every refresh.
    pub(super) epoch: u32,
    pub(super) commitments: Bytes,
    pub(super) holders: Vec<StoredHolder>,
    pub(super) policy: ReleasePolicy,
    pub(super) created: Timestamp,
    pub(super) written: Timestamp,
    pub(super) requests: Vec<RequestMark>,
}

impl Stored for StoredEscrow {}

impl StoredEscrow {
    pub(super) fn threshold(&self) -> u8 {
        u8::try_from(self.commitments.len() / POINT_BYTES).unwrap_or(u8::MAX)
    }

    pub(super) fn holder(&self, index: u8) -> Option<&StoredHolder> {
        self.holders.iter().find(|holder| holder.index == index)
    }

    pub(super) fn held_by(&self, account: AccountId) -> Option<&StoredHolder> {
        self.holders.iter().find(|holder| holder.account == Some(account))
    }

    pub(super) fn approvers(&self) -> usize {
        self.holders.iter().filter(|holder| holder.approves()).count()
    }

    /// The accounts that hold shares.
    pub(super) fn accounts(&self) -> impl Iterator<Item = AccountId> {
        self.holders.iter().filter_map(|holder| holder.account)
    }

    pub(super) fn mark(&mut self, id: RecoveryRequestId) -> Option<&mut RequestMark> {
        self.requests.iter_mut().find(|mark| mark.id == id)
    }

    /// The rows elsewhere that stand and fall with it.
    pub(crate) fn rows_with_it(&self, owner: AccountId, escrow: EscrowId) -> Vec<Key> {
        let holdings = self.accounts().map(|holder| keyspace::escrow_held(holder, escrow));
        let requests = self.requests.iter().map(|mark| keyspace::recovery_request(owner, escrow, mark.id));
        let own = [keyspace::escrow_place(escrow), keyspace::escrow_content(owner, escrow)];
        own.into_iter().chain(holdings).chain(requests).collect()
    }
}

/// What an escrow holds, of its present epoch and no other: a refresh replaces the row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct StoredEscrowContent {
    pub(super) payload: Bytes,
    pub(super) sealed: BTreeMap<u8, Bytes>,
}

impl Stored for StoredEscrowContent {}
