//! Documents against the vendor's server, and no key granting what it does not hold.

use proptest::prelude::*;

use super::super::tests::vectors::{DecisionVector, InvalidVector, vectors};
use super::*;

fn read(value: &Value) -> PermissionsDocument {
    PermissionsDocument::read(value).unwrap()
}

fn document(default_allow: bool, permissions: &Value) -> PermissionsDocument {
    read(&json!({"version": "1", "default_allow": default_allow, "permissions": permissions}))
}

#[test]
fn decisions_agree_with_every_published_vector() {
    let vectors = vectors().permissions;
    assert_eq!((vectors.operations.len(), vectors.decisions.len()), (10, 11));
    for (name, operation) in &vectors.operations {
        let endpoint = Endpoint::named(name).unwrap();
        assert_eq!(endpoint.resource(), operation.resource, "{name}");
        assert_eq!(endpoint.class().member(), format!("allow_{}", operation.operation), "{name}");
    }
    for DecisionVector { name, permissions_document, decisions } in &vectors.decisions {
        let document = read(permissions_document);
        assert_eq!(document.to_json(), *permissions_document, "{name}");
        assert_eq!(decisions.len(), vectors.operations.len(), "{name}");
        for (endpoint, expected) in decisions {
            assert_eq!(document.allows(Endpoint::named(endpoint).unwrap()), *expected, "{name}: {endpoint}");
        }
    }
}

/// Our words name the place that the vendor's server names.
#[test]
fn every_published_document_that_is_none_is_refused() {
    let vectors = vectors().permissions.invalid_documents;
    assert_eq!(vectors.len(), 14);
    for InvalidVector { name, permissions_document, valid, server_message } in &vectors {
        assert!(!valid, "{name}");
        let error = PermissionsDocument::read(permissions_document).unwrap_err();
        let kind = match &error {
            DocumentError::Version => "data.version must",
            DocumentError::Missing { .. } => "must contain",
            DocumentError::Unknown { .. } => "must not contain",
            DocumentError::NotObject { .. } => "must be object",
            DocumentError::NotBoolean { .. } => "must be boolean",
        };
        assert!(server_message.contains(kind), "{name}: {error}");
        let place = match &error {
            DocumentError::Unknown { place }
            | DocumentError::NotObject { place }
            | DocumentError::NotBoolean { place } => place.trim_end_matches(".*"),
            DocumentError::Missing { place } => place.rsplit('.').next().unwrap(),
            DocumentError::Version => "version",
        };
        assert!(place == "the document" || server_message.contains(place), "{name}: {error}");
    }
}

#[test]
fn what_the_version_does_not_know_is_refused() {
    let refusal = |permissions: Value| {
        let value = json!({"version": "1", "default_allow": true, "permissions": permissions});
        PermissionsDocument::read(&value).unwrap_err().to_string()
    };
    assert_eq!(refusal(json!({"allow_list": true})), "permissions holds an unknown name");
    assert_eq!(refusal(json!({"api_keys": []})), "permissions.api_keys is not an object");
    assert_eq!(
        refusal(json!({"misc": {"get_status": {"allowed": true, "x": 1}}})),
        "permissions.misc.get_status holds an unknown name"
    );
    assert_eq!(
        refusal(json!({"misc": {"get_status": {"allowed": true, "transaction_types": {}}}})),
        "permissions.misc.get_status holds an unknown name"
    );
    assert_eq!(
        refusal(json!({"transactions": {"create_transaction": {"transaction_types": {"<b>": null}}}})),
        "permissions.transactions.create_transaction.transaction_types.* is not a boolean"
    );
}

#[test]
fn the_documents_of_new_and_root_keys_are_the_vendors() {
    let new = json!({"version": "1", "default_allow": true, "permissions":
        {"api_keys": {"allow_create": false, "allow_update": false, "allow_delete": false}}});
    assert_eq!(PermissionsDocument::for_new_keys(), read(&new));
    assert_eq!(PermissionsDocument::for_root(), document(true, &json!({})));
}

/// The original allows by name only where the whole is denied, and denies by name wherever it is not.
#[test]
fn transaction_types_are_allowed_one_by_one() {
    let of = |default_allow, rule: Value| {
        let document = document(default_allow, &json!({"transactions": {"create_transaction": rule}}));
        let types = ["yes", "no", "other"].map(|name| document.allows_transaction(name));
        (types, document.allows(Endpoint::CREATE_TRANSACTION))
    };
    let types = json!({"yes": true, "no": false});
    assert_eq!(of(true, json!({"allowed": false, "transaction_types": types})), ([true, false, false], true));
    assert_eq!(of(false, json!({"allowed": true, "transaction_types": types})), ([true, false, true], true));
    assert_eq!(of(true, json!({"transaction_types": types})), ([true, false, true], true));
    assert_eq!(of(false, json!({"transaction_types": types})), ([false; 3], false));
    assert_eq!(of(true, json!({"allowed": false})), ([false; 3], false));
    assert_eq!(of(true, json!({"allowed": false, "transaction_types": {}})), ([false; 3], false));
    assert_eq!(of(true, json!({})), ([true; 3], true));
    assert_eq!(of(false, json!({})), ([false; 3], false));
}

/// Adversary K: a key that may make keys makes none that may do more than itself.
#[test]
fn no_document_covers_one_that_allows_more() {
    let root = PermissionsDocument::for_root();
    let minter = document(false, &json!({"api_keys": {"create_api_key": {"allowed": true}}}));
    let nothing = document(false, &json!({}));
    assert!(root.covers(&minter) && minter.covers(&nothing) && minter.covers(&minter));
    assert!(!minter.covers(&PermissionsDocument::for_new_keys()));
    assert!(!nothing.covers(&minter));
    let types = |rule: Value| document(false, &json!({"transactions": {"create_transaction": rule}}));
    let all_but = types(json!({"allowed": true, "transaction_types": {"secret": false}}));
    let only = types(json!({"allowed": false, "transaction_types": {"plain": true}}));
    let only_secret = types(json!({"allowed": false, "transaction_types": {"secret": true}}));
    let all = types(json!({"allowed": true}));
    assert!(all_but.covers(&only) && all.covers(&all_but));
    assert!(!all_but.covers(&only_secret) && !all_but.covers(&all));
    assert!(!only.covers(&all_but) && !only.covers(&only_secret));
}

fn allow_members() -> impl Strategy<Value = Map<String, Value>> {
    let names =
        [Class::Create, Class::Read, Class::Update, Class::Delete].map(|class| class.member().to_owned());
    let names = prop::sample::subsequence(names.to_vec(), 0..=4);
    let values = prop::collection::vec(any::<bool>(), 4);
    (names, values)
        .prop_map(|(names, values)| names.into_iter().zip(values.into_iter().map(Value::Bool)).collect())
}

fn rules() -> impl Strategy<Value = Map<String, Value>> {
    let names = prop::sample::subsequence(ENDPOINTS.to_vec(), 0..8);
    let allowed = prop::collection::vec(any::<bool>(), 8);
    let types = prop::option::of(prop::collection::btree_map("[ab]", any::<bool>(), 0..3));
    (names, allowed, types, allow_members(), any::<bool>()).prop_map(
        |(endpoints, allowed, types, classes, bare)| {
            let mut permissions = Map::new();
            permissions.insert("misc".to_owned(), Value::Object(classes));
            for (endpoint, allowed) in endpoints.into_iter().zip(allowed) {
                let mut rule = json!({"allowed": allowed});
                if let (Endpoint::CREATE_TRANSACTION, Some(types)) = (endpoint, &types) {
                    rule = if bare { json!({}) } else { rule };
                    rule[TYPES] = json!(types);
                }
                let resource = permissions.entry(endpoint.resource()).or_insert_with(|| json!({}));
                resource[endpoint.name()] = rule;
            }
            permissions
        },
    )
}

fn documents() -> impl Strategy<Value = Value> {
    (any::<bool>(), allow_members(), rules()).prop_map(|(default_allow, classes, mut permissions)| {
        permissions.extend(classes);
        json!({"version": "1", "default_allow": default_allow, "permissions": permissions})
    })
}

proptest! {
    #[test]
    fn a_document_is_written_as_it_was_read(value in documents()) {
        let document = read(&value);
        prop_assert_eq!(document.to_json(), value);
        let text = serde_json::to_string(&document).unwrap();
        prop_assert_eq!(&serde_json::from_str::<PermissionsDocument>(&text).unwrap(), &document);
        prop_assert!(document.covers(&document));
        prop_assert!(PermissionsDocument::for_root().covers(&document));
    }

    /// A document covers another exactly when there is no question that the other alone answers with yes.
    #[test]
    fn covering_is_what_the_decisions_say(one in documents(), other in documents()) {
        let (one, other) = (read(&one), read(&other));
        let endpoints = ENDPOINTS.iter().filter(|endpoint| **endpoint != Endpoint::CREATE_TRANSACTION);
        let wider = endpoints.into_iter().any(|endpoint| other.allows(*endpoint) && !one.allows(*endpoint))
            || ["a", "b", "c"].iter().any(|name| other.allows_transaction(name) && !one.allows_transaction(name));
        prop_assert_eq!(one.covers(&other), !wider);
    }

    #[test]
    fn covering_is_transitive(a in documents(), b in documents(), c in documents()) {
        let (a, b, c) = (read(&a), read(&b), read(&c));
        prop_assert!(!(a.covers(&b) && b.covers(&c)) || a.covers(&c));
    }
}
