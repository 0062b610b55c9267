//! The dialect over an engine in memory, without sockets: a small world with two applications, a clock that stands
//! still, and clients that sign their own tokens.

mod gateway;
mod limits;
mod tokens;
mod v1;
mod v2;
mod vectors;

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};
use strongroom_engine::{
    Credential, Engine, Limits, Rights,
    domains::realms::{PutRealmKey, RealmKey},
    ports::{Clock, SeededEntropy},
};
use strongroom_primitives::{encoding::to_base64url, id::RealmId, sign::SigningKey};
use strongroom_storage::Memory;

use super::{Keyknox, KeyknoxOptions, RateLimits};
use crate::{
    EdgeLimits, Front,
    dialects::Dialect,
    exchange::{HeaderMap, HeaderName, HeaderValue, Method, Peer, Request, Response, header},
    testing::clock::HandClock,
};

/// When the tokens of the vectors were made, in seconds since 1970.
const NOW_S: u64 = 1_700_000_000;
const PREVIOUS: &str = "virgil-keyknox-previous-hash";
const HASH: &str = "virgil-keyknox-hash";

struct World {
    engine: Engine,
    front: Front,
    keyknox: Keyknox,
    clock: Arc<HandClock>,
}

/// Runs `test` in a world with these options.
fn with(rates: RateLimits, refuse_unsafe_keys: bool, limits: Limits, test: impl AsyncFnOnce(World)) {
    actix_rt::System::new().block_on(async {
        let clock = Arc::new(HandClock::at_s(NOW_S));
        let storage_clock = clock.clone();
        let storage = Memory::new(Arc::new(move || storage_clock.wall().as_ms()));
        let engine = Engine::builder(Arc::new(storage))
            .clock(clock.clone())
            .entropy(Arc::new(SeededEntropy::new(1)))
            .limits(limits)
            .start()
            .await
            .unwrap();
        let front = Front::new(engine.handle().clone(), EdgeLimits::default());
        let keyknox = Keyknox::new(KeyknoxOptions { rates, refuse_unsafe_keys, clock: clock.clone() });
        let world = World { engine, front, keyknox, clock };
        world.put_key("app", "k1", &application_key(), Rights::ALL).await;
        world.put_key("other", "k1", &SigningKey::from_seed(&[2; 32]), Rights::ALL).await;
        test(world).await;
    });
}

/// Runs `test` in a world without rate limits.
fn run(test: impl AsyncFnOnce(World)) {
    with(RateLimits::NONE, false, Limits::default(), test);
}

fn application_key() -> SigningKey {
    SigningKey::from_seed(&[1; 32])
}

fn header_claims() -> Value {
    json!({"alg": "VEDS512", "kid": "k1", "typ": "JWT", "cty": "virgil-jwt;v=1"})
}

fn claims(identity: &str) -> Value {
    json!({
        "iss": "virgil-app", "sub": format!("identity-{identity}"), "iat": NOW_S, "exp": NOW_S + 1_200,
    })
}

fn signing_input(header: &Value, claims: &Value) -> String {
    let part = |value: &Value| to_base64url(value.to_string().as_bytes());
    format!("{}.{}", part(header), part(claims))
}

fn token_of(header: &Value, claims: &Value, key: &SigningKey) -> String {
    let input = signing_input(header, claims);
    format!("{input}.{}", to_base64url(&key.sign_envelope(input.as_bytes())))
}

impl World {
    async fn put_key(&self, application: &str, key_id: &str, key: &SigningKey, rights: Rights) {
        let public_key = *key.verifying_key().as_bytes();
        let key = RealmKey { key_id: key_id.to_owned(), public_key, rights };
        let put = PutRealmKey { realm: RealmId::new(application).unwrap(), key };
        self.engine.handle().ask(Credential::Operator, put).await.unwrap();
    }

    async fn answer(&self, request: Request) -> Response {
        let path = request.path.clone();
        self.keyknox.answer(&self.front, &path, &request).await
    }

    /// A client with a fresh token of `app`.
    fn client(&self, identity: &str) -> Client<'_> {
        self.client_with(&token_of(&header_claims(), &claims(identity), &application_key()))
    }

    fn client_with(&self, token: &str) -> Client<'_> {
        Client { world: self, headers: vec![("authorization".to_owned(), format!("Virgil {token}"))] }
    }

    fn advance(&self, time: Duration) {
        self.clock.advance(time);
    }
}

fn request(method: Method, path: &str, body: impl AsRef<[u8]>) -> Request {
    Request {
        method,
        path: Arc::from(path),
        query: None,
        headers: HeaderMap::new(),
        body: bytes::Bytes::copy_from_slice(body.as_ref()),
        peer: Peer { address: Some("192.0.2.1".parse().unwrap()), gateway: false, secure: true },
        request_id: Arc::from("0123456789abcdef0123456789abcdef"),
    }
}

/// Somebody who sends requests with a few headers.
#[derive(Clone)]
struct Client<'w> {
    world: &'w World,
    headers: Vec<(String, String)>,
}

impl Client<'_> {
    fn and(&self, name: &str, value: &str) -> Self {
        let mut client = self.clone();
        client.headers.push((name.to_owned(), value.to_owned()));
        client
    }

    fn after(&self, hash: &str) -> Self {
        self.and(PREVIOUS, hash)
    }

    fn request(&self, method: Method, path: &str, body: impl AsRef<[u8]>) -> Request {
        let mut request = request(method, path, body);
        for (name, value) in &self.headers {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            request.headers.append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        request
    }

    async fn send(&self, method: Method, path: &str, body: impl AsRef<[u8]>) -> Answer {
        Answer(self.world.answer(self.request(method, path, body)).await)
    }

    async fn get(&self) -> Answer {
        self.send(Method::GET, "/v1", "").await
    }

    async fn put(&self, meta: &str, value: &str) -> Answer {
        self.put_raw(&json!({"meta": b64(meta), "value": b64(value)}).to_string()).await
    }

    async fn put_raw(&self, body: &str) -> Answer {
        self.send(Method::PUT, "/v1", body).await
    }

    async fn reset(&self) -> Answer {
        self.send(Method::POST, "/v1/reset", "").await
    }

    async fn post(&self, operation: &str, body: Value) -> Answer {
        self.send(Method::POST, &format!("/v2/{operation}"), body.to_string()).await
    }
}

fn b64(text: &str) -> String {
    strongroom_primitives::encoding::to_base64(text.as_bytes())
}

struct Answer(Response);

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.0.body).expect("an answer is JSON")
    }

    /// The hash of a success.
    #[track_caller]
    fn hash(&self) -> String {
        assert_eq!(self.0.status, 200, "{}", self.json());
        self.0.headers[HASH].to_str().unwrap().to_owned()
    }

    /// The body of a success that carries a record.
    #[track_caller]
    fn record(&self) -> Value {
        self.hash();
        assert_eq!(self.0.headers[header::CONTENT_TYPE], "application/json");
        assert_eq!(self.0.headers[header::CACHE_CONTROL], "no-store");
        self.json()
    }

    #[track_caller]
    fn version(&self) -> String {
        self.record()["version"].as_str().unwrap().to_owned()
    }

    /// Status and code of a refusal.
    #[track_caller]
    fn refusal(&self) -> (u16, u64) {
        let body = self.json();
        assert_eq!(self.0.headers[header::CONTENT_TYPE], "application/json");
        assert_eq!(self.0.headers[header::CACHE_CONTROL], "no-store");
        assert!(!self.0.headers.contains_key(HASH), "a refusal carries no hash");
        assert_eq!(body.as_object().unwrap().len(), 2, "code and message and nothing else: {body}");
        assert!(!body["message"].as_str().unwrap().is_empty());
        let code = body["code"].as_u64().unwrap();
        assert_ne!(code, 0);
        (self.0.status.as_u16(), code)
    }
}
