//! Being told to end.

use std::{
    io::{Read, Write},
    net::TcpStream,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use crate::kit::{Server, ask, folder, now};

const RECORD: &str = r#"{"meta":"bWV0YQ==","value":"dmFsdWU="}"#;

/// F-20: under load, SIGTERM lets requests in flight finish, ends within its time with exit code 0, and no write that
/// was acknowledged is lost.
#[test]
fn sigterm_under_load_ends_in_order_and_loses_nothing() {
    let folder = folder();
    let mut server = Server::serve(folder.path(), &[]);
    let token = server.first_token();
    let stopping = Arc::new(AtomicBool::new(false));
    let writers: Vec<_> = (0..6)
        .map(|writer| {
            let (host, token, stopping) = (server.public.clone(), token.clone(), stopping.clone());
            std::thread::spawn(move || {
                let credential = format!("Bearer {token}");
                let mut written = Vec::new();
                for n in 0.. {
                    let name = format!("w{writer}-{n}");
                    let headers = [("Authorization", credential.as_str())];
                    match ask(&host, "PUT", &format!("/v1/records/{name}"), &headers, RECORD) {
                        Ok(answer) if answer.status == 200 => written.push(name),
                        // Going down, the server may still answer that it does; what it must not do is to hang up on a
                        // request that it has begun, or to answer 200 and forget.
                        Ok(answer) => {
                            assert!(stopping.load(Ordering::Acquire) && answer.status == 503, "{answer:?}");
                            break;
                        }
                        Err(error) => {
                            assert!(stopping.load(Ordering::Acquire), "{error}");
                            break;
                        }
                    }
                }
                written
            })
        })
        .collect();
    std::thread::sleep(Duration::from_millis(400));
    stopping.store(true, Ordering::Release);
    let before = now();
    server.signal("TERM");
    let status = server.wait();
    let took = before.elapsed();
    assert_eq!(status.code(), Some(0), "{}", server.stderr());
    assert!(took < Duration::from_secs(11), "it took {took:?}");
    let written: Vec<String> = writers.into_iter().flat_map(|writer| writer.join().unwrap()).collect();
    assert!(written.len() > 10, "only {} writes", written.len());
    drop(server);

    let server = Server::serve(folder.path(), &[]);
    for name in &written {
        assert_eq!(server.ask_as(&token, "GET", &format!("/v1/records/{name}"), "").status, 200, "{name}");
    }
}

/// F-20: an idle server ends at once, and SIGINT is as good as SIGTERM.
#[test]
fn an_idle_server_ends_at_once() {
    for signal in ["TERM", "INT"] {
        let folder = folder();
        let mut server = Server::serve(folder.path(), &[]);
        let before = now();
        server.signal(signal);
        assert_eq!(server.wait().code(), Some(0));
        assert!(before.elapsed() < Duration::from_secs(3), "{signal}: {:?}", before.elapsed());
    }
}

/// F-20: open WebSockets are closed with 1001, going away, and do not keep the server from ending.
#[test]
fn an_open_websocket_is_told_that_the_server_goes_away() {
    let folder = folder();
    let mut server = Server::serve(folder.path(), &[]);
    let mut socket = TcpStream::connect(&server.public).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let upgrade = format!(
        "GET /v1/ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAECAwQFBgcICQoLDA0ODw==\r\n\
         Authorization: Bearer {}\r\n\r\n",
        server.first_token()
    );
    socket.write_all(upgrade.as_bytes()).unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        socket.read_exact(&mut byte).unwrap();
        head.extend(byte);
    }
    assert!(head.starts_with(b"HTTP/1.1 101 "), "{}", String::from_utf8_lossy(&head));
    std::thread::sleep(Duration::from_millis(100));
    let before = now();
    server.signal("TERM");
    assert_eq!(server.wait().code(), Some(0), "{}", server.stderr());
    assert!(before.elapsed() < Duration::from_secs(5), "{:?}", before.elapsed());
    let mut rest = Vec::new();
    socket.read_to_end(&mut rest).unwrap();
    let going_away = 1001_u16.to_be_bytes();
    let closes = rest.windows(4).any(|frame| frame[0] == 0x88 && frame[2..] == going_away);
    assert!(closes, "no close frame with 1001 in {rest:02x?}");
}

/// A peer that holds a request half sent keeps the server from ending, but only until it is told a second time.
#[test]
fn a_second_signal_ends_it_at_once() {
    let folder = folder();
    let mut server = Server::serve(folder.path(), &[]);
    let token = server.first_token();
    let mut half = TcpStream::connect(&server.public).unwrap();
    let head = format!(
        "PUT /v1/records/a HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n\
         Content-Length: 60\r\n\r\n{{"
    );
    half.write_all(head.as_bytes()).unwrap();
    std::thread::sleep(Duration::from_millis(300));
    server.signal("TERM");
    std::thread::sleep(Duration::from_millis(300));
    let before = now();
    server.signal("TERM");
    let status = server.wait();
    assert!(before.elapsed() < Duration::from_secs(2), "{:?}", before.elapsed());
    assert_eq!(status.code(), Some(143), "{}", server.stderr());
    let _ = half.read(&mut [0; 16]);
}

#[test]
fn sighup_without_tls_changes_nothing() {
    let folder = folder();
    let server = Server::serve(folder.path(), &[]);
    server.signal("HUP");
    std::thread::sleep(Duration::from_millis(200));
    assert_eq!(server.ask("GET", "/livez", &[], "").status, 200);
    server.stop();
}
