//! Making chains, and listing them.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use strongroom_primitives::{
    dc1::{ChainId, KeyId, permissions::PermissionsDocument},
    time::Timestamp,
};

use super::{
    KeyKind, LIST_ROWS, ServiceKeys, ServiceSecret, StoredChain, StoredServiceKey, check_sealed, is_reserved,
    rows::{Held, StoredChainCount},
    secret::Which,
};
use crate::{
    command::{Command, Decision, Kind, Lane, Moment, Reads, Step, View},
    credential::{Need, Principal},
    error::{EngineError, Quota},
    keyspace::{self, Keyspace},
};

/// All chains are made in one lane: there are few.
const LANE: Lane = Lane(*b"all chains here.");

/// Makes a chain and its root key. Source: dialects/dragonchain.md, section 6.
#[derive(Debug, Clone, Default, Serialize)]
pub struct CreateChain {
    /// Its id; `None` for one that is drawn.
    pub id: Option<ChainId>,
    /// The id of its root key; `None` for one that is drawn.
    pub root: Option<KeyId>,
    /// The secret of its root key; `None` for one that is drawn.
    pub secret: Option<ServiceSecret>,
}

/// The root key of a chain, with its secret, which is never shown again. Root keys are of the kind
/// [`KeyKind::Dc1Hmac`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RootKey {
    /// The chain.
    pub chain: ChainId,
    /// The key.
    pub id: KeyId,
    /// Its secret.
    pub secret: ServiceSecret,
    /// Whether the chain has it from now on; `false` where [`RotateRoot`](super::RotateRoot) named the present one.
    pub made: bool,
}

impl RootKey {
    /// The row of it. `before`: the root key that it takes the place of, if there is one.
    ///
    /// # Errors
    /// [`EngineError::StoreNotEncrypted`].
    pub(super) fn stored(
        &self,
        before: Option<&StoredServiceKey>,
        moment: &Moment<'_>,
    ) -> Result<StoredServiceKey, EngineError> {
        let generation = before.map_or(0, |before| before.generation.saturating_add(1));
        let kind = KeyKind::Dc1Hmac;
        let which = Which { chain: &self.chain, key: &self.id, kind, generation };
        Ok(StoredServiceKey {
            id: self.id.clone(),
            nickname: before.map_or_else(String::new, |before| before.nickname.clone()),
            root: true,
            registered: before.map_or(moment.now, |before| before.registered),
            permissions: Arc::new(PermissionsDocument::for_root()),
            expires: None,
            kind,
            generation,
            held: Held::seal(which, &self.secret, moment)?,
            previous: None,
        })
    }
}

/// The id of a root key that the operator names, or one that is drawn.
///
/// # Errors
/// [`EngineError::ReservedKeyRefused`].
pub(super) fn root_id(named: Option<&KeyId>, moment: &Moment<'_>) -> Result<KeyId, EngineError> {
    match named {
        Some(id) if is_reserved(id) => Err(EngineError::ReservedKeyRefused),
        Some(id) => Ok(id.clone()),
        None => Ok(KeyId::draw(&moment.entropy.array())),
    }
}

impl CreateChain {
    /// The id that was named, or one that stays the same for as long as nobody else makes a chain.
    fn id(&self, count: &StoredChainCount, moment: &Moment<'_>) -> ChainId {
        self.id.clone().unwrap_or_else(|| {
            let parts = [count.chains.to_be_bytes(), moment.now.as_ms().to_be_bytes()];
            ChainId::draw(&moment.secrets.service_keys().seed(&[b"chain", &parts[0], &parts[1]]))
        })
    }
}

impl Command for CreateChain {
    type Domain = ServiceKeys;
    type Reply = RootKey;
    const NAME: &'static str = "create_chain";
    const KIND: Kind = Kind::Write;

    fn needs(&self) -> Need {
        Need::Operator
    }

    fn lane(&self, _: &Principal, _: &Keyspace) -> Lane {
        LANE
    }

    fn reads(&self, _: &Principal, _: &Keyspace) -> Reads {
        Reads::one(keyspace::chains_count())
    }

    fn decide(
        &self,
        view: &View<'_>,
        _: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<RootKey>, EngineError> {
        check_sealed(moment)?;
        let count: StoredChainCount = view.row(&keyspace::chains_count())?.unwrap_or_default();
        let chain = self.id(&count, moment);
        let key = moment.space.chain(&chain);
        if let Some(reads) = view.lacks(Reads::one(key.clone())) {
            return Ok(Step::Need(reads));
        }
        if view.is_there(&key)? {
            return Err(EngineError::ChainExists);
        }
        let max = moment.limits.chains_max;
        if count.chains >= max {
            return Err(EngineError::QuotaExceeded { what: Quota::Chains, max });
        }
        let id = root_id(self.root.as_ref(), moment)?;
        let secret = self.secret.clone().unwrap_or_else(|| ServiceSecret::draw(moment.entropy));
        let root = RootKey { chain: chain.clone(), id: id.clone(), secret, made: true };
        let stored =
            StoredChain { id: chain.clone(), root: id.clone(), since: moment.now, keys: 1, drawn: 0 };
        let root_row = root.stored(None, moment)?;
        Decision::reply(root)
            .put(keyspace::chains_count(), &StoredChainCount { chains: count.chains + 1 })
            .put(key, &stored)
            .put(moment.space.service_key(&chain, &id), &root_row)
            .done()
    }
}

/// Lists all chains, for the operator.
#[derive(Debug, Clone, Serialize)]
pub struct ListChains {}

/// A chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChainInfo {
    /// Which.
    pub id: ChainId,
    /// Its root key.
    pub root: KeyId,
    /// Since when there is one.
    pub since: Timestamp,
    /// Keys that it has, the root key included.
    pub keys: u64,
}

impl Command for ListChains {
    type Domain = ServiceKeys;
    type Reply = Vec<ChainInfo>;
    const NAME: &'static str = "list_chains";
    const KIND: Kind = Kind::Read;

    fn needs(&self) -> Need {
        Need::Operator
    }

    fn reads(&self, _: &Principal, _: &Keyspace) -> Reads {
        Reads::one(keyspace::chains_count()).range_hint(keyspace::chains(), None, LIST_ROWS)
    }

    fn decide(
        &self,
        view: &View<'_>,
        _: &Principal,
        _: &mut Moment<'_>,
    ) -> Result<Step<Vec<ChainInfo>>, EngineError> {
        let (rows, _) = view.range::<StoredChain>(&keyspace::chains())?;
        let mut chains: Vec<ChainInfo> = rows
            .into_iter()
            .map(|(_, StoredChain { id, root, since, keys, .. })| ChainInfo { id, root, since, keys })
            .collect();
        chains.sort_by(|one, other| one.id.cmp(&other.id));
        Decision::reply(chains).done()
    }
}
