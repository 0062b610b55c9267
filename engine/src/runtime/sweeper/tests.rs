mod recovery;
mod sharing;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use strongroom_primitives::{
    id::{Audience, IdempotencyKey, RealmId, Subject},
    time::Timestamp,
};
use strongroom_storage::{Batch, Memory, Range, Storage};

use super::Sweeper;
use crate::{
    Asking, Credential, Engine, EngineError, Identity, Limits, Rights,
    domains::{
        admission::{IssueToken, SpendToken},
        realms::PutRealm,
        records::{GetRecord, History, ListGrants, Previous, PutRecord, RecordName, ResetRecords},
        sessions::IssueBearer,
    },
    ports::Clock,
    testing::Desk,
};

const DAY_MS: u64 = 24 * 60 * 60 * 1_000;

/// A wall clock that is set by hand.
struct Settable(AtomicU64);

impl Clock for Settable {
    fn wall(&self) -> Timestamp {
        Timestamp::from_ms(self.0.load(Ordering::Relaxed))
    }

    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }
}

struct Bench {
    clock: Arc<Settable>,
    storage: Arc<Memory>,
    engine: Engine,
}

impl Bench {
    async fn new() -> Self {
        let clock = Arc::new(Settable(AtomicU64::new(1_780_000_000_000)));
        let wall = clock.clone();
        let storage = Arc::new(Memory::new(Arc::new(move || wall.0.load(Ordering::Relaxed))));
        // Pages of three rows, so that every pass crosses many page ends.
        let limits =
            Limits { sweep_rows_max: 3, sweep_interval: Duration::from_secs(3_600), ..Limits::default() };
        let engine =
            Engine::builder(storage.clone()).clock(clock.clone()).limits(limits).start().await.unwrap();
        let put = PutRealm { realm: realm(), rights: Rights::ALL };
        engine.handle().ask(Credential::Operator, put).await.unwrap();
        Self { clock, storage, engine }
    }

    fn wait_days(&self, days: u64) {
        self.clock.0.fetch_add(days * DAY_MS, Ordering::Relaxed);
    }

    async fn put(&self, value: &str, previous: Previous, share_with: &[&str]) -> Previous {
        let value = Bytes::copy_from_slice(value.as_bytes());
        let subjects = share_with.iter().map(|one| Subject::new(*one).unwrap()).collect();
        let put = PutRecord::new(name(), value.clone(), value, previous, subjects);
        Previous::Tag(self.engine.handle().ask(who("alice"), put).await.unwrap().tag)
    }

    /// Enough steps for several passes over everything.
    async fn sweep(&self) {
        let mut sweeper = Sweeper::new(self.engine.handle().clone());
        for _ in 0..64 {
            sweeper.step().await.unwrap();
        }
    }

    async fn rows_under(&self, prefix: u8) -> usize {
        let range = Range::prefix(&strongroom_storage::Key::new(vec![prefix]), 1_000);
        self.storage.scan(range).await.unwrap().rows.len()
    }
}

fn realm() -> RealmId {
    RealmId::new("test").unwrap()
}

fn who(subject: &str) -> Credential {
    Credential::Gateway { realm: realm(), subject: Subject::new(subject).unwrap() }
}

fn name() -> RecordName {
    RecordName::new(["r", "p", "k"]).unwrap()
}

#[actix_rt::test]
async fn versions_go_when_they_have_not_been_the_head_for_long_enough() {
    let bench = Bench::new().await;
    let mut previous = Previous::Unsaid;
    for n in 0..5 {
        previous = bench.put(&format!("v{n}"), previous, &[]).await;
        bench.wait_days(30);
    }
    bench.sweep().await;
    let page = bench.engine.handle().ask(who("alice"), History { name: name(), after: None }).await.unwrap();
    let kept: Vec<u64> = page.versions.iter().map(|version| version.sequence).collect();
    // 150 days on: the first was replaced 120 days ago, the second exactly 90.
    assert_eq!(kept, [2, 3, 4, 5]);
    bench.wait_days(3_650);
    bench.sweep().await;
    let get = GetRecord { owner: None, name: name() };
    assert!(bench.engine.handle().ask(who("alice"), get).await.is_ok(), "the head's content never goes");
    assert_eq!(bench.rows_under(b'v').await, 1);
}

#[actix_rt::test]
async fn a_deleted_record_leaves_nothing_once_its_history_is_over() {
    let bench = Bench::new().await;
    bench.put("v", Previous::Unsaid, &[]).await;
    let reset = ResetRecords { prefix: Vec::new(), previous: Previous::Unsaid, from: None };
    bench.engine.handle().ask(who("alice"), reset).await.unwrap();
    bench.sweep().await;
    assert_eq!(
        (bench.rows_under(b'r').await, bench.rows_under(b'v').await),
        (1, 2),
        "it can still be undone"
    );
    bench.wait_days(91);
    bench.sweep().await;
    assert_eq!((bench.rows_under(b'r').await, bench.rows_under(b'v').await), (0, 0));
}

#[actix_rt::test]
async fn expired_slots_events_and_sessions_go() {
    let bench = Bench::new().await;
    let handle = bench.engine.handle();
    let value = Bytes::from_static(b"v");
    let put = PutRecord::new(name(), value.clone(), value, Previous::Unsaid, Vec::new());
    let asking =
        Asking { idempotency: Some(IdempotencyKey::from_bytes([3; 16])), ..Asking::from(who("alice")) };
    handle.ask(asking, put).await.unwrap();
    let identity = Identity { realm: realm(), subject: Subject::new("alice").unwrap() };
    let life = Some(Duration::from_secs(3_600));
    let issue = IssueBearer { identity, rights: Rights::ALL, life, label: String::new() };
    handle.ask(Credential::Operator, issue).await.unwrap();
    bench.sweep().await;
    let counts = async || {
        let [slots, events] = [bench.rows_under(b'i').await, bench.rows_under(b'f').await];
        [slots, events, bench.rows_under(b'S').await, bench.rows_under(b's').await]
    };
    let before = counts().await;
    assert!(before.iter().all(|count| *count > 0), "{before:?}");
    bench.wait_days(31);
    bench.sweep().await;
    assert_eq!(counts().await, [0, 0, 0, 0]);
}

#[actix_rt::test]
async fn recipients_learn_of_a_grant_by_the_sweeper() {
    let bench = Bench::new().await;
    bench.put("v", Previous::Unsaid, &["bob"]).await;
    let list = ListGrants { from: None, limit: 10 };
    assert!(bench.engine.handle().ask(who("bob"), list.clone()).await.unwrap().grants.is_empty());
    bench.sweep().await;
    assert_eq!(bench.engine.handle().ask(who("bob"), list).await.unwrap().grants.len(), 1);
    assert_eq!(bench.rows_under(b'o').await, 0);
}

/// An erasure that was cut short after its tombstone is finished by the sweeper.
#[actix_rt::test]
async fn rows_of_an_erased_account_are_swept_up() {
    let bench = Bench::new().await;
    bench.put("v", Previous::Unsaid, &[]).await;
    let erase = crate::domains::accounts::EraseAccount { identity: None };
    bench.engine.handle().ask(who("alice"), erase).await.unwrap();
    assert!(bench.rows_under(b'v').await > 0);
    bench.sweep().await;
    for prefix in *b"rxvgofisL" {
        assert_eq!(bench.rows_under(prefix).await, 0, "prefix {}", char::from(prefix));
    }
    let get = GetRecord { owner: None, name: name() };
    assert_eq!(bench.engine.handle().ask(who("alice"), get).await, Err(EngineError::AccountErased));
}

/// F-10: a store that nobody writes to learns of the time all the same, so that after a restart nothing that has
/// expired becomes valid by a clock that was set back.
#[actix_rt::test]
async fn a_store_that_nobody_writes_to_learns_of_the_time() {
    let bench = Bench::new().await;
    let before = bench.storage.info().high_water_ms;
    let mut sweeper = Sweeper::new(bench.engine.handle().clone());
    bench.clock.0.store(before + 59_000, Ordering::Relaxed);
    sweeper.step().await.unwrap();
    assert_eq!(bench.storage.info().high_water_ms, before, "not for every second");
    bench.clock.0.store(before + DAY_MS, Ordering::Relaxed);
    sweeper.step().await.unwrap();
    bench.clock.0.store(before, Ordering::Relaxed);
    assert_eq!(bench.storage.info().high_water_ms, before + DAY_MS);
    let again = Engine::builder(bench.storage.clone()).clock(bench.clock.clone()).start().await.unwrap();
    assert_eq!(again.handle().now().as_ms(), before + DAY_MS, "the step back is not believed");
}

fn vault() -> Audience {
    Audience::new("vault").unwrap()
}

/// An admission token that expired unspent leaves nothing; one that was spent keeps its row, which is what says that its
/// account has been admitted.
#[actix_rt::test]
async fn a_token_goes_once_it_has_expired_unless_it_admitted_somebody() {
    let bench = Bench::new().await;
    let handle = bench.engine.handle();
    let issue = IssueToken { audience: vault() };
    let token = handle.ask(who("alice"), issue.clone()).await.unwrap().token;
    handle.ask(who("bob"), issue.clone()).await.unwrap();
    handle.ask(Credential::Anonymous, SpendToken { token, audience: vault() }).await.unwrap();
    bench.sweep().await;
    assert_eq!(bench.rows_under(b't').await, 2);
    bench.wait_days(2);
    bench.sweep().await;
    assert_eq!(bench.rows_under(b't').await, 1);
    assert_eq!(handle.ask(who("alice"), issue.clone()).await.err(), Some(EngineError::AlreadyAdmitted));
    assert!(handle.ask(who("bob"), issue).await.is_ok());
}

/// A-TOK-09, F-11: the mark of a foreign token goes by the store's clock. A node that is ahead of it must not remove what
/// keeps one that is behind from spending the token again.
#[actix_rt::test]
async fn the_mark_of_a_foreign_token_goes_when_the_store_knows_that_it_has_expired() {
    let mut keystore = Desk::of_store(2);
    let ann = keystore.who("ann");
    let issued = keystore.run(&ann, &IssueToken { audience: vault() }).unwrap();
    let clock = |ms: u64| Arc::new(Settable(AtomicU64::new(ms)));
    let (truth, ahead) = (clock(issued.issued.as_ms()), clock(issued.issued.as_ms()));
    let wall = truth.clone();
    let storage = Arc::new(Memory::new(Arc::new(move || wall.0.load(Ordering::Relaxed))));
    let engine = Engine::builder(storage.clone())
        .clock(ahead.clone())
        .trust(keystore.as_issuer("acme"))
        .start()
        .await
        .unwrap();
    let spend = SpendToken { token: issued.token, audience: vault() };
    engine.handle().ask(Credential::Anonymous, spend).await.unwrap();
    let marks = async || {
        let mut sweeper = Sweeper::new(engine.handle().clone());
        for _ in 0..4 {
            sweeper.step().await.unwrap();
        }
        let range = Range::prefix(&strongroom_storage::Key::from_static(b"u"), 10);
        storage.scan(range).await.unwrap().rows.len()
    };
    ahead.0.fetch_add(2 * DAY_MS, Ordering::Relaxed);
    assert_eq!(marks().await, 1, "by its own clock alone the token has expired");
    truth.0.fetch_add(2 * DAY_MS, Ordering::Relaxed);
    storage.commit(Batch::default()).await.unwrap();
    assert_eq!(marks().await, 0);
}
