//! From the framework's request to ours and back, for whoever answers.
//!
//! What only concerns the connection (`Host`, `Connection`, lengths, what a peer claims about its own address) ends
//! here, so nobody behind can come to rely on it.

use std::{net::IpAddr, rc::Rc, sync::Arc};

use actix_http::{ConnectionType, RequestHead};
use actix_web::{
    HttpResponse,
    body::BoxBody,
    dev::{Payload, ServiceRequest, ServiceResponse},
};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;

use super::{
    guard::REFUSED,
    options::{GatewayPeers, HttpOptions},
    seat::Seat,
};
use crate::{
    Front,
    dialects::Refusal,
    exchange::{HeaderMap, HeaderName, HeaderValue, Method, Peer, Request, Response, StatusCode},
    problem,
    sockets::ids::RequestIds,
    ws::Admitted,
};

/// Headers that say something about the connection, or that only the edge itself may believe. What a request says of
/// its host and its length is passed on, because a signature may cover it, and believed by nobody.
const OF_THE_EDGE: &[&str] = &[
    "connection",
    "transfer-encoding",
    "te",
    "keep-alive",
    "expect",
    "upgrade",
    "forwarded",
    "x-forwarded-for",
    "x-forwarded-proto",
    "x-forwarded-host",
    GATEWAY_SECRET,
];

const GATEWAY_SECRET: &str = "strongroom-gateway-secret";

/// Whoever answers what arrives at a listener. One per thread.
pub(super) trait Handler: 'static {
    /// The engine and the limits.
    fn front(&self) -> &Front;

    /// Answers a request.
    fn answer(&self, request: Request) -> impl Future<Output = Response>;

    /// The largest body of this request, in bytes.
    fn body_bytes_max(&self, _: &Request) -> usize {
        self.front().limits().body_bytes_max
    }

    /// The words for a request that the edge refuses.
    fn refuse(&self, request: &Request, refusal: Refusal) -> Response;

    /// Whether a WebSocket may be opened by this request, or the answer why not.
    fn admit(&self, request: &Request) -> Result<Admitted, Box<Response>>;
}

/// The edge of one thread.
pub(super) struct Edge<H> {
    pub(super) handler: H,
    options: Arc<HttpOptions>,
    ids: RequestIds,
}

impl<H: Handler> Edge<H> {
    pub(super) fn new(handler: H, options: Arc<HttpOptions>) -> Self {
        Self { handler, options, ids: RequestIds::default() }
    }

    /// Answers one request.
    pub(super) async fn serve(&self, request: ServiceRequest) -> ServiceResponse {
        let (request, payload) = request.into_parts();
        let Some(seat) = request.conn_data::<Rc<Seat>>().cloned() else {
            unreachable!("every connection has a seat")
        };
        let _turn = Turn(&seat);
        let head = request.head();
        let response = match refused_with(head) {
            Some(status) => closing(problem::response(refused_head(status), &self.ids.next())),
            None => self.answer(head, &seat, payload).await,
        };
        if let Some(metrics) = &self.options.metrics {
            metrics.answered(response.status().as_u16());
        }
        ServiceResponse::new(request, response)
    }

    async fn answer(&self, head: &RequestHead, seat: &Seat, payload: Payload) -> HttpResponse {
        let mut request = self.request(head, seat);
        let max = self.handler.body_bytes_max(&request);
        match read_body(payload, declared_length(head), max).await {
            Ok(body) => request.body = body,
            Err(BodyError::TooLarge) => {
                return closing(self.handler.refuse(&request, Refusal::BodyTooLarge { max }));
            }
            Err(BodyError::Incomplete) => {
                let refusal = refused_body(seat.cut_status());
                return closing(problem::response(refusal, &request.request_id));
            }
        }
        let mut response = plain(self.handler.answer(request).await);
        if head.upgrade() {
            // Somebody offered another protocol. It is not taken, and the offer is not to be repeated in the answer.
            response.head_mut().set_connection_type(ConnectionType::Close);
        }
        response
    }

    /// The request without its body.
    pub(super) fn request(&self, head: &RequestHead, seat: &Seat) -> Request {
        let mut headers = HeaderMap::with_capacity(head.headers().len());
        for (name, value) in head.headers() {
            if OF_THE_EDGE.contains(&name.as_str()) {
                continue;
            }
            // Both are well-formed already; the two types only come from two generations of one crate.
            if let (Ok(name), Ok(value)) =
                (HeaderName::from_bytes(name.as_str().as_bytes()), HeaderValue::from_bytes(value.as_bytes()))
            {
                headers.append(name, value);
            }
        }
        Request {
            method: method_of(&head.method),
            path: head.uri.path().into(),
            query: head.uri.query().map(Into::into),
            headers,
            body: Bytes::new(),
            peer: self.peer(head, seat),
            request_id: self.ids.next(),
        }
    }

    fn peer(&self, head: &RequestHead, seat: &Seat) -> Peer {
        let gateway = is_gateway(&self.options.gateway, head, seat.address);
        let trusted = |address: IpAddr| self.options.trusted_proxies.iter().any(|net| net.contains(address));
        if !trusted(seat.address) {
            return Peer { address: Some(seat.address), gateway, secure: seat.secure };
        }
        let text = |name: &str| head.headers().get_all(name).filter_map(|value| value.to_str().ok());
        // Each proxy writes whom it heard behind what it was told: the last one that is no proxy of ours is the peer.
        let hops: Vec<IpAddr> = text("x-forwarded-for")
            .flat_map(|hops| hops.split(','))
            .map_while(|hop| hop.trim().parse().ok())
            .collect();
        let address = hops.iter().rev().copied().find(|hop| !trusted(*hop)).unwrap_or(seat.address);
        let secure = seat.secure || text("x-forwarded-proto").last() == Some("https");
        Peer { address: Some(address.to_canonical()), gateway, secure }
    }
}

/// Whether the peer is a gateway: its socket's address and its secret, as far as either is asked for.
fn is_gateway(gateway: &GatewayPeers, head: &RequestHead, address: IpAddr) -> bool {
    let GatewayPeers { networks, secret } = gateway;
    if networks.is_empty() && secret.is_none() {
        return false;
    }
    let from_there = networks.is_empty() || networks.iter().any(|network| network.contains(address));
    let knows = secret.as_ref().is_none_or(|secret| {
        let mut given = head.headers().get_all(GATEWAY_SECRET);
        match (given.next(), given.next()) {
            (Some(given), None) => secret.matches(given.as_bytes()),
            _ => false,
        }
    });
    from_there && knows
}

/// Counts a request as answered, or as abandoned by its peer.
struct Turn<'s>(&'s Seat);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.request_answered();
    }
}

/// The status that the guard refused a request with.
fn refused_with(head: &RequestHead) -> Option<u16> {
    head.uri.authority().filter(|authority| authority.host() == REFUSED)?.port_u16()
}

fn refused_head(status: u16) -> strongroom_wire::Problem {
    let (code, title, detail) = match status {
        408 => ("head-too-slow", "the head of the request took too long", "send it at once"),
        414 => ("target-too-long", "the request line is too long", "8 KiB are allowed"),
        431 => ("head-too-large", "the head of the request is too large", "16 KiB in 64 fields are allowed"),
        _ => (
            "bad-framing",
            "the bytes are no request, or more than one way to read them",
            "send HTTP/1.1 with one Host, a path as the target, one Content-Length or chunked, CR LF behind every line",
        ),
    };
    problem::with_detail(status, code, title, detail)
}

fn refused_body(status: u16) -> strongroom_wire::Problem {
    match status {
        408 => problem::with_detail(
            408,
            "body-too-slow",
            "the body of the request took too long",
            "nothing was done; send it at once",
        ),
        _ => problem::with_detail(
            400,
            "bad-framing",
            "the body of the request is not whole",
            "nothing was done; send as many bytes as announced, or chunks without extensions and trailers",
        ),
    }
}

enum BodyError {
    TooLarge,
    Incomplete,
}

fn declared_length(head: &RequestHead) -> usize {
    let length = head.headers().get("content-length").and_then(|length| length.to_str().ok());
    length.and_then(|length| length.parse().ok()).unwrap_or(0)
}

/// The whole body. How long it may take is the guard's business.
async fn read_body(mut payload: Payload, declared: usize, max: usize) -> Result<Bytes, BodyError> {
    if declared > max {
        return Err(BodyError::TooLarge);
    }
    if matches!(payload, Payload::None) {
        return Ok(Bytes::new());
    }
    let Some(first) = payload.next().await else { return Ok(Bytes::new()) };
    let first = first.map_err(|_| BodyError::Incomplete)?;
    if first.len() > max {
        return Err(BodyError::TooLarge);
    }
    let Some(second) = payload.next().await else { return Ok(first) };
    let mut chunk = second.map_err(|_| BodyError::Incomplete)?;
    let mut body = BytesMut::with_capacity(declared.max(first.len() + chunk.len()).min(max));
    body.extend_from_slice(&first);
    loop {
        if body.len() + chunk.len() > max {
            return Err(BodyError::TooLarge);
        }
        body.extend_from_slice(&chunk);
        match payload.next().await {
            Some(next) => chunk = next.map_err(|_| BodyError::Incomplete)?,
            None => return Ok(body.freeze()),
        }
    }
}

fn method_of(method: &actix_web::http::Method) -> Method {
    match method.as_str() {
        "GET" => Method::GET,
        "PUT" => Method::PUT,
        "POST" => Method::POST,
        // The parser has checked that it is a token.
        other => Method::from_bytes(other.as_bytes()).unwrap_or(Method::TRACE),
    }
}

/// A response as the framework has it.
pub(super) fn plain(response: Response) -> HttpResponse {
    let Response { status, headers, body } = response;
    let mut plain = HttpResponse::with_body(status_of(status), BoxBody::new(body));
    *plain.headers_mut() = headers_of(&headers);
    plain
}

/// A status as the framework has it.
pub(super) fn status_of(status: StatusCode) -> actix_web::http::StatusCode {
    actix_web::http::StatusCode::from_u16(status.as_u16())
        .unwrap_or(actix_web::http::StatusCode::INTERNAL_SERVER_ERROR)
}

/// Headers as the framework has them.
pub(super) fn headers_of(headers: &HeaderMap) -> actix_web::http::header::HeaderMap {
    use actix_web::http::header;
    let mut plain = header::HeaderMap::with_capacity(headers.len());
    for (name, value) in headers {
        if let (Ok(name), Ok(value)) = (
            header::HeaderName::from_bytes(name.as_str().as_bytes()),
            header::HeaderValue::from_bytes(value.as_bytes()),
        ) {
            plain.append(name, value);
        }
    }
    plain
}

/// A response after which the connection ends.
fn closing(response: Response) -> HttpResponse {
    let mut response = plain(response);
    response.head_mut().set_connection_type(ConnectionType::Close);
    response
}

#[cfg(test)]
mod tests;
