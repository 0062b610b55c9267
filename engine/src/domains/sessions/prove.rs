//! Proving a session: whoever uses a token that was handed out sealed has shown that they could open it.

use serde::Serialize;
use strongroom_primitives::id::SessionId;

use super::{
    Pool, Sessions, StoredSession, StoredSessionIndex,
    open::{outnumbered, sessions_max},
    revoke::{all_of, end_in, reads_of},
};
use crate::{
    command::{Command, Decision, Kind, Moment, Reads, Step, View},
    credential::{Need, Principal},
    error::EngineError,
    feed::Ledger,
    keyspace::{self, Keyspace},
};

/// Takes note that the caller's session is used. From then on it is good for its whole life, and counts among the
/// account's sessions: where these are too many, the oldest ends. Changes nothing where that is known already.
///
/// Source: dialects/meeco.md, section 6, `POST /session`.
#[derive(Debug, Clone, Serialize)]
pub struct ProveSession {}

impl Command for ProveSession {
    type Domain = Sessions;
    type Reply = ();
    const NAME: &'static str = "prove_session";
    const KIND: Kind = Kind::Write;

    fn needs(&self) -> Need {
        Need::Unproved
    }

    fn reads(&self, who: &Principal, _: &Keyspace) -> Reads {
        let reads = reads_of(who.account);
        match who.session {
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
        let session = who.session.ok_or(EngineError::UnknownSession)?;
        let key = keyspace::session(session);
        if !view.has(&key) {
            return Ok(Step::Need(Reads::one(key)));
        }
        let stored: StoredSession = view.row(&key)?.ok_or(EngineError::UnknownSession)?;
        if stored.prove_by.is_none() {
            return Decision::reply(()).done();
        }
        // Using the token is not what proves this one: see `ActivateSession`.
        if stored.seal.as_ref().is_some_and(|seal| seal.validator.is_some()) {
            return Err(EngineError::SessionUnproved);
        }
        prove(session, stored, view, moment)?.done()
    }
}

/// Makes a session one of its account's own. What [`reads_of`] names has been read.
pub(super) fn prove(
    session: SessionId,
    stored: StoredSession,
    view: &View<'_>,
    moment: &Moment<'_>,
) -> Result<Decision<()>, EngineError> {
    let account = stored.account;
    let proved = StoredSession { prove_by: None, ..stored };
    let max = usize::try_from(sessions_max(moment)).unwrap_or(usize::MAX);
    let mut all = all_of(view, account)?;
    all.retain(|(_, index)| index.session != session);
    let ending = outnumbered(all, Pool::Own, max, moment);
    let ledger_key = keyspace::ledger(account);
    let mut ledger: Ledger = view.row(&ledger_key)?.unwrap_or_default();
    let decision = end_in(Decision::reply(()), &mut ledger, account, ending, moment.now)
        .put(ledger_key, &ledger)
        .put(keyspace::account_session(account, session), &StoredSessionIndex::of(session, &proved))
        .put(keyspace::session(session), &proved);
    Ok(decision)
}
