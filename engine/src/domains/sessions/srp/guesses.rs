//! Failed sign-ins, counted, and the wait that they cost.
//!
//! They are counted by account and network: who has failed often from one place waits there, and the owner, who signs
//! in from elsewhere, does not. Networks that nobody has signed in from before are also counted together, so that a
//! thousand of them are no thousand times as good as one (THREATS A-SRP-13); a network from which somebody has signed
//! in is not among them, so that they cannot lock the owner out. Sessions that are open are not touched.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use strongroom_primitives::time::Timestamp;

use crate::{
    codec::Stored,
    command::{Command, Decision, Kind, Moment, Reads, Step, View},
    credential::{Need, Principal},
    domains::sessions::Sessions,
    error::EngineError,
    keyspace::{self, Keyspace},
};

/// Networks that are counted one by one; the one that was seen longest ago makes room.
const NETWORKS_MAX: usize = 32;

/// Networks that somebody has signed in from, the last ones.
const KNOWN_MAX: usize = 8;

/// After so long without a failure a count begins anew.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(3_600);

/// Keyed hash of a network.
type Network = [u8; 16];

/// Failures of one kind and the time of the last.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Tally {
    failed: u32,
    last: Timestamp,
}

impl Tally {
    fn add(&mut self, now: Timestamp) {
        let failed = if now.since(self.last) > FORGOTTEN_AFTER { 0 } else { self.failed };
        *self = Self { failed: failed.saturating_add(1), last: now };
    }

    /// How long the next attempt has to wait: nothing up to `free` failures, then a second, doubling.
    fn wait(&self, free: u32, max: Duration, now: Timestamp) -> Option<Duration> {
        let over = self.failed.checked_sub(free)?;
        let wait = Duration::from_secs(1u64.checked_shl(over).unwrap_or(u64::MAX)).min(max);
        let waited = now.since(self.last);
        (waited < wait).then(|| wait - waited)
    }
}

/// The failed sign-ins of one account.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredGuesses {
    networks: Vec<(Network, Tally)>,
    /// All networks that are not known, together.
    elsewhere: Tally,
    known: Vec<Network>,
    /// Since the last sign-in that did not fail.
    failures: u64,
    last_failure: Option<Timestamp>,
}

impl Stored for StoredGuesses {}

impl StoredGuesses {
    /// Refuses an attempt that comes too soon.
    ///
    /// # Errors
    /// [`EngineError::TooManyAttempts`].
    pub(crate) fn check(&self, network: &Network, moment: &Moment<'_>) -> Result<(), EngineError> {
        let limits = moment.limits;
        let here = self.networks.iter().find(|(seen, _)| seen == network).map(|(_, tally)| tally);
        let here = here.and_then(|tally| tally.wait(limits.guesses_free, limits.guess_wait_max, moment.now));
        // A minute at most: whoever keeps a flood up must not keep the owner out for long on a new network.
        let together = limits.guess_wait_max.min(Duration::from_secs(60));
        let elsewhere = (!self.known.contains(network))
            .then(|| self.elsewhere.wait(limits.guesses_elsewhere_free, together, moment.now))
            .flatten();
        match here.max(elsewhere) {
            Some(retry_after) => Err(EngineError::TooManyAttempts { retry_after }),
            None => Ok(()),
        }
    }

    /// Whether nothing in it matters any more: no count that holds anybody up, and nobody who ever signed in.
    pub(crate) fn is_forgotten(&self, now: Timestamp) -> bool {
        self.known.is_empty() && self.last_failure.is_none_or(|last| now.since(last) > FORGOTTEN_AFTER)
    }

    pub(crate) fn failed(&mut self, network: Network, moment: &Moment<'_>) {
        let now = moment.now;
        let at = match self.networks.iter().position(|(seen, _)| *seen == network) {
            Some(at) => at,
            None => {
                if self.networks.len() >= NETWORKS_MAX {
                    let oldest = (0..self.networks.len()).min_by_key(|at| self.networks[*at].1.last);
                    self.networks.swap_remove(oldest.unwrap_or_default());
                }
                self.networks.push((network, Tally::default()));
                self.networks.len() - 1
            }
        };
        self.networks[at].1.add(now);
        if !self.known.contains(&network) {
            self.elsewhere.add(now);
        }
        self.failures += 1;
        self.last_failure = Some(now);
    }

    /// Says how many had failed.
    pub(crate) fn succeeded(&mut self, network: Network) -> u64 {
        self.networks.retain(|(seen, _)| *seen != network);
        self.known.retain(|known| *known != network);
        self.known.insert(0, network);
        self.known.truncate(KNOWN_MAX);
        std::mem::take(&mut self.failures)
    }
}

/// Asks how many attempts to sign in to the caller's account have failed.
#[derive(Debug, Clone, Serialize)]
pub struct SignInAttempts {}

/// Failed attempts since the last sign-in that did not fail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignInFailures {
    /// How many.
    pub count: u64,
    /// The last failure ever, if there was one.
    pub last: Option<Timestamp>,
}

impl Command for SignInAttempts {
    type Domain = Sessions;
    type Reply = SignInFailures;
    const NAME: &'static str = "sign_in_attempts";
    const KIND: Kind = Kind::Read;

    fn needs(&self) -> Need {
        Need::Account
    }

    fn reads(&self, who: &Principal, _: &Keyspace) -> Reads {
        Reads::one(keyspace::guesses(who.account))
    }

    fn decide(
        &self,
        view: &View<'_>,
        who: &Principal,
        _: &mut Moment<'_>,
    ) -> Result<Step<SignInFailures>, EngineError> {
        let stored: StoredGuesses = view.row(&keyspace::guesses(who.account))?.unwrap_or_default();
        Decision::reply(SignInFailures { count: stored.failures, last: stored.last_failure }).done()
    }
}
