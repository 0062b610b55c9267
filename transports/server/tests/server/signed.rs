//! Requests that service keys sign by RFC 9421, on the real binary: each is taken once, over kills too, and for the
//! names by which the server is reached only. Source: SIGNING.md.

use std::{fs, path::Path, time::Duration};

use serde_json::Value;
use strongroom_engine::ports::{Clock, SystemClock};
use strongroom_primitives::{
    encoding,
    http_signatures::{DigestAlgorithm, Parameters, Request, SigningKey, content_digest, sign_request},
    secret::Secret,
    sign,
    time::Timestamp,
};

use crate::{
    kit::{Answer, Server, ask_by_name, folder, succeed},
    person::random,
};

const LIST: &str = "/v1/service-keys";
const SELF: &str = "/v1/service-keys/self";
const EVERYTHING: &str = r#"{"version":"1","default_allow":true,"permissions":{}}"#;
const REPLAYED: &str = "the signature has been taken before";
const BEFORE_START: &str = "the request was signed before this server was ready for it";
const NOT_SIGNED: &str = "signature does not verify";
const OTHER_NAME: &str = "authority is not one of the public names";

/// A name that the server is reached by through a proxy, and what tells it so.
const NAME: &str = "https://keys.example";
const NAMED: [&str; 2] = ["--set", r#"server.public_urls=["https://keys.example"]"#];

/// A server that may keep chains, without the dialect that brought them.
fn serve(folder: &Path, more: &[&str]) -> Server {
    if !folder.join("root.key").exists() {
        succeed(folder, &["store", "key", "new", "-o", "root.key"]);
        fs::write(folder.join("everything.json"), EVERYTHING).unwrap();
    }
    Server::serve(folder, &[&["--set", "storage.root_key_file=root.key"], more].concat())
}

fn new_chain(server: &Server) -> String {
    server.admin_json(&["chain", "create"])["chain"].as_str().unwrap().to_owned()
}

/// Whoever holds a key.
pub(crate) struct Holder {
    id: String,
    key: Held,
}

enum Held {
    Ed25519(sign::SigningKey),
    HmacSha256(Secret),
}

impl Holder {
    /// A key of kind `hmac-sha256`, of which the operator was told this.
    pub(crate) fn of(made: &Value) -> Self {
        let secret = Secret::from(made["secret"].as_str().unwrap().as_bytes());
        Self { id: made["key"]["id"].as_str().unwrap().to_owned(), key: Held::HmacSha256(secret) }
    }

    /// A key of each kind that signs messages, which may do everything with its chain.
    fn both(server: &Server, chain: &str) -> [Self; 2] {
        let create = ["service-key", "create", "--chain", chain, "--permissions", "everything.json"];
        let private = sign::SigningKey::from_seed(&random());
        let public = encoding::to_base64(private.verifying_key().as_bytes());
        let lamp = server
            .admin_json(&[&create[..], &["--kind", "ed25519", "--public-key", public.as_str()]].concat());
        let bell = server.admin_json(&[&create[..], &["--kind", "hmac-sha256"]].concat());
        let id = lamp["key"]["id"].as_str().unwrap().to_owned();
        [Self { id, key: Held::Ed25519(private) }, Self::of(&bell)]
    }

    /// A request for the server that is reached by this URL, created then.
    fn sign(
        &self,
        url: &str,
        method: &'static str,
        target: &str,
        body: &'static str,
        created: Timestamp,
    ) -> Signed {
        let (scheme, authority) = url.split_once("://").unwrap();
        let (path, query) =
            target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
        let digest = content_digest(DigestAlgorithm::Sha256, body.as_bytes());
        let of_body = [("content-type", "application/json"), ("content-digest", digest.as_str())];
        let fields = if body.is_empty() { &[][..] } else { &of_body[..] };
        let request = Request { method, scheme, authority, path, query, fields };
        let nonce = encoding::to_hex(&random::<16>());
        let parameters = Parameters { key_id: &self.id, nonce: &nonce, created, expires: None };
        let key = match &self.key {
            Held::Ed25519(key) => SigningKey::Ed25519(key),
            Held::HmacSha256(secret) => SigningKey::HmacSha256(secret),
        };
        let signed = sign_request(&request, !body.is_empty(), &["@target-uri"], &parameters, &key).unwrap();
        let mut headers = vec![("Signature-Input", signed.input), ("Signature", signed.signature)];
        if !body.is_empty() {
            headers.push(("Content-Digest", digest));
        }
        Signed { method, target: target.to_owned(), host: authority.to_owned(), headers, body }
    }

    /// Asks a server by the address of its listener, with a request that is signed now.
    pub(crate) fn ask(
        &self,
        server: &Server,
        method: &'static str,
        target: &str,
        body: &'static str,
    ) -> Answer {
        self.sign(&address(server), method, target, body, wall()).send(server)
    }
}

fn address(server: &Server) -> String {
    format!("http://{}", server.public)
}

fn wall() -> Timestamp {
    SystemClock::new().wall()
}

/// A request as it goes over the wire, as often as one likes.
struct Signed {
    method: &'static str,
    target: String,
    host: String,
    headers: Vec<(&'static str, String)>,
    body: &'static str,
}

impl Signed {
    fn send(&self, server: &Server) -> Answer {
        let headers: Vec<(&str, &str)> = self.headers.iter().map(|(name, value)| (*name, &**value)).collect();
        ask_by_name(&server.public, &self.host, self.method, &self.target, &headers, self.body).unwrap()
    }
}

/// Expects a refusal for one of these reasons, with what the next request needs.
#[track_caller]
fn is_refused(answer: &Answer, reasons: &[&str]) {
    let told = answer.json();
    assert_eq!((answer.status, told["code"].as_str()), (401, Some("signature-refused")), "{answer:?}");
    let detail = told["detail"].as_str().unwrap();
    assert!(reasons.iter().any(|reason| detail.starts_with(reason)), "{reasons:?}: {detail}");
    let head = answer.head.to_ascii_lowercase();
    assert!(head.contains("\r\naccept-signature: sig=(") && head.contains("\r\ndate: "), "{head}");
}

/// A-MAC-02: a request that was taken is refused by the process that comes after a SIGKILL, and a new one is good.
#[test]
fn what_was_taken_before_a_kill_is_not_taken_after_it() {
    let folder = folder();
    // Its next process listens at another port, and is still reached by this name.
    let mut server = serve(folder.path(), &NAMED);
    let holders = Holder::both(&server, &new_chain(&server));
    let ahead = wall().saturating_add(Duration::from_secs(40));
    let mut taken = Vec::new();
    for holder in &holders {
        for (method, target, body, created) in [
            ("GET", SELF, "", wall()),
            ("POST", LIST, r#"{"nickname":"once"}"#, wall()),
            ("GET", SELF, "", ahead),
            ("POST", LIST, r#"{"nickname":"once"}"#, ahead),
        ] {
            taken.push((holder.sign(NAME, method, target, body, created), created == ahead));
        }
    }
    for (request, _) in &taken {
        let answer = request.send(&server);
        assert_eq!(answer.status, 200, "{answer:?}");
        is_refused(&request.send(&server), &[REPLAYED]);
    }
    server.signal("KILL");
    assert!(!server.wait().success());
    drop(server);

    let server = serve(folder.path(), &NAMED);
    for (request, is_ahead) in &taken {
        // The memory is gone, and what it can have held is too old. What says a later time lies in the store.
        let reasons: &[&str] = if *is_ahead { &[REPLAYED] } else { &[REPLAYED, BEFORE_START] };
        is_refused(&request.send(&server), reasons);
    }
    let listed = holders[0].sign(NAME, "GET", LIST, "", wall()).send(&server).json();
    let made = listed["service_keys"].as_array().unwrap().iter().filter(|key| key["nickname"] == "once");
    assert_eq!(made.count(), 4, "each was made once: {listed}");
    server.stop();
}

/// A-MAC-01, A-HTTP-08: what a request may be for is what the operator has configured, not what its `Host` says, and so is
/// the scheme, however the last proxy comes.
#[test]
fn the_configured_urls_decide_what_a_request_may_be_for() {
    let folder = folder();
    let server = serve(folder.path(), &[]);
    let chain = new_chain(&server);
    let holders = Holder::both(&server, &chain);
    let port = server.public.rsplit(':').next().unwrap();
    let localhost = format!("http://localhost:{port}");
    let send =
        |server: &Server, holder: &Holder, url: &str| holder.sign(url, "GET", SELF, "", wall()).send(server);
    for holder in &holders {
        assert_eq!(send(&server, holder, &address(&server)).status, 200);
        assert_eq!(send(&server, holder, &localhost).status, 200);
        is_refused(&send(&server, holder, NAME), &[OTHER_NAME]);
        is_refused(&send(&server, holder, &format!("http://127.0.0.1:1{port}")), &[OTHER_NAME]);
    }
    server.stop();

    let server = serve(folder.path(), &NAMED);
    for holder in &holders {
        let answer = holder.sign(NAME, "GET", SELF, "", wall()).send(&server);
        assert_eq!(answer.json()["id"], holder.id, "{answer:?}");
        for same in ["https://KEYS.example", "https://keys.example:443"] {
            assert_eq!(send(&server, holder, same).status, 200);
        }
        for other in [&address(&server), "https://keys.example:444", "https://keys.example.org"] {
            is_refused(&send(&server, holder, other), &[OTHER_NAME]);
        }
        // It is signed whole, and the scheme is part of it.
        is_refused(&send(&server, holder, "http://keys.example"), &[NOT_SIGNED]);
        let mut moved = holder.sign("https://elsewhere.example", "GET", SELF, "", wall());
        moved.host = "keys.example".to_owned();
        is_refused(&moved.send(&server), &[NOT_SIGNED]);
    }
    server.stop();
}
