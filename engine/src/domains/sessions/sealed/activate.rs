//! Proving a sealed session: whoever shows its validator could open a box that is for the account's key.

use serde::Serialize;
use strongroom_primitives::secret::SecretText;
use subtle::ConstantTimeEq;

use super::{Sessions, StoredSession, validator_hash};
use crate::{
    command::{Command, Decision, Kind, Moment, Reads, Step, View},
    credential::{Need, Principal},
    domains::{
        admission::by_digest,
        people::{PersonInfo, StoredPerson},
        sessions::{prove::prove, revoke::reads_of},
    },
    error::EngineError,
    keyspace::{self, Keyspace},
};

/// Proves the caller's session, and with it opens it for everything else: until then it is good for nothing.
///
/// Source: dialects/psono.md, section 6, `POST /authentication/activate-token/`.
#[derive(Debug, Clone, Serialize)]
pub struct ActivateSession {
    /// The text of the validator: 64 hexadecimal digits.
    #[serde(serialize_with = "by_digest")]
    pub validator: SecretText,
}

impl Command for ActivateSession {
    type Domain = Sessions;
    type Reply = PersonInfo;
    const NAME: &'static str = "activate_session";
    const KIND: Kind = Kind::Write;

    fn needs(&self) -> Need {
        Need::Unproved
    }

    fn reads(&self, who: &Principal, _: &Keyspace) -> Reads {
        let reads = reads_of(who.account).row(keyspace::person(who.account));
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
    ) -> Result<Step<PersonInfo>, EngineError> {
        let session = who.session.ok_or(EngineError::CredentialInvalid)?;
        let key = keyspace::session(session);
        if !view.has(&key) {
            return Ok(Step::Need(Reads::one(key)));
        }
        let stored: StoredSession = view.row(&key)?.ok_or(EngineError::CredentialInvalid)?;
        if stored.prove_by.is_none() {
            return Err(EngineError::SessionActive);
        }
        let validator = stored.seal.as_ref().and_then(|seal| seal.validator);
        let shown = validator_hash(self.validator.expose());
        if !validator.is_some_and(|validator| validator.ct_eq(&shown).into()) {
            return Err(EngineError::ValidatorWrong);
        }
        let person: StoredPerson =
            view.row(&keyspace::person(who.account))?.ok_or(EngineError::CredentialInvalid)?;
        let info: PersonInfo = person.info(who.account);
        let decision: Decision<()> = prove(session, stored, view, moment)?;
        decision.answer(info).done()
    }
}
