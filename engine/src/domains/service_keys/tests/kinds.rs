//! Keys of each kind, on a desk.

use std::time::Duration;

use strongroom_primitives::{
    dc1::{ChainId, KeyId},
    encoding::to_hex,
    time::Timestamp,
};

use super::{chain, operator, root_caller, secret_of};
use crate::{
    codec::{decode, encode},
    domains::service_keys::{
        CreateChain, CreateServiceKey, DeleteServiceKey, Form, GetServiceKey, KeyKind, NewServiceKey,
        RootKey, RotateServiceKey, SignsWith, StoredKeyPlace, StoredServiceKey, StoredSignature, rows::Held,
    },
    error::EngineError,
    testing::{Desk, messages::MessageSigner},
};

const INVALID: EngineError = EngineError::ServicePublicKeyInvalid;

fn bytes(signs_with: SignsWith) -> [u8; 32] {
    match signs_with {
        SignsWith::Ed25519 { public_key } => public_key,
        _ => panic!("no public key"),
    }
}

fn made(desk: &mut Desk, root: &RootKey, signs_with: SignsWith) -> Result<NewServiceKey, EngineError> {
    let create =
        CreateServiceKey { chain: Some(root.chain.clone()), signs_with, ..CreateServiceKey::default() };
    desk.run(&operator(), &create)
}

fn rotate(id: &KeyId, root: &RootKey, public_key: Option<[u8; 32]>, overlap_s: u64) -> RotateServiceKey {
    let overlap = Duration::from_secs(overlap_s);
    RotateServiceKey { chain: Some(root.chain.clone()), id: id.clone(), public_key, overlap }
}

/// A-MAC-08: of a key of the kind ed25519 the server has the public key, and there is no secret to show.
#[test]
fn a_key_has_the_kind_that_it_was_made_with() {
    let (mut desk, root) = chain();
    let by = root_caller(&mut desk, &root);
    let get = |id: &KeyId| GetServiceKey { chain: None, id: id.clone() };
    assert_eq!(desk.run(&by, &get(&root.id)).unwrap().kind, KeyKind::Dc1Hmac);
    for signs_with in [SignsWith::Dc1Hmac, SignsWith::HmacSha256, MessageSigner::public(1)] {
        let new = made(&mut desk, &root, signs_with).unwrap();
        assert_eq!(new.key.kind, signs_with.kind());
        assert_eq!(desk.run(&by, &get(&new.key.id)).unwrap(), new.key);
        let stored: StoredServiceKey = desk.row(&desk.space().service_key(&root.chain, &new.key.id)).unwrap();
        if signs_with.kind() == KeyKind::Ed25519 {
            assert!(new.secret.is_none() && matches!(stored.held, Held::Public(_)));
            assert_eq!(new.key.public_key, Some(bytes(signs_with)));
        } else {
            assert_eq!(secret_of(&new).expose().len(), 43);
            assert!(new.key.public_key.is_none() && matches!(stored.held, Held::Sealed(_)));
        }
    }
}

#[test]
fn the_names_of_the_kinds_are_those_of_their_algorithms() {
    for (kind, name) in
        [(KeyKind::Dc1Hmac, "dc1-hmac"), (KeyKind::HmacSha256, "hmac-sha256"), (KeyKind::Ed25519, "ed25519")]
    {
        assert_eq!((kind.name(), serde_json::to_value(kind).unwrap()), (name, name.into()));
    }
}

/// Nothing secret is kept of a public key, so it takes no encrypted store.
#[test]
fn only_secrets_need_an_encrypted_store() {
    let (mut desk, root) = chain();
    let ed25519 = made(&mut desk, &root, MessageSigner::public(1)).unwrap().key.id;
    let hmac = made(&mut desk, &root, SignsWith::HmacSha256).unwrap().key.id;
    desk.sealed_at_rest = false;
    for signs_with in [SignsWith::Dc1Hmac, SignsWith::HmacSha256] {
        assert_eq!(made(&mut desk, &root, signs_with).unwrap_err(), EngineError::StoreNotEncrypted);
    }
    made(&mut desk, &root, MessageSigner::public(2)).unwrap();
    let refused = desk.run(&operator(), &rotate(&hmac, &root, None, 0));
    assert_eq!(refused.unwrap_err(), EngineError::StoreNotEncrypted);
    desk.run(&operator(), &rotate(&ed25519, &root, Some(bytes(MessageSigner::public(3))), 0)).unwrap();
}

/// What is no point of the curve, or one of small order that verifies what nobody has signed, is no key.
#[test]
fn a_public_key_that_is_none_is_refused() {
    let (mut desk, root) = chain();
    let rows = desk.row_count();
    let identity: [u8; 32] = std::array::from_fn(|at| u8::from(at == 0));
    for public_key in [[0; 32], [2; 32], identity, [0xff; 32]] {
        assert_eq!(made(&mut desk, &root, SignsWith::Ed25519 { public_key }).unwrap_err(), INVALID);
    }
    assert_eq!(desk.row_count(), rows);
}

/// A-MAC-04: a rotation changes what a key signs with, and never how.
#[test]
fn a_rotation_stays_within_the_kind() {
    let (mut desk, root) = chain();
    let (one, two) = (MessageSigner::public(1), MessageSigner::public(2));
    for signs_with in [SignsWith::Dc1Hmac, SignsWith::HmacSha256] {
        let new = made(&mut desk, &root, signs_with).unwrap();
        let id = &new.key.id;
        assert_eq!(desk.run(&operator(), &rotate(id, &root, Some(bytes(two)), 0)).unwrap_err(), INVALID);
        let rotated = desk.run(&operator(), &rotate(id, &root, None, 60)).unwrap();
        assert_eq!(rotated.key.kind, signs_with.kind());
        assert!(!secret_of(&rotated).matches(secret_of(&new).expose()));
    }
    let new = made(&mut desk, &root, one).unwrap();
    let id = &new.key.id;
    // A rotation to the key that is to be left would look done.
    for public_key in [None, Some(bytes(one)), Some([0; 32])] {
        assert_eq!(desk.run(&operator(), &rotate(id, &root, public_key, 0)).unwrap_err(), INVALID);
    }
    let rotated = desk.run(&operator(), &rotate(id, &root, Some(bytes(two)), 60)).unwrap();
    assert!(rotated.secret.is_none());
    assert_eq!(rotated.key.public_key, Some(bytes(two)));
    assert_eq!(rotated.key.overlap_until, Some(desk.now.saturating_add(Duration::from_secs(60))));
    let back = desk.run(&operator(), &rotate(id, &root, Some(bytes(one)), 0)).unwrap();
    assert_eq!((back.key.public_key, back.key.overlap_until), (Some(bytes(one)), None));
}

/// An id that names a key by itself is one of a kind in the whole engine, also after the key is gone.
#[test]
fn an_id_that_names_a_key_alone_is_issued_once() {
    let (mut desk, root) = chain();
    let other = desk.run(&operator(), &CreateChain::default()).unwrap();
    assert_eq!(desk.rows_of(b"CI"), 0, "root keys are named with their chains");
    made(&mut desk, &root, SignsWith::Dc1Hmac).unwrap();
    assert_eq!(desk.rows_of(b"CI"), 0);
    let id = made(&mut desk, &root, SignsWith::HmacSha256).unwrap().key.id;
    let place: StoredKeyPlace = desk.row(&desk.space().key_place(&id)).unwrap();
    assert_eq!(place.chain, root.chain);
    let delete = DeleteServiceKey { chain: Some(root.chain.clone()), id: id.clone() };
    desk.run(&operator(), &delete).unwrap();
    assert_eq!(desk.rows_of(b"CI"), 1);

    // What the other chain draws first is taken: the next draw is given, and with all of them taken, none.
    let other_key = desk.space().chain(&other.chain);
    let before = desk.raw(&other_key);
    let mut taken = Vec::new();
    for _ in 0..4 {
        let create = CreateServiceKey { chain: Some(other.chain.clone()), ..CreateServiceKey::default() };
        let id = desk.run(&operator(), &create).unwrap().key.id;
        assert!(!taken.contains(&id));
        desk.place(other_key.clone(), before.clone());
        taken.push(id);
    }
    // A desk draws what another desk has drawn.
    let desk_of = |signs_with, taken: &[KeyId]| {
        let (mut desk, root) = chain();
        let other = desk.run(&operator(), &CreateChain::default()).unwrap();
        for id in taken {
            let place = StoredKeyPlace { chain: root.chain.clone() };
            desk.place(desk.space().key_place(id), encode(&place));
        }
        made(&mut desk, &other, signs_with).map(|new| new.key.id)
    };
    assert_eq!(desk_of(SignsWith::HmacSha256, &[]).unwrap(), taken[0]);
    assert_eq!(desk_of(SignsWith::HmacSha256, &taken[..1]).unwrap(), taken[1]);
    assert_eq!(desk_of(MessageSigner::public(1), &taken[..3]).unwrap(), taken[3]);
    assert_eq!(desk_of(SignsWith::HmacSha256, &taken).unwrap_err(), EngineError::KeyIdTaken);
    // Beside its chain the id of another kind is free.
    assert_eq!(desk_of(SignsWith::Dc1Hmac, &taken).unwrap(), taken[0]);
}

const EXPECTED_ROWS: [&str; 3] = [
    "010c4f5049514a4f464252444154056275696c640080909282e733357b2264656661756c745f616c6c6f77223a747275\
     652c227065726d697373696f6e73223a7b7d2c2276657273696f6e223a2231227d00020101ea4a6c63e29c520abef550\
     7b132ec5f9954776aebebe7b92421eea691446d22c01000309090980909282e733",
    "0103616263",
    "010180909282e73380909282e733",
];

/// Changing a format on disk should hurt a little.
#[test]
fn rows_on_disk_are_what_released_versions_read() {
    let stored = StoredServiceKey::sample();
    let place = StoredKeyPlace { chain: ChainId::new("abc").unwrap() };
    let at = Timestamp::from_ms(1_780_000_000_000);
    let rows =
        [encode(&stored), encode(&place), encode(&StoredSignature { form: Form::Message, at, until: at })];
    assert_eq!(rows.each_ref().map(|row| to_hex(row)), EXPECTED_ROWS);
    assert!(decode::<StoredServiceKey>(&rows[0]).is_ok_and(|read| read == stored));
    // What is no public key does not come back as one.
    let mut damaged = rows[0].to_vec();
    let at = damaged.windows(32).position(|bytes| bytes == stored.held.public_key().unwrap().as_bytes());
    damaged[at.unwrap()..][..32].fill(2);
    assert_eq!(decode::<StoredServiceKey>(&damaged).err(), Some(EngineError::Corrupt));
}
