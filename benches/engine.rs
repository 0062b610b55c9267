//! The engine alone, without a network: one message, one read, one durable compare-and-set, each beside the bare thing
//! that it is made of. `benches/README.md` says what the ratios should be.

use std::{
    future::Future,
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use criterion::{Criterion, criterion_group, criterion_main};
use futures_util::{StreamExt, future::join_all, stream};
use serde::Serialize;
use strongroom_engine::{
    Credential, Engine, EngineError, EngineHandle, Keyspace, Placement, Rights,
    command::{Command, Decision, Kind, Moment, Reads, Step, View},
    credential::{Need, Principal},
    domains::{
        admission::{IssueToken, SpendToken},
        realms::PutRealm,
        records::{GetRecord, Previous, PutRecord, RecordName, Records},
    },
};
use strongroom_primitives::{
    id::{Audience, RealmId, Subject},
    secret::SecretText,
};
use strongroom_storage::{
    Batch, Guard, Key, Memory, Revision, Storage, Write,
    sled::{Options, Sled},
};
use tokio::sync::{mpsc, oneshot};

const CLIENTS: usize = 64;

/// Asks nothing: what is left is the way there and back.
#[derive(Clone, Serialize)]
struct Nothing;

impl Command for Nothing {
    type Domain = Records;
    type Reply = ();
    const NAME: &'static str = "nothing";
    const KIND: Kind = Kind::Read;

    fn needs(&self) -> Need {
        Need::Node
    }

    fn reads(&self, _: &Principal, _: &Keyspace) -> Reads {
        Reads::none()
    }

    fn decide(&self, _: &View<'_>, _: &Principal, _: &mut Moment<'_>) -> Result<Step<()>, EngineError> {
        Decision::reply(()).done()
    }
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
async fn timed<F: Future<Output = ()>>(rounds: u64, mut round: impl FnMut(u64) -> F) -> Duration {
    let started = Instant::now();
    for n in 0..rounds {
        round(n).await;
    }
    started.elapsed()
}

fn in_system<T>(work: impl Future<Output = T>) -> T {
    actix_rt::System::new().block_on(work)
}

fn realm() -> RealmId {
    RealmId::new("bench").expect("a good realm")
}

fn client(n: usize) -> Credential {
    Credential::Gateway {
        realm: realm(),
        subject: Subject::new(format!("client-{n}")).expect("a good subject"),
    }
}

async fn engine(storage: Arc<dyn Storage>) -> Engine {
    let engine =
        Engine::builder(storage).placement(Placement::Here).start().await.expect("the engine starts");
    let put = PutRealm { realm: realm(), rights: Rights::ALL };
    engine.handle().ask(Credential::Operator, put).await.expect("the realm is put");
    engine
}

fn put(value: Bytes, previous: Previous) -> PutRecord {
    PutRecord::new(RecordName::single(), value.slice(..200), value.slice(200..), previous, Vec::new())
}

fn kibibyte(n: u64) -> Bytes {
    n.to_le_bytes().repeat(128).into()
}

fn wall() -> strongroom_storage::WallClock {
    Arc::new(|| 1_780_000_000_000)
}

fn messages(c: &mut Criterion) {
    let mut group = c.benchmark_group("message");
    group.bench_function("tokio mpsc and oneshot", |b| {
        b.iter_custom(|rounds| {
            in_system(async {
                let (send, mut receive) = mpsc::channel::<oneshot::Sender<()>>(64);
                actix_rt::spawn(async move {
                    while let Some(reply) = receive.recv().await {
                        let _ = reply.send(());
                    }
                });
                timed(rounds, |_| async {
                    let (reply, answer) = oneshot::channel();
                    send.send(reply).await.expect("the other end is there");
                    answer.await.expect("it answers");
                })
                .await
            })
        });
    });
    group.bench_function("engine", |b| {
        b.iter_custom(|rounds| {
            in_system(async {
                let engine = engine(Arc::new(Memory::new(wall()))).await;
                let handle = engine.handle();
                timed(rounds, |_| async {
                    handle.ask(Credential::Node, Nothing).await.expect("nothing goes wrong")
                })
                .await
            })
        });
    });
    group.finish();
}

fn reads(c: &mut Criterion) {
    let mut group = c.benchmark_group("get 1 KiB");
    group.bench_function("memory", |b| {
        b.iter_custom(|rounds| in_system(async { read(Arc::new(Memory::new(wall())), rounds).await }));
    });
    group.bench_function("sled", |b| {
        b.iter_custom(|rounds| {
            let folder = tempfile::tempdir().expect("a folder");
            in_system(async {
                let sled = Sled::open(folder.path(), Options::new(wall())).expect("sled opens");
                read(Arc::new(sled), rounds).await
            })
        });
    });
    group.finish();
}

async fn read(storage: Arc<dyn Storage>, rounds: u64) -> Duration {
    let engine = engine(storage).await;
    let handle = engine.handle();
    handle.ask(client(0), put(kibibyte(1), Previous::Unsaid)).await.expect("the record is put");
    let get = GetRecord { owner: None, name: RecordName::single() };
    timed(rounds, |_| async {
        let record = handle.ask(client(0), get.clone()).await.expect("the record is there");
        assert_eq!(record.meta.len(), 200);
    })
    .await
}

fn durable(c: &mut Criterion) {
    let mut group = c.benchmark_group("compare-and-set 1 KiB, 64 clients");
    group.sample_size(10).measurement_time(Duration::from_secs(8));
    group.throughput(criterion::Throughput::Elements(1));
    group.bench_function("bare sled", |b| {
        b.iter_custom(|rounds| {
            let folder = tempfile::tempdir().expect("a folder");
            in_system(async {
                let sled = Sled::open(folder.path(), Options::new(wall())).expect("sled opens");
                bare(&sled, rounds).await
            })
        });
    });
    group.bench_function("engine on sled", |b| {
        b.iter_custom(|rounds| {
            let folder = tempfile::tempdir().expect("a folder");
            in_system(async {
                let sled = Sled::open(folder.path(), Options::new(wall())).expect("sled opens");
                let engine = engine(Arc::new(sled)).await;
                through_engine(engine.handle(), rounds).await
            })
        });
    });
    group.finish();
}

/// The rows that a compare-and-set of a record writes, by their sizes: head, content, ledger, event.
const ROWS: [(u8, usize); 4] = [(b'r', 273), (b'v', 1_132), (b'L', 8), (b'f', 110)];

/// How many versions history keeps; the content of a new one takes the place of the oldest.
const HISTORY: u64 = 32;

#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
async fn bare(storage: &dyn Storage, rounds: u64) -> Duration {
    let per_client = rounds.div_ceil(CLIENTS as u64);
    let client = |n: usize| async move {
        let key = |prefix: u8, version: u64| {
            let mut bytes = vec![prefix; 17];
            bytes.extend_from_slice(&(n as u64).to_be_bytes());
            match prefix {
                b'v' => bytes.extend_from_slice(&(version % HISTORY).to_be_bytes()),
                b'f' => bytes.extend_from_slice(&version.to_be_bytes()),
                _ => {}
            }
            Key::new(bytes)
        };
        for version in 0..per_client {
            let held = [key(b'r', 0), key(b'L', 0)];
            let rows = storage.get(&held).await.expect("the store reads");
            let guards = held.into_iter().zip(&rows).map(|(key, row)| match row {
                Some(row) => Guard::At(key, Revision(row.revision.0)),
                None => Guard::Absent(key),
            });
            let writes = ROWS
                .iter()
                .map(|(prefix, bytes)| Write::Put(key(*prefix, version), vec![version as u8; *bytes].into()));
            let batch = Batch { guards: guards.collect(), writes: writes.collect(), ..Batch::default() };
            storage.commit(batch).await.expect("the store commits");
        }
    };
    let started = Instant::now();
    join_all((0..CLIENTS).map(client)).await;
    started.elapsed()
}

async fn through_engine(handle: &EngineHandle, rounds: u64) -> Duration {
    by_clients(handle, rounds, 0..CLIENTS).await
}

/// `rounds` compare-and-sets by these clients.
#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
async fn by_clients(handle: &EngineHandle, rounds: u64, clients: Range<usize>) -> Duration {
    let per_client = rounds.div_ceil(clients.len() as u64);
    let started = Instant::now();
    stream::iter(clients)
        .for_each_concurrent(None, |n| async move {
            let mut previous = Previous::Unsaid;
            for version in 0..per_client {
                let head = handle.ask(client(n), put(kibibyte(version), previous)).await.expect("it is put");
                previous = Previous::Tag(head.tag);
            }
        })
        .await;
    started.elapsed()
}

/// Tokens spent at two engines over one store, beside the plain compare-and-set, spread over the two in the same way.
fn admissions(c: &mut Criterion) {
    let mut group = c.benchmark_group("two engines on one sled, 64 clients");
    group.sample_size(10).measurement_time(Duration::from_secs(8));
    group.throughput(criterion::Throughput::Elements(1));
    group.bench_function("compare-and-set 1 KiB", |b| {
        b.iter_custom(|rounds| {
            in_system(async {
                let (_folder, engines) = two_engines().await;
                let (half, middle) = (rounds.div_ceil(2), CLIENTS / 2);
                let (one, two) = tokio::join!(
                    by_clients(engines[0].handle(), half, 0..middle),
                    by_clients(engines[1].handle(), half, middle..CLIENTS)
                );
                one.max(two)
            })
        });
    });
    group.bench_function("admission tokens", |b| {
        b.iter_custom(|rounds| {
            in_system(async {
                let (_folder, engines) = two_engines().await;
                spend(&engines, rounds).await
            })
        });
    });
    group.finish();
}

async fn two_engines() -> (tempfile::TempDir, [Engine; 2]) {
    let folder = tempfile::tempdir().expect("a folder");
    let sled = Arc::new(Sled::open(folder.path(), Options::new(wall())).expect("sled opens"));
    let engines = [engine(sled.clone()).await, engine(sled).await];
    (folder, engines)
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
async fn spend(engines: &[Engine; 2], rounds: u64) -> Duration {
    let audience = Audience::new("vault").expect("a good audience");
    let issue = |n: u64| {
        let (handle, audience) = (engines[0].handle(), audience.clone());
        async move {
            let n = usize::try_from(n).expect("a small number");
            let account = handle.ask(client(n), put(kibibyte(1), Previous::Unsaid)).await;
            account.expect("the account is made");
            handle.ask(client(n), IssueToken { audience }).await.expect("a token is issued").token
        }
    };
    let tokens: Vec<SecretText> = stream::iter(0..rounds).map(issue).buffered(256).collect().await;
    let admitted = AtomicU64::new(0);
    let show = async |client: usize| {
        let handle = engines[client % 2].handle();
        for token in tokens.iter().skip(client).step_by(CLIENTS) {
            let spend = SpendToken { token: token.clone(), audience: audience.clone() };
            handle.ask(Credential::Anonymous, spend).await.expect("it is spent once");
            admitted.fetch_add(1, Ordering::Relaxed);
        }
    };
    let started = Instant::now();
    join_all((0..CLIENTS).map(show)).await;
    let elapsed = started.elapsed();
    assert_eq!(admitted.into_inner(), rounds, "each token admits once");
    elapsed
}

criterion_group!(benches, messages, reads, durable, admissions);
criterion_main!(benches);
