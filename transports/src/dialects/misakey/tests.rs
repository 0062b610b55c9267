//! The dialect over an engine in memory and under a whole router, without sockets.
//!
//! | module | rules of dialects/misakey.md |
//! |---|---|
//! | `door` | section 3: page tokens, cookies, levels, origins |
//! | `order` | section 3: what every request goes through, in its order |
//! | `shares` | section 5, the rates of section 9 |
//! | `storage` | section 7 |
//! | `refusals` | section 10: every row of bad input |

mod door;
mod order;
mod refusals;
mod shares;
mod storage;

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};
use strongroom_engine::{
    Credential, Engine, Limits,
    domains::sessions::assured::{Assurance, AssuredFor, IssueAssured},
    ports::{Clock, SeededEntropy},
};
use strongroom_primitives::{
    encoding::to_base64url,
    hash::sha512,
    id::{RealmId, Subject},
};
use strongroom_storage::Memory;

use super::{Misakey, MisakeyOptions, MisakeyRates};
use crate::{
    CorsPolicy, EdgeLimits, Front, Router,
    exchange::{Method, Response, header},
    testing::{clock::HandClock, request},
};

const ANN: &str = "b2dc8b7e-44e6-4510-b222-c914876fad1c";
const BOB: &str = "0d1f5a52-6a5b-4c9e-9d3e-2f4f7a7e6b11";
const IDENTITY: &str = "7c0a2a0e-3f0b-4f7d-8a55-1f2e3d4c5b6a";
const ORIGIN: &str = "https://app.example";
const SHARES: &str = "/crypto/root-key-shares";

/// An engine, what is mounted over it, and a page token.
struct World {
    engine: Engine,
    front: Front,
    router: Router,
    clock: Arc<HandClock>,
    page: String,
}

/// Runs `test` in a world without rates.
fn run(test: impl AsyncFnOnce(World)) {
    run_with(MisakeyRates::NONE, test);
}

fn run_with(rates: MisakeyRates, test: impl AsyncFnOnce(World)) {
    run_within(rates, Limits::default(), test);
}

fn run_within(rates: MisakeyRates, limits: Limits, test: impl AsyncFnOnce(World)) {
    actix_rt::System::new().block_on(async { test(World::new(rates, limits).await).await });
}

/// A token and where it is shown.
#[derive(Clone)]
struct Holder {
    cookies: String,
}

impl World {
    async fn new(rates: MisakeyRates, limits: Limits) -> Self {
        let clock = Arc::new(HandClock::at_s(1_780_000_000));
        let wall = clock.clone();
        let engine = Engine::builder(Arc::new(Memory::new(Arc::new(move || wall.wall().as_ms()))))
            .clock(clock.clone())
            .entropy(Arc::new(SeededEntropy::new(7)))
            .limits(limits)
            .start()
            .await
            .unwrap();
        let front = Front::new(engine.handle().clone(), EdgeLimits::default());
        let realm = RealmId::new("misakey").unwrap();
        let options =
            MisakeyOptions { rates, clock: clock.clone(), ..MisakeyOptions::new(realm, "web".to_owned()) };
        let router = Router::builder()
            .mount("/misakey", Arc::new(Misakey::new(options)))
            .native("/v1")
            .cors(CorsPolicy::new([ORIGIN.to_owned()]).unwrap())
            .build()
            .unwrap();
        let mut world = Self { engine, front, router, clock, page: String::new() };
        let (_, body) = world.ask("GET", "/csrf", &[], "").await;
        world.page = body["csrf_token"].as_str().unwrap().to_owned();
        world
    }

    async fn token(&self, assurance: Assurance) -> String {
        self.token_of("misakey", assurance).await
    }

    async fn token_of(&self, realm: &str, assurance: Assurance) -> String {
        let realm = RealmId::new(realm).unwrap();
        let issue = IssueAssured { realm, assurance, life: Duration::from_secs(30 * 86_400) };
        self.engine.handle().ask(Credential::Operator, issue).await.unwrap().token
    }

    /// Somebody whose token says this, shown in the cookies of its kind.
    async fn with(&self, assurance: Assurance) -> Holder {
        let prefix = if assurance.good_for == AssuredFor::Access { "" } else { "authn" };
        let token = self.token(assurance).await;
        Holder {
            cookies: format!("{prefix}accesstoken={token}; {prefix}tokentype=bearer; _csrf={}", self.page),
        }
    }

    /// Somebody who is signed in to an account at a level.
    async fn holder(&self, account: Option<&str>, level: u8) -> Holder {
        self.with(assurance(account, level)).await
    }

    /// Somebody who is signing in to an account.
    async fn process(&self, account: &str) -> Holder {
        self.with(signing_in(Some(account), 2)).await
    }

    async fn raw(&self, method: &str, path: &str, headers: &[&str], body: &str) -> Response {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let request = request(method, &format!("/misakey{path}"), headers, body);
        self.router.answer(&self.front, request).await
    }

    async fn ask(&self, method: &str, path: &str, headers: &[&str], body: &str) -> (u16, Value) {
        let response = self.raw(method, path, headers, body).await;
        assert_eq!(response.headers[header::CACHE_CONTROL], "no-store, no-cache", "{method} {path}");
        let body = match response.body.is_empty() {
            true => Value::Null,
            false => {
                assert_eq!(response.headers[header::CONTENT_TYPE], "application/json; charset=UTF-8");
                serde_json::from_slice(&response.body).unwrap()
            }
        };
        (response.status.as_u16(), body)
    }

    /// As a page asks: with its cookies, its page token and a JSON body.
    async fn page(&self, who: &Holder, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.page_text(who, method, path, &body).await
    }

    async fn page_text(&self, who: &Holder, method: &str, path: &str, body: &str) -> (u16, Value) {
        let (cookie, page) = (format!("cookie: {}", who.cookies), format!("x-csrf-token: {}", self.page));
        self.ask(method, path, &[&cookie, &page, "content-type: application/json"], body).await
    }

    async fn get(&self, who: &Holder, path: &str) -> (u16, Value) {
        self.ask("GET", path, &[&format!("cookie: {}", who.cookies)], "").await
    }
}

fn assurance(account: Option<&str>, level: u8) -> Assurance {
    Assurance {
        identity: Subject::new(IDENTITY).unwrap(),
        account: account.map(|account| Subject::new(account).unwrap()),
        level,
        client: "web".to_owned(),
        good_for: AssuredFor::Access,
    }
}

/// The same while a sign-in is under way.
fn signing_in(account: Option<&str>, level: u8) -> Assurance {
    let good_for = AssuredFor::Process { login_challenge: "c1".to_owned() };
    Assurance { good_for, ..assurance(account, level) }
}

/// The share of this number, and the hash of the other half.
fn share(number: u8) -> (String, String) {
    (to_base64url(&[number; 32]), to_base64url(&sha512(&[number, 1])))
}

/// A body that files it.
fn filing(number: u8) -> Value {
    let (share, hash) = share(number);
    json!({ "share": share, "user_local_share_hash": hash })
}

/// The path to it.
fn at(number: u8) -> String {
    format!("{SHARES}/{}", share(number).1)
}

/// What a refusal says, without its free text.
fn said((status, body): (u16, Value)) -> (u16, String, String, Value) {
    let object = body.as_object().unwrap_or_else(|| panic!("{status} {body}"));
    let mut keys: Vec<&str> = object.keys().map(String::as_str).collect();
    keys.sort_unstable();
    assert_eq!(keys, ["code", "desc", "details", "origin"]);
    let text = |name: &str| body[name].as_str().unwrap().to_owned();
    (status, text("code"), text("origin"), body["details"].clone())
}

/// The same as it is written below.
fn refusal(status: u16, code: &str, origin: &str, details: Value) -> (u16, String, String, Value) {
    (status, code.to_owned(), origin.to_owned(), details)
}
