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

pub(super) fn change(old: &str, new: &str) -> ChangeEscrowPassword {
    ChangeEscrowPassword {
        old: prehash(old),
        new: prehash(new),
        encrypted_root_key: format!("under-{new}"),
        network: b"192.0.2.1".to_vec(),
    }
}

fn assured(account: &str, challenge: Option<&str>) -> IssueAssured {
    let good_for = challenge.map_or(AssuredFor::Access, |challenge| AssuredFor::Process {
        login_challenge: challenge.to_owned(),
    });
    let assurance = Assurance { good_for, ..assurance("ident", Some(account), 2) };
    IssueAssured { realm: RealmId::new("test").unwrap(), assurance, life: DAY }
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

/// A-DEV-01: what was given for the former password ends with it, a sign-in that is under way included; what belongs to
/// another account does not, and neither does the session that the change came with. A change that is refused ends none.
#[test]
fn a_new_password_ends_every_other_session_of_the_account() {
    let (mut desk, ann) = stage();
    let issued =
        [assured("ann", None), assured("ann", None), assured("ann", Some("c1")), assured("bob", None)]
            .map(|issue| desk.run(&operator(), &issue).unwrap());
    let mine = Principal { session: Some(issued[0].session), ..ann };
    desk.run(&mine, &change("", "first")).unwrap();
    let keys = issued.each_ref().map(|issued| keyspace::session(issued.session));
    let there = |desk: &Desk| keys.each_ref().map(|key| desk.rows_of(key.as_bytes()) == 1);
    assert_eq!(there(&desk), [true, false, false, true]);
    let revoked = desk.events.iter().filter(|event| matches!(event, Event::SessionRevoked { .. }));
    assert_eq!(revoked.count(), 2);
    let again = desk.run(&operator(), &assured("ann", None)).unwrap().session;
    assert_eq!(desk.run(&mine, &change("wrong", "second")).unwrap_err(), EngineError::PasswordWrong);
    assert_eq!(desk.rows_of(keyspace::session(again).as_bytes()), 1);
}

/// What is kept of a password is of its account: another's row takes no password, though it be the same.
#[test]
fn a_password_is_kept_for_its_account() {
    let (mut desk, ann) = stage();
    let bob = holder(&desk, "bob");
    desk.run(&bob, &set_up(1, true)).unwrap();
    desk.run(&ann, &change("", "first")).unwrap();
    desk.place(keyspace::escrow_password(bob.account), desk.raw(&keyspace::escrow_password(ann.account)));
    assert_eq!(desk.run(&bob, &change("first", "second")).unwrap_err(), EngineError::PasswordWrong);
    desk.run(&ann, &change("first", "second")).unwrap();
}

/// Both hashes are looked at, also where there is no password yet and the old one is compared with nothing.
#[test]
fn a_password_comes_with_sizes_that_can_be_kept() {
    let (mut desk, ann) = stage();
    let good = prehash("x");
    let with_salt = |bytes: usize| PasswordParams { salt: vec![1; bytes], ..good.params.clone() };
    let with_hash = |bytes: usize| Prehash { hash: ShareBytes::new(vec![1; bytes]), ..good.clone() };
    let with = |params: PasswordParams| Prehash { params, ..good.clone() };
    let bad = [
        with(with_salt(0)),
        with(with_salt(65)),
        with(PasswordParams { memory: 0, ..good.params.clone() }),
        with(PasswordParams { iterations: 0, ..good.params.clone() }),
        with(PasswordParams { parallelism: 0, ..good.params.clone() }),
        with_hash(0),
        with_hash(129),
    ];
    for bad in bad {
        let old = ChangeEscrowPassword { old: bad.clone(), ..change("", "x") };
        let new = ChangeEscrowPassword { new: bad, ..change("", "x") };
        for change in [old, new] {
            let refused = desk.run(&ann, &change).unwrap_err();
            assert!(matches!(refused, EngineError::FieldSize { .. } | EngineError::HashingWeak), "{refused}");
        }
    }
    for good in [with(with_salt(1)), with(with_salt(64)), with_hash(1), with_hash(128)] {
        let (mut desk, ann) = stage();
        desk.run(&ann, &ChangeEscrowPassword { old: good.clone(), new: good, ..change("", "x") }).unwrap();
    }
}

/// Every text and every hash, at its limit and one byte beyond.
#[test]
fn what_is_kept_wrapped_has_its_limits() {
    let (desk, ann) = stage();
    let max = desk.limits.escrow_secret_bytes_max;
    for (over, good) in [(0, true), (1, false)] {
        let (text, hash) = ("x".repeat(max + over), vec![1; 64 + over]);
        let (long, public) = (|| text.clone(), || "p".repeat(2_048 + over));
        let set = || set_up(2, false);
        let boxed = |new: NewBoxShare| SetUpSecretStorage { box_shares: vec![new], ..set() };
        let of_secret = NewBoxShare { encrypted: long(), ..put_box(3, 1).new };
        let of_hash = NewBoxShare { share_hash: hash.clone(), ..put_box(3, 1).new };
        let set_ups = [
            SetUpSecretStorage { root: WrappedRoot { encrypted: long(), ..wrapped(2) }, ..set() },
            SetUpSecretStorage { vault: WrappedRoot { encrypted: long(), ..wrapped(2) }, ..set() },
            SetUpSecretStorage { root: WrappedRoot { key_hash: hash.clone(), ..wrapped(2) }, ..set() },
            SetUpSecretStorage { vault: WrappedRoot { key_hash: hash.clone(), ..wrapped(2) }, ..set() },
            SetUpSecretStorage { asym_keys: vec![("p".into(), long())], ..set() },
            SetUpSecretStorage { asym_keys: vec![(public(), "s".into())], ..set() },
            boxed(of_secret.clone()),
            boxed(of_hash.clone()),
        ];
        for (number, set_up) in set_ups.iter().enumerate() {
            assert_eq!(stage().0.run(&ann, set_up).is_ok(), good, "set-up {number}");
        }
        let (mut desk, _) = stage();
        assert_eq!(desk.run(&ann, &put_asym(&public(), 1)).is_ok(), good);
        assert_eq!(desk.run(&ann, &PutAsymKey { encrypted: long(), ..put_asym("q", 1) }).is_ok(), good);
        for new in [of_secret, of_hash] {
            assert_eq!(desk.run(&ann, &PutBoxShare { new, ..put_box(3, 1) }).is_ok(), good);
        }
        let wrapped = ChangeEscrowPassword { encrypted_root_key: long(), ..change("", "x") };
        assert_eq!(desk.run(&ann, &wrapped).is_ok(), good);
        let keys = IdentityKeys { non_identified_rsa: Some(public()), ..identity_keys() };
        let other = with(&desk, assurance("second", Some("ann"), 2));
        let first = SetUpSecretStorage { identity_keys: Some(keys), ..set_up(2, false) };
        assert_eq!(desk.run(&other, &first).is_ok(), good);
    }
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
