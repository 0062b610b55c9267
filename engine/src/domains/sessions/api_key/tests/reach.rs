//! What a key's sessions may do, now and after the key has changed.

use super::*;
use crate::{
    Change,
    credential::Access,
    domains::{
        people::{FindBy, FindPerson},
        records::{GetRecord, Previous, PutRecord, RecordName},
        sessions::{
            ListSessions, OpenChild, ProveSession, RevokeSession, RevokeSessions,
            identity::{RotateIdentity, ServerIdentity},
            sealed::SealOf,
        },
    },
};

fn name() -> RecordName {
    RecordName::new(["notes"]).unwrap()
}

async fn get(bench: &Bench, who: &Credential) -> Result<(), EngineError> {
    match bench.ask(who, GetRecord { owner: None, name: name() }).await {
        Err(EngineError::UnknownRecord) | Ok(_) => Ok(()),
        Err(error) => Err(error),
    }
}

async fn put(bench: &Bench, who: &Credential) -> Result<(), EngineError> {
    let content = bytes::Bytes::from_static(b"content");
    let put = PutRecord::new(name(), content.clone(), content, Previous::Unsaid, Vec::new());
    match bench.ask(who, put).await {
        Err(EngineError::PreviousMissing { .. }) | Ok(_) => Ok(()),
        Err(error) => Err(error),
    }
}

/// A-API-12: no API key administers anything, be it as wide as it can be.
#[actix_rt::test]
async fn no_key_reaches_keys_sessions_or_the_account() {
    let (bench, _, id) = with_key(WIDE).await;
    let key = sign_in(&bench, id, 1).await.unwrap();
    let refused = Some(EngineError::ApiKeyRefused);
    assert_eq!(bench.ask(&key, Holder { number: 2 }.creation(WIDE)).await.err(), refused);
    assert_eq!(bench.ask(&key, ListApiKeys {}).await.err(), refused);
    assert_eq!(bench.ask(&key, GetApiKey { id }).await.err(), refused);
    assert_eq!(bench.ask(&key, UpdateApiKey::of(id)).await.err(), refused);
    assert_eq!(bench.ask(&key, DeleteApiKey { id }).await.err(), refused);
    assert_eq!(bench.ask(&key, attach(id, SecretId::from_bytes([1; 16]))).await.err(), refused);
    assert_eq!(bench.ask(&key, ListAttached { api_key: id }).await.err(), refused);
    assert_eq!(
        bench.ask(&key, DetachSecret { id: ApiKeySecretId::from_bytes([1; 16]) }).await.err(),
        refused
    );
    assert_eq!(bench.ask(&key, ListSessions { identity: None }).await.err(), refused);
    assert_eq!(bench.ask(&key, RevokeSessions { identity: None, keep_current: false }).await.err(), refused);
    let me = bench.ask(&key, WhoAmI).await.unwrap();
    assert_eq!(bench.ask(&key, RevokeSession { identity: None, session: me.session }).await.err(), refused);
    assert_eq!(bench.ask(&key, OpenChild { life: SECOND, label: String::new() }).await.err(), refused);
    let erase = crate::domains::accounts::EraseAccount { identity: None };
    assert_eq!(bench.ask(&key, erase).await.err(), refused);
    let rotate = RotateIdentity { overlap: SECOND };
    assert_eq!(bench.ask(&key, rotate).await.err(), Some(EngineError::CredentialInvalid));

    // What it may: look, write, follow, find people, know itself, and end.
    put(&bench, &key).await.unwrap();
    get(&bench, &key).await.unwrap();
    let follow = FollowFeed { owner: None, record: None, after: None, limit: 10 };
    bench.ask(&key, follow).await.unwrap();
    bench
        .ask(&key, FindPerson { by: FindBy::Username("bob@host.example".into()), access: Access::Write })
        .await
        .unwrap();
    bench.ask(&key, ServerIdentity {}).await.unwrap();
    bench.ask(&key, ProveSession {}).await.unwrap();
    bench.ask(&key, RevokeSession { identity: None, session: None }).await.unwrap();
    assert_eq!(bench.ask(&key, WhoAmI).await.unwrap_err(), EngineError::CredentialInvalid);
}

/// What a key may do is looked at with every command: what is taken from it is taken from its open sessions, and what is
/// given likewise.
#[actix_rt::test]
async fn flags_are_live() {
    let (bench, ann, id) = with_key(WIDE).await;
    let key = sign_in(&bench, id, 1).await.unwrap();
    let refused = Err(EngineError::ApiKeyRefused);
    let change = async |change: UpdateApiKey| bench.ask(&ann, change).await.unwrap();
    for _ in 0..2 {
        assert_eq!((get(&bench, &key).await, put(&bench, &key).await), (Ok(()), Ok(())));
        change(UpdateApiKey { write: Some(false), ..UpdateApiKey::of(id) }).await;
        assert_eq!((get(&bench, &key).await, put(&bench, &key).await), (Ok(()), refused.clone()));
        change(UpdateApiKey { write: Some(true), read: Some(false), ..UpdateApiKey::of(id) }).await;
        assert_eq!((get(&bench, &key).await, put(&bench, &key).await), (refused.clone(), Ok(())));
        change(UpdateApiKey { read: Some(true), restrict: Some(true), ..UpdateApiKey::of(id) }).await;
        assert_eq!((get(&bench, &key).await, put(&bench, &key).await), (refused.clone(), refused.clone()));
        // A restricted key's session still knows itself, and can end.
        bench.ask(&key, SealOf {}).await.unwrap();
        change(UpdateApiKey { restrict: Some(false), ..UpdateApiKey::of(id) }).await;
    }
}

/// A key's last instant is looked at with every command too: brought forward, it ends the sessions that are open.
#[actix_rt::test]
async fn an_end_that_is_brought_forward_ends_open_sessions() {
    let (bench, ann, id) = with_key(WIDE).await;
    let key = sign_in(&bench, id, 1).await.unwrap();
    let now = bench.ask(&ann, GetApiKey { id }).await.unwrap().created;
    let until = |end| UpdateApiKey { expires: end, ..UpdateApiKey::of(id) };
    bench.ask(&ann, until(Change::Set(now.saturating_add(SECOND)))).await.unwrap();
    assert_eq!(get(&bench, &key).await, Ok(()), "to the last instant");
    bench.wait(2 * SECOND);
    assert_eq!(get(&bench, &key).await, Err(EngineError::CredentialExpired));
    assert_eq!(sign_in(&bench, id, 2).await.unwrap_err(), EngineError::LoginRefused);
    bench.ask(&ann, until(Change::Clear)).await.unwrap();
    assert!(sign_in(&bench, id, 3).await.is_ok(), "it has no end any more");
}

/// A-API-08: a key that is deleted or no longer active has no sessions with the next command, whoever waits on one is
/// told, and none comes back with the key.
#[actix_rt::test]
async fn sessions_end_with_their_key_at_once() {
    let (bench, ann, id) = with_key(WIDE).await;
    let key = sign_in(&bench, id, 1).await.unwrap();
    let handle = bench.handle().clone();
    let (ended, ()) = tokio::join!(handle.until_refused(key.clone()), async {
        let deactivate = UpdateApiKey { active: Some(false), ..UpdateApiKey::of(id) };
        bench.ask(&ann, deactivate).await.unwrap();
    });
    assert_eq!(ended, EngineError::CredentialInvalid);
    let activate = UpdateApiKey { active: Some(true), ..UpdateApiKey::of(id) };
    bench.ask(&ann, activate).await.unwrap();
    assert_eq!(bench.ask(&key, WhoAmI).await.unwrap_err(), EngineError::CredentialInvalid);

    let key = sign_in(&bench, id, 2).await.unwrap();
    let (ended, ()) = tokio::join!(handle.until_refused(key.clone()), async {
        bench.ask(&ann, DeleteApiKey { id }).await.unwrap();
    });
    assert_eq!(ended, EngineError::CredentialInvalid);
    assert_eq!(sign_in(&bench, id, 3).await.unwrap_err(), EngineError::LoginRefused);
    assert_eq!(bench.ask(&ann, ListSessions { identity: None }).await.unwrap(), []);
}
