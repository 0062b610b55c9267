//! The runtime over the memory store: order, batching, retries, idempotency, panics, drain.

mod heavy;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use serde::Serialize;
use strongroom_primitives::id::{IdempotencyKey, RealmId, Subject};
use strongroom_storage::Memory;

use crate::{
    Asking, Credential, Engine, EngineError, EngineHandle, Identity, Limits, Rights,
    command::{Command, Decision, Kind, Moment, Reads, Step, View},
    credential::{Need, Principal},
    domains::{
        accounts::{SetAccountPolicy, WhoAmI},
        realms::PutRealm,
        records::{GetRecord, Previous, PutRecord, RecordName, Records},
        sessions::{IssueBearer, RevokeSession},
    },
    feed::{Event, FollowFeed},
    keyspace::Keyspace,
    ports::SeededEntropy,
};

fn storage() -> Arc<Memory> {
    Arc::new(Memory::new(Arc::new(|| 1_780_000_000_000)))
}

async fn engine_over(storage: Arc<Memory>, limits: Limits) -> Engine {
    let engine = Engine::builder(storage)
        .limits(limits)
        .entropy(Arc::new(SeededEntropy::new(7)))
        .start()
        .await
        .expect("an engine over memory starts");
    let put = PutRealm { realm: realm(), rights: Rights::ALL };
    engine.handle().ask(Credential::Operator, put).await.expect("the realm is put");
    engine
}

fn realm() -> RealmId {
    RealmId::new("test").unwrap()
}

fn alice() -> Credential {
    Credential::Gateway { realm: realm(), subject: Subject::new("alice").unwrap() }
}

fn identity() -> Identity {
    Identity { realm: realm(), subject: Subject::new("alice").unwrap() }
}

fn put(value: &str, previous: Previous) -> PutRecord {
    let bytes = Bytes::copy_from_slice(value.as_bytes());
    PutRecord::new(RecordName::new(["r"]).unwrap(), bytes.clone(), bytes, previous, Vec::new())
}

fn get() -> GetRecord {
    GetRecord { owner: None, name: RecordName::new(["r"]).unwrap() }
}

/// A-REC-02 in one engine: of many writers with the same picture exactly one wins, and the rest are decided against
/// its result in the same batch.
#[actix_rt::test]
async fn of_many_writers_with_one_picture_exactly_one_wins() {
    let engine = engine_over(storage(), Limits::default()).await;
    let writers = (0..32).map(|n| engine.handle().ask(alice(), put(&format!("v{n}"), Previous::Unsaid)));
    let answers = futures_util::future::join_all(writers).await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
    let told = |answer: &&Result<_, EngineError>| matches!(answer, Err(EngineError::PreviousMissing { .. }));
    assert_eq!(answers.iter().filter(told).count(), 31);
}

/// The same over two engines on one store (F-13), where only the guards can decide.
#[actix_rt::test]
async fn two_engines_over_one_store_agree_on_one_winner() {
    let storage = storage();
    let one = engine_over(storage.clone(), Limits::default()).await;
    let two = engine_over(storage, Limits::default()).await;
    let writers = (0..16).flat_map(|n| {
        [&one, &two].map(|engine| engine.handle().ask(alice(), put(&format!("v{n}"), Previous::Unsaid)))
    });
    let answers = futures_util::future::join_all(writers).await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
    let seen =
        [one.handle().ask(alice(), get()).await.unwrap(), two.handle().ask(alice(), get()).await.unwrap()];
    assert_eq!(seen[0], seen[1]);
}

#[actix_rt::test]
async fn the_same_idempotency_key_gets_the_first_answer_and_no_other_command() {
    let engine = engine_over(storage(), Limits::default()).await;
    let asking =
        || Asking { idempotency: Some(IdempotencyKey::from_bytes([9; 16])), ..Asking::from(alice()) };
    let first = engine.handle().ask(asking(), put("v", Previous::Unsaid)).await.unwrap();
    let again = engine.handle().ask(asking(), put("v", Previous::Unsaid)).await.unwrap();
    assert_eq!(first, again);
    let other = engine.handle().ask(asking(), put("w", Previous::Tag(first.tag))).await;
    assert_eq!(other, Err(EngineError::IdempotencyMismatch));
    assert_eq!(engine.handle().ask(alice(), get()).await.unwrap().head, first);
}

#[derive(Debug, Clone, Serialize)]
struct Panics;

impl Command for Panics {
    type Domain = Records;
    type Reply = ();
    const NAME: &'static str = "panics";
    const KIND: Kind = Kind::Write;

    fn needs(&self) -> Need {
        Need::Account
    }

    fn reads(&self, _: &Principal, _: &Keyspace) -> Reads {
        Reads::none()
    }

    fn decide(&self, _: &View<'_>, _: &Principal, _: &mut Moment<'_>) -> Result<Step<()>, EngineError> {
        panic!("a rule with a broken promise")
    }
}

/// A-BUS-02: a panic costs its own command; the ones before and behind it in the lane are answered.
#[actix_rt::test]
async fn a_rule_that_panics_costs_only_its_own_command() {
    let engine = engine_over(storage(), Limits::default()).await;
    let handle = engine.handle();
    let (before, broken, behind) = tokio::join!(
        handle.ask(alice(), put("v", Previous::Unsaid)),
        handle.ask(alice(), Panics),
        handle.ask(alice(), put("w", Previous::Absent)),
    );
    assert!(before.is_ok());
    assert_eq!(broken, Err(EngineError::Fault));
    assert!(matches!(behind, Err(EngineError::StaleRecord { .. })));
}

#[derive(Debug, Clone, Serialize)]
struct Looks;

impl Command for Looks {
    type Domain = Records;
    type Reply = ();
    const NAME: &'static str = "looks";
    const KIND: Kind = Kind::Read;

    fn needs(&self) -> Need {
        Need::Account
    }

    fn reads(&self, _: &Principal, _: &Keyspace) -> Reads {
        Reads::none()
    }

    fn decide(&self, view: &View<'_>, who: &Principal, _: &mut Moment<'_>) -> Result<Step<()>, EngineError> {
        view.row::<crate::feed::Ledger>(&crate::keyspace::ledger(who.account))?;
        Decision::reply(()).done()
    }
}

#[actix_rt::test]
async fn a_decision_cannot_look_at_a_row_it_did_not_ask_for() {
    let engine = engine_over(storage(), Limits::default()).await;
    assert_eq!(engine.handle().ask(alice(), Looks).await, Err(EngineError::Fault));
}

/// A-BUS-01: without a permit the caller is told so at once.
#[actix_rt::test]
async fn more_callers_than_permits_are_told_to_come_back() {
    let engine = engine_over(storage(), Limits { in_flight_max: 4, ..Limits::default() }).await;
    let readers = (0..16).map(|_| engine.handle().ask(alice(), get()));
    let answers = futures_util::future::join_all(readers).await;
    let busy = answers.iter().filter(|answer| matches!(answer, Err(EngineError::Overloaded { .. }))).count();
    assert_eq!(busy, 12);
    assert_eq!(
        engine.handle().ask(alice(), get()).await,
        Err(EngineError::UnknownRecord),
        "and then there is room"
    );
}

#[actix_rt::test]
async fn a_deadline_that_has_passed_stops_a_command_before_it_writes() {
    let engine = engine_over(storage(), Limits::default()).await;
    let late = Asking { within: Some(Duration::ZERO), ..Asking::from(alice()) };
    actix_rt::time::sleep(Duration::from_millis(2)).await;
    assert_eq!(engine.handle().ask(late, put("v", Previous::Unsaid)).await, Err(EngineError::DeadlinePassed));
    assert_eq!(engine.handle().ask(alice(), get()).await, Err(EngineError::UnknownRecord));
}

async fn bearer(handle: &EngineHandle) -> Credential {
    let issue = IssueBearer { identity: identity(), rights: Rights::ALL, life: None, label: "test".into() };
    let issued = handle.ask(Credential::Operator, issue).await.unwrap();
    Credential::bearer(strongroom_primitives::hash::sha256(issued.token.as_bytes()))
}

/// A-WS-04, the engine's half: a session that is revoked ends its subscriptions and whoever waits on it.
#[actix_rt::test]
async fn a_revoked_session_is_refused_at_once_and_its_followers_are_told() {
    let engine = engine_over(storage(), Limits::default()).await;
    let handle = engine.handle();
    let credential = bearer(handle).await;
    let follow = FollowFeed { owner: None, record: None, after: None, limit: 10 };
    let mut subscription = handle.subscribe(credential.clone(), follow).await.unwrap();
    let revoke = RevokeSession { identity: None, session: None };
    let (refused, told, ()) =
        tokio::join!(handle.until_refused(credential.clone()), subscription.next(), async {
            handle.ask(credential.clone(), revoke).await.unwrap()
        },);
    assert_eq!(refused, EngineError::CredentialInvalid);
    assert_eq!(told, Err(EngineError::CredentialInvalid));
    assert_eq!(handle.ask(credential, WhoAmI).await, Err(EngineError::CredentialInvalid));
}

#[actix_rt::test]
async fn a_suspended_account_is_refused_until_it_is_let_in_again() {
    let engine = engine_over(storage(), Limits::default()).await;
    let handle = engine.handle();
    let policy =
        |suspended| SetAccountPolicy { identity: identity(), suspended: Some(suspended), rights: None };
    handle.ask(Credential::Operator, policy(true)).await.unwrap();
    assert_eq!(handle.ask(alice(), WhoAmI).await, Err(EngineError::AccountSuspended));
    handle.ask(Credential::Operator, policy(false)).await.unwrap();
    assert!(handle.ask(alice(), WhoAmI).await.is_ok());
}

#[actix_rt::test]
async fn erasure_leaves_a_tombstone_and_nothing_else() {
    let storage = storage();
    let engine = engine_over(storage.clone(), Limits::default()).await;
    let handle = engine.handle();
    let rows_before = storage.len();
    let credential = bearer(handle).await;
    let asking = Asking { idempotency: Some(IdempotencyKey::from_bytes([1; 16])), ..Asking::from(alice()) };
    handle.ask(asking, put("v", Previous::Unsaid)).await.unwrap();
    handle.erase_account(Credential::Operator.into(), Some(identity())).await.unwrap();
    assert_eq!(storage.len(), rows_before + 1, "the tombstone");
    assert_eq!(handle.ask(credential, WhoAmI).await, Err(EngineError::CredentialInvalid));
    assert_eq!(handle.ask(alice(), put("v", Previous::Unsaid)).await, Err(EngineError::AccountErased));
}

#[actix_rt::test]
async fn a_follower_sees_every_event_once_and_in_order() {
    let engine = engine_over(storage(), Limits::default()).await;
    let handle = engine.handle();
    let follow = FollowFeed { owner: None, record: None, after: Some(0), limit: 3 };
    let mut subscription = handle.subscribe(alice(), follow).await.unwrap();
    let write = async {
        let mut previous = Previous::Unsaid;
        for n in 0..10 {
            let head = handle.ask(alice(), put(&format!("v{n}"), previous)).await.unwrap();
            previous = Previous::Tag(head.tag);
        }
    };
    let read = async {
        let mut seen = Vec::new();
        // The first write tells of the new recipient, too: its owner.
        while seen.len() < 10 {
            let page = subscription.next().await.unwrap();
            assert!(!page.gap);
            for (number, _, event) in page.events {
                if let Event::RecordPut { sequence, .. } = event {
                    seen.push((number, sequence));
                }
            }
        }
        seen
    };
    let ((), seen) = tokio::join!(write, read);
    assert!(seen.windows(2).all(|pair| pair[0].0 < pair[1].0 && pair[0].1 + 1 == pair[1].1), "{seen:?}");
}

#[actix_rt::test]
async fn a_drained_engine_refuses_and_has_nothing_in_flight() {
    let engine = engine_over(storage(), Limits::default()).await;
    let handle = engine.handle().clone();
    handle.ask(alice(), put("v", Previous::Unsaid)).await.unwrap();
    assert!(engine.stop(Duration::from_secs(1)).await);
    assert_eq!(handle.ask(alice(), get()).await, Err(EngineError::Draining));
}

#[actix_rt::test]
async fn secrets_and_accounts_are_the_same_after_a_restart() {
    let storage = storage();
    let first = engine_over(storage.clone(), Limits::default()).await;
    let me = first.handle().ask(alice(), WhoAmI).await.unwrap();
    let key = first.handle().receipt_key();
    drop(first);
    let second = engine_over(storage, Limits::default()).await;
    assert_eq!(second.handle().ask(alice(), WhoAmI).await.unwrap(), me);
    assert_eq!(second.handle().receipt_key(), key);
}
