//! How datastores, secrets, shares and the tree lie in storage.

use serde::{Deserialize, Serialize};
use strongroom_primitives::{id::DatastoreId, time::Timestamp};

use super::DatastoreInfo;
use crate::{boxed::Boxed, codec::Stored};

/// The datastores of an account, in the order of their creation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredDatastores {
    pub(super) list: Vec<DatastoreInfo>,
}

impl Stored for StoredDatastores {}

impl StoredDatastores {
    /// Whether this datastore is one of them.
    pub(crate) fn has(&self, id: DatastoreId) -> bool {
        self.list.iter().any(|one| one.id == id)
    }
}

/// What a datastore holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct StoredDatastore {
    pub(super) data: Option<Boxed>,
    pub(super) secret_key: Boxed,
    pub(super) written: Timestamp,
}

impl Stored for StoredDatastore {}
