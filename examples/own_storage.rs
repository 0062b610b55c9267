//! A store of your own under the engine: three verbs, and a suite that says whether they keep their promises.
//!
//! This one writes everything to the end of a tape and never changes what is on it, as an object store or a log would.
//! The tape is in memory, to keep the example short; a real one would answer a commit once its end is safe on disk.
//!
//! Run it: `cargo run --example own_storage`

use std::{
    collections::BTreeMap,
    error::Error,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use strongroom_engine::{
    Credential, Engine, Rights,
    domains::{
        realms::PutRealm,
        records::{GetRecord, Previous, PutRecord, RecordName},
    },
    ports::{Clock, SystemClock},
};
use strongroom_primitives::id::{RealmId, Subject};
use strongroom_storage::{
    Batch, BoxFuture, Committed, Info, Key, Page, Range, Revision, Row, SCAN_BYTES_MAX, Storage,
    StorageError, Topics, WallClock, Write, conformance,
};
use tokio::sync::broadcast;

/// Everything that was ever written, and where to find what holds now.
#[derive(Default)]
struct Tape {
    /// Values in the order in which they were written. A row's revision is its place here, counted from 1.
    values: Vec<bytes::Bytes>,
    /// Where the present value of each key lies.
    index: BTreeMap<Key, Revision>,
    high_water_ms: u64,
}

impl Tape {
    fn row(&self, key: &Key) -> Option<Row> {
        let revision = *self.index.get(key)?;
        let at =
            usize::try_from(revision.0 - 1).expect("a tape in memory has fewer values than memory has bytes");
        Some(Row { revision, value: self.values[at].clone() })
    }

    fn append(&mut self, batch: &Batch, now_ms: u64) -> Result<Committed, StorageError> {
        batch.check_limits()?;
        let at_ms = now_ms.max(self.high_water_ms);
        if batch.not_after_ms.is_some_and(|limit| at_ms > limit) {
            return Err(StorageError::TooLate);
        }
        if !batch.guards.iter().all(|guard| guard.holds(self.index.get(guard.key()).copied())) {
            return Err(StorageError::Conflict);
        }
        for write in &batch.writes {
            match write {
                Write::Put(key, value) => {
                    self.values.push(value.clone());
                    self.index.insert(key.clone(), Revision(self.values.len() as u64));
                }
                Write::Delete(key) => {
                    self.index.remove(key);
                }
            }
        }
        self.high_water_ms = at_ms;
        Ok(Committed { revision: Revision(self.values.len() as u64), at_ms })
    }
}

/// The store: the tape, a clock, and whoever listens.
struct TapeStore {
    tape: Mutex<Tape>,
    clock: WallClock,
    changed: broadcast::Sender<Topics>,
}

impl TapeStore {
    fn new(clock: WallClock) -> Self {
        Self { tape: Mutex::default(), clock, changed: broadcast::channel(256).0 }
    }

    fn tape(&self) -> MutexGuard<'_, Tape> {
        // Nothing above panics half-way through a change.
        self.tape.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Storage for TapeStore {
    fn get<'a>(&'a self, keys: &'a [Key]) -> BoxFuture<'a, Result<Vec<Option<Row>>, StorageError>> {
        // One lock, one instant.
        let tape = self.tape();
        let rows = keys.iter().map(|key| tape.row(key)).collect();
        Box::pin(std::future::ready(Ok(rows)))
    }

    fn scan(&self, range: Range) -> BoxFuture<'_, Result<Page, StorageError>> {
        let tape = self.tape();
        let (mut page, mut bytes) = (Page::default(), 0);
        for key in tape.index.range(range.start.clone()..).map(|(key, _)| key) {
            if !range.contains(key) {
                break;
            }
            if page.rows.len() == range.rows_max() || bytes >= SCAN_BYTES_MAX {
                page.next = Some(key.clone());
                break;
            }
            let row = tape.row(key).expect("the index names what is on the tape");
            bytes += row.value.len();
            page.rows.push((key.clone(), row));
        }
        Box::pin(std::future::ready(Ok(page)))
    }

    fn commit(&self, batch: Batch) -> BoxFuture<'_, Result<Committed, StorageError>> {
        let committed = self.tape().append(&batch, (self.clock)());
        if committed.is_ok() && !batch.topics.is_empty() {
            // Nobody listening is not an error.
            let _ = self.changed.send(batch.topics.into());
        }
        Box::pin(std::future::ready(committed))
    }

    fn changed(&self) -> broadcast::Receiver<Topics> {
        self.changed.subscribe()
    }

    fn info(&self) -> Info {
        let high_water_ms = self.tape().high_water_ms;
        Info { backend: "tape", durable: false, encrypted: false, high_water_ms, refusing_writes: None }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    // The contract, promise by promise. It panics at the first one that does not hold.
    conformance::all(async |clock| TapeStore::new(clock)).await;
    println!("the tape keeps every promise of a store");

    let clock = SystemClock::new();
    let store = Arc::new(TapeStore::new(Arc::new(move || clock.wall().as_ms())));
    let engine = Engine::builder(store.clone()).spawn()?;
    let handle = engine.handle();
    let realm = RealmId::new("my-service")?;
    handle.ask(Credential::Operator, PutRealm { realm: realm.clone(), rights: Rights::ALL }).await?;
    let ann = Credential::Gateway { realm, subject: Subject::new("ann")? };

    let name = RecordName::new(["notes"])?;
    let put = PutRecord::new(name.clone(), "meta".into(), "value".into(), Previous::Absent, Vec::new());
    handle.ask(ann.clone(), put).await?;
    let record = handle.ask(ann, GetRecord { owner: None, name }).await?;
    assert_eq!((&record.meta[..], &record.value[..]), (&b"meta"[..], &b"value"[..]));
    println!("a record lies on a tape of {} values", store.tape().values.len());
    Ok(())
}
