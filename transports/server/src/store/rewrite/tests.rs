//! F-02: whatever moment a rewrite is cut off at, the next one ends with every row in one store.

use std::path::PathBuf;

use strongroom_storage::{Encryption, Memory};
use tempfile::TempDir;
use zeroize::Zeroizing;

use super::*;
use crate::config::StorageKind;

const ROWS: usize = 700;

struct Case {
    _folder: TempDir,
    data: DataFolder,
    settings: Settings,
}

fn root(byte: u8) -> RootKey {
    RootKey::new(Zeroizing::new([byte; 32]))
}

impl Case {
    /// A data folder with a plain store in it.
    async fn new(kind: StorageKind) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = DataFolder::open_or_make(&folder.path().join("data")).unwrap();
        let settings = Settings { kind, cache_bytes: 1024 * 1024, ..Settings::default() };
        let case = Self { _folder: folder, data, settings };
        let store = open(&case.data.store(), &case.settings, 4_000_000_000_000).unwrap();
        for (key, value) in case.rows() {
            let writes = vec![Write::Put(key, value.into())];
            store.storage().commit(Batch { writes, ..Batch::default() }).await.unwrap();
        }
        store.close().await.unwrap();
        case
    }

    fn rows(&self) -> Vec<(Key, Vec<u8>)> {
        let row = |n: usize| {
            // Some rows are larger than a batch of the rewrite.
            let bytes = if n.is_multiple_of(300) { BATCH_BYTES } else { n };
            (Key::new(format!("{n:05}").into_bytes()), vec![n as u8; bytes])
        };
        (0..ROWS).step_by(10).map(row).collect()
    }

    /// What lies in the store under this key, and how far its time has come.
    async fn read(&self, root: Option<&RootKey>) -> (Vec<(Key, Vec<u8>)>, u64) {
        let store = open(&self.data.store(), &self.settings, 0).unwrap();
        let storage = unlock(store.storage(), root, &self.data.store()).await.unwrap();
        let (mut rows, mut found) = (Rows::of(&storage), Vec::new());
        while let Some((key, row)) = rows.next().await.unwrap() {
            found.push((key, row.value.to_vec()));
        }
        let high_water_ms = storage.info().high_water_ms;
        store.close().await.unwrap();
        (found, high_water_ms)
    }

    async fn rewrite(&self, from: Option<&RootKey>, to: Option<&RootKey>) -> anyhow::Result<u64> {
        rewrite(&self.data, &self.settings, from, to, |_| ProgressBar::hidden()).await
    }

    fn folders(&self) -> [PathBuf; 4] {
        let data = &self.data;
        [data.store(), data.unfinished_store(), data.next_store(), data.former_store()]
    }

    /// Which of `store`, `store.new`, `store.next` and `store.old` are there.
    fn there(&self) -> [bool; 4] {
        self.folders().map(|folder| folder.exists())
    }
}

async fn goes_there_and_back(kind: StorageKind) {
    let case = Case::new(kind).await;
    let (before, high_water_ms) = case.read(None).await;
    assert_eq!(before, case.rows());
    for (from, to) in [(None, Some(root(1))), (Some(root(1)), Some(root(2))), (Some(root(2)), None)] {
        let rows = case.rewrite(from.as_ref(), to.as_ref()).await.unwrap();
        assert_eq!(rows as usize, before.len());
        assert_eq!(case.there(), [true, false, false, false]);
        assert!(case.read(to.as_ref()).await == (before.clone(), high_water_ms), "rows or time changed");
    }
}

#[tokio::test]
async fn a_sled_store_is_encrypted_rekeyed_and_decrypted() {
    goes_there_and_back(StorageKind::Sled).await;
}

#[tokio::test]
async fn a_redb_store_is_encrypted_rekeyed_and_decrypted() {
    goes_there_and_back(StorageKind::Redb).await;
}

#[tokio::test]
async fn a_rewrite_from_under_the_wrong_key_changes_nothing_and_leaves_nothing() {
    let case = Case::new(StorageKind::Sled).await;
    case.rewrite(None, Some(&root(1))).await.unwrap();
    assert!(case.rewrite(Some(&root(2)), None).await.is_err());
    assert_eq!(case.there(), [true, false, false, false]);
    assert_eq!(case.read(Some(&root(1))).await.0, case.rows());
}

#[tokio::test]
async fn a_row_that_is_missing_added_or_other_is_seen_by_the_comparison() {
    let holding = async |rows: &[(&'static str, &'static str)]| {
        let store = Memory::new(wall_clock());
        let put = |(key, value): &(&'static str, &'static str)| {
            Write::Put(Key::from_static(key.as_bytes()), value.as_bytes().to_vec().into())
        };
        let writes = rows.iter().map(put).collect();
        store.commit(Batch { writes, ..Batch::default() }).await.unwrap();
        store
    };
    let rows = holding(&[("a", "1"), ("b", "2")]).await;
    let hidden = ProgressBar::hidden();
    compare(&rows, &holding(&[("a", "1"), ("b", "2")]).await, &hidden).await.unwrap();
    for other in [
        &[("a", "1")][..],
        &[("a", "1"), ("b", "2"), ("c", "3")],
        &[("a", "1"), ("b", "3")],
        &[("a", "1"), ("c", "2")],
    ] {
        assert!(compare(&rows, &holding(other).await, &hidden).await.is_err(), "{other:?}");
    }
}

#[tokio::test]
async fn what_was_cut_off_while_it_was_written_is_thrown_away() {
    let case = Case::new(StorageKind::Sled).await;
    let new = open(&case.data.unfinished_store(), &case.settings, 0).unwrap();
    unlock(new.storage(), Some(&root(1)), &case.data.unfinished_store()).await.unwrap();
    new.close().await.unwrap();
    assert!(refuse_unfinished(&case.data).is_err());
    finish(&case.data).unwrap();
    assert_eq!(case.there(), [true, false, false, false]);
    assert_eq!(case.read(None).await.0, case.rows());
}

/// The three moments after the rows were compared: before the first rename, between both, before the deletion.
#[tokio::test]
async fn what_was_cut_off_after_it_was_whole_is_finished() {
    for moment in 0..3 {
        let case = Case::new(StorageKind::Sled).await;
        let [store, _, next, former] = case.folders();
        // The plain store is put aside while the encrypted one is made, and then both stand as at that moment.
        let aside = store.with_extension("aside");
        fs::create_dir(&aside).unwrap();
        copy_folder(&store, &aside);
        case.rewrite(None, Some(&root(1))).await.unwrap();
        match moment {
            0 => {
                fs::rename(&store, &next).unwrap();
                fs::rename(&aside, &store).unwrap();
            }
            1 => {
                fs::rename(&store, &next).unwrap();
                fs::rename(&aside, &former).unwrap();
            }
            _ => fs::rename(&aside, &former).unwrap(),
        }
        assert!(refuse_unfinished(&case.data).is_err(), "a server would start at moment {moment}");
        finish(&case.data).unwrap();
        assert_eq!(case.there(), [true, false, false, false], "moment {moment}");
        refuse_unfinished(&case.data).unwrap();
        let opened = open(&store, &case.settings, 0).unwrap();
        let found = Encryption::of(&opened.storage()).await;
        opened.close().await.unwrap();
        assert_eq!(found, Ok(Encryption::Under(root(1).id())), "moment {moment}");
        assert_eq!(case.read(Some(&root(1))).await.0, case.rows(), "moment {moment}");
    }
}

fn copy_folder(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let (from, to) = {
            let path = entry.unwrap().path();
            (path.clone(), to.join(path.file_name().unwrap()))
        };
        if from.is_dir() {
            fs::create_dir(&to).unwrap();
            copy_folder(&from, &to);
        } else {
            fs::copy(&from, &to).unwrap();
        }
    }
}
