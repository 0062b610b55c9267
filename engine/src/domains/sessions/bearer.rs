//! Issuing, listing and revoking bearer sessions.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use strongroom_primitives::{
    encoding, hash,
    id::{AccountId, SessionId},
    time::Timestamp,
};

use super::{BEARER_PREFIX, Sessions, StoredSession, StoredSessionIndex};
use crate::{
    command::{Command, Decision, Kind, Lane, Moment, Reads, Step, View},
    credential::{Identity, Need, Principal, Rights},
    error::EngineError,
    feed::{Event, Ledger},
    keyspace::{self, Keyspace},
};

/// Opens a bearer session for an identity, at the operator's word.
#[derive(Debug, Clone, Serialize)]
pub struct IssueBearer {
    /// For whom.
    pub identity: Identity,
    /// What the session may do with records.
    pub rights: Rights,
    /// How long it is good; `None` until revoked.
    pub life: Option<Duration>,
    /// What its holder calls it; at most 128 bytes are kept.
    pub label: String,
}

/// A new session and its token, which nobody can show again.
#[derive(Serialize, Deserialize)]
pub struct BearerIssued {
    /// The token: [`BEARER_PREFIX`] and 43 characters of base64url.
    pub token: String,
    /// The session.
    pub session: SessionId,
    /// Whose.
    pub account: AccountId,
    /// The last instant at which it is good, if limited.
    pub expires: Option<Timestamp>,
}

impl std::fmt::Debug for BearerIssued {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "BearerIssued({:?})", self.session)
    }
}

fn clip(label: &str, max: usize) -> String {
    label.char_indices().take_while(|(at, c)| at + c.len_utf8() <= max).map(|(_, c)| c).collect()
}

impl Command for IssueBearer {
    type Domain = Sessions;
    type Reply = BearerIssued;
    const NAME: &'static str = "issue_bearer";
    const KIND: Kind = Kind::Write;

    fn needs(&self) -> Need {
        Need::Operator
    }

    fn lane(&self, _: &Principal, space: &Keyspace) -> Lane {
        Lane::of_account(space.account_of(&self.identity.realm, &self.identity.subject))
    }

    fn reads(&self, _: &Principal, space: &Keyspace) -> Reads {
        let account = space.account_of(&self.identity.realm, &self.identity.subject);
        Reads::one(keyspace::account(account)).row(keyspace::ledger(account))
    }

    fn decide(
        &self,
        view: &View<'_>,
        _: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<BearerIssued>, EngineError> {
        use crate::domains::accounts::{AccountState, StoredAccount};
        let account = moment.space.account_of(&self.identity.realm, &self.identity.subject);
        let account_key = keyspace::account(account);
        let stored = view
            .row::<StoredAccount>(&account_key)?
            .unwrap_or_else(|| StoredAccount::new(self.identity.clone(), moment.now));
        if stored.state == AccountState::Erased {
            return Err(EngineError::AccountErased);
        }
        let ledger_key = keyspace::ledger(account);
        let mut ledger: Ledger = view.row(&ledger_key)?.unwrap_or_default();
        let max = moment.limits.sessions_max;
        if ledger.sessions >= max {
            return Err(EngineError::TooManySessions { max });
        }
        ledger.sessions += 1;

        let token = format!("{BEARER_PREFIX}{}", encoding::to_base64url(&moment.entropy.array::<32>()));
        let digest = hash::sha256(token.as_bytes());
        let session = StoredSession::id_of(&digest);
        let expires = self.life.map(|life| moment.now.saturating_add(life));
        let row = StoredSession {
            digest,
            account,
            identity: self.identity.clone(),
            rights: self.rights,
            opened: moment.now,
            expires,
            label: clip(&self.label, 128),
        };
        Decision::reply(BearerIssued { token, session, account, expires })
            .put(account_key, &stored)
            .put(ledger_key, &ledger)
            .put(keyspace::session(session), &row)
            .put(keyspace::account_session(account, session), &StoredSessionIndex { session })
            .tell(account, Event::SessionOpened { session })
            .done()
    }
}

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
}

/// Lists the bearer sessions of an account.
#[derive(Debug, Clone, Serialize)]
pub struct ListSessions {
    /// Whose; only the operator names somebody. `None` for the caller.
    pub identity: Option<Identity>,
}

fn account_of(identity: Option<&Identity>, who: &Principal, space: &Keyspace) -> AccountId {
    identity.map_or(who.account, |identity| space.account_of(&identity.realm, &identity.subject))
}

fn need_of(identity: Option<&Identity>) -> Need {
    if identity.is_some() { Need::Operator } else { Need::Account }
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
        Reads::none().range(keyspace::account_sessions(account), None, 1_000, keyspace::ledger(account))
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
            .map(|(_, index)| keyspace::session(index.session))
            .filter(|key| !view.has(key))
            .collect();
        if !missing.is_empty() {
            return Ok(Step::Need(missing.into_iter().fold(Reads::none(), Reads::row)));
        }
        let mut sessions = Vec::new();
        for (_, StoredSessionIndex { session }) in rows {
            if let Some(stored) = view.row::<StoredSession>(&keyspace::session(session))? {
                let StoredSession { label, rights, opened, expires, .. } = stored;
                sessions.push(SessionInfo { session, label, rights, opened, expires });
            }
        }
        Decision::reply(sessions).done()
    }
}

/// Revokes a bearer session. It is refused from the next commit on, and its sockets close.
#[derive(Debug, Clone, Serialize)]
pub struct RevokeSession {
    /// Whose; only the operator names somebody. `None` for the caller.
    pub identity: Option<Identity>,
    /// Which; `None` for the one that the caller came with.
    pub session: Option<SessionId>,
}

impl RevokeSession {
    fn session(&self, who: &Principal) -> Option<SessionId> {
        self.session.or(who.session)
    }
}

impl Command for RevokeSession {
    type Domain = Sessions;
    type Reply = ();
    const NAME: &'static str = "revoke_session";
    const KIND: Kind = Kind::Write;

    fn needs(&self) -> Need {
        need_of(self.identity.as_ref())
    }

    fn lane(&self, who: &Principal, space: &Keyspace) -> Lane {
        Lane::of_account(account_of(self.identity.as_ref(), who, space))
    }

    fn reads(&self, who: &Principal, space: &Keyspace) -> Reads {
        let account = account_of(self.identity.as_ref(), who, space);
        let reads = Reads::one(keyspace::ledger(account));
        match self.session(who) {
            Some(session) => reads.row(keyspace::session(session)),
            None => reads,
        }
    }

    fn decide(
        &self,
        view: &View<'_>,
        who: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<()>, EngineError> {
        let account = account_of(self.identity.as_ref(), who, moment.space);
        let session = self.session(who).ok_or(EngineError::UnknownSession)?;
        let key = keyspace::session(session);
        if !view.has(&key) {
            return Ok(Step::Need(Reads::one(key)));
        }
        let stored: StoredSession = view.row(&key)?.ok_or(EngineError::UnknownSession)?;
        if stored.account != account {
            return Err(EngineError::UnknownSession);
        }
        let ledger_key = keyspace::ledger(account);
        let mut ledger: Ledger = view.row(&ledger_key)?.unwrap_or_default();
        ledger.sessions = ledger.sessions.saturating_sub(1);
        Decision::reply(())
            .delete(key)
            .delete(keyspace::account_session(account, session))
            .put(ledger_key, &ledger)
            .tell(account, Event::SessionRevoked { session })
            .done()
    }
}

/// Removes a session that has expired. The sweeper asks for it; an expired session is refused with or without.
#[derive(Debug, Clone, Serialize)]
pub struct ExpireSession {
    /// Whose.
    pub account: AccountId,
    /// Which.
    pub session: SessionId,
}

impl Command for ExpireSession {
    type Domain = Sessions;
    type Reply = ();
    const NAME: &'static str = "expire_session";
    const KIND: Kind = Kind::Write;

    fn needs(&self) -> Need {
        Need::Node
    }

    fn lane(&self, _: &Principal, _: &Keyspace) -> Lane {
        Lane::of_account(self.account)
    }

    fn reads(&self, _: &Principal, _: &Keyspace) -> Reads {
        Reads::one(keyspace::session(self.session)).row(keyspace::ledger(self.account))
    }

    fn decide(
        &self,
        view: &View<'_>,
        _: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<()>, EngineError> {
        let key = keyspace::session(self.session);
        let stored: Option<StoredSession> = view.row(&key)?;
        if stored.and_then(|stored| stored.expires).is_none_or(|expires| moment.now <= expires) {
            return Decision::reply(()).done();
        }
        let ledger_key = keyspace::ledger(self.account);
        let mut ledger: Ledger = view.row(&ledger_key)?.unwrap_or_default();
        ledger.sessions = ledger.sessions.saturating_sub(1);
        Decision::reply(())
            .delete(key)
            .delete(keyspace::account_session(self.account, self.session))
            .put(ledger_key, &ledger)
            .done()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_is_clipped_between_characters() {
        assert_eq!(clip("zoé", 3), "zo");
        assert_eq!(clip("zoé", 4), "zoé");
    }
}
