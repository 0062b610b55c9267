//! What an owner may see, at no cost.

use serde::{Deserialize, Serialize};
use strongroom_primitives::time::Timestamp;

use super::{
    PinRecovery,
    rows::StoredPinRecord,
    seen::{Seen, reads},
    user::PinUser,
};
use crate::{
    command::{Command, Decision, Kind, Moment, Reads, Step, View},
    credential::{Need, Principal},
    error::EngineError,
    keyspace::Keyspace,
};

/// How it stands with a user's record at one realm. Source: RECOVERY.md, sections 3.6 and 4.1.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecoveryStatus {
    /// Whether something is registered that can be recovered.
    pub registered: bool,
    /// Whether something was, and all guesses were used.
    pub no_guesses: bool,
    /// Guesses used since the last right one.
    pub guesses_used: u16,
    /// Guesses allowed.
    pub guesses_allowed: u16,
    /// The first instant at which the next guess is counted, if that is yet to come.
    pub next_guess_at: Option<Timestamp>,
    /// When the copy of a record that was deleted or replaced is destroyed, if there is one. Until then its owner may
    /// have it back.
    pub pending_destruction_at: Option<Timestamp>,
    /// Whether guesses count as used because the store was restored from a backup.
    pub restored: bool,
}

/// Asks for it.
#[derive(Debug, Serialize)]
pub(crate) struct ShareStatus {
    pub(super) user: PinUser,
}

impl Command for ShareStatus {
    type Domain = PinRecovery;
    type Reply = RecoveryStatus;
    const NAME: &'static str = "share_status";
    const KIND: Kind = Kind::Read;

    fn needs(&self) -> Need {
        Need::Anyone
    }

    fn reads(&self, _: &Principal, space: &Keyspace) -> Reads {
        reads(&self.user, space)
    }

    fn decide(
        &self,
        view: &View<'_>,
        _: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<RecoveryStatus>, EngineError> {
        status(&self.user, view, moment)?.done()
    }
}

/// How it stands with the record of a user, whoever asks.
///
/// # Errors
/// [`EngineError::UnknownRecoveryRealm`], [`EngineError::Corrupt`].
pub(super) fn status(
    user: &PinUser,
    view: &View<'_>,
    moment: &Moment<'_>,
) -> Result<Decision<RecoveryStatus>, EngineError> {
    let seen = Seen::look(user, view, moment.space)?;
    let pending_destruction_at = seen.grace_at(moment.now).map(|grace| grace.until);
    let status = match &seen.record {
        None => RecoveryStatus::default(),
        Some(StoredPinRecord::NoGuesses) => RecoveryStatus { no_guesses: true, ..Default::default() },
        Some(StoredPinRecord::Registered(record)) => RecoveryStatus {
            registered: true,
            guesses_used: seen.used(&record.head),
            guesses_allowed: record.head.allowed,
            next_guess_at: Some(seen.next_guess(&record.head)).filter(|next| *next > moment.now),
            restored: seen.is_lowered(&record.head),
            ..Default::default()
        },
    };
    Ok(Decision::reply(RecoveryStatus { pending_destruction_at, ..status }))
}
