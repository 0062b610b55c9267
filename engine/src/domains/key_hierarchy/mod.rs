//! The key hierarchy: one key-encryption key (KEK) per account, and the data-encryption keys (DEKs) and private keys
//! that are wrapped by it. The engine keeps wrapped keys only; it can open none of them.
//!
//! ```text
//! passphrase and Secret Key -> PDK --wraps--> KEK --wraps--> DEKs, private keys
//! ```
//!
//! A KEK is set once and then only rotated ([`BeginRotation`]), or dropped with all below it ([`RestartEnrolment`]): a second one under another key would make every
//! key below it unreadable. Each KEK of an account has a generation, a number that is never used again, and each wrapped key says by
//! which generation it is wrapped. Whoever adds a key says under which KEK, or proves by a session younger than the
//! present KEK that they cannot hold an older one: a key wrapped by a KEK that is gone is a key lost (THREATS A-KEY-05).
//!
//! Every write also writes the KEK's row, which counts the keys, so all of them are in order.

mod deks;
mod kek;
mod key_pairs;
mod restart;
mod rotation;
mod rows;
#[cfg(test)]
mod tests;
mod wrapped;

pub use deks::{CreateDek, Dek, DekPage, DeleteDek, GetDek, ListDeks};
pub use kek::{GetKek, Kek, SetKek};
pub use key_pairs::{
    CreateKeyPair, DeleteKeyPair, EXTERNAL_IDENTIFIER_CHARS_MAX, EXTERNAL_IDENTIFIERS_MAX,
    ExternalIdentifier, FindKeyPair, GetKeyPair, KeyPair, KeyPairPage, ListKeyPairs, UpdateKeyPair,
};
pub use restart::RestartEnrolment;
pub use rotation::{
    BeginRotation, CancelRotation, FinishRotation, Rewrap, Rewrapped, RotationStatus, WrappedKeyId,
};
pub(crate) use rows::StoredKek;
pub use wrapped::WrappedKeyFault;

use crate::command::Domain;

/// The domain of wrapped keys.
#[derive(Debug)]
pub struct KeyHierarchy;

impl Domain for KeyHierarchy {
    const NAME: &'static str = "key_hierarchy";
}
