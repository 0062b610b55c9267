//! Rules held against a model over random commands.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use strongroom_primitives::id::KeyPairId;

use super::{
    key_pairs::{create_pair, list_pairs},
    *,
};

/// What is done to an account's keys, in any order.
#[derive(Debug, Clone)]
enum Deed {
    CreateDek,
    CreatePair,
    Delete(usize),
    Begin,
    Rewrap(Vec<usize>),
    Finish,
    Cancel,
    Restart,
}

fn deeds() -> impl Strategy<Value = Vec<Deed>> {
    let deed = prop_oneof![
        2 => Just(Deed::CreateDek),
        2 => Just(Deed::CreatePair),
        1 => (0..8_usize).prop_map(Deed::Delete),
        2 => Just(Deed::Begin),
        4 => prop::collection::vec(0..8_usize, 1..4).prop_map(Deed::Rewrap),
        2 => Just(Deed::Finish),
        1 => Just(Deed::Cancel),
        1 => Just(Deed::Restart),
    ];
    prop::collection::vec(deed, 0..60)
}

/// Every key that is listed, as it is wrapped.
fn listed(desk: &mut Desk, who: &Principal, pending: bool) -> BTreeMap<WrappedKeyId, Bytes> {
    let deks = list(desk, who, pending).into_iter().map(|dek| (dek.id.into(), dek.wrapped));
    let deks: Vec<_> = deks.collect();
    let pairs = list_pairs(desk, who, pending).into_iter();
    deks.into_iter().chain(pairs.map(|pair| (pair.id.into(), pair.wrapped_private_key))).collect()
}

proptest! {
    /// A-KEY-04, A-KEY-05: in whatever order, every key that is kept, of either kind, is wrapped by the present KEK,
    /// and the counts are right.
    #[test]
    fn no_order_of_deeds_loses_a_key(deeds in deeds()) {
        let (mut desk, ann) = with_kek();
        let mut kept: BTreeMap<WrappedKeyId, String> = BTreeMap::new();
        let (mut named, mut given_out) = (0, 0);
        let nth = |kept: &BTreeMap<WrappedKeyId, String>, n: usize| {
            kept.iter().nth(n).map(|(id, key)| (*id, key.clone()))
        };
        for deed in deeds {
            let kek = desk.run(&ann, &GetKek {}).unwrap();
            let target = kek.rotation.as_ref().map(|rotation| rotation.target);
            given_out = given_out.max(kek.generation).max(target.unwrap_or(0));
            named += 1;
            let key = format!("key {named}");
            match deed {
                Deed::CreateDek => {
                    let id = create(&mut desk, &ann, kek.generation, &key);
                    kept.insert(id.into(), key);
                }
                Deed::CreatePair => {
                    let id = create_pair(&mut desk, &ann, kek.generation, &key, &[]).unwrap().id;
                    kept.insert(id.into(), key);
                }
                Deed::Delete(n) => if let Some((id, _)) = nth(&kept, n) {
                    match id {
                        WrappedKeyId::Dek(id) => desk.run(&ann, &DeleteDek { id }).unwrap(),
                        WrappedKeyId::KeyPair(id) => desk.run(&ann, &DeleteKeyPair { id }).unwrap(),
                    }
                    kept.remove(&id);
                },
                Deed::Begin => {
                    let begin = BeginRotation { generation: kek.generation, wrapped: wrap(0, "next") };
                    prop_assert_eq!(desk.run(&ann, &begin).is_ok(), target.is_none());
                }
                Deed::Rewrap(mut numbers) => if let Some(target) = target {
                    numbers.sort_unstable();
                    numbers.dedup();
                    let keys: Vec<_> = numbers.into_iter().filter_map(|n| nth(&kept, n)).collect();
                    let keys: Vec<_> = keys.iter().map(|(id, key)| (*id, &**key)).collect();
                    desk.run(&ann, &rewrap(target, &keys)).unwrap();
                },
                Deed::Finish => if let Some(target) = target {
                    let pending = listed(&mut desk, &ann, true).len();
                    let finished = desk.run(&ann, &FinishRotation { target });
                    prop_assert_eq!(finished.is_ok(), pending == 0, "{} pending: {:?}", pending, finished);
                },
                Deed::Cancel => if let Some(target) = target {
                    desk.run(&ann, &CancelRotation { target }).unwrap();
                },
                Deed::Restart => {
                    let restarted = desk.run(&ann, &RestartEnrolment { wrapped: wrap(0, "again") });
                    prop_assert_eq!(restarted.is_ok(), target.is_none());
                    if let Ok(kek) = restarted {
                        prop_assert!(kek.generation > given_out, "no number comes twice");
                        kept.clear();
                    }
                }
            }
            let kek = desk.run(&ann, &GetKek {}).unwrap();
            let expected: BTreeMap<WrappedKeyId, Bytes> =
                kept.iter().map(|(id, key)| (*id, wrap(kek.generation, key))).collect();
            prop_assert_eq!(listed(&mut desk, &ann, false), expected);
            prop_assert_eq!(kek.keys, kept.len() as u64);
            if let Some(rotation) = kek.rotation {
                let pending = listed(&mut desk, &ann, true).len() as u64;
                prop_assert_eq!(rotation.done + pending, kek.keys);
            }
        }
    }
}

/// What is done to the names of an account's key pairs.
#[derive(Debug, Clone)]
enum Naming {
    Create(Vec<usize>),
    Rename(usize, Vec<usize>),
    Delete(usize),
}

const NAMES: [&str; 5] = ["auth", "vault", "a/b%2Fc", "Auth", "auth "];

fn namings() -> impl Strategy<Value = Vec<Naming>> {
    let names = || prop::collection::vec(0..NAMES.len(), 0..4);
    let naming = prop_oneof![
        names().prop_map(Naming::Create),
        (0..4_usize, names()).prop_map(|(n, names)| Naming::Rename(n, names)),
        (0..4_usize).prop_map(Naming::Delete),
    ];
    prop::collection::vec(naming, 0..30)
}

proptest! {
    /// A name is of one key pair or of none, whatever was named, renamed and deleted before; a refusal changes
    /// nothing, and no row of a name outlives it.
    #[test]
    fn a_name_belongs_to_at_most_one_key_pair(namings in namings()) {
        let (mut desk, ann) = with_kek();
        let mut kept: BTreeMap<KeyPairId, Vec<&str>> = BTreeMap::new();
        for naming in namings {
            let nth = |n: usize| kept.keys().nth(n).copied();
            let texts = |names: &[usize]| names.iter().map(|at| NAMES[*at]).collect::<Vec<&str>>();
            let is_free = |texts: &[&str], but: Option<KeyPairId>| {
                let others = kept.iter().filter(|(id, _)| Some(**id) != but).flat_map(|(_, names)| names);
                let distinct: BTreeSet<&str> = texts.iter().copied().collect();
                distinct.len() == texts.len() && !others.into_iter().any(|name| distinct.contains(name))
            };
            match naming {
                Naming::Create(names) => {
                    let texts = texts(&names);
                    let created = create_pair(&mut desk, &ann, 1, "private", &texts);
                    prop_assert_eq!(created.is_ok(), is_free(&texts, None), "{:?}", created);
                    kept.extend(created.ok().map(|pair| (pair.id, texts)));
                }
                Naming::Rename(n, names) => if let Some(id) = nth(n) {
                    let texts = texts(&names);
                    let names = texts.iter().map(|text| (*text).to_owned()).collect();
                    let update = UpdateKeyPair { id, external_identifiers: Some(names), metadata: None };
                    let updated = desk.run(&ann, &update);
                    prop_assert_eq!(updated.is_ok(), is_free(&texts, Some(id)), "{:?}", updated);
                    kept.extend(updated.ok().map(|pair| (pair.id, texts)));
                },
                Naming::Delete(n) => if let Some(id) = nth(n) {
                    desk.run(&ann, &DeleteKeyPair { id }).unwrap();
                    kept.remove(&id);
                },
            }
            for name in NAMES {
                let found = desk.run(&ann, &FindKeyPair { external_identifier: name.to_owned() });
                let expected = kept.iter().find(|(_, names)| names.contains(&name)).map(|(id, _)| *id);
                prop_assert_eq!(found.map(|pair| pair.id), expected.ok_or(EngineError::UnknownKey));
            }
            for pair in list_pairs(&mut desk, &ann, false) {
                let names: Vec<&str> =
                    pair.external_identifiers.iter().map(|name| name.text.as_str()).collect();
                prop_assert_eq!(&names, &kept[&pair.id]);
            }
            prop_assert_eq!(desk.rows_under(b'e'), kept.values().map(Vec::len).sum::<usize>());
        }
    }
}
