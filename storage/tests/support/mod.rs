//! A process that writes and says what was acknowledged, and the truth to hold its store to afterwards.
//!
//! The writer is the test program itself, started again with an environment variable set: many tasks, each with a
//! counter of its own, each batch under a guard. What batch number n of a task writes follows from the seed alone,
//! so the expected rows follow from the counters that the store holds; the store may be one batch per task ahead of
//! what was acknowledged, and never behind.

use std::{
    collections::BTreeMap,
    env,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use bytes::Bytes;
use strongroom_storage::{
    Batch, Guard, Key, OpenError, Options, Storage, Syncing, Write, redb::Redb, sled::Sled,
};

/// Set for the writing process: backend, seed, whether to sync, path.
const ROLE: &str = "STRONGROOM_CRASH_WRITER";

/// Multiplies how often everything is done; unset is the dose for every run.
const SOAK: &str = "STRONGROOM_SOAK";

const TASKS: usize = 16;
const SLOTS: u64 = 12;

/// How long a writer may take until its first acknowledgement.
const PATIENCE: Duration = Duration::from_secs(30);

/// Which backend is put to the test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Backend {
    Sled,
    Redb,
}

/// `count` times the dose asked for.
pub(crate) fn dose(count: usize) -> usize {
    count * env::var(SOAK).ok().and_then(|dose| dose.parse().ok()).unwrap_or(1)
}

impl Backend {
    /// Opens the store, with its syncs or without.
    pub(crate) fn open(self, path: &Path, syncs: bool) -> Result<Box<dyn Storage>, OpenError> {
        // The clock plays no part here.
        let mut options = Options::new(Arc::new(|| 1_700_000_000_000));
        if !syncs {
            options.sync_hook = Some(Arc::new(|| Ok(Syncing::Skipped)));
            options.syncs_notes = false;
        }
        Ok(match self {
            Self::Sled => Box::new(Sled::open(path, options)?),
            Self::Redb => Box::new(Redb::open(path, options)?),
        })
    }
}

/// A number that looks like chance and follows from its parents.
pub(crate) fn mix(seed: u64, salt: u64) -> u64 {
    let mut mixed = seed ^ salt.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// What batch `number` of a task does to one of its slots: a new value of so many bytes, or none.
struct Step {
    slot: u64,
    bytes: Option<usize>,
    salt: u64,
}

impl Step {
    fn of(seed: u64, task: usize, number: u64) -> Self {
        let salt = mix(mix(seed, task as u64), number);
        let spread = |least: u64, most: u64| (least + mix(salt, 2) % (most - least)) as usize;
        // Large values keep to slots of their own, so that the data stays small.
        let (slot, bytes) = match mix(salt, 1) % 1_000 {
            0..850 => (mix(salt, 3) % (SLOTS - 3), spread(160, 360)),
            850..950 => (SLOTS - 3, spread(4_000, 9_000)),
            950..997 => (SLOTS - 2, spread(30_000, 110_000)),
            _ => (SLOTS - 1, spread(1 << 20, 2 << 20)),
        };
        Self { slot, bytes: (!mix(salt, 4).is_multiple_of(10)).then_some(bytes), salt }
    }

    fn value(&self) -> Option<Bytes> {
        let mut value = self.salt.to_le_bytes().repeat(self.bytes?.div_ceil(8));
        value.truncate(self.bytes?);
        Some(value.into())
    }
}

fn counter_key(task: usize) -> Key {
    Key::new(format!("task {task:02}/counter").into_bytes())
}

fn slot_key(task: usize, slot: u64) -> Key {
    Key::new(format!("task {task:02}/slot {slot:02}").into_bytes())
}

fn number_in(value: &Bytes) -> u64 {
    u64::from_be_bytes(value.as_ref().try_into().expect("a counter is eight bytes"))
}

/// Writes for ever, if this process was started to.
pub(crate) fn write_if_asked_to() -> bool {
    let Ok(role) = env::var(ROLE) else { return false };
    let mut role = role.splitn(4, ' ');
    let mut next = || role.next().expect("a role has four parts");
    let backend = if next() == "sled" { Backend::Sled } else { Backend::Redb };
    let seed = next().parse().expect("a seed is a number");
    let syncs = next() == "syncs";
    let store = backend.open(Path::new(next()), syncs).expect("the store opens");
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(futures_util::future::join_all((0..TASKS).map(|task| write(&*store, seed, task))));
    true
}

async fn write(store: &dyn Storage, seed: u64, task: usize) {
    let key = counter_key(task);
    let found = store.get(std::slice::from_ref(&key)).await.expect("a healthy store answers").remove(0);
    let mut number = found.as_ref().map_or(0, |row| number_in(&row.value));
    let mut guard = found.map_or(Guard::Absent(key.clone()), |row| Guard::At(key.clone(), row.revision));
    loop {
        number += 1;
        let step = Step::of(seed, task, number);
        let slot = slot_key(task, step.slot);
        let change = step.value().map_or(Write::Delete(slot.clone()), |value| Write::Put(slot, value));
        let count = Write::Put(key.clone(), number.to_be_bytes().to_vec().into());
        // The counter comes last, so the commit's revision is its own.
        let batch = Batch { guards: vec![guard], writes: vec![change, count], ..Batch::default() };
        let committed = store.commit(batch).await.expect("nobody else writes these rows");
        guard = Guard::At(key.clone(), committed.revision);
        println!("acknowledged {task} {number}");
    }
}

/// The writing process.
pub(crate) struct Writer {
    pub(crate) process: Child,
    reader: Option<JoinHandle<()>>,
    acknowledged: Arc<[AtomicU64; TASKS]>,
}

impl Writer {
    /// Starts it as another run of the test `test`, and waits until it has written something.
    pub(crate) fn start(test: &str, backend: Backend, path: &Path, seed: u64, syncs: bool) -> Self {
        let name = if backend == Backend::Sled { "sled" } else { "redb" };
        let syncs = if syncs { "syncs" } else { "skips" };
        let mut process = Command::new(env::current_exe().expect("a test knows its program"))
            .args([test, "--exact", "--nocapture"])
            .env(ROLE, format!("{name} {seed} {syncs} {}", path.display()))
            .stdout(Stdio::piped())
            .spawn()
            .expect("the writer starts");
        let acknowledged: Arc<[AtomicU64; TASKS]> = Arc::default();
        let output = BufReader::new(process.stdout.take().expect("piped above"));
        let (first, started) = mpsc::channel();
        let seen = Arc::clone(&acknowledged);
        let reader = thread::spawn(move || {
            for line in output.lines() {
                let Ok(line) = line else { break };
                let Some(rest) = line.strip_prefix("acknowledged ") else { continue };
                // A line cut off by the kill is no acknowledgement.
                let Some((task, number)) = rest.split_once(' ') else { continue };
                let (Ok(task), Ok(number)) = (task.parse::<usize>(), number.parse()) else { continue };
                seen[task].fetch_max(number, Ordering::SeqCst);
                // Only the first one is waited for.
                let _ = first.send(());
            }
        });
        let writer = Self { process, reader: Some(reader), acknowledged };
        started.recv_timeout(PATIENCE).expect("the writer acknowledges something");
        writer
    }

    /// Kills it with SIGKILL and gives the last batch acknowledged by each task, 0 for none.
    pub(crate) fn kill(mut self) -> Vec<u64> {
        self.end();
        self.acknowledged.iter().map(|number| number.load(Ordering::SeqCst)).collect()
    }

    fn end(&mut self) {
        // It may have ended by itself; then there is nothing to kill.
        let _ = self.process.kill();
        let _ = self.process.wait();
        if let Some(reader) = self.reader.take() {
            // Everything that was in the pipe has been read once it ends.
            let _ = reader.join();
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.end();
    }
}

/// What a store must hold.
pub(crate) struct Truth {
    seed: u64,
    tasks: Vec<Task>,
}

#[derive(Default, Clone)]
struct Task {
    number: u64,
    /// Which batch wrote a slot last.
    slots: BTreeMap<u64, u64>,
}

impl Truth {
    /// The truth about an empty store.
    pub(crate) fn new(seed: u64) -> Self {
        Self { seed, tasks: vec![Task::default(); TASKS] }
    }

    /// Holds the store to what was acknowledged, and takes note of what it holds.
    ///
    /// # Errors
    /// The first thing that is missing, wrong or half there.
    pub(crate) async fn settle(&mut self, store: &dyn Storage, acknowledged: &[u64]) -> Result<(), String> {
        for (task, (known, acknowledged)) in self.tasks.iter_mut().zip(acknowledged).enumerate() {
            let keys: Vec<Key> =
                (0..SLOTS).map(|slot| slot_key(task, slot)).chain([counter_key(task)]).collect();
            let mut rows = store.get(&keys).await.map_err(|error| format!("task {task}: {error}"))?;
            let counter = rows.pop().flatten().map_or(0, |row| number_in(&row.value));
            let owed = known.number.max(*acknowledged);
            if counter < owed || counter > owed + 1 {
                return Err(format!("task {task} is at batch {counter}, and batch {owed} was acknowledged"));
            }
            for number in known.number + 1..=counter {
                known.slots.insert(Step::of(self.seed, task, number).slot, number);
            }
            known.number = counter;
            for (slot, row) in (0..).zip(rows) {
                let writer = known.slots.get(&slot);
                let expected = writer.and_then(|number| Step::of(self.seed, task, *number).value());
                if row.map(|row| row.value) != expected {
                    return Err(format!("slot {slot} of task {task} is not as batch {writer:?} left it"));
                }
            }
        }
        Ok(())
    }
}

/// Where a store lies below a folder that is there.
pub(crate) fn store_in(folder: &Path) -> PathBuf {
    folder.join("store")
}
