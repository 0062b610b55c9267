//! Service keys: what services sign each request with.
//!
//! A **chain** is one tenant: a root key that the operator made, and the keys that were made with it. It has no accounts,
//! no feed and no sessions, so it is a thing of its own and not a realm. A key has one kind ([`KeyKind`]): it signs with a
//! secret that the server must be able to use, or with a private key of which the server has the public half. Secrets lie
//! sealed under a key of the engine, in a store that is itself encrypted, or not at all.
//!
//! | here | is |
//! |---|---|
//! | [`SignedRequest`] | what a caller shows in one of two forms, and the order in which it is doubted |
//! | [`SpendSignature`] | a signature is taken once: as a row, where memory is not enough |
//! | [`CreateChain`], [`RotateRoot`], [`ListChains`] | the operator's |
//! | [`CreateServiceKey`] and the other commands | by the operator, or by a key that is allowed to |
//!
//! Believe this: whoever may make or change keys gets no further by it than it has got, in what a key may do and for how
//! long. Source: `dialects/dragonchain.md`, sections 3 to 6 and 9; `SIGNING.md`.

mod caller;
mod chains;
mod check;
mod create;
mod delete;
mod kind;
mod list;
mod root;
mod rotate;
mod rows;
mod secret;
mod signed;
mod spend;
#[cfg(test)]
mod tests;
mod update;
mod used;

use serde::{Deserialize, Serialize};
use strongroom_primitives::{
    dc1::{ChainId, KeyId, permissions::PermissionsDocument},
    time::Timestamp,
};
use strongroom_storage::Key;

pub(crate) use caller::{Grant, ServiceCaller};
pub use chains::{ChainInfo, CreateChain, ListChains, RootKey};
pub use check::{CheckServiceKey, KeyInUse, WhichServiceKey};
pub use create::{CreateServiceKey, NewServiceKey};
pub use delete::DeleteServiceKey;
pub use kind::{KeyKind, SignsWith};
pub use list::{GetServiceKey, ListServiceKeys};
pub use root::RotateRoot;
pub use rotate::RotateServiceKey;
pub(crate) use rows::{StoredChain, StoredKeyPlace, StoredServiceKey, StoredSignature};
pub(crate) use secret::ServiceSeal;
pub use secret::ServiceSecret;
pub(crate) use signed::{Claim, Form, SIGNATURE_SLACK, believed};
pub use signed::{Dc1Facts, MessageFacts, SignatureFault, SignedRequest};
pub use spend::SpendSignature;
pub use update::UpdateServiceKey;
pub use used::TouchServiceKey;

use crate::{
    command::{Domain, Lane, Moment, View},
    credential::Principal,
    error::EngineError,
    keyspace::Keyspace,
};

/// The most keys, or chains, that one listing reads.
const LIST_ROWS: usize = 4_096;

/// The domain of service keys.
#[derive(Debug)]
pub struct ServiceKeys;

impl Domain for ServiceKeys {
    const NAME: &'static str = "service_keys";
}

/// What is shown of a service key. Its secret never is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceKeyInfo {
    /// Which of its chain.
    pub id: KeyId,
    /// What somebody calls it; may be empty.
    pub nickname: String,
    /// Whether it is the chain's root key.
    pub root: bool,
    /// Since when there is one. A dialect may show another time of a root key.
    pub registered: Timestamp,
    /// What it may do: everything, if it is the root key.
    pub permissions: PermissionsDocument,
    /// What it signs with.
    pub kind: KeyKind,
    /// Its public key, 32 bytes, if it is of the kind [`KeyKind::Ed25519`].
    pub public_key: Option<[u8; 32]>,
    /// The last instant at which it signs, if limited.
    pub expires: Option<Timestamp>,
    /// The last use that was written down. Uses are written down once a minute.
    pub last_used: Option<Timestamp>,
    /// Until when it also signs with the secret or public key before its present one, if it does.
    pub overlap_until: Option<Timestamp>,
}

/// The chain that a command is about: the one it names, or that of the key that asks. A key reaches no other.
///
/// # Errors
/// [`EngineError::UnknownChain`].
fn chain_of(named: Option<&ChainId>, who: &Principal) -> Result<ChainId, EngineError> {
    let own = who.service.as_ref().map(|service| &service.chain);
    match (own, named) {
        (Some(own), Some(named)) if own != named => Err(EngineError::UnknownChain),
        (Some(chain), _) | (None, Some(chain)) => Ok(chain.clone()),
        (None, None) => Err(EngineError::UnknownChain),
    }
}

/// A key of a chain, as a command that changes it finds it.
struct Found {
    chain: ChainId,
    chain_key: Key,
    stored_chain: StoredChain,
    key: Key,
    stored: StoredServiceKey,
}

impl Found {
    /// # Errors
    /// [`EngineError::UnknownChain`] and [`EngineError::UnknownServiceKey`].
    fn look(
        view: &View<'_>,
        named: Option<&ChainId>,
        id: &KeyId,
        who: &Principal,
        space: &Keyspace,
    ) -> Result<Self, EngineError> {
        let chain = chain_of(named, who)?;
        let (chain_key, key) = (space.chain(&chain), space.service_key(&chain, id));
        let stored_chain = view.row(&chain_key)?.ok_or(EngineError::UnknownChain)?;
        let stored = view.row(&key)?.ok_or(EngineError::UnknownServiceKey)?;
        Ok(Self { chain, chain_key, stored_chain, key, stored })
    }
}

/// Where the changes of a chain's keys wait for each other.
fn lane_of(named: Option<&ChainId>, who: &Principal, space: &Keyspace) -> Lane {
    chain_of(named, who).map_or_else(|_| Lane::of_account(who.account), |chain| space.chain_lane(&chain))
}

/// Ids that belong to keys of smart contracts or of other chains. Source: dialects/dragonchain.md, sections 1 and 4.
fn is_reserved(id: &KeyId) -> bool {
    id.as_str().starts_with("SC_") || is_interchain(id)
}

fn is_interchain(id: &KeyId) -> bool {
    id.as_str().starts_with("INTERCHAIN")
}

/// # Errors
/// [`EngineError::NicknameInvalid`].
fn check_nickname(nickname: &str, moment: &Moment<'_>) -> Result<(), EngineError> {
    let max = moment.limits.nickname_chars_max;
    let fits = nickname.chars().count() <= max && !nickname.chars().any(char::is_control);
    if fits { Ok(()) } else { Err(EngineError::NicknameInvalid { max }) }
}

/// # Errors
/// [`EngineError::FieldSize`].
fn check_permissions(permissions: &PermissionsDocument, moment: &Moment<'_>) -> Result<(), EngineError> {
    let (bytes, max) = (permissions.to_text().len(), moment.limits.permissions_bytes_max);
    let field = "permissions_document";
    if bytes <= max { Ok(()) } else { Err(EngineError::FieldSize { field, bytes, max }) }
}

/// Whether the caller may make a key be so: the operator and the root key may, and any other key may not grant what it
/// does not hold, nor for longer. Source: dialects/dragonchain.md, section 5.
///
/// # Errors
/// [`EngineError::ServiceKeyWidens`].
fn check_grant(
    who: &Principal,
    permissions: &PermissionsDocument,
    expires: Option<Timestamp>,
) -> Result<(), EngineError> {
    let Some(service) = &who.service else { return Ok(()) };
    let within = match &service.grant {
        Grant::Root => true,
        Grant::Limited(held) => {
            let lasts = service.expires.is_none_or(|held| expires.is_some_and(|expires| expires <= held));
            lasts && held.covers(permissions)
        }
        Grant::Nothing => false,
    };
    if within { Ok(()) } else { Err(EngineError::ServiceKeyWidens) }
}

/// # Errors
/// [`EngineError::StoreNotEncrypted`].
fn check_sealed(moment: &Moment<'_>) -> Result<(), EngineError> {
    if moment.sealed_at_rest { Ok(()) } else { Err(EngineError::StoreNotEncrypted) }
}
