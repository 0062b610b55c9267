//! Reading native records over HTTP: one record per identity, made once and asked for over and over.

use std::net::SocketAddr;

use anyhow::{bail, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use serde_json::json;

use super::token::Application;
use crate::net::http1::{Http1, request};
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
