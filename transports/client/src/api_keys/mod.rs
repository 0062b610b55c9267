//! API keys: a person makes them, and programs sign in with them.
//!
//! [`ApiKeys`] are the keys of whoever is signed in: made, listed, changed, revoked. [`Client::sign_in_with_key`] is the
//! other side, for a program that holds an [`ApiKeyCredential`] and nothing else.
//!
//! Believe this: a program signs in to the server that its key was made at, and to no other. Whoever else answers is
//! refused before anything of the answer is used, and what the program has signed is good for nobody else.
//!
//! Whatever is kept of keys is sealed as its 64 hexadecimal digits, so clients of Psono open it too
//! (`dialects/psono.md`, section 2).

mod attached;
mod owner;
mod sign_in;
#[cfg(test)]
mod tests;

use std::fmt;

use strongroom_primitives::id::ApiKeyId;
use strongroom_primitives::key_login::KeyLoginError;
use strongroom_primitives::nacl::{BoxKey, BoxSecret};
use strongroom_primitives::sign::{SigningKey, VerifyingKey};
use strongroom_primitives::time::Timestamp;
use strongroom_wire::{ApiKey, ApiKeyChallenge, Base64Array, Change, NewApiKey, Operation, Reply};
use zeroize::Zeroizing;

pub use attached::AttachedSecret;
pub use owner::OwnerKeys;
pub use sign_in::{KeySignInOptions, KeySignedIn};

use crate::boxes::{self, DoesNotOpen};
use crate::checks::wrong_kind;
use crate::client::Client;
use crate::error::ClientError;
use crate::keyknox::ports::{NoEntropy, draw};

/// Why something was not done with an API key. Never contains any of a secret.
#[derive(Debug, thiserror::Error)]
pub enum ApiKeyError {
    /// The server, or the way to it.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The answer to a sign-in is not by the server that the key was made at, or not to this sign-in. Nothing of it was
    /// kept.
    #[error("the answer is not by the server that the API key was made at: {0}")]
    Answer(#[from] KeyLoginError),
    /// What is kept with an API key does not open: it was changed, or is under another key.
    #[error("what is kept with the API key does not open")]
    DoesNotOpen,
}

impl From<DoesNotOpen> for ApiKeyError {
    fn from(DoesNotOpen: DoesNotOpen) -> Self {
        Self::DoesNotOpen
    }
}

impl From<NoEntropy> for ApiKeyError {
    fn from(error: NoEntropy) -> Self {
        Self::Client(error.into())
    }
}

/// What a program signs in with. To be kept as carefully as a password.
#[derive(Clone)]
pub struct ApiKeyCredential {
    /// Which key.
    pub id: ApiKeyId,
    /// The seed of both its private keys, Ed25519 and X25519: 32 bytes.
    pub seed: Zeroizing<[u8; 32]>,
    /// The server that it was made at: Ed25519.
    pub server: VerifyingKey,
}

impl fmt::Debug for ApiKeyCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApiKeyCredential({:?})", self.id)
    }
}

/// What an API key is to be. It may nothing unless said.
#[derive(Debug, Clone, Default)]
pub struct ApiKeyOptions {
    /// What its owner calls it; at most 1,024 bytes.
    pub title: String,
    /// Whether it may look.
    pub read: bool,
    /// Whether it may change something.
    pub write: bool,
    /// Whether it reaches only the secrets that are attached to it.
    pub restrict: bool,
    /// Whether the server may be given the key of its secrets.
    pub insecure: bool,
    /// The last instant at which it is good; `None` until it is revoked.
    pub expires: Option<Timestamp>,
}

/// What is to be different about an API key. What is `None` stays as it is.
#[derive(Debug, Clone, Default)]
pub struct ApiKeyChange {
    /// What its owner calls it; at most 1,024 bytes.
    pub title: Option<String>,
    /// Whether it may look.
    pub read: Option<bool>,
    /// Whether it may change something.
    pub write: Option<bool>,
    /// Whether it reaches only the secrets that are attached to it.
    pub restrict: Option<bool>,
    /// Whether the server may be given the key of its secrets.
    pub insecure: Option<bool>,
    /// Whether it signs in at all. One that no longer does has no sessions.
    pub active: Option<bool>,
    /// The last instant at which it is good, if it is to have one. A later one than before is refused to whoever has
    /// not the rights that the key has.
    pub expires: Change<Timestamp>,
}

/// An API key that was made.
#[derive(Debug)]
pub struct ApiKeyMade {
    /// The key, as the server keeps it.
    pub key: ApiKey,
    /// What its program signs in with.
    pub credential: ApiKeyCredential,
    /// What its program opens the owner's keys with.
    pub secret_key: BoxKey,
}

/// The API keys of a client's caller, who is never an API key.
#[derive(Debug, Clone)]
pub struct ApiKeys {
    client: Client,
}

impl Client {
    /// The caller's API keys.
    #[must_use]
    pub fn api_keys(&self) -> ApiKeys {
        ApiKeys { client: self.clone() }
    }
}

impl ApiKeys {
    /// Draws an API key and makes it known. The server is taken for what it says it is now: ask over a connection that
    /// proves that.
    ///
    /// # Errors
    /// [`ApiKeyError::Client`].
    pub async fn create(&self, options: ApiKeyOptions, owner: &OwnerKeys) -> Result<ApiKeyMade, ApiKeyError> {
        let server = VerifyingKey::from_bytes(&challenge(&self.client).await?.server_key.0)
            .map_err(|_| ClientError::protocol("its key is not one"))?;
        let entropy = &*self.client.options.ports.entropy;
        let seed = Zeroizing::new(draw::<32>(entropy)?);
        let secret_key = BoxKey::from_bytes(draw(entropy)?);
        let ApiKeyOptions { title, read, write, restrict, insecure, expires } = options;
        let new = NewApiKey {
            title,
            public_key: Base64Array(*BoxSecret::from_seed(*seed).public().as_bytes()),
            verify_key: Base64Array(*SigningKey::from_seed(&seed).verifying_key().as_bytes()),
            private_key: boxes::seal_key(entropy, &owner.secret_key, &seed)?,
            secret_key: boxes::seal_key(entropy, &owner.secret_key, secret_key.expose())?,
            user_private_key: boxes::seal_key(entropy, &secret_key, &owner.private_key)?,
            user_secret_key: boxes::seal_key(entropy, &secret_key, owner.secret_key.expose())?,
            read,
            write,
            restrict,
            insecure,
            expires,
        };
        let key = self.key(Operation::CreateApiKey(Box::new(new))).await?;
        let credential = ApiKeyCredential { id: key.id, seed, server };
        Ok(ApiKeyMade { key, credential, secret_key })
    }

    /// The API keys, in the order in which they were made.
    ///
    /// # Errors
    /// [`ApiKeyError::Client`].
    pub async fn list(&self) -> Result<Vec<ApiKey>, ApiKeyError> {
        match self.client.ask(Operation::ListApiKeys {}).await? {
            Reply::ApiKeys(list) => Ok(list.api_keys),
            _ => Err(wrong_kind().into()),
        }
    }

    /// Changes an API key, and at once what its sessions may do.
    ///
    /// # Errors
    /// [`ApiKeyError::Client`], among it `unknown-api-key`.
    pub async fn update(&self, id: ApiKeyId, change: ApiKeyChange) -> Result<ApiKey, ApiKeyError> {
        let ApiKeyChange { title, read, write, restrict, insecure, active, expires } = change;
        self.key(Operation::UpdateApiKey { id, title, read, write, restrict, insecure, active, expires })
            .await
    }

    /// Ends an API key for ever, and with it its sessions.
    ///
    /// # Errors
    /// [`ApiKeyError::Client`], among it `unknown-api-key`.
    pub async fn revoke(&self, id: ApiKeyId) -> Result<(), ApiKeyError> {
        Ok(self.client.ask(Operation::RevokeApiKey { id }).await.map(drop)?)
    }

    async fn key(&self, operation: Operation) -> Result<ApiKey, ApiKeyError> {
        match self.client.ask(operation).await? {
            Reply::ApiKey(key) => Ok(key),
            _ => Err(wrong_kind().into()),
        }
    }
}

/// What a sign-in is signed over, and the server's present identity.
async fn challenge(client: &Client) -> Result<ApiKeyChallenge, ClientError> {
    match client.ask(Operation::ChallengeApiKey {}).await? {
        Reply::ApiKeyChallenge(challenge) => Ok(challenge),
        _ => Err(wrong_kind()),
    }
}
