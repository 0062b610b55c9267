use std::time::Duration;

use strongroom_primitives::{encoding::to_hex, id::RealmId, secret::SecretText};

use super::*;
use crate::{
    Access, Credential, EngineError, Rights,
    boxed::KeyBytes,
    domains::{
        accounts::WhoAmI,
        realms::{PutRealm, SetSignUp, SignUp},
        sessions::{
            ListSessions, ProveSession, RevokeSession,
            sealed::{ActivateSession, SealOf, SpendNonces},
        },
    },
    testing::{
        Desk,
        bench::{Bench, held},
        people::{authkey, boxed, login, registration},
    },
};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

async fn with_ann() -> (Bench, strongroom_primitives::id::AccountId) {
    let bench = Bench::new().await;
    let made = bench.anyone(registration(&bench.realm, "ann", "secret")).await.unwrap();
    (bench, made.account)
}

fn validator(shown: &KeyBytes) -> ActivateSession {
    ActivateSession { validator: SecretText::new(to_hex(shown.expose())) }
}

/// A session of somebody who has signed up, proved.
async fn sign_in(bench: &Bench, name: &str, password: &str) -> Credential {
    let done = bench.anyone(login(&bench.realm, name, password)).await.unwrap();
    let who = held(&done.session);
    bench.ask(&who, validator(&done.validator)).await.unwrap();
    who
}

/// From signing up to a session that does something; until it is proved, it does nothing.
#[actix_rt::test]
async fn a_session_is_good_for_nothing_until_it_is_proved() {
    let (bench, account) = with_ann().await;
    let mut by_any_case = login(&bench.realm, "ann", "secret");
    by_any_case.username = "Ann@HOST.example".into();
    let done = bench.anyone(by_any_case).await.unwrap();
    assert_eq!((&*done.username, done.keys.hashing), ("ann@host.example", Hashing::default()));
    let who = held(&done.session);
    let unproved = Err(EngineError::SessionUnproved);
    assert_eq!(bench.ask(&who, WhoAmI).await.map(drop), unproved);
    assert_eq!(bench.ask(&who, ListSessions { identity: None }).await.map(drop), unproved);
    // Having the token is not having the private key.
    assert_eq!(bench.ask(&who, ProveSession {}).await, unproved);
    let seal = bench.ask(&who, SealOf {}).await.unwrap();
    assert_eq!(seal.open(&done.session.token).unwrap().expose(), done.session_key.expose());
    bench.ask(&who, SpendNonces { body: Some([1; 24]), validator: None }).await.unwrap();

    for wrong in [KeyBytes::new([0; 32]), done.session_key.clone()] {
        assert_eq!(bench.ask(&who, validator(&wrong)).await.unwrap_err(), EngineError::ValidatorWrong);
    }
    let info = bench.ask(&who, validator(&done.validator)).await.unwrap();
    assert_eq!((info.account, &*info.email, &info.secret_key), (account, "ann@mail.example", &boxed(80)));
    assert_eq!(bench.ask(&who, validator(&done.validator)).await.unwrap_err(), EngineError::SessionActive);
    assert_eq!(bench.ask(&who, WhoAmI).await.unwrap().account, account);
    let listed = bench.ask(&who, ListSessions { identity: None }).await.unwrap();
    assert_eq!(listed.iter().map(|one| &*one.label).collect::<Vec<_>>(), ["laptop"]);
}

#[actix_rt::test]
async fn a_session_that_nobody_proves_ends_and_can_be_ended() {
    let (bench, _) = with_ann().await;
    let first = bench.anyone(login(&bench.realm, "ann", "secret")).await.unwrap();
    let second = bench.anyone(login(&bench.realm, "ann", "secret")).await.unwrap();
    bench.ask(&held(&first.session), RevokeSession { identity: None, session: None }).await.unwrap();
    let late = bench.ask(&held(&first.session), validator(&first.validator)).await.unwrap_err();
    assert_eq!(late, EngineError::CredentialInvalid);
    bench.wait(Duration::from_secs(601));
    let late = bench.ask(&held(&second.session), validator(&second.validator)).await.unwrap_err();
    assert_eq!(late, EngineError::CredentialExpired);
}

/// A-SRP-04, A-SRP-13 in spirit: a wrong key and a name that nobody has are refused in one way, and both are counted.
#[actix_rt::test]
async fn wrong_and_unknown_are_one_refusal_and_cost_a_wait() {
    let (bench, _) = with_ann().await;
    for name in ["ann", "nobody"] {
        for _ in 0..10 {
            let refused = bench.anyone(login(&bench.realm, name, "guess")).await.unwrap_err();
            assert_eq!(refused, EngineError::LoginRefused);
        }
        let refused = bench.anyone(login(&bench.realm, name, "secret")).await.unwrap_err();
        assert!(matches!(refused, EngineError::TooManyAttempts { .. }), "{refused:?}");
    }
    // From elsewhere the owner still signs in.
    let mut elsewhere = login(&bench.realm, "ann", "secret");
    elsewhere.network = b"198.51.100.0/24".to_vec();
    bench.anyone(elsewhere).await.unwrap();
    let mut no_name = login(&bench.realm, "ann", "secret");
    no_name.username = "ann".into();
    assert_eq!(bench.anyone(no_name).await.unwrap_err(), EngineError::LoginRefused);
    let prelogin = |username: &str| Prelogin { realm: bench.realm.clone(), username: username.into() };
    for name in ["nobody@host.example", "ann@host.example", "no name at all"] {
        assert_eq!(bench.anyone(prelogin(name)).await.unwrap(), Hashing::default());
    }
}

#[actix_rt::test]
async fn what_cannot_be_a_person_is_refused() {
    let bench = Bench::new().await;
    let good = || registration(&bench.realm, "ann", "secret");
    let field = |field, bytes, max| EngineError::FieldSize { field, bytes, max };
    let cases: Vec<(RegisterPerson, EngineError)> = vec![
        (RegisterPerson { username: "admin@host".into(), ..good() }, EngineError::PersonNameInvalid),
        (RegisterPerson { email: "ann".into(), ..good() }, EngineError::AddressInvalid),
        (RegisterPerson { authkey: SecretText::new("a".repeat(127)), ..good() }, field("authkey", 127, 128)),
        (RegisterPerson { private_key: boxed(79), ..good() }, field("private_key", 79, 80)),
        (RegisterPerson { secret_key: boxed(81), ..good() }, field("secret_key", 81, 80)),
        (RegisterPerson { user_sauce: "z".repeat(64), ..good() }, EngineError::SauceInvalid),
        (RegisterPerson { user_sauce: String::new(), ..good() }, field("user_sauce", 0, 64)),
        (RegisterPerson { public_key: [0; 32], ..good() }, EngineError::KeyInvalid),
        (
            RegisterPerson { hashing: Hashing { u: 13, ..Hashing::default() }, ..good() },
            EngineError::HashingWeak,
        ),
    ];
    for (bad, error) in cases {
        assert_eq!(bench.anyone(bad).await.unwrap_err(), error);
    }
    let closed = RealmId::new("closed").unwrap();
    for sign_up in [SignUp::Closed, SignUp::Reserved] {
        let put = PutRealm { realm: closed.clone(), rights: Rights::ALL };
        bench.ask(&Credential::Operator, put).await.unwrap();
        bench.ask(&Credential::Operator, SetSignUp { realm: closed.clone(), sign_up }).await.unwrap();
        let refused = bench.anyone(RegisterPerson { realm: closed.clone(), ..good() }).await.unwrap_err();
        assert_eq!(refused, EngineError::SignUpClosed);
    }
    bench.anyone(good()).await.unwrap();
    let again = RegisterPerson { username: "ANN@host.example".into(), ..good() };
    assert_eq!(bench.anyone(again).await.unwrap_err(), EngineError::UsernameTaken);
    // Somebody who is here in another way cannot be taken over.
    let clerk = bench.gateway("clerk@host.example");
    bench
        .ask(&clerk, crate::testing::people::Holder { number: 1 }.creation(crate::testing::people::WIDE))
        .await
        .unwrap();
    let taken = bench.anyone(registration(&bench.realm, "clerk", "x")).await.unwrap_err();
    assert_eq!(taken, EngineError::UsernameTaken);
}

/// A code is good once and for thirty days; a name whose owner never showed up is free again after that.
#[actix_rt::test]
async fn mail_is_verified_once_and_in_time() {
    let bench = Bench::new().await;
    let register = || RegisterPerson { verify_email: true, ..registration(&bench.realm, "ann", "secret") };
    let activate = |code: &KeyBytes| ActivatePerson {
        realm: bench.realm.clone(),
        code: SecretText::new(to_hex(code.expose())),
    };
    let first = bench.anyone(register()).await.unwrap();
    let code = first.activation.unwrap();
    let early = bench.anyone(login(&bench.realm, "ann", "secret")).await.unwrap_err();
    assert_eq!(early, EngineError::PersonNotActivated);
    let guess = bench.anyone(login(&bench.realm, "ann", "guess")).await.unwrap_err();
    assert_eq!(guess, EngineError::LoginRefused, "only who knows the password is told");
    assert_eq!(bench.anyone(register()).await.unwrap_err(), EngineError::UsernameTaken);
    bench.wait(DAY * 30 + Duration::from_millis(1));
    assert_eq!(bench.anyone(activate(&code)).await.unwrap_err(), EngineError::ActivationRefused);

    let second = bench.anyone(register()).await.unwrap();
    let fresh = second.activation.unwrap();
    assert_eq!(bench.anyone(activate(&code)).await.unwrap_err(), EngineError::ActivationRefused);
    bench.sweep().await;
    assert_eq!(bench.count(b"YEW").await, [1, 0, 1], "the old code is gone, and the address nobody's yet");
    bench.wait(DAY * 30);
    bench.anyone(activate(&fresh)).await.unwrap();
    assert_eq!(bench.anyone(activate(&fresh)).await.unwrap_err(), EngineError::ActivationRefused);
    sign_in(&bench, "ann", "secret").await;
    assert_eq!(bench.anyone(register()).await.unwrap_err(), EngineError::UsernameTaken);
    assert_eq!(bench.count(b"YEW").await, [0, 1, 1]);
}

/// People are found by the whole of what they are called, in the caller's own realm, and only once they have shown that
/// an address is theirs.
#[actix_rt::test]
async fn people_find_each_other() {
    let (bench, ann) = with_ann().await;
    let unverified = RegisterPerson { verify_email: true, ..registration(&bench.realm, "eve", "x") };
    let eve = bench.anyone(unverified).await.unwrap().account;
    let other = RealmId::new("elsewhere").unwrap();
    bench.open_realm(&other).await;
    let far = bench.anyone(registration(&other, "far", "x")).await.unwrap().account;
    let bob = bench.gateway("bob");
    let find = async |by| {
        let found = bench.ask(&bob, FindPerson { by, access: Access::Read }).await.unwrap();
        found.into_iter().map(|card| card.account).collect::<Vec<_>>()
    };
    assert_eq!(find(FindBy::Username("ANN@host.example".into())).await, [ann]);
    assert_eq!(find(FindBy::Id(ann)).await, [ann]);
    assert_eq!(find(FindBy::Email("Ann@mail.example".into())).await, [ann]);
    let nobody: [strongroom_primitives::id::AccountId; 0] = [];
    for by in [
        FindBy::Username("an@host.example".into()),
        FindBy::Username("ann".into()),
        FindBy::Username("far@host.example".into()),
        FindBy::Id(far),
        FindBy::Id(eve),
        FindBy::Email("eve@mail.example".into()),
        FindBy::Email("@".into()),
    ] {
        assert_eq!(find(by.clone()).await, nobody, "{by:?}");
    }
    assert_eq!(
        bench.anyone(FindPerson { by: FindBy::Id(ann), access: Access::Read }).await,
        Err(EngineError::CredentialMissing)
    );
}

/// An address belongs to the first who shows that it is theirs, and goes with them.
#[actix_rt::test]
async fn an_address_goes_with_its_owner_and_with_nobody_else() {
    let (bench, ann) = with_ann().await;
    let mut copy = registration(&bench.realm, "eve", "x");
    copy.email = "ann@mail.example".into();
    bench.anyone(copy).await.unwrap();
    let find = async || {
        let by = FindBy::Email("ann@mail.example".into());
        let found = bench.ask(&bench.gateway("bob"), FindPerson { by, access: Access::Read }).await.unwrap();
        found.into_iter().map(|card| card.account).collect::<Vec<_>>()
    };
    assert_eq!(find().await, [ann]);
    let eve = sign_in(&bench, "eve", "x").await;
    bench.handle().erase_account(eve.into(), None).await.unwrap();
    assert_eq!(find().await, [ann], "it was never eve's");
    let ann = sign_in(&bench, "ann", "secret").await;
    bench.handle().erase_account(ann.into(), None).await.unwrap();
    assert_eq!(bench.count(b"WYE").await, [0, 0, 0]);
    let again = bench.anyone(registration(&bench.realm, "ann", "secret")).await.unwrap_err();
    assert_eq!(again, EngineError::UsernameTaken, "an erased name is never used again");
}

/// What is kept of an authentication key is none: neither its text nor a hash that somebody without the engine's own
/// key could compare.
#[test]
fn authentication_keys_are_not_kept() {
    let (mut one, mut other) = (Desk::of_store(1), Desk::of_store(2));
    let kept = |desk: &mut Desk| {
        let realm = RealmId::new("test").unwrap();
        let nobody = desk.nobody();
        desk.run(&nobody, &PutRealm { realm: realm.clone(), rights: Rights::ALL }).unwrap();
        desk.run(&nobody, &SetSignUp { realm: realm.clone(), sign_up: SignUp::Chosen }).unwrap();
        desk.run(&nobody, &registration(&realm, "ann", "secret")).unwrap();
        desk.values_under(b'W').remove(0)
    };
    let (one, other) = (kept(&mut one), kept(&mut other));
    assert_ne!(one, other);
    let text = authkey("secret");
    assert!(one.windows(16).all(|window| !text.expose().as_bytes().starts_with(window)));
}
