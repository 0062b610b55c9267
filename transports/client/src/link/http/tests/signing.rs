//! Requests that a service key signs, as whoever receives them verifies them.

use reqwest::Method;
use reqwest::header::HeaderMap;
use strongroom_primitives::http_signatures::{
    self, Accepted, Claim, Profile, Refusal, Request, VerifyingKey,
};
use strongroom_primitives::secret::Secret;
use strongroom_primitives::sign::SigningKey;
use strongroom_primitives::time::Timestamp;

use super::*;
use crate::RequestSigner;
use crate::keyknox::ports::Ports;

/// What came over the wire, taken apart.
struct Received {
    method: String,
    target: String,
    fields: Vec<(String, String)>,
    body: String,
}

impl Received {
    fn read(text: &str) -> Self {
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let mut lines = head.split("\r\n");
        let mut first = lines.next().unwrap().split(' ').map(str::to_owned);
        let (method, target) = (first.next().unwrap(), first.next().unwrap());
        let fields = lines.map(|line| line.split_once(": ").unwrap());
        let fields = fields.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Self { method, target, fields, body: body.to_owned() }
    }

    fn field(&self, wanted: &str) -> Option<&str> {
        self.fields.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| &**value)
    }

    fn check(&self, key: VerifyingKey<'_>) -> Result<Accepted, Refusal> {
        let fields: Vec<_> = self.fields.iter().map(|(name, value)| (&**name, &**value)).collect();
        let (path, query) = match self.target.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (&*self.target, None),
        };
        let authority = self.field("host").unwrap();
        let request =
            Request { method: &self.method, scheme: "http", authority, path, query, fields: &fields };
        let profile = Profile {
            authorities: &[authority],
            window: Duration::from_secs(60),
            life_max: Duration::from_secs(300),
        };
        // The clock of these tests stands at one second.
        Claim::read(&request, &profile, Timestamp::from_s(1))?
            .verify(Some(key))?
            .check_body(self.body.as_bytes())
    }
}

/// Asks, and says what was received of it.
async fn received(signer: RequestSigner, question: &Question) -> Received {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let link = HttpLink::new(&url, Credentials::signing(signer), options()).unwrap();
    let answering = async {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut text = vec![0; 8_192];
        let length = socket.read(&mut text).await.unwrap();
        socket.write_all(&response("404 Not Found", "", "{}")).await.unwrap();
        String::from_utf8(text[..length].to_vec()).unwrap()
    };
    let (_, text) = tokio::join!(link.ask(question), answering);
    Received::read(&text)
}

fn write() -> Question {
    let put = Operation::PutRecord {
        name: names(&["a b"]),
        meta: Base64Bytes("m".into()),
        value: Base64Bytes("v".into()),
        previous: Some(Previous::Absent),
        recipients: Vec::new(),
    };
    let idempotency = Some(IdempotencyKey::from_bytes([0xab; 16]));
    Question { operation: put, idempotency, within: Duration::from_secs(5) }
}

/// A-MAC-01: the signature covers all that says what the request does.
#[tokio::test]
async fn a_service_key_signs_what_is_sent() {
    let key = SigningKey::from_seed(&[9; 32]);
    let public = key.verifying_key();
    let request = received(RequestSigner::ed25519("EAYRMSXDOSWY", key).unwrap(), &write()).await;
    let accepted = request.check(VerifyingKey::Ed25519(&public)).unwrap();
    assert_eq!((accepted.key_id.as_str(), accepted.nonce.len()), ("EAYRMSXDOSWY", 32));
    assert_eq!(request.field("authorization"), None);
    let input = request.field("signature-input").unwrap();
    for covered in ["\"@authority\"", "\"content-digest\"", "\"if-none-match\"", "\"idempotency-key\""] {
        assert!(input.contains(covered), "{input}");
    }
    for (what, changed) in [
        ("method", Received { method: "POST".to_owned(), ..Received::read(&spoken(&request)) }),
        ("target", Received { target: "/v1/records/b".to_owned(), ..Received::read(&spoken(&request)) }),
        ("body", Received { body: "{}".to_owned(), ..Received::read(&spoken(&request)) }),
        (
            "if-none-match",
            Received::read(&spoken(&request).replace("if-none-match: *", "if-none-match: \"x\"")),
        ),
    ] {
        assert!(changed.check(VerifyingKey::Ed25519(&public)).is_err(), "{what}");
    }
}

/// It as it came.
fn spoken(request: &Received) -> String {
    let Received { method, target, fields, body } = request;
    let fields: String = fields.iter().map(|(name, value)| format!("\r\n{name}: {value}")).collect();
    format!("{method} {target} HTTP/1.1{fields}\r\n\r\n{body}")
}

#[tokio::test]
async fn a_shared_secret_signs_as_well_and_without_a_body_too() {
    let secret = SecretText::new("6S0c15MghGrpMwzz9EK2j3huQTFwH1EULdmofGXPDuj".to_owned());
    let key = Secret::from(secret.expose().as_bytes());
    let request = received(RequestSigner::hmac_sha256("KEY", &secret).unwrap(), &sessions()).await;
    assert!(request.check(VerifyingKey::HmacSha256(&key)).is_ok());
    assert_eq!(request.field("content-digest"), None);
    let other = Secret::from(&b"another"[..]);
    assert_eq!(request.check(VerifyingKey::HmacSha256(&other)), Err(Refusal::Signature));
}

/// A second try is another request to whoever remembers the first.
#[test]
fn every_try_has_a_nonce_of_its_own() {
    let secret = SecretText::new("6S0c15MghGrpMwzz9EK2j3huQTFwH1EULdmofGXPDuj".to_owned());
    let nonce = || {
        let key = Secret::from(secret.expose().as_bytes());
        let ports = Ports::system();
        let signer = RequestSigner::hmac_sha256("KEY", &secret).unwrap();
        let unsigned = Unsigned {
            method: &Method::GET,
            secure: true,
            authority: "keys.example:443",
            path: "/v1/session",
            query: None,
            headers: HeaderMap::new(),
            body: None,
        };
        let headers = signer.sign(unsigned, &ports).unwrap();
        let fields: Vec<_> =
            headers.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
        let request = Request {
            method: "GET",
            scheme: "https",
            authority: "keys.example",
            path: "/v1/session",
            query: None,
            fields: &fields,
        };
        let profile = Profile {
            authorities: &["keys.example"],
            window: Duration::from_secs(60),
            life_max: Duration::from_secs(300),
        };
        let claim = Claim::read(&request, &profile, ports.clock.now()).unwrap();
        claim.verify(Some(VerifyingKey::HmacSha256(&key))).unwrap().check_body(b"").unwrap().nonce
    };
    assert_ne!(nonce(), nonce());
}

/// A-LEAK-01: neither secret nor signature is shown.
#[test]
fn a_signer_prints_without_its_secret() {
    let secret = SecretText::new("canary-canary-canary-canary-canary".to_owned());
    let signer = RequestSigner::hmac_sha256("KEY", &secret).unwrap();
    assert_eq!(format!("{signer:?}"), "RequestSigner(\"KEY\")");
    assert_eq!(format!("{:?}", Credentials::signing(signer)), "Credentials(signing)");
    let long = "x".repeat(http_signatures::KEY_ID_CHARS_MAX + 1);
    for bad in ["", "a b", "zo\u{e9}", long.as_str()] {
        assert!(RequestSigner::hmac_sha256(bad, &secret).is_err(), "{bad:?}");
    }
}
