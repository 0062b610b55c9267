//! Sharing: datastores, secrets, and the tree of shares through which several accounts reach the same secret.
//!
//! ```text
//! datastore (one account's)      share (several accounts')
//!   links                          links
//!     secrets, shares                secrets, shares
//! ```
//!
//! A secret or a share hangs at links, each of them below a datastore or a share. Whose datastore it is may do
//! everything with the secrets in it. What somebody may do with a share is said by a right of their own that they
//! accepted; only where they have none, by those on the nearest shares above it ([`ShareRights`]). All that is kept is
//! ciphertext: the engine sees ids, links and dates.
//!
//! **Nothing is cached and every row of a walk is guarded**: a right that is revoked before a decision commits has
//! revoked it for that decision too, on every node.
//!
//! Source: dialects/psono.md, section 7.

mod datastores;
mod holdings;
mod metadata;
mod names;
mod rights;
mod rows;
pub mod secrets;
pub mod shares;
#[cfg(test)]
mod tests;
mod tidy;
mod tree;
mod update_datastore;

use serde::{Deserialize, Serialize};
use strongroom_primitives::{
    id::{DatastoreId, SecretId, ShareId},
    time::Timestamp,
};

pub use datastores::{CreateDatastore, Datastore, DatastoreInfo, GetDatastore, ListDatastores};
pub use metadata::{ChildPage, ListChildren};
pub(crate) use rights::StoredShareRight;
pub use rights::{KeyKind, ShareRights};

pub use tidy::{DropLink, DropLoose, DropShareRight};
pub use tree::{LINKS_MAX, SHARE_DEPTH_MAX};
pub(crate) use tree::{StoredChild, StoredNode};
pub use update_datastore::{DeleteDatastore, UpdateDatastore};

use crate::{boxed::Boxed, command::Domain, error::EngineError, limits::Limits};

/// The domain of datastores, secrets and shares.
#[derive(Debug)]
pub struct Sharing;

impl Domain for Sharing {
    const NAME: &'static str = "sharing";
}

/// A sealed key, title or type, in bytes of its ciphertext. Source: dialects/psono.md, section 7.1.
pub const SEALED_KEY_BYTES_MAX: usize = 256;

/// The type and the description of a datastore, in characters. Source: dialects/psono.md, section 7.1.
pub const DATASTORE_TEXT_CHARS_MAX: usize = 64;

/// The tag that every ciphertext begins with, in bytes.
const TAG_BYTES: usize = 16;

/// Refuses what a datastore, a secret or a share cannot hold.
fn check_data(data: &Boxed, limits: &Limits) -> Result<(), EngineError> {
    data.check("data", TAG_BYTES, limits.sealed_bytes_max)
}

/// Refuses what is no sealed key, title or type.
fn check_key(field: &'static str, sealed: &Boxed) -> Result<(), EngineError> {
    sealed.check(field, TAG_BYTES, SEALED_KEY_BYTES_MAX)
}

/// What hangs in the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Child {
    /// A secret.
    Secret(SecretId),
    /// A share.
    Share(ShareId),
}

/// What something hangs below.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Parent {
    /// A datastore of the caller's.
    Datastore(DatastoreId),
    /// A share.
    Share(ShareId),
}

/// When something was written last. No date of one thing comes twice, and a later write has a later one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Written {
    /// The date.
    pub at: Timestamp,
}

impl Written {
    /// The date of a write that comes after another one.
    fn after(before: Timestamp, now: Timestamp) -> Self {
        Self { at: now.max(Timestamp::from_ms(before.as_ms().saturating_add(1))) }
    }
}

/// Refuses a write that was made in view of another state (THREATS A-REC-01, A-REC-02).
fn check_previous(named: Option<Timestamp>, written: Timestamp) -> Result<(), EngineError> {
    if named.is_some_and(|named| named != written) {
        Err(EngineError::StaleWrite { written })
    } else {
        Ok(())
    }
}
