//! Signing up and in as the published Meeco clients do, over one kept-alive connection.
//!
//! Passwords are given, not derived: what PBKDF2 costs a client is no work of the server's.

use std::net::SocketAddr;

use anyhow::{Context, bail};
use serde_json::{Value, json};
use strongroom_primitives::encoding::{from_hex, to_hex};
use strongroom_primitives::srp::{Client, Ephemeral, Profile, Salt, ServerPublic, register};

use crate::net::http1::{Http1, request};

const PASSWORD: &[u8] = b"thirty-two bytes of a derivation";
const PROFILE: Profile = Profile::MEECO;

/// A connection to the keystore, and a count that makes every ephemeral secret another.
pub(crate) struct Keystore {
    address: SocketAddr,
    connection: Http1,
    chance: [u8; 32],
}

impl Keystore {
    /// Connects. `number` tells the chance of this client from that of others.
    pub(crate) async fn connect(address: SocketAddr, number: usize) -> anyhow::Result<Keystore> {
        let mut chance = [0x5a; 32];
        chance[..8].copy_from_slice(&(number as u64).to_be_bytes());
        Ok(Keystore { address, connection: Http1::connect(address).await?, chance })
    }

    /// Makes a user and says their name.
    pub(crate) async fn sign_up(&mut self) -> anyhow::Result<String> {
        let reserved = self.post("/srp/username", &json!({}), 200).await?;
        let username = text(&reserved, "/username")?;
        let salt = Salt::new(&[7; 32])?;
        let verifier = register(PROFILE, &username, PASSWORD, &salt)?;
        let body = json!({
            "username": username,
            "srp_salt": to_hex(salt.as_bytes()),
            "srp_verifier": to_hex(verifier.expose()),
        });
        self.post("/srp/users", &body, 201).await?;
        Ok(username)
    }

    /// Signs in: a challenge and a session.
    pub(crate) async fn sign_in(&mut self, username: &str) -> anyhow::Result<()> {
        for byte in self.chance.iter_mut().rev() {
            *byte = byte.wrapping_add(1);
            if *byte != 0 {
                break;
            }
        }
        let client = Client::start(PROFILE, Ephemeral::new(self.chance))?;
        let public = to_hex(client.public().as_bytes());
        let challenge = self.challenge(username, &public).await?;
        let salt = Salt::new(&from_hex(&text(&challenge, "/challenge/challenge_salt")?)?)?;
        let server_public =
            ServerPublic::new(PROFILE, &from_hex(&text(&challenge, "/challenge/challenge_b")?)?)?;
        let pending = client.prove(username, PASSWORD, &salt, &server_public)?;
        self.session(username, &public, &to_hex(pending.m1().expose()), 201).await
    }

    /// Fails to sign in, at the same cost for the server and none for the client.
    pub(crate) async fn guess(&mut self, username: &str) -> anyhow::Result<()> {
        self.challenge(username, "09").await?;
        self.session(username, "09", &"01".repeat(32), 401).await
    }

    async fn challenge(&mut self, username: &str, public: &str) -> anyhow::Result<Value> {
        self.post("/srp/challenges", &json!({ "username": username, "srp_a": public }), 200).await
    }

    async fn session(
        &mut self,
        username: &str,
        public: &str,
        proof: &str,
        expected: u16,
    ) -> anyhow::Result<()> {
        let body = json!({ "username": username, "srp_a": public, "srp_m": proof });
        self.post("/srp/session", &body, expected).await.map(drop)
    }

    async fn post(&mut self, path: &str, body: &Value, expected: u16) -> anyhow::Result<Value> {
        let headers = ["Meeco-Subscription-Key: load"];
        let path = format!("/meeco/keystore{path}");
        let question = request("POST", &path, self.address, &headers, Some(body.to_string().as_bytes()));
        let answer = self.connection.ask(&question, "").await?;
        if answer.status != expected {
            bail!("{path} answered {}: {}", answer.status, String::from_utf8_lossy(answer.body));
        }
        Ok(serde_json::from_slice(answer.body)?)
    }
}

fn text(body: &Value, pointer: &str) -> anyhow::Result<String> {
    body.pointer(pointer)
        .and_then(Value::as_str)
        .map(str::to_owned)
        .with_context(|| format!("an answer without {pointer}"))
}
