//! Psono over the router: the life of a person and of an API key, word by word; logins and bodies that race or return on
//! two nodes; and what must appear nowhere. What differs from run to run stands in the goldens as a name.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use futures_util::future::join_all;
use serde_json::{Value, json};
use strongroom_engine::{
    Credential, Engine, Rights,
    domains::realms::{PutRealm, SetSignUp, SignUp},
    ports::{Clock, SystemClock},
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

use crate::support::{engines, everything_logged};

const PERSON_SEED: [u8; 32] = [21; 32];
const PERSON_SECRET: [u8; 32] = [22; 32];
const KEY_SEED: [u8; 32] = [23; 32];
const KEY_SECRET: [u8; 32] = [24; 32];
const FINGERPRINT: &str = "a device of its own, here";
/// What the clocks of devices always say.
const DEVICE_TIME: &str = "2030-01-02T03:04:05Z";

/// For each engine a front and a mount of its own, which remembers for itself.
pub(crate) struct World {
    nodes: Vec<(Front, Router)>,
    drawn: AtomicU64,
}

fn deployed(nodes: usize, test: impl AsyncFnOnce(&World)) {
    actix_rt::System::new().block_on(async {
        let clock = Arc::new(SystemClock::new());
        let engines = engines(nodes, clock.clone()).await;
        test(&World::over(&engines, clock).await).await;
    });
}

impl World {
    /// One on these engines, whose clock this is.
    pub(crate) async fn over(engines: &[Engine], clock: Arc<dyn Clock>) -> Self {
        let realm = RealmId::new("psono").expect("a good realm");
        let node = |engine: &Engine| {
            let (rates, clock) = (PsonoRates::NONE, clock.clone());
            let options = PsonoOptions { rates, clock, ..PsonoOptions::new(realm.clone()) };
            let router = Router::builder().mount("/psono", Arc::new(Psono::new(options)));
            let front = Front::new(engine.handle().clone(), EdgeLimits::default());
            (front, router.build().expect("a good prefix"))
        };
        let operator = engines[0].handle();
        let put = PutRealm { realm: realm.clone(), rights: Rights::NONE };
        operator.ask(Credential::Operator, put).await.expect("the operator may");
        let open = SetSignUp { realm: realm.clone(), sign_up: SignUp::Chosen };
        operator.ask(Credential::Operator, open).await.expect("the operator may");
        Self { nodes: engines.iter().map(node).collect(), drawn: AtomicU64::new(1) }
    }

    fn draw<const N: usize>(&self) -> [u8; N] {
        let mut drawn = [0; N];
        drawn[..8].copy_from_slice(&self.drawn.fetch_add(1, Ordering::SeqCst).to_be_bytes());
        drawn
    }

    async fn ask(
        &self,
        node: usize,
        method: Method,
        path: &str,
        headers: &[(&str, String)],
        body: &str,
    ) -> (u16, Value) {
        let mut map = HeaderMap::new();
        map.insert("content-type", HeaderValue::from_static("application/json"));
        for (name, value) in headers {
            map.insert(
                HeaderName::from_bytes(name.as_bytes()).expect("a good name"),
                HeaderValue::from_str(value).expect("a good value"),
            );
        }
        let request = Request {
            method,
            path: format!("/psono{path}").into(),
            query: None,
            headers: map,
            body: bytes::Bytes::copy_from_slice(body.as_bytes()),
            peer: Peer { address: Some([192, 0, 2, 1].into()), gateway: false, secure: true },
            request_id: "00112233445566778899aabbccddeeff".into(),
        };
        let (front, router) = &self.nodes[node];
        let response = router.answer(front, request).await;
        (response.status.as_u16(), serde_json::from_slice(&response.body).unwrap_or(Value::Null))
    }

    async fn post(&self, node: usize, path: &str, body: &str) -> (u16, Value) {
        self.ask(node, Method::POST, path, &[], body).await
    }

    async fn server(&self) -> (BoxPublic, VerifyingKey) {
        let (_, said) = self.ask(0, Method::GET, "/info/", &[], "").await;
        let info: Value = serde_json::from_str(text(&said["info"])).expect("JSON in JSON");
        let public = BoxPublic::from_bytes(bytes(&info["public_key"])).expect("a good key");
        (public, VerifyingKey::from_bytes(&bytes(&said["verify_key"])).expect("a good key"))
    }

    /// A person, and a session of theirs that is proved.
    pub(crate) async fn person(&self) -> Client<'_> {
        let (one, two, authkey) = (self.draw(), self.draw(), "c1".repeat(64));
        let wrapping = BoxKey::from_bytes([9; 32]);
        let person = BoxSecret::from_seed(PERSON_SEED);
        let body = json!({
            "username": "ann@example.com", "email": "ann@example.com", "authkey": authkey,
            "public_key": to_hex(person.public().as_bytes()),
            "private_key": to_hex(&seal_key(&wrapping, &one, &PERSON_SEED)), "private_key_nonce": to_hex(&one),
            "secret_key": to_hex(&seal_key(&wrapping, &two, &PERSON_SECRET)), "secret_key_nonce": to_hex(&two),
            "user_sauce": "c2".repeat(32), "hashing_algorithm": "scrypt",
            "hashing_parameters": { "u": 14, "r": 8, "p": 1, "l": 64 },
        });
        let registered = self.post(0, "/authentication/register/", &body.to_string()).await;
        assert_eq!(registered, (201, json!({ "success": "REGISTRATION_SUCCESSFUL" })));
        let (server, _) = self.server().await;
        let client = BoxSecret::from_seed(self.draw());
        let key = client.agree(&server).expect("a good key");
        let said = json!({ "username": "ann@example.com", "authkey": authkey, "device_fingerprint": FINGERPRINT, "device_description": "a test" });
        let nonce = self.draw();
        let body = json!({
            "public_key": to_hex(client.public().as_bytes()),
            "login_info": to_hex(&key.seal(&nonce, said.to_string().as_bytes())), "login_info_nonce": to_hex(&nonce),
            "session_duration": 3_600,
        });
        let (_, told) = self.post(0, "/authentication/login/", &body.to_string()).await;
        let opened: Value =
            serde_json::from_slice(&boxed(&told, "login_info").open(&key).expect("it is for us"))
                .expect("JSON");
        let theirs = BoxPublic::from_bytes(bytes(&opened["session_public_key"])).expect("a good key");
        let sealed = boxed(&opened, "session_secret_key");
        let session = open_key(&client.agree(&theirs).expect("a good key"), &sealed.nonce, &sealed.text)
            .expect("it is for us");
        let proof = boxed(&opened, "user_validator")
            .open(&person.agree(&theirs).expect("a good key"))
            .expect("it is for her");
        let client = Client {
            world: self,
            token: text(&opened["token"]).to_owned(),
            key: BoxKey::from_bytes(*session),
            bound: true,
        };
        let nonce = self.draw();
        let verification = to_hex(&client.key.seal(&nonce, &proof));
        let body =
            json!({ "verification": verification, "verification_nonce": to_hex(&nonce), "zoneinfo": "UTC" });
        assert_eq!(client.send(0, "POST", "/authentication/activate-token/", body).await.0, 200);
        client
    }

    /// A session of a device that `owner` lets in.
    pub(crate) async fn device(&self, owner: &Client<'_>) -> Client<'_> {
        let device = BoxSecret::from_seed(self.draw());
        let asked = json!({
            "device_description": "a box", "device_fingerprint": FINGERPRINT, "device_date": DEVICE_TIME,
            "user_public_key": to_hex(device.public().as_bytes()),
        });
        let (status, code) = self.post(0, "/device-code/", &asked.to_string()).await;
        assert_eq!(status, 201, "{code}");
        let path = format!("/device-code/{}", text(&code["id"]));
        let credentials = json!({
            "encrypted_credentials_input": "ab".repeat(80), "encrypted_credentials_nonce": "cd".repeat(24),
        });
        assert_eq!(owner.send(0, "PUT", &format!("{path}/claim/"), credentials).await.0, 200);
        let (_, told) = self.post(0, &format!("{path}/token/"), "{}").await;
        let theirs = BoxPublic::from_bytes(bytes(&code["server_public_key"])).expect("a good key");
        let payload = from_hex(text(&told["boxed_payload"])).expect("hexadecimal");
        let key = device.agree(&theirs).expect("a good key");
        let opened = key.open(&bytes(&told["nonce"]), &payload).expect("it is for us");
        let said: Value = serde_json::from_slice(&opened).expect("JSON");
        let key = BoxKey::from_bytes(bytes(&said["session_secret_key"]));
        Client { world: self, token: text(&said["token"]).to_owned(), key, bound: true }
    }

    fn login(&self, api_key: ApiKeyId) -> (BoxSecret, LoginRequest) {
        let session = BoxSecret::from_seed(self.draw());
        let request =
            LoginRequest::new(api_key, &SigningKey::from_seed(&KEY_SEED), &session.public(), "a program");
        (session, request)
    }

    pub(crate) async fn keyed(&self, api_key: ApiKeyId) -> Client<'_> {
        let (session, request) = self.login(api_key);
        let (status, told) = self.post(0, "/api-key/login/", &request.to_json()).await;
        assert_eq!(status, 200, "{told}");
        let answer = LoginAnswer::read(told.to_string().as_bytes()).expect("an answer");
        let opened = answer.open(&self.server().await.1, &session).expect("it is for us");
        let said: Value = serde_json::from_slice(&opened).expect("JSON");
        let key = BoxKey::from_bytes(bytes(&said["session_secret_key"]));
        Client { world: self, token: text(&said["token"]).to_owned(), key, bound: false }
    }
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

fn bytes<const N: usize>(value: &Value) -> [u8; N] {
    array_from_hex(text(value)).expect("hexadecimal")
}

fn boxed(document: &Value, name: &str) -> Sealed {
    let bytes_of = from_hex(text(&document[name])).expect("hexadecimal");
    Sealed { text: bytes_of, nonce: bytes(&document[format!("{name}_nonce")]) }
}

/// Somebody with a session.
pub(crate) struct Client<'w> {
    world: &'w World,
    pub(crate) token: String,
    key: BoxKey,
    /// Whether each request needs a validator.
    bound: bool,
}

impl Client<'_> {
    fn seal(&self, plain: &str) -> String {
        Sealed::seal(&self.key, self.world.draw::<NONCE_BYTES>(), plain.as_bytes()).to_json()
    }

    async fn raw(&self, node: usize, method: &str, path: &str, body: &str) -> (u16, Value) {
        let mut headers = vec![("authorization", format!("Token {}", self.token))];
        if self.bound {
            let said = validator(DEVICE_TIME, FINGERPRINT);
            headers.push(("authorization-validator", self.seal(&said)));
        }
        let method = method.parse().expect("a method");
        let (status, told) = self.world.ask(node, method, path, &headers, body).await;
        let opened =
            Sealed::read(told.to_string().as_bytes()).ok().and_then(|sealed| sealed.open(&self.key).ok());
        let opened = opened.map(|opened| serde_json::from_slice(&opened).expect("JSON"));
        (status, opened.unwrap_or(told))
    }

    async fn send(&self, node: usize, method: &str, path: &str, body: Value) -> (u16, Value) {
        self.raw(node, method, path, &self.seal(&body.to_string())).await
    }

    pub(crate) async fn get(&self, node: usize, path: &str) -> (u16, Value) {
        self.raw(node, "GET", path, "").await
    }

    pub(crate) async fn api_key(&self) -> ApiKeyId {
        let (mine, its) = (BoxKey::from_bytes(PERSON_SECRET), BoxKey::from_bytes(KEY_SECRET));
        let mut body = json!({
            "title": "a key", "write": true,
            "public_key": to_hex(BoxSecret::from_seed(KEY_SEED).public().as_bytes()),
            "verify_key": to_hex(SigningKey::from_seed(&KEY_SEED).verifying_key().as_bytes()),
        });
        for (name, under, key) in [
            ("private_key", &mine, &KEY_SEED),
            ("secret_key", &mine, &KEY_SECRET),
            ("user_private_key", &its, &PERSON_SEED),
            ("user_secret_key", &its, &PERSON_SECRET),
        ] {
            let nonce = self.world.draw();
            body[name] = to_hex(&seal_key(under, &nonce, key)).into();
            body[format!("{name}_nonce")] = to_hex(&nonce).into();
        }
        let (_, made) = self.send(0, "PUT", "/api-key/", body).await;
        ApiKeyId::from_uuid(text(&made["api_key_id"])).expect("an id")
    }
}

/// A-API-04 over two nodes: of one login, sent to both at once and again, one opens a session.
#[test]
fn of_logins_that_race_on_two_nodes_one_opens_a_session() {
    deployed(2, async |world| {
        let owner = world.person().await;
        let api_key = owner.api_key().await;
        for _ in 0..8 {
            let (_, request) = world.login(api_key);
            let body = request.to_json();
            let tries = (0..8).map(|number| world.post(number % 2, "/api-key/login/", &body));
            let told = join_all(tries).await;
            assert_eq!(told.iter().filter(|(status, _)| *status == 200).count(), 1, "{told:?}");
            let replayed = json!({ "non_field_errors": ["LOGIN_INFO_REPLAYED"] });
            assert_eq!(told.iter().filter(|(_, body)| *body == replayed).count(), 7, "{told:?}");
        }
    });
}

/// A-API-11 over two nodes: of one sealed body, one is taken; and a session that ends on one node is over on the other,
/// which remembers what it is sealed with (A-API-08).
#[test]
fn what_one_node_has_taken_or_ended_no_other_takes_or_goes_on_with() {
    deployed(2, async |world| {
        let owner = world.person().await;
        let client = world.keyed(owner.api_key().await).await;
        for _ in 0..8 {
            let body = client.seal(&json!({ "user_username": "ann@example.com" }).to_string());
            let tries = (0..8).map(|number| client.raw(number % 2, "POST", "/user/search/", &body));
            let statuses: Vec<u16> = join_all(tries).await.iter().map(|(status, _)| *status).collect();
            assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
            assert_eq!(statuses.iter().filter(|status| **status == 400).count(), 7, "{statuses:?}");
        }
        assert_eq!(client.get(1, "/datastore/").await.0, 200);
        assert_eq!(client.send(0, "POST", "/authentication/logout/", json!({})).await.0, 200);
        assert_eq!(client.get(1, "/datastore/").await, (401, json!({ "detail": "Invalid token." })));
    });
}

/// A-LEAK-01: a whole life and every kind of refusal, with everything logged that is ever logged.
#[test]
fn tokens_keys_validators_and_bodies_appear_in_no_log() {
    let log = everything_logged();
    let mut secrets = vec!["PSONOCANARY".to_owned(), "c1".repeat(64), FINGERPRINT.to_owned()];
    secrets.extend([PERSON_SEED, PERSON_SECRET, KEY_SEED, KEY_SECRET].map(|key| to_hex(&key)));
    deployed(1, async |world| {
        let owner = world.person().await;
        let api_key = owner.api_key().await;
        let client = world.keyed(api_key).await;
        let (_, request) = world.login(api_key);
        let (_, told) = world.post(0, "/api-key/login/", &request.to_json()).await;
        let body = client.seal(&json!({ "type": "PSONOCANARY", "description": "PSONOCANARY" }).to_string());
        let sent = [
            world.post(0, "/api-key/login/", &request.to_json()).await,
            world.post(0, "/authentication/login/", &json!({ "login_info": "PSONOCANARY" }).to_string()).await,
            world.post(0, "/api-key-access/secret/", &json!({ "api_key_id": api_key.to_uuid(), "secret_id": api_key.to_uuid(), "api_key_secret_key": to_hex(&KEY_SECRET) }).to_string()).await,
            client.raw(0, "PUT", "/datastore/", &body).await,
            client.raw(0, "PUT", "/datastore/", &body).await,
            client.get(0, "/share/PSONOCANARY/").await,
            owner.raw(0, "GET", "/datastore/x/", "").await,
        ];
        assert!(sent.iter().filter(|(status, _)| *status >= 400).count() >= 6, "{sent:?}");
        secrets.extend([
            client.token.clone(),
            owner.token.clone(),
            body,
            text(&told["login_info"]).to_owned(),
        ]);
        secrets.extend([client.key, owner.key].map(|key| to_hex(key.expose())));
        secrets.extend([to_hex(&request.signature), request.info, api_key.to_uuid()]);
    });
    let logged = log.text();
    assert!(logged.contains("psono"), "something was logged at all");
    for secret in &secrets {
        assert!(!logged.contains(secret.as_str()), "the log has {secret:.40}");
    }
}
