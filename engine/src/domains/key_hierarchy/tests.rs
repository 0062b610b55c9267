mod key_pairs;
mod properties;
mod restart;

use bytes::Bytes;
use strongroom_primitives::{
    cryppo::CryppoError,
    id::{DekId, SessionId},
};

use super::*;
use crate::{
    credential::Principal,
    error::{EngineError, Quota},
    feed::Event,
    testing::{Desk, keys::wrap},
};

fn desk() -> (Desk, Principal) {
    let desk = Desk::new();
    let ann = desk.who("ann");
    (desk, ann)
}

fn with_kek() -> (Desk, Principal) {
    let (mut desk, ann) = desk();
    desk.run(&ann, &SetKek { wrapped: wrap(0, "kek 1") }).unwrap();
    (desk, ann)
}

fn create(desk: &mut Desk, who: &Principal, generation: u32, key: &str) -> DekId {
    let create = CreateDek { wrapped: wrap(generation, key), generation: Some(generation) };
    desk.run(who, &create).unwrap().id
}

fn list(desk: &mut Desk, who: &Principal, pending: bool) -> Vec<Dek> {
    let mut deks = Vec::new();
    let mut from = None;
    loop {
        let page = desk.run(who, &ListDeks { pending, from, limit: 3 }).unwrap();
        deks.extend(page.deks);
        from = page.next;
        if from.is_none() {
            return deks;
        }
    }
}

fn rewrap<I: Copy + Into<WrappedKeyId>>(target: u32, keys: &[(I, &str)]) -> Rewrap {
    let keys = keys.iter().map(|(id, key)| Rewrapped { id: (*id).into(), wrapped: wrap(target, key) });
    Rewrap { target, keys: keys.collect() }
}

/// A-KEY-01.
#[test]
fn a_kek_is_set_once() {
    let (mut desk, ann) = desk();
    assert_eq!(desk.run(&ann, &GetKek {}), Err(EngineError::UnknownKey));
    let first = desk.run(&ann, &SetKek { wrapped: wrap(0, "kek") }).unwrap();
    assert_eq!((first.generation, first.keys, first.rotation.clone()), (1, 0, None));
    for again in ["kek", "another"] {
        assert_eq!(desk.run(&ann, &SetKek { wrapped: wrap(0, again) }), Err(EngineError::KekExists));
    }
    assert_eq!(desk.run(&ann, &GetKek {}).unwrap(), first);
    assert_eq!(desk.events, [Event::KeysChanged { generation: 1 }]);
}

#[test]
fn a_wrapped_key_has_a_size_and_an_account_a_number_of_them() {
    let (mut desk, ann) = desk();
    let longest = wrap(0, vec![b'x'; 1_000]);
    let max = longest.len();
    desk.limits.wrapped_key_bytes_max = max;
    for bytes in [0, max + 1, 10 * max] {
        let set = SetKek { wrapped: vec![b'x'; bytes].into() };
        assert_eq!(desk.run(&ann, &set), Err(EngineError::WrappedKeySize { bytes, max }));
    }
    desk.run(&ann, &SetKek { wrapped: longest }).unwrap();
    desk.limits.account_keys_max = 1;
    create(&mut desk, &ann, 1, "a");
    let one_more = CreateDek { wrapped: wrap(1, "b"), generation: Some(1) };
    let refused = EngineError::QuotaExceeded { what: Quota::Keys, max: 1 };
    assert_eq!(desk.run(&ann, &one_more), Err(refused));
}

/// A-KEY-03, A-LEAK-01: what is no wrapped key is refused wherever one is given, and the refusal has none of it.
#[test]
fn nothing_is_kept_as_a_wrapped_key_that_is_none() {
    let (mut desk, ann) = with_kek();
    let dek = create(&mut desk, &ann, 1, "a");
    desk.run(&ann, &BeginRotation { generation: 1, wrapped: wrap(0, "kek 2") }).unwrap();
    let cfb = str::from_utf8(&wrap(1, "b")).unwrap().replace("Aes256Gcm", "Aes256Cfb");
    let bad: [(Bytes, WrappedKeyFault); 5] = [
        ("canary-key-in-plain-text-32-bytes".into(), CryppoError::Parts.into()),
        ("-----BEGIN RSA PRIVATE KEY-----\ncanary".into(), CryppoError::Parts.into()),
        (cfb.into(), CryppoError::Strategy.into()),
        (wrap(1, ""), WrappedKeyFault::Empty),
        (vec![0xff; 32].into(), WrappedKeyFault::NotText),
    ];
    let rows = desk.row_count();
    for (text, fault) in bad {
        let malformed = EngineError::WrappedKeyMalformed { fault };
        assert!(!format!("{malformed} {malformed:?}").contains("canary"));
        let set = SetKek { wrapped: text.clone() };
        let bob = desk.who("bob");
        assert_eq!(desk.run(&bob, &set).err(), Some(malformed.clone()));
        let create = CreateDek { wrapped: text.clone(), generation: Some(1) };
        assert_eq!(desk.run(&ann, &create).err(), Some(malformed.clone()));
        let begin = BeginRotation { generation: 1, wrapped: text.clone() };
        assert_eq!(desk.run(&ann, &begin).err(), Some(malformed.clone()));
        let rewrap = Rewrap { target: 2, keys: vec![Rewrapped { id: dek.into(), wrapped: text }] };
        assert_eq!(desk.run(&ann, &rewrap).err(), Some(malformed));
    }
    assert_eq!(desk.row_count(), rows);
}

/// A-KEY-02: somebody else's key is one that never was.
#[test]
fn a_dek_is_its_accounts_own() {
    let (mut desk, ann) = with_kek();
    let bob = desk.who("bob");
    desk.run(&bob, &SetKek { wrapped: wrap(0, "kek") }).unwrap();
    let dek = create(&mut desk, &ann, 1, "a");
    for id in [dek, DekId::from_bytes([9; 16])] {
        assert_eq!(desk.run(&bob, &GetDek { id }), Err(EngineError::UnknownKey));
        assert_eq!(desk.run(&bob, &DeleteDek { id }), Err(EngineError::UnknownKey));
    }
    assert!(list(&mut desk, &bob, false).is_empty());
    assert_eq!(desk.run(&ann, &GetDek { id: dek }).unwrap().wrapped, wrap(1, "a"));
    desk.run(&ann, &DeleteDek { id: dek }).unwrap();
    assert_eq!(desk.run(&ann, &GetDek { id: dek }), Err(EngineError::UnknownKey));
    assert_eq!(desk.run(&ann, &GetKek {}).unwrap().keys, 0);
}

#[test]
fn a_rotation_replaces_the_kek_once_every_key_is_rewrapped() {
    let (mut desk, ann) = with_kek();
    let (a, b) = (create(&mut desk, &ann, 1, "a"), create(&mut desk, &ann, 1, "b"));
    let begin = BeginRotation { generation: 1, wrapped: wrap(0, "kek 2") };
    let status = desk.run(&ann, &begin).unwrap();
    assert_eq!((status.target, status.done, status.keys), (2, 0, 2));
    assert_eq!(desk.run(&ann, &begin), Err(EngineError::RotationRunning { target: 2 }));

    let status = desk.run(&ann, &rewrap(2, &[(a, "a")])).unwrap();
    assert_eq!((status.done, status.keys), (1, 2));
    let finish = FinishRotation { target: 2 };
    assert_eq!(desk.run(&ann, &finish), Err(EngineError::RotationIncomplete { remaining: 1 }));
    let pending = list(&mut desk, &ann, true);
    assert_eq!(pending.iter().map(|dek| dek.id).collect::<Vec<_>>(), [b]);
    assert_eq!(desk.run(&ann, &GetDek { id: a }).unwrap().wrapped, wrap(1, "a"), "until the end");

    let again = desk.run(&ann, &rewrap(2, &[(a, "a"), (b, "b")])).unwrap();
    assert_eq!((again.done, again.keys), (2, 2), "what was rewrapped before counts once");
    let kek = desk.run(&ann, &finish).unwrap();
    assert_eq!((kek.generation, kek.wrapped, kek.rotation), (2, wrap(0, "kek 2"), None));
    for (id, key) in [(a, "a"), (b, "b")] {
        let dek = desk.run(&ann, &GetDek { id }).unwrap();
        assert_eq!((dek.generation, dek.wrapped), (2, wrap(2, key)));
    }
    assert_eq!(desk.run(&ann, &finish), Err(EngineError::UnknownRotation));
}

/// A-KEY-04: what is left of a cancelled rotation counts for nothing in the next.
#[test]
fn a_cancelled_rotation_leaves_every_key_as_it_was() {
    let (mut desk, ann) = with_kek();
    let a = create(&mut desk, &ann, 1, "a");
    desk.run(&ann, &BeginRotation { generation: 1, wrapped: wrap(0, "kek 2") }).unwrap();
    desk.run(&ann, &rewrap(2, &[(a, "a")])).unwrap();
    let kek = desk.run(&ann, &CancelRotation { target: 2 }).unwrap();
    assert_eq!((kek.generation, kek.wrapped), (1, wrap(0, "kek 1")));
    assert_eq!(desk.run(&ann, &GetDek { id: a }).unwrap().wrapped, wrap(1, "a"));
    assert_eq!(desk.run(&ann, &rewrap(2, &[(a, "a")])), Err(EngineError::UnknownRotation));

    let status = desk.run(&ann, &BeginRotation { generation: 1, wrapped: wrap(0, "kek 3") }).unwrap();
    assert_eq!((status.target, status.done), (3, 0), "no number comes twice");
    let finish = FinishRotation { target: 3 };
    assert_eq!(desk.run(&ann, &finish), Err(EngineError::RotationIncomplete { remaining: 1 }));
    desk.run(&ann, &rewrap(3, &[(a, "a")])).unwrap();
    desk.run(&ann, &finish).unwrap();
    assert_eq!(desk.run(&ann, &GetDek { id: a }).unwrap().wrapped, wrap(3, "a"));
}

/// A-KEY-05: a key that comes while a rotation runs has to be rewrapped; one that comes after it, wrapped by the old
/// KEK, is refused.
#[test]
fn no_key_is_left_under_a_kek_that_is_gone() {
    let (mut desk, ann) = with_kek();
    let a = create(&mut desk, &ann, 1, "a");
    desk.run(&ann, &BeginRotation { generation: 1, wrapped: wrap(0, "kek 2") }).unwrap();
    desk.run(&ann, &rewrap(2, &[(a, "a")])).unwrap();
    let late = create(&mut desk, &ann, 1, "late");
    let finish = FinishRotation { target: 2 };
    assert_eq!(desk.run(&ann, &finish), Err(EngineError::RotationIncomplete { remaining: 1 }));
    desk.run(&ann, &DeleteDek { id: a }).unwrap();
    assert_eq!(desk.run(&ann, &finish), Err(EngineError::RotationIncomplete { remaining: 1 }));
    desk.run(&ann, &rewrap(2, &[(late, "late")])).unwrap();
    desk.run(&ann, &finish).unwrap();

    let old = CreateDek { wrapped: wrap(1, "b"), generation: Some(1) };
    assert_eq!(desk.run(&ann, &old), Err(EngineError::StaleKek { generation: 2 }));
    let unsaid = CreateDek { wrapped: wrap(2, "b"), generation: None };
    assert_eq!(desk.run(&ann, &unsaid), Err(EngineError::StaleKek { generation: 2 }), "nobody vouches");
    let gone = Principal { session: Some(SessionId::from_bytes([1; 16])), ..ann };
    assert_eq!(desk.run(&gone, &unsaid), Err(EngineError::StaleKek { generation: 2 }));
}

/// A-KEY-06.
#[test]
fn a_list_with_a_key_too_many_or_twice_is_refused_as_a_whole() {
    let (mut desk, ann) = with_kek();
    let (a, b) = (create(&mut desk, &ann, 1, "a"), create(&mut desk, &ann, 1, "b"));
    desk.run(&ann, &BeginRotation { generation: 1, wrapped: wrap(0, "kek 2") }).unwrap();
    let never = DekId::from_bytes([9; 16]);
    let refused = [
        (rewrap(2, &[(a, "a"), (a, "x")]), EngineError::RewrapList { max: 256 }),
        (rewrap(2, &[(a, "a"), (never, "x")]), EngineError::UnknownKey),
        (rewrap(2, &vec![(b, "b"); 257]), EngineError::RewrapList { max: 256 }),
        (rewrap(3, &[(a, "a")]), EngineError::UnknownRotation),
    ];
    for (rewrap, error) in refused {
        assert_eq!(desk.run(&ann, &rewrap), Err(error));
    }
    assert_eq!(desk.run(&ann, &GetKek {}).unwrap().rotation.unwrap().done, 0);
    assert_eq!(list(&mut desk, &ann, true).len(), 2);
}
