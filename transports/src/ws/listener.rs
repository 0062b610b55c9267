//! A WebSocket listener on its own, for hosts that run no actix-web.
//!
//! It reads one head, answers it, and hands the socket to the same connection as everybody else. Whatever is no
//! handshake for its path is refused with a problem document and closed.

use std::{cell::Cell, io, net::SocketAddr, rc::Rc, sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use strongroom_wire::Problem;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::oneshot,
    task::{JoinHandle, JoinSet},
};

use super::{
    handshake::{Admitted, admit, refusal},
    pump::Opening,
    tungstenite::{part, serve_stream},
};
use crate::{
    CorsPolicy, Front,
    credentials::Shown,
    exchange::{HeaderMap, Method, Response},
    problem,
    sockets::{
        Network,
        framing::{Framing, HeadSizes, Place, Step, read_accepted},
        ids::RequestIds,
        seats::Seats,
        stream::Stream,
    },
};

/// How long accepting pauses when the process has no descriptors left.
const BREATHER: Duration = Duration::from_millis(100);

/// Limits at the socket. Sizes in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListenerLimits {
    /// The request line of a handshake.
    pub line_bytes_max: usize,
    /// The whole head of a handshake.
    pub head_bytes_max: usize,
    /// From the connection to the end of that head.
    pub head_within: Duration,
    /// How long a TLS handshake may take.
    pub handshake_within: Duration,
    /// Connections in all.
    pub connections_max: usize,
    /// Connections from one source: an IPv4 address or a 64-bit IPv6 network; 0 for no limit.
    pub connections_per_source_max: usize,
    /// How long connections may take to end once the listener has been told to stop.
    pub drain_within: Duration,
}

impl Default for ListenerLimits {
    fn default() -> Self {
        Self {
            line_bytes_max: 8 * 1024,
            head_bytes_max: 16 * 1024,
            head_within: Duration::from_secs(5),
            handshake_within: Duration::from_secs(5),
            connections_max: 10_000,
            connections_per_source_max: 64,
            drain_within: Duration::from_secs(10),
        }
    }
}

/// What a listener is told.
#[derive(Debug, Clone)]
pub struct ListenerOptions {
    /// The address to listen on; port 0 for any.
    pub bind: SocketAddr,
    /// The path at which connections are opened.
    pub path: String,
    /// Limits at the socket.
    pub limits: ListenerLimits,
    /// Which pages in browsers may open connections.
    pub cors: CorsPolicy,
    /// Proxies, which are not counted as one source because they speak for many.
    pub trusted_proxies: Vec<Network>,
    /// Certificate and key; `None` to speak without encryption.
    #[cfg(feature = "tls")]
    pub tls: Option<crate::sockets::Tls>,
}

impl ListenerOptions {
    /// The defaults, on `bind`.
    pub fn new(bind: SocketAddr) -> Self {
        Self {
            bind,
            path: "/v1/ws".to_owned(),
            limits: ListenerLimits::default(),
            cors: CorsPolicy::default(),
            trusted_proxies: Vec::new(),
            #[cfg(feature = "tls")]
            tls: None,
        }
    }
}

/// A WebSocket listener that is running.
#[must_use = "dropping it ends the listener without waiting for anybody"]
pub struct Listener {
    address: SocketAddr,
    seats: Arc<Seats>,
    front: Front,
    stop: Option<oneshot::Sender<()>>,
    accepting: JoinHandle<()>,
}

impl Listener {
    /// Listens. Must be called in a running `actix_rt` system or in a `tokio` local task set, whose thread then
    /// serves all connections; in the former, reads are run there as well.
    ///
    /// # Errors
    /// The address cannot be listened on.
    pub async fn start(options: ListenerOptions, front: Front) -> io::Result<Self> {
        let socket = TcpListener::bind(options.bind).await?;
        let address = socket.local_addr()?;
        let limits = &options.limits;
        let seats = Seats::new(limits.connections_max, limits.connections_per_source_max);
        let home = if actix_rt::Arbiter::try_current().is_some() { front.at_home() } else { front.clone() };
        let desk = Rc::new(Desk { front: home, options, ids: RequestIds::default() });
        let (stop, stopped) = oneshot::channel();
        let accepting = tokio::task::spawn_local(accept(socket, desk, seats.clone(), stopped));
        Ok(Self { address, seats, front, stop: Some(stop), accepting })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Connections that are open.
    pub fn connections(&self) -> usize {
        self.seats.taken()
    }

    /// Connections that were turned away because there were too many.
    pub fn connections_refused(&self) -> usize {
        self.seats.refused()
    }

    /// Goes down in order: listens no more, and closes connections with 1001 once their answers have left, within
    /// [`ListenerLimits::drain_within`]. Closes the front it was given, and every clone of it.
    pub async fn stop(mut self) {
        self.front.close();
        drop(self.stop.take());
        let _ = (&mut self.accepting).await;
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

struct Desk {
    front: Front,
    options: ListenerOptions,
    ids: RequestIds,
}

async fn accept(socket: TcpListener, desk: Rc<Desk>, seats: Arc<Seats>, mut stopped: oneshot::Receiver<()>) {
    let drain_within = desk.options.limits.drain_within;
    #[cfg(feature = "tls")]
    let _watch = desk.options.tls.as_ref().map(crate::sockets::Tls::watch);
    let mut connections = JoinSet::new();
    let failing = Cell::new(false);
    loop {
        let accepted = tokio::select! {
            biased;
            _ = &mut stopped => break,
            Some(_) = connections.join_next() => continue,
            accepted = socket.accept() => accepted,
        };
        match accepted {
            Ok((socket, address)) => {
                failing.set(false);
                connections.spawn_local(converse(socket, address, desk.clone(), seats.clone()));
            }
            Err(error) => {
                if !failing.replace(true) {
                    tracing::warn!(%error, "no connection can be accepted at the moment");
                }
                tokio::time::sleep(BREATHER).await;
            }
        }
    }
    drop(socket);
    let ended = async { while connections.join_next().await.is_some() {} };
    let _ = tokio::time::timeout(drain_within, ended).await;
}

/// One connection, from its seat to its end.
async fn converse(socket: TcpStream, address: SocketAddr, desk: Rc<Desk>, seats: Arc<Seats>) {
    let Desk { front, options, ids } = &*desk;
    let address = address.ip().to_canonical();
    let counted = !options.trusted_proxies.iter().any(|network| network.contains(address));
    // Who finds no seat is not spoken to: what is spoken here begins with the peer.
    let Some(_ticket) = seats.take(address, counted) else { return };
    let _ = socket.set_nodelay(true);
    let Some(mut stream) = secured(socket, options).await else { return };
    let opened = match tokio::time::timeout(options.limits.head_within, open(&mut stream, front, options))
        .await
    {
        Ok(Ok(opened)) => opened,
        Ok(Err(None)) => return,
        Ok(Err(Some(problem))) => return refuse(stream, *problem, ids).await,
        Err(_) => {
            let problem =
                problem::with_detail(408, "head-too-slow", "the handshake took too long", "send it at once");
            return refuse(stream, problem, ids).await;
        }
    };
    let (Admitted { credential, tongue, agent, .. }, first) = opened;
    // A proxy speaks for many, whom nothing here tells apart.
    let address = counted.then_some(address);
    serve_stream(front, stream, first, Opening { credential, tongue, address, agent }).await;
}

async fn refuse(mut stream: Stream, problem: Problem, ids: &RequestIds) {
    let Response { status, headers, body } = refusal(problem, &ids.next());
    let mut answer = written(
        &format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {}", body.len()),
        &headers,
    );
    answer.extend_from_slice(&body);
    if stream.write_all(&answer).await.is_ok() {
        part(stream).await;
    }
}

/// Reads and answers the handshake. Returns what may follow, and the bytes of it that have come already. `None` if
/// the peer is gone.
async fn open<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    front: &Front,
    options: &ListenerOptions,
) -> Result<(Admitted, Vec<u8>), Option<Box<Problem>>> {
    let (target, headers, first) = read_head(stream, &options.limits).await?;
    let path = target.split('?').next().unwrap_or_default();
    if path != options.path {
        let detail = format!("connections are opened at {}", options.path);
        return Err(boxed(problem::with_detail(404, "unknown-path", "there is nothing here", detail)));
    }
    let (path, query) = match target.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (&*target, None),
    };
    let shown = Shown { method: &Method::GET, path, query, headers: &headers, body: Bytes::new() };
    let admitted = admit(&headers, &options.cors, || shown.credential(front)).map_err(Some)?;
    let answer = written("HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade", &admitted.headers());
    stream.write_all(&answer).await.map_err(|_| None)?;
    Ok((admitted, first))
}

async fn read_head<S: AsyncRead + Unpin>(
    stream: &mut S,
    limits: &ListenerLimits,
) -> Result<(String, HeaderMap, Vec<u8>), Option<Box<Problem>>> {
    let sizes = HeadSizes { line_max: limits.line_bytes_max, head_max: limits.head_bytes_max };
    let mut framing = Framing::new(sizes);
    let mut read = BytesMut::with_capacity(1024);
    let bad = |status, detail| {
        boxed(problem::with_detail(status, "bad-handshake", "this is no WebSocket handshake", detail))
    };
    loop {
        if stream.read_buf(&mut read).await.map_err(|_| None)? == 0 {
            return Err(None);
        }
        match framing.step(&read) {
            Step::Pass(length) if framing.place() == Place::Beyond => {
                let head = read.split_to(length);
                let (target, headers) = read_accepted(&head).ok_or_else(|| bad(400, "it cannot be read"))?;
                return Ok((target, headers, read.to_vec()));
            }
            Step::Pass(_) => return Err(bad(426, "only WebSockets are spoken here")),
            Step::Hold => read.reserve(1024),
            Step::Refuse(status) => return Err(bad(status, "its head is malformed or too large")),
            Step::Cut => return Err(None),
        }
    }
}

fn boxed(problem: Problem) -> Option<Box<Problem>> {
    Some(Box::new(problem))
}

/// A head as it goes over the wire.
fn written(start: &str, headers: &HeaderMap) -> Vec<u8> {
    let mut head = start.as_bytes().to_vec();
    for (name, value) in headers {
        for part in [b"\r\n", name.as_str().as_bytes(), b": ", value.as_bytes()] {
            head.extend_from_slice(part);
        }
    }
    head.extend_from_slice(b"\r\n\r\n");
    head
}

#[cfg(feature = "tls")]
async fn secured(socket: TcpStream, options: &ListenerOptions) -> Option<Stream> {
    let Some(tls) = &options.tls else { return Some(Stream::Plain(socket)) };
    let handshake = tokio::time::timeout(options.limits.handshake_within, tls.accept(socket)).await;
    handshake.ok()?.ok().map(|stream| Stream::Tls(Box::new(stream)))
}

#[cfg(not(feature = "tls"))]
async fn secured(socket: TcpStream, _: &ListenerOptions) -> Option<Stream> {
    Some(Stream::Plain(socket))
}
