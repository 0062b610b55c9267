//! The vault: users who are admitted to it, and what they keep there.
//!
//! ```text
//! vault user (an account of the vault's realm, with an RSA key)
//!   items, made from templates
//!     slots: label, type, and a value that only its owner can open
//! ```
//!
//! A keystore user and a vault user are two accounts, of two realms. The vault user's subject is derived from the
//! admission token that made it, so one user of a keystore has one vault: that its row is absent is the condition under
//! which it is made. A session belongs to an account of one realm, so the two services never take each other's.
//!
//! Labels, names and types are plain text. A value is a cryppo string, and no other text can become one:
//! [`SlotValue`] is the only way in. Every write of items also writes the user's row, which counts them, so all of
//! them are in order.
//!
//! Source: dialects/meeco.md, sections 5, 6 and 9.

mod enrol;
mod item;
mod items;
mod list;
mod rows;
mod slots;
pub mod templates;
#[cfg(test)]
mod tests;
mod users;

pub use enrol::{CreateVaultUser, OpenVaultSession, VaultSession};
pub use item::{Item, Slot, SlotType};
pub use items::{CreateItem, DeleteItem, DeleteSlot, UpdateItem};
pub use list::{GetItem, ItemPage, ListItems};
pub(crate) use rows::StoredVaultUser;
pub use slots::{SlotChange, SlotValue};
pub use users::{GetVaultKey, GetVaultUser, Profile, UpdateVaultUser, VaultUser};

pub use crate::change::Change;
use crate::{command::Domain, error::EngineError};

/// The domain of vaults.
#[derive(Debug)]
pub struct Vault;

impl Domain for Vault {
    const NAME: &'static str = "vault";
}

/// Refuses a text over its limit. Sizes in bytes.
fn check_text(field: &'static str, text: &str, max: usize) -> Result<(), EngineError> {
    if text.len() > max {
        return Err(EngineError::FieldSize { field, bytes: text.len(), max });
    }
    Ok(())
}

/// The same for one that must not be empty.
fn check_filled(field: &'static str, text: &str, max: usize) -> Result<(), EngineError> {
    if text.is_empty() {
        return Err(EngineError::FieldSize { field, bytes: 0, max });
    }
    check_text(field, text, max)
}
