//! Messages with more than one reading, over a real socket: one refusal, and nothing behind it is served.

use super::support::{Setup, request};

/// Sends something bad with a good request right behind it, whole and byte by byte.
fn refused(bad: &str, status: u16) {
    let server = Setup::default().start();
    let good = request("GET", "/probe/second", &[], "");
    for singly in [false, true] {
        let mut peer = server.peer();
        let bytes = format!("{bad}{good}");
        if singly {
            // The server closes as soon as it knows, so not every byte finds it.
            bytes.as_bytes().chunks(1).take_while(|byte| peer.send(byte).is_ok()).count();
        } else {
            peer.send(&bytes).unwrap();
        }
        let replies = peer.replies().unwrap_or_else(|error| panic!("{bad:?}: {error}"));
        assert_eq!(replies.len(), 1, "{bad:?}: {replies:?}");
        assert_eq!(replies[0].status, status, "{bad:?}");
        assert_eq!(replies[0].header("connection"), Some("close"), "{bad:?}");
        let problem = replies[0].json();
        assert_eq!(problem["status"], status);
        assert_eq!(problem["request_id"].as_str().unwrap().len(), 16);
    }
    assert_eq!(server.reached(), 0, "{bad:?}: something got through");
}

fn with_fields(fields: &str, body: &str) -> String {
    format!("PUT /probe/first HTTP/1.1\r\nHost: here\r\n{fields}\r\n\r\n{body}")
}

#[test]
fn a_http_01_two_framings_are_refused_and_nothing_behind_them_is_served() {
    refused(&with_fields("Content-Length: 5\r\nTransfer-Encoding: chunked", "0\r\n\r\n"), 400);
    refused(&with_fields("Transfer-Encoding: chunked\r\nContent-Length: 5", "0\r\n\r\n"), 400);
    refused(&with_fields("Content-Length: 5\r\nContent-Length: 5", "hello"), 400);
    refused(&with_fields("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity", "0\r\n\r\n"), 400);
}

#[test]
fn a_http_01_odd_lengths_are_refused() {
    for length in ["+5", "5, 5", "0x5", " 5", "-0", "5\u{b}", "٥"] {
        refused(&with_fields(&format!("Content-Length: {length}"), "hello"), 400);
    }
}

#[test]
fn a_http_01_chunked_spelt_oddly_is_refused() {
    for coding in ["chunked, chunked", "Chunked", "x-chunked", "chunked;q=1", "identity", "gzip"] {
        refused(&with_fields(&format!("Transfer-Encoding: {coding}"), "5\r\nhello\r\n0\r\n\r\n"), 400);
    }
    refused("PUT /probe/first HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400);
}

#[test]
fn a_http_01_malformed_chunks_are_refused() {
    for chunk in ["+5\r\nhello\r\n0\r\n\r\n", "-5\r\nhello\r\n", "5;a=b\r\nhello\r\n0\r\n\r\n"] {
        refused(&with_fields("Transfer-Encoding: chunked", chunk), 400);
    }
    for chunk in ["10000000000000005\r\nhello\r\n0\r\n\r\n", "5\nhello\n0\n\n", "0\r\nX: trailer\r\n\r\n"] {
        refused(&with_fields("Transfer-Encoding: chunked", chunk), 400);
    }
}

#[test]
fn a_http_01_lines_that_end_or_continue_oddly_are_refused() {
    refused("GET /probe/first HTTP/1.1\nHost: here\n\n", 400);
    refused("GET /probe/first HTTP/1.1\r\nHost: here\r\nX : a\r\n\r\n", 400);
    refused("GET /probe/first HTTP/1.1\r\nHost: here\r\nX: a\r\n b\r\n\r\n", 400);
    refused("GET /probe/first HTTP/1.1\r\nHost: here\r\nX: a\0b\r\n\r\n", 400);
    refused("GET /probe/first HTTP/1.1\r\nHost: here\r\nHost: there\r\n\r\n", 400);
    refused("GET /probe/first HTTP/1.1\r\n\r\n", 400);
}

#[test]
fn a_http_01_half_an_upgrade_is_refused() {
    refused(&with_fields("Upgrade: websocket", ""), 400);
    let get = "GET /v1/ws HTTP/1.1\r\nHost: here\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n";
    refused(&format!("{get}Content-Length: 5\r\n\r\nhello"), 400);
    refused(&format!("{get}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), 400);
}

#[test]
fn a_http_06_targets_that_are_no_paths_are_refused() {
    for target in ["http://here/probe/first", "here:443", "*", "/probe/first#x"] {
        refused(&request("GET", target, &[], ""), 400);
    }
    refused("CONNECT here:443 HTTP/1.1\r\nHost: here\r\n\r\n", 400);
}

#[test]
fn sizes_of_heads_are_limited_and_said_to_be() {
    refused(&request("GET", &format!("/probe/{}", "a".repeat(9_000)), &[], ""), 414);
    refused(&request("GET", "/probe/first", &[&format!("X: {}", "a".repeat(17_000))], ""), 431);
    let many: Vec<String> = (0..100).map(|n| format!("X-{n}: a")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    refused(&request("GET", "/probe/first", &many, ""), 431);
    let server = Setup::default().start();
    let reply =
        server.peer().ask("GET", "/probe/good", &[&format!("X: {}", "a".repeat(15_000))], "").unwrap();
    assert_eq!(reply.status, 200, "below the limit");
}

#[test]
fn a_http_06_the_router_and_whoever_answers_see_one_path() {
    let server = Setup::default().start();
    let mut peer = server.peer();
    for path in [
        "/probe/../v1/session",
        "/probe/%2e%2e/v1/session",
        "/probe/%2E./x",
        "//probe/x",
        "/probe//x",
        "/probe/%00",
        "/probe/x%0d%0ay",
        "/probe/%zz",
        "/probe/",
    ] {
        assert_eq!(peer.ask("GET", path, &[], "").unwrap().status, 400, "{path}");
    }
    assert_eq!(server.reached(), 0);
    for path in ["/probe/a%2Fb", "/probe/a;b=c", "/probe/%25%32%65"] {
        let reply = peer.ask("GET", path, &[], "").unwrap();
        assert_eq!(reply.json()["path"], path.strip_prefix("/probe").unwrap());
    }
}

#[test]
fn bodies_arrive_whole_however_they_are_cut() {
    let server = Setup::default().start();
    let mut peer = server.peer();
    let long = "x".repeat(300_000);
    assert_eq!(peer.ask("PUT", "/probe/a", &[], &long).unwrap().json()["bytes"], 300_000);
    let chunked = "PUT /probe/a HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\n";
    let bytes = format!("{chunked}5\r\nhello\r\n00000A\r\n, whoever!\r\n0\r\n\r\n");
    for byte in bytes.as_bytes() {
        peer.send([*byte]).unwrap();
    }
    assert_eq!(peer.reply().unwrap().json()["body"], "hello, whoever!");
    peer.send(format!("{bytes}{bytes}")).unwrap();
    assert_eq!(peer.reply().unwrap().body, peer.reply().unwrap().body);
}

#[test]
fn a_client_that_waits_to_be_asked_for_its_body_is_asked() {
    let server = Setup::default().start();
    let mut peer = server.peer();
    let head = "PUT /probe/a HTTP/1.1\r\nHost: here\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n";
    peer.send(head).unwrap();
    assert_eq!(peer.reply().unwrap().status, 100);
    peer.send("hello").unwrap();
    assert_eq!(peer.reply().unwrap().json()["body"], "hello");
}

/// A-HTTP-05: nothing is decompressed, so nothing explodes.
#[test]
fn a_http_05_a_compressed_body_is_taken_for_what_it_is() {
    let server = Setup::default().start();
    let reply = server.peer().ask("PUT", "/probe/a", &["Content-Encoding: gzip"], "not gzip at all").unwrap();
    assert_eq!(reply.json()["body"], "not gzip at all");
    let reply = server.peer().ask("GET", "/probe/a", &["Accept-Encoding: gzip, deflate, br"], "").unwrap();
    assert_eq!(
        reply.header("content-encoding"),
        None,
        "and nothing is compressed, so its length tells nothing"
    );
}

#[test]
fn a_http_07_no_method_and_no_header_is_a_way_around_credentials() {
    let server = Setup::default().start();
    let mut peer = server.peer();
    for method in ["GET", "PUT", "DELETE", "POST", "HEAD", "OPTIONS", "TRACE", "PATCH", "BREW"] {
        peer.send(request(method, "/v1/records/a", &["X-HTTP-Method-Override: GET"], "")).unwrap();
        let status = if method == "HEAD" {
            // An answer to HEAD has the length of a body and no body.
            let mut peer = server.peer();
            peer.send(request("HEAD", "/v1/records/a", &["Connection: close"], "")).unwrap();
            let (_, bytes) = peer.until_closed();
            peer.leftover();
            String::from_utf8(bytes).unwrap()[9..12].parse().unwrap()
        } else {
            peer.reply().unwrap().status
        };
        assert!((400..500).contains(&status), "{method}: {status}");
        if method == "HEAD" {
            peer = server.peer();
        }
    }
}

#[test]
fn a_http_08_a_forged_host_appears_nowhere() {
    let server = Setup::default().start();
    for path in ["/probe/good", "/v1/session", "/nowhere", "/livez"] {
        let mut peer = server.peer();
        peer.send(format!(
            "GET {path} HTTP/1.1\r\nHost: evil.example\r\nX-Forwarded-Host: evil.example\r\nConnection: close\r\n\r\n"
        ))
        .unwrap();
        let (_, bytes) = peer.until_closed();
        let text = String::from_utf8(bytes).unwrap();
        assert!(text.starts_with("HTTP/1.1 ") && !text.contains("evil.example"), "{text}");
        assert!(!text.to_ascii_lowercase().contains("\r\nlocation:") && !text.contains("\r\nset-cookie:"));
    }
}

#[test]
fn a_http_09_answers_are_for_listed_origins_and_never_with_cookies() {
    let server = Setup::default().start();
    let allowed = |origin: &str| {
        let reply =
            server.peer().ask("GET", "/probe/a", &[&format!("Origin: {origin}"), "Cookie: a=b"], "").unwrap();
        assert_eq!(reply.header("access-control-allow-credentials"), None);
        reply.header("access-control-allow-origin").map(str::to_owned)
    };
    assert_eq!(allowed("https://app.example").as_deref(), Some("https://app.example"));
    for origin in ["null", "https://app.example.evil.example", "http://app.example", "https://app.example:1"]
    {
        assert_eq!(allowed(origin), None, "{origin}");
    }
}

#[test]
fn a_http_13_a_panic_costs_one_request_and_tells_nothing() {
    let server = Setup::default().start();
    let mut peer = server.peer();
    let reply = peer.ask("GET", "/probe/panic", &[], "").unwrap();
    assert_eq!(reply.status, 500);
    assert!(reply.header("strongroom-request-id").is_some());
    assert!(!reply.text().contains("canary") && !reply.text().contains(".rs"));
    assert_eq!(peer.ask("GET", "/probe/good", &[], "").unwrap().status, 200, "on the same connection");
    for (method, path, body) in [
        ("GET", "/nowhere", ""),
        ("GET", "/v1/records/a", ""),
        ("PUT", "/v1/records/a", "{"),
        ("GET", "/v1/\u{1}", ""),
    ] {
        let reply = server.peer().ask(method, path, &[], body).unwrap();
        let text = format!("{:?} {}", reply.headers, reply.text());
        for told in ["/root", ".rs", "panicked", "actix", env!("CARGO_PKG_VERSION"), "SELECT", "sled"] {
            assert!(!text.contains(told), "{method} {path} tells {told}: {text}");
        }
        assert!(text.contains("request"), "{method} {path}: {text}");
    }
}

/// A client that offers HTTP/2 on a plain connection gets HTTP/1.1.
#[test]
fn an_offer_of_another_protocol_is_passed_over() {
    let server = Setup::default().start();
    let mut peer = server.peer();
    let offer = ["Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__"];
    let reply = peer.ask("GET", "/probe/good", &offer, "").unwrap();
    assert_eq!((reply.status, reply.header("upgrade")), (200, None));
}
