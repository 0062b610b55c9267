//! Realms behind a router: what the published client sends, to the byte, and what it is answered.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use strongroom_engine::{
    Engine,
    domains::pin_recovery::PinPolicy,
    ports::{Clock, SeededEntropy},
    testing::recovery::{PinClient, at_once, realm, token},
};
use strongroom_primitives::{
    pin_recovery::{
        RecoveryRealmId,
        messages::{
            Answer, Recover1Answer, Recover2Answer, Recover3Answer, Recover3Request, Request as Message,
        },
        tenant_token::Scope,
    },
    time::Timestamp,
};
use strongroom_storage::{Encrypted, Memory, RootKey};
use zeroize::Zeroizing;

use super::*;
use crate::{
    CorsPolicy, Router,
    exchange::{HeaderMap, Peer},
};

const NOW_MS: u64 = 1_780_000_000_000;
const REALM: RecoveryRealmId = RecoveryRealmId::from_bytes([7; 16]);
const BASE: &str = "/juicebox/07070707070707070707070707070707";

struct Hand(AtomicU64);

impl Clock for Hand {
    fn wall(&self) -> Timestamp {
        Timestamp::from_ms(self.0.load(Ordering::Relaxed))
    }

    fn monotonic(&self) -> Duration {
        Duration::from_millis(self.0.load(Ordering::Relaxed) - NOW_MS)
    }
}

struct Mounted {
    clock: Arc<Hand>,
    front: Front,
    router: Router,
    client: PinClient,
    _engine: Engine,
}

impl Mounted {
    async fn new() -> Self {
        Self::with(at_once(), JuiceboxRates::NONE).await
    }

    async fn with(policy: PinPolicy, rates: JuiceboxRates) -> Self {
        let clock = Arc::new(Hand(AtomicU64::new(NOW_MS)));
        let wall = clock.clone();
        let memory = Memory::new(Arc::new(move || wall.wall().as_ms()));
        let entropy = SeededEntropy::new(3);
        let chance =
            Arc::new(move |bytes: &mut [u8]| strongroom_engine::ports::Entropy::fill(&entropy, bytes));
        let store = Encrypted::open(memory, &RootKey::new(Zeroizing::new([1; 32])), chance).await.unwrap();
        let engine = Engine::builder(Arc::new(store))
            .clock(clock.clone())
            .recovery_realm(realm(7, policy))
            .start()
            .await
            .unwrap();
        let dialect = Juicebox::new(JuiceboxOptions { rates, clock: clock.clone() });
        let cors = CorsPolicy::new(["https://app.example".to_owned()]).unwrap();
        let router = Router::builder().mount("/juicebox", Arc::new(dialect)).cors(cors).build().unwrap();
        let front = Front::new(engine.handle().clone(), EdgeLimits::default());
        Self { clock, front, router, client: PinClient::new(REALM, 5), _engine: engine }
    }

    async fn send(&self, method: Method, path: &str, headers: &[(&str, String)], body: &[u8]) -> Response {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
        }
        let request = Request {
            method,
            path: path.into(),
            query: None,
            headers: map,
            body: Bytes::copy_from_slice(body),
            peer: Peer { address: Some([192, 0, 2, 1].into()), ..Peer::default() },
            request_id: "r1".into(),
        };
        self.router.answer(&self.front, request).await
    }

    fn token(&self, subject: &str, scope: Scope) -> (&'static str, String) {
        let token = token(&REALM, subject, scope, self.clock.wall());
        ("authorization", format!("Bearer {}", token.expose()))
    }

    async fn post(&self, body: &[u8]) -> Response {
        let headers = [self.token("bob", Scope::User), ("x-juicebox-version", "0.3.7".to_owned())];
        self.send(Method::POST, &format!("{BASE}/req"), &headers, body).await
    }

    async fn ask(&self, message: &Message) -> Answer {
        let response = self.post(&message.to_cbor()).await;
        assert_eq!(response.status, StatusCode::OK, "{:?}", response.body);
        assert_eq!(response.headers[header::CONTENT_TYPE], "application/octet-stream");
        Answer::from_cbor(&response.body).unwrap()
    }

    async fn audit(&self, path: &str, body: &str) -> (StatusCode, serde_json::Value) {
        let headers = [self.token("backend", Scope::Audit)];
        let response = self.send(Method::POST, &format!("{BASE}/{path}"), &headers, body.as_bytes()).await;
        (response.status, serde_json::from_slice(&response.body).unwrap_or_default())
    }
}

#[actix_rt::test]
async fn a_realm_says_who_it_is_with_and_without_the_slash() {
    let mounted = Mounted::new().await;
    for path in [BASE.to_owned(), format!("{BASE}/")] {
        let response = mounted.send(Method::GET, &path, &[], b"").await;
        assert_eq!(response.body, r#"{"realmID":"07070707070707070707070707070707"}"#);
    }
    for nothing in [
        "/juicebox",
        "/juicebox/",
        "/juicebox/08080808080808080808080808080808/",
        "/juicebox/0707070707070707070707070707070G/",
        &format!("{BASE}/other"),
        &format!("{BASE}/tenant_log/other"),
    ] {
        let response = mounted.send(Method::GET, nothing, &[], b"").await;
        assert_eq!(response.status, StatusCode::NOT_FOUND, "{nothing}");
    }
    let response = mounted.send(Method::GET, &format!("{BASE}/req"), &[], b"").await;
    assert_eq!(response.status, StatusCode::METHOD_NOT_ALLOWED);
}

#[actix_rt::test]
async fn a_share_is_registered_recovered_and_deleted() {
    let mounted = Mounted::new().await;
    assert!(matches!(mounted.ask(&Message::Register1).await, Answer::Register1(_)));
    let kept = mounted.client.registration("1234", b"secret", 3);
    let answer = mounted.post(&Message::Register2(Box::new(kept.clone())).to_cbor()).await;
    assert_eq!(answer.body, b"\xa1iRegister2bOk"[..]);
    let found = mounted.ask(&Message::Recover1).await;
    assert!(matches!(found, Answer::Recover1(Recover1Answer::Ok { version }) if version == kept.version));
    let guess = Message::Recover2(mounted.client.guess(kept.version, "1234").unwrap());
    let Answer::Recover2(Recover2Answer::Ok(evaluated)) = mounted.ask(&guess).await else {
        panic!("evaluated")
    };
    assert_eq!((evaluated.num_guesses, evaluated.guess_count), (3, 1));
    let opening = |tag| Message::Recover3(Recover3Request { version: kept.version, unlock_key_tag: tag });
    let wrong = strongroom_primitives::pin_recovery::SecretOctets::from_bytes([0; 16]);
    let answer = mounted.ask(&opening(wrong)).await;
    let two_left = Recover3Answer::BadUnlockKeyTag { guesses_remaining: 2 };
    assert!(matches!(answer, Answer::Recover3(said) if format!("{said:?}") == format!("{two_left:?}")));
    let Answer::Recover3(Recover3Answer::Ok(given)) =
        mounted.ask(&opening(kept.unlock_key_tag.clone())).await
    else {
        panic!("given")
    };
    assert_eq!(given.encrypted_secret, kept.encrypted_secret);
    let deleted = mounted.post(&Message::Delete.to_cbor()).await;
    assert_eq!(deleted.body, b"\xa1fDeletebOk"[..]);
    let found = mounted.ask(&Message::Recover1).await;
    assert!(matches!(found, Answer::Recover1(Recover1Answer::NotRegistered)));
}

/// RECOVERY.md, section 3.1: the statuses that clients tell apart.
#[actix_rt::test]
async fn every_refusal_has_the_status_that_clients_know() {
    let mounted = Mounted::new().await;
    let path = format!("{BASE}/req");
    let body = Message::Recover1.to_cbor();
    let (user, version) = (mounted.token("bob", Scope::User), ("x-juicebox-version", "0.3.7".to_owned()));
    let old = ("x-juicebox-version", "0.1.9".to_owned());
    let status = async |headers: &[(&str, String)], body: &[u8]| {
        mounted.send(Method::POST, &path, headers, body).await.status.as_u16()
    };
    assert_eq!(status(&[user.clone(), version.clone()], &body).await, 200);
    assert_eq!(status(std::slice::from_ref(&user), &body).await, 426);
    assert_eq!(status(&[user.clone(), old], &body).await, 426);
    assert_eq!(status(&[user.clone(), version.clone(), version.clone()], &body).await, 426);
    assert_eq!(status(std::slice::from_ref(&version), &body).await, 401);
    assert_eq!(status(&[user.clone(), user.clone(), version.clone()], &body).await, 401);
    assert_eq!(status(&[mounted.token("bob", Scope::Audit), version.clone()], &body).await, 401);
    assert_eq!(status(&[("authorization", "Bearer x".to_owned()), version.clone()], &body).await, 401);
    for malformed in [&b""[..], b"\xff", &[0; 100], b"\x68Recover1\x68Recover1"] {
        assert_eq!(status(&[user.clone(), version.clone()], malformed).await, 400, "{malformed:?}");
    }
    assert_eq!(status(&[user.clone(), version.clone()], &[0; 2_049]).await, 413);
    let kept = mounted.client.registration("1", b"", 11);
    let too_many = Message::Register2(Box::new(kept)).to_cbor();
    assert_eq!(status(&[user, version], &too_many).await, 400);
    assert_eq!(mounted.router.body_bytes_max(&mounted.front, &path), 2_048);
}

/// RECOVERY.md, section 4.2, rule 3.
#[actix_rt::test]
async fn a_guess_that_has_to_wait_says_how_long() {
    let mounted = Mounted::with(PinPolicy::default(), JuiceboxRates::NONE).await;
    let kept = mounted.client.registration("1234", b"", 5);
    let guess = Message::Recover2(mounted.client.guess(kept.version, "0").unwrap()).to_cbor();
    mounted.ask(&Message::Register2(Box::new(kept))).await;
    for _ in 0..2 {
        assert_eq!(mounted.post(&guess).await.status, StatusCode::OK);
    }
    mounted.clock.0.fetch_add(500, Ordering::Relaxed);
    let refused = mounted.post(&guess).await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(refused.headers[header::RETRY_AFTER], "30");
    let user = [mounted.token("bob", Scope::User)];
    let status = mounted.send(Method::GET, &format!("{BASE}/status"), &user, b"").await;
    let status: serde_json::Value = serde_json::from_slice(&status.body).unwrap();
    assert_eq!(status["guesses_used"], 2);
    assert_eq!(status["next_guess_at"], NOW_MS + 30_000);
}

#[actix_rt::test]
async fn rates_are_counted_by_user_tenant_and_address() {
    let rates = JuiceboxRates { user_requests_per_minute: 2, failures_per_minute: 1, ..JuiceboxRates::NONE };
    let mounted = Mounted::with(at_once(), rates).await;
    let body = Message::Register1.to_cbor();
    let version = ("x-juicebox-version", "0.3.7".to_owned());
    let path = format!("{BASE}/req");
    for (subject, wanted) in [("bob", 200), ("bob", 200), ("bob", 429), ("eve", 200)] {
        let headers = [mounted.token(subject, Scope::User), version.clone()];
        assert_eq!(mounted.send(Method::POST, &path, &headers, &body).await.status.as_u16(), wanted);
    }
    for wanted in [401, 429] {
        let response = mounted.send(Method::POST, &path, std::slice::from_ref(&version), &body).await;
        assert_eq!(response.status.as_u16(), wanted);
    }
    let rates = JuiceboxRates { tenant_requests_per_minute: 1, ..JuiceboxRates::NONE };
    let mounted = Mounted::with(at_once(), rates).await;
    for (subject, wanted) in [("bob", 200), ("eve", 429)] {
        let headers = [mounted.token(subject, Scope::User), version.clone()];
        let response = mounted.send(Method::POST, &path, &headers, &body).await;
        assert_eq!(response.status.as_u16(), wanted);
        assert_eq!(response.headers.contains_key(header::RETRY_AFTER), wanted == 429);
    }
}

#[actix_rt::test]
async fn a_tenant_reads_its_log_until_it_has_heard_of_everything() {
    let mounted = Mounted::new().await;
    let kept = mounted.client.registration("1234", b"", 3);
    let guess = Message::Recover2(mounted.client.guess(kept.version, "0").unwrap());
    mounted.ask(&Message::Register2(Box::new(kept))).await;
    mounted.ask(&guess).await;
    mounted.ask(&Message::Delete).await;
    let (_, log) = mounted.audit("tenant_log", r#"{"acks":[],"page_size":2}"#).await;
    let user = strongroom_primitives::pin_recovery::names::logged_user("acme", "bob");
    let when = "2026-05-28T20:26:40Z";
    let registered = json!({ "id": "0", "ack": "0", "when": when, "user_id": user, "event": "registered",
        "num_guesses": 3, "guess_count": 0 });
    let used = json!({ "id": "1", "ack": "1", "when": when, "user_id": user, "event": "guess_used",
        "num_guesses": 3, "guess_count": 1 });
    let deleted = json!({ "id": "2", "ack": "2", "when": when, "user_id": user, "event": "deleted" });
    assert_eq!(log, json!({ "events": [registered, used] }));
    let (_, log) = mounted.audit("tenant_log", r#"{"acks":["0"],"page_size":200}"#).await;
    assert_eq!(log, json!({ "events": [used, deleted] }));
    assert_eq!(mounted.audit("tenant_log/ack", r#"{"acks":["1","2"]}"#).await, (StatusCode::OK, json!({})));
    assert_eq!(mounted.audit("tenant_log", "{}").await.1, json!({ "events": [] }));
    for bad in ["", "[]", r#"{"acks":["x"]}"#, r#"{"acks":[],"acks":["1"]}"#, r#"{"acks":5}"#] {
        assert_eq!(mounted.audit("tenant_log", bad).await.0, StatusCode::BAD_REQUEST, "{bad}");
    }
    let headers = [mounted.token("bob", Scope::User)];
    let refused = mounted.send(Method::POST, &format!("{BASE}/tenant_log"), &headers, b"{}").await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
}

/// The client in browsers sends a header of its own, so pages of listed origins have to be allowed it.
#[actix_rt::test]
async fn pages_of_listed_origins_may_ask() {
    let mounted = Mounted::new().await;
    let headers = [
        ("origin", "https://app.example".to_owned()),
        ("access-control-request-method", "POST".to_owned()),
        ("access-control-request-headers", "authorization,x-juicebox-version".to_owned()),
    ];
    let response = mounted.send(Method::OPTIONS, &format!("{BASE}/req"), &headers, b"").await;
    assert_eq!(response.status, StatusCode::NO_CONTENT);
    let allowed = response.headers[header::ACCESS_CONTROL_ALLOW_HEADERS].to_str().unwrap();
    assert!(allowed.contains("X-Juicebox-Version") && allowed.contains("Authorization"));
}
