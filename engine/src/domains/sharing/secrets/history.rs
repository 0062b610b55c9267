//! Earlier states of secrets, for whoever may read the secret.

use serde::{Deserialize, Serialize};
use strongroom_primitives::{
    id::{AccountId, SecretId, SecretVersionId, Subject},
    time::Timestamp,
};

use super::{
    Callback,
    rows::{StoredHistory, StoredSecret, StoredSecretContent, StoredSecretVersion},
};
use crate::{
    boxed::Boxed,
    command::{Command, Decision, Kind, Moment, Reads, Step, View},
    credential::{Access, Need, Principal},
    domains::{
        pause::{self, Pause, row},
        sharing::{Child, Sharing, names, rights},
    },
    error::EngineError,
    keyspace::{self, Keyspace},
};

/// An earlier state of a secret, without what it held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretVersionInfo {
    /// Which.
    pub id: SecretVersionId,
    /// When it was written.
    pub written: Timestamp,
    /// Who wrote it.
    pub by: AccountId,
    /// By what name they are known; `None` once their account is erased.
    pub name: Option<Subject>,
}

/// An earlier state of a secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretVersion {
    /// Of which secret.
    pub secret: SecretId,
    /// What it held.
    pub data: Boxed,
    /// What a client wanted called.
    pub callback: Callback,
    /// When the secret was created.
    pub created: Timestamp,
    /// When this state was written.
    pub written: Timestamp,
}

fn check_readable(
    view: &View<'_>,
    who: &Principal,
    moment: &mut Moment<'_>,
    secret: SecretId,
) -> Result<(), Pause> {
    let rights = rights::on_secret(view, who.account, moment, secret)?;
    if rights.read { Ok(()) } else { Err(EngineError::UnknownSecret.into()) }
}

/// Lists the earlier states of a secret, the oldest first.
#[derive(Debug, Clone, Serialize)]
pub struct SecretHistory {
    /// Of which secret.
    pub secret: SecretId,
}

impl SecretHistory {
    fn rule(
        &self,
        view: &View<'_>,
        who: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Decision<Vec<SecretVersionInfo>>, Pause> {
        check_readable(view, who, moment, self.secret)?;
        let stored: Option<StoredHistory> = row(view, keyspace::secret_history(self.secret))?;
        let versions = stored.unwrap_or_default().versions;
        let named = names::of(view, versions.iter().map(|version| version.by))?;
        let info = |version: super::rows::Earlier| {
            let name = named.get(&version.by).cloned();
            SecretVersionInfo { id: version.id, written: version.written, by: version.by, name }
        };
        Ok(Decision::reply(versions.into_iter().map(info).collect()))
    }
}

impl Command for SecretHistory {
    type Domain = Sharing;
    type Reply = Vec<SecretVersionInfo>;
    const NAME: &'static str = "secret_history";
    const KIND: Kind = Kind::Read;

    fn needs(&self) -> Need {
        Need::Keyed(Access::Read)
    }

    fn reads(&self, who: &Principal, _: &Keyspace) -> Reads {
        Reads::one(keyspace::datastores(who.account))
            .row(keyspace::node(Child::Secret(self.secret)))
            .row(keyspace::secret_history(self.secret))
    }

    fn decide(
        &self,
        view: &View<'_>,
        who: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<Vec<SecretVersionInfo>>, EngineError> {
        pause::step(self.rule(view, who, moment))
    }
}

/// Reads an earlier state of a secret. That is not counted.
#[derive(Debug, Clone, Serialize)]
pub struct GetSecretVersion {
    /// Which.
    pub id: SecretVersionId,
}

impl GetSecretVersion {
    fn rule(
        &self,
        view: &View<'_>,
        who: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Decision<SecretVersion>, Pause> {
        let stored: Option<StoredSecretVersion> = row(view, keyspace::secret_version(self.id))?;
        let StoredSecretVersion { secret, written, content } = stored.ok_or(EngineError::UnknownSecret)?;
        check_readable(view, who, moment, secret)?;
        let now: Option<StoredSecret> = row(view, keyspace::secret(secret))?;
        let created = now.ok_or(EngineError::Corrupt)?.created;
        let StoredSecretContent { data, callback } = content;
        Ok(Decision::reply(SecretVersion { secret, data, callback, created, written }))
    }
}

impl Command for GetSecretVersion {
    type Domain = Sharing;
    type Reply = SecretVersion;
    const NAME: &'static str = "get_secret_version";
    const KIND: Kind = Kind::Read;

    fn needs(&self) -> Need {
        Need::Keyed(Access::Read)
    }

    fn reads(&self, who: &Principal, _: &Keyspace) -> Reads {
        Reads::one(keyspace::secret_version(self.id)).row(keyspace::datastores(who.account))
    }

    fn decide(
        &self,
        view: &View<'_>,
        who: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<SecretVersion>, EngineError> {
        pause::step(self.rule(view, who, moment))
    }
}
