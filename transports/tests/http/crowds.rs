//! Many peers at once: whoever behaves is served, and nobody is left to guess.

use std::{
    net::TcpStream,
    time::{Duration, Instant},
};

use strongroom_transports::http::{HttpLimits, HttpOptions};

use super::support::{Peer, Setup, request};

fn crowded(per_source: usize, all: usize) -> Setup {
    Setup::limits(HttpLimits {
        connections_per_source_max: per_source,
        connections_max: all,
        ..HttpLimits::default()
    })
}

/// A-HTTP-03: silent sockets do not slow a good client.
#[test]
fn a_http_03_two_thousand_silent_sockets_slow_nobody() {
    let wanted = rlimit::increase_nofile_limit(8_192).unwrap();
    // Both ends of every connection lie in this process.
    let count = 2_000.min(usize::try_from(wanted).unwrap() / 2 - 200);
    let server = crowded(0, 10_000).start();
    let time = || {
        let mut peer = server.peer();
        let since = Instant::now();
        for _ in 0..200 {
            assert_eq!(peer.ask("GET", "/probe/good", &[], "").unwrap().status, 200);
        }
        since.elapsed()
    };
    let alone = time();
    let silent: Vec<TcpStream> =
        (0..count).map(|_| TcpStream::connect(server.address).expect("a seat")).collect();
    let since = Instant::now();
    while server.connections() < count && since.elapsed() < Duration::from_secs(3) {
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(server.connections(), count);
    let crowded = time();
    assert!(crowded < alone * 3 + Duration::from_millis(500), "{alone:?} alone, {crowded:?} in the crowd");
    drop(silent);
    server.wait_for_connections(0);
}

/// A-HTTP-04.
#[test]
fn a_http_04_pipelined_requests_are_answered_in_order_and_others_are_served_meanwhile() {
    const COUNT: usize = 20_000;
    let server = Setup::default().start();
    let peer = server.peer();
    let mut writer = peer.socket.try_clone().unwrap();
    let writing = std::thread::spawn(move || {
        for n in 0..COUNT {
            let mut peer_request = request("GET", &format!("/probe/{n}"), &[], "");
            peer_request.shrink_to_fit();
            std::io::Write::write_all(&mut writer, peer_request.as_bytes()).unwrap();
        }
    });
    let mut peer = peer;
    let mut slowest = Duration::ZERO;
    for n in 0..COUNT {
        let reply = peer.reply().unwrap();
        assert_eq!(reply.json()["path"], format!("/{n}"));
        if n % 2_000 == 0 {
            let since = Instant::now();
            assert!(server.serves());
            slowest = slowest.max(since.elapsed());
        }
    }
    writing.join().unwrap();
    assert!(slowest < Duration::from_secs(1), "{slowest:?}");
}

/// A-HTTP-04: requests whose answers nobody takes stay where they are: in the sender's own buffers.
#[test]
fn a_http_04_pipelined_requests_cost_bounded_memory() {
    let server = Setup::default().start();
    let mut peer = server.peer();
    peer.socket.set_write_timeout(Some(Duration::from_millis(500))).unwrap();
    let batch = request("GET", "/probe/big", &[], "").repeat(1_000);
    let mut sent = 0;
    while peer.send(&batch).is_ok() {
        sent += 1_000;
        assert!(sent < 2_000_000, "somebody reads without end");
    }
    // What one answer of 1 MiB and the kernel's buffers hold, and the sixteen that may wait.
    assert!(server.reached() < 64, "{} answers were made", server.reached());
    assert!(server.serves());
}

#[test]
fn a_source_gets_so_many_connections_and_is_told_when_there_are_no_more() {
    let server = crowded(3, 10).start();
    let mut peers: Vec<Peer> = (0..3).map(|_| server.peer()).collect();
    for peer in &mut peers {
        assert_eq!(peer.ask("GET", "/probe/good", &[], "").unwrap().status, 200);
    }
    let reply = server.peer().reply().unwrap();
    assert_eq!((reply.status, reply.header("retry-after")), (503, Some("1")));
    peers.pop();
    server.wait_for_connections(2);
    assert!(server.serves());
}

#[test]
fn all_sources_together_get_so_many_connections() {
    let server = crowded(0, 2).start();
    let peers = [server.peer(), server.peer()];
    let since = Instant::now();
    while server.connections() < 2 && since.elapsed() < Duration::from_secs(3) {
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(server.peer().reply().unwrap().status, 503);
    drop(peers);
    server.wait_for_connections(0);
    assert!(server.serves());
}

/// A proxy speaks for many: it is not counted as one source, and whom it names is who limits are counted by.
#[test]
fn a_trusted_proxy_is_not_counted_and_names_the_peer() {
    let setup = crowded(1, 10);
    let http = HttpOptions { trusted_proxies: vec!["127.0.0.0/8".parse().unwrap()], ..setup.http };
    let server = Setup { http, ..Setup::default() }.start();
    let mut peers: Vec<Peer> = (0..5).map(|_| server.peer()).collect();
    for peer in &mut peers {
        let reply = peer.ask("GET", "/probe/good", &["X-Forwarded-For: 203.0.113.9"], "").unwrap();
        assert_eq!(reply.json()["address"], "203.0.113.9");
    }
    let direct = Setup::default().start();
    let reply = direct.peer().ask("GET", "/probe/good", &["X-Forwarded-For: 203.0.113.9"], "").unwrap();
    assert_eq!(reply.json()["address"], "127.0.0.1", "nobody else is believed");
}
