//! The contract of [`Storage`] as a suite: one function per promise, named for it.
//!
//! It is a library feature so that a backend written elsewhere can be held to the same promises as ours. [`all`] runs
//! every promise that a single open store can show; [`reopened`] adds those that need the store to be closed and
//! opened again, for backends that keep anything. Crashes are beyond a library's reach: a backend's own tests kill
//! its process and cut its power.
//!
//! The one thing to believe: a function here returns if the promise holds and panics, naming what it saw, if not.
//!
//! ```
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! use strongroom_storage::{Memory, conformance};
//!
//! conformance::all(async |clock| Memory::new(clock)).await;
//! # });
//! ```

mod commits;
mod durable;
mod guards;
mod limits;
mod reads;
mod scans;
mod time;

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

pub use commits::*;
pub use durable::*;
pub use guards::*;
pub use limits::*;
pub use reads::*;
pub use scans::*;
pub use time::*;

use crate::{Batch, Committed, Guard, Key, Row, Storage, StorageError, Topic, WallClock, Write};

/// Where the suite's clock starts: milliseconds since 1970.
const START_MS: u64 = 1_700_000_000_000;

/// A wall clock that stands still until it is told otherwise.
#[derive(Clone)]
pub struct TestClock(Arc<AtomicU64>);

impl TestClock {
    /// A clock that shows `now_ms` milliseconds since 1970.
    pub fn at(now_ms: u64) -> Self {
        Self(Arc::new(AtomicU64::new(now_ms)))
    }

    /// Sets the time, forwards or back: milliseconds since 1970.
    pub fn set(&self, now_ms: u64) {
        self.0.store(now_ms, Ordering::SeqCst);
    }

    /// The clock as a store takes it.
    pub fn wall(&self) -> WallClock {
        let now_ms = Arc::clone(&self.0);
        Arc::new(move || now_ms.load(Ordering::SeqCst))
    }
}

impl Default for TestClock {
    fn default() -> Self {
        Self::at(START_MS)
    }
}

/// Every promise of one open store. `open` makes a fresh, empty store each time it is called.
pub async fn all<S: Storage>(open: impl AsyncFn(WallClock) -> S) {
    let fresh = async || open(TestClock::default().wall()).await;

    a_fresh_store_holds_nothing(fresh().await).await;
    a_put_row_is_read_back_as_written(fresh().await).await;
    get_answers_in_the_order_asked_for(fresh().await).await;
    get_is_one_instant(fresh().await).await;
    values_of_every_size_come_back_whole(fresh().await).await;
    the_empty_key_and_the_empty_value_are_a_row(fresh().await).await;
    a_deleted_row_is_gone(fresh().await).await;

    a_commit_is_all_or_nothing(fresh().await).await;
    of_several_writes_of_one_key_the_last_one_counts(fresh().await).await;
    deleting_what_is_not_there_is_no_error(fresh().await).await;
    a_revision_grows_with_every_write_of_its_row(fresh().await).await;
    a_revision_is_never_used_again(fresh().await).await;
    the_committed_revision_covers_every_row_of_its_batch(fresh().await).await;
    commits_at_once_all_take_effect(fresh().await).await;
    a_patient_batch_holds_up_nobody(fresh().await).await;
    changed_names_the_topics_of_a_commit(fresh().await).await;
    a_refused_batch_wakes_nobody(fresh().await).await;

    a_guard_on_an_absent_key_admits_one_writer(fresh().await).await;
    a_guard_on_a_revision_admits_one_writer(fresh().await).await;
    a_guard_on_an_old_revision_conflicts_after_delete_and_recreate(fresh().await).await;
    a_failed_guard_leaves_no_trace(fresh().await).await;
    a_batch_of_guards_alone_checks_them(fresh().await).await;
    a_counter_under_guards_loses_no_increment(fresh().await).await;

    a_scan_is_in_ascending_key_order(fresh().await).await;
    a_scan_keeps_to_its_range(fresh().await).await;
    pages_join_without_gap_or_double(fresh().await).await;
    a_page_ends_once_it_is_heavy(fresh().await).await;
    a_page_is_capped_however_much_was_asked_for(fresh().await).await;
    a_scan_agrees_with_get(fresh().await).await;

    an_oversize_key_is_refused(fresh().await).await;
    an_oversize_value_is_refused(fresh().await).await;
    an_oversize_batch_is_refused(fresh().await).await;
    the_largest_key_and_value_are_taken(fresh().await).await;

    let timed = async || {
        let clock = TestClock::default();
        (open(clock.wall()).await, clock)
    };
    let (storage, clock) = timed().await;
    a_batch_past_its_not_after_is_refused_whole(storage, &clock).await;
    let (storage, clock) = timed().await;
    commit_time_never_runs_backwards(storage, &clock).await;
    let (storage, clock) = timed().await;
    a_clock_that_steps_back_revives_nothing(storage, &clock).await;
}

/// Every promise about closing and opening again. `open` opens the same store each time it is called, after the one
/// it gave before was dropped; the store is empty at first.
pub async fn reopened<S: Storage>(open: impl AsyncFn(WallClock) -> S) {
    committed_rows_survive_reopening(&open).await;
    revisions_are_not_used_again_after_reopening(&open).await;
    the_high_water_mark_survives_reopening(&open).await;
}

fn key(name: impl AsRef<[u8]>) -> Key {
    Key::new(name.as_ref().to_vec())
}

fn put(name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Write {
    Write::Put(key(name), value.as_ref().to_vec().into())
}

fn delete(name: impl AsRef<[u8]>) -> Write {
    Write::Delete(key(name))
}

fn batch(writes: impl IntoIterator<Item = Write>) -> Batch {
    Batch { writes: writes.into_iter().collect(), ..Batch::default() }
}

fn guarded(guards: impl IntoIterator<Item = Guard>, writes: impl IntoIterator<Item = Write>) -> Batch {
    Batch { guards: guards.into_iter().collect(), ..batch(writes) }
}

fn topic(name: u8) -> Topic {
    Topic([name; 16])
}

/// Commits what must be accepted.
async fn commit(storage: &impl Storage, batch: Batch) -> Committed {
    storage.commit(batch).await.expect("a batch without a reason to refuse it is committed")
}

/// Reads what must be readable.
async fn row(storage: &impl Storage, name: impl AsRef<[u8]>) -> Option<Row> {
    let keys = [key(name)];
    let mut rows = storage.get(&keys).await.expect("a healthy store answers");
    assert_eq!(rows.len(), 1, "one answer per key asked for");
    rows.pop().expect("counted above")
}

async fn value(storage: &impl Storage, name: impl AsRef<[u8]>) -> Option<Vec<u8>> {
    row(storage, name).await.map(|row| row.value.to_vec())
}

/// Commits all of `batches` at the same time.
async fn race(
    storage: &impl Storage,
    batches: impl IntoIterator<Item = Batch>,
) -> Vec<Result<Committed, StorageError>> {
    futures_util::future::join_all(batches.into_iter().map(|batch| storage.commit(batch))).await
}
