//! Wrapped keys: texts in, texts out. None of them can be opened here.

use bytes::Bytes;
use strongroom_engine::{
    EngineError,
    domains::key_hierarchy::{
        self as engine, BeginRotation, CreateDek, CreateKeyPair, GetDek, GetKeyPair, ListDeks, ListKeyPairs,
        UpdateKeyPair,
    },
};
use strongroom_primitives::{
    id::{DekId, KeyPairId},
    json,
};
use strongroom_wire::{
    Base64Bytes, CryppoString, Dek, DekPage, Kek, KeyPair, KeyPairPage, NewDek, NewKeyPair, NewRotation,
    Problem, Reply, Rewrapped, Rotation, WrappedKeyId,
};

use super::{Desk, convert::cursor, cursor_of, refused};
use crate::problem::bad_request;

/// How deep the metadata of a key pair may nest.
const METADATA_DEPTH_MAX: usize = 8;

/// A text that was checked when it came.
fn text_of(bytes: Bytes) -> Result<String, Box<Problem>> {
    String::from_utf8(bytes.into()).map_err(|_| refused(EngineError::Corrupt))
}

pub(super) fn cryppo_of(bytes: Bytes) -> Result<CryppoString, Box<Problem>> {
    text_of(bytes).map(CryppoString)
}

pub(super) fn kek(kek: engine::Kek) -> Result<Reply, Box<Problem>> {
    Ok(Reply::Kek(Kek {
        generation: kek.generation,
        wrapped: cryppo_of(kek.wrapped)?,
        since: kek.since,
        keys: kek.keys,
        rotation: kek.rotation.map(rotation_of).transpose()?,
    }))
}

fn rotation_of(status: engine::RotationStatus) -> Result<Rotation, Box<Problem>> {
    let engine::RotationStatus { target, wrapped, began, done, keys } = status;
    Ok(Rotation { target, wrapped: cryppo_of(wrapped)?, began, done, keys })
}

fn dek_of(dek: engine::Dek) -> Result<Dek, Box<Problem>> {
    let engine::Dek { id, generation, wrapped, created } = dek;
    Ok(Dek { id, generation, wrapped: cryppo_of(wrapped)?, created })
}

pub(super) async fn create_dek(desk: Desk<'_>, new: NewDek) -> Result<Reply, Box<Problem>> {
    let create = CreateDek { wrapped: new.wrapped.0.into(), generation: new.generation };
    Ok(Reply::Dek(dek_of(desk.ask(create).await?)?))
}

pub(super) async fn dek(desk: Desk<'_>, id: DekId) -> Result<Reply, Box<Problem>> {
    Ok(Reply::Dek(dek_of(desk.ask(GetDek { id }).await?)?))
}

pub(super) async fn deks(
    desk: Desk<'_>,
    pending: bool,
    from: Option<String>,
    limit: Option<usize>,
) -> Result<Reply, Box<Problem>> {
    let list = ListDeks { pending, from: cursor_of(from)?, limit: desk.page_rows(limit) };
    let page = desk.ask(list).await?;
    let deks = page.deks.into_iter().map(dek_of).collect::<Result<_, _>>()?;
    Ok(Reply::Deks(DekPage { deks, next: cursor(page.next) }))
}

/// Metadata is one JSON object, so that whoever reads it finds one.
fn metadata_of(text: String) -> Result<Bytes, Box<Problem>> {
    let object = json::parse_object(text.as_bytes()).ok().map(serde_json::Value::Object);
    match object {
        Some(object) if json::depth_of(&object) <= METADATA_DEPTH_MAX => Ok(text.into()),
        _ => Err(bad_request(format!(
            "metadata is the text of a JSON object, at most {METADATA_DEPTH_MAX} deep, without doubled members"
        ))),
    }
}

fn key_pair_of(pair: engine::KeyPair) -> Result<KeyPair, Box<Problem>> {
    let metadata = if pair.metadata.is_empty() { None } else { Some(text_of(pair.metadata)?) };
    Ok(KeyPair {
        id: pair.id,
        public_key: pair.public_key,
        fingerprint: Base64Bytes(pair.fingerprint.to_vec().into()),
        generation: pair.generation,
        wrapped_private_key: cryppo_of(pair.wrapped_private_key)?,
        external_identifiers: pair.external_identifiers.into_iter().map(|known| known.text).collect(),
        metadata,
        created: pair.created,
    })
}

pub(super) fn key_pair(pair: engine::KeyPair) -> Result<Reply, Box<Problem>> {
    key_pair_of(pair).map(Reply::KeyPair)
}

pub(super) async fn create_key_pair(desk: Desk<'_>, new: NewKeyPair) -> Result<Reply, Box<Problem>> {
    let create = CreateKeyPair {
        public_key: new.public_key,
        wrapped_private_key: new.wrapped_private_key.0.into(),
        external_identifiers: new.external_identifiers,
        metadata: new.metadata.map(metadata_of).transpose()?.unwrap_or_default(),
        generation: new.generation,
    };
    key_pair(desk.ask(create).await?)
}

pub(super) async fn update_key_pair(
    desk: Desk<'_>,
    id: KeyPairId,
    external_identifiers: Option<Vec<String>>,
    metadata: Option<String>,
) -> Result<Reply, Box<Problem>> {
    let metadata = metadata.map(metadata_of).transpose()?;
    key_pair(desk.ask(UpdateKeyPair { id, external_identifiers, metadata }).await?)
}

pub(super) async fn get_key_pair(desk: Desk<'_>, id: KeyPairId) -> Result<Reply, Box<Problem>> {
    key_pair(desk.ask(GetKeyPair { id }).await?)
}

pub(super) async fn key_pairs(
    desk: Desk<'_>,
    pending: bool,
    from: Option<String>,
    limit: Option<usize>,
) -> Result<Reply, Box<Problem>> {
    let list = ListKeyPairs { pending, from: cursor_of(from)?, limit: desk.page_rows(limit) };
    let page = desk.ask(list).await?;
    let keypairs = page.key_pairs.into_iter().map(key_pair_of).collect::<Result<_, _>>()?;
    Ok(Reply::KeyPairs(KeyPairPage { keypairs, next: cursor(page.next) }))
}

pub(super) async fn begin_rotation(desk: Desk<'_>, new: NewRotation) -> Result<Reply, Box<Problem>> {
    let begin = BeginRotation { generation: new.generation, wrapped: new.wrapped.0.into() };
    Ok(Reply::Rotation(rotation_of(desk.ask(begin).await?)?))
}

pub(super) async fn rewrap(desk: Desk<'_>, target: u32, keys: Vec<Rewrapped>) -> Result<Reply, Box<Problem>> {
    let keys = keys.into_iter().map(|Rewrapped { id, wrapped }| engine::Rewrapped {
        id: match id {
            WrappedKeyId::Dek(id) => id.into(),
            WrappedKeyId::KeyPair(id) => id.into(),
        },
        wrapped: wrapped.0.into(),
    });
    let rewrap = engine::Rewrap { target, keys: keys.collect() };
    Ok(Reply::Rotation(rotation_of(desk.ask(rewrap).await?)?))
}
