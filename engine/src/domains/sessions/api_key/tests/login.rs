//! Signing in with an API key: what passes, what does not, and that the two differ in nothing else.

use bytes::Bytes;

use super::*;
use crate::{
    Identity,
    domains::{
        accounts::SetAccountPolicy,
        sessions::{
            ListSessions, RevokeSession,
            identity::RotateIdentity,
            sealed::{Device, SealOf},
        },
    },
};

/// The whole way: a signature, a sealed session, the owner's keys.
#[actix_rt::test]
async fn a_key_signs_in_for_a_sealed_session() {
    let (bench, ann, id) = with_key(WIDE).await;
    let done = bench.anyone(KEY.login(&bench.realm, id, 1)).await.unwrap();
    assert_eq!(done.session.token.len(), 128);
    assert_eq!(done.session.expires, Some(bench.now().saturating_add(SECOND * 600)), "ten minutes at most");
    assert_eq!((done.identity, done.key.id), (1, id));
    assert!(done.user_keys.is_some());
    let who = held(&done.session);
    let seal = bench.ask(&who, SealOf {}).await.unwrap();
    let key = seal.open(&done.session.token).unwrap();
    assert_eq!(key.expose(), done.session_key.expose());
    assert!(!seal.needs_validator(), "this client said nothing of its device");
    let listed = bench.ask(&ann, ListSessions { identity: None }).await.unwrap();
    assert_eq!((listed[0].api_key, &*listed[0].label), (Some(id), "script"), "its owner sees it");
}

/// A-API-01, A-API-02, A-API-13: the signature covers the exact bytes and has one spelling; a key that there is not,
/// one of another realm, an inactive and an expired one, and one whose owner is locked are refused in one way.
#[actix_rt::test]
async fn whatever_is_wrong_is_refused_in_one_way() {
    let (bench, ann, id) = with_key(WIDE).await;
    let good = KEY.login(&bench.realm, id, 1);
    let respaced = Bytes::from(str::from_utf8(&good.info).unwrap().replace(": ", ":"));
    let newline = Bytes::from([&good.info[..], b"\n"].concat());
    let mut malleable = good.signature;
    // S + L: the same point, another spelling.
    const L: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let mut carry = 0_u16;
    for (byte, l) in malleable[32..].iter_mut().zip(L) {
        carry += u16::from(*byte) + u16::from(l);
        *byte = carry.to_le_bytes()[0];
        carry >>= 8;
    }
    let unknown = ApiKeyId::from_bytes([9; 16]);
    bench.open_realm(&other_realm()).await;
    let stranger = Holder { number: 2 }.login(&bench.realm, id, 1);
    for bad in [
        LoginByApiKey { info: respaced, ..good.clone() },
        LoginByApiKey { info: newline, ..good.clone() },
        LoginByApiKey { signature: malleable, ..good.clone() },
        LoginByApiKey { signature: [0; 64], ..good.clone() },
        LoginByApiKey { realm: Some(other_realm()), ..good.clone() },
        KEY.login(&bench.realm, unknown, 1),
        stranger,
    ] {
        assert_eq!(bench.anyone(bad).await.unwrap_err(), EngineError::LoginRefused);
    }
    let active = |active| UpdateApiKey { active: Some(active), ..UpdateApiKey::of(id) };
    bench.ask(&ann, active(false)).await.unwrap();
    assert_eq!(bench.anyone(good.clone()).await.unwrap_err(), EngineError::LoginRefused);
    bench.ask(&ann, active(true)).await.unwrap();

    let subject = strongroom_primitives::id::Subject::new("ann").unwrap();
    let identity = Identity { realm: bench.realm.clone(), subject };
    let policy =
        |suspended| SetAccountPolicy { identity: identity.clone(), suspended: Some(suspended), rights: None };
    bench.ask(&Credential::Operator, policy(true)).await.unwrap();
    assert_eq!(bench.anyone(good.clone()).await.unwrap_err(), EngineError::LoginRefused);
    bench.ask(&Credential::Operator, policy(false)).await.unwrap();

    let expires = Some(bench.now().saturating_add(SECOND));
    let short = Holder { number: 3 };
    let made = bench.ask(&ann, CreateApiKey { expires, ..short.creation(WIDE) }).await.unwrap();
    bench.wait(SECOND * 2);
    let late = bench.anyone(short.login(&bench.realm, made.id, 1)).await.unwrap_err();
    assert_eq!(late, EngineError::LoginRefused);
    assert!(bench.anyone(good).await.is_ok(), "nothing of all that used it up");
}

/// A-API-04: a session key signs in once for as long as the API key lives, and for each API key by itself.
#[actix_rt::test]
async fn a_login_is_never_taken_twice() {
    let (bench, ann, id) = with_key(WIDE).await;
    let session = sign_in(&bench, id, 1).await.unwrap();
    assert_eq!(sign_in(&bench, id, 1).await.unwrap_err(), EngineError::LoginReplayed);
    bench.ask(&session, RevokeSession { identity: None, session: None }).await.unwrap();
    for days in [0, 1, 400] {
        bench.wait(SECOND * 86_400 * days);
        bench.sweep().await;
        assert_eq!(sign_in(&bench, id, 1).await.unwrap_err(), EngineError::LoginReplayed);
    }
    assert!(sign_in(&bench, id, 2).await.is_ok());
    let other = Holder { number: 2 };
    let second = bench.ask(&ann, other.creation(WIDE)).await.unwrap().id;
    assert!(bench.anyone(other.login(&bench.realm, second, 1)).await.is_ok(), "another key, another memory");
}

/// A-API-05: a public key that gives everybody the same shared secret is refused, and uses nothing up.
#[actix_rt::test]
async fn a_session_key_of_low_order_is_refused() {
    let (bench, _, id) = with_key(WIDE).await;
    let good = KEY.login(&bench.realm, id, 1).facts;
    let mut one = [0; 32];
    one[0] = 1;
    for session_public_key in [[0; 32], one] {
        let low = KEY.signed(&bench.realm, LoginFacts { session_public_key, ..good.clone() });
        assert_eq!(bench.anyone(low).await.unwrap_err(), EngineError::KeyInvalid);
    }
    assert_eq!(bench.count(b"qS").await, [0, 0]);
}

/// A-API-06, A-API-07: a session is never longer than the key's maximum; what a device says of itself is limited.
#[actix_rt::test]
async fn lives_are_clamped_and_descriptions_limited() {
    let bench = Bench::new().await;
    let ann = bench.gateway("ann");
    let expires = Some(bench.now().saturating_add(SECOND * 100));
    let id = bench.ask(&ann, CreateApiKey { expires, ..KEY.creation(WIDE) }).await.unwrap().id;
    let facts = |number| KEY.login(&bench.realm, id, number).facts;
    for (number, life, wanted) in [
        (1, None, 100),
        (2, Some(SECOND * 99), 99),
        (3, Some(SECOND * 101), 100),
        (4, Some(Duration::ZERO), 0),
        (5, Some(Duration::MAX), 100),
    ] {
        let login = KEY.signed(&bench.realm, LoginFacts { life, ..facts(number) });
        let done = bench.anyone(login).await.unwrap();
        assert_eq!(done.session.expires, Some(bench.now().saturating_add(SECOND * wanted)), "{life:?}");
    }
    let long = |bytes| Device { description: "x".repeat(bytes), ..Device::default() };
    let login = |bytes| KEY.signed(&bench.realm, LoginFacts { device: long(bytes), ..facts(6) });
    let refused = bench.anyone(login(1_025)).await.unwrap_err();
    assert_eq!(refused, EngineError::FieldSize { field: "device_description", bytes: 1_025, max: 1_024 });
    let session = held(&bench.anyone(login(1_024)).await.unwrap().session);
    bench.wait(SECOND * 101);
    let ended = bench.ask(&session, WhoAmI).await.unwrap_err();
    assert_eq!(ended, EngineError::CredentialExpired, "with its key");
}

/// A key in many hands signs nobody else out: its sessions make room for each other.
#[actix_rt::test]
async fn sessions_of_a_key_make_room_only_for_each_other() {
    let bench = Bench::with(Limits { api_key_sessions_max: 2, sessions_max: 2, ..Limits::default() }).await;
    let ann = bench.gateway("ann");
    let id = bench.ask(&ann, KEY.creation(WIDE)).await.unwrap().id;
    let other = Holder { number: 2 };
    let other_id = bench.ask(&ann, other.creation(WIDE)).await.unwrap().id;
    let kept = held(&bench.anyone(other.login(&bench.realm, other_id, 1)).await.unwrap().session);
    let mut sessions = Vec::new();
    for number in 1..=4 {
        bench.wait(SECOND);
        sessions.push(sign_in(&bench, id, number).await.unwrap());
    }
    for (at, session) in sessions.iter().enumerate() {
        assert_eq!(bench.ask(session, WhoAmI).await.is_ok(), at >= 2, "number {at}");
    }
    assert!(bench.ask(&kept, WhoAmI).await.is_ok());
    // Nor do they take up the account's own places.
    let identity = bench.ask(&ann, WhoAmI).await.unwrap().identity;
    for _ in 0..2 {
        let issue = crate::domains::sessions::IssueBearer {
            identity: identity.clone(),
            rights: crate::Rights::ALL,
            life: None,
            label: String::new(),
        };
        bench.ask(&Credential::Operator, issue).await.unwrap();
    }
    assert!(sign_in(&bench, id, 5).await.is_ok());
}

/// Within the overlap of a rotation a key is answered by the generation that it was made under, and afterwards by the
/// present one. A restricted key is not given its owner's keys.
#[actix_rt::test]
async fn the_answer_is_that_of_the_identity_that_the_holder_knows() {
    let (bench, ann, id) = with_key(ApiKeyFlags { restrict: true, ..WIDE }).await;
    let identity = async |holder: Holder, id, number| {
        bench.anyone(holder.login(&bench.realm, id, number)).await.unwrap().identity
    };
    let done = bench.anyone(KEY.login(&bench.realm, id, 1)).await.unwrap();
    assert_eq!((done.identity, done.user_keys), (1, None));
    bench.ask(&Credential::Operator, RotateIdentity { overlap: SECOND * 60 }).await.unwrap();
    let later = Holder { number: 2 };
    let later_id = bench.ask(&ann, later.creation(WIDE)).await.unwrap().id;
    assert_eq!(identity(KEY, id, 2).await, 1);
    assert_eq!(identity(later, later_id, 1).await, 2);
    bench.wait(SECOND * 61);
    assert_eq!(identity(KEY, id, 3).await, 2);
}

/// Who asks may have brought some of the rows that the rule looks at: it reads the others all the same.
#[actix_rt::test]
async fn whoever_is_signed_in_signs_in_again() {
    let (bench, ann, id) = with_key(WIDE).await;
    let key = sign_in(&bench, id, 1).await.unwrap();
    for (number, who) in [(2, &key), (3, &ann)] {
        assert!(bench.ask(who, KEY.login(&bench.realm, id, number)).await.is_ok());
    }
}
