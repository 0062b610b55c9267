//! Sealed sessions: requests and answers travel in NaCl secretboxes under a key that belongs to the session.
//!
//! The session's row holds that key under the session's token, of which the store has only a hash: the store alone
//! opens no traffic. What a transport needs to open and seal, [`SealOf`] tells, and none of it ever changes for a
//! token. That a sealed request is taken once only is a matter of rows: [`SpendNonces`].
//!
//! Source: dialects/psono.md, sections 2.2, 5 and 11.

mod activate;
mod nonces;
#[cfg(test)]
mod tests;

use std::time::Duration;

use serde::{Deserialize, Serialize};
use strongroom_primitives::{
    encoding::to_hex,
    hash,
    id::SessionId,
    nacl::BoxKey,
    seal::{NONCE_BYTES, Place, SealKey},
    time::Timestamp,
};
use subtle::ConstantTimeEq;

pub use activate::ActivateSession;
pub use nonces::SpendNonces;
pub(crate) use nonces::StoredNonce;

use super::{Sessions, StoredSession, open::LABEL_BYTES_MAX};
use crate::{
    boxed::KeyBytes,
    command::{Command, Decision, Kind, Moment, Reads, Step, View},
    credential::{Need, Principal},
    error::EngineError,
    keyspace::{self, Keyspace},
};

/// What the key that a session key is kept under is for.
const PURPOSE: &str = "strongroom sealed session v1";

/// How far a device's clock may have moved against ours since its session was opened. Source: dialects/psono.md,
/// section 5.
const CLOCK_DRIFT_MAX: Duration = Duration::from_secs(20);

/// Longest fingerprint of a device, in bytes: 128 characters of any script. Source: dialects/psono.md, section 4.
const FINGERPRINT_BYTES_MAX: usize = 512;

/// What a client says of its device when it signs in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Device {
    /// What its holder calls it; at most 1,024 bytes. It is the session's label.
    pub description: String,
    /// What tells it from others; at most 512 bytes, empty if it says nothing.
    pub fingerprint: String,
    /// What time it is by its clock.
    pub time: Option<Timestamp>,
}

impl Device {
    /// # Errors
    /// [`EngineError::FieldSize`].
    pub(crate) fn check(&self) -> Result<(), EngineError> {
        let texts = [
            ("device_description", &self.description, LABEL_BYTES_MAX),
            ("device_fingerprint", &self.fingerprint, FINGERPRINT_BYTES_MAX),
        ];
        match texts.into_iter().find(|(_, text, max)| text.len() > *max) {
            Some((field, text, max)) => Err(EngineError::FieldSize { field, bytes: text.len(), max }),
            None => Ok(()),
        }
    }
}

/// What a session is sealed with, as its row has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredSeal {
    /// The session key under the token.
    wrapped: Vec<u8>,
    /// SHA-256 of session and fingerprint, if the device has given one.
    device: Option<[u8; 32]>,
    /// The device's clock minus ours, in milliseconds, if the device has given its time.
    offset_ms: Option<i64>,
    /// SHA-256 of the text that proves the session, if one has to be shown.
    pub(crate) validator: Option<[u8; 32]>,
}

/// The seal of a session about to be opened.
pub(crate) struct Sealing {
    pub(crate) key: KeyBytes,
    pub(crate) device: Device,
    /// The device's clock minus ours, if that was measured before now.
    pub(crate) offset_ms: Option<i64>,
    /// 32 bytes whose hexadecimal digits prove the session.
    pub(crate) validator: Option<KeyBytes>,
}

impl Sealing {
    /// A fresh key for this device, whose clock is read now.
    pub(crate) fn draw(device: &Device, moment: &Moment<'_>) -> Self {
        let offset_ms = device.time.map(|time| clock_offset_ms(time, moment.now));
        Self {
            key: KeyBytes::new(moment.entropy.array()),
            device: device.clone(),
            offset_ms,
            validator: None,
        }
    }

    /// As the row of the session with this token has it.
    pub(super) fn under(self, token: &str, session: SessionId, moment: &Moment<'_>) -> StoredSeal {
        let nonce = moment.entropy.array::<NONCE_BYTES>();
        let fingerprint = &self.device.fingerprint;
        StoredSeal {
            wrapped: wrapping(token).seal(nonce, &place(session), self.key.expose()),
            device: (!fingerprint.is_empty()).then(|| device_hash(session, fingerprint)),
            offset_ms: self.offset_ms,
            validator: self.validator.map(|validator| validator_hash(&to_hex(validator.expose()))),
        }
    }
}

/// A device's clock minus ours, in milliseconds.
pub(crate) fn clock_offset_ms(device: Timestamp, ours: Timestamp) -> i64 {
    let difference = i128::from(device.as_ms()) - i128::from(ours.as_ms());
    i64::try_from(difference).unwrap_or(if difference < 0 { i64::MIN } else { i64::MAX })
}

fn wrapping(token: &str) -> SealKey {
    SealKey::derive(token.as_bytes(), PURPOSE)
}

fn place(session: SessionId) -> Place {
    Place::new("session key", &[session.as_bytes()])
}

fn device_hash(session: SessionId, fingerprint: &str) -> [u8; 32] {
    hash::sha256(&[session.as_bytes(), fingerprint.as_bytes()].concat())
}

fn validator_hash(text: &str) -> [u8; 32] {
    hash::sha256(text.as_bytes())
}

/// What a transport needs to open and to seal the traffic of one session. It never changes, so it may be kept for as
/// long as the session is good.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionSeal {
    /// The session.
    pub session: SessionId,
    /// Whether it was opened with an API key.
    pub keyed: bool,
    wrapped: Vec<u8>,
    device: Option<[u8; 32]>,
    offset_ms: Option<i64>,
}

impl SessionSeal {
    /// The session key. `token` is the text of the session's token.
    ///
    /// # Errors
    /// [`EngineError::CredentialInvalid`] for another token.
    pub fn open(&self, token: &str) -> Result<BoxKey, EngineError> {
        let key = wrapping(token).open(&place(self.session), &self.wrapped);
        let key = key.map_err(|_| EngineError::CredentialInvalid)?;
        let key: &[u8; 32] = key.as_slice().try_into().map_err(|_| EngineError::Corrupt)?;
        Ok(BoxKey::from_bytes(*key))
    }

    /// Whether requests have to say which device they are of, and when they were made: exactly if the device gave a
    /// fingerprint or its time when it signed in.
    pub const fn needs_validator(&self) -> bool {
        self.device.is_some() || self.offset_ms.is_some()
    }

    /// Whether a request is of the session's device, and not older or newer than 20 s by that device's own clock.
    /// What the device did not give when it signed in is not compared.
    pub fn admits(&self, fingerprint: &str, request_time: Timestamp, now: Timestamp) -> bool {
        let device = self
            .device
            .is_none_or(|device| bool::from(device.ct_eq(&device_hash(self.session, fingerprint))));
        let on_time = self.offset_ms.is_none_or(|offset_ms| {
            let drift_ms = clock_offset_ms(request_time, now).abs_diff(offset_ms);
            u128::from(drift_ms) <= CLOCK_DRIFT_MAX.as_millis()
        });
        device && on_time
    }
}

/// Asks what the caller's session is sealed with.
///
/// Refused with [`EngineError::CredentialInvalid`] if it is not sealed at all.
#[derive(Debug, Clone, Serialize)]
pub struct SealOf {}

impl Command for SealOf {
    type Domain = Sessions;
    type Reply = SessionSeal;
    const NAME: &'static str = "seal_of";
    const KIND: Kind = Kind::Read;

    fn needs(&self) -> Need {
        Need::Unproved
    }

    fn reads(&self, who: &Principal, _: &Keyspace) -> Reads {
        who.session.map_or_else(Reads::none, |session| Reads::one(keyspace::session(session)))
    }

    fn decide(
        &self,
        view: &View<'_>,
        who: &Principal,
        _: &mut Moment<'_>,
    ) -> Result<Step<SessionSeal>, EngineError> {
        let session = who.session.ok_or(EngineError::CredentialInvalid)?;
        let key = keyspace::session(session);
        if !view.has(&key) {
            return Ok(Step::Need(Reads::one(key)));
        }
        let stored: StoredSession = view.row(&key)?.ok_or(EngineError::CredentialInvalid)?;
        let seal = stored.seal.ok_or(EngineError::CredentialInvalid)?;
        let StoredSeal { wrapped, device, offset_ms, .. } = seal;
        let keyed = stored.api_key.is_some();
        Decision::reply(SessionSeal { session, keyed, wrapped, device, offset_ms }).done()
    }
}
