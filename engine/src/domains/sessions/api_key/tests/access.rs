//! Attached secrets, without a session and with one of a restricted key.

use super::*;
use crate::domains::sharing::{
    ListDatastores,
    secrets::{ReadSecret, UpdateSecret},
};

/// Secrets of ann's that hang at the links 1 and 2; the first one is attached to her API key.
async fn with_secrets(flags: ApiKeyFlags) -> (Bench, Credential, NamedKey, [SecretId; 2]) {
    let (bench, ann, id) = with_key(flags).await;
    let secrets = secrets_of(&bench, &ann, [1, 2]).await;
    bench.ask(&ann, attach(id, secrets[0])).await.unwrap();
    let named = NamedKey { realm: bench.realm.clone(), id };
    (bench, ann, named, secrets)
}

fn read(key: &NamedKey, secret: SecretId) -> ReadAttached {
    ReadAttached { key: key.clone(), secret, insecure: false }
}

fn write(key: &NamedKey, secret: SecretId, number: u8) -> WriteAttached {
    WriteAttached { key: key.clone(), secret, data: data(number), previous: None, insecure: false }
}

#[actix_rt::test]
async fn what_is_attached_is_read_and_written_with_two_ids() {
    let restricted = ApiKeyFlags { restrict: true, ..WIDE };
    let (bench, _, key, [secret, other]) = with_secrets(restricted).await;
    let first = bench.anyone(read(&key, secret)).await.unwrap();
    assert_eq!((first.secret.data, first.secret_key, first.secret.reads), (data(1), boxed(80), 1));
    bench.wait(SECOND);
    let written = bench.anyone(write(&key, secret, 3)).await.unwrap();
    let second = bench.anyone(read(&key, secret)).await.unwrap().secret;
    assert_eq!((second.data, second.written, second.reads), (data(3), written.at, 2));
    let stale = WriteAttached { previous: Some(first.secret.written), ..write(&key, secret, 4) };
    assert_eq!(bench.anyone(stale).await, Err(EngineError::StaleWrite { written: written.at }));
    assert_eq!(bench.anyone(write(&key, secret, 1)).await, Err(EngineError::NonceUsed));
    let inspected = bench.anyone(InspectApiKey { key: key.clone() }).await.unwrap();
    assert_eq!(inspected, InspectedKey { flags: restricted, secrets: vec![(secret, written.at)] });

    assert_eq!(bench.anyone(read(&key, other)).await, Err(EngineError::UnknownAttachment));
    assert_eq!(bench.anyone(write(&key, other, 5)).await, Err(EngineError::UnknownAttachment));
}

/// A-API-13, A-API-12: a key that is none, is inactive, is named in another realm or lacks the access gets nothing; and
/// what it gets ends with the rights of its owner.
#[actix_rt::test]
async fn nothing_is_given_out_without_a_good_key_and_its_owners_right() {
    let (bench, ann, key, [secret, _]) = with_secrets(WIDE).await;
    let unknown = NamedKey { id: ApiKeyId::from_bytes([9; 16]), ..key.clone() };
    let elsewhere = NamedKey { realm: other_realm(), ..key.clone() };
    let refused = EngineError::UnknownApiKey;
    for named in [&unknown, &elsewhere] {
        assert_eq!(bench.anyone(read(named, secret)).await.unwrap_err(), refused);
        assert_eq!(bench.anyone(write(named, secret, 5)).await.unwrap_err(), refused);
        assert_eq!(bench.anyone(InspectApiKey { key: named.clone() }).await.unwrap_err(), refused);
    }
    let change = async |change: UpdateApiKey| bench.ask(&ann, change).await.unwrap();
    change(UpdateApiKey { active: Some(false), ..UpdateApiKey::of(key.id) }).await;
    assert_eq!(bench.anyone(read(&key, secret)).await.unwrap_err(), refused);
    change(UpdateApiKey { active: Some(true), read: Some(false), ..UpdateApiKey::of(key.id) }).await;
    assert_eq!(bench.anyone(read(&key, secret)).await.unwrap_err(), EngineError::ApiKeyRefused);
    change(UpdateApiKey { read: Some(true), write: Some(false), ..UpdateApiKey::of(key.id) }).await;
    assert_eq!(bench.anyone(write(&key, secret, 5)).await.unwrap_err(), EngineError::ApiKeyRefused);
    assert!(bench.anyone(read(&key, secret)).await.is_ok());

    // The server opens nothing unless the key says so.
    let open = ReadAttached { insecure: true, ..read(&key, secret) };
    let get_key = GetAttachedKey { key: key.clone(), secret };
    assert_eq!(bench.anyone(open.clone()).await.unwrap_err(), EngineError::InsecureRefused);
    change(UpdateApiKey { insecure: Some(true), ..UpdateApiKey::of(key.id) }).await;
    assert!(bench.anyone(open).await.is_ok());
    assert_eq!(bench.anyone(get_key.clone()).await.unwrap_err(), EngineError::ApiKeyRefused);
    change(UpdateApiKey { write: Some(true), ..UpdateApiKey::of(key.id) }).await;
    assert_eq!(bench.anyone(get_key.clone()).await, Ok(boxed(80)));
    change(UpdateApiKey { insecure: Some(false), ..UpdateApiKey::of(key.id) }).await;
    assert_eq!(bench.anyone(get_key).await.unwrap_err(), EngineError::InsecureRefused);

    bench.ask(&ann, DeleteSecretLink { link: link(1) }).await.unwrap();
    assert_eq!(bench.anyone(read(&key, secret)).await.unwrap_err(), EngineError::UnknownSecret);
    assert_eq!(bench.anyone(write(&key, secret, 6)).await.unwrap_err(), EngineError::UnknownSecret);
}

/// A-API-12: the session of a restricted key reaches what is attached to it, as far as its flags go, and nothing else.
#[actix_rt::test]
async fn a_restricted_session_reaches_what_is_attached_and_nothing_else() {
    let (bench, ann, key, [secret, other]) = with_secrets(ApiKeyFlags { restrict: true, ..WIDE }).await;
    let session = sign_in(&bench, key.id, 1).await.unwrap();
    let update = |id, number| UpdateSecret {
        id,
        data: Some(data(number)),
        callback: Callback::default(),
        previous: None,
    };
    assert!(bench.ask(&session, ReadSecret { id: secret }).await.is_ok());
    assert!(bench.ask(&session, update(secret, 3)).await.is_ok());
    assert!(bench.ask(&session, ReadSecret { id: other }).await.is_err());
    assert!(bench.ask(&session, update(other, 4)).await.is_err());
    assert_eq!(bench.ask(&session, ListDatastores {}).await, Err(EngineError::ApiKeyRefused));
    let narrow = UpdateApiKey { write: Some(false), ..UpdateApiKey::of(key.id) };
    bench.ask(&ann, narrow).await.unwrap();
    assert_eq!(bench.ask(&session, update(secret, 5)).await, Err(EngineError::ApiKeyRefused));
    let attached = bench.ask(&ann, ListAttached { api_key: key.id }).await.unwrap();
    bench.ask(&ann, DetachSecret { id: attached[0].id }).await.unwrap();
    assert!(bench.ask(&session, ReadSecret { id: secret }).await.is_err(), "with the very next command");
    let widened = UpdateApiKey { restrict: Some(false), ..UpdateApiKey::of(key.id) };
    bench.ask(&ann, widened).await.unwrap();
    assert!(bench.ask(&session, ReadSecret { id: other }).await.is_ok());
}
