//! Responses: bound to one request, made by one server.

use super::*;

/// A response that its holder can change.
#[derive(Debug, Clone)]
struct Reply {
    status: u16,
    fields: Vec<(String, String)>,
    body: String,
}

impl Reply {
    fn empty() -> Self {
        Self { status: 200, fields: Vec::new(), body: String::new() }
    }

    fn new() -> Self {
        let body = r#"{"success":true}"#.to_owned();
        let digest = content_digest(DigestAlgorithm::Sha256, body.as_bytes());
        Self { body, ..Self::empty() }.add("Content-Type", "application/json").add("Content-Digest", &digest)
    }

    fn add(mut self, name: &str, value: &str) -> Self {
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }

    fn with<T>(&self, letter: &Letter, use_it: impl FnOnce(&Response<'_>) -> T) -> T {
        let fields: Vec<_> =
            self.fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        letter.with(|request| use_it(&Response { status: self.status, fields: &fields, request }))
    }

    fn server() -> sign::SigningKey {
        sign::SigningKey::from_seed(&[7; 32])
    }

    /// Signed as the answer to a request.
    fn to(self, letter: &Letter) -> Self {
        let (server, has_body) = (Self::server(), !self.body.is_empty());
        let key = SigningKey::Ed25519(&server);
        let made = self.with(letter, |reply| sign_response(reply, has_body, LABEL, "server", CREATED, &key));
        let made = made.unwrap();
        self.add("Signature-Input", &made.input).add("Signature", &made.signature)
    }

    /// Checked as the answer to a request.
    fn check(&self, letter: &Letter) -> Result<(), Refusal> {
        let server = Self::server().verifying_key();
        let key = VerifyingKey::Ed25519(&server);
        let body = self.body.as_bytes();
        self.with(letter, |reply| check_response(reply, body, LABEL, key, CREATED, PROFILE.window))
    }
}

fn request(nonce: &str) -> Letter {
    let (letter, secret) = (Letter::new(), secret());
    let parameters = Parameters { key_id: KEY_ID, nonce, created: CREATED, expires: None };
    let key = SigningKey::HmacSha256(&secret);
    let made = letter.with(|request| sign_request(request, true, &[], &parameters, &key)).unwrap();
    letter.add("Signature-Input", &made.input).add("Signature", &made.signature)
}

#[test]
fn a_response_is_the_answer_to_its_request_only() {
    let (one, other) = (request(NONCE), request("another nonce of one client"));
    for reply in [Reply::new(), Reply::empty()] {
        let reply = reply.to(&one);
        assert_eq!(reply.check(&one), Ok(()));
        assert_eq!(reply.check(&other), Err(Refusal::Signature));
        assert_eq!(reply.check(&Letter::new()), Err(Refusal::FieldAbsent));
    }
}

/// Adversary N: a receipt cannot be forged or changed on its way.
#[test]
fn a_response_that_is_changed_is_refused() {
    let letter = request(NONCE);
    let reply = Reply::new().to(&letter);
    assert_eq!(Reply { status: 201, ..reply.clone() }.check(&letter), Err(Refusal::Signature));
    assert_eq!(Reply { body: "{}".to_owned(), ..reply.clone() }.check(&letter), Err(Refusal::Digest));
    let unsigned = Reply { fields: reply.fields[..2].to_vec(), ..reply.clone() };
    assert_eq!(unsigned.check(&letter), Err(Refusal::NoSignature));
    let changed = |from: &str, to: &str| {
        let change = |(name, value): &(String, String)| (name.clone(), value.replace(from, to));
        let fields: Vec<_> = reply.fields.iter().map(change).collect();
        assert_ne!(fields, reply.fields, "{from}");
        Reply { fields, ..reply.clone() }.check(&letter)
    };
    assert_eq!(changed("application/json", "text/html"), Err(Refusal::Signature));
    assert_eq!(changed("sha-256=:", "sha-256=:AAAA"), Err(Refusal::Signature));
    assert_eq!(changed("created=15", "created=14"), Err(Refusal::Created));
    assert_eq!(changed(";created=1573691665", ""), Err(Refusal::ParameterAbsent("created")));
    assert_eq!(changed(";alg=\"ed25519\"", ""), Err(Refusal::ParameterAbsent("alg")));
    assert_eq!(changed("ed25519", "hmac-sha256"), Err(Refusal::Signature));
    assert_eq!(changed("\"@status\" ", ""), Err(Refusal::NotCovered("@status")));
    assert_eq!(changed(" \"signature\";req;key=\"sig\"", ""), Err(Refusal::NotCovered("signature")));
    assert_eq!(changed("key=\"sig\"", "key=\"other\""), Err(Refusal::NotCovered("signature")));
    assert_eq!(changed(" \"content-digest\"", ""), Err(Refusal::NotCovered("content-digest")));
    assert_eq!(changed(" \"content-type\"", ""), Err(Refusal::NotCovered("content-type")));
    assert_eq!(changed("\"@status\"", "\"@status\" \"@method\""), Err(Refusal::Component));
    assert_eq!(changed("\"@status\"", "\"@status\" \"@method\";req"), Err(Refusal::Signature));
}

#[test]
fn a_body_that_is_put_into_an_empty_response_is_refused() {
    let letter = request(NONCE);
    let stuffed = Reply { body: "x".to_owned(), ..Reply::empty().to(&letter) };
    assert_eq!(stuffed.check(&letter), Err(Refusal::NotCovered("content-type")));
}
