//! Changing secrets. What was there goes to the history in the same commit.

use serde::Serialize;
use strongroom_primitives::{
    id::{AccountId, SecretId, SecretVersionId},
    time::Timestamp,
};

use super::{
    Callback, attached,
    rows::{
        Earlier, StoredHistory, StoredNonce, StoredSecret, StoredSecretContent, StoredSecretVersion,
        check_nonce,
    },
};
use crate::{
    boxed::Boxed,
    command::{Command, Decision, Kind, Moment, Reads, Step, View},
    credential::{Access, Need, Principal},
    domains::{
        pause::{self, Pause, seen},
        sharing::{Child, Sharing, Written, check_data, check_previous, rights},
    },
    error::EngineError,
    keyspace::{self, Keyspace},
};

/// Changes a secret: what is not given stays as it is. What was there before goes to its history.
#[derive(Debug, Clone, Serialize)]
pub struct UpdateSecret {
    /// Which.
    pub id: SecretId,
    /// What it holds from now on. Its nonce has sealed no secret before, this one included.
    pub data: Option<Boxed>,
    /// What a client wants called.
    pub callback: Callback,
    /// When it was written last, as far as the caller knows: the write is refused if that was at another time.
    pub previous: Option<Timestamp>,
}

impl UpdateSecret {
    /// The rows to start from.
    pub(crate) fn reads_of(&self, account: AccountId) -> Reads {
        let nonce = self.data.iter().map(|data| keyspace::secret_nonce(&data.nonce));
        let rows = [
            keyspace::datastores(account),
            keyspace::node(Child::Secret(self.id)),
            keyspace::secret(self.id),
            keyspace::secret_content(self.id),
            keyspace::secret_history(self.id),
        ];
        rows.into_iter().chain(nonce).fold(Reads::none(), Reads::row)
    }
}

/// Changes a secret as `account`. For those who speak for an account.
///
/// # Errors
/// [`EngineError::UnknownSecret`] if there is none that the account may write.
pub(crate) fn update(
    view: &View<'_>,
    account: AccountId,
    moment: &mut Moment<'_>,
    change: &UpdateSecret,
) -> Result<Decision<Written>, Pause> {
    let UpdateSecret { id, data, callback, previous } = change;
    data.iter().try_for_each(|data| check_data(data, moment.limits))?;
    callback.check()?;
    let [secret_key, content_key, history_key] =
        [keyspace::secret(*id), keyspace::secret_content(*id), keyspace::secret_history(*id)];
    seen(view, [secret_key.clone(), content_key.clone(), history_key.clone()])?;
    if !rights::on_secret(view, account, moment, *id)?.write {
        return Err(EngineError::UnknownSecret.into());
    }
    let secret: StoredSecret = view.row(&secret_key)?.ok_or(EngineError::UnknownSecret)?;
    check_previous(*previous, secret.written)?;
    data.iter().try_for_each(|data| check_nonce(view, &data.nonce))?;
    let before: StoredSecretContent = view.row(&content_key)?.ok_or(EngineError::Corrupt)?;
    let mut history: StoredHistory = view.row(&history_key)?.unwrap_or_default();

    let written = Written::after(secret.written, moment.now);
    let mut decision = Decision::reply(written);
    let earlier = Earlier {
        id: SecretVersionId::from_bytes(moment.entropy.array()),
        written: secret.written,
        by: secret.by,
    };
    let version = StoredSecretVersion { secret: *id, written: secret.written, content: before.clone() };
    decision = decision.put(keyspace::secret_version(earlier.id), &version);
    history.versions.push(earlier);
    let too_many = history.versions.len().saturating_sub(moment.limits.secret_versions_max);
    for oldest in history.versions.drain(..too_many) {
        decision = decision.delete(keyspace::secret_version(oldest.id));
    }
    if let Some(data) = data {
        decision = decision.put(keyspace::secret_nonce(&data.nonce), &StoredNonce);
    }
    let content = StoredSecretContent {
        data: data.clone().unwrap_or(before.data),
        callback: callback.over(before.callback),
    };
    let secret =
        StoredSecret { written: written.at, by: account, bytes: content.data.text.len() as u64, ..secret };
    Ok(decision.put(secret_key, &secret).put(content_key, &content).put(history_key, &history))
}

impl Command for UpdateSecret {
    type Domain = Sharing;
    type Reply = Written;
    const NAME: &'static str = "update_secret";
    const KIND: Kind = Kind::Write;

    fn needs(&self) -> Need {
        Need::Attached(Access::Write)
    }

    fn reads(&self, who: &Principal, _: &Keyspace) -> Reads {
        self.reads_of(who.account).and(attached::reads_of(who, self.id))
    }

    fn decide(
        &self,
        view: &View<'_>,
        who: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<Written>, EngineError> {
        pause::step(
            attached::check(view, who, self.id).and_then(|()| update(view, who.account, moment, self)),
        )
    }
}
