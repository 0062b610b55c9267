//! A person keeps something behind a PIN; somebody with a token guesses and deletes, and the person sees it.

use strongroom_client::{
    ClientError,
    wire::{Operation, PinRecoveryStep as Step, Reply, What},
};
use strongroom_engine::testing::recovery::{PinClient, TENANT, token};
use strongroom_primitives::{
    pin_recovery::{RecoveryRealmId, messages::Request, tenant_token::Scope},
    sign::SigningKey,
};

use crate::stage::Stage;

const REALM: RecoveryRealmId = RecoveryRealmId::from_bytes([7; 16]);

fn code<T>(result: Result<T, ClientError>) -> String {
    let error = result.err().expect("a refusal");
    error.problem().expect("a problem").code.as_str().to_owned()
}

/// THREATS A-DEV-06: what a thief of a token does to a record, its owner is told of, and takes back; and a realm says who
/// it is under a key that can be pinned.
pub(crate) async fn an_owner_sees_guesses_at_a_pin_and_takes_back_what_was_deleted(stage: &Stage) {
    let (ann, eve) = (stage.client("ann").await, stage.client("eve").await);
    let handle = stage.engine.handle();
    // The half that clients of the Juicebox protocol ask.
    let juicebox = async |request: Request| {
        let token = token(&REALM, "ann", Scope::User, handle.now());
        let user = handle.recovery_user(&REALM, token.expose()).unwrap();
        handle.recovery(user, request, None).await.map(drop).unwrap();
    };
    let client = PinClient::new(REALM, 1);

    let known = stage.nobody().pin_recovery().realms(None).await.unwrap();
    let before = known.realm(&REALM).unwrap().clone();
    assert_eq!((known.statement.realms.len(), before.restores, before.changes), (1, 0, 0));
    assert!(known.statement.software.starts_with("strongroom ") && !before.operator.is_empty());
    let other = SigningKey::from_seed(&[1; 32]).verifying_key();
    assert!(matches!(ann.pin_recovery().realms(Some(&other)).await, Err(ClientError::Protocol { .. })));

    assert!(!ann.pin_recovery().status(REALM, None).await.unwrap().registered);
    let kept = client.registration("1234", b"secret", 5);
    juicebox(Request::Register2(Box::new(kept.clone()))).await;
    juicebox(Request::Recover2(client.guess(kept.version, "0000").unwrap())).await;
    let status = ann.pin_recovery().status(REALM, Some(TENANT)).await.unwrap();
    assert_eq!((status.registered, status.guesses_used, status.guesses_allowed), (true, 1, 5));
    juicebox(Request::Delete).await;
    let status = ann.pin_recovery().status(REALM, None).await.unwrap();
    let until = status.pending_destruction_at.expect("a copy is kept");
    assert!(!status.registered);

    assert_eq!(code(eve.pin_recovery().veto(REALM, None).await), "unknown-erasure");
    assert_eq!(code(ann.pin_recovery().veto(REALM, Some("other")).await), "unknown-erasure");
    let elsewhere = RecoveryRealmId::from_bytes([8; 16]);
    assert_eq!(code(ann.pin_recovery().status(elsewhere, None).await), "unknown-recovery-realm");
    assert!(stage.nobody().pin_recovery().status(REALM, None).await.is_err());
    ann.pin_recovery().veto(REALM, None).await.unwrap();
    let status = ann.pin_recovery().status(REALM, None).await.unwrap();
    assert_eq!((status.registered, status.guesses_used, status.pending_destruction_at), (true, 1, None));

    let now = ann.pin_recovery().realms(Some(&known.server_key)).await.unwrap();
    assert!(!now.is_older_than(&before));
    assert!(known.is_older_than(now.realm(&REALM).unwrap()), "four changes were made");

    let page = Operation::FeedPage { owner: None, record: None, after: Some(0), wait_s: None, limit: None };
    let Reply::Feed(page) = ann.ask(page).await.unwrap() else { panic!("a page") };
    let steps = page.events.into_iter().filter_map(|event| match event.what {
        What::PinRecoveryChanged { realm, tenant, step } if realm == REALM && tenant == TENANT => Some(step),
        _ => None,
    });
    assert_eq!(
        steps.collect::<Vec<_>>(),
        [
            Step::Registered { guesses_allowed: 5 },
            Step::GuessUsed { guesses_used: 1, guesses_allowed: 5 },
            Step::Deleted { veto_until: Some(until) },
            Step::BroughtBack { guesses_used: 1, guesses_allowed: 5 },
        ]
    );
}
