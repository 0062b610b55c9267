//! When a service key was last used: a mark beside its row, written at most once a minute.

use serde::Serialize;
use strongroom_primitives::dc1::{ChainId, KeyId};

use super::{ServiceKeys, StoredServiceKey, rows::StoredKeyUse};
use crate::{
    command::{Command, Decision, Kind, Lane, Moment, Reads, Step, View},
    credential::{Need, Principal},
    error::EngineError,
    keyspace::Keyspace,
};

/// Takes note that a service key is in use. The engine asks for it by itself.
#[derive(Debug, Clone, Serialize)]
pub struct TouchServiceKey {
    /// Of which chain.
    pub chain: ChainId,
    /// Which.
    pub id: KeyId,
}

impl Command for TouchServiceKey {
    type Domain = ServiceKeys;
    type Reply = ();
    const NAME: &'static str = "touch_service_key";
    const KIND: Kind = Kind::Write;

    fn needs(&self) -> Need {
        Need::Node
    }

    fn lane(&self, _: &Principal, space: &Keyspace) -> Lane {
        Lane::of_account(space.service_account(&self.chain, &self.id))
    }

    fn reads(&self, _: &Principal, space: &Keyspace) -> Reads {
        // Guarded: a key that is deleted at the same moment leaves no mark behind.
        Reads::one(space.service_key(&self.chain, &self.id))
    }

    fn decide(
        &self,
        view: &View<'_>,
        _: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<()>, EngineError> {
        let stored: Option<StoredServiceKey> = view.row(&moment.space.service_key(&self.chain, &self.id))?;
        let decision = Decision::reply(());
        if stored.is_none() {
            return decision.done();
        }
        let used = StoredKeyUse { id: self.id.clone(), at: moment.now };
        decision.put(moment.space.service_key_use(&self.chain, &self.id), &used).done()
    }
}
