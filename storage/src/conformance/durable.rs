//! Promises of a store that keeps what it was given: they hold over closing and opening again.

use super::{START_MS, TestClock, batch, commit, delete, guarded, key, put, row, value};
use crate::{Guard, Storage, StorageError, WallClock};

/// Rows, large and small, and deletions are the same after opening again.
pub async fn committed_rows_survive_reopening<S: Storage>(open: &impl AsyncFn(WallClock) -> S) {
    let large = vec![3; 300_000];
    let storage = open(TestClock::default().wall()).await;
    assert!(storage.info().durable, "only a durable store can be held to this");
    commit(&storage, batch([put("small", "1"), put("large", &large), put("deleted", "1")])).await;
    commit(&storage, batch([delete("deleted")])).await;
    drop(storage);

    let storage = open(TestClock::default().wall()).await;
    assert_eq!(value(&storage, "small").await.as_deref(), Some(b"1".as_slice()));
    assert!(value(&storage, "large").await == Some(large), "a large row changed over reopening");
    assert_eq!(row(&storage, "deleted").await, None);
}

/// A revision that named a write before closing names no other write after opening again.
pub async fn revisions_are_not_used_again_after_reopening<S: Storage>(open: &impl AsyncFn(WallClock) -> S) {
    let storage = open(TestClock::default().wall()).await;
    let before = commit(&storage, batch([put("revised", "1")])).await.revision;
    commit(&storage, batch([delete("revised")])).await;
    drop(storage);

    let storage = open(TestClock::default().wall()).await;
    let after = commit(&storage, batch([put("revised", "1")])).await.revision;
    assert!(after > before, "{after:?} after {before:?}");
    let stale = guarded([Guard::At(key("revised"), before)], [put("revised", "2")]);
    assert_eq!(storage.commit(stale).await, Err(StorageError::Conflict));
}

/// The latest time that a commit saw is remembered, so that a clock set back while the store was closed changes
/// nothing.
pub async fn the_high_water_mark_survives_reopening<S: Storage>(open: &impl AsyncFn(WallClock) -> S) {
    let late_ms = START_MS + 10_000_000;
    let storage = open(TestClock::at(late_ms).wall()).await;
    commit(&storage, batch([put("a", "1")])).await;
    drop(storage);

    let storage = open(TestClock::default().wall()).await;
    assert_eq!(storage.info().high_water_ms, late_ms);
    assert_eq!(commit(&storage, batch([put("a", "2")])).await.at_ms, late_ms);
}
