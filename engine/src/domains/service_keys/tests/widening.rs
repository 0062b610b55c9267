//! No key gives what it does not hold. Source: `dialects/dragonchain.md`, section 5.

use std::time::Duration;

use proptest::prelude::*;
use strongroom_primitives::dc1::permissions::{ENDPOINTS, PermissionsDocument};

use super::{caller, chain, document, made};
use crate::{
    Change,
    domains::service_keys::{CreateServiceKey, NewServiceKey, RotateServiceKey, UpdateServiceKey},
    error::EngineError,
};

const WIDENS: EngineError = EngineError::ServiceKeyWidens;
const ALL: &str = r#"{"version":"1","default_allow":true,"permissions":{}}"#;
const KEYS_ONLY: &str = r#"{"version":"1","default_allow":false,"permissions":{"api_keys":{"allow_create":true,"allow_update":true,"allow_read":true}}}"#;

#[test]
fn a_key_makes_none_that_is_wider_not_even_by_the_default_document() {
    let (mut desk, root) = chain();
    let narrow = made(&mut desk, &root, Some(KEYS_ONLY), None);
    let by = caller(&desk, &root, &narrow.key);
    let with = |permissions: Option<&str>| CreateServiceKey {
        permissions: permissions.map(document),
        ..CreateServiceKey::default()
    };
    assert_eq!(desk.run(&by, &with(None)).unwrap_err(), WIDENS, "the default document allows what it cannot");
    assert_eq!(desk.run(&by, &with(Some(ALL))).unwrap_err(), WIDENS);
    let same = desk.run(&by, &with(Some(KEYS_ONLY))).unwrap();
    let widen = UpdateServiceKey { permissions: Some(document(ALL)), ..UpdateServiceKey::of(same.key.id) };
    assert_eq!(desk.run(&by, &widen).unwrap_err(), WIDENS);
    let itself = UpdateServiceKey { permissions: Some(document(ALL)), ..UpdateServiceKey::of(narrow.key.id) };
    assert_eq!(desk.run(&by, &itself).unwrap_err(), WIDENS);
}

/// Whoever holds the new secret of a key is that key.
#[test]
fn a_key_rotates_none_that_is_wider() {
    let (mut desk, root) = chain();
    let narrow = made(&mut desk, &root, Some(KEYS_ONLY), None);
    let wide = made(&mut desk, &root, Some(ALL), None);
    let by = caller(&desk, &root, &narrow.key);
    let rotate = |key: &NewServiceKey| RotateServiceKey {
        chain: None,
        id: key.key.id.clone(),
        public_key: None,
        overlap: Duration::ZERO,
    };
    assert_eq!(desk.run(&by, &rotate(&wide)).unwrap_err(), WIDENS);
    desk.run(&by, &rotate(&narrow)).unwrap();
    let by = caller(&desk, &root, &wide.key);
    desk.run(&by, &rotate(&narrow)).unwrap();
}

/// A permission that ends is less than one that does not.
#[test]
fn a_key_that_ends_gives_nothing_beyond_its_end() {
    let (mut desk, root) = chain();
    let end = desk.now.saturating_add(Duration::from_secs(60));
    let later = desk.now.saturating_add(Duration::from_secs(61));
    let short = made(&mut desk, &root, Some(ALL), Some(end));
    let by = caller(&desk, &root, &short.key);
    let until = |expires| CreateServiceKey {
        permissions: Some(document(ALL)),
        expires,
        ..CreateServiceKey::default()
    };
    assert_eq!(desk.run(&by, &until(None)).unwrap_err(), WIDENS);
    assert_eq!(desk.run(&by, &until(Some(later))).unwrap_err(), WIDENS);
    let child = desk.run(&by, &until(Some(end))).unwrap();
    for expires in [Change::Clear, Change::Set(later)] {
        for id in [&child.key.id, &short.key.id] {
            let longer = UpdateServiceKey { expires: expires.clone(), ..UpdateServiceKey::of(id.clone()) };
            assert_eq!(desk.run(&by, &longer).unwrap_err(), WIDENS);
        }
    }
    // A wider key that has ended is not woken by a narrower one.
    let now = desk.now;
    let ended = made(&mut desk, &root, Some(ALL), Some(now));
    let narrow = made(&mut desk, &root, Some(KEYS_ONLY), None);
    let by = caller(&desk, &root, &narrow.key);
    let wake = UpdateServiceKey { expires: Change::Clear, ..UpdateServiceKey::of(ended.key.id.clone()) };
    assert_eq!(desk.run(&by, &wake).unwrap_err(), WIDENS);
    let rename = UpdateServiceKey { nickname: Some("old".to_owned()), ..UpdateServiceKey::of(ended.key.id) };
    desk.run(&by, &rename).unwrap();
}

fn documents() -> impl Strategy<Value = String> {
    let names = prop::sample::subsequence(ENDPOINTS.to_vec(), 0..=6);
    (any::<bool>(), names, any::<[bool; 6]>()).prop_map(|(default_allow, endpoints, allowed)| {
        let mut resources = serde_json::Map::new();
        for (endpoint, allowed) in endpoints.into_iter().zip(allowed) {
            let resource = resources.entry(endpoint.resource()).or_insert_with(|| serde_json::json!({}));
            resource[endpoint.name()] = serde_json::json!({ "allowed": allowed });
        }
        serde_json::json!({"version": "1", "default_allow": default_allow, "permissions": resources})
            .to_string()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever keys make keys make of each other: none is wider than the one that all of them come from.
    #[test]
    fn a_family_of_keys_never_outgrows_its_first(first in documents(), tries in prop::collection::vec((documents(), any::<prop::sample::Index>(), any::<bool>()), 1..8)) {
        let (mut desk, root) = chain();
        let first = made(&mut desk, &root, Some(&first), None).key;
        let mut family = vec![first.clone()];
        for (wanted, by, update) in tries {
            let by = caller(&desk, &root, by.get(&family));
            let wanted: PermissionsDocument = document(&wanted);
            let child = if update {
                let id = family[family.len() - 1].id.clone();
                // The first of them is measured by what it was.
                if id == first.id { continue }
                let change = UpdateServiceKey { permissions: Some(wanted), ..UpdateServiceKey::of(id) };
                desk.run(&by, &change).inspect(|_| drop(family.pop()))
            } else {
                let create = CreateServiceKey { permissions: Some(wanted), ..CreateServiceKey::default() };
                desk.run(&by, &create).map(|new| new.key)
            };
            family.extend(child);
        }
        for key in &family {
            prop_assert!(first.permissions.covers(&key.permissions));
        }
    }
}
