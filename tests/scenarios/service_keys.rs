//! The story of the operator, who makes chains and keys, and of others, who do not.

use strongroom_client::{
    Client,
    service_keys::{ServiceKeyChange, ServiceKeyOptions},
    wire::{Change, NewChain, Operation, ServiceKey},
};
use strongroom_primitives::{
    dc1::{ChainId, KeyId, permissions::PermissionsDocument},
    time::Timestamp,
};

use crate::{people::refusal, stage::Stage};

/// A-MAC-06, A-MAC-08: a key is what was asked for, shows its secret once, and is gone once it is deleted.
pub(crate) async fn the_operator_makes_a_chain_and_gives_out_its_keys(stage: &Stage) {
    let operator = stage.operator();
    let root = operator.chains().create(NewChain::default()).await.unwrap();
    let listed = operator.chains().list().await.unwrap();
    assert_eq!((&listed[0].id, &listed[0].root, listed[0].keys), (&root.chain, &root.id, 1));
    let again = NewChain { id: Some(root.chain.clone()), ..NewChain::default() };
    assert!(operator.chains().create(again).await.unwrap_err().is_problem("chain-exists"));

    let keys = operator.service_keys(Some(root.chain.clone()));
    let expires = Some(Timestamp::from_ms(4_000_000_000_000));
    let permissions = Some(PermissionsDocument::for_root());
    let options = ServiceKeyOptions { nickname: "lamp".to_owned(), permissions, expires };
    let made = keys.create(options).await.unwrap();
    let id = made.key.id.clone();
    assert_eq!(made.key.permissions, PermissionsDocument::for_root().to_text());
    assert_eq!(keys.get(id.clone()).await.unwrap(), made.key);
    let both: Vec<ServiceKey> = keys.list().await.unwrap();
    assert_eq!(both.iter().filter(|key| !key.root).collect::<Vec<_>>(), [&made.key]);

    let rotated = keys.rotate(id.clone(), 60).await.unwrap();
    assert!(rotated.secret != made.secret && rotated.key.overlap_until.is_some());
    let change = ServiceKeyChange {
        nickname: Some("torch".to_owned()),
        permissions: Some(PermissionsDocument::for_new_keys()),
        expires: Change::Clear,
    };
    let changed = keys.update(id.clone(), change).await.unwrap();
    assert_eq!((changed.nickname.as_str(), changed.expires), ("torch", None));
    assert_eq!(changed.permissions, PermissionsDocument::for_new_keys().to_text());
    keys.delete(id.clone()).await.unwrap();
    assert!(keys.get(id).await.unwrap_err().is_problem("unknown-service-key"));
    assert!(keys.delete(root.id.clone()).await.unwrap_err().is_problem("root-key-refused"));

    let replaced = operator.chains().rotate_root(root.chain.clone(), None, None).await.unwrap();
    assert_eq!((&replaced.chain, &replaced.id), (&root.chain, &root.id));
    assert!(replaced.secret != root.secret);
    assert!(keys.in_use().await.is_err(), "the operator is no service key");
    let elsewhere = operator.service_keys(Some(ChainId::new("abc").unwrap()));
    assert!(elsewhere.list().await.unwrap_err().is_problem("unknown-chain"));
}

/// A-KEY-01: an account is neither the operator nor a service key, whichever way it comes.
pub(crate) async fn an_account_makes_and_sees_no_chain_and_no_key(stage: &Stage) {
    let root = stage.operator().chains().create(NewChain::default()).await.unwrap();
    let (chain, id) = (root.chain, root.id);
    let of = || Some(chain.clone());
    let get = |id: KeyId| Operation::GetServiceKey { chain: of(), id };
    let ann: Client = stage.client("ann").await;
    for operation in [
        Operation::CreateChain(NewChain::default()),
        Operation::ListChains {},
        Operation::RotateRoot { chain: chain.clone(), root: None, secret: None },
        Operation::CreateServiceKey(Box::default()),
        Operation::ListServiceKeys { chain: of() },
        get(id.clone()),
        get(KeyId::new("NOSUCHKEYXYZ").unwrap()),
        Operation::RotateServiceKey { chain: of(), id: id.clone(), overlap_s: 0 },
        Operation::DeleteServiceKey { chain: of(), id },
        Operation::ServiceKeyInUse {},
    ] {
        assert_eq!(refusal(&ann, operation.clone()).await, "credential-invalid", "{operation:?}");
    }
}
