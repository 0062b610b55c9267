//! A server with a chain, and requests that its keys sign.

use std::{
    fs,
    path::Path,
    process::Command,
    sync::atomic::{AtomicU16, Ordering},
};

use serde_json::Value;
use strongroom_engine::ports::{Clock, SystemClock};
use strongroom_primitives::{
    dc1::{self, Algorithm, Authorization, Parts, write_stamp},
    secret::SecretText,
};

use crate::kit::{Answer, Server, ask, strongroom, succeed};

pub(crate) const CHAIN: &str = "dLP759g8FC3iHaxE7PhvycuWxvjTTuWgBiH9ud4adRHr";
pub(crate) const ROOT: &str = "EAYRMSXDOSWY";
pub(crate) const ROOT_KEY: &str = "6S0c15MghGrpMwzz9EK2j3huQTFwH1EULdmofGXPDuj";

/// The variables that say all of it.
pub(crate) const PRESET: [(&str, &str); 3] = [
    ("STRONGROOM_DRAGONCHAIN_ID", CHAIN),
    ("STRONGROOM_DRAGONCHAIN_ROOT_KEY_ID", ROOT),
    ("STRONGROOM_DRAGONCHAIN_ROOT_KEY", ROOT_KEY),
];

/// What turns the chains on, over a store that is encrypted under a key in `root.key`.
pub(crate) const ENABLED: [&str; 4] =
    ["--set", "dragonchain.enabled=true", "--set", "storage.root_key_file=root.key"];

/// `serve` with the chains turned on, and these variables.
pub(crate) fn command(folder: &Path, variables: &[(&str, &str)], arguments: &[&str]) -> Command {
    if !folder.join("root.key").exists() {
        succeed(folder, &["store", "key", "new", "-o", "root.key"]);
    }
    let mut command = strongroom(folder);
    command.args(["serve", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"]).args(ENABLED);
    command.args(arguments).envs(variables.iter().copied());
    command
}

/// A running server with the chain.
pub(crate) fn serve(folder: &Path, variables: &[(&str, &str)]) -> Server {
    Server::start(folder, command(folder, variables, &["--set", "log.level=trace"]))
}

/// Whoever holds a key.
pub(crate) struct Holder {
    pub(crate) chain: String,
    pub(crate) id: String,
    pub(crate) key: SecretText,
}

impl Holder {
    pub(crate) fn root() -> Self {
        Self { chain: CHAIN.to_owned(), ..Self::of(ROOT, ROOT_KEY) }
    }

    pub(crate) fn of(id: &str, key: &str) -> Self {
        Self { chain: CHAIN.to_owned(), id: id.to_owned(), key: SecretText::new(key.to_owned()) }
    }

    /// The headers of a request that is signed now.
    pub(crate) fn sign(&self, verb: &str, path: &str, body: &str) -> Vec<(&'static str, String)> {
        static CHANCE: AtomicU16 = AtomicU16::new(0);
        let chance = CHANCE.fetch_add(1, Ordering::Relaxed) % 1_000;
        let timestamp = write_stamp(SystemClock::new().wall(), chance).unwrap();
        let content_type = if body.is_empty() { "" } else { "application/json" };
        let parts =
            Parts { verb, chain: &self.chain, timestamp: &timestamp, content_type, body: body.as_bytes() };
        let mac = dc1::sign(Algorithm::Sha256, &self.key, &parts, path).unwrap();
        let authorization = Authorization::write(Algorithm::Sha256, &self.id, &mac);
        vec![("dragonchain", self.chain.clone()), ("timestamp", timestamp), ("Authorization", authorization)]
    }

    /// Asks a server under its mount.
    pub(crate) fn ask(&self, server: &Server, verb: &str, path: &str, body: &str) -> Answer {
        send(&server.public, verb, &format!("/dragonchain{path}"), &self.sign(verb, path, body), body)
    }

    /// A new key.
    pub(crate) fn make(&self, server: &Server, body: &str) -> Self {
        let made = self.ask(server, "POST", "/v1/api-key", body);
        assert_eq!(made.status, 201, "{made:?}");
        let made: Value = made.json();
        Self::of(made["id"].as_str().unwrap(), made["key"].as_str().unwrap())
    }
}

/// Sends what was signed.
pub(crate) fn send(
    host: &str,
    verb: &str,
    target: &str,
    headers: &[(&'static str, String)],
    body: &str,
) -> Answer {
    let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, &**value)).collect();
    ask(host, verb, target, &headers, body).unwrap()
}

/// Expects a refusal for its signature.
#[track_caller]
pub(crate) fn is_unsigned(answer: &Answer, details: &str) {
    assert_eq!((answer.status, &answer.json()["error"]["details"]), (401, &details.into()), "{answer:?}");
}

/// Everything that a server has printed and logged.
pub(crate) fn said(folder: &Path) -> String {
    ["stdout", "stderr"].map(|name| fs::read_to_string(folder.join(name)).unwrap()).concat()
}
