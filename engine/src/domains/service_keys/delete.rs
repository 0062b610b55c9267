//! Revoking keys.

use serde::Serialize;
use strongroom_primitives::dc1::{ChainId, KeyId, permissions::Endpoint};

use super::{Found, ServiceKeys, StoredChain, chain_of, is_reserved, lane_of, rows::StoredRetired};
use crate::{
    command::{Command, Decision, Kind, Lane, Moment, Reads, Step, View},
    credential::{Need, Principal},
    error::EngineError,
    keyspace::{Keyspace, account_topic},
};

/// Deletes a key, also the one that asks, but not a root key. It signs nothing from the commit on, on every node, and
/// its id is never issued again. Source: dialects/dragonchain.md, section 4.
#[derive(Debug, Clone, Serialize)]
pub struct DeleteServiceKey {
    /// Of which chain; `None` for that of the key that asks.
    pub chain: Option<ChainId>,
    /// Which.
    pub id: KeyId,
}

impl Command for DeleteServiceKey {
    type Domain = ServiceKeys;
    type Reply = ();
    const NAME: &'static str = "delete_service_key";
    const KIND: Kind = Kind::Write;

    fn needs(&self) -> Need {
        Need::Service(Endpoint::DELETE_API_KEY)
    }

    fn lane(&self, who: &Principal, space: &Keyspace) -> Lane {
        lane_of(self.chain.as_ref(), who, space)
    }

    fn reads(&self, who: &Principal, space: &Keyspace) -> Reads {
        let Ok(chain) = chain_of(self.chain.as_ref(), who) else { return Reads::none() };
        Reads::one(space.chain(&chain)).row(space.service_key(&chain, &self.id))
    }

    fn decide(
        &self,
        view: &View<'_>,
        who: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<()>, EngineError> {
        if is_reserved(&self.id) {
            return Err(EngineError::ReservedKeyRefused);
        }
        let found = Found::look(view, self.chain.as_ref(), &self.id, who, moment.space)?;
        let Found { chain, chain_key, stored_chain, key, stored } = found;
        if stored.root {
            return Err(EngineError::RootKeyRefused);
        }
        let keys = stored_chain.keys.saturating_sub(1);
        Decision::reply(())
            .put(chain_key, &StoredChain { keys, ..stored_chain })
            .delete(key)
            .delete(moment.space.service_key_use(&chain, &self.id))
            .put(moment.space.retired_key(&chain, &self.id), &StoredRetired { at: moment.now })
            .wake(account_topic(moment.space.service_account(&chain, &self.id)))
            .done()
    }
}
