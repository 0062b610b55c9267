//! Enrolments that are begun anew.

use std::time::Duration;

use strongroom_primitives::id::Audience;

use super::{
    key_pairs::{create_pair, list_pairs},
    *,
};
use crate::{
    codec::encode,
    credential::Rights,
    domains::admission::{IssueToken, SpendToken},
    domains::sessions::{StoredSession, TokenForm},
    keyspace,
};

fn restart(key: &str) -> RestartEnrolment {
    RestartEnrolment { wrapped: wrap(0, key) }
}

/// The account with a session that is opened now.
fn signed_in(desk: &mut Desk, who: &Principal, number: u8) -> Principal {
    let session = SessionId::from_bytes([number; 16]);
    let row = StoredSession {
        digest: [number; 32],
        account: who.account,
        identity: who.identity.clone().unwrap(),
        rights: Rights::ALL,
        opened: desk.now,
        expires: None,
        label: String::new(),
        parent: None,
        form: TokenForm::Bearer,
        prove_by: None,
        api_key: None,
        seal: None,
        assurance: None,
    };
    desk.place(keyspace::session(session), encode(&row));
    Principal { session: Some(session), ..who.clone() }
}

#[test]
fn a_restart_drops_all_that_the_kek_wraps_and_frees_its_names() {
    let (mut desk, ann) = with_kek();
    let bob = desk.who("bob");
    desk.run(&bob, &SetKek { wrapped: wrap(0, "kek") }).unwrap();
    create(&mut desk, &bob, 1, "b");
    create_pair(&mut desk, &bob, 1, "private", &["auth"]).unwrap();
    let rows = desk.row_count();
    let dek = create(&mut desk, &ann, 1, "a");
    let pair = create_pair(&mut desk, &ann, 1, "private", &["auth", "vault"]).unwrap();

    let kek = desk.run(&ann, &restart("kek again")).unwrap();
    assert_eq!((kek.wrapped.clone(), kek.keys), (wrap(0, "kek again"), 0));
    assert_eq!(desk.row_count(), rows, "somebody else's keys stay");
    assert_eq!(desk.run(&ann, &GetKek {}).unwrap(), kek);
    assert_eq!(desk.run(&ann, &GetDek { id: dek }), Err(EngineError::UnknownKey));
    assert_eq!(desk.run(&ann, &GetKeyPair { id: pair.id }), Err(EngineError::UnknownKey));
    create_pair(&mut desk, &ann, kek.generation, "private", &["auth", "vault"]).unwrap();
    assert_eq!(desk.run(&bob, &GetKek {}).unwrap().keys, 2);
}

/// A-KEY-01: what sets a KEK anew is the restart alone. Where there is none, it sets the first.
#[test]
fn a_restart_of_nothing_is_a_beginning() {
    let (mut desk, ann) = desk();
    assert_eq!(desk.run(&ann, &restart("kek")).unwrap().generation, 1);
    assert_eq!(desk.run(&ann, &SetKek { wrapped: wrap(0, "kek") }), Err(EngineError::KekExists));
    let plain = RestartEnrolment { wrapped: "plain".into() };
    assert!(matches!(desk.run(&ann, &plain), Err(EngineError::WrappedKeyMalformed { .. })));
}

/// A-KEY-05: two devices enrol at once. The one whose KEK was dropped adds nothing that it wraps, whether it names
/// the generation or not; the one that set the present KEK goes on in its session.
#[test]
fn a_device_that_holds_a_dropped_kek_is_refused() {
    let (mut desk, ann) = desk();
    let first = signed_in(&mut desk, &ann, 1);
    let second = signed_in(&mut desk, &ann, 2);
    desk.wait(Duration::from_secs(1));
    desk.run(&first, &SetKek { wrapped: wrap(0, "kek of the first") }).unwrap();
    let kek = desk.run(&second, &restart("kek of the second")).unwrap();
    assert_eq!(kek.generation, 2, "no number comes twice");
    let stale = EngineError::StaleKek { generation: 2 };
    for generation in [Some(1), None] {
        let dek = CreateDek { wrapped: wrap(1, "dek"), generation };
        assert_eq!(desk.run(&first, &dek), Err(stale.clone()));
    }
    let dek = CreateDek { wrapped: wrap(2, "dek"), generation: None };
    assert_eq!(desk.run(&ann, &dek), Err(stale.clone()), "without a session nobody vouches");
    assert_eq!(desk.run(&second, &dek).unwrap().generation, 2);
    desk.wait(Duration::from_secs(1));
    let third = signed_in(&mut desk, &ann, 3);
    desk.run(&third, &dek).unwrap();

    // Another rotation ends what the session was believed.
    desk.run(&third, &BeginRotation { generation: 2, wrapped: wrap(0, "kek 3") }).unwrap();
    let deks: Vec<(DekId, &str)> = list(&mut desk, &ann, true).iter().map(|dek| (dek.id, "dek")).collect();
    desk.run(&third, &rewrap(3, &deks)).unwrap();
    desk.run(&third, &FinishRotation { target: 3 }).unwrap();
    assert_eq!(desk.run(&second, &dek), Err(EngineError::StaleKek { generation: 3 }));
}

#[test]
fn an_account_in_use_is_not_enrolled_anew() {
    let (mut desk, ann) = with_kek();
    let begin = BeginRotation { generation: 1, wrapped: wrap(0, "kek 2") };
    desk.run(&ann, &begin).unwrap();
    assert_eq!(desk.run(&ann, &restart("x")), Err(EngineError::RotationRunning { target: 2 }));
    desk.run(&ann, &CancelRotation { target: 2 }).unwrap();

    for n in 0..255 {
        create(&mut desk, &ann, 1, &format!("dek {n}"));
    }
    create_pair(&mut desk, &ann, 1, "private", &["auth"]).unwrap();
    let last = create_pair(&mut desk, &ann, 1, "private", &["vault"]).unwrap();
    assert_eq!(desk.run(&ann, &restart("x")), Err(EngineError::RestartTooLarge { max: 256 }));
    assert_eq!(desk.run(&ann, &GetKek {}).unwrap().keys, 257);
    desk.run(&ann, &DeleteKeyPair { id: last.id }).unwrap();
    // Generation 2 was given out to the rotation that was cancelled.
    let kek = desk.run(&ann, &restart("kek again")).unwrap();
    assert_eq!((kek.generation, kek.keys), (3, 0));
    assert!(list(&mut desk, &ann, false).is_empty() && list_pairs(&mut desk, &ann, false).is_empty());
    assert_eq!(desk.rows_under(b'e'), 0);
}

/// Once the account was admitted to a service, its keys are in use there, and a restart would destroy it.
#[test]
fn an_account_that_was_admitted_is_not_enrolled_anew() {
    let (mut desk, ann) = with_kek();
    desk.open_account(&ann);
    let audience = Audience::new("vault").unwrap();
    let token = desk.run(&ann, &IssueToken { audience: audience.clone() }).unwrap().token;
    desk.run(&ann, &restart("again")).unwrap();
    let nobody = desk.nobody();
    desk.run(&nobody, &SpendToken { token, audience }).unwrap();
    assert_eq!(desk.run(&ann, &restart("too late")), Err(EngineError::AlreadyAdmitted));
    assert_eq!(desk.run(&ann, &GetKek {}).unwrap().wrapped, wrap(0, "again"));
}
