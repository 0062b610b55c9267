//! What sled's folder looks like: no value over 4 KiB, nothing in `blobs/`, and not much more than what is stored.

use std::{fs, path::Path, sync::Arc};

use strongroom_storage::{Batch, Key, Options, Storage, VALUE_BYTES_MAX, Write, sled::Sled};

fn open(path: &Path) -> Sled {
    Sled::open(path, Options::new(Arc::new(|| 1_700_000_000_000))).expect("the store opens")
}

/// A value that sled cannot find again in the one before.
fn value(round: u8, bytes: usize) -> Vec<u8> {
    (0..bytes).map(|at| (at as u8).wrapping_mul(31) ^ (at >> 8) as u8 ^ round).collect()
}

async fn put(store: &Sled, rows: impl IntoIterator<Item = (String, Vec<u8>)>) {
    let writes = rows.into_iter().map(|(name, value)| Write::Put(Key::new(name.into_bytes()), value.into()));
    let batch = Batch { writes: writes.collect(), ..Batch::default() };
    store.commit(batch).await.expect("a healthy store commits");
}

/// sled never syncs what it puts into `blobs/`, so whatever lies there would be lost in a power cut.
#[tokio::test]
async fn nothing_ever_lies_in_blobs() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("store");
    let store = open(&path);
    let blobs = || fs::read_dir(path.join("sled").join("blobs")).unwrap().count();
    for round in 0..20 {
        let rows = (0..8).map(|row| (format!("row {row}"), value(round, 100 * 1024)));
        put(&store, rows).await;
        put(&store, [("largest".into(), value(round, VALUE_BYTES_MAX))]).await;
        assert_eq!(blobs(), 0, "in round {round}");
    }
    put(&store, (0..2_000).map(|row| (format!("small {row}"), value(1, 300)))).await;
    assert_eq!(blobs(), 0);
    drop(store);
    drop(open(&path));
    assert_eq!(blobs(), 0, "after opening again");
}

#[tokio::test]
async fn no_value_in_sled_is_over_4_kib() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("store");
    let store = open(&path);
    for bytes in [0, 1, 4_066, 4_067, 4_068, 8_163, 8_164, 100 * 1024, VALUE_BYTES_MAX] {
        put(&store, [(format!("{bytes}"), value(1, bytes))]).await;
    }
    store.close().await.unwrap();
    let sled = sled::Config::new().path(path.join("sled")).segment_size(8 << 20).open().unwrap();
    let longest = sled.iter().values().map(|value| value.unwrap().len()).max();
    assert_eq!(longest, Some(4_096));
}

/// Heads and kept history together, once 20 overwrites are done.
#[tokio::test]
async fn the_disk_holds_at_most_three_times_what_is_stored() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("store");
    let store = open(&path);
    let (rows, rounds, bytes) = (20, 20, 100 * 1024);
    for round in 0..rounds {
        for row in 0..rows {
            let content = value(round ^ row, bytes);
            let history = (format!("history {row} {round}"), content.clone());
            put(&store, [(format!("head {row}"), content), history]).await;
        }
    }
    let stored = usize::from(rows) * (usize::from(rounds) + 1) * bytes;
    let on_disk = fs::metadata(path.join("sled").join("db")).unwrap().len();
    assert!(on_disk <= 3 * stored as u64, "{on_disk} bytes on disk for {stored}");
}
