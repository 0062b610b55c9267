//! Native records over WebSocket: one record per identity, asked for and replaced in JSON frames.
//!
//! Frames are written out here rather than taken from the server's own crate, as any outside client would have to.
//! Answers are searched for the one member that is needed instead of being parsed whole: the bare echo beside which
//! they are measured is not parsed either, and the difference would be booked against the server.

use std::net::SocketAddr;

use anyhow::{Context, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use serde_json::{Value, json};

use super::token::Application;
use crate::net::ws::Ws;
use crate::payload::Payload;
use crate::run::{Connector, Driver, Outcome};

const PATH: &str = "/v1/ws";
/// How every answer begins; whatever else comes is read with more care.
const ANSWER: &str = r#"{"answer":"#;
const TAG: &str = r#""tag":""#;

/// A signed-in connection to the native interface.
pub(crate) struct Link {
    socket: Ws,
    asked: u64,
}

/// What a question came to.
#[derive(Debug, PartialEq)]
enum Reply {
    /// The tag of the record that was read or written.
    Record(String),
    /// Another state than the writer believed, with its tag.
    Stale(String),
    /// No such record.
    Absent,
}

impl Link {
    /// Connects to the server at `address` and waits for its welcome.
    pub(crate) async fn open(
        address: SocketAddr,
        application: &Application,
        identity: &str,
    ) -> anyhow::Result<Link> {
        let authorization = format!("Virgil {}", application.token(identity));
        let mut socket = Ws::connect(address, PATH, Some(&authorization)).await?;
        let first = socket.receive().await?;
        if !first.starts_with(r#"{"welcome":"#) {
            bail!("not welcome: {}", first.as_str());
        }
        Ok(Link { socket, asked: 0 })
    }

    /// Follows the caller's own feed from now on.
    pub(crate) async fn subscribe(&mut self) -> anyhow::Result<()> {
        self.asked += 1;
        let frame = json!({ "subscribe": { "id": self.asked, "subscription": 1 } });
        self.socket.send(frame.to_string().into()).await?;
        let answer = self.socket.receive().await?;
        if !answer.starts_with(r#"{"subscribed":"#) {
            bail!("not subscribed: {}", answer.as_str());
        }
        Ok(())
    }

    /// Waits until the server ends the connection; what it sends meanwhile is dropped.
    pub(crate) async fn idle(mut self) -> anyhow::Error {
        loop {
            if let Err(error) = self.socket.receive().await {
                return error;
            }
        }
    }

    /// Asks `operation`, the text of a JSON object.
    async fn ask(&mut self, operation: &str) -> anyhow::Result<Reply> {
        self.asked += 1;
        let id = self.asked;
        self.socket.send(format!(r#"{{"ask":{{"id":{id},"do":{operation}}}}}"#).into()).await?;
        read_reply(self.socket.receive().await?.as_str())
    }
}

fn read_reply(text: &str) -> anyhow::Result<Reply> {
    if text.starts_with(ANSWER) {
        let (_, rest) = text.split_once(TAG).context("an answer without a tag")?;
        let (tag, _) = rest.split_once('"').context("a tag without an end")?;
        return Ok(Reply::Record(tag.to_owned()));
    }
    let frame: Value = serde_json::from_str(text)?;
    let problem = &frame["problem"]["problem"];
    match (&problem["head"]["tag"], problem["status"].as_u64()) {
        (Value::String(tag), _) => Ok(Reply::Stale(tag.clone())),
        (_, Some(404)) => Ok(Reply::Absent),
        _ => bail!("the server answered {text}"),
    }
}

/// Opens clients, each with an identity and a token of its own.
pub(crate) struct NativeConnector {
    address: SocketAddr,
    application: Application,
}

impl NativeConnector {
    /// Clients of the server at `address` with tokens of `application`.
    pub(crate) fn new(address: SocketAddr, application: &Application) -> NativeConnector {
        NativeConnector { address, application: application.clone() }
    }
}

impl Connector for NativeConnector {
    fn connect(
        &self,
        client: usize,
        value_bytes: usize,
    ) -> LocalBoxFuture<'_, anyhow::Result<Box<dyn Driver>>> {
        async move {
            let name = format!(r#"["load","{value_bytes}"]"#);
            let mut driver = NativeDriver {
                link: Link::open(self.address, &self.application, &format!("native-{client}")).await?,
                get: format!(r#"{{"records.get":{{"name":{name}}}}}"#),
                name,
                payload: Payload::new(client, value_bytes),
                tag: None,
            };
            driver.reread().await?;
            if driver.tag.is_none() && driver.put().await? != Outcome::Done {
                bail!("somebody else writes the record of client {client}");
            }
            Ok(Box::new(driver) as Box<dyn Driver>)
        }
        .boxed_local()
    }
}

struct NativeDriver {
    link: Link,
    get: String,
    /// The record's name as a JSON array.
    name: String,
    payload: Payload,
    /// Of the record as last read or written; nothing while it does not exist.
    tag: Option<String>,
}

impl NativeDriver {
    async fn reread(&mut self) -> anyhow::Result<()> {
        self.tag = match self.link.ask(&self.get).await? {
            Reply::Record(tag) => Some(tag),
            Reply::Absent => None,
            Reply::Stale(_) => bail!("a read was refused for its head"),
        };
        Ok(())
    }
}

impl Driver for NativeDriver {
    fn put(&mut self) -> LocalBoxFuture<'_, anyhow::Result<Outcome>> {
        async move {
            self.payload.turn();
            let (meta, value) = self.payload.parts();
            let (meta, value) = (STANDARD.encode(meta), STANDARD.encode(value));
            let previous = match &self.tag {
                Some(tag) => format!(r#"{{"tag":"{tag}"}}"#),
                None => r#""absent""#.to_owned(),
            };
            let operation = format!(
                r#"{{"records.put":{{"name":{},"meta":"{meta}","value":"{value}","previous":{previous}}}}}"#,
                self.name
            );
            match self.link.ask(&operation).await? {
                Reply::Record(tag) => {
                    self.tag = Some(tag);
                    Ok(Outcome::Done)
                }
                Reply::Stale(_) | Reply::Absent => {
                    self.reread().await?;
                    Ok(Outcome::Refused)
                }
            }
        }
        .boxed_local()
    }

    fn get(&mut self) -> LocalBoxFuture<'_, anyhow::Result<Outcome>> {
        async move {
            match self.link.ask(&self.get).await? {
                Reply::Record(tag) if self.tag.as_ref() == Some(&tag) => Ok(Outcome::Done),
                other => bail!("read another record than the one written: {other:?}"),
            }
        }
        .boxed_local()
    }
}

#[cfg(test)]
mod tests;
