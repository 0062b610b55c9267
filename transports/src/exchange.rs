//! Requests and responses as plain values: method, path, headers, body, and what the transport knows of the peer.
//! Sans-IO, so that a dialect is tested without a socket and spoken in a simulation.

use std::{fmt, net::IpAddr, sync::Arc};

use bytes::Bytes;
pub use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};

/// What the transport knows of the peer. Nothing in it comes from the peer's own words.
#[derive(Debug, Clone, Default)]
pub struct Peer {
    /// The address that limits are counted by: the socket's, or what a configured proxy says it is.
    pub address: Option<IpAddr>,
    /// Whether the peer is a gateway that this deployment trusts to name identities.
    pub gateway: bool,
    /// Whether the transport is encrypted.
    pub secure: bool,
}

/// How much of a client's own name for itself is kept, in characters.
const AGENT_CHARS_MAX: usize = 128;

/// What a client calls itself in `User-Agent`, as the holder of its sessions may be shown it: without control
/// characters, at most 128 characters. `None` if it says nothing, or says it twice.
pub fn agent_of(headers: &HeaderMap) -> Option<Box<str>> {
    let mut values = headers.get_all(header::USER_AGENT).iter();
    let agent = values.next().filter(|_| values.next().is_none())?;
    let agent = std::str::from_utf8(agent.as_bytes()).ok()?;
    let agent = agent.chars().filter(|c| !c.is_control()).take(AGENT_CHARS_MAX).collect::<String>();
    (!agent.is_empty()).then(|| agent.into())
}

/// A request, whole. Prints without what its headers, query and body say.
#[derive(Clone)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// The path as it was sent, still percent-encoded, without the query.
    pub path: Arc<str>,
    /// The query as it was sent, without the question mark.
    pub query: Option<Arc<str>>,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, within the transport's limit.
    pub body: Bytes,
    /// The peer.
    pub peer: Peer,
    /// Names the request in logs and answers.
    pub request_id: Arc<str>,
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("path", &self.path)
            .field("headers", &self.headers.keys().collect::<Vec<_>>())
            .field("body_bytes", &self.body.len())
            .field("peer", &self.peer)
            .field("request_id", &self.request_id)
            .finish_non_exhaustive()
    }
}

impl Request {
    /// The text of a header that appears once. `None` if it is missing, repeated or not UTF-8.
    pub fn header(&self, name: impl header::AsHeaderName) -> Option<&str> {
        let mut values = self.headers.get_all(name).iter();
        match (values.next(), values.next()) {
            (Some(value), None) => std::str::from_utf8(value.as_bytes()).ok(),
            _ => None,
        }
    }
}

/// A response, whole. Prints without what its headers and body say.
#[derive(Clone)]
pub struct Response {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.status)
            .field("headers", &self.headers.keys().collect::<Vec<_>>())
            .field("body_bytes", &self.body.len())
            .finish()
    }
}

impl Response {
    /// A JSON body.
    pub fn json(status: StatusCode, body: impl Into<Bytes>) -> Self {
        let mut headers = HeaderMap::with_capacity(4);
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        Self { status, headers, body: body.into() }
    }

    /// No body.
    pub fn empty(status: StatusCode) -> Self {
        Self { status, headers: HeaderMap::new(), body: Bytes::new() }
    }

    /// And this header. A value that cannot be one is left out.
    #[must_use]
    pub fn with(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(name, value);
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A-API-07.
    #[test]
    fn a_clients_own_name_for_itself_is_short_and_moves_no_cursor() {
        let agent = |values: &[&[u8]]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(header::USER_AGENT, HeaderValue::from_bytes(value).unwrap());
            }
            agent_of(&headers)
        };
        assert_eq!(agent(&[b"phone/1.0\t"]).as_deref(), Some("phone/1.0"));
        assert_eq!(agent(&["zo\u{e9}\u{9b}2J".as_bytes()]).as_deref(), Some("zo\u{e9}2J"));
        assert_eq!(agent(&[&[b'x'; 9_000]]).map(|agent| agent.len()), Some(128));
        let nothings: [&[&[u8]]; 5] = [&[], &[b""], &[b"\t"], &[b"\xff"], &[b"one", b"two"]];
        for nothing in nothings {
            assert_eq!(agent(nothing), None, "{nothing:?}");
        }
    }
}
