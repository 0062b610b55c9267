//! The instant of a decision: the time, chance and the limits, handed in.

use strongroom_primitives::time::Timestamp;
use strongroom_storage::Storage;

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
    store_time: StoreTime<'a>,
    not_after: Option<Timestamp>,
}

/// Where it is known from what time the store was told.
#[derive(Clone, Copy)]
pub(crate) enum StoreTime<'a> {
    /// From the store.
    Of(&'a dyn Storage),
    /// It is this.
    At(Timestamp),
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
        let store_time = StoreTime::At(now);
        Self {
            now,
            entropy,
            limits,
            secrets,
            issuers,
            space,
            sealed_at_rest: false,
            store_time,
            not_after: None,
        }
    }

    pub(crate) fn sealed_at_rest(self, sealed_at_rest: bool) -> Self {
        Self { sealed_at_rest, ..self }
    }

    pub(crate) fn told_by(self, store_time: StoreTime<'a>) -> Self {
        Self { store_time, ..self }
    }

    /// The latest time that the store was told by any commit. It lags behind, by a minute at most once a sweeper runs,
    /// and a node whose clock is ahead does not move it where the store has a clock of its own.
    pub fn store_time(&self) -> Timestamp {
        match self.store_time {
            StoreTime::Of(storage) => Timestamp::from_ms(storage.info().high_water_ms),
            StoreTime::At(at) => at,
        }
    }

    /// The decision holds only up to `instant` (included): the store refuses the batch after it.
    pub fn relies_on(&mut self, instant: Timestamp) {
        self.not_after = Some(self.not_after.map_or(instant, |earlier| earlier.min(instant)));
    }

    pub(crate) fn not_after(&self) -> Option<Timestamp> {
        self.not_after
    }
}
