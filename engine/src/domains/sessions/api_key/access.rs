//! Secrets of an API key for whoever names both: no session, no signature. What is given out is ciphertext; two ids of
//! 16 random bytes are all that it takes.
//!
//! The one exception to ciphertext is a transport that is given the API key's secret key to open what it answers. It
//! says so with the command, and the key has to allow it. Source: dialects/psono.md, section 8.

use serde::{Deserialize, Serialize};
use strongroom_primitives::{
    id::{AccountId, ApiKeyId, RealmId, SecretId},
    time::Timestamp,
};

use super::{Sessions, StoredApiKey, StoredApiKeyPlace, StoredAttached};
use crate::{
    boxed::Boxed,
    command::{Command, Decision, Kind, Lane, Moment, Reads, Step, View},
    credential::{Access, ApiKeyFlags, Need, Principal},
    domains::{
        accounts::{AccountState, StoredAccount},
        pause::{self, Pause, row, seen},
        sharing::{
            Written,
            secrets::{self, Callback, SecretState, UpdateSecret},
        },
    },
    error::EngineError,
    keyspace::{self, Keyspace},
};

/// An API key as somebody names it who may hold it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NamedKey {
    /// The realm that its owner has to be of.
    pub realm: RealmId,
    /// Which.
    pub id: ApiKeyId,
}

impl NamedKey {
    /// It is anybody's claim: nobody waits in an account's lane for it.
    fn lane(&self) -> Lane {
        Lane(*self.id.as_bytes())
    }

    fn reads(&self) -> Reads {
        Reads::one(keyspace::api_key_place(self.id))
    }

    /// The key, if it is good. One that there is not, one that is inactive and one whose owner is gone are the same
    /// (THREATS A-API-13).
    fn find(&self, view: &View<'_>, moment: &mut Moment<'_>) -> Result<(AccountId, StoredApiKey), Pause> {
        let place: Option<StoredApiKeyPlace> = row(view, keyspace::api_key_place(self.id))?;
        let account = place.map_or_else(|| moment.space.nobody_of(self.id), |place| place.account);
        let [key, account_key] = [keyspace::api_key(account, self.id), keyspace::account(account)];
        seen(view, [key.clone(), account_key.clone()])?;
        let owner: Option<StoredAccount> = row(view, account_key)?;
        let owned = owner.is_some_and(|owner| {
            owner.state == AccountState::Active
                && owner.identity.is_some_and(|identity| identity.realm == self.realm)
        });
        let stored: Option<StoredApiKey> = row(view, key)?;
        let stored = stored.filter(|stored| owned && stored.is_good(moment.now));
        let stored = stored.ok_or(EngineError::UnknownApiKey)?;
        if let Some(expires) = stored.expires {
            moment.relies_on(expires);
        }
        Ok((account, stored))
    }

    /// The key's owner and what is attached to it of a secret, if it may be had like this.
    fn attached(
        &self,
        secret: SecretId,
        access: Access,
        insecure: bool,
        view: &View<'_>,
        moment: &mut Moment<'_>,
    ) -> Result<(AccountId, StoredAttached), Pause> {
        let (account, stored) = self.find(view, moment)?;
        if !stored.flags.has(access) {
            return Err(EngineError::ApiKeyRefused.into());
        }
        if insecure && !stored.flags.insecure {
            return Err(EngineError::InsecureRefused.into());
        }
        let attached: Option<StoredAttached> =
            row(view, keyspace::api_key_attached(account, self.id, secret))?;
        Ok((account, attached.ok_or(EngineError::UnknownAttachment)?))
    }
}

/// Reads a secret that is attached to an API key, as the key's owner, and counts that.
///
/// Refused if the owner may no longer read it, whatever was attached once.
#[derive(Debug, Clone, Serialize)]
pub struct ReadAttached {
    /// The API key.
    pub key: NamedKey,
    /// Which.
    pub secret: SecretId,
    /// Whether it will be opened on the way to the caller.
    pub insecure: bool,
}

/// A secret and the key to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttachedSecret {
    /// The secret.
    pub secret: SecretState,
    /// Its key under that of the API key.
    pub secret_key: Boxed,
}

impl Command for ReadAttached {
    type Domain = Sessions;
    type Reply = AttachedSecret;
    const NAME: &'static str = "read_attached";
    const KIND: Kind = Kind::Write;

    fn needs(&self) -> Need {
        Need::Anyone
    }

    fn lane(&self, _: &Principal, _: &Keyspace) -> Lane {
        self.key.lane()
    }

    fn reads(&self, _: &Principal, _: &Keyspace) -> Reads {
        self.key.reads()
    }

    fn decide(
        &self,
        view: &View<'_>,
        _: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<AttachedSecret>, EngineError> {
        let attached = self.key.attached(self.secret, Access::Read, self.insecure, view, moment);
        pause::step(attached.and_then(|(account, StoredAttached { secret_key, .. })| {
            let read = secrets::read(view, account, moment, self.secret)?;
            Ok(read.map(|secret| AttachedSecret { secret, secret_key }))
        }))
    }
}

/// Changes a secret that is attached to an API key, as the key's owner.
///
/// Refused if the owner may no longer write it, whatever was attached once.
#[derive(Debug, Clone, Serialize)]
pub struct WriteAttached {
    /// The API key.
    pub key: NamedKey,
    /// Which.
    pub secret: SecretId,
    /// What it holds from now on. Its nonce has sealed no secret before.
    pub data: Boxed,
    /// When it was written last, as far as the caller knows.
    pub previous: Option<Timestamp>,
    /// Whether it was sealed on the way from the caller.
    pub insecure: bool,
}

impl Command for WriteAttached {
    type Domain = Sessions;
    type Reply = Written;
    const NAME: &'static str = "write_attached";
    const KIND: Kind = Kind::Write;

    fn needs(&self) -> Need {
        Need::Anyone
    }

    fn lane(&self, _: &Principal, _: &Keyspace) -> Lane {
        self.key.lane()
    }

    fn reads(&self, _: &Principal, _: &Keyspace) -> Reads {
        self.key.reads()
    }

    fn decide(
        &self,
        view: &View<'_>,
        _: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<Written>, EngineError> {
        let attached = self.key.attached(self.secret, Access::Write, self.insecure, view, moment);
        pause::step(attached.and_then(|(account, _)| {
            let change = UpdateSecret {
                id: self.secret,
                data: Some(self.data.clone()),
                callback: Callback::default(),
                previous: self.previous,
            };
            secrets::update(view, account, moment, &change)
        }))
    }
}

/// Asks for the key of an attached secret, to seal on the way from a caller what [`WriteAttached`] then writes. The API
/// key has to allow that, and to write.
#[derive(Debug, Clone, Serialize)]
pub struct GetAttachedKey {
    /// The API key.
    pub key: NamedKey,
    /// Which.
    pub secret: SecretId,
}

impl Command for GetAttachedKey {
    type Domain = Sessions;
    type Reply = Boxed;
    const NAME: &'static str = "get_attached_key";
    const KIND: Kind = Kind::Read;

    fn needs(&self) -> Need {
        Need::Anyone
    }

    fn reads(&self, _: &Principal, _: &Keyspace) -> Reads {
        self.key.reads()
    }

    fn decide(
        &self,
        view: &View<'_>,
        _: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<Boxed>, EngineError> {
        let attached = self.key.attached(self.secret, Access::Write, true, view, moment);
        pause::step(attached.map(|(_, StoredAttached { secret_key, .. })| Decision::reply(secret_key)))
    }
}

/// Asks what an API key may do and what is attached to it.
#[derive(Debug, Clone, Serialize)]
pub struct InspectApiKey {
    /// The API key.
    pub key: NamedKey,
}

/// What an API key may do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InspectedKey {
    /// What it may do.
    pub flags: ApiKeyFlags,
    /// The secrets that are attached to it and that there are still, and when each was written last.
    pub secrets: Vec<(SecretId, Timestamp)>,
}

impl InspectApiKey {
    fn rule(&self, view: &View<'_>, moment: &mut Moment<'_>) -> Result<Decision<InspectedKey>, Pause> {
        let (account, stored) = self.key.find(view, moment)?;
        let all = keyspace::all_attached(account, self.key.id);
        if !view.has_range(&all) {
            let (max, ledger) = (moment.limits.api_key_secrets_max, keyspace::ledger(account));
            return Err(Pause::Need(Reads::none().range(all, None, max, ledger)));
        }
        let (keys, _) = view.keys(&all)?;
        let ids: Vec<SecretId> =
            keys.iter().filter_map(|key| keyspace::sixteen(key, 33)).map(SecretId::from_bytes).collect();
        let missing = ids.iter().map(|id| keyspace::secret(*id)).filter(|key| !view.has(key));
        let missing = missing.fold(Reads::none(), Reads::hint);
        if !missing.is_empty() {
            return Err(Pause::Need(missing));
        }
        let mut found = Vec::with_capacity(ids.len());
        for id in ids {
            found.extend(secrets::written(view, id)?.map(|written| (id, written)));
        }
        Ok(Decision::reply(InspectedKey { flags: stored.flags, secrets: found }))
    }
}

impl Command for InspectApiKey {
    type Domain = Sessions;
    type Reply = InspectedKey;
    const NAME: &'static str = "inspect_api_key";
    const KIND: Kind = Kind::Read;

    fn needs(&self) -> Need {
        Need::Anyone
    }

    fn reads(&self, _: &Principal, _: &Keyspace) -> Reads {
        self.key.reads()
    }

    fn decide(
        &self,
        view: &View<'_>,
        _: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<InspectedKey>, EngineError> {
        pause::step(self.rule(view, moment))
    }
}
