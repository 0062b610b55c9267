//! Signing in with what a client derives from the password.
//!
//! A name that nobody has is answered like one that somebody has, at the same cost. Wrong keys are counted as wrong
//! proofs of SRP are.

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};
use strongroom_primitives::{
    id::{AccountId, RealmId},
    secret::SecretText,
};

use super::{
    Hashing, People, PersonKeys, StoredPerson,
    name::{account_of, identity_of},
    password::is_authentic,
};
use crate::{
    boxed::KeyBytes,
    command::{Command, Decision, Kind, Lane, Moment, Reads, Step, View},
    credential::{Need, Principal, Rights},
    domains::{
        accounts::{AccountState, StoredAccount},
        admission::by_digest,
        sessions::{
            BearerIssued, Opening, TokenForm,
            sealed::{Device, Sealing},
            srp::StoredGuesses,
        },
    },
    error::EngineError,
    keyspace::{self, Keyspace},
};

/// Asks how a person's client derives what it signs in with. A name that nobody has is told the defaults.
#[derive(Debug, Clone, Serialize)]
pub struct Prelogin {
    /// Where.
    pub realm: RealmId,
    /// Who.
    pub username: String,
}

impl Command for Prelogin {
    type Domain = People;
    type Reply = Hashing;
    const NAME: &'static str = "prelogin";
    const KIND: Kind = Kind::Read;

    fn needs(&self) -> Need {
        Need::Anyone
    }

    fn reads(&self, _: &Principal, space: &Keyspace) -> Reads {
        Reads::one(keyspace::person(account_of(&self.realm, &self.username, space)))
    }

    fn decide(
        &self,
        view: &View<'_>,
        _: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<Hashing>, EngineError> {
        let account = account_of(&self.realm, &self.username, moment.space);
        let stored: Option<StoredPerson> = view.row(&keyspace::person(account))?;
        Decision::reply(stored.map(|stored| stored.keys.hashing).unwrap_or_default()).done()
    }
}

/// Signs in. The session is good for nothing but [`ActivateSession`] until that has been asked.
///
/// [`ActivateSession`]: crate::domains::sessions::sealed::ActivateSession
#[derive(Clone, Serialize)]
pub struct LoginPerson {
    /// Where.
    pub realm: RealmId,
    /// Who, in any case.
    pub username: String,
    /// What the client derives from the password.
    #[serde(serialize_with = "by_digest")]
    pub authkey: SecretText,
    /// The device.
    pub device: Device,
    /// How long the session is to be good; at most, and `None` for, the longest.
    pub life: Option<Duration>,
    /// The network that the caller comes from, for counting failed attempts; empty if there is none.
    pub network: Vec<u8>,
}

impl fmt::Debug for LoginPerson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LoginPerson({:?})", self.realm)
    }
}

/// A person has shown that they know their password.
#[derive(Debug, Serialize, Deserialize)]
pub struct PersonLoggedIn {
    /// The session and its token.
    pub session: BearerIssued,
    /// What the session is sealed with.
    pub session_key: KeyBytes,
    /// Its 64 hexadecimal digits prove the session. To be sealed for the person's public key.
    pub validator: KeyBytes,
    /// In lower case.
    pub username: String,
    /// The person's keys.
    pub keys: PersonKeys,
}

impl LoginPerson {
    fn open(
        &self,
        account: AccountId,
        owner: StoredAccount,
        person: StoredPerson,
        view: &View<'_>,
        moment: &Moment<'_>,
    ) -> Result<Decision<PersonLoggedIn>, EngineError> {
        let longest = moment.limits.session_life_max;
        let validator = KeyBytes::new(moment.entropy.array());
        let seal = Sealing { validator: Some(validator.clone()), ..Sealing::draw(&self.device, moment) };
        let session_key = seal.key.clone();
        let opening = Opening {
            account,
            identity: owner.identity.ok_or(EngineError::Corrupt)?,
            rights: Rights::ALL.and(owner.rights),
            expires: Some(moment.now.saturating_add(self.life.map_or(longest, |life| life.min(longest)))),
            label: &self.device.description,
            parent: None,
            form: TokenForm::Hex,
            prove_by: Some(moment.now.saturating_add(moment.limits.session_proof_within)),
            api_key: None,
            seal: Some(seal),
            assurance: None,
        };
        let StoredPerson { username, keys, .. } = person;
        let opened = opening.decide_making_room(view, moment)?;
        Ok(opened.map(|session| PersonLoggedIn { session, session_key, validator, username, keys }))
    }
}

impl Command for LoginPerson {
    type Domain = People;
    type Reply = PersonLoggedIn;
    const NAME: &'static str = "login_person";
    const KIND: Kind = Kind::Write;

    fn needs(&self) -> Need {
        Need::Anyone
    }

    fn lane(&self, _: &Principal, space: &Keyspace) -> Lane {
        Lane::of_account(account_of(&self.realm, &self.username, space))
    }

    fn reads(&self, _: &Principal, space: &Keyspace) -> Reads {
        let account = account_of(&self.realm, &self.username, space);
        Opening::reads(account)
            .row(keyspace::account(account))
            .row(keyspace::person(account))
            .row(keyspace::guesses(account))
    }

    fn decide(
        &self,
        view: &View<'_>,
        _: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<PersonLoggedIn>, EngineError> {
        self.device.check()?;
        // What is no name is refused like a name that nobody has.
        identity_of(&self.realm, &self.username).map_err(|_| EngineError::LoginRefused)?;
        let account = account_of(&self.realm, &self.username, moment.space);
        let guesses_key = keyspace::guesses(account);
        let mut guesses: StoredGuesses = view.row(&guesses_key)?.unwrap_or_default();
        let network = moment.space.network(&self.network);
        guesses.check(&network, moment)?;
        let person: Option<StoredPerson> = view.row(&keyspace::person(account))?;
        let authentic = is_authentic(account, person.as_ref(), &self.authkey, moment);
        let owner: Option<StoredAccount> = view.row(&keyspace::account(account))?;
        let owner = owner.filter(|owner| owner.state == AccountState::Active);
        let (Some(person), Some(owner), true) = (person, owner, authentic) else {
            guesses.failed(network, moment);
            return Decision::refuse(EngineError::LoginRefused).put(guesses_key, &guesses).done();
        };
        // Told only to somebody who knows the password.
        if person.activation.is_some() {
            return Err(EngineError::PersonNotActivated);
        }
        let before = guesses.clone();
        guesses.succeeded(network);
        let decision = self.open(account, owner, person, view, moment)?;
        if guesses == before { decision.done() } else { decision.put(guesses_key, &guesses).done() }
    }
}
