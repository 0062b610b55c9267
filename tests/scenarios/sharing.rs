//! The stories of datastores and secrets: what the server keeps, and who reaches it.

use strongroom_client::{
    Client, ClientError,
    api_keys::{ApiKeyOptions, KeySignInOptions, OwnerKeys},
    sharing::{DatastoreChange, open, open_key},
    wire::{Boxed, NewDatastore, NewSecret, Parent},
};
use strongroom_primitives::{
    id::{DatastoreId, LinkId, SecretId},
    nacl::BoxKey,
};

use crate::stage::Stage;

/// What somebody seals for themselves with.
pub(crate) fn own_key(of: u8) -> BoxKey {
    BoxKey::from_bytes([of; 32])
}

pub(crate) fn code<T: std::fmt::Debug>(refused: Result<T, ClientError>) -> String {
    let refused = refused.expect_err("a refusal");
    refused.problem().expect("in the server's words").code.as_str().to_owned()
}

/// Makes a datastore, with its key under the caller's own.
pub(crate) async fn a_datastore(me: &Client, own: &BoxKey, description: &str) -> (DatastoreId, BoxKey) {
    let key = me.new_box_key().unwrap();
    let new = NewDatastore {
        kind: "password".to_owned(),
        description: description.to_owned(),
        data: None,
        secret_key: me.seal_key(own, &key).unwrap(),
        is_default: description.is_empty(),
    };
    (me.datastores().create(new).await.unwrap(), key)
}

/// Makes a secret at a link of its own, with a key of its own.
pub(crate) async fn a_secret(me: &Client, parent: Parent, text: &str) -> (SecretId, LinkId, BoxKey) {
    let (key, link) = (me.new_box_key().unwrap(), me.new_link().unwrap());
    let new = NewSecret { data: me.seal(&key, text.as_bytes()).unwrap(), link };
    (me.secrets().create(parent, vec![new]).await.unwrap()[0], link, key)
}

pub(crate) fn text(key: &BoxKey, boxed: &Boxed) -> String {
    String::from_utf8(open(key, boxed).expect("it opens").to_vec()).unwrap()
}

/// A-REC-01, A-KEY-02: every write of a datastore or a secret may name the state that it replaces, and what is somebody
/// else's is as unknown as what there is not.
pub(crate) async fn a_secret_hangs_in_a_datastore_and_keeps_its_history(stage: &Stage) {
    let (ann, bob) = (stage.client("ann").await, stage.client("bob").await);
    let (stores, secrets) = (ann.datastores(), ann.secrets());
    let (store, store_key) = a_datastore(&ann, &own_key(1), "").await;
    let (other, _) = a_datastore(&ann, &own_key(1), "other").await;
    let listed: Vec<_> =
        stores.list().await.unwrap().into_iter().map(|one| (one.id, one.is_default)).collect();
    assert_eq!(listed, [(store, true), (other, false)]);

    let (secret, link, key) = a_secret(&ann, Parent::Datastore(store), "first").await;
    let index = ann.seal(&store_key, b"what hangs where").unwrap();
    let change = || DatastoreChange { data: Some(index.clone()), ..DatastoreChange::default() };
    let seen = stores.get(store).await.unwrap();
    assert_eq!(seen.data, None, "nothing was saved yet");
    let saved = stores.update(store, change(), Some(seen.written)).await.unwrap();
    assert_eq!(code(stores.update(store, change(), Some(seen.written)).await), "stale-write");
    let seen = stores.get(store).await.unwrap();
    assert_eq!(seen.written, saved);
    let opened = open_key(&own_key(1), &seen.secret_key).unwrap();
    assert_eq!(text(&opened, &seen.data.unwrap()), "what hangs where");

    let seen = secrets.get(secret).await.unwrap();
    assert_eq!((text(&key, &seen.data).as_str(), seen.reads), ("first", 1));
    let second = ann.seal(&key, b"second").unwrap();
    let written = secrets.update(secret, second.clone(), Some(seen.written)).await.unwrap();
    assert!(written > seen.written);
    let third = ann.seal(&key, b"third").unwrap();
    assert_eq!(code(secrets.update(secret, third, Some(seen.written)).await), "stale-write");
    assert_eq!(code(secrets.update(secret, second, None).await), "nonce-used");
    let history = secrets.history(secret).await.unwrap();
    assert_eq!((history.len(), history[0].written), (1, seen.written));
    let earlier = secrets.version(history[0].version).await.unwrap();
    assert_eq!((earlier.secret, text(&key, &earlier.data).as_str()), (secret, "first"));
    assert_eq!(text(&key, &secrets.get(secret).await.unwrap().data), "second");

    let sealed = || ann.seal(&key, b"x").unwrap();
    for id in [secret, SecretId::from_bytes([9; 16])] {
        assert_eq!(code(bob.secrets().get(id).await), "unknown-secret");
        assert_eq!(code(bob.secrets().update(id, sealed(), None).await), "unknown-secret");
        assert_eq!(code(bob.secrets().history(id).await), "unknown-secret");
    }
    assert_eq!(code(bob.secrets().version(history[0].version).await), "unknown-secret");
    for id in [store, DatastoreId::from_bytes([9; 16])] {
        assert_eq!(code(bob.datastores().get(id).await), "unknown-datastore");
        assert_eq!(code(bob.datastores().update(id, change(), None).await), "unknown-datastore");
        assert_eq!(code(bob.datastores().delete(id, None).await), "unknown-datastore");
        let new = NewSecret { data: sealed(), link: bob.new_link().unwrap() };
        let below = bob.secrets().create(Parent::Datastore(id), vec![new]).await;
        assert_eq!(code(below), "unknown-datastore");
    }
    assert_eq!(code(bob.secrets().unlink(link).await), "unknown-link");

    let taken = NewSecret { data: sealed(), link };
    assert_eq!(code(secrets.create(Parent::Datastore(store), vec![taken]).await), "link-taken");
    secrets.move_link(link, Parent::Datastore(other)).await.unwrap();
    assert_eq!(code(stores.delete(store, None).await), "default-datastore");
    secrets.unlink(link).await.unwrap();
    assert_eq!(code(secrets.get(secret).await), "unknown-secret", "it hangs nowhere");
    stores.delete(other, None).await.unwrap();
    assert_eq!(code(stores.get(other).await), "unknown-datastore");
}

/// A-API-12: a restricted API key reaches what is attached to it, from one command to the next, and nothing else.
pub(crate) async fn a_restricted_api_key_reaches_attached_secrets_only(stage: &Stage) {
    let me = stage.client("ann").await;
    let owner = OwnerKeys { private_key: [1; 32].into(), secret_key: own_key(1) };
    let (store, _) = a_datastore(&me, &own_key(1), "").await;
    let (attached, link, key) = a_secret(&me, Parent::Datastore(store), "for the machine").await;
    let (other, ..) = a_secret(&me, Parent::Datastore(store), "for nobody else").await;
    let wanted = ApiKeyOptions { read: true, write: true, restrict: true, ..ApiKeyOptions::default() };
    let made = me.api_keys().create(wanted, &owner).await.unwrap();
    let keys = me.api_keys();
    let attachment = keys.attach(&made.key, attached, key.expose(), "machine", &owner).await.unwrap();

    let nobody = stage.nobody();
    let machine =
        nobody.sign_in_with_key(&made.credential, KeySignInOptions::default()).await.unwrap().client;
    let (stores, secrets) = (machine.datastores(), machine.secrets());
    let seen = secrets.get(attached).await.unwrap();
    assert_eq!(text(&key, &seen.data), "for the machine");
    let rotated = machine.seal(&key, b"rotated").unwrap();
    secrets.update(attached, rotated, Some(seen.written)).await.unwrap();
    assert_eq!(text(&key, &me.secrets().get(attached).await.unwrap().data), "rotated");

    let refused = "api-key-refused";
    let sealed = || machine.seal(&key, b"x").unwrap();
    for id in [other, SecretId::from_bytes([9; 16])] {
        assert_eq!(code(secrets.get(id).await), refused);
        assert_eq!(code(secrets.update(id, sealed(), None).await), refused);
    }
    assert_eq!(code(secrets.history(attached).await), refused);
    assert_eq!(code(secrets.unlink(link).await), refused);
    assert_eq!(code(secrets.move_link(link, Parent::Datastore(store)).await), refused);
    let new = NewSecret { data: sealed(), link: machine.new_link().unwrap() };
    assert_eq!(code(secrets.create(Parent::Datastore(store), vec![new]).await), refused);
    assert_eq!(code(stores.list().await), refused);
    assert_eq!(code(stores.get(store).await), refused);
    assert_eq!(code(stores.update(store, DatastoreChange::default(), None).await), refused);
    assert_eq!(code(stores.delete(store, None).await), refused);

    keys.detach(attachment).await.unwrap();
    assert_eq!(code(secrets.get(attached).await), refused);
    assert_eq!(text(&key, &me.secrets().get(attached).await.unwrap().data), "rotated");
}
