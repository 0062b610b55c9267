//! Signed requests as a peer gets them, over a socket of this machine.

use std::time::Duration;

use strongroom_primitives::dc1::{ChainId, Paths};
use strongroom_primitives::secret::SecretText;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;
use crate::dragonchain::{Endpoint, ServiceKey};
use crate::testing::options;

const CHAIN: &str = "dLP759g8FC3iHaxE7PhvycuWxvjTTuWgBiH9ud4adRHr";
const SECRET: &str = "6S0c15MghGrpMwzz9EK2j3huQTFwH1EULdmofGXPDuj";

/// One request, as it came.
struct Received {
    line: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Received {
    fn header(&self, name: &str) -> &str {
        let mut found = self.headers.iter().filter(|(known, _)| known == name);
        let value = found.next().map_or("", |(_, value)| value);
        assert!(found.next().is_none(), "{name} comes once");
        value
    }

    /// Whether it is signed by [`SECRET`] over the path without the mount, and by nothing else.
    fn check(&self, algorithm: Algorithm) {
        let now = options().ports.clock.now();
        let stamp = self.header("timestamp");
        let read =
            Authorization::read(Some(self.header("authorization")), stamp, now, Duration::from_secs(1));
        let read = read.unwrap();
        assert_eq!((read.algorithm, read.key_id.unwrap().as_str()), (algorithm, "EAYRMSXDOSWY"));
        let mut words = self.line.split(' ');
        let (verb, target) = (words.next().unwrap(), words.next().unwrap());
        let within = target.strip_prefix("/dragonchain").unwrap();
        let content_type = self.header("content-type");
        let chain = self.header("dragonchain");
        let parts = Parts { verb, chain, timestamp: stamp, content_type, body: &self.body };
        let verify = |secret: &str, parts: &Parts<'_>| {
            let key = SecretText::new(secret.to_owned());
            dc1::verify(algorithm, Some(&key), parts, &Paths::of(within, ""), &read.mac)
        };
        verify(SECRET, &parts).unwrap();
        verify("other", &parts).unwrap_err();
        verify(SECRET, &Parts { body: b"other", ..parts }).unwrap_err();
        assert_eq!(chain, CHAIN);
    }
}

/// Answers one request on each of its connections, and counts nothing that it was not asked.
async fn served(listener: TcpListener, answer: &'static str) -> Received {
    let (mut socket, _) = listener.accept().await.unwrap();
    let mut bytes = Vec::new();
    let (head, length) = loop {
        assert_ne!(socket.read_buf(&mut bytes).await.unwrap(), 0);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, _)) = text.split_once("\r\n\r\n") else { continue };
        let lower = head.to_ascii_lowercase();
        let length = lower.split("content-length: ").nth(1).and_then(|rest| rest.lines().next());
        break (head.to_owned(), length.map_or(0, |length| length.parse::<usize>().unwrap()));
    };
    while bytes.len() < head.len() + 4 + length {
        assert_ne!(socket.read_buf(&mut bytes).await.unwrap(), 0);
    }
    socket.write_all(answer.as_bytes()).await.unwrap();
    let mut lines = head.lines();
    let line = lines.next().unwrap().to_owned();
    let split =
        |line: &str| line.split_once(": ").map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()));
    Received { line, headers: lines.filter_map(split).collect(), body: bytes[head.len() + 4..].to_vec() }
}

fn credentials(endpoint: &str) -> Credentials {
    Credentials {
        chain: ChainId::new(CHAIN).unwrap(),
        endpoint: Endpoint::read("x", endpoint).unwrap().unwrap(),
        key: ServiceKey::new("x", "EAYRMSXDOSWY", &SecretText::new(SECRET.to_owned())).unwrap(),
    }
}

/// What the peer got of one question, and what came of its answer.
async fn asked(
    algorithm: Algorithm,
    answer: &'static str,
    ask: impl AsyncFnOnce(&DragonchainClient) -> Result<Outcome, ClientError>,
) -> (Received, Result<Outcome, ClientError>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/dragonchain", listener.local_addr().unwrap());
    let client = DragonchainClient::new(credentials(&url), &options()).unwrap().with_algorithm(algorithm);
    tokio::join!(served(listener, answer), ask(&client))
}

const DONE: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}";

#[tokio::test]
async fn every_operation_is_signed_over_its_path_behind_the_endpoint() {
    let id = KeyId::new("TZRBPXYRCGSM").unwrap();
    let change = KeyChange {
        nickname: Some("Z\u{fc}ri \"1\"".to_owned()),
        permissions_document: Some(serde_json::json!({ "version": "1" })),
    };
    for algorithm in Algorithm::ALL {
        let (got, outcome) = asked(algorithm, DONE, async |client| client.status().await).await;
        got.check(algorithm);
        assert_eq!(got.line, "GET /dragonchain/v1/status HTTP/1.1");
        assert_eq!((got.header("content-type"), got.body.len()), ("", 0));
        assert!(outcome.unwrap().is_ok());
        let (got, _) = asked(algorithm, DONE, async |client| client.create_key(&change).await).await;
        got.check(algorithm);
        assert_eq!(got.line, "POST /dragonchain/v1/api-key HTTP/1.1");
        assert_eq!(got.header("content-type"), "application/json");
        let sent: Value = serde_json::from_slice(&got.body).unwrap();
        assert_eq!(
            sent,
            serde_json::json!({ "nickname": "Züri \"1\"", "permissions_document": { "version": "1" } })
        );
        let (got, _) = asked(algorithm, DONE, async |client| client.list_keys().await).await;
        got.check(algorithm);
        assert_eq!(got.line, "GET /dragonchain/v1/api-key HTTP/1.1");
        let (got, _) = asked(algorithm, DONE, async |client| client.get_key(&id).await).await;
        got.check(algorithm);
        assert_eq!(got.line, "GET /dragonchain/v1/api-key/TZRBPXYRCGSM HTTP/1.1");
        let nothing = KeyChange::default();
        let (got, _) = asked(algorithm, DONE, async |client| client.update_key(&id, &nothing).await).await;
        got.check(algorithm);
        assert_eq!(got.line, "PUT /dragonchain/v1/api-key/TZRBPXYRCGSM HTTP/1.1");
        assert_eq!(got.body, b"{}");
        let (got, _) = asked(algorithm, DONE, async |client| client.delete_key(&id).await).await;
        got.check(algorithm);
        assert_eq!(got.line, "DELETE /dragonchain/v1/api-key/TZRBPXYRCGSM HTTP/1.1");
    }
}

/// A-HTTP: a request that was signed is sent once, whatever became of it. The peer takes one connection and hangs up.
#[tokio::test]
async fn a_refusal_is_an_outcome_and_nothing_is_asked_twice() {
    let refusal =
        "HTTP/1.1 503 Busy\r\nContent-Length: 5\r\nRetry-After: 0\r\nConnection: close\r\n\r\nbusy!";
    let (_, outcome) = asked(Algorithm::Sha256, refusal, async |client| client.status().await).await;
    let outcome = outcome.unwrap();
    assert_eq!((outcome.status(), outcome.is_ok(), outcome.response()), (503, false, "\"busy!\""));
    let (_, lost) = asked(Algorithm::Sha256, "", async |client| client.status().await).await;
    assert!(matches!(lost, Err(ClientError::Lost { .. })), "{lost:?}");
    let moved = "HTTP/1.1 307 Elsewhere\r\nLocation: /v1/other\r\nContent-Length: 0\r\n\r\n";
    let (_, moved) = asked(Algorithm::Sha256, moved, async |client| client.status().await).await;
    assert!(matches!(moved, Err(ClientError::Protocol { .. })), "{moved:?}");
}

#[test]
fn a_created_key_does_not_cross_the_network_in_the_clear_unless_asked() {
    let refused = DragonchainClient::new(credentials("http://keys.example"), &options());
    assert!(matches!(refused, Err(ClientError::Invalid(_))));
    let plain = ClientOptions { allow_plaintext: true, ..options() };
    let client = DragonchainClient::new(credentials("http://keys.example"), &plain).unwrap();
    assert!(!format!("{client:?}").contains(SECRET), "A-LEAK-01");
}
