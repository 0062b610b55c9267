//! The page for people, held to what the server does: its examples are played in order, and its table of problems has
//! every code that the sources know.

use std::{collections::BTreeSet, sync::Arc};

use futures_util::{SinkExt, StreamExt};
use http::header;
use serde_json::Value;
use strongroom_engine::{
    Credential, Rights,
    domains::realms::{ConfiguredRealm, SignUp, SyncConfiguredRealms},
    testing::keys::wrap,
};
use strongroom_primitives::{
    cryppo,
    encoding::{from_base64, to_base64},
    id::{ApiKeyId, RealmId},
    key_login::{Answer, KeyLogin},
    nacl::BoxSecret,
    rsa::{NewKeyBits, PrivateKey},
    sign::{SigningKey, VerifyingKey},
    srp::{self, Ephemeral, Profile, Salt, ServerPublic},
};
use strongroom_wire::Encoding;

use crate::{
    PeopleOptions, Router,
    memory::connect,
    native::answer_operator,
    testing::{Bench, request},
};

const PAGE: &str = include_str!("../../../docs/native-api.md");

/// The fenced blocks of one language, in order.
fn blocks(language: &str) -> Vec<&'static str> {
    let fence = format!("```{language}\n");
    let mut found = Vec::new();
    let mut rest = PAGE;
    while let Some(at) = rest.find(&fence) {
        let block = &rest[at + fence.len()..];
        let end = block.find("\n```").expect("a block ends");
        found.push(&block[..end]);
        rest = &block[end..];
    }
    found
}

/// Whether an answer is what the page shows. An ellipsis stands for anything.
fn agrees(shown: &Value, answer: &Value) -> bool {
    match (shown, answer) {
        (Value::String(shown), _) if shown == "…" => true,
        (Value::Object(shown), Value::Object(answer)) => {
            shown.len() == answer.len()
                && shown
                    .iter()
                    .all(|(name, value)| answer.get(name).is_some_and(|known| agrees(value, known)))
        }
        (Value::Array(shown), Value::Array(answer)) => {
            shown.len() == answer.len() && shown.iter().zip(answer).all(|(shown, known)| agrees(shown, known))
        }
        _ => shown == answer,
    }
}

/// Two callers, the entity tag of the last answer that had one, and a person.
struct Reader {
    bench: Bench,
    router: Arc<Router>,
    token: String,
    bobs_token: String,
    etag: String,
    person: Person,
}

/// Somebody who signs up on the page: what their client knows, and what the server has told it.
struct Person {
    signing_in: Option<srp::Client>,
    key: PrivateKey,
    /// The sign-in with their API key, while it waits for its answer.
    key_login: Option<KeyLogin>,
    /// What stands for names with a dollar sign.
    known: Vec<(&'static str, String)>,
}

/// The seed of the API key on the page.
const API_SEED: [u8; 32] = [6; 32];

const PASSWORD: &[u8] = b"what the client derived";

impl Person {
    fn new() -> Self {
        let signing_in = srp::Client::start(Profile::NATIVE, Ephemeral::new([3; 32])).unwrap();
        let key = PrivateKey::generate(NewKeyBits::Bits2048).unwrap();
        let pem = Value::from(key.public_key().to_pem()).to_string();
        let text = |plain: &str| String::from_utf8(wrap(1, plain).to_vec()).unwrap();
        let known = vec![
            ("$A\"", format!("{}\"", to_base64(signing_in.public().as_bytes()))),
            ("$SALT", to_base64(&[7; 16])),
            ("$PUBLIC_KEY", pem.trim_matches('"').to_owned()),
            ("$KEK", text("kek")),
            ("$DEK", text("dek")),
            ("$API_PUBLIC", to_base64(BoxSecret::from_seed(API_SEED).public().as_bytes())),
            ("$API_VERIFY", to_base64(SigningKey::from_seed(&API_SEED).verifying_key().as_bytes())),
            (
                "$OTHER_BOX",
                format!(r#"{{"text": "{}", "nonce": "{}"}}"#, to_base64(&[8; 80]), to_base64(&[2; 24])),
            ),
            ("$BOX", format!(r#"{{"text": "{}", "nonce": "{}"}}"#, to_base64(&[7; 80]), to_base64(&[1; 24]))),
        ];
        Self { signing_in: Some(signing_in), key, key_login: None, known }
    }

    /// What the next requests of the page need of an answer.
    fn listen(&mut self, answer: &Value) {
        let text = |pointer: &str| answer.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        let salt = Salt::new(&[7; 16]).unwrap();
        if let Some(username) = text("/username") {
            let verifier = srp::register(Profile::NATIVE, &username, PASSWORD, &salt).unwrap();
            self.learn(("$VERIFIER", to_base64(verifier.expose())));
            self.learn(("$USERNAME", username));
        }
        if let (Some(server_public), Some(_)) = (text("/server_public"), text("/salt")) {
            let server_public = from_base64(&server_public).unwrap();
            let server_public = ServerPublic::new(Profile::NATIVE, &server_public).unwrap();
            let client = self.signing_in.take().expect("the page signs in once");
            let proved = client.prove(&self.fill_in("$USERNAME"), PASSWORD, &salt, &server_public).unwrap();
            self.learn(("$M1", to_base64(proved.m1().expose())));
        }
        if let Some(sealed) = text("/session/sealed_token") {
            let token = cryppo::decrypt_rsa(&self.key, &sealed).unwrap();
            self.learn(("$VAULT_TOKEN", String::from_utf8(token.expose().to_vec()).unwrap()));
        }
        for (name, pointer) in [
            ("$USER_TOKEN", "/session/token"),
            ("$ADMISSION", "/token"),
            ("$ATTACHMENT", "/attachment"),
            ("$SECRET", "/secrets/0/id"),
            ("$RIGHT", "/right"),
            ("$SERVICE_KEY", "/key/id"),
        ] {
            text(pointer).into_iter().for_each(|token| self.learn((name, token)));
        }
        if answer.get("restrict").is_some() {
            text("/id").into_iter().for_each(|id| self.learn(("$API_KEY", id)));
        }
        if answer.as_object().is_some_and(|answer| answer.len() == 1) {
            let made = if self.knows("$DATASTORE") { "$SHARE" } else { "$DATASTORE" };
            text("/id").into_iter().for_each(|id| self.learn((made, id)));
        }
        if text("/subject").as_deref() == Some("bob") {
            text("/account").into_iter().for_each(|account| self.learn(("$BOB\"", format!("{account}\""))));
        }
        if let (Some(nonce), Some(server)) = (text("/nonce"), text("/server_key")) {
            self.sign_in_with_key(nonce, server);
        }
        if let Some(grant) = text("/grant") {
            let bytes = |pointer: &str| from_base64(&text(pointer).unwrap()).unwrap();
            let answer = Answer {
                server_public: bytes("/server_public").try_into().unwrap(),
                grant: from_base64(&grant).unwrap(),
                signature: bytes("/signature").try_into().unwrap(),
            };
            let login = self.key_login.take().expect("the page signs in once");
            let grant: Value = serde_json::from_slice(&login.finish(&answer).unwrap()).unwrap();
            self.learn(("$MACHINE_TOKEN", grant["token"].as_str().unwrap().to_owned()));
        }
        // The first thing with an id is the one that is spoken of.
        if !self.knows("$ID") {
            text("/id").into_iter().for_each(|id| self.learn(("$ID", id)));
        }
    }

    /// Signs what the page's sign-in with an API key says.
    fn sign_in_with_key(&mut self, nonce: String, server: String) {
        let bytes = |text: &str| <[u8; 32]>::try_from(from_base64(text).unwrap()).unwrap();
        let id: ApiKeyId = self.fill_in("$API_KEY").parse().unwrap();
        let (key, pinned) =
            (SigningKey::from_seed(&API_SEED), VerifyingKey::from_bytes(&bytes(&server)).unwrap());
        let (login, signed) = KeyLogin::start(&key, id, pinned, &bytes(&nonce), [4; 32], None, "cron");
        self.key_login = Some(login);
        self.learn(("$CLIENT_PUBLIC", to_base64(&signed.client_public)));
        self.learn(("$SIGNATURE", to_base64(&signed.signature)));
        self.learn(("$NONCE", nonce));
        self.learn(("$SERVER_KEY", server));
    }

    fn knows(&self, name: &str) -> bool {
        self.known.iter().any(|(known, _)| *known == name)
    }

    fn learn(&mut self, known: (&'static str, String)) {
        self.known.retain(|(name, _)| *name != known.0);
        self.known.push(known);
    }

    fn fill_in(&self, text: &str) -> String {
        self.known.iter().fold(text.to_owned(), |text, (name, value)| text.replace(name, value))
    }
}

impl Reader {
    async fn new() -> Self {
        let bench = Bench::encrypted().await;
        let (token, bobs_token) = (bench.bearer("ann").await.token, bench.bearer("bob").await.token);
        let people = PeopleOptions::default();
        let of = |realm: RealmId, sign_up| ConfiguredRealm {
            realm,
            rights: Rights::NONE,
            sign_up,
            keys: Vec::new(),
        };
        let realms = vec![of(people.users_realm, SignUp::Reserved), of(people.vault_realm, SignUp::Closed)];
        let sync = SyncConfiguredRealms { realms };
        bench.engine.handle().ask(Credential::Operator, sync).await.unwrap();
        let router = Arc::new(Router::builder().native("/v1").build().unwrap());
        Self { bench, router, token, bobs_token, etag: String::new(), person: Person::new() }
    }

    fn fill_in(&self, text: &str) -> String {
        let text = self.person.fill_in(text);
        let text = text.replace("$BOBS_TOKEN", &self.bobs_token).replace("$TOKEN", &self.token);
        text.replace("$ETAG", &self.etag)
    }

    async fn play_request(&mut self, asked: &str, shown: &str) {
        let text = self.fill_in(asked);
        let (head, body) = text.split_once("\n\n").unwrap_or((&text, ""));
        let mut lines = head.lines();
        let (method, target) = lines.next().and_then(|line| line.split_once(' ')).expect("method and target");
        let headers: Vec<&str> = lines.collect();
        let request = request(method.parse().unwrap(), target, &headers, body);
        let answer = match request.path.strip_prefix("/v1") {
            // Who has that token has been let in by the operator's listener.
            Some(rest) if asked.contains("Bearer $OPERATOR") => {
                answer_operator(&self.bench.front, rest, &request).await
            }
            _ => self.router.answer(&self.bench.front, request).await,
        };

        let (shown_head, shown_body) = shown.split_once("\n\n").unwrap_or((shown, "null"));
        let mut shown_lines = shown_head.lines();
        let body = String::from_utf8(answer.body.to_vec()).unwrap();
        assert_eq!(Some(answer.status.as_str()), shown_lines.next(), "{asked}\n{body}");
        if let Some(tag) = answer.headers.get(header::ETAG)
            && shown_lines.any(|line| line == "ETag: $ETAG")
        {
            tag.to_str().unwrap().clone_into(&mut self.etag);
        }
        let body: Value = serde_json::from_str(if body.is_empty() { "null" } else { &body }).unwrap();
        self.person.listen(&body);
        let shown: Value = serde_json::from_str(&self.fill_in(shown_body)).expect("the page shows JSON");
        assert!(agrees(&shown, &body), "{asked}\n{body:#}");
    }

    async fn play_frames(&self, lines: &str) {
        let mut link = connect(&self.bench.front, None, Encoding::Json);
        for line in lines.lines() {
            match line.split_once(' ') {
                Some((">", frame)) => link.send(self.fill_in(frame).into()).await.unwrap(),
                Some(("<", frame)) => {
                    let shown: Value = serde_json::from_str(frame).expect("the page shows JSON");
                    let frame = link.next().await.expect("a further frame");
                    let frame: Value = serde_json::from_slice(&frame).unwrap();
                    assert!(agrees(&shown, &frame), "{line}\n{frame}");
                }
                _ => panic!("{line}"),
            }
        }
    }
}

#[actix_rt::test]
async fn the_examples_of_the_page_are_what_happens() {
    let mut reader = Reader::new().await;
    let exchanges = blocks("http");
    assert_eq!(exchanges.len() % 2, 0, "a request and its answer");
    assert!(exchanges.len() >= 60);
    for pair in exchanges.chunks(2) {
        reader.play_request(pair[0], pair[1]).await;
    }
    let conversations = blocks("frames");
    assert_eq!(conversations.len(), 4);
    for lines in conversations {
        reader.play_frames(lines).await;
    }
}

/// What looks like a code in a source: a phrase with hyphens that stands between arguments.
fn codes_in(source: &'static str) -> BTreeSet<&'static str> {
    let source = source.split("#[cfg(test)]\nmod tests {").next().expect("a first part");
    let mut codes = BTreeSet::new();
    for (at, _) in source.match_indices('"') {
        let before = source[..at].trim_end();
        let Some((text, after)) = source[at + 1..].split_once('"') else { continue };
        let hyphened =
            text.contains('-') && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
        let argument = before.ends_with([',', '(']) || before.ends_with("=>");
        if hyphened && argument && after.starts_with(',') {
            codes.insert(text);
        }
    }
    codes
}

#[test]
fn every_problem_has_a_row_on_the_page_and_every_row_a_problem() {
    let sources = [
        include_str!("../../../engine/src/error/names.rs"),
        include_str!("../problem.rs"),
        include_str!("../router.rs"),
        include_str!("api_keys.rs"),
        include_str!("mod.rs"),
        include_str!("http.rs"),
        include_str!("input.rs"),
        include_str!("keys.rs"),
        include_str!("people.rs"),
        include_str!("service_keys.rs"),
        include_str!("users.rs"),
        include_str!("../ws/connection.rs"),
        include_str!("../ws/handshake.rs"),
        include_str!("../ws/listener.rs"),
        include_str!("../http/edge.rs"),
        include_str!("../http/public.rs"),
    ];
    let headers = ["content-length", "keep-alive", "transfer-encoding"];
    let mut known: BTreeSet<&str> = sources.into_iter().flat_map(codes_in).collect();
    known.retain(|text| !headers.contains(text) && !text.starts_with("x-"));
    // Those that are one word.
    known.extend(["contended", "corrupt", "draining", "fault", "overloaded"]);
    let rows = PAGE.split("## Problems").nth(1).expect("the table of problems").lines();
    let codes = rows.filter(|line| line.starts_with("| `")).flat_map(|line| {
        let first = line.split('|').nth(1).expect("a first cell");
        first.split('`').skip(1).step_by(2)
    });
    let shown: BTreeSet<&str> = codes.collect();
    let missing: Vec<_> = known.difference(&shown).collect();
    let invented: Vec<_> = shown.difference(&known).collect();
    assert!(
        missing.is_empty() && invented.is_empty(),
        "not on the page: {missing:?}; in no source: {invented:?}"
    );
}
