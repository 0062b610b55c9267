//! A person lets a device in.

use serde::{Deserialize, Serialize};
use strongroom_primitives::id::DeviceCodeId;

use super::{Claim, Sessions, StoredDeviceCode, lane_of};
use crate::{
    boxed::Boxed,
    command::{Command, Decision, Kind, Lane, Moment, Reads, Step, View},
    credential::{Need, Principal},
    error::EngineError,
    keyspace::{self, Keyspace},
};

/// Longest credentials that a person hands to a device, sealed, in bytes.
const CREDENTIALS_BYTES_MAX: usize = 4_096;

/// Shortest sealed text: a tag.
const CREDENTIALS_BYTES_MIN: usize = 16;

/// Lets a device in as the caller. Never with an API key.
///
/// Whose the session will be follows from the caller's own session, never from what is sent (THREATS A-DEV-02).
#[derive(Debug, Clone, Serialize)]
pub struct ClaimDeviceCode {
    /// Which.
    pub id: DeviceCodeId,
    /// What the person hands to the device, under a key that only the two have; at most 4,096 bytes.
    pub credentials: Boxed,
}

/// The device is let in; it has yet to fetch its session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceCodeClaimed {
    /// X25519: the device's.
    pub public_key: [u8; 32],
    /// What the device says of itself.
    pub description: String,
}

impl Command for ClaimDeviceCode {
    type Domain = Sessions;
    type Reply = DeviceCodeClaimed;
    const NAME: &'static str = "claim_device_code";
    const KIND: Kind = Kind::Write;

    fn needs(&self) -> Need {
        Need::Account
    }

    fn lane(&self, _: &Principal, _: &Keyspace) -> Lane {
        lane_of(self.id)
    }

    fn reads(&self, _: &Principal, _: &Keyspace) -> Reads {
        Reads::one(keyspace::device_code(self.id))
    }

    fn decide(
        &self,
        view: &View<'_>,
        who: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<DeviceCodeClaimed>, EngineError> {
        self.credentials.check("encrypted_credentials", CREDENTIALS_BYTES_MIN, CREDENTIALS_BYTES_MAX)?;
        let key = keyspace::device_code(self.id);
        let stored: Option<StoredDeviceCode> = view.row(&key)?;
        // A code of another realm is none.
        let realm = &who.identity()?.realm;
        let mut stored =
            stored.filter(|stored| stored.realm == *realm).ok_or(EngineError::UnknownDeviceCode)?;
        if moment.now > stored.expires {
            return Err(EngineError::DeviceCodeExpired);
        }
        if stored.claimed.is_some() {
            return Err(EngineError::DeviceCodeClaimed);
        }
        moment.relies_on(stored.expires);
        stored.claimed = Some(Claim { account: who.account, credentials: self.credentials.clone() });
        let (public_key, description) = (stored.public_key, stored.device.description.clone());
        Decision::reply(DeviceCodeClaimed { public_key, description }).put(key, &stored).done()
    }
}
