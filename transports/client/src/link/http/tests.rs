mod service_keys;
mod sharing;
mod signing;

use std::sync::atomic::{AtomicUsize, Ordering};

use reqwest::header::{IF_MATCH, IF_NONE_MATCH};
use strongroom_primitives::hash::RecordTag;
use strongroom_primitives::id::{ApiKeyId, ApiKeySecretId, IdempotencyKey, SecretId};
use strongroom_primitives::secret::SecretText;
use strongroom_wire::{Base64Array, Base64Bytes, Boxed, Change, Previous};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use super::spell::Spelled;
use super::*;
use crate::testing::options;
use crate::{ErrorKind, Token};

fn names(parts: &[&str]) -> Vec<String> {
    parts.iter().map(|part| (*part).to_owned()).collect()
}

fn boxed() -> Boxed {
    Boxed { text: Base64Bytes("sealed".into()), nonce: Base64Array([1; 24]) }
}

fn spelled(operation: Operation) -> String {
    let Spelled { method, target, headers, body } = spell(&operation).unwrap();
    let header = |name| headers.get(name).map_or("", |value: &HeaderValue| value.to_str().unwrap());
    let (matches, none) = (header(IF_MATCH), header(IF_NONE_MATCH));
    let body = body.map(|body| String::from_utf8(body).unwrap()).unwrap_or_default();
    [method.as_str(), &target, matches, none, &body].join(" ").trim_end().to_owned()
}

#[test]
fn operations_are_spelled_as_method_path_query_headers_and_body() {
    let bytes = |text: &'static str| Base64Bytes(text.as_bytes().into());
    let name = names(&["a b", "c/d", "zo\u{e9}"]);
    let put = |previous| Operation::PutRecord {
        name: names(&["r"]),
        meta: bytes("m"),
        value: bytes("v"),
        previous,
        recipients: vec!["bob".parse().unwrap()],
    };
    let body = r#"{"meta":"bQ==","recipients":["bob"],"value":"dg=="}"#;
    assert_eq!(spelled(put(None)), format!("PUT /records/r   {body}"));
    assert_eq!(spelled(put(Some(Previous::Absent))), format!("PUT /records/r  * {body}"));
    let tag = RecordTag::v2(b"m", b"v");
    let etag = format!("\"{}\"", tag.to_base64());
    assert_eq!(spelled(put(Some(Previous::Tag(tag)))), format!("PUT /records/r {etag}  {body}"));
    for (operation, expected) in [
        (Operation::GetRecord { owner: None, name: name.clone() }, "GET /records/a%20b/c%2Fd/zo%C3%A9"),
        (
            Operation::GetRecord { owner: Some("a&b=c".parse().unwrap()), name: names(&["r"]) },
            "GET /records/r?owner=a%26b%3Dc",
        ),
        (
            Operation::ListRecords {
                owner: None,
                prefix: names(&["a", "b+c"]),
                cursor: Some("x-_".to_owned()),
                limit: Some(7),
            },
            "GET /records?prefix=a&prefix=b%2Bc&cursor=x-_&limit=7",
        ),
        (Operation::DeleteRecord { name: names(&["r"]), previous: None }, "DELETE /records/r"),
        (
            Operation::ResetRecords { prefix: names(&["a"]), recipient: None },
            r#"POST /reset   {"prefix":["a"],"recipient":null}"#,
        ),
        (Operation::History { name: names(&["r"]), after: Some(3) }, "GET /history/r?after=3"),
        (Operation::GetVersion { name: names(&["r"]), sequence: 3 }, "GET /version/r?sequence=3"),
        (
            Operation::UndoRecord { name: names(&["r"]), sequence: 3, previous: None },
            r#"POST /undo/r   {"sequence":3}"#,
        ),
        (
            Operation::ShareRecord { name: names(&["r"]), add: vec![], remove: vec!["b".parse().unwrap()] },
            r#"POST /share/r   {"add":[],"remove":["b"]}"#,
        ),
        (Operation::ListGrants { cursor: None, limit: None }, "GET /grants"),
        (
            Operation::FeedPage {
                owner: Some("o".parse().unwrap()),
                record: Some(names(&["a", "b"])),
                after: Some(0),
                wait_s: Some(25),
                limit: Some(256),
            },
            "GET /feed?owner=o&record=a&record=b&after=0&wait_s=25&limit=256",
        ),
        (Operation::RevokeSession { session: None }, "DELETE /session"),
        (Operation::RevokeSessions { keep_current: true }, "DELETE /sessions?keep_current=true"),
        (
            Operation::OpenChild { life_s: 60, label: "x".to_owned() },
            r#"POST /session/child   {"label":"x","life_s":60}"#,
        ),
        (Operation::ChallengeApiKey {}, "POST /api-keys/challenge"),
        (Operation::ListApiKeys {}, "GET /api-keys"),
        (
            Operation::UpdateApiKey {
                id: ApiKeyId::from_bytes([1; 16]),
                title: None,
                read: None,
                write: Some(false),
                restrict: None,
                insecure: None,
                active: None,
                expires: Change::Clear,
            },
            r#"PATCH /api-keys/01010101010101010101010101010101   {"expires":null,"write":false}"#,
        ),
        (
            Operation::RevokeApiKey { id: ApiKeyId::from_bytes([1; 16]) },
            "DELETE /api-keys/01010101010101010101010101010101",
        ),
        (
            Operation::AttachSecret {
                id: ApiKeyId::from_bytes([1; 16]),
                secret: SecretId::from_bytes([2; 16]),
                secret_key: boxed(),
                title: boxed(),
            },
            concat!(
                "POST /api-keys/01010101010101010101010101010101/attachments   ",
                r#"{"secret":"02020202020202020202020202020202","#,
                r#""secret_key":{"nonce":"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB","text":"c2VhbGVk"},"#,
                r#""title":{"nonce":"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB","text":"c2VhbGVk"}}"#,
            ),
        ),
        (
            Operation::ListAttached { id: ApiKeyId::from_bytes([1; 16]) },
            "GET /api-keys/01010101010101010101010101010101/attachments",
        ),
        (
            Operation::DetachSecret { attachment: ApiKeySecretId::from_bytes([1; 16]) },
            "DELETE /api-keys/attachments/01010101010101010101010101010101",
        ),
        (Operation::EraseAccount { confirm: "me".parse().unwrap() }, r#"DELETE /account   {"confirm":"me"}"#),
    ] {
        assert_eq!(spelled(operation), expected);
    }
}

#[test]
fn a_name_that_a_url_cannot_spell_is_refused_and_never_changed() {
    for part in [".", "..", "a\nb", "\0", "\u{85}"] {
        let operation = Operation::GetRecord { owner: None, name: names(&["a", part]) };
        assert!(matches!(spell(&operation), Err(ClientError::Invalid(_))), "{part:?}");
    }
    let operation = Operation::GetRecord { owner: None, name: names(&["...", ".a", "%2e"]) };
    assert_eq!(spelled(operation), "GET /records/.../.a/%252e");
}

/// A server that answers each connection with the next of these bytes and hangs up. Says what it was asked.
async fn server(answers: Vec<Vec<u8>>) -> (String, mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (asked, requests) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        for answer in answers {
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut request = vec![0; 4096];
            let length = socket.read(&mut request).await.unwrap();
            let _ = asked.send(String::from_utf8_lossy(&request[..length]).to_lowercase());
            // A client that has heard enough hangs up in the middle.
            let _ = socket.write_all(&answer).await;
            let _ = socket.shutdown().await;
        }
    });
    (url, requests)
}

fn response(status: &str, headers: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n{headers}\r\n{body}", body.len()).into_bytes()
}

fn link(url: &str) -> HttpLink {
    let token = Token::read(&SecretText::new("srt_canary".to_owned())).unwrap();
    let options = ClientOptions { answer_bytes_max: 10_000, within: Duration::from_secs(5), ..options() };
    HttpLink::new(url, Credentials::given(token), options).unwrap()
}

fn sessions() -> Question {
    Question { operation: Operation::ListSessions {}, idempotency: None, within: Duration::from_secs(5) }
}

#[tokio::test]
async fn a_request_carries_the_credential_and_the_key() {
    let (url, mut requests) = server(vec![response("200 OK", "", r#"{"sessions":[]}"#)]).await;
    let key = IdempotencyKey::from_bytes([0xab; 16]);
    let question = Question { idempotency: Some(key.clone()), ..sessions() };
    assert_eq!(link(&url).ask(&question).await.unwrap(), Reply::Sessions { sessions: Vec::new() });
    let request = requests.recv().await.unwrap();
    assert!(request.starts_with("get /v1/sessions http/1.1\r\n"), "{request}");
    assert!(request.contains("authorization: bearer srt_canary\r\n"));
    assert!(request.contains(&format!("idempotency-key: {}\r\n", key.expose_text())));
}

#[tokio::test]
async fn a_request_of_nobody_carries_no_credential() {
    let (url, mut requests) = server(vec![response("200 OK", "", r#"{"sessions":[]}"#)]).await;
    link(&url).of(Credentials::nobody()).ask(&sessions()).await.unwrap();
    let request = requests.recv().await.unwrap();
    assert!(!request.contains("authorization") && !request.contains("canary"), "{request}");
}

/// A-SRV-06: no redirect is followed, so no credential goes elsewhere.
#[tokio::test]
async fn a_redirect_is_an_error_and_nobody_is_asked_twice() {
    for status in ["301 Moved", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"] {
        let (elsewhere, mut other) = server(vec![response("200 OK", "", r#"{"sessions":[]}"#)]).await;
        let location = format!("location: {elsewhere}/v1/sessions\r\n");
        let (url, _requests) = server(vec![response(status, &location, "")]).await;
        let error = link(&url).ask(&sessions()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Untrusted, "{error}");
        assert!(other.try_recv().is_err());
    }
}

/// A-SRV-06: an answer of a gigabyte is not read, whether it is declared or just goes on.
#[tokio::test]
async fn an_answer_over_the_limit_is_refused_before_it_is_held() {
    let declared = b"HTTP/1.1 200 OK\r\ncontent-length: 1073741824\r\n\r\n".to_vec();
    let mut endless = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
    for _ in 0..200 {
        endless.extend_from_slice(b"400\r\n");
        endless.extend_from_slice(&[b' '; 0x400]);
        endless.extend_from_slice(b"\r\n");
    }
    for answer in [declared, endless] {
        let (url, _requests) = server(vec![answer]).await;
        let error = link(&url).ask(&sessions()).await.unwrap_err();
        assert!(matches!(error, ClientError::TooLarge { max: 10_000 }), "{error}");
    }
}

/// F-18: an answer that is cut anywhere is a lost one, and never half an answer.
#[tokio::test]
async fn an_answer_that_is_cut_at_any_byte_is_lost() {
    let whole = response("200 OK", "", r#"{"sessions":[]}"#);
    let cuts: Vec<_> = (0..whole.len()).map(|at| whole[..at].to_vec()).collect();
    let (url, _requests) = server(cuts.clone()).await;
    let link = link(&url);
    for _ in &cuts {
        let error = link.ask(&sessions()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::OutcomeUnknown, "{error}");
    }
}

#[tokio::test]
async fn refusals_keep_their_code_and_the_pause_that_they_ask_for() {
    let problem = r#"{"type":"urn:x","title":"t","status":503,"code":"of-tomorrow"}"#;
    let (url, _requests) = server(vec![
        response("503 Service Unavailable", "retry-after: 7\r\n", problem),
        response("502 Bad Gateway", "", "<html>canary</html>"),
        response("200 OK", "", "<html>sign in to the network: canary</html>"),
        response(
            "401 Unauthorized",
            "",
            r#"{"type":"x","title":"t","status":401,"code":"credential-expired"}"#,
        ),
    ])
    .await;
    let link = link(&url);
    let error = link.ask(&sessions()).await.unwrap_err();
    assert!(error.is_problem("of-tomorrow"));
    assert_eq!((error.kind(), error.retry_after()), (ErrorKind::Busy, Some(Duration::from_secs(7))));
    let error = link.ask(&sessions()).await.unwrap_err();
    assert!(error.is_problem("http-502") && !error.to_string().contains("canary"), "{error}");
    let error = link.ask(&sessions()).await.unwrap_err();
    assert!(error.kind() == ErrorKind::Untrusted && !error.to_string().contains("canary"), "{error}");
    assert!(link.ask(&sessions()).await.unwrap_err().is_expired());
}

#[tokio::test]
async fn a_token_that_the_server_calls_expired_is_not_sent_again() {
    let expired = r#"{"type":"x","title":"t","status":401,"code":"credential-expired"}"#;
    let (url, mut requests) =
        server(vec![response("401 Unauthorized", "", expired), response("200 OK", "", r#"{"sessions":[]}"#)])
            .await;
    let next = AtomicUsize::new(0);
    let credentials = Credentials::fetched(move || {
        let text = format!("srt_{}", next.fetch_add(1, Ordering::Relaxed));
        std::future::ready(Token::read(&SecretText::new(text)).map_err(Into::into))
    });
    let link = HttpLink::new(&url, credentials, options()).unwrap();
    link.ask(&sessions()).await.unwrap_err();
    link.ask(&sessions()).await.unwrap();
    assert!(requests.recv().await.unwrap().contains("srt_0"));
    assert!(requests.recv().await.unwrap().contains("srt_1"));
}

#[tokio::test]
async fn nobody_listening_is_told_from_a_connection_that_ends() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let error = link(&url).ask(&sessions()).await.unwrap_err();
    assert!(matches!(error, ClientError::Unreachable { .. }), "{error}");
    assert!(!error.to_string().contains("srt_"), "A-LEAK-01: {error}");
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_given_up_in_time() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let question = Question { within: Duration::from_millis(50), ..sessions() };
    let error = link(&url).ask(&question).await.unwrap_err();
    assert!(matches!(error, ClientError::TimedOut { .. }), "{error}");
}

#[tokio::test]
async fn a_feed_is_polled_page_after_page_and_one_that_lies_is_left() {
    let page = |events: &str, next_after: u64, gap: bool| {
        let body = format!(r#"{{"events":[{events}],"next_after":{next_after},"head":9,"gap":{gap}}}"#);
        response("200 OK", "", &body)
    };
    let event = |sequence: u64| {
        format!(
            r#"{{"sequence":{sequence},"at":1,"what":{{"record.deleted":{{"name":["r"],"record_sequence":1}}}}}}"#
        )
    };
    let (url, mut requests) = server(vec![
        page("", 4, false),
        page(&format!("{},{}", event(5), event(6)), 7, false),
        page("", 20, true),
        page(&format!("{},{}", event(22), event(21)), 22, false),
    ])
    .await;
    let link = link(&url);
    let mut feed =
        link.follow(&Place { owner: None, record: None, after: None, page_events: 9 }).await.unwrap();
    let mut shown = Vec::new();
    let error = loop {
        match feed.next().await {
            Ok(Shown::Event(event)) => shown.push(format!("event {}", event.sequence)),
            Ok(other) => shown.push(format!("{other:?}")),
            Err(error) => break error,
        }
    };
    assert_eq!(
        shown,
        [
            "Began { after: 4 }",
            "Passed { after: 4 }",
            "event 5",
            "event 6",
            "Passed { after: 7 }",
            "Gap { after: 20 }"
        ]
    );
    assert_eq!(error.kind(), ErrorKind::Untrusted, "events out of order: {error}");
    for expected in [
        "get /v1/feed?limit=9 ",
        "get /v1/feed?after=4&wait_s=25&limit=9 ",
        "get /v1/feed?after=7&wait_s=25&limit=9 ",
        "get /v1/feed?after=20&wait_s=25&limit=9 ",
    ] {
        let request = requests.recv().await.unwrap();
        assert!(request.starts_with(expected), "{request}");
    }
}
