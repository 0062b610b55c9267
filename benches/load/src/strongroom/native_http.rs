//! The native interface over HTTP: one record per identity, made once and asked for over and over, or replaced under the
//! tag last seen; and requests that never change.

use std::net::SocketAddr;

use anyhow::{Context, bail, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use serde_json::json;

use super::chain;
use super::token::Application;
use crate::net::http1::{Answer, Http1, request};
use crate::payload::Payload;
use crate::run::{Connector, Driver, Outcome};

/// Opens clients, each with an identity and a token of its own.
pub(crate) struct NativeReads {
    address: SocketAddr,
    application: Application,
}

impl NativeReads {
    /// Clients of the server at `address` with tokens of `application`.
    pub(crate) fn new(address: SocketAddr, application: &Application) -> NativeReads {
        NativeReads { address, application: application.clone() }
    }
}

impl Connector for NativeReads {
    fn connect(
        &self,
        client: usize,
        value_bytes: usize,
    ) -> LocalBoxFuture<'_, anyhow::Result<Box<dyn Driver>>> {
        async move {
            let token = self.application.token(&format!("reads-{client}-{value_bytes}"));
            let authorization = format!("Authorization: Virgil {token}");
            let mut connection = Http1::connect(self.address).await?;
            let payload = Payload::new(client, value_bytes);
            let (meta, value) = payload.parts();
            let body = json!({ "meta": STANDARD.encode(meta), "value": STANDARD.encode(value) }).to_string();
            let headers = [authorization.as_str(), "If-None-Match: *"];
            let put = request("PUT", "/v1/records/load", self.address, &headers, Some(body.as_bytes()));
            let status = connection.ask(&put, "").await?.status;
            // It is there already where this client had to connect anew.
            ensure!(matches!(status, 200 | 412), "a record was not made: status {status}");
            let question = request("GET", "/v1/records/load", self.address, &headers[..1], None);
            Ok(Box::new(Reader { connection, question, longer_than: value_bytes }) as Box<dyn Driver>)
        }
        .boxed_local()
    }
}

/// Opens clients that all make one request without a body, and get more than `longer_than` bytes for it.
pub(crate) struct Unchanging {
    address: SocketAddr,
    question: Vec<u8>,
    longer_than: usize,
}

impl Unchanging {
    /// Whether the server is there, as a chain's clients ask it: unsigned.
    pub(crate) fn health(address: SocketAddr) -> Unchanging {
        let question = request("GET", &format!("{}/health", chain::MOUNT), address, &[], None);
        Unchanging { address, question, longer_than: 2 }
    }

    /// Who somebody with a token is.
    pub(crate) fn session(address: SocketAddr, application: &Application) -> Unchanging {
        let authorization = format!("Authorization: Virgil {}", application.token("session"));
        let question = request("GET", "/v1/session", address, &[&authorization], None);
        Unchanging { address, question, longer_than: 16 }
    }
}

impl Connector for Unchanging {
    fn connect(&self, _: usize, _: usize) -> LocalBoxFuture<'_, anyhow::Result<Box<dyn Driver>>> {
        async move {
            let connection = Http1::connect(self.address).await?;
            let (question, longer_than) = (self.question.clone(), self.longer_than);
            Ok(Box::new(Reader { connection, question, longer_than }) as Box<dyn Driver>)
        }
        .boxed_local()
    }
}

/// Opens clients that replace a record, each with an identity and a token of its own.
pub(crate) struct NativeWrites {
    address: SocketAddr,
    application: Application,
}

impl NativeWrites {
    /// Clients of the server at `address` with tokens of `application`.
    pub(crate) fn new(address: SocketAddr, application: &Application) -> NativeWrites {
        NativeWrites { address, application: application.clone() }
    }
}

impl Connector for NativeWrites {
    fn connect(
        &self,
        client: usize,
        value_bytes: usize,
    ) -> LocalBoxFuture<'_, anyhow::Result<Box<dyn Driver>>> {
        async move {
            let token = self.application.token(&format!("writes-{client}"));
            let mut writer = Writer {
                connection: Http1::connect(self.address).await?,
                address: self.address,
                path: format!("/v1/records/load/{value_bytes}"),
                authorization: format!("Authorization: Virgil {token}"),
                payload: Payload::new(client, value_bytes),
                tag: None,
            };
            writer.reread().await?;
            if writer.tag.is_none() && writer.put().await? != Outcome::Done {
                bail!("somebody else writes the record of client {client}");
            }
            Ok(Box::new(writer) as Box<dyn Driver>)
        }
        .boxed_local()
    }
}

struct Writer {
    connection: Http1,
    address: SocketAddr,
    path: String,
    authorization: String,
    payload: Payload,
    /// Of the record as last read or written, with its quotes; nothing while it does not exist.
    tag: Option<String>,
}

impl Writer {
    async fn reread(&mut self) -> anyhow::Result<()> {
        let question = request("GET", &self.path, self.address, &[&self.authorization], None);
        let answer = self.connection.ask(&question, "ETag").await?;
        self.tag = match answer.status {
            404 => None,
            200 => Some(tag_of(&answer)?),
            status => bail!("a read was answered with status {status}"),
        };
        Ok(())
    }
}

fn tag_of(answer: &Answer<'_>) -> anyhow::Result<String> {
    let tag = answer.header.context("an answer without a tag")?;
    Ok(std::str::from_utf8(tag)?.to_owned())
}

impl Driver for Writer {
    fn put(&mut self) -> LocalBoxFuture<'_, anyhow::Result<Outcome>> {
        async move {
            self.payload.turn();
            let (meta, value) = self.payload.parts();
            let body =
                format!(r#"{{"meta":"{}","value":"{}"}}"#, STANDARD.encode(meta), STANDARD.encode(value));
            let previous = match &self.tag {
                Some(tag) => format!("If-Match: {tag}"),
                None => "If-None-Match: *".to_owned(),
            };
            let headers = [self.authorization.as_str(), &previous];
            let question = request("PUT", &self.path, self.address, &headers, Some(body.as_bytes()));
            let answer = self.connection.ask(&question, "ETag").await?;
            match answer.status {
                200 | 201 => {
                    self.tag = Some(tag_of(&answer)?);
                    Ok(Outcome::Done)
                }
                412 => {
                    self.reread().await?;
                    Ok(Outcome::Refused)
                }
                status => bail!("a write was answered with status {status}"),
            }
        }
        .boxed_local()
    }

    fn get(&mut self) -> LocalBoxFuture<'_, anyhow::Result<Outcome>> {
        async { bail!("what is here is only written") }.boxed_local()
    }
}

/// Asks for the same thing over and over.
pub(super) struct Reader {
    pub(super) connection: Http1,
    /// The request, whole and ready.
    pub(super) question: Vec<u8>,
    /// An answer with no more bytes than these cannot have in it what was asked for.
    pub(super) longer_than: usize,
}

impl Driver for Reader {
    fn put(&mut self) -> LocalBoxFuture<'_, anyhow::Result<Outcome>> {
        async { bail!("what is here is only read") }.boxed_local()
    }

    fn get(&mut self) -> LocalBoxFuture<'_, anyhow::Result<Outcome>> {
        async move {
            let answer = self.connection.ask(&self.question, "").await?;
            ensure!(answer.status == 200, "status {}", answer.status);
            ensure!(answer.body.len() > self.longer_than, "an answer of {} bytes", answer.body.len());
            Ok(Outcome::Done)
        }
        .boxed_local()
    }
}

#[cfg(test)]
mod tests {
    use super::super::in_process::{application, server};
    use super::*;

    #[tokio::test]
    async fn a_client_makes_its_record_and_replaces_it_under_its_tag() {
        let address = server();
        let writes = NativeWrites::new(address, &application());
        for _ in 0..2 {
            let mut driver = writes.connect(0, 1024).await.unwrap();
            for _ in 0..5 {
                assert_eq!(driver.put().await.unwrap(), Outcome::Done);
            }
        }
        let (mut one, mut other) =
            (writes.connect(0, 1024).await.unwrap(), writes.connect(0, 1024).await.unwrap());
        assert_eq!(one.put().await.unwrap(), Outcome::Done);
        assert_eq!(other.put().await.unwrap(), Outcome::Refused);
        assert_eq!(other.put().await.unwrap(), Outcome::Done);
    }

    #[tokio::test]
    async fn what_never_changes_is_answered_every_time() {
        let address = server();
        for asked in [Unchanging::health(address), Unchanging::session(address, &application())] {
            let mut driver = asked.connect(0, 0).await.unwrap();
            for _ in 0..3 {
                assert_eq!(driver.get().await.unwrap(), Outcome::Done);
            }
        }
    }
}
