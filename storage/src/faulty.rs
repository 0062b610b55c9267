//! A store that has bad days: seeded latency and errors around any other store, and bugs planted on purpose.
//!
//! Faults are what a healthy system must survive: they come and go ([`Faulty::calm`]) and break no promise. Bugs are
//! broken promises, there to prove that a checker of histories finds them; calm does not mend them.
//!
//! The one thing to believe: the same seed and the same order of calls give the same faults. Nothing here starts a
//! thread or looks at a clock; latency is tokio's, so paused time skips it.

use std::{
    collections::BTreeMap,
    ops::RangeInclusive,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use tokio::sync::broadcast;

use crate::{Batch, BoxFuture, Committed, Info, Key, Page, Range, Row, Storage, StorageError, Topics};

/// How often what goes wrong. Chances run from 0.0, never, to 1.0, always; the default is a store without faults.
#[derive(Debug, Clone, PartialEq)]
pub struct Faults {
    /// How long each call takes, in milliseconds, evenly spread.
    pub latency_ms: RangeInclusive<u64>,
    /// A commit fails as `Unavailable` and nothing was written.
    pub commit_error: f64,
    /// A commit is written, and its answer is lost: `Unavailable` all the same.
    pub reply_lost: f64,
    /// A commit finds the device full and writes nothing.
    pub full: f64,
    /// A read fails as `Unavailable`.
    pub read_error: f64,
    /// A read meets bytes that are not what was written, and says so.
    pub wrong_bytes: f64,
    /// Broken promises.
    pub bugs: Bugs,
}

/// Promises broken on purpose, each with the chance that a call breaks it. They stay when calm comes.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Bugs {
    /// A read of a row gives the value it had before the last commit through this store.
    pub stale_reads: f64,
    /// A commit is acknowledged and its writes are dropped.
    pub lost_updates: f64,
    /// A commit is applied without looking at its guards.
    pub dropped_guards: f64,
}

impl Default for Faults {
    fn default() -> Self {
        Self {
            latency_ms: 0..=0,
            commit_error: 0.0,
            reply_lost: 0.0,
            full: 0.0,
            read_error: 0.0,
            wrong_bytes: 0.0,
            bugs: Bugs::default(),
        }
    }
}

/// Another store, seen through faults.
pub struct Faulty<S> {
    inner: S,
    faults: Faults,
    calm: AtomicBool,
    chance: Mutex<ChaCha8Rng>,
    /// What rows were before the last commit that wrote them; kept only where reads may be stale.
    before: Mutex<BTreeMap<Key, Option<Row>>>,
}

/// What one call was dealt. Every call of a kind draws the same number of times, so that turning one fault on does
/// not move the others.
struct Commit {
    latency: Duration,
    error: bool,
    reply_lost: bool,
    full: bool,
    lost_update: bool,
    dropped_guards: bool,
}

struct Read {
    latency: Duration,
    error: bool,
    /// Which of the rows read is damaged, as a share of their number.
    wrong_bytes: Option<f64>,
    stale: bool,
}

impl<S: Storage> Faulty<S> {
    /// `inner` under `faults`, dealt from `seed`.
    pub fn new(inner: S, seed: u64, faults: Faults) -> Self {
        Self {
            inner,
            faults,
            calm: AtomicBool::new(false),
            chance: Mutex::new(ChaCha8Rng::seed_from_u64(seed)),
            before: Mutex::default(),
        }
    }

    /// Ends all faults, latency included. Planted bugs stay.
    pub fn calm(&self) {
        self.calm.store(true, Ordering::SeqCst);
    }

    /// The store behind the faults.
    pub fn inner(&self) -> &S {
        &self.inner
    }

    fn deal_commit(&self) -> Commit {
        let mut dice = self.dice();
        Commit {
            latency: dice.latency(),
            error: dice.fault(self.faults.commit_error),
            reply_lost: dice.fault(self.faults.reply_lost),
            full: dice.fault(self.faults.full),
            lost_update: dice.bug(self.faults.bugs.lost_updates),
            dropped_guards: dice.bug(self.faults.bugs.dropped_guards),
        }
    }

    fn deal_read(&self) -> Read {
        let mut dice = self.dice();
        let latency = dice.latency();
        let error = dice.fault(self.faults.read_error);
        let which = dice.draw();
        let wrong_bytes = dice.fault(self.faults.wrong_bytes).then_some(which);
        Read { latency, error, wrong_bytes, stale: dice.bug(self.faults.bugs.stale_reads) }
    }

    fn dice(&self) -> Dice<'_> {
        Dice {
            chance: self.chance.lock().unwrap_or_else(PoisonError::into_inner),
            faults: &self.faults,
            calm: self.calm.load(Ordering::SeqCst),
        }
    }

    fn before(&self) -> MutexGuard<'_, BTreeMap<Key, Option<Row>>> {
        self.before.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Commits, and remembers what it replaced if reads are to be stale.
    async fn apply(&self, batch: Batch) -> Result<Committed, StorageError> {
        if self.faults.bugs.stale_reads == 0.0 {
            return self.inner.commit(batch).await;
        }
        let keys: Vec<Key> = batch.writes.iter().map(|write| write.key().clone()).collect();
        let rows = self.inner.get(&keys).await?;
        let committed = self.inner.commit(batch).await?;
        self.before().extend(keys.into_iter().zip(rows));
        Ok(committed)
    }

    /// Waits, then fails if this read was dealt a failure; `keys` are what it would have read.
    async fn endure(&self, dealt: &Read, keys: &[Key]) -> Result<(), StorageError> {
        pause(dealt.latency).await;
        if dealt.error {
            return Err(StorageError::unavailable("an injected read error"));
        }
        if let Some(share) = dealt.wrong_bytes
            && let Some(key) = keys.get((share * keys.len() as f64) as usize)
        {
            return Err(StorageError::Corrupt { place: format!("{key:?}, injected") });
        }
        Ok(())
    }
}

impl<S: Storage> Storage for Faulty<S> {
    fn get<'a>(&'a self, keys: &'a [Key]) -> BoxFuture<'a, Result<Vec<Option<Row>>, StorageError>> {
        let dealt = self.deal_read();
        Box::pin(async move {
            self.endure(&dealt, keys).await?;
            let mut rows = self.inner.get(keys).await?;
            if dealt.stale {
                let before = self.before();
                for (key, row) in keys.iter().zip(&mut rows) {
                    if let Some(older) = before.get(key) {
                        row.clone_from(older);
                    }
                }
            }
            Ok(rows)
        })
    }

    fn scan(&self, range: Range) -> BoxFuture<'_, Result<Page, StorageError>> {
        let dealt = self.deal_read();
        Box::pin(async move {
            let start = [range.start.clone()];
            self.endure(&dealt, &start).await?;
            self.inner.scan(range).await
        })
    }

    fn commit(&self, batch: Batch) -> BoxFuture<'_, Result<Committed, StorageError>> {
        let dealt = self.deal_commit();
        Box::pin(async move {
            pause(dealt.latency).await;
            if dealt.full {
                return Err(StorageError::Full);
            }
            if dealt.error {
                return Err(StorageError::unavailable("an injected commit error"));
            }
            let mut batch = batch;
            if dealt.dropped_guards {
                batch.guards.clear();
            }
            if dealt.lost_update {
                batch.check_limits()?;
                batch.writes.clear();
            }
            let committed = self.apply(batch).await?;
            if dealt.reply_lost {
                return Err(StorageError::unavailable("an injected loss of the reply"));
            }
            Ok(committed)
        })
    }

    fn changed(&self) -> broadcast::Receiver<Topics> {
        self.inner.changed()
    }

    fn info(&self) -> Info {
        self.inner.info()
    }
}

/// The random numbers of one call.
struct Dice<'a> {
    chance: MutexGuard<'a, ChaCha8Rng>,
    faults: &'a Faults,
    calm: bool,
}

impl Dice<'_> {
    /// Evenly spread over 0.0 up to 1.0.
    fn draw(&mut self) -> f64 {
        // The 53 bits that a float holds exactly.
        (self.chance.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn fault(&mut self, chance: f64) -> bool {
        self.draw() < chance && !self.calm
    }

    fn bug(&mut self, chance: f64) -> bool {
        self.draw() < chance
    }

    fn latency(&mut self) -> Duration {
        let (least, most) = (*self.faults.latency_ms.start(), *self.faults.latency_ms.end());
        let spread = most.saturating_sub(least) as f64 + 1.0;
        let drawn = least + (self.draw() * spread) as u64;
        Duration::from_millis(if self.calm { 0 } else { drawn })
    }
}

/// Waits without asking the runtime for a timer if there is nothing to wait for, so that a store without latency
/// needs no runtime.
async fn pause(latency: Duration) {
    if !latency.is_zero() {
        tokio::time::sleep(latency).await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{Guard, Memory, Write};

    fn memory() -> Memory {
        Memory::new(Arc::new(|| 1_700_000_000_000))
    }

    fn put(value: &'static str) -> Batch {
        let write = Write::Put(Key::from_static(b"key"), value.into());
        Batch { writes: vec![write], ..Batch::default() }
    }

    async fn value(storage: &impl Storage) -> Option<Vec<u8>> {
        let rows = storage.get(&[Key::from_static(b"key")]).await.unwrap();
        rows[0].as_ref().map(|row| row.value.to_vec())
    }

    #[cfg(feature = "conformance")]
    #[tokio::test]
    async fn without_faults_it_keeps_every_promise() {
        crate::conformance::all(async |clock| Faulty::new(Memory::new(clock), 1, Faults::default())).await;
    }

    #[tokio::test(start_paused = true)]
    async fn one_seed_deals_the_same_faults_twice() {
        let faults = Faults {
            latency_ms: 1..=30,
            commit_error: 0.2,
            reply_lost: 0.2,
            full: 0.1,
            read_error: 0.2,
            wrong_bytes: 0.1,
            ..Faults::default()
        };
        let run = async |seed| {
            let store = Faulty::new(memory(), seed, faults.clone());
            let mut outcomes = Vec::new();
            for _ in 0..200 {
                outcomes.push(format!("{:?}", store.commit(put("x")).await));
                outcomes.push(format!("{:?}", store.get(&[Key::from_static(b"key")]).await));
            }
            outcomes
        };
        assert_eq!(run(7).await, run(7).await);
        assert_ne!(run(7).await, run(8).await);
    }

    #[tokio::test]
    async fn a_commit_error_writes_nothing_and_a_lost_reply_has_written() {
        let store = Faulty::new(memory(), 1, Faults { commit_error: 1.0, ..Faults::default() });
        assert!(matches!(store.commit(put("x")).await, Err(StorageError::Unavailable { .. })));
        assert_eq!(value(&store).await, None);

        let store = Faulty::new(memory(), 1, Faults { reply_lost: 1.0, ..Faults::default() });
        assert!(matches!(store.commit(put("x")).await, Err(StorageError::Unavailable { .. })));
        assert_eq!(value(&store).await, Some(b"x".to_vec()));

        let store = Faulty::new(memory(), 1, Faults { full: 1.0, ..Faults::default() });
        assert_eq!(store.commit(put("x")).await, Err(StorageError::Full));
        assert_eq!(value(&store).await, None);
    }

    /// F-08
    #[tokio::test]
    async fn wrong_bytes_are_reported_and_never_returned() {
        let store = Faulty::new(memory(), 1, Faults { wrong_bytes: 1.0, ..Faults::default() });
        store.commit(put("x")).await.unwrap();
        let read = store.get(&[Key::from_static(b"key")]).await;
        assert!(matches!(read, Err(StorageError::Corrupt { .. })), "{read:?}");
        let read = store.scan(Range::all(1)).await;
        assert!(matches!(read, Err(StorageError::Corrupt { .. })), "{read:?}");
    }

    #[tokio::test]
    async fn calm_ends_every_fault() {
        let faults = Faults {
            latency_ms: 1_000..=1_000,
            commit_error: 1.0,
            reply_lost: 1.0,
            full: 1.0,
            read_error: 1.0,
            wrong_bytes: 1.0,
            ..Faults::default()
        };
        let store = Faulty::new(memory(), 1, faults);
        store.calm();
        store.commit(put("x")).await.unwrap();
        assert_eq!(value(&store).await, Some(b"x".to_vec()));
    }

    #[tokio::test]
    async fn each_planted_bug_breaks_its_promise_even_in_calm() {
        let planted = |bugs| {
            let store = Faulty::new(memory(), 1, Faults { bugs, ..Faults::default() });
            store.calm();
            store
        };

        let store = planted(Bugs { stale_reads: 1.0, ..Bugs::default() });
        store.commit(put("old")).await.unwrap();
        store.commit(put("new")).await.unwrap();
        assert_eq!(value(&store).await, Some(b"old".to_vec()));

        let store = planted(Bugs { lost_updates: 1.0, ..Bugs::default() });
        store.commit(put("x")).await.unwrap();
        assert_eq!(value(&store).await, None);

        let store = planted(Bugs { dropped_guards: 1.0, ..Bugs::default() });
        store.commit(put("taken")).await.unwrap();
        let guard = Guard::Absent(Key::from_static(b"key"));
        store.commit(Batch { guards: vec![guard], ..put("taken again") }).await.unwrap();
        assert_eq!(value(&store).await, Some(b"taken again".to_vec()));
    }
}
