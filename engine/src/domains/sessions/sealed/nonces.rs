//! Nonces that a session has used: rows of their own, so that every node knows of them, and so does the next start.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use strongroom_primitives::{id::SessionId, time::Timestamp};
use strongroom_storage::Key;

use super::{Sessions, StoredSession};
use crate::{
    codec::Stored,
    command::{Command, Decision, Kind, Lane, Moment, Reads, Step, View},
    credential::{Need, Principal},
    error::EngineError,
    keyspace::{self, Keyspace},
};

/// Of a sealed body.
const OF_BODY: u8 = 0;

/// Of a validator.
const OF_VALIDATOR: u8 = 1;

/// How long the nonce of a validator is remembered whose time is compared. Its text is good for 40 s by the clock of one
/// node; clocks of nodes are taken to be less than four minutes apart.
const VALIDATOR_KEPT: Duration = Duration::from_secs(600);

/// A nonce was used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredNonce {
    /// Whether what it came with is too old one day. A body never is, and neither is a validator in a session whose
    /// device gave no time: these are remembered for as long as there is the session.
    ages: bool,
    at: Timestamp,
}

impl Stored for StoredNonce {}

impl StoredNonce {
    #[cfg(test)]
    pub(super) fn of(ages: bool, at: Timestamp) -> Self {
        Self { ages, at }
    }

    /// Whether it can be forgotten while its session goes on.
    pub(crate) fn is_garbage(&self, now: Timestamp) -> bool {
        self.ages && self.at.saturating_add(VALIDATOR_KEPT) < now
    }

    /// The row of the session that the nonce under `key` was used in; without it, the nonce can be forgotten.
    pub(crate) fn session_of(key: &Key) -> Option<Key> {
        keyspace::sixteen(key, 17).map(|session| keyspace::session(SessionId::from_bytes(session)))
    }
}

/// Uses up the nonces that a sealed request came with: both of them or, where one was used before in this session,
/// neither.
///
/// Asked before anything is done for the request. Source: dialects/psono.md, section 11 (THREATS A-API-11).
#[derive(Debug, Clone, Serialize)]
pub struct SpendNonces {
    /// That of the body, if it has one: 24 bytes.
    pub body: Option<[u8; 24]>,
    /// That of the validator, if there is one: 24 bytes.
    pub validator: Option<[u8; 24]>,
}

impl SpendNonces {
    /// That of the validator first: a request with one that was seen is not admitted, whatever its body is.
    fn keys<'a>(&'a self, who: &'a Principal, space: &'a Keyspace) -> impl Iterator<Item = (u8, Key)> + 'a {
        let nonces = [(OF_VALIDATOR, &self.validator), (OF_BODY, &self.body)];
        nonces.into_iter().filter_map(|(kind, nonce)| {
            let nonce = space.once(nonce.as_ref()?);
            Some((kind, keyspace::session_nonce(who.account, who.session?, kind, &nonce)))
        })
    }
}

impl Command for SpendNonces {
    type Domain = Sessions;
    type Reply = ();
    const NAME: &'static str = "spend_nonces";
    const KIND: Kind = Kind::Write;

    fn needs(&self) -> Need {
        Need::Unproved
    }

    /// A session's own: its requests wait for each other, and not for what else the account writes.
    fn lane(&self, who: &Principal, _: &Keyspace) -> Lane {
        who.session.map_or_else(|| Lane::of_account(who.account), |session| Lane(*session.as_bytes()))
    }

    fn reads(&self, who: &Principal, space: &Keyspace) -> Reads {
        let session = who.session.map_or_else(Reads::none, |session| Reads::one(keyspace::session(session)));
        self.keys(who, space).fold(session, |reads, (_, key)| reads.row(key))
    }

    fn decide(
        &self,
        view: &View<'_>,
        who: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<()>, EngineError> {
        let session = who.session.ok_or(EngineError::CredentialInvalid)?;
        if let Some(reads) = view.lacks(self.reads(who, moment.space)) {
            return Ok(Step::Need(reads));
        }
        let session: StoredSession =
            view.row(&keyspace::session(session))?.ok_or(EngineError::CredentialInvalid)?;
        let dated = session.seal.is_some_and(|seal| seal.offset_ms.is_some());
        let mut decision = Decision::reply(());
        for (kind, key) in self.keys(who, moment.space) {
            if view.row::<StoredNonce>(&key)?.is_some() {
                return Err(EngineError::NonceReplayed { validator: kind == OF_VALIDATOR });
            }
            let ages = kind == OF_VALIDATOR && dated;
            decision = decision.put(key, &StoredNonce { ages, at: moment.now });
        }
        decision.done()
    }
}
