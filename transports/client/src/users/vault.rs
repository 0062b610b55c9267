//! The vault: items whose labels are plain text, and whose values only the user's private DEK opens.

use std::fmt;

use strongroom_primitives::cryppo::WrappingKey;
use strongroom_primitives::id::{ItemId, SlotId, TemplateId};
use strongroom_primitives::secret::Secret;
use strongroom_wire::{
    Change, Item, NewItem, Operation, Reply, Slot, SlotChange, SlotType, Template, VaultUser,
};

use super::UserError;
use super::error::Kept;
use super::keys::{decrypt, encrypt};
use crate::checks::wrong_kind;
use crate::client::Client;
use crate::records::Rows;

/// Items in one page.
const ITEM_PAGE: usize = 16;

/// A user's session at the vault, and the data encryption key (DEK) of their items.
#[derive(Clone)]
pub struct Vault {
    client: Client,
    dek: WrappingKey,
}

/// What a slot is to be. Without an id it is the first slot of this name, or a new one.
#[derive(Debug, Clone, Default)]
pub struct Field {
    /// Which slot.
    pub id: Option<SlotId>,
    /// What programs know it by, 1 byte to 1 KiB.
    pub name: Option<String>,
    /// What people know it by, at most 1 KiB.
    pub label: Option<String>,
    /// What its value is.
    pub kind: Option<SlotType>,
    /// Its value, at most about 190 KiB. `None` leaves it as it is.
    pub value: Option<Secret>,
    /// Whether the slot goes.
    pub remove: bool,
}

impl Vault {
    pub(super) fn new(client: Client, dek: WrappingKey) -> Self {
        Self { client, dek }
    }

    /// The client of the session.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Who the vault takes the user for.
    ///
    /// # Errors
    /// [`UserError::Client`].
    pub async fn user(&self) -> Result<VaultUser, UserError> {
        match self.client.ask(Operation::GetVaultUser {}).await? {
            Reply::VaultUser(user) => Ok(user),
            _ => Err(wrong_kind().into()),
        }
    }

    /// What items can be made from.
    ///
    /// # Errors
    /// [`UserError::Client`].
    pub async fn templates(&self) -> Result<Vec<Template>, UserError> {
        match self.client.ask(Operation::ListTemplates {}).await? {
            Reply::Templates(list) => Ok(list.templates),
            _ => Err(wrong_kind().into()),
        }
    }

    /// All items, in the order in which they were made.
    ///
    /// # Errors
    /// [`UserError::Client`].
    pub async fn items(&self) -> Result<Vec<Item>, UserError> {
        let mut rows = Rows::default();
        loop {
            let (cursor, limit) = (rows.cursor.clone(), Some(ITEM_PAGE));
            let list = Operation::ListItems { templates: Vec::new(), cursor, limit };
            let Reply::Items(page) = self.client.ask(list).await? else { return Err(wrong_kind().into()) };
            if !rows.take(page.items, page.next)? {
                return Ok(rows.rows);
            }
        }
    }

    /// An item. [`Vault::open`] opens its slots.
    ///
    /// # Errors
    /// [`UserError::Client`], among it `unknown-item`.
    pub async fn item(&self, id: ItemId) -> Result<Item, UserError> {
        item(self.client.ask(Operation::GetItem { id }).await?)
    }

    /// Makes an item: the slots of its template, and `fields`.
    ///
    /// # Errors
    /// [`UserError::NotEncrypted`] for a value that is too long; [`UserError::Client`], among it `unknown-template`.
    pub async fn create(
        &self,
        template: TemplateId,
        label: &str,
        fields: Vec<Field>,
    ) -> Result<Item, UserError> {
        let slots = self.changes(fields)?;
        let new = NewItem { template, label: label.to_owned(), name: None, slots };
        item(self.client.ask(Operation::CreateItem(new)).await?)
    }

    /// Changes an item. Slots that are not named stay as they are.
    ///
    /// # Errors
    /// As for [`Vault::create`], and `unknown-item`, `unknown-slot`.
    pub async fn update(
        &self,
        id: ItemId,
        label: Option<String>,
        fields: Vec<Field>,
    ) -> Result<Item, UserError> {
        let slots = self.changes(fields)?;
        item(self.client.ask(Operation::UpdateItem { id, label, slots }).await?)
    }

    /// Removes an item with all its slots.
    ///
    /// # Errors
    /// [`UserError::Client`], among it `unknown-item`.
    pub async fn delete(&self, id: ItemId) -> Result<(), UserError> {
        Ok(self.client.ask(Operation::DeleteItem { id }).await.map(drop)?)
    }

    /// Removes a slot from whatever item it is in.
    ///
    /// # Errors
    /// [`UserError::Client`], among it `unknown-slot`.
    pub async fn remove_slot(&self, id: SlotId) -> Result<(), UserError> {
        Ok(self.client.ask(Operation::DeleteSlot { id }).await.map(drop)?)
    }

    /// The value of a slot; `None` for one without.
    ///
    /// # Errors
    /// [`UserError::DoesNotOpen`].
    pub fn open(&self, slot: &Slot) -> Result<Option<Secret>, UserError> {
        slot.value.as_ref().map(|value| decrypt(&self.dek, value, Kept::Value)).transpose()
    }

    fn changes(&self, fields: Vec<Field>) -> Result<Vec<SlotChange>, UserError> {
        let change = |field: Field| {
            let Field { id, name, label, kind, value, remove } = field;
            let value = match value {
                Some(plain) => Change::Set(encrypt(&self.client, &self.dek, plain.expose(), Kept::Value)?),
                None => Change::Keep,
            };
            Ok(SlotChange { id, name, label, kind, value, destroy: remove, ..SlotChange::default() })
        };
        fields.into_iter().map(change).collect()
    }
}

fn item(reply: Reply) -> Result<Item, UserError> {
    match reply {
        Reply::Item(item) => Ok(item),
        _ => Err(wrong_kind().into()),
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Vault")
    }
}
