use strongroom_primitives::id::{BoxId, RealmId};

use super::*;
use crate::domains::sessions::assured::IssueAssured;

fn put_asym(public_key: &str, root: u8) -> PutAsymKey {
    PutAsymKey { public_key: public_key.into(), encrypted: "sealed".into(), root_key_hash: vec![root; 64] }
}

fn put_box(number: u8, root: u8) -> PutBoxShare {
    let in_box = BoxId::from_bytes([number; 16]);
    let new = NewBoxShare { in_box, share_hash: vec![number; 64], encrypted: format!("sealed-{root}") };
    PutBoxShare { new, root_key_hash: vec![root; 64] }
}

fn prehash(password: &str) -> Prehash {
    let params = PasswordParams { memory: 1_024, iterations: 1, parallelism: 1, salt: vec![1; 16] };
    Prehash { params, hash: ShareBytes::new(sha512(password.as_bytes())[..32].to_vec()) }
}

fn change(old: &str, new: &str) -> ChangeEscrowPassword {
    ChangeEscrowPassword {
        old: prehash(old),
        new: prehash(new),
        encrypted_root_key: format!("under-{new}"),
        network: b"192.0.2.1".to_vec(),
    }
}

/// An account with a storage and two shares.
fn stage() -> (Desk, Principal) {
    let mut desk = Desk::new();
    let ann = holder(&desk, "ann");
    desk.run(&ann, &set_up(1, true)).unwrap();
    desk.run(&ann, &deposit(1)).unwrap();
    desk.run(&ann, &DepositShare { kind: ShareKind::Backup, ..deposit(2) }).unwrap();
    (desk, ann)
}

#[test]
fn what_was_set_up_is_read_back_and_a_reset_leaves_nothing_of_it() {
    let mut desk = Desk::new();
    let ann = holder(&desk, "ann");
    assert_eq!(desk.run(&ann, &GetSecretStorage {}).unwrap_err(), EngineError::NoSecretStorage);
    let boxed = vec![put_box(3, 1).new];
    desk.run(&ann, &SetUpSecretStorage { box_shares: boxed, ..set_up(1, true) }).unwrap();
    let read = desk.run(&ann, &GetSecretStorage {}).unwrap();
    assert_eq!((read.root, read.vault), (wrapped(1), wrapped(1)));
    assert_eq!((read.asym_keys.len(), read.box_shares.len()), (1, 1));
    desk.run(&ann, &set_up(2, false)).unwrap();
    let read = desk.run(&ann, &GetSecretStorage {}).unwrap();
    assert_eq!((read.root, read.asym_keys[0].encrypted.as_str()), (wrapped(2), "secret-2"));
    assert!(read.box_shares.is_empty());
}

/// A browser that was left behind finds nothing to open the new storage with.
#[test]
fn a_reset_drops_all_shares_in_the_same_commit() {
    let (mut desk, ann) = stage();
    desk.run(&ann, &set_up(2, false)).unwrap();
    assert_eq!(desk.run(&ann, &fetch(1)).unwrap_err(), EngineError::UnknownEscrowShare);
    assert!(desk.events.contains(&Event::EscrowSharesDropped { count: 2 }));
    // A reset that is refused drops nothing.
    desk.run(&ann, &deposit(1)).unwrap();
    assert_eq!(desk.run(&ann, &set_up(3, true)).unwrap_err(), EngineError::IdentityKeysExist);
    desk.run(&ann, &fetch(1)).unwrap();
}

#[test]
fn the_identity_brings_its_public_keys_once() {
    let mut desk = Desk::new();
    let ann = holder(&desk, "ann");
    assert_eq!(desk.run(&ann, &set_up(1, false)).unwrap_err(), EngineError::IdentityKeysMissing);
    desk.run(&ann, &set_up(1, true)).unwrap();
    assert_eq!(desk.run(&ann, &set_up(2, true)).unwrap_err(), EngineError::IdentityKeysExist);
    let key = desk.space().escrow_identity(ann.account, &Subject::new("ident").unwrap());
    assert_eq!(desk.row::<IdentityKeys>(&key).unwrap(), identity_keys());
    // Another identity of the same account has its own.
    let other = with(&desk, assurance("second", Some("ann"), 2));
    assert_eq!(desk.run(&other, &set_up(2, false)).unwrap_err(), EngineError::IdentityKeysMissing);
    desk.run(&other, &set_up(2, true)).unwrap();
}

#[test]
fn a_device_with_an_earlier_root_key_adds_nothing() {
    let (mut desk, ann) = stage();
    desk.run(&ann, &set_up(2, false)).unwrap();
    assert_eq!(desk.run(&ann, &put_asym("p", 1)).unwrap_err(), EngineError::RootKeyStale);
    assert_eq!(desk.run(&ann, &put_box(1, 1)).unwrap_err(), EngineError::RootKeyStale);
    desk.run(&ann, &put_asym("p", 2)).unwrap();
    desk.run(&ann, &put_box(1, 2)).unwrap();
    let bob = holder(&desk, "bob");
    assert_eq!(desk.run(&bob, &put_asym("p", 2)).unwrap_err(), EngineError::NoSecretStorage);
}

#[test]
fn of_one_public_key_the_first_secret_stays() {
    let (mut desk, ann) = stage();
    desk.run(&ann, &put_asym("p", 1)).unwrap();
    let again = PutAsymKey { encrypted: "other".into(), ..put_asym("p", 1) };
    assert_eq!(desk.run(&ann, &again).unwrap().encrypted, "sealed");
}

#[test]
fn a_box_share_is_replaced_and_keeps_its_id() {
    let (mut desk, ann) = stage();
    let first = desk.run(&ann, &put_box(1, 1)).unwrap();
    assert_eq!((first.id[6] >> 4, first.id[8] >> 6), (4, 2), "a UUID of version 4");
    desk.wait(DAY);
    let new = NewBoxShare { encrypted: "newer".into(), ..put_box(1, 1).new };
    let second = desk.run(&ann, &PutBoxShare { new, ..put_box(1, 1) }).unwrap();
    assert_eq!((second.id, second.created, second.updated), (first.id, first.created, desk.now));
    assert_eq!(desk.run(&ann, &GetSecretStorage {}).unwrap().box_shares, [second]);
}

/// The count follows what is there: whoever deletes may add again.
#[test]
fn wrapped_secrets_are_counted_and_those_that_are_not_there_are_passed_over() {
    let (mut desk, ann) = stage();
    desk.limits.escrow_secrets_max = 3;
    desk.run(&ann, &put_asym("p", 1)).unwrap();
    desk.run(&ann, &put_box(1, 1)).unwrap();
    let full = EngineError::TooManyWrappedSecrets { max: 3 };
    assert_eq!(desk.run(&ann, &put_asym("q", 1)).unwrap_err(), full);
    assert_eq!(desk.run(&ann, &put_box(2, 1)).unwrap_err(), full);
    desk.run(&ann, &put_box(1, 1)).unwrap();
    let names = ["p", "p", "nobody's"].map(str::to_owned).to_vec();
    desk.run(&ann, &DeleteAsymKeys { public_keys: names }).unwrap();
    desk.run(&ann, &put_asym("q", 1)).unwrap();
    assert_eq!(desk.run(&ann, &put_asym("r", 1)).unwrap_err(), full);
    let boxes = [1, 9].map(|number| BoxId::from_bytes([number; 16])).to_vec();
    desk.run(&ann, &DeleteBoxShares { boxes }).unwrap();
    desk.run(&ann, &put_asym("r", 1)).unwrap();
    let many = (0..4).map(|number| (format!("k{number}"), "s".to_owned())).collect();
    assert_eq!(
        desk.run(&ann, &SetUpSecretStorage { asym_keys: many, ..set_up(2, false) }).unwrap_err(),
        full
    );
}

/// The root key stays the same key; all shares of it go in the same commit.
#[test]
fn a_new_password_wraps_the_root_key_anew_and_drops_all_shares() {
    let (mut desk, ann) = stage();
    desk.run(&ann, &change("anything", "first")).unwrap();
    assert_eq!(desk.run(&ann, &fetch(1)).unwrap_err(), EngineError::UnknownEscrowShare);
    let root = desk.run(&ann, &GetSecretStorage {}).unwrap().root;
    assert_eq!(root, WrappedRoot { encrypted: "under-first".into(), ..wrapped(1) });
    desk.run(&ann, &deposit(1)).unwrap();
    assert_eq!(desk.run(&ann, &change("wrong", "second")).unwrap_err(), EngineError::PasswordWrong);
    desk.run(&ann, &fetch(1)).unwrap();
    assert_eq!(desk.run(&ann, &GetSecretStorage {}).unwrap().root.encrypted, "under-first");
    desk.run(&ann, &change("first", "second")).unwrap();
    assert_eq!(desk.run(&ann, &fetch(1)).unwrap_err(), EngineError::UnknownEscrowShare);
    assert_eq!(desk.run(&ann, &change("first", "third")).unwrap_err(), EngineError::PasswordWrong);
}

/// Wrong passwords are counted, and waited for, wherever they are shown.
#[test]
fn guessing_the_old_password_has_to_wait() {
    let (mut desk, ann) = stage();
    desk.run(&ann, &change("", "first")).unwrap();
    for _ in 0..desk.limits.guesses_free {
        assert_eq!(desk.run(&ann, &change("wrong", "x")).unwrap_err(), EngineError::PasswordWrong);
    }
    let refused = desk.run(&ann, &change("first", "x")).unwrap_err();
    assert!(matches!(refused, EngineError::TooManyAttempts { .. }), "{refused:?}");
}

/// Anybody may ask for the parameters of a password; nobody learns who has one.
#[test]
fn parameters_are_told_of_accounts_that_there_are_not() {
    let (mut desk, ann) = stage();
    let nobody = desk.nobody();
    let show = |account: &str| ShowPasswordParams {
        realm: RealmId::new("test").unwrap(),
        account: Subject::new(account).unwrap(),
    };
    let decoy = desk.run(&nobody, &show("zoe")).unwrap();
    assert_eq!(decoy, desk.run(&nobody, &show("zoe")).unwrap());
    assert_ne!(decoy.salt, desk.run(&nobody, &show("ann")).unwrap().salt);
    let strong = PasswordParams { memory: 65_536, iterations: 3, parallelism: 2, salt: vec![7; 16] };
    let new = Prehash { params: strong.clone(), ..prehash("first") };
    desk.run(&ann, &ChangeEscrowPassword { new, ..change("", "first") }).unwrap();
    assert_eq!(desk.run(&nobody, &show("ann")).unwrap(), strong);
}

/// A-SHR-02: what lies under the root key is for those who have shown the password.
#[test]
fn the_storage_takes_the_password_and_an_account() {
    let (mut desk, _) = stage();
    let coded = with(&desk, assurance("ident", Some("ann"), 1));
    let low = EngineError::AssuranceTooLow { required: 2 };
    assert_eq!(desk.run(&coded, &GetSecretStorage {}).unwrap_err(), low);
    assert_eq!(desk.run(&coded, &set_up(2, false)).unwrap_err(), low);
    assert_eq!(desk.run(&coded, &put_asym("p", 1)).unwrap_err(), low);
    assert_eq!(desk.run(&coded, &put_box(1, 1)).unwrap_err(), low);
    assert_eq!(desk.run(&coded, &DeleteAsymKeys { public_keys: vec![] }).unwrap_err(), low);
    assert_eq!(desk.run(&coded, &DeleteBoxShares { boxes: vec![] }).unwrap_err(), low);
    assert_eq!(desk.run(&coded, &change("", "x")).unwrap_err(), low);
    let nobody = with(&desk, assurance("ann", None, 2));
    assert_eq!(desk.run(&nobody, &GetSecretStorage {}).unwrap_err(), EngineError::NoEscrowAccount);
}

/// What was erased issues no tokens any more.
#[test]
fn an_erased_account_gets_no_token() {
    let mut desk = Desk::new();
    let ann = desk.who("ann");
    let identity = ann.identity.clone().unwrap();
    desk.open_account(&ann);
    desk.run(&operator(), &crate::domains::accounts::EraseAccount { identity: Some(identity.clone()) })
        .unwrap();
    let issue =
        IssueAssured { realm: identity.realm, assurance: assurance("ident", Some("ann"), 2), life: DAY };
    assert_eq!(desk.run(&operator(), &issue).unwrap_err(), EngineError::AccountErased);
}
