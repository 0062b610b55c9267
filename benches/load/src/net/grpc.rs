//! Unary gRPC calls over one HTTP/2 connection.
//!
//! A gRPC call is one length-prefixed message each way and a status in the trailers, so it is written here straight
//! over `h2`. The usual stack puts a buffer task, a balancer and a service tower in between; on cores shared with the
//! server under test their cost would be booked against that server's rate, and the peer would look slower than it
//! is. Only what the calls need is here: no streams, no compression, no deadlines.

use std::net::SocketAddr;

use anyhow::{Context, bail};
use bytes::{Buf, BufMut, Bytes, BytesMut};
use h2::client::SendRequest;
use http::{HeaderMap, Request, Uri};
use prost::Message;
use tokio::net::TcpStream;

/// Messages up to this length are read; etcd itself stops requests at 1.5 MiB.
const MESSAGE_BYTES_MAX: usize = 4 << 20;

/// What a stream and a connection may have in flight before the reader must make room.
const STREAM_WINDOW_BYTES: u32 = 1 << 20;
const CONNECTION_WINDOW_BYTES: u32 = 16 << 20;

/// One byte of flags and four of length stand before every message.
const PREFIX_BYTES: usize = 5;

/// A connection; clones share it, each call being a stream of its own.
#[derive(Debug, Clone)]
pub(crate) struct Grpc {
    send: SendRequest<Bytes>,
    address: SocketAddr,
}

impl Grpc {
    /// Connects. The connection's own work is spawned on the current runtime and ends with it.
    pub(crate) async fn connect(address: SocketAddr) -> anyhow::Result<Grpc> {
        let stream =
            TcpStream::connect(address).await.with_context(|| format!("cannot connect to {address}"))?;
        stream.set_nodelay(true)?;
        let (send, connection) = h2::client::Builder::new()
            .initial_window_size(STREAM_WINDOW_BYTES)
            .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
            .handshake(stream)
            .await?;
        // An error here also fails the calls in flight, and they report it.
        tokio::spawn(async move { drop(connection.await) });
        Ok(Grpc { send, address })
    }

    /// Calls `method` (`/package.Service/Method`).
    ///
    /// # Errors
    /// The connection broke, the server answered with a status other than zero, or the answer does not decode.
    pub(crate) async fn call<Q: Message, A: Message + Default>(
        &self,
        method: &str,
        question: &Q,
    ) -> anyhow::Result<A> {
        let uri = Uri::builder()
            .scheme("http")
            .authority(self.address.to_string())
            .path_and_query(method)
            .build()?;
        let request = Request::post(uri)
            .header("content-type", "application/grpc")
            .header("te", "trailers")
            .body(())
            .context("a method name that is no path")?;
        let mut send = self.send.clone().ready().await?;
        let (answer, mut outgoing) = send.send_request(request, false)?;
        outgoing.send_data(frame(question), true)?;

        let answer = answer.await?;
        check_status(answer.headers())?;
        let mut body = answer.into_body();
        let mut bytes = BytesMut::new();
        while let Some(chunk) = body.data().await {
            let chunk = chunk?;
            body.flow_control().release_capacity(chunk.len())?;
            if bytes.len() + chunk.len() > MESSAGE_BYTES_MAX {
                bail!("an answer over {MESSAGE_BYTES_MAX} bytes");
            }
            bytes.extend_from_slice(&chunk);
        }
        if let Some(trailers) = body.trailers().await? {
            check_status(&trailers)?;
        }
        unframe(bytes.freeze())
    }
}

fn frame(message: &impl Message) -> Bytes {
    let length = message.encoded_len();
    let mut bytes = BytesMut::with_capacity(PREFIX_BYTES + length);
    bytes.put_u8(0);
    bytes.put_u32(length as u32);
    message.encode(&mut bytes).expect("a growing buffer always has room");
    bytes.freeze()
}

fn unframe<A: Message + Default>(mut bytes: Bytes) -> anyhow::Result<A> {
    if bytes.len() < PREFIX_BYTES {
        bail!("an answer without a message");
    }
    let compressed = bytes.get_u8() != 0;
    let length = bytes.get_u32() as usize;
    if compressed || length != bytes.len() {
        bail!("an answer that is not exactly one plain message");
    }
    Ok(A::decode(bytes)?)
}

fn check_status(headers: &HeaderMap) -> anyhow::Result<()> {
    match headers.get("grpc-status").map(|status| status.as_bytes()) {
        None | Some(b"0") => Ok(()),
        Some(status) => {
            let message = headers.get("grpc-message").and_then(|text| text.to_str().ok()).unwrap_or_default();
            bail!("grpc status {}: {message}", String::from_utf8_lossy(status))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, PartialEq, Message)]
    struct Word {
        #[prost(string, tag = "1")]
        text: String,
    }

    #[test]
    fn a_framed_message_comes_back() {
        let word = Word { text: "héllo".to_owned() };
        assert_eq!(unframe::<Word>(frame(&word)).unwrap(), word);
    }

    #[test]
    fn a_torn_or_doubled_or_compressed_message_is_refused() {
        let whole = frame(&Word { text: "hello".to_owned() });
        assert!(unframe::<Word>(whole.slice(..whole.len() - 1)).is_err());
        assert!(unframe::<Word>(Bytes::from([&whole[..], &whole[..]].concat())).is_err());
        assert!(unframe::<Word>(Bytes::from([&[1], &whole[1..]].concat())).is_err());
        assert!(unframe::<Word>(Bytes::new()).is_err());
    }

    #[test]
    fn a_status_other_than_zero_is_an_error_with_its_message() {
        let mut headers = HeaderMap::new();
        assert!(check_status(&headers).is_ok());
        headers.insert("grpc-status", "0".parse().unwrap());
        assert!(check_status(&headers).is_ok());
        headers.insert("grpc-status", "11".parse().unwrap());
        headers.insert("grpc-message", "compacted".parse().unwrap());
        assert!(check_status(&headers).unwrap_err().to_string().contains("compacted"));
    }
}
