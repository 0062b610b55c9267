//! PIN recovery: how it stands with what an account keeps behind a PIN, and what realms say of themselves. Registering
//! and recovering are the Juicebox protocol's.

use serde::{Deserialize, Serialize};
use strongroom_primitives::{pin_recovery::RecoveryRealmId, time::Timestamp};

use crate::{Base64Array, Base64Bytes};

/// How it stands with the caller's record at one realm. Instants in milliseconds since 1970.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PinRecoveryStatus {
    /// Whether something is registered that can be recovered.
    pub registered: bool,
    /// Whether something was, and all guesses were used.
    pub no_guesses: bool,
    /// Guesses used since the last right one.
    pub guesses_used: u16,
    /// Guesses allowed.
    pub guesses_allowed: u16,
    /// The first instant at which the next guess is counted, if that is yet to come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_guess_at: Option<Timestamp>,
    /// When the copy of what was deleted or replaced is destroyed, if there is one. Until then a veto brings it back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending_destruction_at: Option<Timestamp>,
    /// Whether guesses count as used because the realm's store was restored from a backup.
    pub restored: bool,
}

/// What the bytes begin with that the server signs, so that they are no other statement of its identity's.
pub const REALMS_CONTEXT: &[u8] = b"strongroom realms v1\0";

/// What the server says of its realms, signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedRealms {
    /// A [`RealmsStatement`] in JSON.
    pub statement: Base64Bytes,
    /// Ed25519, over [`REALMS_CONTEXT`] and the bytes of the statement.
    pub signature: Base64Array<64>,
    /// The Ed25519 public key of the server's identity.
    pub server_key: Base64Array<32>,
    /// Which of its generations.
    pub generation: u32,
}

impl SignedRealms {
    /// What is signed.
    #[must_use]
    pub fn message(statement: &[u8]) -> Vec<u8> {
        [REALMS_CONTEXT, statement].concat()
    }
}

/// What the server says of its realms.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RealmsStatement {
    /// When it was said, in milliseconds since 1970.
    pub at: Timestamp,
    /// Name and version of the software.
    pub software: String,
    /// Every realm that the server is.
    pub realms: Vec<RealmStatement>,
}

/// What the server says of one realm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RealmStatement {
    /// Its id.
    pub realm: RecoveryRealmId,
    /// Who runs it; may be empty.
    pub operator: String,
    /// Drawn when the realm began in its store: another one is another store.
    pub epoch: Base64Array<16>,
    /// How often the store was found to be restored. Never falls.
    pub restores: u32,
    /// Changes of records so far. It falls only where an older store was put back unnoticed.
    pub changes: u64,
}

/// A step of what an account keeps behind a PIN: `{"guess_used":{"guesses_used":1,"guesses_allowed":5}}` and so on.
/// Instants in milliseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PinRecoveryStep {
    /// Something was registered where nothing was that could be recovered.
    Registered {
        /// Guesses allowed.
        guesses_allowed: u16,
    },
    /// Something was registered in the place of something else.
    Replaced {
        /// Guesses allowed.
        guesses_allowed: u16,
        /// Up to this instant there is something to take back.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        veto_until: Option<Timestamp>,
    },
    /// A guess was counted.
    GuessUsed {
        /// Guesses used since the last right one.
        guesses_used: u16,
        /// Guesses allowed.
        guesses_allowed: u16,
    },
    /// All guesses are used; what was registered is erased.
    NoGuesses {},
    /// A guess was right, and the share was given.
    Recovered {},
    /// It was deleted.
    Deleted {
        /// Up to this instant there is something to take back.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        veto_until: Option<Timestamp>,
    },
    /// What was deleted or replaced came back by a veto.
    BroughtBack {
        /// Guesses used, as before.
        guesses_used: u16,
        /// Guesses allowed, as before.
        guesses_allowed: u16,
    },
    /// The realm's store was restored from a backup: one guess is left at most, until one is right.
    Restored {},
}
