//! How people lie in storage, and what is shown of them.

use serde::{Deserialize, Serialize};
use strongroom_primitives::{
    id::{AccountId, RealmId},
    time::Timestamp,
};
use strongroom_storage::Key;

use super::Hashing;
use crate::{boxed::Boxed, codec::Stored, keyspace::Keyspace};

/// One person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredPerson {
    pub(super) realm: RealmId,
    /// In lower case.
    pub(super) username: String,
    /// In lower case.
    pub(super) email: String,
    /// Keyed hash of account and authentication key.
    pub(super) authkey: [u8; 16],
    pub(super) keys: PersonKeys,
    pub(super) registered: Timestamp,
    /// What the person has yet to show, if anything.
    pub(super) activation: Option<PendingActivation>,
}

impl Stored for StoredPerson {}

/// That somebody has yet to show that they read mail to the person's address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PendingActivation {
    /// SHA-256 of the code.
    pub(super) code: [u8; 32],
    /// The last instant at which it is taken.
    pub(super) expires: Timestamp,
}

/// A person's keys. The engine opens none of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonKeys {
    /// X25519.
    pub public_key: [u8; 32],
    /// The private key under the key that the password wraps with: 80 bytes.
    pub private_key: Boxed,
    /// The secret key under the same: 80 bytes.
    pub secret_key: Boxed,
    /// What the wrapping key is derived with beside the password: 64 hexadecimal digits.
    pub user_sauce: String,
    /// The work that the client puts into what it derives.
    pub hashing: Hashing,
}

/// Whose an activation code is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredActivation {
    pub(crate) account: AccountId,
    pub(crate) expires: Timestamp,
}

impl Stored for StoredActivation {}

/// Whose an e-mail address is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredAddress {
    pub(crate) account: AccountId,
}

impl Stored for StoredAddress {}

/// What others see of a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonCard {
    /// The account, which is the person's id.
    pub account: AccountId,
    /// In lower case.
    pub username: String,
    /// X25519.
    pub public_key: [u8; 32],
}

/// What a person learns once their session is proved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonInfo {
    /// The account, which is the person's id.
    pub account: AccountId,
    /// In lower case.
    pub username: String,
    /// In lower case.
    pub email: String,
    /// The secret key under the key that the password wraps with.
    pub secret_key: Boxed,
    /// When they signed up.
    pub registered: Timestamp,
}

impl StoredPerson {
    pub(crate) fn card(self, account: AccountId) -> PersonCard {
        PersonCard { account, username: self.username, public_key: self.keys.public_key }
    }

    pub(crate) fn info(self, account: AccountId) -> PersonInfo {
        let Self { username, email, keys: PersonKeys { secret_key, .. }, registered, .. } = self;
        PersonInfo { account, username, email, secret_key, registered }
    }

    /// The rows under other names that go with this one. Another person's address is left alone by whoever asks.
    pub(crate) fn activation_key(&self, space: &Keyspace) -> Option<Key> {
        self.activation.as_ref().map(|pending| space.activation(&self.realm, &pending.code))
    }

    /// Where it is written whose the person's address is.
    pub(crate) fn address_key(&self, space: &Keyspace) -> Key {
        space.address(&self.realm, &self.email)
    }
}
