//! Key ranges and the pages they are read in.

use crate::{Key, Row};

/// The most rows one page holds, whatever was asked for.
pub const SCAN_ROWS_MAX: usize = 4_096;

/// A page ends once it holds this many bytes of values; it always holds at least one row if there is one.
pub const SCAN_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Keys from `start` (included) up to `end` (excluded; `None` for no upper end), at most `limit` rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Range {
    /// The first key that may appear.
    pub start: Key,
    /// The first key that may not.
    pub end: Option<Key>,
    /// How many rows the caller wants; clamped to `1..=SCAN_ROWS_MAX`.
    pub limit: usize,
}

impl Range {
    /// Everything in the store.
    pub fn all(limit: usize) -> Self {
        Self { start: Key::from_static(b""), end: None, limit }
    }

    /// All keys that begin with `prefix`.
    pub fn prefix(prefix: &Key, limit: usize) -> Self {
        Self { start: prefix.clone(), end: prefix.prefix_end(), limit }
    }

    /// The same range from `cursor` (included) on. A cursor before the range's start changes nothing.
    pub fn from(mut self, cursor: Key) -> Self {
        self.start = self.start.max(cursor);
        self
    }

    /// The same range after `cursor` (excluded).
    pub fn after(self, cursor: &Key) -> Self {
        let next = cursor.successor();
        self.from(next)
    }

    /// The number of rows a backend should return at most.
    pub fn rows_max(&self) -> usize {
        self.limit.clamp(1, SCAN_ROWS_MAX)
    }

    /// Whether `key` lies in the range.
    pub fn contains(&self, key: &Key) -> bool {
        *key >= self.start && self.end.as_ref().is_none_or(|end| key < end)
    }
}

/// A stretch of rows in ascending key order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Page {
    /// The rows.
    pub rows: Vec<(Key, Row)>,
    /// Where to go on with [`Range::from`]; `None` when the range is exhausted.
    pub next: Option<Key>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_of_all_ones_has_no_end() {
        let range = Range::prefix(&Key::from_static(&[0xff, 0xff]), 10);
        assert_eq!(range.end, None);
        assert!(range.contains(&Key::from_static(&[0xff, 0xff, 0xff])));
        assert!(!range.contains(&Key::from_static(&[0xff, 0xfe])));
    }

    #[test]
    fn after_leaves_out_its_cursor_and_nothing_else() {
        let range = Range::prefix(&Key::from_static(b"a"), 10).after(&Key::from_static(b"ab"));
        assert!(!range.contains(&Key::from_static(b"ab")));
        assert!(range.contains(&Key::from_static(b"ab\0")));
    }
}
