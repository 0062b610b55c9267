//! Sealed connections: what a message says is between client and engine, and nobody who ends TLS in between.
//!
//! Handshake and sealing are `strongroom_primitives::noise`; here they meet a socket. Pings, pongs and the goodbye are
//! the socket's own and stay as they are; a goodbye says nothing but a code and a phrase of ours.

use std::{cell::RefCell, rc::Rc, time::Duration};

use strongroom_primitives::noise::{Channel, NoiseError, Pattern};
use strongroom_wire::{CHANNEL_ANONYMOUS, FRAME_BYTES_MAX, HELLO_WITHIN_S, SUBPROTOCOL_SEALED};

use super::socket::{CloseReason, Message, SocketError, SocketReceiver, SocketSender, close};
use crate::Front;

const NOT_OURS: CloseReason = CloseReason::new(close::POLICY, "the channel was not made for this server");

/// Answers a client's handshake. Says why the connection is to end, if it is.
pub(super) async fn accept(
    front: &Front,
    receiver: &mut impl SocketReceiver,
    sender: &mut impl SocketSender,
) -> Result<Channel, CloseReason> {
    let late = CloseReason::new(close::POLICY, "a handshake comes within 5 s");
    let within = Duration::from_secs(HELLO_WITHIN_S);
    tokio::time::timeout(within, shake_hands(front, receiver, sender)).await.unwrap_or(Err(late))
}

async fn shake_hands(
    front: &Front,
    receiver: &mut impl SocketReceiver,
    sender: &mut impl SocketSender,
) -> Result<Channel, CloseReason> {
    let gone = |_: SocketError| CloseReason::new(close::VANISHED, "the peer is gone");
    let first = loop {
        match receiver.recv().await.map_err(gone)? {
            Message::Binary(bytes) => break bytes,
            Message::Ping(bytes) => sender.send(Message::Pong(bytes)).await.map_err(gone)?,
            Message::Pong(_) => {}
            Message::Close(_) => return Err(CloseReason::new(close::NORMAL, "as agreed")),
            Message::Text(_) => {
                return Err(CloseReason::new(close::UNSUPPORTED, "a sealed connection is binary"));
            }
        }
    };
    let (CHANNEL_ANONYMOUS, handshake) =
        first.split_first().map_or((0, &[][..]), |(kind, rest)| (*kind, rest))
    else {
        return Err(CloseReason::new(close::UNSUPPORTED, "no handshake of a kind that is known here"));
    };
    let prologue = SUBPROTOCOL_SEALED.as_bytes();
    let received = front.engine().receive_channel(Pattern::Anonymous, prologue, handshake);
    let (channel, answer) = received.and_then(|received| received.answer(&[])).map_err(|_| NOT_OURS)?;
    sender.send(Message::Binary(answer.into())).await.map_err(gone)?;
    Ok(channel)
}

/// The two halves of a socket with a channel over them.
pub(super) fn over<R, S>(channel: Channel, receiver: R, sender: S) -> (Opened<R>, Sealed<S>) {
    let channel = Rc::new(RefCell::new(channel));
    (Opened { inner: receiver, channel: channel.clone() }, Sealed { inner: sender, channel })
}

/// Messages as they come out of the channel.
pub(super) struct Opened<R> {
    inner: R,
    channel: Rc<RefCell<Channel>>,
}

/// Messages as they go into the channel.
pub(super) struct Sealed<S> {
    inner: S,
    channel: Rc<RefCell<Channel>>,
}

impl<R: SocketReceiver> SocketReceiver for Opened<R> {
    async fn recv(&mut self) -> Result<Message, SocketError> {
        loop {
            match self.inner.recv().await? {
                Message::Binary(sealed) => match self.channel.borrow_mut().open(&sealed, FRAME_BYTES_MAX) {
                    Ok(Some(frame)) => return Ok(Message::Binary(frame.to_vec().into())),
                    Ok(None) => {}
                    Err(NoiseError::TooLong { .. }) => return Err(SocketError::TooLarge),
                    Err(NoiseError::Message) => return Err(SocketError::Protocol),
                },
                Message::Text(_) => return Err(SocketError::Protocol),
                other => return Ok(other),
            }
        }
    }
}

impl<S: SocketSender> SocketSender for Sealed<S> {
    async fn send(&mut self, message: Message) -> Result<(), SocketError> {
        let frame = match message {
            Message::Binary(frame) | Message::Text(frame) => frame,
            other => return self.inner.send(other).await,
        };
        let sealed = self.channel.borrow_mut().seal(&frame).map_err(|_| SocketError::Gone)?;
        for message in sealed {
            self.inner.send(Message::Binary(message.into())).await?;
        }
        Ok(())
    }
}
