//! The board: who waits for which topic. It holds no event and no order, only "something happened since you looked".

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use strongroom_storage::Topic;
use tokio::sync::watch;

/// Topics that somebody on this node waits for. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Board {
    topics: Arc<Mutex<BTreeMap<Topic, watch::Sender<()>>>>,
}

/// One follower's place at the board. Counts everything raised since it was made or last woken.
pub(crate) struct Waiter {
    receiver: watch::Receiver<()>,
    topic: Topic,
    board: Board,
}

impl Board {
    /// Waits for `topic` from now on.
    pub(crate) fn wait_on(&self, topic: Topic) -> Waiter {
        let receiver = self.lock().entry(topic).or_insert_with(|| watch::channel(()).0).subscribe();
        Waiter { receiver, topic, board: self.clone() }
    }

    /// Wakes everybody who waits for one of `topics`.
    pub(crate) fn raise(&self, topics: &[Topic]) {
        let board = self.lock();
        if board.is_empty() {
            return;
        }
        for topic in topics {
            if let Some(sender) = board.get(topic) {
                sender.send_replace(());
            }
        }
    }

    /// Wakes everybody: hints were lost, so everybody looks for themselves.
    pub(crate) fn raise_all(&self) {
        self.lock().values().for_each(|sender| {
            sender.send_replace(());
        });
    }

    /// How many topics are waited for.
    pub(crate) fn len(&self) -> usize {
        self.lock().len()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Topic, watch::Sender<()>>> {
        // Nothing panics while it is held; a poisoned board is still a whole one.
        self.topics.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiter {
    /// Returns once the topic was raised since the last call.
    pub(crate) async fn raised(&mut self) {
        // The sender lives in the board as long as a waiter does.
        let _ = self.receiver.changed().await;
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        let mut board = self.board.lock();
        // Our own receiver still counts at this point.
        if board.get(&self.topic).is_some_and(|sender| sender.receiver_count() <= 1) {
            board.remove(&self.topic);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_was_raised_before_the_wait_is_not_missed_and_nobody_is_left_on_the_board() {
        let board = Board::default();
        let topic = Topic([1; 16]);
        let mut first = board.wait_on(topic);
        let mut second = board.wait_on(topic);
        board.raise(&[topic, Topic([2; 16])]);
        first.raised().await;
        second.raised().await;
        drop(first);
        assert_eq!(board.len(), 1);
        board.raise_all();
        second.raised().await;
        drop(second);
        assert_eq!(board.len(), 0);
    }
}
