//! Opening sessions: at the operator's word, or out of a session that is open already.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use strongroom_primitives::{
    encoding, hash,
    id::{AccountId, SessionId},
    time::Timestamp,
};

use super::{BEARER_PREFIX, SESSIONS_READ_MAX, Sessions, StoredSession, StoredSessionIndex};
use crate::{
    command::{Command, Decision, Kind, Lane, Moment, Reads, Step, View},
    credential::{Identity, Need, Principal, Rights},
    domains::accounts::{AccountState, StoredAccount},
    error::EngineError,
    feed::{Event, Ledger},
    keyspace::{self, Keyspace},
};

/// A label is clipped to so many bytes.
const LABEL_BYTES_MAX: usize = 128;

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

/// A session about to be opened.
struct Opening<'a> {
    account: AccountId,
    identity: Identity,
    rights: Rights,
    expires: Option<Timestamp>,
    label: &'a str,
    parent: Option<SessionId>,
}

impl Opening<'_> {
    /// Draws the token and writes the session, its index and the ledger, which have been read.
    fn decide(self, view: &View<'_>, moment: &Moment<'_>) -> Result<Decision<BearerIssued>, EngineError> {
        let Self { account, identity, rights, expires, label, parent } = self;
        let ledger_key = keyspace::ledger(account);
        let mut ledger: Ledger = view.row(&ledger_key)?.unwrap_or_default();
        let max = moment.limits.sessions_max.min(SESSIONS_READ_MAX as u64);
        if ledger.sessions >= max {
            return Err(EngineError::TooManySessions { max });
        }
        ledger.sessions += 1;
        let token = format!("{BEARER_PREFIX}{}", encoding::to_base64url(&moment.entropy.array::<32>()));
        let digest = hash::sha256(token.as_bytes());
        let session = StoredSession::id_of(&digest);
        let label = clip(label, LABEL_BYTES_MAX);
        let row =
            StoredSession { digest, account, identity, rights, opened: moment.now, expires, label, parent };
        Ok(Decision::reply(BearerIssued { token, session, account, expires })
            .put(ledger_key, &ledger)
            .put(keyspace::session(session), &row)
            .put(keyspace::account_session(account, session), &StoredSessionIndex { session, parent })
            .tell(account, Event::SessionOpened { session }))
    }
}

fn clip(label: &str, max: usize) -> String {
    label.char_indices().take_while(|(at, c)| at + c.len_utf8() <= max).map(|(_, c)| c).collect()
}

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
        let account = moment.space.account_of(&self.identity.realm, &self.identity.subject);
        let account_key = keyspace::account(account);
        let stored = view
            .row::<StoredAccount>(&account_key)?
            .unwrap_or_else(|| StoredAccount::new(self.identity.clone(), moment.now));
        if stored.state == AccountState::Erased {
            return Err(EngineError::AccountErased);
        }
        let opening = Opening {
            account,
            identity: self.identity.clone(),
            rights: self.rights,
            expires: self.life.map(|life| moment.now.saturating_add(life)),
            label: &self.label,
            parent: None,
        };
        opening.decide(view, moment)?.put(account_key, &stored).done()
    }
}

/// Opens a session that ends soon, out of the one that the caller came with: to be handed to somebody who is not to
/// keep it. It has the same rights, ends with its parent at the latest, and opens no sessions itself.
///
/// Source: dialects/meeco.md, sections 5 and 9 (`/session/limited_in_time`).
#[derive(Debug, Clone, Serialize)]
pub struct OpenChild {
    /// How long it is good.
    pub life: Duration,
    /// What its holder calls it; at most 128 bytes are kept.
    pub label: String,
}

impl Command for OpenChild {
    type Domain = Sessions;
    type Reply = BearerIssued;
    const NAME: &'static str = "open_child";
    const KIND: Kind = Kind::Write;

    fn needs(&self) -> Need {
        Need::Account
    }

    fn reads(&self, who: &Principal, _: &Keyspace) -> Reads {
        let reads = Reads::one(keyspace::ledger(who.account));
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
    ) -> Result<Step<BearerIssued>, EngineError> {
        let parent = who.session.ok_or(EngineError::UnknownSession)?;
        let key = keyspace::session(parent);
        if !view.has(&key) {
            return Ok(Step::Need(Reads::one(key)));
        }
        let stored: StoredSession = view.row(&key)?.ok_or(EngineError::UnknownSession)?;
        if stored.parent.is_some() {
            return Err(EngineError::ChildSession);
        }
        let wanted = moment.now.saturating_add(self.life);
        let opening = Opening {
            account: who.account,
            identity: stored.identity,
            rights: stored.rights,
            expires: Some(stored.expires.map_or(wanted, |expires| expires.min(wanted))),
            label: &self.label,
            parent: Some(parent),
        };
        opening.decide(view, moment)?.done()
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
