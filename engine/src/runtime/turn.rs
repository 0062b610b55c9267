//! Where a queued write stands, between the caller who waits for it and the lane that serves it.
//!
//! A caller whose deadline passes gives up, and then nothing of the write may happen. A lane that is about to commit
//! claims the write, and then the caller waits for the outcome. One compare-and-set decides between the two.

use std::sync::atomic::{AtomicU8, Ordering};

const WAITING: u8 = 0;
const CLAIMED: u8 = 1;
const GIVEN_UP: u8 = 2;

/// Shared by a caller and a lane.
#[derive(Debug, Default)]
pub(crate) struct Turn(AtomicU8);

impl Turn {
    fn step(&self, from: u8, to: u8) -> bool {
        self.0.compare_exchange(from, to, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    /// The caller no longer waits. False while the write is being committed.
    pub(crate) fn give_up(&self) -> bool {
        self.step(WAITING, GIVEN_UP)
    }

    /// The lane is about to commit. False if the caller has given up.
    pub(crate) fn claim(&self) -> bool {
        self.step(WAITING, CLAIMED)
    }

    /// The commit did not happen.
    pub(crate) fn release(&self) {
        self.step(CLAIMED, WAITING);
    }

    /// Whether the caller has given up.
    pub(crate) fn is_given_up(&self) -> bool {
        self.0.load(Ordering::Acquire) == GIVEN_UP
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_is_first_decides() {
        let turn = Turn::default();
        assert!(turn.claim() && !turn.give_up());
        turn.release();
        assert!(turn.give_up() && !turn.claim() && turn.is_given_up());
        turn.release();
        assert!(turn.is_given_up(), "who has given up does not come back");
    }
}
