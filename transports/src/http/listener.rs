//! A listener: sockets in, a seat for each, the guard around it, and the framework behind that.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    rc::Rc,
    sync::Arc,
    time::Duration,
};

use actix_http::{HttpService, KeepAlive, Protocol};
use actix_server::{Server, ServerHandle};
use actix_service::{Service, ServiceFactory, fn_factory, fn_service, map_config};
use actix_web::{App, dev::AppConfig};
use tokio::{
    io::AsyncWriteExt,
    net::{TcpSocket, TcpStream},
    task::JoinHandle,
};

use super::{
    edge::{Edge, Handler},
    guard::Guarded,
    options::HttpOptions,
    public::Public,
    seat::Seat,
    upgrade::upgrade,
};
use crate::{
    Front, Router,
    sockets::{seats::Seats, stream::Stream},
};

/// Connections that the kernel may hold for us, per address.
const BACKLOG: u32 = 1024;

/// How long a peer whose request was refused over an unread body may go on sending it.
const LINGER: Duration = Duration::from_secs(1);

/// How long commands in flight may take before the listener's threads end, and how often that is looked at. Whoever keeps
/// asking over a connection that is open cannot hold up the end.
const SETTLE_WITHIN: Duration = Duration::from_secs(1);
const SETTLE_EVERY: Duration = Duration::from_millis(2);

/// What a peer without a seat is told.
const FULL: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\nconnection: close\r\n\
    cache-control: no-store\r\ncontent-length: 0\r\n\r\n";

/// An HTTP listener that is running.
#[must_use = "dropping it ends the listener without waiting for anybody"]
pub struct Listener {
    addresses: Vec<SocketAddr>,
    handle: ServerHandle,
    server: JoinHandle<io::Result<()>>,
    seats: Arc<Seats>,
    front: Front,
    #[cfg(feature = "tls")]
    _watch: Option<crate::sockets::TlsWatch>,
}

impl Listener {
    /// Listens, and answers with `router`. Must be called in a running `actix_rt` system; the threads are the
    /// listener's own, and reads are run on them.
    ///
    /// # Errors
    /// An address cannot be listened on.
    pub fn start(options: HttpOptions, front: Front, router: Arc<Router>) -> io::Result<Self> {
        let path: Option<Arc<str>> = options.websocket_path.as_deref().map(Into::into);
        let at = front.clone();
        Self::start_with(options, front, move || Public::new(at.at_home(), router.clone(), path.clone()))
    }

    /// Listens, and answers with a handler of each thread's own.
    pub(super) fn start_with<H: Handler>(
        options: HttpOptions,
        front: Front,
        handler: impl Fn() -> H + Clone + Send + 'static,
    ) -> io::Result<Self> {
        let limits = &options.limits;
        let seats = Seats::new(limits.connections_max, limits.connections_per_source_max);
        if let Some(metrics) = &options.metrics {
            metrics.listens(options.name, seats.clone());
        }
        let (mut addresses, mut sockets) = (Vec::new(), Vec::new());
        for address in &options.bind {
            let socket = bind(*address)?;
            addresses.push(socket.local_addr()?);
            sockets.push(socket);
        }
        if sockets.is_empty() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "no address to listen on"));
        }
        let drain_s = limits.drain_within.as_secs().max(1);
        let mut server = Server::build()
            .workers(options.workers.max(1))
            .disable_signals()
            .shutdown_timeout(drain_s)
            // Who comes too many is told so; the framework would let them wait in silence.
            .max_concurrent_connections(limits.connections_max.saturating_mul(2).max(1));
        let draining = server.graceful_shutdown_signal();
        #[cfg(feature = "tls")]
        let watch = options.tls.as_ref().map(crate::sockets::Tls::watch);
        let options = Arc::new(options);
        for socket in sockets {
            let (options, seats, handler, draining) =
                (options.clone(), seats.clone(), handler.clone(), draining.clone());
            let worker = move || {
                let (options, seats, handler, draining) =
                    (options.clone(), seats.clone(), handler.clone(), draining.clone());
                fn_factory(move || {
                    let edge = Rc::new(Edge::new(handler(), options.clone()));
                    worker(edge, options.clone(), seats.clone(), draining.clone())
                })
            };
            server = server.listen("http", socket, worker)?;
        }
        let server = server.run();
        let handle = server.handle();
        Ok(Self {
            addresses,
            handle,
            server: actix_rt::spawn(server),
            seats,
            front,
            #[cfg(feature = "tls")]
            _watch: watch,
        })
    }

    /// Where it listens.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Connections that are open.
    pub fn connections(&self) -> usize {
        self.seats.taken()
    }

    /// Connections that were turned away because there were too many.
    pub fn connections_refused(&self) -> usize {
        self.seats.refused()
    }

    /// Goes down in order: listens no more, lets requests in flight finish within
    /// [`super::HttpLimits::drain_within`], closes WebSockets with 1001. Closes the front it was given, and every
    /// clone of it.
    pub async fn stop(mut self) {
        self.front.close();
        self.handle.pause().await;
        // A thread without a connection ends at once, and with it a lane that it serves for the connections of others.
        let engine = self.front.engine();
        let settled = async {
            while engine.in_flight() > 0 {
                tokio::time::sleep(SETTLE_EVERY).await;
            }
        };
        let _ = tokio::time::timeout(SETTLE_WITHIN, settled).await;
        self.handle.stop(true).await;
        match (&mut self.server).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(%error, "the listener did not end well"),
            Err(error) => tracing::error!(%error, "the listener's task was lost"),
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.server.abort();
    }
}

fn bind(address: SocketAddr) -> io::Result<std::net::TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)?.into_std()
}

/// One thread's share of one listening socket.
async fn worker<H: Handler>(
    edge: Rc<Edge<H>>,
    options: Arc<HttpOptions>,
    seats: Arc<Seats>,
    draining: actix_server::GracefulShutdownSignal,
) -> Result<impl Service<TcpStream, Response = (), Error = ()>, ()> {
    let requests = edge.clone();
    let app = App::new().default_service(fn_service(move |request| {
        let edge = requests.clone();
        async move { Ok(edge.serve(request).await) }
    }));
    let upgrades = move |(request, framed)| upgrade(edge.clone(), request, framed);
    let http = HttpService::build()
        // The guard has deadlines of its own, for every request and not only for a connection's first.
        .keep_alive(KeepAlive::Os)
        .client_request_timeout(Duration::ZERO)
        .client_disconnect_timeout(LINGER)
        .graceful_shutdown_signal(move || {
            let draining = draining.clone();
            async move { draining.notified().await }
        })
        .on_connect_ext(|io: &Guarded<Stream>, extensions| drop(extensions.insert(io.seat().clone())))
        .upgrade(fn_service(upgrades))
        .finish(map_config(app, |()| AppConfig::default()));
    let http = Rc::new(http.new_service(()).await?);
    Ok(fn_service(move |socket: TcpStream| {
        let (http, options, seats) = (http.clone(), options.clone(), seats.clone());
        async move {
            let Ok(address) = socket.peer_addr() else { return Ok(()) };
            let Some(guarded) = sit_down(socket, address.ip(), &options, &seats).await else { return Ok(()) };
            http.call((guarded, Protocol::Http1, Some(address))).await.map_err(|error| {
                tracing::debug!(%error, "a connection ended badly");
            })
        }
    }))
}

/// Gives a connection its seat and, where there is TLS, its encryption. `None` if it gets neither.
async fn sit_down(
    socket: TcpStream,
    address: IpAddr,
    options: &HttpOptions,
    seats: &Arc<Seats>,
) -> Option<Guarded<Stream>> {
    let address = address.to_canonical();
    // Answers are written whole; waiting for more to send would only delay them.
    let _ = socket.set_nodelay(true);
    let counted = !options.trusted_proxies.iter().any(|network| network.contains(address));
    let Some(ticket) = seats.take(address, counted) else {
        turn_away(socket, options).await;
        return None;
    };
    let (stream, secure) = secured(socket, options).await?;
    let seat = Rc::new(Seat::new(ticket, address, secure));
    Some(Guarded::new(stream, seat, &options.limits))
}

/// Tells a peer that there is no seat. Where TLS is spoken, telling would cost more than a seat does.
async fn turn_away(mut socket: TcpStream, options: &HttpOptions) {
    #[cfg(feature = "tls")]
    let speaks_plainly = options.tls.is_none();
    #[cfg(not(feature = "tls"))]
    let speaks_plainly = {
        let _ = options;
        true
    };
    if speaks_plainly {
        // A fresh socket has room for so few bytes, so this waits for nobody.
        let _ = socket.write_all(FULL).await;
    }
}

#[cfg(feature = "tls")]
async fn secured(socket: TcpStream, options: &HttpOptions) -> Option<(Stream, bool)> {
    let Some(tls) = &options.tls else { return Some((Stream::Plain(socket), false)) };
    match tokio::time::timeout(options.limits.handshake_within, tls.accept(socket)).await {
        Ok(Ok(stream)) => Some((Stream::Tls(Box::new(stream)), true)),
        Ok(Err(error)) => {
            tracing::debug!(%error, "a TLS handshake failed");
            None
        }
        Err(_) => None,
    }
}

#[cfg(not(feature = "tls"))]
async fn secured(socket: TcpStream, _: &HttpOptions) -> Option<(Stream, bool)> {
    Some((Stream::Plain(socket), false))
}
