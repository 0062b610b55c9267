use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use strongroom_primitives::secret::SecretText;
use strongroom_wire::{ClientFrame, Operation, Problem, ServerFrame};
use tokio::sync::mpsc;

use super::super::Shown;
use super::*;
use crate::testing::{Peer, duplex, event, options};
use crate::{BadToken, ErrorKind, Token};

fn token(text: &str) -> Token {
    Token::read(&SecretText::new(text.to_owned())).unwrap()
}

/// A link whose connections' other ends come out of the receiver.
fn link_with(credentials: Credentials) -> (Arc<FramesLink>, mpsc::UnboundedReceiver<Peer>) {
    let (peers, dialled) = mpsc::unbounded_channel();
    let dial = move || {
        let (client, peer) = duplex();
        let gone = peers.send(peer).is_err();
        std::future::ready(if gone { Err("nobody listens") } else { Ok(client) })
    };
    let dialer = FramesDialer::new(dial, Encoding::Json);
    (Arc::new(FramesLink::new(Arc::new(dialer), credentials, options())), dialled)
}

fn link() -> (Arc<FramesLink>, mpsc::UnboundedReceiver<Peer>) {
    link_with(Credentials::given(token("srt_x")))
}

/// Asks for the list of sessions, which is short either way.
fn question() -> Question {
    let operation = Operation::ListSessions {};
    Question { operation, idempotency: None, within: Duration::from_secs(5) }
}

fn ask(link: &Arc<FramesLink>) -> tokio::task::JoinHandle<Result<Reply, ClientError>> {
    let link = link.clone();
    tokio::spawn(async move { link.ask(&question()).await })
}

fn place(after: u64) -> Place {
    Place { owner: None, record: None, after: Some(after), page_events: 1 }
}

fn follow(link: &Arc<FramesLink>) -> tokio::task::JoinHandle<Result<Box<dyn Feed>, ClientError>> {
    let link = link.clone();
    tokio::spawn(async move { link.follow(&place(4)).await })
}

async fn asked(peer: &mut Peer) -> u64 {
    match peer.hear().await {
        Some(ClientFrame::Ask { id, operation: Operation::ListSessions {}, .. }) => id,
        other => panic!("not the question: {other:?}"),
    }
}

fn answer(id: u64) -> ServerFrame {
    ServerFrame::Answer { id, reply: Reply::Sessions { sessions: Vec::new() } }
}

fn expired() -> Box<Problem> {
    Box::new(Problem::new(401, "credential-expired", "expired"))
}

/// A-WS-07: answers find their questions in whatever order they come.
#[tokio::test(start_paused = true)]
async fn answers_are_paired_with_questions_by_id() {
    let (link, mut peers) = link();
    let (one, other) = (ask(&link), ask(&link));
    let mut peer = peers.recv().await.unwrap();
    assert_eq!(peer.welcome().await, "Bearer srt_x");
    let (first, second) = (asked(&mut peer).await, asked(&mut peer).await);
    assert_ne!(first, second);
    let refusal = Box::new(Problem::new(404, "x", "no"));
    peer.say(&ServerFrame::Problem { id: Some(second), problem: refusal });
    peer.say(&answer(first));
    let answers = [one.await.unwrap(), other.await.unwrap()];
    assert!(answers.iter().any(Result::is_ok) && answers.iter().any(Result::is_err), "{answers:?}");
}

/// A-SRV-07: an answer that comes late or twice answers nothing; one to a question that was never asked ends all.
#[tokio::test(start_paused = true)]
async fn a_replayed_answer_is_nobodys_and_an_invented_one_ends_the_connection() {
    let (link, mut peers) = link();
    let first = ask(&link);
    let mut peer = peers.recv().await.unwrap();
    peer.welcome().await;
    let id = asked(&mut peer).await;
    peer.say(&answer(id));
    first.await.unwrap().unwrap();

    let second = ask(&link);
    let next = asked(&mut peer).await;
    peer.say(&answer(id));
    peer.say(&answer(next));
    second.await.unwrap().unwrap();

    let third = ask(&link);
    let next = asked(&mut peer).await;
    peer.say(&answer(next + 1));
    peer.say(&answer(next));
    let error = third.await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Untrusted, "{error}");
    assert!(peer.hear().await.is_none(), "the connection is over");
}

#[tokio::test(start_paused = true)]
async fn what_is_no_frame_ends_the_connection() {
    for bytes in
        [&b"x"[..], b"{}", br#"{"answer":{"id":0}}"#, br#"{"later":{}}"#, br#"{"push":{"subscription":0}}"#]
    {
        let (link, mut peers) = link();
        let asking = ask(&link);
        let mut peer = peers.recv().await.unwrap();
        peer.welcome().await;
        asked(&mut peer).await;
        peer.say_bytes(bytes);
        assert_eq!(asking.await.unwrap().unwrap_err().kind(), ErrorKind::Untrusted);
    }
}

/// F-18: a question whose connection ends has an unknown outcome, also when the server says why it ends it.
#[tokio::test(start_paused = true)]
async fn a_question_on_a_connection_that_ends_is_lost_and_the_next_one_connects_anew() {
    let (link, mut peers) = link();
    for says_why in [false, true] {
        let asking = ask(&link);
        let mut peer = peers.recv().await.unwrap();
        peer.welcome().await;
        asked(&mut peer).await;
        if says_why {
            peer.say(&ServerFrame::Problem { id: None, problem: expired() });
        }
        drop(peer);
        let error = asking.await.unwrap().unwrap_err();
        assert!(matches!(error, ClientError::Lost { .. }), "{error}");
    }
    let asking = ask(&link);
    let mut peer = peers.recv().await.unwrap();
    peer.welcome().await;
    let id = asked(&mut peer).await;
    peer.say(&answer(id));
    asking.await.unwrap().unwrap();
}

/// Tokens `srt_0`, `srt_1` and so on.
fn numbered() -> Credentials {
    let next = AtomicU32::new(0);
    Credentials::fetched(move || {
        let text = format!("srt_{}", next.fetch_add(1, Ordering::Relaxed));
        std::future::ready(Token::read(&SecretText::new(text)).map_err(|error: BadToken| error.into()))
    })
}

#[tokio::test(start_paused = true)]
async fn an_expired_credential_is_replaced_on_a_new_connection() {
    let (link, mut peers) = link_with(numbered());
    // Refused when signing in.
    let asking = ask(&link);
    let mut peer = peers.recv().await.unwrap();
    assert!(
        matches!(peer.hear().await, Some(ClientFrame::Hello { authorization }) if authorization == "Bearer srt_0")
    );
    peer.say(&ServerFrame::Problem { id: None, problem: expired() });
    assert!(asking.await.unwrap().unwrap_err().is_expired());
    // Refused in the middle.
    let asking = ask(&link);
    let mut peer = peers.recv().await.unwrap();
    assert_eq!(peer.welcome().await, "Bearer srt_1");
    let id = asked(&mut peer).await;
    peer.say(&ServerFrame::Problem { id: Some(id), problem: expired() });
    assert!(asking.await.unwrap().unwrap_err().is_expired());
    assert!(peer.hear().await.is_none());
    let asking = ask(&link);
    let mut peer = peers.recv().await.unwrap();
    assert_eq!(peer.welcome().await, "Bearer srt_2");
    let id = asked(&mut peer).await;
    peer.say(&answer(id));
    asking.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_never_says_anything_is_given_up_with_the_question_it_kept() {
    let (link, mut peers) = link();
    let asking = ask(&link);
    let mut silent = peers.recv().await.unwrap();
    silent.welcome().await;
    let error = asking.await.unwrap().unwrap_err();
    assert!(matches!(error, ClientError::TimedOut { .. }), "{error}");
    let asking = ask(&link);
    let mut peer = peers.recv().await.unwrap();
    peer.welcome().await;
    let id = asked(&mut peer).await;
    peer.say(&answer(id));
    asking.await.unwrap().unwrap();
}

/// A-WS-06 from the other side: a subscriber notices a server that has vanished.
#[tokio::test(start_paused = true)]
async fn a_quiet_server_is_asked_for_a_sign_of_life_and_given_up_without_one() {
    let (link, mut peers) = link();
    let following = follow(&link);
    let mut peer = peers.recv().await.unwrap();
    peer.welcome().await;
    let Some(ClientFrame::Subscribe { id, subscription, after, .. }) = peer.hear().await else {
        panic!("subscribe")
    };
    assert_eq!(after, Some(4));
    peer.say(&ServerFrame::Subscribed { id, subscription, after: 4 });
    let mut feed = following.await.unwrap().unwrap();
    assert_eq!(feed.next().await.unwrap(), Shown::Began { after: 4 });
    let waiting = tokio::spawn(async move { (feed.next().await, feed) });
    // Two quiet stretches, each ended by an answer nobody waits for.
    for _ in 0..2 {
        let Some(ClientFrame::Ask { id, operation: Operation::Whoami {}, .. }) = peer.hear().await else {
            panic!("a probe")
        };
        peer.say(&answer(id));
        assert!(!waiting.is_finished());
    }
    // The third is not answered.
    let (error, _) = waiting.await.unwrap();
    assert!(matches!(error, Err(ClientError::Lost { .. })), "{error:?}");
}

/// A-REC-12: a subscriber who does not keep up keeps a bounded queue, then loses the subscription, never an event.
#[tokio::test(start_paused = true)]
async fn a_subscriber_who_does_not_read_loses_the_subscription_behind_what_is_queued() {
    let (link, mut peers) = link();
    let following = follow(&link);
    let mut peer = peers.recv().await.unwrap();
    peer.welcome().await;
    let Some(ClientFrame::Subscribe { id, subscription, .. }) = peer.hear().await else {
        panic!("subscribe")
    };
    peer.say(&ServerFrame::Subscribed { id, subscription, after: 4 });
    let mut feed = following.await.unwrap().unwrap();
    for sequence in 5..=1_004 {
        peer.say(&ServerFrame::Push { subscription, event: event(sequence) });
    }
    let Some(ClientFrame::Unsubscribe { subscription: ended, .. }) = peer.hear().await else {
        panic!("unsubscribe")
    };
    assert_eq!(ended, subscription);
    assert_eq!(feed.next().await.unwrap(), Shown::Began { after: 4 });
    let mut last = 4;
    let error = loop {
        match feed.next().await {
            Ok(Shown::Event(event)) => {
                assert_eq!(event.sequence, last + 1);
                last = event.sequence;
            }
            Ok(other) => panic!("{other:?}"),
            Err(error) => break error,
        }
    };
    assert!(error.is_retryable() && (5 + 255..300).contains(&last), "{last} {error}");
    // The connection itself is as good as before.
    let asking = ask(&link);
    let id = loop {
        match peer.hear().await {
            Some(ClientFrame::Ask { id, .. }) => break id,
            Some(ClientFrame::Unsubscribe { .. }) => {}
            other => panic!("{other:?}"),
        }
    };
    peer.say(&answer(id));
    asking.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_dropped_subscription_is_ended_at_the_server_and_a_dropped_link_hangs_up() {
    let (link, mut peers) = link();
    let following = follow(&link);
    let mut peer = peers.recv().await.unwrap();
    peer.welcome().await;
    let Some(ClientFrame::Subscribe { id, subscription, .. }) = peer.hear().await else {
        panic!("subscribe")
    };
    peer.say(&ServerFrame::Subscribed { id, subscription, after: 0 });
    drop(following.await.unwrap().unwrap());
    assert!(
        matches!(peer.hear().await, Some(ClientFrame::Unsubscribe { subscription: ended, .. }) if ended == subscription)
    );
    peer.say(&ServerFrame::Ended { subscription, problem: expired() });
    drop(link);
    assert!(peer.hear().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn what_does_not_fit_into_a_frame_is_not_sent() {
    let (link, mut peers) = link();
    let asking = tokio::spawn({
        let link = link.clone();
        async move {
            let confirm = "x".repeat(1_000).parse().unwrap();
            let mut question = question();
            question.operation = Operation::PutRecord {
                name: vec!["r".to_owned()],
                meta: strongroom_wire::Base64Bytes::default(),
                value: strongroom_wire::Base64Bytes(vec![0; 200 * 1024].into()),
                previous: None,
                recipients: vec![confirm],
            };
            link.ask(&question).await
        }
    });
    peers.recv().await.unwrap().welcome().await;
    assert_eq!(asking.await.unwrap().unwrap_err().kind(), ErrorKind::Local);
}

#[tokio::test(start_paused = true)]
async fn connections_that_cannot_be_made_are_spaced_out_for_all_callers_together() {
    let dialled = Arc::new(AtomicU32::new(0));
    let counter = dialled.clone();
    let dial = move || {
        counter.fetch_add(1, Ordering::Relaxed);
        std::future::ready(Err::<crate::testing::Duplex, _>("refused"))
    };
    let dialer = FramesDialer::new(dial, Encoding::Json);
    let link = Arc::new(FramesLink::new(Arc::new(dialer), Credentials::given(token("srt_x")), options()));
    let callers: Vec<_> = (0..50).map(|_| ask(&link)).collect();
    for caller in callers {
        let error = caller.await.unwrap().unwrap_err();
        assert!(matches!(error, ClientError::Unreachable { .. }), "{error}");
    }
    let dialled = dialled.load(Ordering::Relaxed);
    assert!(
        (5..20).contains(&dialled),
        "{dialled} attempts in 5 s, the waits between them growing to a second"
    );
}

/// Who has nothing to sign in with asks without a greeting; the same link for somebody else greets on a connection of
/// its own.
#[tokio::test(start_paused = true)]
async fn nobody_asks_without_a_greeting_and_somebody_greets_beside_it() {
    let (link, mut dialled) = link_with(Credentials::nobody());
    let answered = ask(&link);
    let mut peer = dialled.recv().await.unwrap();
    let id = asked(&mut peer).await;
    peer.say(&answer(id));
    answered.await.unwrap().unwrap();

    let other = link.of(Credentials::given(token("srt_y")));
    let answered = tokio::spawn(async move { other.ask(&question()).await });
    let mut beside = dialled.recv().await.unwrap();
    assert_eq!(beside.welcome().await, "Bearer srt_y");
    let id = asked(&mut beside).await;
    beside.say(&answer(id));
    answered.await.unwrap().unwrap();
}
