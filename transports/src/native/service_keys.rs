//! Chains and service keys: the operator's, and those of a service key that may ask.
//!
//! Who asks is in the credential, and the engine says what they may. This is the one place where the documents of the
//! wire become its commands, and its answers documents.

use std::time::Duration;

use strongroom_engine::{
    EngineError,
    domains::service_keys::{
        ChainInfo, CreateChain, CreateServiceKey, KeyInUse, KeyKind, ListChains, ListServiceKeys,
        NewServiceKey, RootKey, RotateRoot, RotateServiceKey, ServiceKeyInfo, ServiceSecret, SignsWith,
        WhichServiceKey,
    },
};
use strongroom_primitives::{
    dc1::{ChainId, KeyId, permissions::PermissionsDocument},
    json,
};
use strongroom_wire::{self as wire, Base64Array, Problem, Reply, ServiceKeyKind, TokenText};

use super::{Desk, refused};
use crate::problem::with_detail;

pub(super) async fn create_chain(desk: Desk<'_>, new: wire::NewChain) -> Result<Reply, Box<Problem>> {
    let wire::NewChain { id, root, secret } = new;
    let create = CreateChain { id, root, secret: secret_of(secret)? };
    desk.ask(create).await.map(root_key)
}

pub(super) async fn list_chains(desk: Desk<'_>) -> Result<Reply, Box<Problem>> {
    let chains = desk.ask(ListChains {}).await?.into_iter();
    let document = |ChainInfo { id, root, since, keys }| wire::Chain { id, root, since, keys };
    Ok(Reply::Chains(wire::ChainList { chains: chains.map(document).collect() }))
}

pub(super) async fn rotate_root(
    desk: Desk<'_>,
    chain: ChainId,
    root: Option<KeyId>,
    secret: Option<TokenText>,
) -> Result<Reply, Box<Problem>> {
    let rotate = RotateRoot { chain, root, secret: secret_of(secret)? };
    desk.ask(rotate).await.map(root_key)
}

pub(super) async fn create(desk: Desk<'_>, new: wire::NewServiceKey) -> Result<Reply, Box<Problem>> {
    let wire::NewServiceKey { chain, kind, public_key, nickname, permissions, expires } = new;
    let (permissions, signs_with) = (permissions_of(permissions)?, signs_with(kind, public_key)?);
    desk.ask(CreateServiceKey { chain, nickname, signs_with, permissions, expires }).await.map(made)
}

pub(super) async fn list(desk: Desk<'_>, chain: Option<ChainId>) -> Result<Reply, Box<Problem>> {
    let keys = desk.ask(ListServiceKeys { chain }).await?.into_iter();
    Ok(Reply::ServiceKeys(wire::ServiceKeyList { service_keys: keys.map(document).collect() }))
}

pub(super) async fn rotate(
    desk: Desk<'_>,
    chain: Option<ChainId>,
    id: KeyId,
    public_key: Option<Base64Array<32>>,
    overlap: Duration,
) -> Result<Reply, Box<Problem>> {
    let public_key = public_key.map(|key| key.0);
    desk.ask(RotateServiceKey { chain, id, public_key, overlap }).await.map(made)
}

/// What a key is told of itself, whatever it may do.
pub(super) async fn in_use(desk: Desk<'_>) -> Result<Reply, Box<Problem>> {
    let KeyInUse { chain, id, root, expires } = desk.ask(WhichServiceKey {}).await?;
    Ok(Reply::ServiceKeyInUse(wire::ServiceKeyInUse { chain, id, root, expires }))
}

pub(super) fn shown(info: ServiceKeyInfo) -> Reply {
    Reply::ServiceKey(document(info))
}

fn made(new: NewServiceKey) -> Reply {
    let NewServiceKey { key, secret } = new;
    let secret = secret.as_ref().map(text_of);
    Reply::ServiceKeyMade(wire::ServiceKeyMade { key: document(key), secret })
}

/// A public key goes with the one kind that has one.
fn signs_with(kind: ServiceKeyKind, public_key: Option<Base64Array<32>>) -> Result<SignsWith, Box<Problem>> {
    match (kind, public_key) {
        (ServiceKeyKind::Dc1Hmac, None) => Ok(SignsWith::Dc1Hmac),
        (ServiceKeyKind::HmacSha256, None) => Ok(SignsWith::HmacSha256),
        (ServiceKeyKind::Ed25519, Some(Base64Array(public_key))) => Ok(SignsWith::Ed25519 { public_key }),
        _ => Err(refused(EngineError::ServicePublicKeyInvalid)),
    }
}

/// A permissions document out of its text. It has one meaning or none: doubled members are refused.
pub(super) fn permissions_of(text: Option<String>) -> Result<Option<PermissionsDocument>, Box<Problem>> {
    let Some(text) = text else { return Ok(None) };
    let refusal = |error: String| {
        let title = "that is no permissions document";
        Box::new(with_detail(422, "permissions-invalid", title, error))
    };
    let value = json::parse(text.as_bytes()).map_err(|error| refusal(error.to_string()))?;
    PermissionsDocument::read(&value).map(Some).map_err(|error| refusal(error.to_string()))
}

fn secret_of(text: Option<TokenText>) -> Result<Option<ServiceSecret>, Box<Problem>> {
    text.map(|text| ServiceSecret::new(text.0)).transpose().map_err(refused)
}

fn text_of(secret: &ServiceSecret) -> TokenText {
    TokenText(secret.expose().clone())
}

fn root_key(key: RootKey) -> Reply {
    let RootKey { chain, id, secret, .. } = key;
    Reply::RootKey(wire::RootKey { chain, id, secret: text_of(&secret) })
}

fn document(info: ServiceKeyInfo) -> wire::ServiceKey {
    wire::ServiceKey {
        id: info.id,
        kind: match info.kind {
            KeyKind::Dc1Hmac => ServiceKeyKind::Dc1Hmac,
            KeyKind::HmacSha256 => ServiceKeyKind::HmacSha256,
            KeyKind::Ed25519 => ServiceKeyKind::Ed25519,
        },
        public_key: info.public_key.map(Base64Array),
        nickname: info.nickname,
        root: info.root,
        registered: info.registered,
        permissions: info.permissions.to_text(),
        expires: info.expires,
        last_used: info.last_used,
        overlap_until: info.overlap_until,
    }
}
