//! What a connection needs of a socket: messages in, messages out.

use std::{borrow::Cow, fmt, future::Future};

use bytes::Bytes;
use http::{HeaderMap, header};
use strongroom_wire::{Encoding, SUBPROTOCOL_CBOR, SUBPROTOCOL_JSON, SUBPROTOCOL_SEALED};

/// Codes of closing, after RFC 6455 section 7.4.1.
pub mod close {
    /// It is over, as agreed.
    pub const NORMAL: u16 = 1000;
    /// The server is going down.
    pub const GOING_AWAY: u16 = 1001;
    /// The peer does not speak the protocol.
    pub const PROTOCOL: u16 = 1002;
    /// A message of a kind that this connection does not take.
    pub const UNSUPPORTED: u16 = 1003;
    /// The peer has vanished. Never sent: there is nobody to send it to.
    pub const VANISHED: u16 = 1006;
    /// Text that is not UTF-8, or a message that is no frame.
    pub const INVALID: u16 = 1007;
    /// Not signed in, no longer signed in, or not reading its answers.
    pub const POLICY: u16 = 1008;
    /// A message over the limit.
    pub const TOO_LARGE: u16 = 1009;
    /// Our side is at fault.
    pub const FAULT: u16 = 1011;
    /// Not now.
    pub const TRY_LATER: u16 = 1013;
}

/// Why a connection ends: a code of [`close`] and a phrase of at most 123 bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CloseReason {
    /// The code.
    pub code: u16,
    /// The phrase.
    pub reason: Cow<'static, str>,
}

impl CloseReason {
    /// A reason in our own words.
    pub const fn new(code: u16, reason: &'static str) -> Self {
        Self { code, reason: Cow::Borrowed(reason) }
    }
}

/// One message of a socket, whole. Prints without what it says.
#[derive(Clone, PartialEq, Eq)]
pub enum Message {
    /// UTF-8 text. What we send always is; what a socket hands in may be trusted to be.
    Text(Bytes),
    /// Bytes.
    Binary(Bytes),
    /// Asks for a pong with the same bytes, at most 125. A socket that answers pings by itself keeps them to itself.
    Ping(Bytes),
    /// Answers a ping.
    Pong(Bytes),
    /// The end; nothing follows it.
    Close(Option<CloseReason>),
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(bytes) => write!(f, "Text({} bytes)", bytes.len()),
            Self::Binary(bytes) => write!(f, "Binary({} bytes)", bytes.len()),
            Self::Ping(bytes) => write!(f, "Ping({} bytes)", bytes.len()),
            Self::Pong(bytes) => write!(f, "Pong({} bytes)", bytes.len()),
            Self::Close(reason) => write!(f, "Close({reason:?})"),
        }
    }
}

/// Why a socket has no further message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SocketError {
    /// The peer is gone.
    #[error("the peer is gone")]
    Gone,
    /// A message over the limit, whether it arrived or was only declared.
    #[error("a message is over the limit")]
    TooLarge,
    /// Text that is not UTF-8.
    #[error("text is not UTF-8")]
    NotUtf8,
    /// Something that the socket's protocol forbids.
    #[error("the peer does not speak the protocol")]
    Protocol,
}

/// The half of a socket that messages come from.
pub trait SocketReceiver {
    /// The next message. Dropping the future loses no message.
    ///
    /// # Errors
    /// [`SocketError`]; nothing more comes after one.
    fn recv(&mut self) -> impl Future<Output = Result<Message, SocketError>>;
}

/// The half of a socket that messages go to.
pub trait SocketSender {
    /// Hands over a message; returns once there is room for the next one.
    ///
    /// # Errors
    /// [`SocketError::Gone`].
    fn send(&mut self, message: Message) -> impl Future<Output = Result<(), SocketError>>;
}

/// How a connection speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tongue {
    /// How frames are written.
    pub encoding: Encoding,
    /// Whether they travel in a channel of their own.
    pub sealed: bool,
}

impl Tongue {
    /// In the open.
    pub const fn open(encoding: Encoding) -> Self {
        Self { encoding, sealed: false }
    }

    /// In a channel; frames are CBOR.
    pub const SEALED: Self = Self { encoding: Encoding::Cbor, sealed: true };
}

impl From<Encoding> for Tongue {
    fn from(encoding: Encoding) -> Self {
        Self::open(encoding)
    }
}

/// What a WebSocket handshake asks for, and the subprotocol to name in the answer. JSON, unnamed, where none of ours is
/// offered; the first of ours otherwise.
pub fn negotiate(headers: &HeaderMap) -> (Tongue, Option<&'static str>) {
    let offers = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).iter();
    let mut offers = offers.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    offers
        .find_map(|offer| match offer.trim() {
            SUBPROTOCOL_JSON => Some((Tongue::open(Encoding::Json), Some(SUBPROTOCOL_JSON))),
            SUBPROTOCOL_CBOR => Some((Tongue::open(Encoding::Cbor), Some(SUBPROTOCOL_CBOR))),
            SUBPROTOCOL_SEALED => Some((Tongue::SEALED, Some(SUBPROTOCOL_SEALED))),
            _ => None,
        })
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn the_first_subprotocol_that_is_ours_is_spoken_and_json_without_one() {
        let of = |offers: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for offer in offers {
                headers.append(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(offer));
            }
            negotiate(&headers)
        };
        assert_eq!(of(&[]), (Tongue::default(), None));
        assert_eq!(of(&["chat, superchat"]), (Tongue::default(), None));
        assert_eq!(
            of(&["chat", "strongroom.v1.cbor, strongroom.v1.json"]),
            (Tongue::open(Encoding::Cbor), Some(SUBPROTOCOL_CBOR))
        );
        let json = (Tongue::open(Encoding::Json), Some(SUBPROTOCOL_JSON));
        assert_eq!(of(&["strongroom.v1.json"]), json);
        assert_eq!(of(&["strongroom.v1.sealed"]), (Tongue::SEALED, Some(SUBPROTOCOL_SEALED)));
    }
}
