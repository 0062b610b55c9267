//! From a request to a credential: of which kind it is, and nothing about whether it is good.
//!
//! A bearer token is hashed here and its text goes no further; what the engine compares are hashes. A signed request
//! (RFC 9421) is handed on whole: the signature covers all of it.

use bytes::Bytes;
use http::{HeaderMap, Method, header};
use strongroom_engine::{
    Credential, EngineError,
    domains::service_keys::{MessageFacts, SignedRequest},
};
use strongroom_primitives::{hash::sha256, http_signatures::TAG};

use crate::{Front, exchange::Request};

/// What begins every bearer token.
const BEARER_PREFIX: &str = "srt_";

/// A request as far as its credential goes.
pub(crate) struct Shown<'r> {
    pub(crate) method: &'r Method,
    pub(crate) path: &'r str,
    pub(crate) query: Option<&'r str>,
    pub(crate) headers: &'r HeaderMap,
    pub(crate) body: Bytes,
}

impl<'r> From<&'r Request> for Shown<'r> {
    fn from(request: &'r Request) -> Self {
        let Request { method, path, query, headers, body, .. } = request;
        Self { method, path, query: query.as_deref(), headers, body: body.clone() }
    }
}

impl Shown<'_> {
    /// The credential of the request: what its `Authorization` names, or the signature of a service key. One request has
    /// one: made once, because a signature is taken once.
    ///
    /// # Errors
    /// As [`of`]; and [`EngineError::CredentialInvalid`] for a request that has both.
    pub(crate) fn credential(&self, front: &Front) -> Result<Credential, EngineError> {
        let signed = is_signed(self.headers);
        match of(self.headers)? {
            Credential::Anonymous if signed => {
                Ok(Credential::Signed(SignedRequest::message(self.facts(front))))
            }
            _ if signed => Err(EngineError::CredentialInvalid),
            credential => Ok(credential),
        }
    }

    fn facts(&self, front: &Front) -> MessageFacts {
        let mut hosts = self.headers.get_all(header::HOST).iter();
        let host = hosts.next().filter(|_| hosts.next().is_none()).and_then(|host| host.to_str().ok());
        let authority = host.unwrap_or_default();
        let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
        let fields = self.headers.iter().map(|(name, value)| (name.to_string(), text(value.as_bytes())));
        MessageFacts {
            method: self.method.to_string(),
            scheme: front.public_urls().scheme_of(authority),
            authority: authority.to_owned(),
            names: front.public_urls().authorities().clone(),
            path: self.path.to_owned(),
            query: self.query.map(str::to_owned),
            fields: fields.collect(),
            body: self.body.clone(),
        }
    }
}

/// Whether a request says that it is signed for us. Signatures of others on the way have another tag; a field has one
/// spelling, or the signature is refused.
fn is_signed(headers: &HeaderMap) -> bool {
    let ours = format!(";tag=\"{TAG}\"");
    let mut inputs = headers.get_all("signature-input").iter();
    inputs.any(|value| String::from_utf8_lossy(value.as_bytes()).contains(&ours))
}

/// The credential in the headers of a request: [`Credential::Anonymous`] without an `Authorization`.
///
/// # Errors
/// [`EngineError::CredentialInvalid`] if the header is repeated, is not text, or has a scheme that is not known here.
pub fn of(headers: &HeaderMap) -> Result<Credential, EngineError> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(Credential::Anonymous),
        (Some(value), None) => read(value.to_str().map_err(|_| EngineError::CredentialInvalid)?),
        _ => Err(EngineError::CredentialInvalid),
    }
}

/// The credential that an `Authorization` value names: `Bearer srt_...`, or a dialect's own scheme where the dialect
/// is part of the build.
///
/// # Errors
/// [`EngineError::CredentialInvalid`].
pub fn read(authorization: &str) -> Result<Credential, EngineError> {
    if let Some((scheme, text)) = authorization.split_once(' ')
        && scheme.eq_ignore_ascii_case("bearer")
    {
        let is_ours = text.starts_with(BEARER_PREFIX) && text.bytes().all(|byte| byte.is_ascii_graphic());
        return if is_ours {
            Ok(Credential::bearer(sha256(text.as_bytes())))
        } else {
            Err(EngineError::CredentialInvalid)
        };
    }
    of_dialects(authorization).ok_or(EngineError::CredentialInvalid)
}

#[cfg(feature = "dialect-keyknox")]
fn of_dialects(authorization: &str) -> Option<Credential> {
    crate::dialects::keyknox::token::credential(authorization)
}

#[cfg(not(feature = "dialect-keyknox"))]
fn of_dialects(_: &str) -> Option<Credential> {
    None
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn headers(values: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::AUTHORIZATION, HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    #[test]
    fn a_bearer_token_is_known_by_its_hash() {
        let Ok(Credential::Bearer { digest, realm: None }) = of(&headers(&["bEaReR srt_abc"])) else {
            panic!("a bearer")
        };
        assert_eq!(digest, sha256(b"srt_abc"));
        assert!(matches!(of(&HeaderMap::new()), Ok(Credential::Anonymous)));
    }

    #[test]
    fn anything_else_is_no_credential() {
        for bad in [
            "",
            "Bearer",
            "Bearer ",
            "Bearer  srt_abc",
            "Bearer abc",
            "Bearer srt_a b",
            "Basic srt_abc",
            "srt_abc",
            "Digest username=x",
        ] {
            assert!(matches!(of(&headers(&[bad])), Err(EngineError::CredentialInvalid)), "{bad:?}");
        }
        let twice = headers(&["Bearer srt_abc", "Bearer srt_abc"]);
        assert!(matches!(of(&twice), Err(EngineError::CredentialInvalid)), "repeated");
        let mut raw = HeaderMap::new();
        raw.insert(header::AUTHORIZATION, HeaderValue::from_bytes(b"Bearer srt_\xff").unwrap());
        assert!(matches!(of(&raw), Err(EngineError::CredentialInvalid)), "not text");
    }

    /// A-LEAK-01: what is kept of a token prints without it.
    #[test]
    fn a_credential_prints_without_its_token() {
        let printed = format!("{:?}", read("Bearer srt_canary").unwrap());
        assert!(!printed.contains("canary"), "{printed}");
    }
}
