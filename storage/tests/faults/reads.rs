//! F-08: a read that fails or comes back wrong. That read is refused; nobody is given wrong data.

use std::{fs, os::unix::fs::FileExt, sync::Arc};

use strongroom_storage::{Options, Storage, StorageError, redb::Redb};

use crate::{
    device::Disk,
    store::{commit, mix, open, options, put, value},
};

const ROWS: u64 = 3_000;

/// Keeps almost nothing in memory, so that reads go to the device.
fn small_cache() -> Options {
    let mut options = options();
    options.cache_bytes = 64 * 1024;
    options
}

fn name(row: u64) -> String {
    format!("row {row}")
}

fn content(row: u64) -> Vec<u8> {
    (0..800).map(|at| mix(row, at) as u8).collect()
}

async fn fill(store: &dyn Storage) {
    for rows in (0..ROWS).collect::<Vec<_>>().chunks(100) {
        commit(store, rows.iter().map(|row| put(&name(*row), content(*row))))
            .await
            .expect("a healthy store commits");
    }
}

/// Reads everything: how many reads were refused, none may be wrong.
async fn read_all(store: &dyn Storage) -> u64 {
    let mut refused = 0;
    for row in 0..ROWS {
        match value(store, &name(row)).await {
            Ok(found) => assert!(found == Some(content(row).into()), "row {row} came back wrong"),
            Err(StorageError::Corrupt { .. } | StorageError::Unavailable { .. }) => refused += 1,
            Err(other) => panic!("row {row}: {other}"),
        }
    }
    refused
}

/// F-08
#[tokio::test]
async fn a_device_that_lies_to_redb_deceives_nobody() {
    let root = tempfile::tempdir().unwrap();
    let disk = Disk::default();
    let device = disk.clone();
    let store = Redb::open_on(root.path().join("store"), small_cache(), move || Ok(device.clone())).unwrap();
    fill(&store).await;
    disk.lie_every(10);
    let refused = read_all(&store).await;
    assert!(refused > 0, "no read met the lie");
    disk.lie_every(0);
    let refused = read_all(&store).await;
    assert!(refused < ROWS, "nothing can be read any more");
}

/// F-08
#[tokio::test]
async fn a_device_that_fails_reads_is_reported_by_redb() {
    let root = tempfile::tempdir().unwrap();
    let disk = Disk::default();
    let device = disk.clone();
    let store = Redb::open_on(root.path().join("store"), small_cache(), move || Ok(device.clone())).unwrap();
    fill(&store).await;
    disk.fail_reads(true);
    let refused = read_all(&store).await;
    assert!(refused > ROWS / 2, "{refused} of {ROWS} reads were refused");
}

/// F-08
#[tokio::test]
async fn bytes_that_change_under_an_open_sled_deceive_nobody() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("store");
    let store: Arc<dyn Storage> = open("sled", &path, small_cache()).unwrap();
    fill(&*store).await;
    let file = fs::OpenOptions::new().read(true).write(true).open(path.join("sled").join("db")).unwrap();
    let bytes = file.metadata().unwrap().len();
    for at in (0..bytes).step_by(3_001) {
        let mut byte = [0];
        file.read_exact_at(&mut byte, at).unwrap();
        file.write_all_at(&[byte[0] ^ 4], at).unwrap();
    }
    let refused = read_all(&*store).await;
    assert!(refused > 0, "no read met the damage");
}
