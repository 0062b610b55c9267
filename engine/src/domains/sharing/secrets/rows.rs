//! How secrets lie in storage: what many look at beside what few do, and the number of reads in rows of its own.

use serde::{Deserialize, Serialize};
use strongroom_primitives::{
    id::{AccountId, SecretId, SecretVersionId},
    time::Timestamp,
};

use super::Callback;
use crate::{
    boxed::Boxed,
    codec::Stored,
    command::{Decision, View},
    domains::{
        pause::{Pause, row, seen},
        sharing::{Child, holdings, tree::StoredNode},
    },
    error::EngineError,
    keyspace,
};

/// Rows that count the reads of one secret. Which of them a read is counted in goes by its account, so that readers
/// seldom write the same one.
pub(super) const STRIPES: u8 = 16;

/// What is said of a secret without what it holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredSecret {
    pub(in crate::domains::sharing) created: Timestamp,
    pub(in crate::domains::sharing) written: Timestamp,
    /// Who created it, and counts it among what they hold.
    pub(super) owner: AccountId,
    /// Who wrote it last.
    pub(super) by: AccountId,
    /// The size of its ciphertext.
    pub(super) bytes: u64,
}

impl Stored for StoredSecret {}

/// What a secret holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct StoredSecretContent {
    pub(super) data: Boxed,
    pub(super) callback: Callback,
}

impl Stored for StoredSecretContent {}

/// The reads that one stripe counts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct StoredReads {
    pub(super) count: u64,
}

impl Stored for StoredReads {}

/// The earlier states of a secret, the oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct StoredHistory {
    pub(super) versions: Vec<Earlier>,
}

impl Stored for StoredHistory {}

/// An earlier state in the list of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Earlier {
    pub(super) id: SecretVersionId,
    /// When it was written.
    pub(super) written: Timestamp,
    /// Who wrote it.
    pub(super) by: AccountId,
}

/// An earlier state with what it held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct StoredSecretVersion {
    pub(super) secret: SecretId,
    pub(super) written: Timestamp,
    pub(super) content: StoredSecretContent,
}

impl Stored for StoredSecretVersion {}

/// A nonce that has sealed a secret. It stays when the secret goes: no nonce seals two.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct StoredNonce;

impl Stored for StoredNonce {}

/// Refuses a nonce that has sealed a secret.
pub(super) fn check_nonce(view: &View<'_>, nonce: &[u8; 24]) -> Result<(), Pause> {
    match row::<StoredNonce>(view, keyspace::secret_nonce(nonce))? {
        Some(_) => Err(EngineError::NonceUsed.into()),
        None => Ok(()),
    }
}

/// When a secret was written last, if there is one. Its row has been read.
///
/// # Errors
/// [`EngineError::Corrupt`].
pub(crate) fn written(view: &View<'_>, secret: SecretId) -> Result<Option<Timestamp>, EngineError> {
    let stored: Option<StoredSecret> = view.row(&keyspace::secret(secret))?;
    Ok(stored.map(|stored| stored.written))
}

/// Removes a secret that hangs nowhere, with its history. Its nonces stay.
pub(crate) fn drop_secret(view: &View<'_>, secret: SecretId) -> Result<Decision<()>, Pause> {
    let (node, history) = (keyspace::node(Child::Secret(secret)), keyspace::secret_history(secret));
    seen(view, [node.clone(), history.clone(), keyspace::secret(secret)])?;
    let loose = view.row::<StoredNode>(&node)?.is_some_and(|node| node.is_loose());
    if !loose {
        return Ok(Decision::reply(()));
    }
    let versions = view.row::<StoredHistory>(&history)?.unwrap_or_default().versions;
    let rows = [node, history, keyspace::secret(secret), keyspace::secret_content(secret)];
    let reads = (0..STRIPES).map(|stripe| keyspace::secret_reads(secret, stripe));
    let versions = versions.iter().map(|version| keyspace::secret_version(version.id));
    let decision = rows.into_iter().chain(reads).chain(versions).fold(Decision::reply(()), Decision::delete);
    match view.row::<StoredSecret>(&keyspace::secret(secret))? {
        Some(stored) => holdings::discount(decision, view, stored.owner, Child::Secret(secret)),
        None => Ok(decision),
    }
}
