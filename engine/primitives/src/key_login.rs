//! Signing in with an API key: both sides of the native login.
//!
//! ```text
//! client                                        server
//!                                          <-   a nonce, good for a short while and once
//! X25519 key; statement signed by the key  ->   signature, nonce and key are checked
//! signature and grant are checked          <-   X25519 key; grant sealed; all of it signed by the server's identity
//! ```
//!
//! The statement names the key, the nonce, the client's X25519 key, the server that it is meant for and what is asked
//! of it, so a captured login is good nowhere else and never again. The server's signature covers the client's, so the
//! answer belongs to this login. The grant is sealed under what the two X25519 keys agree on: that it opens shows the
//! client that the server holds that key, and whoever later shows what was in the grant has shown the server that they
//! hold theirs. Both X25519 keys are of this login alone: what was granted stays closed even to whoever learns the API
//! key and the server's identity afterwards.
//!
//! The statement is bytes of one spelling, with every length in it: `strongroom api key login v1`, 0, then for each
//! field its length as 8 bytes, little endian, and its bytes.

use std::fmt;

use zeroize::Zeroizing;

use crate::{
    hash::sha256,
    id::ApiKeyId,
    nacl::{BoxKey, BoxPublic, BoxSecret, LowOrder},
    seal::{NONCE_BYTES, Place, SealKey},
    sign::{SigningKey, VerifyingKey},
};

const STATEMENT: &[u8] = b"strongroom api key login v1\0";
const ANSWER: &[u8] = b"strongroom api key login answer v1\0";
const GRANT: &str = "strongroom api key login grant v1";

/// Why a login or its answer is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyLoginError {
    /// The signature is not that key's over these bytes.
    #[error("the signature is not by this key")]
    Signature,
    /// The other side's X25519 key is a point of low order.
    #[error("the public key is a point of low order")]
    LowOrder,
    /// The grant does not open: it was sealed in another login.
    #[error("the answer was not made for this login")]
    Grant,
}

impl From<LowOrder> for KeyLoginError {
    fn from(_: LowOrder) -> Self {
        Self::LowOrder
    }
}

/// What a client signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Statement<'a> {
    /// Which key.
    pub api_key: ApiKeyId,
    /// What the server gave out for this login: 32 bytes.
    pub nonce: &'a [u8; 32],
    /// The client's X25519 key for this login.
    pub client_public: &'a [u8; 32],
    /// The Ed25519 key of the server that it is meant for.
    pub server: &'a [u8; 32],
    /// How long the session is wanted, in seconds; as long as the key allows, if nothing is said.
    pub life_s: Option<u64>,
    /// What the session is to be called.
    pub label: &'a str,
}

impl Statement<'_> {
    /// The bytes that are signed.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let life = self.life_s.map(u64::to_le_bytes);
        let fields: [&[u8]; 6] = [
            self.api_key.as_bytes(),
            self.nonce,
            self.client_public,
            self.server,
            life.as_ref().map_or(&[], |life| &life[..]),
            self.label.as_bytes(),
        ];
        joined(STATEMENT, &fields)
    }

    /// Takes a client's signature over exactly these bytes as good: somebody has verified it.
    ///
    /// # Errors
    /// [`KeyLoginError::LowOrder`].
    pub fn accepted(&self, signature: &[u8; 64]) -> Result<Verified, KeyLoginError> {
        let client_public = BoxPublic::from_bytes(*self.client_public)?;
        Ok(Verified { client_public, login: login_hash(&self.to_bytes(), signature) })
    }

    /// Checks a client's signature, strictly, over exactly these bytes.
    ///
    /// # Errors
    /// [`KeyLoginError::LowOrder`] before any curve operation; [`KeyLoginError::Signature`].
    pub fn verify(&self, key: &VerifyingKey, signature: &[u8; 64]) -> Result<Verified, KeyLoginError> {
        let verified = self.accepted(signature)?;
        key.verify(&self.to_bytes(), signature).map_err(|_| KeyLoginError::Signature)?;
        Ok(verified)
    }
}

/// The server's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The server's X25519 key for this login.
    pub server_public: [u8; 32],
    /// What is granted, sealed.
    pub grant: Vec<u8>,
    /// By the server's identity over the login, the server's key and the grant.
    pub signature: [u8; 64],
}

/// A login whose signature is the key's.
#[derive(Debug)]
pub struct Verified {
    client_public: BoxPublic,
    /// SHA-256 of the statement and its signature.
    login: [u8; 32],
}

impl Verified {
    /// Answers with a grant. `drawn` makes the server's X25519 key and `nonce` is for the seal: fresh chance, both;
    /// `sign` is the server's identity.
    ///
    /// # Errors
    /// [`KeyLoginError::LowOrder`].
    pub fn answer(
        &self,
        grant: &[u8],
        drawn: [u8; 32],
        nonce: [u8; NONCE_BYTES],
        sign: impl FnOnce(&[u8]) -> [u8; 64],
    ) -> Result<Answer, KeyLoginError> {
        let secret = BoxSecret::from_seed(drawn);
        let server_public = *secret.public().as_bytes();
        let key = secret.agree(&self.client_public)?;
        let place = place(&self.login, &server_public);
        let grant = seal_key(&key).seal(nonce, &place, grant);
        let signature = sign(&answer_bytes(&self.login, &server_public, &grant));
        Ok(Answer { server_public, grant, signature })
    }
}

/// A client's login that waits for its answer.
pub struct KeyLogin {
    secret: BoxSecret,
    server: VerifyingKey,
    login: [u8; 32],
}

/// What a client sends beside what the statement says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signed {
    /// The client's X25519 key for this login.
    pub client_public: [u8; 32],
    /// The API key's, over the statement.
    pub signature: [u8; 64],
}

impl KeyLogin {
    /// Signs a login to `server` with the nonce that it gave out. `drawn` makes the client's X25519 key: fresh chance.
    #[must_use]
    pub fn start(
        key: &SigningKey,
        api_key: ApiKeyId,
        server: VerifyingKey,
        nonce: &[u8; 32],
        drawn: [u8; 32],
        life_s: Option<u64>,
        label: &str,
    ) -> (Self, Signed) {
        let secret = BoxSecret::from_seed(drawn);
        let client_public = *secret.public().as_bytes();
        let server_bytes = *server.as_bytes();
        let (client, server_key) = (&client_public, &server_bytes);
        let statement =
            Statement { api_key, nonce, client_public: client, server: server_key, life_s, label };
        let bytes = statement.to_bytes();
        let signature = key.sign(&bytes);
        (Self { secret, server, login: login_hash(&bytes, &signature) }, Signed { client_public, signature })
    }

    /// Opens the answer: what was granted.
    ///
    /// # Errors
    /// [`KeyLoginError`]; nothing of a refused answer is used.
    pub fn finish(self, answer: &Answer) -> Result<Zeroizing<Vec<u8>>, KeyLoginError> {
        let Answer { server_public, grant, signature } = answer;
        let signed = answer_bytes(&self.login, server_public, grant);
        self.server.verify(&signed, signature).map_err(|_| KeyLoginError::Signature)?;
        let key = self.secret.agree(&BoxPublic::from_bytes(*server_public)?)?;
        let place = place(&self.login, server_public);
        seal_key(&key).open(&place, grant).map_err(|_| KeyLoginError::Grant)
    }
}

impl fmt::Debug for KeyLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyLogin(..)")
    }
}

fn joined(label: &[u8], fields: &[&[u8]]) -> Vec<u8> {
    let mut bytes = label.to_vec();
    for field in fields {
        bytes.extend_from_slice(&(field.len() as u64).to_le_bytes());
        bytes.extend_from_slice(field);
    }
    bytes
}

fn login_hash(statement: &[u8], signature: &[u8; 64]) -> [u8; 32] {
    sha256(&[statement, signature].concat())
}

fn answer_bytes(login: &[u8; 32], server_public: &[u8; 32], grant: &[u8]) -> Vec<u8> {
    joined(ANSWER, &[login, server_public, grant])
}

fn place(login: &[u8; 32], server_public: &[u8; 32]) -> Place {
    Place::new("api key login grant", &[login, server_public])
}

fn seal_key(key: &BoxKey) -> SealKey {
    SealKey::derive(key.expose(), GRANT)
}

#[cfg(test)]
mod tests;
