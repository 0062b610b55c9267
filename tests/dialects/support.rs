//! A deployment in one process: engines over one store, a router, requests by hand, and tokens signed here.

use std::{
    io,
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use serde_json::{Value, json};
use strongroom_engine::{
    Credential, Engine, Rights,
    domains::realms::{PutRealmKey, RealmKey},
    ports::{Clock, SeededEntropy, SystemClock},
};
use strongroom_primitives::{encoding::to_base64url, id::RealmId, sign::SigningKey, time::Timestamp};
use strongroom_storage::Memory;
use strongroom_transports::{
    CorsPolicy, EdgeLimits, Front, Router,
    dialects::keyknox::{Keyknox, KeyknoxOptions, RateLimits},
    exchange::{HeaderMap, HeaderName, HeaderValue, Method, Peer, Request, Response},
};

/// A clock that stands still until somebody moves it on. In seconds since 1970; it begins at 2026-05-28T20:26:40Z.
pub(crate) struct HandClock(AtomicU64);

impl HandClock {
    pub(crate) fn new() -> Self {
        Self(AtomicU64::new(1_780_000_000))
    }

    pub(crate) fn advance_s(&self, seconds: u64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl Clock for HandClock {
    fn wall(&self) -> Timestamp {
        Timestamp::from_s(self.0.load(Ordering::SeqCst))
    }

    fn monotonic(&self) -> Duration {
        Duration::from_secs(self.0.load(Ordering::SeqCst))
    }
}

/// The origin of web pages that may read answers.
pub(crate) const PAGE: &str = "https://keys.example";

/// Engines over one store: the nodes of a deployment. Each draws the same in every run.
pub(crate) async fn engines(nodes: usize, clock: Arc<dyn Clock>) -> Vec<Engine> {
    let store_clock = clock.clone();
    let store = Arc::new(Memory::new(Arc::new(move || store_clock.wall().as_ms())));
    let mut engines = Vec::new();
    for node in 0..nodes as u64 {
        let entropy = Arc::new(SeededEntropy::new(node));
        let engine = Engine::builder(store.clone()).clock(clock.clone()).entropy(entropy);
        engines.push(engine.start().await.expect("an engine starts"));
    }
    engines
}

/// A front for each engine, and one router.
pub(crate) struct Deployment {
    fronts: Vec<Front>,
    router: Router,
    now_s: u64,
}

fn application_key() -> SigningKey {
    SigningKey::from_seed(&[3; 32])
}

/// Runs `test` on a deployment of so many nodes.
pub(crate) fn deployed(nodes: usize, test: impl AsyncFnOnce(&Deployment)) {
    actix_rt::System::new().block_on(async {
        let clock = Arc::new(SystemClock::new());
        let engines = engines(nodes, clock.clone()).await;
        test(&Deployment::over(&engines, clock.wall().as_s()).await).await;
    });
}

impl Deployment {
    /// One on these engines, whose clock says `now_s`.
    pub(crate) async fn over(engines: &[Engine], now_s: u64) -> Self {
        let public_key = *application_key().verifying_key().as_bytes();
        let key = RealmKey { key_id: "k1".to_owned(), public_key, rights: Rights::ALL };
        let put = PutRealmKey { realm: RealmId::new("app").expect("a good realm"), key };
        engines[0].handle().ask(Credential::Operator, put).await.expect("the operator may");
        let keyknox = Keyknox::new(KeyknoxOptions { rates: RateLimits::NONE, ..KeyknoxOptions::default() });
        let router = Router::builder()
            .native("/v1")
            .mount("/keyknox", Arc::new(keyknox))
            .cors(CorsPolicy::new([PAGE.to_owned()]).expect("a good origin"))
            .build()
            .expect("good prefixes");
        let front = |engine: &Engine| Front::new(engine.handle().clone(), EdgeLimits::default());
        Self { fronts: engines.iter().map(front).collect(), router, now_s }
    }

    /// A device of `identity`, which sends its requests to this node.
    pub(crate) fn device(&self, identity: &str, node: usize) -> Device<'_> {
        let part = |value: Value| to_base64url(value.to_string().as_bytes());
        let header = part(json!({"alg": "VEDS512", "kid": "k1", "typ": "JWT", "cty": "virgil-jwt;v=1"}));
        let claims = part(json!({
            "iss": "virgil-app", "sub": format!("identity-{identity}"), "iat": self.now_s, "exp": self.now_s + 1_200,
        }));
        let input = format!("{header}.{claims}");
        let signature = to_base64url(&application_key().sign_envelope(input.as_bytes()));
        let headers = vec![("authorization".to_owned(), format!("Virgil {input}.{signature}"))];
        Device { deployment: self, node, headers }
    }
}

/// Somebody's device.
#[derive(Clone)]
pub(crate) struct Device<'d> {
    deployment: &'d Deployment,
    node: usize,
    headers: Vec<(String, String)>,
}

impl Device<'_> {
    /// The same with this header, instead of the one of that name if there is one.
    pub(crate) fn and(&self, name: &str, value: &str) -> Self {
        let mut device = self.clone();
        device.headers.retain(|(given, _)| given != name);
        device.headers.push((name.to_owned(), value.to_owned()));
        device
    }

    /// The same with the hash that it saw last.
    pub(crate) fn after(&self, hash: &str) -> Self {
        self.and("virgil-keyknox-previous-hash", hash)
    }

    /// The value of a header that it sends.
    pub(crate) fn header(&self, name: &str) -> &str {
        &self.headers.iter().find(|(given, _)| given == name).expect("the device sends it").1
    }

    pub(crate) async fn send(&self, method: Method, path: &str, body: impl AsRef<[u8]>) -> Answer {
        let mut headers = HeaderMap::new();
        for (name, value) in &self.headers {
            let name = HeaderName::from_bytes(name.as_bytes()).expect("a good name");
            headers.append(name, HeaderValue::from_str(value).expect("a good value"));
        }
        let request = Request {
            method,
            path: Arc::from(path),
            query: None,
            headers,
            body: bytes::Bytes::copy_from_slice(body.as_ref()),
            peer: Peer { address: Some([192, 0, 2, 1].into()), gateway: false, secure: true },
            request_id: Arc::from("00112233445566778899aabbccddeeff"),
        };
        let Deployment { router, fronts, .. } = self.deployment;
        Answer(router.answer(&fronts[self.node], request).await)
    }

    pub(crate) async fn get(&self) -> Answer {
        self.send(Method::GET, "/keyknox/v1", "").await
    }

    pub(crate) async fn put(&self, meta: &str, value: &str) -> Answer {
        let body = json!({"meta": base64(meta), "value": base64(value)});
        self.send(Method::PUT, "/keyknox/v1", body.to_string()).await
    }

    pub(crate) async fn reset(&self) -> Answer {
        self.send(Method::POST, "/keyknox/v1/reset", "").await
    }

    pub(crate) async fn post(&self, operation: &str, body: Value) -> Answer {
        self.send(Method::POST, &format!("/keyknox/v2/{operation}"), body.to_string()).await
    }
}

pub(crate) fn base64(text: &str) -> String {
    strongroom_primitives::encoding::to_base64(text.as_bytes())
}

/// What a device was told.
pub(crate) struct Answer(pub(crate) Response);

impl Answer {
    pub(crate) fn status(&self) -> u16 {
        self.0.status.as_u16()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.0.body).expect("the answer is JSON")
    }

    /// The code of a refusal.
    pub(crate) fn code(&self) -> u64 {
        self.json()["code"].as_u64().expect("a refusal has a code")
    }

    #[track_caller]
    pub(crate) fn hash(&self) -> String {
        assert_eq!(self.status(), 200, "{}", self.json());
        self.0.headers["virgil-keyknox-hash"].to_str().expect("base64").to_owned()
    }

    /// Major and minor version.
    #[track_caller]
    pub(crate) fn version(&self) -> (u64, u64) {
        let version = self.json()["version"].as_str().expect("a version").to_owned();
        let (major, minor) = version.split_once('.').expect("two numbers");
        (major.parse().expect("a number"), minor.parse().expect("a number"))
    }
}

/// What everything at every level of the log goes to.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Begins to log all there is, for the whole process: what another test's thread meets first would otherwise be taken
/// for never logged.
pub(crate) fn everything_logged() -> Log {
    static LOG: OnceLock<Log> = OnceLock::new();
    let begin = || {
        let log = Log::default();
        let writer = log.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::level_filters::LevelFilter::TRACE)
            .with_writer(move || writer.clone())
            .finish();
        tracing::subscriber::set_global_default(subscriber).expect("nobody else sets one");
        log
    };
    LOG.get_or_init(begin).clone()
}
