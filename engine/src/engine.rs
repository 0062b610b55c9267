//! Putting an engine together: ports in, a running engine out.

use std::{sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};
use strongroom_storage::{Batch, Guard, Key, Range, SCAN_ROWS_MAX, Storage, StorageError, Write};
use thiserror::Error;
use tokio::{
    sync::{Semaphore, broadcast::error::RecvError, mpsc},
    task::JoinHandle,
};

use crate::{
    bus::{Grounds, Placement},
    codec::{self, Stored},
    credential::{Credential, CredentialCache, Signatures},
    domains::admission::{Issuers, TrustedIssuer},
    domains::pin_recovery::{self, RecoveryRealm, RecoveryRealms},
    domains::service_keys::StoredSignature,
    feed::Board,
    handle::{EngineHandle, Routes},
    keyspace::{self, Keyspace},
    limits::Limits,
    observe::{Observer, Unobserved},
    ports::{
        Anchor, AnchorError, Clock, Cpu, Entropy, Inline, OsEntropy, SystemClock, Timekeeper, Unanchored,
    },
    runtime::{Courier, Lanes, Shared, Sweeper, Touch},
    secrets::StoredSecrets,
};

/// Uses that wait to be written down.
const TOUCHES_MAX: usize = 1_024;

/// The format of the rows that this release writes.
const FORMAT: u32 = 1;

#[derive(Serialize, Deserialize)]
struct StoredFormat {
    format: u32,
}

impl Stored for StoredFormat {}

/// Why an engine did not start.
#[derive(Debug, Error)]
pub enum StartError {
    /// The store does not answer.
    #[error("the store does not answer: {0}")]
    Storage(#[from] StorageError),
    /// The rows were written by a later release. Nothing was touched.
    #[error(
        "the data has format {found}, this release knows {FORMAT}: start the release that wrote it, or a later one"
    )]
    NewerData {
        /// The format that was found.
        found: u32,
    },
    /// A row of the engine's own is damaged.
    #[error("the engine's own rows are damaged; `store check` says where")]
    Damaged,
    /// Whether the store was restored cannot be told.
    #[error(transparent)]
    Anchor(#[from] AnchorError),
    /// The engine's thread could not be started.
    #[error("no thread for the engine: {0}")]
    Thread(#[from] std::io::Error),
}

/// What an engine is made of.
pub struct EngineBuilder {
    storage: Arc<dyn Storage>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    cpu: Arc<dyn Cpu>,
    limits: Limits,
    issuers: Issuers,
    recovery: RecoveryRealms,
    anchor: Arc<dyn Anchor>,
    placement: Placement,
    shards: usize,
    observer: Arc<dyn Observer>,
}

impl EngineBuilder {
    /// Where time comes from; the operating system unless said otherwise.
    #[must_use]
    pub fn clock(self, clock: Arc<dyn Clock>) -> Self {
        Self { clock, ..self }
    }

    /// Where random bytes come from; the operating system unless said otherwise.
    #[must_use]
    pub fn entropy(self, entropy: Arc<dyn Entropy>) -> Self {
        Self { entropy, ..self }
    }

    /// Where heavy decisions are computed; on the thread that carries them unless said otherwise.
    #[must_use]
    pub fn cpu(self, cpu: Arc<dyn Cpu>) -> Self {
        Self { cpu, ..self }
    }

    /// The limits in force.
    #[must_use]
    pub fn limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// Accepts the admission tokens of another keystore. May be said of any number of them, and of one name under
    /// several keys, which is how a keystore changes its key.
    #[must_use]
    pub fn trust(mut self, issuer: TrustedIssuer) -> Self {
        self.issuers.trust(issuer);
        self
    }

    /// Is a realm of PIN recovery. May be said of any number of them.
    #[must_use]
    pub fn recovery_realm(mut self, realm: Arc<RecoveryRealm>) -> Self {
        self.recovery.serve(realm);
        self
    }

    /// What knows how far realms of PIN recovery have come, where no backup of the store takes it along; nothing unless
    /// said otherwise, and a restored store then gives guesses back.
    #[must_use]
    pub fn anchor(self, anchor: Arc<dyn Anchor>) -> Self {
        Self { anchor, ..self }
    }

    /// Where actors live; on the caller's own thread unless said otherwise.
    #[must_use]
    pub fn placement(self, placement: Placement) -> Self {
        Self { placement, ..self }
    }

    /// How many shards there are. Invisible to correctness; a small multiple of the cores is plenty.
    #[must_use]
    pub fn shards(self, shards: usize) -> Self {
        Self { shards: shards.max(1), ..self }
    }

    /// Who is told what happens.
    #[must_use]
    pub fn observer(self, observer: Arc<dyn Observer>) -> Self {
        Self { observer, ..self }
    }

    /// Starts the engine on a thread with a running `actix_rt` system.
    ///
    /// # Errors
    /// [`StartError`]; nothing was started.
    pub async fn start(self) -> Result<Engine, StartError> {
        let (touched, touches) = mpsc::channel(TOUCHES_MAX);
        let secrets = prepare(&*self.storage, &*self.entropy).await?;
        let time = Timekeeper::new(self.clock, self.storage.info().high_water_ms);
        let signatures = signatures(&*self.storage, &self.limits, &time).await?;
        let space = Keyspace::new(secrets.naming_key());
        for realm in self.recovery.ids() {
            pin_recovery::begin(&*self.storage, &*self.anchor, &space, &*self.entropy, *realm).await?;
        }
        let shared = Arc::new(Shared {
            time,
            signatures,
            sealed_at_rest: self.storage.info().encrypted,
            entropy: self.entropy,
            secrets: secrets.secrets(),
            space,
            board: Board::default(),
            cache: CredentialCache::new(self.limits.verified_tokens_max),
            lanes: Lanes::default(),
            cpu: self.cpu,
            heavy: Arc::new(Semaphore::new(self.limits.heavy_max)),
            observer: self.observer,
            touched,
            limits: self.limits,
            issuers: self.issuers,
            recovery: self.recovery,
            anchor: self.anchor,
            storage: self.storage,
        });
        let grounds = Grounds::new(self.placement);
        let couriers: Arc<[Arc<Courier>]> = (0..self.shards).map(|_| Courier::new(shared.clone())).collect();
        let routes = Arc::new(Routes::new(&grounds, &couriers, &shared.limits));
        let listener = actix_rt::spawn(listen(shared.clone()));
        let handle = EngineHandle::new(shared, couriers, routes);
        let sweeper = actix_rt::spawn(Sweeper::new(handle.clone()).run());
        let toucher = actix_rt::spawn(touch(handle.clone(), touches));
        Ok(Engine { handle, tasks: vec![listener, sweeper, toucher], _grounds: grounds })
    }

    /// Starts the engine on a thread of its own, for hosts that run no `actix_rt` system. The thread ends when the
    /// returned engine is dropped.
    ///
    /// # Errors
    /// [`StartError`].
    pub fn spawn(self) -> Result<SpawnedEngine, StartError> {
        let (started, handle) = std::sync::mpsc::channel();
        let (stop, mut stopped) = mpsc::channel::<()>(1);
        let thread = std::thread::Builder::new().name("strongroom-engine".to_owned()).spawn(move || {
            actix_rt::System::new().block_on(async move {
                match self.start().await {
                    Ok(engine) => {
                        if started.send(Ok(engine.handle().clone())).is_ok() {
                            // Returns when the sender is dropped.
                            let _ = stopped.recv().await;
                        }
                        engine.stop(Duration::from_secs(10)).await;
                    }
                    Err(error) => drop(started.send(Err(error))),
                }
            });
        })?;
        let handle =
            handle.recv().map_err(|_| std::io::Error::other("the engine's thread ended at once"))??;
        Ok(SpawnedEngine { handle, stop: Some(stop), thread: Some(thread) })
    }
}

/// Reads the engine's own rows, and writes them into a new store.
async fn prepare(storage: &dyn Storage, entropy: &dyn Entropy) -> Result<StoredSecrets, StartError> {
    let keys: [Key; 2] = [keyspace::format(), keyspace::engine_secrets()];
    for _ in 0..8 {
        let rows = storage.get(&keys).await?;
        match &rows[..] {
            [Some(format), Some(secrets)] => {
                let format: StoredFormat = codec::decode(&format.value).map_err(|_| StartError::Damaged)?;
                if format.format > FORMAT {
                    return Err(StartError::NewerData { found: format.format });
                }
                return codec::decode(&secrets.value).map_err(|_| StartError::Damaged);
            }
            [None, None] => {}
            _ => return Err(StartError::Damaged),
        }
        let format = codec::encode(&StoredFormat { format: FORMAT });
        let secrets = codec::encode(&StoredSecrets::generate(entropy));
        let batch = Batch {
            guards: keys.iter().cloned().map(Guard::Absent).collect(),
            writes: keys
                .iter()
                .cloned()
                .zip([format, secrets])
                .map(|(key, row)| Write::Put(key, row))
                .collect(),
            ..Batch::default()
        };
        match storage.commit(batch).await {
            // Another node was first; its rows are as good.
            Ok(_) | Err(StorageError::Conflict | StorageError::Unavailable { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(StartError::Storage(StorageError::unavailable("the engine's own rows could not be written")))
}

/// What is known of the signatures that were taken before this start: nothing of those that only memory knew, which
/// the fence makes up for, and all of those that are rows.
async fn signatures(
    storage: &dyn Storage,
    limits: &Limits,
    time: &Timekeeper,
) -> Result<Signatures, StartError> {
    let told_ms = storage.info().high_water_ms;
    let is_new = storage.scan(Range::prefix(&keyspace::chains(), 1)).await?.rows.is_empty();
    let signatures = Signatures::new(limits, told_ms, !is_new);
    if limits.signatures_shared {
        return Ok(signatures);
    }
    let mut range = Range::prefix(&keyspace::signatures(), SCAN_ROWS_MAX);
    loop {
        let page = storage.scan(range.clone()).await?;
        for (key, row) in page.rows {
            let stored: StoredSignature = codec::decode(&row.value).map_err(|_| StartError::Damaged)?;
            let signature = keyspace::sixteen(&key, 2).ok_or(StartError::Damaged)?;
            if stored.until >= time.now() {
                signatures.recall(&signature, stored.form, stored.at);
            }
        }
        match page.next {
            Some(next) => range = range.from(next),
            None => return Ok(signatures),
        }
    }
}

/// Passes the store's hints on to the board. A lost hint costs a look, never an event.
async fn listen(shared: Arc<Shared>) {
    let mut changed = shared.storage.changed();
    loop {
        match changed.recv().await {
            Ok(topics) => shared.board.raise(&topics),
            Err(RecvError::Lagged(_)) => shared.board.raise_all(),
            Err(RecvError::Closed) => return,
        }
    }
}

/// Writes down what was used. What cannot be written is not missed: the next use is as good.
async fn touch(handle: EngineHandle, mut touches: mpsc::Receiver<Touch>) {
    while let Some(touch) = touches.recv().await {
        let _ = match touch {
            Touch::Session(touch) => handle.ask(Credential::Node, touch).await,
            Touch::ServiceKey(touch) => handle.ask(Credential::Node, touch).await,
        };
    }
}

/// A running engine. Dropping it stops its tasks and threads without waiting for anybody.
pub struct Engine {
    handle: EngineHandle,
    tasks: Vec<JoinHandle<()>>,
    _grounds: Grounds,
}

impl Engine {
    /// Begins an engine over `storage`.
    pub fn builder(storage: Arc<dyn Storage>) -> EngineBuilder {
        EngineBuilder {
            storage,
            clock: Arc::new(SystemClock::new()),
            entropy: Arc::new(OsEntropy),
            cpu: Arc::new(Inline),
            limits: Limits::default(),
            issuers: Issuers::default(),
            recovery: RecoveryRealms::default(),
            anchor: Arc::new(Unanchored),
            placement: Placement::Here,
            shards: 8,
            observer: Arc::new(Unobserved),
        }
    }

    /// The front door.
    pub fn handle(&self) -> &EngineHandle {
        &self.handle
    }

    /// Refuses new commands, waits at most `within` for those in flight, and stops. True if all of them ended.
    pub async fn stop(self, within: Duration) -> bool {
        tokio::time::timeout(within, self.handle.drain()).await.is_ok()
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

/// An engine on a thread of its own.
pub struct SpawnedEngine {
    handle: EngineHandle,
    stop: Option<mpsc::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl SpawnedEngine {
    /// The front door.
    pub fn handle(&self) -> &EngineHandle {
        &self.handle
    }
}

impl Drop for SpawnedEngine {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // The thread drains for at most ten seconds; a panic in it has been logged by then.
            let _ = thread.join();
        }
    }
}
