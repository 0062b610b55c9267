use std::time::Duration;

use strongroom_primitives::{
    id::RealmId,
    nacl::{BoxPublic, BoxSecret},
};

use super::*;
use crate::{
    Credential, EngineError,
    domains::{accounts::WhoAmI, sessions::sealed::SealOf},
    testing::{
        bench::{Bench, held},
        people::{Holder, WIDE, boxed},
    },
};

const SECOND: Duration = Duration::from_secs(1);

fn secret() -> BoxSecret {
    BoxSecret::from_seed([3; 32])
}

fn device(bench: &Bench) -> Device {
    Device { description: "a printer".into(), fingerprint: "x".repeat(22), time: Some(bench.now()) }
}

fn asking(bench: &Bench) -> CreateDeviceCode {
    let public_key = *secret().public().as_bytes();
    CreateDeviceCode { realm: bench.realm.clone(), device: device(bench), public_key }
}

fn claim(id: DeviceCodeId) -> ClaimDeviceCode {
    ClaimDeviceCode { id, credentials: boxed(300) }
}

/// From the code to a session that the device can use, although the person took four minutes.
#[actix_rt::test]
async fn a_device_is_let_in_once_and_is_not_late() {
    let bench = Bench::new().await;
    let ann = bench.gateway("ann");
    bench.ask(&ann, Holder { number: 1 }.creation(WIDE)).await.unwrap();
    let made = bench.anyone(asking(&bench)).await.unwrap();
    assert_eq!(made.expires, bench.now().saturating_add(SECOND * 300));
    let poll = PollDeviceCode { id: made.id };
    assert_eq!(bench.anyone(poll.clone()).await.unwrap_err(), EngineError::DeviceCodePending);
    bench.wait(SECOND * 240);
    let claimed = bench.ask(&ann, claim(made.id)).await.unwrap();
    assert_eq!((claimed.public_key, &*claimed.description), (*secret().public().as_bytes(), "a printer"));
    bench.wait(SECOND * 30);
    let done = bench.anyone(poll.clone()).await.unwrap();
    assert_eq!(done.credentials, boxed(300));
    // Both ends of the box have the same key, and the code's is none of the engine's other keys.
    let code_public = bench.handle().identities().code_public(made.id);
    let theirs = secret().agree(&BoxPublic::from_bytes(*code_public.as_bytes()).unwrap()).unwrap();
    assert_eq!(theirs.expose(), done.box_key.expose());

    let who = held(&done.session);
    assert_eq!(bench.ask(&who, WhoAmI).await.unwrap().identity.subject.as_str(), "ann");
    let seal = bench.ask(&who, SealOf {}).await.unwrap();
    assert_eq!(seal.open(&done.session.token).unwrap().expose(), done.session_key.expose());
    assert!(seal.needs_validator());
    assert!(seal.admits(&"x".repeat(22), bench.now(), bench.now()), "its clock is still right");
    assert!(!seal.admits(&"x".repeat(21), bench.now(), bench.now()));
    // A-DEV-03: not twice.
    assert_eq!(bench.anyone(poll).await.unwrap_err(), EngineError::UnknownDeviceCode);
    assert_eq!(bench.count(b"G").await, [0]);
}

/// A-DEV-02, A-DEV-03: a code is claimed once, in time, by a person of its realm, and never with an API key.
#[actix_rt::test]
async fn a_code_is_claimed_by_one_person_in_time() {
    let bench = Bench::new().await;
    let (ann, bob) = (bench.gateway("ann"), bench.gateway("bob"));
    let holder = Holder { number: 1 };
    let key = bench.ask(&ann, holder.creation(WIDE)).await.unwrap().id;
    let key = held(&bench.anyone(holder.login(&bench.realm, key, 1)).await.unwrap().session);
    let id = bench.anyone(asking(&bench)).await.unwrap().id;
    assert_eq!(bench.ask(&key, claim(id)).await.unwrap_err(), EngineError::ApiKeyRefused);
    assert_eq!(bench.anyone(claim(id)).await.unwrap_err(), EngineError::CredentialMissing);
    let elsewhere = RealmId::new("elsewhere").unwrap();
    bench.open_realm(&elsewhere).await;
    let subject = strongroom_primitives::id::Subject::new("ann").unwrap();
    let stranger = Credential::Gateway { realm: elsewhere, subject };
    let unknown = DeviceCodeId::from_bytes([9; 16]);
    for (who, id) in [(&stranger, id), (&ann, unknown)] {
        assert_eq!(bench.ask(who, claim(id)).await.unwrap_err(), EngineError::UnknownDeviceCode);
    }
    let large = ClaimDeviceCode { id, credentials: boxed(4_097) };
    let field = EngineError::FieldSize { field: "encrypted_credentials", bytes: 4_097, max: 4_096 };
    assert_eq!(bench.ask(&ann, large).await.unwrap_err(), field);
    bench.ask(&ann, claim(id)).await.unwrap();
    for who in [&ann, &bob] {
        assert_eq!(bench.ask(who, claim(id)).await.unwrap_err(), EngineError::DeviceCodeClaimed);
    }
    bench.wait(SECOND * 301);
    assert_eq!(bench.ask(&bob, claim(id)).await.unwrap_err(), EngineError::DeviceCodeExpired);
    let late = bench.anyone(PollDeviceCode { id }).await.unwrap_err();
    assert_eq!(late, EngineError::DeviceCodeExpired);
    bench.sweep().await;
    assert_eq!(bench.count(b"G").await, [0]);
}

/// The person may fetch for the device: that their own rows are there already changes nothing.
#[actix_rt::test]
async fn a_code_is_fetched_by_whoever_names_it() {
    let bench = Bench::new().await;
    let ann = bench.gateway("ann");
    let id = bench.anyone(asking(&bench)).await.unwrap().id;
    bench.ask(&ann, claim(id)).await.unwrap();
    assert!(bench.ask(&ann, PollDeviceCode { id }).await.is_ok());
}

/// A device whose person is gone by the time it asks gets nothing.
#[actix_rt::test]
async fn nobody_is_let_in_as_somebody_who_is_gone() {
    let bench = Bench::new().await;
    let ann = bench.gateway("ann");
    bench.ask(&ann, Holder { number: 1 }.creation(WIDE)).await.unwrap();
    let id = bench.anyone(asking(&bench)).await.unwrap().id;
    bench.ask(&ann, claim(id)).await.unwrap();
    bench.handle().erase_account(ann.into(), None).await.unwrap();
    assert_eq!(bench.anyone(PollDeviceCode { id }).await.unwrap_err(), EngineError::UnknownDeviceCode);
}

#[actix_rt::test]
async fn what_is_no_device_gets_no_code() {
    let bench = Bench::new().await;
    let good = asking(&bench);
    let field = |field, bytes, max| EngineError::FieldSize { field, bytes, max };
    let long = |description: usize, fingerprint: usize| Device {
        description: "x".repeat(description),
        fingerprint: "x".repeat(fingerprint),
        time: None,
    };
    let realm = RealmId::new("nowhere").unwrap();
    for (bad, error) in [
        (CreateDeviceCode { realm, ..good.clone() }, EngineError::UnknownRealm),
        (CreateDeviceCode { public_key: [0; 32], ..good.clone() }, EngineError::KeyInvalid),
        (
            CreateDeviceCode { device: long(1_025, 1), ..good.clone() },
            field("device_description", 1_025, 1_024),
        ),
        (CreateDeviceCode { device: long(1, 513), ..good.clone() }, field("device_fingerprint", 513, 512)),
    ] {
        assert_eq!(bench.anyone(bad).await.unwrap_err(), error);
    }
    assert_eq!(bench.count(b"G").await, [0]);
}
