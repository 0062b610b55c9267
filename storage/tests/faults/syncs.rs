//! F-06, and what readers see while a sync is under way.

use std::{
    io,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
};

use strongroom_storage::{
    Batch, Guard, Key, Range, Storage, StorageError, SyncHook, Syncing, Topic, Write, check::check,
    sled::Sled,
};

use crate::store::{BACKENDS, commit, key, open, options, put, value};

/// F-06
#[tokio::test]
async fn after_a_failed_sync_everything_is_refused_until_opened_anew() {
    for backend in BACKENDS {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("store");
        let fails = Arc::new(AtomicBool::new(false));
        let mut hooked = options();
        hooked.sync_hook = Some({
            let fails = Arc::clone(&fails);
            Arc::new(move || match fails.swap(false, Ordering::SeqCst) {
                true => Err(io::Error::from_raw_os_error(rustix::io::Errno::IO.raw_os_error())),
                false => Ok(Syncing::Real),
            })
        });
        let store = open(backend, &path, hooked).unwrap();
        commit(&*store, [put("kept", "1")]).await.unwrap();
        assert_eq!(store.info().refusing_writes, None);

        fails.store(true, Ordering::SeqCst);
        let failed = commit(&*store, [put("unknown", "1")]).await;
        assert!(matches!(failed, Err(StorageError::Unavailable { .. })), "{backend}: {failed:?}");
        // The next sync would succeed, and is not asked for.
        for _ in 0..3 {
            let refused = commit(&*store, [put("later", "1")]).await;
            assert!(matches!(refused, Err(StorageError::Unavailable { .. })), "{backend}: {refused:?}");
        }
        let read = value(&*store, "kept").await;
        assert!(matches!(read, Err(StorageError::Unavailable { .. })), "{backend}: {read:?}");
        let why = store.info().refusing_writes.expect("it says that it refuses");
        assert!(!why.is_empty() && why != "the store is closed", "{backend}: {why}");
        drop(store);

        let store = open(backend, &path, options()).unwrap();
        assert_eq!(value(&*store, "kept").await, Ok(Some("1".into())), "{backend}");
        assert_eq!(value(&*store, "later").await, Ok(None), "{backend}");
        commit(&*store, [put("later", "2")]).await.unwrap();
        drop(store);
        assert!(check(&path).unwrap().is_sound(), "{backend}");
    }
}

#[tokio::test]
async fn a_closed_store_has_finished_and_can_be_opened_by_others() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("store");
    let closed = Sled::open(&path, options()).unwrap();
    let waiting = (0..50).map(|n| commit(&closed, [put(&format!("row {n}"), "1")]));
    let (outcomes, ()) = futures_util::future::join(futures_util::future::join_all(waiting), async {
        closed.close().await.unwrap();
    })
    .await;
    assert!(outcomes.iter().all(Result::is_ok), "a commit that came before the closing was dropped");
    closed.close().await.unwrap();
    let refused = StorageError::Unavailable { reason: "the store is closed".into() };
    assert_eq!(commit(&closed, [put("late", "1")]).await, Err(refused.clone()));
    assert_eq!(value(&closed, "row 1").await, Err(refused));

    let store = Sled::open(&path, options()).unwrap();
    assert_eq!(store.scan(Range::all(100)).await.unwrap().rows.len(), 50);
    drop(closed);
    commit(&store, [put("later", "1")]).await.unwrap();
}

/// A sync that waits until it is let go.
fn gate() -> (SyncHook, mpsc::Receiver<()>, mpsc::Sender<()>, Arc<AtomicBool>) {
    let (reached, arrivals) = mpsc::channel();
    let (go, gate) = mpsc::channel();
    let gate = Mutex::new(gate);
    let is_closed = Arc::new(AtomicBool::new(false));
    let hook: SyncHook = {
        let is_closed = Arc::clone(&is_closed);
        Arc::new(move || {
            if is_closed.swap(false, Ordering::SeqCst) {
                reached.send(()).expect("the test waits for it");
                gate.lock().expect("one sync at a time").recv().expect("the test lets it go");
            }
            Ok(Syncing::Real)
        })
    };
    (hook, arrivals, go, is_closed)
}

/// A read never shows what a crash could take back, and never waits for a sync.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_a_group_is_synced_readers_see_what_it_replaces() {
    for backend in BACKENDS {
        let root = tempfile::tempdir().unwrap();
        let (hook, arrivals, go, is_closed) = gate();
        let mut hooked = options();
        hooked.sync_hook = Some(hook);
        let store = open(backend, &root.path().join("store"), hooked).unwrap();
        let large = vec![1; 50_000];
        commit(&*store, [put("changed", large.clone()), put("deleted", "1"), put("other", "1")])
            .await
            .unwrap();
        let before = store.scan(Range::all(10)).await.unwrap();
        let mut changed = store.changed();

        is_closed.store(true, Ordering::SeqCst);
        let in_flight = tokio::spawn({
            let store = Arc::clone(&store);
            async move {
                let writes = vec![put("changed", "2"), Write::Delete(key("deleted")), put("created", "2")];
                let topics = vec![Topic([1; 16])];
                store.commit(Batch { writes, topics, ..Batch::default() }).await
            }
        });
        arrivals.recv().unwrap();

        assert_eq!(value(&*store, "changed").await, Ok(Some(large.into())), "{backend}");
        assert_eq!(value(&*store, "deleted").await, Ok(Some("1".into())), "{backend}");
        assert_eq!(value(&*store, "created").await, Ok(None), "{backend}");
        assert_eq!(value(&*store, "other").await, Ok(Some("1".into())), "{backend}");
        assert!(store.scan(Range::all(10)).await.unwrap() == before, "{backend}: a scan looked ahead");
        let pages = pages_of_one(&*store).await;
        assert!(pages == before.rows, "{backend}: pages of one row looked ahead");
        assert!(changed.try_recv().is_err(), "{backend}: a follower was woken before the sync");

        go.send(()).unwrap();
        in_flight.await.unwrap().unwrap();
        assert_eq!(value(&*store, "changed").await, Ok(Some("2".into())), "{backend}");
        assert_eq!(value(&*store, "deleted").await, Ok(None), "{backend}");
        assert_eq!(value(&*store, "created").await, Ok(Some("2".into())), "{backend}");
        assert_eq!(store.scan(Range::all(10)).await.unwrap().rows.len(), 3, "{backend}");
        assert!(changed.try_recv().is_ok(), "{backend}: the follower was not woken");
    }
}

async fn pages_of_one(store: &dyn Storage) -> Vec<(Key, strongroom_storage::Row)> {
    let mut rows = Vec::new();
    let mut range = Some(Range::all(1));
    while let Some(wanted) = range {
        let page = store.scan(wanted.clone()).await.expect("a healthy store answers");
        rows.extend(page.rows);
        range = page.next.map(|next| wanted.from(next));
    }
    rows
}

/// Batches that wait together see each other's guards, and share one sync.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_decides_in_order_and_syncs_once() {
    for backend in BACKENDS {
        let root = tempfile::tempdir().unwrap();
        let (hook, arrivals, go, is_closed) = gate();
        let syncs = Arc::new(Mutex::new(0));
        let mut hooked = options();
        hooked.sync_hook = Some({
            let syncs = Arc::clone(&syncs);
            Arc::new(move || {
                *syncs.lock().expect("a count") += 1;
                hook()
            })
        });
        let store = open(backend, &root.path().join("store"), hooked).unwrap();
        is_closed.store(true, Ordering::SeqCst);
        let first = spawn_commit(&store, Batch { writes: vec![put("first", "1")], ..Batch::default() });
        arrivals.recv().unwrap();

        // These wait behind the sync and become one group.
        let create = |n: usize| Batch {
            guards: vec![Guard::Absent(key("seat"))],
            writes: vec![put("seat", n.to_string())],
            ..Batch::default()
        };
        let waiting: Vec<_> = (0..20).map(|n| spawn_commit(&store, create(n))).collect();
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        let before = *syncs.lock().unwrap();
        go.send(()).unwrap();
        first.await.unwrap().unwrap();
        let mut admitted = 0;
        for outcome in waiting {
            match outcome.await.unwrap() {
                Ok(_) => admitted += 1,
                Err(error) => assert_eq!(error, StorageError::Conflict, "{backend}"),
            }
        }
        assert_eq!(admitted, 1, "{backend}");
        let made = *syncs.lock().unwrap() - before;
        let each = if backend == "sled" { 1 } else { 2 };
        assert!(made <= each, "{backend}: {made} syncs for one group");
    }
}

fn spawn_commit(
    store: &Arc<dyn Storage>,
    batch: Batch,
) -> tokio::task::JoinHandle<Result<strongroom_storage::Committed, StorageError>> {
    let store = Arc::clone(store);
    tokio::spawn(async move { store.commit(batch).await })
}
