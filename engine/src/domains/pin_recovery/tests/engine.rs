//! Realms in a running engine: tokens, guesses that race, marks outside the store, and stores that were restored.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use strongroom_primitives::{
    pin_recovery::{
        PinRecoveryError, RecoveryRealmId,
        messages::{Answer, Done, Recover1Answer, Recover2Answer, Recover2Request, Request},
        recovering::RecoverError,
        tenant_token::Scope,
    },
    secret::SecretText,
    time::Timestamp,
};
use strongroom_storage::{Batch, Encrypted, Memory, Range, RootKey, Storage, Write};
use zeroize::Zeroizing;

use super::{super::PinStep, *};
use crate::{
    Credential, Engine, EngineHandle, Limits, Rights, StartError,
    domains::{realms::PutRealm, sessions::IssueBearer},
    feed::{Event, FollowFeed},
    ports::{Anchor, AnchorError, AnchorMark, Anchored, Clock, Entropy, Raising, SeededEntropy},
    runtime::Sweeper,
    testing::recovery::token,
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

/// Marks in memory, which can be made to fail.
#[derive(Default)]
struct Marks {
    known: Mutex<BTreeMap<RecoveryRealmId, AnchorMark>>,
    broken: AtomicBool,
}

impl Anchor for Marks {
    fn load(&self, realm: &RecoveryRealmId) -> Result<Anchored, AnchorError> {
        if self.broken.load(Ordering::Relaxed) {
            return Err(AnchorError("broken".to_owned()));
        }
        Ok(self.known.lock().unwrap().get(realm).map_or(Anchored::Nothing, |mark| Anchored::Mark(*mark)))
    }

    fn raise(&self, realm: RecoveryRealmId, mark: AnchorMark) -> Raising<'_> {
        Box::pin(async move {
            if self.broken.load(Ordering::Relaxed) {
                return Err(AnchorError("broken".to_owned()));
            }
            let mut known = self.known.lock().unwrap();
            let known = known.entry(realm).or_insert(mark);
            if known.epoch != mark.epoch || known.mark < mark.mark {
                *known = mark;
            }
            Ok(())
        })
    }
}

/// A node that is one realm, its store, and its marks.
struct Node {
    clock: Arc<Hand>,
    memory: Arc<Memory>,
    marks: Arc<Marks>,
    client: PinClient,
    engine: Option<Engine>,
}

const REALM: RecoveryRealmId = RecoveryRealmId::from_bytes([7; 16]);

impl Node {
    async fn new() -> Self {
        let clock = Arc::new(Hand(AtomicU64::new(1_780_000_000_000)));
        let memory = Self::memory(&clock);
        let mut node =
            Self { clock, memory, marks: Arc::default(), client: PinClient::new(REALM, 1), engine: None };
        node.start().await.unwrap();
        node
    }

    fn memory(clock: &Arc<Hand>) -> Arc<Memory> {
        let wall = clock.clone();
        Arc::new(Memory::new(Arc::new(move || wall.0.load(Ordering::Relaxed))))
    }

    async fn start(&mut self) -> Result<(), StartError> {
        let entropy = SeededEntropy::new(2);
        let root = RootKey::new(Zeroizing::new([7; 32]));
        let chance = Arc::new(move |bytes: &mut [u8]| entropy.fill(bytes));
        let store = Encrypted::open(self.memory.clone(), &root, chance).await.unwrap();
        let limits = Limits { sweep_interval: LONG, ..Limits::default() };
        self.engine = None;
        let engine = Engine::builder(Arc::new(store))
            .clock(self.clock.clone())
            .limits(limits)
            .recovery_realm(realm_of_accounts(7, no_wait(), "test"))
            .anchor(self.marks.clone())
            .start()
            .await?;
        self.engine = Some(engine);
        Ok(())
    }

    fn handle(&self) -> &EngineHandle {
        self.engine.as_ref().unwrap().handle()
    }

    fn token(&self, subject: &str) -> SecretText {
        token(&REALM, subject, Scope::User, self.clock.wall())
    }

    async fn ask(&self, request: Request) -> Result<Answer, EngineError> {
        let user = self.handle().recovery_user(&REALM, self.token("bob").expose())?;
        self.handle().recovery(user, request, None).await
    }

    async fn register(&self, allowed: u16) -> Registration {
        let kept = self.client.registration("1234", b"secret", allowed);
        let answer = self.ask(Request::Register2(Box::new(kept.clone()))).await.unwrap();
        assert!(matches!(answer, Answer::Register2(Done::Ok)));
        kept
    }

    async fn guess(&self, version: [u8; 16], pin: &str) -> Result<Recover2Answer, EngineError> {
        let guess = self.client.guess(version, pin).unwrap();
        match self.ask(Request::Recover2(guess)).await? {
            Answer::Recover2(answer) => Ok(answer),
            other => panic!("not an answer to that: {other:?}"),
        }
    }

    async fn recover(&self, pin: &str) -> Result<Vec<u8>, RecoverError> {
        let secret = self.client.recover(self.handle(), &self.token("bob"), pin).await.unwrap();
        secret.map(|secret| secret.expose().to_vec())
    }

    async fn used(&self) -> u16 {
        let user = self.handle().recovery_user(&REALM, self.token("bob").expose()).unwrap();
        self.handle().recovery_status(user, None).await.unwrap().guesses_used
    }

    /// A copy of every row, as a backup has them.
    async fn backup(&self) -> Vec<Write> {
        let page = self.memory.scan(Range::all(1_000)).await.unwrap();
        page.rows.into_iter().map(|(key, row)| Write::Put(key, row.value)).collect()
    }

    async fn restore(&mut self, writes: Vec<Write>) {
        self.engine = None;
        self.memory = Self::memory(&self.clock);
        self.memory.commit(Batch { writes, ..Batch::default() }).await.unwrap();
    }
}

#[actix_rt::test]
async fn a_secret_is_recovered_by_its_pin() {
    let node = Node::new().await;
    assert_eq!(node.recover("1234").await, Err(RecoverError::NotRegistered));
    drop(node.register(3).await);
    assert_eq!(node.recover("1235").await, Err(RecoverError::WrongPin { guesses_remaining: 2 }));
    assert_eq!(node.recover("1234").await.unwrap(), b"secret");
    assert_eq!(node.used().await, 0);
    for left in [2, 1, 0] {
        assert_eq!(node.recover("9").await, Err(RecoverError::WrongPin { guesses_remaining: left }));
    }
    assert_eq!(node.recover("1234").await, Err(RecoverError::NoGuesses));
}

/// A-SHR-10: guesses in parallel, in one lane and in one batch.
#[actix_rt::test]
async fn of_many_guesses_at_once_no_more_are_evaluated_than_allowed() {
    let node = Node::new().await;
    let kept = node.register(3).await;
    let guesses = (0..24).map(|_| node.guess(kept.version, "0000"));
    let answers = futures_util::future::join_all(guesses).await;
    let evaluated = answers.iter().filter(|answer| matches!(answer, Ok(Recover2Answer::Ok(_)))).count();
    let refused = answers.iter().filter(|answer| matches!(answer, Ok(Recover2Answer::NoGuesses))).count();
    assert_eq!((evaluated, refused), (3, 21));
}

/// What is no point costs no guess, and what is no registration is not kept.
#[actix_rt::test]
async fn what_is_not_good_is_refused_before_it_counts() {
    let node = Node::new().await;
    let mut kept = node.register(3).await;
    let guess = Recover2Request { version: kept.version, oprf_blinded_input: [0; 32] };
    let reason = PinRecoveryError::Point;
    let answer = node.ask(Request::Recover2(guess)).await.map(|_| ());
    assert_eq!(answer, Err(EngineError::PinMessageInvalid { reason }));
    assert_eq!(node.used().await, 0);
    kept.oprf_signed_public_key.signature[0] ^= 1;
    let reason = PinRecoveryError::Signature;
    let answer = node.ask(Request::Register2(Box::new(kept))).await.map(|_| ());
    assert_eq!(answer, Err(EngineError::PinMessageInvalid { reason }));
}

/// RECOVERY.md, section 3.4: a token is for one realm, one purpose and a short time.
#[actix_rt::test]
async fn a_token_opens_what_it_names() {
    let node = Node::new().await;
    let now = node.clock.wall();
    let other = RecoveryRealmId::from_bytes([8; 16]);
    let handle = node.handle();
    let refused = |text: &str| handle.recovery_user(&REALM, text).err();
    let bob = node.token("bob");
    assert_eq!(refused(bob.expose()), None);
    let invalid = Some(EngineError::CredentialInvalid);
    assert_eq!(refused(""), invalid);
    assert_eq!(refused(token(&other, "bob", Scope::User, now).expose()), invalid);
    assert_eq!(refused(token(&REALM, "bob", Scope::Audit, now).expose()), invalid);
    let old = token(&REALM, "bob", Scope::User, now.saturating_sub(Duration::from_secs(606)));
    assert_eq!(refused(old.expose()), Some(EngineError::CredentialExpired));
    let early = token(&REALM, "bob", Scope::User, now.saturating_add(Duration::from_secs(60)));
    assert_eq!(refused(early.expose()), invalid);
    let elsewhere = handle.recovery_user(&other, bob.expose());
    assert_eq!(elsewhere.err(), Some(EngineError::UnknownRecoveryRealm));
    assert_eq!(handle.recovery_auditor(&REALM, bob.expose()).err(), invalid);
    let auditor = token(&REALM, "anybody", Scope::Audit, now);
    assert_eq!(handle.recovery_auditor(&REALM, auditor.expose()).unwrap().tenant(), TENANT);
}

#[actix_rt::test]
async fn users_and_realms_are_apart() {
    let node = Node::new().await;
    drop(node.register(3).await);
    let eve = node.token("eve");
    let eve = node.handle().recovery_user(&REALM, eve.expose()).unwrap();
    let answer = node.handle().recovery(eve, Request::Recover1, None).await.unwrap();
    assert!(matches!(answer, Answer::Recover1(Recover1Answer::NotRegistered)));
}

/// A guess whose mark does not get out of the store is used, and nobody is told what it came to.
#[actix_rt::test]
async fn nobody_is_told_of_a_guess_whose_mark_is_not_kept() {
    let mut node = Node::new().await;
    let kept = node.register(3).await;
    node.marks.broken.store(true, Ordering::Relaxed);
    let answer = node.guess(kept.version, "1234").await.map(|_| ());
    assert_eq!(answer, Err(EngineError::AnchorFailed));
    assert_eq!(node.used().await, 1);
    assert!(matches!(node.start().await, Err(StartError::Anchor(_))), "nor does anything start");
    node.marks.broken.store(false, Ordering::Relaxed);
    node.start().await.unwrap();
    assert_eq!(node.used().await, 1);
}

/// A-SHR-11: a backup that is put back does not give guesses back, wherever it was taken, and starting again does not
/// take any.
#[actix_rt::test]
async fn a_restored_store_gives_no_guess_back() {
    let mut node = Node::new().await;
    let kept = node.register(5).await;
    let fresh = node.backup().await;
    assert!(matches!(node.guess(kept.version, "0").await, Ok(Recover2Answer::Ok(_))));
    let later = node.backup().await;
    node.start().await.unwrap();
    assert_eq!(node.used().await, 1, "a store that is what it was starts as it was");
    for backup in [fresh, later.clone()] {
        // What is the latest there is, is no older copy; one guess more makes it one.
        let _ = node.guess(kept.version, "0").await.unwrap();
        node.restore(backup).await;
        node.start().await.unwrap();
        assert_eq!(node.used().await, 4);
        node.start().await.unwrap();
        assert_eq!(node.used().await, 4);
        assert!(matches!(node.guess(kept.version, "0").await, Ok(Recover2Answer::Ok(_))));
        assert!(matches!(node.guess(kept.version, "0").await, Ok(Recover2Answer::NoGuesses)));
    }
    // The store without its marks, as on another machine.
    node.restore(later).await;
    node.marks = Arc::default();
    node.start().await.unwrap();
    assert_eq!(node.used().await, 4);
    assert_eq!(node.recover("1234").await.unwrap(), b"secret", "whoever knows the PIN recovers");
    assert_eq!(node.used().await, 0);
}

/// RECOVERY.md, section 4.4: nothing of what is kept lies readable in a row, whatever the store does.
#[actix_rt::test]
async fn nothing_secret_lies_in_a_row() {
    let node = Node::new().await;
    let kept = node.register(5).await;
    drop(node.guess(kept.version, "1234").await.unwrap());
    let storage = node.handle().storage();
    let mut rows = storage.scan(Range::all(1_000)).await.unwrap().rows;
    // And the copy that is kept of what is deleted.
    drop(node.ask(Request::Delete).await.unwrap());
    rows.extend(storage.scan(Range::all(1_000)).await.unwrap().rows);
    assert!(rows.iter().any(|(key, _)| key.as_bytes().starts_with(b"OG")));
    for secret in [
        kept.oprf_private_key.expose().as_slice(),
        kept.unlock_key_tag.expose(),
        kept.encryption_key_scalar_share.expose(),
        &kept.encrypted_secret[..32],
        b"acme",
        b"bob",
    ] {
        for (key, row) in &rows {
            let within = |bytes: &[u8]| bytes.windows(secret.len()).any(|window| window == secret);
            assert!(!within(&row.value) && !within(key.as_bytes()), "{key:?}");
        }
    }
}

#[actix_rt::test]
async fn copies_go_when_their_time_is_over() {
    let node = Node::new().await;
    drop(node.register(5).await);
    drop(node.ask(Request::Delete).await.unwrap());
    let copies = async || {
        Sweeper::new(node.handle().clone()).step().await.unwrap();
        let rows = node.memory.scan(Range::all(1_000)).await.unwrap().rows;
        rows.iter().filter(|(key, _)| key.as_bytes().starts_with(b"OG")).count()
    };
    node.clock.0.fetch_add(72 * 3_600_000, Ordering::Relaxed);
    assert_eq!(copies().await, 1);
    node.clock.0.fetch_add(61_000, Ordering::Relaxed);
    // The store is told the time first.
    assert_eq!(copies().await, 0);
}

/// A-SHR-11: the engine tells owners of a restore by itself, once.
#[actix_rt::test]
async fn an_owner_hears_of_a_restored_store() {
    let mut node = Node::new().await;
    let bob = || Desk::new().who("bob").identity.unwrap();
    let account = Credential::Gateway { realm: bob().realm, subject: bob().subject };
    let operator = Credential::Operator;
    let put = PutRealm { realm: bob().realm, rights: Rights::ALL };
    node.handle().ask(operator.clone(), put).await.unwrap();
    let issue = IssueBearer { identity: bob(), rights: Rights::ALL, life: None, label: String::new() };
    drop(node.handle().ask(operator, issue).await.unwrap());
    let kept = node.register(5).await;
    let backup = node.backup().await;
    drop(node.guess(kept.version, "0").await.unwrap());
    node.restore(backup).await;
    for _ in 0..2 {
        node.start().await.unwrap();
        let mut sweeper = Sweeper::new(node.handle().clone());
        for _ in 0..2 {
            sweeper.step().await.unwrap();
        }
    }
    let follow = FollowFeed { owner: None, record: None, after: Some(0), limit: 100 };
    let told = node.handle().ask(account, follow).await.unwrap().events.into_iter();
    let steps = told.filter_map(|(_, _, event)| match event {
        Event::PinRecovery { step, .. } => Some(step),
        _ => None,
    });
    let expected = [PinStep::Registered { guesses_allowed: 5 }, PinStep::Restored {}];
    assert_eq!(steps.collect::<Vec<_>>(), expected);
}
