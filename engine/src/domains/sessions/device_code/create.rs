//! A device asks to be let in.

use serde::{Deserialize, Serialize};
use strongroom_primitives::{
    id::{DeviceCodeId, RealmId},
    nacl::BoxPublic,
    time::Timestamp,
};

use super::{CODE_LIFE, Sessions, StoredDeviceCode};
use crate::{
    command::{Command, Decision, Kind, Lane, Moment, Reads, Step, View},
    credential::{Need, Principal},
    domains::{
        realms::StoredRealm,
        sessions::sealed::{Device, clock_offset_ms},
    },
    error::EngineError,
    keyspace::{self, Keyspace},
};

/// Asks for a code that a person of the realm can let the device in with.
#[derive(Debug, Clone, Serialize)]
pub struct CreateDeviceCode {
    /// Where.
    pub realm: RealmId,
    /// The device.
    pub device: Device,
    /// X25519: what its session will be sealed for.
    pub public_key: [u8; 32],
}

/// A code, which says nothing by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceCodeMade {
    /// The code. What answers to it, [`crate::Identities::code_public`] tells.
    pub id: DeviceCodeId,
    /// The last instant at which it is good.
    pub expires: Timestamp,
}

impl Command for CreateDeviceCode {
    type Domain = Sessions;
    type Reply = DeviceCodeMade;
    const NAME: &'static str = "create_device_code";
    const KIND: Kind = Kind::Write;

    fn needs(&self) -> Need {
        Need::Anyone
    }

    /// One of 256 by the device's key: no two of these codes have anything to do with each other.
    fn lane(&self, _: &Principal, _: &Keyspace) -> Lane {
        let mut lane = *b"device codes   .";
        lane[15] = self.public_key[0];
        Lane(lane)
    }

    fn reads(&self, _: &Principal, space: &Keyspace) -> Reads {
        Reads::one(space.realm(&self.realm))
    }

    fn decide(
        &self,
        view: &View<'_>,
        _: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<DeviceCodeMade>, EngineError> {
        let realm: Option<StoredRealm> = view.row(&moment.space.realm(&self.realm))?;
        realm.ok_or(EngineError::UnknownRealm)?;
        self.device.check()?;
        BoxPublic::from_bytes(self.public_key).map_err(|_| EngineError::KeyInvalid)?;
        let id = DeviceCodeId::from_bytes(moment.entropy.array());
        let expires = moment.now.saturating_add(CODE_LIFE);
        let stored = StoredDeviceCode {
            realm: self.realm.clone(),
            device: self.device.clone(),
            offset_ms: self.device.time.map(|time| clock_offset_ms(time, moment.now)),
            public_key: self.public_key,
            expires,
            claimed: None,
        };
        Decision::reply(DeviceCodeMade { id, expires }).put(keyspace::device_code(id), &stored).done()
    }
}
