//! Becoming a vault user and signing in.

use std::time::Duration;

use strongroom_primitives::{id::Subject, rsa::RsaKeyError};

use super::*;
use crate::{
    domains::{accounts::EraseAccount, sessions::ListSessions},
    error::EngineError,
    feed::Event,
};

/// A-TOK-01.
#[test]
fn a_token_makes_one_user_and_opens_their_first_session() {
    let mut desk = Desk::new();
    let ann = desk.who("ann");
    let token = token(&mut desk, &ann);
    let nobody = desk.nobody();
    let made = desk.run(&nobody, &create(&token, rsa_pem(1))).unwrap();
    assert_eq!(made.user.identity.subject, Subject::new("ann").unwrap());
    assert_eq!((made.user.joined, made.user.items), (desk.now, 0));
    assert_ne!(made.user.account, ann.account, "two services, two accounts");
    assert_eq!(made.session.token.len(), 89);
    assert_eq!(made.public_key, rsa_pem(1));
    let user = caller(&desk, &made.user.identity);
    assert_eq!(desk.run(&user, &GetVaultUser {}).unwrap(), made.user);
    assert_eq!(desk.run(&user, &ListSessions { identity: None }).unwrap().len(), 1);

    let rows = desk.row_count();
    for key in [1, 2] {
        let again = desk.run(&nobody, &create(&token, rsa_pem(key)));
        assert_eq!(again.err(), Some(EngineError::TokenSpent));
    }
    assert_eq!(desk.run(&ann, &GetVaultUser {}), Err(EngineError::UnknownVaultUser));
    assert_eq!(desk.row_count(), rows);
}

/// A-TOK-08: what is wrong with the key does not burn the token. The keys themselves are tested beside their parser.
#[test]
fn a_refused_key_leaves_the_token_good() {
    let mut desk = Desk::new();
    let ann = desk.who("ann");
    let token = token(&mut desk, &ann);
    let nobody = desk.nobody();
    let bad = [
        (String::new(), RsaKeyError::Pem),
        (rsa_pem(1).replace("PUBLIC", "RSA PRIVATE"), RsaKeyError::Private),
        (rsa_pem(1).replace("AQAB", "AQAA"), RsaKeyError::Key),
        ("x".repeat(9_000), RsaKeyError::TooLong),
    ];
    for (key, reason) in bad {
        let answer = desk.run(&nobody, &create(&token, key));
        assert_eq!(answer.err(), Some(EngineError::PublicKeyInvalid { reason }));
    }
    assert!(desk.run(&nobody, &create(&token, rsa_pem(1))).is_ok());
}

#[test]
fn a_key_belongs_to_one_user_of_a_vault() {
    let (mut desk, _) = desk();
    let (bob, nobody) = (desk.who("bob"), desk.nobody());
    desk.open_account(&bob);
    let token = token(&mut desk, &bob);
    let lines = rsa_pem(1).replace("\r\n", "\n");
    for key in [rsa_pem(1), lines] {
        let taken = desk.run(&nobody, &create(&token, key));
        assert_eq!(taken.err(), Some(EngineError::VaultUserExists), "keys are compared, not texts");
    }
    let elsewhere = CreateVaultUser { realm: RealmId::new("attic").unwrap(), ..create(&token, rsa_pem(2)) };
    assert_eq!(desk.run(&nobody, &elsewhere).err(), Some(EngineError::TokenRefused));
    assert!(desk.run(&nobody, &create(&token, rsa_pem(2))).is_ok(), "the token is as good as before");
}

/// A keystore elsewhere does not learn that its user was admitted, and issues another token some day.
#[test]
fn a_user_of_another_keystore_has_one_vault_and_a_name_of_its_own() {
    let mut keystore = Desk::of_store(2);
    let ann = keystore.who("ann");
    let first = token(&mut keystore, &ann);
    let (mut desk, _) = desk();
    desk.trust(keystore.as_issuer("acme"));
    let nobody = desk.nobody();
    let made = desk.run(&nobody, &create(&first, rsa_pem(2))).unwrap();
    assert_eq!(made.user.identity.subject.as_str(), "acme/ann", "not the ann of this keystore");
    keystore.wait(keystore.limits.admission_token_life + Duration::from_millis(1));
    desk.now = keystore.now;
    let second = token(&mut keystore, &ann);
    let marks = desk.rows_under(b'u');
    let again = desk.run(&nobody, &create(&second, rsa_pem(3)));
    assert_eq!(again.err(), Some(EngineError::VaultUserExists));
    assert_eq!(desk.rows_under(b'u'), marks, "it was not spent");
}

/// Names mean something in one realm of one keystore only.
#[test]
fn nobody_gets_the_vault_of_another_by_having_their_name() {
    let mut desk = Desk::new();
    let (ann, nobody) = (desk.who("ann"), desk.nobody());
    let good = token(&mut desk, &ann);
    let other = CreateVaultUser { keystore: RealmId::new("other").unwrap(), ..create(&good, rsa_pem(1)) };
    assert_eq!(desk.run(&nobody, &other).err(), Some(EngineError::TokenRefused));
    let posing = desk.who("acme/ann");
    desk.open_account(&posing);
    let posing = token(&mut desk, &posing);
    assert_eq!(desk.run(&nobody, &create(&posing, rsa_pem(1))).err(), Some(EngineError::TokenRefused));
    let bob = desk.who("bob");
    assert_eq!(desk.run(&bob, &create(&good, rsa_pem(1))).err(), Some(EngineError::TokenRefused));
    assert!(desk.run(&ann, &create(&good, rsa_pem(1))).is_ok());
}

#[test]
fn a_session_is_opened_for_a_key_that_is_known_and_not_for_long() {
    let (mut desk, ann) = desk();
    let nobody = desk.nobody();
    let lines = rsa_pem(1).replace("\r\n", "\n");
    let opened = desk.run(&nobody, &open(lines)).unwrap();
    assert_eq!((opened.user.account, opened.public_key), (ann.account, rsa_pem(1)), "the key as it came");
    let longest = desk.limits.session_life_max;
    for (life, expected) in [
        (Some(Duration::from_secs(60)), Duration::from_secs(60)),
        (Some(longest * 10), longest),
        (None, longest),
    ] {
        let opened = desk.run(&nobody, &OpenVaultSession { life, ..open(rsa_pem(1)) }).unwrap();
        assert_eq!(opened.session.expires, Some(desk.now.saturating_add(expected)));
    }
    let elsewhere = OpenVaultSession { realm: keystore(), ..open(rsa_pem(1)) };
    for unknown in [open(rsa_pem(2)), elsewhere] {
        assert_eq!(desk.run(&nobody, &unknown).err(), Some(EngineError::LoginRefused));
    }
    let garbage = desk.run(&nobody, &open("key".to_owned()));
    assert_eq!(garbage.err(), Some(EngineError::PublicKeyInvalid { reason: RsaKeyError::Pem }));

    desk.run(&ann, &EraseAccount { identity: None }).unwrap();
    assert_eq!(desk.run(&nobody, &open(rsa_pem(1))).err(), Some(EngineError::LoginRefused));
}

/// A-LEAK-01: neither the command nor the answer shows a token.
#[test]
fn no_token_is_printed() {
    let mut desk = Desk::new();
    let (ann, nobody) = (desk.who("ann"), desk.nobody());
    let token = token(&mut desk, &ann);
    let create = create(&token, rsa_pem(1));
    let made = desk.run(&nobody, &create).unwrap();
    let printed = format!("{create:?} {made:?}");
    assert!(!printed.contains(&made.session.token) && !printed.contains("sra1"), "{printed}");
}

#[test]
fn what_a_user_says_of_themselves_is_kept_until_changed() {
    let (mut desk, ann) = desk();
    let max = desk.limits.vault_text_bytes_max;
    let set = |text: &str| Change::Set(text.to_owned());
    let update = UpdateVaultUser { private_dek: set("dek"), email: set(""), ..UpdateVaultUser::default() };
    desk.run(&ann, &update).unwrap();
    let update = UpdateVaultUser { full_name: set(&"é".repeat(max / 2)), ..UpdateVaultUser::default() };
    desk.run(&ann, &update).unwrap();
    let update = UpdateVaultUser { email: Change::Clear, ..UpdateVaultUser::default() };
    let user = desk.run(&ann, &update).unwrap();
    let expected = Profile {
        private_dek: Some("dek".to_owned()),
        full_name: Some("é".repeat(max / 2)),
        ..Profile::default()
    };
    assert_eq!(user.profile, expected);
    assert_eq!(desk.run(&ann, &GetVaultUser {}).unwrap(), user);
    assert_eq!(desk.events, vec![Event::VaultUserChanged; 3]);
    for bytes in [max + 1, max * 10] {
        let update = UpdateVaultUser { image: set(&"x".repeat(bytes)), ..UpdateVaultUser::default() };
        let refused = EngineError::FieldSize { field: "image", bytes, max };
        assert_eq!(desk.run(&ann, &update), Err(refused));
    }
}
