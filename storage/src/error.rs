//! What can go wrong in a store, in the words of its caller.

use std::path::PathBuf;
#[cfg(feature = "disk")]
use std::{io, path::Path};

use thiserror::Error;

#[cfg(any(feature = "disk", feature = "encrypted"))]
use crate::Key;

/// Why a store did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum StorageError {
    /// A guard did not hold. Nothing was written; read again and decide again.
    #[error("a row changed since it was read")]
    Conflict,
    /// The batch arrived after its `not_after_ms`. Nothing was written.
    #[error("the batch came too late to be applied")]
    TooLate,
    /// The batch, a key or a value is over its limit. Nothing was written.
    #[error("{0}")]
    TooLarge(TooLarge),
    /// There is no room on the device. Nothing was written; reads go on, and writes go on once there is room.
    #[error("the store's device is full")]
    Full,
    /// The store cannot answer. After `commit` the outcome is **unknown**.
    #[error("the store is unavailable: {reason}")]
    Unavailable {
        /// What the operator needs to know; holds no row content.
        reason: String,
    },
    /// A row's bytes are not what was written. The row is not returned.
    #[error("damaged data at {place}")]
    Corrupt {
        /// Where: the key in hexadecimal, or the file.
        place: String,
    },
}

impl StorageError {
    /// An `Unavailable` with this reason.
    pub fn unavailable(reason: impl Into<String>) -> Self {
        Self::Unavailable { reason: reason.into() }
    }
}

/// What was over its limit. Sizes in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum TooLarge {
    /// A key.
    #[error("a key of {bytes} bytes is over the limit of {max}")]
    Key {
        /// Its size.
        bytes: usize,
        /// The limit.
        max: usize,
    },
    /// A value.
    #[error("a value of {bytes} bytes is over the limit of {max}")]
    Value {
        /// Its size.
        bytes: usize,
        /// The limit.
        max: usize,
    },
    /// All keys and values of a batch together.
    #[error("a batch of {bytes} bytes is over the limit of {max}")]
    Batch {
        /// Its size.
        bytes: usize,
        /// The limit.
        max: usize,
    },
}

/// Why a store on disk was not opened: one line that tells an operator what to do. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The folder does not exist and cannot be made, because the one above it does not exist either.
    #[error("{} does not exist, and neither does the folder above it", path.display())]
    Missing {
        /// The data folder.
        path: PathBuf,
    },
    /// There is something else than a folder at that place.
    #[error("{} is not a folder", path.display())]
    NotAFolder {
        /// The data folder.
        path: PathBuf,
    },
    /// The file system may not be written to.
    #[error("{} is on a read-only file system", path.display())]
    ReadOnly {
        /// What could not be written.
        path: PathBuf,
    },
    /// The process may not read and write there.
    #[error("no permission to read and write {}", path.display())]
    NotPermitted {
        /// What could not be opened.
        path: PathBuf,
    },
    /// Another process, or another part of this one, has the store open.
    #[error("{} is already open in another process", path.display())]
    InUse {
        /// The data folder.
        path: PathBuf,
    },
    /// There is no room on the device to open the store.
    #[error("no room on the device of {}", path.display())]
    Full {
        /// The data folder.
        path: PathBuf,
    },
    /// The folder was made by another backend.
    #[error("{} holds a {found} store, not a {wanted} store", path.display())]
    OtherBackend {
        /// The data folder.
        path: PathBuf,
        /// The backend that made it.
        found: String,
        /// The backend that was asked to open it.
        wanted: String,
    },
    /// The data was written by a later release.
    #[error("{} was written in format {found}, and this release knows formats up to {known}", path.display())]
    NewerFormat {
        /// The data folder.
        path: PathBuf,
        /// The format of the data.
        found: u64,
        /// The latest format that this release knows.
        known: u64,
    },
    /// The data is not what was written.
    #[error("damaged data in {}: {place}", path.display())]
    Damaged {
        /// The data folder.
        path: PathBuf,
        /// Which part, and how it shows.
        place: String,
    },
    /// The operating system refused for a reason of its own.
    #[error("{}: {reason}", path.display())]
    Failed {
        /// What could not be opened.
        path: PathBuf,
        /// The system's words.
        reason: String,
    },
}

#[cfg(feature = "disk")]
impl OpenError {
    /// A `Damaged` at this place.
    pub(crate) fn damaged(path: &Path, place: impl Into<String>) -> Self {
        Self::Damaged { path: path.into(), place: place.into() }
    }

    /// What an I/O error at `path` means to an operator.
    pub(crate) fn from_io(path: &Path, error: &io::Error) -> Self {
        let path = path.to_path_buf();
        match error.kind() {
            io::ErrorKind::NotFound => Self::Missing { path },
            io::ErrorKind::NotADirectory => Self::NotAFolder { path },
            io::ErrorKind::ReadOnlyFilesystem => Self::ReadOnly { path },
            io::ErrorKind::PermissionDenied => Self::NotPermitted { path },
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full { path },
            _ => Self::Failed { path, reason: error.to_string() },
        }
    }
}

/// The error for a row that is not what was written.
#[cfg(any(feature = "disk", feature = "encrypted"))]
pub(crate) fn corrupt(key: &Key) -> StorageError {
    StorageError::Corrupt { place: hex(key.as_bytes()) }
}

/// Bytes in hexadecimal, with a word for none.
#[cfg(any(feature = "disk", feature = "encrypted"))]
pub(crate) fn hex(bytes: &[u8]) -> String {
    if bytes.is_empty() {
        return "the empty key".into();
    }
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
