//! Slow, silent and oversized peers: each costs a bounded time and amount.

use std::time::{Duration, Instant};

use strongroom_transports::{EdgeLimits, http::HttpLimits};

use super::support::{PATIENCE, Setup, request};

const SHORT: Duration = Duration::from_millis(400);

/// Every wait as short as a test can bear.
fn hasty() -> Setup {
    Setup::limits(HttpLimits {
        head_within: SHORT,
        body_within: SHORT,
        idle_within: SHORT,
        write_within: SHORT,
        connections_per_source_max: 0,
        ..HttpLimits::default()
    })
}

fn about_short(took: Duration) -> bool {
    (SHORT - Duration::from_millis(20)..SHORT * 5).contains(&took)
}

#[test]
fn a_http_03_whoever_says_nothing_is_closed() {
    let server = hasty().start();
    let (took, bytes) = server.peer().until_closed();
    assert!(about_short(took), "{took:?}");
    assert!(bytes.is_empty());
}

#[test]
fn a_http_03_a_slow_head_is_closed_first_and_later() {
    let server = hasty().start();
    for later in [false, true] {
        let mut peer = server.peer();
        if later {
            assert_eq!(peer.ask("GET", "/probe/good", &[], "").unwrap().status, 200);
        }
        let since = Instant::now();
        for byte in request("GET", "/probe/slowly", &[&"x".repeat(100)], "").as_bytes() {
            if peer.send([*byte]).is_err() || since.elapsed() > PATIENCE {
                break;
            }
            std::thread::sleep(Duration::from_millis(50));
            peer.socket.set_nonblocking(true).unwrap();
            let mut seen = [0];
            if peer.socket.peek(&mut seen).is_ok() {
                break;
            }
            peer.socket.set_nonblocking(false).unwrap();
        }
        let took = since.elapsed();
        peer.socket.set_nonblocking(false).unwrap();
        let replies = peer.replies().unwrap();
        assert_eq!(replies.iter().map(|reply| reply.status).collect::<Vec<_>>(), [408], "later: {later}");
        assert!(about_short(took), "{took:?}");
    }
}

#[test]
fn a_http_03_a_slow_body_is_closed() {
    let server = hasty().start();
    for framing in ["Content-Length: 100", "Transfer-Encoding: chunked"] {
        let mut peer = server.peer();
        peer.send(format!("PUT /probe/a HTTP/1.1\r\nHost: here\r\n{framing}\r\n\r\n4\r\nab")).unwrap();
        let since = Instant::now();
        let reply = peer.reply().unwrap();
        assert!(about_short(since.elapsed()));
        assert_eq!((reply.status, reply.header("connection")), (408, Some("close")));
        assert!(peer.reply().is_err(), "closed");
    }
    assert_eq!(server.reached(), 0, "half a body reaches nobody");
}

#[test]
fn a_http_03_an_idle_connection_is_closed_and_a_waiting_one_is_not() {
    let server = hasty().start();
    let mut peer = server.peer();
    let since = Instant::now();
    // Longer than a connection may lie idle.
    assert_eq!(peer.ask("GET", "/probe/slow", &[], "").unwrap().status, 200);
    assert!(since.elapsed() > SHORT);
    assert_eq!(peer.ask("GET", "/probe/good", &[], "").unwrap().status, 200);
    let (took, bytes) = peer.until_closed();
    assert!(about_short(took) && bytes.is_empty(), "{took:?}");
}

#[test]
fn a_body_over_the_limit_is_refused_before_or_while_it_comes() {
    let edge = EdgeLimits { body_bytes_max: 1_000, ..EdgeLimits::default() };
    let server = Setup { edge, ..Setup::default() }.start();
    assert_eq!(server.peer().ask("PUT", "/probe/a", &[], &"x".repeat(1_000)).unwrap().status, 200);
    let reached = server.reached();
    for length in [1_001, 10_000] {
        let mut peer = server.peer();
        peer.send(request("PUT", "/probe/a", &[], &"x".repeat(length))).unwrap();
        let replies = peer.replies().unwrap();
        assert_eq!((replies.len(), replies[0].status), (1, 413), "{length}");
        assert!(replies[0].text().contains("refused"), "in the words of whoever is mounted there");
    }
    // Announced and never sent: refused at once, not after it was waited for.
    let mut peer = server.peer();
    let since = Instant::now();
    peer.send("PUT /probe/a HTTP/1.1\r\nHost: here\r\nContent-Length: 99999999\r\n\r\n").unwrap();
    assert_eq!(peer.reply().unwrap().status, 413);
    assert!(since.elapsed() < Duration::from_secs(2));
    // In chunks, nobody knows before it has come.
    let mut peer = server.peer();
    peer.send("PUT /probe/a HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\n").unwrap();
    for _ in 0..20 {
        if peer.send(format!("64\r\n{}\r\n", "x".repeat(100))).is_err() {
            break;
        }
    }
    assert_eq!(peer.reply().unwrap().status, 413);
    assert_eq!(server.reached(), reached);
}

#[test]
fn a_mount_has_a_limit_of_its_own() {
    let edge = EdgeLimits { body_bytes_max: 1_000, ..EdgeLimits::default() };
    let server = Setup { edge, ..Setup::default() }.start();
    let reply = server.peer().ask("PUT", "/roomy/a", &[], &"x".repeat(10_000)).unwrap();
    assert_eq!((reply.status, &*reply.text()), (200, "10000"));
    let mut peer = server.peer();
    peer.send(request("PUT", "/roomy/a", &[], &"x".repeat(10_001))).unwrap();
    let reply = peer.reply().unwrap();
    assert_eq!((reply.status, &*reply.text()), (418, "BodyTooLarge { max: 10000 }"));
    let mut peer = server.peer();
    peer.send(request("PUT", "/nowhere", &[], &"x".repeat(1_001))).unwrap();
    assert_eq!(peer.reply().unwrap().status, 413);
}

/// F-18: a peer that does not read its answers is given up, and costs what was written before it stopped.
#[test]
fn f_18_a_peer_that_does_not_read_is_closed() {
    let server = hasty().start();
    let mut peer = server.peer();
    for _ in 0..64 {
        peer.send(request("GET", "/probe/big", &[], "")).unwrap();
    }
    server.wait_for_connections(0);
    assert!(server.reached() < 64, "not all of it was made for nobody");
    assert!(server.serves());
}

#[test]
fn half_closed_peers_get_the_answers_to_what_they_asked() {
    let server = hasty().start();
    let mut peer = server.peer();
    peer.send(request("GET", "/probe/slow", &[], "")).unwrap();
    peer.end_writing();
    let replies = peer.replies().unwrap();
    assert_eq!((replies.len(), replies[0].status), (1, 200));
}
