//! Somebody who signs messages by RFC 9421 with a service key.

use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use strongroom_primitives::{
    dc1::KeyId,
    http_signatures::{DigestAlgorithm, Parameters, Request, SigningKey, content_digest, sign_request},
    secret::Secret,
    sign,
    time::Timestamp,
};

use crate::{
    Credential,
    domains::service_keys::{MessageFacts, NewServiceKey, SignedRequest, SignsWith},
};

/// The public name of the server that messages are for.
pub const NAME: &str = "keys.example";

static NAMES: LazyLock<Arc<[String]>> = LazyLock::new(|| [NAME.to_owned()].into());

/// What signs.
#[derive(Debug, Clone)]
enum Held {
    Ed25519(Box<sign::SigningKey>),
    HmacSha256(Secret),
}

/// Holds a service key.
#[derive(Debug, Clone)]
pub struct MessageSigner {
    /// The key.
    pub id: KeyId,
    held: Held,
}

impl MessageSigner {
    /// What a key of the private key with this seed is made with.
    pub fn public(seed: u8) -> SignsWith {
        SignsWith::Ed25519 { public_key: *private(seed).verifying_key().as_bytes() }
    }

    /// Who has the private key with this seed.
    pub fn of_seed(id: &KeyId, seed: u8) -> Self {
        Self { id: id.clone(), held: Held::Ed25519(Box::new(private(seed))) }
    }

    /// Who was given a key and its secret, or brought the public key of `seed` for it.
    pub fn of(new: &NewServiceKey, seed: u8) -> Self {
        match &new.secret {
            Some(secret) => Self::of_secret(&new.key.id, secret.expose().expose().as_bytes()),
            None => Self::of_seed(&new.key.id, seed),
        }
    }

    /// Who takes these bytes for the secret of a key.
    pub fn of_secret(id: &KeyId, secret: &[u8]) -> Self {
        Self { id: id.clone(), held: Held::HmacSha256(secret.into()) }
    }

    /// A signed request at `at`, cut to seconds; `number` makes its nonce.
    pub fn facts(&self, at: Timestamp, number: u64) -> MessageFacts {
        self.sign(message("{}"), at, number, None)
    }

    /// These facts with a signature in place of the one that is there.
    ///
    /// # Panics
    /// If they are nothing that can be signed.
    pub fn sign(
        &self,
        mut facts: MessageFacts,
        at: Timestamp,
        number: u64,
        expires: Option<Timestamp>,
    ) -> MessageFacts {
        facts.fields.retain(|(name, _)| !name.starts_with("signature"));
        let nonce = format!("nonce-{number:010}");
        let parameters = Parameters { key_id: self.id.as_str(), nonce: &nonce, created: at, expires };
        let fields: Vec<_> =
            facts.fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let request = Request {
            method: &facts.method,
            scheme: facts.scheme,
            authority: &facts.authority,
            path: &facts.path,
            query: facts.query.as_deref(),
            fields: &fields,
        };
        let key = match &self.held {
            Held::Ed25519(key) => SigningKey::Ed25519(key),
            Held::HmacSha256(secret) => SigningKey::HmacSha256(secret),
        };
        let made = sign_request(&request, !facts.body.is_empty(), &[], &parameters, &key);
        let made = made.expect("facts that can be signed");
        facts.fields.push(("signature-input".to_owned(), made.input));
        facts.fields.push(("signature".to_owned(), made.signature));
        facts
    }

    /// The credential of a request that has just arrived.
    pub fn credential(&self, at: Timestamp, number: u64) -> Credential {
        Credential::Signed(SignedRequest::message(self.facts(at, number)))
    }
}

/// A request with this body, not signed.
pub fn message(body: &'static str) -> MessageFacts {
    let mut fields = vec![("host".to_owned(), NAME.to_owned())];
    if !body.is_empty() {
        let digest = content_digest(DigestAlgorithm::Sha256, body.as_bytes());
        fields.push(("content-type".to_owned(), "application/json".to_owned()));
        fields.push(("content-digest".to_owned(), digest));
    }
    MessageFacts {
        method: "POST".to_owned(),
        scheme: "https",
        authority: NAME.to_owned(),
        names: NAMES.clone(),
        path: "/v1/keys".to_owned(),
        query: Some("x=1".to_owned()),
        fields,
        body: Bytes::from_static(body.as_bytes()),
    }
}

fn private(seed: u8) -> sign::SigningKey {
    sign::SigningKey::from_seed(&[seed; 32])
}
