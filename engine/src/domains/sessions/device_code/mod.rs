//! Device codes: a device without a keyboard asks, a person who is signed in elsewhere lets it in, the device fetches
//! its session. What the person hands to the device is sealed under a key that the server never sees.
//!
//! A code is handed out for five minutes and fetched once. The device's clock is read when the code is made: a person
//! who takes their time does not make the device late. Source: dialects/psono.md, section 9.

mod claim;
mod create;
mod poll;
#[cfg(test)]
mod tests;

use std::time::Duration;

use serde::{Deserialize, Serialize};
use strongroom_primitives::{
    id::{AccountId, DeviceCodeId, RealmId},
    time::Timestamp,
};

pub use claim::{ClaimDeviceCode, DeviceCodeClaimed};
pub use create::{CreateDeviceCode, DeviceCodeMade};
pub use poll::{DeviceLetIn, PollDeviceCode};

use super::{Sessions, sealed::Device};
use crate::{boxed::Boxed, codec::Stored, command::Lane};

/// How long a code is good.
const CODE_LIFE: Duration = Duration::from_secs(300);

/// A device that waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredDeviceCode {
    realm: RealmId,
    device: Device,
    /// The device's clock minus ours when the code was made.
    offset_ms: Option<i64>,
    /// X25519: what its session will be sealed for.
    public_key: [u8; 32],
    pub(crate) expires: Timestamp,
    claimed: Option<Claim>,
}

impl Stored for StoredDeviceCode {}

/// That a person lets the device in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Claim {
    account: AccountId,
    credentials: Boxed,
}

/// A code is anybody's claim until its row is found: nobody waits in an account's lane for it.
fn lane_of(code: DeviceCodeId) -> Lane {
    Lane(*code.as_bytes())
}
