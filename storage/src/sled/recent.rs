//! The rows that were read or written lately, so that most reads never walk sled's tree.
//!
//! It holds what is durable and nothing else: the rows that a group in flight replaces stay in it until the group is
//! on disk. A key whose row is known to be absent is remembered too.
//!
//! It takes no part in the order of things. Whoever remembers what a tree held must keep the writer from changing the
//! tree meanwhile, and the writer must hold everybody off while it remembers what a group left; both is done with the
//! lock around `Live`.

use quick_cache::{Weighter, sync::Cache};

use crate::{Key, Revision, disk::StoredRow};

/// What an entry costs beside the bytes of its key and value, about.
const ENTRY_BYTES: usize = 192;

/// How many bytes an entry is thought to have when the cache is laid out; a wrong guess costs speed only.
const USUAL_BYTES: usize = 1_024;

/// Rows by key, `None` where it is known that there is none.
pub(super) struct Recent(Cache<Key, Option<StoredRow>, Weight>);

#[derive(Clone)]
struct Weight;

impl Weighter<Key, Option<StoredRow>> for Weight {
    fn weight(&self, key: &Key, row: &Option<StoredRow>) -> u64 {
        let value = row.as_ref().map_or(0, |stored| stored.row.value.len());
        (ENTRY_BYTES + key.as_bytes().len() + value) as u64
    }
}

impl Recent {
    /// Room for so many bytes of rows.
    pub(super) fn new(bytes: u64) -> Self {
        let entries = usize::try_from(bytes).unwrap_or(usize::MAX) / USUAL_BYTES;
        Self(Cache::with_weighter(entries, bytes, Weight))
    }

    /// The row under `key`; `None` if nothing is known of it.
    pub(super) fn row(&self, key: &Key) -> Option<Option<StoredRow>> {
        self.0.get(key)
    }

    /// The revision of the row under `key`; `None` if nothing is known of it.
    pub(super) fn revision(&self, key: &Key) -> Option<Option<Revision>> {
        self.row(key).map(|row| row.map(|stored| stored.row.revision))
    }

    pub(super) fn remember(&self, key: Key, row: Option<StoredRow>) {
        self.0.insert(key, row);
    }

    pub(super) fn forget_all(&self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn key(number: usize) -> Key {
        Key::new(number.to_be_bytes().to_vec())
    }

    fn row(key: &Key, bytes: usize) -> StoredRow {
        StoredRow::new(key, Revision(7), Bytes::from(vec![1; bytes]))
    }

    #[test]
    fn what_is_known_to_be_absent_is_not_what_is_unknown() {
        let recent = Recent::new(1 << 20);
        assert!(recent.row(&key(1)).is_none());
        recent.remember(key(1), None);
        assert!(matches!(recent.row(&key(1)), Some(None)));
        recent.remember(key(1), Some(row(&key(1), 10)));
        assert_eq!(recent.revision(&key(1)), Some(Some(Revision(7))));
        recent.forget_all();
        assert!(recent.row(&key(1)).is_none());
    }

    #[test]
    fn it_keeps_to_its_room_and_takes_no_row_larger_than_that() {
        let recent = Recent::new(1 << 20);
        for number in 0..10_000 {
            recent.remember(key(number), Some(row(&key(number), 1_000)));
        }
        assert!(recent.0.weight() <= 1 << 20, "{} bytes are kept", recent.0.weight());
        assert!(recent.0.len() > 100);
        recent.remember(key(1), Some(row(&key(1), 2 << 20)));
        assert!(recent.0.weight() <= 1 << 20);
    }
}
