//! The dialect over an engine in memory and under a whole router, without sockets: people who really prove who they
//! are, API keys that really sign, and clients that open every answer.
//!
//! | module | rules of dialects/psono.md |
//! |---|---|
//! | `signing_in` | sections 3, 4 and 6 |
//! | `sealing` | sections 2.2, 5 and 11: tokens, validators, bodies, replays |
//! | `objects` | sections 7 to 9 |
//! | `reach` | sections 5 and 11: every call by every kind of API key |
//! | `refusals` | section 10: every row of bad input; rates, sizes, what appears nowhere |

mod objects;
mod reach;
mod refusals;
mod sealing;
mod signing_in;

use std::{
    net::IpAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use serde_json::{Value, json};
use strongroom_engine::{
    Credential, Engine, Rights,
    domains::realms::{PutRealm, SetSignUp, SignUp},
    ports::{Clock, SeededEntropy},
};
use strongroom_primitives::{
    encoding::{array_from_hex, from_hex, to_hex},
    id::{ApiKeyId, RealmId},
    nacl::{BoxKey, BoxPublic, BoxSecret, NONCE_BYTES},
    psono::{
        Sealed, hex_array,
        login::{LoginAnswer, LoginRequest, validator},
        open_key, seal_key,
    },
    secret::SecretText,
    sign::{SigningKey, VerifyingKey},
    time::Timestamp,
};
use strongroom_storage::Memory;

use super::{Mail, Psono, PsonoOptions, PsonoRates, dates};
use crate::{
    EdgeLimits, Front, Router,
    exchange::{HeaderMap, HeaderName, HeaderValue, Method, Peer, Request, Response, header},
    testing::clock::HandClock,
};

/// When the worlds begin, in seconds since 1970.
const NOW_S: u64 = 1_780_000_000;

fn realm() -> RealmId {
    RealmId::new("psono").unwrap()
}

/// What was mailed.
#[derive(Default)]
struct Mailbox(Mutex<Vec<(String, String)>>);

impl Mail for Mailbox {
    fn send(&self, address: &str, code: &SecretText) {
        self.0.lock().unwrap().push((address.to_owned(), code.expose().to_owned()));
    }
}

/// Runs `test` in a world without rates.
fn run(test: impl AsyncFnOnce(World)) {
    run_with(|_| {}, test);
}

/// Runs `test` in a world whose mount is told something else.
fn run_with(tell: impl FnOnce(&mut PsonoOptions), test: impl AsyncFnOnce(World)) {
    actix_rt::System::new().block_on(async {
        let clock = Arc::new(HandClock::at_s(NOW_S));
        let storage_clock = clock.clone();
        let storage = Memory::new(Arc::new(move || storage_clock.wall().as_ms()));
        let engine = Engine::builder(Arc::new(storage))
            .clock(clock.clone())
            .entropy(Arc::new(SeededEntropy::new(1)))
            .start()
            .await
            .unwrap();
        let mut options = PsonoOptions {
            rates: PsonoRates::NONE,
            clock: clock.clone(),
            entropy: Arc::new(SeededEntropy::new(2)),
            ..PsonoOptions::new(realm())
        };
        tell(&mut options);
        let router = Router::builder().mount("/psono", Arc::new(Psono::new(options))).build().unwrap();
        let front = Front::new(engine.handle().clone(), EdgeLimits::default());
        for_operator(&engine, PutRealm { realm: realm(), rights: Rights::NONE }).await;
        for_operator(&engine, SetSignUp { realm: realm(), sign_up: SignUp::Chosen }).await;
        test(World { engine, front, router, clock, drawn: AtomicU64::new(0) }).await;
    });
}

async fn for_operator<C>(engine: &Engine, command: C) -> C::Reply
where
    C: strongroom_engine::Command,
    C::Domain: strongroom_engine::Routed,
{
    engine.handle().ask(Credential::Operator, command).await.unwrap()
}

struct World {
    engine: Engine,
    front: Front,
    router: Router,
    clock: Arc<HandClock>,
    /// Values drawn so far. Each differs from all others, and they are the same ones in each run.
    drawn: AtomicU64,
}

impl World {
    fn draw<const N: usize>(&self) -> [u8; N] {
        let mut drawn = [0; N];
        drawn[..8].copy_from_slice(&self.drawn.fetch_add(1, Ordering::SeqCst).to_be_bytes());
        drawn[N - 1] = 1;
        drawn
    }

    fn uuid(&self) -> String {
        ApiKeyId::from_bytes(self.draw()).to_uuid()
    }

    fn advance(&self, time: Duration) {
        self.clock.advance(time);
    }

    /// What the clock of a device says that is so much ahead.
    fn time(&self, ahead_ms: u64) -> String {
        dates::write(Timestamp::from_ms(self.clock.wall().as_ms() + ahead_ms))
    }

    async fn request(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl AsRef<[u8]>,
    ) -> Answer {
        let mut map = HeaderMap::new();
        if !headers.iter().any(|(name, _)| *name == "content-type") {
            map.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        let given = headers.iter().filter(|(_, value)| !value.is_empty());
        for (name, value) in given {
            map.append(name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(value).unwrap());
        }
        let request = Request {
            method: method.parse::<Method>().unwrap(),
            path: format!("/psono{path}").into(),
            query: None,
            headers: map,
            body: bytes::Bytes::copy_from_slice(body.as_ref()),
            peer: Peer { address: Some(IpAddr::from([192, 0, 2, 1])), gateway: false, secure: true },
            request_id: "r".into(),
        };
        Answer::new(self.router.answer(&self.front, request).await)
    }

    async fn post(&self, path: &str, body: Value) -> Answer {
        self.request("POST", path, &[], body.to_string()).await
    }

    /// The server's public key and the key that it signs with, as the server says.
    async fn server(&self) -> (BoxPublic, VerifyingKey) {
        let said = self.request("GET", "/info/", &[], "").await.ok(200);
        let info: Value = serde_json::from_str(text(&said["info"])).unwrap();
        let public = BoxPublic::from_bytes(bytes(&info["public_key"])).unwrap();
        (public, VerifyingKey::from_bytes(&bytes(&said["verify_key"])).unwrap())
    }

    async fn person(&self, username: &str) -> Person<'_> {
        let person = Person::new(self, username);
        person.register().await.ok(201);
        person
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text"))
}

fn bytes<const N: usize>(value: &Value) -> [u8; N] {
    array_from_hex(text(value)).unwrap()
}

fn sealed_of(document: &Value, name: &str) -> Sealed {
    let text = from_hex(text(&document[name])).unwrap();
    Sealed { text, nonce: bytes(&document[&format!("{name}_nonce")]) }
}

/// What somebody was told.
#[derive(Debug)]
struct Answer {
    status: u16,
    headers: HeaderMap,
    /// As it came.
    raw: String,
    /// What it says, opened if it was sealed.
    body: Value,
    was_sealed: bool,
}

impl Answer {
    fn new(response: Response) -> Self {
        let raw = String::from_utf8(response.body.to_vec()).unwrap();
        let body = serde_json::from_str(&raw).unwrap_or(Value::Null);
        Self { status: response.status.as_u16(), headers: response.headers, raw, body, was_sealed: false }
    }

    /// The same, opened if it is sealed.
    fn opened(mut self, key: &BoxKey) -> Self {
        if let Ok(sealed) = Sealed::read(self.raw.as_bytes()) {
            let opened = sealed.open(key).expect("answers are sealed with the session's key");
            self.body = serde_json::from_slice(&opened).unwrap();
            self.was_sealed = true;
        }
        self
    }

    #[track_caller]
    fn ok(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.body);
        self.body
    }

    /// Refused with this status and exactly this document.
    #[track_caller]
    fn is(&self, status: u16, body: Value) {
        assert_eq!((self.status, &self.body), (status, &body));
    }

    /// Refused as a whole, with this code.
    #[track_caller]
    fn is_code(&self, code: &str) {
        self.is(400, json!({ "non_field_errors": [code] }));
    }

    /// Refused because there is no session: in plain, with a word on what is asked for.
    #[track_caller]
    fn is_unauthorized(&self) {
        self.is(401, json!({ "detail": "Invalid token." }));
        assert!(!self.was_sealed);
        assert_eq!(self.headers[header::WWW_AUTHENTICATE], "Token");
    }
}

/// Somebody with a password, and with keys of their own.
struct Person<'w> {
    world: &'w World,
    username: String,
    authkey: String,
    private: [u8; 32],
    secret_key: [u8; 32],
}

impl<'w> Person<'w> {
    fn new(world: &'w World, username: &str) -> Self {
        Self {
            world,
            username: username.to_owned(),
            authkey: to_hex(&world.draw::<64>()),
            private: world.draw(),
            secret_key: world.draw(),
        }
    }

    fn keys(&self) -> BoxSecret {
        BoxSecret::from_seed(self.private)
    }

    fn registration(&self) -> Value {
        let wrapping = BoxKey::from_bytes([7; 32]);
        let (one, two) = (self.world.draw(), self.world.draw());
        json!({
            "username": self.username,
            "email": self.username,
            "authkey": self.authkey,
            "public_key": to_hex(self.keys().public().as_bytes()),
            "private_key": to_hex(&seal_key(&wrapping, &one, &self.private)),
            "private_key_nonce": to_hex(&one),
            "secret_key": to_hex(&seal_key(&wrapping, &two, &self.secret_key)),
            "secret_key_nonce": to_hex(&two),
            "user_sauce": "ab".repeat(32),
            "hashing_algorithm": "scrypt",
            "hashing_parameters": { "u": 14, "r": 8, "p": 1, "l": 64 },
        })
    }

    async fn register(&self) -> Answer {
        self.world.post("/authentication/register/", self.registration()).await
    }

    /// What a device says when it signs in.
    fn said(&self, fingerprint: &str) -> Value {
        json!({
            "username": self.username,
            "authkey": self.authkey,
            "device_time": self.world.time(0),
            "device_fingerprint": fingerprint,
            "device_description": "a test",
        })
    }

    async fn attempt(&self, client: &BoxSecret, said: &Value) -> Answer {
        let (server, _) = self.world.server().await;
        let nonce = self.world.draw();
        let boxed = client.agree(&server).unwrap().seal(&nonce, said.to_string().as_bytes());
        let body = json!({
            "public_key": to_hex(client.public().as_bytes()),
            "login_info": to_hex(&boxed),
            "login_info_nonce": to_hex(&nonce),
            "session_duration": 3_600,
        });
        self.world.post("/authentication/login/", body).await
    }

    /// Signs in as far as the session's first use, which has yet to prove it. Gives the text that does.
    async fn sign_in(&self, fingerprint: &str) -> (Client<'w>, String) {
        let client = BoxSecret::from_seed(self.world.draw());
        let (server, _) = self.world.server().await;
        let told = self.attempt(&client, &self.said(fingerprint)).await.ok(200);
        let opened = sealed_of(&told, "login_info").open(&client.agree(&server).unwrap()).unwrap();
        let opened: Value = serde_json::from_slice(&opened).unwrap();
        let theirs = BoxPublic::from_bytes(bytes(&opened["session_public_key"])).unwrap();
        let sealed = sealed_of(&opened, "session_secret_key");
        let key = open_key(&client.agree(&theirs).unwrap(), &sealed.nonce, &sealed.text).unwrap();
        let proof = sealed_of(&opened, "user_validator").open(&self.keys().agree(&theirs).unwrap()).unwrap();
        let client = Client {
            world: self.world,
            token: text(&opened["token"]).to_owned(),
            key: BoxKey::from_bytes(*key),
            fingerprint: Some(fingerprint.to_owned()),
        };
        (client, String::from_utf8(proof.to_vec()).unwrap())
    }

    /// A session that is proved.
    async fn session(&self) -> Client<'w> {
        let (client, proof) = self.sign_in("a device").await;
        client.activate(&proof).await.ok(200);
        client
    }

    /// An API key with these flags beside the usual ones, and its id.
    async fn api_key(&self, client: &Client<'_>, flags: Value) -> ApiKey<'w> {
        let (seed, secret) = (self.world.draw::<32>(), self.world.draw::<32>());
        let mine = BoxKey::from_bytes(self.secret_key);
        let its = BoxKey::from_bytes(secret);
        let signing = SigningKey::from_seed(&seed);
        let mut body = json!({
            "title": "a test",
            "public_key": to_hex(BoxSecret::from_seed(seed).public().as_bytes()),
            "verify_key": to_hex(signing.verifying_key().as_bytes()),
        });
        for (name, under, key) in [
            ("private_key", &mine, &seed),
            ("secret_key", &mine, &secret),
            ("user_private_key", &its, &self.private),
            ("user_secret_key", &its, &self.secret_key),
        ] {
            let nonce = self.world.draw();
            body[name] = to_hex(&seal_key(under, &nonce, key)).into();
            body[format!("{name}_nonce")] = to_hex(&nonce).into();
        }
        for (name, flag) in flags.as_object().unwrap() {
            body[name] = flag.clone();
        }
        let made = client.send("PUT", "/api-key/", body).await.ok(201);
        let id = ApiKeyId::from_uuid(text(&made["api_key_id"])).unwrap();
        ApiKey { world: self.world, id, signing, secret }
    }
}

/// An API key in the hands of a program.
struct ApiKey<'w> {
    world: &'w World,
    id: ApiKeyId,
    signing: SigningKey,
    secret: [u8; 32],
}

impl<'w> ApiKey<'w> {
    async fn login(&self, request: &LoginRequest) -> Answer {
        self.world.request("POST", "/api-key/login/", &[], request.to_json()).await
    }

    /// Signs in, and gives what the server said beside the session.
    async fn sign_in(&self) -> (Client<'w>, Value) {
        let session = BoxSecret::from_seed(self.world.draw());
        let request = LoginRequest::new(self.id, &self.signing, &session.public(), "a program");
        self.opened(&session, self.login(&request).await).await
    }

    async fn opened(&self, session: &BoxSecret, answer: Answer) -> (Client<'w>, Value) {
        let answer = answer.ok(200).to_string();
        let (_, server) = self.world.server().await;
        let opened = LoginAnswer::read(answer.as_bytes()).unwrap().open(&server, session).unwrap();
        let said: Value = serde_json::from_slice(&opened).unwrap();
        let client = Client {
            world: self.world,
            token: text(&said["token"]).to_owned(),
            key: BoxKey::from_bytes(bytes(&said["session_secret_key"])),
            fingerprint: None,
        };
        (client, said)
    }
}

/// Somebody with a session.
struct Client<'w> {
    world: &'w World,
    token: String,
    key: BoxKey,
    /// Of the device, if the session is bound to one. Its clock is that of the server.
    fingerprint: Option<String>,
}

impl Client<'_> {
    /// A text, sealed with a nonce of its own.
    fn seal(&self, plain: &str) -> String {
        Sealed::seal(&self.key, self.world.draw::<NONCE_BYTES>(), plain.as_bytes()).to_json()
    }

    /// The validator of a request that is made so much later than it is.
    fn validator(&self, ahead_ms: u64) -> Option<String> {
        let fingerprint = self.fingerprint.as_ref()?;
        Some(self.seal(&validator(&self.world.time(ahead_ms), fingerprint)))
    }

    async fn raw(&self, method: &str, path: &str, validator: Option<&str>, body: impl AsRef<[u8]>) -> Answer {
        let token = format!("Token {}", self.token);
        let headers = [("authorization", &*token), ("authorization-validator", validator.unwrap_or(""))];
        self.world.request(method, path, &headers, body).await.opened(&self.key)
    }

    async fn send(&self, method: &str, path: &str, body: Value) -> Answer {
        let sealed = self.seal(&body.to_string());
        self.raw(method, path, self.validator(0).as_deref(), sealed).await
    }

    async fn get(&self, path: &str) -> Answer {
        self.raw("GET", path, self.validator(0).as_deref(), "").await
    }

    async fn activate(&self, proof: &str) -> Answer {
        let nonce = self.world.draw();
        let body = json!({
            "verification": to_hex(&self.key.seal(&nonce, proof.as_bytes())),
            "verification_nonce": to_hex(&nonce),
            "zoneinfo": "UTC",
        });
        self.send("POST", "/authentication/activate-token/", body).await
    }
}
