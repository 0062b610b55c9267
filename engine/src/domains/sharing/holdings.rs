//! How many secrets and shares an account has created. In the tree they belong to whoever reaches them, so that no range
//! of rows says it.

use serde::{Deserialize, Serialize};
use strongroom_primitives::id::AccountId;

use super::Child;
use crate::{
    codec::Stored,
    command::{Decision, View},
    domains::pause::{Pause, row},
    error::{EngineError, Quota},
    keyspace,
    limits::Limits,
};

/// What an account has created and is still there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredHoldings {
    secrets: u64,
    shares: u64,
}

impl Stored for StoredHoldings {}

/// Counts what an account creates.
///
/// # Errors
/// [`EngineError::QuotaExceeded`].
pub(super) fn count<R>(
    decision: Decision<R>,
    view: &View<'_>,
    account: AccountId,
    created: impl IntoIterator<Item = Child>,
    limits: &Limits,
) -> Result<Decision<R>, Pause> {
    let key = keyspace::holdings(account);
    let mut held: StoredHoldings = row(view, key.clone())?.unwrap_or_default();
    for child in created {
        let (count, max, what) = match child {
            Child::Secret(_) => (&mut held.secrets, limits.account_secrets_max, Quota::Secrets),
            Child::Share(_) => (&mut held.shares, limits.account_shares_max, Quota::Shares),
        };
        if *count >= max {
            return Err(EngineError::QuotaExceeded { what, max }.into());
        }
        *count += 1;
    }
    Ok(decision.put(key, &held))
}

/// Counts one less, because it has gone. An account that was erased counts nothing any more.
pub(super) fn discount<R>(
    decision: Decision<R>,
    view: &View<'_>,
    account: AccountId,
    gone: Child,
) -> Result<Decision<R>, Pause> {
    let key = keyspace::holdings(account);
    let Some(mut held) = row::<StoredHoldings>(view, key.clone())? else { return Ok(decision) };
    let count = match gone {
        Child::Secret(_) => &mut held.secrets,
        Child::Share(_) => &mut held.shares,
    };
    *count = count.saturating_sub(1);
    Ok(decision.put(key, &held))
}
