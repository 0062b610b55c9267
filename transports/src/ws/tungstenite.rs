//! WebSocket on any stream of bytes: framing by tungstenite, with buffers and limits of our own.

use std::{cell::RefCell, future::poll_fn, pin::Pin, rc::Rc, task::Poll, time::Duration};

use futures_util::{Sink, Stream};
use strongroom_wire::FRAME_BYTES_MAX;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Error, Message as Raw, Utf8Bytes,
        error::ProtocolError,
        protocol::{CloseFrame, Role, WebSocketConfig},
    },
};

use super::{
    pump::{Opening, serve},
    socket::{CloseReason, Message, SocketError, SocketReceiver, SocketSender},
};
use crate::Front;

/// The buffers for reading and writing, in bytes. The library's own default is 128 KiB each, for idle peers too.
const BUFFER_BYTES: usize = 4 * 1024;

/// What may wait to be written: the largest message, and what the library answers by itself.
const WRITE_BYTES_MAX: usize = FRAME_BYTES_MAX + 64 * 1024;

/// How much of what a peer still sends is read before its socket is closed, in bytes. Closing over unread bytes would
/// reset the connection and take the last message with it.
const FAREWELL_BYTES_MAX: u64 = 256 * 1024;

/// How long the above may take.
const FAREWELL_WITHIN: Duration = Duration::from_secs(1);

/// Serves a connection whose handshake is done. `first` are bytes that came right behind the handshake.
pub(crate) async fn serve_stream<S: AsyncRead + AsyncWrite + Unpin>(
    front: &Front,
    stream: S,
    first: Vec<u8>,
    opening: Opening,
) {
    let socket = WebSocketStream::from_partially_read(stream, first, Role::Server, Some(config())).await;
    let socket = Rc::new(RefCell::new(socket));
    let reason = serve(front, Half(socket.clone()), Half(socket.clone()), opening).await;
    tracing::debug!(code = reason.code, reason = &*reason.reason, "a connection ended");
    if let Some(socket) = Rc::into_inner(socket) {
        part(socket.into_inner().into_inner()).await;
    }
}

/// Closes a stream in such a way that the peer gets to read what was sent last.
pub(crate) async fn part<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S) {
    let farewell = async {
        if stream.shutdown().await.is_ok() {
            let _ = tokio::io::copy(&mut stream.take(FAREWELL_BYTES_MAX), &mut tokio::io::sink()).await;
        }
    };
    let _ = tokio::time::timeout(FAREWELL_WITHIN, farewell).await;
}

fn config() -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(BUFFER_BYTES)
        .write_buffer_size(BUFFER_BYTES)
        .max_write_buffer_size(WRITE_BYTES_MAX)
        .max_message_size(Some(FRAME_BYTES_MAX))
        .max_frame_size(Some(FRAME_BYTES_MAX))
}

/// One end of a socket that two halves of one task share. Neither holds it across an await.
struct Half<S>(Rc<RefCell<WebSocketStream<S>>>);

impl<S: AsyncRead + AsyncWrite + Unpin> SocketReceiver for Half<S> {
    async fn recv(&mut self) -> Result<Message, SocketError> {
        poll_fn(|cx| {
            loop {
                let next = Pin::new(&mut *self.0.borrow_mut()).poll_next(cx);
                return Poll::Ready(match std::task::ready!(next) {
                    // The library has its answer ready and sends it when it is asked for the next message.
                    Some(Ok(Raw::Ping(_) | Raw::Frame(_))) => continue,
                    Some(Ok(Raw::Text(text))) => Ok(Message::Text(text.into())),
                    Some(Ok(Raw::Binary(bytes))) => Ok(Message::Binary(bytes)),
                    Some(Ok(Raw::Pong(bytes))) => Ok(Message::Pong(bytes)),
                    Some(Ok(Raw::Close(frame))) => Ok(Message::Close(frame.map(|frame| CloseReason {
                        code: frame.code.into(),
                        reason: frame.reason.as_str().to_owned().into(),
                    }))),
                    Some(Err(error)) => Err(error_of(&error)),
                    None => Err(SocketError::Gone),
                });
            }
        })
        .await
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> SocketSender for Half<S> {
    async fn send(&mut self, message: Message) -> Result<(), SocketError> {
        let ends = matches!(message, Message::Close(_));
        let mut message = Some(raw(message)?);
        poll_fn(|cx| {
            let mut socket = self.0.borrow_mut();
            let mut socket = Pin::new(&mut *socket);
            if message.is_some() {
                std::task::ready!(socket.as_mut().poll_ready(cx))?;
                if let Some(message) = message.take() {
                    match socket.as_mut().start_send(message) {
                        // The peer has closed, and the library has its answer to that ready: it only has to leave.
                        Err(Error::Protocol(ProtocolError::SendAfterClosing)) if ends => {}
                        sent => sent?,
                    }
                }
            }
            socket.poll_flush(cx)
        })
        .await
        .map_err(|_: Error| SocketError::Gone)
    }
}

fn raw(message: Message) -> Result<Raw, SocketError> {
    Ok(match message {
        Message::Text(text) => Raw::Text(Utf8Bytes::try_from(text).map_err(|_| SocketError::NotUtf8)?),
        Message::Binary(bytes) => Raw::Binary(bytes),
        Message::Ping(bytes) => Raw::Ping(bytes),
        Message::Pong(bytes) => Raw::Pong(bytes),
        Message::Close(reason) => Raw::Close(reason.map(|CloseReason { code, reason }| CloseFrame {
            code: code.into(),
            reason: Utf8Bytes::from(&*reason),
        })),
    })
}

fn error_of(error: &Error) -> SocketError {
    match error {
        Error::Capacity(_) => SocketError::TooLarge,
        Error::Utf8(_) => SocketError::NotUtf8,
        Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => SocketError::Gone,
        Error::Protocol(_) => SocketError::Protocol,
        _ => SocketError::Gone,
    }
}
