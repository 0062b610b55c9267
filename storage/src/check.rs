//! Looking at every row of a store that nobody has open: `strongroom store check`.
//!
//! A check reads, and as opening a backend may finish its recovery from a crash, it may write what the next start
//! would write as well. It never repairs a row.
//!
//! The one thing to believe: a report without damage means that every row acknowledged as written is there and is
//! what was written, as far as a sum of 128-bit checksums can tell.

use std::{fmt, path::Path};

use crate::{
    OpenError,
    disk::{Folder, Mark, Meta, StoredRow, catch},
};

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Report {
    /// The backend that keeps the store.
    pub backend: String,
    /// How many whole rows there are.
    pub rows: u64,
    /// The bytes of their values.
    pub value_bytes: u64,
    /// Everything that is not as it was written.
    pub damages: Vec<Damage>,
    sum: u128,
}

/// One damage and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Damage {
    /// Which row, by its key in hexadecimal, or which part of the store.
    pub place: String,
    /// How it shows.
    pub what: String,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.what)
    }
}

impl Report {
    /// Whether nothing is damaged.
    pub fn is_sound(&self) -> bool {
        self.damages.is_empty()
    }

    pub(crate) fn count(&mut self, stored: &StoredRow) {
        self.rows += 1;
        self.value_bytes += stored.row.value.len() as u64;
        self.sum = self.sum.wrapping_add(stored.checksum);
    }

    /// Notes a damage and its place.
    pub fn damage(&mut self, place: impl Into<String>, what: impl Into<String>) {
        self.damages.push(Damage { place: place.into(), what: what.into() });
    }

    /// Compares what was counted with what the store remembers about all rows.
    pub(crate) fn compare(&mut self, meta: &Meta) {
        if self.rows != meta.rows {
            self.damage("row count", format!("{} rows are there, {} were written", self.rows, meta.rows));
        } else if self.sum != meta.sum {
            self.damage("running sum", "some rows are not the ones that were written last");
        }
    }

    /// Refuses a store with damage, by the first place.
    pub(crate) fn into_first_damage(self, path: &Path) -> Result<(), OpenError> {
        match self.damages.first() {
            Some(damage) => Err(OpenError::damaged(path, damage.to_string())),
            None => Ok(()),
        }
    }
}

/// Reads everything in the store at `path`, whichever backend made it, and reports every damage.
///
/// # Errors
/// Whatever keeps the store from being opened at all. A backend that cannot read its own files says so here, as
/// [`OpenError::Damaged`], because then no row can be looked at.
pub fn check(path: impl AsRef<Path>) -> Result<Report, OpenError> {
    let path = path.as_ref();
    let backend = Folder::backend_of(path)?;
    let folder = Folder::open(path, &backend)?;
    let mark = Mark::open(&folder)?;
    let mut report = Report { backend, ..Report::default() };
    match report.backend.as_str() {
        #[cfg(feature = "sled")]
        "sled" => crate::sled::check(&folder, &mark, &mut report)?,
        #[cfg(feature = "redb")]
        "redb" => crate::redb::check(&folder, &mark, &mut report)?,
        other => {
            let reason = format!("this program was built without the {other} backend");
            return Err(OpenError::Failed { path: path.into(), reason });
        }
    }
    Ok(report)
}

/// Goes over all entries of a backend, whatever happens: where it cannot go on from the front, it says so once and
/// takes the rest from the back.
pub(crate) struct Walk<I> {
    entries: I,
    backwards: bool,
    done: bool,
}

impl<I> Walk<I> {
    pub(crate) fn over(entries: I) -> Self {
        Self { entries, backwards: false, done: false }
    }
}

impl<I, T, E> Iterator for Walk<I>
where
    I: DoubleEndedIterator<Item = Result<T, E>>,
    E: fmt::Display,
{
    type Item = Result<T, String>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let (entries, backwards) = (&mut self.entries, self.backwards);
        let step = catch(|| if backwards { entries.next_back() } else { entries.next() });
        let why = match step {
            Ok(None) => {
                self.done = true;
                return None;
            }
            Ok(Some(Ok(entry))) => return Some(Ok(entry)),
            Ok(Some(Err(error))) => error.to_string(),
            Err(words) => words,
        };
        if self.backwards {
            // Here the gap ends that was met from the front.
            self.done = true;
            return None;
        }
        self.backwards = true;
        Some(Err(why))
    }
}
