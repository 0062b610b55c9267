//! Keyknox version 1 over HTTP: one record per identity, read by GET, replaced by PUT under the hash last seen.
//!
//! A client's two requests are laid out once and changed in place: the previous hash, and the first sixteen base64
//! characters of `meta` and of `value`, which is all that a write changes. Rendering a document per write would cost the
//! generator more than the server's answer.

use std::net::SocketAddr;
use std::ops::Range;

use anyhow::{Context, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;

use super::token::Application;
use crate::net::http1::{Answer, Http1, request};
use crate::payload::{Payload, STAMP_BYTES};
use crate::run::{Connector, Driver, Outcome};

const PATH: &str = "/keyknox/v1";
const HASH_HEADER: &str = "Virgil-Keyknox-Hash";
const PREVIOUS_HASH_HEADER: &str = "Virgil-Keyknox-Previous-Hash";
/// A hash as it travels: 64 bytes in base64.
const HASH_CHARS: usize = 88;
const STAMP_CHARS: usize = STAMP_BYTES / 3 * 4;
/// The refusal of a previous hash that is not the record's.
const STALE: &[u8] = b"50010";

/// Opens clients, each with an identity and a token of its own.
pub(crate) struct KeyknoxConnector {
    address: SocketAddr,
    application: Application,
}

impl KeyknoxConnector {
    /// Clients of the server at `address` with tokens of `application`.
    pub(crate) fn new(address: SocketAddr, application: &Application) -> KeyknoxConnector {
        KeyknoxConnector { address, application: application.clone() }
    }

    /// Reads the record of an identity that never writes.
    ///
    /// # Errors
    /// The server does not answer, or not with a record.
    pub(crate) async fn is_answered(&self) -> anyhow::Result<()> {
        let authorization = format!("Authorization: Virgil {}", self.application.token("nobody"));
        let question = request("GET", PATH, self.address, &[&authorization], None);
        let mut connection = Http1::connect(self.address).await?;
        expect_record(&connection.ask(&question, HASH_HEADER).await?).map(|_| ())
    }
}

impl Connector for KeyknoxConnector {
    fn connect(
        &self,
        client: usize,
        value_bytes: usize,
    ) -> LocalBoxFuture<'_, anyhow::Result<Box<dyn Driver>>> {
        async move {
            // An identity has one record, so other sizes are other identities.
            let token = self.application.token(&format!("client-{client}-{value_bytes}"));
            let payload = Payload::new(client, value_bytes);
            let connection = Http1::connect(self.address).await?;
            let mut driver = KeyknoxDriver {
                connection,
                read: request("GET", PATH, self.address, &[&format!("Authorization: Virgil {token}")], None),
                write: Write::new(self.address, &token, &payload),
                payload,
            };
            if driver.reread().await?.is_absent && driver.put().await? != Outcome::Done {
                bail!("somebody else writes the record of client {client}");
            }
            Ok(Box::new(driver) as Box<dyn Driver>)
        }
        .boxed_local()
    }
}

/// A prepared PUT and the places in it that change.
struct Write {
    bytes: Vec<u8>,
    hash: Range<usize>,
    meta: Range<usize>,
    value: Range<usize>,
}

impl Write {
    fn new(address: SocketAddr, token: &str, payload: &Payload) -> Write {
        let (meta, value) = payload.parts();
        let (meta, value) = (STANDARD.encode(meta), STANDARD.encode(value));
        let body = format!(r#"{{"meta":"{meta}","value":"{value}"}}"#);
        let authorization = format!("Authorization: Virgil {token}");
        let previous = format!("{PREVIOUS_HASH_HEADER}: {}", "=".repeat(HASH_CHARS));
        let bytes = request("PUT", PATH, address, &[&previous, &authorization], Some(body.as_bytes()));
        let head_bytes = bytes.len() - body.len();
        let start_of_hash =
            PREVIOUS_HASH_HEADER.len() + 2 + format!("PUT {PATH} HTTP/1.1\r\nHost: {address}\r\n").len();
        let start_of_meta = head_bytes + r#"{"meta":""#.len();
        let start_of_value = start_of_meta + meta.len() + r#"","value":""#.len();
        Write {
            bytes,
            hash: start_of_hash..start_of_hash + HASH_CHARS,
            meta: start_of_meta..start_of_meta + STAMP_CHARS,
            value: start_of_value..start_of_value + STAMP_CHARS,
        }
    }

    /// The hash that the record had when it was last read or written.
    fn previous_hash(&self) -> &[u8] {
        &self.bytes[self.hash.clone()]
    }

    fn set_previous_hash(&mut self, hash: &[u8]) -> anyhow::Result<()> {
        if hash.len() != HASH_CHARS {
            bail!("a hash of {} characters", hash.len());
        }
        self.bytes[self.hash.clone()].copy_from_slice(hash);
        Ok(())
    }

    /// Takes over the changed beginning of both parts.
    fn stamp(&mut self, payload: &Payload) -> anyhow::Result<()> {
        let (meta, value) = payload.parts();
        STANDARD.encode_slice(&meta[..STAMP_BYTES], &mut self.bytes[self.meta.clone()])?;
        STANDARD.encode_slice(&value[..STAMP_BYTES], &mut self.bytes[self.value.clone()])?;
        Ok(())
    }
}

struct KeyknoxDriver {
    connection: Http1,
    read: Vec<u8>,
    write: Write,
    payload: Payload,
}

/// What a read found.
struct Found {
    is_absent: bool,
}

impl KeyknoxDriver {
    /// Reads the record and takes its hash for the next write.
    async fn reread(&mut self) -> anyhow::Result<Found> {
        let answer = self.connection.ask(&self.read, HASH_HEADER).await?;
        self.write.set_previous_hash(expect_record(&answer)?)?;
        // Absent and reset records have an empty value; the shortest payload is far longer than their document.
        Ok(Found { is_absent: answer.body.len() < self.payload.bytes().len() })
    }
}

impl Driver for KeyknoxDriver {
    fn put(&mut self) -> LocalBoxFuture<'_, anyhow::Result<Outcome>> {
        async move {
            self.payload.turn();
            self.write.stamp(&self.payload)?;
            let answer = self.connection.ask(&self.write.bytes, HASH_HEADER).await?;
            if answer.status == 400 && answer.body.windows(STALE.len()).any(|part| part == STALE) {
                self.reread().await?;
                return Ok(Outcome::Refused);
            }
            self.write.set_previous_hash(expect_record(&answer)?)?;
            Ok(Outcome::Done)
        }
        .boxed_local()
    }

    fn get(&mut self) -> LocalBoxFuture<'_, anyhow::Result<Outcome>> {
        async move {
            let answer = self.connection.ask(&self.read, HASH_HEADER).await?;
            let whole = answer.body.len() > self.payload.bytes().len();
            if expect_record(&answer)? != self.write.previous_hash() || !whole {
                bail!("read another record than the one written");
            }
            Ok(Outcome::Done)
        }
        .boxed_local()
    }
}

/// The hash of an answer that carries a record.
fn expect_record<'a>(answer: &Answer<'a>) -> anyhow::Result<&'a [u8]> {
    if answer.status != 200 {
        let body = String::from_utf8_lossy(&answer.body[..answer.body.len().min(200)]);
        bail!("status {}: {body}", answer.status);
    }
    answer.header.context("an answer without a hash")
}

#[cfg(test)]
mod tests;
