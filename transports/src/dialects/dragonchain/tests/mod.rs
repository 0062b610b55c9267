//! The dialect over engines in memory and under a whole router, without sockets: keys that really sign, over a store that
//! is really encrypted.
//!
//! | module | rules of dialects/dragonchain.md |
//! |---|---|
//! | `keys` | section 4: every operation, word by word |
//! | `signing` | section 3 and 9: the order of the checks, replays, several engines |
//! | `vectors` | every published vector, as a request |
//! | `refusals` | section 10: every row of bad input; rates, sizes, what appears nowhere |

mod keys;
mod refusals;
mod signing;
mod vectors;

use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicU16, Ordering},
    },
    time::Duration,
};

use serde_json::{Value, json};
use strongroom_engine::{
    Credential, Engine, Limits,
    domains::service_keys::{CreateChain, RootKey, ServiceSecret},
    ports::{Clock, Entropy, SeededEntropy},
    testing::signing::Signer,
};
use strongroom_primitives::{
    dc1::{self, Algorithm, Authorization, ChainId, KeyId, Parts, read_stamp, write_stamp},
    secret::SecretText,
    time::Timestamp,
};
use strongroom_storage::{Encrypted, Memory, Storage};
use zeroize::Zeroizing;

use super::{Dragonchain, DragonchainOptions, DragonchainRates};
use crate::{
    EdgeLimits, Front, Router,
    exchange::{HeaderMap, HeaderName, HeaderValue, Method, Peer, Request, Response, header},
    testing::clock::HandClock,
};

const CHAIN: &str = "dLP759g8FC3iHaxE7PhvycuWxvjTTuWgBiH9ud4adRHr";
const ROOT: &str = "EAYRMSXDOSWY";
const SECRET: &str = "6S0c15MghGrpMwzz9EK2j3huQTFwH1EULdmofGXPDuj";
/// When the worlds begin, in seconds since 1970: the second of the vectors.
const NOW_S: u64 = 1_573_691_665;

/// What every permission is.
const EVERYTHING: &str = r#"{"version":"1","default_allow":true,"permissions":{}}"#;

/// A store, a clock, and the engines over them.
struct World {
    node: Node,
    clock: Arc<HandClock>,
    storage: Arc<dyn Storage>,
    limits: Limits,
    /// The root key of the vectors' chain.
    root: Signer,
    stamps: AtomicU16,
}

/// One engine, and what is mounted over it.
struct Node {
    engine: Engine,
    front: Front,
    router: Router,
}

/// What a test wants to be otherwise.
struct Setup {
    at_s: u64,
    limits: Limits,
    rates: DragonchainRates,
    mount: &'static str,
}

impl Default for Setup {
    fn default() -> Self {
        Self { at_s: NOW_S, limits: Limits::default(), rates: DragonchainRates::NONE, mount: "/dragonchain" }
    }
}

/// Runs `test` in a world without rates.
fn run(test: impl AsyncFnOnce(World)) {
    run_with(Setup::default(), test);
}

fn run_with(setup: Setup, test: impl AsyncFnOnce(World)) {
    actix_rt::System::new().block_on(async { test(World::new(setup).await).await });
}

impl World {
    async fn new(setup: Setup) -> Self {
        let clock = Arc::new(HandClock::at_s(setup.at_s));
        let wall = clock.clone();
        let memory = Memory::new(Arc::new(move || wall.wall().as_ms()));
        let entropy = SeededEntropy::new(2);
        let root = strongroom_storage::RootKey::new(Zeroizing::new([7; 32]));
        let storage = Encrypted::open(memory, &root, Arc::new(move |bytes| entropy.fill(bytes))).await;
        let storage: Arc<dyn Storage> = Arc::new(storage.unwrap());
        let node = Node::start(&storage, &clock, &setup, 1).await;
        let create = CreateChain {
            id: Some(ChainId::new(CHAIN).unwrap()),
            root: Some(KeyId::new(ROOT).unwrap()),
            secret: Some(ServiceSecret::new(SecretText::new(SECRET.to_owned())).unwrap()),
        };
        let root: RootKey = node.engine.handle().ask(Credential::Operator, create).await.unwrap();
        let limits = setup.limits.clone();
        Self { node, clock, storage, limits, root: Signer::root(&root), stamps: AtomicU16::new(0) }
    }

    /// Another engine over the same store.
    async fn second(&self, life: u64) -> Node {
        let setup = Setup { limits: self.limits.clone(), ..Setup::default() };
        Node::start(&self.storage, &self.clock, &setup, life).await
    }

    /// A stamp that no other request of the test has.
    fn stamp(&self) -> String {
        self.stamp_at(self.clock.wall())
    }

    fn stamp_at(&self, at: Timestamp) -> String {
        write_stamp(at, self.stamps.fetch_add(1, Ordering::Relaxed)).unwrap()
    }

    /// A request that `by` has just signed. `path` is what follows the mount.
    fn signed(&self, by: &Signer, verb: &str, path: &str, body: Option<&str>) -> Sent {
        let mut sent = Sent::new(verb, &format!("/dragonchain{path}"));
        if let Some(body) = body {
            sent = sent.header("content-type", "application/json").body(body);
        }
        sent.sign(by, path, &self.stamp())
    }

    async fn send(&self, sent: &Sent) -> Answer {
        self.node.send(sent).await
    }

    async fn ask(&self, by: &Signer, verb: &str, path: &str) -> Answer {
        self.send(&self.signed(by, verb, path, None)).await
    }

    async fn tell(&self, by: &Signer, verb: &str, path: &str, body: &str) -> Answer {
        self.send(&self.signed(by, verb, path, Some(body))).await
    }

    /// A new key with these permissions, or the usual ones.
    async fn key(&self, permissions: Option<&str>) -> Signer {
        let body = permissions.map(|text| format!(r#"{{"permissions_document":{text}}}"#));
        let made = self.send(&self.signed(&self.root, "POST", "/v1/api-key", body.as_deref())).await.ok(201);
        Signer {
            chain: self.root.chain.clone(),
            id: KeyId::new(made["id"].as_str().unwrap()).unwrap(),
            secret: SecretText::new(made["key"].as_str().unwrap().to_owned()),
        }
    }
}

impl Node {
    async fn start(storage: &Arc<dyn Storage>, clock: &Arc<HandClock>, setup: &Setup, life: u64) -> Self {
        let engine = Engine::builder(storage.clone())
            .clock(clock.clone())
            .entropy(Arc::new(SeededEntropy::new(life)))
            .limits(setup.limits.clone())
            .start()
            .await
            .unwrap();
        let url = "https://keys.example/dragonchain".to_owned();
        let dialect = Dragonchain::new(DragonchainOptions { url, rates: setup.rates, clock: clock.clone() });
        let router = Router::builder().mount(setup.mount, Arc::new(dialect)).build().unwrap();
        let front = Front::new(engine.handle().clone(), EdgeLimits::default());
        Self { engine, front, router }
    }

    async fn send(&self, sent: &Sent) -> Answer {
        Answer::new(self.router.answer(&self.front, sent.request()).await)
    }
}

/// A request as it goes out.
#[derive(Debug, Clone)]
struct Sent {
    verb: String,
    target: String,
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
    address: [u8; 4],
}

impl Sent {
    fn new(verb: &str, target: &str) -> Self {
        Self {
            verb: verb.to_owned(),
            target: target.to_owned(),
            headers: Vec::new(),
            body: Vec::new(),
            address: [192, 0, 2, 1],
        }
    }

    /// With one more header.
    fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers.push((name.to_owned(), value.as_ref().to_vec()));
        self
    }

    fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(known, _)| known != name);
        self
    }

    /// With another value of a header.
    fn set(self, name: &str, value: &str) -> Self {
        self.without(name).header(name, value)
    }

    fn body(self, body: impl AsRef<[u8]>) -> Self {
        Self { body: body.as_ref().to_vec(), ..self }
    }

    fn get(&self, name: &str) -> Option<&str> {
        let (_, value) = self.headers.iter().find(|(known, _)| known == name)?;
        Some(std::str::from_utf8(value).unwrap())
    }

    /// With the three headers of a signature over `path`.
    fn sign(self, by: &Signer, path: &str, stamp: &str) -> Self {
        self.sign_with(Algorithm::Sha256, by, path, stamp)
    }

    fn sign_with(self, algorithm: Algorithm, by: &Signer, path: &str, stamp: &str) -> Self {
        let content_type = self.get("content-type").unwrap_or_default().to_owned();
        self.sign_as(algorithm, by, path, stamp, &content_type)
    }

    /// With a signature that says this content type, whatever the header says.
    fn sign_as(self, algorithm: Algorithm, by: &Signer, path: &str, stamp: &str, content_type: &str) -> Self {
        let chain = by.chain.as_str();
        let parts = Parts { verb: &self.verb, chain, timestamp: stamp, content_type, body: &self.body };
        let mac = dc1::sign(algorithm, &by.secret, &parts, path).unwrap();
        let authorization = Authorization::write(algorithm, by.id.as_str(), &mac);
        self.set("dragonchain", chain).set("timestamp", stamp).set("authorization", &authorization)
    }

    fn request(&self) -> Request {
        let (path, query) = match self.target.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (&*self.target, None),
        };
        let mut headers = HeaderMap::new();
        for (name, value) in &self.headers {
            headers.append(name.parse::<HeaderName>().unwrap(), HeaderValue::from_bytes(value).unwrap());
        }
        Request {
            method: self.verb.parse::<Method>().unwrap(),
            path: path.into(),
            query: query.map(Into::into),
            headers,
            body: bytes::Bytes::copy_from_slice(&self.body),
            peer: Peer { address: Some(IpAddr::from(self.address)), gateway: false, secure: true },
            request_id: "r".into(),
        }
    }
}

/// What somebody was told.
#[derive(Debug)]
struct Answer {
    status: u16,
    headers: HeaderMap,
    text: String,
}

impl Answer {
    fn new(response: Response) -> Self {
        let text = String::from_utf8(response.body.to_vec()).unwrap();
        Self { status: response.status.as_u16(), headers: response.headers, text }
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    #[track_caller]
    fn ok(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        assert_eq!(self.headers[header::CONTENT_TYPE], "application/json");
        self.json()
    }

    /// Refused in exactly these words, and with the headers that belong to them.
    #[track_caller]
    fn is(&self, status: u16, kind: &str, details: &str) {
        let text = json!({ "error": { "type": kind, "details": details } });
        assert_eq!((self.status, self.json()), (status, text));
        assert!(self.text.starts_with(r#"{"error":{"type":""#), "{}", self.text);
        assert_eq!(self.headers[header::CONTENT_TYPE], "application/json");
        let asked_for = self.headers.get(header::WWW_AUTHENTICATE).map(HeaderValue::as_bytes);
        assert_eq!(asked_for, (status == 401).then_some(b"DC1-HMAC-SHA256".as_slice()));
    }

    /// Refused for its signature.
    #[track_caller]
    fn is_unsigned(&self, details: &str) {
        self.is(401, "AUTHENTICATION_ERROR", details);
    }

    #[track_caller]
    fn is_forbidden(&self, details: &str) {
        self.is(403, "ACTION_FORBIDDEN", details);
    }
}

const REPLAYED: &str = "Previous matching request found (no replays allowed)";
const MAC: &str = "Invalid HMAC Authentication";
const MALFORMED: &str = "Malformed Authorization Header";
const SKEWED: &str = "Timestamp of request too skewed";
