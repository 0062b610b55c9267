//! Opening sessions: at the operator's word, or out of a session that is open already.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use strongroom_primitives::{
    encoding, hash,
    id::{AccountId, ApiKeyId, SessionId},
    time::Timestamp,
};

use super::{
    BEARER_PREFIX, Pool, SESSIONS_MAX, Sessions, StoredSession, StoredSessionIndex,
    assured::Assurance,
    revoke::{Indexed, all_of, end_in, reads_of},
    sealed::Sealing,
};
use crate::{
    command::{Command, Decision, Kind, Lane, Moment, Reads, Step, View},
    credential::{Identity, Need, Principal, Rights},
    domains::accounts::{AccountState, StoredAccount},
    error::EngineError,
    feed::{Event, Ledger},
    keyspace::{self, Keyspace},
};

/// A label is clipped to so many bytes: 256 characters of any script. Source: dialects/psono.md, section 4.
pub(super) const LABEL_BYTES_MAX: usize = 1_024;

/// A new session and its token, which nobody can show again.
#[derive(Serialize, Deserialize)]
pub struct BearerIssued {
    /// The token, in its form.
    pub token: String,
    /// The session.
    pub session: SessionId,
    /// Whose.
    pub account: AccountId,
    /// Since when it is good.
    pub opened: Timestamp,
    /// The last instant at which it is good, if limited.
    pub expires: Option<Timestamp>,
}

impl std::fmt::Debug for BearerIssued {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "BearerIssued({:?})", self.session)
    }
}

/// What a session's token looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum TokenForm {
    /// [`BEARER_PREFIX`] and 43 characters of base64url: 32 random bytes.
    Bearer,
    /// Two texts of padded base64url, each of 32 random bytes, joined by a dot: 89 characters, as Meeco's clients hold
    /// them. Source: dialects/meeco.md, section 4.
    Pair,
    /// 128 hexadecimal digits: 64 random bytes, as Psono's clients hold them. Source: dialects/psono.md, section 5.
    Hex,
}

impl TokenForm {
    fn draw(self, moment: &Moment<'_>) -> String {
        match self {
            Self::Bearer => {
                format!("{BEARER_PREFIX}{}", encoding::to_base64url(&moment.entropy.array::<32>()))
            }
            Self::Pair => {
                let half = || encoding::to_base64url_padded(&moment.entropy.array::<32>());
                format!("{}.{}", half(), half())
            }
            Self::Hex => encoding::to_hex(&moment.entropy.array::<64>()),
        }
    }
}

/// A session about to be opened.
pub(crate) struct Opening<'a> {
    pub(crate) account: AccountId,
    pub(crate) identity: Identity,
    pub(crate) rights: Rights,
    pub(crate) expires: Option<Timestamp>,
    pub(crate) label: &'a str,
    pub(crate) parent: Option<SessionId>,
    pub(crate) form: TokenForm,
    /// Until when somebody has to show that they can read the token. `None` if the caller has shown that they are who
    /// they say.
    pub(crate) prove_by: Option<Timestamp>,
    /// The API key that it is opened with.
    pub(crate) api_key: Option<ApiKeyId>,
    /// What it is sealed with, if it is.
    pub(crate) seal: Option<Sealing>,
    /// How far its sign-in went, if its token is to say so.
    pub(crate) assurance: Option<Assurance>,
}

/// Sessions of one account that nobody has shown to be theirs.
const UNPROVED_MAX: usize = 16;

impl Opening<'_> {
    /// Draws the token and writes the session, its index and the ledger, which have been read.
    fn decide(self, view: &View<'_>, moment: &Moment<'_>) -> Result<Decision<BearerIssued>, EngineError> {
        let ledger: Ledger = view.row(&keyspace::ledger(self.account))?.unwrap_or_default();
        let max = sessions_max(moment);
        if ledger.sessions >= max {
            return Err(EngineError::TooManySessions { max });
        }
        Ok(self.write(ledger, Vec::new(), moment))
    }

    /// What [`Opening::decide_making_room`] reads.
    pub(crate) fn reads(account: AccountId) -> Reads {
        reads_of(account)
    }

    /// The part of it that is always looked at: the ledger.
    pub(crate) fn first_reads(account: AccountId) -> Reads {
        Reads::one(keyspace::ledger(account))
    }

    /// After that part, the rest; `None` where the account has so few sessions that none has to end, or all was read.
    ///
    /// # Errors
    /// [`EngineError::Corrupt`].
    pub(crate) fn more_reads(
        account: AccountId,
        view: &View<'_>,
        moment: &Moment<'_>,
    ) -> Result<Option<Reads>, EngineError> {
        if view.has_range(&keyspace::account_sessions(account)) {
            return Ok(None);
        }
        let ledger: Ledger = view.row(&keyspace::ledger(account))?.unwrap_or_default();
        Ok((ledger.sessions >= sessions_max(moment)).then(|| reads_of(account)))
    }

    /// The same for a person who signs in: where there are as many sessions of its pool as there may be, the oldest
    /// ends. Sessions that nobody has proved make room only for each other, so that whoever can only open those ends no
    /// other.
    pub(crate) fn decide_making_room(
        self,
        view: &View<'_>,
        moment: &Moment<'_>,
    ) -> Result<Decision<BearerIssued>, EngineError> {
        let ledger: Ledger = view.row(&keyspace::ledger(self.account))?.unwrap_or_default();
        let (pool, max) = match self.prove_by {
            Some(_) => (Pool::Unproved, UNPROVED_MAX),
            None => (Pool::Own, usize::try_from(sessions_max(moment)).unwrap_or(usize::MAX)),
        };
        let has_room = pool == Pool::Own && ledger.sessions < max as u64;
        let all = if has_room { Vec::new() } else { all_of(view, self.account)? };
        let ending = outnumbered(all, pool, max, moment);
        Ok(self.write(ledger, ending, moment))
    }

    /// The same for an API key, whose sessions `ending` make room.
    pub(crate) fn decide_ending(
        self,
        ending: Indexed,
        view: &View<'_>,
        moment: &Moment<'_>,
    ) -> Result<Decision<BearerIssued>, EngineError> {
        let ledger: Ledger = view.row(&keyspace::ledger(self.account))?.unwrap_or_default();
        Ok(self.write(ledger, ending, moment))
    }

    fn write(self, mut ledger: Ledger, ending: Indexed, moment: &Moment<'_>) -> Decision<BearerIssued> {
        let Self {
            account,
            identity,
            rights,
            expires,
            label,
            parent,
            form,
            prove_by,
            api_key,
            seal,
            assurance,
        } = self;
        let token = form.draw(moment);
        let digest = hash::sha256(token.as_bytes());
        let session = StoredSession::id_of(&digest);
        let (opened, label) = (moment.now, clip(label, LABEL_BYTES_MAX));
        let seal = seal.map(|seal| seal.under(&token, session, moment));
        let row = StoredSession {
            digest,
            account,
            identity,
            rights,
            opened,
            expires,
            label,
            parent,
            form,
            prove_by,
            api_key,
            seal,
            assurance,
        };
        let index = StoredSessionIndex::of(session, &row);
        let decision = Decision::reply(BearerIssued { token, session, account, opened, expires });
        let decision = end_in(decision, &mut ledger, account, ending, moment.now);
        ledger.sessions += u64::from(index.is_counted());
        decision
            .put(keyspace::ledger(account), &ledger)
            .put(keyspace::session(session), &row)
            .put(keyspace::account_session(account, session), &index)
            .tell(account, Event::SessionOpened { session })
    }
}

pub(super) fn sessions_max(moment: &Moment<'_>) -> u64 {
    moment.limits.sessions_max.min(SESSIONS_MAX)
}

/// The sessions that end so that one more of this pool has room: those whose time is over, and the oldest, each with
/// its children.
pub(super) fn outnumbered(all: Indexed, pool: Pool, max: usize, moment: &Moment<'_>) -> Indexed {
    let over = |index: &StoredSessionIndex| index.ends.is_some_and(|ends| moment.now > ends);
    let mut ending: Vec<SessionId> =
        all.iter().filter(|(_, index)| over(index)).map(|(_, index)| index.session).collect();
    let mut living: Vec<&StoredSessionIndex> =
        all.iter().map(|(_, index)| index).filter(|index| !over(index) && index.pool() == pool).collect();
    living.sort_by_key(|index| (index.opened, index.session));
    // Children count, but go only with their parents.
    let mut excess = (living.len() + 1).saturating_sub(max.max(1));
    for root in living.iter().filter(|index| index.parent.is_none()) {
        if excess == 0 {
            break;
        }
        let children = living.iter().filter(|index| index.parent == Some(root.session)).count();
        excess = excess.saturating_sub(1 + children);
        ending.push(root.session);
    }
    let goes = |index: &StoredSessionIndex| {
        ending.contains(&index.session) || index.parent.is_some_and(|parent| ending.contains(&parent))
    };
    all.into_iter().filter(|(_, index)| goes(index)).collect()
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
    /// What its holder calls it; at most 1,024 bytes are kept.
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
            form: TokenForm::Bearer,
            prove_by: None,
            api_key: None,
            seal: None,
            assurance: None,
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
    /// What its holder calls it; at most 1,024 bytes are kept.
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
            form: stored.form,
            prove_by: None,
            api_key: None,
            seal: None,
            assurance: None,
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
