//! How the outside reaches the engine.
//!
//! A transport turns bytes into a request and an answer into bytes; it holds no rule. A dialect translates a vendor's
//! requests into the engine's commands and the engine's refusals into the vendor's words; it keeps no state. What
//! they all speak with is [`Front`], and what they all carry is [`exchange::Request`] and [`exchange::Response`],
//! which know no socket.
//!
//! | module | what | feature |
//! |---|---|---|
//! | [`native`] | the native interface, as requests and as frames | |
//! | [`dialects`] | vendors' wire protocols | `dialect-*` |
//! | [`memory`] | links and a simulated network in one process | |
//! | [`http`] | the HTTP listener and its WebSocket upgrade | `http`, `tls` |
//! | [`sockets`] | who may connect, where a request ends, and encryption | `ws`, `tls` |
//! | [`ws`] | the connection as a state machine, and a stand-alone listener | `ws` |

mod cors;
pub mod credentials;
pub mod dialects;
pub mod exchange;
mod front;
#[cfg(feature = "http")]
pub mod http;
pub mod memory;
pub mod native;
pub mod path;
pub mod problem;
mod public_urls;
mod rates;
mod router;
mod sealed;
#[cfg(feature = "ws")]
pub mod sockets;
#[cfg(test)]
mod testing;
pub mod ws;

pub use cors::{Cookies, CorsPolicy, OriginError};
pub use front::{EdgeLimits, Front};
pub use native::people::PeopleOptions;
pub use public_urls::{PublicUrl, PublicUrlError, PublicUrls};
pub use rates::PeopleRates;
pub use router::{Mount, Router, RouterBuilder, RouterError};
