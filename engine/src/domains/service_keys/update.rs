//! Changing keys.

use std::sync::Arc;

use serde::Serialize;
use strongroom_primitives::{
    dc1::{
        ChainId, KeyId,
        permissions::{Endpoint, PermissionsDocument},
    },
    time::Timestamp,
};

use super::{
    Found, ServiceKeyInfo, ServiceKeys, StoredServiceKey, chain_of, check_grant, check_nickname,
    check_permissions, is_interchain, lane_of, rows::StoredKeyUse,
};
use crate::{
    Change,
    command::{Command, Decision, Kind, Lane, Moment, Reads, Step, View},
    credential::{Need, Principal},
    error::EngineError,
    keyspace::{Keyspace, account_topic},
};

/// Changes a key; what is not named stays. Only its nickname can be changed of a root key, by itself or the operator: a
/// document that is given for one is passed over. Source: dialects/dragonchain.md, sections 4 and 5.
#[derive(Debug, Clone, Serialize)]
pub struct UpdateServiceKey {
    /// Of which chain; `None` for that of the key that asks.
    pub chain: Option<ChainId>,
    /// Which.
    pub id: KeyId,
    /// What it is called from now on; may be empty.
    pub nickname: Option<String>,
    /// What it may do from now on.
    pub permissions: Option<PermissionsDocument>,
    /// The last instant at which it signs.
    pub expires: Change<Timestamp>,
}

impl UpdateServiceKey {
    /// A change of nothing yet.
    #[must_use]
    pub fn of(id: KeyId) -> Self {
        Self { chain: None, id, nickname: None, permissions: None, expires: Change::Keep }
    }

    /// The key as it is to be.
    fn applied(
        &self,
        mut stored: StoredServiceKey,
        who: &Principal,
    ) -> Result<StoredServiceKey, EngineError> {
        let by_root = who.service.as_ref().is_none_or(|service| service.is_root());
        if let Some(nickname) = &self.nickname {
            stored.nickname.clone_from(nickname);
        }
        if stored.root {
            let limited = self.expires.set().is_some();
            return if by_root && !limited { Ok(stored) } else { Err(EngineError::RootKeyRefused) };
        }
        if let Some(permissions) = &self.permissions {
            stored.permissions = Arc::new(permissions.clone());
        }
        self.expires.apply(&mut stored.expires);
        // A longer life of what a key may do is as good as being given it.
        if self.permissions.is_some() || self.expires != Change::Keep {
            check_grant(who, &stored.permissions, stored.expires)?;
        }
        Ok(stored)
    }
}

impl Command for UpdateServiceKey {
    type Domain = ServiceKeys;
    type Reply = ServiceKeyInfo;
    const NAME: &'static str = "update_service_key";
    const KIND: Kind = Kind::Write;

    fn needs(&self) -> Need {
        Need::Service(Endpoint::UPDATE_API_KEY)
    }

    fn lane(&self, who: &Principal, space: &Keyspace) -> Lane {
        lane_of(self.chain.as_ref(), who, space)
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
        if let Some(nickname) = &self.nickname {
            check_nickname(nickname, moment)?;
        }
        if let Some(permissions) = &self.permissions {
            check_permissions(permissions, moment)?;
        }
        if is_interchain(&self.id) {
            return Err(EngineError::ReservedKeyRefused);
        }
        let found = Found::look(view, self.chain.as_ref(), &self.id, who, moment.space)?;
        let Found { chain, chain_key, stored_chain, key, stored } = found;
        let before = stored.clone();
        let stored = self.applied(stored, who)?;
        let used: Option<StoredKeyUse> = view.row(&moment.space.service_key_use(&chain, &self.id))?;
        let decision = Decision::reply(stored.info(used.map(|used| used.at), moment.now));
        if stored == before {
            return decision.done();
        }
        let changed = account_topic(moment.space.service_account(&chain, &self.id));
        decision.put(chain_key, &stored_chain).put(key, &stored).wake(changed).done()
    }
}
