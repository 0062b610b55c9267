//! Erasure: first the tombstone, which ends the account at once, then its rows, page by page.
//!
//! The tombstone is one commit. What comes after may be interrupted anywhere: nothing can be read or written any more,
//! and purging goes on from whatever rows are left.

use serde::{Deserialize, Serialize};
use strongroom_primitives::id::{AccountId, ApiKeyId, EscrowId, ShareId};
use strongroom_storage::Key;

use super::{AccountState, Accounts, StoredAccount};
use crate::{
    command::{Command, Decision, Kind, Lane, Moment, Reads, Step, View},
    credential::{Identity, Need, Principal, Rights},
    domains::{
        people::{StoredAddress, StoredPerson},
        recovery::StoredEscrow,
        sessions::StoredSessionIndex,
        sharing::{StoredShareRight, shares},
        vault::StoredVaultUser,
    },
    error::EngineError,
    keyspace::{self, Keyspace},
};

/// Rows that one purge looks at under a prefix.
fn purge_rows(prefix: u8) -> usize {
    match prefix {
        // An item of a vault may take a megabyte, a datastore two.
        b'm' => 16,
        b'b' => 4,
        // What an escrow holds may take 64 KiB.
        b'2' => 16,
        _ => 256,
    }
}

/// Ends an account for ever. [`PurgeAccount`] then removes its rows.
///
/// `identity: None` erases the caller's own account.
#[derive(Debug, Clone, Serialize)]
pub struct EraseAccount {
    /// Whose; only the operator names one.
    pub identity: Option<Identity>,
}

/// The account has ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Erased {
    /// Which.
    pub account: AccountId,
}

impl EraseAccount {
    fn account(&self, who: &Principal, space: &Keyspace) -> AccountId {
        match &self.identity {
            Some(identity) => space.account_of(&identity.realm, &identity.subject),
            None => who.account,
        }
    }
}

impl Command for EraseAccount {
    type Domain = Accounts;
    type Reply = Erased;
    const NAME: &'static str = "erase_account";
    const KIND: Kind = Kind::Write;

    fn needs(&self) -> Need {
        match self.identity {
            Some(_) => Need::Operator,
            None => Need::Account,
        }
    }

    fn lane(&self, who: &Principal, space: &Keyspace) -> Lane {
        Lane::of_account(self.account(who, space))
    }

    fn reads(&self, who: &Principal, space: &Keyspace) -> Reads {
        let account = self.account(who, space);
        // The ledger is guarded so that no write of the account can land beside its end.
        Reads::one(keyspace::account(account)).row(keyspace::ledger(account))
    }

    fn decide(
        &self,
        view: &View<'_>,
        who: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<Erased>, EngineError> {
        let account = self.account(who, moment.space);
        let key = keyspace::account(account);
        let since = view.row::<StoredAccount>(&key)?.map_or(moment.now, |stored| stored.since);
        let tombstone =
            StoredAccount { identity: None, state: AccountState::Erased, rights: Rights::NONE, since };
        Decision::reply(Erased { account }).put(key, &tombstone).wake(keyspace::account_topic(account)).done()
    }
}

/// Removes some of an erased account's rows. Asked for again until nothing is left.
#[derive(Debug, Clone, Serialize)]
pub struct PurgeAccount {
    /// Which.
    pub account: AccountId,
}

/// How far purging has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Purged {
    /// Rows removed this time.
    pub removed: u64,
    /// Whether there is more.
    pub more: bool,
}

impl Command for PurgeAccount {
    type Domain = Accounts;
    type Reply = Purged;
    const NAME: &'static str = "purge_account";
    const KIND: Kind = Kind::Write;

    fn needs(&self) -> Need {
        Need::Node
    }

    fn lane(&self, _: &Principal, _: &Keyspace) -> Lane {
        Lane::of_account(self.account)
    }

    fn reads(&self, _: &Principal, _: &Keyspace) -> Reads {
        let start = Reads::one(keyspace::account(self.account)).row(keyspace::person(self.account));
        keyspace::ACCOUNT_PREFIXES.iter().fold(start, |reads, prefix| {
            reads.range_hint(keyspace::account_prefix(*prefix, self.account), None, purge_rows(*prefix))
        })
    }

    fn decide(
        &self,
        view: &View<'_>,
        _: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<Purged>, EngineError> {
        let stored: Option<StoredAccount> = view.row(&keyspace::account(self.account))?;
        if stored.is_none_or(|stored| stored.state != AccountState::Erased) {
            return Err(EngineError::Fault);
        }
        let person: Option<StoredPerson> = view.row(&keyspace::person(self.account))?;
        let address_key = person.as_ref().map(|person| person.address_key(moment.space));
        if let Some(key) = address_key.clone().filter(|key| !view.has(key)) {
            return Ok(Step::Need(Reads::one(key)));
        }
        let mut rows: Vec<Key> = Vec::new();
        let mut more = false;
        for prefix in keyspace::ACCOUNT_PREFIXES {
            let prefix_key = keyspace::account_prefix(*prefix, self.account);
            let (keys, next) = view.keys(&prefix_key)?;
            // Rows that are found under names of their own.
            for key in &keys {
                match prefix {
                    b's' => {
                        let index: Option<StoredSessionIndex> = view.row(key)?;
                        rows.extend(index.map(|index| keyspace::session(index.session)));
                    }
                    b'j' => {
                        let id = keyspace::sixteen(key, 17).map(ApiKeyId::from_bytes);
                        rows.extend(id.map(keyspace::api_key_place));
                    }
                    b'W' => {
                        rows.extend(person.as_ref().and_then(|person| person.activation_key(moment.space)));
                        // An address that somebody else has shown to be theirs stays theirs.
                        if let Some(address_key) = &address_key {
                            let address: Option<StoredAddress> = view.row(address_key)?;
                            let own = address.is_some_and(|address| address.account == self.account);
                            rows.extend(own.then(|| address_key.clone()));
                        }
                    }
                    b'V' => {
                        let user: Option<StoredVaultUser> = view.row(key)?;
                        rows.extend(user.map(|user| user.key(moment.space)));
                    }
                    b'a' => {
                        let right: Option<StoredShareRight> = view.row(key)?;
                        let share = keyspace::sixteen(key, 17).map(ShareId::from_bytes);
                        let gone = right
                            .zip(share)
                            .map(|(right, share)| shares::place_and_member(right.id, share, self.account));
                        rows.extend(gone.into_iter().flatten());
                    }
                    b'1' => {
                        let escrow: Option<StoredEscrow> = view.row(key)?;
                        let id = keyspace::sixteen(key, 17).map(EscrowId::from_bytes);
                        let gone = escrow.zip(id).map(|(escrow, id)| escrow.rows_with_it(self.account, id));
                        rows.extend(gone.into_iter().flatten());
                    }
                    _ => {}
                }
            }
            rows.extend(keys);
            more |= next.is_some();
        }
        let removed = rows.len() as u64;
        rows.into_iter().fold(Decision::reply(Purged { removed, more }), Decision::delete).done()
    }
}
