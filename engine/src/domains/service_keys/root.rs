//! A new root key for a chain, so that a stolen one is not for ever.

use serde::Serialize;
use strongroom_primitives::dc1::{ChainId, KeyId};

use super::{
    RootKey, ServiceKeys, ServiceSecret, StoredChain, StoredServiceKey, chains::root_id, check_sealed,
    rows::StoredRetired, secret::Which,
};
use crate::{
    command::{Command, Decision, Kind, Lane, Moment, Reads, Step, View},
    credential::{Need, Principal},
    error::EngineError,
    keyspace::Keyspace,
};

/// Gives a chain a new root key; the one before signs nothing from the commit on. Where the key that is named is the
/// present one, nothing happens, so that a configured key can be put at every start.
#[derive(Debug, Clone, Serialize)]
pub struct RotateRoot {
    /// Which chain.
    pub chain: ChainId,
    /// The id of its root key; `None` for the present one. One that was in use before is not taken again.
    pub root: Option<KeyId>,
    /// Its secret; `None` for one that is drawn.
    pub secret: Option<ServiceSecret>,
}

impl Command for RotateRoot {
    type Domain = ServiceKeys;
    type Reply = RootKey;
    const NAME: &'static str = "rotate_root";
    const KIND: Kind = Kind::Write;

    fn needs(&self) -> Need {
        Need::Operator
    }

    fn lane(&self, _: &Principal, space: &Keyspace) -> Lane {
        space.chain_lane(&self.chain)
    }

    fn reads(&self, _: &Principal, space: &Keyspace) -> Reads {
        Reads::one(space.chain(&self.chain))
    }

    fn decide(
        &self,
        view: &View<'_>,
        _: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<RootKey>, EngineError> {
        check_sealed(moment)?;
        let (space, chain) = (moment.space, &self.chain);
        let chain_key = space.chain(chain);
        let stored_chain: StoredChain = view.row(&chain_key)?.ok_or(EngineError::UnknownChain)?;
        let id = root_id(self.root.as_ref().or(Some(&stored_chain.root)), moment)?;
        let (old_key, new_key) =
            (space.service_key(chain, &stored_chain.root), space.service_key(chain, &id));
        let retired_key = space.retired_key(chain, &id);
        let reads = Reads::one(old_key.clone()).row(new_key.clone()).row(retired_key.clone());
        if let Some(reads) = view.lacks(reads) {
            return Ok(Step::Need(reads));
        }
        let old: StoredServiceKey = view.row(&old_key)?.ok_or(EngineError::Corrupt)?;
        let renamed = id != stored_chain.root;
        if renamed && (view.is_there(&new_key)? || view.is_there(&retired_key)?) {
            return Err(EngineError::KeyIdTaken);
        }
        if let (Some(secret), false) = (&self.secret, renamed) {
            let which = Which { chain, key: &old.id, kind: old.kind, generation: old.generation };
            if moment.secrets.service_keys().open(which, &old.held)?.matches(secret.expose().expose()) {
                let (chain, secret) = (chain.clone(), secret.clone());
                return Decision::reply(RootKey { chain, id, secret, made: false }).done();
            }
        }
        let secret = self.secret.clone().unwrap_or_else(|| ServiceSecret::draw(moment.entropy));
        let root = RootKey { chain: chain.clone(), id: id.clone(), secret, made: true };
        let row = root.stored(Some(&old), moment)?;
        let mut decision = Decision::reply(root);
        if renamed {
            decision = decision
                .delete(old_key)
                .delete(space.service_key_use(chain, &old.id))
                .put(space.retired_key(chain, &old.id), &StoredRetired { at: moment.now });
        }
        decision.put(chain_key, &StoredChain { root: id, ..stored_chain }).put(new_key, &row).done()
    }
}
