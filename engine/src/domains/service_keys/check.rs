//! Asking which key has signed, and whether it may do something that is no command of the engine.

use serde::{Deserialize, Serialize, Serializer};
use strongroom_primitives::{
    dc1::{ChainId, KeyId, permissions::Endpoint},
    time::Timestamp,
};

use super::ServiceKeys;
use crate::{
    command::{Command, Decision, Kind, Moment, Reads, Step, View},
    credential::{Need, Principal},
    error::EngineError,
    keyspace::Keyspace,
};

/// Whether the service key that asks may use an endpoint: for what a dialect answers by itself.
#[derive(Debug, Clone, Serialize)]
pub struct CheckServiceKey {
    /// Which.
    #[serde(serialize_with = "by_name")]
    pub endpoint: Endpoint,
}

fn by_name<S: Serializer>(endpoint: &Endpoint, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(endpoint.name())
}

/// The service key that has signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyInUse {
    /// Its chain.
    pub chain: ChainId,
    /// Which of the chain.
    pub id: KeyId,
    /// Whether it is the chain's root key.
    pub root: bool,
    /// The last instant at which it signs, if limited.
    pub expires: Option<Timestamp>,
}

/// Which service key asks, whatever it may do: whether its request is good at all.
#[derive(Debug, Clone, Serialize)]
pub struct WhichServiceKey {}

impl Command for WhichServiceKey {
    type Domain = ServiceKeys;
    type Reply = KeyInUse;
    const NAME: &'static str = "which_service_key";
    const KIND: Kind = Kind::Read;

    fn needs(&self) -> Need {
        Need::Signed
    }

    fn reads(&self, _: &Principal, _: &Keyspace) -> Reads {
        Reads::none()
    }

    fn decide(
        &self,
        _: &View<'_>,
        who: &Principal,
        _: &mut Moment<'_>,
    ) -> Result<Step<KeyInUse>, EngineError> {
        Decision::reply(KeyInUse::of(who)?).done()
    }
}

impl KeyInUse {
    /// # Errors
    /// [`EngineError::CredentialInvalid`] for a caller who is no service key.
    fn of(who: &Principal) -> Result<Self, EngineError> {
        let service = who.service.as_ref().ok_or(EngineError::CredentialInvalid)?;
        Ok(Self {
            chain: service.chain.clone(),
            id: service.key.clone(),
            root: service.is_root(),
            expires: service.expires,
        })
    }
}

impl Command for CheckServiceKey {
    type Domain = ServiceKeys;
    type Reply = KeyInUse;
    const NAME: &'static str = "check_service_key";
    const KIND: Kind = Kind::Read;

    fn needs(&self) -> Need {
        Need::Service(self.endpoint)
    }

    fn reads(&self, _: &Principal, _: &Keyspace) -> Reads {
        Reads::none()
    }

    fn decide(
        &self,
        _: &View<'_>,
        who: &Principal,
        _: &mut Moment<'_>,
    ) -> Result<Step<KeyInUse>, EngineError> {
        Decision::reply(KeyInUse::of(who)?).done()
    }
}
