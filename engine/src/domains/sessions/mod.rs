//! Bearer sessions: opaque tokens that speak for an identity until they expire or are revoked.
//!
//! A token is random, at least 32 bytes, and shown once. The store holds its SHA-256, so the table gives nothing to a
//! thief. Every
//! command that comes with a token is guarded by the session's row, and by its parent's if it was opened from another
//! session: a revocation bites on the very next commit.

pub mod api_key;
pub mod assured;
pub mod device_code;
pub mod identity;
mod list;
mod open;
mod prove;
pub(crate) mod revoke;
pub mod sealed;
mod seen;
pub mod srp;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};
use strongroom_primitives::{
    id::{AccountId, ApiKeyId, SessionId},
    time::Timestamp,
};
use subtle::ConstantTimeEq;

use assured::Assurance;
pub use list::{ListSessions, SessionInfo};
pub(crate) use open::Opening;
pub use open::{BearerIssued, IssueBearer, OpenChild, TokenForm};
pub use prove::ProveSession;
pub use revoke::{ExpireSession, RevokeSession, RevokeSessions};
pub(crate) use sealed::StoredSeal;
pub(crate) use seen::StoredSeen;
pub use seen::TouchSession;

use crate::{
    codec::Stored,
    command::Domain,
    credential::{Identity, Need, Principal, Rights},
    error::EngineError,
    keyspace::Keyspace,
};

/// The domain of sessions.
#[derive(Debug)]
pub struct Sessions;

impl Domain for Sessions {
    const NAME: &'static str = "sessions";
}

/// What begins every bearer token, so that it can be recognised where it should not be.
pub const BEARER_PREFIX: &str = "srt_";

/// The most sessions of its own that an account can have.
const SESSIONS_MAX: u64 = 1_000;

/// Sessions that are looked at when all of an account's are asked for: its own, and those of all its API keys as far
/// as the limits can be set.
pub(crate) const SESSIONS_READ_MAX: usize = 10_000;

/// The account that a command about sessions is about: the caller's own unless the operator names one.
fn account_of(identity: Option<&Identity>, who: &Principal, space: &Keyspace) -> AccountId {
    identity.map_or(who.account, |identity| space.account_of(&identity.realm, &identity.subject))
}

/// What a command about sessions takes: naming somebody is the operator's.
fn need_of(identity: Option<&Identity>) -> Need {
    if identity.is_some() { Need::Operator } else { Need::Account }
}

/// Sessions that are counted together, and make room only for each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pool {
    /// Those of the account, which its ledger counts.
    Own,
    /// Those that nobody has shown to be theirs. The ledger counts them too.
    Unproved,
    /// Those of API keys, which make room key by key: a key in many hands signs nobody else out.
    Keyed,
}

/// One bearer session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredSession {
    /// SHA-256 of the token's text.
    pub(crate) digest: [u8; 32],
    pub(crate) account: AccountId,
    pub(crate) identity: Identity,
    pub(crate) rights: Rights,
    pub(crate) opened: Timestamp,
    pub(crate) expires: Option<Timestamp>,
    /// What its holder calls it: "laptop".
    pub(crate) label: String,
    /// The session it was opened from. Where that is gone, this one is not good either.
    pub(crate) parent: Option<SessionId>,
    /// What its token looks like.
    pub(crate) form: TokenForm,
    /// Until when somebody has to show that they can read the token, if nobody has yet.
    pub(crate) prove_by: Option<Timestamp>,
    /// The API key it was opened with. Where that is gone, this one is not good either.
    pub(crate) api_key: Option<ApiKeyId>,
    /// What its requests and answers are sealed with, if they are.
    pub(crate) seal: Option<StoredSeal>,
    /// How far its sign-in went, if its token says so. It is then good for nothing else.
    pub(crate) assurance: Option<Assurance>,
}

impl Stored for StoredSession {}

impl StoredSession {
    /// The session that a digest belongs to: its first 16 bytes. The rest is compared against the row.
    pub(crate) fn id_of(digest: &[u8; 32]) -> SessionId {
        SessionId::from_bytes(*digest.first_chunk().expect("a digest has more than 16 bytes"))
    }

    /// The last instant at which it is good as things stand.
    pub(crate) fn ends(&self) -> Option<Timestamp> {
        self.expires.into_iter().chain(self.prove_by).min()
    }

    pub(crate) fn check(&self, digest: &[u8; 32], now: Timestamp) -> Result<(), EngineError> {
        if !bool::from(self.digest.ct_eq(digest)) {
            return Err(EngineError::CredentialInvalid);
        }
        match self.ends() {
            Some(ends) if now > ends => Err(EngineError::CredentialExpired),
            _ => Ok(()),
        }
    }
}

/// Lists a session under its account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredSessionIndex {
    pub(crate) session: SessionId,
    pub(crate) parent: Option<SessionId>,
    pub(crate) opened: Timestamp,
    /// The last instant at which it is good as things stand.
    pub(crate) ends: Option<Timestamp>,
    /// Whether nobody has shown yet that they can read the token.
    pub(crate) unproved: bool,
    /// The API key it was opened with.
    pub(crate) api_key: Option<ApiKeyId>,
}

impl StoredSessionIndex {
    pub(crate) fn of(session: SessionId, stored: &StoredSession) -> Self {
        Self {
            session,
            parent: stored.parent,
            opened: stored.opened,
            ends: stored.ends(),
            unproved: stored.prove_by.is_some(),
            api_key: stored.api_key,
        }
    }

    fn pool(&self) -> Pool {
        match self.api_key {
            Some(_) => Pool::Keyed,
            None if self.unproved => Pool::Unproved,
            None => Pool::Own,
        }
    }

    /// Whether the account's ledger counts it.
    fn is_counted(&self) -> bool {
        self.api_key.is_none()
    }
}

impl Stored for StoredSessionIndex {}
