//! Keys of a chain, and what they sign: each request anew, as the vendor's clients do it.
//!
//! Signing is the generator's work and is not booked against the server. A client has a key of its own, which may look
//! at keys and not change them, and asks for that key over and over.

use std::net::SocketAddr;

use anyhow::{Context, bail, ensure};
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use serde_json::Value;
use strongroom_primitives::dc1::{self, Algorithm, Authorization, Parts, write_stamp};
use strongroom_primitives::secret::SecretText;
use strongroom_primitives::time::Timestamp;

use crate::measure::clock::unix_ms;
use crate::net::http1::{Http1, request};
use crate::run::{Connector, Driver, Outcome};

/// Where the chain is served.
pub(super) const MOUNT: &str = "/dragonchain";
/// The load's own chain and its root key. They open nothing but servers that this program made a moment ago.
pub(super) const CHAIN: &str = "dLP759g8FC3iHaxE7PhvycuWxvjTTuWgBiH9ud4adRHr";
pub(super) const ROOT: &str = "LOADROOTLOAD";
pub(super) const ROOT_KEY: &str = "0loadloadloadloadloadloadloadloadloadload0";

/// The path of keys, as it is signed: without the mount.
const KEYS: &str = "/v1/api-key";

/// A key of the chain, and how many requests it has signed.
#[derive(Clone)]
pub(crate) struct Key {
    id: String,
    secret: SecretText,
    signed: u16,
}

impl Key {
    fn new(id: &str, secret: &str) -> Key {
        Key { id: id.to_owned(), secret: SecretText::new(secret.to_owned()), signed: 0 }
    }

    /// Has the root key make `count` keys at `address`, as keys are made that say nothing of their permissions.
    ///
    /// # Errors
    /// The server does not answer, or refuses.
    pub(crate) async fn make(address: SocketAddr, count: usize) -> anyhow::Result<Vec<Key>> {
        let mut root = Key::new(ROOT, ROOT_KEY);
        let mut connection = Http1::connect(address).await?;
        let mut keys = Vec::with_capacity(count);
        for _ in 0..count {
            let question = root.sign(address, "POST", KEYS)?;
            let answer = connection.ask(&question, "").await?;
            ensure!(answer.status == 201, "a key was not made: status {}", answer.status);
            let made: Value = serde_json::from_slice(answer.body)?;
            let text = |name| made[name].as_str().context("an answer without a key");
            keys.push(Key::new(text("id")?, text("key")?));
        }
        Ok(keys)
    }

    /// A request without a body, signed now, whole and ready.
    fn sign(&mut self, address: SocketAddr, verb: &str, path: &str) -> anyhow::Result<Vec<u8>> {
        // Within a millisecond nobody signs a thousand requests, and no two of them may be alike.
        self.signed = (self.signed + 1) % 1_000;
        let timestamp = write_stamp(Timestamp::from_ms(unix_ms()), self.signed)?;
        let parts = Parts { verb, chain: CHAIN, timestamp: &timestamp, content_type: "", body: b"" };
        let mac = dc1::sign(Algorithm::Sha256, &self.secret, &parts, path)?;
        let headers = [
            format!("dragonchain: {CHAIN}"),
            format!("timestamp: {timestamp}"),
            format!("Authorization: {}", Authorization::write(Algorithm::Sha256, &self.id, &mac)),
        ];
        let headers = headers.each_ref().map(String::as_str);
        // Without a body a POST says so, as a server may insist on.
        let none = ["Content-Length: 0"];
        let none = if verb == "POST" { &none[..] } else { &[] };
        Ok(request(verb, &format!("{MOUNT}{path}"), address, &[&headers[..], none].concat(), None))
    }
}

/// Opens clients that sign, each with a key of its own.
pub(crate) struct SignedReads {
    address: SocketAddr,
    keys: Vec<Key>,
}

impl SignedReads {
    /// Clients of the server at `address`, which has made these keys: at least one for each client.
    pub(crate) fn new(address: SocketAddr, keys: Vec<Key>) -> SignedReads {
        SignedReads { address, keys }
    }
}

impl Connector for SignedReads {
    fn connect(&self, client: usize, _: usize) -> LocalBoxFuture<'_, anyhow::Result<Box<dyn Driver>>> {
        async move {
            let key = self.keys.get(client).context("a client without a key")?.clone();
            let path = format!("{KEYS}/{}", key.id);
            let connection = Http1::connect(self.address).await?;
            Ok(Box::new(Signer { connection, address: self.address, key, path }) as Box<dyn Driver>)
        }
        .boxed_local()
    }
}

struct Signer {
    connection: Http1,
    address: SocketAddr,
    key: Key,
    path: String,
}

impl Driver for Signer {
    fn put(&mut self) -> LocalBoxFuture<'_, anyhow::Result<Outcome>> {
        async { bail!("what is here is only read") }.boxed_local()
    }

    fn get(&mut self) -> LocalBoxFuture<'_, anyhow::Result<Outcome>> {
        async move {
            let question = self.key.sign(self.address, "GET", &self.path)?;
            let answer = self.connection.ask(&question, "").await?;
            ensure!(answer.status == 200, "status {}", answer.status);
            ensure!(answer.body.starts_with(b"{\"id\":"), "an answer without a key");
            Ok(Outcome::Done)
        }
        .boxed_local()
    }
}

#[cfg(test)]
mod tests {
    use super::super::in_process::server;
    use super::*;

    #[tokio::test]
    async fn a_client_has_a_key_of_its_own_and_signs_each_request_anew() {
        let address = server();
        let keys = Key::make(address, 2).await.unwrap();
        assert_ne!(keys[0].id, keys[1].id);
        let signed = SignedReads::new(address, keys);
        for client in 0..2 {
            let mut driver = signed.connect(client, 0).await.unwrap();
            for _ in 0..5 {
                assert_eq!(driver.get().await.unwrap(), Outcome::Done);
            }
        }
        assert!(signed.connect(2, 0).await.is_err(), "there is no key for a third client");
    }

    /// What is measured is taken once: a request that is sent again is refused, and an error of the driver.
    #[tokio::test]
    async fn a_signature_is_taken_once() {
        let address = server();
        let mut keys = Key::make(address, 1).await.unwrap();
        let path = format!("{KEYS}/{}", keys[0].id);
        let question = keys[0].sign(address, "GET", &path).unwrap();
        let mut connection = Http1::connect(address).await.unwrap();
        assert_eq!(connection.ask(&question, "").await.unwrap().status, 200);
        assert_eq!(connection.ask(&question, "").await.unwrap().status, 401);
    }
}
