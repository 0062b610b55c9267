//! Looking at accounts, suspending them, limiting their rights.

use serde::{Deserialize, Serialize};
use strongroom_primitives::{
    id::{AccountId, SessionId},
    time::Timestamp,
};
use strongroom_storage::Key;

use super::{AccountState, Accounts, StoredAccount};
use crate::{
    command::{Command, Decision, Kind, Lane, Moment, Reads, Step, View},
    credential::{Identity, Need, Principal, Rights},
    error::EngineError,
    feed::Ledger,
    keyspace::{self, Keyspace},
};

/// Asks who the caller is. Also the cheapest way to learn that a credential is still good.
#[derive(Debug, Clone, Serialize)]
pub struct WhoAmI;

/// Who the caller is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Whoami {
    /// The account.
    pub account: AccountId,
    /// By which realm and subject the caller is known.
    pub identity: Identity,
    /// What the caller may do with records.
    pub rights: Rights,
    /// The bearer session, if that is how the caller came.
    pub session: Option<SessionId>,
    /// The last instant at which the credential is good, if it is limited.
    pub expires: Option<Timestamp>,
}

impl Command for WhoAmI {
    type Domain = Accounts;
    type Reply = Whoami;
    const NAME: &'static str = "who_am_i";
    const KIND: Kind = Kind::Read;

    fn needs(&self) -> Need {
        Need::Own
    }

    fn reads(&self, _: &Principal, _: &Keyspace) -> Reads {
        Reads::none()
    }

    fn decide(&self, _: &View<'_>, who: &Principal, _: &mut Moment<'_>) -> Result<Step<Whoami>, EngineError> {
        Decision::reply(Whoami {
            account: who.account,
            identity: who.identity()?.clone(),
            rights: who.rights,
            session: who.session,
            expires: who.expires,
        })
        .done()
    }
}

/// What the operator sees of an account: never its content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountInfo {
    /// The account.
    pub account: AccountId,
    /// Who it is; `None` once erased.
    pub identity: Option<Identity>,
    /// Whether it may act.
    pub state: AccountState,
    /// What the operator leaves it of its realm's rights.
    pub rights: Rights,
    /// Its first write.
    pub since: Timestamp,
    /// Live records; `None` in listings.
    pub records: Option<u64>,
    /// Bytes of `meta` and `value` of live records; `None` in listings.
    pub bytes: Option<u64>,
}

impl AccountInfo {
    fn of(account: AccountId, stored: StoredAccount, ledger: Option<Ledger>) -> Self {
        Self {
            account,
            identity: stored.identity,
            state: stored.state,
            rights: stored.rights,
            since: stored.since,
            records: ledger.as_ref().map(|ledger| ledger.records),
            bytes: ledger.as_ref().map(|ledger| ledger.bytes),
        }
    }
}

/// Which account the operator means.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Whose {
    /// That of this identity.
    Identity(Identity),
    /// The one with this id.
    Account(AccountId),
}

impl Whose {
    fn account(&self, space: &Keyspace) -> AccountId {
        match self {
            Self::Identity(identity) => space.account_of(&identity.realm, &identity.subject),
            Self::Account(account) => *account,
        }
    }
}

impl From<Identity> for Whose {
    fn from(identity: Identity) -> Self {
        Self::Identity(identity)
    }
}

/// Looks at one account, for the operator.
#[derive(Debug, Clone, Serialize)]
pub struct DescribeAccount {
    /// Whose.
    pub whose: Whose,
}

impl Command for DescribeAccount {
    type Domain = Accounts;
    type Reply = Option<AccountInfo>;
    const NAME: &'static str = "describe_account";
    const KIND: Kind = Kind::Read;

    fn needs(&self) -> Need {
        Need::Operator
    }

    fn reads(&self, _: &Principal, space: &Keyspace) -> Reads {
        let account = self.whose.account(space);
        Reads::one(keyspace::account(account)).row(keyspace::ledger(account))
    }

    fn decide(
        &self,
        view: &View<'_>,
        _: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<Option<AccountInfo>>, EngineError> {
        let account = self.whose.account(moment.space);
        let ledger: Ledger = view.row(&keyspace::ledger(account))?.unwrap_or_default();
        let stored: Option<StoredAccount> = view.row(&keyspace::account(account))?;
        Decision::reply(stored.map(|stored| AccountInfo::of(account, stored, Some(ledger)))).done()
    }
}

/// Lists accounts, for the operator. The order is that of hashes and means nothing.
#[derive(Debug, Clone, Serialize)]
pub struct ListAccounts {
    /// The last account of the page before; `None` for the first page.
    pub after: Option<AccountId>,
    /// At most so many.
    pub limit: usize,
}

/// A page of accounts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountPage {
    /// The accounts.
    pub accounts: Vec<AccountInfo>,
    /// The `after` of the next page, if there may be one.
    pub next: Option<AccountId>,
}

impl Command for ListAccounts {
    type Domain = Accounts;
    type Reply = AccountPage;
    const NAME: &'static str = "list_accounts";
    const KIND: Kind = Kind::Read;

    fn needs(&self) -> Need {
        Need::Operator
    }

    fn reads(&self, _: &Principal, _: &Keyspace) -> Reads {
        let from = self.after.map(|after| keyspace::account(after).successor());
        Reads::none().range_hint(keyspace::accounts(), from, self.limit.clamp(1, 1_000))
    }

    fn decide(
        &self,
        view: &View<'_>,
        _: &Principal,
        _: &mut Moment<'_>,
    ) -> Result<Step<AccountPage>, EngineError> {
        let (rows, next) = view.range::<StoredAccount>(&keyspace::accounts())?;
        let of_key =
            |key: &Key| keyspace::sixteen(key, 1).map(AccountId::from_bytes).ok_or(EngineError::Corrupt);
        let accounts = rows
            .into_iter()
            .map(|(key, stored)| Ok(AccountInfo::of(of_key(&key)?, stored, None)))
            .collect::<Result<Vec<_>, EngineError>>()?;
        let next = next.and_then(|_| accounts.last().map(|last| last.account));
        Decision::reply(AccountPage { accounts, next }).done()
    }
}

/// Suspends an account, lets it act again, or limits its rights. Bites at once, on open sockets too.
#[derive(Debug, Clone, Serialize)]
pub struct SetAccountPolicy {
    /// Whose.
    pub identity: Identity,
    /// `Some(true)` suspends, `Some(false)` lets it act again.
    pub suspended: Option<bool>,
    /// What is left of the realm's rights.
    pub rights: Option<Rights>,
}

impl Command for SetAccountPolicy {
    type Domain = Accounts;
    type Reply = AccountState;
    const NAME: &'static str = "set_account_policy";
    const KIND: Kind = Kind::Write;

    fn needs(&self) -> Need {
        Need::Operator
    }

    fn lane(&self, _: &Principal, space: &Keyspace) -> Lane {
        Lane::of_account(space.account_of(&self.identity.realm, &self.identity.subject))
    }

    fn reads(&self, _: &Principal, space: &Keyspace) -> Reads {
        Reads::one(keyspace::account(space.account_of(&self.identity.realm, &self.identity.subject)))
    }

    fn decide(
        &self,
        view: &View<'_>,
        _: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<AccountState>, EngineError> {
        let account = moment.space.account_of(&self.identity.realm, &self.identity.subject);
        let key = keyspace::account(account);
        let mut stored =
            view.row(&key)?.unwrap_or_else(|| StoredAccount::new(self.identity.clone(), moment.now));
        if stored.state == AccountState::Erased {
            return Err(EngineError::AccountErased);
        }
        match self.suspended {
            Some(true) => stored.state = AccountState::Suspended,
            Some(false) => stored.state = AccountState::Active,
            None => {}
        }
        stored.rights = self.rights.unwrap_or(stored.rights);
        Decision::reply(stored.state).put(key, &stored).wake(keyspace::account_topic(account)).done()
    }
}
