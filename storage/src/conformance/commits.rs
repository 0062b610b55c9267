//! Promises of `commit` and `changed`.

use std::{collections::BTreeSet, time::Duration};

use super::{batch, commit, delete, guarded, key, put, race, row, topic, value};
use crate::{Batch, Guard, Storage, StorageError};

/// A batch of many rows arrives whole, and a refused one not at all.
pub async fn a_commit_is_all_or_nothing(storage: impl Storage) {
    commit(&storage, batch((0..100).map(|n| put(format!("row {n}"), "first")))).await;
    for n in 0..100 {
        assert_eq!(value(&storage, format!("row {n}")).await.as_deref(), Some(b"first".as_slice()));
    }
    let refused =
        guarded([Guard::Absent(key("row 99"))], (0..100).map(|n| put(format!("row {n}"), "second")));
    assert_eq!(storage.commit(refused).await, Err(StorageError::Conflict));
    for n in 0..100 {
        assert_eq!(value(&storage, format!("row {n}")).await.as_deref(), Some(b"first".as_slice()));
    }
}

/// Within a batch a later write of the same key replaces an earlier one.
pub async fn of_several_writes_of_one_key_the_last_one_counts(storage: impl Storage) {
    commit(&storage, batch([put("a", "1"), put("a", "2"), put("b", "1"), delete("b")])).await;
    assert_eq!(value(&storage, "a").await.as_deref(), Some(b"2".as_slice()));
    assert_eq!(value(&storage, "b").await, None);
}

/// Deleting an absent row succeeds and changes nothing.
pub async fn deleting_what_is_not_there_is_no_error(storage: impl Storage) {
    commit(&storage, batch([delete("a"), put("b", "1")])).await;
    commit(&storage, batch([delete("a")])).await;
    assert_eq!(row(&storage, "a").await, None);
    assert_eq!(value(&storage, "b").await.as_deref(), Some(b"1".as_slice()));
}

/// Each write of a row has a greater revision than the one before, even if the value is the same.
pub async fn a_revision_grows_with_every_write_of_its_row(storage: impl Storage) {
    let mut last = None;
    for _ in 0..10 {
        commit(&storage, batch([put("a", "same")])).await;
        let revision = row(&storage, "a").await.map(|row| row.revision);
        assert!(revision > last, "{revision:?} after {last:?}");
        last = revision;
    }
}

/// No two writes share a revision: not across rows, not across batches, not across delete and re-create.
pub async fn a_revision_is_never_used_again(storage: impl Storage) {
    let mut seen = BTreeSet::new();
    for _ in 0..10 {
        commit(&storage, batch([put("a", "1"), put("b", "1"), put("c", "1")])).await;
        for name in ["a", "b", "c"] {
            let revision = row(&storage, name).await.expect("just written").revision;
            assert!(seen.insert(revision), "{revision:?} names two writes");
        }
        commit(&storage, batch([delete("a"), delete("b"), delete("c")])).await;
    }
}

/// No row of a batch has a greater revision than its commit was told.
pub async fn the_committed_revision_covers_every_row_of_its_batch(storage: impl Storage) {
    let committed = commit(&storage, batch((0..20).map(|n| put(format!("{n}"), "x")))).await;
    for n in 0..20 {
        let revision = row(&storage, format!("{n}")).await.expect("just written").revision;
        assert!(revision <= committed.revision, "{revision:?} is over {:?}", committed.revision);
    }
}

/// Batches committed together that do not concern each other all take effect.
pub async fn commits_at_once_all_take_effect(storage: impl Storage) {
    let batches = (0..300).map(|n| batch([put(format!("row {n}"), format!("value {n}"))]));
    for (n, outcome) in race(&storage, batches).await.into_iter().enumerate() {
        outcome.unwrap_or_else(|error| panic!("commit {n} failed: {error}"));
        assert_eq!(value(&storage, format!("row {n}")).await, Some(format!("value {n}").into_bytes()));
    }
}

/// A batch that may wait for others waits no longer than it takes one that may not, and a lonely one is not forgotten.
pub async fn a_patient_batch_holds_up_nobody(storage: impl Storage) {
    let patient = |name, patience| Batch { patience, ..batch([put(name, "x")]) };
    let hours = Duration::from_secs(3_600 * 24);
    let together = [patient("a", hours), patient("b", hours), batch([put("c", "x")])];
    for outcome in race(&storage, together).await {
        outcome.expect("nothing is in its way");
    }
    commit(&storage, patient("d", Duration::from_millis(1))).await;
    for name in ["a", "b", "c", "d"] {
        assert!(row(&storage, name).await.is_some(), "{name} was committed");
    }
}

/// A follower that was there before the commit hears of its topics once the rows can be read.
pub async fn changed_names_the_topics_of_a_commit(storage: impl Storage) {
    let mut changed = storage.changed();
    let with_topics = Batch { topics: vec![topic(1), topic(2)], ..batch([put("a", "1")]) };
    commit(&storage, with_topics).await;
    let heard = changed.recv().await.expect("one commit, and the receiver keeps up");
    assert!(heard.contains(&topic(1)) && heard.contains(&topic(2)), "heard {heard:?}");
    assert_eq!(value(&storage, "a").await.as_deref(), Some(b"1".as_slice()));
}

/// A conflict is nobody's news.
pub async fn a_refused_batch_wakes_nobody(storage: impl Storage) {
    commit(&storage, batch([put("a", "1")])).await;
    let mut changed = storage.changed();
    let refused = Batch { topics: vec![topic(1)], ..guarded([Guard::Absent(key("a"))], [put("a", "2")]) };
    assert_eq!(storage.commit(refused).await, Err(StorageError::Conflict));
    commit(&storage, Batch { topics: vec![topic(2)], ..batch([put("b", "1")]) }).await;
    let heard = changed.recv().await.expect("one commit, and the receiver keeps up");
    assert!(!heard.contains(&topic(1)), "a refused batch was announced");
}
