//! The sled backend, the default: made honestly durable, and never trusted with a row unchecked.
//!
//! sled's own `flush` loses acknowledged writes in a power cut, its `blobs/` files are never synced, a flipped byte
//! makes it panic or forget rows, and a full device ends its writing for good. So the writer syncs sled's file
//! itself, no value is larger than a piece, every row carries a checksum, and the backend can be opened anew under
//! its readers.
//!
//! The one thing to believe: **readers see a group only once it is durable**. While it is not, they get the rows it
//! replaces, which the writer publishes before it changes the tree. Rows that were read or written lately are kept at
//! hand, and most reads never come to the tree.
//!
//! The writer looks for room before each group. Should somebody else take the last room just then, sled cannot write
//! until it is opened anew, which happens once there is room again; in between, reads of pages that it would have to
//! split are refused.
//!
//! A side effect on the process: panics inside sled become errors, and a hook keeps their text off standard error.

mod layout;
mod recent;
mod tree;
mod undo;

use std::{
    cell::RefCell,
    collections::BTreeMap,
    fs::{File, OpenOptions},
    io,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use tokio::sync::broadcast;

pub use crate::disk::Options;
use crate::{
    Batch, BoxFuture, Committed, Info, Key, OpenError, Page, Range, Revision, Row, Storage, StorageError,
    Topics,
    check::Report,
    disk::{Change, Engine, Fault, Folder, Grouped, Mark, Meta, StoredRow, quiet},
};
use recent::Recent;
use tree::{SledFault, Tree};
use undo::Undo;

/// A store on disk, kept by sled.
pub struct Sled(Grouped<SledEngine>);

impl Sled {
    /// Opens the store in the folder `path`, or makes one there. The folder above must exist.
    ///
    /// # Errors
    /// One clear line for whatever stands against it; see [`OpenError`].
    pub fn open(path: impl AsRef<Path>, options: Options) -> Result<Self, OpenError> {
        let folder = Folder::open(path.as_ref(), SledEngine::NAME)?;
        let mark = Mark::open(&folder)?;
        let (engine, meta) = SledEngine::open(&folder, &options)?;
        mark.admits(folder.path(), &meta)?;
        Grouped::start(engine, folder, meta, mark, &options).map(Self)
    }

    /// Finishes what is waiting and lets go of the folder; everything is refused from then on. Closing twice is fine.
    ///
    /// # Errors
    /// `Unavailable` if the writer is gone, and nobody can say whether everything was finished.
    pub async fn close(&self) -> Result<(), StorageError> {
        self.0.close().await
    }
}

impl Storage for Sled {
    fn get<'a>(&'a self, keys: &'a [Key]) -> BoxFuture<'a, Result<Vec<Option<Row>>, StorageError>> {
        Box::pin(async move { self.0.get(keys) })
    }

    fn scan(&self, range: Range) -> BoxFuture<'_, Result<Page, StorageError>> {
        Box::pin(async move { self.0.scan(&range) })
    }

    fn commit(&self, batch: Batch) -> BoxFuture<'_, Result<Committed, StorageError>> {
        Box::pin(self.0.commit(batch))
    }

    fn changed(&self) -> broadcast::Receiver<Topics> {
        self.0.changed()
    }

    fn info(&self) -> Info {
        self.0.info()
    }
}

/// The rows that a group in flight replaces: what readers get in their place.
type Before = BTreeMap<Key, Option<StoredRow>>;

struct SledEngine {
    live: RwLock<Live>,
    /// Changed by readers under a shared lock on `live`, by the writer under an exclusive one.
    recent: Recent,
    undo: Undo,
    path: PathBuf,
    options: Options,
}

/// What readers look at, changed only as a whole.
#[derive(Default)]
struct Live {
    /// Absent once the store is closed or shut.
    tree: Option<Tree>,
    /// Empty unless a group is in flight.
    before: Before,
    /// sled's data file, for syncing it.
    file: Option<Arc<File>>,
}

impl Live {
    fn tree(&self) -> Result<&Tree, StorageError> {
        self.tree.as_ref().ok_or_else(|| StorageError::unavailable("the store is closed"))
    }
}

impl SledEngine {
    fn open(folder: &Folder, options: &Options) -> Result<(Self, Meta), OpenError> {
        let path = folder.path().join(Self::NAME);
        let undo = Undo::open(folder)?;
        let (live, meta) = open_tree(&path, &undo, options)?;
        folder.sync()?;
        let recent = Recent::new(rows_cache_bytes(options));
        Ok((Self { live: RwLock::new(live), recent, undo, path, options: options.clone() }, meta))
    }

    fn live(&self) -> RwLockReadGuard<'_, Live> {
        // sled's panics are caught before they reach a guard, and ours would leave `Live` whole.
        self.live.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn live_mut(&self) -> RwLockWriteGuard<'_, Live> {
        self.live.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// The durable row under `key`.
    fn row(&self, live: &Live, key: &Key) -> Result<Option<StoredRow>, StorageError> {
        let tree = live.tree()?;
        if let Some(row) = self.recent.row(key) {
            return Ok(row);
        }
        if let Some(before) = live.before.get(key) {
            return Ok(before.clone());
        }
        let row = tree.row(key)?;
        self.recent.remember(key.clone(), row.clone());
        Ok(row)
    }

    fn sync(&self, tree: &Tree, file: &File) -> Result<(), Fault> {
        tree.flush().map_err(fault)?;
        let sync = || if self.options.sync_is_wanted()? { file.sync_data() } else { Ok(()) };
        sync().map_err(|error| {
            // The kernel may hold the data that failed and call it clean; whoever opens the store next has to
            // read what the device has.
            let _ = rustix::fs::fadvise(file, 0, None, rustix::fs::Advice::DontNeed);
            io_fault("syncing", &error)
        })
    }
}

impl Engine for SledEngine {
    const NAME: &'static str = "sled";

    const GROUP_COST_MAX: usize = layout::GROUP_LOG_BYTES_MAX;

    fn cost(batch: &Batch) -> usize {
        layout::batch_log_bytes(batch)
    }

    fn lost() -> Option<&'static str> {
        quiet::lost_a_sled_thread()
            .then_some("sled lost a thread of its own; the process has to be restarted")
    }

    fn get(&self, keys: &[Key]) -> Result<Vec<Option<Row>>, StorageError> {
        let live = self.live();
        keys.iter().map(|key| Ok(self.row(&live, key)?.map(|stored| stored.row))).collect()
    }

    fn scan(&self, range: &Range) -> Result<Page, StorageError> {
        let live = self.live();
        live.tree()?.scan(range, &live.before)
    }

    fn latest(&self, key: &Key) -> Result<Option<StoredRow>, StorageError> {
        self.row(&self.live(), key)
    }

    fn latest_revision(&self, key: &Key) -> Result<Option<Revision>, StorageError> {
        let live = self.live();
        let tree = live.tree()?;
        match self.recent.revision(key) {
            Some(revision) => Ok(revision),
            None => tree.revision(key),
        }
    }

    fn write(&self, change: &Change) -> Result<(), Fault> {
        let batch = layout::batch(change);
        let before = change.rows.iter().map(|(key, altered)| (key.clone(), altered.before.clone())).collect();
        let (tree, file) = {
            let live = self.live();
            let (Some(tree), Some(file)) = (live.tree.clone(), live.file.clone()) else {
                return Err(Fault::Broken("the store is closed".into()));
            };
            (tree, file)
        };
        let is_heavy = layout::is_heavy(change);
        if is_heavy {
            // Only what is durable may be noted, and readers write too: sled splits a page when it is next visited.
            self.sync(&tree, &file)?;
            self.undo
                .arm(&file, self.options.note_syncs_are_wanted())
                .map_err(|error| io_fault("noting the segments", &error))?;
        }
        hold_segments();
        // Whoever reads the tree from here on has what the group replaces; who read it before has finished.
        self.live_mut().before = before;
        tree.apply(batch).map_err(fault)?;
        if is_heavy {
            tree.visit(change).map_err(fault)?;
        }
        self.sync(&tree, &file)?;
        release_segments();
        if is_heavy {
            self.undo
                .disarm(self.options.note_syncs_are_wanted())
                .map_err(|error| io_fault("noting the end of a group", &error))?;
        }
        let replaced = {
            let mut live = self.live_mut();
            for (key, altered) in &change.rows {
                self.recent.remember(key.clone(), altered.after.clone());
            }
            std::mem::take(&mut live.before)
        };
        // Dropping what was replaced takes its time, and readers need not wait for it.
        drop(replaced);
        Ok(())
    }

    fn reopen(&self) -> Result<Meta, OpenError> {
        // Readers wait here for the time of an opening: what they would read is being recovered.
        let mut live = self.live_mut();
        live.tree = None;
        live.file = None;
        self.recent.forget_all();
        tree::wait_until_released(&self.path);
        release_segments();
        let (opened, meta) = open_tree(&self.path, &self.undo, &self.options)?;
        *live = opened;
        Ok(meta)
    }

    fn close(&self) {
        let Live { tree: Some(tree), .. } = std::mem::take(&mut *self.live_mut()) else { return };
        self.recent.forget_all();
        drop(tree);
        tree::wait_until_released(&self.path);
        release_segments();
    }
}

thread_local! {
    /// What keeps sled's segments from being freed while a group of this thread is not durable.
    static HELD: RefCell<Option<crossbeam_epoch::Guard>> = const { RefCell::new(None) };
}

/// From here on sled overwrites and cuts off no segment that holds data.
///
/// It frees a segment once the data that replaces it is written, and until that is synced a power cut can lose it.
/// What it frees goes through its epoch collector, so a pinned epoch holds everything back. After a failed group it
/// stays pinned until sled is closed.
fn hold_segments() {
    HELD.set(Some(crossbeam_epoch::pin()));
}

/// Lets sled free what the durable data replaces.
fn release_segments() {
    HELD.set(None);
}

fn fault(fault: SledFault) -> Fault {
    if fault.is_full() { Fault::Full } else { Fault::Broken(format!("sled failed: {fault}")) }
}

fn io_fault(what: &str, error: &io::Error) -> Fault {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Fault::Full,
        _ => Fault::Broken(format!("{what} failed: {error}")),
    }
}

/// Looks at every row of a store that nobody has open.
pub(crate) fn check(folder: &Folder, mark: &Mark, report: &mut Report) -> Result<(), OpenError> {
    let path = folder.path().join(SledEngine::NAME);
    let tree = open_sled(&path, &Undo::open(folder)?, &Options::new(Arc::new(|| 0)))?;
    let meta = tree.meta(&path)?;
    if let Err(lost) = mark.admits(folder.path(), &meta) {
        report.damage("the latest commits", lost.to_string());
    }
    tree.check(&meta, report);
    drop(tree);
    tree::wait_until_released(&path);
    Ok(())
}

/// Opens sled, checks what is cheap to check, and makes the opening itself durable.
fn open_tree(path: &Path, undo: &Undo, options: &Options) -> Result<(Live, Meta), OpenError> {
    let tree = open_sled(path, undo, options)?;
    let meta = tree.meta(path)?;
    tree.check_if_small(path, &meta)?;
    tree.flush().map_err(|fault| fault.at_open(path))?;
    let file = sync_all(path, options)?;
    Ok((Live { tree: Some(tree), before: Before::new(), file: Some(Arc::new(file)) }, meta))
}

/// Opens sled on a log without remains of an interrupted group.
fn open_sled(path: &Path, undo: &Undo, options: &Options) -> Result<Tree, OpenError> {
    tree::wait_until_released(path);
    let data = path.join("db");
    if data.exists() {
        undo.revert(&data).map_err(|error| OpenError::from_io(&data, &error))?;
    }
    Tree::open(path, options.cache_bytes - rows_cache_bytes(options))
}

/// The part of the cache that holds rows; the other part holds sled's pages.
fn rows_cache_bytes(options: &Options) -> u64 {
    options.cache_bytes / 2
}

/// Syncs what sled writes when it opens: its data, its configuration, and the names of both.
fn sync_all(path: &Path, options: &Options) -> Result<File, OpenError> {
    let failed = |error: io::Error| OpenError::from_io(path, &error);
    let data = OpenOptions::new().read(true).write(true).open(path.join("db")).map_err(failed)?;
    if options.sync_is_wanted().map_err(failed)? {
        data.sync_all().map_err(failed)?;
        File::open(path.join("conf")).and_then(|file| file.sync_all()).map_err(failed)?;
        File::open(path).and_then(|folder| folder.sync_all()).map_err(failed)?;
    }
    Ok(data)
}

#[cfg(all(test, feature = "conformance"))]
mod tests {
    use super::*;
    use crate::conformance;

    #[tokio::test]
    async fn sled_keeps_every_promise() {
        let root = tempfile::tempdir().unwrap();
        let stores = std::cell::Cell::new(0);
        conformance::all(async |clock| {
            stores.set(stores.get() + 1);
            Sled::open(root.path().join(stores.get().to_string()), Options::new(clock)).unwrap()
        })
        .await;
    }

    #[tokio::test]
    async fn sled_keeps_its_promises_over_reopening() {
        let root = tempfile::tempdir().unwrap();
        let open = async |clock| Sled::open(root.path().join("store"), Options::new(clock)).unwrap();
        conformance::reopened(open).await;
    }
}
