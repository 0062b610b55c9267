use std::time::Duration;

use strongroom_primitives::secret::SecretText;

use super::*;
use crate::{
    domains::{
        people::LoginPerson,
        sessions::{sealed::Device, srp::SignInAttempts},
    },
    error::Quota,
};

fn update(id: DatastoreId) -> UpdateDatastore {
    UpdateDatastore { id, data: None, secret_key: None, description: None, is_default: None, previous: None }
}

fn delete(id: DatastoreId) -> DeleteDatastore {
    DeleteDatastore { id, authkey: Some(authkey()), network: Vec::new() }
}

fn defaults(desk: &mut Desk, who: &Principal) -> Vec<(DatastoreId, bool)> {
    let list = desk.run(who, &ListDatastores {}).unwrap();
    list.into_iter().map(|one| (one.id, one.is_default)).collect()
}

#[test]
fn datastores_are_listed_in_the_order_of_their_creation() {
    let mut desk = Desk::new();
    let ann = desk.who("ann");
    let made: Vec<_> = (0..9).map(|n| create(&mut desk, &ann, "password", &format!("store {n}"))).collect();
    let listed: Vec<_> = desk.run(&ann, &ListDatastores {}).unwrap().into_iter().map(|one| one.id).collect();
    assert_eq!(listed, made);
}

#[test]
fn a_new_default_takes_the_flag_from_the_others_of_its_type_only() {
    let mut desk = Desk::new();
    let ann = desk.who("ann");
    let one = create(&mut desk, &ann, "password", "one");
    let settings = create(&mut desk, &ann, "settings", "");
    let two = create(&mut desk, &ann, "password", "two");
    assert_eq!(defaults(&mut desk, &ann), [(one, false), (settings, true), (two, true)]);
    desk.run(&ann, &UpdateDatastore { is_default: Some(true), ..update(one) }).unwrap();
    assert_eq!(defaults(&mut desk, &ann), [(one, true), (settings, true), (two, false)]);
}

#[test]
fn a_type_and_description_name_one_datastore() {
    let mut desk = Desk::new();
    let (ann, bob) = (desk.who("ann"), desk.who("bob"));
    create(&mut desk, &ann, "password", "home");
    let work = create(&mut desk, &ann, "password", "work");
    let again = CreateDatastore {
        kind: "password".to_owned(),
        description: "home".to_owned(),
        data: None,
        secret_key: sealed(80, 1),
        is_default: false,
    };
    assert_eq!(desk.run(&ann, &again), Err(EngineError::DatastoreExists));
    let renamed = UpdateDatastore { description: Some("home".to_owned()), ..update(work) };
    assert_eq!(desk.run(&ann, &renamed), Err(EngineError::DatastoreExists));
    let unchanged = UpdateDatastore { description: Some("work".to_owned()), ..update(work) };
    assert!(desk.run(&ann, &unchanged).is_ok());
    assert!(desk.run(&bob, &again).is_ok(), "everybody has names of their own");
}

/// A-REC-01, A-REC-02: a save in view of another state changes nothing, and no date comes twice.
#[test]
fn a_save_in_view_of_another_state_changes_nothing() {
    let mut desk = Desk::new();
    let ann = desk.who("ann");
    let id = create(&mut desk, &ann, "password", "");
    let first = desk.run(&ann, &GetDatastore { id }).unwrap();
    assert_eq!((first.data, first.written), (None, desk.now));

    let save = |previous, nonce| UpdateDatastore { data: Some(sealed(40, nonce)), previous, ..update(id) };
    let second = desk.run(&ann, &save(Some(first.written), 2)).unwrap();
    assert!(second.at > first.written, "though no time has passed");
    let stale = desk.run(&ann, &save(Some(first.written), 3));
    assert_eq!(stale, Err(EngineError::StaleWrite { written: second.at }));
    let held = desk.run(&ann, &GetDatastore { id }).unwrap();
    assert_eq!((held.data, held.written), (Some(sealed(40, 2)), second.at));

    desk.wait(Duration::from_secs(1));
    let third = desk.run(&ann, &save(None, 4)).unwrap();
    assert_eq!(third.at, desk.now, "who names no state replaces any");
}

#[test]
fn what_is_not_given_stays() {
    let mut desk = Desk::new();
    let ann = desk.who("ann");
    let id = create(&mut desk, &ann, "password", "home");
    desk.run(&ann, &UpdateDatastore { data: Some(sealed(40, 2)), ..update(id) }).unwrap();
    desk.run(&ann, &UpdateDatastore { secret_key: Some(sealed(80, 3)), ..update(id) }).unwrap();
    let held = desk.run(&ann, &GetDatastore { id }).unwrap();
    assert_eq!((held.data, held.secret_key), (Some(sealed(40, 2)), sealed(80, 3)));
    assert_eq!((held.info.description.as_str(), held.info.is_default), ("home", true));
}

/// A-KEY-02: somebody else's datastore is refused like one that never was.
#[test]
fn a_datastore_of_somebody_else_is_one_that_never_was() {
    let mut desk = Desk::new();
    let (ann, bob) = (desk.who("ann"), desk.who("bob"));
    let of_ann = create(&mut desk, &ann, "password", "");
    create(&mut desk, &bob, "password", "");
    for id in [of_ann, DatastoreId::from_bytes([9; 16])] {
        let unknown = EngineError::UnknownDatastore;
        assert_eq!(desk.run(&bob, &GetDatastore { id }), Err(unknown.clone()));
        assert_eq!(desk.run(&bob, &update(id)), Err(unknown.clone()));
        assert_eq!(desk.run(&bob, &delete(id)), Err(unknown));
    }
    assert!(desk.run(&ann, &GetDatastore { id: of_ann }).is_ok());
}

#[test]
fn a_default_datastore_stays_and_another_goes_for_who_shows_the_password() {
    let mut desk = Desk::new();
    let ann = person(&mut desk, "ann.lee@example.org");
    let one = create(&mut desk, &ann, "password", "one");
    let two = create(&mut desk, &ann, "password", "two");
    let wrong = DeleteDatastore { authkey: Some(SecretText::new("ba".repeat(64))), ..delete(one) };
    assert_eq!(desk.run(&ann, &wrong), Err(EngineError::PasswordWrong));
    let unsaid = DeleteDatastore { authkey: None, ..delete(one) };
    assert_eq!(desk.run(&ann, &unsaid), Err(EngineError::PasswordWrong));
    assert_eq!(desk.run(&ann, &delete(two)), Err(EngineError::DefaultDatastore));
    desk.run(&ann, &delete(one)).unwrap();
    assert_eq!(desk.run(&ann, &GetDatastore { id: one }), Err(EngineError::UnknownDatastore));
    assert_eq!(defaults(&mut desk, &ann), [(two, true)]);
}

/// A-SRP-13: a call that asks for the password again is no way round the wait of a sign-in, nor the other way about.
#[test]
fn wrong_passwords_are_counted_as_failed_sign_ins_are() {
    let mut desk = Desk::new();
    desk.limits.guesses_free = 3;
    let ann = person(&mut desk, "ann.lee@example.org");
    let one = create(&mut desk, &ann, "password", "one");
    create(&mut desk, &ann, "password", "two");
    let network = b"192.0.2.0/24".to_vec();
    let right = DeleteDatastore { network: network.clone(), ..delete(one) };
    let wrong = DeleteDatastore { authkey: Some(SecretText::new("ba".repeat(64))), ..right.clone() };
    let login = |authkey| LoginPerson {
        realm: RealmId::new("test").unwrap(),
        username: "ann.lee@example.org".to_owned(),
        authkey,
        device: Device::default(),
        life: None,
        network: network.clone(),
    };
    let nobody = desk.nobody();
    assert_eq!(desk.run(&ann, &wrong), Err(EngineError::PasswordWrong));
    let refused = desk.run(&nobody, &login(SecretText::new("ba".repeat(64)))).unwrap_err();
    assert_eq!(refused, EngineError::LoginRefused);
    assert_eq!(desk.run(&ann, &wrong), Err(EngineError::PasswordWrong));
    let late = EngineError::TooManyAttempts { retry_after: Duration::from_secs(1) };
    assert_eq!(desk.run(&ann, &right), Err(late.clone()), "not even the right one");
    assert_eq!(desk.run(&nobody, &login(authkey())).unwrap_err(), late);
    let unknown = DeleteDatastore { id: DatastoreId::from_bytes([9; 16]), ..wrong };
    assert_eq!(desk.run(&ann, &unknown), Err(EngineError::UnknownDatastore), "and costs nothing");
    assert_eq!(desk.run(&ann, &SignInAttempts {}).unwrap().count, 3);
    desk.wait(Duration::from_secs(1));
    desk.run(&ann, &right).unwrap();
    assert_eq!(desk.run(&ann, &SignInAttempts {}).unwrap().count, 3, "only a sign-in ends the count");
}

#[test]
fn whoever_has_no_password_shows_none() {
    let mut desk = Desk::new();
    let ann = desk.who("ann");
    let one = create(&mut desk, &ann, "password", "one");
    create(&mut desk, &ann, "password", "two");
    assert_eq!(desk.run(&ann, &delete(one)), Err(EngineError::PasswordWrong), "it is somebody else's");
    desk.run(&ann, &DeleteDatastore { authkey: None, ..delete(one) }).unwrap();
    assert_eq!(desk.run(&ann, &GetDatastore { id: one }), Err(EngineError::UnknownDatastore));
}

#[test]
fn every_limit_holds_at_its_edge() {
    let mut desk = Desk::new();
    let ann = desk.who("ann");
    desk.limits.account_datastores_max = 2;
    desk.limits.sealed_bytes_max = 100;
    let good = CreateDatastore {
        kind: "\u{e9}".repeat(64),
        description: "d".repeat(64),
        data: Some(sealed(100, 2)),
        secret_key: sealed(256, 1),
        is_default: false,
    };
    let size = |field, bytes, max| EngineError::FieldSize { field, bytes, max };
    let kind = CreateDatastore { kind: "k".repeat(65), ..good.clone() };
    assert_eq!(desk.run(&ann, &kind), Err(size("type", 65, 64)));
    let description = CreateDatastore { description: "d".repeat(65), ..good.clone() };
    assert_eq!(desk.run(&ann, &description), Err(size("description", 65, 64)));
    let data = CreateDatastore { data: Some(sealed(101, 2)), ..good.clone() };
    assert_eq!(desk.run(&ann, &data), Err(size("data", 101, 100)));
    let secret_key = CreateDatastore { secret_key: sealed(257, 1), ..good.clone() };
    assert_eq!(desk.run(&ann, &secret_key), Err(size("secret_key", 257, 256)));

    let id = desk.run(&ann, &good).unwrap();
    let data = UpdateDatastore { data: Some(sealed(101, 2)), ..update(id) };
    assert_eq!(desk.run(&ann, &data), Err(size("data", 101, 100)));
    desk.run(&ann, &CreateDatastore { kind: "another".to_owned(), ..good.clone() }).unwrap();
    let third = desk.run(&ann, &CreateDatastore { kind: "third".to_owned(), ..good });
    assert_eq!(third, Err(EngineError::QuotaExceeded { what: Quota::Datastores, max: 2 }));
}
