//! Signing up, and showing that one reads mail to the address that was given.

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};
use strongroom_primitives::{
    encoding::to_hex,
    hash,
    id::{AccountId, RealmId},
    nacl::BoxPublic,
    secret::SecretText,
};

use super::{
    Hashing, People, PersonKeys, StoredActivation, StoredAddress, StoredPerson,
    name::{account_of, address_of, identity_of},
    password::authkey_hash,
    rows::PendingActivation,
};
use crate::{
    boxed::{Boxed, KeyBytes},
    command::{Command, Decision, Kind, Lane, Moment, Reads, Step, View},
    credential::{Need, Principal},
    domains::{
        accounts::{AccountState, StoredAccount},
        admission::by_digest,
        realms::{SignUp, StoredRealm},
    },
    error::EngineError,
    feed::Ledger,
    keyspace::{self, Keyspace},
};

/// How long an activation code is good. Source: dialects/psono.md, section 6.
const ACTIVATION_LIFE: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// Length of an authentication key: 64 bytes as hexadecimal digits.
const AUTHKEY_BYTES: usize = 128;

/// Length of a key that is sealed as its 64 hexadecimal digits.
const SEALED_KEY_BYTES: usize = 80;

/// Length of what the wrapping key is derived with.
const SAUCE_BYTES: usize = 64;

/// Makes a person. The realm has to be open for names that people choose.
#[derive(Clone, Serialize)]
pub struct RegisterPerson {
    /// Where.
    pub realm: RealmId,
    /// `local@domain`, in any case.
    pub username: String,
    /// Where mail reaches them.
    pub email: String,
    /// What the client derives from the password to sign in with: 128 bytes of text.
    #[serde(serialize_with = "by_digest")]
    pub authkey: SecretText,
    /// X25519.
    pub public_key: [u8; 32],
    /// 80 bytes.
    pub private_key: Boxed,
    /// 80 bytes.
    pub secret_key: Boxed,
    /// 64 hexadecimal digits.
    pub user_sauce: String,
    /// The work that the client puts into what it derives.
    pub hashing: Hashing,
    /// Whether they have to show that they read mail to their address before they can sign in.
    pub verify_email: bool,
}

impl fmt::Debug for RegisterPerson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RegisterPerson({:?})", self.realm)
    }
}

/// A person was made.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Registered {
    /// The account, which is the person's id.
    pub account: AccountId,
    /// What to send to their address, if they have to show that they read mail there: its 64 hexadecimal digits are
    /// the code.
    pub activation: Option<KeyBytes>,
}

fn exactly(field: &'static str, text: &str, max: usize) -> Result<(), EngineError> {
    let bytes = text.len();
    if bytes == max { Ok(()) } else { Err(EngineError::FieldSize { field, bytes, max }) }
}

fn code_digest(code: &str) -> [u8; 32] {
    hash::sha256(code.as_bytes())
}

impl RegisterPerson {
    fn check(&self) -> Result<(), EngineError> {
        exactly("authkey", self.authkey.expose(), AUTHKEY_BYTES)?;
        exactly("user_sauce", &self.user_sauce, SAUCE_BYTES)?;
        if !self.user_sauce.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(EngineError::SauceInvalid);
        }
        self.private_key.check("private_key", SEALED_KEY_BYTES, SEALED_KEY_BYTES)?;
        self.secret_key.check("secret_key", SEALED_KEY_BYTES, SEALED_KEY_BYTES)?;
        BoxPublic::from_bytes(self.public_key).map_err(|_| EngineError::KeyInvalid)?;
        self.hashing.check()
    }

    fn keys(&self) -> PersonKeys {
        PersonKeys {
            public_key: self.public_key,
            private_key: self.private_key.clone(),
            secret_key: self.secret_key.clone(),
            user_sauce: self.user_sauce.clone(),
            hashing: self.hashing,
        }
    }
}

impl Command for RegisterPerson {
    type Domain = People;
    type Reply = Registered;
    const NAME: &'static str = "register_person";
    const KIND: Kind = Kind::Write;

    fn needs(&self) -> Need {
        Need::Anyone
    }

    fn lane(&self, _: &Principal, space: &Keyspace) -> Lane {
        Lane::of_account(account_of(&self.realm, &self.username, space))
    }

    fn reads(&self, _: &Principal, space: &Keyspace) -> Reads {
        let account = account_of(&self.realm, &self.username, space);
        let reads = Reads::one(space.realm(&self.realm))
            .row(keyspace::account(account))
            .row(keyspace::ledger(account))
            .row(keyspace::person(account));
        match address_of(&self.email) {
            Ok(address) => reads.row(space.address(&self.realm, &address)),
            Err(_) => reads,
        }
    }

    fn decide(
        &self,
        view: &View<'_>,
        _: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<Registered>, EngineError> {
        let realm: Option<StoredRealm> = view.row(&moment.space.realm(&self.realm))?;
        if realm.is_none_or(|realm| realm.sign_up != SignUp::Chosen) {
            return Err(EngineError::SignUpClosed);
        }
        let identity = identity_of(&self.realm, &self.username)?;
        let email = address_of(&self.email)?;
        self.check()?;
        let account = moment.space.account_of(&identity.realm, &identity.subject);
        let (account_key, person_key) = (keyspace::account(account), keyspace::person(account));
        let former: Option<StoredPerson> = view.row(&person_key)?;
        let there: Option<StoredAccount> = view.row(&account_key)?;
        // Who never showed that the address was theirs keeps the name no longer than their code.
        let lapsed = |pending: &PendingActivation| moment.now > pending.expires;
        let free = match &former {
            Some(former) => {
                former.activation.as_ref().is_some_and(lapsed)
                    && there.as_ref().is_some_and(|there| there.state == AccountState::Active)
            }
            None => there.is_none(),
        };
        if !free {
            return Err(EngineError::UsernameTaken);
        }
        let code = self.verify_email.then(|| KeyBytes::new(moment.entropy.array()));
        let pending = code.as_ref().map(|code| PendingActivation {
            code: code_digest(&to_hex(code.expose())),
            expires: moment.now.saturating_add(ACTIVATION_LIFE),
        });
        let stored = StoredPerson {
            realm: identity.realm.clone(),
            username: identity.subject.as_str().to_owned(),
            email,
            authkey: authkey_hash(account, &self.authkey, moment),
            keys: self.keys(),
            registered: moment.now,
            activation: pending,
        };
        // What the operator has said of the account stays said.
        let there = there.unwrap_or_else(|| StoredAccount::new(identity, moment.now));
        let ledger: Ledger = view.row(&keyspace::ledger(account))?.unwrap_or_default();
        let mut decision = Decision::reply(Registered { account, activation: code })
            .put(account_key, &there)
            .put(keyspace::ledger(account), &ledger);
        if let Some(key) = former.and_then(|former| former.activation_key(moment.space)) {
            decision = decision.delete(key);
        }
        decision = match (&stored.activation, stored.activation_key(moment.space)) {
            (Some(pending), Some(key)) => {
                decision.put(key, &StoredActivation { account, expires: pending.expires })
            }
            _ => with_address(decision, account, &stored, view, moment)?,
        };
        decision.put(person_key, &stored).done()
    }
}

/// Gives a person their address, unless it is somebody else's already.
fn with_address<R>(
    decision: Decision<R>,
    account: AccountId,
    stored: &StoredPerson,
    view: &View<'_>,
    moment: &Moment<'_>,
) -> Result<Decision<R>, EngineError> {
    let key = stored.address_key(moment.space);
    let taken = view.row::<StoredAddress>(&key)?.is_some();
    Ok(if taken { decision } else { decision.put(key, &StoredAddress { account }) })
}

/// Takes the code that was sent to a person's address. They can sign in from then on.
///
/// Refused with [`EngineError::ActivationRefused`] if it is no code, has expired or was taken before.
#[derive(Debug, Clone, Serialize)]
pub struct ActivatePerson {
    /// Where.
    pub realm: RealmId,
    /// The code.
    #[serde(serialize_with = "by_digest")]
    pub code: SecretText,
}

impl Command for ActivatePerson {
    type Domain = People;
    type Reply = ();
    const NAME: &'static str = "activate_person";
    const KIND: Kind = Kind::Write;

    fn needs(&self) -> Need {
        Need::Anyone
    }

    /// The code's: it is anybody's claim until its row is found.
    fn lane(&self, _: &Principal, _: &Keyspace) -> Lane {
        let digest = code_digest(self.code.expose());
        Lane(*digest.first_chunk().expect("a digest has more than 16 bytes"))
    }

    fn reads(&self, _: &Principal, space: &Keyspace) -> Reads {
        Reads::one(space.activation(&self.realm, &code_digest(self.code.expose())))
    }

    fn decide(
        &self,
        view: &View<'_>,
        _: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<()>, EngineError> {
        let code = code_digest(self.code.expose());
        let activation_key = moment.space.activation(&self.realm, &code);
        let found: Option<StoredActivation> = view.row(&activation_key)?;
        let found = found.filter(|found| moment.now <= found.expires);
        let StoredActivation { account, expires } = found.ok_or(EngineError::ActivationRefused)?;
        moment.relies_on(expires);
        let person_key = keyspace::person(account);
        let reads =
            Reads::one(person_key.clone()).row(keyspace::ledger(account)).row(keyspace::account(account));
        if let Some(reads) = view.lacks(reads) {
            return Ok(Step::Need(reads));
        }
        let owner: Option<StoredAccount> = view.row(&keyspace::account(account))?;
        let stored: Option<StoredPerson> = view.row(&person_key)?;
        let stored = stored.filter(|stored| {
            let pending = stored.activation.as_ref().is_some_and(|pending| pending.code == code);
            pending && owner.is_some_and(|owner| owner.state != AccountState::Erased)
        });
        let stored = stored.ok_or(EngineError::ActivationRefused)?;
        let address_key = stored.address_key(moment.space);
        if !view.has(&address_key) {
            return Ok(Step::Need(Reads::one(address_key)));
        }
        let stored = StoredPerson { activation: None, ..stored };
        let ledger: Ledger = view.row(&keyspace::ledger(account))?.unwrap_or_default();
        let decision = Decision::reply(())
            .delete(activation_key)
            .put(person_key, &stored)
            .put(keyspace::ledger(account), &ledger);
        with_address(decision, account, &stored, view, moment)?.done()
    }
}
