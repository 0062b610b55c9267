//! What carries questions to a server and events back. One trait, three ways; the trait is the crate's own, so that
//! its promises stay in one place.
//!
//! A link makes one try and says truthfully how it ended. Trying again, pairing a retry with its first try and
//! resuming a feed are the client's business, the same over every link.

#[cfg(any(feature = "http", feature = "ws"))]
mod address;
#[cfg(feature = "http")]
mod door;
#[cfg(any(feature = "http", feature = "ws"))]
mod foreign;
mod frames;
#[cfg(feature = "http")]
mod http;
mod sealed;
mod session;
#[cfg(any(feature = "http", feature = "ws"))]
mod tls;
#[cfg(feature = "ws")]
mod ws;

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use strongroom_primitives::id::{IdempotencyKey, Subject};
use strongroom_wire::{Event, Operation, Reply};

#[cfg(feature = "http")]
pub(crate) use address::Address;
#[cfg(feature = "http")]
pub(crate) use door::{Answer, Door};
pub(crate) use frames::{FramesDialer, FramesLink};
#[cfg(feature = "http")]
pub(crate) use http::HttpLink;
#[cfg(feature = "ws")]
pub(crate) use ws::WsDialer;

use crate::ClientError;
use crate::credentials::Credentials;

/// A question, as one try carries it.
#[derive(Debug, Clone)]
pub(crate) struct Question {
    pub(crate) operation: Operation,
    /// The same for all tries of one write.
    pub(crate) idempotency: Option<IdempotencyKey>,
    /// How long the answer may take.
    pub(crate) within: Duration,
}

/// A feed, and a place in it.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) owner: Option<Subject>,
    pub(crate) record: Option<Vec<String>>,
    /// The last sequence number seen; `None` for the end of the feed.
    pub(crate) after: Option<u64>,
    /// Events that one answer may bring, where events are asked for and not pushed.
    pub(crate) page_events: usize,
}

/// What a feed shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Shown {
    /// It begins: what is shown next comes after this number.
    Began { after: u64 },
    /// Something happened.
    Event(Event),
    /// Nothing of interest up to here.
    #[cfg(any(feature = "http", test))]
    Passed { after: u64 },
    /// Events up to here are lost.
    Gap { after: u64 },
}

/// Carries questions.
pub(crate) trait Link: Send + Sync {
    /// Asks once.
    fn ask<'a>(&'a self, question: &'a Question) -> BoxFuture<'a, Result<Reply, ClientError>>;

    /// A link to the same server for somebody else.
    fn of(&self, credentials: Credentials) -> Arc<dyn Link>;

    /// Follows a feed until something goes wrong.
    fn follow<'a>(&'a self, place: &'a Place) -> BoxFuture<'a, Result<Box<dyn Feed>, ClientError>>;
}

/// A followed feed.
pub(crate) trait Feed: Send {
    /// What comes next. After an error nothing more comes.
    fn next(&mut self) -> BoxFuture<'_, Result<Shown, ClientError>>;
}
