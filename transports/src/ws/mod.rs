//! The connection: frames over any socket that carries messages.
//!
//! [`Connection`] is the protocol as a state machine without a socket, a clock or an engine; [`serve`] drives one over
//! a pair of [`SocketReceiver`] and [`SocketSender`], which WebSocket listeners and links in memory implement. Events
//! are never queued for a peer: a page of a feed is read only when everything before it has left, so a peer that does
//! not read costs its bounded answers and nothing more.

mod connection;
#[cfg(feature = "ws")]
mod handshake;
#[cfg(feature = "ws")]
mod listener;
mod outbox;
mod pump;
mod sealed;
mod socket;
#[cfg(test)]
mod tests;
#[cfg(feature = "ws")]
mod tungstenite;

pub use connection::{Connection, Task};
#[cfg(feature = "http")]
pub(crate) use handshake::{Admitted, admit, refusal};
#[cfg(feature = "ws")]
pub use listener::{Listener, ListenerLimits, ListenerOptions};
pub use pump::{Opening, serve};
pub use socket::{CloseReason, Message, SocketError, SocketReceiver, SocketSender, Tongue, close, negotiate};
#[cfg(feature = "http")]
pub(crate) use tungstenite::{part, serve_stream};
