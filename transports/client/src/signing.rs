//! Signing every request with a service key, by HTTP Message Signatures (RFC 9421). Source: `SIGNING.md`.
//!
//! A signature covers the method, the server's name, the path and the query, all of the body, and every header that
//! changes what the request does. It is good once and for a minute, so nothing is signed before it is sent, and a second
//! try is signed anew. The key itself never leaves the machine.

use std::fmt;

use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use strongroom_primitives::encoding::to_hex;
use strongroom_primitives::http_signatures::{
    DigestAlgorithm, KEY_ID_CHARS_MAX, Parameters, Request, SigningKey, content_digest, sign_request,
};
use strongroom_primitives::secret::{Secret, SecretText};
use strongroom_primitives::sign;

use crate::ClientError;
use crate::keyknox::ports::Ports;

/// Headers that change what a request does; they are covered where they are there.
const COVERED: [&str; 3] = ["if-match", "if-none-match", "idempotency-key"];
const CONTENT_DIGEST: HeaderName = HeaderName::from_static("content-digest");
const SIGNATURE_INPUT: HeaderName = HeaderName::from_static("signature-input");
const SIGNATURE: HeaderName = HeaderName::from_static("signature");
/// Length of a nonce, in bytes before they are written as hexadecimal digits.
const NONCE_BYTES: usize = 16;

/// The id is not one that a key can have: 1 to 128 printable ASCII characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the id of a service key: it has 1 to 128 printable ASCII characters")]
pub struct BadKeyId;

/// A service key that signs requests. Prints without its secret.
pub struct RequestSigner {
    id: Box<str>,
    key: Held,
}

enum Held {
    Ed25519(sign::SigningKey),
    HmacSha256(Secret),
}

impl RequestSigner {
    /// The key of this id, of kind `ed25519`: the server holds its public half only.
    ///
    /// # Errors
    /// [`BadKeyId`].
    pub fn ed25519(id: &str, key: sign::SigningKey) -> Result<Self, BadKeyId> {
        Self::of(id, Held::Ed25519(key))
    }

    /// The key of this id, of kind `hmac-sha256`. Its secret is used as the bytes of this text.
    ///
    /// # Errors
    /// [`BadKeyId`].
    pub fn hmac_sha256(id: &str, secret: &SecretText) -> Result<Self, BadKeyId> {
        Self::of(id, Held::HmacSha256(Secret::from(secret.expose().as_bytes())))
    }

    fn of(id: &str, key: Held) -> Result<Self, BadKeyId> {
        let fits =
            (1..=KEY_ID_CHARS_MAX).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic());
        if fits { Ok(Self { id: id.into(), key }) } else { Err(BadKeyId) }
    }

    /// Adds to the headers of a request what signs it now.
    pub(crate) fn sign(&self, request: Unsigned<'_>, ports: &Ports) -> Result<HeaderMap, ClientError> {
        let Unsigned { method, secure, authority, path, query, mut headers, body } = request;
        if let Some(body) = body {
            let digest = content_digest(DigestAlgorithm::Sha256, body);
            headers.insert(CONTENT_DIGEST, HeaderValue::from_str(&digest).expect("base64 makes a header"));
        }
        let covered: Vec<_> = COVERED.into_iter().filter(|name| headers.contains_key(*name)).collect();
        let texts = headers.iter().map(|(name, value)| Ok((name.as_str(), value.to_str()?)));
        let fields = texts.collect::<Result<Vec<_>, header::ToStrError>>();
        let fields =
            fields.map_err(|_| ClientError::Invalid("a header is not printable ASCII".to_owned()))?;
        let mut nonce = [0; NONCE_BYTES];
        ports.entropy.fill(&mut nonce).map_err(|error| ClientError::Credentials(error.into()))?;
        let parameters = Parameters {
            key_id: &self.id,
            nonce: &to_hex(&nonce),
            created: ports.clock.now(),
            expires: None,
        };
        let request = Request {
            method: method.as_str(),
            scheme: if secure { "https" } else { "http" },
            authority,
            path,
            query,
            fields: &fields,
        };
        let key = match &self.key {
            Held::Ed25519(key) => SigningKey::Ed25519(key),
            Held::HmacSha256(secret) => SigningKey::HmacSha256(secret),
        };
        let signed = sign_request(&request, body.is_some(), &covered, &parameters, &key)
            .map_err(|refusal| ClientError::Invalid(format!("the request cannot be signed: {refusal}")))?;
        for (name, text) in [(SIGNATURE_INPUT, signed.input), (SIGNATURE, signed.signature)] {
            let mut value = HeaderValue::from_str(&text).expect("a structured field makes a header");
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        Ok(headers)
    }
}

impl fmt::Debug for RequestSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RequestSigner({:?})", self.id)
    }
}

/// A request that is about to be sent.
pub(crate) struct Unsigned<'a> {
    pub(crate) method: &'a Method,
    /// Whether the way there is encrypted.
    pub(crate) secure: bool,
    /// The server's name, and its port unless that is the scheme's own.
    pub(crate) authority: &'a str,
    /// The path, percent-encoded.
    pub(crate) path: &'a str,
    /// The query without its question mark.
    pub(crate) query: Option<&'a str>,
    /// What the request carries already, its `Content-Type` included where it has a body.
    pub(crate) headers: HeaderMap,
    pub(crate) body: Option<&'a [u8]>,
}
