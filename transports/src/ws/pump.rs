//! Drives a [`Connection`] over a socket: the loop that waits, so that the connection need not.
//!
//! Two halves run in one task. One reads messages, asks the engine and watches the clock; the other hands messages to
//! the socket, and while the socket has no room for more, nobody reads events. What is rare or long-lived is boxed:
//! an idle connection is a small thing.

use std::{
    cell::RefCell, collections::BTreeMap, future::Future, net::IpAddr, panic::AssertUnwindSafe, pin::Pin,
    task::Poll, time::Duration,
};

use futures_util::{
    FutureExt, StreamExt,
    future::{Either, select},
    stream::FuturesUnordered,
};
use strongroom_engine::{
    Asking, Credential, EngineError, ErrorKind,
    domains::{
        accounts::{WhoAmI, Whoami},
        service_keys::WhichServiceKey,
        sessions::ProveSession,
    },
    feed::{FeedPage, FollowFeed, Subscription},
};
use strongroom_wire::{Operation, Problem, Reply, SubscriptionId};
use tokio::{sync::Notify, time::Instant};

use super::{
    connection::{Connection, SignedIn, Task},
    sealed,
    socket::{CloseReason, Message, SocketReceiver, SocketSender, Tongue, close},
};
use crate::{
    Front,
    native::{self, Caller},
    problem,
};

/// How long saying goodbye may take.
const GOODBYE_WITHIN: Duration = Duration::from_secs(1);

/// How long a subscription waits before it looks again after the store was busy or did not answer.
const LOOK_AGAIN_AFTER: Duration = Duration::from_millis(500);

type Boxed<'f, T> = Pin<Box<dyn Future<Output = T> + 'f>>;

/// Something that the connection asked for has come to an end.
enum Done {
    SignedIn { credential: Credential, who: Box<Result<SignedIn, EngineError>> },
    Answer { id: u64, answer: Box<Result<Reply, Box<Problem>>> },
    Subscribed { id: u64, subscription: SubscriptionId, opened: Result<Box<Subscription>, EngineError> },
}

/// How a connection begins.
#[derive(Debug, Clone, Default)]
pub struct Opening {
    /// What came with the handshake; without it the peer has to say `hello`, or asks what needs no credential.
    pub credential: Option<Credential>,
    /// How it speaks.
    pub tongue: Tongue,
    /// The peer's address, by which rates are counted; without one they are not.
    pub address: Option<IpAddr>,
    /// What the peer calls itself, as [`crate::exchange::agent_of`] has it.
    pub agent: Option<Box<str>>,
}

/// Serves one connection until it ends. Returns why it did.
pub async fn serve(
    front: &Front,
    mut receiver: impl SocketReceiver,
    mut sender: impl SocketSender,
    opening: Opening,
) -> CloseReason {
    if !opening.tongue.sealed {
        return carry(front, receiver, sender, opening).await;
    }
    match sealed::accept(front, &mut receiver, &mut sender).await {
        Ok(channel) => {
            let (receiver, sender) = sealed::over(channel, receiver, sender);
            Box::pin(carry(front, receiver, sender, opening)).await
        }
        Err(reason) => {
            part(&mut receiver, &mut sender, &reason).await;
            reason
        }
    }
}

async fn carry(
    front: &Front,
    mut receiver: impl SocketReceiver,
    mut sender: impl SocketSender,
    opening: Opening,
) -> CloseReason {
    let Opening { credential, tongue, address, agent } = opening;
    let caller = Caller { address, agent: agent.as_deref() };
    let (connection, operator) = match credential {
        Some(Credential::Operator) => {
            (Connection::of_operator(tongue.encoding, front.limits()), Some(Credential::Operator))
        }
        accepted => (Connection::new(tongue.encoding, front.limits(), accepted), None),
    };
    let connection = RefCell::new(connection);
    let (outgoing, progress) = (Notify::new(), Notify::new());
    let reason = {
        let talk = talk(&connection, &mut sender, &outgoing, &progress);
        let listen = listen(front, caller, operator, &connection, &mut receiver, &outgoing, &progress);
        match select(std::pin::pin!(listen), std::pin::pin!(talk)).await {
            Either::Left((reason, _)) => reason,
            Either::Right(((), _)) => CloseReason::new(close::VANISHED, "the peer is gone"),
        }
    };
    part(&mut receiver, &mut sender, &reason).await;
    reason
}

/// Says goodbye, to whoever is still there.
async fn part(receiver: &mut impl SocketReceiver, sender: &mut impl SocketSender, reason: &CloseReason) {
    if reason.code == close::VANISHED {
        return;
    }
    let goodbye = async {
        if sender.send(Message::Close(Some(reason.clone()))).await.is_ok() {
            // What still comes in is thrown away; a socket that is closed with something unread takes the last
            // messages back.
            while let Ok(message) = receiver.recv().await {
                if matches!(message, Message::Close(_)) {
                    break;
                }
            }
        }
    };
    let _ = tokio::time::timeout(GOODBYE_WITHIN, goodbye).await;
}

/// Hands messages to the socket, one after another. Returns if the socket takes none any more.
async fn talk(
    connection: &RefCell<Connection>,
    sender: &mut impl SocketSender,
    outgoing: &Notify,
    progress: &Notify,
) {
    loop {
        let message = connection.borrow_mut().next_message();
        match message {
            None => outgoing.notified().await,
            Some(message) => {
                if sender.send(message).await.is_err() {
                    return;
                }
                connection.borrow_mut().on_sent();
                progress.notify_one();
            }
        }
    }
}

/// Everything else. Returns once the connection has ended.
async fn listen(
    front: &Front,
    caller: Caller<'_>,
    credential: Option<Credential>,
    connection: &RefCell<Connection>,
    receiver: &mut impl SocketReceiver,
    outgoing: &Notify,
    progress: &Notify,
) -> CloseReason {
    let mut pump = Pump {
        front,
        caller,
        connection,
        running: FuturesUnordered::new(),
        followed: Followed::default(),
        credential,
        refused: None,
    };
    let began = now();
    let mut closing = Box::pin(front.closing());
    let mut drained = false;
    let mut wake_at = Duration::MAX;
    let mut alarm = Box::pin(tokio::time::sleep_until(began));
    loop {
        pump.start_tasks();
        let wanted = {
            let connection = connection.borrow();
            if let Some(reason) = connection.closed() {
                return reason.clone();
            }
            if connection.wake_at() != wake_at {
                wake_at = connection.wake_at();
                alarm.as_mut().reset(began + wake_at);
            }
            if connection.has_message() {
                outgoing.notify_one();
            }
            (connection.wants_message(), connection.wants_answer(), connection.wants_page())
        };
        let (message, answer, page) = wanted;
        tokio::select! {
            biased;
            error = or_never(&mut pump.refused) => {
                pump.refused = None;
                connection.borrow_mut().on_refused(&error, began.elapsed());
            }
            () = &mut closing, if !drained => {
                drained = true;
                connection.borrow_mut().on_drain(began.elapsed());
            }
            () = &mut alarm => {
                wake_at = Duration::MAX;
                connection.borrow_mut().on_tick(began.elapsed());
            }
            Some(done) = pump.running.next(), if answer => pump.on_done(done, began.elapsed()),
            (id, subscription, page) = pump.followed.next(), if page => {
                if page.is_ok() {
                    pump.followed.insert(id, subscription);
                }
                connection.borrow_mut().on_page(id, page);
            }
            message = receiver.recv(), if message => match message {
                Ok(message) => connection.borrow_mut().on_message(message, began.elapsed()),
                Err(error) => connection.borrow_mut().on_socket_error(error, began.elapsed()),
            },
            () = progress.notified() => {}
        }
    }
}

/// What a connection has under way.
struct Pump<'f> {
    front: &'f Front,
    caller: Caller<'f>,
    connection: &'f RefCell<Connection>,
    running: FuturesUnordered<Boxed<'f, Done>>,
    followed: Followed<'f>,
    /// Who is signed in.
    credential: Option<Credential>,
    /// Ends once that credential is no longer good.
    refused: Option<Boxed<'f, EngineError>>,
}

impl<'f> Pump<'f> {
    fn start_tasks(&mut self) {
        loop {
            // Not in the loop's head: the borrow would last as long as the body.
            let task = self.connection.borrow_mut().next_task();
            let Some(task) = task else { return };
            let front = self.front;
            match (task, self.credential.clone()) {
                (Task::SignIn(credential), _) => self.running.push(Box::pin(sign_in(front, credential))),
                (Task::Unsubscribe(subscription), _) => drop(self.followed.next.remove(&subscription)),
                (Task::Ask { id, operation, idempotency }, credential) => {
                    let credential = credential.unwrap_or(Credential::Anonymous);
                    let within = Some(front.limits().request_within);
                    let asking = Asking { credential, within, idempotency };
                    self.running.push(Box::pin(ask(front, self.caller, asking, id, operation)));
                }
                (Task::Subscribe { id, subscription, follow }, Some(credential)) => {
                    self.running.push(Box::pin(subscribe(front, credential, id, subscription, follow)));
                }
                (Task::Subscribe { .. }, None) => {
                    unreachable!("a connection takes subscriptions only after it has signed in")
                }
            }
        }
    }

    fn on_done(&mut self, done: Done, now: Duration) {
        let mut connection = self.connection.borrow_mut();
        match done {
            Done::SignedIn { credential, who } => {
                if who.is_ok() {
                    self.refused = Some(Box::pin(self.front.engine().until_refused(credential.clone())));
                    self.credential = Some(credential);
                }
                connection.on_signed_in(*who, now);
            }
            Done::Answer { id, answer } => connection.on_answer(id, *answer),
            Done::Subscribed { id, subscription, opened: Ok(stream) } => {
                connection.on_subscribed(id, subscription, Ok(stream.after().unwrap_or_default()));
                self.followed.insert(subscription, stream);
            }
            Done::Subscribed { id, subscription, opened: Err(error) } => {
                connection.on_subscribed(id, subscription, Err(Box::new(problem::of(&error))));
            }
        }
    }
}

async fn sign_in(front: &Front, credential: Credential) -> Done {
    let who = match &credential {
        Credential::Signed(_) => {
            front.engine().ask(credential.clone(), WhichServiceKey {}).await.map(SignedIn::ServiceKey)
        }
        _ => account(front, &credential).await.map(SignedIn::Account),
    };
    Done::SignedIn { credential, who: Box::new(who) }
}

async fn account(front: &Front, credential: &Credential) -> Result<Whoami, EngineError> {
    let who_am_i = || front.engine().ask(credential.clone(), WhoAmI);
    match who_am_i().await {
        // Whoever uses it has opened the text in which it came.
        Err(EngineError::SessionUnproved) => {
            match front.engine().ask(credential.clone(), ProveSession {}).await {
                Ok(_) => who_am_i().await,
                Err(error) => Err(error),
            }
        }
        me => me,
    }
}

async fn ask(front: &Front, caller: Caller<'_>, asking: Asking, id: u64, operation: Box<Operation>) -> Done {
    let answering = AssertUnwindSafe(native::dispatch(front, caller, asking, *operation)).catch_unwind();
    let answer = answering.await.unwrap_or_else(|_| {
        tracing::error!("an answer panicked");
        Err(Box::new(problem::of(&EngineError::Fault)))
    });
    Done::Answer { id, answer: Box::new(answer) }
}

async fn subscribe(
    front: &Front,
    credential: Credential,
    id: u64,
    subscription: SubscriptionId,
    follow: Box<FollowFeed>,
) -> Done {
    let opened = front.engine().subscribe(credential, *follow).await.map(Box::new);
    Done::Subscribed { id, subscription, opened }
}

/// A page of a subscription, and the subscription.
type Page = (Box<Subscription>, Result<FeedPage, EngineError>);

/// Subscriptions, each on its way to its next page.
#[derive(Default)]
struct Followed<'f> {
    next: BTreeMap<SubscriptionId, Boxed<'f, Page>>,
    /// Who was served last, and is looked at last.
    served: SubscriptionId,
}

impl Followed<'_> {
    fn insert(&mut self, id: SubscriptionId, mut subscription: Box<Subscription>) {
        let next = async move {
            loop {
                match subscription.next().await {
                    // The cursor stands where it stood, so nothing is missed by looking again.
                    Err(error)
                        if error.kind() == ErrorKind::Busy || error == EngineError::StorageUnavailable =>
                    {
                        tokio::time::sleep(LOOK_AGAIN_AFTER).await;
                    }
                    page => return (subscription, page),
                }
            }
        };
        self.next.insert(id, Box::pin(next));
    }

    /// The next page of any subscription, which is then no longer among them.
    async fn next(&mut self) -> (SubscriptionId, Box<Subscription>, Result<FeedPage, EngineError>) {
        let (id, (subscription, page)) = std::future::poll_fn(|context| {
            for after in [true, false] {
                for (id, next) in &mut self.next {
                    if (*id > self.served) == after
                        && let Poll::Ready(page) = next.as_mut().poll(context)
                    {
                        return Poll::Ready((*id, page));
                    }
                }
            }
            Poll::Pending
        })
        .await;
        self.next.remove(&id);
        self.served = id;
        (id, subscription, page)
    }
}

async fn or_never<T>(future: &mut Option<Boxed<'_, T>>) -> T {
    match future {
        Some(future) => future.await,
        None => std::future::pending().await,
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "durations of a connection follow tokio's own clock, which a simulation owns already"
)]
fn now() -> Instant {
    Instant::now()
}
