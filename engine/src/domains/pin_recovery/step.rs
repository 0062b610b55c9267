//! What owners are told of their records, in the feeds of their accounts. Source: THREATS A-DEV-06, A-SHR-11.

use serde::{Deserialize, Serialize};
use strongroom_primitives::time::Timestamp;

/// A step of what an account keeps behind a PIN at one realm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum PinStep {
    /// Something was registered where nothing was that could be recovered.
    Registered {
        /// Guesses allowed.
        guesses_allowed: u16,
    },
    /// Something was registered in the place of something else.
    Replaced {
        /// Guesses allowed.
        guesses_allowed: u16,
        /// The last instant at which there is something to take back. None if the PIN was shown to be known shortly before,
        /// or the realm keeps no copies.
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
        /// The last instant at which there is something to take back, if there is anything.
        veto_until: Option<Timestamp>,
    },
    /// What was deleted or replaced came back by the owner's veto.
    BroughtBack {
        /// Guesses used, as before.
        guesses_used: u16,
        /// Guesses allowed, as before.
        guesses_allowed: u16,
    },
    /// The store of the realm was restored from a backup: one guess is left at most, until one is right.
    Restored {},
}
