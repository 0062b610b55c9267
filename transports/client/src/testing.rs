//! Links of a test's own: one that answers from a script, and connections whose other end the test holds.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_core::Stream;
use futures_util::Sink;
use futures_util::future::{BoxFuture, ready};
use strongroom_primitives::hash::{RecordTag, sha256};
use strongroom_primitives::time::Timestamp;
use strongroom_wire::{
    Base64Bytes, ClientFrame, Encoding, Event, Operation, Problem, RecordDocument, RecordHead, Reply,
    ServerFrame, What,
};
use tokio::sync::mpsc;

use crate::client::{Client, ClientOptions};
use crate::credentials::Credentials;
use crate::keyknox::ports::Ports;
use crate::keyknox::ports::testing::{Counted, Standing};
use crate::link::{Feed, Link, Place, Question, Shown};
use crate::{Backoff, ClientError, RecordName};

/// Options whose clock stands still and whose chance is counted.
pub(crate) fn options() -> ClientOptions {
    let ports = Ports { clock: Arc::new(Standing(Mutex::new(1_000))), entropy: Arc::new(Counted) };
    let backoff = Backoff { first: Duration::from_millis(10), max: Duration::from_secs(1) };
    ClientOptions { ports, backoff, tries_max: 3, ..ClientOptions::default() }
}

/// Answers from a script, and writes down what it was asked.
#[derive(Default)]
pub(crate) struct Script {
    answers: Mutex<VecDeque<Result<Reply, ClientError>>>,
    asked: Mutex<Vec<Question>>,
    feeds: Mutex<VecDeque<Vec<Result<Shown, ClientError>>>>,
    followed: Mutex<Vec<Place>>,
}

impl Script {
    /// A client whose questions get these answers, in order.
    pub(crate) fn answering(answers: Vec<Result<Reply, ClientError>>) -> (Client, Arc<Self>) {
        Self { answers: Mutex::new(answers.into()), ..Self::default() }.client()
    }

    /// A client whose feeds show this, one list each time a feed is followed.
    pub(crate) fn showing(feeds: Vec<Vec<Result<Shown, ClientError>>>) -> (Client, Arc<Self>) {
        Self { feeds: Mutex::new(feeds.into()), ..Self::default() }.client()
    }

    fn client(self) -> (Client, Arc<Self>) {
        let script = Arc::new(self);
        let link = Arc::new(Scripted(script.clone()));
        (Client { link, options: Arc::new(options()) }, script)
    }

    /// What was asked since the last call.
    pub(crate) fn asked(&self) -> Vec<Question> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }

    /// The keys of what was asked since the last call.
    pub(crate) fn keys(&self) -> Vec<Option<String>> {
        self.asked().into_iter().map(|asked| asked.idempotency.map(|key| key.expose_text())).collect()
    }

    /// From where feeds were followed.
    pub(crate) fn followed(&self) -> Vec<Option<u64>> {
        self.followed.lock().unwrap().iter().map(|place| place.after).collect()
    }

    /// How many events an answer might bring each time.
    pub(crate) fn pages(&self) -> Vec<usize> {
        self.followed.lock().unwrap().iter().map(|place| place.page_events).collect()
    }
}

/// A link that a script answers, whoever asks.
struct Scripted(Arc<Script>);

impl Link for Scripted {
    fn of(&self, _: Credentials) -> Arc<dyn Link> {
        Arc::new(Self(self.0.clone()))
    }

    fn ask<'a>(&'a self, question: &'a Question) -> BoxFuture<'a, Result<Reply, ClientError>> {
        let Self(script) = self;
        script.asked.lock().unwrap().push(question.clone());
        let answer = script.answers.lock().unwrap().pop_front();
        Box::pin(ready(answer.expect("the script has an answer for every question")))
    }

    fn follow<'a>(&'a self, place: &'a Place) -> BoxFuture<'a, Result<Box<dyn Feed>, ClientError>> {
        let Self(script) = self;
        script.followed.lock().unwrap().push(place.clone());
        let mut shown =
            script.feeds.lock().unwrap().pop_front().expect("the script has a feed for every following");
        // A feed that cannot even be followed: its list holds nothing but the reason.
        if let [Err(_)] = &shown[..] {
            let error = shown.pop().expect("just seen");
            return Box::pin(ready(error.map(|_| unreachable!("it is an error"))));
        }
        Box::pin(ready(Ok(Box::new(ScriptedFeed(shown.into())) as Box<dyn Feed>)))
    }
}

struct ScriptedFeed(VecDeque<Result<Shown, ClientError>>);

impl Feed for ScriptedFeed {
    fn next(&mut self) -> BoxFuture<'_, Result<Shown, ClientError>> {
        Box::pin(ready(self.0.pop_front().unwrap_or_else(|| Err(ClientError::lost("the script ends")))))
    }
}

type Answer = dyn Fn(&Operation) -> Result<Reply, ClientError> + Send + Sync;

/// A server of a test's own, which writes down what it is asked.
pub(crate) struct Server {
    answer: Box<Answer>,
    pub(crate) asked: Mutex<Vec<Operation>>,
}

struct ToServer(Arc<Server>);

impl Link for ToServer {
    fn ask<'a>(&'a self, question: &'a Question) -> BoxFuture<'a, Result<Reply, ClientError>> {
        self.0.asked.lock().unwrap().push(question.operation.clone());
        Box::pin(ready((self.0.answer)(&question.operation)))
    }

    fn of(&self, _: Credentials) -> Arc<dyn Link> {
        Arc::new(Self(self.0.clone()))
    }

    fn follow<'a>(&'a self, _: &'a Place) -> BoxFuture<'a, Result<Box<dyn Feed>, ClientError>> {
        Box::pin(ready(Err(ClientError::lost("no feeds here"))))
    }
}

/// A client of such a server.
pub(crate) fn server(
    answer: impl Fn(&Operation) -> Result<Reply, ClientError> + Send + Sync + 'static,
) -> (Client, Arc<Server>) {
    let server = Arc::new(Server { answer: Box::new(answer), asked: Mutex::default() });
    let link = Arc::new(ToServer(server.clone()));
    (Client { link, options: Arc::new(options()) }, server)
}

/// A problem in the server's words.
pub(crate) fn problem(status: u16, code: &'static str) -> ClientError {
    ClientError::Problem(Box::new(Problem::new(status, code, "as the script says")))
}

/// The head of a named record of Alice's with this content, as its `sequence`th state.
pub(crate) fn head(name: &str, sequence: u64, meta: &[u8], value: &[u8]) -> RecordHead {
    RecordHead {
        name: vec![name.to_owned()],
        owner: "alice".parse().unwrap(),
        sequence,
        version: format!("{sequence}.0"),
        tag: RecordTag::v2(meta, value),
        chain: Base64Bytes(sha256(&sequence.to_be_bytes()).to_vec().into()),
        written: Timestamp::from_ms(1),
        recipients: Vec::new(),
    }
}

/// That record.
pub(crate) fn record(name: &str, sequence: u64, meta: &[u8], value: &[u8]) -> RecordDocument {
    let bytes = |bytes: &[u8]| Base64Bytes(Bytes::copy_from_slice(bytes));
    RecordDocument { head: head(name, sequence, meta, value), meta: bytes(meta), value: bytes(value) }
}

/// The event of this number.
pub(crate) fn event(sequence: u64) -> Event {
    let name = RecordName::from("r").parts().to_vec();
    Event {
        sequence,
        at: Timestamp::from_ms(sequence),
        what: What::RecordDeleted { name, record_sequence: sequence },
    }
}

/// One end of a connection, as a client is handed it.
pub(crate) struct Duplex {
    outgoing: mpsc::UnboundedSender<Bytes>,
    incoming: mpsc::UnboundedReceiver<Bytes>,
}

/// The other end, which the test holds.
pub(crate) struct Peer {
    outgoing: mpsc::UnboundedSender<Bytes>,
    incoming: mpsc::UnboundedReceiver<Bytes>,
}

/// Both ends.
pub(crate) fn duplex() -> (Duplex, Peer) {
    let (to_peer, from_client) = mpsc::unbounded_channel();
    let (to_client, from_peer) = mpsc::unbounded_channel();
    let client = Duplex { outgoing: to_peer, incoming: from_peer };
    (client, Peer { outgoing: to_client, incoming: from_client })
}

impl Stream for Duplex {
    type Item = Bytes;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        self.incoming.poll_recv(cx)
    }
}

impl Sink<Bytes> for Duplex {
    type Error = std::io::Error;

    fn poll_ready(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn start_send(self: Pin<&mut Self>, bytes: Bytes) -> std::io::Result<()> {
        self.outgoing.send(bytes).map_err(|_| std::io::ErrorKind::BrokenPipe.into())
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl Peer {
    /// The next frame; `None` once the client has gone.
    pub(crate) async fn hear(&mut self) -> Option<ClientFrame> {
        self.incoming.recv().await.map(|bytes| Encoding::Json.read(&bytes).unwrap())
    }

    /// Says something. A client that has gone hears nothing.
    pub(crate) fn say(&self, frame: &ServerFrame) {
        let _ = self.outgoing.send(Encoding::Json.write(frame));
    }

    /// Says something that may be no frame.
    pub(crate) fn say_bytes(&self, bytes: &'static [u8]) {
        let _ = self.outgoing.send(Bytes::from_static(bytes));
    }

    /// Takes the greeting and answers it. Returns what the client signed in with.
    pub(crate) async fn welcome(&mut self) -> String {
        let Some(ClientFrame::Hello { authorization }) = self.hear().await else { panic!("no greeting") };
        let account = "000102030405060708090a0b0c0d0e0f".parse().unwrap();
        self.say(&ServerFrame::Welcome { account, subject: "alice".parse().unwrap() });
        authorization
    }
}
