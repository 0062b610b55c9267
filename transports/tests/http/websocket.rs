//! WebSockets at both listeners: on the HTTP port, and on a port of their own.

use std::{
    io,
    net::SocketAddr,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use strongroom_transports::{http::HttpLimits, ws};

use super::support::{ORIGIN, Peer, Server, Setup, request};

/// A handshake at `/v1/ws`.
pub(crate) fn handshake(headers: &[&str]) -> String {
    handshake_at("/v1/ws", headers)
}

fn handshake_at(path: &str, headers: &[&str]) -> String {
    let mut all = vec![
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    ];
    all.extend(headers);
    request("GET", path, &all, "")
}

/// A masked frame, as clients send them. `first` is its first byte: 0x81 for whole text.
pub(crate) fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    const MASK: [u8; 4] = [1, 2, 3, 4];
    let mut frame = declared(first, payload.len() as u64);
    frame.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}

/// The beginning of a masked frame whose payload is to follow.
fn declared(first: u8, length: u64) -> Vec<u8> {
    let mut frame = vec![first];
    match length {
        0..=125 => frame.push(0x80 | length as u8),
        126..=0xffff => {
            frame.push(0x80 | 126);
            frame.extend((length as u16).to_be_bytes());
        }
        _ => {
            frame.push(0x80 | 127);
            frame.extend(length.to_be_bytes());
        }
    }
    frame.extend([1, 2, 3, 4]);
    frame
}

/// What a server says.
#[derive(Debug, PartialEq)]
pub(crate) enum Told {
    Text(Value),
    Pong(Vec<u8>),
    Ping,
    Close(u16),
    End,
}

/// A connection whose handshake is done.
pub(crate) struct Talk {
    peer: Peer,
    read: Vec<u8>,
}

impl Talk {
    pub(crate) fn open(address: SocketAddr, headers: &[&str]) -> Self {
        let mut peer = Peer::connect(address);
        peer.send(handshake(headers)).unwrap();
        let reply = peer.reply().unwrap();
        assert_eq!(reply.status, 101, "{reply:?}");
        assert_eq!(reply.header("sec-websocket-accept"), Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
        let read = peer.leftover();
        Self { peer, read }
    }

    pub(crate) fn signed_in(address: SocketAddr, token: &str) -> Self {
        let mut talk = Self::open(address, &[&format!("Authorization: Bearer {token}")]);
        assert!(matches!(talk.told(), Told::Text(welcome) if welcome.get("welcome").is_some()));
        talk
    }

    fn send(&mut self, bytes: &[u8]) {
        // The server may have closed already; what it said is what counts.
        let _ = self.peer.send(bytes);
    }

    fn say(&mut self, frame_of: Value) {
        self.send(&frame(0x81, frame_of.to_string().as_bytes()));
    }

    /// The next thing that the server says, pings aside.
    pub(crate) fn told(&mut self) -> Told {
        loop {
            match self.next() {
                Told::Ping => {}
                told => return told,
            }
        }
    }

    fn next(&mut self) -> Told {
        let Ok(head) = self.take(2) else { return Told::End };
        assert_eq!(head[1] & 0x80, 0, "servers do not mask");
        let length = match head[1] {
            126 => u64::from(u16::from_be_bytes(self.take(2).unwrap().try_into().unwrap())),
            127 => u64::from_be_bytes(self.take(8).unwrap().try_into().unwrap()),
            length => u64::from(length),
        };
        let payload = self.take(usize::try_from(length).unwrap()).unwrap();
        match head[0] {
            0x81 => Told::Text(serde_json::from_slice(&payload).unwrap()),
            0x88 => Told::Close(payload.first_chunk().map_or(1005, |code| u16::from_be_bytes(*code))),
            0x89 => Told::Ping,
            0x8a => Told::Pong(payload),
            other => panic!("an unexpected frame {other:#x}"),
        }
    }

    fn take(&mut self, length: usize) -> io::Result<Vec<u8>> {
        use io::Read;
        while self.read.len() < length {
            let mut buffer = [0; 64 * 1024];
            match self.peer.socket.read(&mut buffer)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                more => self.read.extend_from_slice(&buffer[..more]),
            }
        }
        Ok(self.read.drain(..length).collect())
    }

    /// The code that the connection is closed with, whatever is said before.
    fn closed(&mut self) -> u16 {
        loop {
            match self.told() {
                Told::Close(code) => return code,
                Told::End => panic!("it ended without a word"),
                _ => {}
            }
        }
    }
}

/// A server with both listeners.
fn both() -> Server {
    Setup { stand_alone: Some(ws::ListenerLimits::default()), ..Setup::default() }.start()
}

fn whoami(id: u64) -> Value {
    json!({ "ask": { "id": id, "do": { "session.whoami": {} } } })
}

#[test]
fn a_question_is_answered_at_both_listeners() {
    let server = both();
    let token = server.bearer("ann").token;
    for address in server.websockets() {
        let mut talk = Talk::open(address, &["Sec-WebSocket-Protocol: other, strongroom.v1.json"]);
        talk.say(json!({ "hello": { "authorization": format!("Bearer {token}") } }));
        assert!(matches!(talk.told(), Told::Text(welcome) if welcome["welcome"]["subject"] == "ann"));
        talk.say(whoami(7));
        assert!(matches!(talk.told(), Told::Text(answer) if answer["answer"]["id"] == 7));
        talk.send(&frame(0x89, b"are you there"));
        assert_eq!(talk.told(), Told::Pong(b"are you there".to_vec()));
        talk.send(&frame(0x88, &1000u16.to_be_bytes()));
        assert_eq!(talk.told(), Told::Close(1000));
        assert_eq!(talk.told(), Told::End);
    }
}

#[test]
fn a_frame_that_comes_with_the_handshake_is_not_lost() {
    let server = both();
    let token = server.bearer("ann").token;
    for address in server.websockets() {
        let mut peer = Peer::connect(address);
        let mut bytes = handshake(&[&format!("Authorization: Bearer {token}")]).into_bytes();
        bytes.extend(frame(0x81, whoami(1).to_string().as_bytes()));
        peer.send(bytes).unwrap();
        assert_eq!(peer.reply().unwrap().status, 101);
        let read = peer.leftover();
        let mut talk = Talk { peer, read };
        assert!(matches!(talk.told(), Told::Text(welcome) if welcome.get("welcome").is_some()));
        assert!(matches!(talk.told(), Told::Text(answer) if answer["answer"]["id"] == 1));
    }
}

/// A-WS-01.
#[test]
fn a_ws_01_whoever_breaks_the_protocol_is_closed_with_the_right_code() {
    let server = both();
    let token = server.bearer("ann").token;
    let mut unmasked = frame(0x81, b"hello");
    unmasked[1] &= 0x7f;
    let fragments = {
        let mut fragments = frame(0x01, &vec![b' '; 100 * 1024]);
        for _ in 0..3 {
            fragments.extend(frame(0x00, &vec![b' '; 100 * 1024]));
        }
        fragments
    };
    let cases: Vec<(&str, Vec<u8>, u16)> = vec![
        ("a frame over the limit", declared(0x81, 256 * 1024 + 1), 1009),
        ("a length that is no length", declared(0x82, u64::MAX >> 1), 1009),
        ("fragments over the limit", fragments, 1009),
        ("a long control frame", frame(0x89, &[b'x'; 126]), 1002),
        ("a fragmented control frame", frame(0x09, b"x"), 1002),
        ("an unmasked frame", unmasked, 1002),
        ("reserved bits", frame(0xc1, b"x"), 1002),
        ("an unknown opcode", frame(0x83, b"x"), 1002),
        ("an unknown control opcode", frame(0x8b, b"x"), 1002),
        ("a continuation of nothing", frame(0x80, b"x"), 1002),
        ("bad UTF-8", frame(0x81, b"\xff\xfe"), 1007),
        ("no frame of ours", frame(0x81, b"{}"), 1007),
        ("binary where text was agreed", frame(0x82, b"{}"), 1003),
    ];
    for address in server.websockets() {
        for (what, bytes, code) in &cases {
            let mut talk = Talk::signed_in(address, &token);
            talk.send(bytes);
            assert_eq!(talk.closed(), *code, "{what} at {address}");
        }
    }
    server.wait_for_connections(0);
}

/// A-WS-01: the declared length is not set aside before it comes.
#[test]
fn a_ws_01_declared_and_never_sent_frames_cost_nothing() {
    let server = both();
    let token = server.bearer("ann").token;
    let resident = || {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().strip_suffix(" kB").unwrap().parse::<u64>().unwrap()
    };
    for address in server.websockets() {
        let mut talks: Vec<Talk> = (0..48).map(|_| Talk::signed_in(address, &token)).collect();
        let before = resident();
        for talk in &mut talks {
            let mut bytes = declared(0x81, 256 * 1024);
            bytes.extend([b' '; 16]);
            talk.send(&bytes);
        }
        std::thread::sleep(Duration::from_millis(300));
        let grown = resident().saturating_sub(before);
        assert!(grown < 48 * 256 / 3, "{grown} KiB for what was not sent, at {address}");
    }
}

/// A-WS-02.
#[test]
fn a_ws_02_a_handshake_that_is_huge_or_endless_is_refused_at_the_limit() {
    let server = both();
    for address in server.websockets() {
        let mut peer = Peer::connect(address);
        peer.send(handshake(&[&format!("X: {}", "a".repeat(20_000))])).unwrap();
        assert_eq!(peer.reply().unwrap().status, 431);
        let mut peer = Peer::connect(address);
        peer.send("GET /v1/ws HTTP/1.1\r\n").unwrap();
        let mut sent = 0;
        while sent < 1_000_000 && peer.send("X: endless\r\n").is_ok() {
            sent += 12;
        }
        assert!(sent < 1_000_000, "nobody stops reading at {address}");
        let since = Instant::now();
        let (_, bytes) = peer.until_closed();
        assert!(since.elapsed() < Duration::from_secs(5));
        assert!(
            bytes.is_empty() || bytes.starts_with(b"HTTP/1.1 431"),
            "{}",
            String::from_utf8_lossy(&bytes)
        );
    }
}

/// A-WS-02: a handshake that does not come.
#[test]
fn a_ws_02_a_slow_handshake_is_closed() {
    let short = Duration::from_millis(300);
    let setup = Setup::limits(HttpLimits { head_within: short, ..HttpLimits::default() });
    let stand_alone = Some(ws::ListenerLimits { head_within: short, ..Default::default() });
    let server = Setup { stand_alone, ..setup }.start();
    for address in server.websockets() {
        let mut peer = Peer::connect(address);
        peer.send("GET /v1/ws HTTP/1.1\r\nHost: h").unwrap();
        let (took, bytes) = peer.until_closed();
        assert!(took < Duration::from_secs(3), "{took:?}");
        assert!(bytes.starts_with(b"HTTP/1.1 408"), "{}", String::from_utf8_lossy(&bytes));
    }
}

#[test]
fn what_is_no_handshake_for_us_is_refused_with_a_reason() {
    let server = both();
    for address in server.websockets() {
        let status = |bytes: String| {
            let mut peer = Peer::connect(address);
            peer.send(bytes).unwrap();
            let reply = peer.reply().unwrap();
            assert_eq!(reply.header("content-type"), Some("application/problem+json"));
            assert!(peer.reply().is_err(), "and closed");
            reply.status
        };
        assert_eq!(status(handshake_at("/v1/elsewhere", &[])), 404);
        assert_eq!(status(handshake(&[]).replace("Version: 13", "Version: 8")), 426);
        assert_eq!(status(handshake(&[]).replace("Key: dGhl", "Key: d")), 400);
        assert_eq!(status(handshake(&["Authorization: Basic x"])), 401);
    }
    let mut peer = Peer::connect(server.stand_alone.unwrap());
    assert_eq!(
        peer.ask("GET", "/v1/ws", &[], "").unwrap().status,
        426,
        "nothing but WebSockets is spoken there"
    );
    let reply = server.peer().ask("GET", "/v1/ws", &[], "").unwrap();
    assert!((400..500).contains(&reply.status), "{reply:?}");
}

/// A-HTTP-09: a page from elsewhere opens nothing.
#[test]
fn a_http_09_a_websocket_from_a_foreign_origin_is_refused() {
    let server = both();
    for address in server.websockets() {
        for (origin, status) in [
            (ORIGIN, 101),
            ("null", 403),
            ("https://app.example.evil.example", 403),
            ("http://app.example", 403),
        ] {
            let mut peer = Peer::connect(address);
            peer.send(handshake(&[&format!("Origin: {origin}"), "Cookie: session=x"])).unwrap();
            assert_eq!(peer.reply().unwrap().status, status, "{origin} at {address}");
        }
    }
}

/// A-WS-03.
#[test]
fn a_ws_03_nobody_follows_what_is_not_theirs_and_nobody_follows_without_end() {
    let server = both();
    server.bearer("bob");
    let token = server.bearer("ann").token;
    for address in server.websockets() {
        let mut talk = Talk::signed_in(address, &token);
        for subscribe in [
            json!({ "id": 1, "subscription": 1, "owner": "bob" }),
            json!({ "id": 1, "subscription": 1, "owner": "bob", "record": ["secret"] }),
            json!({ "id": 1, "subscription": 1, "owner": "nobody" }),
        ] {
            talk.say(json!({ "subscribe": subscribe }));
            assert!(matches!(talk.told(), Told::Text(told) if told.get("problem").is_some()), "{subscribe}");
        }
        let (mut taken, mut refused) = (0, 0);
        for n in 0..100 {
            talk.say(json!({ "subscribe": { "id": n, "subscription": n } }));
            match talk.told() {
                Told::Text(told) if told.get("subscribed").is_some() => taken += 1,
                Told::Text(told) if told.get("problem").is_some() => refused += 1,
                other => panic!("{other:?}"),
            }
        }
        assert_eq!((taken, refused), (64, 36));
    }
}

/// A-DEV-01: who opens a session over a WebSocket and does not say of which device goes by the name of the program.
#[test]
fn a_session_without_a_label_goes_by_the_user_agent_of_the_handshake() {
    let server = both();
    for address in server.websockets() {
        let token = server.bearer("ann").token;
        let agent = format!("User-Agent: phone {}", address.port());
        let mut talk = Talk::open(address, &[&format!("Authorization: Bearer {token}"), &agent]);
        assert!(matches!(talk.told(), Told::Text(welcome) if welcome.get("welcome").is_some()));
        talk.say(json!({ "ask": { "id": 1, "do": { "session.child": { "life_s": 60 } } } }));
        assert!(matches!(talk.told(), Told::Text(told) if told.get("answer").is_some()));
        talk.say(json!({ "ask": { "id": 2, "do": { "session.list": {} } } }));
        let Told::Text(told) = talk.told() else { panic!("a list") };
        let listed = &told["answer"]["reply"]["sessions"]["sessions"];
        let label = format!("phone {}", address.port());
        assert!(listed.as_array().unwrap().iter().any(|one| one["label"] == *label), "{told}");
    }
}

/// A-WS-04.
#[test]
fn a_ws_04_a_revoked_session_is_closed_within_a_second() {
    let server = both();
    for address in server.websockets() {
        let bearer = server.bearer("ann");
        let mut talk = Talk::signed_in(address, &bearer.token);
        talk.say(json!({ "subscribe": { "id": 1, "subscription": 1 } }));
        assert!(matches!(talk.told(), Told::Text(told) if told.get("subscribed").is_some()));
        server.revoke("ann", &bearer);
        let since = Instant::now();
        assert_eq!(talk.closed(), 1008);
        assert!(since.elapsed() < Duration::from_secs(1), "{:?}", since.elapsed());
    }
}

/// A-WS-05.
#[test]
fn a_ws_05_a_peer_that_never_reads_is_closed_and_harms_nobody() {
    let server = both();
    let token = server.bearer("ann").token;
    let credential = format!("Authorization: Bearer {token}");
    let body = json!({ "meta": "", "value": "A".repeat(100_000) }).to_string();
    let headers = [&*credential, "Content-Type: application/json", "If-None-Match: *"];
    let put = server.peer().ask("PUT", "/v1/records/large", &headers, &body).unwrap();
    assert!(put.status < 300, "{put:?}");
    for address in server.websockets() {
        let mut deaf = Talk::signed_in(address, &token);
        let mut good = Talk::signed_in(address, &token);
        deaf.peer.socket.set_write_timeout(Some(Duration::from_secs(1))).unwrap();
        let question =
            json!({ "ask": { "id": 1, "do": { "records.get": { "name": ["large"] } } } }).to_string();
        let question = frame(0x81, question.as_bytes());
        // However fast they come: once the connection is closed, what still comes is thrown away for a second.
        let began = Instant::now();
        let within = Duration::from_secs(20);
        while began.elapsed() < within && deaf.peer.send(&question).is_ok() {}
        assert!(began.elapsed() < within, "questions are not taken without end at {address}");
        let since = Instant::now();
        good.say(whoami(1));
        assert!(matches!(good.told(), Told::Text(told) if told.get("answer").is_some()));
        assert!(since.elapsed() < Duration::from_secs(1));
    }
}

/// A-WS-06: a peer that is reset is forgotten at once; one that vanishes is missed by its pongs, which a simulation
/// with a clock of its own shows.
#[test]
fn a_ws_06_a_peer_that_is_gone_is_forgotten() {
    let server = both();
    let token = server.bearer("ann").token;
    for address in server.websockets() {
        Talk::signed_in(address, &token).peer.reset();
    }
    server.wait_for_connections(0);
}

/// A-WS-07.
#[test]
fn a_ws_07_answers_never_cross_connections() {
    let server = both();
    let subjects = ["ann", "bob", "cat", "dan"];
    for address in server.websockets() {
        let mut talks: Vec<Talk> =
            subjects.iter().map(|subject| Talk::signed_in(address, &server.bearer(subject).token)).collect();
        for _ in 0..50 {
            for talk in &mut talks {
                // The same id everywhere, and twice on each connection.
                talk.say(whoami(1));
                talk.say(whoami(1));
            }
            for (talk, subject) in talks.iter_mut().zip(subjects) {
                for _ in 0..2 {
                    let Told::Text(told) = talk.told() else { panic!("no answer") };
                    assert_eq!(told["answer"]["id"], 1);
                    assert!(told.to_string().contains(subject), "{told} for {subject}");
                }
            }
        }
    }
}
