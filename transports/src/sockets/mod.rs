//! What every listener needs of its sockets, whatever framework stands behind: who may connect, where a request ends,
//! and encryption.
//!
//! No request is answered here. The one thing to believe: whatever a peer sends, or fails to send, costs a bounded
//! amount before anybody else hears of it.

pub(crate) mod framing;
pub(crate) mod ids;
mod network;
pub(crate) mod seats;
pub(crate) mod stream;
#[cfg(feature = "tls")]
mod tls;

pub use network::{Network, NetworkError};
#[cfg(feature = "tls")]
pub use tls::{Tls, TlsError, TlsFiles, TlsWatch};
