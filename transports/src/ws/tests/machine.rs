//! The state machine alone, without a socket.

use strongroom_engine::EngineError;

use super::*;
use crate::ws::connection::SignedIn;

fn opened(limits: &EdgeLimits) -> Connection {
    let mut connection = Connection::new(JSON, limits, Some(Credential::Anonymous));
    assert!(matches!(connection.next_task(), Some(Task::SignIn(_))));
    let me = paused(async {
        let bench = Bench::new().await;
        let bearer = credentials::read(&format!("Bearer {}", bench.bearer("ann").await.token)).unwrap();
        bench.engine.handle().ask(bearer, WhoAmI).await.unwrap()
    });
    connection.on_signed_in(Ok(SignedIn::Account(me)), AT_ONCE);
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

/// Signing up and in comes before there is anything to say hello with.
#[test]
fn what_needs_no_credential_is_answered_before_hello_and_silence_still_ends_the_connection() {
    let mut connection = Connection::new(JSON, &EdgeLimits::default(), None);
    let ask = |id| ClientFrame::Ask { id, operation: Operation::ServiceInfo {}, idempotency_key: None };
    connection.on_message(text(&ask(1)), seconds(4));
    assert!(matches!(connection.next_task(), Some(Task::Ask { id: 1, .. })));
    assert_eq!(connection.wake_at(), seconds(64), "time to answer a challenge");
    connection.on_answer(1, Ok(Reply::Done {}));
    assert!(matches!(sent(&mut connection)[..], [ServerFrame::Answer { id: 1, .. }]));

    let mut silent = Connection::new(JSON, &EdgeLimits::default(), None);
    silent.on_message(text(&ask(1)), seconds(4));
    silent.on_tick(seconds(64));
    sent(&mut silent);
    assert_eq!(code(&silent), Some(close::POLICY));

    let hello = ClientFrame::Hello { authorization: "Bearer srt_x".to_owned() };
    connection.on_message(text(&hello), seconds(60));
    assert!(matches!(connection.next_task(), Some(Task::SignIn(_))));
    connection.on_signed_in(Err(EngineError::CredentialInvalid), seconds(60));
    sent(&mut connection);
    assert_eq!(code(&connection), Some(close::POLICY));

    let mut eager = Connection::new(JSON, &EdgeLimits::default(), None);
    eager.on_message(text(&ask(1)), AT_ONCE);
    eager.on_message(text(&subscribe(2, 1, None)), AT_ONCE);
    sent(&mut eager);
    assert!(eager.next_task().is_none(), "what was asked is not begun on the way out");
    assert_eq!(code(&eager), Some(close::POLICY));
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
    let [ServerFrame::Problem { id: Some(1), problem }] = &sent(&mut connection)[..] else { panic!("one") };
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
