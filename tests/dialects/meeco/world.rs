//! Engines over one store, a router with both services, a clock that stands still, and somebody who signs in.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use serde_json::{Value, json};
use strongroom_engine::{
    Credential, Engine, Rights,
    domains::realms::{PutRealm, SetSignUp, SignUp},
};
use strongroom_primitives::{
    cryppo::{self, Form, WrappingKey},
    encoding::{from_hex, to_hex},
    hash,
    id::RealmId,
    rsa::PrivateKey,
    secret::SecretText,
    srp::{Client, Ephemeral, Profile, Salt, ServerPublic, register},
};
use strongroom_transports::{
    EdgeLimits, Front, PeopleRates, Router,
    dialects::meeco::{Installation, Keystore, MeecoOptions, Vault},
    exchange::{HeaderMap, HeaderName, HeaderValue, Method, Peer, Request, Response},
};

use crate::support::{HandClock, engines};

const PASSWORD: &[u8] = b"password";
const SALT: [u8; 32] = [5; 32];

/// What a test runs on.
pub(crate) struct World {
    fronts: Vec<Front>,
    router: Router,
    clock: Arc<HandClock>,
    /// A key of the vectors in PEM.
    pub(crate) public_key: String,
    private_key: PrivateKey,
}

/// Runs `test` on a deployment of so many nodes.
pub(crate) fn deployed(nodes: usize, test: impl AsyncFnOnce(&World)) {
    actix_rt::System::new().block_on(async {
        let clock = Arc::new(HandClock::new());
        let engines = engines(nodes, clock.clone()).await;
        test(&World::over(&engines, clock).await).await;
    });
}

impl World {
    /// One on these engines, whose clock this is.
    pub(crate) async fn over(engines: &[Engine], clock: Arc<HandClock>) -> Self {
        let realm = |name: &str| RealmId::new(name).expect("a good realm");
        for (name, sign_up) in [("keystore", SignUp::Reserved), ("vault", SignUp::Closed)] {
            let operator = engines[0].handle();
            let put = PutRealm { realm: realm(name), rights: Rights::NONE };
            operator.ask(Credential::Operator, put).await.expect("the operator may");
            let open = SetSignUp { realm: realm(name), sign_up };
            operator.ask(Credential::Operator, open).await.expect("the operator may");
        }
        let rates = PeopleRates::NONE;
        let options = MeecoOptions { rates, ..MeecoOptions::new(realm("keystore"), realm("vault")) };
        let installation = Installation::new(options);
        let router = Router::builder()
            .mount("/meeco/keystore", Arc::new(Keystore::new(installation.clone())))
            .mount("/meeco/vault", Arc::new(Vault::new(installation)))
            .build()
            .expect("good prefixes");
        let front = |engine: &Engine| Front::new(engine.handle().clone(), EdgeLimits::default());
        let vectors: Value =
            serde_json::from_str(include_str!("../../vectors/meeco.json")).expect("vectors are JSON");
        let key = &vectors["rsa"]["keys"]["rsa2048"];
        let pem = |name: &str| key[name].as_str().expect("a PEM").to_owned();
        Self {
            fronts: engines.iter().map(front).collect(),
            router,
            clock,
            public_key: pem("public_pem"),
            private_key: PrivateKey::from_pem(&SecretText::new(pem("private_pem"))).expect("a key"),
        }
    }
}

/// A cryppo string that encrypts `plain`.
pub(crate) fn wrapped(plain: &str) -> String {
    let key = WrappingKey::from_bytes(&[7; 32]);
    key.encrypt([9; 12], plain.as_bytes(), Form::Bson).expect("a short text").into_string()
}

/// The body that registers a username.
pub(crate) fn registration(username: &str) -> Value {
    let salt = Salt::new(&SALT).expect("a good salt");
    let verifier = register(Profile::MEECO, username, PASSWORD, &salt).expect("a good verifier");
    json!({ "username": username, "srp_salt": to_hex(&SALT), "srp_verifier": to_hex(verifier.expose()) })
}

/// Somebody who is about to prove their password.
pub(crate) struct Prover {
    username: String,
    client: Client,
}

impl Prover {
    pub(crate) fn new(username: &str) -> Self {
        static PROVERS: AtomicU64 = AtomicU64::new(0);
        let number = PROVERS.fetch_add(1, Ordering::Relaxed);
        let ephemeral = Ephemeral::new(hash::sha256(&number.to_be_bytes()));
        let client = Client::start(Profile::MEECO, ephemeral).expect("a good value");
        Self { username: username.to_owned(), client }
    }

    /// The body that asks for a challenge.
    pub(crate) fn question(&self) -> Value {
        json!({ "username": self.username, "srp_a": to_hex(self.client.public().as_bytes()) })
    }

    /// The body that answers it.
    pub(crate) fn answer(self, challenge: &Value) -> Value {
        let bytes = |name: &str| from_hex(challenge[name].as_str().expect("a text")).expect("hexadecimal");
        let mut body = self.question();
        let salt = Salt::new(&bytes("challenge_salt")).expect("a good salt");
        let b = ServerPublic::new(Profile::MEECO, &bytes("challenge_b")).expect("a good value");
        let proved = self.client.prove(&self.username, PASSWORD, &salt, &b).expect("a proof");
        body["srp_m"] = to_hex(proved.m1().expose()).into();
        body
    }
}

impl World {
    /// Lets a second pass.
    pub(crate) fn tick(&self) {
        self.clock.advance_s(1);
    }

    pub(crate) fn keystore(&self, node: usize) -> Caller<'_> {
        let headers = vec![("meeco-subscription-key".to_owned(), "key".to_owned())];
        Caller { world: self, node, service: "/meeco/keystore", headers }
    }

    pub(crate) fn vault(&self, node: usize) -> Caller<'_> {
        Caller { service: "/meeco/vault", ..self.keystore(node) }
    }

    /// The name of somebody who has registered.
    pub(crate) async fn user(&self) -> String {
        let reserved = self.keystore(0).post("/srp/username", json!({})).await.json();
        let username = reserved["username"].as_str().expect("a name").to_owned();
        assert_eq!(self.keystore(0).post("/srp/users", registration(&username)).await.status(), 201);
        username
    }

    /// The body that proves the password of `username`, to a challenge of its own.
    pub(crate) async fn attempt(&self, username: &str) -> Value {
        let prover = Prover::new(username);
        let challenge = self.keystore(0).post("/srp/challenges", prover.question()).await.json();
        prover.answer(&challenge["challenge"])
    }

    /// Somebody who is signed in to the keystore.
    pub(crate) async fn sign_in(&self, username: &str) -> Caller<'_> {
        let attempt = self.attempt(username).await;
        let body = self.keystore(0).post("/srp/session", attempt).await.json();
        let session = body["session"]["session_authentication_string"].as_str().expect("a session");
        self.keystore(0).with(session)
    }

    pub(crate) async fn admission_token(&self, keystore: &Caller<'_>) -> String {
        let body = keystore.get("/external_admission_tokens").await.json();
        let token = &body["external_admission_token"]["vault_api_admission_token"];
        token.as_str().expect("a token").to_owned()
    }

    pub(crate) fn unseal(&self, sealed: &Value) -> String {
        let plain = cryppo::decrypt_rsa(&self.private_key, sealed.as_str().expect("a text")).expect("ours");
        String::from_utf8(plain.expose().to_vec()).expect("a session")
    }
}

/// Somebody who sends requests to one of the services of one node.
#[derive(Clone)]
pub(crate) struct Caller<'w> {
    world: &'w World,
    node: usize,
    service: &'static str,
    headers: Vec<(String, String)>,
}

impl Caller<'_> {
    /// The same with this header, instead of the one of that name if there is one.
    pub(crate) fn and(&self, name: &str, value: &str) -> Self {
        let mut caller = self.clone();
        caller.headers.retain(|(given, _)| given != name);
        caller.headers.push((name.to_owned(), value.to_owned()));
        caller
    }

    pub(crate) fn with(&self, session: &str) -> Self {
        self.and("authorization", session)
    }

    pub(crate) fn session(&self) -> &str {
        &self.headers.iter().find(|(name, _)| name == "authorization").expect("a session").1
    }

    /// Where a request goes that is sent to `target`.
    pub(crate) fn path(&self, target: &str) -> String {
        format!("{}{target}", self.service)
    }

    pub(crate) async fn send(&self, method: &str, target: &str, body: &str) -> Answer {
        let target = self.path(target);
        let (path, query) =
            target.split_once('?').map_or((&*target, None), |(path, query)| (path, Some(query)));
        let mut headers = HeaderMap::new();
        for (name, value) in &self.headers {
            let name = HeaderName::from_bytes(name.as_bytes()).expect("a good name");
            headers.append(name, HeaderValue::from_str(value).expect("a good value"));
        }
        let request = Request {
            method: Method::from_bytes(method.as_bytes()).expect("a method"),
            path: path.into(),
            query: query.map(Into::into),
            headers,
            body: bytes::Bytes::copy_from_slice(body.as_bytes()),
            peer: Peer { address: Some([192, 0, 2, 1].into()), gateway: false, secure: true },
            request_id: "00112233445566778899aabbccddeeff".into(),
        };
        let World { router, fronts, .. } = self.world;
        let answer = Answer(router.answer(&fronts[self.node], request).await);
        assert_eq!(answer.0.headers["cache-control"], "no-store");
        answer
    }

    pub(crate) async fn get(&self, target: &str) -> Answer {
        self.send("GET", target, "").await
    }

    pub(crate) async fn post(&self, target: &str, body: Value) -> Answer {
        self.send("POST", target, &body.to_string()).await
    }
}

/// What somebody was told.
pub(crate) struct Answer(Response);

impl Answer {
    pub(crate) fn status(&self) -> u16 {
        self.0.status.as_u16()
    }

    /// The body; null if there is none.
    pub(crate) fn json(&self) -> Value {
        if self.0.body.is_empty() {
            return Value::Null;
        }
        assert_eq!(self.0.headers["content-type"], "application/json");
        serde_json::from_slice(&self.0.body).expect("the answer is JSON")
    }

    /// The name of a refusal.
    pub(crate) fn error(&self) -> String {
        self.json()["errors"][0]["error"].as_str().expect("a refusal has a name").to_owned()
    }
}
