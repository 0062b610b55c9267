//! Nonces that a session has used: rows of their own, so that every node knows of them, and so does the next start.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use strongroom_primitives::{id::SessionId, time::Timestamp};
use strongroom_storage::Key;

use super::Sessions;
use crate::{
    codec::Stored,
    command::{Command, Decision, Kind, Lane, Moment, Reads, Step, View},
    credential::{Need, Principal},
    error::EngineError,
    keyspace::{self, Keyspace},
};

/// Of a sealed body: remembered for as long as there is the session.
const OF_BODY: u8 = 0;

/// Of a validator: remembered for longer than its time can be taken for the present one.
const OF_VALIDATOR: u8 = 1;

/// How long the nonce of a validator is remembered. Its text is good for 40 s by the clock of one node; clocks of nodes
/// are taken to be less than four minutes apart.
const VALIDATOR_KEPT: Duration = Duration::from_secs(600);

/// A nonce was used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredNonce {
    kind: u8,
    at: Timestamp,
}

impl Stored for StoredNonce {}

impl StoredNonce {
    #[cfg(test)]
    pub(super) fn of(kind: u8, at: Timestamp) -> Self {
        Self { kind, at }
    }

    /// Whether it can be forgotten while its session goes on.
    pub(crate) fn is_garbage(&self, now: Timestamp) -> bool {
        self.kind == OF_VALIDATOR && self.at.saturating_add(VALIDATOR_KEPT) < now
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
        self.keys(who, space).fold(Reads::none(), |reads, (_, key)| reads.row(key))
    }

    fn decide(
        &self,
        view: &View<'_>,
        who: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<()>, EngineError> {
        who.session.ok_or(EngineError::CredentialInvalid)?;
        let missing: Vec<Key> =
            self.keys(who, moment.space).map(|(_, key)| key).filter(|key| !view.has(key)).collect();
        if !missing.is_empty() {
            return Ok(Step::Need(missing.into_iter().fold(Reads::none(), Reads::row)));
        }
        let mut decision = Decision::reply(());
        for (kind, key) in self.keys(who, moment.space) {
            if view.row::<StoredNonce>(&key)?.is_some() {
                return Err(EngineError::NonceReplayed { validator: kind == OF_VALIDATOR });
            }
            decision = decision.put(key, &StoredNonce { kind, at: moment.now });
        }
        decision.done()
    }
}
