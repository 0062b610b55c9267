//! Which scripts in browsers may read our answers. Sans-IO: headers in, headers out.
//!
//! Origins are listed one by one and compared byte for byte; there is no wildcard, `null` is nobody, and no answer
//! allows cookies but those of a dialect that is reached with them. Nothing here protects a request: credentials do. It decides only what a browser shows to a script.

use std::{collections::BTreeSet, time::Duration};

use http::{HeaderMap, HeaderValue, Method, StatusCode, header};

use crate::exchange::{Request, Response};

const METHODS: HeaderValue = HeaderValue::from_static("GET, PUT, POST, PATCH, DELETE, OPTIONS");

const REQUEST_HEADERS: HeaderValue = HeaderValue::from_static(
    "Authorization, Content-Type, Virgil-Agent, Virgil-Keyknox-Previous-Hash, If-Match, If-None-Match, \
     Idempotency-Key, Strongroom-Keyknox-Evidence, Authorization-Validator, Audit-Log, Pragma, If-Modified-Since, \
     Cache-Control, Accept, X-Juicebox-Version",
);

const EXPOSED_HEADERS: HeaderValue = HeaderValue::from_static(
    "Virgil-Keyknox-Hash, ETag, Retry-After, Strongroom-Request-Id, Strongroom-Keyknox-Sequence, \
     Strongroom-Keyknox-Chain, Strongroom-Keyknox-Receipt, Strongroom-Keyknox-Receipt-Key",
);

/// What is shown to scripts below a mount that is reached with cookies. Source: dialects/misakey.md, section 3.
const COOKIE_METHODS: HeaderValue = HeaderValue::from_static("GET, POST, PUT, OPTIONS, PATCH, DELETE, HEAD");

/// The same.
const COOKIE_REQUEST_HEADERS: HeaderValue =
    HeaderValue::from_static("Authorization, Origin, X-Requested-With, X-CSRF-Token, Content-Type, Accept");

/// How long a browser may remember an answer to its preflight, unless a dialect says otherwise.
pub(crate) const PREFLIGHT_AGE: Duration = Duration::from_secs(600);

/// Something that is no origin of a web page.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no origin: write scheme://host or scheme://host:port, in lower case, without a path")]
pub struct OriginError(String);

/// Whether pages send cookies along.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cookies {
    /// They do not, and what they are answered does not allow it.
    Refused,
    /// They sign in with them.
    Taken,
}

/// The origins whose scripts may read answers. Without any, none may.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CorsPolicy {
    origins: BTreeSet<String>,
}

impl CorsPolicy {
    /// Allows scripts of these origins and no other.
    ///
    /// # Errors
    /// [`OriginError`] for anything that a browser would never send as an origin, above all `*` and `null`.
    pub fn new(origins: impl IntoIterator<Item = String>) -> Result<Self, OriginError> {
        let origins = origins
            .into_iter()
            .map(|origin| if is_origin(&origin) { Ok(origin) } else { Err(OriginError(origin)) })
            .collect::<Result<_, _>>()?;
        Ok(Self { origins })
    }

    /// Whether this origin is listed.
    pub fn allows(&self, origin: &str) -> bool {
        self.origins.contains(origin)
    }

    /// Whether a WebSocket may be opened by a request with these headers. A browser always says its origin and it must
    /// be a listed one; a request without an origin does not come from a script in a browser.
    pub fn admits_socket(&self, headers: &HeaderMap) -> bool {
        !headers.contains_key(header::ORIGIN) || self.allowed_origin(headers).is_some()
    }

    /// The answer to a preflight, which a browser may remember for `age`; `None` if the request is none.
    pub(crate) fn preflight(&self, request: &Request, age: Duration, cookies: Cookies) -> Option<Response> {
        if request.method != Method::OPTIONS
            || !request.headers.contains_key(header::ORIGIN)
            || !request.headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
        {
            return None;
        }
        if self.allowed_origin(&request.headers).is_none() {
            return Some(Response::empty(StatusCode::FORBIDDEN));
        }
        let mut response = Response::empty(StatusCode::NO_CONTENT);
        let headers = &mut response.headers;
        let (methods, request_headers) = match cookies {
            Cookies::Refused => (METHODS, REQUEST_HEADERS),
            Cookies::Taken => (COOKIE_METHODS, COOKIE_REQUEST_HEADERS),
        };
        headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, methods);
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, request_headers);
        headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from(age.as_secs()));
        Some(response)
    }

    /// Adds to an answer what lets the script that asked read it, if it may.
    pub(crate) fn decorate(&self, asked: &HeaderMap, answer: &mut HeaderMap, cookies: Cookies) {
        if self.origins.is_empty() {
            return;
        }
        // A cache must not hand one origin's answer to another, not even the answer without permission.
        answer.append(header::VARY, HeaderValue::from_static("Origin"));
        if let Some(origin) = self.allowed_origin(asked) {
            answer.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
            answer.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED_HEADERS);
            if cookies == Cookies::Taken {
                answer.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
            }
        }
    }

    fn allowed_origin<'a>(&self, headers: &'a HeaderMap) -> Option<&'a HeaderValue> {
        let mut origins = headers.get_all(header::ORIGIN).iter();
        match (origins.next(), origins.next()) {
            (Some(origin), None) if origin.to_str().is_ok_and(|text| self.allows(text)) => Some(origin),
            _ => None,
        }
    }
}

fn is_origin(text: &str) -> bool {
    let Some((scheme, host)) = text.split_once("://") else { return false };
    let in_scheme = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"+-.".contains(&byte);
    let in_host = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-._:[]".contains(&byte);
    !scheme.is_empty() && scheme.bytes().all(in_scheme) && !host.is_empty() && host.bytes().all(in_host)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use http::HeaderName;

    use super::*;
    use crate::exchange::Peer;

    fn policy() -> CorsPolicy {
        CorsPolicy::new(["https://app.example".to_owned(), "http://localhost:3000".to_owned()]).unwrap()
    }

    fn request(method: Method, headers: &[(HeaderName, &str)]) -> Request {
        let headers = headers
            .iter()
            .map(|(name, value)| (name.clone(), HeaderValue::from_str(value).unwrap()))
            .collect();
        Request {
            method,
            path: Arc::from("/v1/session"),
            query: None,
            headers,
            body: bytes::Bytes::new(),
            peer: Peer::default(),
            request_id: Arc::from("r"),
        }
    }

    #[test]
    fn only_what_a_browser_sends_can_be_listed() {
        for bad in ["*", "null", "", "https://", "app.example", "https://App.example", "https://app.example/"]
        {
            assert_eq!(CorsPolicy::new([bad.to_owned()]), Err(OriginError(bad.to_owned())));
        }
        assert!(CorsPolicy::new(["https://[::1]:8443".to_owned()]).is_ok());
    }

    /// A-HTTP-09.
    #[test]
    fn only_listed_origins_may_read_an_answer_and_never_with_cookies() {
        let seen = |origin: &str| {
            let mut answer = HeaderMap::new();
            policy().decorate(
                &request(Method::GET, &[(header::ORIGIN, origin)]).headers,
                &mut answer,
                Cookies::Refused,
            );
            assert_eq!(answer[header::VARY], "Origin");
            assert!(!answer.contains_key(header::ACCESS_CONTROL_ALLOW_CREDENTIALS));
            answer.get(header::ACCESS_CONTROL_ALLOW_ORIGIN).map(|value| value.to_str().unwrap().to_owned())
        };
        assert_eq!(seen("https://app.example").as_deref(), Some("https://app.example"));
        for foreign in [
            "null",
            "https://app.example.evil.example",
            "https://evilapp.example",
            "http://app.example",
            "https://app.example:8443",
            "https://APP.example",
            "*",
        ] {
            assert_eq!(seen(foreign), None, "{foreign}");
        }
        let mut headers = HeaderMap::new();
        for origin in ["https://app.example", "https://evil.example"] {
            headers.append(header::ORIGIN, HeaderValue::from_static(origin));
        }
        assert!(policy().allowed_origin(&headers).is_none(), "two origins are nobody's");
    }

    /// A-HTTP-09: a preflight from elsewhere is refused, and one from a listed origin learns the methods and headers.
    #[test]
    fn a_preflight_is_answered_for_listed_origins_only() {
        let asks = |origin| {
            let headers = [(header::ORIGIN, origin), (header::ACCESS_CONTROL_REQUEST_METHOD, "PUT")];
            policy().preflight(&request(Method::OPTIONS, &headers), PREFLIGHT_AGE, Cookies::Refused).unwrap()
        };
        let welcome = asks("https://app.example");
        assert_eq!(welcome.status, StatusCode::NO_CONTENT);
        assert!(welcome.headers[header::ACCESS_CONTROL_ALLOW_METHODS].to_str().unwrap().contains("DELETE"));
        assert_eq!(welcome.headers[header::ACCESS_CONTROL_MAX_AGE], "600");
        let allowed = welcome.headers[header::ACCESS_CONTROL_ALLOW_HEADERS].to_str().unwrap();
        for name in ["Authorization", "Virgil-Keyknox-Previous-Hash", "If-Match", "Idempotency-Key"] {
            assert!(allowed.contains(name), "{name}");
        }
        let refused = asks("https://evil.example");
        assert_eq!((refused.status, refused.headers.len()), (StatusCode::FORBIDDEN, 0));
        assert!(
            policy().preflight(&request(Method::OPTIONS, &[]), PREFLIGHT_AGE, Cookies::Refused).is_none(),
            "a bare OPTIONS is no preflight"
        );
    }

    /// A-HTTP-09: a socket from a foreign page is not opened.
    #[test]
    fn a_socket_is_opened_for_listed_origins_and_for_programs_that_are_no_browser() {
        let admits =
            |headers: &[(HeaderName, &str)]| policy().admits_socket(&request(Method::GET, headers).headers);
        assert!(admits(&[]) && admits(&[(header::ORIGIN, "http://localhost:3000")]));
        assert!(
            !admits(&[(header::ORIGIN, "null")]) && !admits(&[(header::ORIGIN, "http://localhost:3001")])
        );
    }
}
