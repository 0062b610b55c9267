//! Keys, guards and batches: where Strongroom's rows live.
//!
//! This crate knows keys and bytes and nothing else: no account, no record, no actor. A backend is anything that
//! implements [`Storage`]; the promises it makes are listed on the trait and are checked, one function each, by the
//! conformance suite (feature `conformance`), which a third party can run against a backend of their own.
//!
//! The one thing to believe: **an answer from [`Storage::commit`] means the batch survives a power cut**, and no read
//! ever shows a row that such a cut could take back.

mod batch;
#[cfg(feature = "disk")]
pub mod check;
#[cfg(feature = "conformance")]
pub mod conformance;
#[cfg(feature = "disk")]
mod disk;
#[cfg(feature = "encrypted")]
mod encrypted;
mod error;
#[cfg(feature = "testing")]
mod faulty;
mod memory;
#[cfg(feature = "redb")]
pub mod redb;

mod scan;
#[cfg(feature = "sled")]
pub mod sled;
#[cfg(feature = "disk")]
pub mod transfer;

use std::{future::Future, pin::Pin, sync::Arc};

pub use batch::{
    BATCH_BYTES_MAX, Batch, Committed, Guard, KEY_BYTES_MAX, Key, OVERHEAD_BYTES_MAX, RESERVED_KEY, Revision,
    Row, Topic, Topics, VALUE_BYTES_MAX, Write,
};
#[cfg(feature = "disk")]
pub use disk::Options;
#[cfg(all(feature = "testing", feature = "disk"))]
pub use disk::{SyncHook, Syncing};
#[cfg(feature = "encrypted")]
pub use encrypted::{Chance, Encrypted, EncryptedError, Encryption, RootKey, RootKeyId};
pub use error::{OpenError, StorageError, TooLarge};
#[cfg(feature = "testing")]
pub use faulty::{Bugs, Faults, Faulty};
pub use memory::Memory;
pub use scan::{Page, Range, SCAN_BYTES_MAX, SCAN_ROWS_MAX};

/// A boxed future, so that `dyn Storage` works.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Milliseconds since 1970 as the store's host believes them. Handed in when a store is opened, so that a test can
/// own the time.
pub type WallClock = Arc<dyn Fn() -> u64 + Send + Sync>;

/// Somewhere rows live.
///
/// Each promise below is one function of the conformance suite.
///
/// - `get` is one instant: the rows are those of a single moment, in the order asked for.
/// - `commit` is all or nothing, and durable when it returns.
/// - A guard is [`Guard::Absent`] or [`Guard::At`]; a failed guard leaves no trace.
/// - A row's revision grows with every write of it and is never used again, even after delete and re-create.
///   Revisions are unique within a store but neither gap-free nor in commit order across keys: nothing may follow a
///   store by revision.
/// - A read never shows what a crash could take back.
/// - `scan` pages by cursor, in ascending key order.
/// - `changed` names the topics that any node's commit touched. It is a hint: it may be coalesced or lost, and a
///   receiver that lags looks at everything it follows.
/// - A batch past its `not_after_ms` is refused whole.
/// - A row whose bytes were damaged is reported as [`StorageError::Corrupt`], never returned and never left out.
pub trait Storage: Send + Sync + 'static {
    /// The rows under `keys` as of one instant, in the order asked for.
    fn get<'a>(&'a self, keys: &'a [Key]) -> BoxFuture<'a, Result<Vec<Option<Row>>, StorageError>>;

    /// One page of a key range, ascending.
    fn scan(&self, range: Range) -> BoxFuture<'_, Result<Page, StorageError>>;

    /// All of the batch or none of it; durable when it returns.
    ///
    /// After [`StorageError::Unavailable`] the outcome is unknown: the batch may or may not have been applied. Every
    /// other error means that nothing was written.
    fn commit(&self, batch: Batch) -> BoxFuture<'_, Result<Committed, StorageError>>;

    /// Topics touched by commits from now on, on any node. A hint; see the trait.
    fn changed(&self) -> tokio::sync::broadcast::Receiver<Topics>;

    /// Who this store is and how it feels.
    fn info(&self) -> Info;
}

/// What a store says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Info {
    /// The backend's name: `memory`, `sled`, `redb`, or what a third party calls its own.
    pub backend: &'static str,
    /// False only for stores that forget by design.
    pub durable: bool,
    /// Whether values are sealed before they are kept.
    pub encrypted: bool,
    /// The latest wall time, in milliseconds since 1970, that any commit in this store has seen. Time that lies
    /// before it is a clock that stepped back, and must not make an expired thing valid again.
    pub high_water_ms: u64,
    /// Why writes are refused at the moment, if they are: a full disk, a failed sync.
    pub refusing_writes: Option<String>,
}

impl<S: Storage + ?Sized> Storage for Arc<S> {
    fn get<'a>(&'a self, keys: &'a [Key]) -> BoxFuture<'a, Result<Vec<Option<Row>>, StorageError>> {
        (**self).get(keys)
    }

    fn scan(&self, range: Range) -> BoxFuture<'_, Result<Page, StorageError>> {
        (**self).scan(range)
    }

    fn commit(&self, batch: Batch) -> BoxFuture<'_, Result<Committed, StorageError>> {
        (**self).commit(batch)
    }

    fn changed(&self) -> tokio::sync::broadcast::Receiver<Topics> {
        (**self).changed()
    }

    fn info(&self) -> Info {
        (**self).info()
    }
}
