use super::*;

const SIZES: HeadSizes = HeadSizes { line_max: 64, head_max: 256 };

/// What became of a connection's bytes: what went on to the parser, and how it ended if it did.
#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    passed: Vec<u8>,
    end: Option<Step>,
    /// Where the next byte would lie, if there may be one.
    place: Option<Place>,
}

/// Sends bytes in pieces, as a socket would.
fn send(pieces: &[&[u8]]) -> Outcome {
    let mut framing = Framing::new(SIZES);
    let (mut held, mut passed) = (Vec::new(), Vec::new());
    for piece in pieces {
        held.extend_from_slice(piece);
        while !held.is_empty() {
            match framing.step(&held) {
                Step::Pass(length) => passed.extend(held.drain(..length)),
                Step::Hold => break,
                end => return Outcome { passed, end: Some(end), place: None },
            }
        }
    }
    Outcome { passed, end: None, place: Some(framing.place()) }
}

/// In one piece, byte by byte, and cut in two everywhere: the same every time.
fn send_anyhow(bytes: &[u8]) -> Outcome {
    let whole = send(&[bytes]);
    let singly: Vec<&[u8]> = bytes.chunks(1).collect();
    assert_eq!(send(&singly), whole, "byte by byte: {:?}", String::from_utf8_lossy(bytes));
    for at in 1..bytes.len() {
        let (before, after) = bytes.split_at(at);
        assert_eq!(send(&[before, after]), whole, "cut at {at}: {:?}", String::from_utf8_lossy(bytes));
    }
    whole
}

fn passes(bytes: &str) -> Place {
    let outcome = send_anyhow(bytes.as_bytes());
    assert_eq!(outcome.end, None, "{bytes:?}");
    assert_eq!(outcome.passed, bytes.as_bytes(), "{bytes:?}");
    outcome.place.unwrap()
}

fn refused_with(bytes: &str) -> u16 {
    let outcome = send_anyhow(bytes.as_bytes());
    assert!(outcome.passed.is_empty(), "{bytes:?}");
    match outcome.end {
        Some(Step::Refuse(status)) => status,
        other => panic!("{bytes:?} was not refused but {other:?}"),
    }
}

const HEAD: &str = "GET /a HTTP/1.1\r\nHost: h\r\n";

#[test]
fn whole_requests_go_on_one_after_another() {
    assert_eq!(passes(&format!("{HEAD}\r\n{HEAD}\r\n")), Place::Between);
    assert_eq!(
        passes(
            "PUT /a HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhelloGET /b HTTP/1.1\r\nHost: h\r\n\r\n"
        ),
        Place::Between
    );
    assert_eq!(passes("PUT /a HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhel"), Place::Body);
    assert_eq!(passes("GET /a HTTP/1.0\r\n\r\n"), Place::Between);
    assert_eq!(passes("POST / HTTP/1.1\r\nHost:h\r\nContent-Length:0\r\n\r\n"), Place::Between);
}

#[test]
fn half_a_head_is_held_back_until_the_rest_is_there() {
    let outcome = send(&[HEAD.as_bytes()]);
    assert_eq!(outcome, Outcome { passed: Vec::new(), end: None, place: Some(Place::Head) });
}

#[test]
fn chunks_go_on_up_to_the_last_one() {
    let start = "PUT /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
    assert_eq!(passes(&format!("{start}5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n{HEAD}\r\n")), Place::Between);
    assert_eq!(passes(&format!("{start}00a\r\n0123456789\r\n0\r\n\r\n")), Place::Between);
    assert_eq!(passes(&format!("{start}A\r\n01234")), Place::Body);
    assert_eq!(passes(&format!("{start}0\r\n\r\n")), Place::Between);
}

/// A-HTTP-01: every head with two readings is refused, and nothing of it goes on.
#[test]
fn a_head_with_two_readings_is_refused() {
    let with = |fields: &str| format!("PUT /a HTTP/1.1\r\nHost: h\r\n{fields}\r\n\r\n");
    for fields in [
        // Two framings, or one of them twice.
        "Content-Length: 5\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 5",
        "Content-Length: 5\r\nContent-Length: 5",
        "Content-Length: 5\r\nContent-Length: 6",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        // Lengths that one reader takes for a number and another does not.
        "Content-Length: +5",
        "Content-Length: -5",
        "Content-Length: 5, 5",
        "Content-Length: 0x5",
        "Content-Length:  5",
        "Content-Length:\t5",
        "Content-Length: 5 ",
        "Content-Length: 5a",
        "Content-Length: ",
        "Content-Length: 1000000000000000",
        "Content-Length: 99999999999999999999",
        // Oddly spelt chunked.
        "Transfer-Encoding: Chunked",
        "Transfer-Encoding: chunked, chunked",
        "Transfer-Encoding: identity",
        "Transfer-Encoding: identity, chunked",
        "Transfer-Encoding: gzip, chunked",
        "Transfer-Encoding: xchunked",
        "Transfer-Encoding: \"chunked\"",
        "Transfer-Encoding:  chunked",
        "Transfer-Encoding:\x0bchunked",
        "Transfer-Encoding: chunked ",
        "Transfer-Encoding: ",
        "Transfer-Encoding : chunked",
        // Lines that one reader joins or ends elsewhere.
        "Content-Length : 5",
        " Content-Length: 5",
        "X: a\r\n b",
        "X: a\r\n\tb",
        "X: a\nContent-Length: 5",
        "X: a\rContent-Length: 5",
        "X: a\0b",
        "X\0: a",
        "X",
        ": a",
        "Host: other",
        // An upgrade that is not one.
        "Connection: Upgrade\r\nUpgrade: websocket",
    ] {
        assert_eq!(refused_with(&with(fields)), 400, "{fields:?}");
    }
    assert_eq!(refused_with("POST /a HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"), 400);
}

/// A-HTTP-01.
#[test]
fn a_request_line_with_two_readings_is_refused() {
    for line in [
        "GET /a HTTP/1.1\nHost: h\r\n\r\n",
        "GET /a HTTP/1.1\r\nHost: h\n\r\n",
        "GET /a HTTP/1.1\r\nHost: h\r\n\n",
        "\r\nGET /a HTTP/1.1\r\nHost: h\r\n\r\n",
        "\nGET /a HTTP/1.1\r\nHost: h\r\n\r\n",
        "GET  /a HTTP/1.1\r\nHost: h\r\n\r\n",
        "GET /a  HTTP/1.1\r\nHost: h\r\n\r\n",
        " GET /a HTTP/1.1\r\nHost: h\r\n\r\n",
        "GET /a\r\nHost: h\r\n\r\n",
        "GET /a HTTP/1.1 \r\nHost: h\r\n\r\n",
        "G\0T /a HTTP/1.1\r\nHost: h\r\n\r\n",
        "GET /a\0 HTTP/1.1\r\nHost: h\r\n\r\n",
        "GET /a HTTP/1.1\r\n\r\n",
        "GET /a HTTP/2.0\r\nHost: h\r\n\r\n",
        "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}",
    ] {
        assert_eq!(refused_with(line), 400, "{line:?}");
    }
}

/// A-HTTP-06: a target that names a host, or that a reader may cut short, is no path.
#[test]
fn a_target_that_is_no_path_is_refused() {
    for target in ["*", "h:443", "http://h/a", "//h\u{e9}", "a", "", "/a#b", "/\u{7f}", "/a\tb"] {
        assert_eq!(refused_with(&format!("GET {target} HTTP/1.1\r\nHost: h\r\n\r\n")), 400, "{target:?}");
    }
    assert_eq!(refused_with("CONNECT /a HTTP/1.1\r\nHost: h\r\n\r\n"), 400);
}

/// A-HTTP-01: what was accepted goes on, and the malformed chunk behind it does not.
#[test]
fn a_malformed_chunk_ends_the_body() {
    let start = "PUT /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
    for chunk in [
        "+5\r\nhello\r\n",
        "-5\r\nhello\r\n",
        "0x5\r\nhello\r\n",
        " 5\r\nhello\r\n",
        "5 \r\nhello\r\n",
        "5;a=b\r\nhello\r\n",
        "5;\r\nhello\r\n",
        "\r\nhello\r\n",
        "5\nhello\r\n",
        "5\r\nhello\n",
        "5\r\nhelloX\r\n",
        "10000000\r\n",
        "ffffffffffffffff1\r\n",
        "g\r\n",
        "0\r\nX: trailer\r\n\r\n",
        "0\r\n\n",
    ] {
        let bytes = format!("{start}{chunk}");
        for pieces in [vec![bytes.as_bytes()], bytes.as_bytes().chunks(1).collect()] {
            let outcome = send(&pieces);
            assert_eq!(outcome.end, Some(Step::Cut), "{chunk:?}");
            assert!(outcome.passed.starts_with(start.as_bytes()));
        }
    }
}

#[test]
fn sizes_hold_to_the_byte() {
    let line = |length: usize| format!("GET /{} HTTP/1.1\r\n", "a".repeat(length - 16));
    assert_eq!(line(64).len(), 64);
    assert_eq!(passes(&format!("{}Host: h\r\n\r\n", line(64))), Place::Between);
    assert_eq!(refused_with(&format!("{}Host: h\r\n\r\n", line(65))), 414);
    assert_eq!(refused_with(&format!("{}Host: h\r\n\r\n", line(640))), 414);
    let head = |length: usize| format!("{HEAD}X: {}\r\n\r\n", "a".repeat(length - HEAD.len() - 7));
    assert_eq!(head(256).len(), 256);
    assert_eq!(passes(&head(256)), Place::Between);
    assert_eq!(refused_with(&head(257)), 431);
    assert_eq!(refused_with(&head(2_560)), 431);
    let many = format!("GET / HTTP/1.1\r\nHost:h\r\n{}\r\n", "a:\r\n".repeat(64));
    let mut framing = Framing::new(HeadSizes { line_max: 64, head_max: 4_096 });
    assert_eq!(framing.step(many.as_bytes()), Step::Refuse(431), "64 fields and no more");
}

/// A-HTTP-03: a head that comes byte by byte is looked at once, not once for every byte of it.
#[test]
fn a_head_without_an_end_is_refused_at_its_limit() {
    let mut framing = Framing::new(SIZES);
    let endless = format!("{HEAD}X: {}", "a".repeat(1_000));
    let refused_at =
        (1..endless.len()).find(|length| framing.step(&endless.as_bytes()[..*length]) != Step::Hold);
    assert_eq!(refused_at, Some(SIZES.head_max));
}

#[test]
fn an_upgrade_ends_the_walk() {
    let upgrade =
        "GET /ws HTTP/1.1\r\nHost: h\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\r\n";
    assert_eq!(passes(&format!("{upgrade}\0\0no HTTP\n")), Place::Beyond);
    let (target, headers) = read_accepted(upgrade.as_bytes()).unwrap();
    assert_eq!((&*target, headers["upgrade"].as_bytes()), ("/ws", &b"websocket"[..]));
}

/// A-HTTP-01: half an upgrade, which one reader takes and another does not.
#[test]
fn half_an_upgrade_is_refused_and_an_offer_of_something_else_is_not() {
    for fields in [
        "Upgrade: websocket\r\n",
        "Connection: close\r\nUpgrade: websocket\r\n",
        "Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 5\r\n",
        "Connection: Upgrade\r\nUpgrade: websocket\r\nTransfer-Encoding: chunked\r\n",
        "Connection: Upgrade\r\nUpgrade: h2c, websocket\r\n",
    ] {
        assert_eq!(refused_with(&format!("{HEAD}{fields}\r\n")), 400, "{fields:?}");
    }
    assert_eq!(passes(&format!("{HEAD}Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n")), Place::Between);
    assert_eq!(passes(&format!("{HEAD}Connection: Upgrade\r\n\r\n")), Place::Between);
}
