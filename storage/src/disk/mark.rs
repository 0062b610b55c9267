//! The durable mark: a few bytes beside the data that say how far the data had come.
//!
//! A backend that finds damage in the latest part of its log takes it for a torn write and forgets that part, sum
//! and all, which no checksum inside the data can show. The mark stands outside of it: it is written after a group
//! was made durable, so data that lies behind the mark has lost something.
//!
//! The mark itself is not synced with each group. After a power cut it may be older than the data, never younger.

use std::{
    fs::{File, OpenOptions},
    io,
    os::unix::fs::{FileExt, OpenOptionsExt},
    path::Path,
};

use super::{Folder, Meta, meta::META_BYTES};
use crate::OpenError;

/// The file's name. Removing it tells the store to take the data as it is.
const MARK_FILE: &str = "DURABLE";

/// Two places take turns, each in a sector of its own, so that a torn write leaves the other one.
const PLACE_BYTES: u64 = 4_096;

/// The mark of an open store.
#[derive(Debug)]
pub(crate) struct Mark {
    file: File,
    last: Option<Meta>,
}

impl Mark {
    /// Opens the mark, or makes one.
    pub(crate) fn open(folder: &Folder) -> Result<Self, OpenError> {
        let path = folder.path().join(MARK_FILE);
        let failed = |error: io::Error| OpenError::from_io(&path, &error);
        let is_new = !path.exists();
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(failed)?;
        if is_new {
            // Both places get their blocks now, so that marking never needs room on the device.
            // Its name is made durable with the backend's, before anything is acknowledged.
            file.write_all_at(&[0; 2 * PLACE_BYTES as usize], 0).map_err(failed)?;
            file.sync_all().map_err(failed)?;
        }
        let mut last: Option<Meta> = None;
        for place in 0..2 {
            let mut bytes = [0; META_BYTES];
            if file.read_exact_at(&mut bytes, place * PLACE_BYTES).is_ok()
                && let Ok(meta) = Meta::decode(&bytes)
                && last.is_none_or(|last| meta.group > last.group)
            {
                last = Some(meta);
            }
        }
        Ok(Self { file, last })
    }

    /// Compares the data that was found with the mark.
    ///
    /// # Errors
    /// `Damaged` if the data lies behind.
    pub(crate) fn admits(&self, path: &Path, found: &Meta) -> Result<(), OpenError> {
        let Some(last) = self.last else { return Ok(()) };
        let lost = if found.group < last.group {
            format!("the data ends at commit {}, but commit {} was acknowledged", found.group, last.group)
        } else if found.group == last.group && *found != last {
            format!("commit {} is not the one that was acknowledged", found.group)
        } else {
            return Ok(());
        };
        Err(OpenError::damaged(
            path,
            format!("{lost}; restore a copy, or remove the file {MARK_FILE} to take the data as it is"),
        ))
    }

    /// Notes that `meta` is durable.
    pub(crate) fn write(&mut self, meta: &Meta) -> io::Result<()> {
        self.last = Some(*meta);
        self.file.write_all_at(&meta.encode(), (meta.group % 2) * PLACE_BYTES)
    }

    /// Makes the mark itself durable.
    pub(crate) fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A-STO-02: what a backend silently takes back is noticed.
    #[test]
    fn data_behind_its_mark_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::open(dir.path(), "sled").unwrap();
        let at = |group, sum| Meta { group, sum, ..Meta::default() };
        let mut mark = Mark::open(&folder).unwrap();
        mark.admits(dir.path(), &at(0, 0)).unwrap();
        mark.write(&at(6, 60)).unwrap();
        mark.write(&at(7, 70)).unwrap();

        let mark = Mark::open(&folder).unwrap();
        mark.admits(dir.path(), &at(7, 70)).unwrap();
        mark.admits(dir.path(), &at(8, 1)).unwrap();
        for lost in [at(6, 60), at(7, 71), at(0, 0)] {
            let refusal = mark.admits(dir.path(), &lost).unwrap_err().to_string();
            assert!(refusal.contains("DURABLE"), "{refusal}");
        }
    }

    #[test]
    fn a_torn_mark_falls_back_to_the_one_before() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::open(dir.path(), "sled").unwrap();
        let mut mark = Mark::open(&folder).unwrap();
        mark.write(&Meta { group: 6, ..Meta::default() }).unwrap();
        mark.write(&Meta { group: 7, ..Meta::default() }).unwrap();
        mark.file.write_all_at(&[0xff; 16], PLACE_BYTES).unwrap();
        let mark = Mark::open(&folder).unwrap();
        assert_eq!(mark.last.map(|meta| meta.group), Some(6));
    }
}
