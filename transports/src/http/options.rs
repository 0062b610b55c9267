//! What an HTTP listener is told: where to listen, whom to believe, and its limits at the socket.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use strongroom_primitives::secret::Secret;

use super::metrics::Metrics;
use crate::sockets::Network;

/// Limits at the socket. Sizes in bytes; `Default` gives the values that the documentation states. The limit on
/// bodies is [`crate::EdgeLimits::body_bytes_max`], because it holds over every transport.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpLimits {
    /// The request line with its line end; over it 414.
    pub line_bytes_max: usize,
    /// The whole head of a request; over it 431.
    pub head_bytes_max: usize,
    /// From the first byte of a head, or from the connection, to its last; over it 408.
    pub head_within: Duration,
    /// From the end of a head to the last byte of its body; over it 408.
    pub body_within: Duration,
    /// How long a connection may lie idle between two requests.
    pub idle_within: Duration,
    /// How long a peer may take nothing of an answer.
    pub write_within: Duration,
    /// How long a TLS handshake may take.
    pub handshake_within: Duration,
    /// Requests of one connection that wait for their answers; the next is read when one of them has left.
    pub pipelined_max: u32,
    /// Connections in all.
    pub connections_max: usize,
    /// Connections from one source: an IPv4 address or a 64-bit IPv6 network; 0 for no limit. Trusted proxies are
    /// not counted, because they speak for many.
    pub connections_per_source_max: usize,
    /// How long requests in flight may take once the listener has been told to stop.
    pub drain_within: Duration,
}

impl Default for HttpLimits {
    fn default() -> Self {
        Self {
            line_bytes_max: 8 * 1024,
            head_bytes_max: 16 * 1024,
            head_within: Duration::from_secs(5),
            body_within: Duration::from_secs(15),
            idle_within: Duration::from_secs(30),
            write_within: Duration::from_secs(30),
            handshake_within: Duration::from_secs(5),
            pipelined_max: 16,
            connections_max: 10_000,
            connections_per_source_max: 64,
            drain_within: Duration::from_secs(10),
        }
    }
}

/// Which peers are gateways: they may name identities. Both conditions hold where both are given, and a gateway
/// without any is nobody.
#[derive(Debug, Clone, Default)]
pub struct GatewayPeers {
    /// The networks that the gateway's own sockets come from; empty for any.
    pub networks: Vec<Network>,
    /// What the gateway says in the header `Strongroom-Gateway-Secret`, if it has to say anything.
    pub secret: Option<Secret>,
}

/// What a listener is told.
#[derive(Clone)]
pub struct HttpOptions {
    /// Addresses to listen on; port 0 for any.
    pub bind: Vec<SocketAddr>,
    /// Threads that serve sockets and host reads.
    pub workers: usize,
    /// Limits at the socket.
    pub limits: HttpLimits,
    /// Proxies whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed.
    pub trusted_proxies: Vec<Network>,
    /// Which peers are gateways.
    pub gateway: GatewayPeers,
    /// Its name in metrics.
    pub name: &'static str,
    /// Where answers and connections are counted.
    pub metrics: Option<Arc<Metrics>>,
    /// The path at which a WebSocket is opened; `None` for none.
    pub websocket_path: Option<String>,
    /// Certificate and key; `None` to speak without encryption.
    #[cfg(feature = "tls")]
    pub tls: Option<crate::sockets::Tls>,
}

impl Default for HttpOptions {
    /// Listens nowhere, believes nobody.
    fn default() -> Self {
        Self {
            bind: Vec::new(),
            workers: 1,
            limits: HttpLimits::default(),
            trusted_proxies: Vec::new(),
            gateway: GatewayPeers::default(),
            name: "public",
            metrics: None,
            websocket_path: Some("/v1/ws".to_owned()),
            #[cfg(feature = "tls")]
            tls: None,
        }
    }
}
