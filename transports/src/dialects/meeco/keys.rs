//! KEK, DEKs and key pairs.

use bytes::Bytes;
use serde_json::{Value, json};
use strongroom_engine::domains::key_hierarchy::{
    CreateDek, CreateKeyPair, Dek, DeleteDek, DeleteKeyPair, FindKeyPair, GetDek, GetKek, GetKeyPair, Kek,
    KeyPair, RestartEnrolment, SetKek, UpdateKeyPair,
};
use strongroom_primitives::id::{DekId, KeyPairId};

use super::{
    call::{Call, Flavour, answer, nothing},
    members::{id_of, uuid},
    problem::{self, Problem, about},
};
use crate::exchange::{Response, StatusCode};

/// A serialized KEK or DEK, in bytes. Source: dialects/meeco.md, section 9.
const KEY_BYTES_MAX: usize = 4 * 1024;
/// A wrapped private key, in bytes.
const PRIVATE_KEY_BYTES_MAX: usize = 32 * 1024;
/// A public key, in bytes.
const PUBLIC_KEY_BYTES_MAX: usize = 8 * 1024;

const KEK: &str = "serialized_key_encryption_key";
const DEK: &str = "serialized_data_encryption_key";
const PRIVATE_KEY: &str = "encrypted_serialized_key";

/// Wrapped keys are text that was checked when it came.
fn text_of(bytes: &Bytes) -> Result<&str, Problem> {
    std::str::from_utf8(bytes).map_err(|_| problem::INTERNAL)
}

fn kek_body(status: StatusCode, account: &[u8; 16], kek: &Kek) -> Result<Response, Problem> {
    // The user has one, so it goes by the user's id.
    let body = json!({ "id": uuid(account), KEK: text_of(&kek.wrapped)? });
    answer(status, json!({ "key_encryption_key": body }))
}

/// `GET /key_encryption_key`
pub(super) async fn kek(call: &Call<'_>) -> Result<Response, Problem> {
    let kek = call.ask(GetKek {}).await.map_err(about(KEK))?;
    let me = call.who_am_i().await?;
    kek_body(StatusCode::OK, me.account.as_bytes(), &kek)
}

/// `POST /key_encryption_key`
pub(super) async fn set_kek(call: &Call<'_>) -> Result<Response, Problem> {
    let wrapped: Bytes = call.members()?.text(KEK, KEY_BYTES_MAX)?.into();
    let me = call.who_am_i().await?;
    let restart = call.query()?.iter().any(|(name, value)| name == "restart" && value == "true");
    let kek = match restart {
        true => call.ask(RestartEnrolment { wrapped }).await,
        false => call.ask(SetKek { wrapped }).await,
    };
    let kek = kek.map_err(about(KEK))?;
    kek_body(StatusCode::CREATED, me.account.as_bytes(), &kek)
}

fn dek_body(status: StatusCode, dek: &Dek) -> Result<Response, Problem> {
    let body = json!({ "id": uuid(dek.id.as_bytes()), DEK: text_of(&dek.wrapped)? });
    answer(status, json!({ "data_encryption_key": body }))
}

/// `POST /data_encryption_keys`
pub(super) async fn create_dek(call: &Call<'_>) -> Result<Response, Problem> {
    let wrapped = call.members()?.text(DEK, KEY_BYTES_MAX)?.into();
    let dek = call.ask(CreateDek { wrapped, generation: None }).await.map_err(about(DEK))?;
    dek_body(StatusCode::CREATED, &dek)
}

/// `GET /data_encryption_keys/{id}`
pub(super) async fn dek(call: &Call<'_>, id: &str) -> Result<Response, Problem> {
    let id = DekId::from_bytes(id_of(id)?);
    dek_body(StatusCode::OK, &call.ask(GetDek { id }).await.map_err(about(DEK))?)
}

/// `DELETE /data_encryption_keys/{id}`
pub(super) async fn delete_dek(call: &Call<'_>, id: &str) -> Result<Response, Problem> {
    let id = DekId::from_bytes(id_of(id)?);
    call.ask(DeleteDek { id }).await.map_err(about(DEK))?;
    nothing()
}

fn pair_body(call: &Call<'_>, status: StatusCode, pair: &KeyPair) -> Result<Response, Problem> {
    let id = uuid(pair.id.as_bytes());
    let identifiers: Vec<Value> = pair
        .external_identifiers
        .iter()
        .map(|identifier| match call.flavour {
            Flavour::Old => json!({
                "id": uuid(identifier.id.as_bytes()),
                "identifier": identifier.text,
                "keypair_id": id,
            }),
            Flavour::New => Value::from(&*identifier.text),
        })
        .collect();
    let metadata: Value = match &*pair.metadata {
        [] => json!({}),
        stored => serde_json::from_slice(stored).map_err(|_| problem::INTERNAL)?,
    };
    let body = json!({
        "id": id,
        "public_key": pair.public_key,
        PRIVATE_KEY: text_of(&pair.wrapped_private_key)?,
        "metadata": metadata,
        "external_identifiers": identifiers,
    });
    answer(status, json!({ "keypair": body }))
}

/// `POST /keypairs`
pub(super) async fn create_pair(call: &Call<'_>) -> Result<Response, Problem> {
    let mut members = call.members()?;
    let create = CreateKeyPair {
        public_key: members.text("public_key", PUBLIC_KEY_BYTES_MAX)?,
        wrapped_private_key: members.text(PRIVATE_KEY, PRIVATE_KEY_BYTES_MAX)?.into(),
        external_identifiers: members.texts("external_identifiers")?.unwrap_or_default(),
        metadata: members.metadata("metadata")?.unwrap_or_default().into(),
        generation: None,
    };
    let pair = call.ask(create).await.map_err(about(PRIVATE_KEY))?;
    pair_body(call, StatusCode::CREATED, &pair)
}

/// `GET /keypairs/{id}`
pub(super) async fn pair(call: &Call<'_>, id: &str) -> Result<Response, Problem> {
    let id = KeyPairId::from_bytes(id_of(id)?);
    pair_body(call, StatusCode::OK, &call.ask(GetKeyPair { id }).await.map_err(about("id"))?)
}

/// `GET /keypairs/external_id/{external_id}`
pub(super) async fn find_pair(call: &Call<'_>, name: &str) -> Result<Response, Problem> {
    let find = FindKeyPair { external_identifier: name.to_owned() };
    pair_body(call, StatusCode::OK, &call.ask(find).await.map_err(about("external_id"))?)
}

/// `PATCH /keypairs/{id}`
pub(super) async fn update_pair(call: &Call<'_>, id: &str) -> Result<Response, Problem> {
    let mut members = call.optional_members()?;
    let id = KeyPairId::from_bytes(id_of(id)?);
    let external_identifiers = members.texts("external_identifiers")?;
    let metadata = members.metadata("metadata")?.map(Bytes::from);
    let update = UpdateKeyPair { id, external_identifiers, metadata };
    pair_body(call, StatusCode::OK, &call.ask(update).await.map_err(about("external_identifiers"))?)
}

/// `DELETE /keypairs/{id}`
pub(super) async fn delete_pair(call: &Call<'_>, id: &str) -> Result<Response, Problem> {
    let id = KeyPairId::from_bytes(id_of(id)?);
    call.ask(DeleteKeyPair { id }).await.map_err(about("id"))?;
    nothing()
}
