//! What every backend with a data folder shares: the folder and its format, the encoding of rows with their
//! checksums, the running sum, and the one writer that commits in groups.
//!
//! Nothing here knows how sled or redb keep bytes; a backend says so by implementing [`Engine`].
//!
//! The one thing to believe: every row carries a checksum over its key, revision and value, and the sum of all
//! checksums is changed in the same atomic step as the rows, so damage and loss both show.

pub(crate) mod folder;
mod group;
mod mark;
mod meta;
mod options;
pub(crate) mod quiet;
pub(crate) mod row;

pub(crate) use folder::Folder;
pub(crate) use group::{Change, Engine, Fault, Grouped};
pub(crate) use mark::Mark;
pub(crate) use meta::{Meta, MetaError};
pub use options::Options;
#[cfg(feature = "testing")]
pub use options::{SyncHook, Syncing};
pub(crate) use quiet::catch;
pub(crate) use row::{Head, StoredRow};

pub(crate) use crate::error::{corrupt, hex};

/// The format of the data that this release writes, and the latest that it reads.
pub(crate) const FORMAT: u8 = 1;

/// Data up to this size is read whole and checked each time a store is opened; larger data waits for `check`.
/// 16 MiB take some 20 ms.
pub(crate) const CHECKED_AT_OPEN_BYTES_MAX: u64 = 16 * 1024 * 1024;
