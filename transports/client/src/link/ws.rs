//! Connections over WebSockets: TCP, TLS where the URL says so, the handshake, and messages as frames.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::{SinkExt, StreamExt};
use http::header::{RETRY_AFTER, SEC_WEBSOCKET_PROTOCOL};
use http::{HeaderValue, Method, Response};
use rustls::pki_types::ServerName;
use strongroom_wire::{Encoding, FRAME_BYTES_MAX, SUBPROTOCOL_CBOR, SUBPROTOCOL_JSON, SUBPROTOCOL_SEALED};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_tungstenite::client_async_with_config;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message, Utf8Bytes};

use super::address::{Address, NATIVE_PATH};
use super::frames::Dial;
use super::session::{Incoming, Wire};
use super::{foreign, tls};
use crate::ClientError;
use crate::client::ClientOptions;
use crate::credentials::Issued;
use crate::keyknox::ports::Ports;
use crate::signing::Unsigned;

/// What is read or written at a time, in bytes. Messages may be longer.
const BUFFER_BYTES: usize = 16 * 1024;

/// Makes connections to one server.
pub(crate) struct WsDialer {
    address: Address,
    tls: Option<TlsConnector>,
    encoding: Encoding,
    sealed: bool,
    ports: Ports,
}

impl WsDialer {
    pub(crate) fn new(url: &str, options: &ClientOptions) -> Result<Self, ClientError> {
        let address = Address::read(url, NATIVE_PATH, options.allow_plaintext)?;
        let tls = if address.secure {
            Some(TlsConnector::from(Arc::new(tls::config(true, options.roots_pem.as_deref())?)))
        } else {
            None
        };
        let sealed = options.sealed_to.is_some();
        let encoding = if sealed { Encoding::Cbor } else { options.encoding };
        Ok(Self { address, tls, encoding, sealed, ports: options.ports.clone() })
    }

    async fn connect(&self, issued: &Issued) -> Result<Wire, ClientError> {
        let Address { host, port, .. } = &self.address;
        let unreachable = |error: std::io::Error| ClientError::Unreachable { reason: error.to_string() };
        let tcp = TcpStream::connect((host.as_str(), *port)).await.map_err(unreachable)?;
        tcp.set_nodelay(true).map_err(unreachable)?;
        match &self.tls {
            None => self.shake_hands(tcp, issued).await,
            Some(tls) => {
                let name = ServerName::try_from(host.clone())
                    .map_err(|_| ClientError::Invalid("the server's URL names no host".to_owned()))?;
                self.shake_hands(tls.connect(name, tcp).await.map_err(unreachable)?, issued).await
            }
        }
    }

    async fn shake_hands<S>(&self, stream: S, issued: &Issued) -> Result<Wire, ClientError>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let scheme = if self.address.secure { "wss" } else { "ws" };
        let url = format!("{scheme}://{}{}/ws", self.address.authority(), self.address.path);
        let mut request =
            url.into_client_request().map_err(|error| ClientError::Invalid(error.to_string()))?;
        let protocol = match self.encoding {
            _ if self.sealed => SUBPROTOCOL_SEALED,
            Encoding::Json => SUBPROTOCOL_JSON,
            Encoding::Cbor => SUBPROTOCOL_CBOR,
        };
        request.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(protocol));
        if let Some(signer) = &issued.signer {
            if self.sealed {
                let text = "a service key signs the handshake, which a sealed connection says nothing in; \
                            sign requests over HTTP, or do without the seal";
                return Err(ClientError::Invalid(text.to_owned()));
            }
            let unsigned = Unsigned {
                method: &Method::GET,
                secure: self.address.secure,
                authority: &self.address.authority(),
                path: &format!("{}/ws", self.address.path),
                query: None,
                headers: std::mem::take(request.headers_mut()),
                body: None,
            };
            *request.headers_mut() = signer.sign(unsigned, &self.ports)?;
        }
        let config = WebSocketConfig::default()
            .read_buffer_size(BUFFER_BYTES)
            .write_buffer_size(BUFFER_BYTES)
            .max_write_buffer_size(4 * FRAME_BYTES_MAX)
            .max_message_size(Some(FRAME_BYTES_MAX))
            .max_frame_size(Some(FRAME_BYTES_MAX));
        // A server that takes none of the subprotocols that were offered fails the handshake.
        let shaken = client_async_with_config(request, stream, Some(config)).await;
        let (socket, _) = shaken.map_err(|error| match error {
            Error::Http(response) => refused(&response),
            error => ClientError::Unreachable { reason: error.to_string() },
        })?;
        let (sink, source) = socket.split();
        let encoding = self.encoding;
        let sink = sink
            .with(move |bytes: Bytes| std::future::ready(outgoing(bytes, encoding)))
            .sink_map_err(|error: Error| ClientError::lost(error.to_string()));
        let source = source.map(move |message| incoming(message, encoding));
        Ok(Wire { sink: Box::pin(sink), source: Box::pin(source), encoding })
    }
}

impl Dial for WsDialer {
    fn dial<'a>(&'a self, issued: &'a Issued) -> BoxFuture<'a, Result<Wire, ClientError>> {
        Box::pin(self.connect(issued))
    }
}

fn outgoing(bytes: Bytes, encoding: Encoding) -> Result<Message, Error> {
    match encoding {
        Encoding::Json => {
            Utf8Bytes::try_from(bytes).map(Message::Text).map_err(|error| Error::Utf8(error.to_string()))
        }
        Encoding::Cbor => Ok(Message::Binary(bytes)),
    }
}

fn incoming(message: Result<Message, Error>, encoding: Encoding) -> Result<Incoming, ClientError> {
    match (message, encoding) {
        (Ok(Message::Text(text)), Encoding::Json) => Ok(Incoming::Frame(text.into())),
        (Ok(Message::Binary(bytes)), Encoding::Cbor) => Ok(Incoming::Frame(bytes)),
        (Ok(Message::Ping(_) | Message::Pong(_)), _) => Ok(Incoming::Alive),
        (Ok(Message::Close(reason)), _) => {
            let reason = reason.map(|frame| frame.reason.to_string()).filter(|reason| !reason.is_empty());
            Err(ClientError::lost(reason.unwrap_or_else(|| "closed by the server".to_owned())))
        }
        (Ok(_), _) => Err(ClientError::protocol("it is in another encoding than was agreed")),
        (Err(Error::Capacity(_)), _) => Err(ClientError::TooLarge { max: FRAME_BYTES_MAX }),
        (Err(error), _) => Err(ClientError::lost(error.to_string())),
    }
}

/// A handshake that was answered with something else.
fn refused(response: &Response<Option<Vec<u8>>>) -> ClientError {
    let status = response.status();
    if status.is_redirection() {
        return ClientError::protocol("it points elsewhere; give the URL of where the server really is");
    }
    let retry_after_s =
        response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
    let body = response.body().as_deref().unwrap_or_default();
    ClientError::Problem(Box::new(foreign::read_problem(status.as_u16(), retry_after_s, body)))
}

#[cfg(test)]
mod tests;
