//! The rows of PIN recovery.

use serde::{Deserialize, Serialize};
use strongroom_primitives::{id::AccountId, pin_recovery::VERSION_BYTES, time::Timestamp};

use super::LoggedEvent;
use crate::codec::Stored;

/// A realm, and how much has happened in it. Written with every change of its records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredPinRealm {
    /// Tells this store's realm from one of the same id in another store.
    pub(crate) epoch: [u8; 16],
    /// How often the store was found to be restored.
    pub(crate) generation: u32,
    /// Changes so far.
    pub(crate) mark: u64,
    /// Where owners are yet to be told that the store was restored: 16 bytes of a record's key, from which on nobody has
    /// been.
    pub(crate) untold: Option<[u8; 16]>,
}

impl Stored for StoredPinRealm {}

/// What is known of a registration without opening it. All of it is authenticated by the seal of what is kept, so that
/// an edited count makes a record that does not open, and none that has its guesses back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PinHead {
    pub(crate) version: [u8; VERSION_BYTES],
    /// Guesses used since the last right one.
    pub(crate) count: u16,
    /// Guesses allowed.
    pub(crate) allowed: u16,
    /// The realm's mark as of the last change. Never twice the same.
    pub(crate) mark: u64,
    /// The realm's generation as of the last change.
    pub(crate) generation: u32,
    /// When the last guess was counted, if one was since the last right one.
    pub(crate) guessed: Option<Timestamp>,
    /// When the PIN was last shown to be known.
    pub(crate) opened: Option<Timestamp>,
    /// The account that the user was as of the last change, if it was there: who is told of a restored store.
    pub(crate) owner: Option<AccountId>,
}

/// A registration: its head, and what it keeps, sealed under a key of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sealed {
    pub(crate) head: PinHead,
    pub(crate) kept: Vec<u8>,
}

/// The record of a user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum StoredPinRecord {
    /// Something is registered.
    Registered(Sealed),
    /// Something was; all guesses were used, and its key is gone.
    NoGuesses,
}

impl Stored for StoredPinRecord {}

/// The key of what a record keeps, sealed under the key of its realm. Drawn anew for every change; removing it is how
/// a record is wiped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredPinKey {
    pub(crate) sealed: Vec<u8>,
}

impl Stored for StoredPinKey {}

/// A record that was deleted or replaced, with its key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredPinGrace {
    /// The last instant at which it may be taken back.
    pub(crate) until: Timestamp,
    pub(crate) record: Sealed,
    pub(crate) key: StoredPinKey,
}

impl Stored for StoredPinGrace {}

/// How many events the log of a tenant has had.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredPinLog {
    pub(crate) events: u64,
}

impl Stored for StoredPinLog {}

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredPinEvent {
    pub(crate) event: LoggedEvent,
}

impl Stored for StoredPinEvent {}
