//! Beginning an enrolment anew. A client that was cut off half-way through it has lost its KEK, because nothing but its
//! memory held it, and a KEK is set only once: without a restart the account could never be used. Once the account is
//! in use, a restart would destroy it. Source: dialects/meeco.md, section 5, "KEK".

use bytes::Bytes;
use serde::Serialize;

use super::{
    Kek, KeyHierarchy, StoredKek, key_pairs,
    rows::{StoredDek, StoredKeyPair},
    wrapped,
};
use crate::{
    command::{Command, Decision, Kind, Moment, Reads, Step, View},
    credential::{Need, Principal},
    error::EngineError,
    keyspace::{self, Keyspace},
};

/// The most keys that a restart drops. An enrolment has two.
const RESTART_KEYS_MAX: usize = 256;

/// Puts a new KEK in place of the one there may be, and drops every key that it wraps, in one commit.
///
/// The new KEK has a generation of its own, so another device that still holds the KEK of the first try is refused
/// (THREATS A-KEY-05). The caller's session need not name the generation: who set the KEK holds it.
#[derive(Debug, Clone, Serialize)]
pub struct RestartEnrolment {
    /// The new KEK, wrapped by the account's PDK: a cryppo string.
    pub wrapped: Bytes,
}

impl Command for RestartEnrolment {
    type Domain = KeyHierarchy;
    type Reply = Kek;
    const NAME: &'static str = "restart_enrolment";
    const KIND: Kind = Kind::Write;

    fn needs(&self) -> Need {
        Need::Account
    }

    fn reads(&self, who: &Principal, _: &Keyspace) -> Reads {
        Reads::one(keyspace::kek(who.account)).and(enrolment::reads(who))
    }

    fn decide(
        &self,
        view: &View<'_>,
        who: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<Kek>, EngineError> {
        wrapped::check(&self.wrapped, moment.limits.wrapped_key_bytes_max)?;
        enrolment::check_under_way(view, who)?;
        let key = keyspace::kek(who.account);
        let Some(before) = view.row::<StoredKek>(&key)? else {
            let kek = StoredKek::first(self.wrapped.clone(), who, moment.now);
            return kek.save(who.account, Decision::reply(kek.clone().into())).done();
        };
        if let Some(running) = &before.rotation {
            return Err(EngineError::RotationRunning { target: running.target });
        }
        if before.keys > RESTART_KEYS_MAX as u64 {
            return Err(EngineError::RestartTooLarge { max: RESTART_KEYS_MAX });
        }
        let (deks, pairs) = (keyspace::deks(who.account), keyspace::key_pairs(who.account));
        if !view.has_range(&deks) || !view.has_range(&pairs) {
            let reads = Reads::none().range(deks, None, RESTART_KEYS_MAX, key.clone());
            return Ok(Step::Need(reads.range(pairs, None, RESTART_KEYS_MAX, key)));
        }
        let (deks, pairs) = (view.range::<StoredDek>(&deks)?.0, view.range::<StoredKeyPair>(&pairs)?.0);
        if before.keys != (deks.len() + pairs.len()) as u64 {
            tracing::error!("the keys of an account are not as many as its KEK counts");
            return Err(EngineError::Corrupt);
        }
        let kek = before.replaced(self.wrapped.clone(), who, moment.now)?;
        let decision = Decision::reply(kek.clone().into());
        let decision = deks.into_iter().fold(decision, |decision, (key, _)| decision.delete(key));
        let drop_pair =
            |decision, pair: &StoredKeyPair| key_pairs::delete(decision, pair, who.account, moment.space);
        let decision = pairs.iter().fold(decision, |decision, (_, pair)| drop_pair(decision, pair));
        kek.save(who.account, decision).done()
    }
}

/// Whether an account's enrolment is still under way: it ends when the account is admitted to a service. A service of
/// another engine does not say that it admitted somebody; there only the client can tell.
mod enrolment {
    use super::{EngineError, Principal, Reads, View, keyspace};
    use crate::domains::admission::{StoredToken, TOKENS_READ_MAX};

    /// The rows that tell.
    pub(super) fn reads(who: &Principal) -> Reads {
        let tokens = keyspace::admissions(who.account);
        Reads::none().range(tokens, None, TOKENS_READ_MAX, keyspace::ledger(who.account))
    }

    /// Refuses an account whose enrolment has ended.
    pub(super) fn check_under_way(view: &View<'_>, who: &Principal) -> Result<(), EngineError> {
        let (tokens, _) = view.range::<StoredToken>(&keyspace::admissions(who.account))?;
        if tokens.iter().any(|(_, token)| token.is_spent()) {
            return Err(EngineError::AlreadyAdmitted);
        }
        Ok(())
    }
}
