//! Promises of guards.

use super::{batch, commit, delete, guarded, key, put, race, row, value};
use crate::{Guard, Revision, Storage, StorageError};

/// Of many who create the same row at once, one does.
pub async fn a_guard_on_an_absent_key_admits_one_writer(storage: impl Storage) {
    let batches = (0..50).map(|n| guarded([Guard::Absent(key("seat"))], [put("seat", n.to_string())]));
    let outcomes = race(&storage, batches).await;
    let admitted: Vec<_> = (0..50).filter(|n| outcomes[*n].is_ok()).collect();
    assert_eq!(admitted.len(), 1, "writers admitted: {admitted:?}");
    let refused = outcomes.iter().filter(|outcome| **outcome == Err(StorageError::Conflict)).count();
    assert_eq!(refused, 49, "everybody else conflicts: {outcomes:?}");
    assert_eq!(value(&storage, "seat").await, Some(admitted[0].to_string().into_bytes()));
}

/// Of many who replace the same write at once, one does.
pub async fn a_guard_on_a_revision_admits_one_writer(storage: impl Storage) {
    let first = commit(&storage, batch([put("a", "first")])).await.revision;
    let batches = (0..50).map(|n| guarded([Guard::At(key("a"), first)], [put("a", n.to_string())]));
    let outcomes = race(&storage, batches).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == Err(StorageError::Conflict)).count(), 49);
}

/// A row that was deleted and made again is not the row it was, whatever its value.
pub async fn a_guard_on_an_old_revision_conflicts_after_delete_and_recreate(storage: impl Storage) {
    let first = commit(&storage, batch([put("a", "same")])).await.revision;
    commit(&storage, batch([delete("a")])).await;
    let on_the_gone = guarded([Guard::At(key("a"), first)], [put("a", "new")]);
    assert_eq!(storage.commit(on_the_gone.clone()).await, Err(StorageError::Conflict));
    commit(&storage, batch([put("a", "same")])).await;
    assert_eq!(storage.commit(on_the_gone).await, Err(StorageError::Conflict));
    assert_eq!(value(&storage, "a").await.as_deref(), Some(b"same".as_slice()));
}

/// After a conflict no row of the batch is written, none deleted, none has a new revision.
pub async fn a_failed_guard_leaves_no_trace(storage: impl Storage) {
    commit(&storage, batch([put("a", "1"), put("b", "1")])).await;
    let before = (row(&storage, "a").await, row(&storage, "b").await);
    let doomed = guarded(
        [Guard::Absent(key("c")), Guard::At(key("b"), Revision(u64::MAX))],
        [put("a", "2"), delete("b"), put("c", "2")],
    );
    assert_eq!(storage.commit(doomed).await, Err(StorageError::Conflict));
    assert_eq!((row(&storage, "a").await, row(&storage, "b").await), before);
    assert_eq!(row(&storage, "c").await, None);
}

/// A batch that writes nothing still says whether its guards hold.
pub async fn a_batch_of_guards_alone_checks_them(storage: impl Storage) {
    let revision = commit(&storage, batch([put("a", "1")])).await.revision;
    commit(&storage, guarded([Guard::At(key("a"), revision), Guard::Absent(key("b"))], [])).await;
    let stale = guarded([Guard::Absent(key("a"))], []);
    assert_eq!(storage.commit(stale).await, Err(StorageError::Conflict));
}

/// Many racing read-modify-writes under a guard add up exactly.
pub async fn a_counter_under_guards_loses_no_increment(storage: impl Storage) {
    let mut accepted = 0_u64;
    for _ in 0..20 {
        let found = row(&storage, "counter").await;
        let guard = match &found {
            Some(row) => Guard::At(key("counter"), row.revision),
            None => Guard::Absent(key("counter")),
        };
        let count = found.map_or(0, |row| {
            u64::from_be_bytes(row.value.as_ref().try_into().expect("the counter is eight bytes"))
        });
        let racers = (0..8).map(|_| guarded([guard.clone()], [put("counter", (count + 1).to_be_bytes())]));
        accepted += race(&storage, racers).await.iter().filter(|outcome| outcome.is_ok()).count() as u64;
    }
    assert_eq!(accepted, 20, "one of each eight was admitted");
    assert_eq!(value(&storage, "counter").await, Some(accepted.to_be_bytes().to_vec()));
}
