//! What a connection has yet to send: frames in order, and ahead of them at most one ping and one pong.

use std::collections::VecDeque;

use bytes::Bytes;
use strongroom_wire::Encoding;

use super::socket::Message;

/// Frames that may wait to be sent. One more, and the peer is not reading.
const QUEUE_MAX: usize = 256;

/// Bytes of frames that may wait to be sent.
const QUEUE_BYTES_MAX: usize = 1024 * 1024;

/// While more than this waits, no further answer is taken: half of the bound, so that the answer of a single question
/// always fits.
const QUEUE_BYTES_BUSY: usize = QUEUE_BYTES_MAX / 2;

/// There is no room for another frame.
#[derive(Debug)]
pub(super) struct Full;

/// Messages on their way out.
pub(super) struct Outbox {
    encoding: Encoding,
    frames: VecDeque<Bytes>,
    bytes: usize,
    /// A message has been handed to the socket, which has not yet asked for the next one.
    sending: bool,
    pong: Option<Bytes>,
    ping: bool,
}

impl Outbox {
    pub(super) fn new(encoding: Encoding) -> Self {
        Self { encoding, frames: VecDeque::new(), bytes: 0, sending: false, pong: None, ping: false }
    }

    /// Takes a written frame.
    pub(super) fn push(&mut self, frame: Bytes) -> Result<(), Full> {
        if self.frames.len() >= QUEUE_MAX || self.bytes + frame.len() > QUEUE_BYTES_MAX {
            return Err(Full);
        }
        self.bytes += frame.len();
        self.frames.push_back(frame);
        Ok(())
    }

    /// Asks whether the peer is there.
    pub(super) fn ping(&mut self) {
        self.ping = true;
    }

    /// Says that we are. A later ping makes an answer to an earlier one needless.
    pub(super) fn pong(&mut self, bytes: Bytes) {
        self.pong = Some(bytes);
    }

    /// The next message; [`Outbox::on_sent`] follows once the socket has room for another.
    pub(super) fn next(&mut self) -> Option<Message> {
        let message = if let Some(bytes) = self.pong.take() {
            Message::Pong(bytes)
        } else if std::mem::take(&mut self.ping) {
            Message::Ping(Bytes::new())
        } else {
            let bytes = self.frames.pop_front()?;
            self.bytes -= bytes.len();
            match self.encoding {
                Encoding::Json => Message::Text(bytes),
                Encoding::Cbor => Message::Binary(bytes),
            }
        };
        self.sending = true;
        Some(message)
    }

    pub(super) fn on_sent(&mut self) {
        self.sending = false;
    }

    /// Whether there is a message to send.
    pub(super) fn has_message(&self) -> bool {
        !self.frames.is_empty() || self.pong.is_some() || self.ping
    }

    /// Whether the socket has taken everything.
    pub(super) fn is_flushed(&self) -> bool {
        !self.has_message() && !self.sending
    }

    /// Whether so much waits that nothing should be added that can wait elsewhere.
    pub(super) fn is_busy(&self) -> bool {
        self.bytes >= QUEUE_BYTES_BUSY
    }

    /// Throws everything away.
    pub(super) fn clear(&mut self) {
        *self = Self::new(self.encoding);
    }
}
