//! The rows of chains and their keys.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use strongroom_primitives::{
    dc1::{ChainId, KeyId, permissions::PermissionsDocument},
    time::Timestamp,
};

use super::ServiceKeyInfo;
use crate::{codec::Stored, command::Moment};

/// The widest window that signatures are remembered for at least, whatever the limits say now: a wider one may have been
/// in force, or may be after the next start. Source: dialects/dragonchain.md, section 3.
const WINDOW_KEPT: Duration = Duration::from_secs(600);

/// How much longer than its window a signature is remembered. Source: dialects/dragonchain.md, section 9.
pub(crate) const SIGNATURE_SLACK: Duration = Duration::from_secs(60);

/// How many chains there are.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredChainCount {
    pub(crate) chains: u64,
}

impl Stored for StoredChainCount {}

/// A chain. Written with every change of its keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredChain {
    pub(crate) id: ChainId,
    pub(crate) root: KeyId,
    pub(crate) since: Timestamp,
    /// Keys that there are, the root key included.
    pub(crate) keys: u64,
    /// Ids that were drawn for keys.
    pub(crate) drawn: u64,
}

impl Stored for StoredChain {}

/// A key of a chain.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredServiceKey {
    pub(crate) id: KeyId,
    pub(crate) nickname: String,
    pub(crate) root: bool,
    pub(crate) registered: Timestamp,
    pub(crate) permissions: PermissionsDocument,
    pub(crate) expires: Option<Timestamp>,
    /// Which of its secrets is the present one, counted from 0.
    pub(crate) generation: u32,
    /// The secret, sealed.
    pub(crate) secret: Vec<u8>,
    pub(crate) previous: Option<StoredPrevious>,
}

impl Stored for StoredServiceKey {}

/// The secret before the present one.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredPrevious {
    /// The secret, sealed.
    pub(crate) secret: Vec<u8>,
    /// The last instant at which it signs.
    pub(crate) until: Timestamp,
}

impl StoredServiceKey {
    pub(crate) fn is_good(&self, now: Timestamp) -> bool {
        self.expires.is_none_or(|expires| now <= expires)
    }

    /// The secret before the present one, as long as it signs.
    pub(crate) fn previous_at(&self, now: Timestamp) -> Option<&StoredPrevious> {
        self.previous.as_ref().filter(|previous| now <= previous.until)
    }

    pub(super) fn info(&self, last_used: Option<Timestamp>, now: Timestamp) -> ServiceKeyInfo {
        ServiceKeyInfo {
            id: self.id.clone(),
            nickname: self.nickname.clone(),
            root: self.root,
            registered: self.registered,
            permissions: self.permissions.clone(),
            expires: self.expires,
            last_used,
            overlap_until: self.previous_at(now).map(|previous| previous.until),
        }
    }
}

/// A key id was in use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredRetired {
    pub(crate) at: Timestamp,
}

impl Stored for StoredRetired {}

/// The last use of a key that is written down.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredKeyUse {
    pub(crate) id: KeyId,
    pub(crate) at: Timestamp,
}

impl Stored for StoredKeyUse {}

/// A signature was taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredSignature {
    /// The time that the request says.
    pub(crate) at: Timestamp,
    /// The last instant at which it is remembered.
    pub(crate) until: Timestamp,
}

impl Stored for StoredSignature {}

impl StoredSignature {
    pub(super) fn taken(at: Timestamp, moment: &Moment<'_>) -> Self {
        let window = moment.limits.signature_window.max(WINDOW_KEPT);
        Self { at, until: at.saturating_add(window).saturating_add(SIGNATURE_SLACK) }
    }
}
