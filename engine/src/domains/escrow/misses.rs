//! Hashes that were asked for and that no share is filed under. One now and then is a browser that comes back too
//! late; many of them in a short time are somebody who tries, and the owner is told.
//!
//! What is not the caller's and what never was are counted alike, after the same look. Source: dialects/misakey.md,
//! section 9.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use strongroom_primitives::{id::AccountId, time::Timestamp};

use crate::{
    codec::Stored,
    command::{Decision, Moment, Step, View},
    error::EngineError,
    feed::Event,
    keyspace,
};

/// Misses that lie further apart are no burst, and for so long after one was told nothing is counted.
const BURST_WITHIN: Duration = Duration::from_secs(600);

/// The longest burst, whatever the limits say: so many times are kept for an account.
const BURST_MAX: usize = 1_000;

/// The misses of one account that may become a burst.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredMisses {
    lately: Vec<Timestamp>,
    /// When a burst was last told.
    told: Option<Timestamp>,
}

impl Stored for StoredMisses {}

impl StoredMisses {
    /// Whether nothing in it matters any more.
    pub(crate) fn is_forgotten(&self, now: Timestamp) -> bool {
        !self.lately.iter().chain(&self.told).any(|at| is_near(*at, now))
    }

    fn is_told(&self, now: Timestamp) -> bool {
        self.told.is_some_and(|told| is_near(told, now))
    }
}

/// Whether both belong to one burst, whichever is the earlier: clocks of nodes lie apart.
fn is_near(one: Timestamp, other: Timestamp) -> bool {
    one.since(other).max(other.since(one)) < BURST_WITHIN
}

/// Refuses, and counts it.
///
/// # Errors
/// [`EngineError::Corrupt`] if what was counted does not decode; else none: the refusal is in the decision.
pub(super) fn missed<R>(
    view: &View<'_>,
    account: AccountId,
    moment: &Moment<'_>,
) -> Result<Step<R>, EngineError> {
    let (refused, now) = (Decision::refuse(EngineError::UnknownEscrowShare), moment.now);
    let burst = moment.limits.escrow_misses_told.min(BURST_MAX);
    let key = keyspace::escrow_misses(account);
    let StoredMisses { mut lately, told } = match view.row::<StoredMisses>(&key)?.unwrap_or_default() {
        misses if burst == 0 || misses.is_told(now) => return refused.done(),
        misses => misses,
    };
    lately.retain(|at| is_near(*at, now));
    lately.push(now);
    if lately.len() < burst {
        return refused.put(key, &StoredMisses { lately, told }).done();
    }
    let count = lately.len() as u64;
    let told = StoredMisses { lately: Vec::new(), told: Some(now) };
    refused.put(key, &told).tell(account, Event::EscrowSharesMissed { count }).done()
}
