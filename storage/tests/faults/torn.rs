//! F-04 and F-05: of what was not synced any part may be missing, torn or there before its time.

use std::{
    fs,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use strongroom_storage::{Storage, Syncing, check::check, redb::Redb, sled::Sled};

use crate::{
    device::Disk,
    store::{batch, commit, dose, mix, options, settle},
};

const SECTOR: usize = 512;

/// F-04, F-05
#[tokio::test]
async fn redb_recovers_from_any_tear_to_what_was_acknowledged() {
    for seed in 0..dose(40) {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("store");
        let disk = Disk::default();
        let open = |disk: &Disk| {
            let disk = disk.clone();
            Redb::open_on(&path, options(), move || Ok(disk.clone()))
        };
        let store = open(&disk).unwrap();
        disk.cut_power_after(20 + mix(seed, 0) % 400);
        let acknowledged = write_until_it_fails(&store, seed).await;
        drop(store);

        let left = disk.after_power_cut(seed);
        let store = open(&left).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        let found = settle(&store, seed).await.unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        assert!(
            found == acknowledged || found == acknowledged + 1,
            "seed {seed}: at batch {found} after {acknowledged} was acknowledged"
        );
        commit(&store, batch(seed, found + 1)).await.unwrap();
    }
}

/// F-04, F-05
#[tokio::test]
async fn sled_recovers_from_any_tear_to_what_was_acknowledged() {
    for seed in 0..dose(30) {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("store");
        let data = path.join("sled").join("db");
        let synced: Arc<Mutex<Vec<u8>>> = Arc::default();
        let left = Arc::new(AtomicU64::new(3 + mix(seed, 0) % 8));
        let mut options = options();
        options.sync_hook = Some({
            let (data, synced, left) = (data.clone(), Arc::clone(&synced), Arc::clone(&left));
            Arc::new(move || {
                if left.fetch_sub(1, Ordering::SeqCst) <= 1 {
                    left.store(1, Ordering::SeqCst);
                    return Err(std::io::Error::other("the power is gone"));
                }
                // All of sled's writing is done when a sync begins, so this is what the sync makes durable.
                *synced.lock().expect("no test panics here") = fs::read(&data).unwrap_or_default();
                Ok(Syncing::Real)
            })
        });
        let store = Sled::open(&path, options).unwrap();
        let acknowledged = write_until_it_fails(&store, seed).await;
        drop(store);

        tear(&data, &synced.lock().expect("no test panics here"), seed);
        let store =
            Sled::open(&path, crate::store::options()).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        let found = settle(&store, seed).await.unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        assert!(
            found == acknowledged || found == acknowledged + 1,
            "seed {seed}: at batch {found} after {acknowledged} was acknowledged"
        );
        commit(&store, batch(seed, found + 1)).await.unwrap();
        drop(store);
        let report = check(&path).unwrap();
        assert!(report.is_sound(), "seed {seed}: {:?}", report.damages);
    }
}

/// The number of the last batch that was acknowledged.
async fn write_until_it_fails(store: &dyn Storage, seed: u64) -> u64 {
    for number in 1.. {
        if commit(store, batch(seed, number)).await.is_err() {
            return number - 1;
        }
    }
    unreachable!("the power goes at some time")
}

/// Leaves of what was written after the last sync only the sectors that the seed leaves.
fn tear(data: &Path, synced: &[u8], seed: u64) {
    let mut torn = fs::read(data).expect("the data file");
    // The file may have grown less than was written into it.
    let kept = synced.len() + (mix(seed, 1) as usize) % (torn.len().saturating_sub(synced.len()) + 1);
    torn.truncate(kept.max(synced.len().min(torn.len())));
    for (sector, bytes) in torn.chunks_mut(SECTOR).enumerate() {
        let at = sector * SECTOR;
        let old = synced.get(at..(at + bytes.len()).min(synced.len())).unwrap_or_default();
        if mix(mix(seed, 2), sector as u64).is_multiple_of(2) {
            bytes.fill(0);
            bytes[..old.len()].copy_from_slice(old);
        }
    }
    fs::write(data, torn).expect("the data file");
}
