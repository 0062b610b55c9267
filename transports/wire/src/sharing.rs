//! Datastores and secrets: ciphertexts that the server keeps and links to each other.
//!
//! `docs/native-api.md` says who may do what with them. A ciphertext is a [`Boxed`] of the caller's own key.

use std::fmt;

use serde::{Deserialize, Serialize};
use strongroom_primitives::{
    id::{AccountId, DatastoreId, LinkId, SecretId, SecretVersionId, ShareId, Subject},
    time::Timestamp,
};

use crate::Boxed;

/// What something hangs below: an object with one member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Parent {
    /// A datastore of the caller's.
    Datastore(DatastoreId),
    /// A share.
    Share(ShareId),
}

/// When something was written. No date of one thing comes twice, and a later write has a later one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Written {
    /// The date, which the next write may name as its `previous`.
    pub written: Timestamp,
}

/// A datastore to be made.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewDatastore {
    /// What clients keep in it, such as `password`; at most 64 characters.
    pub kind: String,
    /// What people know it by; at most 64 characters. Together with the kind unique within the account.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// What it holds, under its key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<Boxed>,
    /// Its key, under the caller's secret key; at most 256 bytes.
    pub secret_key: Boxed,
    /// Whether clients open it for its kind. The one that they opened until now is then no longer the default.
    #[serde(default)]
    pub is_default: bool,
}

impl fmt::Debug for NewDatastore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NewDatastore(..)")
    }
}

/// What a list shows of a datastore.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatastoreInfo {
    /// Which.
    pub id: DatastoreId,
    /// What clients keep in it.
    pub kind: String,
    /// What people know it by.
    pub description: String,
    /// Whether clients open it for its kind.
    pub is_default: bool,
}

impl fmt::Debug for DatastoreInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DatastoreInfo({:?})", self.id)
    }
}

/// The caller's datastores in the order of their creation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatastoreList {
    /// At most as many as an account may have.
    pub datastores: Vec<DatastoreInfo>,
}

/// A datastore.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Datastore {
    /// What a list shows of it.
    pub info: DatastoreInfo,
    /// What it holds, under its key; left out until it is first saved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<Boxed>,
    /// Its key, under the caller's secret key.
    pub secret_key: Boxed,
    /// When it was written last.
    pub written: Timestamp,
}

/// A datastore that was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatastoreCreated {
    /// Its id.
    pub id: DatastoreId,
}

/// A secret to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewSecret {
    /// What it holds, under its key. Its nonce has sealed no other secret.
    pub data: Boxed,
    /// The link at which it hangs: 16 random bytes that the client draws.
    pub link: LinkId,
}

/// Secrets to be made below one datastore or share: all of them or none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewSecrets {
    /// What they hang below: a datastore of the caller's, or a share that they may write.
    pub parent: Parent,
    /// At most 1,000.
    pub secrets: Vec<NewSecret>,
}

/// A secret that was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretCreated {
    /// The link by which the client knows it.
    pub link: LinkId,
    /// Its id.
    pub id: SecretId,
}

/// Secrets that were made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretsCreated {
    /// In the order in which they were asked for.
    pub secrets: Vec<SecretCreated>,
}

/// A secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Secret {
    /// Which.
    pub id: SecretId,
    /// What it holds, under its key.
    pub data: Boxed,
    /// When it was made.
    pub created: Timestamp,
    /// When it was written last.
    pub written: Timestamp,
    /// How often it has been read, this time included.
    pub reads: u64,
}

/// An earlier state of a secret, without what it held.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretVersionInfo {
    /// Which.
    pub version: SecretVersionId,
    /// When it was written.
    pub written: Timestamp,
    /// Who wrote it.
    pub by: AccountId,
    /// By what name they are known; left out once their account is erased.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Subject>,
}

impl fmt::Debug for SecretVersionInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretVersionInfo({:?})", self.version)
    }
}

/// The earlier states of a secret, the oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretHistory {
    /// At most as many as the server keeps.
    pub versions: Vec<SecretVersionInfo>,
}

/// An earlier state of a secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretVersion {
    /// Which.
    pub version: SecretVersionId,
    /// Of which secret.
    pub secret: SecretId,
    /// What it held, under the secret's key.
    pub data: Boxed,
    /// When the secret was made.
    pub created: Timestamp,
    /// When this state was written.
    pub written: Timestamp,
}
