//! Bearer sessions: opaque tokens that speak for an identity until they expire or are revoked.
//!
//! A token is 32 random bytes, shown once. The store holds its SHA-256, so the table gives nothing to a thief. Every
//! command that comes with a token is guarded by the session's row: a revocation bites on the very next commit.

mod bearer;

use serde::{Deserialize, Serialize};
use strongroom_primitives::{
    id::{AccountId, SessionId},
    time::Timestamp,
};
use subtle::ConstantTimeEq;

pub use bearer::{BearerIssued, ExpireSession, IssueBearer, ListSessions, RevokeSession, SessionInfo};

use crate::{
    codec::Stored,
    command::Domain,
    credential::{Identity, Rights},
    error::EngineError,
};

/// The domain of sessions.
#[derive(Debug)]
pub struct Sessions;

impl Domain for Sessions {
    const NAME: &'static str = "sessions";
}

/// What begins every bearer token, so that it can be recognised where it should not be.
pub const BEARER_PREFIX: &str = "srt_";

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
}

impl Stored for StoredSession {}

impl StoredSession {
    /// The session that a digest belongs to: its first 16 bytes. The rest is compared against the row.
    pub(crate) fn id_of(digest: &[u8; 32]) -> SessionId {
        SessionId::from_bytes(*digest.first_chunk().expect("a digest has more than 16 bytes"))
    }

    pub(crate) fn check(&self, digest: &[u8; 32], now: Timestamp) -> Result<(), EngineError> {
        if !bool::from(self.digest.ct_eq(digest)) {
            return Err(EngineError::CredentialInvalid);
        }
        match self.expires {
            Some(expires) if now > expires => Err(EngineError::CredentialExpired),
            _ => Ok(()),
        }
    }
}

/// Lists a session under its account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredSessionIndex {
    pub(crate) session: SessionId,
}

impl Stored for StoredSessionIndex {}
