//! What API keys an account has.

use serde::Serialize;
use strongroom_primitives::id::ApiKeyId;

use super::{ApiKeyInfo, Sessions, StoredApiKey};
use crate::{
    command::{Command, Decision, Kind, Moment, Reads, Step, View},
    credential::{Need, Principal},
    error::EngineError,
    keyspace::{self, Keyspace},
};

/// Lists the caller's API keys in the order in which they were made.
#[derive(Debug, Clone, Serialize)]
pub struct ListApiKeys {}

impl Command for ListApiKeys {
    type Domain = Sessions;
    type Reply = Vec<ApiKeyInfo>;
    const NAME: &'static str = "list_api_keys";
    const KIND: Kind = Kind::Read;

    fn needs(&self) -> Need {
        Need::Account
    }

    fn reads(&self, who: &Principal, _: &Keyspace) -> Reads {
        Reads::one(keyspace::ledger(who.account))
    }

    fn decide(
        &self,
        view: &View<'_>,
        who: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<Vec<ApiKeyInfo>>, EngineError> {
        let all = keyspace::api_keys(who.account);
        if !view.has_range(&all) {
            let ledger = keyspace::ledger(who.account);
            return Ok(Step::Need(Reads::none().range(all, None, moment.limits.api_keys_max, ledger)));
        }
        let (rows, _) = view.range::<StoredApiKey>(&all)?;
        let info = |(key, stored): (_, StoredApiKey)| {
            let id = keyspace::sixteen(&key, 17).ok_or(EngineError::Corrupt)?;
            Ok(stored.info(ApiKeyId::from_bytes(id)))
        };
        let mut keys = rows.into_iter().map(info).collect::<Result<Vec<ApiKeyInfo>, EngineError>>()?;
        keys.sort_by_key(|info| (info.created, info.id));
        Decision::reply(keys).done()
    }
}

/// Reads one of the caller's API keys. That of somebody else is as unknown as one that there is not (THREATS
/// A-KEY-02).
#[derive(Debug, Clone, Serialize)]
pub struct GetApiKey {
    /// Which.
    pub id: ApiKeyId,
}

impl Command for GetApiKey {
    type Domain = Sessions;
    type Reply = ApiKeyInfo;
    const NAME: &'static str = "get_api_key";
    const KIND: Kind = Kind::Read;

    fn needs(&self) -> Need {
        Need::Account
    }

    fn reads(&self, who: &Principal, _: &Keyspace) -> Reads {
        Reads::one(keyspace::api_key(who.account, self.id))
    }

    fn decide(
        &self,
        view: &View<'_>,
        who: &Principal,
        _: &mut Moment<'_>,
    ) -> Result<Step<ApiKeyInfo>, EngineError> {
        let stored: Option<StoredApiKey> = view.row(&keyspace::api_key(who.account, self.id))?;
        Decision::reply(stored.ok_or(EngineError::UnknownApiKey)?.info(self.id)).done()
    }
}
