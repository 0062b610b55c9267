//! A-HTTP-02: the same bytes through reverse proxies that read them generously, each in its own way. However a proxy
//! takes a message apart, the server sees no request that the proxy did not mean to send.

use super::support::{Server, Setup};

/// Which way a proxy reads what can be read in two.
#[derive(Debug, Clone, Copy)]
struct Reading {
    /// Chunks count where both framings are given.
    chunks_win: bool,
    /// The last of several lengths counts, and not the first.
    last_length_wins: bool,
    /// A lone line feed ends a line.
    line_feed_ends: bool,
    /// Anything that contains "chunked" means chunks.
    loose_coding: bool,
}

impl Reading {
    fn all() -> impl Iterator<Item = Self> {
        (0..16).map(|bits: u8| Self {
            chunks_win: bits & 1 > 0,
            last_length_wins: bits & 2 > 0,
            line_feed_ends: bits & 4 > 0,
            loose_coding: bits & 8 > 0,
        })
    }

    /// Takes a connection's bytes apart: targets and the bytes of each request.
    fn requests(self, bytes: &[u8]) -> Vec<(String, &[u8])> {
        let (mut requests, mut rest) = (Vec::new(), bytes);
        while let Some((target, length)) = self.request(rest) {
            let (request, after) = rest.split_at(length);
            requests.push((target, request));
            rest = after;
        }
        requests
    }

    fn request(self, bytes: &[u8]) -> Option<(String, usize)> {
        let mut at = 0;
        let mut lines = Vec::new();
        loop {
            let line = self.line(&bytes[at..])?;
            at += line.len();
            match line.trim_ascii() {
                [] => break,
                line => lines.push(String::from_utf8_lossy(line).into_owned()),
            }
        }
        let target = lines.first()?.split(' ').nth(1)?.to_owned();
        let fields = |wanted: &str| {
            let named = lines.iter().filter_map(|line| line.split_once(':'));
            let named = named.filter(|(name, _)| name.trim().eq_ignore_ascii_case(wanted));
            named.map(|(_, value)| value.trim().to_owned()).collect::<Vec<_>>()
        };
        let lengths = fields("content-length");
        let length = if self.last_length_wins { lengths.last() } else { lengths.first() };
        let length = length.map(|length| {
            let digits = length.trim_start_matches(['+', '0', 'x']).split(',').next().unwrap_or_default();
            digits.trim().parse::<usize>().unwrap_or(0)
        });
        let chunked = fields("transfer-encoding").iter().any(|coding| match self.loose_coding {
            true => coding.to_ascii_lowercase().contains("chunked"),
            false => coding == "chunked",
        });
        let body = match length {
            Some(length) if !(chunked && self.chunks_win) => length,
            None if !chunked => 0,
            _ => self.chunks(&bytes[at..])?,
        };
        (at + body <= bytes.len()).then_some((target, at + body))
    }

    /// A line with its end.
    fn line(self, bytes: &[u8]) -> Option<&[u8]> {
        let ends =
            |at: usize| bytes[at] == b'\n' && (self.line_feed_ends || (at > 0 && bytes[at - 1] == b'\r'));
        (0..bytes.len()).find(|at| ends(*at)).map(|at| &bytes[..=at])
    }

    /// The length of a chunked body. Extensions and trailers are passed over.
    fn chunks(self, bytes: &[u8]) -> Option<usize> {
        let mut at = 0;
        loop {
            let line = self.line(&bytes[at..])?;
            at += line.len();
            let size = String::from_utf8_lossy(line);
            let size = size.split(';').next().unwrap_or_default().trim().trim_start_matches('+').to_owned();
            let size = usize::from_str_radix(&size, 16).ok()?;
            if size == 0 {
                break;
            }
            at += size;
            at += self.line(bytes.get(at..)?)?.len();
        }
        loop {
            let line = self.line(bytes.get(at..)?)?;
            at += line.len();
            if line.trim_ascii().is_empty() {
                return Some(at);
            }
        }
    }

    /// Forwards a connection's bytes, and says which targets it meant to ask for.
    fn forward(self, server: &Server, bytes: &[u8]) -> Vec<String> {
        let mut upstream = server.peer();
        let mut meant = Vec::new();
        for (target, request) in self.requests(bytes) {
            meant.push(target);
            // A server that has closed has said all there was to say.
            if upstream.send(request).is_err() {
                break;
            }
        }
        upstream.end_writing();
        upstream.until_closed();
        meant
    }
}

const SMUGGLED: &str = "GET /probe/smuggled HTTP/1.1\r\nHost: here\r\n\r\n";

/// Requests that hide another one from whoever reads them one way and show it to whoever reads them the other.
fn attacks() -> Vec<String> {
    let put = |fields: &str, body: &str| {
        let good = "GET /probe/after HTTP/1.1\r\nHost: here\r\n\r\n";
        format!("PUT /probe/before HTTP/1.1\r\nHost: here\r\n{fields}\r\n\r\n{body}{good}")
    };
    let hidden = SMUGGLED.len();
    let behind = format!("0\r\n\r\n{SMUGGLED}");
    let within = format!("{hidden:x}\r\n{SMUGGLED}\r\n0\r\n\r\n");
    let mut attacks = Vec::new();
    for coding in
        ["chunked", "Chunked", "xchunked", "chunked, identity", "\tchunked", "chunked\u{b}", "identity"]
    {
        attacks
            .push(put(&format!("Content-Length: {}\r\nTransfer-Encoding: {coding}", behind.len()), &behind));
        attacks
            .push(put(&format!("Transfer-Encoding: {coding}\r\nContent-Length: {}", behind.len()), &behind));
        attacks.push(put(&format!("Content-Length: 4\r\nTransfer-Encoding: {coding}"), &within));
        attacks
            .push(put(&format!("Transfer-Encoding : {coding}\r\nContent-Length: {}", behind.len()), &behind));
        attacks.push(put(
            &format!("X: a\nTransfer-Encoding: {coding}\r\nContent-Length: {}", behind.len()),
            &behind,
        ));
        attacks.push(put(
            &format!("X: a\r\n Transfer-Encoding: {coding}\r\nContent-Length: {}", behind.len()),
            &behind,
        ));
    }
    for length in ["+{}", "0x{}", "{}, 0", "0, {}", "{} ", "0{}", "\u{b}{}"] {
        let length = length.replace("{}", &hidden.to_string());
        attacks.push(put(&format!("Content-Length: {length}"), SMUGGLED));
        attacks.push(put(&format!("Content-Length: 0\r\nContent-Length: {length}"), SMUGGLED));
        attacks.push(put(&format!("Content-Length: {length}\r\nContent-Length: 0"), SMUGGLED));
        attacks.push(put(&format!("Content-Length : {length}"), SMUGGLED));
        attacks.push(put(&format!("X: a\nContent-Length: {length}"), SMUGGLED));
    }
    // A chunk's line that ends early for one reader and late for the other.
    for line in ["2;\nxx", "2;a=\nxx\r\n", "+2\r\nxx", "2 \r\nxx", "2\nxx\n"] {
        attacks.push(put("Transfer-Encoding: chunked", &format!("{line}\r\n{within}")));
        attacks.push(put(
            "Transfer-Encoding: chunked",
            &format!("{line}{hidden:x}\r\n0\r\n\r\n{SMUGGLED}\r\n0\r\n\r\n"),
        ));
    }
    attacks.push(put("Transfer-Encoding: chunked", &format!("0\r\nX: trailer\r\n\r\n{SMUGGLED}")));
    let upgrade = "Connection: Upgrade\r\nUpgrade: websocket";
    attacks.push(put(&format!("{upgrade}\r\nContent-Length: {hidden}"), SMUGGLED));
    attacks.push(put(&format!("{upgrade}\r\nTransfer-Encoding: chunked"), &within));
    attacks
}

#[test]
fn a_http_02_no_request_is_seen_that_a_proxy_did_not_send() {
    let server = Setup::default().start();
    let (mut hidden, mut served) = (0, 0);
    for attack in attacks() {
        for reading in Reading::all() {
            let meant = reading.forward(&server, attack.as_bytes());
            let seen = server.take_seen();
            let mut expected = meant.iter().map(String::as_str);
            for path in &seen {
                assert!(
                    expected.any(|target| target.strip_prefix("/probe") == Some(path)),
                    "{reading:?} meant {meant:?} and the server saw {seen:?} of {attack:?}"
                );
            }
            served += seen.len();
            hidden += usize::from(!meant.iter().any(|target| target.contains("smuggled")));
        }
    }
    // Neither are all of the proxies immune to all of this, nor is everything refused.
    assert!(hidden > 500 && served > 0, "{hidden} hidden, {served} served");
}
