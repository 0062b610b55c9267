//! Chains, and the service keys that sign requests to them.
//!
//! [`Chains`] are the operator's: a client that comes with the operator's token ([`Token::operator`](crate::Token::operator))
//! to the operator's listener, or over a link in memory that was opened for the operator. [`ServiceKeys`] are the keys of a
//! chain, for the operator or for a service key that may.
//!
//! Believe this: a secret is shown once, in the answer that makes it. A try whose answer was lost is repeated under the same
//! idempotency key, so no secret is lost on the way; who loses it afterwards makes another.

use strongroom_primitives::{
    dc1::{ChainId, KeyId, permissions::PermissionsDocument},
    time::Timestamp,
};
use strongroom_wire::{
    Base64Array, Chain, Change, NewChain, NewServiceKey, Operation, Reply, RootKey, ServiceKey,
    ServiceKeyInUse, ServiceKeyKind, ServiceKeyMade, TokenText,
};

use crate::checks::wrong_kind;
use crate::{Client, ClientError};

/// The chains of a server.
#[derive(Debug, Clone)]
pub struct Chains {
    client: Client,
}

/// The keys of a chain.
#[derive(Debug, Clone)]
pub struct ServiceKeys {
    client: Client,
    chain: Option<ChainId>,
}

/// What a service key is to be.
#[derive(Debug, Clone, Default)]
pub struct ServiceKeyOptions {
    /// How it signs.
    pub kind: ServiceKeyKind,
    /// The public half of a key that signs with Ed25519, 32 bytes; no other kind has one.
    pub public_key: Option<[u8; 32]>,
    /// What it is called; may be empty.
    pub nickname: String,
    /// What it may do; `None` for everything but making, changing and deleting keys.
    pub permissions: Option<PermissionsDocument>,
    /// The last instant at which it signs, if limited.
    pub expires: Option<Timestamp>,
}

/// What becomes of a service key. What is not named stays.
#[derive(Debug, Clone, Default)]
pub struct ServiceKeyChange {
    /// What it is called; may be empty.
    pub nickname: Option<String>,
    /// What it may do.
    pub permissions: Option<PermissionsDocument>,
    /// The last instant at which it signs.
    pub expires: Change<Timestamp>,
}

impl Client {
    /// The chains of the server, for the operator.
    #[must_use]
    pub fn chains(&self) -> Chains {
        Chains { client: self.clone() }
    }

    /// The keys of a chain; `None` for that of the service key that asks.
    #[must_use]
    pub fn service_keys(&self, chain: Option<ChainId>) -> ServiceKeys {
        ServiceKeys { client: self.clone(), chain }
    }
}

impl Chains {
    /// Makes a chain and its root key. What is not named is drawn by the server.
    ///
    /// # Errors
    /// [`ClientError`], among it `chain-exists` and `store-not-encrypted`.
    pub async fn create(&self, new: NewChain) -> Result<RootKey, ClientError> {
        self.root_key(Operation::CreateChain(new)).await
    }

    /// All chains, in the order of their ids.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn list(&self) -> Result<Vec<Chain>, ClientError> {
        match self.client.ask(Operation::ListChains {}).await? {
            Reply::Chains(list) => Ok(list.chains),
            _ => Err(wrong_kind()),
        }
    }

    /// Gives a chain a new root key, under the id `root` or the present one; the one before signs nothing any more.
    ///
    /// # Errors
    /// [`ClientError`], among it `unknown-chain` and `key-id-taken`.
    pub async fn rotate_root(
        &self,
        chain: ChainId,
        root: Option<KeyId>,
        secret: Option<TokenText>,
    ) -> Result<RootKey, ClientError> {
        self.root_key(Operation::RotateRoot { chain, root, secret }).await
    }

    async fn root_key(&self, operation: Operation) -> Result<RootKey, ClientError> {
        match self.client.ask(operation).await? {
            Reply::RootKey(key) => Ok(key),
            _ => Err(wrong_kind()),
        }
    }
}

impl ServiceKeys {
    /// Makes a key.
    ///
    /// # Errors
    /// [`ClientError`], among it `unknown-chain` and `service-key-widens`.
    pub async fn create(&self, options: ServiceKeyOptions) -> Result<ServiceKeyMade, ClientError> {
        let ServiceKeyOptions { kind, public_key, nickname, permissions, expires } = options;
        let (chain, permissions) = (self.chain.clone(), text_of(permissions));
        let public_key = public_key.map(Base64Array);
        let new = NewServiceKey { chain, kind, public_key, nickname, permissions, expires };
        self.made(Operation::CreateServiceKey(Box::new(new))).await
    }

    /// The keys, in the order of their ids, the root key included.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn list(&self) -> Result<Vec<ServiceKey>, ClientError> {
        match self.client.ask(Operation::ListServiceKeys { chain: self.chain.clone() }).await? {
            Reply::ServiceKeys(list) => Ok(list.service_keys),
            _ => Err(wrong_kind()),
        }
    }

    /// Shows a key.
    ///
    /// # Errors
    /// [`ClientError`], among it `unknown-service-key`.
    pub async fn get(&self, id: KeyId) -> Result<ServiceKey, ClientError> {
        self.key(Operation::GetServiceKey { chain: self.chain.clone(), id }).await
    }

    /// Changes a key.
    ///
    /// # Errors
    /// [`ClientError`], among it `unknown-service-key`, `service-key-widens` and `root-key-refused`.
    pub async fn update(&self, id: KeyId, change: ServiceKeyChange) -> Result<ServiceKey, ClientError> {
        let ServiceKeyChange { nickname, permissions, expires } = change;
        let (chain, permissions) = (self.chain.clone(), text_of(permissions));
        self.key(Operation::UpdateServiceKey { chain, id, nickname, permissions, expires }).await
    }

    /// Draws a new secret for a key, or gives one that signs with Ed25519 a new public half. What it had before signs for
    /// `overlap_s` seconds more, or as long as the server allows.
    ///
    /// # Errors
    /// [`ClientError`], among it `unknown-service-key` and `root-key-refused`.
    pub async fn rotate(
        &self,
        id: KeyId,
        public_key: Option<[u8; 32]>,
        overlap_s: u64,
    ) -> Result<ServiceKeyMade, ClientError> {
        let (chain, public_key) = (self.chain.clone(), public_key.map(Base64Array));
        self.made(Operation::RotateServiceKey { chain, id, public_key, overlap_s }).await
    }

    /// Deletes a key, for good. It signs nothing from now on, on every node.
    ///
    /// # Errors
    /// [`ClientError`], among it `unknown-service-key` and `root-key-refused`.
    pub async fn delete(&self, id: KeyId) -> Result<(), ClientError> {
        self.client.ask(Operation::DeleteServiceKey { chain: self.chain.clone(), id }).await.map(drop)
    }

    /// The service key that asks.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn in_use(&self) -> Result<ServiceKeyInUse, ClientError> {
        match self.client.ask(Operation::ServiceKeyInUse {}).await? {
            Reply::ServiceKeyInUse(key) => Ok(key),
            _ => Err(wrong_kind()),
        }
    }

    async fn key(&self, operation: Operation) -> Result<ServiceKey, ClientError> {
        match self.client.ask(operation).await? {
            Reply::ServiceKey(key) => Ok(key),
            _ => Err(wrong_kind()),
        }
    }

    async fn made(&self, operation: Operation) -> Result<ServiceKeyMade, ClientError> {
        match self.client.ask(operation).await? {
            Reply::ServiceKeyMade(made) => Ok(made),
            _ => Err(wrong_kind()),
        }
    }
}

fn text_of(permissions: Option<PermissionsDocument>) -> Option<String> {
    permissions.map(|permissions| permissions.to_text())
}
