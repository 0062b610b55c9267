//! Making keys.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use strongroom_primitives::{
    dc1::{
        ChainId, KeyId,
        permissions::{Endpoint, PermissionsDocument},
    },
    time::Timestamp,
};

use super::{
    ServiceKeyInfo, ServiceKeys, ServiceSecret, SignsWith, StoredChain, StoredKeyPlace, StoredServiceKey,
    chain_of, check_grant, check_nickname, check_permissions, is_reserved, lane_of, secret::Which,
};
use crate::{
    command::{Command, Decision, Kind, Lane, Moment, Reads, Step, View},
    credential::{Need, Principal},
    error::{EngineError, Quota},
    keyspace::Keyspace,
};

/// Ids that one try draws. Each is one of 26^12, so the second is needed once in a very long while.
const DRAWN: u64 = 4;

/// Makes a key. Source: dialects/dragonchain.md, section 4; SIGNING.md.
#[derive(Debug, Clone, Default, Serialize)]
pub struct CreateServiceKey {
    /// Of which chain; `None` for that of the key that asks.
    pub chain: Option<ChainId>,
    /// What it is called; may be empty.
    pub nickname: String,
    /// What it may do; `None` for everything but making, changing and deleting keys.
    pub permissions: Option<PermissionsDocument>,
    /// Its kind, for good.
    pub signs_with: SignsWith,
    /// The last instant at which it signs, if limited.
    pub expires: Option<Timestamp>,
}

/// A key, with its secret, which is never shown again. One of the kind [`KeyKind::Ed25519`](super::KeyKind::Ed25519) has
/// no secret here.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct NewServiceKey {
    /// The key.
    pub key: ServiceKeyInfo,
    /// Its secret, where the server knows one.
    pub secret: Option<ServiceSecret>,
}

impl CreateServiceKey {
    /// Ids that nobody can foretell, the same for as long as the chain stays as it is.
    fn candidates(chain: &StoredChain, moment: &Moment<'_>) -> Vec<KeyId> {
        let seal = moment.secrets.service_keys();
        let now = moment.now.as_ms().to_be_bytes();
        (chain.drawn..chain.drawn.saturating_add(DRAWN))
            .map(|number| seal.seed(&[b"key", chain.id.as_str().as_bytes(), &number.to_be_bytes(), &now]))
            .map(|seed| KeyId::draw(&seed))
            .filter(|id| !is_reserved(id))
            .collect()
    }
}

impl Command for CreateServiceKey {
    type Domain = ServiceKeys;
    type Reply = NewServiceKey;
    const NAME: &'static str = "create_service_key";
    const KIND: Kind = Kind::Write;

    fn needs(&self) -> Need {
        Need::Service(Endpoint::CREATE_API_KEY)
    }

    fn lane(&self, who: &Principal, space: &Keyspace) -> Lane {
        lane_of(self.chain.as_ref(), who, space)
    }

    fn reads(&self, who: &Principal, space: &Keyspace) -> Reads {
        chain_of(self.chain.as_ref(), who)
            .map_or_else(|_| Reads::none(), |chain| Reads::one(space.chain(&chain)))
    }

    fn decide(
        &self,
        view: &View<'_>,
        who: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<NewServiceKey>, EngineError> {
        check_nickname(&self.nickname, moment)?;
        let permissions = self.permissions.clone().unwrap_or_else(PermissionsDocument::for_new_keys);
        check_permissions(&permissions, moment)?;
        let chain = chain_of(self.chain.as_ref(), who)?;
        let (space, chain_key) = (moment.space, moment.space.chain(&chain));
        let stored_chain: StoredChain = view.row(&chain_key)?.ok_or(EngineError::UnknownChain)?;
        check_grant(who, &permissions, self.expires)?;
        let max = moment.limits.service_keys_max;
        if stored_chain.keys >= max {
            return Err(EngineError::QuotaExceeded { what: Quota::ServiceKeys, max });
        }
        let kind = self.signs_with.kind();
        let candidates = Self::candidates(&stored_chain, moment);
        let rows = |id: &KeyId| {
            let alone = kind.is_named_alone().then(|| space.key_place(id));
            [space.service_key(&chain, id), space.retired_key(&chain, id)].into_iter().chain(alone)
        };
        if let Some(reads) = view.lacks(candidates.iter().flat_map(rows).fold(Reads::none(), Reads::row)) {
            return Ok(Step::Need(reads));
        }
        let mut free = None;
        for id in candidates {
            let taken = rows(&id).map(|key| view.is_there(&key)).collect::<Result<Vec<_>, _>>()?;
            if !taken.contains(&true) {
                free = Some(id);
                break;
            }
        }
        let id = free.ok_or(EngineError::KeyIdTaken)?;
        let which = Which { chain: &chain, key: &id, kind, generation: 0 };
        let (held, secret) = self.signs_with.take(which, moment)?;
        let key = space.service_key(&chain, &id);
        let place = kind.is_named_alone().then(|| space.key_place(&id));
        let stored = StoredServiceKey {
            nickname: self.nickname.clone(),
            root: false,
            registered: moment.now,
            permissions: Arc::new(permissions),
            expires: self.expires,
            kind,
            generation: 0,
            held,
            previous: None,
            id,
        };
        let info = stored.info(None, moment.now);
        let (keys, drawn) = (stored_chain.keys + 1, stored_chain.drawn.saturating_add(DRAWN));
        let mut decision = Decision::reply(NewServiceKey { key: info, secret });
        if let Some(place) = place {
            decision = decision.put(place, &StoredKeyPlace { chain });
        }
        decision.put(chain_key, &StoredChain { keys, drawn, ..stored_chain }).put(key, &stored).done()
    }
}
