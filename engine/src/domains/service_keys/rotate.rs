//! A new secret for a key, or a new public key.

use std::time::Duration;

use serde::Serialize;
use strongroom_primitives::dc1::{ChainId, KeyId, permissions::Endpoint};

use super::{
    Found, KeyKind, NewServiceKey, ServiceKeys, SignsWith, StoredServiceKey, chain_of, check_grant,
    is_interchain, lane_of,
    rows::{StoredKeyUse, StoredPrevious},
    secret::Which,
};
use crate::{
    command::{Command, Decision, Kind, Lane, Moment, Reads, Step, View},
    credential::{Need, Principal},
    error::EngineError,
    keyspace::{Keyspace, account_topic},
};

/// Draws a new secret for a key, or takes a new public key for it; its id, its kind and what it may do stay. The one
/// before it signs for `overlap` longer, and one before that no more. Who holds the new one is the key, so whoever asks
/// must be able to grant what the key may do. The root key is the operator's to rotate, by
/// [`RotateRoot`](super::RotateRoot). Source: dialects/dragonchain.md, section 9.
#[derive(Debug, Clone, Serialize)]
pub struct RotateServiceKey {
    /// Of which chain; `None` for that of the key that asks.
    pub chain: Option<ChainId>,
    /// Which.
    pub id: KeyId,
    /// Its new public key, 32 bytes, where it is of the kind [`KeyKind::Ed25519`]; `None` for every other kind.
    pub public_key: Option<[u8; 32]>,
    /// How long the former one goes on, at most
    /// [`service_key_overlap_max`](crate::Limits::service_key_overlap_max); zero for not at all.
    pub overlap: Duration,
}

impl RotateServiceKey {
    /// What the key is to sign with from now on. A rotation to the public key that is to be left would look done.
    ///
    /// # Errors
    /// [`EngineError::ServicePublicKeyInvalid`].
    fn signs_with(&self, stored: &StoredServiceKey) -> Result<SignsWith, EngineError> {
        match (stored.kind, self.public_key) {
            (KeyKind::Dc1Hmac, None) => Ok(SignsWith::Dc1Hmac),
            (KeyKind::HmacSha256, None) => Ok(SignsWith::HmacSha256),
            (KeyKind::Ed25519, Some(public_key))
                if stored.held.public_key().is_some_and(|key| *key.as_bytes() != public_key) =>
            {
                Ok(SignsWith::Ed25519 { public_key })
            }
            _ => Err(EngineError::ServicePublicKeyInvalid),
        }
    }
}

impl Command for RotateServiceKey {
    type Domain = ServiceKeys;
    type Reply = NewServiceKey;
    const NAME: &'static str = "rotate_service_key";
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
    ) -> Result<Step<NewServiceKey>, EngineError> {
        if is_interchain(&self.id) {
            return Err(EngineError::ReservedKeyRefused);
        }
        let found = Found::look(view, self.chain.as_ref(), &self.id, who, moment.space)?;
        let Found { chain, chain_key, stored_chain, key, stored } = found;
        if stored.root {
            return Err(EngineError::RootKeyRefused);
        }
        check_grant(who, &stored.permissions, stored.expires)?;
        let signs_with = self.signs_with(&stored)?;
        let generation = stored.generation.checked_add(1).ok_or(EngineError::Fault)?;
        let which = Which { chain: &chain, key: &self.id, kind: stored.kind, generation };
        let (held, secret) = signs_with.take(which, moment)?;
        let overlap = self.overlap.min(moment.limits.service_key_overlap_max);
        let until = moment.now.saturating_add(overlap);
        let former = StoredPrevious { held: stored.held, until };
        let stored =
            StoredServiceKey { generation, held, previous: (!overlap.is_zero()).then_some(former), ..stored };
        let used: Option<StoredKeyUse> = view.row(&moment.space.service_key_use(&chain, &self.id))?;
        let info = stored.info(used.map(|used| used.at), moment.now);
        Decision::reply(NewServiceKey { key: info, secret })
            .put(chain_key, &stored_chain)
            .put(key, &stored)
            .wake(account_topic(moment.space.service_account(&chain, &self.id)))
            .done()
    }
}
