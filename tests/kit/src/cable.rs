//! The cable between one node and the store: what is pulled when a node dies.
//!
//! Actors cannot be killed in the middle of an await, but everything a node does to the world goes through its store.
//! Once the cable is cut, nothing the node asked for is answered and nothing it asks from then on arrives: its tasks
//! stand still for ever, which from outside is what a dead process looks like. A batch that was on its way may still
//! land, as it may on a real wire.

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use strongroom_storage::{
    Batch, BoxFuture, Committed, Info, Key, Page, Range, Row, Storage, StorageError, Topics,
};
use tokio::sync::{broadcast, watch};

/// A store, as one life of one node sees it.
pub struct Cable<S> {
    store: Arc<S>,
    cut: watch::Sender<bool>,
    stragglers_land: AtomicBool,
}

impl<S: Storage> Cable<S> {
    /// An unbroken cable to `store`.
    pub fn new(store: Arc<S>) -> Self {
        Self { store, cut: watch::channel(false).0, stragglers_land: AtomicBool::new(false) }
    }

    /// Cuts the cable for good. Batches on their way reach the store all the same if `stragglers_land`, though nobody
    /// hears of it.
    pub fn cut(&self, stragglers_land: bool) {
        self.stragglers_land.store(stragglers_land, Ordering::SeqCst);
        self.cut.send_replace(true);
    }

    /// Returns once the cable is cut.
    async fn severed(&self) {
        let mut cut = self.cut.subscribe();
        // The sender is a field of ours, so the wait ends with the cut and with nothing else.
        drop(cut.wait_for(|cut| *cut).await);
    }

    /// What `call` answers, unless the cable is cut first: then nothing, ever.
    async fn carry<T>(&self, call: impl Future<Output = T>) -> T {
        tokio::select! {
            biased;
            () = self.severed() => std::future::pending().await,
            answer = call => answer,
        }
    }
}

impl<S: Storage> Storage for Cable<S> {
    fn get<'a>(&'a self, keys: &'a [Key]) -> BoxFuture<'a, Result<Vec<Option<Row>>, StorageError>> {
        Box::pin(self.carry(self.store.get(keys)))
    }

    fn scan(&self, range: Range) -> BoxFuture<'_, Result<Page, StorageError>> {
        Box::pin(self.carry(self.store.scan(range)))
    }

    fn commit(&self, batch: Batch) -> BoxFuture<'_, Result<Committed, StorageError>> {
        let store = self.store.clone();
        let mut sending: BoxFuture<'static, _> = Box::pin(async move { store.commit(batch).await });
        Box::pin(async move {
            if *self.cut.borrow() {
                // Only what was on its way before the cut may land.
                return std::future::pending().await;
            }
            tokio::select! {
                biased;
                () = self.severed() => {
                    if self.stragglers_land.load(Ordering::SeqCst) {
                        tokio::spawn(sending);
                    }
                    std::future::pending().await
                }
                answer = &mut sending => answer,
            }
        })
    }

    fn changed(&self) -> broadcast::Receiver<Topics> {
        self.store.changed()
    }

    fn info(&self) -> Info {
        self.store.info()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use strongroom_storage::{Faults, Faulty, Memory, Write};

    use super::*;

    fn put() -> Batch {
        Batch { writes: vec![Write::Put(Key::from_static(b"k"), "v".into())], ..Batch::default() }
    }

    /// One commit that takes 10 ms, cut after 5.
    async fn cut_in_flight(stragglers_land: bool) -> (bool, usize) {
        let faults = Faults { latency_ms: 10..=10, ..Faults::default() };
        let store = Arc::new(Faulty::new(Memory::new(Arc::new(|| 1)), 1, faults));
        let cable = Cable::new(store.clone());
        let answered = tokio::select! {
            biased;
            _ = cable.commit(put()) => true,
            () = async {
                tokio::time::sleep(Duration::from_millis(5)).await;
                cable.cut(stragglers_land);
                tokio::time::sleep(Duration::from_secs(1)).await;
            } => false,
        };
        (answered, store.inner().len())
    }

    #[tokio::test(start_paused = true)]
    async fn a_cut_cable_answers_nothing_and_a_straggler_lands_only_where_it_may() {
        assert_eq!(cut_in_flight(false).await, (false, 0));
        assert_eq!(cut_in_flight(true).await, (false, 1));
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_arrives_through_a_cut_cable() {
        let store = Arc::new(Memory::new(Arc::new(|| 1)));
        let cable = Cable::new(store.clone());
        cable.cut(true);
        let late = tokio::time::timeout(Duration::from_secs(1), cable.commit(put())).await;
        assert!(late.is_err());
        let late = tokio::time::timeout(Duration::from_secs(1), cable.get(&[])).await;
        assert!(late.is_err());
        assert!(store.is_empty());
    }
}
