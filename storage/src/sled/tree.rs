//! sled itself, behind its own words: rows in, rows out, every panic and error caught and named.

use std::{
    collections::BTreeMap,
    fmt,
    fs::{self, File, TryLockError},
    io,
    path::Path,
    thread,
    time::Duration,
};

use bytes::Bytes;
use sled::IVec;

use super::{
    Before,
    layout::{self, HEAD, META, PIECE, SEGMENT_BYTES, VALUE_BYTES},
};
use crate::{
    Key, OpenError, Page, Range, Revision, SCAN_BYTES_MAX, StorageError,
    check::{Report, Walk},
    disk::{
        CHECKED_AT_OPEN_BYTES_MAX, Change, FORMAT, Head, Meta, MetaError, StoredRow, catch, corrupt, hex,
    },
};

/// How often, and how long apart, a lock that a closing sled still holds is tried again: 2 s in all.
const RELEASE_TRIES: u32 = 400;
const RELEASE_PAUSE: Duration = Duration::from_millis(5);

/// An open sled. Clones share it.
#[derive(Clone)]
pub(super) struct Tree(sled::Db);

/// What went wrong inside sled.
#[derive(Debug)]
pub(super) enum SledFault {
    /// An error it returned.
    Error(sled::Error),
    /// A panic, by its words.
    Panic(String),
}

impl SledFault {
    /// Whether the device had no room.
    pub(super) fn is_full(&self) -> bool {
        matches!(self, Self::Error(sled::Error::Io(error))
            if matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded))
    }

    /// What it means when it stands in the way of opening.
    pub(super) fn at_open(&self, path: &Path) -> OpenError {
        match self {
            Self::Error(sled::Error::Io(error)) if error.kind() != io::ErrorKind::UnexpectedEof => {
                OpenError::from_io(path, error)
            }
            Self::Error(sled::Error::Unsupported(words)) => {
                OpenError::Failed { path: path.into(), reason: words.clone() }
            }
            damage => OpenError::damaged(path, format!("sled cannot read its files: {damage}")),
        }
    }

    /// What it means to somebody who reads the row under `key`.
    fn at_read(&self, key: &Key) -> StorageError {
        match self {
            Self::Error(sled::Error::Io(error)) if error.kind() != io::ErrorKind::UnexpectedEof => {
                StorageError::unavailable(format!("reading failed: {error}"))
            }
            damage => {
                tracing::error!(key = %hex(key.as_bytes()), %damage, "sled cannot read a row");
                corrupt(key)
            }
        }
    }
}

impl fmt::Display for SledFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // sled's messages run over several lines; an operator gets one.
        let words = match self {
            Self::Error(error) => error.to_string(),
            Self::Panic(words) => words.clone(),
        };
        words.split_whitespace().enumerate().try_for_each(|(at, word)| {
            if at > 0 {
                f.write_str(" ")?;
            }
            f.write_str(word)
        })
    }
}

/// Runs a call into sled.
fn call<T>(work: impl FnOnce() -> sled::Result<T>) -> Result<T, SledFault> {
    match catch(work) {
        Ok(outcome) => outcome.map_err(SledFault::Error),
        Err(words) => Err(SledFault::Panic(words)),
    }
}

impl Tree {
    /// Opens sled's folder, or makes it.
    pub(super) fn open(path: &Path, cache_bytes: u64) -> Result<Self, OpenError> {
        let config = sled::Config::new()
            .path(path)
            .cache_capacity(cache_bytes)
            .flush_every_ms(None)
            .segment_size(SEGMENT_BYTES);
        call(|| config.open()).map(Self).map_err(|fault| fault.at_open(path))
    }

    /// The meta row; an empty store has none.
    pub(super) fn meta(&self, path: &Path) -> Result<Meta, OpenError> {
        match call(|| self.0.get(META)).map_err(|fault| fault.at_open(path))? {
            Some(bytes) => Meta::decode(&bytes).map_err(|error| match error {
                MetaError::Newer(found) => {
                    OpenError::NewerFormat { path: path.into(), found: found.into(), known: FORMAT.into() }
                }
                MetaError::Damaged => OpenError::damaged(path, "the meta row is not what was written"),
            }),
            None if call(|| self.0.first()).map_err(|fault| fault.at_open(path))?.is_some() => {
                Err(OpenError::damaged(path, "the meta row is missing"))
            }
            None => Ok(Meta::default()),
        }
    }

    /// Checks every row now if that costs next to nothing.
    pub(super) fn check_if_small(&self, path: &Path, meta: &Meta) -> Result<(), OpenError> {
        let file = path.join("db");
        let bytes = fs::metadata(&file).map_err(|error| OpenError::from_io(&file, &error))?.len();
        if bytes > CHECKED_AT_OPEN_BYTES_MAX {
            return Ok(());
        }
        let mut report = Report::default();
        self.check(meta, &mut report);
        report.into_first_damage(path)
    }

    /// The row under `key`.
    pub(super) fn row(&self, key: &Key) -> Result<Option<StoredRow>, StorageError> {
        match call(|| self.0.get(layout::head_key(key))).map_err(|fault| fault.at_read(key))? {
            Some(head) => self.assemble(key, &head).map(Some),
            None => Ok(None),
        }
    }

    /// The revision of the row under `key`; looks at the rest of the row only if it costs nothing.
    pub(super) fn revision(&self, key: &Key) -> Result<Option<Revision>, StorageError> {
        let Some(bytes) = call(|| self.0.get(layout::head_key(key))).map_err(|fault| fault.at_read(key))?
        else {
            return Ok(None);
        };
        let (head, inline) = Head::decode(key, &bytes)?;
        if inline.len() == head.value_bytes {
            head.verified(key, Bytes::copy_from_slice(inline))?;
        }
        Ok(Some(head.revision))
    }

    /// One page of a range, with the rows of `before` in place of the tree's.
    pub(super) fn scan(&self, range: &Range, before: &Before) -> Result<Page, StorageError> {
        let mut page = Page::default();
        if range.end.as_ref().is_some_and(|end| *end <= range.start) {
            return Ok(page);
        }
        let end = range.end.as_ref().map_or_else(|| vec![HEAD + 1], layout::head_key);
        let mut heads = self.0.range(layout::head_key(&range.start)..end);
        let mut replaced =
            before.range(range.start.clone()..).take_while(|(key, _)| range.contains(key)).peekable();
        let mut at = range.start.clone();
        let mut head = next_head(&mut heads, &at)?;
        let mut bytes = 0;
        loop {
            let replaces = match (&head, replaced.peek()) {
                (None, None) => return Ok(page),
                (Some((key, _)), Some((other, _))) => *other <= key,
                (head, _) => head.is_none(),
            };
            let is_full = page.rows.len() == range.rows_max() || bytes >= SCAN_BYTES_MAX;
            let found = if replaces {
                let (key, row) = replaced.next().expect("peeked above");
                if head.as_ref().is_some_and(|(other, _)| other == key) {
                    head = next_head(&mut heads, key)?;
                }
                row.clone().map(|stored| (key.clone(), stored.row))
            } else {
                let (key, value) = head.take().expect("one of the two is there");
                if is_full {
                    page.next = Some(key);
                    return Ok(page);
                }
                let row = self.assemble(&key, &value)?.row;
                head = next_head(&mut heads, &key)?;
                Some((key, row))
            };
            let Some((key, row)) = found else { continue };
            if is_full {
                page.next = Some(key);
                return Ok(page);
            }
            bytes += row.value.len();
            at.clone_from(&key);
            page.rows.push((key, row));
        }
    }

    /// Applies a batch as one. It is neither durable nor, if this fails, to be looked at.
    pub(super) fn apply(&self, batch: sled::Batch) -> Result<(), SledFault> {
        call(|| self.0.apply_batch(batch))
    }

    /// Looks at every entry a change wrote, so that the pages it filled are split now and not by a reader later.
    pub(super) fn visit(&self, change: &Change) -> Result<(), SledFault> {
        for (key, altered) in &change.rows {
            call(|| self.0.get(layout::head_key(key)))?;
            for stored in [&altered.before, &altered.after].into_iter().flatten() {
                for number in 1..=layout::further_pieces(stored.row.value.len()) {
                    call(|| self.0.get(layout::piece_key(key, number)))?;
                }
            }
        }
        Ok(())
    }

    /// Hands everything to the operating system.
    pub(super) fn flush(&self) -> Result<(), SledFault> {
        call(|| self.0.flush()).map(drop)
    }

    /// Looks at every row and every piece.
    pub(super) fn check(&self, meta: &Meta, report: &mut Report) {
        let mut pieces = BTreeMap::new();
        for entry in self.entries(HEAD) {
            let (key, head) = match entry {
                Ok((key, head)) => (Key::new(key[1..].to_vec()), head),
                Err(fault) => {
                    report.damage("rows", format!("some cannot be reached: {fault}"));
                    continue;
                }
            };
            match self.assemble(&key, &head) {
                Ok(stored) => {
                    let further = layout::further_pieces(stored.row.value.len());
                    report.count(&stored);
                    if further > 0 {
                        pieces.insert(key, further);
                    }
                }
                Err(error) => report.damage(format!("row {}", hex(key.as_bytes())), error.to_string()),
            }
        }
        for entry in self.entries(PIECE) {
            let key = match entry {
                Ok((key, _)) => key,
                Err(fault) => {
                    report.damage("pieces of large rows", format!("some cannot be reached: {fault}"));
                    continue;
                }
            };
            let belongs = layout::piece_of(&key).is_some_and(|(row, number)| {
                pieces.get(&row).is_some_and(|further| (1..=*further).contains(&number))
            });
            if !belongs {
                report.damage(format!("piece {}", hex(&key[1..])), "it belongs to no whole row");
            }
        }
        report.compare(meta);
    }

    /// The row whose head this is, with the rest of its pieces.
    fn assemble(&self, key: &Key, bytes: &[u8]) -> Result<StoredRow, StorageError> {
        let (head, inline) = Head::decode(key, bytes)?;
        if inline.len() == head.value_bytes {
            return head.verified(key, Bytes::copy_from_slice(inline));
        }
        let mut value = Vec::with_capacity(head.value_bytes);
        value.extend_from_slice(inline);
        for number in 1..=layout::further_pieces(head.value_bytes) {
            let piece = call(|| self.0.get(layout::piece_key(key, number)))
                .map_err(|fault| fault.at_read(key))?
                .ok_or_else(|| corrupt(key))?;
            if piece.len() > VALUE_BYTES {
                return Err(corrupt(key));
            }
            value.extend_from_slice(&piece);
        }
        head.verified(key, value.into())
    }

    fn entries(&self, prefix: u8) -> Walk<sled::Iter> {
        Walk::over(self.0.range([prefix]..[prefix + 1]))
    }
}

/// The next row's key and head.
fn next_head(heads: &mut sled::Iter, after: &Key) -> Result<Option<(Key, IVec)>, StorageError> {
    match call(|| heads.next().transpose()) {
        Ok(entry) => Ok(entry.map(|(key, head)| (Key::new(key[1..].to_vec()), head))),
        Err(fault) => match fault.at_read(after) {
            StorageError::Corrupt { place } => {
                Err(StorageError::Corrupt { place: format!("the rows after {place}") })
            }
            other => Err(other),
        },
    }
}

/// Waits until no closing sled holds its file any more. sled's own threads may keep it for a moment.
pub(super) fn wait_until_released(path: &Path) {
    for _ in 0..RELEASE_TRIES {
        match File::open(path.join("db")).map(|file| file.try_lock()) {
            Ok(Err(TryLockError::WouldBlock)) => thread::sleep(RELEASE_PAUSE),
            _ => return,
        }
    }
}
