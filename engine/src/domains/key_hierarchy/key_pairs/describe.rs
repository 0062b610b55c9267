//! What clients say of a key pair, which may change while the keys stay.

use bytes::Bytes;
use serde::Serialize;
use strongroom_primitives::id::KeyPairId;

use super::{KeyHierarchy, KeyPair, names, reads_of, stored_key_pair};
use crate::{
    command::{Command, Decision, Kind, Moment, Reads, Step, View},
    credential::{Need, Principal},
    domains::key_hierarchy::StoredKek,
    error::EngineError,
    keyspace::{self, Keyspace},
};

/// Refuses metadata over its limit.
pub(super) fn check_metadata(metadata: &Bytes, moment: &Moment<'_>) -> Result<(), EngineError> {
    let (bytes, max) = (metadata.len(), moment.limits.key_pair_metadata_bytes_max);
    if bytes > max { Err(EngineError::MetadataTooLarge { bytes, max }) } else { Ok(()) }
}

/// Replaces what is said of a key pair. What is not named stays; the keys always do.
#[derive(Debug, Clone, Serialize)]
pub struct UpdateKeyPair {
    /// Which.
    pub id: KeyPairId,
    /// What to call it from now on, as in [`super::CreateKeyPair`]; whatever else it was called is free again.
    pub external_identifiers: Option<Vec<String>>,
    /// What to say of it from now on.
    pub metadata: Option<Bytes>,
}

impl Command for UpdateKeyPair {
    type Domain = KeyHierarchy;
    type Reply = KeyPair;
    const NAME: &'static str = "update_key_pair";
    const KIND: Kind = Kind::Write;

    fn needs(&self) -> Need {
        Need::Account
    }

    fn reads(&self, who: &Principal, space: &Keyspace) -> Reads {
        let texts = self.external_identifiers.as_deref().unwrap_or_default();
        names::reads_of(who.account, texts, space).and(reads_of(who.account, self.id))
    }

    fn decide(
        &self,
        view: &View<'_>,
        who: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<KeyPair>, EngineError> {
        self.metadata.iter().try_for_each(|metadata| check_metadata(metadata, moment))?;
        self.external_identifiers.iter().try_for_each(|texts| names::check(texts))?;
        let mut pair = stored_key_pair(view, who.account, self.id)?;
        let kek = StoredKek::of(view, who.account)?;
        let before = pair.clone();
        if let Some(metadata) = &self.metadata {
            pair.metadata = metadata.clone();
        }
        let renamed = match &self.external_identifiers {
            Some(texts) => names::rename(&mut pair, texts, view, who.account, moment)?,
            None => names::Renamed::default(),
        };
        let decision = Decision::reply(KeyPair::of(pair.clone(), &kek)?);
        if pair == before {
            return decision.done();
        }
        let decision = renamed.write(decision.put(keyspace::key_pair(who.account, pair.id), &pair));
        kek.save(who.account, decision).done()
    }
}
