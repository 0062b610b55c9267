//! What a restricted API key reaches: the secrets that are attached to it, and nothing else (THREATS A-API-12).

use strongroom_primitives::id::SecretId;
use strongroom_storage::Key;

use crate::{
    command::{Reads, View},
    credential::Principal,
    domains::pause::{Pause, seen},
    error::EngineError,
    keyspace,
};

/// The row that says that the caller's API key reaches a secret, if the key is restricted.
fn key_of(who: &Principal, secret: SecretId) -> Option<Key> {
    let restricted = who.api_key.filter(|key| key.flags.restrict);
    restricted.map(|key| keyspace::api_key_attached(who.account, key.id, secret))
}

/// What [`check`] looks at.
pub(super) fn reads_of(who: &Principal, secret: SecretId) -> Reads {
    key_of(who, secret).into_iter().fold(Reads::none(), Reads::row)
}

/// Refuses a restricted API key that a secret is not attached to, whether there is one by this id or not.
pub(super) fn check(view: &View<'_>, who: &Principal, secret: SecretId) -> Result<(), Pause> {
    let Some(key) = key_of(who, secret) else { return Ok(()) };
    seen(view, [key.clone()])?;
    if view.is_there(&key)? { Ok(()) } else { Err(EngineError::ApiKeyRefused.into()) }
}
