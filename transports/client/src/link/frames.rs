//! Questions as frames over a connection that is made when it is needed and made anew when it is lost.
//!
//! Attempts to connect are spaced out for the link as a whole, however many callers wait for it.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_core::Stream;
use futures_util::future::{BoxFuture, ready};
use futures_util::{Sink, SinkExt, StreamExt};
use strongroom_wire::{Encoding, Reply};
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::session::{Incoming, Session, Wire};
use super::{Feed, Link, Place, Question, sealed};
use crate::client::ClientOptions;
use crate::credentials::{Credentials, Issued};
use crate::error::{BoxError, ClientError};

/// Makes connections.
pub(crate) trait Dial: Send + Sync {
    /// Makes one. What is asked for it may say who asks; a token is shown later, by whoever uses the connection.
    fn dial<'a>(&'a self, issued: &'a Issued) -> BoxFuture<'a, Result<Wire, ClientError>>;
}

/// A server over connections that carry frames.
pub(crate) struct FramesLink {
    dialer: Arc<dyn Dial>,
    credentials: Credentials,
    options: ClientOptions,
    current: Mutex<Current>,
}

#[derive(Default)]
struct Current {
    session: Option<SignedIn>,
    /// Connections in a row that could not be made, or of which nothing came.
    failures: u32,
    not_before: Option<Instant>,
}

/// A connection and the credential it was opened with.
#[derive(Clone)]
struct SignedIn {
    session: Session,
    issued: Issued,
}

impl FramesLink {
    pub(crate) fn new(dialer: Arc<dyn Dial>, credentials: Credentials, options: ClientOptions) -> Self {
        Self { dialer, credentials, options, current: Mutex::default() }
    }

    /// The present connection, or a new one. Callers wait for one another here, so that one connection is made.
    async fn signed_in(&self) -> Result<SignedIn, ClientError> {
        let mut current = self.current.lock().await;
        if let Some(signed_in) = current.session.take() {
            if signed_in.session.is_open() {
                return Ok(current.session.insert(signed_in).clone());
            }
            if signed_in.session.was_useful() {
                current.failures = 0;
            } else {
                self.fail(&mut current);
            }
        }
        if let Some(not_before) = current.not_before {
            tokio::time::sleep_until(not_before).await;
        }
        match self.connect().await {
            Ok(signed_in) => {
                current.not_before = None;
                Ok(current.session.insert(signed_in).clone())
            }
            Err(error) => {
                self.fail(&mut current);
                Err(error)
            }
        }
    }

    /// The same, within the time that one try may take.
    async fn within<T>(
        &self,
        within: Duration,
        asking: impl AsyncFnOnce(&Session) -> Result<T, ClientError>,
    ) -> Result<T, ClientError> {
        let SignedIn { session, issued } = tokio::time::timeout(within, self.signed_in())
            .await
            .unwrap_or_else(|_| Err(unreachable_within(within)))?;
        let asked = asking(&session).await;
        if asked.as_ref().is_err_and(ClientError::is_expired) {
            // The connection was signed in with it and stays so; the next one is signed in with another.
            self.credentials.forget(&issued).await;
            session.abandon("its credential has expired");
        }
        asked
    }

    fn fail(&self, current: &mut Current) {
        current.failures = current.failures.saturating_add(1);
        let wait = self.options.backoff.after(current.failures, &*self.options.ports.entropy);
        // The sleep itself is dropped; what counts is the instant it would have ended at.
        current.not_before = Some(tokio::time::sleep(wait).deadline());
    }

    async fn connect(&self) -> Result<SignedIn, ClientError> {
        let issued = self.credentials.token(&*self.options.ports.clock).await?;
        let within = self.options.within;
        let connecting = async {
            let wire = self.dialer.dial(&issued).await?;
            let wire = match &self.options.sealed_to {
                Some(server) => sealed::seal(wire, server, &*self.options.ports.entropy).await?,
                None => wire,
            };
            Session::open(wire, &issued).await
        };
        let connected = tokio::time::timeout(within, connecting).await;
        match connected.unwrap_or_else(|_| Err(unreachable_within(within))) {
            Err(error) if error.is_expired() => {
                self.credentials.forget(&issued).await;
                Err(error)
            }
            // Nothing was asked yet, so nothing can have happened.
            Err(ClientError::Lost { reason }) => Err(ClientError::Unreachable { reason }),
            connected => connected.map(|session| SignedIn { session, issued }),
        }
    }
}

fn unreachable_within(within: Duration) -> ClientError {
    ClientError::Unreachable { reason: format!("no connection within {} ms", within.as_millis()) }
}

impl Link for FramesLink {
    fn ask<'a>(&'a self, question: &'a Question) -> BoxFuture<'a, Result<Reply, ClientError>> {
        Box::pin(self.within(question.within, async move |session| session.ask(question).await))
    }

    fn of(&self, credentials: Credentials) -> Arc<dyn Link> {
        Arc::new(Self::new(self.dialer.clone(), credentials, self.options.clone()))
    }

    fn follow<'a>(&'a self, place: &'a Place) -> BoxFuture<'a, Result<Box<dyn Feed>, ClientError>> {
        let within = self.options.within;
        Box::pin(self.within(within, async move |session| session.follow(place, within).await))
    }
}

/// Makes connections by a caller's own means.
pub(crate) struct FramesDialer {
    dial: Box<dyn Fn() -> BoxFuture<'static, Result<Wire, ClientError>> + Send + Sync>,
}

impl FramesDialer {
    pub(crate) fn new<D, F, S, E>(dial: D, encoding: Encoding) -> Self
    where
        D: Fn() -> F + Send + Sync + 'static,
        F: Future<Output = Result<S, E>> + Send + 'static,
        S: Stream<Item = Bytes> + Sink<Bytes> + Send + 'static,
        <S as Sink<Bytes>>::Error: Into<BoxError>,
        E: Into<BoxError>,
    {
        let dial = move || -> BoxFuture<'static, Result<Wire, ClientError>> {
            let dialing = dial();
            Box::pin(async move {
                let refused = |error: E| ClientError::Unreachable { reason: error.into().to_string() };
                let (sink, source) = dialing.await.map_err(refused)?.split();
                let sink = sink.sink_map_err(|error| ClientError::lost(error.into().to_string()));
                let source = source.map(|bytes| Ok(Incoming::Frame(bytes)));
                Ok(Wire { sink: Box::pin(sink), source: Box::pin(source), encoding })
            })
        };
        Self { dial: Box::new(dial) }
    }
}

impl Dial for FramesDialer {
    fn dial<'a>(&'a self, issued: &'a Issued) -> BoxFuture<'a, Result<Wire, ClientError>> {
        if issued.is_signed() {
            let text = "a service key signs requests over HTTP and WebSockets only";
            return Box::pin(ready(Err(ClientError::Invalid(text.to_owned()))));
        }
        (self.dial)()
    }
}

#[cfg(test)]
mod tests;
