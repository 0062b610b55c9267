//! The secret storage of an account: what lies under its root key, read as a whole.

use serde::{Deserialize, Serialize};
use strongroom_primitives::id::AccountId;
use subtle::ConstantTimeEq;

use super::{
    Escrow, SECRETS_MAX, account_of,
    rows::{AsymKey, BoxShare, StoredStorage, WrappedRoot},
};
use crate::{
    command::{Command, Decision, Kind, Moment, Reads, Step, View},
    credential::{Need, Principal},
    error::EngineError,
    keyspace::{self, Keyspace},
};

/// What an account keeps under its root key.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SecretStorage {
    /// The root key under the password's key.
    pub root: WrappedRoot,
    /// The vault key under the root key.
    pub vault: WrappedRoot,
    /// Secret halves of key pairs.
    pub asym_keys: Vec<AsymKey>,
    /// Shares of keys of boxes.
    pub box_shares: Vec<BoxShare>,
}

/// The rows of both kinds. The row of the storage is their generation row: it counts them.
pub(super) fn reads_of(account: AccountId) -> Reads {
    let generation = keyspace::escrow_storage(account);
    Reads::none().range(keyspace::escrow_asym_keys(account), None, SECRETS_MAX + 1, generation.clone()).range(
        keyspace::escrow_box_shares(account),
        None,
        SECRETS_MAX + 1,
        generation,
    )
}

impl StoredStorage {
    pub(super) fn of(view: &View<'_>, account: AccountId) -> Result<Self, EngineError> {
        view.row(&keyspace::escrow_storage(account))?.ok_or(EngineError::NoSecretStorage)
    }

    /// Refuses a device that knows an earlier root key only.
    ///
    /// # Errors
    /// [`EngineError::RootKeyStale`].
    pub(super) fn check_root(&self, key_hash: &[u8]) -> Result<(), EngineError> {
        if bool::from(self.root.key_hash.ct_eq(key_hash)) { Ok(()) } else { Err(EngineError::RootKeyStale) }
    }

    /// The same with one more wrapped secret.
    ///
    /// # Errors
    /// [`EngineError::TooManyWrappedSecrets`].
    pub(super) fn with_one_more(self, moment: &Moment<'_>) -> Result<Self, EngineError> {
        let secrets = self.secrets + 1;
        check_count(secrets, moment)?;
        Ok(Self { secrets, ..self })
    }

    /// The same with so many fewer.
    pub(super) fn with_fewer(self, gone: usize) -> Self {
        Self { secrets: self.secrets.saturating_sub(gone as u64), ..self }
    }
}

/// # Errors
/// [`EngineError::TooManyWrappedSecrets`].
pub(super) fn check_count(secrets: u64, moment: &Moment<'_>) -> Result<(), EngineError> {
    let max = moment.limits.escrow_secrets_max.min(SECRETS_MAX);
    if secrets <= max as u64 { Ok(()) } else { Err(EngineError::TooManyWrappedSecrets { max }) }
}

/// Reads the secret storage of the caller's account.
#[derive(Debug, Clone, Serialize)]
pub struct GetSecretStorage {}

impl Command for GetSecretStorage {
    type Domain = Escrow;
    type Reply = SecretStorage;
    const NAME: &'static str = "get_secret_storage";
    const KIND: Kind = Kind::Read;

    fn needs(&self) -> Need {
        Need::Assured
    }

    fn reads(&self, who: &Principal, _: &Keyspace) -> Reads {
        reads_of(who.account)
    }

    fn decide(
        &self,
        view: &View<'_>,
        who: &Principal,
        _: &mut Moment<'_>,
    ) -> Result<Step<SecretStorage>, EngineError> {
        let account = account_of(who)?;
        let StoredStorage { root, vault, .. } = StoredStorage::of(view, account)?;
        let (asym_keys, _) = view.range::<AsymKey>(&keyspace::escrow_asym_keys(account))?;
        let (box_shares, _) = view.range::<BoxShare>(&keyspace::escrow_box_shares(account))?;
        Decision::reply(SecretStorage {
            root,
            vault,
            asym_keys: asym_keys.into_iter().map(|(_, row)| row).collect(),
            box_shares: box_shares.into_iter().map(|(_, row)| row).collect(),
        })
        .done()
    }
}
