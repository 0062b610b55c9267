//! An engine over memory, with a clock that is set by hand, for tests of what rows alone do not show: credentials,
//! sweeping, erasure.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use strongroom_primitives::{
    hash,
    id::{RealmId, Subject},
    time::Timestamp,
};
use strongroom_storage::{Encrypted, Key, Memory, Range, RootKey, Storage};
use zeroize::Zeroizing;

use crate::{
    Command, Credential, Engine, EngineError, EngineHandle, Limits, Rights, Routed,
    domains::{
        realms::{PutRealm, SetSignUp, SignUp},
        sessions::BearerIssued,
    },
    ports::{Clock, Entropy, SeededEntropy},
    runtime::Sweeper,
};

struct Hand(AtomicU64);

impl Clock for Hand {
    fn wall(&self) -> Timestamp {
        Timestamp::from_ms(self.0.load(Ordering::Relaxed))
    }

    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }
}

pub(crate) struct Bench {
    clock: Arc<Hand>,
    storage: Arc<dyn Storage>,
    limits: Limits,
    engine: Engine,
    pub(crate) realm: RealmId,
}

impl Bench {
    pub(crate) async fn new() -> Self {
        Self::with(Limits::default()).await
    }

    /// An engine with one realm, open for names that people choose.
    pub(crate) async fn with(limits: Limits) -> Self {
        let (clock, memory) = Self::memory();
        Self::over(clock, Arc::new(memory), limits).await
    }

    /// The same over a store whose values lie sealed.
    pub(crate) async fn encrypted(limits: Limits) -> Self {
        let (clock, memory) = Self::memory();
        let entropy = SeededEntropy::new(2);
        let root = RootKey::new(Zeroizing::new([7; 32]));
        let store = Encrypted::open(memory, &root, Arc::new(move |bytes| entropy.fill(bytes))).await;
        Self::over(clock, Arc::new(store.expect("an empty store becomes an encrypted one")), limits).await
    }

    fn memory() -> (Arc<Hand>, Memory) {
        let clock = Arc::new(Hand(AtomicU64::new(1_780_000_000_000)));
        let wall = clock.clone();
        (clock, Memory::new(Arc::new(move || wall.0.load(Ordering::Relaxed))))
    }

    async fn engine(clock: &Arc<Hand>, storage: &Arc<dyn Storage>, limits: &Limits, life: u64) -> Engine {
        Engine::builder(storage.clone())
            .clock(clock.clone())
            .limits(limits.clone())
            .entropy(Arc::new(SeededEntropy::new(life)))
            .start()
            .await
            .expect("an engine over memory starts")
    }

    /// The engine goes, and another one starts over the same store.
    pub(crate) async fn restart(&mut self) {
        self.engine = Self::engine(&self.clock, &self.storage, &self.limits, 3).await;
    }

    async fn over(clock: Arc<Hand>, storage: Arc<dyn Storage>, limits: Limits) -> Self {
        let limits = Limits { sweep_interval: Duration::from_secs(36_000), ..limits };
        let engine = Self::engine(&clock, &storage, &limits, 1).await;
        let realm = RealmId::new("people").expect("a good name");
        let bench = Self { clock, storage, limits, engine, realm };
        bench.open_realm(&bench.realm).await;
        bench
    }

    pub(crate) async fn open_realm(&self, realm: &RealmId) {
        let put = PutRealm { realm: realm.clone(), rights: Rights::ALL };
        self.ask(&Credential::Operator, put).await.expect("the operator may");
        let open = SetSignUp { realm: realm.clone(), sign_up: SignUp::Chosen };
        self.ask(&Credential::Operator, open).await.expect("the operator may");
    }

    pub(crate) fn handle(&self) -> &EngineHandle {
        self.engine.handle()
    }

    pub(crate) async fn ask<C: Command>(&self, who: &Credential, command: C) -> Result<C::Reply, EngineError>
    where
        C::Domain: Routed,
    {
        self.engine.handle().ask(who.clone(), command).await
    }

    pub(crate) async fn anyone<C: Command>(&self, command: C) -> Result<C::Reply, EngineError>
    where
        C::Domain: Routed,
    {
        self.ask(&Credential::Anonymous, command).await
    }

    pub(crate) fn gateway(&self, subject: &str) -> Credential {
        let subject = Subject::new(subject).expect("a good name");
        Credential::Gateway { realm: self.realm.clone(), subject }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.wall()
    }

    pub(crate) fn wait(&self, time: Duration) {
        let ms = u64::try_from(time.as_millis()).expect("tests do not take that long");
        self.clock.0.fetch_add(ms, Ordering::Relaxed);
    }

    /// Every row of the store.
    pub(crate) async fn rows(&self) -> Vec<(Key, Vec<u8>)> {
        let page = self.storage.scan(Range::all(100_000)).await.expect("memory answers");
        page.rows.into_iter().map(|(key, row)| (key, row.value.to_vec())).collect()
    }

    /// How many rows there are under each of these prefixes.
    pub(crate) async fn count(&self, prefixes: &[u8]) -> Vec<usize> {
        let rows = self.rows().await;
        let under =
            |prefix: &u8| rows.iter().filter(|(key, _)| key.as_bytes().first() == Some(prefix)).count();
        prefixes.iter().map(under).collect()
    }

    /// One walk of the sweeper through the whole store.
    pub(crate) async fn sweep(&self) {
        let mut sweeper = Sweeper::new(self.handle().clone());
        for _ in 0..=self.rows().await.len() / self.handle().limits().sweep_rows_max {
            sweeper.step().await.expect("the sweeper can always take a step");
        }
    }
}

/// The credential of a session that was just opened.
pub(crate) fn held(issued: &BearerIssued) -> Credential {
    Credential::bearer(hash::sha256(issued.token.as_bytes()))
}
