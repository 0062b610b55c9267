//! The dialect over an engine in memory, without sockets: an installation, a clock that stands still, and users who
//! really prove passwords and really open what is sealed to them.
//!
//! | module | rules of dialects/meeco.md |
//! |---|---|
//! | `common` | section 4, and what holds for every call |
//! | `signing_in`, `sessions`, `guessing` | section 5: SRP, sessions, rates |
//! | `keys` | section 5: KEK, DEKs, key pairs |
//! | `enrolling`, `members` | sections 5 and 6: admission tokens, vault users and their sessions |
//! | `items`, `paging` | section 6: items, slots, templates, lists |
//! | `bodies` | sections 6 and 7: every field of every body, in both flavours |
//! | `leaks` | what must appear nowhere |

mod bodies;
mod common;
mod enrolling;
mod guessing;
mod items;
mod keys;
mod leaks;
mod members;
mod paging;
mod sessions;
mod signing_in;

use std::{
    collections::VecDeque,
    net::IpAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use serde_json::{Value, json};
use strongroom_engine::{
    Credential, Engine, Limits, Rights,
    domains::realms::{PutRealm, SetSignUp, SignUp},
    ports::{Clock, Entropy, SeededEntropy},
};
use strongroom_primitives::{
    cryppo::{self, Form, WrappingKey},
    encoding::{from_hex, to_hex},
    hash,
    id::RealmId,
    rsa::PrivateKey,
    secret::SecretText,
    srp::{Client as Prover, Ephemeral, Profile, Salt, ServerPublic, register},
};
use strongroom_storage::Memory;

use super::{Installation, Keystore, MeecoOptions, PeopleRates, Vault};
use crate::{
    EdgeLimits, Front,
    dialects::Dialect,
    exchange::{HeaderMap, HeaderName, HeaderValue, Method, Peer, Request, Response, header},
    testing::clock::HandClock,
};

/// When the worlds begin, in seconds since 1970.
const NOW_S: u64 = 1_780_000_000;
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Chance that can be told what the next 32 bytes are.
struct Loaded {
    next: Mutex<VecDeque<[u8; 32]>>,
    otherwise: SeededEntropy,
}

impl Entropy for Loaded {
    fn fill(&self, bytes: &mut [u8]) {
        let told = if bytes.len() == 32 { self.next.lock().unwrap().pop_front() } else { None };
        match told {
            Some(told) => bytes.copy_from_slice(&told),
            None => self.otherwise.fill(bytes),
        }
    }
}

fn realm(name: &str) -> RealmId {
    RealmId::new(name).unwrap()
}

/// What a world can be told.
struct Setup {
    limits: Limits,
    sign_up: SignUp,
    rates: PeopleRates,
    subscription_keys: &'static [&'static str],
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            sign_up: SignUp::Reserved,
            rates: PeopleRates::NONE,
            subscription_keys: &[],
        }
    }
}

impl Setup {
    /// Runs `test` in a world like this.
    fn run(self, test: impl AsyncFnOnce(World)) {
        actix_rt::System::new().block_on(async {
            let clock = Arc::new(HandClock::at_s(NOW_S));
            let storage_clock = clock.clone();
            let storage = Memory::new(Arc::new(move || storage_clock.wall().as_ms()));
            let chance = Loaded { next: Mutex::default(), otherwise: SeededEntropy::new(1) };
            let chance = Arc::new(chance);
            let engine = Engine::builder(Arc::new(storage))
                .clock(clock.clone())
                .entropy(chance.clone())
                .limits(self.limits)
                .start()
                .await
                .unwrap();
            let options = MeecoOptions {
                rates: self.rates,
                subscription_keys: self.subscription_keys.iter().map(|key| secret(key)).collect(),
                clock: clock.clone(),
                ..MeecoOptions::new(realm("keystore"), realm("vault"))
            };
            let installation = Installation::new(options);
            let world = World {
                front: Front::new(engine.handle().clone(), EdgeLimits::default()),
                keystore: Keystore::new(installation.clone()),
                vault: Vault::new(installation),
                engine,
                clock,
                chance,
                attempts: AtomicU64::new(0),
            };
            for (name, sign_up) in [("keystore", self.sign_up), ("vault", SignUp::Closed)] {
                let rights = Rights::NONE;
                world.operator(PutRealm { realm: realm(name), rights }).await;
                world.operator(SetSignUp { realm: realm(name), sign_up }).await;
            }
            test(world).await;
        });
    }
}

/// Runs `test` in a world without rates.
fn run(test: impl AsyncFnOnce(World)) {
    Setup::default().run(test);
}

fn secret(text: &str) -> SecretText {
    SecretText::new(text.to_owned())
}

struct World {
    engine: Engine,
    front: Front,
    keystore: Keystore,
    vault: Vault,
    clock: Arc<HandClock>,
    chance: Arc<Loaded>,
    /// Attempts to sign in so far. Each has an A of its own, the same ones in each run.
    attempts: AtomicU64,
}

impl World {
    async fn operator<C>(&self, command: C)
    where
        C: strongroom_engine::Command,
        C::Domain: strongroom_engine::Routed,
    {
        self.engine.handle().ask(Credential::Operator, command).await.unwrap();
    }

    fn advance(&self, time: Duration) {
        self.clock.advance(time);
    }

    fn keystore(&self) -> Caller<'_> {
        Caller::new(self, &self.keystore)
    }

    fn vault(&self) -> Caller<'_> {
        Caller::new(self, &self.vault)
    }

    /// Somebody who has asked for a username and registered it.
    async fn user(&self) -> User<'_> {
        let reserved = self.keystore().post("/srp/username", json!({})).await.ok(200);
        let user = User { world: self, name: text(&reserved["username"]), password: b"password".to_vec() };
        user.register().await.ok(201);
        user
    }

    /// Somebody who is signed in to the keystore.
    async fn signed_in(&self) -> Caller<'_> {
        let user = self.user().await;
        self.keystore().with(&user.sign_in().await)
    }

    /// Somebody who is signed in to the keystore and has a KEK.
    async fn holder(&self) -> Caller<'_> {
        let holder = self.signed_in().await;
        let kek = json!({ "serialized_key_encryption_key": wrapped("kek") });
        holder.post("/key_encryption_key", kek).await.ok(201);
        holder
    }

    /// A user of the vault with this key of the vectors, signed in there.
    async fn member(&self, key: &str) -> Caller<'_> {
        let (_, vault) = self.both(key).await;
        vault
    }

    /// The same, signed in to both services.
    async fn both(&self, key: &str) -> (Caller<'_>, Caller<'_>) {
        let keystore = self.signed_in().await;
        let token = admission_token(&keystore).await;
        let (pem, private) = key_pair(key);
        let body = json!({ "public_key": pem, "admission_token": token });
        let body = self.vault().post("/me", body).await.ok(201);
        let session = unseal(&private, &body["encrypted_session_authentication_string"]);
        (keystore, self.vault().with(&session))
    }
}

async fn admission_token(keystore: &Caller<'_>) -> String {
    let body = keystore.get("/external_admission_tokens").await.ok(200);
    text(&body["external_admission_token"]["vault_api_admission_token"])
}

fn vectors() -> Value {
    serde_json::from_str(include_str!("../../../../../tests/vectors/meeco.json")).unwrap()
}

/// A key of the vectors, `rsa2048` or `rsa4096`: the public half in PEM, and the private one.
fn key_pair(name: &str) -> (String, PrivateKey) {
    let key = &vectors()["rsa"]["keys"][name];
    let private = PrivateKey::from_pem(&secret(key["private_pem"].as_str().unwrap())).unwrap();
    (text(&key["public_pem"]), private)
}

fn unseal(key: &PrivateKey, sealed: &Value) -> String {
    cryppo::decrypt_rsa(key, sealed.as_str().unwrap())
        .map(|plain| String::from_utf8(plain.expose().to_vec()).unwrap())
        .unwrap()
}

/// A cryppo string that encrypts `plain`.
fn wrapped(plain: &str) -> String {
    let key = WrappingKey::from_bytes(&[7; 32]);
    key.encrypt([9; 12], plain.as_bytes(), Form::Bson).unwrap().into_string()
}

#[track_caller]
fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned()
}

/// Somebody who can prove a password.
#[derive(Clone)]
struct User<'w> {
    world: &'w World,
    name: String,
    password: Vec<u8>,
}

impl User<'_> {
    fn salt() -> Salt {
        Salt::new(&[5; 32]).unwrap()
    }

    async fn register(&self) -> Answer {
        let verifier = register(Profile::MEECO, &self.name, &self.password, &Self::salt()).unwrap();
        let body = json!({
            "username": self.name,
            "srp_salt": to_hex(Self::salt().as_bytes()),
            "srp_verifier": to_hex(verifier.expose()),
        });
        self.world.keystore().post("/srp/users", body).await
    }

    /// Asks for a challenge from `address` and makes the body that answers it.
    async fn attempt(&self, address: &str) -> Value {
        let number = self.world.attempts.fetch_add(1, Ordering::Relaxed);
        let ephemeral = Ephemeral::new(hash::sha256(&number.to_be_bytes()));
        let prover = Prover::start(Profile::MEECO, ephemeral).unwrap();
        let a = to_hex(prover.public().as_bytes());
        let body = json!({ "username": self.name, "srp_a": a });
        let answer = self.world.keystore().from(address).post("/srp/challenges", body).await.ok(200);
        let challenge = &answer["challenge"];
        let salt = Salt::new(&from_hex(challenge["challenge_salt"].as_str().unwrap()).unwrap()).unwrap();
        let b = from_hex(challenge["challenge_b"].as_str().unwrap()).unwrap();
        let b = ServerPublic::new(Profile::MEECO, &b).unwrap();
        let pending = prover.prove(&self.name, &self.password, &salt, &b).unwrap();
        json!({ "username": self.name, "srp_a": a, "srp_m": to_hex(pending.m1().expose()) })
    }

    async fn prove_from(&self, address: &str) -> Answer {
        let attempt = self.attempt(address).await;
        self.world.keystore().from(address).post("/srp/session", attempt).await
    }

    async fn prove(&self) -> Answer {
        self.prove_from(HOME).await
    }

    /// A session's text.
    async fn sign_in(&self) -> String {
        let body = self.prove().await.ok(201);
        text(&body["session"]["session_authentication_string"])
    }

    fn who_guesses(&self) -> Self {
        Self { password: b"guess".to_vec(), ..self.clone() }
    }
}

/// Where everybody calls from unless said otherwise.
const HOME: &str = "192.0.2.1";

/// Somebody who sends requests to one of the services.
#[derive(Clone)]
struct Caller<'w> {
    world: &'w World,
    service: &'w dyn Dialect,
    headers: Vec<(String, String)>,
    address: Option<IpAddr>,
}

impl<'w> Caller<'w> {
    fn new(world: &'w World, service: &'w dyn Dialect) -> Self {
        let headers = vec![("meeco-subscription-key".to_owned(), "key".to_owned())];
        Self { world, service, headers, address: Some(HOME.parse().unwrap()) }
    }

    /// The same with this header, in place of the one of that name if there is one.
    fn and(&self, name: &str, value: &str) -> Self {
        let mut caller = self.without(name);
        caller.headers.push((name.to_owned(), value.to_owned()));
        caller
    }

    fn without(&self, name: &str) -> Self {
        let mut caller = self.clone();
        caller.headers.retain(|(given, _)| given != name);
        caller
    }

    /// The same with this session.
    fn with(&self, session: &str) -> Self {
        self.and("authorization", session)
    }

    /// The session that it comes with.
    fn session(&self) -> &str {
        &self.headers.iter().find(|(name, _)| name == "authorization").unwrap().1
    }

    /// The same as the older clients.
    fn old(&self) -> Self {
        self.and("x_meeco_api_version", "2.0.0").and("x_meeco_api_component", "keystore")
    }

    fn from(&self, address: &str) -> Self {
        Self { address: Some(address.parse().unwrap()), ..self.clone() }
    }

    fn of_no_address(&self) -> Self {
        Self { address: None, ..self.clone() }
    }

    async fn send(&self, method: &str, target: &str, body: impl AsRef<[u8]>) -> Answer {
        let (path, query) =
            target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
        let mut headers = HeaderMap::new();
        for (name, value) in &self.headers {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            headers.append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        let request = Request {
            method: Method::from_bytes(method.as_bytes()).unwrap(),
            path: path.into(),
            query: query.map(Into::into),
            headers,
            body: bytes::Bytes::copy_from_slice(body.as_ref()),
            peer: Peer { address: self.address, gateway: false, secure: true },
            request_id: "0123456789abcdef0123456789abcdef".into(),
        };
        Answer(self.service.answer(&self.world.front, path, &request).await)
    }

    async fn get(&self, target: &str) -> Answer {
        self.send("GET", target, "").await
    }

    async fn post(&self, target: &str, body: Value) -> Answer {
        self.send("POST", target, body.to_string()).await
    }

    async fn put(&self, target: &str, body: Value) -> Answer {
        self.send("PUT", target, body.to_string()).await
    }

    async fn patch(&self, target: &str, body: Value) -> Answer {
        self.send("PATCH", target, body.to_string()).await
    }

    async fn delete(&self, target: &str) -> Answer {
        self.send("DELETE", target, "").await
    }
}

struct Answer(Response);

impl Answer {
    #[track_caller]
    fn json(&self) -> Value {
        assert_eq!(self.0.headers[header::CONTENT_TYPE], "application/json");
        serde_json::from_slice(&self.0.body).expect("an answer is JSON")
    }

    fn status(&self) -> u16 {
        self.0.status.as_u16()
    }

    /// The body of a success.
    #[track_caller]
    fn ok(&self, status: u16) -> Value {
        assert_eq!(self.status(), status, "{}", String::from_utf8_lossy(&self.0.body));
        self.json()
    }

    /// A success without a body.
    #[track_caller]
    fn gone(&self) {
        assert_eq!(
            (self.status(), &*self.0.body),
            (204, &b""[..]),
            "{}",
            String::from_utf8_lossy(&self.0.body)
        );
    }

    /// Status, name and message of a refusal, whose form is checked.
    #[track_caller]
    fn told(&self) -> (u16, String, String) {
        let body = self.json();
        let error = &body["errors"][0];
        let expected = json!({ "errors": [{
            "error": error["error"],
            "http_code": self.status(),
            "message": error["message"],
            "requested_language": "en",
            "message_in_requested_language": true,
            "extra_info": {},
        }]});
        assert_eq!(body, expected);
        assert!(self.status() >= 400, "{body}");
        (self.status(), text(&error["error"]), text(&error["message"]))
    }

    /// Status and name of a refusal.
    #[track_caller]
    fn refusal(&self) -> (u16, String) {
        let (status, name, message) = self.told();
        assert!(!message.is_empty());
        (status, name)
    }

    #[track_caller]
    fn is(&self, status: u16, name: &str) {
        assert_eq!(self.refusal(), (status, name.to_owned()));
    }

    /// A refusal of this field.
    #[track_caller]
    fn is_about(&self, field: &str) {
        assert_eq!(self.told(), (400, "invalid_parameter".to_owned(), field.to_owned()));
    }

    /// Seconds after which to come back.
    #[track_caller]
    fn retry_after(&self) -> u64 {
        self.0.headers[header::RETRY_AFTER].to_str().unwrap().parse().unwrap()
    }
}
