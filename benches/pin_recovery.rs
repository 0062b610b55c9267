//! A guess at a PIN: its arithmetic beside bare operations of ristretto255, and guesses through the engine beside the
//! durable compare-and-set that each of them is. `benches/README.md` says what the ratios should be.

use std::{
    future::Future,
    sync::Arc,
    time::{Duration, Instant},
};

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use curve25519_dalek::{RistrettoPoint, Scalar, ristretto::CompressedRistretto};
use futures_util::future::join_all;
use strongroom_engine::{
    Credential, Engine, EngineHandle, Placement, Rights,
    domains::{
        pin_recovery::PinUser,
        realms::PutRealm,
        records::{Previous, PutRecord, RecordName},
    },
    ports::{Entropy, OsEntropy},
    testing::recovery::{PinClient, at_once, realm, token},
};
use strongroom_primitives::{
    id::{RealmId, Subject},
    pin_recovery::{
        RecoveryRealmId,
        messages::{Answer, Recover2Answer, Recover2Request, Request},
        tenant_token::Scope,
    },
    time::Timestamp,
};
use strongroom_storage::{
    Batch, Encrypted, Guard, Key, RootKey, Storage, Write,
    sled::{Options, Sled},
};
use zeroize::Zeroizing;

/// Clients at once where the disk is shared among many, and where one waits for it alone.
const MANY: usize = 64;
const ALONE: usize = 1;
const REALM: RecoveryRealmId = RecoveryRealmId::from_bytes([7; 16]);
const NOW_MS: u64 = 1_780_000_000_000;

/// A registration may be guessed at so often before it has to be made anew.
const GUESSES: u16 = 10;

fn arithmetic(c: &mut Criterion) {
    let client = PinClient::new(REALM, 1);
    let kept = client.registration("1234", b"secret", GUESSES);
    let guess = client.guess(kept.version, "1234").expect("a short PIN");
    let chance = || (&OsEntropy as &dyn Entropy).array::<64>();
    let scalar = Scalar::from_bytes_mod_order_wide(&chance());
    let point = CompressedRistretto(guess.oprf_blinded_input).decompress().expect("a point");
    let mut group = c.benchmark_group("a guess");
    group.bench_function("bare: decompress, 2 products, 1 of the base, 3 compress", |b| {
        b.iter(|| {
            let input = CompressedRistretto(guess.oprf_blinded_input).decompress().expect("a point");
            let products = [input * scalar, input * scalar];
            let base = RistrettoPoint::mul_base(&scalar);
            [products[0], products[1], base].map(|point| point.compress())
        });
    });
    group.bench_function("bare: one product", |b| b.iter(|| point * scalar));
    group.bench_function("evaluated, with its proof", |b| {
        b.iter_batched(
            chance,
            |chance| kept.evaluate(&guess.oprf_blinded_input, chance).expect("a good guess"),
            BatchSize::SmallInput,
        );
    });
    group.bench_function("a registration is checked", |b| b.iter(|| kept.check(&REALM).expect("a good one")));
    group.finish();
}

fn wall() -> strongroom_storage::WallClock {
    Arc::new(|| NOW_MS)
}

async fn store(folder: &tempfile::TempDir) -> Arc<dyn Storage> {
    let sled = Sled::open(folder.path(), Options::new(wall())).expect("sled opens");
    let root = RootKey::new(Zeroizing::new([7; 32]));
    let chance = Arc::new(|bytes: &mut [u8]| OsEntropy.fill(bytes));
    Arc::new(Encrypted::open(sled, &root, chance).await.expect("an empty store becomes an encrypted one"))
}

/// One row of the size of a record, replaced under a guard.
#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
async fn compare_and_set(storage: &dyn Storage, clients: usize, rounds: u64) -> Duration {
    let per_client = rounds.div_ceil(clients as u64);
    let client = async |n: usize| {
        let key = Key::new([b"b".as_slice(), &(n as u64).to_be_bytes()].concat());
        for version in 0..per_client {
            let row = storage.get(std::slice::from_ref(&key)).await.expect("the store reads").pop().flatten();
            let guard = match row {
                Some(row) => Guard::At(key.clone(), row.revision),
                None => Guard::Absent(key.clone()),
            };
            let writes = vec![Write::Put(key.clone(), vec![version as u8; 760].into())];
            let batch = Batch { guards: vec![guard], writes, ..Batch::default() };
            storage.commit(batch).await.expect("the store commits");
        }
    };
    let started = Instant::now();
    join_all((0..clients).map(client)).await;
    started.elapsed()
}

/// Records of the size of a registration, each replaced under the version that was last seen, through the engine.
#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
async fn records(handle: &EngineHandle, clients: usize, rounds: u64) -> Duration {
    let (per_client, realm) = (rounds.div_ceil(clients as u64), RealmId::new("bench").expect("a good realm"));
    let put = PutRealm { realm: realm.clone(), rights: Rights::ALL };
    handle.ask(Credential::Operator, put).await.expect("the realm is put");
    let client = async |n: usize| {
        let subject = Subject::new(format!("client-{n}")).expect("a good subject");
        let mut previous = Previous::Absent;
        for version in 0..per_client {
            let credential = Credential::Gateway { realm: realm.clone(), subject: subject.clone() };
            let (meta, value) = (version.to_be_bytes().to_vec().into(), vec![version as u8; 752].into());
            let put = PutRecord::new(RecordName::single(), meta, value, previous, Vec::new());
            let head = handle.ask(credential, put).await.expect("the record is put");
            previous = Previous::Tag(head.tag);
        }
    };
    let started = Instant::now();
    join_all((0..clients).map(client)).await;
    started.elapsed()
}

/// A user with a registration, and guesses at it.
struct Guesser {
    user: PinUser,
    guess: Recover2Request,
    register: Request,
}

impl Guesser {
    fn new(handle: &EngineHandle, n: usize) -> Self {
        let token = token(&REALM, &format!("user-{n}"), Scope::User, Timestamp::from_ms(NOW_MS));
        let user = handle.recovery_user(&REALM, token.expose()).expect("a good token");
        let client = PinClient::new(REALM, n as u64);
        let kept = client.registration("1234", b"secret", GUESSES);
        let guess = client.guess(kept.version, "1234").expect("a short PIN");
        Self { user, guess, register: Request::Register2(Box::new(kept)) }
    }

    async fn register(&self, handle: &EngineHandle) {
        handle.recovery(self.user.clone(), self.register.clone(), None).await.expect("it is registered");
    }

    /// So many guesses, in time that counts; registering anew does not.
    #[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
    async fn guess(&self, handle: &EngineHandle, guesses: u16) -> Duration {
        let started = Instant::now();
        for _ in 0..guesses {
            let answer = handle.recovery(self.user.clone(), Request::Recover2(self.guess), None).await;
            assert!(matches!(answer, Ok(Answer::Recover2(Recover2Answer::Ok(_)))), "{answer:?}");
        }
        started.elapsed()
    }
}

async fn through_engine(handle: &EngineHandle, clients: usize, rounds: u64) -> Duration {
    let guessers: Vec<Guesser> = (0..clients).map(|n| Guesser::new(handle, n)).collect();
    let mut left = rounds.div_ceil(clients as u64);
    let mut took = Duration::ZERO;
    while left > 0 {
        let guesses = u16::try_from(left.min(u64::from(GUESSES))).unwrap_or(GUESSES);
        join_all(guessers.iter().map(|guesser| guesser.register(handle))).await;
        let times = join_all(guessers.iter().map(|guesser| guesser.guess(handle, guesses))).await;
        took += times.into_iter().max().unwrap_or_default();
        left -= u64::from(guesses);
    }
    took
}

fn in_system<T>(work: impl Future<Output = T>) -> T {
    actix_rt::System::new().block_on(work)
}

async fn engine(folder: &tempfile::TempDir) -> Engine {
    Engine::builder(store(folder).await)
        .clock(Arc::new(Still))
        .placement(Placement::Here)
        .recovery_realm(realm(7, at_once()))
        .start()
        .await
        .expect("the engine starts")
}

/// All in one run, over the same kind of store on the same disk.
fn durable(c: &mut Criterion, name: &str, clients: usize) {
    let mut group = c.benchmark_group(name);
    group.sample_size(10).measurement_time(Duration::from_secs(8)).throughput(Throughput::Elements(1));
    group.bench_function("compare-and-set of one row", |b| {
        b.iter_custom(|rounds| {
            let folder = tempfile::tempdir().expect("a folder");
            in_system(async { compare_and_set(&*store(&folder).await, clients, rounds).await })
        });
    });
    group.bench_function("compare-and-set of a record, through the engine", |b| {
        b.iter_custom(|rounds| {
            let folder = tempfile::tempdir().expect("a folder");
            in_system(async { records(engine(&folder).await.handle(), clients, rounds).await })
        });
    });
    group.bench_function("guesses, evaluated", |b| {
        b.iter_custom(|rounds| {
            let folder = tempfile::tempdir().expect("a folder");
            in_system(async { through_engine(engine(&folder).await.handle(), clients, rounds).await })
        });
    });
    group.finish();
}

fn alone(c: &mut Criterion) {
    durable(c, "durable on encrypted sled, one client", ALONE);
}

fn many(c: &mut Criterion) {
    durable(c, "durable on encrypted sled, 64 clients", MANY);
}

/// A wall clock that stands still, so that one token is good for the whole run.
struct Still;

impl strongroom_engine::ports::Clock for Still {
    fn wall(&self) -> Timestamp {
        Timestamp::from_ms(NOW_MS)
    }

    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }
}

criterion_group!(benches, arithmetic, alone, many);
criterion_main!(benches);
