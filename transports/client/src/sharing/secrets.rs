//! Secrets, which hang in datastores and shares.

use strongroom_primitives::id::{LinkId, SecretId, SecretVersionId};
use strongroom_primitives::time::Timestamp;
use strongroom_wire::{
    Boxed, NewSecret, NewSecrets, Operation, Parent, Reply, Secret, SecretVersion, SecretVersionInfo,
};

use crate::checks::wrong_kind;
use crate::client::Client;
use crate::error::ClientError;

/// Secrets that a client's caller may reach.
#[derive(Debug, Clone)]
pub struct Secrets {
    pub(super) client: Client,
}

impl Secrets {
    /// Makes secrets below a datastore or a share, all of them or none; at most 1,000. Their ids come in the same order.
    ///
    /// # Errors
    /// [`ClientError`], among it `link-taken`, `nonce-used`, `unknown-datastore` and `unknown-share`.
    pub async fn create(
        &self,
        parent: Parent,
        secrets: Vec<NewSecret>,
    ) -> Result<Vec<SecretId>, ClientError> {
        match self.client.ask(Operation::CreateSecrets(NewSecrets { parent, secrets })).await? {
            Reply::SecretsCreated(created) => Ok(created.secrets.into_iter().map(|one| one.id).collect()),
            _ => Err(wrong_kind()),
        }
    }

    /// Reads a secret. That is counted, once for every try.
    ///
    /// # Errors
    /// [`ClientError`], among it `unknown-secret`.
    pub async fn get(&self, id: SecretId) -> Result<Secret, ClientError> {
        match self.client.ask(Operation::GetSecret { id }).await? {
            Reply::Secret(secret) => Ok(secret),
            _ => Err(wrong_kind()),
        }
    }

    /// Writes a secret, if `previous` is `None` or still says when it was written last. What it held goes to its history.
    /// Says when it is written last now.
    ///
    /// # Errors
    /// [`ClientError`], among it `stale-write`.
    pub async fn update(
        &self,
        id: SecretId,
        data: Boxed,
        previous: Option<Timestamp>,
    ) -> Result<Timestamp, ClientError> {
        match self.client.ask(Operation::UpdateSecret { id, data, previous }).await? {
            Reply::Written(written) => Ok(written.written),
            _ => Err(wrong_kind()),
        }
    }

    /// The earlier states of a secret, the oldest first.
    ///
    /// # Errors
    /// [`ClientError`], among it `unknown-secret`.
    pub async fn history(&self, id: SecretId) -> Result<Vec<SecretVersionInfo>, ClientError> {
        match self.client.ask(Operation::SecretHistory { id }).await? {
            Reply::SecretHistory(history) => Ok(history.versions),
            _ => Err(wrong_kind()),
        }
    }

    /// Reads an earlier state of a secret. That is not counted.
    ///
    /// # Errors
    /// [`ClientError`], among it `unknown-secret`.
    pub async fn version(&self, version: SecretVersionId) -> Result<SecretVersion, ClientError> {
        match self.client.ask(Operation::GetSecretVersion { version }).await? {
            Reply::SecretVersion(version) => Ok(version),
            _ => Err(wrong_kind()),
        }
    }

    /// Moves a secret from where a link has it. Whoever may read below the new parent may read it from then on.
    ///
    /// # Errors
    /// [`ClientError`], among it `unknown-link`.
    pub async fn move_link(&self, link: LinkId, parent: Parent) -> Result<(), ClientError> {
        self.client.ask(Operation::MoveSecret { link, parent }).await.map(drop)
    }

    /// Takes a secret down from where a link has it. One that hangs nowhere can be read by nobody, and goes after a day.
    ///
    /// # Errors
    /// [`ClientError`], among it `unknown-link`.
    pub async fn unlink(&self, link: LinkId) -> Result<(), ClientError> {
        self.client.ask(Operation::UnlinkSecret { link }).await.map(drop)
    }
}
