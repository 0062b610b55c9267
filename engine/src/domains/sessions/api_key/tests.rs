mod access;
mod login;
mod reach;

use std::time::Duration;

use strongroom_primitives::id::{ApiKeyId, LinkId, RealmId, SecretId};

use super::*;
use crate::{
    Credential, EngineError, Limits,
    domains::{
        accounts::WhoAmI,
        sharing::{
            CreateDatastore, Parent,
            secrets::{Callback, CreateSecrets, DeleteSecretLink, NewSecret},
        },
    },
    error::Quota,
    feed::{Event, FollowFeed},
    testing::{
        bench::{Bench, held},
        people::{Holder, WIDE, boxed},
    },
};

const KEY: Holder = Holder { number: 1 };

const SECOND: Duration = Duration::from_secs(1);

/// An engine, an account of it, and an API key of that.
async fn with_key(flags: ApiKeyFlags) -> (Bench, Credential, ApiKeyId) {
    let bench = Bench::new().await;
    let ann = bench.gateway("ann");
    let id = bench.ask(&ann, KEY.creation(flags)).await.unwrap().id;
    (bench, ann, id)
}

/// Signs in with [`KEY`] and the session key of this number.
async fn sign_in(bench: &Bench, id: ApiKeyId, number: u64) -> Result<Credential, EngineError> {
    bench.anyone(KEY.login(&bench.realm, id, number)).await.map(|done| held(&done.session))
}

fn data(number: u8) -> Boxed {
    Boxed { nonce: [number; 24], ..boxed(100) }
}

fn link(number: u8) -> LinkId {
    LinkId::from_bytes([number; 16])
}

/// Secrets in a new datastore of somebody's, one at the link of each of these numbers.
async fn secrets_of<const N: usize>(bench: &Bench, who: &Credential, numbers: [u8; N]) -> [SecretId; N] {
    let datastore = CreateDatastore {
        kind: "password".into(),
        description: format!("{numbers:?}"),
        data: None,
        secret_key: boxed(80),
        is_default: true,
    };
    let parent = Parent::Datastore(bench.ask(who, datastore).await.unwrap());
    let new = |number| NewSecret { data: data(number), link: link(number), callback: Callback::default() };
    let create = CreateSecrets { secrets: numbers.map(new).to_vec(), parent };
    let made = bench.ask(who, create).await.unwrap();
    std::array::from_fn(|at| made[at].id)
}

fn attach(api_key: ApiKeyId, secret: SecretId) -> AttachSecret {
    AttachSecret { api_key, secret, secret_key: boxed(80), title: boxed(30) }
}

/// What the feed of somebody says of their API keys.
async fn told(bench: &Bench, who: &Credential) -> Vec<Event> {
    let follow = FollowFeed { owner: None, record: None, after: Some(0), limit: 100 };
    let events = bench.ask(who, follow).await.unwrap().events.into_iter().map(|(_, _, event)| event);
    events.filter(|event| matches!(event, Event::ApiKeyPut { .. } | Event::ApiKeyDeleted { .. })).collect()
}

#[actix_rt::test]
async fn keys_are_listed_in_the_order_of_their_creation_and_changed_one_by_one() {
    let (bench, ann, first) = with_key(WIDE).await;
    bench.wait(SECOND);
    let second = bench.ask(&ann, Holder { number: 2 }.creation(WIDE)).await.unwrap();
    let ids = |keys: Vec<ApiKeyInfo>| keys.into_iter().map(|key| key.id).collect::<Vec<_>>();
    assert_eq!(ids(bench.ask(&ann, ListApiKeys {}).await.unwrap()), [first, second.id]);
    assert_eq!(bench.ask(&ann, GetApiKey { id: second.id }).await.unwrap(), second);

    let change =
        UpdateApiKey { title: Some("other".into()), write: Some(false), ..UpdateApiKey::of(second.id) };
    let changed = bench.ask(&ann, change).await.unwrap();
    let flags = ApiKeyFlags { write: false, ..WIDE };
    assert_eq!(changed, ApiKeyInfo { title: "other".into(), flags, ..second.clone() });
    assert_eq!(
        bench.ask(&ann, UpdateApiKey::of(second.id)).await.unwrap(),
        changed,
        "nothing named, nothing changed"
    );

    bench.ask(&ann, DeleteApiKey { id: first }).await.unwrap();
    assert_eq!(ids(bench.ask(&ann, ListApiKeys {}).await.unwrap()), [second.id]);
}

/// A-KEY-02: what is somebody else's is as unknown as what there is not.
#[actix_rt::test]
async fn nobody_reaches_the_keys_of_somebody_else() {
    let (bench, ann, id) = with_key(WIDE).await;
    let [secret] = secrets_of(&bench, &ann, [1]).await;
    let attachment = bench.ask(&ann, attach(id, secret)).await.unwrap();
    let bob = bench.gateway("bob");
    let [bobs] = secrets_of(&bench, &bob, [2]).await;
    bench.ask(&bob, Holder { number: 2 }.creation(WIDE)).await.unwrap();
    for id in [id, ApiKeyId::from_bytes([9; 16])] {
        let unknown = Some(EngineError::UnknownApiKey);
        assert_eq!(bench.ask(&bob, GetApiKey { id }).await.err(), unknown);
        assert_eq!(
            bench.ask(&bob, UpdateApiKey { active: Some(false), ..UpdateApiKey::of(id) }).await.err(),
            unknown
        );
        assert_eq!(bench.ask(&bob, DeleteApiKey { id }).await.err(), unknown);
        assert_eq!(bench.ask(&bob, attach(id, bobs)).await.err(), unknown);
        assert_eq!(bench.ask(&bob, ListAttached { api_key: id }).await.err(), unknown);
    }
    for id in [attachment, ApiKeySecretId::from_bytes([9; 16])] {
        assert_eq!(bench.ask(&bob, DetachSecret { id }).await.err(), Some(EngineError::UnknownAttachment));
    }
    assert_eq!(bench.ask(&bob, ListApiKeys {}).await.unwrap().len(), 1);
    assert!(sign_in(&bench, id, 1).await.is_ok(), "nothing happened to it");
}

#[actix_rt::test]
async fn a_secret_is_attached_once_and_detached() {
    let limits = Limits { api_key_secrets_max: 2, ..Limits::default() };
    let bench = Bench::with(limits).await;
    let ann = bench.gateway("ann");
    let id = bench.ask(&ann, KEY.creation(WIDE)).await.unwrap().id;
    let [one, two, three] = secrets_of(&bench, &ann, [1, 2, 3]).await;
    let first = bench.ask(&ann, attach(id, one)).await.unwrap();
    let second = bench.ask(&ann, attach(id, two)).await.unwrap();
    assert_eq!(bench.ask(&ann, attach(id, one)).await, Err(EngineError::AlreadyAttached));
    let full = EngineError::QuotaExceeded { what: Quota::AttachedSecrets, max: 2 };
    assert_eq!(bench.ask(&ann, attach(id, three)).await, Err(full));
    let listed = bench.ask(&ann, ListAttached { api_key: id }).await.unwrap();
    let mut listed: Vec<_> = listed.iter().map(|one| (one.id, one.secret)).collect();
    let mut wanted = vec![(first, one), (second, two)];
    listed.sort();
    wanted.sort();
    assert_eq!(listed, wanted);

    bench.ask(&ann, DetachSecret { id: first }).await.unwrap();
    assert_eq!(bench.ask(&ann, DetachSecret { id: first }).await, Err(EngineError::UnknownAttachment));
    assert_eq!(bench.ask(&ann, ListAttached { api_key: id }).await.unwrap().len(), 1);
    assert!(bench.ask(&ann, attach(id, one)).await.is_ok(), "there is room again");
}

/// A-KEY-02: what the owner of a key cannot read is not attached to it, and is told like what there is not.
#[actix_rt::test]
async fn only_what_its_owner_may_read_is_attached_to_a_key() {
    let (bench, ann, id) = with_key(WIDE).await;
    let [own] = secrets_of(&bench, &ann, [1]).await;
    let [of_bob] = secrets_of(&bench, &bench.gateway("bob"), [2]).await;
    for secret in [of_bob, SecretId::from_bytes([9; 16])] {
        assert_eq!(bench.ask(&ann, attach(id, secret)).await, Err(EngineError::UnknownSecret));
    }
    bench.ask(&ann, DeleteSecretLink { link: link(1) }).await.unwrap();
    assert_eq!(bench.ask(&ann, attach(id, own)).await, Err(EngineError::UnknownSecret), "no longer");
    assert_eq!(bench.ask(&ann, ListAttached { api_key: id }).await.unwrap(), []);
}

/// The owner's devices learn what becomes of a key from the feed, each change once.
#[actix_rt::test]
async fn whatever_becomes_of_a_key_is_told_to_its_owner() {
    let (bench, ann, id) = with_key(WIDE).await;
    let [secret] = secrets_of(&bench, &ann, [1]).await;
    let put = Event::ApiKeyPut { api_key: id };
    let mut expected = vec![put.clone()];
    assert_eq!(told(&bench, &ann).await, expected, "made");
    bench.ask(&ann, UpdateApiKey { write: Some(false), ..UpdateApiKey::of(id) }).await.unwrap();
    expected.push(put.clone());
    assert_eq!(told(&bench, &ann).await, expected, "narrowed");
    let attachment = bench.ask(&ann, attach(id, secret)).await.unwrap();
    expected.push(put.clone());
    assert_eq!(told(&bench, &ann).await, expected, "a secret attached");
    bench.ask(&ann, attach(id, secret)).await.unwrap_err();
    assert_eq!(told(&bench, &ann).await, expected, "a refusal is no change");
    bench.ask(&ann, DetachSecret { id: attachment }).await.unwrap();
    expected.push(put);
    assert_eq!(told(&bench, &ann).await, expected, "detached");
    bench.ask(&ann, DeleteApiKey { id }).await.unwrap();
    expected.push(Event::ApiKeyDeleted { api_key: id });
    assert_eq!(told(&bench, &ann).await, expected, "deleted");
    assert_eq!(told(&bench, &bench.gateway("bob")).await, []);
}

#[actix_rt::test]
async fn what_is_no_key_is_refused_and_there_are_not_too_many() {
    let bench = Bench::with(Limits { api_keys_max: 2, ..Limits::default() }).await;
    let ann = bench.gateway("ann");
    let good = KEY.creation(WIDE);
    let field = |field, bytes, max| EngineError::FieldSize { field, bytes, max };
    let mut one = [0; 32];
    one[0] = 1;
    for (bad, error) in [
        (CreateApiKey { title: "x".repeat(1_025), ..good.clone() }, field("title", 1_025, 1_024)),
        (CreateApiKey { private_key: boxed(15), ..good.clone() }, field("private_key", 15, 256)),
        (CreateApiKey { user_secret_key: boxed(257), ..good.clone() }, field("user_secret_key", 257, 256)),
        (CreateApiKey { public_key: [0; 32], ..good.clone() }, EngineError::KeyInvalid),
        (CreateApiKey { verify_key: one, ..good.clone() }, EngineError::KeyInvalid),
    ] {
        assert_eq!(bench.ask(&ann, bad).await.unwrap_err(), error);
    }
    for _ in 0..2 {
        bench.ask(&ann, good.clone()).await.unwrap();
    }
    let full = EngineError::QuotaExceeded { what: Quota::ApiKeys, max: 2 };
    assert_eq!(bench.ask(&ann, good).await.unwrap_err(), full);
}

/// What hangs on a key goes with it, and what hangs on an account with that.
#[actix_rt::test]
async fn nothing_is_left_of_a_key_or_of_an_account() {
    let (bench, ann, id) = with_key(WIDE).await;
    let mine = b"Ijqwch";
    let [secret] = secrets_of(&bench, &ann, [1]).await;
    bench.ask(&ann, attach(id, secret)).await.unwrap();
    let session = sign_in(&bench, id, 1).await.unwrap();
    let spend =
        crate::domains::sessions::sealed::SpendNonces { body: Some([1; 24]), validator: Some([2; 24]) };
    bench.ask(&session, spend.clone()).await.unwrap();
    assert_eq!(bench.count(mine).await, [1, 1, 1, 1, 1, 2]);
    bench.sweep().await;
    assert_eq!(bench.count(mine).await, [1, 1, 1, 1, 1, 2], "all of it is needed");
    bench.ask(&ann, DeleteApiKey { id }).await.unwrap();
    bench.sweep().await;
    assert_eq!(bench.count(mine).await, [0; 6]);
    assert_eq!(bench.count(b"S").await, [0]);

    let id = bench.ask(&ann, KEY.creation(WIDE)).await.unwrap().id;
    bench.ask(&ann, attach(id, secret)).await.unwrap();
    let session = sign_in(&bench, id, 1).await.unwrap();
    bench.ask(&session, spend).await.unwrap();
    let own = crate::Asking::from(ann);
    bench.handle().erase_account(own, None).await.unwrap();
    assert_eq!(bench.count(mine).await, [0; 6]);
    let rows = bench.rows().await;
    let left: Vec<u8> = rows.iter().filter_map(|(key, _)| key.as_bytes().first().copied()).collect();
    // The secret is nobody's row; it goes once nobody has reached it for a day.
    assert!(left.iter().all(|prefix| b"MRAy".contains(prefix)), "{}", String::from_utf8_lossy(&left));
}

fn other_realm() -> RealmId {
    RealmId::new("elsewhere").unwrap()
}
