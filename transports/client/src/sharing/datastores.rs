//! Datastores, each of one account.

use strongroom_primitives::id::DatastoreId;
use strongroom_primitives::secret::SecretText;
use strongroom_primitives::time::Timestamp;
use strongroom_wire::{Boxed, Datastore, DatastoreInfo, NewDatastore, Operation, Reply, TokenText};

use crate::checks::wrong_kind;
use crate::client::Client;
use crate::error::ClientError;

/// What is to be different about a datastore. What is `None` stays as it is.
#[derive(Debug, Clone, Default)]
pub struct DatastoreChange {
    /// What it holds, under its key.
    pub data: Option<Boxed>,
    /// Its key, under the caller's secret key; at most 256 bytes.
    pub secret_key: Option<Boxed>,
    /// What people know it by; at most 64 characters.
    pub description: Option<String>,
    /// Whether clients open it for its kind.
    pub is_default: Option<bool>,
}

/// The datastores of a client's caller.
#[derive(Debug, Clone)]
pub struct Datastores {
    pub(super) client: Client,
}

impl Datastores {
    /// The datastores in the order of their creation.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn list(&self) -> Result<Vec<DatastoreInfo>, ClientError> {
        match self.client.ask(Operation::ListDatastores {}).await? {
            Reply::Datastores(list) => Ok(list.datastores),
            _ => Err(wrong_kind()),
        }
    }

    /// Reads a datastore.
    ///
    /// # Errors
    /// [`ClientError`], among it `unknown-datastore`.
    pub async fn get(&self, id: DatastoreId) -> Result<Datastore, ClientError> {
        match self.client.ask(Operation::GetDatastore { id }).await? {
            Reply::Datastore(datastore) => Ok(datastore),
            _ => Err(wrong_kind()),
        }
    }

    /// Makes a datastore.
    ///
    /// # Errors
    /// [`ClientError`], among it `datastore-exists`.
    pub async fn create(&self, new: NewDatastore) -> Result<DatastoreId, ClientError> {
        match self.client.ask(Operation::CreateDatastore(Box::new(new))).await? {
            Reply::DatastoreCreated(created) => Ok(created.id),
            _ => Err(wrong_kind()),
        }
    }

    /// Saves a datastore, if `previous` is `None` or still says when it was written last. Says when that is now.
    ///
    /// # Errors
    /// [`ClientError`], among it `stale-write`.
    pub async fn update(
        &self,
        id: DatastoreId,
        change: DatastoreChange,
        previous: Option<Timestamp>,
    ) -> Result<Timestamp, ClientError> {
        let DatastoreChange { data, secret_key, description, is_default } = change;
        let operation =
            Operation::UpdateDatastore { id, data, secret_key, description, is_default, previous };
        match self.client.ask(operation).await? {
            Reply::Written(written) => Ok(written.written),
            _ => Err(wrong_kind()),
        }
    }

    /// Deletes a datastore that is not the default of its kind. A person of the psono dialect shows their authentication
    /// key; others have none.
    ///
    /// # Errors
    /// [`ClientError`], among it `default-datastore` and `password-wrong`.
    pub async fn delete(&self, id: DatastoreId, authkey: Option<SecretText>) -> Result<(), ClientError> {
        let authkey = authkey.map(TokenText);
        self.client.ask(Operation::DeleteDatastore { id, authkey }).await.map(drop)
    }
}
