//! Chains and keys on a desk, and requests on a bench.

mod chains;
mod keys;
mod kinds;
mod message_life;
mod messages;
mod requests;
mod widening;

use strongroom_primitives::{
    dc1::{KeyId, permissions::PermissionsDocument},
    secret::SecretText,
    time::Timestamp,
};

use super::{
    CreateChain, CreateServiceKey, Form, GetServiceKey, Grant, NewServiceKey, RootKey, ServiceCaller,
    ServiceKeyInfo,
};
use crate::{
    credential::{Principal, Role},
    error::EngineError,
    testing::Desk,
};

/// A document of the vendor's form.
fn document(json: &str) -> PermissionsDocument {
    serde_json::from_value(serde_json::Value::String(json.to_owned())).expect("a good document")
}

fn operator() -> Principal {
    Principal::of_role(Role::Operator)
}

/// A desk with a chain.
fn chain() -> (Desk, RootKey) {
    let mut desk = Desk::new();
    let root = desk.run(&operator(), &CreateChain::default()).expect("the operator may");
    (desk, root)
}

/// A key of the chain as a caller.
fn caller(desk: &Desk, root: &RootKey, key: &ServiceKeyInfo) -> Principal {
    let grant = if key.root { Grant::Root } else { Grant::Limited(key.permissions.clone().into()) };
    let service = ServiceCaller {
        chain: root.chain.clone(),
        key: key.id.clone(),
        grant,
        expires: key.expires,
        ends: key.expires,
        form: Form::Dc1,
        signature: [1; 16],
        at: desk.now,
        spent: true,
    };
    service.principal(desk.space())
}

fn root_caller(desk: &mut Desk, root: &RootKey) -> Principal {
    let get = GetServiceKey { chain: Some(root.chain.clone()), id: root.id.clone() };
    let key = desk.run(&operator(), &get).expect("the root key is there");
    caller(desk, root, &key)
}

/// A key that the root key has made.
fn made(
    desk: &mut Desk,
    root: &RootKey,
    permissions: Option<&str>,
    expires: Option<Timestamp>,
) -> NewServiceKey {
    let by = root_caller(desk, root);
    let create =
        CreateServiceKey { permissions: permissions.map(document), expires, ..CreateServiceKey::default() };
    desk.run(&by, &create).expect("the root key may")
}

fn secret_of(new: &NewServiceKey) -> &SecretText {
    new.secret.as_ref().expect("a key with a secret").expose()
}

fn no_key() -> KeyId {
    KeyId::new("NOSUCHKEYXYZ").expect("a good id")
}

const UNKNOWN: EngineError = EngineError::UnknownServiceKey;
