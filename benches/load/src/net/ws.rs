//! One WebSocket connection: opened with headers of our choice, text out, text in.

use std::net::SocketAddr;

use anyhow::{Context, bail};
use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};

/// The library's default of 128 KiB would cost a process of 2,500 idle subscribers 320 MiB for nothing.
const READ_BUFFER_BYTES: usize = 4 * 1024;

/// An open connection.
#[derive(Debug)]
pub(crate) struct Ws {
    stream: WebSocketStream<TcpStream>,
}

impl Ws {
    /// Connects and upgrades at `path`; `authorization` becomes that header.
    pub(crate) async fn connect(
        address: SocketAddr,
        path: &str,
        authorization: Option<&str>,
    ) -> anyhow::Result<Ws> {
        let tcp =
            TcpStream::connect(address).await.with_context(|| format!("cannot connect to {address}"))?;
        tcp.set_nodelay(true)?;
        let mut request = format!("ws://{address}{path}").into_client_request()?;
        if let Some(authorization) = authorization {
            request.headers_mut().insert("Authorization", authorization.parse()?);
        }
        let config = WebSocketConfig::default().read_buffer_size(READ_BUFFER_BYTES).write_buffer_size(0);
        let (stream, _) = tokio_tungstenite::client_async_with_config(request, tcp, Some(config)).await?;
        Ok(Ws { stream })
    }

    /// Sends one text frame.
    pub(crate) async fn send(&mut self, text: Utf8Bytes) -> anyhow::Result<()> {
        Ok(self.stream.send(Message::Text(text)).await?)
    }

    /// The next text frame; pings are answered on the way.
    pub(crate) async fn receive(&mut self) -> anyhow::Result<Utf8Bytes> {
        loop {
            match self.stream.next().await {
                Some(Ok(Message::Text(text))) => return Ok(text),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(Message::Close(reason))) => bail!("the server closed the socket: {reason:?}"),
                Some(Ok(_)) => bail!("a frame that is not text"),
                Some(Err(error)) => return Err(error.into()),
                None => bail!("the socket ended"),
            }
        }
    }
}
