//! One HTTP/1.1 connection, kept alive: a prepared request out, one answer back.
//!
//! Written by hand over `httparse` because the generator shares its two cores with the server it measures: a general
//! client spends more time per request on pools, header maps and body streams than a bare server spends on the
//! answer, and that would hide the server. The price is narrowness: no chunked bodies, no redirects, no TLS, one
//! request at a time; an answer that needs more is an error, never a guess.

use std::net::SocketAddr;
use std::ops::Range;

use anyhow::{Context, bail};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const HEADERS_MAX: usize = 48;
const HEAD_BYTES_MAX: usize = 16 * 1024;
const BODY_BYTES_MAX: usize = 4 << 20;
const BUFFER_BYTES: usize = 16 * 1024;

/// An open connection.
#[derive(Debug)]
pub(crate) struct Http1 {
    stream: TcpStream,
    buffer: Vec<u8>,
    filled: usize,
}

/// An answer, borrowed from the connection's buffer.
#[derive(Debug, PartialEq)]
pub(crate) struct Answer<'a> {
    pub(crate) status: u16,
    /// The value of the header that was asked for.
    pub(crate) header: Option<&'a [u8]>,
    pub(crate) body: &'a [u8],
}

struct Head {
    status: u16,
    header: Option<Range<usize>>,
    bytes: usize,
    body_bytes: usize,
}

impl Http1 {
    /// Connects without delay of small segments.
    pub(crate) async fn connect(address: SocketAddr) -> anyhow::Result<Http1> {
        let stream =
            TcpStream::connect(address).await.with_context(|| format!("cannot connect to {address}"))?;
        stream.set_nodelay(true)?;
        Ok(Http1 { stream, buffer: vec![0; BUFFER_BYTES], filled: 0 })
    }

    /// Sends `request`, whole and ready, and reads its answer; `header` is the one header to hand out.
    ///
    /// # Errors
    /// The connection broke or will close, or the answer is not plain HTTP/1.1 with a `Content-Length`.
    pub(crate) async fn ask(&mut self, request: &[u8], header: &str) -> anyhow::Result<Answer<'_>> {
        self.filled = 0;
        self.stream.write_all(request).await?;
        let head = loop {
            self.read_more().await?;
            if let Some(head) = parse_head(&self.buffer[..self.filled], header)? {
                break head;
            }
            if self.filled > HEAD_BYTES_MAX {
                bail!("the answer's head is longer than {HEAD_BYTES_MAX} bytes");
            }
        };
        let whole = head.bytes + head.body_bytes;
        if self.buffer.len() < whole {
            self.buffer.resize(whole, 0);
        }
        while self.filled < whole {
            self.read_more().await?;
        }
        if self.filled > whole {
            bail!("the server sent more than it announced");
        }
        Ok(Answer {
            status: head.status,
            header: head.header.map(|range| &self.buffer[range]),
            body: &self.buffer[head.bytes..whole],
        })
    }

    async fn read_more(&mut self) -> anyhow::Result<()> {
        if self.filled == self.buffer.len() {
            self.buffer.resize(self.buffer.len() * 2, 0);
        }
        match self.stream.read(&mut self.buffer[self.filled..]).await? {
            0 => bail!("the server closed the connection"),
            read => self.filled += read,
        }
        Ok(())
    }
}

/// Reads an answer's head, or `None` while it is not there whole.
fn parse_head(bytes: &[u8], wanted: &str) -> anyhow::Result<Option<Head>> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut response = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(head_bytes) = response.parse(bytes)? else { return Ok(None) };
    let mut body_bytes = None;
    let mut header = None;
    for found in response.headers.iter() {
        if found.name.eq_ignore_ascii_case("content-length") {
            let length = std::str::from_utf8(found.value)?.parse::<usize>().context("bad Content-Length")?;
            body_bytes = Some(length);
        } else if found.name.eq_ignore_ascii_case("transfer-encoding") {
            bail!("the answer is chunked, which this client does not read");
        } else if found.name.eq_ignore_ascii_case("connection") && found.value.eq_ignore_ascii_case(b"close")
        {
            bail!("the server closes the connection with status {}", response.code.unwrap_or_default());
        } else if found.name.eq_ignore_ascii_case(wanted) {
            header = Some(range_within(bytes, found.value));
        }
    }
    let body_bytes = body_bytes.context("an answer without Content-Length")?;
    if body_bytes > BODY_BYTES_MAX {
        bail!("an answer of {body_bytes} bytes");
    }
    Ok(Some(Head { status: response.code.unwrap_or_default(), header, bytes: head_bytes, body_bytes }))
}

/// Where `part`, a slice of `whole`, lies in it.
fn range_within(whole: &[u8], part: &[u8]) -> Range<usize> {
    let start = part.as_ptr() as usize - whole.as_ptr() as usize;
    start..start + part.len()
}

/// Writes a request as it goes on the wire. `headers` are whole lines without their ends.
pub(crate) fn request(
    method: &str,
    path: &str,
    address: SocketAddr,
    headers: &[&str],
    body: Option<&[u8]>,
) -> Vec<u8> {
    let mut head = format!("{method} {path} HTTP/1.1\r\nHost: {address}\r\n");
    for line in headers {
        head.push_str(line);
        head.push_str("\r\n");
    }
    if let Some(body) = body {
        head.push_str(&format!("Content-Type: application/json\r\nContent-Length: {}\r\n", body.len()));
    }
    head.push_str("\r\n");
    let mut bytes = head.into_bytes();
    bytes.extend_from_slice(body.unwrap_or_default());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    /// Answers one connection's requests with the given pieces, each piece a write of its own.
    async fn serve(pieces: &'static [&'static str]) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut asked = [0; 1024];
            assert!(stream.read(&mut asked).await.unwrap() > 0);
            for piece in pieces {
                stream.write_all(piece.as_bytes()).await.unwrap();
                stream.flush().await.unwrap();
                tokio::task::yield_now().await;
            }
        });
        address
    }

    async fn ask(pieces: &'static [&'static str]) -> anyhow::Result<(u16, Option<String>, String)> {
        let address = serve(pieces).await;
        let mut connection = Http1::connect(address).await?;
        let question = request("GET", "/", address, &["X-Test: 1"], None);
        let answer = connection.ask(&question, "x-tag").await?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ok((answer.status, answer.header.map(text), text(answer.body)))
    }

    #[tokio::test]
    async fn an_answer_in_pieces_is_one_answer() {
        let pieces: &[&str] =
            &["HTTP/1.1 200 OK\r\nX-T", "ag: abc\r\ncontent-length: 5\r\n\r", "\nhe", "llo"];
        assert_eq!(ask(pieces).await.unwrap(), (200, Some("abc".to_owned()), "hello".to_owned()));
    }

    #[tokio::test]
    async fn what_this_client_does_not_read_is_an_error() {
        for answer in [
            &["HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"],
            &["HTTP/1.1 200 OK\r\n\r\n"],
            &["HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"],
            &["HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhello"],
            &["HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhello"],
            &["HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n"],
            &["garbage"],
        ] {
            assert!(ask(answer).await.is_err(), "{answer:?}");
        }
    }

    #[test]
    fn a_request_carries_its_lines_and_its_length() {
        let bytes = request("PUT", "/x", "127.0.0.1:80".parse().unwrap(), &["A: b"], Some(b"{}"));
        let text = String::from_utf8(bytes).unwrap();
        assert_eq!(
            text,
            "PUT /x HTTP/1.1\r\nHost: 127.0.0.1:80\r\nA: b\r\nContent-Type: application/json\r\n\
             Content-Length: 2\r\n\r\n{}"
        );
    }
}
