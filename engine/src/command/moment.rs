//! The instant of a decision: the time, chance and the limits, handed in.

use strongroom_primitives::time::Timestamp;

use crate::{
    domains::admission::Issuers, keyspace::Keyspace, limits::Limits, ports::Entropy, secrets::EngineSecrets,
};

/// When and with what a decision is made.
pub struct Moment<'a> {
    /// Wall time of the decision.
    pub now: Timestamp,
    /// Where random bytes come from.
    pub entropy: &'a dyn Entropy,
    /// The limits in force.
    pub limits: &'a Limits,
    /// Keys of the engine itself.
    pub secrets: &'a EngineSecrets,
    /// Other keystores whose admission tokens are accepted.
    pub issuers: &'a Issuers,
    /// Spells storage keys.
    pub space: &'a Keyspace,
    /// Whether what the store keeps lies sealed, so that it may keep what the server must be able to use.
    pub sealed_at_rest: bool,
    not_after: Option<Timestamp>,
}

impl<'a> Moment<'a> {
    pub(crate) fn new(
        now: Timestamp,
        entropy: &'a dyn Entropy,
        limits: &'a Limits,
        secrets: &'a EngineSecrets,
        issuers: &'a Issuers,
        space: &'a Keyspace,
    ) -> Self {
        Self { now, entropy, limits, secrets, issuers, space, sealed_at_rest: false, not_after: None }
    }

    pub(crate) fn sealed_at_rest(self, sealed_at_rest: bool) -> Self {
        Self { sealed_at_rest, ..self }
    }

    /// The decision holds only up to `instant` (included): the store refuses the batch after it.
    pub fn relies_on(&mut self, instant: Timestamp) {
        self.not_after = Some(self.not_after.map_or(instant, |earlier| earlier.min(instant)));
    }

    pub(crate) fn not_after(&self) -> Option<Timestamp> {
        self.not_after
    }
}
