//! The rows that a decision wants to see, and how firmly it holds them.

use strongroom_storage::Key;

/// Rows and ranges to read. Every row named with [`Reads::row`] becomes a precondition of the commit.
#[derive(Debug, Clone, Default)]
pub struct Reads {
    pub(crate) rows: Vec<(Key, Hold)>,
    pub(crate) ranges: Vec<RangeRead>,
}

/// How a row is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Hold {
    /// Shown but not guarded.
    Hint,
    /// Guarded at the revision that was read.
    Guarded,
}

/// A stretch of keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RangeRead {
    pub(crate) prefix: Key,
    pub(crate) from: Option<Key>,
    pub(crate) limit: usize,
}

impl Reads {
    /// No rows.
    pub fn none() -> Self {
        Self::default()
    }

    /// One guarded row.
    pub fn one(key: Key) -> Self {
        Self::none().row(key)
    }

    /// And this row, guarded.
    pub fn row(mut self, key: Key) -> Self {
        self.rows.push((key, Hold::Guarded));
        self
    }

    /// And this row, unguarded: for what may be out of date without harm, and for what never changes without a
    /// guarded row that names it.
    pub fn hint(mut self, key: Key) -> Self {
        self.rows.push((key, Hold::Hint));
        self
    }

    /// And up to `limit` rows under `prefix`, from `from` on. `generation` is the row that every writer under the
    /// prefix also writes; it is guarded in the range's place.
    pub fn range(mut self, prefix: Key, from: Option<Key>, limit: usize, generation: Key) -> Self {
        self.rows.push((generation, Hold::Guarded));
        self.ranges.push(RangeRead { prefix, from, limit });
        self
    }

    /// And up to `limit` rows under `prefix`, unguarded.
    pub fn range_hint(mut self, prefix: Key, from: Option<Key>, limit: usize) -> Self {
        self.ranges.push(RangeRead { prefix, from, limit });
        self
    }

    /// Whether nothing is to be read.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.ranges.is_empty()
    }

    /// And everything that `other` reads.
    pub fn and(mut self, other: Self) -> Self {
        self.rows.extend(other.rows);
        self.ranges.extend(other.ranges);
        self
    }
}
