//! What the operator does with chains.

use strongroom_primitives::{
    dc1::{ChainId, KeyId},
    secret::SecretText,
};

use super::{chain, made, operator, root_caller};
use crate::{
    domains::service_keys::{
        CreateChain, DeleteServiceKey, GetServiceKey, KeyKind, ListChains, ListServiceKeys, RotateRoot,
        ServiceSecret, StoredServiceKey, UpdateServiceKey, secret::Which,
    },
    error::{EngineError, Quota},
    limits::Limits,
    testing::Desk,
};

const CHAIN: &str = "dLP759g8FC3iHaxE7PhvycuWxvjTTuWgBiH9ud4adRHr";
const SECRET: &str = "6S0c15MghGrpMwzz9EK2j3huQTFwH1EULdmofGXPDuj";

fn preset() -> CreateChain {
    CreateChain {
        id: Some(ChainId::new(CHAIN).unwrap()),
        root: Some(KeyId::new("EAYRMSXDOSWY").unwrap()),
        secret: Some(ServiceSecret::new(SecretText::new(SECRET.to_owned())).unwrap()),
    }
}

#[test]
fn a_chain_is_made_as_it_is_named_or_drawn_and_never_twice() {
    let mut desk = Desk::new();
    let root = desk.run(&operator(), &preset()).unwrap();
    assert_eq!((root.chain.as_str(), root.id.as_str()), (CHAIN, "EAYRMSXDOSWY"));
    assert!(root.secret.expose().matches(SECRET));
    assert_eq!(desk.run(&operator(), &preset()).unwrap_err(), EngineError::ChainExists);
    let drawn: Vec<_> = (0..3).map(|_| desk.run(&operator(), &CreateChain::default()).unwrap()).collect();
    let listed = desk.run(&operator(), &ListChains {}).unwrap();
    assert_eq!(listed.len(), 4);
    assert!(listed.windows(2).all(|pair| pair[0].id < pair[1].id));
    for root in &drawn {
        assert!(root.chain.public_key().is_some());
        let info = listed.iter().find(|chain| chain.id == root.chain).unwrap();
        assert_eq!((&info.root, info.keys), (&root.id, 1));
    }
}

#[test]
fn no_more_chains_are_made_than_there_may_be() {
    let mut desk = Desk::new();
    desk.limits = Limits { chains_max: 1, ..Limits::default() };
    desk.run(&operator(), &preset()).unwrap();
    let full = EngineError::QuotaExceeded { what: Quota::Chains, max: 1 };
    assert_eq!(desk.run(&operator(), &CreateChain::default()).unwrap_err(), full);
    assert_eq!(desk.run(&operator(), &preset()).unwrap_err(), EngineError::ChainExists);
}

/// The key must not lie in a store that shows it.
#[test]
fn a_store_that_is_not_encrypted_gets_no_chain_and_no_secret() {
    let (mut desk, root) = chain();
    let key = made(&mut desk, &root, None, None);
    desk.sealed_at_rest = false;
    let rows = desk.row_count();
    let chain = Some(root.chain.clone());
    let create =
        crate::domains::service_keys::CreateServiceKey { chain: chain.clone(), ..Default::default() };
    let rotate = crate::domains::service_keys::RotateServiceKey {
        chain,
        id: key.key.id,
        public_key: None,
        overlap: std::time::Duration::ZERO,
    };
    let new_root = RotateRoot { chain: root.chain, root: None, secret: None };
    assert_eq!(desk.run(&operator(), &preset()).unwrap_err(), EngineError::StoreNotEncrypted);
    assert_eq!(desk.run(&operator(), &create).unwrap_err(), EngineError::StoreNotEncrypted);
    assert_eq!(desk.run(&operator(), &rotate).unwrap_err(), EngineError::StoreNotEncrypted);
    assert_eq!(desk.run(&operator(), &new_root).unwrap_err(), EngineError::StoreNotEncrypted);
    assert_eq!(desk.row_count(), rows);
}

/// A-LEAK-01: no row shows a secret, and what is sealed for one key does not open as another's or as an earlier one.
#[test]
fn a_secret_lies_sealed_for_its_place() {
    let mut desk = Desk::new();
    let root = desk.run(&operator(), &preset()).unwrap();
    for row in desk.values_under(b'C') {
        assert!(!row.windows(SECRET.len()).any(|window| window == SECRET.as_bytes()));
    }
    let stored: StoredServiceKey = desk.row(&desk.space().service_key(&root.chain, &root.id)).unwrap();
    let which = Which { chain: &root.chain, key: &root.id, kind: KeyKind::Dc1Hmac, generation: 0 };
    let seal = desk.secrets().service_keys();
    assert!(seal.open(which, &stored.held).unwrap().matches(SECRET));
    let (other_chain, other_key) = (ChainId::draw(&[1; 32]), KeyId::draw(&[1; 32]));
    for elsewhere in [
        Which { chain: &other_chain, ..which },
        Which { key: &other_key, ..which },
        Which { generation: 1, ..which },
        Which { kind: KeyKind::HmacSha256, ..which },
    ] {
        assert_eq!(seal.open(elsewhere, &stored.held).unwrap_err(), EngineError::Corrupt);
    }
    assert!(!format!("{root:?}").contains(SECRET));
}

#[test]
fn only_what_every_credentials_file_can_hold_is_taken_over_as_a_secret() {
    let secret = |text: &str| ServiceSecret::new(SecretText::new(text.to_owned()));
    for good in ["a".repeat(32), "Z".repeat(256), format!("._~:/@+=-{SECRET}")] {
        assert!(secret(&good).is_ok(), "{good}");
    }
    for bad in ["a".repeat(31), "a".repeat(257), format!("{SECRET} "), format!("{SECRET}%"), "é".repeat(32)]
    {
        assert_eq!(secret(&bad).unwrap_err(), EngineError::ServiceSecretInvalid, "{bad}");
    }
}

#[test]
fn a_new_root_key_takes_the_place_of_the_old_one() {
    let mut desk = Desk::new();
    let first = desk.run(&operator(), &preset()).unwrap();
    let by = root_caller(&mut desk, &first);
    let name =
        UpdateServiceKey { nickname: Some("safe".to_owned()), ..UpdateServiceKey::of(first.id.clone()) };
    desk.run(&by, &name).unwrap();
    let rotate = |root: Option<&str>, secret: Option<&str>| RotateRoot {
        chain: first.chain.clone(),
        root: root.map(|id| KeyId::new(id).unwrap()),
        secret: secret.map(|text| ServiceSecret::new(SecretText::new(text.to_owned())).unwrap()),
    };
    // The same again changes nothing, so a configured key can be put at every start.
    let rows = desk.values_under(b'C');
    let same = desk.run(&operator(), &rotate(Some("EAYRMSXDOSWY"), Some(SECRET))).unwrap();
    assert_eq!(desk.values_under(b'C'), rows);
    assert!(first.made && !same.made);

    let second = desk.run(&operator(), &rotate(None, None)).unwrap();
    assert!(second.made);
    assert_eq!(second.id, first.id);
    assert!(!second.secret.expose().matches(SECRET));
    let third = desk.run(&operator(), &rotate(Some("ROOTKEYTHREE"), None)).unwrap();
    let keys = desk.run(&operator(), &ListServiceKeys { chain: Some(first.chain.clone()) }).unwrap();
    assert_eq!(keys.len(), 1);
    assert_eq!((&keys[0].id, &*keys[0].nickname, keys[0].root), (&third.id, "safe", true));
    assert_eq!(desk.run(&operator(), &ListChains {}).unwrap()[0].root, third.id);
    // An id that was in use is not taken again, nor one that is.
    let taken = EngineError::KeyIdTaken;
    assert_eq!(desk.run(&operator(), &rotate(Some("EAYRMSXDOSWY"), None)).unwrap_err(), taken);
    let key = made(&mut desk, &third, None, None);
    assert_eq!(desk.run(&operator(), &rotate(Some(key.key.id.as_str()), None)).unwrap_err(), taken);
    for reserved in ["SC_EAYRMSXDOSWY", "INTERCHAINXY"] {
        let refused = desk.run(&operator(), &rotate(Some(reserved), None)).unwrap_err();
        assert_eq!(refused, EngineError::ReservedKeyRefused);
    }
    let unknown = RotateRoot { chain: ChainId::draw(&[9; 32]), root: None, secret: None };
    assert_eq!(desk.run(&operator(), &unknown).unwrap_err(), EngineError::UnknownChain);
}

/// A-MAC-07: the root key is nobody's to delete, and no other key renames it.
#[test]
fn the_root_key_is_protected_from_everybody() {
    let (mut desk, root) = chain();
    let everything = r#"{"version":"1","default_allow":true,"permissions":{}}"#;
    let wide = made(&mut desk, &root, Some(everything), None);
    let wide = super::caller(&desk, &root, &wide.key);
    let by_root = root_caller(&mut desk, &root);
    let chain = Some(root.chain.clone());
    let delete = DeleteServiceKey { chain: chain.clone(), id: root.id.clone() };
    for by in [&wide, &by_root, &operator()] {
        assert_eq!(desk.run(by, &delete).unwrap_err(), EngineError::RootKeyRefused);
    }
    let rename = UpdateServiceKey {
        chain: chain.clone(),
        nickname: Some("mine".to_owned()),
        ..UpdateServiceKey::of(root.id.clone())
    };
    assert_eq!(desk.run(&wide, &rename).unwrap_err(), EngineError::RootKeyRefused);
    let none = r#"{"version":"1","default_allow":false,"permissions":{}}"#;
    let limit = UpdateServiceKey { permissions: Some(super::document(none)), ..rename };
    let limited = desk.run(&by_root, &limit).unwrap();
    assert_eq!((&*limited.nickname, &limited.permissions), ("mine", &super::document(everything)));
    let ends =
        UpdateServiceKey { expires: crate::Change::Set(desk.now), ..UpdateServiceKey::of(root.id.clone()) };
    assert_eq!(desk.run(&by_root, &ends).unwrap_err(), EngineError::RootKeyRefused);
    let get = GetServiceKey { chain, id: root.id };
    assert_eq!(desk.run(&operator(), &get).unwrap().expires, None);
}
