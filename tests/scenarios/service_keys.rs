//! The story of the operator, who makes chains and keys, and of others, who do not.

use std::time::Duration;

use strongroom_client::{
    Client, Credentials, RequestSigner,
    service_keys::{ServiceKeyChange, ServiceKeyOptions},
    wire::{Change, NewChain, Operation, ServiceKey, ServiceKeyKind},
};
use strongroom_primitives::{
    dc1::{ChainId, KeyId, permissions::PermissionsDocument},
    secret::SecretText,
    sign::SigningKey,
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
    let nickname = "lamp".to_owned();
    let options = ServiceKeyOptions { nickname, permissions, expires, ..ServiceKeyOptions::default() };
    let made = keys.create(options).await.unwrap();
    let id = made.key.id.clone();
    assert_eq!(made.key.permissions, PermissionsDocument::for_root().to_text());
    assert_eq!(keys.get(id.clone()).await.unwrap(), made.key);
    let both: Vec<ServiceKey> = keys.list().await.unwrap();
    assert_eq!(both.iter().filter(|key| !key.root).collect::<Vec<_>>(), [&made.key]);

    let rotated = keys.rotate(id.clone(), None, 60).await.unwrap();
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
        Operation::RotateServiceKey { chain: of(), id: id.clone(), public_key: None, overlap_s: 0 },
        Operation::DeleteServiceKey { chain: of(), id },
        Operation::ServiceKeyInUse {},
    ] {
        assert_eq!(refusal(&ann, operation.clone()).await, "credential-invalid", "{operation:?}");
    }
}

/// A-MAC-04, A-MAC-06: a key of its own kind signs what is asked, request by request or for a whole connection, does what
/// its document says, and nothing once it is deleted.
pub(crate) async fn a_service_key_signs_its_own_requests(stage: &Stage) {
    let operator = stage.operator();
    let root = operator.chains().create(NewChain::default()).await.unwrap();
    let keys = operator.service_keys(Some(root.chain.clone()));
    let private = |seed| SigningKey::from_seed(&[seed; 32]);
    let public_key = Some(*private(1).verifying_key().as_bytes());
    let make = async |kind, public_key| {
        keys.create(ServiceKeyOptions { kind, public_key, ..ServiceKeyOptions::default() }).await.unwrap()
    };
    let lamp = make(ServiceKeyKind::Ed25519, public_key).await;
    let bell = make(ServiceKeyKind::HmacSha256, None).await;
    let old = make(ServiceKeyKind::Dc1Hmac, None).await;
    assert_eq!((lamp.secret.is_none(), lamp.key.public_key.map(|key| key.0)), (true, public_key));
    let with_seed = |id: &KeyId, seed| RequestSigner::ed25519(id.as_str(), private(seed)).unwrap();
    let with_secret =
        |id: &KeyId, secret: &SecretText| RequestSigner::hmac_sha256(id.as_str(), secret).unwrap();
    let client = |signer| stage.client_with(Credentials::signing(signer));
    let bells = bell.secret.unwrap().0;
    if !stage.has_messages() {
        let error = client(with_seed(&lamp.key.id, 1)).service_keys(None).in_use().await.unwrap_err();
        assert!(error.to_string().contains("sign"), "there is nothing to sign: {error}");
        return;
    }
    for (signer, key) in
        [(with_seed(&lamp.key.id, 1), &lamp.key), (with_secret(&bell.key.id, &bells), &bell.key)]
    {
        let own = client(signer).service_keys(None);
        let me = own.in_use().await.unwrap();
        assert_eq!((&me.chain, &me.id, me.root), (&root.chain, &key.id, false));
        assert_eq!(own.list().await.unwrap().len(), 4);
        let refused = own.create(ServiceKeyOptions::default()).await.unwrap_err();
        assert!(refused.is_problem("endpoint-refused"), "{refused}");
    }
    let olds = old.secret.unwrap().0;
    for signer in [
        with_seed(&lamp.key.id, 2),
        with_seed(&bell.key.id, 1),
        with_secret(&lamp.key.id, &bells),
        with_secret(&old.key.id, &olds),
        with_secret(&KeyId::new("NOSUCHKEYXYZ").unwrap(), &bells),
    ] {
        let refused = client(signer).service_keys(None).in_use().await.unwrap_err();
        assert!(refused.is_problem("signature-refused"), "{refused}");
    }
    let going = client(with_seed(&lamp.key.id, 1)).service_keys(None);
    going.in_use().await.unwrap();
    keys.delete(lamp.key.id.clone()).await.unwrap();
    let refused = tokio::time::timeout(Duration::from_secs(5), async {
        // The connection ends in the middle of a question or before it; either way the next one is refused for good.
        loop {
            match going.in_use().await {
                Err(error) if error.is_problem("signature-refused") => break,
                Err(error) => assert!(error.is_retryable(), "{error}"),
                Ok(_) => panic!("the key is gone"),
            }
        }
    });
    refused.await.expect("it is refused at once");
}
