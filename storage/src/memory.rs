//! The reference backend: a sorted map behind a lock. It forgets when it is dropped, and is otherwise the contract.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio::sync::broadcast;

use crate::{
    Batch, BoxFuture, Committed, Info, Key, Page, Range, Revision, Row, SCAN_BYTES_MAX, Storage,
    StorageError, Topics, WallClock, Write,
};

/// How many commits' topics a follower may lag behind before it is told to look at everything.
const CHANGED_CAPACITY: usize = 1_024;

/// Rows in memory.
pub struct Memory {
    state: Mutex<State>,
    changed: broadcast::Sender<Topics>,
    clock: WallClock,
}

#[derive(Default)]
struct State {
    rows: BTreeMap<Key, Row>,
    last_revision: u64,
    high_water_ms: u64,
}

impl Memory {
    /// An empty store that takes its time from `clock`.
    pub fn new(clock: WallClock) -> Self {
        Self { state: Mutex::default(), changed: broadcast::channel(CHANGED_CAPACITY).0, clock }
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        self.state().rows.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Every change below is made of infallible steps, so a poisoned lock still guards a whole state.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn apply(&self, batch: &Batch) -> Result<Committed, StorageError> {
        batch.check_limits()?;
        let mut state = self.state();
        let at_ms = (self.clock)().max(state.high_water_ms);
        if batch.not_after_ms.is_some_and(|limit| at_ms > limit) {
            return Err(StorageError::TooLate);
        }
        if !batch.guards.iter().all(|guard| guard.holds(state.rows.get(guard.key()).map(|row| row.revision)))
        {
            return Err(StorageError::Conflict);
        }
        for write in &batch.writes {
            match write {
                Write::Put(key, value) => {
                    state.last_revision += 1;
                    let row = Row { revision: Revision(state.last_revision), value: value.clone() };
                    state.rows.insert(key.clone(), row);
                }
                Write::Delete(key) => {
                    state.rows.remove(key);
                }
            }
        }
        state.high_water_ms = at_ms;
        Ok(Committed { revision: Revision(state.last_revision), at_ms })
    }
}

impl Storage for Memory {
    fn get<'a>(&'a self, keys: &'a [Key]) -> BoxFuture<'a, Result<Vec<Option<Row>>, StorageError>> {
        let state = self.state();
        let rows = keys.iter().map(|key| state.rows.get(key).cloned()).collect();
        Box::pin(std::future::ready(Ok(rows)))
    }

    fn scan(&self, range: Range) -> BoxFuture<'_, Result<Page, StorageError>> {
        let state = self.state();
        let mut page = Page::default();
        let mut bytes = 0;
        for (key, row) in state.rows.range(range.start.clone()..) {
            if !range.contains(key) {
                break;
            }
            if page.rows.len() == range.rows_max() || bytes >= SCAN_BYTES_MAX {
                page.next = Some(key.clone());
                break;
            }
            bytes += row.value.len();
            page.rows.push((key.clone(), row.clone()));
        }
        Box::pin(std::future::ready(Ok(page)))
    }

    fn commit(&self, batch: Batch) -> BoxFuture<'_, Result<Committed, StorageError>> {
        let result = self.apply(&batch);
        if result.is_ok() && !batch.topics.is_empty() {
            // Nobody listening is not an error.
            let _ = self.changed.send(batch.topics.into());
        }
        Box::pin(std::future::ready(result))
    }

    fn changed(&self) -> broadcast::Receiver<Topics> {
        self.changed.subscribe()
    }

    fn info(&self) -> Info {
        Info {
            backend: "memory",
            durable: false,
            encrypted: false,
            high_water_ms: self.state().high_water_ms,
            refusing_writes: None,
        }
    }
}

#[cfg(all(test, feature = "conformance"))]
mod tests {
    use super::Memory;

    #[tokio::test]
    async fn memory_keeps_every_promise() {
        crate::conformance::all(async |clock| Memory::new(clock)).await;
    }
}
