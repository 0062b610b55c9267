//! Realms: the tenants of a mount, and the keys that sign their tokens.
//!
//! What a configuration file says and what the operator says at run time are the same rows, marked by where they came
//! from: a key that is taken out of the file goes at the next start, and one that is revoked goes at once.

mod keys;
mod list;
mod sign_up;

use serde::{Deserialize, Serialize};
use strongroom_primitives::{id::RealmId, time::Timestamp};

pub use keys::{ConfiguredRealm, PutRealm, PutRealmKey, RealmKey, RevokeRealmKey, SyncConfiguredRealms};
pub use list::{ListRealms, RealmInfo, RealmKeyInfo};
pub use sign_up::SetSignUp;

use crate::{
    codec::Stored,
    command::{Domain, Lane},
    credential::Rights,
};

/// The domain of realms.
#[derive(Debug)]
pub struct Realms;

impl Domain for Realms {
    const NAME: &'static str = "realms";
}

/// Where a realm or a key came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// The configuration: goes when the configuration drops it.
    Config,
    /// The operator: stays until revoked.
    Admin,
}

/// Whether people can make themselves an account in a realm.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SignUp {
    /// They cannot.
    #[default]
    Closed,
    /// Under a username that was reserved for them.
    Reserved,
    /// Under any username that is free. A name that somebody chose can be guessed.
    Chosen,
}

/// A tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredRealm {
    pub(crate) realm: RealmId,
    /// What identities that a gateway vouches for may do.
    pub(crate) rights: Rights,
    pub(crate) sign_up: SignUp,
    pub(crate) source: Source,
    pub(crate) since: Timestamp,
}

impl Stored for StoredRealm {}

/// A key that signs a realm's tokens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredRealmKey {
    pub(crate) realm: RealmId,
    pub(crate) key_id: String,
    /// Ed25519.
    pub(crate) public_key: [u8; 32],
    /// What tokens signed with it may do at most.
    pub(crate) rights: Rights,
    pub(crate) source: Source,
    pub(crate) since: Timestamp,
}

impl Stored for StoredRealmKey {}

/// The generation row: bumped by every change of any realm or key.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredGeneration(pub(crate) u64);

impl Stored for StoredGeneration {}

/// All changes of realms happen in one lane: there are few.
const LANE: Lane = Lane(*b"all realms here.");
