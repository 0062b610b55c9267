//! Looking at keys.

use std::collections::BTreeMap;

use serde::Serialize;
use strongroom_primitives::{
    dc1::{ChainId, KeyId, permissions::Endpoint},
    time::Timestamp,
};

use super::{LIST_ROWS, ServiceKeyInfo, ServiceKeys, StoredServiceKey, chain_of, rows::StoredKeyUse};
use crate::{
    command::{Command, Decision, Kind, Moment, Reads, Step, View},
    credential::{Need, Principal},
    error::EngineError,
    keyspace::Keyspace,
};

/// Lists the keys of a chain, in the order of their ids, the root key included. No secret is shown (THREATS A-MAC-08).
#[derive(Debug, Clone, Serialize)]
pub struct ListServiceKeys {
    /// Of which chain; `None` for that of the key that asks.
    pub chain: Option<ChainId>,
}

impl Command for ListServiceKeys {
    type Domain = ServiceKeys;
    type Reply = Vec<ServiceKeyInfo>;
    const NAME: &'static str = "list_service_keys";
    const KIND: Kind = Kind::Read;

    fn needs(&self) -> Need {
        Need::Service(Endpoint::LIST_API_KEYS)
    }

    fn reads(&self, who: &Principal, space: &Keyspace) -> Reads {
        let Ok(chain) = chain_of(self.chain.as_ref(), who) else { return Reads::none() };
        Reads::none().range(space.service_keys(&chain), None, LIST_ROWS, space.chain(&chain)).range_hint(
            space.service_key_uses(&chain),
            None,
            LIST_ROWS,
        )
    }

    fn decide(
        &self,
        view: &View<'_>,
        who: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<Vec<ServiceKeyInfo>>, EngineError> {
        let chain = chain_of(self.chain.as_ref(), who)?;
        if !view.is_there(&moment.space.chain(&chain))? {
            return Err(EngineError::UnknownChain);
        }
        let (keys, _) = view.range::<StoredServiceKey>(&moment.space.service_keys(&chain))?;
        let (uses, _) = view.range::<StoredKeyUse>(&moment.space.service_key_uses(&chain))?;
        let uses: BTreeMap<KeyId, Timestamp> = uses.into_iter().map(|(_, used)| (used.id, used.at)).collect();
        let mut list: Vec<ServiceKeyInfo> =
            keys.iter().map(|(_, stored)| stored.info(uses.get(&stored.id).copied(), moment.now)).collect();
        list.sort_by(|one, other| one.id.cmp(&other.id));
        Decision::reply(list).done()
    }
}

/// Shows a key of a chain.
#[derive(Debug, Clone, Serialize)]
pub struct GetServiceKey {
    /// Of which chain; `None` for that of the key that asks.
    pub chain: Option<ChainId>,
    /// Which.
    pub id: KeyId,
}

impl Command for GetServiceKey {
    type Domain = ServiceKeys;
    type Reply = ServiceKeyInfo;
    const NAME: &'static str = "get_service_key";
    const KIND: Kind = Kind::Read;

    fn needs(&self) -> Need {
        Need::Service(Endpoint::GET_API_KEY)
    }

    fn reads(&self, who: &Principal, space: &Keyspace) -> Reads {
        let Ok(chain) = chain_of(self.chain.as_ref(), who) else { return Reads::none() };
        Reads::one(space.chain(&chain))
            .row(space.service_key(&chain, &self.id))
            .hint(space.service_key_use(&chain, &self.id))
    }

    fn decide(
        &self,
        view: &View<'_>,
        who: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<ServiceKeyInfo>, EngineError> {
        let chain = chain_of(self.chain.as_ref(), who)?;
        if !view.is_there(&moment.space.chain(&chain))? {
            return Err(EngineError::UnknownChain);
        }
        let key = moment.space.service_key(&chain, &self.id);
        let stored: StoredServiceKey = view.row(&key)?.ok_or(EngineError::UnknownServiceKey)?;
        let used: Option<StoredKeyUse> = view.row(&moment.space.service_key_use(&chain, &self.id))?;
        Decision::reply(stored.info(used.map(|used| used.at), moment.now)).done()
    }
}
