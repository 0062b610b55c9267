//! Rates, quotas, sizes, and what a busy or ailing engine is told as.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use strongroom_engine::EngineError;

use super::*;
use crate::dialects::{
    Refusal,
    keyknox::problem::{Api, Problem},
};

#[test]
fn an_identity_that_reads_or_writes_too_often_is_told_when_to_come_back() {
    let rates = RateLimits { reads_per_minute: 2, writes_per_minute: 1, ..RateLimits::NONE };
    with(rates, false, Limits::default(), async |world| {
        let client = world.client("alice");
        let first = client.put("m", "v").await.hash();
        let refused = client.after(&first).put("m2", "v2").await;
        assert_eq!(refused.refusal(), (429, 429));
        assert_eq!(refused.0.headers[header::RETRY_AFTER], "60");
        assert_eq!(client.reset().await.refusal().0, 429, "a reset is a write");
        client.get().await.hash();
        client.post("keys", json!({})).await.json();
        assert_eq!(client.get().await.refusal().0, 429, "reads are counted apart from writes");
        let renewed = {
            let mut claims = claims("alice");
            claims["iat"] = json!(NOW_S - 1);
            world.client_with(&token_of(&header_claims(), &claims, &application_key()))
        };
        assert_eq!(renewed.get().await.refusal().0, 429, "another token of the same identity");
        world.client("bob").get().await.hash();
        world.advance(Duration::from_secs(60));
        client.after(&first).put("m2", "v2").await.hash();
    });
}

#[test]
fn forged_tokens_use_up_nobodys_allowance_but_their_senders() {
    let rates = RateLimits { reads_per_minute: 1, address_bad_tokens_per_minute: 3, ..RateLimits::NONE };
    with(rates, false, Limits::default(), async |world| {
        let forged = token_of(&header_claims(), &claims("alice"), &SigningKey::from_seed(&[9; 32]));
        for _ in 0..3 {
            assert_eq!(world.client_with(&forged).get().await.refusal(), (401, 20303));
        }
        let refused = world.client_with(&forged).get().await;
        assert_eq!(refused.refusal(), (429, 429));
        assert!(refused.0.headers.contains_key(header::RETRY_AFTER));
        let mut elsewhere = world.client_with(&forged).request(Method::GET, "/v1", "");
        elsewhere.peer.address = Some("192.0.2.2".parse().unwrap());
        assert_eq!(Answer(world.answer(elsewhere).await).refusal(), (401, 20303));
        world.client("alice").get().await.hash();
    });
}

#[test]
fn an_address_has_an_allowance_whoever_asks_from_it() {
    let rates = RateLimits { address_requests_per_minute: 2, ..RateLimits::NONE };
    with(rates, false, Limits::default(), async |world| {
        world.client("alice").get().await.hash();
        world.client("bob").get().await.hash();
        assert_eq!(world.client("carol").get().await.refusal(), (429, 429));
        let mut unknown_address = world.client("carol").request(Method::GET, "/v1", "");
        unknown_address.peer.address = None;
        Answer(world.answer(unknown_address).await).hash();
    });
}

#[test]
fn a_body_over_the_limit_is_413_and_the_next_request_is_served() {
    run(async |world| {
        let client = world.client("alice");
        let body = format!(r#"{{"meta":"bQ==","value":"dg==","x":"{}"}}"#, "x".repeat(512 * 1024));
        assert_eq!(client.put_raw(&body).await.refusal().0, 413);
        client.put("m", "v").await.hash();
    });
}

#[test]
fn an_owner_over_quota_is_20501_and_loses_nothing() {
    let limits = Limits { account_records_max: 1, account_bytes_max: 100, ..Limits::default() };
    with(RateLimits::NONE, false, limits, async |world| {
        let client = world.client("alice");
        let first = client.put("m", "v").await.hash();
        let push = json!({
            "root": "r", "path": "p", "key": "k", "identities": [], "meta": "bQ==", "value": "dg==",
        });
        assert_eq!(client.post("push", push).await.refusal(), (403, 20501), "records");
        let big = client.after(&first).put("m", &"v".repeat(100)).await;
        assert_eq!(big.refusal(), (400, 50008));
        let big = client.after(&first).put("m2", &"v".repeat(100)).await;
        assert_eq!(big.refusal(), (403, 20501), "bytes");
        assert_eq!(client.get().await.hash(), first);
    });
}

#[test]
fn limits_are_raised_by_configuration() {
    let limits = Limits { single_meta_bytes_max: 20_000, value_bytes_max: 200_000, ..Limits::default() };
    with(RateLimits::NONE, false, limits, async |world| {
        let client = world.client("alice");
        client.put(&"m".repeat(20_000), &"v".repeat(200_000)).await.hash();
    });
}

/// Clients repeat every 5xx, so exactly what may succeed later is one.
#[test]
fn what_may_succeed_later_says_so_and_what_is_our_fault_is_10000() {
    let told = |error: &EngineError| {
        let response = Problem::of(error, Api::V1).response();
        let retry = response.headers.get(header::RETRY_AFTER).map(|value| value.to_str().unwrap().to_owned());
        let (status, code) = Answer(response).refusal();
        (status, code, retry)
    };
    let soon = Duration::from_millis(250);
    for busy in [
        EngineError::Overloaded { retry_after: soon },
        EngineError::Contended { retry_after: soon },
        EngineError::Draining,
        EngineError::DeadlinePassed,
        EngineError::StorageFull,
    ] {
        assert_eq!(told(&busy), (503, 503, Some("1".to_owned())), "{busy}");
    }
    for fault in [
        EngineError::OutcomeUnknown,
        EngineError::StorageUnavailable,
        EngineError::Corrupt,
        EngineError::Fault,
    ] {
        assert_eq!(told(&fault), (500, 10000, None), "{fault}");
    }
    assert_eq!(told(&EngineError::TooLarge).0, 413);
    assert_eq!(told(&EngineError::UnknownRecord), (404, 50002, None));
}

#[test]
fn what_the_transport_refuses_is_said_in_the_same_form() {
    run(async |world| {
        for (refusal, status) in [
            (Refusal::BodyTooLarge { max: 1 }, 413),
            (Refusal::TookTooLong, 503),
            (Refusal::TooManyRequests { retry_after: Duration::from_millis(1_500) }, 429),
            (Refusal::AmbiguousPath, 400),
            (Refusal::Fault, 500),
        ] {
            let answer = Answer(world.keyknox.refuse(refusal));
            assert_eq!(answer.refusal().0, status);
            if let Refusal::TooManyRequests { .. } = refusal {
                assert_eq!(answer.0.headers[header::RETRY_AFTER], "2", "rounded up");
            }
        }
    });
}

/// What cannot be read is never answered as absent.
#[test]
fn a_store_that_does_not_answer_is_10000_and_recovers() {
    use strongroom_storage::{
        Batch, BoxFuture, Committed, Info, Key, Page, Range, Row, Storage, StorageError, Topics,
    };

    struct Ailing {
        inner: Memory,
        ill: Arc<AtomicBool>,
    }

    impl Storage for Ailing {
        fn get<'a>(&'a self, keys: &'a [Key]) -> BoxFuture<'a, Result<Vec<Option<Row>>, StorageError>> {
            if self.ill.load(Ordering::SeqCst) {
                return Box::pin(async { Err(StorageError::unavailable("ill")) });
            }
            self.inner.get(keys)
        }

        fn scan(&self, range: Range) -> BoxFuture<'_, Result<Page, StorageError>> {
            self.inner.scan(range)
        }

        fn commit(&self, batch: Batch) -> BoxFuture<'_, Result<Committed, StorageError>> {
            self.inner.commit(batch)
        }

        fn changed(&self) -> tokio::sync::broadcast::Receiver<Topics> {
            self.inner.changed()
        }

        fn info(&self) -> Info {
            self.inner.info()
        }
    }

    actix_rt::System::new().block_on(async {
        let clock = Arc::new(HandClock::at_s(NOW_S));
        let ill = Arc::new(AtomicBool::new(false));
        let storage = Ailing { inner: Memory::new(Arc::new(|| NOW_S * 1_000)), ill: ill.clone() };
        let engine = Engine::builder(Arc::new(storage)).clock(clock.clone()).start().await.unwrap();
        let front = Front::new(engine.handle().clone(), EdgeLimits::default());
        let keyknox = Keyknox::new(KeyknoxOptions { rates: RateLimits::NONE, ..KeyknoxOptions::default() });
        let world = World { engine, front, keyknox, clock };
        world.put_key("app", "k1", &application_key(), Rights::ALL).await;
        let client = world.client("alice");
        let stored = client.put("m", "v").await.hash();
        ill.store(true, Ordering::SeqCst);
        assert_eq!(client.get().await.refusal(), (500, 10000));
        assert_eq!(client.after(&stored).put("m2", "v2").await.refusal(), (500, 10000));
        ill.store(false, Ordering::SeqCst);
        assert_eq!(client.get().await.hash(), stored);
    });
}
