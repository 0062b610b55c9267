//! How vault users and their items lie in storage.

use serde::{Deserialize, Serialize};
use strongroom_primitives::{
    id::{AccountId, ItemId, RealmId, TemplateId},
    time::Timestamp,
};
use strongroom_storage::Key;

use super::{Item, Profile};
use crate::{
    codec::Stored,
    command::{Decision, Reads, View},
    error::EngineError,
    feed::Event,
    keyspace::{self, Keyspace},
};

/// A vault user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredVaultUser {
    /// Which vault.
    pub(super) realm: RealmId,
    /// SHA-256 of the user's public key as SubjectPublicKeyInfo.
    pub(super) fingerprint: [u8; 32],
    pub(super) joined: Timestamp,
    pub(super) profile: Profile,
    /// How many items there are.
    pub(super) items: u64,
    /// What they count for, in bytes.
    pub(super) bytes: u64,
}

impl Stored for StoredVaultUser {}

impl StoredVaultUser {
    /// The vault user of an account, who has been read.
    ///
    /// # Errors
    /// [`EngineError::UnknownVaultUser`] if there is none.
    pub(super) fn of(view: &View<'_>, account: AccountId) -> Result<Self, EngineError> {
        view.row(&keyspace::vault_user(account))?.ok_or(EngineError::UnknownVaultUser)
    }

    /// The row that says whose the user's key is. It goes with the user.
    pub(crate) fn key(&self, space: &Keyspace) -> Key {
        space.vault_key(&self.realm, &self.fingerprint)
    }
}

/// Whose a public key is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct StoredVaultKey {
    pub(super) account: AccountId,
    /// PEM, as it came.
    pub(super) pem: String,
}

impl Stored for StoredVaultKey {}

/// An item with its slots.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct StoredItem(pub(super) Item);

impl Stored for StoredItem {}

impl StoredItem {
    /// An item that has been read. Somebody else's is one that never was.
    pub(super) fn of(view: &View<'_>, account: AccountId, id: ItemId) -> Result<Item, EngineError> {
        let stored: Option<Self> = view.row(&keyspace::item(account, id))?;
        stored.map(|stored| stored.0).ok_or(EngineError::UnknownItem)
    }
}

/// What listing looks at, so that it reads no more items than it shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct StoredItemIndex {
    pub(super) id: ItemId,
    pub(super) template: TemplateId,
    /// What the item counts for, in bytes.
    pub(super) bytes: u64,
}

impl Stored for StoredItemIndex {}

/// Where a slot is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct StoredSlotPlace {
    pub(super) item: ItemId,
}

impl Stored for StoredSlotPlace {}

/// The rows of the user and of one item.
pub(super) fn reads_of(account: AccountId, item: ItemId) -> Reads {
    Reads::one(keyspace::vault_user(account)).row(keyspace::item(account, item))
}

/// Writes an item in the place of what was there before, with everything that goes with it. The user's counts have been
/// brought up to date.
pub(super) fn write_item<R>(
    mut decision: Decision<R>,
    account: AccountId,
    user: &StoredVaultUser,
    before: Option<&Item>,
    item: Item,
) -> Decision<R> {
    let had = |slot: &_| before.is_some_and(|before| before.slots.iter().any(|one| one.id == *slot));
    for slot in item.slots.iter().filter(|slot| !had(&slot.id)) {
        decision = decision.put(keyspace::slot_place(account, slot.id), &StoredSlotPlace { item: item.id });
    }
    for slot in before.into_iter().flat_map(|before| &before.slots) {
        if item.slots.iter().all(|one| one.id != slot.id) {
            decision = decision.delete(keyspace::slot_place(account, slot.id));
        }
    }
    let id = item.id;
    let index = StoredItemIndex { id, template: item.template, bytes: item.bytes() as u64 };
    decision
        .put(keyspace::vault_user(account), user)
        .put(keyspace::item_index(account, id), &index)
        .put(keyspace::item(account, id), &StoredItem(item))
        .tell(account, Event::ItemPut { item: id })
}

/// Removes an item and everything that goes with it.
pub(super) fn delete_item<R>(
    decision: Decision<R>,
    account: AccountId,
    user: &StoredVaultUser,
    item: &Item,
) -> Decision<R> {
    let places = item.slots.iter().map(|slot| keyspace::slot_place(account, slot.id));
    places
        .fold(decision, Decision::delete)
        .put(keyspace::vault_user(account), user)
        .delete(keyspace::item_index(account, item.id))
        .delete(keyspace::item(account, item.id))
        .tell(account, Event::ItemDeleted { item: item.id })
}
