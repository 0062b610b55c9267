//! One connection that carries frames: questions out, answers and events back, in whatever order they come.
//!
//! Ids are given out once and never again, so an answer is either to a question that waits, or to one that was given
//! up, or to none at all; the last ends the connection. Events go into a bounded queue per subscription. A subscriber
//! who does not empty it loses the subscription, not the events: they are asked for again from where it stood.

use std::collections::BTreeMap;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_core::Stream;
use futures_util::future::{BoxFuture, ready};
use futures_util::{Sink, SinkExt, StreamExt};
use strongroom_primitives::secret::SecretText;
use strongroom_wire::{
    ClientFrame, Encoding, FRAME_BYTES_MAX, Operation, Reply, ServerFrame, SubscriptionId,
};
use tokio::sync::{Notify, mpsc, oneshot};

use super::{Feed, Place, Question, Shown};
use crate::ClientError;
use crate::credentials::Issued;

/// Frames that may wait to be sent.
const OUT_MAX: usize = 64;
/// Events of one subscription that may wait to be taken.
const EVENTS_MAX: usize = 256;
/// After so long without a sign of life the server is asked for one.
const QUIET_MAX: Duration = Duration::from_secs(30);
/// How long that sign may take, and how long a frame may take to leave.
const SIGN_WITHIN: Duration = Duration::from_secs(10);

/// What a connection hands in.
#[derive(Debug)]
pub(crate) enum Incoming {
    /// A frame, not yet read.
    Frame(Bytes),
    /// Something below frames that only says that the other side is there.
    #[cfg(feature = "ws")]
    Alive,
}

/// A connection that nobody has signed in on.
pub(crate) struct Wire {
    pub(crate) sink: Pin<Box<dyn Sink<Bytes, Error = ClientError> + Send>>,
    pub(crate) source: Pin<Box<dyn Stream<Item = Result<Incoming, ClientError>> + Send>>,
    pub(crate) encoding: Encoding,
}

impl Wire {
    /// The next frame; `None` once the connection is closed.
    pub(crate) async fn next_frame(&mut self) -> Option<Result<Bytes, ClientError>> {
        let frames = self.source.by_ref().filter_map(|incoming| {
            ready(match incoming {
                Ok(Incoming::Frame(bytes)) => Some(Ok(bytes)),
                #[cfg(feature = "ws")]
                Ok(Incoming::Alive) => None,
                Err(error) => Some(Err(error)),
            })
        });
        pin!(frames).next().await
    }
}

/// A connection that somebody is signed in on. Ends when the last clone is dropped.
#[derive(Clone)]
pub(crate) struct Session {
    shared: Arc<Shared>,
    out: mpsc::Sender<Bytes>,
}

struct Shared {
    encoding: Encoding,
    state: Mutex<State>,
    /// Frames that came in, ever.
    heard: AtomicU64,
    /// Whether an answer or an event was among them.
    useful: AtomicBool,
    /// Tells whoever carries the frames that the connection has ended.
    ended: Notify,
}

#[derive(Default)]
struct State {
    next_id: u64,
    next_subscription: SubscriptionId,
    waiting: BTreeMap<u64, oneshot::Sender<Result<Heard, ClientError>>>,
    subscriptions: BTreeMap<SubscriptionId, mpsc::Sender<Result<Shown, ClientError>>>,
    end: Option<End>,
}

/// What a question gets.
enum Heard {
    Reply(Box<Reply>),
    Subscribed { after: u64 },
}

/// How a connection ended, for everybody who still waits.
#[derive(Clone)]
enum End {
    Lost(String),
    Protocol(&'static str),
}

impl End {
    /// A problem of the whole connection answers no question: what was asked before it may have been done.
    fn of(error: ClientError) -> Self {
        match error {
            ClientError::Protocol { what } => Self::Protocol(what),
            ClientError::Lost { reason } => Self::Lost(reason),
            other => Self::Lost(other.to_string()),
        }
    }

    fn error(&self) -> ClientError {
        match self {
            Self::Lost(reason) => ClientError::lost(reason.as_str()),
            Self::Protocol(what) => ClientError::protocol(what),
        }
    }
}

impl Session {
    /// Signs in on a connection; as nobody without a word. Where the handshake was signed, that is waited for.
    pub(crate) async fn open(wire: Wire, issued: &Issued) -> Result<Self, ClientError> {
        let wire = match &issued.authorization {
            Some(authorization) => Self::greet(wire, authorization).await?,
            None if issued.is_signed() => Self::welcomed(wire, Ok(())).await?,
            None => wire,
        };
        let shared = Arc::new(Shared {
            encoding: wire.encoding,
            state: Mutex::default(),
            heard: AtomicU64::new(0),
            useful: AtomicBool::new(false),
            ended: Notify::new(),
        });
        let (out, outgoing) = mpsc::channel(OUT_MAX);
        tokio::spawn(run(wire, shared.clone(), out.downgrade(), outgoing));
        Ok(Self { shared, out })
    }

    async fn greet(mut wire: Wire, authorization: &SecretText) -> Result<Wire, ClientError> {
        let hello = ClientFrame::Hello { authorization: authorization.expose().to_owned() };
        // A server that refuses the connection may have said why before it hung up, so that is listened to even when
        // greeting fails.
        let greeted = wire.sink.send(wire.encoding.write(&hello)).await;
        Self::welcomed(wire, greeted).await
    }

    async fn welcomed(mut wire: Wire, greeted: Result<(), ClientError>) -> Result<Wire, ClientError> {
        let frame = match wire.next_frame().await {
            Some(Ok(bytes)) => read(wire.encoding, &bytes)?,
            Some(Err(error)) => return Err(greeted.err().unwrap_or(error)),
            None => {
                let closed = || ClientError::lost("closed before signing in");
                return Err(greeted.err().unwrap_or_else(closed));
            }
        };
        match frame {
            ServerFrame::Welcome { .. } | ServerFrame::WelcomeKey { .. } => Ok(wire),
            ServerFrame::Problem { id: None, problem } => Err(ClientError::Problem(problem)),
            _ => Err(ClientError::protocol("it speaks before it has greeted")),
        }
    }

    /// Ends it for everybody.
    pub(crate) fn abandon(&self, reason: &str) {
        self.shared.end(End::Lost(reason.to_owned()));
    }

    /// Whether it can still be asked.
    pub(crate) fn is_open(&self) -> bool {
        self.shared.lock().end.is_none()
    }

    /// Whether anything ever came of it.
    pub(crate) fn was_useful(&self) -> bool {
        self.shared.useful.load(Ordering::Relaxed)
    }

    /// Asks, and waits for the answer as long as the question allows.
    pub(crate) async fn ask(&self, question: &Question) -> Result<Reply, ClientError> {
        let (operation, key) = (question.operation.clone(), question.idempotency.as_ref());
        let idempotency_key = key.map(|key| key.expose_text());
        let heard =
            self.expect(question.within, |id| ClientFrame::Ask { id, operation, idempotency_key }).await?;
        match heard {
            Heard::Reply(reply) => Ok(*reply),
            Heard::Subscribed { .. } => Err(self.betrayed()),
        }
    }

    /// Opens a subscription.
    pub(crate) async fn follow(&self, place: &Place, within: Duration) -> Result<Box<dyn Feed>, ClientError> {
        let (events, queue) = mpsc::channel(EVENTS_MAX);
        let subscription = {
            let mut state = self.shared.lock();
            let subscription = state.next_subscription;
            state.next_subscription += 1;
            state.subscriptions.insert(subscription, events);
            subscription
        };
        // Made before it is asked for: whatever happens from here on, dropping it ends the subscription.
        let mut following = Following { session: self.clone(), subscription, queue, began: None };
        let Place { owner, record, after, .. } = place.clone();
        let heard = self
            .expect(within, |id| ClientFrame::Subscribe { id, subscription, owner, record, after })
            .await?;
        match heard {
            Heard::Subscribed { after } => following.began = Some(after),
            Heard::Reply(_) => return Err(self.betrayed()),
        }
        Ok(Box::new(following))
    }

    async fn expect(
        &self,
        within: Duration,
        frame: impl FnOnce(u64) -> ClientFrame,
    ) -> Result<Heard, ClientError> {
        let (answer, waiting) = oneshot::channel();
        let id = {
            let mut state = self.shared.lock();
            if let Some(end) = &state.end {
                return Err(end.error());
            }
            let id = state.next_id;
            state.next_id += 1;
            state.waiting.insert(id, answer);
            id
        };
        let _waits = Waits { shared: &self.shared, id };
        let bytes = self.shared.encoding.write(&frame(id));
        if bytes.len() > FRAME_BYTES_MAX {
            let text = format!("this takes {} bytes, a frame carries {FRAME_BYTES_MAX}", bytes.len());
            return Err(ClientError::Invalid(text));
        }
        let heard_before = self.shared.heard.load(Ordering::Relaxed);
        let asking = async {
            self.out.send(bytes).await.map_err(|_| self.shared.error())?;
            waiting.await.unwrap_or_else(|_| Err(self.shared.error()))
        };
        tokio::time::timeout(within, asking).await.unwrap_or_else(|_| {
            // Nothing at all in all that time: whoever asks next had better not wait here too.
            if self.shared.heard.load(Ordering::Relaxed) == heard_before {
                self.abandon("no sign of life");
            }
            Err(ClientError::TimedOut { within })
        })
    }

    /// The server answers what was not asked: nothing more on this connection can be believed.
    fn betrayed(&self) -> ClientError {
        let end = End::Protocol("it answers another question");
        let error = end.error();
        self.shared.end(end);
        error
    }
}

/// A question's place among those that wait, given up with the question.
struct Waits<'a> {
    shared: &'a Shared,
    id: u64,
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.shared.lock().waiting.remove(&self.id);
    }
}

/// A subscription on a connection.
struct Following {
    session: Session,
    subscription: SubscriptionId,
    queue: mpsc::Receiver<Result<Shown, ClientError>>,
    began: Option<u64>,
}

impl Feed for Following {
    fn next(&mut self) -> BoxFuture<'_, Result<Shown, ClientError>> {
        Box::pin(async move {
            if let Some(after) = self.began.take() {
                return Ok(Shown::Began { after });
            }
            // An empty and closed queue: the connection has ended, or the queue ran over and was given up.
            self.queue.recv().await.unwrap_or_else(|| Err(self.session.shared.error()))
        })
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        let mut state = self.session.shared.lock();
        if state.subscriptions.remove(&self.subscription).is_some() && state.end.is_none() {
            let bytes = state.unsubscribe(self.session.shared.encoding, self.subscription);
            drop(state);
            // With a full queue it is sent when the server next pushes something that nobody wants.
            let _ = self.session.out.try_send(bytes);
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it is held; poisoned, it is still whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn error(&self) -> ClientError {
        self.lock().end.as_ref().map_or_else(|| ClientError::lost("fell behind"), End::error)
    }

    /// Ends the connection for everybody. The first reason stays.
    fn end(&self, end: End) {
        let (waiting, subscriptions) = {
            let mut state = self.lock();
            state.end.get_or_insert(end);
            (std::mem::take(&mut state.waiting), std::mem::take(&mut state.subscriptions))
        };
        // Whoever waits finds the channel closed and the reason in the state.
        drop((waiting, subscriptions));
        self.ended.notify_one();
    }

    /// A question whose answer nobody needs: it shows that there is somebody to answer.
    fn probe(&self) -> Bytes {
        let mut state = self.lock();
        let id = state.next_id;
        state.next_id += 1;
        self.encoding.write(&ClientFrame::Ask { id, operation: Operation::Whoami {}, idempotency_key: None })
    }

    /// Takes in a frame. Returns a frame that is to go out because of it.
    fn on_frame(&self, bytes: &[u8]) -> Result<Option<Bytes>, ClientError> {
        let frame = read(self.encoding, bytes)?;
        let mut state = self.lock();
        self.useful.store(true, Ordering::Relaxed);
        match frame {
            ServerFrame::Answer { id, reply } => state.answer(id, Ok(Heard::Reply(Box::new(reply))))?,
            ServerFrame::Subscribed { id, after, .. } => state.answer(id, Ok(Heard::Subscribed { after }))?,
            ServerFrame::Problem { id: Some(id), problem } => {
                state.answer(id, Err(ClientError::Problem(problem)))?;
            }
            ServerFrame::Problem { id: None, problem } => return Err(ClientError::Problem(problem)),
            ServerFrame::Push { subscription, event } => {
                return state.show(self.encoding, subscription, Shown::Event(event));
            }
            ServerFrame::Gap { subscription, after } => {
                return state.show(self.encoding, subscription, Shown::Gap { after });
            }
            ServerFrame::Ended { subscription, problem } => {
                if let Some(events) = state.subscriptions.remove(&subscription) {
                    // With a full queue the follower finds it closed and asks again, and is told then.
                    let _ = events.try_send(Err(ClientError::Problem(problem)));
                }
            }
            ServerFrame::Welcome { .. } | ServerFrame::WelcomeKey { .. } => {
                return Err(ClientError::protocol("it greets twice"));
            }
        }
        Ok(None)
    }
}

impl State {
    fn answer(&mut self, id: u64, answer: Result<Heard, ClientError>) -> Result<(), ClientError> {
        if id >= self.next_id {
            return Err(ClientError::protocol("it answers what was never asked"));
        }
        // Without anybody waiting it is late, or a replay; either way it answers nothing.
        if let Some(waiting) = self.waiting.remove(&id) {
            let _ = waiting.send(answer);
        }
        Ok(())
    }

    /// Hands an event to its subscriber. Without one, or one who does not keep up, the subscription is ended.
    fn show(
        &mut self,
        encoding: Encoding,
        subscription: SubscriptionId,
        shown: Shown,
    ) -> Result<Option<Bytes>, ClientError> {
        if subscription >= self.next_subscription {
            return Err(ClientError::protocol("it pushes what nobody subscribed to"));
        }
        if self.subscriptions.get(&subscription).is_some_and(|queue| queue.try_send(Ok(shown)).is_ok()) {
            return Ok(None);
        }
        self.subscriptions.remove(&subscription);
        Ok(Some(self.unsubscribe(encoding, subscription)))
    }

    /// The frame that ends a subscription. Nobody waits for its answer.
    fn unsubscribe(&mut self, encoding: Encoding, subscription: SubscriptionId) -> Bytes {
        let id = self.next_id;
        self.next_id += 1;
        encoding.write(&ClientFrame::Unsubscribe { id, subscription })
    }
}

fn read(encoding: Encoding, bytes: &[u8]) -> Result<ServerFrame, ClientError> {
    encoding.read(bytes).map_err(|_| ClientError::protocol("it is no frame"))
}

/// Carries frames until the connection ends or nobody holds the session any more.
async fn run(
    wire: Wire,
    shared: Arc<Shared>,
    probes: mpsc::WeakSender<Bytes>,
    mut outgoing: mpsc::Receiver<Bytes>,
) {
    let Wire { mut sink, source, .. } = wire;
    let writing = async {
        while let Some(bytes) = outgoing.recv().await {
            match tokio::time::timeout(SIGN_WITHIN, sink.send(bytes)).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => return error,
                Err(_) => return ClientError::lost("frames do not leave"),
            }
        }
        ClientError::lost("closed by this side")
    };
    let ended = tokio::select! {
        biased;
        ended = listen(source, &shared, probes) => ended,
        ended = writing => ended,
        () = shared.ended.notified() => ClientError::lost("given up"),
    };
    shared.end(End::of(ended));
    // A polite goodbye, if it can be had at once.
    let _ = tokio::time::timeout(Duration::from_millis(500), sink.close()).await;
}

/// Takes frames in until there are no more.
async fn listen(
    mut source: Pin<Box<dyn Stream<Item = Result<Incoming, ClientError>> + Send>>,
    shared: &Shared,
    probes: mpsc::WeakSender<Bytes>,
) -> ClientError {
    let mut probed = false;
    loop {
        let patience = if probed { SIGN_WITHIN } else { QUIET_MAX };
        let reply = match tokio::time::timeout(patience, source.next()).await {
            Ok(Some(Ok(Incoming::Frame(bytes)))) => {
                shared.heard.fetch_add(1, Ordering::Relaxed);
                shared.on_frame(&bytes)
            }
            #[cfg(feature = "ws")]
            Ok(Some(Ok(Incoming::Alive))) => Ok(None),
            Ok(Some(Err(error))) => return error,
            Ok(None) => return ClientError::lost("closed by the server"),
            Err(_) if probed => return ClientError::lost("no sign of life"),
            Err(_) => {
                probed = true;
                if let Some(out) = probes.upgrade() {
                    let _ = out.try_send(shared.probe());
                }
                continue;
            }
        };
        probed = false;
        match reply {
            Ok(None) => {}
            Ok(Some(bytes)) => {
                if let Some(out) = probes.upgrade() {
                    let _ = out.try_send(bytes);
                }
            }
            Err(error) => return error,
        }
    }
}
