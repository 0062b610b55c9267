//! Group commit: one writer thread takes what is waiting, decides it in order, and makes it durable once.
//!
//! Guards are checked against the disk plus the batches already taken into the group, so a group behaves as if its
//! batches had been committed one after another. Answers go out after the sync, refusals of the same group too,
//! because they may rest on batches that only the sync makes true.
//!
//! The one thing to believe: when a sync or a write fails, nothing is tried again on the same open files. A full
//! device closes the backend and opens it anew once there is room; anything else shuts the store until the process
//! opens it from disk.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::Instant,
};

use tokio::sync::{
    broadcast,
    mpsc::{self, error::TryRecvError},
    oneshot,
};

use super::{Folder, Meta, StoredRow, mark::Mark, options::Options};
use crate::{
    Batch, Committed, Info, Key, OpenError, Page, Range, Revision, Row, StorageError, Topic, Topics, Write,
};

/// The most batches in one group.
const GROUP_BATCHES_MAX: usize = 1_024;

/// A group takes no further batch once it holds this many bytes of keys and values: 4 MiB.
const GROUP_BYTES_MAX: usize = 4 * 1024 * 1024;

/// How many batches may wait for the writer; who comes later waits to get in line.
const WAITING_MAX: usize = 4_096;

/// How many groups' topics a follower may lag behind before it is told to look at everything.
const CHANGED_CAPACITY: usize = 1_024;

/// Room on the device that is left alone, in bytes: a backend that hits the end of the device has to be opened
/// anew, and needs some room for that.
const ROOM_RESERVE_BYTES: u64 = 8 * 1024 * 1024;

/// Room that a backend is given beside the reserve before it is opened anew: it writes what it knows of its pages.
const ROOM_TO_REOPEN_BYTES: u64 = 8 * 1024 * 1024;

/// The high-water mark of time is written at least whenever it has risen this much, in milliseconds, even if a group
/// changes no row.
const HIGH_WATER_STEP_MS: u64 = 1_000;

/// How many bytes a backend may write for each byte it is given, log, index and copies included.
const ROOM_PER_BYTE: u64 = 4;

/// What a backend does for the writer. All but `get` and `scan` are called by the writer's thread alone.
pub(crate) trait Engine: Send + Sync + 'static {
    /// The backend's name.
    const NAME: &'static str;

    /// How much a group may cost in the engine's own measure; it always holds at least one batch.
    const GROUP_COST_MAX: usize;

    /// What a batch costs in that measure.
    fn cost(batch: &Batch) -> usize;

    /// Why the engine cannot write any more and cannot say so itself, because a call into it does not return.
    fn lost() -> Option<&'static str>;

    /// The durable rows as of one instant.
    fn get(&self, keys: &[Key]) -> Result<Vec<Option<Row>>, StorageError>;

    /// One page of durable rows.
    fn scan(&self, range: &Range) -> Result<Page, StorageError>;

    /// The row as the last group left it.
    fn latest(&self, key: &Key) -> Result<Option<StoredRow>, StorageError>;

    /// The revision of the row as the last group left it. Need not read the whole value.
    fn latest_revision(&self, key: &Key) -> Result<Option<Revision>, StorageError>;

    /// Writes the change as one, makes it durable, and only then shows it to readers.
    ///
    /// After an error readers go on seeing what was durable before.
    fn write(&self, change: &Change) -> Result<(), Fault>;

    /// Closes what is open and opens it again from disk; gives the meta row found.
    fn reopen(&self) -> Result<Meta, OpenError>;

    /// Closes what is open. Reads fail from then on.
    fn close(&self);
}

/// Why a group was not written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The device is full. How much of the group is on it is unknown.
    Full,
    /// Nothing that is open can be trusted any more.
    Broken(String),
}

/// One row before and after a group.
#[derive(Debug)]
pub(crate) struct Altered {
    pub(crate) before: Option<StoredRow>,
    pub(crate) after: Option<StoredRow>,
}

/// What a group does to the store.
#[derive(Debug)]
pub(crate) struct Change {
    pub(crate) rows: BTreeMap<Key, Altered>,
    pub(crate) meta: Meta,
}

/// A store that commits in groups.
pub(crate) struct Grouped<E: Engine> {
    engine: Arc<E>,
    shared: Arc<Shared>,
    jobs: Option<mpsc::Sender<Job>>,
    writer: Option<JoinHandle<()>>,
}

enum Job {
    Commit { batch: Batch, answer: oneshot::Sender<Result<Committed, StorageError>> },
    Close { answer: oneshot::Sender<()> },
}

/// What the writer tells those who ask.
struct Shared {
    health: Mutex<Health>,
    high_water_ms: AtomicU64,
    changed: broadcast::Sender<Topics>,
    folder: Folder,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Health {
    Good,
    /// Writes wait for room; what is read is right.
    Full,
    /// Nothing is answered any more.
    Shut(String),
}

impl Shared {
    fn health(&self) -> MutexGuard<'_, Health> {
        // Health is replaced whole, so a poisoned lock still guards a whole one.
        self.health.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set_health(&self, health: Health) {
        *self.health() = health;
    }

    fn has_room(&self, needed: u64) -> bool {
        // A device that cannot say how much room it has is found full by writing to it.
        self.folder.room_bytes().map_or(true, |room| room >= needed)
    }
}

/// The room on the device that a group of so many bytes asks for.
fn room_for(bytes: usize) -> u64 {
    ROOM_RESERVE_BYTES.saturating_add(ROOM_PER_BYTE.saturating_mul(bytes as u64))
}

impl<E: Engine> Grouped<E> {
    /// Starts the writer over an engine that was opened in `folder` and found `meta` there.
    pub(crate) fn start(
        engine: E,
        folder: Folder,
        meta: Meta,
        mark: Mark,
        options: &Options,
    ) -> Result<Self, OpenError> {
        let engine = Arc::new(engine);
        let shared = Arc::new(Shared {
            health: Mutex::new(Health::Good),
            high_water_ms: AtomicU64::new(meta.high_water_ms),
            changed: broadcast::channel(CHANGED_CAPACITY).0,
            folder,
        });
        let (jobs, waiting) = mpsc::channel(WAITING_MAX);
        let writer = Writer {
            engine: Arc::clone(&engine),
            shared: Arc::clone(&shared),
            options: options.clone(),
            meta,
            written: meta,
            mark,
            must_reopen: false,
        };
        let path = shared.folder.path().to_path_buf();
        let writer = thread::Builder::new()
            .name(format!("{}-writer", E::NAME))
            .spawn(move || writer.run(waiting))
            .map_err(|error| OpenError::from_io(&path, &error))?;
        Ok(Self { engine, shared, jobs: Some(jobs), writer: Some(writer) })
    }

    pub(crate) fn get(&self, keys: &[Key]) -> Result<Vec<Option<Row>>, StorageError> {
        self.engine.get(keys).map_err(|error| self.explained(error))
    }

    pub(crate) fn scan(&self, range: &Range) -> Result<Page, StorageError> {
        self.engine.scan(range).map_err(|error| self.explained(error))
    }

    pub(crate) async fn commit(&self, batch: Batch) -> Result<Committed, StorageError> {
        batch.check_limits()?;
        if let Some(reason) = E::lost() {
            return Err(StorageError::unavailable(reason));
        }
        let (answer, answered) = oneshot::channel();
        let hurried = batch.patience.is_zero();
        self.send(Job::Commit { batch, answer }).await?;
        if hurried {
            self.hurry();
        }
        answered.await.unwrap_or_else(|_| Err(stopped()))
    }

    /// Finishes what is waiting, then lets go of the files. Reads and writes fail from then on.
    pub(crate) async fn close(&self) -> Result<(), StorageError> {
        let (answer, answered) = oneshot::channel();
        self.send(Job::Close { answer }).await?;
        self.hurry();
        answered.await.map_err(|_| stopped())
    }

    pub(crate) fn changed(&self) -> broadcast::Receiver<Topics> {
        self.shared.changed.subscribe()
    }

    pub(crate) fn info(&self) -> Info {
        let refusing_writes = match &*self.shared.health() {
            Health::Good => E::lost().map(str::to_owned),
            // Room may have come back since the last commit found none.
            Health::Full if self.shared.has_room(room_for(0) + ROOM_TO_REOPEN_BYTES) => None,
            Health::Full => Some(StorageError::Full.to_string()),
            Health::Shut(reason) => Some(reason.clone()),
        };
        Info {
            backend: E::NAME,
            durable: true,
            encrypted: false,
            high_water_ms: self.shared.high_water_ms.load(Ordering::Acquire),
            refusing_writes,
        }
    }

    /// Says why a shut store does not answer.
    fn explained(&self, error: StorageError) -> StorageError {
        match &*self.shared.health() {
            Health::Shut(reason) => StorageError::unavailable(reason.clone()),
            Health::Good | Health::Full => error,
        }
    }

    /// Ends the writer's wait for company.
    fn hurry(&self) {
        if let Some(writer) = &self.writer {
            writer.thread().unpark();
        }
    }

    async fn send(&self, job: Job) -> Result<(), StorageError> {
        let jobs = self.jobs.as_ref().ok_or_else(stopped)?;
        jobs.send(job).await.map_err(|_| stopped())
    }
}

impl<E: Engine> Drop for Grouped<E> {
    /// Waits for the writer, so that the store can be opened again at once.
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(writer) = self.writer.take()
            && E::lost().is_none()
        {
            // A writer that panicked has nothing left to finish.
            let _ = writer.join();
        }
    }
}

fn stopped() -> StorageError {
    StorageError::unavailable("the store is closed")
}

struct Writer<E: Engine> {
    engine: Arc<E>,
    shared: Arc<Shared>,
    options: Options,
    /// As the last batch left it.
    meta: Meta,
    /// As it is on disk: behind `meta` by groups that had nothing to write.
    written: Meta,
    mark: Mark,
    must_reopen: bool,
}

/// A batch and who waits for it.
type Waiting = (Batch, oneshot::Sender<Result<Committed, StorageError>>);

impl<E: Engine> Writer<E> {
    fn run(mut self, mut jobs: mpsc::Receiver<Job>) {
        let mut next = jobs.blocking_recv();
        while let Some(job) = next.take() {
            match job {
                Job::Commit { batch, answer } => next = self.gather(batch, answer, &mut jobs),
                Job::Close { answer } => {
                    self.close();
                    // Who closed it may be gone already.
                    let _ = answer.send(());
                }
            }
            if next.is_none() {
                next = jobs.blocking_recv();
            }
        }
        self.close();
    }

    /// Commits a batch with whatever else is waiting, or comes while all of them have patience. Gives the job that was
    /// taken out of the line and has no place in the group.
    fn gather(
        &mut self,
        batch: Batch,
        answer: oneshot::Sender<Result<Committed, StorageError>>,
        jobs: &mut mpsc::Receiver<Job>,
    ) -> Option<Job> {
        let (mut bytes, mut cost) = (batch.size_bytes(), E::cost(&batch));
        let mut until = patient_until(&batch);
        let mut group = vec![(batch, answer)];
        let mut next = None;
        while group.len() < GROUP_BATCHES_MAX && bytes < GROUP_BYTES_MAX {
            match jobs.try_recv() {
                Ok(Job::Commit { batch, answer }) if cost + E::cost(&batch) <= E::GROUP_COST_MAX => {
                    bytes += batch.size_bytes();
                    cost += E::cost(&batch);
                    until = until.min(patient_until(&batch));
                    group.push((batch, answer));
                }
                Ok(job) => {
                    next = Some(job);
                    break;
                }
                // Whoever has no patience ends the wait.
                Err(TryRecvError::Empty) => {
                    match until.and_then(|until| until.checked_duration_since(now())) {
                        Some(left) => thread::park_timeout(left),
                        None => break,
                    }
                }
                Err(TryRecvError::Disconnected) => break,
            }
        }
        self.commit(group, bytes);
        next
    }

    fn close(&mut self) {
        self.engine.close();
        if *self.shared.health() == Health::Good
            && let Err(error) = self.mark.sync()
        {
            // The data is durable without it; only the next check for lost commits is weaker.
            tracing::warn!(%error, "the durable mark was not synced");
        }
        self.shared.set_health(Health::Shut("the store is closed".into()));
        self.shared.folder.release();
    }

    fn commit(&mut self, group: Vec<Waiting>, bytes: usize) {
        if let Err(refusal) = self.make_ready(bytes) {
            return answer_all(group, &refusal);
        }
        let now_ms = (self.options.clock)();
        let mut pending = Pending::after(self.engine.as_ref(), self.meta);
        let verdicts: Vec<_> = group.iter().map(|(batch, _)| pending.take(batch, now_ms)).collect();
        let mut change = pending.into_change();
        let must_write = change.meta.last_revision != self.written.last_revision
            || !change.rows.is_empty()
            || change.meta.high_water_ms >= self.written.high_water_ms.saturating_add(HIGH_WATER_STEP_MS);
        if must_write {
            change.meta.group += 1;
            if let Err(failure) = self.write(&change) {
                return answer_all(group, &failure);
            }
            self.written = change.meta;
        }
        self.meta = change.meta;
        self.shared.high_water_ms.store(self.meta.high_water_ms, Ordering::Release);
        let topics: Vec<Topic> = group
            .iter()
            .zip(&verdicts)
            .filter(|(_, verdict)| verdict.is_ok())
            .flat_map(|((batch, _), _)| batch.topics.iter().copied())
            .collect();
        if !topics.is_empty() {
            // Nobody listening is not an error.
            let _ = self.shared.changed.send(topics.into());
        }
        for ((_, answer), verdict) in group.into_iter().zip(verdicts) {
            // Who asked may have given up; the commit stands.
            let _ = answer.send(verdict);
        }
        if must_write && let Err(error) = self.mark.write(&self.written) {
            self.shut(format!("the durable mark cannot be written: {error}"));
        }
    }

    /// Opens the backend anew if the device had been full, and looks for room.
    fn make_ready(&mut self, bytes: usize) -> Result<(), StorageError> {
        if let Health::Shut(reason) = &*self.shared.health() {
            return Err(StorageError::unavailable(reason.clone()));
        }
        let needed = room_for(bytes);
        if self.options.room_is_looked_for() && !self.shared.has_room(needed) {
            self.shared.set_health(Health::Full);
            return Err(StorageError::Full);
        }
        if self.must_reopen {
            // Until there is room to open anew, readers keep what is open.
            if !self.shared.has_room(needed + ROOM_TO_REOPEN_BYTES) {
                return Err(StorageError::Full);
            }
            match self.engine.reopen() {
                Ok(meta) => {
                    tracing::info!(backend = E::NAME, "there is room again; the store was opened anew");
                    // Time and revisions that were handed out stay handed out, even if the disk has not seen them.
                    self.written = meta;
                    self.meta = Meta {
                        last_revision: meta.last_revision.max(self.meta.last_revision),
                        high_water_ms: meta.high_water_ms.max(self.meta.high_water_ms),
                        ..meta
                    };
                    self.must_reopen = false;
                }
                Err(OpenError::Full { .. }) => return Err(StorageError::Full),
                Err(error) => return Err(self.shut(format!("opening anew failed: {error}"))),
            }
        }
        self.shared.set_health(Health::Good);
        Ok(())
    }

    fn write(&mut self, change: &Change) -> Result<(), StorageError> {
        match self.engine.write(change) {
            Ok(()) => Ok(()),
            Err(Fault::Full) => {
                self.must_reopen = true;
                self.shared.set_health(Health::Full);
                tracing::warn!(backend = E::NAME, "the device is full; writes wait for room");
                Err(StorageError::unavailable("the device filled up while the batch was written"))
            }
            Err(Fault::Broken(reason)) => Err(self.shut(reason)),
        }
    }

    /// Refuses everything from now on.
    fn shut(&mut self, reason: String) -> StorageError {
        tracing::error!(backend = E::NAME, %reason, "the store is shut until it is opened again");
        self.engine.close();
        self.shared.set_health(Health::Shut(reason.clone()));
        StorageError::Unavailable { reason }
    }
}

#[expect(clippy::disallowed_methods, reason = "waiting for the disk is not the simulation's business")]
fn now() -> Instant {
    Instant::now()
}

/// How long a group that has the batch may wait for others; `None` if not at all.
fn patient_until(batch: &Batch) -> Option<Instant> {
    (!batch.patience.is_zero()).then(|| now() + batch.patience)
}

fn answer_all(group: Vec<Waiting>, error: &StorageError) {
    for (_, answer) in group {
        // Who asked may have given up.
        let _ = answer.send(Err(error.clone()));
    }
}

/// The store as the batches taken so far leave it.
struct Pending<'e, E> {
    engine: &'e E,
    rows: BTreeMap<Key, Altered>,
    meta: Meta,
}

impl<'e, E: Engine> Pending<'e, E> {
    fn after(engine: &'e E, meta: Meta) -> Self {
        Self { engine, rows: BTreeMap::new(), meta }
    }

    /// Takes the batch in, or says why not and changes nothing.
    fn take(&mut self, batch: &Batch, now_ms: u64) -> Result<Committed, StorageError> {
        let at_ms = now_ms.max(self.meta.high_water_ms);
        if batch.not_after_ms.is_some_and(|limit| at_ms > limit) {
            return Err(StorageError::TooLate);
        }
        for guard in &batch.guards {
            if !guard.holds(self.revision(guard.key())?) {
                return Err(StorageError::Conflict);
            }
        }
        // Everything that can fail comes before the first change.
        let mut found = BTreeMap::new();
        for key in batch.writes.iter().map(Write::key) {
            if !self.rows.contains_key(key) && !found.contains_key(key) {
                found.insert(key.clone(), self.engine.latest(key)?);
            }
        }
        for (key, before) in found {
            self.rows.insert(key, Altered { after: before.clone(), before });
        }
        for write in &batch.writes {
            let after = match write {
                Write::Put(key, value) => {
                    self.meta.last_revision += 1;
                    Some(StoredRow::new(key, Revision(self.meta.last_revision), value.clone()))
                }
                Write::Delete(_) => None,
            };
            if let Some(row) = &after {
                self.meta.add(row);
            }
            let altered = self.rows.get_mut(write.key()).expect("every written row was looked up above");
            if let Some(row) = std::mem::replace(&mut altered.after, after) {
                self.meta.remove(&row);
            }
        }
        self.meta.high_water_ms = at_ms;
        Ok(Committed { revision: Revision(self.meta.last_revision), at_ms })
    }

    fn revision(&self, key: &Key) -> Result<Option<Revision>, StorageError> {
        match self.rows.get(key) {
            Some(altered) => Ok(altered.after.as_ref().map(|stored| stored.row.revision)),
            None => self.engine.latest_revision(key),
        }
    }

    fn into_change(mut self) -> Change {
        self.rows.retain(|_, altered| altered.before.is_some() || altered.after.is_some());
        Change { rows: self.rows, meta: self.meta }
    }
}
