//! Datastores and secrets.

use strongroom_engine::domains::sharing::{
    self as engine, CreateDatastore, DatastoreInfo, GetDatastore, ListDatastores,
    secrets::{
        Callback, CreateSecrets, GetSecretVersion, ReadSecret, SecretHistory, SecretState, SecretVersion,
        SecretVersionInfo,
    },
};
use strongroom_primitives::id::{DatastoreId, SecretId, SecretVersionId};
use strongroom_wire::{
    self as wire, Datastore, DatastoreCreated, DatastoreList, NewDatastore, NewSecrets, Parent, Problem,
    Reply, Secret, SecretCreated, SecretsCreated, Written,
};

use super::{
    Desk,
    convert::{boxed, unboxed},
};

/// What something hangs below.
pub(super) fn parent_of(parent: Parent) -> engine::Parent {
    match parent {
        Parent::Datastore(id) => engine::Parent::Datastore(id),
        Parent::Share(id) => engine::Parent::Share(id),
    }
}

pub(super) fn written(written: engine::Written) -> Reply {
    Reply::Written(Written { written: written.at })
}

fn info(info: DatastoreInfo) -> wire::DatastoreInfo {
    let DatastoreInfo { id, kind, description, is_default } = info;
    wire::DatastoreInfo { id, kind, description, is_default }
}

pub(super) async fn list_datastores(desk: Desk<'_>) -> Result<Reply, Box<Problem>> {
    let datastores = desk.ask(ListDatastores {}).await?.into_iter().map(info).collect();
    Ok(Reply::Datastores(DatastoreList { datastores }))
}

pub(super) async fn get_datastore(desk: Desk<'_>, id: DatastoreId) -> Result<Reply, Box<Problem>> {
    let engine::Datastore { info: shown, data, secret_key, written } = desk.ask(GetDatastore { id }).await?;
    let (data, secret_key) = (data.map(boxed), boxed(secret_key));
    Ok(Reply::Datastore(Datastore { info: info(shown), data, secret_key, written }))
}

pub(super) async fn create_datastore(desk: Desk<'_>, new: NewDatastore) -> Result<Reply, Box<Problem>> {
    let NewDatastore { kind, description, data, secret_key, is_default } = new;
    let (data, secret_key) = (data.map(unboxed), unboxed(secret_key));
    let id = desk.ask(CreateDatastore { kind, description, data, secret_key, is_default }).await?;
    Ok(Reply::DatastoreCreated(DatastoreCreated { id }))
}

/// What clients of the psono dialect want called is theirs: it is neither set nor shown here, and stays as it is.
pub(super) async fn create_secrets(desk: Desk<'_>, new: NewSecrets) -> Result<Reply, Box<Problem>> {
    let secret = |secret: wire::NewSecret| {
        let (data, link) = (unboxed(secret.data), secret.link);
        engine::secrets::NewSecret { data, link, callback: Callback::default() }
    };
    let secrets = new.secrets.into_iter().map(secret).collect();
    let created = desk.ask(CreateSecrets { secrets, parent: parent_of(new.parent) }).await?;
    let document = |one: engine::secrets::CreatedSecret| SecretCreated { link: one.link, id: one.id };
    Ok(Reply::SecretsCreated(SecretsCreated { secrets: created.into_iter().map(document).collect() }))
}

pub(super) async fn get_secret(desk: Desk<'_>, id: SecretId) -> Result<Reply, Box<Problem>> {
    let SecretState { id, data, created, written, reads, .. } = desk.ask(ReadSecret { id }).await?;
    Ok(Reply::Secret(Secret { id, data: boxed(data), created, written, reads }))
}

pub(super) async fn history(desk: Desk<'_>, secret: SecretId) -> Result<Reply, Box<Problem>> {
    let versions = desk.ask(SecretHistory { secret }).await?.into_iter();
    let document = |version: SecretVersionInfo| {
        let SecretVersionInfo { id, written, by, name } = version;
        wire::SecretVersionInfo { version: id, written, by, name }
    };
    Ok(Reply::SecretHistory(wire::SecretHistory { versions: versions.map(document).collect() }))
}

pub(super) async fn version(desk: Desk<'_>, id: SecretVersionId) -> Result<Reply, Box<Problem>> {
    let SecretVersion { secret, data, created, written, .. } = desk.ask(GetSecretVersion { id }).await?;
    let data = boxed(data);
    Ok(Reply::SecretVersion(wire::SecretVersion { version: id, secret, data, created, written }))
}
