//! Who may open a WebSocket, and with which words the handshake is answered. Headers in, headers out.

use strongroom_engine::{Credential, EngineError};
use strongroom_wire::Problem;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::socket::{Tongue, negotiate};
use crate::{
    CorsPolicy,
    exchange::{HeaderMap, HeaderName, HeaderValue, Response, agent_of, header},
    problem,
};

/// A WebSocket that may be opened.
pub(crate) struct Admitted {
    /// Who opens it; `None` if that is still to be said in a `hello`.
    pub(crate) credential: Option<Credential>,
    /// How it speaks.
    pub(crate) tongue: Tongue,
    /// What the peer calls itself.
    pub(crate) agent: Option<Box<str>>,
    subprotocol: Option<&'static str>,
    accept: HeaderValue,
}

impl Admitted {
    /// The headers of the answer, but for `Connection`.
    pub(crate) fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::with_capacity(3);
        headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(header::SEC_WEBSOCKET_ACCEPT, self.accept.clone());
        if let Some(subprotocol) = self.subprotocol {
            headers.insert(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(subprotocol));
        }
        headers
    }
}

/// Whether a handshake with these headers opens a WebSocket. That it is one at all has been seen to. `credential`: what
/// came with it.
pub(crate) fn admit(
    headers: &HeaderMap,
    cors: &CorsPolicy,
    credential: impl FnOnce() -> Result<Credential, EngineError>,
) -> Result<Admitted, Box<Problem>> {
    if !cors.admits_socket(headers) {
        let detail = "the operator lists the origins that may";
        let problem =
            problem::with_detail(403, "origin-refused", "this page may not open a WebSocket", detail);
        return Err(Box::new(problem));
    }
    let accept = accept(headers)?;
    let credential = match credential().map_err(|error| Box::new(problem::of(&error)))? {
        Credential::Anonymous => None,
        credential => Some(credential),
    };
    let (tongue, subprotocol) = negotiate(headers);
    if tongue.sealed && credential.is_some() {
        let detail = "whoever ends TLS has read it; say hello inside the channel";
        let problem = problem::with_detail(
            400,
            "credential-in-the-open",
            "a sealed connection hides nothing so",
            detail,
        );
        return Err(Box::new(problem));
    }
    Ok(Admitted { credential, tongue, agent: agent_of(headers), subprotocol, accept })
}

/// The answer to a handshake that is refused.
pub(crate) fn refusal(problem: Problem, request_id: &str) -> Response {
    let wants_upgrade = problem.status == 426;
    let mut response = problem::signable(problem, request_id);
    response.headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if wants_upgrade {
        response.headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        response.headers.insert(header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
    }
    response
}

fn accept(headers: &HeaderMap) -> Result<HeaderValue, Box<Problem>> {
    let bad = |status, detail| {
        let problem = problem::with_detail(status, "bad-handshake", "this is no WebSocket handshake", detail);
        Err(Box::new(problem))
    };
    let only = |name: &HeaderName| {
        let mut values = headers.get_all(name).iter();
        values.next().filter(|_| values.next().is_none())
    };
    if only(&header::SEC_WEBSOCKET_VERSION).is_none_or(|version| version != "13") {
        return bad(426, "send Sec-WebSocket-Version: 13");
    }
    let key = only(&header::SEC_WEBSOCKET_KEY).map(HeaderValue::as_bytes).unwrap_or_default();
    // 16 bytes in base64, whatever they are.
    let is_key = key.strip_suffix(b"==").is_some_and(|digits| {
        digits.len() == 22 && digits.iter().all(|byte| byte.is_ascii_alphanumeric() || b"+/".contains(byte))
    });
    match HeaderValue::try_from(derive_accept_key(key)) {
        Ok(accept) if is_key => Ok(accept),
        _ => bad(400, "send a Sec-WebSocket-Key of 16 bytes in base64"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credentials;

    fn opened(headers: &HeaderMap) -> Result<Admitted, Box<Problem>> {
        admit(headers, &CorsPolicy::default(), || credentials::of(headers))
    }

    fn headers(fields: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    const VERSION: (&str, &str) = ("sec-websocket-version", "13");
    const KEY: (&str, &str) = ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");

    #[test]
    fn a_handshake_is_answered_as_the_standard_shows() {
        let offer = ("sec-websocket-protocol", "other, strongroom.v1.cbor");
        let admitted = opened(&headers(&[VERSION, KEY, offer])).ok().unwrap();
        let answer = admitted.headers();
        assert_eq!(answer[header::SEC_WEBSOCKET_ACCEPT], "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        assert_eq!(answer[header::SEC_WEBSOCKET_PROTOCOL], "strongroom.v1.cbor");
        assert!(
            admitted.credential.is_none() && admitted.tongue == Tongue::open(strongroom_wire::Encoding::Cbor)
        );
    }

    /// A credential that came in the open beside a sealed channel is refused, so that nobody believes it was hidden.
    #[test]
    fn a_sealed_connection_takes_no_credential_in_the_open() {
        let offer = ("sec-websocket-protocol", "strongroom.v1.sealed");
        let admitted = opened(&headers(&[VERSION, KEY, offer])).ok().unwrap();
        assert_eq!(admitted.tongue, Tongue::SEALED);
        let token = format!("Bearer srt_{}", "A".repeat(43));
        let shown = headers(&[VERSION, KEY, offer, ("authorization", &token)]);
        let refused = opened(&shown).err().unwrap();
        assert_eq!((refused.status, refused.code.as_str()), (400, "credential-in-the-open"));
    }

    #[test]
    fn what_is_no_handshake_is_refused_with_what_is_missing() {
        let status =
            |fields: &[(&'static str, &str)]| opened(&headers(fields)).err().map(|problem| problem.status);
        assert_eq!(status(&[KEY]), Some(426));
        assert_eq!(status(&[KEY, ("sec-websocket-version", "8")]), Some(426));
        assert_eq!(status(&[VERSION]), Some(400));
        assert_eq!(status(&[VERSION, KEY, KEY]), Some(400));
        for key in ["", "dGhlIHNhbXBsZSBub25jZQ", "dGhlIHNhbXBsZSBub25jZ===", "dGhl-HNhbXBsZSBub25jZQ=="] {
            assert_eq!(status(&[VERSION, ("sec-websocket-key", key)]), Some(400), "{key}");
        }
        assert_eq!(status(&[VERSION, KEY, ("authorization", "Basic x")]), Some(401));
    }

    /// A-HTTP-09: a page of another origin opens nothing, and neither does one without an origin of its own.
    #[test]
    fn a_page_from_elsewhere_opens_no_websocket() {
        let cors = CorsPolicy::new(["https://app.example".to_owned()]).unwrap();
        let status = |origin| {
            let nobody = || Ok(Credential::Anonymous);
            admit(&headers(&[VERSION, KEY, ("origin", origin)]), &cors, nobody)
                .err()
                .map(|problem| problem.status)
        };
        assert_eq!(status("https://app.example"), None);
        assert_eq!(status("https://app.example.evil.example"), Some(403));
        assert_eq!(status("null"), Some(403));
    }
}
