//! Engines over one store, each with a mount of its own; a clock that stands still; people and API keys. Whatever is said
//! is written down as those read it who hold the keys.

use std::{
    cell::RefCell,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use serde_json::{Value, json};
use strongroom_engine::{
    Command, Credential, Engine, Rights, Routed,
    domains::realms::{PutRealm, SetSignUp, SignUp},
    ports::{Clock, SeededEntropy},
};
use strongroom_primitives::{
    encoding::{array_from_hex, from_hex, to_hex},
    id::{ApiKeyId, RealmId},
    nacl::{BoxKey, BoxPublic, BoxSecret, NONCE_BYTES},
    psono::{
        Sealed,
        login::{LoginAnswer, LoginRequest, validator},
        open_key, seal_key,
    },
    sign::{SigningKey, VerifyingKey},
};
use strongroom_transports::{
    EdgeLimits, Front, Router,
    dialects::psono::{Psono, PsonoOptions, PsonoRates},
    exchange::{HeaderMap, HeaderName, HeaderValue, Method, Peer, Request},
};

use crate::support::{HandClock, engines};

/// The device of every person.
pub(crate) const FINGERPRINT: &str = "a device of its own, here";

/// What a test runs on.
pub(crate) struct World {
    /// For each engine a front, and a mount that remembers for itself.
    nodes: Vec<(Front, Router)>,
    clock: Arc<HandClock>,
    drawn: AtomicU64,
    said: RefCell<Vec<Exchange>>,
}

/// A request and its answer.
pub(crate) struct Exchange {
    pub(crate) method: String,
    pub(crate) path: String,
    /// What the headers say that matter, opened.
    pub(crate) headers: Vec<(&'static str, Value)>,
    /// The body, opened; null for none.
    pub(crate) sent: Value,
    pub(crate) sent_sealed: bool,
    pub(crate) told: Told,
    /// What boxes in it held, by their names.
    pub(crate) inside: Vec<(&'static str, Value)>,
}

/// What somebody was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) status: u16,
    /// What the headers say that matter.
    pub(crate) headers: Vec<(&'static str, String)>,
    /// The body, opened; its text where that is no JSON.
    pub(crate) body: Value,
    pub(crate) sealed: bool,
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
        let realm = RealmId::new("psono").expect("a good realm");
        let node = |(number, engine): (u64, &Engine)| {
            let options = PsonoOptions {
                rates: PsonoRates::NONE,
                clock: clock.clone(),
                entropy: Arc::new(SeededEntropy::new(1_000 + number)),
                web_client: "https://web.example".to_owned(),
                insecure_access: true,
                ..PsonoOptions::new(realm.clone())
            };
            let router = Router::builder().mount("/psono", Arc::new(Psono::new(options)));
            let front = Front::new(engine.handle().clone(), EdgeLimits::default());
            (front, router.build().expect("a good prefix"))
        };
        let nodes = (0..).zip(engines).map(node).collect();
        let world = Self { nodes, clock, drawn: AtomicU64::new(1), said: RefCell::default() };
        world.as_operator(PutRealm { realm: realm.clone(), rights: Rights::NONE }).await;
        world.as_operator(SetSignUp { realm, sign_up: SignUp::Chosen }).await;
        world
    }

    pub(crate) async fn as_operator<C: Command>(&self, command: C) -> C::Reply
    where
        C::Domain: Routed,
    {
        let operator = self.nodes[0].0.engine();
        operator.ask(Credential::Operator, command).await.expect("the operator may")
    }

    pub(crate) fn draw<const N: usize>(&self) -> [u8; N] {
        let mut drawn = [0; N];
        drawn[..8].copy_from_slice(&self.drawn.fetch_add(1, Ordering::SeqCst).to_be_bytes());
        drawn
    }

    pub(crate) fn uuid(&self) -> String {
        ApiKeyId::from_bytes(self.draw()).to_uuid()
    }

    /// Lets so many seconds pass.
    pub(crate) fn wait_s(&self, seconds: u64) {
        self.clock.advance_s(seconds);
    }

    /// What a device's clock says. It began on a day that no test outlives.
    pub(crate) fn date(&self) -> String {
        let second = self.clock.wall().as_s() % 86_400;
        format!("2026-05-28T{:02}:{:02}:{:02}+00:00", second / 3_600, second / 60 % 60, second % 60)
    }

    /// Everything that was said so far.
    pub(crate) fn said(&self) -> Vec<Exchange> {
        self.said.take()
    }

    /// Adds to the last exchange what a box in it held.
    pub(crate) fn inside(&self, name: &'static str, plain: &Value) {
        let mut said = self.said.borrow_mut();
        said.last_mut().expect("something was said").inside.push((name, plain.clone()));
    }

    async fn ask(
        &self,
        node: usize,
        method: &str,
        path: &str,
        headers: &[(&'static str, String)],
        body: &str,
    ) -> (Told, String) {
        let mut map = HeaderMap::new();
        map.insert("content-type", HeaderValue::from_static("application/json"));
        for (name, value) in headers {
            map.insert(HeaderName::from_static(name), HeaderValue::from_str(value).expect("a good value"));
        }
        let request = Request {
            method: method.parse::<Method>().expect("a method"),
            path: format!("/psono{path}").into(),
            query: None,
            headers: map,
            body: bytes::Bytes::copy_from_slice(body.as_bytes()),
            peer: Peer { address: Some([192, 0, 2, 1].into()), gateway: false, secure: true },
            request_id: "00112233445566778899aabbccddeeff".into(),
        };
        let (front, router) = &self.nodes[node];
        let response = router.answer(front, request).await;
        let text = String::from_utf8(response.body.to_vec()).expect("answers are text");
        let headers = ["content-type", "www-authenticate", "retry-after"].into_iter().filter_map(|name| {
            let value = response.headers.get(name)?.to_str().expect("headers are text");
            (value != "application/json").then(|| (name, value.to_owned()))
        });
        let told = Told {
            status: response.status.as_u16(),
            headers: headers.collect(),
            body: as_json(&text),
            sealed: false,
        };
        (told, text)
    }

    /// Says something in plain.
    pub(crate) async fn plain(&self, node: usize, method: &str, path: &str, body: &str) -> Told {
        // A second for each call, so that what is in order of time always is in the same one.
        self.wait_s(1);
        let (told, _) = self.ask(node, method, path, &[], body).await;
        let exchange = Exchange {
            method: method.to_owned(),
            path: format!("/psono{path}"),
            headers: Vec::new(),
            sent: as_json(body),
            sent_sealed: false,
            told: told.clone(),
            inside: Vec::new(),
        };
        self.said.borrow_mut().push(exchange);
        told
    }

    pub(crate) async fn post(&self, node: usize, path: &str, body: Value) -> Told {
        self.plain(node, "POST", path, &body.to_string()).await
    }

    /// The server's public key and the key that it signs with, as this node says.
    pub(crate) async fn server(&self, node: usize) -> (BoxPublic, VerifyingKey) {
        let said = self.ask(node, "GET", "/info/", &[], "").await.0.body;
        let info: Value = serde_json::from_str(text(&said["info"])).expect("JSON in JSON");
        let public = BoxPublic::from_bytes(bytes(&info["public_key"])).expect("a good key");
        (public, VerifyingKey::from_bytes(&bytes(&said["verify_key"])).expect("a good key"))
    }
}

fn as_json(text: &str) -> Value {
    match text {
        "" => Value::Null,
        text => serde_json::from_str(text).unwrap_or_else(|_| text.into()),
    }
}

pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text"))
}

fn bytes<const N: usize>(value: &Value) -> [u8; N] {
    array_from_hex(text(value)).expect("hexadecimal")
}

fn boxed(document: &Value, name: &str) -> Sealed {
    let bytes_of = from_hex(text(&document[name])).expect("hexadecimal");
    Sealed { text: bytes_of, nonce: bytes(&document[format!("{name}_nonce")]) }
}

fn json_in(opened: &[u8]) -> Value {
    serde_json::from_slice(opened).expect("JSON")
}

/// Somebody with a password, and with keys of their own.
pub(crate) struct Person<'w> {
    world: &'w World,
    username: String,
    number: u8,
}

impl<'w> Person<'w> {
    /// Everything that a person has follows from a number.
    pub(crate) fn new(world: &'w World, username: &str, number: u8) -> Self {
        Self { world, username: username.to_owned(), number }
    }

    fn keys(&self) -> BoxSecret {
        BoxSecret::from_seed([self.number; 32])
    }

    fn secret(&self) -> BoxKey {
        BoxKey::from_bytes([self.number + 1; 32])
    }

    fn authkey(&self) -> String {
        to_hex(&[self.number + 2; 64])
    }

    /// What nobody but this person's clients may ever show.
    pub(crate) fn secrets(&self) -> Vec<String> {
        vec![self.authkey(), to_hex(&[self.number; 32]), to_hex(&[self.number + 1; 32])]
    }

    pub(crate) async fn register(&self) {
        let (one, two, wrapping) = (self.world.draw(), self.world.draw(), BoxKey::from_bytes([9; 32]));
        let body = json!({
            "username": self.username, "email": self.username, "authkey": self.authkey(),
            "public_key": to_hex(self.keys().public().as_bytes()),
            "private_key": to_hex(&seal_key(&wrapping, &one, &[self.number; 32])), "private_key_nonce": to_hex(&one),
            "secret_key": to_hex(&seal_key(&wrapping, &two, self.secret().expose())), "secret_key_nonce": to_hex(&two),
            "user_sauce": to_hex(&[self.number + 3; 32]), "hashing_algorithm": "scrypt",
            "hashing_parameters": { "u": 14, "r": 8, "p": 1, "l": 64 },
        });
        let told = self.world.post(0, "/authentication/register/", body).await;
        assert_eq!(told.status, 201, "{told:?}");
    }

    /// Asks for a session with a box for this key of the server's.
    pub(crate) async fn attempt(&self, node: usize, server: &BoxPublic) -> (Told, BoxSecret) {
        let client = BoxSecret::from_seed(self.world.draw());
        let key = client.agree(server).expect("a good key");
        let said = json!({
            "username": self.username, "authkey": self.authkey(), "device_time": self.world.date(),
            "device_fingerprint": FINGERPRINT, "device_description": "a browser",
        });
        let nonce = self.world.draw();
        let body = json!({
            "public_key": to_hex(client.public().as_bytes()),
            "login_info": to_hex(&key.seal(&nonce, said.to_string().as_bytes())), "login_info_nonce": to_hex(&nonce),
            "session_duration": 3_600,
        });
        let told = self.world.post(node, "/authentication/login/", body).await;
        self.world.inside("login_info of the request", &said);
        (told, client)
    }

    /// A session that is proved.
    pub(crate) async fn session(&self) -> Client<'w> {
        let world = self.world;
        let (server, _) = world.server(0).await;
        let (told, client) = self.attempt(0, &server).await;
        assert_eq!(told.status, 200, "{told:?}");
        let key = client.agree(&server).expect("a good key");
        let opened = json_in(&boxed(&told.body, "login_info").open(&key).expect("it is for us"));
        world.inside("login_info of the answer", &opened);
        let theirs = BoxPublic::from_bytes(bytes(&opened["session_public_key"])).expect("a good key");
        let sealed = boxed(&opened, "session_secret_key");
        let ours = client.agree(&theirs).expect("a good key");
        let session = open_key(&ours, &sealed.nonce, &sealed.text).expect("it is for us");
        let proof = boxed(&opened, "user_validator")
            .open(&self.keys().agree(&theirs).expect("a good key"))
            .expect("it is for this person");
        let token = text(&opened["token"]).to_owned();
        let client = Client { world, token, key: BoxKey::from_bytes(*session), bound: true };
        let nonce = world.draw();
        let verification = to_hex(&client.key.seal(&nonce, &proof));
        let body = json!({
            "verification": verification, "verification_nonce": to_hex(&nonce), "zoneinfo": "Europe/Berlin",
        });
        let proved = client.send(0, "POST", "/authentication/activate-token/", body).await;
        assert_eq!(proved.status, 200, "{proved:?}");
        client
    }

    /// An API key with these flags beside the usual ones.
    pub(crate) async fn api_key(&self, session: &Client<'_>, number: u8, flags: Value) -> ApiKey<'w> {
        let (seed, secret) = ([number; 32], [number + 1; 32]);
        let its = BoxKey::from_bytes(secret);
        let signing = SigningKey::from_seed(&seed);
        let mut body = json!({
            "title": "a program",
            "public_key": to_hex(BoxSecret::from_seed(seed).public().as_bytes()),
            "verify_key": to_hex(signing.verifying_key().as_bytes()),
        });
        for (name, under, key) in [
            ("private_key", &self.secret(), &seed),
            ("secret_key", &self.secret(), &secret),
            ("user_private_key", &its, &[self.number; 32]),
            ("user_secret_key", &its, self.secret().expose()),
        ] {
            let nonce = self.world.draw();
            body[name] = to_hex(&seal_key(under, &nonce, key)).into();
            body[format!("{name}_nonce")] = to_hex(&nonce).into();
        }
        for (name, flag) in flags.as_object().expect("flags") {
            body[name] = flag.clone();
        }
        let made = session.send(0, "PUT", "/api-key/", body).await;
        let id = ApiKeyId::from_uuid(text(&made.body["api_key_id"])).expect("an id");
        ApiKey { world: self.world, id, signing, secret }
    }
}

/// An API key in the hands of a program.
pub(crate) struct ApiKey<'w> {
    world: &'w World,
    pub(crate) id: ApiKeyId,
    signing: SigningKey,
    pub(crate) secret: [u8; 32],
}

impl<'w> ApiKey<'w> {
    /// A login, and what its answer will be boxed for.
    pub(crate) fn login(&self) -> (LoginRequest, BoxSecret) {
        let session = BoxSecret::from_seed(self.world.draw());
        (LoginRequest::new(self.id, &self.signing, &session.public(), "a program"), session)
    }

    /// Signs in, and has the answer of the server that is known by this key.
    pub(crate) async fn session(&self, node: usize, server: &VerifyingKey) -> Option<Client<'w>> {
        let (request, session) = self.login();
        let told = self.world.plain(node, "POST", "/api-key/login/", &request.to_json()).await;
        assert_eq!(told.status, 200, "{told:?}");
        let answer = LoginAnswer::read(told.body.to_string().as_bytes()).expect("an answer");
        let said = json_in(&answer.open(server, &session).ok()?);
        self.world.inside("login_info of the answer", &said);
        let key = BoxKey::from_bytes(bytes(&said["session_secret_key"]));
        let token = text(&said["token"]).to_owned();
        Some(Client { world: self.world, token, key, bound: false })
    }
}

/// Somebody with a session.
pub(crate) struct Client<'w> {
    world: &'w World,
    pub(crate) token: String,
    pub(crate) key: BoxKey,
    /// Whether each request needs a validator.
    bound: bool,
}

impl<'w> Client<'w> {
    /// Lets another device in, which asks before and after.
    pub(crate) async fn let_in(&self) -> Self {
        let world = self.world;
        let device = BoxSecret::from_seed(world.draw());
        let ask = json!({
            "device_description": "a box", "device_fingerprint": FINGERPRINT, "device_date": world.date(),
            "user_public_key": to_hex(device.public().as_bytes()),
        });
        let code = world.post(0, "/device-code/", ask).await.body;
        let poll = format!("/device-code/{}/token/", text(&code["id"]));
        world.post(0, &poll, json!({})).await;
        let credentials = json!({
            "encrypted_credentials_input": "ab".repeat(200),
            "encrypted_credentials_nonce": to_hex(&world.draw::<24>()),
        });
        self.send(0, "PUT", &format!("/device-code/{}/claim/", text(&code["id"])), credentials).await;
        let told = world.post(0, &poll, json!({})).await.body;
        let server = BoxPublic::from_bytes(bytes(&code["server_public_key"])).expect("a good key");
        let boxed = from_hex(text(&told["boxed_payload"])).expect("hexadecimal");
        let key = device.agree(&server).expect("a good key");
        let payload = json_in(&key.open(&bytes(&told["nonce"]), &boxed).expect("it is for the device"));
        world.inside("boxed_payload", &payload);
        let key = BoxKey::from_bytes(bytes(&payload["session_secret_key"]));
        Self { world, token: text(&payload["token"]).to_owned(), key, bound: true }
    }

    pub(crate) fn seal(&self, plain: &str) -> String {
        Sealed::seal(&self.key, self.world.draw::<NONCE_BYTES>(), plain.as_bytes()).to_json()
    }

    /// Sends what is sealed already.
    pub(crate) async fn raw(&self, node: usize, method: &str, path: &str, body: &str) -> Told {
        self.world.wait_s(1);
        let mut headers = vec![("authorization", format!("Token {}", self.token))];
        let mut shown = vec![("authorization", json!({ "Token": self.token }))];
        if self.bound {
            let said = validator(&self.world.date(), FINGERPRINT);
            headers.push(("authorization-validator", self.seal(&said)));
            shown.push(("authorization-validator", as_json(&said)));
        }
        let (told, answer) = self.world.ask(node, method, path, &headers, body).await;
        let open = |text: &str| {
            let opened = Sealed::read(text.as_bytes()).ok()?.open(&self.key).ok()?;
            Some(as_json(std::str::from_utf8(&opened).expect("what is sealed is text")))
        };
        let opened = open(&answer);
        let sealed = opened.is_some();
        let told = Told { body: opened.unwrap_or_else(|| told.body.clone()), sealed, ..told };
        let sent = open(body);
        let exchange = Exchange {
            method: method.to_owned(),
            path: format!("/psono{path}"),
            headers: shown,
            sent_sealed: sent.is_some(),
            sent: sent.unwrap_or_else(|| as_json(body)),
            told: told.clone(),
            inside: Vec::new(),
        };
        self.world.said.borrow_mut().push(exchange);
        told
    }

    pub(crate) async fn send(&self, node: usize, method: &str, path: &str, body: Value) -> Told {
        self.raw(node, method, path, &self.seal(&body.to_string())).await
    }

    pub(crate) async fn get(&self, node: usize, path: &str) -> Told {
        self.raw(node, "GET", path, "").await
    }
}
