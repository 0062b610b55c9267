use std::time::Duration;

use super::*;
use crate::domains::sharing::secrets::{
    Callback, CreateSecrets, DeleteSecretLink, GetSecretVersion, MoveSecretLink, NewSecret, ReadSecret,
    ReadSecrets, SECRETS_MAX, SecretHistory, UpdateSecret,
};

fn update(id: SecretId, nonce: u8) -> UpdateSecret {
    UpdateSecret { id, data: Some(sealed(40, nonce)), callback: Callback::default(), previous: None }
}

fn read(desk: &mut Desk, who: &Principal, id: SecretId) -> Result<u64, EngineError> {
    desk.run(who, &ReadSecret { id }).map(|secret| secret.reads)
}

/// Ann with a datastore and a secret in it, and bob with a datastore.
fn ann_and_bob() -> (Desk, Principal, Principal, [DatastoreId; 2], SecretId) {
    let mut desk = Desk::new();
    let (ann, bob) = (desk.who("ann"), desk.who("bob"));
    let stores = [&ann, &bob].map(|who| create(&mut desk, who, "password", ""));
    let secret = new_secret(&mut desk, &ann, 1, Parent::Datastore(stores[0]));
    (desk, ann, bob, stores, secret)
}

#[test]
fn a_secret_is_read_as_it_was_written_and_reads_are_counted() {
    let (mut desk, ann, _, _, id) = ann_and_bob();
    let created = desk.now;
    desk.wait(Duration::from_secs(5));
    for reads in 1..=3 {
        let secret = desk.run(&ann, &ReadSecret { id }).unwrap();
        assert_eq!((secret.data, secret.reads), (sealed(40, 1), reads));
        assert_eq!((secret.created, secret.written), (created, created));
    }
    desk.run(&ann, &update(id, 2)).unwrap();
    let secret = desk.run(&ann, &ReadSecret { id }).unwrap();
    assert_eq!((secret.data, secret.reads), (sealed(40, 2), 4), "an update begins no new count");
    assert_eq!((secret.created, secret.written), (created, desk.now));
}

/// Readers are counted in different rows, and each learns the sum.
#[test]
fn the_reads_of_all_readers_are_counted_together() {
    let (mut desk, ann, _, stores, _) = ann_and_bob();
    let (share, key) = (new_share(&mut desk, &ann, 7, Parent::Datastore(stores[0])), 8);
    let id = new_secret(&mut desk, &ann, key, Parent::Share(share));
    let mut expected = 0;
    for n in 0..24 {
        let reader = desk.who(&format!("reader {n}"));
        desk.open_account(&reader);
        share_with(&mut desk, &ann, &reader, share, READ);
        expected += 1;
        assert_eq!(read(&mut desk, &reader, id), Ok(expected));
    }
    assert!(desk.rows_of(b"yR") > 4, "one row for all of them would make them wait for each other");
}

/// A-KEY-02: what somebody may not read is refused like what never was, in whatever way they ask.
#[test]
fn a_secret_of_somebody_else_is_one_that_never_was() {
    let (mut desk, ann, bob, stores, secret) = ann_and_bob();
    desk.run(&ann, &update(secret, 2)).unwrap();
    let version = desk.run(&ann, &SecretHistory { secret }).unwrap()[0].id;
    let none = SecretId::from_bytes([9; 16]);
    for id in [secret, none] {
        let unknown = EngineError::UnknownSecret;
        assert_eq!(desk.run(&bob, &ReadSecret { id }), Err(unknown.clone()));
        assert_eq!(desk.run(&bob, &update(id, 3)), Err(unknown.clone()));
        assert_eq!(desk.run(&bob, &SecretHistory { secret: id }), Err(unknown.clone()));
    }
    let no_version = SecretVersionId::from_bytes([9; 16]);
    for id in [version, no_version] {
        assert_eq!(desk.run(&bob, &GetSecretVersion { id }), Err(EngineError::UnknownSecret));
    }
    let own = Parent::Datastore(stores[1]);
    for id in [link(1), link(99)] {
        assert_eq!(desk.run(&bob, &MoveSecretLink { link: id, parent: own }), Err(EngineError::UnknownLink));
        assert_eq!(desk.run(&bob, &DeleteSecretLink { link: id }), Err(EngineError::UnknownLink));
    }
    for parent in [Parent::Datastore(stores[0]), Parent::Datastore(DatastoreId::from_bytes([9; 16]))] {
        let create = CreateSecrets { secrets: vec![a_secret(50)], parent };
        assert_eq!(desk.run(&bob, &create), Err(EngineError::UnknownDatastore));
    }
    assert_eq!(desk.run(&bob, &ReadSecrets { ids: vec![secret, none] }), Ok(Vec::new()));
    assert_eq!(read(&mut desk, &ann, secret), Ok(1), "refused reads are not counted");
}

#[test]
fn a_bulk_read_leaves_out_what_may_not_be_read_and_what_was_named_before() {
    let (mut desk, ann, bob, stores, of_ann) = ann_and_bob();
    let of_bob = new_secret(&mut desk, &bob, 2, Parent::Datastore(stores[1]));
    let none = SecretId::from_bytes([9; 16]);
    let ids = vec![of_bob, of_ann, none, of_bob];
    let read_by = |desk: &mut Desk, who: &Principal| -> Vec<(SecretId, u64)> {
        let secrets = desk.run(who, &ReadSecrets { ids: ids.clone() }).unwrap();
        secrets.into_iter().map(|secret| (secret.id, secret.reads)).collect()
    };
    assert_eq!(read_by(&mut desk, &bob), [(of_bob, 1)]);
    assert_eq!(read_by(&mut desk, &ann), [(of_ann, 1)]);
    assert_eq!(read_by(&mut desk, &ann), [(of_ann, 2)]);
}

#[test]
fn a_bulk_read_never_answers_more_than_it_may() {
    let (mut desk, ann, _, stores, _) = ann_and_bob();
    let secrets = (10..19).map(|n| NewSecret { data: sealed(2 * 1024 * 1024 - 65_536, n), ..a_secret(n) });
    let create = CreateSecrets { secrets: secrets.collect(), parent: Parent::Datastore(stores[0]) };
    let ids: Vec<_> = desk.run(&ann, &create).unwrap().into_iter().map(|created| created.id).collect();
    assert_eq!(desk.run(&ann, &ReadSecrets { ids: ids.clone() }), Err(EngineError::TooLarge));
    assert_eq!(desk.run(&ann, &ReadSecrets { ids: ids[..8].to_vec() }).unwrap().len(), 8);
    let max = SECRETS_MAX;
    let too_many = ReadSecrets { ids: vec![ids[0]; max + 1] };
    assert_eq!(desk.run(&ann, &too_many), Err(EngineError::TooManySecrets { max }));
    let too_many = CreateSecrets { secrets: vec![a_secret(1); max + 1], parent: create.parent };
    assert_eq!(desk.run(&ann, &too_many), Err(EngineError::TooManySecrets { max }));
}

/// A link's id and a nonce are taken once, over all accounts, and a command with one bad secret creates none.
#[test]
fn a_link_and_a_nonce_are_used_once() {
    let (mut desk, ann, bob, stores, secret) = ann_and_bob();
    let parent = Parent::Datastore(stores[1]);
    let rows = desk.row_count();
    let taken = [
        (EngineError::LinkTaken, vec![a_secret(5), NewSecret { link: link(1), ..a_secret(6) }]),
        (EngineError::NonceUsed, vec![a_secret(5), NewSecret { data: sealed(99, 1), ..a_secret(6) }]),
        (EngineError::LinkTaken, vec![a_secret(5), NewSecret { link: link(5), ..a_secret(6) }]),
        (EngineError::NonceUsed, vec![a_secret(5), NewSecret { data: sealed(99, 5), ..a_secret(6) }]),
    ];
    for (error, secrets) in taken {
        assert_eq!(desk.run(&bob, &CreateSecrets { secrets, parent }), Err(error));
        assert_eq!(desk.row_count(), rows, "all of them or none");
    }
    desk.run(&ann, &update(secret, 2)).unwrap();
    for used in [1, 2] {
        assert_eq!(desk.run(&ann, &update(secret, used)), Err(EngineError::NonceUsed), "for ever");
    }
}

/// A-REC-01, A-REC-02: an update in view of another state changes nothing.
#[test]
fn an_update_in_view_of_another_state_changes_nothing() {
    let (mut desk, ann, _, _, id) = ann_and_bob();
    let first = desk.now;
    let second = desk.run(&ann, &UpdateSecret { previous: Some(first), ..update(id, 2) }).unwrap().at;
    assert!(second > first, "though no time has passed");
    let stale = desk.run(&ann, &UpdateSecret { previous: Some(first), ..update(id, 3) });
    assert_eq!(stale, Err(EngineError::StaleWrite { written: second }));
    assert_eq!(desk.run(&ann, &ReadSecret { id }).unwrap().data, sealed(40, 2));
    desk.run(&ann, &UpdateSecret { previous: Some(second), ..update(id, 3) }).unwrap();
}

#[test]
fn what_was_there_goes_to_the_history() {
    let (mut desk, ann, _, _, id) = ann_and_bob();
    desk.open_account(&ann);
    desk.limits.secret_versions_max = 3;
    let url = |text: &str| Callback { url: Some(text.to_owned()), ..Callback::default() };
    let mut written = vec![desk.now];
    for nonce in 2..=5 {
        desk.wait(Duration::from_secs(1));
        let change = UpdateSecret { callback: url(&format!("at {nonce}")), ..update(id, nonce) };
        written.push(desk.run(&ann, &change).unwrap().at);
    }
    let history = desk.run(&ann, &SecretHistory { secret: id }).unwrap();
    let listed: Vec<_> = history.iter().map(|version| version.written).collect();
    assert_eq!(listed, written[1..4], "the oldest has gone for the newest");
    for (version, nonce) in history.iter().zip(2..) {
        assert_eq!(version.name.as_ref().map(|name| name.as_str()), Some("ann"));
        let earlier = desk.run(&ann, &GetSecretVersion { id: version.id }).unwrap();
        assert_eq!((earlier.secret, earlier.data), (id, sealed(40, nonce)));
        assert_eq!((earlier.created, earlier.written), (written[0], version.written));
        assert_eq!(earlier.callback, url(&format!("at {nonce}")));
    }
    assert_eq!(desk.rows_of(b"yV"), 3);
    // A callback alone is a change like any other, and leaves the content as it is.
    let change = UpdateSecret { data: None, callback: url("elsewhere"), ..update(id, 0) };
    desk.run(&ann, &change).unwrap();
    let secret = desk.run(&ann, &ReadSecret { id }).unwrap();
    assert_eq!((secret.data, secret.callback), (sealed(40, 5), url("elsewhere")));
}

#[test]
fn a_secret_goes_where_its_link_goes() {
    let (mut desk, ann, bob, stores, id) = ann_and_bob();
    let other = create(&mut desk, &ann, "password", "other");
    desk.run(&ann, &MoveSecretLink { link: link(1), parent: Parent::Datastore(other) }).unwrap();
    assert_eq!(read(&mut desk, &ann, id), Ok(1));
    let to_bob = MoveSecretLink { link: link(1), parent: Parent::Datastore(stores[1]) };
    assert_eq!(desk.run(&ann, &to_bob), Err(EngineError::UnknownDatastore), "it is not hers");
    assert_eq!(read(&mut desk, &bob, id), Err(EngineError::UnknownSecret));
    desk.run(&ann, &DeleteSecretLink { link: link(1) }).unwrap();
    assert_eq!(read(&mut desk, &ann, id), Err(EngineError::UnknownSecret), "nothing leads to it");
    assert_eq!(desk.run(&ann, &DeleteSecretLink { link: link(1) }), Err(EngineError::UnknownLink));
}

#[test]
fn a_secret_of_a_deleted_datastore_is_read_by_nobody() {
    let mut desk = Desk::new();
    let ann = person(&mut desk, "ann.lee@example.org");
    let store = create(&mut desk, &ann, "password", "old");
    create(&mut desk, &ann, "password", "new");
    let id = new_secret(&mut desk, &ann, 1, Parent::Datastore(store));
    assert_eq!(read(&mut desk, &ann, id), Ok(1));
    desk.run(&ann, &DeleteDatastore { id: store, authkey: Some(authkey()), network: Vec::new() }).unwrap();
    assert_eq!(read(&mut desk, &ann, id), Err(EngineError::UnknownSecret));
}

/// The rule of one datastore holds for callbacks too: every limit at its edge.
#[test]
fn every_limit_of_a_secret_holds_at_its_edge() {
    let (mut desk, ann, _, stores, id) = ann_and_bob();
    desk.limits.sealed_bytes_max = 100;
    let parent = Parent::Datastore(stores[0]);
    let callback = |url: usize, user: usize, pass: usize| Callback {
        url: Some("u".repeat(url)),
        user: Some("n".repeat(user)),
        pass: Some("p".repeat(pass)),
    };
    let good = NewSecret { data: sealed(100, 2), link: link(2), callback: callback(2_048, 128, 128) };
    let bad = [
        ("data", 101, 100, NewSecret { data: sealed(101, 2), ..good.clone() }),
        ("data", 15, 100, NewSecret { data: sealed(15, 2), ..good.clone() }),
        ("callback_url", 2_049, 2_048, NewSecret { callback: callback(2_049, 0, 0), ..good.clone() }),
        ("callback_user", 129, 128, NewSecret { callback: callback(0, 129, 0), ..good.clone() }),
        ("callback_pass", 129, 128, NewSecret { callback: callback(0, 0, 129), ..good.clone() }),
    ];
    for (field, bytes, max, secret) in bad {
        let size = EngineError::FieldSize { field, bytes, max };
        let change = UpdateSecret {
            id,
            data: Some(secret.data.clone()),
            callback: secret.callback.clone(),
            previous: None,
        };
        assert_eq!(desk.run(&ann, &change), Err(size.clone()));
        assert_eq!(desk.run(&ann, &CreateSecrets { secrets: vec![secret], parent }), Err(size));
    }
    desk.run(&ann, &CreateSecrets { secrets: vec![good], parent }).unwrap();
}

/// A-LEAK-01: what is printed of a callback is not its password.
#[test]
fn a_callback_is_printed_without_what_it_says() {
    let callback = Callback { pass: Some("canary".to_owned()), ..Callback::default() };
    let secret = NewSecret { callback, ..a_secret(1) };
    assert!(!format!("{secret:?}").contains("canary"));
}
