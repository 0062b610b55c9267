//! Secrets that an API key reaches by itself, with their keys under the API key's own.

use serde::{Deserialize, Serialize};
use strongroom_primitives::id::{ApiKeyId, ApiKeySecretId, SecretId};
use strongroom_storage::Key;

use super::{
    SEALED_BYTES_MAX, SEALED_BYTES_MIN, SEALED_TITLE_BYTES_MAX, Sessions, StoredApiKey, StoredAttached,
    StoredAttachedPlace,
};
use crate::{
    boxed::Boxed,
    command::{Command, Decision, Kind, Moment, Reads, Step, View},
    credential::{Need, Principal},
    domains::{
        pause::{self, Pause},
        sharing::secrets,
    },
    error::{EngineError, Quota},
    feed::{Event, Ledger},
    keyspace::{self, Keyspace},
};

/// What is attached to an API key.
fn attached(
    view: &View<'_>,
    who: &Principal,
    api_key: ApiKeyId,
    moment: &Moment<'_>,
) -> Result<Vec<(Key, StoredAttached)>, Pause> {
    view.row::<StoredApiKey>(&keyspace::api_key(who.account, api_key))?.ok_or(EngineError::UnknownApiKey)?;
    let prefix = keyspace::all_attached(who.account, api_key);
    if view.has_range(&prefix) {
        return Ok(view.range(&prefix)?.0);
    }
    let (max, ledger) = (moment.limits.api_key_secrets_max, keyspace::ledger(who.account));
    Err(Pause::Need(Reads::none().range(prefix, None, max, ledger)))
}

/// Attaches a secret to one of the caller's API keys.
///
/// A secret that the caller may not read is refused like one that there is not (THREATS A-KEY-02). Whether they still
/// may is asked again whenever the key reads it.
#[derive(Debug, Clone, Serialize)]
pub struct AttachSecret {
    /// To which.
    pub api_key: ApiKeyId,
    /// Which.
    pub secret: SecretId,
    /// The secret's key under that of the API key; at most 256 bytes.
    pub secret_key: Boxed,
    /// A title under the owner's secret key; at most 1,024 bytes.
    pub title: Boxed,
}

impl AttachSecret {
    fn rule(
        &self,
        view: &View<'_>,
        who: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Decision<ApiKeySecretId>, Pause> {
        self.secret_key.check("secret_key", SEALED_BYTES_MIN, SEALED_BYTES_MAX)?;
        self.title.check("title", SEALED_BYTES_MIN, SEALED_TITLE_BYTES_MAX)?;
        let all = attached(view, who, self.api_key, moment)?;
        let key = keyspace::api_key_attached(who.account, self.api_key, self.secret);
        if all.iter().any(|(other, _)| *other == key) {
            return Err(EngineError::AlreadyAttached.into());
        }
        secrets::check_readable(view, who.account, moment, self.secret)?;
        let max = moment.limits.api_key_secrets_max;
        if all.len() >= max {
            return Err(EngineError::QuotaExceeded { what: Quota::AttachedSecrets, max: max as u64 }.into());
        }
        let id = ApiKeySecretId::from_bytes(moment.entropy.array());
        let ledger_key = keyspace::ledger(who.account);
        let ledger: Ledger = view.row(&ledger_key)?.unwrap_or_default();
        let stored = StoredAttached { id, secret_key: self.secret_key.clone(), title: self.title.clone() };
        let place = StoredAttachedPlace { api_key: self.api_key, secret: self.secret };
        Ok(Decision::reply(id)
            .put(key, &stored)
            .put(keyspace::attachment(who.account, id), &place)
            .put(ledger_key, &ledger)
            .tell(who.account, Event::ApiKeyPut { api_key: self.api_key }))
    }
}

impl Command for AttachSecret {
    type Domain = Sessions;
    type Reply = ApiKeySecretId;
    const NAME: &'static str = "attach_secret";
    const KIND: Kind = Kind::Write;

    fn needs(&self) -> Need {
        Need::Account
    }

    fn reads(&self, who: &Principal, _: &Keyspace) -> Reads {
        secrets::reads_of_rights(who.account, self.secret)
            .row(keyspace::api_key(who.account, self.api_key))
            .row(keyspace::ledger(who.account))
    }

    fn decide(
        &self,
        view: &View<'_>,
        who: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<ApiKeySecretId>, EngineError> {
        pause::step(self.rule(view, who, moment))
    }
}

/// A secret that is attached to an API key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttachedInfo {
    /// The attachment.
    pub id: ApiKeySecretId,
    /// The secret.
    pub secret: SecretId,
    /// A title under the owner's secret key.
    pub title: Boxed,
}

/// Lists what is attached to one of the caller's API keys.
#[derive(Debug, Clone, Serialize)]
pub struct ListAttached {
    /// To which.
    pub api_key: ApiKeyId,
}

impl Command for ListAttached {
    type Domain = Sessions;
    type Reply = Vec<AttachedInfo>;
    const NAME: &'static str = "list_attached";
    const KIND: Kind = Kind::Read;

    fn needs(&self) -> Need {
        Need::Account
    }

    fn reads(&self, who: &Principal, _: &Keyspace) -> Reads {
        Reads::one(keyspace::api_key(who.account, self.api_key))
    }

    fn decide(
        &self,
        view: &View<'_>,
        who: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<Vec<AttachedInfo>>, EngineError> {
        let all = match attached(view, who, self.api_key, moment) {
            Ok(all) => all,
            Err(pause) => return pause::step(Err(pause)),
        };
        let info = |(key, stored): (Key, StoredAttached)| {
            let secret = keyspace::sixteen(&key, 33).map(SecretId::from_bytes).ok_or(EngineError::Corrupt)?;
            Ok(AttachedInfo { id: stored.id, secret, title: stored.title })
        };
        Decision::reply(all.into_iter().map(info).collect::<Result<_, EngineError>>()?).done()
    }
}

/// Takes a secret off the API key that it is attached to.
#[derive(Debug, Clone, Serialize)]
pub struct DetachSecret {
    /// The attachment.
    pub id: ApiKeySecretId,
}

impl Command for DetachSecret {
    type Domain = Sessions;
    type Reply = ();
    const NAME: &'static str = "detach_secret";
    const KIND: Kind = Kind::Write;

    fn needs(&self) -> Need {
        Need::Account
    }

    fn reads(&self, who: &Principal, _: &Keyspace) -> Reads {
        Reads::one(keyspace::attachment(who.account, self.id)).row(keyspace::ledger(who.account))
    }

    fn decide(&self, view: &View<'_>, who: &Principal, _: &mut Moment<'_>) -> Result<Step<()>, EngineError> {
        let place_key = keyspace::attachment(who.account, self.id);
        let place: StoredAttachedPlace = view.row(&place_key)?.ok_or(EngineError::UnknownAttachment)?;
        let ledger_key = keyspace::ledger(who.account);
        let ledger: Ledger = view.row(&ledger_key)?.unwrap_or_default();
        Decision::reply(())
            .delete(keyspace::api_key_attached(who.account, place.api_key, place.secret))
            .delete(place_key)
            .put(ledger_key, &ledger)
            .tell(who.account, Event::ApiKeyPut { api_key: place.api_key })
            .done()
    }
}
