//! The walk against vaults of our own, and a session with a server that misbehaves.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};
use strongroom_primitives::encoding::to_hex;
use strongroom_primitives::id::{ApiKeyId, DatastoreId, SecretId, ShareId};
use strongroom_primitives::json::parse_object;
use strongroom_primitives::nacl::{BoxKey, BoxPublic, BoxSecret};
use strongroom_primitives::psono::login::{LoginAnswer, LoginRequest};
use strongroom_primitives::psono::{Sealed, hex_array, seal_key};
use strongroom_primitives::secret::SecretText;
use strongroom_primitives::sign::SigningKey;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use super::document::Document;
use super::walk::{Node, Walk};
use super::*;
use crate::testing::options;
use crate::{ClientError, ErrorKind};

fn uuid(byte: u8) -> String {
    ShareId::from_bytes([byte; 16]).to_uuid()
}

fn key(byte: u8) -> String {
    to_hex(&[byte; 32])
}

fn item(name: &str, byte: u8) -> Value {
    json!({ "name": name, "type": "note", "secret_id": uuid(byte), "secret_key": key(byte) })
}

/// A folder or an item that is a share, with its key beside it.
fn shared(name: &str, byte: u8) -> Value {
    json!({ "name": name, "share_id": uuid(byte), "share_secret_key": key(byte) })
}

fn node(value: &Value) -> Node {
    Node::of(&Document::read(value.to_string().as_bytes(), "test").unwrap())
}

/// Walks over `root`; shares that are not in `shares` are refused. Lines of entries and of what was skipped.
fn walk(root: &Value, shares: &BTreeMap<String, Value>) -> (Vec<String>, Vec<String>) {
    let mut walk = Walk::default();
    walk.begin(DatastoreId::from_bytes([9; 16]), node(root));
    while let Some(wanted) = walk.advance().unwrap() {
        let id = wanted.share.to_uuid();
        match shares.get(&id) {
            Some(content) => {
                assert_eq!(wanted.key.expose(), &[wanted.share.as_bytes()[0]; 32], "the key of {id}");
                walk.enter(wanted, node(content));
            }
            None => walk.skip(wanted, Why::Refused),
        }
    }
    let line = |entry: &Entry| {
        let deleted = if entry.deleted { " deleted" } else { "" };
        let secret = entry.secret.as_ref().map_or("none".to_owned(), |secret| {
            assert_eq!(secret.key.expose(), &[secret.id.as_bytes()[0]; 32]);
            secret.id.as_bytes()[0].to_string()
        });
        format!("{} {secret} in {}{deleted}", entry.path.join("/"), entry.shares.len())
    };
    let entries = walk.walked.entries.iter().map(line).collect();
    let skipped = walk.walked.skipped.iter();
    (entries, skipped.map(|skipped| format!("{}: {}", skipped.path.join("/"), skipped.why)).collect())
}

#[test]
fn a_vault_is_walked_depth_first_through_folders_and_shares() {
    let root = json!({
        "share_index": { uuid(3): { "paths": [], "secret_key": key(3) } },
        "folders": [
            { "name": "a", "folders": [shared("b", 1)], "items": [item("x", 11)] },
            { "name": "c", "share_id": uuid(3), "unknown": [1] },
            { "name": "gone", "deleted": true, "items": [item("y", 12)] },
        ],
        "items": [shared("one item", 2), { "name": "mark", "type": "bookmark" }],
    });
    let shares = BTreeMap::from([
        (uuid(1), json!({ "name": "its own name", "folders": [shared("", 3)], "items": [item("z", 13)] })),
        (uuid(2), item("its own name", 14)),
        (uuid(3), json!({ "name": "three", "items": [item("w", 15)] })),
    ]);
    let (entries, skipped) = walk(&root, &shares);
    assert_eq!(
        entries,
        [
            "a/b/three/w 15 in 2",
            "a/b/z 13 in 1",
            "a/x 11 in 0",
            "c/w 15 in 1",
            "gone/y 12 in 0 deleted",
            "one item 14 in 1",
            "mark none in 0",
        ]
    );
    assert!(skipped.is_empty(), "{skipped:?}");
}

#[test]
fn what_cannot_be_walked_into_is_passed_over_and_said() {
    let root = json!({
        "folders": [
            shared("cycle", 1),
            shared("refused", 7),
            { "name": "no key", "share_id": uuid(2) },
            { "name": "bad key", "share_id": uuid(2), "share_secret_key": "00" },
            7,
            { "folders": "none", "items": { "x": 1 }, "name": ["n"] },
        ],
        "items": [
            { "name": "no secret key", "secret_id": uuid(1) },
            { "name": "bad id", "secret_id": "x", "secret_key": key(1) },
            item("good", 1),
        ],
    });
    let shares = BTreeMap::from([
        (uuid(1), json!({ "folders": [{ "name": "f", "folders": [shared("other", 2)] }] })),
        (uuid(2), json!({ "folders": [shared("back", 1)], "items": [item("i", 5)] })),
    ]);
    let (entries, skipped) = walk(&root, &shares);
    assert_eq!(entries, ["cycle/f/other/i 5 in 2", "good 1 in 0"]);
    assert_eq!(
        skipped,
        [
            "cycle/f/other/back: it hangs in itself",
            "refused: the server does not give it",
            "no key: there is no key for it",
            "bad key: there is no key for it",
            "no secret key: there is no key for it",
            "bad id: it is malformed",
        ]
    );
}

/// Shares that hang in many places each are many more ways than shares.
#[test]
fn a_walk_ends_where_shares_multiply() {
    // Six levels of shares, each of which hangs in its parent eight times.
    let level = |byte: u8| match byte {
        1..=6 => json!({ "folders": (0..8).map(|_| shared("s", byte)).collect::<Vec<_>>() }),
        _ => json!({}),
    };
    let mut walk = Walk::default();
    walk.begin(DatastoreId::from_bytes([9; 16]), node(&level(1)));
    let mut opened = 0;
    let error = loop {
        match walk.advance() {
            Ok(Some(wanted)) => {
                opened += 1;
                let next = wanted.share.as_bytes()[0] + 1;
                walk.enter(wanted, node(&level(next)));
            }
            Ok(None) => panic!("it ended"),
            Err(error) => break error,
        }
        assert!(opened <= SHARES_MAX);
    };
    assert!(matches!(error, PsonoClientError::TooLarge { max: SHARES_MAX, .. }), "{error}");
    assert_eq!(opened, SHARES_MAX);
}

/// A server of this dialect that one can have misbehave, behind a socket.
struct Server {
    signing: SigningKey,
    api_key: SigningKey,
    secret: BoxKey,
    owner: [u8; 32],
    session: BoxKey,
    /// What it does with questions after logins, one each.
    script: Vec<Does>,
}

#[derive(Clone)]
enum Does {
    /// Seals this.
    Seals(u16, Value),
    /// Says this in the clear.
    Says(u16, &'static str),
}

impl Server {
    fn new(script: Vec<Does>) -> Self {
        Self {
            signing: SigningKey::from_seed(&[1; 32]),
            api_key: SigningKey::from_seed(&[2; 32]),
            secret: BoxKey::from_bytes([3; 32]),
            owner: [4; 32],
            session: BoxKey::from_bytes([5; 32]),
            script,
        }
    }

    fn login(&self, body: &[u8]) -> String {
        let request = LoginRequest::read(body).unwrap();
        self.api_key.verifying_key().verify(request.info.as_bytes(), &request.signature).unwrap();
        let info = parse_object(request.info.as_bytes()).unwrap();
        let theirs = hex_array(info["session_public_key"].as_str().unwrap()).unwrap();
        let ours = BoxSecret::from_seed([6; 32]);
        let way = ours.agree(&BoxPublic::from_bytes(theirs).unwrap()).unwrap();
        let sealed = |key: &[u8; 32], nonce: u8| to_hex(&seal_key(&self.secret, &[nonce; 24], key));
        let said = json!({
            "token": "ab".repeat(64),
            "session_secret_key": to_hex(self.session.expose()),
            "api_key_read": true,
            "api_key_write": true,
            "api_key_restrict_to_secrets": false,
            "user": {
                "username": "ann@example.com",
                "public_key": to_hex(BoxSecret::from_seed([7; 32]).public().as_bytes()),
                "private_key": sealed(&[7; 32], 1),
                "private_key_nonce": to_hex(&[1; 24]),
                "secret_key": sealed(&self.owner, 2),
                "secret_key_nonce": to_hex(&[2; 24]),
            },
        });
        let sign = |text: &[u8]| self.signing.sign(text);
        let answer = LoginAnswer::new(&way, &ours.public(), [8; 24], said.to_string().as_bytes(), sign);
        answer.to_json().to_string()
    }

    /// Serves as many requests as the script and `logins` have. What was asked, the bodies of sessions opened.
    async fn start(self) -> (String, mpsc::UnboundedReceiver<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/psono", listener.local_addr().unwrap());
        let (asked, questions) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            let mut script = self.script.clone().into_iter();
            while let Ok((mut socket, _)) = listener.accept().await {
                let (head, body) = request(&mut socket).await;
                let line = head.lines().next().unwrap().trim_end_matches(" HTTP/1.1").to_owned();
                let (status, answer) = if line == "POST /psono/api-key/login/" {
                    (200, self.login(&body))
                } else {
                    match script.next().expect("the script has an answer") {
                        Does::Says(status, text) => (status, text.to_owned()),
                        Does::Seals(status, value) => {
                            let nonce = hex_array(&to_hex(&[9; 24])).unwrap();
                            let text = value.to_string();
                            (status, Sealed::seal(&self.session, nonce, text.as_bytes()).to_json())
                        }
                    }
                };
                let opened = Sealed::read(&body).and_then(|sealed| sealed.open(&self.session));
                let opened = opened.map(|text| String::from_utf8(text.to_vec()).unwrap()).unwrap_or_default();
                asked.send(format!("{line} {opened}").trim_end().to_owned()).unwrap();
                let length = answer.len();
                let head =
                    format!("HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n");
                let _ = socket.write_all((head + &answer).as_bytes()).await;
            }
        });
        (url, questions)
    }
}

async fn request(socket: &mut tokio::net::TcpStream) -> (String, Vec<u8>) {
    let mut bytes = Vec::new();
    loop {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
        if let Some(end) = end {
            let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
            let length = head.to_ascii_lowercase();
            let length = length.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
            if bytes.len() >= end + 4 + length.unwrap_or(0) {
                return (head, bytes.split_off(end + 4));
            }
        }
        assert_ne!(socket.read_buf(&mut bytes).await.unwrap(), 0, "a request has an end");
    }
}

fn api_key(url: &str, verify: &SigningKey) -> PsonoApiKey {
    let texts = ApiKeyTexts {
        server_url: url.to_owned(),
        api_key_id: ApiKeyId::from_bytes([1; 16]).to_uuid().to_uppercase(),
        api_key_private_key: SecretText::new(key(2).to_uppercase()),
        api_key_secret_key: SecretText::new(key(3)),
        server_public_key: key(9),
        server_signature: to_hex(verify.verifying_key().as_bytes()),
    };
    PsonoApiKey::read(&texts).unwrap()
}

async fn logged_in(script: Vec<Does>) -> (PsonoClient, mpsc::UnboundedReceiver<String>) {
    let server = Server::new(script);
    let signing = SigningKey::from_seed(&[1; 32]);
    let (url, questions) = server.start().await;
    let client = PsonoClient::login(api_key(&url, &signing), "a test", &options()).await.unwrap();
    (client, questions)
}

/// A secret as the server gives it.
fn stored(content: &str, write_date: &str) -> Value {
    let sealed = BoxKey::from_bytes([1; 32]).seal(&[1; 24], content.as_bytes());
    json!({ "data": to_hex(&sealed), "data_nonce": to_hex(&[1; 24]), "write_date": write_date })
}

fn questions_so_far(questions: &mut mpsc::UnboundedReceiver<String>) -> Vec<String> {
    std::iter::from_fn(|| questions.try_recv().ok()).collect()
}

/// The signature is what tells the server from others: nothing is asked of one that cannot make it.
#[tokio::test]
async fn a_server_that_signs_with_another_key_is_asked_nothing_more() {
    let (url, mut questions) = Server::new(Vec::new()).start().await;
    let other = SigningKey::from_seed(&[77; 32]);
    let error = PsonoClient::login(api_key(&url, &other), "a test", &options()).await.unwrap_err();
    assert!(matches!(error, PsonoClientError::ServerUnproved), "{error}");
    assert_eq!(questions_so_far(&mut questions), ["POST /psono/api-key/login/"]);
}

#[tokio::test]
async fn a_session_that_has_expired_is_replaced_once() {
    let gone = || Does::Says(401, r#"{"detail":"Invalid token."}"#);
    let list = Does::Seals(200, json!({ "datastores": [] }));
    let (client, mut questions) = logged_in(vec![gone(), list, gone(), gone()]).await;
    assert!(client.datastores().await.unwrap().is_empty());
    let error = client.datastores().await.unwrap_err();
    assert!(error.is_refusal(&[401]), "a second refusal is believed: {error}");
    let login = "POST /psono/api-key/login/";
    let ask = "GET /psono/datastore/";
    assert_eq!(questions_so_far(&mut questions), [login, ask, login, ask, ask, login, ask]);
}

/// An answer that anybody on the way could have written is none.
#[tokio::test]
async fn what_is_not_sealed_by_the_session_is_not_believed() {
    let (client, _questions) = logged_in(vec![
        Does::Says(200, r#"{"datastores":[]}"#),
        Does::Says(200, r#"{"text":"00","nonce":"00"}"#),
        Does::Says(302, ""),
    ])
    .await;
    for _ in 0..3 {
        let error = client.datastores().await.unwrap_err();
        assert_eq!(error.client().map(ClientError::kind), Some(ErrorKind::Untrusted), "{error}");
    }
}

#[tokio::test]
async fn a_refusal_is_said_in_the_servers_own_word() {
    let (client, _questions) = logged_in(vec![
        Does::Seals(400, json!({ "non_field_errors": ["SOME_CODE"] })),
        Does::Seals(403, json!({ "detail": "You do not\u{1b} have permission." })),
        Does::Seals(400, json!({ "data": ["NO_VALID_HEX"] })),
        Does::Says(502, "<html>canary</html>"),
    ])
    .await;
    let mut said = Vec::new();
    for _ in 0..4 {
        said.push(client.datastores().await.unwrap_err().to_string());
    }
    assert!(said[0].contains("400 (SOME_CODE)"), "{said:?}");
    assert!(said[1].contains("(http-403): You do not have permission."), "{said:?}");
    assert!(said[2].contains("data: NO_VALID_HEX"), "{said:?}");
    assert!(said[3].contains("http-502") && !said[3].contains("canary"), "{said:?}");
}

/// Nobody's update is lost: the write names the state that was read, and members that nobody asked for stay as they were
/// written.
#[tokio::test]
async fn a_secret_is_written_over_the_state_that_was_read_and_keeps_its_other_members() {
    let content = r#"{"b":1e0,"password":"old","unknown":[18446744073709551617,null],"a":"\u00e9"}"#;
    let (client, mut questions) = logged_in(vec![
        Does::Seals(200, stored(content, "2026-01-02T03:04:05.000006+00:00")),
        Does::Seals(400, json!({ "non_field_errors": ["WRITE_DATE_MISMATCH"] })),
        Does::Seals(200, json!({ "success": "Data updated." })),
    ])
    .await;
    let (id, under) = (SecretId::from_bytes([1; 16]), BoxKey::from_bytes([1; 32]));
    let mut secret = client.secret(id, &under).await.unwrap();
    assert_eq!(secret.names().collect::<Vec<_>>(), ["b", "password", "unknown", "a"]);
    assert!(secret.field("a").unwrap().matches("\u{e9}") && secret.field("b").unwrap().matches("1e0"));
    assert!(secret.field("c").is_none());
    secret.set("password", &SecretText::new("n\"w".to_owned()));
    secret.set("more", &SecretText::new(String::new()));
    let error = client.set_secret(&secret).await.unwrap_err();
    assert!(matches!(error, PsonoClientError::Stale), "{error}");
    assert_eq!(client.set_secret(&secret).await.unwrap(), None);

    let mut nonces = Vec::new();
    for question in questions_so_far(&mut questions).into_iter().skip(2) {
        let body = question.strip_prefix("POST /psono/secret/ ").unwrap();
        let body = parse_object(body.as_bytes()).unwrap();
        assert_eq!(body["old_write_date"], "2026-01-02T03:04:05.000006+00:00");
        let nonce = hex_array(body["data_nonce"].as_str().unwrap()).unwrap();
        let data = strongroom_primitives::psono::hex(body["data"].as_str().unwrap()).unwrap();
        let written = under.open(&nonce, &data).unwrap();
        let expected = content.replace(r#""old""#, r#""n\"w""#).replace("\"}", r#"","more":""}"#);
        assert_eq!(str::from_utf8(&written).unwrap(), expected);
        nonces.push(nonce);
    }
    assert!(nonces.len() == 2 && nonces[0] != nonces[1], "a nonce is used once");
}

#[tokio::test]
async fn a_secret_in_another_form_is_refused() {
    for bad in ["[]", "7", r#"{"a":1,"a":2}"#, r#"{"a":1"#, ""] {
        let (client, _questions) = logged_in(vec![Does::Seals(200, stored(bad, "d"))]).await;
        let (id, under) = (SecretId::from_bytes([1; 16]), BoxKey::from_bytes([1; 32]));
        let error = client.secret(id, &under).await.unwrap_err();
        assert!(matches!(error, PsonoClientError::Malformed { .. }), "{bad}: {error}");
    }
    let (client, _questions) = logged_in(vec![Does::Seals(200, stored("{}", "d"))]).await;
    let error = client.secret(SecretId::from_bytes([1; 16]), &BoxKey::from_bytes([2; 32])).await.unwrap_err();
    assert!(matches!(error, PsonoClientError::DoesNotOpen { .. }), "{error}");
}

/// Servers of the vendor do not say when an attached secret was written. Then the list says it, before the secret is read
/// again: were it asked for afterwards, a change in between would be written over.
#[tokio::test]
async fn an_attached_secret_without_a_date_gets_one_that_is_not_too_new() {
    let read = r#"{"data":"DATA","data_nonce":"NONCE","secret_key":"KEY","secret_key_nonce":"NONCE"}"#;
    let nonce = to_hex(&[1; 24]);
    let data = to_hex(&BoxKey::from_bytes([1; 32]).seal(&[1; 24], br#"{"p":"x"}"#));
    let under = to_hex(&seal_key(&BoxKey::from_bytes([3; 32]), &[1; 24], &[1; 32]));
    let read = read.replace("DATA", &data).replace("NONCE", &nonce).replace("KEY", &under);
    let list = json!({
        "read": true, "write": true, "restrict_to_secrets": true,
        "api_key_secrets": [{ "secret_id": uuid(1), "write_date": "listed" }],
    });
    let (read, list): (&'static str, &'static str) = (read.leak(), list.to_string().leak());
    let script =
        vec![Does::Says(200, read), Does::Says(200, list), Does::Says(200, read), Does::Says(200, "{}")];
    let (url, mut questions) = Server::new(script).start().await;
    let attached = AttachedSecrets::new(api_key(&url, &SigningKey::from_seed(&[1; 32])), &options()).unwrap();
    let secret = attached.secret(SecretId::from_bytes([1; 16])).await.unwrap();
    assert_eq!(secret.write_date, "listed");
    assert!(secret.field("p").unwrap().matches("x"));
    attached.set_secret(&secret).await.unwrap();
    let asked = questions_so_far(&mut questions);
    let post = "POST /psono/api-key-access/secret/";
    let inspect = "POST /psono/api-key-access/inspect/";
    assert_eq!(asked, [post, inspect, post, "PUT /psono/api-key-access/secret/"]);
}

/// A-LEAK-01.
#[tokio::test]
async fn nothing_prints_a_key_or_a_secret() {
    let (client, _questions) = logged_in(vec![Does::Seals(200, stored(r#"{"p":"canary"}"#, "d"))]).await;
    let secret = client.secret(SecretId::from_bytes([1; 16]), &BoxKey::from_bytes([1; 32])).await.unwrap();
    let entry = EntrySecret { id: secret.id, key: BoxKey::from_bytes([0xcd; 32]) };
    let printed = format!("{client:?} {secret:?} {:?} {entry:?} {:?}", client.key, Arc::new(&client));
    for canary in ["canary", "cdcd", "205, 205", &key(2), &key(3), "abab"] {
        assert!(!printed.contains(canary), "{printed}");
    }
}
