//! F-07: the device is full, then it is not. Needs root to mount a small file system of its own.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};

use strongroom_storage::{Storage, StorageError, check::check};

use crate::store::{BACKENDS, commit, open, options, put, value};

/// A small file system in memory; unmounted when dropped, also in a failing test.
struct Small(PathBuf);

impl Small {
    fn mount(at: &Path, mebibytes: u32) -> Option<Self> {
        fs::create_dir_all(at).expect("a folder");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &format!("size={mebibytes}m"), "tmpfs"]).arg(at);
        let usable = mount.output().is_ok_and(|output| output.status.success());
        if !usable {
            eprintln!("SKIPPED a test of full devices: it needs root to mount a small file system");
        }
        usable.then(|| Self(at.into()))
    }

    /// Takes all room but so many bytes.
    fn fill_up_to(&self, left: usize) {
        let mut ballast = fs::File::create(self.0.join("ballast")).expect("a file");
        let block = vec![0; 16 * 1024];
        while ballast.write_all(&block).is_ok() {}
        let size = ballast.metadata().expect("its size").len();
        ballast.set_len(size.saturating_sub(left as u64)).expect("it shrinks");
    }

    fn make_room(&self) {
        fs::remove_file(self.0.join("ballast")).expect("there is ballast");
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

/// F-07
#[tokio::test]
async fn a_full_device_refuses_writes_and_goes_on_reading() {
    for backend in BACKENDS {
        let root = tempfile::tempdir().unwrap();
        let Some(small) = Small::mount(&root.path().join("device"), 64) else { return };
        let path = small.0.join("store");
        let store = open(backend, &path, options()).unwrap();
        commit(&*store, [put("before", "1")]).await.unwrap();

        small.fill_up_to(1 << 20);
        for _ in 0..3 {
            assert_eq!(commit(&*store, [put("during", "1")]).await, Err(StorageError::Full), "{backend}");
        }
        assert_eq!(value(&*store, "before").await, Ok(Some("1".into())), "{backend}");
        assert_eq!(value(&*store, "during").await, Ok(None), "{backend}");
        assert!(store.info().refusing_writes.is_some(), "{backend}");

        small.make_room();
        assert_eq!(store.info().refusing_writes, None, "{backend}");
        commit(&*store, [put("after", "1")]).await.unwrap();
        assert_eq!(value(&*store, "before").await, Ok(Some("1".into())), "{backend}");
        drop(store);
        assert!(check(&path).unwrap().is_sound(), "{backend}");
    }
}

/// F-07, where somebody else took the room after the writer had looked, so that the backend itself runs into the end
/// of the device. sled then cannot finish splitting pages, so a read of one may be refused until there is room; none
/// is wrong.
#[tokio::test]
async fn a_backend_that_met_the_end_of_its_device_comes_back_without_a_restart() {
    for backend in BACKENDS {
        let root = tempfile::tempdir().unwrap();
        let Some(small) = Small::mount(&root.path().join("device"), 96) else { return };
        let path = small.0.join("store");
        let mut blind = options();
        blind.looks_for_room = false;
        let store: Arc<dyn Storage> = open(backend, &path, blind).unwrap();
        let mut acknowledged = Vec::new();
        for round in 0..3 {
            for n in 0..20 {
                let name = format!("round {round} row {n}");
                commit(&*store, [put(&name, vec![n; 20_000])]).await.unwrap();
                acknowledged.push((name, n));
            }
            small.fill_up_to(300_000);
            let mut failures = 0;
            for n in 0..50 {
                let name = format!("round {round} full {n}");
                match commit(&*store, [put(&name, vec![n; 100_000])]).await {
                    Ok(_) => acknowledged.push((name, n)),
                    Err(StorageError::Full | StorageError::Unavailable { .. }) => failures += 1,
                    Err(other) => panic!("{backend}: {other}"),
                }
                for (name, n) in acknowledged.iter().rev().take(3) {
                    match value(&*store, name).await {
                        Ok(found) => {
                            let found = found.expect("an acknowledged row");
                            assert!(found.iter().all(|byte| byte == n), "{backend}: {name} is wrong");
                        }
                        Err(StorageError::Unavailable { .. }) if backend == "sled" => {}
                        Err(other) => panic!("{backend}: {other}"),
                    }
                }
            }
            assert!(failures > 0, "{backend}: the device was never full");
            assert!(store.info().refusing_writes.is_some(), "{backend}");
            small.make_room();
        }
        commit(&*store, [put("after", "1")]).await.unwrap();
        assert_eq!(store.info().refusing_writes, None, "{backend}");
        for (name, n) in &acknowledged {
            let found = value(&*store, name).await.unwrap();
            let found = found.unwrap_or_else(|| panic!("{backend}: {name} is lost"));
            assert!(found.iter().all(|byte| byte == n), "{backend}: {name} is wrong");
        }
        drop(store);
        let report = check(&path).unwrap();
        assert!(report.is_sound(), "{backend}: {:?}", report.damages);
    }
}
