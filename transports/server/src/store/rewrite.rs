//! Encrypting a store, taking the encryption off, and changing its root key: all rows are written anew, into a new store
//! that then takes the place of the old one.
//!
//! They are not changed in place, because both backends keep for long what they have replaced.
//!
//! | on disk | after a crash, the next `store encrypt`, `decrypt` or `rekey` |
//! |---|---|
//! | `store`, `store.new` | throws `store.new` away and begins again |
//! | `store`, `store.next` | goes on: `store.next` is whole and was compared with `store` |
//! | `store.old`, `store.next` | goes on |
//! | `store`, `store.old` | deletes `store.old` |
//!
//! The one thing to believe: at each of these moments one of the folders holds every row, and no server starts beside
//! an unfinished one.

use std::{collections::VecDeque, fs, io, path::Path, sync::Arc};

use anyhow::{Context, ensure};
use indicatif::ProgressBar;
use strongroom_storage::{Batch, Key, Range, RootKey, Row, Storage, StorageError, Write, check::check};

use super::disk::{DiskStore, unlock, wall_clock};
use crate::{
    config::Storage as Settings,
    data::{DataFolder, sync_folder},
};

/// How much is written in one batch, in bytes.
const BATCH_BYTES: usize = 2 * 1024 * 1024;

/// Refuses a data folder in which a rewrite was cut off.
///
/// # Errors
/// One line that names the command to run.
pub(crate) fn refuse_unfinished(data: &DataFolder) -> anyhow::Result<()> {
    for folder in [data.unfinished_store(), data.next_store(), data.former_store()] {
        ensure!(
            !folder.exists(),
            "{} is there: a rewrite of the store was cut off; run the `strongroom store` command that did it (encrypt, \
             decrypt or rekey) again",
            folder.display()
        );
    }
    Ok(())
}

/// Finishes or undoes what an earlier rewrite left, as the table above says. The caller keeps the folder to itself.
///
/// # Errors
/// If a folder cannot be renamed or deleted.
pub(super) fn finish(data: &DataFolder) -> anyhow::Result<()> {
    let (store, next, former) = (data.store(), data.next_store(), data.former_store());
    if next.exists() {
        if store.exists() {
            rename(&store, &former)?;
        }
        rename(&next, &store)?;
    }
    for left in [former, data.unfinished_store()] {
        if store.exists() && left.exists() {
            fs::remove_dir_all(&left)
                .and_then(|()| sync_folder(above(&left)))
                .with_context(|| format!("{} cannot be deleted", left.display()))?;
        }
    }
    Ok(())
}

/// Writes every row of the store anew, from under the one key to under the other, compares, and puts the new store in
/// the place of the old one. Says how many rows there are. The caller keeps the folder to itself, and nothing unfinished
/// lies in it.
///
/// # Errors
/// If the store is damaged or open elsewhere, there is no room, or what was written is not what was read: the store is
/// as it was.
pub(super) async fn rewrite(
    data: &DataFolder,
    settings: &Settings,
    from: Option<&RootKey>,
    to: Option<&RootKey>,
    bar: impl FnOnce(u64) -> ProgressBar,
) -> anyhow::Result<u64> {
    let report = check(data.store())?;
    ensure!(report.is_sound(), "{} is damaged; see `strongroom store check`", data.store().display());
    // Everything is read and written once, and then read once more.
    let bar = bar(report.value_bytes * 2);
    let old = open(&data.store(), settings, 0)?;
    // The new store's time begins where the old one's had come, so that nothing expired is good again.
    let new = open(&data.unfinished_store(), settings, old.storage().info().high_water_ms)?;
    let written = async {
        let source = unlock(old.storage(), from, &data.store()).await?;
        let target = unlock(new.storage(), to, &data.unfinished_store()).await?;
        let rows = copy(&source, &target, &bar).await?;
        compare(&source, &target, &bar).await?;
        anyhow::Ok(rows)
    };
    let written = written.await;
    new.close().await?;
    old.close().await?;
    bar.finish_and_clear();
    if written.is_ok() {
        rename(&data.unfinished_store(), &data.next_store())?;
    }
    // Where something failed, this throws away what was written.
    finish(data)?;
    written
}

/// Opens a store whose time is `since_ms`, in milliseconds since 1970, or later.
fn open(path: &Path, settings: &Settings, since_ms: u64) -> anyhow::Result<DiskStore> {
    let wall = wall_clock();
    let clock = Arc::new(move || wall().max(since_ms));
    let store = DiskStore::open_at(path, settings.kind, settings.cache_bytes, clock)?;
    store.context("a store in memory is not kept, and has nothing to rewrite")
}

async fn copy(source: &dyn Storage, target: &dyn Storage, bar: &ProgressBar) -> Result<u64, StorageError> {
    let mut rows = Rows::of(source);
    let (mut batch, mut bytes, mut copied) = (Batch::default(), 0, 0);
    while let Some((key, row)) = rows.next().await? {
        bytes += key.as_bytes().len() + row.value.len();
        bar.inc(row.value.len() as u64);
        batch.writes.push(Write::Put(key, row.value));
        copied += 1;
        if bytes >= BATCH_BYTES {
            target.commit(std::mem::take(&mut batch)).await?;
            bytes = 0;
        }
    }
    target.commit(batch).await?;
    Ok(copied)
}

/// Whether both hold the same rows.
async fn compare(source: &dyn Storage, target: &dyn Storage, bar: &ProgressBar) -> anyhow::Result<()> {
    let (mut read, mut written) = (Rows::of(source), Rows::of(target));
    loop {
        let (read, written) = (read.next().await?, written.next().await?);
        let value = |found: Option<(Key, Row)>| found.map(|(key, row)| (key, row.value));
        let (read, written) = (value(read), value(written));
        ensure!(read == written, "what was written is not what was read; nothing was changed");
        match read {
            Some((_, value)) => bar.inc(value.len() as u64),
            None => return Ok(()),
        }
    }
}

/// All rows of a store, one after another.
struct Rows<'a> {
    storage: &'a dyn Storage,
    page: VecDeque<(Key, Row)>,
    next: Option<Range>,
}

impl<'a> Rows<'a> {
    fn of(storage: &'a dyn Storage) -> Self {
        Self { storage, page: VecDeque::new(), next: Some(Range::all(usize::MAX)) }
    }

    async fn next(&mut self) -> Result<Option<(Key, Row)>, StorageError> {
        while self.page.is_empty()
            && let Some(range) = self.next.take()
        {
            let page = self.storage.scan(range.clone()).await?;
            self.next = page.next.map(|next| range.from(next));
            self.page = page.rows.into();
        }
        Ok(self.page.pop_front())
    }
}

fn rename(from: &Path, to: &Path) -> anyhow::Result<()> {
    let rename = || -> io::Result<()> {
        fs::rename(from, to)?;
        sync_folder(above(to))
    };
    rename().with_context(|| format!("{} cannot be renamed to {}", from.display(), to.display()))
}

fn above(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new(""))
}

#[cfg(test)]
mod tests;
