//! The client: one server, one caller, any link.
//!
//! Believe this: a write happens once. Every write carries a key that all its tries share, so a try whose answer was
//! lost can be repeated on whatever connection, and the server gives the first answer again. When no try told, the
//! error says that the outcome is unknown, and never that nothing happened.

mod outcome;

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_core::Stream;
use futures_util::Sink;
use strongroom_primitives::id::{IdempotencyKey, SessionId, Subject};
use strongroom_wire::{Encoding, Operation, Reply, SessionInfo, SessionOpened, Whoami};

use self::outcome::{has_ended, is_write, settles};
use crate::backoff::Backoff;
use crate::checks::{check, wrong_kind};
use crate::credentials::Credentials;
use crate::error::{BoxError, ClientError, ErrorKind};
use crate::keyknox::ports::{Ports, draw};
use crate::link::{FramesLink, Link, Question};
use crate::records::Records;
use crate::watch::{Watch, WatchOptions};

/// How a client behaves. `Default` suits a person at a keyboard and a service alike.
#[derive(Debug, Clone)]
pub struct ClientOptions {
    /// How long one try may take.
    pub within: Duration,
    /// How often a question is tried, the first time included.
    pub tries_max: u32,
    /// How long to wait between tries, and before connecting anew.
    pub backoff: Backoff,
    /// The largest answer over HTTP, in bytes. Frames have a limit of their own, 256 KiB.
    pub answer_bytes_max: usize,
    /// PEM: the certificates that a server's certificate must descend from, instead of the machine's roots.
    pub roots_pem: Option<Vec<u8>>,
    /// Whether a token may travel unencrypted to another machine.
    pub allow_plaintext: bool,
    /// How frames are written. CBOR where they are sealed, whatever this says.
    pub encoding: Encoding,
    /// The server's channel key, 32 bytes, to which frames are sealed beneath TLS: whoever ends TLS reads nothing and
    /// cannot stand in for the server. For connections that carry frames; HTTP has no such channel.
    pub sealed_to: Option<[u8; 32]>,
    /// Clock and chance.
    pub ports: Ports,
}

impl Default for ClientOptions {
    fn default() -> Self {
        Self {
            within: Duration::from_secs(15),
            tries_max: 6,
            backoff: Backoff::default(),
            answer_bytes_max: 4 * 1024 * 1024,
            roots_pem: None,
            allow_plaintext: false,
            encoding: Encoding::Json,
            sealed_to: None,
            ports: Ports::system(),
        }
    }
}

/// One server, asked as one caller. Clones share connections and credentials.
#[derive(Clone)]
pub struct Client {
    pub(crate) link: Arc<dyn Link>,
    pub(crate) options: Arc<ClientOptions>,
}

impl Client {
    /// Over HTTP. `url` is the server's (`https://host:port`); a path in it is where the native interface lies, `/v1`
    /// unless said otherwise. No connection is made yet.
    ///
    /// # Errors
    /// [`ClientError::Invalid`] for a URL that is none, or that would show the token to others on the way; and where a
    /// sealed channel was asked for, which HTTP has not.
    #[cfg(feature = "http")]
    pub fn http(url: &str, credentials: Credentials, options: ClientOptions) -> Result<Self, ClientError> {
        if options.sealed_to.is_some() {
            return Err(ClientError::Invalid("a sealed channel needs a WebSocket, not HTTP".to_owned()));
        }
        let link = crate::link::HttpLink::new(url, credentials, options.clone())?;
        Ok(Self { link: Arc::new(link), options: Arc::new(options) })
    }

    /// Over a WebSocket beside the native interface; `url` is the server's, as for HTTP. The connection is made when it is
    /// first needed, and made anew when it is lost. Needs a `tokio` runtime.
    ///
    /// # Errors
    /// [`ClientError::Invalid`] for a URL that is none, or that would show the token to others on the way.
    #[cfg(feature = "ws")]
    pub fn ws(url: &str, credentials: Credentials, options: ClientOptions) -> Result<Self, ClientError> {
        let dialer = crate::link::WsDialer::new(url, &options)?;
        let link = FramesLink::new(Arc::new(dialer), credentials, options.clone());
        Ok(Self { link: Arc::new(link), options: Arc::new(options) })
    }

    /// Over whatever carries frames, one message an item: a link in memory, say. `dial` makes a connection, and another
    /// one when that is lost. Needs a `tokio` runtime.
    pub fn frames<D, F, S, E>(dial: D, credentials: Credentials, options: ClientOptions) -> Self
    where
        D: Fn() -> F + Send + Sync + 'static,
        F: Future<Output = Result<S, E>> + Send + 'static,
        S: Stream<Item = Bytes> + Sink<Bytes> + Send + 'static,
        <S as Sink<Bytes>>::Error: Into<BoxError>,
        E: Into<BoxError>,
    {
        let dialer = crate::link::FramesDialer::new(dial, options.encoding);
        let link = FramesLink::new(Arc::new(dialer), credentials, options.clone());
        Self { link: Arc::new(link), options: Arc::new(options) }
    }

    /// The same server, asked as somebody else. The two share no session; over HTTP they share connections.
    #[must_use]
    pub fn of(&self, credentials: Credentials) -> Self {
        Self { link: self.link.of(credentials), options: self.options.clone() }
    }

    /// Records: the caller's own, and those that others share with them.
    pub fn records(&self) -> Records {
        Records::new(self.clone())
    }

    /// Follows a feed. Nothing is asked before the stream is polled.
    pub fn watch(&self, options: WatchOptions) -> Watch {
        Watch::new(self.clone(), options)
    }

    /// Who the server takes the caller for.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn whoami(&self) -> Result<Whoami, ClientError> {
        match self.ask(Operation::Whoami {}).await? {
            Reply::Whoami(me) => Ok(me),
            _ => Err(wrong_kind()),
        }
    }

    /// The caller's bearer sessions.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn sessions(&self) -> Result<Vec<SessionInfo>, ClientError> {
        match self.ask(Operation::ListSessions {}).await? {
            Reply::Sessions { sessions } => Ok(sessions),
            _ => Err(wrong_kind()),
        }
    }

    /// Revokes a bearer session of the caller; `None` for the one that this client uses.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn revoke_session(&self, session: Option<SessionId>) -> Result<(), ClientError> {
        self.ask(Operation::RevokeSession { session }).await.map(drop)
    }

    /// Revokes the caller's bearer sessions, all of them or all but the one that this client uses. Says how many.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn revoke_sessions(&self, keep_current: bool) -> Result<u64, ClientError> {
        match self.ask(Operation::RevokeSessions { keep_current }).await? {
            Reply::Revoked { count } => Ok(count),
            _ => Err(wrong_kind()),
        }
    }

    /// Opens a session that is good for so many seconds (at most 30 days, and no longer than the one that this client
    /// uses), to be handed to somebody who is not to keep it.
    ///
    /// # Errors
    /// [`ClientError`]; a client that uses such a session itself is refused.
    pub async fn open_child(&self, life_s: u64, label: &str) -> Result<SessionOpened, ClientError> {
        match self.ask(Operation::OpenChild { life_s, label: label.to_owned() }).await? {
            Reply::Opened(opened) => Ok(opened),
            _ => Err(wrong_kind()),
        }
    }

    /// Ends the caller's account for ever; `confirm` is the caller's own subject.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn erase_account(&self, confirm: Subject) -> Result<(), ClientError> {
        self.ask(Operation::EraseAccount { confirm }).await.map(drop)
    }

    /// The number of the latest event in a feed: what a caller who reads everything now watches from afterwards.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn feed_end(
        &self,
        owner: Option<Subject>,
        record: Option<Vec<String>>,
    ) -> Result<u64, ClientError> {
        let operation = Operation::FeedPage { owner, record, after: None, wait_s: None, limit: None };
        match self.ask(operation).await? {
            Reply::Feed(page) => Ok(page.next_after),
            _ => Err(wrong_kind()),
        }
    }

    /// Asks an operation as the wire has it, until there is an answer or no point in going on. A write gets a key of
    /// its own. The answer is of the kind that belongs to the operation.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn ask(&self, operation: Operation) -> Result<Reply, ClientError> {
        let key = if is_write(&operation) { Some(self.new_key()?) } else { None };
        self.ask_with_key(operation, key).await
    }

    /// Asks a write under the caller's own key.
    pub(crate) async fn ask_with_key(
        &self,
        operation: Operation,
        idempotency: Option<IdempotencyKey>,
    ) -> Result<Reply, ClientError> {
        let question = Question { operation, idempotency, within: self.options.within };
        let writes = is_write(&question.operation);
        let (mut renewed, mut tries, mut uncertain) = (false, 0, false);
        loop {
            let answer = self.link.ask(&question).await;
            let error = match answer {
                Ok(reply) => {
                    check(&question.operation, &reply)?;
                    return Ok(reply);
                }
                Err(error) => error,
            };
            // The token was good by our clock. There may be a fresh one now; a second refusal is believed.
            if error.is_expired() && !renewed {
                renewed = true;
                continue;
            }
            tries += 1;
            uncertain |= writes && error.kind() == ErrorKind::OutcomeUnknown;
            if error.is_retryable() && tries < self.options.tries_max {
                let wait = self.options.backoff.after(tries, &*self.options.ports.entropy);
                let asked = error.retry_after().unwrap_or_default();
                // A server that asks for a long pause is heard, but not obeyed without end.
                tokio::time::sleep(wait.max(asked.min(self.options.backoff.max))).await;
                continue;
            }
            return match error {
                error if uncertain && has_ended(&question.operation, &error) => Ok(Reply::Done {}),
                error if uncertain && !settles(&error) => {
                    Err(ClientError::OutcomeUnknown { last: Box::new(error) })
                }
                error => Err(error),
            };
        }
    }

    /// A fresh idempotency key.
    ///
    /// # Errors
    /// [`ClientError::NoEntropy`].
    pub fn new_key(&self) -> Result<IdempotencyKey, ClientError> {
        Ok(IdempotencyKey::from_bytes(draw(&*self.options.ports.entropy)?))
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Client")
    }
}

#[cfg(test)]
mod tests;
