//! redb itself, behind our own words: rows in, rows out, every panic and error caught and named.

use std::{
    fmt, io,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use bytes::Bytes;
use redb::{ReadOnlyTable, ReadableDatabase, ReadableTable, ReadableTableMetadata, TableDefinition};

use super::device::{Device, MakeDevice};
use crate::{
    Key, OpenError, Range, Revision, StorageError,
    check::{Report, Walk},
    disk::{
        CHECKED_AT_OPEN_BYTES_MAX, Change, FORMAT, Head, Meta, MetaError, Options, StoredRow, catch, corrupt,
        hex,
    },
};

/// Key to head and value.
const ROWS: TableDefinition<'static, &[u8], &[u8]> = TableDefinition::new("rows");

/// The one meta row, under the empty key.
const META: TableDefinition<'static, &[u8], &[u8]> = TableDefinition::new("meta");

/// An open redb.
pub(super) struct Database {
    redb: redb::Database,
    device: Device,
    is_small: bool,
}

/// What a database is opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// To be read and written; damage that shows is a refusal.
    Serving,
    /// To be looked at; damage is noted.
    Checking,
}

/// What went wrong inside redb.
#[derive(Debug)]
pub(super) enum RedbFault {
    /// An error it returned.
    Error(redb::Error),
    /// A panic, by its words.
    Panic(String),
}

impl RedbFault {
    /// Whether the device had no room.
    pub(super) fn is_full(&self) -> bool {
        matches!(self, Self::Error(redb::Error::Io(error))
            if matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded))
    }

    /// What it means when it stands in the way of opening.
    pub(super) fn at_open(&self, path: &Path) -> OpenError {
        match self {
            Self::Error(redb::Error::DatabaseAlreadyOpen) => OpenError::InUse { path: path.into() },
            Self::Error(redb::Error::Io(error)) if !means_damage(error) => OpenError::from_io(path, error),
            damage => OpenError::damaged(path, format!("redb cannot read its file: {damage}")),
        }
    }

    /// What it means to somebody who reads the row under `key`.
    fn at_read(&self, key: &Key) -> StorageError {
        match self {
            Self::Error(redb::Error::Io(error)) if !means_damage(error) => {
                StorageError::unavailable(format!("reading failed: {error}"))
            }
            Self::Error(redb::Error::PreviousIo | redb::Error::DatabaseClosed) => {
                StorageError::unavailable("reading failed")
            }
            damage => {
                tracing::error!(key = %hex(key.as_bytes()), %damage, "redb cannot read a row");
                corrupt(key)
            }
        }
    }
}

/// Whether an I/O error says something about the bytes rather than about the device.
fn means_damage(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput
    )
}

impl fmt::Display for RedbFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Error(error) => error.fmt(f),
            Self::Panic(words) => f.write_str(words),
        }
    }
}

/// Runs a call into redb.
fn call<T, E: Into<redb::Error>>(work: impl FnOnce() -> Result<T, E>) -> Result<T, RedbFault> {
    match catch(work) {
        Ok(outcome) => outcome.map_err(|error| RedbFault::Error(error.into())),
        Err(words) => Err(RedbFault::Panic(words)),
    }
}

impl Database {
    /// Opens redb's file, or makes it. If that costs next to nothing, redb verifies its own pages before they serve.
    pub(super) fn open(
        file: &Path,
        device: &MakeDevice,
        options: &Options,
        purpose: Purpose,
    ) -> Result<Self, RedbFault> {
        let device = call(|| device().map_err(redb::StorageError::Io))?;
        let bytes = call(|| device.len().map_err(redb::StorageError::Io))?;
        let is_small = bytes <= CHECKED_AT_OPEN_BYTES_MAX;
        let device = Device::new(device, file, options);
        let repaired = Arc::new(AtomicBool::new(false));
        let redb = call(|| {
            let (device, repaired) = (device.clone(), Arc::clone(&repaired));
            redb::Builder::new()
                .set_cache_size(usize::try_from(options.cache_bytes).unwrap_or(usize::MAX))
                .set_check_integrity_on_open(purpose == Purpose::Serving && is_small && bytes > 0)
                .set_repair_callback(move |_| repaired.store(true, Ordering::SeqCst))
                .create_with_backend(device)
        })?;
        let is_repaired = repaired.load(Ordering::SeqCst);
        if is_repaired || purpose == Purpose::Serving {
            let damaged = call(|| device.opened(is_repaired).map_err(redb::StorageError::Io))?;
            if damaged > 0 {
                let words = format!("{damaged} blocks are not what was written");
                return Err(RedbFault::Error(redb::Error::Corrupted(words)));
            }
        }
        if purpose == Purpose::Checking {
            device.only_note();
        }
        let database = Self { redb, device, is_small };
        if !database.has_tables()? {
            database.make_tables()?;
        }
        Ok(database)
    }

    /// Whether a look at everything costs next to nothing.
    pub(super) fn is_small(&self) -> bool {
        self.is_small
    }

    /// Whether the tables were made; not if the file is new, or its maker was stopped early.
    fn has_tables(&self) -> Result<bool, RedbFault> {
        call(|| {
            let transaction = self.redb.begin_read()?;
            let tables = transaction.list_tables()?;
            Ok::<_, redb::Error>(tables.count() > 0)
        })
    }

    fn make_tables(&self) -> Result<(), RedbFault> {
        call(|| {
            let transaction = self.redb.begin_write()?;
            transaction.open_table(ROWS)?;
            transaction.open_table(META)?;
            transaction.commit()?;
            Ok::<_, redb::Error>(())
        })
    }

    /// What is durable now.
    pub(super) fn snapshot(&self) -> Result<Snapshot, RedbFault> {
        call(|| {
            let transaction = self.redb.begin_read()?;
            let meta = transaction.open_table(META)?;
            let meta = meta.get([].as_slice())?.map(|bytes| bytes.value().to_vec());
            Ok::<_, redb::Error>(Snapshot { rows: transaction.open_table(ROWS)?, meta })
        })
    }

    /// Writes the change as one transaction and syncs it; gives what is durable then.
    pub(super) fn write(&self, change: &Change) -> Result<Snapshot, RedbFault> {
        call(|| {
            let transaction = self.redb.begin_write()?;
            {
                let mut rows = transaction.open_table(ROWS)?;
                for (key, altered) in &change.rows {
                    match &altered.after {
                        Some(after) => {
                            let bytes = after.encode(after.row.value.len());
                            rows.insert(key.as_bytes(), bytes.as_slice())?;
                        }
                        None => {
                            rows.remove(key.as_bytes())?;
                        }
                    }
                }
                let mut meta = transaction.open_table(META)?;
                meta.insert([].as_slice(), change.meta.encode().as_slice())?;
            }
            transaction.commit()?;
            Ok::<_, redb::Error>(())
        })?;
        self.snapshot()
    }

    /// Has redb verify the checksums of its own pages, and names every block that is not what was written.
    pub(super) fn check_pages(&mut self, report: &mut Report) {
        match call(|| self.redb.check_integrity()) {
            Ok(true) => {}
            Ok(false) => report.damage("redb's pages", "they did not agree with each other"),
            Err(fault) => report.damage("redb's pages", fault.to_string()),
        }
        for block in self.device.noted() {
            report.damage(format!("block {block}"), "it is not what was written");
        }
    }
}

/// The rows as of one durable group.
pub(super) struct Snapshot {
    rows: ReadOnlyTable<&'static [u8], &'static [u8]>,
    meta: Option<Vec<u8>>,
}

impl Snapshot {
    /// The meta row; an empty store has none.
    pub(super) fn meta(&self, file: &Path) -> Result<Meta, OpenError> {
        match &self.meta {
            Some(bytes) => Meta::decode(bytes).map_err(|error| match error {
                MetaError::Newer(found) => {
                    OpenError::NewerFormat { path: file.into(), found: found.into(), known: FORMAT.into() }
                }
                MetaError::Damaged => OpenError::damaged(file, "the meta row is not what was written"),
            }),
            None if call(|| self.rows.is_empty()).map_err(|fault| fault.at_open(file))? => {
                Ok(Meta::default())
            }
            None => Err(OpenError::damaged(file, "the meta row is missing")),
        }
    }

    /// The row under `key`.
    pub(super) fn row(&self, key: &Key) -> Result<Option<StoredRow>, StorageError> {
        match call(|| self.rows.get(key.as_bytes())).map_err(|fault| fault.at_read(key))? {
            Some(bytes) => decode(key, bytes.value()).map(Some),
            None => Ok(None),
        }
    }

    /// The revision of the row under `key`.
    pub(super) fn revision(&self, key: &Key) -> Result<Option<Revision>, StorageError> {
        match call(|| self.rows.get(key.as_bytes())).map_err(|fault| fault.at_read(key))? {
            Some(bytes) => Ok(Some(Head::decode(key, bytes.value())?.0.revision)),
            None => Ok(None),
        }
    }

    /// The rows of a range, ascending, up to the first that cannot be read.
    pub(super) fn rows(
        &self,
        range: &Range,
    ) -> Result<impl Iterator<Item = Result<(Key, StoredRow), StorageError>>, StorageError> {
        let start = range.start.clone();
        let end = range.end.clone();
        let bounds = (
            std::ops::Bound::Included(start.as_bytes()),
            match &end {
                // An end at or before the start is an empty range, not a question redb would like.
                Some(end) => std::ops::Bound::Excluded(end.as_bytes().max(start.as_bytes())),
                None => std::ops::Bound::Unbounded,
            },
        );
        let mut entries = call(|| self.rows.range::<&[u8]>(bounds)).map_err(|fault| fault.at_read(&start))?;
        let mut at = start;
        Ok(std::iter::from_fn(move || {
            let (key, bytes) = match call(|| entries.next().transpose()) {
                Ok(entry) => entry?,
                Err(fault) => return Some(Err(fault.at_read(&at))),
            };
            let key = Key::new(key.value().to_vec());
            at = key.clone();
            Some(decode(&key, bytes.value()).map(|stored| (key, stored)))
        }))
    }

    /// Looks at every row.
    pub(super) fn check(&self, meta: &Meta, report: &mut Report) {
        let entries = match call(|| self.rows.iter()) {
            Ok(entries) => entries,
            Err(fault) => return report.damage("rows", format!("none can be reached: {fault}")),
        };
        for entry in Walk::over(entries) {
            match entry {
                Ok((key, bytes)) => {
                    let key = Key::new(key.value().to_vec());
                    match decode(&key, bytes.value()) {
                        Ok(stored) => report.count(&stored),
                        Err(error) => {
                            report.damage(format!("row {}", hex(key.as_bytes())), error.to_string());
                        }
                    }
                }
                Err(fault) => report.damage("rows", format!("some cannot be reached: {fault}")),
            }
        }
        report.compare(meta);
    }
}

fn decode(key: &Key, bytes: &[u8]) -> Result<StoredRow, StorageError> {
    let (head, value) = Head::decode(key, bytes)?;
    head.verified(key, Bytes::copy_from_slice(value))
}
