//! A link: frames between a client and a connection in the same process.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use futures_core::Stream;
use futures_util::Sink;
use strongroom_engine::Credential;
use strongroom_wire::{Encoding, FRAME_BYTES_MAX};
use tokio::sync::{mpsc, oneshot};

use crate::{
    Front,
    ws::{self, CloseReason, Message, Opening, SocketError, SocketReceiver, SocketSender, Tongue},
};

/// Messages that lie in a link in either direction, as they would in a socket's buffers.
const LINK_MESSAGES: usize = 16;

/// The other end of the link is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the link is closed")]
pub struct LinkClosed;

/// A frame on its way into a link that has no room for it yet.
type Posting = Pin<Box<dyn Future<Output = Result<(), LinkClosed>> + Send>>;

/// The client's end of a link: a stream and a sink of frames. Answers pings as long as it is read.
pub struct Link {
    encoding: Encoding,
    outgoing: mpsc::Sender<Message>,
    /// A frame that waits for room.
    waiting: Option<Posting>,
    incoming: mpsc::Receiver<Message>,
    closed: Option<CloseReason>,
}

/// The server's end of a link, where messages come from.
pub(super) struct LinkReceiver(pub(super) mpsc::Receiver<Message>);

/// The server's end of a link, where messages go to.
pub(super) struct LinkSender(pub(super) mpsc::Sender<Message>);

/// Opens a link to `front` and serves it on the caller's own thread, which must run an `actix_rt` arbiter.
///
/// `credential` is what came with the handshake; without one the client has to say `hello`. The operator has no account:
/// nobody is welcomed, and questions are taken at once.
pub fn connect(front: &Front, credential: Option<Credential>, tongue: impl Into<Tongue>) -> Link {
    let tongue = tongue.into();
    let (link, receiver, sender) = link(tongue.encoding);
    let front = front.clone();
    let opening = Opening { credential, tongue, ..Opening::default() };
    actix_rt::spawn(async move { ws::serve(&front, receiver, sender, opening).await });
    link
}

/// Opens links from any thread and any task, to a front that is served where the connector was made.
#[derive(Clone)]
pub struct Connector(mpsc::Sender<Wanted>);

/// A link that somebody waits for.
struct Wanted {
    credential: Option<Credential>,
    tongue: Tongue,
    link: oneshot::Sender<Link>,
}

impl Connector {
    /// A connector to `front`, served on the caller's own thread, which must run an `actix_rt` arbiter.
    pub fn new(front: Front) -> Self {
        let (wanted, mut asked) = mpsc::channel::<Wanted>(LINK_MESSAGES);
        actix_rt::spawn(async move {
            while let Some(Wanted { credential, tongue, link }) = asked.recv().await {
                // Whoever asked may have lost patience; the link then ends by itself.
                let _ = link.send(connect(&front, credential, tongue));
            }
        });
        Self(wanted)
    }

    /// Opens a link, as [`connect`] does.
    ///
    /// # Errors
    /// [`LinkClosed`] if the arbiter is gone.
    pub async fn connect(
        &self,
        credential: Option<Credential>,
        tongue: impl Into<Tongue>,
    ) -> Result<Link, LinkClosed> {
        let tongue = tongue.into();
        let (link, opened) = oneshot::channel();
        self.0.send(Wanted { credential, tongue, link }).await.map_err(|_| LinkClosed)?;
        opened.await.map_err(|_| LinkClosed)
    }
}

/// Both ends of a new link.
pub(super) fn link(encoding: Encoding) -> (Link, LinkReceiver, LinkSender) {
    let (outgoing, server_incoming) = mpsc::channel(LINK_MESSAGES);
    let (server_outgoing, incoming) = mpsc::channel(LINK_MESSAGES);
    let link = Link { encoding, outgoing, waiting: None, incoming, closed: None };
    (link, LinkReceiver(server_incoming), LinkSender(server_outgoing))
}

impl Link {
    /// Why the server closed the link, once the stream has ended; `None` if it vanished without a word.
    pub fn close_reason(&self) -> Option<&CloseReason> {
        self.closed.as_ref()
    }

    /// Sends a message of whatever kind, as a client would that does not keep to the protocol.
    ///
    /// # Errors
    /// [`LinkClosed`].
    pub async fn send_message(&mut self, message: Message) -> Result<(), LinkClosed> {
        self.outgoing.send(message).await.map_err(|_| LinkClosed)
    }

    fn post(&mut self, message: Message) -> Result<(), LinkClosed> {
        match self.outgoing.try_send(message) {
            Ok(()) => Ok(()),
            Err(mpsc::error::TrySendError::Closed(_)) => Err(LinkClosed),
            Err(mpsc::error::TrySendError::Full(message)) => {
                let outgoing = self.outgoing.clone();
                self.waiting =
                    Some(Box::pin(async move { outgoing.send(message).await.map_err(|_| LinkClosed) }));
                Ok(())
            }
        }
    }
}

impl Stream for Link {
    type Item = Bytes;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Bytes>> {
        loop {
            match ready!(self.incoming.poll_recv(context)) {
                Some(Message::Text(bytes) | Message::Binary(bytes)) => return Poll::Ready(Some(bytes)),
                // A full link carries a later pong.
                Some(Message::Ping(bytes)) => drop(self.outgoing.try_send(Message::Pong(bytes))),
                Some(Message::Pong(_)) => {}
                Some(Message::Close(reason)) => {
                    self.closed = reason;
                    self.incoming.close();
                    drop(self.outgoing.try_send(Message::Close(None)));
                    return Poll::Ready(None);
                }
                None => return Poll::Ready(None),
            }
        }
    }
}

impl Sink<Bytes> for Link {
    type Error = LinkClosed;

    fn poll_ready(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), LinkClosed>> {
        if let Some(waiting) = &mut self.waiting {
            let sent = ready!(waiting.as_mut().poll(context));
            self.waiting = None;
            sent?;
        }
        Poll::Ready(Ok(()))
    }

    fn start_send(mut self: Pin<&mut Self>, frame: Bytes) -> Result<(), LinkClosed> {
        let message = match self.encoding {
            Encoding::Json => Message::Text(frame),
            Encoding::Cbor => Message::Binary(frame),
        };
        self.post(message)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), LinkClosed>> {
        self.poll_ready(context)
    }

    fn poll_close(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), LinkClosed>> {
        ready!(self.as_mut().poll_ready(context))?;
        // A peer that is gone already needs no goodbye.
        let _ = self.post(Message::Close(None));
        Poll::Ready(Ok(()))
    }
}

impl SocketReceiver for LinkReceiver {
    async fn recv(&mut self) -> Result<Message, SocketError> {
        match self.0.recv().await {
            Some(Message::Text(bytes) | Message::Binary(bytes)) if bytes.len() > FRAME_BYTES_MAX => {
                Err(SocketError::TooLarge)
            }
            Some(message) => Ok(message),
            None => Err(SocketError::Gone),
        }
    }
}

impl SocketSender for LinkSender {
    async fn send(&mut self, message: Message) -> Result<(), SocketError> {
        self.0.send(message).await.map_err(|_| SocketError::Gone)
    }
}
