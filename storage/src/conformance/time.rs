//! Promises about time: the store's clock is handed in, may step back, and must not be believed when it does.

use super::{START_MS, TestClock, batch, commit, put, row, value};
use crate::{Batch, Storage, StorageError};

/// A batch may be applied until and including its last instant, and not at all afterwards.
pub async fn a_batch_past_its_not_after_is_refused_whole(storage: impl Storage, clock: &TestClock) {
    let until = |not_after_ms, name| Batch { not_after_ms: Some(not_after_ms), ..batch([put(name, "x")]) };
    commit(&storage, until(START_MS, "in time")).await;
    clock.set(START_MS + 1);
    assert_eq!(storage.commit(until(START_MS, "late")).await, Err(StorageError::TooLate));
    assert_eq!(row(&storage, "late").await, None);
    assert!(value(&storage, "in time").await.is_some());
}

/// The time of a commit is never before an earlier commit's.
pub async fn commit_time_never_runs_backwards(storage: impl Storage, clock: &TestClock) {
    assert_eq!(commit(&storage, batch([put("a", "1")])).await.at_ms, START_MS);
    clock.set(START_MS + 5_000);
    assert_eq!(commit(&storage, batch([put("a", "2")])).await.at_ms, START_MS + 5_000);
    clock.set(START_MS - 60_000);
    assert_eq!(commit(&storage, batch([put("a", "3")])).await.at_ms, START_MS + 5_000);
    assert_eq!(storage.info().high_water_ms, START_MS + 5_000);
}

/// What was too late before the clock stepped back is still too late after.
pub async fn a_clock_that_steps_back_revives_nothing(storage: impl Storage, clock: &TestClock) {
    clock.set(START_MS + 1_000);
    commit(&storage, batch([put("a", "1")])).await;
    clock.set(START_MS);
    let expired = Batch { not_after_ms: Some(START_MS + 500), ..batch([put("b", "1")]) };
    assert_eq!(storage.commit(expired).await, Err(StorageError::TooLate));
    assert_eq!(row(&storage, "b").await, None);
}
