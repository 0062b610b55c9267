//! Accounts: that they exist, whether they may act, and that they can be erased.
//!
//! An account is derived from an identity (realm and subject), so reading needs no row. The row appears with the first
//! write and stays for ever: after erasure it is the tombstone that keeps the name from being used again.

mod erase;
mod manage;

use serde::{Deserialize, Serialize};
use strongroom_primitives::time::Timestamp;

pub use erase::{EraseAccount, Erased, PurgeAccount, Purged};
pub use manage::{
    AccountInfo, AccountPage, DescribeAccount, ListAccounts, SetAccountPolicy, WhoAmI, Whoami, Whose,
};

use crate::{
    codec::Stored,
    command::Domain,
    credential::{Identity, Rights},
};

/// The domain of accounts.
#[derive(Debug)]
pub struct Accounts;

impl Domain for Accounts {
    const NAME: &'static str = "accounts";
}

/// Whether an account may act.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AccountState {
    /// It may.
    Active,
    /// The operator says no for now.
    Suspended,
    /// Never again.
    Erased,
}

/// What is known of an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredAccount {
    /// Who it is; `None` once erased.
    pub(crate) identity: Option<Identity>,
    pub(crate) state: AccountState,
    /// What the operator leaves it of its realm's rights.
    pub(crate) rights: Rights,
    pub(crate) since: Timestamp,
}

impl Stored for StoredAccount {}

impl StoredAccount {
    pub(crate) fn new(identity: Identity, since: Timestamp) -> Self {
        Self { identity: Some(identity), state: AccountState::Active, rights: Rights::ALL, since }
    }
}
