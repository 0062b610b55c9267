//! Chance for a scenario: what to do next, how long to wait, what to break.
//!
//! The one thing to believe: one seed and one purpose give one stream. Two actors of a scenario throw dice of their
//! own, so that adding a throw to one does not change what the other does.

use std::{cell::RefCell, ops::RangeInclusive, time::Duration};

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use strongroom_primitives::hash;

/// A seeded stream of decisions. Belongs to one thread.
#[derive(Debug)]
pub struct Dice(RefCell<ChaCha8Rng>);

impl Dice {
    /// The dice that `seed` has for `purpose`.
    pub fn new(seed: u64, purpose: &str) -> Self {
        let mut text = purpose.as_bytes().to_vec();
        text.extend_from_slice(&seed.to_be_bytes());
        Self(RefCell::new(ChaCha8Rng::from_seed(hash::sha256(&text))))
    }

    /// A number below `bound`, which is not 0. The bias of a modulus does not matter to a scenario.
    pub fn below(&self, bound: u64) -> u64 {
        self.0.borrow_mut().next_u64() % bound
    }

    /// An index below `bound`, which is not 0.
    pub fn index(&self, bound: usize) -> usize {
        usize::try_from(self.below(bound as u64)).expect("it is below a usize")
    }

    /// A number in `range`, ends included.
    pub fn within(&self, range: RangeInclusive<u64>) -> u64 {
        range.start() + self.below(range.end() - range.start() + 1)
    }

    /// A time between two numbers of milliseconds, ends included.
    pub fn ms(&self, range: RangeInclusive<u64>) -> Duration {
        Duration::from_millis(self.within(range))
    }

    /// True about `percent` times in a hundred.
    pub fn chance(&self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// One of `choices`, of which there is at least one.
    pub fn pick<'a, T>(&self, choices: &'a [T]) -> &'a T {
        &choices[self.index(choices.len())]
    }

    /// Bytes.
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.0.borrow_mut().fill_bytes(&mut bytes);
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_seed_and_purpose_give_one_stream() {
        let throws = |seed, purpose| {
            let dice = Dice::new(seed, purpose);
            (0..50).map(|_| dice.below(1_000)).collect::<Vec<_>>()
        };
        assert_eq!(throws(1, "a"), throws(1, "a"));
        assert_ne!(throws(1, "a"), throws(2, "a"));
        assert_ne!(throws(1, "a"), throws(1, "b"));
    }

    #[test]
    fn both_ends_of_a_range_come_up() {
        let dice = Dice::new(1, "ends");
        let thrown: Vec<u64> = (0..200).map(|_| dice.within(3..=5)).collect();
        assert!((3..=5).all(|wanted| thrown.contains(&wanted)) && thrown.iter().all(|n| (3..=5).contains(n)));
    }
}
