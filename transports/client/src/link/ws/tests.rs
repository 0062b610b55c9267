use strongroom_primitives::secret::SecretText;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_tungstenite::accept_hdr_async;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response as Accepted};

use super::super::session::Session;
use super::*;
use crate::ErrorKind;
use crate::credentials::{Credentials, Token};
use crate::testing::options;

async fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}", listener.local_addr().unwrap());
    (listener, url)
}

/// A server that answers any handshake so.
async fn refusing(answer: String) -> String {
    let (listener, url) = listen().await;
    tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut head = vec![0; 4096];
        let length = socket.read(&mut head).await.unwrap();
        assert!(
            !String::from_utf8_lossy(&head[..length]).contains("srt_"),
            "A-LEAK-01: no token in a handshake"
        );
        socket.write_all(answer.as_bytes()).await.unwrap();
    });
    url
}

fn refusal(status: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\ncontent-length: {}\r\nlocation: http://elsewhere/\r\n\r\n{body}",
        body.len()
    )
}

/// A server that takes the handshake and then says these bytes, whatever they are.
async fn saying(bytes: &'static [u8]) -> String {
    let (listener, url) = listen().await;
    tokio::spawn(async move {
        let (socket, _) = listener.accept().await.unwrap();
        #[expect(clippy::result_large_err, reason = "the type of a refusal is the library's")]
        let accept = |_: &Request, mut response: Accepted| -> Result<Accepted, ErrorResponse> {
            let protocol = HeaderValue::from_static(SUBPROTOCOL_JSON);
            response.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, protocol);
            Ok(response)
        };
        let mut socket = accept_hdr_async(socket, accept).await.unwrap();
        socket.get_mut().write_all(bytes).await.unwrap();
        // Until the client has heard enough.
        while socket.next().await.is_some_and(|message| message.is_ok()) {}
    });
    url
}

/// Signs in on a connection to it.
async fn open(url: &str) -> ClientError {
    let dialled = WsDialer::new(url, &options()).unwrap();
    let opened = async {
        let token = Token::read(&SecretText::new("srt_x".to_owned())).unwrap();
        let credentials = Credentials::given(token);
        let issued = credentials.token(&*options().ports.clock).await.unwrap();
        Session::open(dialled.dial(&issued).await?, &issued).await
    };
    opened.await.err().expect("it is not to be")
}

/// A-SRV-06: a redirect is not followed, and what a proxy says is told as a proxy's word.
#[tokio::test]
async fn a_handshake_that_is_answered_with_something_else_is_told_as_that() {
    let error = open(&refusing(refusal("302 Found", "")).await).await;
    assert_eq!(error.kind(), ErrorKind::Untrusted, "{error}");
    let error = open(&refusing(refusal("404 Not Found", "<html>")).await).await;
    assert!(error.is_problem("http-404"), "{error}");
    let problem = r#"{"type":"x","title":"t","status":503,"code":"draining"}"#;
    let error = open(&refusing(refusal("503 Service Unavailable", problem)).await).await;
    assert!(error.is_problem("draining") && error.is_retryable(), "{error}");
    let error = open(&refusing("SSH-2.0-OpenSSH\r\n\r\n".to_owned()).await).await;
    assert!(matches!(error, ClientError::Unreachable { .. }), "{error}");
}

/// A-SRV-06: a frame of a gigabyte, declared or in pieces, ends the connection before it is held.
#[tokio::test]
async fn a_message_over_the_limit_is_refused_by_its_declared_length() {
    let error = open(&saying(b"\x81\x7f\x00\x00\x00\x00\x40\x00\x00\x00").await).await;
    assert!(matches!(error, ClientError::TooLarge { .. }), "{error}");
}

#[tokio::test]
async fn what_is_not_in_the_agreed_encoding_ends_the_connection() {
    let error = open(&saying(b"\x82\x01x").await).await;
    assert_eq!(error.kind(), ErrorKind::Untrusted, "binary: {error}");
    let error = open(&saying(b"\x81\x01x").await).await;
    assert_eq!(error.kind(), ErrorKind::Untrusted, "no frame: {error}");
    let error = open(&saying(b"\x88\x06\x03\xf0bye!").await).await;
    assert!(error.to_string().contains("bye!"), "{error}");
}
