use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use strongroom_engine::{
    Credential, EngineError, Limits,
    domains::{
        accounts::WhoAmI,
        records::{Previous, PutRecord, RecordName},
        sessions::RevokeSession,
    },
};
use strongroom_primitives::id::Subject;
use strongroom_wire::{ClientFrame, Encoding, FRAME_BYTES_MAX, Operation, Problem, Reply, ServerFrame, What};

use super::*;
use crate::{
    EdgeLimits, credentials,
    memory::{Link, connect},
    testing::{Bench, paused, subject_of},
};

const JSON: Encoding = Encoding::Json;
const AT_ONCE: Duration = Duration::ZERO;

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn text(frame: &ClientFrame) -> Message {
    Message::Text(JSON.write(frame))
}

fn whoami(id: u64) -> ClientFrame {
    ClientFrame::Ask { id, operation: Operation::Whoami {}, idempotency_key: None }
}

fn subscribe(id: u64, subscription: u32, after: Option<u64>) -> ClientFrame {
    ClientFrame::Subscribe { id, subscription, owner: None, record: None, after }
}

/// The state machine alone.
mod machine {
    use super::*;

    fn opened(limits: &EdgeLimits) -> Connection {
        let mut connection = Connection::new(JSON, limits, Some(Credential::Anonymous));
        assert!(matches!(connection.next_task(), Some(Task::SignIn(_))));
        let me = paused(async {
            let bench = Bench::new().await;
            let bearer = credentials::read(&format!("Bearer {}", bench.bearer("ann").await.token)).unwrap();
            bench.engine.handle().ask(bearer, WhoAmI).await.unwrap()
        });
        connection.on_signed_in(Ok(me), AT_ONCE);
        assert!(matches!(sent(&mut connection).as_slice(), [ServerFrame::Welcome { .. }]));
        connection
    }

    /// Everything that is to be sent, as a socket that always has room would take it.
    fn sent(connection: &mut Connection) -> Vec<ServerFrame> {
        let mut frames = Vec::new();
        while let Some(message) = connection.next_message() {
            connection.on_sent();
            if let Message::Text(bytes) = message {
                frames.push(JSON.read(&bytes).unwrap());
            }
        }
        frames
    }

    fn code(connection: &Connection) -> Option<u16> {
        connection.closed().map(|reason| reason.code)
    }

    #[test]
    fn who_does_not_say_hello_in_five_seconds_is_shown_out() {
        let mut connection = Connection::new(JSON, &EdgeLimits::default(), None);
        assert_eq!(connection.wake_at(), seconds(5));
        connection.on_tick(seconds(4));
        assert_eq!(code(&connection), None);
        connection.on_tick(seconds(5));
        let [ServerFrame::Problem { id: None, problem }] = &sent(&mut connection)[..] else { panic!("one") };
        assert_eq!(problem.code.as_str(), "credential-missing");
        assert_eq!(code(&connection), Some(close::POLICY));
    }

    #[test]
    fn nothing_is_answered_before_hello() {
        let mut connection = Connection::new(JSON, &EdgeLimits::default(), None);
        connection.on_message(text(&whoami(1)), AT_ONCE);
        assert!(connection.next_task().is_none());
        assert_eq!(sent(&mut connection).len(), 1);
        assert_eq!(code(&connection), Some(close::POLICY));
    }

    /// A-WS-01: what is too large or no frame at all ends the connection with the code for it.
    #[test]
    fn a_message_that_is_no_frame_ends_the_connection_with_its_code() {
        let large = Bytes::from(vec![b' '; FRAME_BYTES_MAX + 1]);
        let nested = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        for (message, expected) in [
            (Message::Text(large), close::TOO_LARGE),
            (Message::Text(Bytes::from(nested)), close::INVALID),
            (Message::Text(Bytes::from_static(b"{\"ask\":{\"id\":\xff}}")), close::INVALID),
            (Message::Text(Bytes::from_static(b"{}")), close::INVALID),
            (Message::Text(Bytes::from_static(b"")), close::INVALID),
            (Message::Text(Bytes::from_static(b"\xef\xbb\xbf{\"ask\":{\"id\":1}}")), close::INVALID),
            (Message::Binary(JSON.write(&whoami(1))), close::UNSUPPORTED),
        ] {
            let mut connection = opened(&EdgeLimits::default());
            connection.on_message(message, AT_ONCE);
            sent(&mut connection);
            assert_eq!(code(&connection), Some(expected));
        }
        for (error, expected) in [
            (SocketError::TooLarge, close::TOO_LARGE),
            (SocketError::NotUtf8, close::INVALID),
            (SocketError::Protocol, close::PROTOCOL),
        ] {
            let mut connection = opened(&EdgeLimits::default());
            connection.on_socket_error(error, AT_ONCE);
            assert_eq!(code(&connection), Some(expected));
        }
    }

    /// A-WS-07: a question that cannot be understood but has an id is answered under it, and costs nobody else.
    #[test]
    fn a_question_that_cannot_be_understood_is_answered_if_it_says_its_id() {
        let mut connection = opened(&EdgeLimits::default());
        for malformed in [
            r#"{"ask":{"id":7,"do":{"records.conjure":{}}}}"#,
            r#"{"ask":{"id":7,"do":{"session.whoami":{}},"extra":1}}"#,
            r#"{"subscribe":{"id":7,"subscription":-1}}"#,
            r#"{"shout":{"id":7}}"#,
        ] {
            connection.on_message(Message::Text(malformed.into()), AT_ONCE);
            let [ServerFrame::Problem { id: Some(7), problem }] = &sent(&mut connection)[..] else {
                panic!("one problem for {malformed}")
            };
            assert_eq!(problem.code.as_str(), "malformed-frame");
        }
        assert_eq!(code(&connection), None);
        let without = r#"{"ask":{"do":{"session.whoami":{}}}}"#;
        connection.on_message(Message::Text(without.into()), AT_ONCE);
        sent(&mut connection);
        assert_eq!(code(&connection), Some(close::INVALID));
    }

    #[test]
    fn questions_beyond_the_limit_are_told_to_come_back() {
        let limits = EdgeLimits { asks_in_flight_max: 40, ..EdgeLimits::default() };
        let mut connection = opened(&limits);
        for id in 0..41 {
            connection.on_message(text(&whoami(id)), AT_ONCE);
        }
        let busy = sent(&mut connection);
        let [ServerFrame::Problem { id: Some(40), problem }] = &busy[..] else { panic!("{busy:?}") };
        assert_eq!((problem.status, problem.retry_after_s.is_some()), (429, true));
        let mut running = 0;
        while connection.next_task().is_some() {
            running += 1;
        }
        assert_eq!(running, 32, "the others wait their turn");
        connection.on_answer(0, Ok(Reply::Done {}));
        assert!(connection.next_task().is_some(), "an answer makes room");
        connection.on_message(text(&whoami(50)), AT_ONCE);
        assert!(matches!(&sent(&mut connection)[..], [ServerFrame::Answer { id: 0, .. }]));
    }

    /// A-WS-05: answers fill a bounded queue, then the connection ends with a reason and frees it.
    #[test]
    fn who_does_not_read_answers_is_shown_out_after_256_of_them() {
        let mut connection = opened(&EdgeLimits::default());
        for id in 0..257 {
            assert_eq!(code(&connection), None, "{id}");
            connection.on_message(text(&whoami(id)), AT_ONCE);
            assert!(connection.next_task().is_some());
            connection.on_answer(id, Ok(Reply::Done {}));
        }
        let reason = connection.closed().expect("the queue is full");
        assert_eq!((reason.code, &*reason.reason), (close::POLICY, "answers are not being read"));
        assert!(!connection.has_message());
    }

    /// A-WS-05: large answers are held back before the queue is full, and no event is read while anything waits.
    #[test]
    fn answers_are_taken_and_events_are_read_only_as_the_socket_takes_them() {
        let mut connection = opened(&EdgeLimits::default());
        assert!(connection.wants_page());
        let meta = Bytes::from(vec![7; 150_000]);
        let mut taken = 0;
        while connection.wants_answer() {
            connection.on_message(text(&whoami(taken)), AT_ONCE);
            connection.next_task().unwrap();
            let problem = Problem { detail: Some("x".repeat(meta.len())), ..Problem::new(400, "x", "x") };
            connection.on_answer(taken, Err(Box::new(problem)));
            taken += 1;
        }
        assert_eq!(taken, 4, "half a mebibyte");
        assert!(!connection.wants_page());
        sent(&mut connection);
        assert!(connection.wants_answer() && connection.wants_page());
        connection.on_message(Message::Ping(Bytes::from_static(b"are you there")), AT_ONCE);
        assert!(!connection.wants_page());
        assert_eq!(connection.next_message(), Some(Message::Pong(Bytes::from_static(b"are you there"))));
        assert!(!connection.wants_page(), "handed over, but not yet gone");
        connection.on_sent();
        assert!(connection.wants_page());
    }

    /// A-WS-06.
    #[test]
    fn a_peer_that_vanished_is_noticed_after_sixty_seconds() {
        let mut connection = opened(&EdgeLimits::default());
        for at in [20, 40] {
            assert_eq!(connection.wake_at(), seconds(at));
            connection.on_tick(seconds(at));
            assert_eq!(connection.next_message(), Some(Message::Ping(Bytes::new())));
            connection.on_sent();
        }
        connection.on_tick(seconds(60));
        assert_eq!(code(&connection), Some(close::VANISHED));

        let mut alive = opened(&EdgeLimits::default());
        for at in (20..=400).step_by(20) {
            alive.on_tick(seconds(at));
            assert_eq!(alive.next_message(), Some(Message::Ping(Bytes::new())));
            alive.on_sent();
            alive.on_message(Message::Pong(Bytes::new()), seconds(at));
        }
        assert_eq!(code(&alive), None);
    }

    #[test]
    fn an_answer_that_fits_no_frame_is_told_so() {
        let mut connection = opened(&EdgeLimits::default());
        connection.on_message(text(&whoami(1)), AT_ONCE);
        connection.next_task().unwrap();
        let recipients = vec![Subject::new("x".repeat(1_024)).unwrap(); 300];
        connection.on_answer(1, Ok(Reply::Shared(strongroom_wire::Shared { recipients })));
        let [ServerFrame::Problem { id: Some(1), problem }] = &sent(&mut connection)[..] else {
            panic!("one")
        };
        assert_eq!(problem.code.as_str(), "answer-too-large");
    }

    /// F-20: what is in flight is answered before the end, and nothing more is taken.
    #[test]
    fn a_drained_connection_answers_what_is_in_flight_and_closes_with_1001() {
        let mut connection = opened(&EdgeLimits::default());
        connection.on_message(text(&whoami(1)), AT_ONCE);
        connection.on_message(text(&subscribe(2, 1, None)), AT_ONCE);
        connection.next_task().unwrap();
        connection.on_drain(AT_ONCE);
        assert!(!connection.wants_message() && !connection.wants_page());
        assert!(connection.next_task().is_none(), "no new subscription");
        assert_eq!(code(&connection), None, "an answer is outstanding");
        connection.on_answer(1, Ok(Reply::Done {}));
        assert_eq!(code(&connection), None, "it has yet to leave");
        assert_eq!(sent(&mut connection).len(), 1);
        assert_eq!(code(&connection), Some(close::GOING_AWAY));

        let mut stuck = opened(&EdgeLimits::default());
        stuck.on_message(text(&whoami(1)), AT_ONCE);
        stuck.next_task().unwrap();
        stuck.on_drain(seconds(1));
        stuck.on_tick(seconds(11));
        assert_eq!(code(&stuck), Some(close::GOING_AWAY), "after ten seconds nothing is waited for");
    }

    #[test]
    fn subscriptions_are_limited_and_known_by_their_numbers() {
        let limits = EdgeLimits { subscriptions_max: 2, ..EdgeLimits::default() };
        let mut connection = opened(&limits);
        let problems = |connection: &mut Connection| -> Vec<String> {
            let code_of = |frame| match frame {
                ServerFrame::Problem { problem, .. } => Some(problem.code.as_str().to_owned()),
                _ => None,
            };
            sent(connection).into_iter().filter_map(code_of).collect()
        };
        for number in [1, 2] {
            connection.on_message(text(&subscribe(1, number, Some(0))), AT_ONCE);
            assert!(matches!(connection.next_task(), Some(Task::Subscribe { .. })));
        }
        connection.on_subscribed(1, 1, Ok(0));
        connection.on_message(text(&subscribe(3, 3, None)), AT_ONCE);
        connection.on_message(text(&subscribe(4, 1, None)), AT_ONCE);
        connection.on_message(text(&ClientFrame::Unsubscribe { id: 5, subscription: 9 }), AT_ONCE);
        assert_eq!(
            problems(&mut connection),
            ["too-many-subscriptions", "subscription-exists", "unknown-subscription"]
        );
        let nothing = Problem::new(404, "unknown-record", "there is no such record");
        connection.on_subscribed(2, 2, Err(Box::new(nothing)));
        connection.on_message(text(&ClientFrame::Unsubscribe { id: 6, subscription: 1 }), AT_ONCE);
        assert!(matches!(connection.next_task(), Some(Task::Unsubscribe(1))));
        connection.on_page(1, Err(EngineError::Fault));
        assert_eq!(problems(&mut connection), ["unknown-record"], "and no word about what was ended");
    }
}

/// A client that sends and reads frames one by one.
struct Client {
    link: Link,
    encoding: Encoding,
}

impl Client {
    async fn new(bench: &Bench, subject: &str) -> Self {
        let token = bench.bearer(subject).await.token;
        Self::with_token(bench, &token, JSON).await
    }

    async fn with_token(bench: &Bench, token: &str, encoding: Encoding) -> Self {
        let credential = credentials::read(&format!("Bearer {token}")).unwrap();
        let mut client = Self { link: connect(&bench.front, Some(credential), encoding), encoding };
        assert!(matches!(client.next().await, ServerFrame::Welcome { .. }));
        client
    }

    async fn send(&mut self, frame: &ClientFrame) {
        self.link.send(self.encoding.write(frame)).await.unwrap();
    }

    async fn next(&mut self) -> ServerFrame {
        self.try_next().await.expect("a further frame")
    }

    async fn try_next(&mut self) -> Option<ServerFrame> {
        let bytes = self.link.next().await?;
        Some(self.encoding.read(&bytes).unwrap())
    }

    async fn ask(&mut self, id: u64, operation: Operation) -> Result<Reply, Problem> {
        self.send(&ClientFrame::Ask { id, operation, idempotency_key: None }).await;
        match self.next().await {
            ServerFrame::Answer { id: answered, reply } if answered == id => Ok(reply),
            ServerFrame::Problem { id: Some(answered), problem } if answered == id => Err(*problem),
            other => panic!("{other:?}"),
        }
    }

    /// The code with which the server closes.
    async fn closed(&mut self) -> Option<u16> {
        while self.try_next().await.is_some() {}
        self.link.close_reason().map(|reason| reason.code)
    }

    /// The next event, of whatever subscription.
    async fn push(&mut self) -> (u64, What) {
        match self.next().await {
            ServerFrame::Push { event, .. } => (event.sequence, event.what),
            other => panic!("{other:?}"),
        }
    }
}

async fn put(bench: &Bench, token: &str, name: &str, value: &str) {
    let name = RecordName::new([name]).unwrap();
    let value = Bytes::copy_from_slice(value.as_bytes());
    let put = PutRecord::new(name, Bytes::from_static(b"m"), value, Previous::Unsaid, Vec::new());
    let credential = credentials::read(&format!("Bearer {token}")).unwrap();
    bench.engine.handle().ask(credential, put).await.unwrap();
}

#[test]
fn a_client_signs_in_by_handshake_or_by_hello_and_asks_in_either_encoding() {
    paused(async {
        let bench = Bench::new().await;
        let token = bench.bearer("ann").await.token;
        for encoding in [Encoding::Json, Encoding::Cbor] {
            let mut client = Client::with_token(&bench, &token, encoding).await;
            let me = client.ask(1, Operation::Whoami {}).await.unwrap();
            assert!(matches!(me, Reply::Whoami(me) if me.subject == subject_of("ann")));

            let mut client = Client { link: connect(&bench.front, None, encoding), encoding };
            client.send(&ClientFrame::Hello { authorization: format!("Bearer {token}") }).await;
            assert!(matches!(client.next().await, ServerFrame::Welcome { .. }));
            assert!(client.ask(1, Operation::ListSessions {}).await.is_ok());
        }
    });
}

#[test]
fn a_token_that_is_not_good_opens_nothing() {
    paused(async {
        let bench = Bench::new().await;
        for authorization in ["Bearer srt_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "Basic xyz", ""] {
            let mut client = Client { link: connect(&bench.front, None, JSON), encoding: JSON };
            client.send(&ClientFrame::Hello { authorization: authorization.to_owned() }).await;
            let ServerFrame::Problem { id: None, problem } = client.next().await else { panic!("a problem") };
            assert_eq!(problem.status, 401);
            assert_eq!(client.closed().await, Some(close::POLICY), "{authorization:?}");
        }
        let mut silent = Client { link: connect(&bench.front, None, JSON), encoding: JSON };
        let began = tokio::time::timeout(seconds(4), silent.try_next()).await;
        assert!(began.is_err(), "four seconds are allowed");
        assert_eq!(silent.closed().await, Some(close::POLICY));
    });
}

/// A-WS-07: ids pair answers with questions on one connection, whatever others do with the same ids.
#[test]
fn ids_that_are_reused_or_collide_never_cross_connections() {
    paused(async {
        let bench = Bench::new().await;
        let mut clients = [Client::new(&bench, "ann").await, Client::new(&bench, "bob").await];
        for client in &mut clients {
            for _ in 0..20 {
                client.send(&whoami(7)).await;
            }
        }
        for (client, subject) in clients.iter_mut().zip(["ann", "bob"]) {
            for _ in 0..20 {
                let ServerFrame::Answer { id: 7, reply: Reply::Whoami(me) } = client.next().await else {
                    panic!("an answer under the id of the question")
                };
                assert_eq!(me.subject, subject_of(subject));
            }
        }
    });
}

#[test]
fn events_are_pushed_as_they_happen_and_again_after_a_cursor() {
    paused(async {
        let bench = Bench::new().await;
        let token = bench.bearer("ann").await.token;
        put(&bench, &token, "a", "1").await;
        let mut client = Client::with_token(&bench, &token, JSON).await;
        client.send(&subscribe(1, 4, None)).await;
        let ServerFrame::Subscribed { id: 1, subscription: 4, after } = client.next().await else {
            panic!("yes")
        };
        put(&bench, &token, "b", "1").await;
        let (sequence, what) = client.push().await;
        assert_eq!(sequence, after + 1);
        assert!(matches!(what, What::RecordPut { name, .. } if name == ["b"]));
        drop(client);

        put(&bench, &token, "c", "1").await;
        let mut again = Client::with_token(&bench, &token, JSON).await;
        again.send(&subscribe(1, 4, Some(sequence))).await;
        assert!(matches!(again.next().await, ServerFrame::Subscribed { .. }));
        assert!(matches!(again.push().await, (next, What::RecordPut { name, .. })
            if next == sequence + 1 && name == ["c"]));

        again.send(&subscribe(2, 5, Some(sequence + 100))).await;
        assert!(matches!(again.next().await, ServerFrame::Subscribed { .. }));
        let ServerFrame::Gap { subscription: 5, after } = again.next().await else { panic!("a gap") };
        assert_eq!(after, sequence + 1, "a cursor from a future that never was");
    });
}

/// A-WS-03.
#[test]
fn feeds_of_others_are_followed_only_record_by_record_and_only_where_shared() {
    paused(async {
        let bench = Bench::new().await;
        let ann = bench.bearer("ann").await.token;
        put(&bench, &ann, "a", "1").await;
        let mut bob = Client::new(&bench, "bob").await;
        let name = || Some(vec!["a".to_owned()]);
        for (record, owner) in [(None, "ann"), (name(), "ann"), (name(), "nobody"), (None, "*")] {
            let owner = Some(subject_of(owner));
            bob.send(&ClientFrame::Subscribe { id: 1, subscription: 1, owner, record, after: Some(0) }).await;
            let ServerFrame::Problem { id: Some(1), problem } = bob.next().await else { panic!("refused") };
            assert_eq!(problem.code.as_str(), "unknown-record", "as if there were nothing");
        }
        for number in 0..64 {
            bob.send(&subscribe(2, number, None)).await;
            assert!(matches!(bob.next().await, ServerFrame::Subscribed { .. }));
        }
        for number in 64..10_000 {
            bob.send(&subscribe(3, number, None)).await;
            let ServerFrame::Problem { id: Some(3), problem } = bob.next().await else { panic!("limited") };
            assert_eq!(problem.code.as_str(), "too-many-subscriptions");
        }
    });
}

/// A-WS-04.
#[test]
fn a_revoked_session_loses_its_connection_within_a_second_and_reads_nothing_more() {
    paused(async {
        let bench = Bench::new().await;
        let (kept, lost) = (bench.bearer("ann").await, bench.bearer("ann").await);
        let mut client = Client::with_token(&bench, &lost.token, JSON).await;
        client.send(&subscribe(1, 1, None)).await;
        assert!(matches!(client.next().await, ServerFrame::Subscribed { .. }));

        let keeper = credentials::read(&format!("Bearer {}", kept.token)).unwrap();
        let revoke = RevokeSession { identity: None, session: Some(lost.session) };
        bench.engine.handle().ask(keeper, revoke).await.unwrap();
        put(&bench, &kept.token, "later", "canary").await;
        let rest = async {
            let mut frames = Vec::new();
            while let Some(frame) = client.try_next().await {
                frames.push(frame);
            }
            frames
        };
        let frames = tokio::time::timeout(seconds(1), rest).await.expect("closed within a second");
        let [ServerFrame::Problem { id: None, problem }] = &frames[..] else { panic!("{frames:?}") };
        assert_eq!(problem.code.as_str(), "credential-invalid");
        assert_eq!(client.link.close_reason().unwrap().code, close::POLICY);
    });
}

#[test]
fn who_revokes_the_session_at_hand_still_gets_the_answer() {
    paused(async {
        let bench = Bench::new().await;
        let mut client = Client::new(&bench, "ann").await;
        let revoked = client.ask(1, Operation::RevokeSession { session: None }).await;
        assert_eq!(revoked.unwrap(), Reply::Done {});
        assert_eq!(client.closed().await, Some(close::POLICY));
    });
}

/// A-WS-05, A-REC-12: a subscriber that does not read misses nothing once it does, and others never notice.
#[test]
fn a_subscriber_that_does_not_read_misses_nothing_and_harms_nobody() {
    paused(async {
        let bench = Bench::new().await;
        let token = bench.bearer("ann").await.token;
        let (mut slow, mut quick) =
            (Client::with_token(&bench, &token, JSON).await, Client::with_token(&bench, &token, JSON).await);
        for client in [&mut slow, &mut quick] {
            client.send(&subscribe(1, 1, None)).await;
            assert!(matches!(client.next().await, ServerFrame::Subscribed { .. }));
        }
        let mut last = None;
        for round in 0..600 {
            put(&bench, &token, &format!("r{round}"), "v").await;
            let (sequence, _) = quick.push().await;
            assert!(last.is_none_or(|last| sequence == last + 1));
            last = Some(sequence);
        }
        let last = last.unwrap();
        for expected in last - 599..=last {
            assert_eq!(slow.push().await.0, expected);
        }
    });
}

/// A-WS-05: a peer that asks and never reads is shown out, and one that is merely silent is given up after a minute.
#[test]
fn a_peer_that_never_reads_is_shown_out() {
    paused(async {
        let bench = Bench::new().await;
        let mut greedy = Client::new(&bench, "ann").await;
        let mut asked = 0;
        while greedy.link.send(JSON.write(&whoami(asked))).await.is_ok() {
            asked += 1;
            assert!(asked < 2_000, "it must end");
        }
        assert!(asked > 256);

        let mut silent = Client::new(&bench, "ann").await;
        tokio::time::sleep(seconds(61)).await;
        assert!(silent.link.send(JSON.write(&whoami(1))).await.is_err(), "two pings went unanswered");
    });
}

/// F-20.
#[test]
fn closing_the_front_ends_connections_with_1001_and_waiting_questions_at_once() {
    paused(async {
        let bench = Bench::new().await;
        let mut client = Client::new(&bench, "ann").await;
        let wait =
            Operation::FeedPage { owner: None, record: None, after: None, wait_s: Some(60), limit: None };
        client.send(&ClientFrame::Ask { id: 1, operation: wait, idempotency_key: None }).await;
        let mut idle = Client::new(&bench, "bob").await;
        tokio::time::sleep(seconds(1)).await;
        bench.front.close();
        assert!(matches!(client.next().await, ServerFrame::Answer { id: 1, reply: Reply::Feed(page) }
            if page.events.is_empty()));
        assert_eq!(client.closed().await, Some(close::GOING_AWAY));
        assert_eq!(idle.closed().await, Some(close::GOING_AWAY));
    });
}

/// What ten thousand idle subscribers cost is a property of these futures; a careless buffer would show here.
#[test]
fn an_idle_connection_is_a_small_thing() {
    paused(async {
        let bench = Bench::with(Limits::default(), EdgeLimits::default()).await;
        let (sender, receiver) = (Outlet, Outlet);
        let serving = serve(&bench.front, receiver, sender, None, JSON);
        let bytes = size_of_val(&serving);
        assert!(bytes <= 4_096, "{bytes} bytes");
        let watching = bench.engine.handle().until_refused(Credential::Anonymous);
        let bytes = size_of_val(&watching);
        assert!(bytes <= 4_096, "{bytes} bytes");
    });
}

/// A socket that nothing goes through.
struct Outlet;

impl SocketReceiver for Outlet {
    async fn recv(&mut self) -> Result<Message, SocketError> {
        std::future::pending().await
    }
}

impl SocketSender for Outlet {
    async fn send(&mut self, _: Message) -> Result<(), SocketError> {
        Ok(())
    }
}
