//! What a decision sees: the rows it asked for, as the earlier decisions of the same batch leave them.

use std::collections::BTreeMap;

use bytes::Bytes;
use strongroom_storage::{Guard, Key, Range, Revision, Row, Write};

use super::{Hold, RangeRead, Reads};
use crate::{
    codec::{self, Stored},
    error::EngineError,
};

/// The rows of one batch: what storage had, and what the batch makes of it.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    rows: BTreeMap<Key, Seen>,
    ranges: Vec<LoadedRange>,
}

#[derive(Debug)]
struct Seen {
    /// What storage had.
    stored: Option<Revision>,
    /// What the batch makes of it.
    value: Option<Bytes>,
    hold: Hold,
    written: bool,
}

#[derive(Debug)]
struct LoadedRange {
    read: RangeRead,
    next: Option<Key>,
}

impl Rows {
    pub(crate) fn has(&self, key: &Key) -> bool {
        self.rows.contains_key(key)
    }

    /// Whether this very range is there already; if so it becomes the one that is looked at.
    pub(crate) fn has_range(&mut self, read: &RangeRead) -> bool {
        let Some(at) = self.ranges.iter().position(|loaded| loaded.read == *read) else {
            return false;
        };
        let loaded = self.ranges.remove(at);
        self.ranges.push(loaded);
        true
    }

    fn is_held(&self, key: &Key, hold: Hold) -> bool {
        self.rows.get(key).is_some_and(|seen| seen.hold >= hold)
    }

    /// Strengthens how a known row is held.
    pub(crate) fn hold(&mut self, key: &Key, hold: Hold) {
        if let Some(seen) = self.rows.get_mut(key) {
            seen.hold = seen.hold.max(hold);
        }
    }

    pub(crate) fn load(&mut self, key: Key, row: Option<Row>, hold: Hold) {
        self.rows.entry(key).or_insert_with(|| {
            let (stored, value) = row.map(|row| (row.revision, row.value)).unzip();
            Seen { stored, value, hold, written: false }
        });
    }

    pub(crate) fn load_range(&mut self, read: RangeRead, rows: Vec<(Key, Row)>, next: Option<Key>) {
        for (key, row) in rows {
            self.load(key, Some(row), Hold::Hint);
        }
        self.ranges.push(LoadedRange { read, next });
    }

    pub(crate) fn write(&mut self, key: Key, value: Option<Bytes>) {
        let seen = self.rows.entry(key).or_insert(Seen {
            stored: None,
            value: None,
            // A row that is written unseen is not guarded: there is no revision to hold it to.
            hold: Hold::Hint,
            written: false,
        });
        seen.value = value;
        seen.written = true;
    }

    pub(crate) fn value(&self, key: &Key) -> Option<&Bytes> {
        self.rows.get(key).and_then(|seen| seen.value.as_ref())
    }

    /// Whether the batch writes this row.
    pub(crate) fn written(&self, key: &Key) -> bool {
        self.rows.get(key).is_some_and(|seen| seen.written)
    }

    pub(crate) fn guards(&self) -> Vec<Guard> {
        self.rows
            .iter()
            .filter(|(_, seen)| seen.hold == Hold::Guarded)
            .map(|(key, seen)| match seen.stored {
                Some(revision) => Guard::At(key.clone(), revision),
                None => Guard::Absent(key.clone()),
            })
            .collect()
    }

    /// The guarded keys and the revisions they were read at.
    pub(crate) fn guarded(&self) -> impl Iterator<Item = (&Key, Option<Revision>)> {
        self.rows.iter().filter(|(_, seen)| seen.hold == Hold::Guarded).map(|(key, seen)| (key, seen.stored))
    }

    pub(crate) fn writes(&self) -> Vec<Write> {
        self.rows
            .iter()
            .filter(|(_, seen)| seen.written)
            .map(|(key, seen)| match &seen.value {
                Some(value) => Write::Put(key.clone(), value.clone()),
                None => Write::Delete(key.clone()),
            })
            .collect()
    }
}

/// Rows of a range in key order, and where the range goes on if it does.
pub type Stretch<T> = (Vec<(Key, T)>, Option<Key>);

/// The rows that a decision asked for.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    rows: &'a Rows,
}

impl<'a> View<'a> {
    pub(crate) fn new(rows: &'a Rows) -> Self {
        Self { rows }
    }

    /// The row under `key`, if there is one.
    ///
    /// # Errors
    /// [`EngineError::Corrupt`] if it does not decode; [`EngineError::Fault`] if the command did not ask for it.
    pub fn row<T: Stored>(&self, key: &Key) -> Result<Option<T>, EngineError> {
        if !self.rows.has(key) {
            tracing::error!(
                ?key,
                row = std::any::type_name::<T>(),
                "a decision looked at a row it did not ask for"
            );
            return Err(EngineError::Fault);
        }
        self.rows.value(key).map(|bytes| codec::decode(bytes)).transpose()
    }

    /// Whether there is a row under `key`, whatever it holds.
    ///
    /// # Errors
    /// [`EngineError::Fault`] if the command did not ask for it.
    pub fn is_there(&self, key: &Key) -> Result<bool, EngineError> {
        if !self.rows.has(key) {
            tracing::error!(?key, "a decision looked at a row it did not ask for");
            return Err(EngineError::Fault);
        }
        Ok(self.rows.value(key).is_some())
    }

    /// The revision of the row under `key` that storage had, if there is one and the batch leaves it as it is: as long as
    /// this is the same, the row is.
    pub(crate) fn revision(&self, key: &Key) -> Option<Revision> {
        self.rows.rows.get(key).filter(|seen| !seen.written)?.stored
    }

    /// Whether the row under `key` has been read.
    pub fn has(&self, key: &Key) -> bool {
        self.rows.has(key)
    }

    /// What a rule has yet to see of these: all of them, if one is missing or is held less firmly; `None` otherwise.
    ///
    /// That one of several rows is there says nothing of the others: it may be there for the caller's sake, or for
    /// another command of the same batch, or be what was read before a store failed.
    pub(crate) fn lacks(&self, reads: Reads) -> Option<Reads> {
        let seen = reads.rows.iter().all(|(key, hold)| self.rows.is_held(key, *hold))
            && reads.ranges.iter().all(|range| self.has_range(&range.prefix));
        (!seen).then_some(reads)
    }

    /// Whether the rows under `prefix` have been read.
    pub fn has_range(&self, prefix: &Key) -> bool {
        self.rows.ranges.iter().any(|loaded| loaded.read.prefix == *prefix)
    }

    /// The rows under `prefix` that have been read, in key order, and where the range goes on if it does.
    ///
    /// # Errors
    /// [`EngineError::Corrupt`] if one does not decode; [`EngineError::Fault`] if the command did not ask for it.
    pub fn range<T: Stored>(&self, prefix: &Key) -> Result<Stretch<T>, EngineError> {
        let (range, next) = self.loaded(prefix)?;
        let rows = self
            .live(&range)
            .map(|(key, value)| Ok((key.clone(), codec::decode(value)?)))
            .collect::<Result<_, _>>()?;
        Ok((rows, next))
    }

    /// The keys under `prefix` that have rows, whatever these hold.
    ///
    /// # Errors
    /// [`EngineError::Fault`] if the command did not ask for the range.
    pub fn keys(&self, prefix: &Key) -> Result<(Vec<Key>, Option<Key>), EngineError> {
        let (range, next) = self.loaded(prefix)?;
        Ok((self.live(&range).map(|(key, _)| key.clone()).collect(), next))
    }

    fn loaded(&self, prefix: &Key) -> Result<(Range, Option<Key>), EngineError> {
        let Some(loaded) = self.rows.ranges.iter().rev().find(|loaded| loaded.read.prefix == *prefix) else {
            tracing::error!(?prefix, "a decision looked at a range it did not ask for");
            return Err(EngineError::Fault);
        };
        let mut range = Range::prefix(prefix, usize::MAX);
        if let Some(from) = &loaded.read.from {
            range = range.from(from.clone());
        }
        if let Some(next) = &loaded.next {
            range.end = Some(next.clone());
        }
        Ok((range, loaded.next.clone()))
    }

    fn live(&self, range: &Range) -> impl Iterator<Item = (&'a Key, &'a Bytes)> {
        let range = range.clone();
        self.rows
            .rows
            .range(range.start.clone()..)
            .take_while(move |(key, _)| range.contains(key))
            .filter_map(|(key, seen)| seen.value.as_ref().map(|value| (key, value)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a batch has written is not what storage had under the revision that was read.
    #[test]
    fn a_row_that_the_batch_writes_has_no_revision() {
        let key = |name: &'static [u8]| Key::from_static(name);
        let mut rows = Rows::default();
        rows.load(
            key(b"a"),
            Some(Row { revision: Revision(7), value: Bytes::from_static(b"x") }),
            Hold::Guarded,
        );
        rows.load(key(b"b"), None, Hold::Guarded);
        assert_eq!(View::new(&rows).revision(&key(b"a")), Some(Revision(7)));
        rows.write(key(b"a"), Some(Bytes::from_static(b"y")));
        for name in [&b"a"[..], b"b", b"c"] {
            assert_eq!(View::new(&rows).revision(&key(name)), None);
        }
    }
}
