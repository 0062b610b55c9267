//! The redb backend: one file, real transactions, the same writer, checksums and sums as sled's.
//!
//! redb syncs honestly and keeps old versions for its readers, so little is added: readers share the snapshot of the
//! last durable group, which the writer replaces once the next one is durable. A reader never waits, and what it sees
//! of several keys is one instant.
//!
//! Nothing here repairs a row; redb finishes what a crash interrupted when it opens its file.

mod database;
mod device;

use std::{
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
};

use tokio::sync::broadcast;

pub use crate::disk::Options;
use crate::{
    Batch, BoxFuture, Committed, Info, Key, OpenError, Page, Range, Revision, Row, SCAN_BYTES_MAX, Storage,
    StorageError, Topics,
    check::Report,
    disk::{Change, Engine, Fault, Folder, Grouped, Mark, Meta, StoredRow, folder},
};
use database::{Database, Purpose, RedbFault, Snapshot};
use device::MakeDevice;

/// A store on disk, kept by redb.
pub struct Redb(Grouped<RedbEngine>);

impl Redb {
    /// Opens the store in the folder `path`, or makes one there. The folder above must exist.
    ///
    /// # Errors
    /// One clear line for whatever stands against it; see [`OpenError`].
    pub fn open(path: impl AsRef<Path>, options: Options) -> Result<Self, OpenError> {
        Self::open_over(path.as_ref(), options, None)
    }

    /// Opens a store whose rows lie on a device of the caller's, so that a test can be the disk. `device` is called
    /// at every opening.
    ///
    /// # Errors
    /// As for [`Redb::open`].
    #[cfg(feature = "testing")]
    pub fn open_on<D: redb::StorageBackend>(
        path: impl AsRef<Path>,
        options: Options,
        device: impl Fn() -> std::io::Result<D> + Send + Sync + 'static,
    ) -> Result<Self, OpenError> {
        let make: MakeDevice = Arc::new(move || Ok(Box::new(device()?) as Box<dyn redb::StorageBackend>));
        Self::open_over(path.as_ref(), options, Some(make))
    }

    fn open_over(path: &Path, options: Options, device: Option<MakeDevice>) -> Result<Self, OpenError> {
        let folder = Folder::open(path, RedbEngine::NAME)?;
        let mark = Mark::open(&folder)?;
        let file = file_in(&folder)?;
        let device = device.unwrap_or_else(|| device::file_at(&file));
        let (live, meta) = open_database(&file, &device, &options)?;
        folder.sync()?;
        mark.admits(folder.path(), &meta)?;
        let live = RwLock::new(Some(live));
        let engine = RedbEngine { live, file, device, options: options.clone() };
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

impl Storage for Redb {
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

struct RedbEngine {
    /// Absent once the store is closed or shut.
    live: RwLock<Option<Live>>,
    file: PathBuf,
    device: MakeDevice,
    options: Options,
}

/// What is open: the database for the writer, the last durable snapshot for everybody.
#[derive(Clone)]
struct Live {
    database: Arc<Database>,
    snapshot: Arc<Snapshot>,
}

impl RedbEngine {
    fn live(&self) -> Result<Live, StorageError> {
        let live = self.live.read().unwrap_or_else(PoisonError::into_inner);
        live.clone().ok_or_else(|| StorageError::unavailable("the store is closed"))
    }

    fn snapshot(&self) -> Result<Arc<Snapshot>, StorageError> {
        let live = self.live.read().unwrap_or_else(PoisonError::into_inner);
        match &*live {
            Some(live) => Ok(Arc::clone(&live.snapshot)),
            None => Err(StorageError::unavailable("the store is closed")),
        }
    }

    fn set_live(&self, live: Option<Live>) {
        let previous =
            std::mem::replace(&mut *self.live.write().unwrap_or_else(PoisonError::into_inner), live);
        // Closing takes its time; readers need not wait for it.
        drop(previous);
    }
}

impl Engine for RedbEngine {
    const NAME: &'static str = "redb";

    /// A transaction may be of any size; the writer's own limits are enough.
    const GROUP_COST_MAX: usize = usize::MAX;

    fn cost(_batch: &Batch) -> usize {
        0
    }

    fn lost() -> Option<&'static str> {
        None
    }

    fn get(&self, keys: &[Key]) -> Result<Vec<Option<Row>>, StorageError> {
        let snapshot = self.snapshot()?;
        keys.iter().map(|key| Ok(snapshot.row(key)?.map(|stored| stored.row))).collect()
    }

    fn scan(&self, range: &Range) -> Result<Page, StorageError> {
        let snapshot = self.snapshot()?;
        let mut page = Page::default();
        let mut bytes = 0;
        for entry in snapshot.rows(range)? {
            let (key, stored) = entry?;
            if page.rows.len() == range.rows_max() || bytes >= SCAN_BYTES_MAX {
                page.next = Some(key);
                break;
            }
            bytes += stored.row.value.len();
            page.rows.push((key, stored.row));
        }
        Ok(page)
    }

    fn latest(&self, key: &Key) -> Result<Option<StoredRow>, StorageError> {
        self.snapshot()?.row(key)
    }

    fn latest_revision(&self, key: &Key) -> Result<Option<Revision>, StorageError> {
        self.snapshot()?.revision(key)
    }

    fn write(&self, change: &Change) -> Result<(), Fault> {
        let live = self.live().map_err(|error| Fault::Broken(error.to_string()))?;
        let snapshot = live.database.write(change).map_err(|fault| match fault {
            fault if fault.is_full() => Fault::Full,
            fault => Fault::Broken(format!("redb failed: {fault}")),
        })?;
        self.set_live(Some(Live { snapshot: Arc::new(snapshot), ..live }));
        Ok(())
    }

    fn reopen(&self) -> Result<Meta, OpenError> {
        // Readers wait here for the time of an opening: what they would read is being recovered.
        let mut live = self.live.write().unwrap_or_else(PoisonError::into_inner);
        *live = None;
        let (opened, meta) = open_database(&self.file, &self.device, &self.options)?;
        *live = Some(opened);
        Ok(meta)
    }

    fn close(&self) {
        self.set_live(None);
    }
}

/// Looks at every row of a store that nobody has open.
pub(crate) fn check(folder: &Folder, mark: &Mark, report: &mut Report) -> Result<(), OpenError> {
    let file = file_in(folder)?;
    let options = Options::new(Arc::new(|| 0));
    let at_open = |fault: RedbFault| fault.at_open(&file);
    let mut database =
        Database::open(&file, &device::file_at(&file), &options, Purpose::Checking).map_err(at_open)?;
    let snapshot = database.snapshot().map_err(at_open)?;
    let meta = snapshot.meta(&file)?;
    if let Err(lost) = mark.admits(folder.path(), &meta) {
        report.damage("the latest commits", lost.to_string());
    }
    snapshot.check(&meta, report);
    drop(snapshot);
    database.check_pages(report);
    Ok(())
}

fn file_in(folder: &Folder) -> Result<PathBuf, OpenError> {
    let inner = folder.path().join(RedbEngine::NAME);
    if !inner.exists() {
        std::fs::create_dir(&inner).map_err(|error| OpenError::from_io(&inner, &error))?;
    }
    Ok(inner.join("rows"))
}

/// Opens redb and checks what is cheap to check.
fn open_database(file: &Path, device: &MakeDevice, options: &Options) -> Result<(Live, Meta), OpenError> {
    let at_open = |fault: RedbFault| fault.at_open(file);
    let database = Database::open(file, device, options, Purpose::Serving).map_err(at_open)?;
    let snapshot = database.snapshot().map_err(at_open)?;
    let meta = snapshot.meta(file)?;
    if database.is_small() {
        let mut report = Report::default();
        snapshot.check(&meta, &mut report);
        report.into_first_damage(file)?;
    }
    folder::sync_folder(folder::parent(file))?;
    Ok((Live { database: Arc::new(database), snapshot: Arc::new(snapshot) }, meta))
}

#[cfg(all(test, feature = "conformance"))]
mod tests {
    use super::*;
    use crate::conformance;

    #[tokio::test]
    async fn redb_keeps_every_promise() {
        let root = tempfile::tempdir().unwrap();
        let stores = std::cell::Cell::new(0);
        conformance::all(async |clock| {
            stores.set(stores.get() + 1);
            Redb::open(root.path().join(stores.get().to_string()), Options::new(clock)).unwrap()
        })
        .await;
    }

    #[tokio::test]
    async fn redb_keeps_its_promises_over_reopening() {
        let root = tempfile::tempdir().unwrap();
        let open = async |clock| Redb::open(root.path().join("store"), Options::new(clock)).unwrap();
        conformance::reopened(open).await;
    }
}
