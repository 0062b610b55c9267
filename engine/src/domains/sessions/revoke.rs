//! Ending sessions: one, all, or those whose time is over. A session takes its children with it.

use serde::Serialize;
use strongroom_primitives::{
    id::{AccountId, SessionId},
    time::Timestamp,
};
use strongroom_storage::Key;

use super::{
    SESSIONS_READ_MAX, Sessions, StoredSeen, StoredSession, StoredSessionIndex, account_of, need_of,
};
use crate::{
    command::{Command, Decision, Kind, Lane, Moment, Reads, Step, View},
    credential::{Identity, Need, Principal},
    domains::escrow::{drop_all, drop_reads},
    error::EngineError,
    feed::{Event, Ledger},
    keyspace::{self, Keyspace},
};

/// The rows that ending sessions of an account looks at.
pub(crate) fn reads_of(account: AccountId) -> Reads {
    Reads::none().range(
        keyspace::account_sessions(account),
        None,
        SESSIONS_READ_MAX,
        keyspace::ledger(account),
    )
}

/// The sessions of an account, as rows that may be deleted.
pub(super) type Indexed = Vec<(Key, StoredSessionIndex)>;

pub(super) fn all_of(view: &View<'_>, account: AccountId) -> Result<Indexed, EngineError> {
    Ok(view.range(&keyspace::account_sessions(account))?.0)
}

/// All sessions of an account but this one and the one that it was opened from.
pub(super) fn all_but(
    view: &View<'_>,
    account: AccountId,
    current: Option<SessionId>,
) -> Result<Indexed, EngineError> {
    let mut all = all_of(view, account)?;
    let mine = all.iter().map(|(_, index)| index).find(|index| Some(index.session) == current);
    let parent = mine.and_then(|mine| mine.parent);
    all.retain(|(_, index)| ![current, parent].contains(&Some(index.session)));
    Ok(all)
}

/// Ends these sessions of the account, in a decision that goes on to write its ledger. That they were used goes with them,
/// so it is written down that they were there until `now`: whoever has to see that the owner is active would else not see
/// one who signs out, or whose sessions a thief ends.
pub(super) fn end_in<R>(
    decision: Decision<R>,
    ledger: &mut Ledger,
    account: AccountId,
    ending: Indexed,
    now: Timestamp,
) -> Decision<R> {
    if ending.is_empty() {
        return decision;
    }
    let decision = decision.put(keyspace::ended_sessions_seen(account), &StoredSeen { at: now });
    let counted = ending.iter().filter(|(_, index)| index.is_counted()).count() as u64;
    ledger.sessions = ledger.sessions.saturating_sub(counted);
    ending.into_iter().fold(decision, |decision, (key, StoredSessionIndex { session, .. })| {
        decision
            .delete(key)
            .delete(keyspace::session(session))
            .delete(keyspace::session_seen(account, session))
            .tell(account, Event::SessionRevoked { session })
    })
}

/// Ends these sessions of the account; says how many they are.
fn end(
    view: &View<'_>,
    account: AccountId,
    ending: Indexed,
    now: Timestamp,
) -> Result<Decision<u64>, EngineError> {
    let count = ending.len() as u64;
    if count == 0 {
        return Ok(Decision::reply(count));
    }
    let ledger_key = keyspace::ledger(account);
    let mut ledger: Ledger = view.row(&ledger_key)?.unwrap_or_default();
    let decision = end_in(Decision::reply(count), &mut ledger, account, ending, now);
    Ok(decision.put(ledger_key, &ledger))
}

/// Ends all sessions of the caller's account but the one that they came with and the one that it was opened from: what
/// the others were given for is no longer so. Says how many they are, in a decision that goes on. Looks at [`reads_of`].
pub(crate) fn end_others(
    view: &View<'_>,
    who: &Principal,
    now: Timestamp,
) -> Result<Decision<u64>, EngineError> {
    end(view, who.account, all_but(view, who.account, who.session)?, now)
}

/// Revokes a bearer session and those that were opened from it. They are refused from the next commit on, and their
/// sockets close.
#[derive(Debug, Clone, Serialize)]
pub struct RevokeSession {
    /// Whose; only the operator names somebody. `None` for the caller.
    pub identity: Option<Identity>,
    /// Which; `None` for the one that the caller came with.
    pub session: Option<SessionId>,
}

impl Command for RevokeSession {
    type Domain = Sessions;
    type Reply = ();
    const NAME: &'static str = "revoke_session";
    const KIND: Kind = Kind::Write;

    fn needs(&self) -> Need {
        match self.session {
            // Whoever has a token may end its session: one that is not proved yet, and that of any API key.
            None if self.identity.is_none() => Need::Unproved,
            _ => need_of(self.identity.as_ref()),
        }
    }

    fn lane(&self, who: &Principal, space: &Keyspace) -> Lane {
        Lane::of_account(account_of(self.identity.as_ref(), who, space))
    }

    fn reads(&self, who: &Principal, space: &Keyspace) -> Reads {
        reads_of(account_of(self.identity.as_ref(), who, space))
    }

    fn decide(
        &self,
        view: &View<'_>,
        who: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<()>, EngineError> {
        let account = account_of(self.identity.as_ref(), who, moment.space);
        let session = self.session.or(who.session).ok_or(EngineError::UnknownSession)?;
        let mut ending = all_of(view, account)?;
        if ending.iter().all(|(_, index)| index.session != session) {
            return Err(EngineError::UnknownSession);
        }
        ending.retain(|(_, index)| index.session == session || index.parent == Some(session));
        end(view, account, ending, moment.now)?.answer(()).done()
    }
}

/// Revokes the bearer sessions of an account, all of them or all but the caller's. Says how many. With all of them go
/// the shares of its root key that escrow keeps. Source of that: dialects/misakey.md, section 9.
#[derive(Debug, Clone, Serialize)]
pub struct RevokeSessions {
    /// Whose; only the operator names somebody. `None` for the caller.
    pub identity: Option<Identity>,
    /// Whether the session that the caller came with stays, and with it the one it was opened from.
    pub keep_current: bool,
}

impl Command for RevokeSessions {
    type Domain = Sessions;
    type Reply = u64;
    const NAME: &'static str = "revoke_sessions";
    const KIND: Kind = Kind::Write;

    fn needs(&self) -> Need {
        need_of(self.identity.as_ref())
    }

    fn lane(&self, who: &Principal, space: &Keyspace) -> Lane {
        Lane::of_account(account_of(self.identity.as_ref(), who, space))
    }

    fn reads(&self, who: &Principal, space: &Keyspace) -> Reads {
        let account = account_of(self.identity.as_ref(), who, space);
        if self.keep_current { reads_of(account) } else { reads_of(account).and(drop_reads(account)) }
    }

    fn decide(
        &self,
        view: &View<'_>,
        who: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<u64>, EngineError> {
        let account = account_of(self.identity.as_ref(), who, moment.space);
        let current = who.session.filter(|_| self.keep_current);
        let ended = end(view, account, all_but(view, account, current)?, moment.now)?;
        if self.keep_current { ended.done() } else { drop_all(ended, view, account)?.done() }
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
        Reads::one(keyspace::session(self.session))
            .row(keyspace::ledger(self.account))
            .row(keyspace::session_seen(self.account, self.session))
            .row(keyspace::ended_sessions_seen(self.account))
    }

    fn decide(
        &self,
        view: &View<'_>,
        _: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<()>, EngineError> {
        let key = keyspace::session(self.session);
        let stored: Option<StoredSession> = view.row(&key)?;
        let Some(stored) = stored.filter(|stored| stored.ends().is_some_and(|ends| moment.now > ends)) else {
            return Decision::reply(()).done();
        };
        let ledger_key = keyspace::ledger(self.account);
        let mut ledger: Ledger = view.row(&ledger_key)?.unwrap_or_default();
        let counted = StoredSessionIndex::of(self.session, &stored).is_counted();
        ledger.sessions = ledger.sessions.saturating_sub(u64::from(counted));
        let (own, ended) =
            (keyspace::session_seen(self.account, self.session), keyspace::ended_sessions_seen(self.account));
        let (last, before) = (view.row::<StoredSeen>(&own)?, view.row::<StoredSeen>(&ended)?);
        let decision = match last {
            // It ends by itself, which is no use of it; its last use is kept.
            Some(last) if before.is_none_or(|before| before.at < last.at) => {
                Decision::reply(()).put(ended, &last)
            }
            _ => Decision::reply(()),
        };
        decision
            .delete(key)
            .delete(keyspace::account_session(self.account, self.session))
            .delete(own)
            .put(ledger_key, &ledger)
            .done()
    }
}
