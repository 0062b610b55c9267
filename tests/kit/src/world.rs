//! A world: several engines over one store with bad days, under one virtual time.
//!
//! A node is an engine with its own clock, its own chance and its own cable to the store. It can be killed and started
//! again; the store lives on. Chaos ends with [`World::calm`], and what must hold then is what the system promises.

use std::{
    cell::{Cell, RefCell},
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use strongroom_engine::{
    Asking, Command, Credential, Engine, EngineBuilder, EngineError, EngineHandle, ErrorKind, Identity,
    Limits, Rights, Routed,
    domains::{
        admission::TrustedIssuer,
        pin_recovery::RecoveryRealm,
        realms::{PutRealm, PutRealmKey},
        records::{History as HistoryOf, RecordName},
        sessions::{BearerIssued, IssueBearer},
    },
    feed::{Event, FollowFeed},
    ports::{Cpu, Entropy, SeededEntropy, Work},
};
use strongroom_primitives::{
    hash,
    id::{RealmId, Subject},
};
use strongroom_storage::{Encrypted, Faults, Faulty, Memory, RootKey, Storage};
use zeroize::Zeroizing;

use crate::{
    cable::Cable,
    checkers::{
        Violation,
        version_order::{self, Kept, Tally},
    },
    client::Client,
    dice::Dice,
    history::{History, Outcome},
    time::{NodeClock, VirtualTime},
    tokens::TokenKey,
};

/// The store that all nodes of a world share.
pub type Store = Faulty<Arc<dyn Storage>>;

/// How a world is laid out.
#[derive(Debug, Clone)]
pub struct Plan {
    /// How far each node's clock is ahead of the true time, in milliseconds. One node per entry.
    pub clocks_off_by_ms: Vec<i64>,
    /// What goes wrong with the store, until calm.
    pub faults: Faults,
    /// The limits of every engine.
    pub limits: Limits,
    /// Other keystores that every engine trusts.
    pub issuers: Vec<TrustedIssuer>,
    /// Realms of PIN recovery that every engine is.
    pub recovery: Vec<Arc<RecoveryRealm>>,
    /// Whether what lies in the store is sealed. What is damaged is then damaged after it was opened.
    pub encrypted: bool,
}

impl Plan {
    /// So many nodes with right clocks over a store without faults.
    pub fn calm(nodes: usize) -> Self {
        Self {
            clocks_off_by_ms: vec![0; nodes],
            faults: Faults::default(),
            limits: simulated_limits(),
            issuers: Vec::new(),
            recovery: Vec::new(),
            encrypted: false,
        }
    }

    /// Two or three nodes whose clocks are a little off, over a store that is slow, loses answers, fails and is full
    /// at times. How bad it is differs from seed to seed.
    pub fn rough(dice: &Dice) -> Self {
        let nodes = dice.within(2..=3);
        let slowest = *dice.pick(&[0, 3, 20, 120, 900]);
        let share = |dice: &Dice, most: u64| dice.within(0..=most) as f64 / 1_000.0;
        Self {
            clocks_off_by_ms: (0..nodes).map(|_| i64::try_from(dice.below(400)).unwrap_or(0) - 200).collect(),
            faults: Faults {
                latency_ms: 0..=slowest,
                commit_error: share(dice, 100),
                reply_lost: share(dice, 150),
                full: share(dice, 30),
                read_error: share(dice, 50),
                wrong_bytes: share(dice, 20),
                ..Faults::default()
            },
            limits: simulated_limits(),
            issuers: Vec::new(),
            recovery: Vec::new(),
            encrypted: false,
        }
    }

    /// The same plan over a store that takes between so many milliseconds for every call.
    #[must_use]
    pub fn with_latency_ms(mut self, latency_ms: std::ops::RangeInclusive<u64>) -> Self {
        self.faults.latency_ms = latency_ms;
        self
    }
}

/// The limits of a simulation: those of the product, except that history keeps everything, so that a checker can see
/// every state that ever was.
pub fn simulated_limits() -> Limits {
    Limits { history_versions_max: 1_000_000, ..Limits::default() }
}

/// The record with this one-part name.
///
/// # Panics
/// If that is no name.
pub fn record(name: &str) -> RecordName {
    RecordName::new([name]).expect("a name that a test has chosen")
}

/// What is wrong at the end of a world.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// In calm, a node did not answer a read.
    NoAnswer {
        /// Which.
        node: usize,
        /// What it did.
        outcome: Outcome,
    },
    /// A history breaks a promise.
    Broken {
        /// Of which record.
        record: RecordName,
        /// What.
        violation: Violation,
    },
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoAnswer { node, outcome } => write!(f, "in calm, node {node} answered {outcome:?}"),
            Self::Broken { record, violation } => {
                write!(f, "record {}: {violation}", record.parts().join("/"))
            }
        }
    }
}

/// An encrypted store whose keys and random bytes come from the seed.
async fn encrypted(memory: Arc<Memory>, seed: u64) -> Encrypted<Arc<Memory>> {
    let root = RootKey::new(Zeroizing::new(Dice::new(seed, "root key").bytes()));
    let entropy = SeededEntropy::new(seed);
    let store = Encrypted::open(memory, &root, Arc::new(move |bytes| entropy.fill(bytes))).await;
    store.expect("an empty store becomes an encrypted one")
}

/// Does heavy work at once, and counts it, whoever asked for it and whether they lived to see it.
#[derive(Default)]
struct CountedWork(AtomicU64);

impl Cpu for CountedWork {
    fn run(&self, work: Work) {
        self.0.fetch_add(1, Ordering::Relaxed);
        work();
    }
}

/// One node: an engine while it is up, and what outlives it.
struct Node {
    clock: NodeClock,
    up: Option<(Engine, Arc<Cable<Store>>)>,
    lives: u64,
}

/// Engines, a store, a time and what was asked.
pub struct World {
    /// What all chance in this world comes from.
    pub seed: u64,
    /// What was asked and answered.
    pub history: History,
    /// The realm of everybody in this world.
    pub realm: RealmId,
    /// The key that signs the realm's tokens.
    pub token_key: TokenKey,
    time: VirtualTime,
    store: Arc<Store>,
    memory: Arc<Memory>,
    limits: Limits,
    issuers: Vec<TrustedIssuer>,
    recovery: Vec<Arc<RecoveryRealm>>,
    work: Arc<CountedWork>,
    nodes: RefCell<Vec<Node>>,
    clients: Cell<usize>,
    operations: Cell<u64>,
}

impl World {
    /// Starts every node and makes the realm known. Must be called inside a paused `actix_rt` system.
    pub async fn begin(seed: u64, plan: Plan) -> Self {
        let time = VirtualTime::begin();
        let memory = Arc::new(Memory::new(time.wall_clock()));
        let store: Arc<dyn Storage> =
            if plan.encrypted { Arc::new(encrypted(memory.clone(), seed).await) } else { memory.clone() };
        let store = Arc::new(Faulty::new(store, seed, plan.faults));
        let node = |off_by_ms| Node { clock: NodeClock::new(time, off_by_ms), up: None, lives: 0 };
        let world = Self {
            seed,
            history: History::default(),
            realm: RealmId::new("simulated").expect("a good realm"),
            token_key: TokenKey::new("key-1", Dice::new(seed, "token key").bytes()),
            time,
            store,
            memory,
            limits: plan.limits,
            issuers: plan.issuers,
            recovery: plan.recovery,
            work: Arc::default(),
            nodes: RefCell::new(plan.clocks_off_by_ms.into_iter().map(node).collect()),
            clients: Cell::new(0),
            operations: Cell::new(0),
        };
        for node in 0..world.node_count() {
            world.start(node).await;
        }
        let realm = PutRealm { realm: world.realm.clone(), rights: Rights::ALL };
        world.insist(0, Credential::Operator, realm).await;
        let key = PutRealmKey { realm: world.realm.clone(), key: world.token_key.public() };
        world.insist(0, Credential::Operator, key).await;
        world
    }

    /// How long the world has existed.
    pub fn now(&self) -> Duration {
        self.time.elapsed()
    }

    /// Lets time pass.
    pub async fn wait(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }

    /// The store that all nodes share.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// How many rows lie in the store.
    pub fn rows(&self) -> usize {
        self.memory.len()
    }

    /// How often anything heavy was computed, on any node, dead ones included.
    pub fn computed(&self) -> u64 {
        self.work.0.load(Ordering::Relaxed)
    }

    /// Dice of their own for a part of a scenario.
    pub fn dice(&self, purpose: &str) -> Dice {
        Dice::new(self.seed, purpose)
    }

    /// How many nodes there are, up or down.
    pub fn node_count(&self) -> usize {
        self.nodes.borrow().len()
    }

    /// The front door of a node; `None` while it is down.
    pub fn node(&self, node: usize) -> Option<EngineHandle> {
        self.nodes.borrow()[node].up.as_ref().map(|(engine, _)| engine.handle().clone())
    }

    /// The front door of a node that the scenario knows to be up.
    ///
    /// # Panics
    /// If it is down.
    pub fn up(&self, node: usize) -> EngineHandle {
        self.node(node).unwrap_or_else(|| panic!("node {node} is down"))
    }

    /// The clock of a node, which keeps its error across restarts.
    pub fn clock(&self, node: usize) -> NodeClock {
        self.nodes.borrow()[node].clock.clone()
    }

    /// Kills a node in whatever it is doing. A batch on its way to the store may still land there.
    pub fn kill(&self, node: usize, stragglers_land: bool) {
        if let Some((engine, cable)) = self.nodes.borrow_mut()[node].up.take() {
            cable.cut(stragglers_land);
            drop(engine);
        }
    }

    /// Starts a node that is down, as often as it takes.
    pub async fn start(&self, node: usize) {
        let (clock, life) = {
            let mut nodes = self.nodes.borrow_mut();
            let node = &mut nodes[node];
            if node.up.is_some() {
                return;
            }
            node.lives += 1;
            (node.clock.clone(), node.lives)
        };
        let chance = Dice::new(self.seed, &format!("entropy of node {node}, life {life}")).below(u64::MAX);
        loop {
            let cable = Arc::new(Cable::new(self.store.clone()));
            let builder =
                self.issuers.iter().cloned().fold(Engine::builder(cable.clone()), EngineBuilder::trust);
            let builder = self.recovery.iter().cloned().fold(builder, EngineBuilder::recovery_realm);
            let started = builder
                .clock(Arc::new(clock.clone()))
                .cpu(self.work.clone())
                .entropy(Arc::new(SeededEntropy::new(chance)))
                .limits(self.limits.clone())
                .shards(2)
                .start()
                .await;
            match started {
                Ok(engine) => {
                    self.nodes.borrow_mut()[node].up = Some((engine, cable));
                    return;
                }
                // The store has a bad day. Whoever runs a server starts it again.
                Err(_) => self.wait(Duration::from_millis(100)).await,
            }
        }
    }

    /// Kills a node and starts it again at once.
    pub async fn restart(&self, node: usize) {
        self.kill(node, false);
        self.start(node).await;
    }

    /// Ends all faults of the store. Planted bugs stay.
    pub fn calm(&self) {
        self.store.calm();
    }

    /// Asks until there is an answer that is not the store's or the bus's fault. For what may happen twice.
    ///
    /// # Panics
    /// If the answer is a refusal.
    pub async fn insist<C>(&self, node: usize, credential: Credential, command: C) -> C::Reply
    where
        C: Command + Clone,
        C::Domain: Routed,
    {
        match self.persist(node, credential, command).await {
            Ok(reply) => reply,
            Err(refusal) => panic!("{} was refused: {refusal}", C::NAME),
        }
    }

    /// Asks until there is an answer or a refusal that is not the store's or the bus's fault.
    ///
    /// # Errors
    /// The refusal.
    pub async fn persist<C>(
        &self,
        node: usize,
        credential: impl Into<Asking>,
        command: C,
    ) -> Result<C::Reply, EngineError>
    where
        C: Command + Clone,
        C::Domain: Routed,
    {
        let asking = credential.into();
        loop {
            let handle = self.up(node);
            match handle.ask(asking.clone(), command.clone()).await {
                Err(error) if matches!(error.kind(), ErrorKind::Busy | ErrorKind::Fault) => {
                    assert!(error != EngineError::Fault, "{} met an internal fault", C::NAME);
                    self.wait(Duration::from_millis(20)).await;
                }
                answer => return answer,
            }
        }
    }

    /// Somebody of the world's realm.
    pub fn identity(&self, subject: &str) -> Identity {
        Identity { realm: self.realm.clone(), subject: self.subject(subject) }
    }

    /// A subject.
    ///
    /// # Panics
    /// If that is none.
    pub fn subject(&self, subject: &str) -> Subject {
        Subject::new(subject).expect("a subject that a test has chosen")
    }

    /// The credential of somebody whom a gateway vouches for.
    pub fn gateway(&self, subject: &str) -> Credential {
        Credential::Gateway { realm: self.realm.clone(), subject: self.subject(subject) }
    }

    /// A bearer session of somebody, good for `life`.
    pub async fn bearer(&self, subject: &str, life: Option<Duration>) -> (BearerIssued, Credential) {
        let issue = IssueBearer {
            identity: self.identity(subject),
            rights: Rights::ALL,
            life,
            label: "simulated".to_owned(),
        };
        let issued = self.insist(0, Credential::Operator, issue).await;
        let credential = Credential::bearer(hash::sha256(issued.token.as_bytes()));
        (issued, credential)
    }

    /// A device of somebody whom a gateway vouches for.
    pub fn client(&self, subject: &str) -> Client<'_> {
        self.client_with(self.gateway(subject))
    }

    /// A device with this credential.
    pub fn client_with(&self, credential: Credential) -> Client<'_> {
        let number = self.clients.replace(self.clients.get() + 1);
        Client::new(self, number, credential)
    }

    /// A number for something that a client wants: what tells its content from all other.
    pub fn next_operation(&self) -> u64 {
        self.operations.replace(self.operations.get() + 1)
    }

    /// The states of a record of `subject`, from the first, as node `node` keeps them. Call in calm.
    pub async fn timeline(&self, node: usize, subject: &str, record: &RecordName) -> Vec<Kept> {
        let mut timeline = Vec::new();
        let mut after = None;
        loop {
            let page = HistoryOf { name: record.clone(), after };
            let page = match self.persist(node, self.gateway(subject), page).await {
                Ok(page) => page,
                Err(EngineError::UnknownRecord) => return timeline,
                Err(refusal) => panic!("history was refused: {refusal}"),
            };
            timeline.extend(page.versions.into_iter().map(|version| Kept {
                sequence: version.sequence,
                version: version.version,
                tag: *version.tag.as_bytes(),
                deleted: version.deleted,
            }));
            after = page.next;
            if after.is_none() {
                return timeline;
            }
        }
    }

    /// The feed of `subject` as node `node` has it, from the oldest event that is kept. Call in calm.
    pub async fn feed(&self, node: usize, subject: &str) -> Vec<(u64, Event)> {
        let page = async |after: u64| {
            let follow = FollowFeed { owner: None, record: None, after: Some(after), limit: 1_000 };
            self.insist(node, self.gateway(subject), follow).await
        };
        let mut after = 0;
        let mut events = Vec::new();
        loop {
            let page = page(after).await;
            if page.gap {
                // What comes before the oldest event is gone; look for where it begins.
                assert!(events.is_empty() && after < page.head, "a feed in calm has no hole");
                after += 1;
                continue;
            }
            events.extend(page.events.into_iter().map(|(sequence, _, event)| (sequence, event)));
            after = page.next;
            if after == page.head {
                return events;
            }
        }
    }

    /// Ends the chaos, starts what is down, reads every record on every node once more, and checks the whole history:
    /// every node answers, all agree, and everything acknowledged is there.
    ///
    /// # Panics
    /// If a promise is broken; the history is printed.
    pub async fn conclude(&self, subject: &str) -> Tally {
        match self.judge(subject).await {
            Ok(tally) => tally,
            Err(broken) => {
                let calls = self.history.calls();
                let lines: Vec<String> = calls.iter().map(|call| format!("{call:?}")).collect();
                panic!("seed {}: {broken}\n{}", self.seed, lines.join("\n"));
            }
        }
    }

    /// What [`World::conclude`] finds, without panicking.
    ///
    /// # Errors
    /// [`Finding`].
    pub async fn judge(&self, subject: &str) -> Result<Tally, Finding> {
        self.calm();
        for node in 0..self.node_count() {
            self.start(node).await;
        }
        let reader = self.client(subject);
        let mut total = Tally::default();
        for record in self.history.records() {
            for node in 0..self.node_count() {
                match reader.read_at(node, &record).await {
                    Outcome::Shown(_) | Outcome::Absent => {}
                    other => return Err(Finding::NoAnswer { node, outcome: other }),
                }
            }
            let timeline = self.timeline(0, subject, &record).await;
            let tally = version_order::check(record.form(), &self.history.of_record(&record), &timeline)
                .map_err(|violation| Finding::Broken { record: record.clone(), violation })?;
            total.calls += tally.calls;
            total.states += tally.states;
            total.unknown += tally.unknown;
        }
        Ok(total)
    }
}
