//! Connections that end the hard way, at every byte of a request and of its answer.

use std::{io::Read, net::SocketAddr};

use super::support::{Peer, Server, Setup, request};

fn reset_at_every_byte_of(server: &Server, address: SocketAddr, bytes: &[u8]) {
    for length in 0..=bytes.len() {
        let mut peer = Peer::connect(address);
        peer.send(&bytes[..length]).unwrap();
        peer.reset();
    }
    server.wait_for_connections(0);
    assert!(server.serves());
}

/// F-18: a reset in the middle of a request leaves nothing behind, and half a request does nothing.
#[test]
fn f_18_a_reset_at_every_byte_of_a_request_harms_nobody() {
    let server = Setup::default().start();
    let token = server.bearer("ann").token;
    let body = r#"{"meta":"","value":"aGVsbG8="}"#;
    let headers =
        [&*format!("Authorization: Bearer {token}"), "Content-Type: application/json", "If-None-Match: *"];
    let put = request("PUT", "/v1/records/notes", &headers, body);
    for length in 0..put.len() {
        let mut peer = server.peer();
        peer.send(&put.as_bytes()[..length]).unwrap();
        peer.reset();
    }
    server.wait_for_connections(0);
    let mut peer = server.peer();
    let read = |peer: &mut Peer| peer.ask("GET", "/v1/records/notes", &headers[..1], "").unwrap().status;
    assert_eq!(read(&mut peer), 404, "no part of a request is a request");
    peer.send(&put).unwrap();
    let reply = peer.reply().unwrap();
    assert!(reply.status == 200 || reply.status == 201, "{reply:?}");
    assert_eq!(read(&mut peer), 200);
}

/// F-18: a reset in the middle of an answer.
#[test]
fn f_18_a_reset_at_every_byte_of_an_answer_harms_nobody() {
    let server = Setup::default().start();
    let good = request("GET", "/probe/good", &[], "");
    let mut peer = server.peer();
    peer.send(&good).unwrap();
    let mut answer = [0; 4096];
    let whole = peer.socket.read(&mut answer).unwrap();
    drop(peer);
    for length in 0..=whole {
        let mut peer = server.peer();
        peer.send(&good).unwrap();
        peer.socket.read_exact(&mut answer[..length]).unwrap();
        peer.reset();
    }
    server.wait_for_connections(0);
    assert!(server.serves());
}

/// F-18, over a WebSocket: in the handshake and behind it, at both listeners.
#[test]
fn f_18_a_reset_at_every_byte_of_a_websocket_harms_nobody() {
    let server = Setup { stand_alone: Some(Default::default()), ..Setup::default() }.start();
    let token = server.bearer("ann").token;
    let mut bytes = super::websocket::handshake(&[&format!("Authorization: Bearer {token}")]).into_bytes();
    let whoami = br#"{"ask":{"id":1,"do":{"session.whoami":{}}}}"#;
    bytes.extend(super::websocket::frame(0x81, whoami));
    for address in server.websockets() {
        reset_at_every_byte_of(&server, address, &bytes);
    }
}
