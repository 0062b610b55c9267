//! What people's clients seal for the store to keep, and keys on their way to whom they are for.

use std::fmt;

use bytes::Bytes;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use strongroom_primitives::nacl::BoxKey;
use zeroize::Zeroize;

use crate::error::EngineError;

/// A NaCl `secretbox` or `box` that the engine never opens. Source: dialects/psono.md, section 2.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Boxed {
    /// The tag of 16 bytes, then the encrypted bytes.
    pub text: Bytes,
    /// What it was sealed with beside the key: 24 bytes.
    pub nonce: [u8; 24],
}

impl Boxed {
    /// Whether it has `min` to `max` bytes, its tag included; `field` names it in the refusal.
    ///
    /// # Errors
    /// [`EngineError::FieldSize`].
    pub(crate) fn check(&self, field: &'static str, min: usize, max: usize) -> Result<(), EngineError> {
        let bytes = self.text.len();
        let fits = (min..=max).contains(&bytes);
        if fits { Ok(()) } else { Err(EngineError::FieldSize { field, bytes, max }) }
    }
}

/// 32 secret bytes in an answer, for one caller. An answer is serialized only to be kept sealed under the caller's
/// idempotency key.
#[derive(Clone)]
pub struct KeyBytes([u8; 32]);

impl KeyBytes {
    pub(crate) const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes themselves.
    #[must_use]
    pub const fn expose(&self) -> &[u8; 32] {
        &self.0
    }

    /// What seals and opens with them.
    #[must_use]
    pub fn to_box_key(&self) -> BoxKey {
        BoxKey::from_bytes(self.0)
    }
}

impl fmt::Debug for KeyBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyBytes(32 bytes)")
    }
}

impl Drop for KeyBytes {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl Serialize for KeyBytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for KeyBytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <[u8; 32]>::deserialize(deserializer).map(Self)
    }
}
