//! How admission tokens lie in storage: never as their text.

use serde::{Deserialize, Serialize};
use strongroom_primitives::{
    id::{Audience, TokenId},
    time::Timestamp,
};

use crate::codec::Stored;

/// The latest token of an account for an audience.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredToken {
    pub(super) id: TokenId,
    pub(super) audience: Audience,
    pub(super) issued: Timestamp,
    /// The last instant at which it can be spent.
    pub(super) expires: Timestamp,
    /// When it was spent. Then the row stays for as long as the account does.
    pub(super) spent: Option<Timestamp>,
}

impl Stored for StoredToken {}

impl StoredToken {
    /// Whether it has admitted its account.
    pub(crate) fn is_spent(&self) -> bool {
        self.spent.is_some()
    }

    /// Whether nobody will miss it: it expired unspent.
    pub(crate) fn is_garbage(&self, now: Timestamp) -> bool {
        self.spent.is_none() && self.expires < now
    }
}

/// A token of another keystore that was spent here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredForeignToken {
    /// The last instant at which it could have been spent again.
    pub(crate) expires: Timestamp,
}

impl Stored for StoredForeignToken {}
