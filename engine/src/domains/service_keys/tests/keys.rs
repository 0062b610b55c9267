//! Making, showing, changing, rotating and deleting keys.

use std::time::Duration;

use strongroom_primitives::dc1::{ChainId, KeyId, permissions::PermissionsDocument};

use super::{UNKNOWN, chain, document, made, no_key, operator, root_caller, secret_of};
use crate::{
    domains::service_keys::{
        CheckServiceKey, CreateServiceKey, DeleteServiceKey, GetServiceKey, ListServiceKeys,
        RotateServiceKey, TouchServiceKey, UpdateServiceKey,
    },
    error::{EngineError, Quota},
    limits::Limits,
};

#[test]
fn a_key_is_made_shown_changed_and_deleted_as_the_vendor_has_it() {
    let (mut desk, root) = chain();
    let by = root_caller(&mut desk, &root);
    let create = CreateServiceKey { nickname: "build".to_owned(), ..CreateServiceKey::default() };
    let new = desk.run(&by, &create).unwrap();
    assert_eq!(new.key.permissions, PermissionsDocument::for_new_keys());
    assert!(!new.key.root && new.key.registered == desk.now && new.key.last_used.is_none());
    assert_eq!((new.key.id.as_str().len(), new.secret.unwrap().expose().expose().len()), (12, 43));
    let get = GetServiceKey { chain: None, id: new.key.id.clone() };
    assert_eq!(desk.run(&by, &get).unwrap(), new.key);
    let other = made(&mut desk, &root, None, None);
    let listed = desk.run(&by, &ListServiceKeys { chain: None }).unwrap();
    assert_eq!(listed.len(), 3);
    assert!(listed.windows(2).all(|pair| pair[0].id < pair[1].id), "sorted by id");
    assert!(listed.iter().any(|key| key.root && key.id == root.id));

    let touch = TouchServiceKey { chain: root.chain.clone(), id: new.key.id.clone() };
    desk.wait(Duration::from_secs(5));
    desk.run(&desk.node(), &touch).unwrap();
    assert_eq!(desk.run(&by, &get).unwrap().last_used, Some(desk.now));

    // What is not named stays; an empty nickname clears it.
    let rename =
        UpdateServiceKey { nickname: Some(String::new()), ..UpdateServiceKey::of(new.key.id.clone()) };
    let renamed = desk.run(&by, &rename).unwrap();
    assert_eq!((&*renamed.nickname, &renamed.permissions), ("", &new.key.permissions));

    let delete = DeleteServiceKey { chain: None, id: new.key.id.clone() };
    desk.run(&by, &delete).unwrap();
    assert_eq!(desk.run(&by, &delete).unwrap_err(), UNKNOWN, "a mistyped revocation does not look done");
    assert_eq!(desk.run(&by, &get).unwrap_err(), UNKNOWN);
    assert_eq!(desk.run(&by, &rename).unwrap_err(), UNKNOWN);
    desk.run(&desk.node(), &touch).unwrap();
    assert_eq!((desk.rows_of(b"CL"), desk.rows_of(b"CD"), desk.rows_of(b"CK")), (0, 1, 2));
    assert!(
        desk.run(&by, &ListServiceKeys { chain: None }).unwrap().iter().any(|key| key.id == other.key.id)
    );
}

/// A deleted id is not issued again: the next one is another, also when the first draws are all taken.
#[test]
fn an_id_that_was_in_use_is_not_issued_again() {
    let (mut desk, root) = chain();
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..50 {
        let new = made(&mut desk, &root, None, None);
        assert!(seen.insert(new.key.id.clone()));
        let delete = DeleteServiceKey { chain: Some(root.chain.clone()), id: new.key.id };
        desk.run(&operator(), &delete).unwrap();
    }
    // The same chain row at the same instant draws the same ids: with the first of them retired, the second is given.
    let chain_key = desk.space().chain(&root.chain);
    let before = desk.raw(&chain_key);
    let first = made(&mut desk, &root, None, None).key.id;
    let delete = DeleteServiceKey { chain: Some(root.chain.clone()), id: first.clone() };
    desk.run(&operator(), &delete).unwrap();
    desk.place(chain_key, before);
    assert_ne!(made(&mut desk, &root, None, None).key.id, first);
}

#[test]
fn keys_of_other_kinds_are_out_of_reach() {
    let (mut desk, root) = chain();
    let by = root_caller(&mut desk, &root);
    let id = |text: &str| KeyId::new(text).unwrap();
    for (text, get, update, delete) in [
        ("INTERCHAINKEY", UNKNOWN, EngineError::ReservedKeyRefused, EngineError::ReservedKeyRefused),
        ("SC_EAYRMSXDOS", UNKNOWN, UNKNOWN, EngineError::ReservedKeyRefused),
        ("NOSUCHKEYXYZ", UNKNOWN, UNKNOWN, UNKNOWN),
    ] {
        assert_eq!(desk.run(&by, &GetServiceKey { chain: None, id: id(text) }).unwrap_err(), get);
        assert_eq!(desk.run(&by, &UpdateServiceKey::of(id(text))).unwrap_err(), update);
        let rotate =
            RotateServiceKey { chain: None, id: id(text), public_key: None, overlap: Duration::ZERO };
        assert_eq!(desk.run(&by, &rotate).unwrap_err(), update);
        assert_eq!(desk.run(&by, &DeleteServiceKey { chain: None, id: id(text) }).unwrap_err(), delete);
    }
}

/// A-KEY-02 for chains: keys of one are unknown in another, whoever asks.
#[test]
fn a_key_reaches_its_own_chain_only() {
    let (mut desk, root) = chain();
    let other = desk.run(&operator(), &crate::domains::service_keys::CreateChain::default()).unwrap();
    let by = root_caller(&mut desk, &other);
    let chain = Some(root.chain.clone());
    let key = made(&mut desk, &root, None, None).key.id;
    let get = GetServiceKey { chain: None, id: key.clone() };
    assert_eq!(desk.run(&by, &get).unwrap_err(), UNKNOWN);
    let get = GetServiceKey { chain: chain.clone(), id: key };
    assert_eq!(desk.run(&by, &get).unwrap_err(), EngineError::UnknownChain);
    let create = CreateServiceKey { chain, ..CreateServiceKey::default() };
    assert_eq!(desk.run(&by, &create).unwrap_err(), EngineError::UnknownChain);
    // The operator has none of their own.
    assert_eq!(desk.run(&operator(), &CreateServiceKey::default()).unwrap_err(), EngineError::UnknownChain);
    let nowhere = ListServiceKeys { chain: Some(ChainId::draw(&[5; 32])) };
    assert_eq!(desk.run(&operator(), &nowhere).unwrap_err(), EngineError::UnknownChain);
    let check = CheckServiceKey { endpoint: strongroom_primitives::dc1::permissions::Endpoint::GET_STATUS };
    let in_use = desk.run(&by, &check).unwrap();
    assert_eq!((in_use.chain, in_use.id, in_use.root), (other.chain, other.id, true));
    assert_eq!(desk.run(&operator(), &check).unwrap_err(), EngineError::CredentialInvalid);
}

#[test]
fn nicknames_documents_and_keys_have_limits() {
    let (mut desk, root) = chain();
    let by = root_caller(&mut desk, &root);
    let named = |nickname: String| CreateServiceKey { nickname, ..CreateServiceKey::default() };
    let invalid = EngineError::NicknameInvalid { max: 256 };
    let longest = desk.run(&by, &named("é".repeat(256))).unwrap();
    for bad in
        ["é".repeat(257), "a".repeat(2_560), "a\nb".to_owned(), "\u{1b}[2J".to_owned(), "\u{85}".to_owned()]
    {
        assert_eq!(desk.run(&by, &named(bad.clone())).unwrap_err(), invalid, "{bad:?}");
        let rename = UpdateServiceKey { nickname: Some(bad), ..UpdateServiceKey::of(longest.key.id.clone()) };
        assert_eq!(desk.run(&by, &rename).unwrap_err(), invalid);
    }
    let typed = |length: usize| {
        let empty = r#"{"default_allow":true,"permissions":{"transactions":{"create_transaction":{"transaction_types":{"":true}}}},"version":"1"}"#;
        let name = "t".repeat(length - empty.len());
        document(&empty.replace(r#""":true"#, &format!(r#""{name}":true"#)))
    };
    let with = |document| CreateServiceKey { permissions: Some(document), ..CreateServiceKey::default() };
    desk.run(&by, &with(typed(4_096))).unwrap();
    for bytes in [4_097, 40_960] {
        let field = EngineError::FieldSize { field: "permissions_document", bytes, max: 4_096 };
        assert_eq!(desk.run(&by, &with(typed(bytes))).unwrap_err(), field);
    }
    desk.limits = Limits { service_keys_max: 4, ..Limits::default() };
    desk.run(&by, &CreateServiceKey::default()).unwrap();
    let full = EngineError::QuotaExceeded { what: Quota::ServiceKeys, max: 4 };
    assert_eq!(desk.run(&by, &CreateServiceKey::default()).unwrap_err(), full);
    desk.run(&by, &DeleteServiceKey { chain: None, id: longest.key.id }).unwrap();
    desk.run(&by, &CreateServiceKey::default()).unwrap();
}

#[test]
fn a_rotation_draws_a_secret_and_keeps_the_rest() {
    let (mut desk, root) = chain();
    let by = root_caller(&mut desk, &root);
    let new = made(&mut desk, &root, None, None);
    let rotate = |overlap| RotateServiceKey {
        chain: None,
        id: new.key.id.clone(),
        public_key: None,
        overlap: Duration::from_secs(overlap),
    };
    let rotated = desk.run(&by, &rotate(60)).unwrap();
    let until = desk.now.saturating_add(Duration::from_secs(60));
    assert_eq!(rotated.key.overlap_until, Some(until));
    assert_eq!((&rotated.key.id, &rotated.key.permissions), (&new.key.id, &new.key.permissions));
    assert!(!secret_of(&rotated).matches(secret_of(&new).expose()));
    let longest = desk.run(&by, &rotate(u64::MAX)).unwrap().key.overlap_until;
    assert_eq!(longest, Some(desk.now.saturating_add(desk.limits.service_key_overlap_max)));
    assert_eq!(desk.run(&by, &rotate(0)).unwrap().key.overlap_until, None);
    let of_root =
        RotateServiceKey { chain: None, id: root.id.clone(), public_key: None, overlap: Duration::ZERO };
    assert_eq!(desk.run(&by, &of_root).unwrap_err(), EngineError::RootKeyRefused);
    let unknown = RotateServiceKey { chain: None, id: no_key(), public_key: None, overlap: Duration::ZERO };
    assert_eq!(desk.run(&by, &unknown).unwrap_err(), UNKNOWN);
}
