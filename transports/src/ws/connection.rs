//! One connection as a state machine: messages, answers, pages and the time in; tasks, messages and an end out.
//!
//! It asks nobody and waits for nothing. Whoever drives it calls an `on_...` method for everything that happens, then
//! takes the tasks and messages that have become due. `now` is time since the connection began and never steps back.
//!
//! The bounds, per connection: one message at a time being read; [`crate::EdgeLimits::asks_in_flight_max`] questions,
//! of which 32 are being answered; a queue of 256 frames or 1 MiB; one page of events, and that only when the queue is
//! empty.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use bytes::Bytes;
use strongroom_engine::{
    Credential, EngineError, ErrorKind,
    domains::{accounts::Whoami, service_keys::KeyInUse},
    feed::{FeedPage, FollowFeed},
};
use strongroom_primitives::id::{IdempotencyKey, Subject};
use strongroom_wire::{
    ClientFrame, Encoding, FRAME_BYTES_MAX, FrameError, HELLO_WITHIN_S, NEXT_WITHIN_S, Operation, Problem,
    Reply, ServerFrame, SubscriptionId,
};

use super::{
    outbox::Outbox,
    socket::{CloseReason, Message, SocketError, close},
};
use crate::{
    EdgeLimits, credentials,
    native::{convert, idempotency_key, name_of},
    problem::{self, with_detail},
};

/// Time between two pings, and how many may go unanswered: a peer that vanished is noticed after 60 s.
const PING_EVERY: Duration = Duration::from_secs(20);
const PINGS_UNANSWERED_MAX: u8 = 2;

/// Questions of one connection that are being answered at the same time; the others wait their turn.
const RUNNING_MAX: usize = 32;

/// Events on one page of a subscription.
const PAGE_EVENTS: usize = 32;

/// How long the last messages may take to leave once a connection is to end.
const FLUSH_WITHIN: Duration = Duration::from_millis(500);

/// How long answers may take once the credential is no longer good. With the goodbye it stays within a second.
const REFUSED_WITHIN: Duration = Duration::from_millis(800);

/// How long answers may take once the server is going down.
const DRAIN_WITHIN: Duration = Duration::from_secs(10);

/// Something for the driver to do, whose outcome it brings back.
#[derive(Debug)]
pub enum Task {
    /// Ask who this is; then [`Connection::on_signed_in`].
    SignIn(Credential),
    /// Ask the engine, for nobody if nobody is signed in yet; then [`Connection::on_answer`].
    Ask {
        /// The question's id.
        id: u64,
        /// What is asked.
        operation: Box<Operation>,
        /// The key under which a repetition gets the first answer.
        idempotency: Option<IdempotencyKey>,
    },
    /// Open a subscription; then [`Connection::on_subscribed`], and [`Connection::on_page`] for every page of it.
    Subscribe {
        /// The question's id.
        id: u64,
        /// The subscription's name here.
        subscription: SubscriptionId,
        /// What is followed.
        follow: Box<FollowFeed>,
    },
    /// Drop a subscription.
    Unsubscribe(SubscriptionId),
}

impl Task {
    fn is_question(&self) -> bool {
        matches!(self, Self::Ask { .. } | Self::Subscribe { .. })
    }
}

enum Phase {
    /// Nobody is signed in; a `hello`, or a question that needs nobody, must come before `until`.
    Greeting { until: Duration },
    /// The driver is asking who this is.
    SigningIn,
    /// Questions are welcome.
    Open,
    /// No further question is taken; what is queued may leave before `until`, and answers may come if `answers`. The
    /// last word follows them.
    Finishing { close: CloseReason, until: Duration, answers: bool, last_word: Option<Bytes> },
    /// It is over.
    Closed(CloseReason),
}

/// Who turned out to be signed in.
#[derive(Debug)]
pub enum SignedIn {
    /// An account.
    Account(Whoami),
    /// A service key, which has signed the handshake.
    ServiceKey(KeyInUse),
}

/// The state of one connection.
pub struct Connection {
    encoding: Encoding,
    asks_max: usize,
    subscriptions_max: usize,
    phase: Phase,
    tasks: VecDeque<Task>,
    /// Questions that have been taken and not yet answered, those among `tasks` included.
    asks: usize,
    running: usize,
    /// Where each subscription stands; `None` while it is being opened.
    subscriptions: BTreeMap<SubscriptionId, Option<u64>>,
    outbox: Outbox,
    pings_unanswered: u8,
    next_ping: Duration,
}

impl Connection {
    /// A connection that begins now. `accepted` is what came with the handshake, if anything did.
    pub fn new(encoding: Encoding, limits: &EdgeLimits, accepted: Option<Credential>) -> Self {
        let until = Duration::from_secs(HELLO_WITHIN_S);
        let (phase, tasks) = match accepted {
            Some(credential) => (Phase::SigningIn, VecDeque::from([Task::SignIn(credential)])),
            None => (Phase::Greeting { until }, VecDeque::new()),
        };
        Self {
            encoding,
            asks_max: limits.asks_in_flight_max,
            subscriptions_max: limits.subscriptions_max,
            phase,
            tasks,
            asks: 0,
            running: 0,
            subscriptions: BTreeMap::new(),
            outbox: Outbox::new(encoding),
            pings_unanswered: 0,
            next_ping: PING_EVERY,
        }
    }

    /// A connection of the operator, who is known already and has no account to be welcomed with: questions at once.
    pub fn of_operator(encoding: Encoding, limits: &EdgeLimits) -> Self {
        Self { phase: Phase::Open, ..Self::new(encoding, limits, None) }
    }

    // What the driver asks.

    /// Whether a message may be read from the socket now.
    pub fn wants_message(&self) -> bool {
        matches!(self.phase, Phase::Greeting { .. } | Phase::Open)
    }

    /// Whether an answer may be brought back now. A driver keeps answers where they are until then.
    pub fn wants_answer(&self) -> bool {
        !self.outbox.is_busy()
    }

    /// Whether a page of a subscription may be read now: only when nothing waits to be sent.
    pub fn wants_page(&self) -> bool {
        matches!(self.phase, Phase::Open) && self.outbox.is_flushed()
    }

    /// Whether there is a message to send.
    pub fn has_message(&self) -> bool {
        self.outbox.has_message()
    }

    /// When [`Connection::on_tick`] is due.
    pub fn wake_at(&self) -> Duration {
        match &self.phase {
            Phase::Greeting { until } | Phase::Finishing { until, .. } => *until,
            Phase::SigningIn | Phase::Open => self.next_ping,
            Phase::Closed(_) => Duration::MAX,
        }
    }

    /// The next thing to do.
    pub fn next_task(&mut self) -> Option<Task> {
        if self.tasks.front()?.is_question() {
            if self.running >= RUNNING_MAX {
                return None;
            }
            self.running += 1;
        }
        self.tasks.pop_front()
    }

    /// The next message to send. [`Connection::on_sent`] follows once the socket has room for another.
    pub fn next_message(&mut self) -> Option<Message> {
        self.outbox.next()
    }

    /// Whether it is over, and why.
    pub fn closed(&self) -> Option<&CloseReason> {
        match &self.phase {
            Phase::Closed(reason) => Some(reason),
            Phase::Finishing { close, answers, .. }
                if self.outbox.is_flushed() && !(*answers && self.asks > 0) =>
            {
                Some(close)
            }
            _ => None,
        }
    }

    // What the driver tells.

    /// The socket has room for the next message.
    pub fn on_sent(&mut self) {
        self.outbox.on_sent();
    }

    /// A message came.
    pub fn on_message(&mut self, message: Message, now: Duration) {
        self.pings_unanswered = 0;
        let bytes = match (message, self.encoding) {
            (Message::Close(_), _) => {
                return self.phase = Phase::Closed(CloseReason::new(close::NORMAL, "as agreed"));
            }
            (Message::Ping(bytes), _) => return self.outbox.pong(bytes),
            (Message::Pong(_), _) => return,
            (Message::Text(bytes), Encoding::Json) | (Message::Binary(bytes), Encoding::Cbor) => bytes,
            (Message::Text(_) | Message::Binary(_), _) => {
                return self.end(close::UNSUPPORTED, "text carries JSON and binary carries CBOR", now);
            }
        };
        if !self.wants_message() {
            return;
        }
        match self.encoding.read::<ClientFrame>(&bytes) {
            Ok(frame) => self.on_frame(frame, now),
            Err(FrameError::TooLarge) => self.on_socket_error(SocketError::TooLarge, now),
            Err(FrameError::Malformed { .. }) => self.on_malformed(&bytes, now),
        }
    }

    /// The socket has failed.
    pub fn on_socket_error(&mut self, error: SocketError, now: Duration) {
        match error {
            SocketError::Gone => {
                self.phase = Phase::Closed(CloseReason::new(close::VANISHED, "the peer is gone"));
            }
            SocketError::TooLarge => self.end(close::TOO_LARGE, "a frame has at most 256 KiB", now),
            SocketError::NotUtf8 => self.end(close::INVALID, "text is UTF-8", now),
            SocketError::Protocol => self.end(close::PROTOCOL, "this is not the protocol", now),
        }
    }

    /// Signing in has ended.
    pub fn on_signed_in(&mut self, who: Result<SignedIn, EngineError>, now: Duration) {
        match who {
            Ok(who) if matches!(self.phase, Phase::SigningIn) => {
                self.phase = Phase::Open;
                self.send(&match who {
                    SignedIn::Account(me) => {
                        ServerFrame::Welcome { account: me.account, subject: me.identity.subject }
                    }
                    SignedIn::ServiceKey(key) => ServerFrame::WelcomeKey { chain: key.chain, key: key.id },
                });
            }
            Ok(_) => {}
            Err(error) => self.on_refused(&error, now),
        }
    }

    /// The credential is not good, or no longer: nothing more is taken or told.
    pub fn on_refused(&mut self, error: &EngineError, now: Duration) {
        let code = match error.kind() {
            ErrorKind::Busy => close::TRY_LATER,
            ErrorKind::Fault => close::FAULT,
            ErrorKind::Refused | ErrorKind::NotFound | ErrorKind::Conflict => close::POLICY,
        };
        // What was asked before may still be answered, the question that ended the session among it: the engine judged
        // each by itself. The last word comes after them, because nobody listens beyond it.
        self.finish(
            CloseReason::new(code, error.code()),
            now + REFUSED_WITHIN,
            true,
            Some(problem::of(error)),
        );
    }

    /// The server is going down: no further question, and an end once those in flight are answered.
    pub fn on_drain(&mut self, now: Duration) {
        let reason = CloseReason::new(close::GOING_AWAY, "the server is going down");
        self.finish(reason, now + DRAIN_WITHIN, true, None);
    }

    /// A question is answered.
    pub fn on_answer(&mut self, id: u64, answer: Result<Reply, Box<Problem>>) {
        self.settle();
        match answer {
            Ok(reply) => self.send_answer(id, reply),
            Err(problem) => self.send_problem(id, problem),
        }
        self.conclude();
    }

    /// A subscription is open, beginning after this sequence number, or it is not to be.
    pub fn on_subscribed(
        &mut self,
        id: u64,
        subscription: SubscriptionId,
        opened: Result<u64, Box<Problem>>,
    ) {
        self.settle();
        match opened {
            Ok(after) => {
                self.subscriptions.insert(subscription, Some(after));
                self.send(&ServerFrame::Subscribed { id, subscription, after });
            }
            Err(problem) => {
                self.subscriptions.remove(&subscription);
                self.send_problem(id, problem);
            }
        }
        self.conclude();
    }

    /// A subscription has a page, or has ended.
    pub fn on_page(&mut self, subscription: SubscriptionId, page: Result<FeedPage, EngineError>) {
        // One that was ended in the meantime is not spoken of again.
        let Some(stands) = self.subscriptions.get_mut(&subscription) else { return };
        match page {
            Ok(page) => {
                let page = convert::feed(page);
                *stands = Some(page.next_after);
                if page.gap {
                    self.send(&ServerFrame::Gap { subscription, after: page.next_after });
                }
                for event in page.events {
                    self.send(&ServerFrame::Push { subscription, event });
                }
            }
            Err(error) => {
                self.subscriptions.remove(&subscription);
                self.send(&ServerFrame::Ended { subscription, problem: Box::new(problem::of(&error)) });
            }
        }
    }

    /// Time has passed.
    pub fn on_tick(&mut self, now: Duration) {
        match &self.phase {
            Phase::Greeting { until } if now >= *until => {
                self.fail(
                    problem::of(&EngineError::CredentialMissing),
                    close::POLICY,
                    "no hello in time",
                    now,
                );
            }
            Phase::Finishing { until, close, .. } if now >= *until => {
                self.phase = Phase::Closed(close.clone());
            }
            Phase::SigningIn | Phase::Open if now >= self.next_ping => {
                if self.pings_unanswered >= PINGS_UNANSWERED_MAX {
                    let reason = CloseReason::new(close::VANISHED, "no answer to pings");
                    self.phase = Phase::Closed(reason);
                    return;
                }
                self.pings_unanswered += 1;
                self.outbox.ping();
                self.next_ping = now + PING_EVERY;
            }
            _ => {}
        }
    }

    // What frames mean.

    fn on_frame(&mut self, frame: ClientFrame, now: Duration) {
        let greeting = matches!(self.phase, Phase::Greeting { .. });
        match frame {
            ClientFrame::Hello { authorization } if greeting => match credentials::read(&authorization) {
                Ok(credential) => {
                    self.phase = Phase::SigningIn;
                    self.next_ping = now + PING_EVERY;
                    self.tasks.push_back(Task::SignIn(credential));
                }
                Err(error) => self.on_refused(&error, now),
            },
            ClientFrame::Hello { .. } => {
                let twice = with_detail(
                    409,
                    "signed-in-already",
                    "this connection is signed in already",
                    "open another connection to be somebody else",
                );
                self.fail(twice, close::POLICY, "signed in already", now);
            }
            ClientFrame::Ask { id, operation, idempotency_key } if greeting && operation.is_open() => {
                self.phase = Phase::Greeting { until: now + Duration::from_secs(NEXT_WITHIN_S) };
                self.ask(id, operation, idempotency_key);
            }
            _ if greeting => {
                let missing = problem::of(&EngineError::CredentialMissing);
                self.fail(missing, close::POLICY, "hello comes first", now);
            }
            ClientFrame::Ask { id, operation, idempotency_key } => self.ask(id, operation, idempotency_key),
            ClientFrame::Subscribe { id, subscription, owner, record, after } => {
                if self.admit(id) {
                    self.subscribe(id, subscription, owner, record, after);
                }
            }
            ClientFrame::Unsubscribe { id, subscription } => match self.subscriptions.get(&subscription) {
                Some(Some(after)) => {
                    let after = *after;
                    self.subscriptions.remove(&subscription);
                    self.tasks.push_back(Task::Unsubscribe(subscription));
                    self.send(&ServerFrame::Subscribed { id, subscription, after });
                }
                Some(None) | None => {
                    let unknown = Problem::new(404, "unknown-subscription", "there is no such subscription");
                    self.send_problem(id, unknown);
                }
            },
        }
    }

    fn ask(&mut self, id: u64, operation: Operation, key: Option<String>) {
        if !self.admit(id) {
            return;
        }
        match key.as_deref().map(idempotency_key).transpose() {
            Ok(idempotency) => {
                let operation = Box::new(operation);
                self.tasks.push_back(Task::Ask { id, operation, idempotency });
            }
            Err(problem) => self.refuse(id, problem),
        }
    }

    fn subscribe(
        &mut self,
        id: u64,
        subscription: SubscriptionId,
        owner: Option<Subject>,
        record: Option<Vec<String>>,
        after: Option<u64>,
    ) {
        if self.subscriptions.contains_key(&subscription) {
            let taken = with_detail(
                409,
                "subscription-exists",
                "this connection has a subscription of that name",
                "unsubscribe first, or choose another number",
            );
            return self.refuse(id, taken);
        }
        if self.subscriptions.len() >= self.subscriptions_max {
            let detail = format!("{} are allowed on one connection; end one first", self.subscriptions_max);
            let many = with_detail(429, "too-many-subscriptions", "too many subscriptions", detail);
            return self.refuse(id, many);
        }
        match record.map(name_of).transpose() {
            Ok(record) => {
                self.subscriptions.insert(subscription, None);
                let follow = Box::new(FollowFeed { owner, record, after, limit: PAGE_EVENTS });
                self.tasks.push_back(Task::Subscribe { id, subscription, follow });
            }
            Err(problem) => self.refuse(id, problem),
        }
    }

    /// A message that is no frame. If it can be told which question it was, the question is refused; otherwise nobody
    /// can be answered, and the connection ends.
    fn on_malformed(&mut self, bytes: &[u8], now: Duration) {
        let malformed = with_detail(
            400,
            "malformed-frame",
            "the message is not a frame",
            "docs/native-api.md lists the frames; unknown and doubled members are refused",
        );
        match question_id(self.encoding, bytes) {
            Some(id) if matches!(self.phase, Phase::Open) => self.send_problem(id, malformed),
            _ => self.fail(malformed, close::INVALID, "the message is not a frame", now),
        }
    }

    /// Takes a question, or says that there are too many.
    fn admit(&mut self, id: u64) -> bool {
        if self.asks >= self.asks_max {
            let mut busy = with_detail(
                429,
                "too-many-questions",
                "too many questions of this connection wait for their answers",
                format!("{} may wait; nothing was written; ask again when some are answered", self.asks_max),
            );
            busy.retry_after_s = Some(0.1);
            self.send_problem(id, busy);
            return false;
        }
        self.asks += 1;
        true
    }

    /// Answers a question that was taken but never became a task.
    fn refuse(&mut self, id: u64, problem: impl Into<Box<Problem>>) {
        self.asks -= 1;
        self.send_problem(id, problem);
    }

    fn settle(&mut self) {
        self.asks -= 1;
        self.running -= 1;
    }

    /// Sends the last word once everything before it has been said.
    fn conclude(&mut self) {
        if let Phase::Finishing { answers, last_word, .. } = &mut self.phase
            && !(*answers && self.asks > 0)
            && let Some(bytes) = last_word.take()
        {
            self.enqueue(bytes);
        }
    }

    // What goes out.

    fn send_answer(&mut self, id: u64, reply: Reply) {
        let bytes = self.encoding.write(&ServerFrame::Answer { id, reply });
        if bytes.len() <= FRAME_BYTES_MAX {
            return self.enqueue(bytes);
        }
        let large = with_detail(
            413,
            "answer-too-large",
            "the answer does not fit into a frame",
            "ask for less with `limit`, use the CBOR subprotocol, or ask over HTTP",
        );
        self.send_problem(id, large);
    }

    fn send_problem(&mut self, id: u64, problem: impl Into<Box<Problem>>) {
        self.send(&ServerFrame::Problem { id: Some(id), problem: problem.into() });
    }

    fn send(&mut self, frame: &ServerFrame) {
        let bytes = self.encoding.write(frame);
        self.enqueue(bytes);
    }

    fn enqueue(&mut self, bytes: Bytes) {
        if matches!(self.phase, Phase::Closed(_)) {
            return;
        }
        if self.outbox.push(bytes).is_err() {
            self.outbox.clear();
            self.phase = Phase::Closed(CloseReason::new(close::POLICY, "answers are not being read"));
        }
    }

    /// Ends the connection with a last word about it.
    fn fail(&mut self, problem: Problem, code: u16, reason: &'static str, now: Duration) {
        self.finish(CloseReason::new(code, reason), now + FLUSH_WITHIN, false, Some(problem));
    }

    fn end(&mut self, code: u16, reason: &'static str, now: Duration) {
        self.finish(CloseReason::new(code, reason), now + FLUSH_WITHIN, false, None);
    }

    fn finish(&mut self, close: CloseReason, until: Duration, answers: bool, last_word: Option<Problem>) {
        if matches!(self.phase, Phase::Closed(_)) {
            return;
        }
        self.subscriptions.clear();
        let mut dropped = 0;
        self.tasks.retain(|task| {
            let kept = answers && matches!(task, Task::Ask { .. });
            dropped += usize::from(!kept && task.is_question());
            kept
        });
        self.asks -= dropped;
        // Of two reasons to end, the one that waits for nothing wins.
        if !answers || !matches!(self.phase, Phase::Finishing { answers: false, .. }) {
            let frame = |problem| ServerFrame::Problem { id: None, problem: Box::new(problem) };
            let last_word = last_word.map(|problem| self.encoding.write(&frame(problem)));
            self.phase = Phase::Finishing { close, until, answers, last_word };
        }
        self.conclude();
    }
}

/// The id of the question that a message which is no frame was meant to be.
fn question_id(encoding: Encoding, bytes: &[u8]) -> Option<u64> {
    #[derive(serde::Deserialize)]
    struct Question {
        id: u64,
    }
    let frame: BTreeMap<String, Question> = encoding.read(bytes).ok()?;
    frame.into_values().next().map(|question| question.id)
}
