//! Connections over links in memory, with an engine behind them.

mod machine;
mod sealed;

use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use strongroom_engine::{
    Credential, Limits,
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
fn who_ends_the_session_at_hand_still_gets_the_answer() {
    paused(async {
        let bench = Bench::new().await;
        let mut client = Client::new(&bench, "ann").await;
        let revoked = client.ask(1, Operation::RevokeSession { session: None }).await;
        assert_eq!(revoked.unwrap(), Reply::Done {});
        assert_eq!(client.closed().await, Some(close::POLICY));

        let mut client = Client::new(&bench, "bob").await;
        let erased = client.ask(1, Operation::EraseAccount { confirm: subject_of("bob") }).await;
        assert_eq!(erased.unwrap(), Reply::Done {}, "although its own session was gone before the answer");
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
        let serving =
            serve(&bench.front, receiver, sender, Opening { tongue: JSON.into(), ..Opening::default() });
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
