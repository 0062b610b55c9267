//! What sessions an account has.

use serde::{Deserialize, Serialize};
use strongroom_primitives::{
    id::{ApiKeyId, SessionId},
    time::Timestamp,
};

use super::{
    SESSIONS_READ_MAX, Sessions, StoredSeen, StoredSession, StoredSessionIndex, account_of, need_of,
};
use crate::{
    command::{Command, Decision, Kind, Moment, Reads, Step, View},
    credential::{Identity, Need, Principal, Rights},
    error::EngineError,
    keyspace::{self, Keyspace},
};

/// What an account sees of one of its sessions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionInfo {
    /// The session.
    pub session: SessionId,
    /// What its holder calls it.
    pub label: String,
    /// What it may do with records.
    pub rights: Rights,
    /// When it was opened.
    pub opened: Timestamp,
    /// The last instant at which it is good, if limited.
    pub expires: Option<Timestamp>,
    /// When it was last used, give or take a minute. `None` if never since it was opened.
    pub last_used: Option<Timestamp>,
    /// The session it was opened from, and with which it ends.
    pub parent: Option<SessionId>,
    /// The API key that it was opened with, and with which it ends.
    pub api_key: Option<ApiKeyId>,
    /// Whether nobody has shown yet that they can read its token.
    pub unproved: bool,
}

/// Lists the bearer sessions of an account.
#[derive(Debug, Clone, Serialize)]
pub struct ListSessions {
    /// Whose; only the operator names somebody. `None` for the caller.
    pub identity: Option<Identity>,
}

impl Command for ListSessions {
    type Domain = Sessions;
    type Reply = Vec<SessionInfo>;
    const NAME: &'static str = "list_sessions";
    const KIND: Kind = Kind::Read;

    fn needs(&self) -> Need {
        need_of(self.identity.as_ref())
    }

    fn reads(&self, who: &Principal, space: &Keyspace) -> Reads {
        let account = account_of(self.identity.as_ref(), who, space);
        let ledger = keyspace::ledger(account);
        Reads::none().range(keyspace::account_sessions(account), None, SESSIONS_READ_MAX, ledger)
    }

    fn decide(
        &self,
        view: &View<'_>,
        who: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<Vec<SessionInfo>>, EngineError> {
        let account = account_of(self.identity.as_ref(), who, moment.space);
        let (rows, _) = view.range::<StoredSessionIndex>(&keyspace::account_sessions(account))?;
        let missing: Vec<_> = rows
            .iter()
            .flat_map(|(_, index)| {
                [keyspace::session(index.session), keyspace::session_seen(account, index.session)]
            })
            .filter(|key| !view.has(key))
            .collect();
        if !missing.is_empty() {
            return Ok(Step::Need(missing.into_iter().fold(Reads::none(), Reads::hint)));
        }
        let mut sessions = Vec::new();
        for (_, StoredSessionIndex { session, .. }) in rows {
            if let Some(stored) = view.row::<StoredSession>(&keyspace::session(session))? {
                let StoredSession { label, rights, opened, expires, parent, api_key, prove_by, .. } = stored;
                let seen: Option<StoredSeen> = view.row(&keyspace::session_seen(account, session))?;
                let last_used = seen.map(|seen| seen.at);
                sessions.push(SessionInfo {
                    session,
                    label,
                    rights,
                    opened,
                    expires,
                    last_used,
                    parent,
                    api_key,
                    unproved: prove_by.is_some(),
                });
            }
        }
        Decision::reply(sessions).done()
    }
}
