//! The KEK: set once, read by its owner.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use strongroom_primitives::time::Timestamp;

use super::{KeyHierarchy, StoredKek, rotation::RotationStatus, wrapped};
use crate::{
    command::{Command, Decision, Kind, Moment, Reads, Step, View},
    credential::{Need, Principal},
    error::EngineError,
    keyspace::{self, Keyspace},
};

/// A wrapped KEK.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kek {
    /// Which of the account's KEKs, counted from 1. No number comes twice.
    pub generation: u32,
    /// The KEK, wrapped by the account's PDK.
    pub wrapped: Bytes,
    /// When it became the present one.
    pub since: Timestamp,
    /// How many keys it wraps.
    pub keys: u64,
    /// The rotation that is under way.
    pub rotation: Option<RotationStatus>,
}

impl From<StoredKek> for Kek {
    fn from(stored: StoredKek) -> Self {
        let rotation = stored.rotation.as_ref().map(|rotation| RotationStatus::of(rotation, stored.keys));
        let StoredKek { generation, wrapped, since, keys, .. } = stored;
        Self { generation, wrapped, since, keys, rotation }
    }
}

/// Sets the caller's KEK. It is written once; from then on it is rotated, or the whole enrolment restarted.
///
/// Source: dialects/meeco.md, section 5, "KEK".
#[derive(Debug, Clone, Serialize)]
pub struct SetKek {
    /// The KEK, wrapped by the account's PDK: a cryppo string.
    pub wrapped: Bytes,
}

impl Command for SetKek {
    type Domain = KeyHierarchy;
    type Reply = Kek;
    const NAME: &'static str = "set_kek";
    const KIND: Kind = Kind::Write;

    fn needs(&self) -> Need {
        Need::Account
    }

    fn reads(&self, who: &Principal, _: &Keyspace) -> Reads {
        Reads::one(keyspace::kek(who.account))
    }

    fn decide(
        &self,
        view: &View<'_>,
        who: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<Kek>, EngineError> {
        wrapped::check(&self.wrapped, moment.limits.wrapped_key_bytes_max)?;
        if view.row::<StoredKek>(&keyspace::kek(who.account))?.is_some() {
            return Err(EngineError::KekExists);
        }
        let kek = StoredKek::first(self.wrapped.clone(), who, moment.now);
        kek.save(who.account, Decision::reply(kek.clone().into())).done()
    }
}

/// Reads the caller's KEK.
#[derive(Debug, Clone, Serialize)]
pub struct GetKek {}

impl Command for GetKek {
    type Domain = KeyHierarchy;
    type Reply = Kek;
    const NAME: &'static str = "get_kek";
    const KIND: Kind = Kind::Read;

    fn needs(&self) -> Need {
        Need::Account
    }

    fn reads(&self, who: &Principal, _: &Keyspace) -> Reads {
        Reads::one(keyspace::kek(who.account))
    }

    fn decide(&self, view: &View<'_>, who: &Principal, _: &mut Moment<'_>) -> Result<Step<Kek>, EngineError> {
        Decision::reply(StoredKek::of(view, who.account)?.into()).done()
    }
}
