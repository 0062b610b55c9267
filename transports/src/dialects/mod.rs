//! How a vendor's wire protocol plugs in.
//!
//! A dialect may parse and print the vendor's bytes, build a credential from its headers, ask one or more commands and
//! keep configuration. It may not keep state, read storage or know another dialect. If it seems to need state, the
//! engine lacks a command.

#[cfg(feature = "dialect-dragonchain")]
pub mod dragonchain;
#[cfg(feature = "dialect-juicebox")]
pub mod juicebox;
#[cfg(feature = "dialect-keyknox")]
pub mod keyknox;
#[cfg(feature = "dialect-meeco")]
pub mod meeco;
#[cfg(feature = "dialect-misakey")]
pub mod misakey;
#[cfg(feature = "dialect-psono")]
pub mod psono;
#[cfg(any(
    feature = "dialect-dragonchain",
    feature = "dialect-keyknox",
    feature = "dialect-meeco",
    feature = "dialect-misakey",
    feature = "dialect-psono",
))]
mod refusals;

use std::{future::Future, pin::Pin, time::Duration};

use crate::{
    EdgeLimits, Front,
    cors::{Cookies, PREFLIGHT_AGE},
    exchange::{Request, Response},
};

/// A dialect's answer on its way.
pub type Answering<'a> = Pin<Box<dyn Future<Output = Response> + 'a>>;

/// A vendor's wire protocol, mounted somewhere.
pub trait Dialect: Send + Sync + 'static {
    /// Its name in logs, metrics and configuration.
    fn name(&self) -> &'static str;

    /// Answers a request whose path lies under the mount. `path` is the rest of it, beginning with a slash or empty,
    /// still percent-encoded. Unknown paths and wrong methods are the dialect's to refuse, in the vendor's words.
    fn answer<'a>(&'a self, front: &'a Front, path: &'a str, request: &'a Request) -> Answering<'a>;

    /// The largest body of a request to `path` below the mount, in bytes: `edge`'s unless the vendor's clients send more
    /// there, or less.
    fn body_bytes_max(&self, edge: &EdgeLimits, path: &str) -> usize {
        let _ = path;
        edge.body_bytes_max
    }

    /// Whether a path that ends in a slash means the same as without it. If so, the dialect never sees the slash;
    /// otherwise such a path has two readings and is refused.
    fn final_slash(&self) -> bool {
        false
    }

    /// How long a browser may remember that pages of a listed origin may ask below the mount.
    fn preflight_age(&self) -> Duration {
        PREFLIGHT_AGE
    }

    /// Whether pages of listed origins send cookies along below the mount.
    fn cookies(&self) -> Cookies {
        Cookies::Refused
    }

    /// The vendor's words for a request that the transport itself refuses: too large a body, a passed deadline, too
    /// many requests.
    fn refuse(&self, refusal: Refusal) -> Response;
}

/// Why a transport refuses a request before, or instead of, letting its dialect answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The body is over the limit.
    BodyTooLarge {
        /// The limit, in bytes.
        max: usize,
    },
    /// The answer did not come in time.
    TookTooLong,
    /// Too many requests from this peer.
    TooManyRequests {
        /// When to come back.
        retry_after: Duration,
    },
    /// The path can be read in two ways: empty segments, dot segments, encoded slashes or control characters.
    AmbiguousPath,
    /// The dialect panicked. The request id leads to the log.
    Fault,
}
