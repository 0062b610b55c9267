//! Signing in with an API key: a signature, made by the key over bytes that name a session key of the client.
//!
//! The bytes need not carry a time, so a session key signs in once for as long as the API key lives. Whatever else is wrong is
//! refused in one way and at one price: a key that there is not, one that is inactive, a signature that is none.
//!
//! Source: dialects/psono.md, sections 4 and 11.

use std::{fmt, time::Duration};

use bytes::Bytes;
use serde::{Deserialize, Serialize, Serializer};
use strongroom_primitives::{
    id::{AccountId, ApiKeyId, RealmId},
    nacl::BoxPublic,
    sign,
};
use strongroom_storage::Key;

use super::{ApiKeyInfo, Sessions, StoredApiKey, StoredApiKeyPlace, StoredLogin, latest::StoredLatest};
use crate::{
    boxed::{Boxed, KeyBytes},
    command::{Command, Kind, Lane, Moment, Reads, Step, View},
    credential::{Need, Principal, Rights},
    domains::{
        accounts::{AccountState, StoredAccount},
        people::{PersonCard, StoredPerson},
        sessions::{
            BearerIssued, Opening, StoredSessionIndex, TokenForm,
            identity::IdentityGenerations,
            sealed::{Device, Sealing},
        },
    },
    error::EngineError,
    keyspace::{self, Keyspace},
};

/// What a client says when it signs in with an API key, as its transport has read it from the signed bytes.
#[derive(Debug, Clone, Serialize)]
pub struct LoginFacts {
    /// The API key.
    pub api_key: ApiKeyId,
    /// X25519: what the answer will be sealed for. Never used before with this API key.
    pub session_public_key: [u8; 32],
    /// The device.
    pub device: Device,
    /// How long the session is to be good; at most, and `None` for, [`api_session_life_max`].
    ///
    /// [`api_session_life_max`]: crate::Limits::api_session_life_max
    pub life: Option<Duration>,
}

/// Signs in with an API key.
#[derive(Clone, Serialize)]
pub struct LoginByApiKey {
    /// The realm that its owner has to be of; `None` where all count.
    pub realm: Option<RealmId>,
    /// What `info` says. Whoever asks answers for it that it says nothing else.
    pub facts: LoginFacts,
    /// The signed bytes, exactly as they came.
    pub info: Bytes,
    /// What the session's token is to look like.
    pub form: TokenForm,
    /// Ed25519, by the API key, over `info`.
    #[serde(serialize_with = "as_bytes")]
    pub signature: [u8; 64],
}

fn as_bytes<S: Serializer>(signature: &[u8; 64], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_bytes(signature)
}

impl fmt::Debug for LoginByApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LoginByApiKey({:?})", self.facts.api_key)
    }
}

/// The owner's keys under the API key's secret key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserKeys {
    /// The private key.
    pub private_key: Boxed,
    /// The secret key.
    pub secret_key: Boxed,
}

/// Somebody has signed in with an API key.
#[derive(Debug, Serialize, Deserialize)]
pub struct KeyLoggedIn {
    /// The session and its token.
    pub session: BearerIssued,
    /// What the session is sealed with.
    pub session_key: KeyBytes,
    /// The API key.
    pub key: ApiKeyInfo,
    /// The generation of the engine's identity that answers: the one the key's holder was set up with, or the present
    /// one where that answers no more.
    pub identity: u32,
    /// Who owns the key. `None` for an account that is no person.
    pub person: Option<PersonCard>,
    /// The owner's keys, unless the API key is restricted.
    pub user_keys: Option<UserKeys>,
}

impl LoginByApiKey {
    /// The rows to look at once it is known whose the key is; those of nobody where there is no such key, so that both
    /// cost the same.
    fn rows_of(&self, account: AccountId, space: &Keyspace) -> Reads {
        let LoginFacts { api_key, session_public_key, .. } = &self.facts;
        Opening::first_reads(account)
            .row(keyspace::api_key(account, *api_key))
            .row(keyspace::api_key_latest(account, *api_key))
            .row(keyspace::account(account))
            .row(keyspace::api_key_login(account, *api_key, &space.once(session_public_key)))
            .hint(keyspace::person(account))
            .hint(keyspace::server_identity())
    }

    /// Whether the signature is good, by the key's own public key or, where there is none, by one that nobody signs
    /// with.
    fn is_signed(&self, stored: Option<&StoredApiKey>, moment: &Moment<'_>) -> bool {
        let key = match stored {
            Some(stored) => sign::VerifyingKey::from_bytes(&stored.verify_key),
            None => sign::VerifyingKey::from_bytes(moment.secrets.receipt_key().as_bytes()),
        };
        let signed = key.and_then(|key| key.verify(&self.info, &self.signature));
        signed.is_ok() && stored.is_some()
    }
}

impl Command for LoginByApiKey {
    type Domain = Sessions;
    type Reply = KeyLoggedIn;
    const NAME: &'static str = "login_by_api_key";
    const KIND: Kind = Kind::Write;

    fn needs(&self) -> Need {
        Need::Anyone
    }

    /// The API key's: before its signature has been looked at, a login is anybody's claim, and nobody waits in another
    /// account's lane.
    fn lane(&self, _: &Principal, _: &Keyspace) -> Lane {
        Lane(*self.facts.api_key.as_bytes())
    }

    fn reads(&self, _: &Principal, _: &Keyspace) -> Reads {
        Reads::one(keyspace::api_key_place(self.facts.api_key))
    }

    fn decide(
        &self,
        view: &View<'_>,
        _: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<KeyLoggedIn>, EngineError> {
        let LoginFacts { api_key, session_public_key, device, life } = &self.facts;
        device.check()?;
        let place: Option<StoredApiKeyPlace> = view.row(&keyspace::api_key_place(*api_key))?;
        let account = place.map_or_else(|| moment.space.nobody_of(*api_key), |place| place.account);
        let key = keyspace::api_key(account, *api_key);
        if let Some(reads) = view.lacks(self.rows_of(account, moment.space)) {
            return Ok(Step::Need(reads));
        }
        let latest_key = keyspace::api_key_latest(account, *api_key);
        let latest: StoredLatest = view.row(&latest_key)?.unwrap_or_default();
        let sessions_max = moment.limits.api_key_sessions_max;
        let ending: Vec<Key> = latest
            .outnumbered(sessions_max)
            .map(|session| keyspace::account_session(account, session))
            .collect();
        if let Some(reads) = view.lacks(ending.iter().cloned().fold(Reads::none(), Reads::row)) {
            return Ok(Step::Need(reads));
        }
        let stored: Option<StoredApiKey> = view.row(&key)?;
        let signed = self.is_signed(stored.as_ref(), moment);
        let owner: Option<StoredAccount> = view.row(&keyspace::account(account))?;
        let owner = owner.filter(|owner| owner.state == AccountState::Active);
        let (Some(stored), Some(StoredAccount { identity: Some(identity), rights, .. }), true) =
            (stored.filter(|stored| stored.is_good(moment.now)), owner, signed)
        else {
            return Err(EngineError::LoginRefused);
        };
        if self.realm.as_ref().is_some_and(|realm| *realm != identity.realm) {
            return Err(EngineError::LoginRefused);
        }
        BoxPublic::from_bytes(*session_public_key).map_err(|_| EngineError::KeyInvalid)?;
        let login_key = keyspace::api_key_login(account, *api_key, &moment.space.once(session_public_key));
        if view.row::<StoredLogin>(&login_key)?.is_some() {
            return Err(EngineError::LoginReplayed);
        }

        let longest = moment.limits.api_session_life_max;
        let wanted = moment.now.saturating_add(life.map_or(longest, |life| life.min(longest)));
        if let Some(expires) = stored.expires {
            moment.relies_on(expires);
        }
        let seal = Sealing::draw(device, moment);
        let session_key = seal.key.clone();
        let opening = Opening {
            account,
            identity,
            rights: Rights::ALL.and(rights),
            expires: Some(stored.expires.map_or(wanted, |expires| expires.min(wanted))),
            label: &device.description,
            parent: None,
            form: self.form,
            prove_by: None,
            api_key: Some(*api_key),
            seal: Some(seal),
            assurance: None,
        };
        let ending = ending
            .into_iter()
            .filter_map(|key| Some((key.clone(), view.row::<StoredSessionIndex>(&key).transpose()?)))
            .map(|(key, index)| Ok((key, index?)))
            .collect::<Result<_, EngineError>>()?;
        let (session, opened) = opening.decide_ending(ending, view, moment)?.split()?;
        let latest = latest.and(session.session, sessions_max);
        let identity = IdentityGenerations::now(view, moment.now)?.answering(stored.identity);
        let person: Option<StoredPerson> = view.row(&keyspace::person(account))?;
        let user_keys = (!stored.flags.restrict).then(|| UserKeys {
            private_key: stored.user_private_key.clone(),
            secret_key: stored.user_secret_key.clone(),
        });
        opened
            .answer(KeyLoggedIn {
                session,
                session_key,
                key: stored.info(*api_key),
                identity,
                person: person.map(|person| person.card(account)),
                user_keys,
            })
            .put(login_key, &StoredLogin {})
            .put(latest_key, &latest)
            .done()
    }
}

#[cfg(test)]
mod tests {
    use strongroom_primitives::nacl::BoxSecret;

    use super::*;
    use crate::{credential::ApiKeyFlags, domains::sessions::api_key::CreateApiKey, testing::Desk};

    fn boxed() -> Boxed {
        Boxed { text: Bytes::from_static(&[7; 16]), nonce: [1; 24] }
    }

    fn login(api_key: ApiKeyId, drawn: u8, realm: Option<&str>, form: TokenForm) -> LoginByApiKey {
        let info = Bytes::from(vec![drawn; 40]);
        let signature = sign::SigningKey::from_seed(&[1; 32]).sign(&info);
        let session_public_key = *BoxSecret::from_seed([drawn; 32]).public().as_bytes();
        let facts = LoginFacts { api_key, session_public_key, device: Device::default(), life: None };
        let realm = realm.map(|realm| RealmId::new(realm).unwrap());
        LoginByApiKey { realm, facts, form, info, signature }
    }

    /// A-API-04.
    #[test]
    fn a_session_key_signs_in_once_to_the_realm_that_is_named_or_to_any() {
        let mut desk = Desk::new();
        let ann = desk.who("ann");
        desk.open_account(&ann);
        let create = CreateApiKey {
            title: "backup".to_owned(),
            public_key: *BoxSecret::from_seed([1; 32]).public().as_bytes(),
            verify_key: *sign::SigningKey::from_seed(&[1; 32]).verifying_key().as_bytes(),
            private_key: boxed(),
            secret_key: boxed(),
            user_private_key: boxed(),
            user_secret_key: boxed(),
            flags: ApiKeyFlags { read: true, write: false, restrict: false, insecure: false },
            expires: None,
        };
        let id = desk.run(&ann, &create).unwrap().id;
        let nobody = desk.nobody();
        let elsewhere = login(id, 2, Some("elsewhere"), TokenForm::Hex);
        assert_eq!(desk.run(&nobody, &elsewhere).unwrap_err(), EngineError::LoginRefused);
        let here = desk.run(&nobody, &login(id, 2, Some("test"), TokenForm::Hex)).unwrap();
        assert_eq!(here.session.token.len(), 128);
        let anywhere = desk.run(&nobody, &login(id, 3, None, TokenForm::Bearer)).unwrap();
        assert!(anywhere.session.token.starts_with("srt_"));
        for drawn in [2, 3] {
            let again = login(id, drawn, None, TokenForm::Bearer);
            assert_eq!(desk.run(&nobody, &again).unwrap_err(), EngineError::LoginReplayed);
        }
    }
}
