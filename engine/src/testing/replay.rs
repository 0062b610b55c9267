//! The memory of taken signatures by itself, to be measured.

use strongroom_primitives::time::Timestamp;

use crate::{EngineError, Limits, credential::Signatures, domains::service_keys::Form};

/// The memory of an engine that has its store to itself.
pub struct ReplayMemory(Signatures);

impl ReplayMemory {
    /// An empty one.
    #[must_use]
    pub fn new(limits: &Limits, now: Timestamp) -> Self {
        Self(Signatures::new(limits, now.as_ms(), false))
    }

    /// Takes the nonce of a message, as it is remembered, that was signed at `at`.
    ///
    /// # Errors
    /// [`EngineError::SignatureRefused`] for one that was taken; [`EngineError::Overloaded`].
    pub fn take(&self, nonce: &[u8; 16], at: Timestamp, now: Timestamp) -> Result<(), EngineError> {
        self.0.take(nonce, Form::Message, at, now)
    }
}
