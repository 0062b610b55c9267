//! By what names accounts are known, for those who may see that they had a hand in something.

use std::collections::{BTreeMap, BTreeSet};

use strongroom_primitives::id::{AccountId, Subject};

use crate::{
    command::{Reads, View},
    domains::{accounts::StoredAccount, pause::Pause},
    error::EngineError,
    keyspace,
};

/// The names of accounts. Those that are erased have none. A name never changes but for that, so nothing is guarded.
pub(super) fn of(
    view: &View<'_>,
    accounts: impl Iterator<Item = AccountId>,
) -> Result<BTreeMap<AccountId, Subject>, Pause> {
    let accounts: BTreeSet<AccountId> = accounts.collect();
    let keys = accounts.iter().map(|account| keyspace::account(*account));
    let missing = keys.filter(|key| !view.has(key)).fold(Reads::none(), Reads::hint);
    if !missing.is_empty() {
        return Err(Pause::Need(missing));
    }
    let named = accounts.into_iter().map(|account| {
        let stored: Option<StoredAccount> = view.row(&keyspace::account(account))?;
        let identity = stored.and_then(|stored| stored.identity);
        Ok(identity.map(|identity| (account, identity.subject)))
    });
    Ok(named.filter_map(Result::transpose).collect::<Result<_, EngineError>>()?)
}
