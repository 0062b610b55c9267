//! When a session was last used: a mark beside its row, written at most once a minute, so that the row itself stays
//! still and a reader never waits for a writer.

use serde::{Deserialize, Serialize};
use strongroom_primitives::{
    id::{AccountId, SessionId},
    time::Timestamp,
};

use super::{Sessions, StoredSession};
use crate::{
    codec::Stored,
    command::{Command, Decision, Kind, Lane, Moment, Reads, Step, View},
    credential::{Need, Principal},
    error::EngineError,
    keyspace::{self, Keyspace},
};

/// The last use of a session that is written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredSeen {
    pub(crate) at: Timestamp,
}

impl Stored for StoredSeen {}

/// Takes note that a session is in use. The engine asks for it by itself.
#[derive(Debug, Clone, Serialize)]
pub struct TouchSession {
    /// Whose.
    pub account: AccountId,
    /// Which.
    pub session: SessionId,
}

impl Command for TouchSession {
    type Domain = Sessions;
    type Reply = ();
    const NAME: &'static str = "touch_session";
    const KIND: Kind = Kind::Write;

    fn needs(&self) -> Need {
        Need::Node
    }

    fn lane(&self, _: &Principal, _: &Keyspace) -> Lane {
        Lane::of_account(self.account)
    }

    fn reads(&self, _: &Principal, _: &Keyspace) -> Reads {
        // Guarded: a session that ends at the same moment leaves no mark behind.
        Reads::one(keyspace::session(self.session))
    }

    fn decide(
        &self,
        view: &View<'_>,
        _: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<()>, EngineError> {
        let stored: Option<StoredSession> = view.row(&keyspace::session(self.session))?;
        let decision = Decision::reply(());
        let ends = stored.map(|stored| stored.ends());
        if ends.is_none_or(|ends| ends.is_some_and(|ends| moment.now > ends)) {
            return decision.done();
        }
        if let Some(ends) = ends.flatten() {
            moment.relies_on(ends);
        }
        let key = keyspace::session_seen(self.account, self.session);
        decision.put(key, &StoredSeen { at: moment.now }).done()
    }
}
