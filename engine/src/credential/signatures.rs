//! Which signatures were taken: the memory of an engine that has its store to itself.
//!
//! A signature is remembered for as long as its time could be the present one, by the window of its form. Memory is lost with the process, and what
//! makes up for it is a fence: an engine that starts refuses everything that says an earlier time than the fence, and
//! the engine before it took nothing by memory that says a later one. The fence is the time that the store has durably
//! been told, and [`AHEAD`]; what says a later time than that is taken as a row, which also tells the store the time.
//! So a store that is written to pays nothing, one that nobody writes to is written once in [`AHEAD`], and a client
//! whose clock is ahead pays for it by itself.
//!
//! Where engines share a store every signature is a row, and nothing here is used.
//! Source: `dialects/dragonchain.md`, section 9.

#[expect(clippy::disallowed_types, reason = "asked for one signature at a time and never iterated")]
use std::collections::HashSet;
use std::{
    collections::BTreeMap,
    hash::BuildHasherDefault,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use strongroom_primitives::time::Timestamp;

use super::cache::DigestHasher;
use crate::{
    domains::service_keys::{Form, SIGNATURE_SLACK, SignatureFault},
    error::EngineError,
    limits::Limits,
};

/// How far beyond the time that the store was told a signature is taken by memory alone. Also how long after a start
/// clients whose clocks are right are refused.
const AHEAD: Duration = Duration::from_secs(1);

/// Parts that are locked apart. A part that grows copies itself, and the others do not wait for it.
const PARTS: usize = 16;

const MINUTE: Duration = Duration::from_secs(60);

/// Signatures, by the minute in which they are the present ones for the last time. Keyed hashes, which are spread well enough as they are.
#[expect(clippy::disallowed_types, reason = "asked for one signature at a time and never iterated")]
type Minutes = BTreeMap<u64, HashSet<[u8; 16], BuildHasherDefault<DigestHasher>>>;

/// The signatures that one engine has taken.
pub(crate) struct Signatures {
    shared: bool,
    /// Those of each form: [`Form::Dc1`] and [`Form::Message`].
    windows: [Duration; 2],
    max: usize,
    /// The last instant of which this engine knows nothing.
    fence: Option<Timestamp>,
    /// The time that the store has durably been told.
    told_ms: AtomicU64,
    count: AtomicUsize,
    parts: [Mutex<Minutes>; PARTS],
}

impl Signatures {
    /// The memory of an engine that starts. `known_ms`: the time that its store knows; `fenced`: whether somebody can have
    /// signed anything before.
    pub(crate) fn new(limits: &Limits, known_ms: u64, fenced: bool) -> Self {
        let fence = Timestamp::from_ms(known_ms).saturating_add(AHEAD);
        let fence = Some(fence).filter(|_| fenced && !limits.signatures_shared);
        Self {
            shared: limits.signatures_shared,
            windows: [Form::Dc1, Form::Message].map(|form| form.window(limits)),
            max: limits.signatures_max,
            fence,
            // What the store knows may be more than what it has kept durably, until it is told again.
            told_ms: AtomicU64::new(0),
            count: AtomicUsize::new(0),
            parts: Default::default(),
        }
    }

    /// The last instant of which this engine knows nothing.
    pub(crate) fn fence(&self) -> Option<Timestamp> {
        self.fence
    }

    /// The store has durably been told the time.
    pub(crate) fn told(&self, at_ms: u64) {
        self.told_ms.fetch_max(at_ms, Ordering::AcqRel);
    }

    /// Whether a signature of this time has to be taken as a row. Once it need not be, it never need be again.
    pub(crate) fn must_be_row(&self, at: Timestamp) -> bool {
        let told = Timestamp::from_ms(self.told_ms.load(Ordering::Acquire));
        self.shared || at > told.saturating_add(AHEAD)
    }

    /// Takes a signature of a form that a key has made for this time. Of those who show one at once, one gets it. `now` never goes
    /// back, and whoever says an earlier time than the window before it is refused elsewhere.
    ///
    /// # Errors
    /// [`SignatureFault::BeforeStart`], [`SignatureFault::Replayed`], and [`EngineError::Overloaded`] where as many are
    /// remembered as can be: none is forgotten to make room.
    pub(crate) fn take(
        &self,
        signature: &[u8; 16],
        form: Form,
        at: Timestamp,
        now: Timestamp,
    ) -> Result<(), EngineError> {
        if self.shared {
            return Ok(());
        }
        if self.fence.is_some_and(|fence| at <= fence) {
            return Err(SignatureFault::BeforeStart.refusal());
        }
        let last = self.last_minute(form, at);
        let mut part = self.part(signature);
        self.forget_old(&mut part, now);
        if part.get(&last).is_some_and(|minute| minute.contains(signature)) {
            return Err(SignatureFault::Replayed.refusal());
        }
        if self.count.fetch_add(1, Ordering::AcqRel) >= self.max {
            self.count.fetch_sub(1, Ordering::AcqRel);
            drop(part);
            // The other parts may hold what is old. The next one finds room.
            self.parts.iter().for_each(|part| self.forget_old(&mut lock(part), now));
            return Err(EngineError::Overloaded { retry_after: MINUTE });
        }
        part.entry(last).or_default().insert(*signature);
        Ok(())
    }

    /// Remembers a signature that an engine before this one has taken, however many there are.
    pub(crate) fn recall(&self, signature: &[u8; 16], form: Form, at: Timestamp) {
        self.part(signature).entry(self.last_minute(form, at)).or_default().insert(*signature);
        self.count.fetch_add(1, Ordering::AcqRel);
    }

    fn part(&self, signature: &[u8; 16]) -> MutexGuard<'_, Minutes> {
        // Not the bytes that the sets go by.
        lock(&self.parts[usize::from(signature[15]) % PARTS])
    }

    /// The last minute in which a request that says this time could be taken.
    fn last_minute(&self, form: Form, at: Timestamp) -> u64 {
        let [dc1, message] = self.windows;
        let window = match form {
            Form::Dc1 => dc1,
            Form::Message => message,
        };
        minute_of(at.saturating_add(window).saturating_add(SIGNATURE_SLACK))
    }

    fn forget_old(&self, part: &mut Minutes, now: Timestamp) {
        while let Some(minute) = part.first_entry().filter(|minute| *minute.key() < minute_of(now)) {
            self.count.fetch_sub(minute.remove().len(), Ordering::AcqRel);
        }
    }
}

fn lock(part: &Mutex<Minutes>) -> MutexGuard<'_, Minutes> {
    part.lock().unwrap_or_else(PoisonError::into_inner)
}

fn minute_of(at: Timestamp) -> u64 {
    at.as_s() / MINUTE.as_secs()
}

#[cfg(test)]
mod tests {
    use strongroom_primitives::hash::keyed_hash16;

    use super::*;

    const TOLD_MS: u64 = 1_780_000_000_000;

    fn at(ms: u64) -> Timestamp {
        Timestamp::from_ms(TOLD_MS + ms)
    }

    fn signature(number: u64) -> [u8; 16] {
        keyed_hash16(&[7; 32], "test", &[&number.to_be_bytes()])
    }

    fn fault(taken: Result<(), EngineError>) -> Option<SignatureFault> {
        match taken {
            Ok(()) => None,
            Err(EngineError::SignatureRefused { fault }) => Some(fault),
            Err(other) => panic!("{other:?}"),
        }
    }

    /// A-MAC-02: inside the window a signature is taken once, and afterwards its time is none any more.
    #[test]
    fn a_signature_is_remembered_until_its_time_is_past_the_window() {
        let signatures = Signatures::new(&Limits::default(), TOLD_MS, false);
        assert_eq!(fault(signatures.take(&signature(1), Form::Dc1, at(0), at(0))), None);
        assert_eq!(fault(signatures.take(&signature(2), Form::Dc1, at(0), at(0))), None);
        for later_s in [0, 1, 599, 600, 601] {
            let now = at(later_s * 1_000);
            assert_eq!(
                fault(signatures.take(&signature(1), Form::Dc1, at(0), now)),
                Some(SignatureFault::Replayed)
            );
        }
        for number in 1_000..1_500 {
            signatures.take(&signature(number), Form::Dc1, at(800_000), at(800_000)).unwrap();
        }
        assert_eq!(signatures.count.load(Ordering::Acquire), 500, "whole minutes were dropped");
    }

    /// A-MAC-02: each form is remembered for a window of its own, and a message no longer than it needs.
    #[test]
    fn each_form_has_its_window() {
        let signatures = Signatures::new(&Limits::default(), TOLD_MS, false);
        let (dc1, message) = (signature(1), signature(2));
        assert_eq!(fault(signatures.take(&dc1, Form::Dc1, at(0), at(0))), None);
        assert_eq!(fault(signatures.take(&message, Form::Message, at(0), at(0))), None);
        for later_s in [0, 59, 60, 61, 120] {
            let again = signatures.take(&message, Form::Message, at(0), at(later_s * 1_000));
            assert_eq!(fault(again), Some(SignatureFault::Replayed), "{later_s}");
        }
        // Two minutes, and what is left of the last one.
        let later = at(181_000);
        for number in 1_000..1_500 {
            signatures.take(&signature(number), Form::Message, later, later).unwrap();
        }
        assert_eq!(signatures.count.load(Ordering::Acquire), 501, "of the two, one is remembered");
        let again = signatures.take(&dc1, Form::Dc1, at(0), later);
        assert_eq!(fault(again), Some(SignatureFault::Replayed));
        // One that is recalled is found where it would have been put.
        let after = Signatures::new(&Limits::default(), TOLD_MS, false);
        for (signature, form) in [(dc1, Form::Dc1), (message, Form::Message)] {
            after.recall(&signature, form, at(0));
            let again = after.take(&signature, form, at(0), at(0));
            assert_eq!(fault(again), Some(SignatureFault::Replayed));
        }
    }

    /// A-MAC-02 across a start: what the engine before can have taken by memory is refused, and nothing later.
    #[test]
    fn a_start_refuses_what_the_engine_before_can_have_taken_by_memory() {
        let before = Signatures::new(&Limits::default(), TOLD_MS, true);
        before.told(TOLD_MS + 5_000);
        let after = Signatures::new(&Limits::default(), TOLD_MS + 5_000, true);
        assert!(after.must_be_row(at(5_000)), "the store has yet to be told the time by this engine");
        for ms in [0, 5_000, 5_999, 6_000, 6_001, 600_000] {
            let by_memory = !before.must_be_row(at(ms));
            let refused = fault(after.take(&signature(ms), Form::Dc1, at(ms), at(5_000)))
                == Some(SignatureFault::BeforeStart);
            assert_eq!((by_memory, refused), (ms <= 6_000, ms <= 6_000), "{ms}");
        }
        let first = Signatures::new(&Limits::default(), TOLD_MS, false);
        assert_eq!(
            fault(first.take(&signature(1), Form::Dc1, at(0), at(0))),
            None,
            "nobody can have signed before there was a key"
        );
    }

    #[test]
    fn where_engines_share_a_store_every_signature_is_a_row() {
        let limits = Limits { signatures_shared: true, ..Limits::default() };
        let signatures = Signatures::new(&limits, TOLD_MS, true);
        signatures.told(TOLD_MS);
        assert!(signatures.must_be_row(at(0)) && signatures.must_be_row(Timestamp::from_ms(0)));
    }

    #[test]
    fn a_full_memory_refuses_and_forgets_nothing() {
        let limits = Limits { signatures_max: 100, ..Limits::default() };
        let signatures = Signatures::new(&limits, TOLD_MS, false);
        for number in 0..100 {
            signatures.take(&signature(number), Form::Dc1, at(0), at(0)).unwrap();
        }
        let full = Err(EngineError::Overloaded { retry_after: MINUTE });
        assert_eq!(signatures.take(&signature(100), Form::Dc1, at(0), at(0)), full);
        assert_eq!(
            fault(signatures.take(&signature(7), Form::Dc1, at(0), at(0))),
            Some(SignatureFault::Replayed)
        );
        let later = at(800_000);
        // The first to come finds what is old, wherever it lies.
        let _ = signatures.take(&signature(101), Form::Dc1, later, later);
        assert_eq!(fault(signatures.take(&signature(102), Form::Dc1, later, later)), None);
    }

    /// The sets are the whole of it: 17 bytes for a place, of which at least 7 in 16 are in use.
    #[test]
    fn a_million_signatures_take_at_most_200_bytes_each() {
        let signatures = Signatures::new(&Limits::default(), TOLD_MS, false);
        for number in 0..1_000_000 {
            signatures.take(&signature(number), Form::Dc1, at(number), at(0)).unwrap();
        }
        assert!(signatures.take(&signature(1_000_000), Form::Dc1, at(0), at(0)).is_err());
        // A set has a place for each of what it can hold and a seventh more.
        let places: usize = signatures
            .parts
            .iter()
            .flat_map(|part| lock(part).values().map(|set| set.capacity() * 8 / 7).collect::<Vec<_>>())
            .sum();
        // And while one of them grows, the places that it had before.
        assert!(places * 17 * 3 / 2 <= 200 * 1_000_000, "{places} places");
        assert!(places * 17 <= 48 * 1_000_000, "{places} places");
    }
}
