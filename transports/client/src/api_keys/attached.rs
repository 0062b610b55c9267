//! Secrets that are attached to API keys: each reaches them by itself, with the secret's key sealed under its own.

use std::fmt;

use strongroom_primitives::id::{ApiKeyId, ApiKeySecretId, SecretId};
use strongroom_primitives::nacl::BoxKey;
use strongroom_primitives::secret::SecretText;
use strongroom_wire::{ApiKey, Attachment, Operation, Reply};

use super::{ApiKeyError, ApiKeys, OwnerKeys};
use crate::boxes;
use crate::checks::wrong_kind;

/// A secret that an API key reaches.
pub struct AttachedSecret {
    /// The attachment.
    pub attachment: ApiKeySecretId,
    /// The secret.
    pub secret: SecretId,
    /// What its owner calls it; `None` where that does not open with the owner's secret key.
    pub title: Option<SecretText>,
}

impl fmt::Debug for AttachedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AttachedSecret({:?} of {:?})", self.attachment, self.secret)
    }
}

impl ApiKeys {
    /// Lets an API key reach a secret, also where the key is restricted. `secret_key` is what the secret is sealed with; it
    /// is sealed for the API key, as its 64 hexadecimal digits. `title`, at most 1,008 bytes, is for the owner alone.
    ///
    /// # Errors
    /// [`ApiKeyError::DoesNotOpen`] if `api_key` was not made by this owner; [`ApiKeyError::Client`], among it
    /// `already-attached`.
    pub async fn attach(
        &self,
        api_key: &ApiKey,
        secret: SecretId,
        secret_key: &[u8; 32],
        title: &str,
        owner: &OwnerKeys,
    ) -> Result<ApiKeySecretId, ApiKeyError> {
        let under = BoxKey::from_bytes(*boxes::open_key(&owner.secret_key, &api_key.secret_key)?);
        let entropy = &*self.client.options.ports.entropy;
        let operation = Operation::AttachSecret {
            id: api_key.id,
            secret,
            secret_key: boxes::seal_key(entropy, &under, secret_key)?,
            title: boxes::seal(entropy, &owner.secret_key, title.as_bytes())?,
        };
        match self.client.ask(operation).await? {
            Reply::Attached(attached) => Ok(attached.attachment),
            _ => Err(wrong_kind().into()),
        }
    }

    /// What an API key reaches by itself. The order means nothing.
    ///
    /// # Errors
    /// [`ApiKeyError::Client`], among it `unknown-api-key`.
    pub async fn attached(
        &self,
        api_key: ApiKeyId,
        owner: &OwnerKeys,
    ) -> Result<Vec<AttachedSecret>, ApiKeyError> {
        let list = match self.client.ask(Operation::ListAttached { id: api_key }).await? {
            Reply::Attachments(list) => list.attachments,
            _ => return Err(wrong_kind().into()),
        };
        let shown = |Attachment { attachment, secret, title }: Attachment| {
            let title = boxes::open(&owner.secret_key, &title).ok();
            let title =
                title.and_then(|text| Some(SecretText::new(std::str::from_utf8(&text).ok()?.to_owned())));
            AttachedSecret { attachment, secret, title }
        };
        Ok(list.into_iter().map(shown).collect())
    }

    /// Takes a secret off the API key that it is attached to, and out of that key's reach with its next command.
    ///
    /// # Errors
    /// [`ApiKeyError::Client`], among it `unknown-attachment`.
    pub async fn detach(&self, attachment: ApiKeySecretId) -> Result<(), ApiKeyError> {
        Ok(self.client.ask(Operation::DetachSecret { attachment }).await.map(drop)?)
    }
}
