//! Signed requests through the engine alone, over an encrypted store in memory, beside a command that asks nothing; and
//! what the memory of taken signatures costs. `benches/README.md`, beside the load program, says what was found.

use std::{
    hint::black_box,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use criterion::{Criterion, criterion_group};
use serde::Serialize;
use strongroom_engine::{
    Credential, Engine, EngineError, EngineHandle, Keyspace, Limits, Placement,
    command::{Command, Decision, Kind, Moment, Reads, Step, View},
    credential::{Need, Principal},
    domains::{
        records::Records,
        service_keys::{CreateChain, CreateServiceKey, GetServiceKey, RootKey, SignedRequest, SignsWith},
    },
    ports::{Entropy, OsEntropy},
    testing::{
        messages::{MessageSigner, message},
        replay::ReplayMemory,
        signing::Signer,
    },
};
use strongroom_primitives::{dc1::permissions::PermissionsDocument, hash::keyed_hash16, time::Timestamp};
use strongroom_storage::{Encrypted, Memory, RootKey as StoreKey};

/// Asks nothing, as nobody.
#[derive(Clone, Serialize)]
struct Nothing;

impl Command for Nothing {
    type Domain = Records;
    type Reply = ();
    const NAME: &'static str = "nothing";
    const KIND: Kind = Kind::Read;

    fn needs(&self) -> Need {
        Need::Anyone
    }

    fn reads(&self, _: &Principal, _: &Keyspace) -> Reads {
        Reads::none()
    }

    fn decide(&self, _: &View<'_>, _: &Principal, _: &mut Moment<'_>) -> Result<Step<()>, EngineError> {
        Decision::reply(()).done()
    }
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
fn clock() -> Instant {
    Instant::now()
}

#[expect(clippy::disallowed_methods, reason = "requests are signed for a real engine")]
fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_ms(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

async fn engine() -> (Engine, RootKey) {
    let memory = Memory::new(Arc::new(|| now().as_ms()));
    let key = StoreKey::new([7; 32].into());
    let store = Encrypted::open(memory, &key, Arc::new(|bytes| OsEntropy.fill(bytes))).await;
    let store = Arc::new(store.expect("an empty store becomes an encrypted one"));
    let engine = Engine::builder(store).placement(Placement::Here).start().await.expect("the engine starts");
    let root = engine.handle().ask(Credential::Operator, CreateChain::default()).await;
    (engine, root.expect("the operator may"))
}

/// Who signs in the rounds of a benchmark.
enum Holder {
    Dc1(Signer),
    Message(MessageSigner),
}

impl Holder {
    async fn new(handle: &EngineHandle, root: &RootKey, signs_with: SignsWith, types: usize) -> Self {
        let mut document = PermissionsDocument::for_root().to_json();
        if types > 0 {
            let named = (0..types).map(|number| (format!("transaction-type-{number:04}"), true.into()));
            let named: serde_json::Map<String, serde_json::Value> = named.collect();
            document["permissions"] =
                serde_json::json!({"transactions": {"create_transaction": {"transaction_types": named}}});
        }
        let create = CreateServiceKey {
            chain: Some(root.chain.clone()),
            permissions: Some(PermissionsDocument::read(&document).expect("a good document")),
            signs_with,
            ..CreateServiceKey::default()
        };
        let new = handle.ask(Credential::Operator, create).await.expect("the operator may");
        match signs_with {
            SignsWith::Dc1Hmac => Self::Dc1(Signer::of(&root.chain, &new)),
            _ => Self::Message(MessageSigner::of(&new, 1)),
        }
    }

    fn arrival(&self, number: u64) -> Credential {
        let at = now();
        Credential::Signed(match self {
            // Within a millisecond there are a thousand stamps; the rest is told apart by the times.
            Self::Dc1(signer) => {
                let at = at.saturating_add(Duration::from_millis(number / 1_000));
                SignedRequest::dc1(signer.facts(at, u16::try_from(number % 1_000).unwrap_or(0)))
            }
            Self::Message(signer) => SignedRequest::message(signer.sign(message(""), at, number, None)),
        })
    }
}

fn in_system<T>(work: impl Future<Output = T>) -> T {
    actix_rt::System::new().block_on(work)
}

async fn nothing(rounds: u64) -> Duration {
    let (engine, _) = engine().await;
    let started = clock();
    for _ in 0..rounds {
        engine.handle().ask(Credential::Anonymous, Nothing).await.expect("nothing goes wrong");
    }
    started.elapsed()
}

/// The same command by the operator, who signs nothing.
async fn by_operator(rounds: u64) -> Duration {
    let (engine, root) = engine().await;
    let get = GetServiceKey { chain: Some(root.chain), id: root.id };
    let started = clock();
    for _ in 0..rounds {
        engine.handle().ask(Credential::Operator, get.clone()).await.expect("the key is there");
    }
    started.elapsed()
}

async fn signed(rounds: u64, signs_with: SignsWith, types: usize) -> Duration {
    let (engine, root) = engine().await;
    let handle = engine.handle();
    let holder = Holder::new(handle, &root, signs_with, types).await;
    let get = GetServiceKey { chain: None, id: root.id };
    let mut took = Duration::ZERO;
    // In heaps, so that what was signed first is not late.
    for from in (0..rounds).step_by(10_000) {
        let arrivals: Vec<_> =
            (from..rounds.min(from + 10_000)).map(|number| holder.arrival(number)).collect();
        let started = clock();
        for arrival in arrivals {
            handle.ask(arrival, get.clone()).await.expect("it is signed");
        }
        took += started.elapsed();
    }
    took
}

/// A document of so many transaction types fills most of the 4 KiB that one may have.
const TYPES: usize = 130;

fn requests(c: &mut Criterion) {
    let mut group = c.benchmark_group("GetServiceKey");
    group.bench_function("nothing, anonymous", |b| b.iter_custom(|rounds| in_system(nothing(rounds))));
    group.bench_function("operator", |b| b.iter_custom(|rounds| in_system(by_operator(rounds))));
    for (name, signs_with) in [
        ("dc1-hmac", SignsWith::Dc1Hmac),
        ("hmac-sha256", SignsWith::HmacSha256),
        ("ed25519", MessageSigner::public(1)),
    ] {
        for (document, types) in [("", 0), (", document of 4 KiB", TYPES)] {
            group.bench_function(format!("{name}{document}"), |b| {
                b.iter_custom(|rounds| in_system(signed(rounds, signs_with, types)));
            });
        }
    }
    group.finish();
}

/// Takes timed one by one.
const TIMED: u64 = 10_000;

fn nonce(number: u64) -> [u8; 16] {
    keyed_hash16(&[7; 32], "bench", &[&number.to_be_bytes()])
}

/// The memory of taken signatures, empty and full: time of each take, and bytes of each that is remembered.
fn replay_memory() {
    let limits = Limits::default();
    let at = now();
    let full = u64::try_from(limits.signatures_max).expect("a small number");
    let nonces: Vec<[u8; 16]> = (0..full).map(nonce).collect();
    let mut took: Vec<Duration> = vec![Duration::ZERO; nonces.len()];
    let before = resident_bytes();
    let memory = ReplayMemory::new(&limits, at);
    for (number, (nonce, took)) in nonces.iter().zip(&mut took).enumerate() {
        // As they come in two minutes, the time for which each is remembered.
        let at = at.saturating_add(Duration::from_micros(number as u64 * 120));
        let started = clock();
        memory.take(nonce, at, at).expect("each is new");
        *took = started.elapsed();
    }
    let bytes = resident_bytes().saturating_sub(before);
    println!("replay memory: {full} remembered, {:.1} bytes each resident", bytes as f64 / full as f64);
    let timed = usize::try_from(TIMED).expect("a small number");
    report("the first 10,000 takes", &mut took[..timed].to_vec());
    let last = took.len() - timed;
    report("the last 10,000 takes", &mut took[last..].to_vec());
    report("all takes", &mut took);
    let last = at.saturating_add(Duration::from_secs(120));
    let refuse = |from: u64| {
        let refused = (from..from + TIMED).map(|number| {
            let nonce = nonce(number);
            let started = clock();
            let refusal = black_box(memory.take(&nonce, last, last));
            assert!(refusal.is_err());
            started.elapsed()
        });
        refused.collect::<Vec<_>>()
    };
    report("refusals when full", &mut refuse(full));
}

fn report(what: &str, took: &mut [Duration]) {
    took.sort_unstable();
    let at = |share: usize| took[(took.len() * share / 10_000).min(took.len() - 1)];
    let (p50, p99, p9999) = (at(5_000), at(9_900), at(9_999));
    println!("replay memory: {what}: p50 {p50:?}, p99 {p99:?}, p99.99 {p9999:?}, longest {:?}", at(10_000));
}

fn resident_bytes() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = statm.split_whitespace().nth(1).and_then(|pages| pages.parse::<u64>().ok());
    pages.unwrap_or(0) * 4_096
}

criterion_group!(benches, requests);

fn main() {
    if std::env::args().any(|argument| argument == "--bench") {
        replay_memory();
    }
    benches();
    Criterion::default().configure_from_args().final_summary();
}
