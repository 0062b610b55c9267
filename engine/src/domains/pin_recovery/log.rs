//! The log of a tenant: what happened to the records of its users, until it says that it has heard.

use serde::{Deserialize, Serialize};
use strongroom_primitives::time::Timestamp;

use super::{PinRecovery, rows::StoredPinEvent, seen::keys_of, user::PinUser};
use crate::{
    command::{Command, Decision, Kind, Lane, Moment, Reads, Step, View},
    credential::{Need, Principal},
    error::EngineError,
    keyspace::Keyspace,
};

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum LoggedKind {
    /// Something was registered, or came back by a veto.
    Registered,
    /// A guess was counted.
    GuessUsed,
    /// A guess was right.
    ShareRecovered,
    /// It was deleted.
    Deleted,
}

/// One thing that happened. Source: RECOVERY.md, section 3.4.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoggedEvent {
    /// Which of its tenant's at its realm, counted from 0.
    pub id: u64,
    /// When.
    pub at: Timestamp,
    /// To whose record: SHA-256 of tenant and subject, in hexadecimal.
    pub user: String,
    /// What.
    pub kind: LoggedKind,
    /// Guesses allowed, where that has a meaning.
    pub num_guesses: Option<u16>,
    /// Guesses used.
    pub guess_count: Option<u16>,
}

/// The oldest events that nobody has acknowledged.
#[derive(Debug, Serialize)]
pub(crate) struct ReadLog {
    /// Somebody of the tenant.
    pub(super) user: PinUser,
    pub(super) limit: usize,
}

impl Command for ReadLog {
    type Domain = PinRecovery;
    type Reply = Vec<LoggedEvent>;
    const NAME: &'static str = "read_recovery_log";
    const KIND: Kind = Kind::Read;

    fn needs(&self) -> Need {
        Need::Anyone
    }

    fn reads(&self, _: &Principal, space: &Keyspace) -> Reads {
        Reads::none().range_hint(keys_of(&self.user, space).events, None, self.limit)
    }

    fn decide(
        &self,
        view: &View<'_>,
        _: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<Vec<LoggedEvent>>, EngineError> {
        let (rows, _) = view.range::<StoredPinEvent>(&keys_of(&self.user, moment.space).events)?;
        Decision::reply(rows.into_iter().map(|(_, row)| row.event).collect()).done()
    }
}

/// Removes events that were heard of. One that is not there is passed over.
#[derive(Debug, Serialize)]
pub(crate) struct AckLog {
    /// Somebody of the tenant.
    pub(super) user: PinUser,
    pub(super) events: Vec<u64>,
}

impl Command for AckLog {
    type Domain = PinRecovery;
    type Reply = ();
    const NAME: &'static str = "ack_recovery_log";
    const KIND: Kind = Kind::Write;

    fn needs(&self) -> Need {
        Need::Anyone
    }

    fn lane(&self, _: &Principal, space: &Keyspace) -> Lane {
        space.pin_lane(&self.user.realm())
    }

    fn reads(&self, _: &Principal, space: &Keyspace) -> Reads {
        let keys = keys_of(&self.user, space);
        self.events.iter().fold(Reads::none(), |reads, event| reads.row(keys.event(*event)))
    }

    fn decide(
        &self,
        view: &View<'_>,
        _: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<()>, EngineError> {
        let keys = keys_of(&self.user, moment.space);
        let mut decision = Decision::reply(());
        for event in &self.events {
            let key = keys.event(*event);
            if view.is_there(&key)? {
                decision = decision.delete(key);
            }
        }
        decision.done()
    }
}
