//! Datastores and secrets, to the letter.

use strongroom_primitives::id::{DatastoreId, LinkId, SecretId, SecretVersionId};

use super::*;

fn store() -> DatastoreId {
    DatastoreId::from_bytes([0xd5; 16])
}

fn secret() -> SecretId {
    SecretId::from_bytes([0x5e; 16])
}

fn version() -> SecretVersionId {
    SecretVersionId::from_bytes([0x0e; 16])
}

pub(super) fn link() -> LinkId {
    LinkId::from_bytes([0x11; 16])
}

pub(super) fn boxed() -> Boxed {
    Boxed { text: bytes("sealed"), nonce: Base64Array([1; 24]) }
}

/// What is written is read again as it was, in both encodings.
pub(super) fn check_round_trips<T>(all: &[T])
where
    T: serde::Serialize + serde::de::DeserializeOwned + PartialEq + std::fmt::Debug,
{
    for one in all {
        for encoding in [Encoding::Json, Encoding::Cbor] {
            assert_eq!(encoding.read::<T>(&encoding.write(one)).as_ref(), Ok(one));
        }
    }
}

#[test]
fn operations() {
    let parent = Parent::Datastore(store());
    let new = NewDatastore {
        kind: "password".to_owned(),
        description: "home".to_owned(),
        data: Some(boxed()),
        secret_key: boxed(),
        is_default: true,
    };
    let empty = NewDatastore { description: String::new(), data: None, is_default: false, ..new.clone() };
    let kept = Operation::UpdateDatastore {
        id: store(),
        data: None,
        secret_key: None,
        description: None,
        is_default: None,
        previous: None,
    };
    let all = [
        Operation::ListDatastores {},
        Operation::GetDatastore { id: store() },
        Operation::CreateDatastore(Box::new(new)),
        Operation::CreateDatastore(Box::new(empty)),
        kept,
        Operation::UpdateDatastore {
            id: store(),
            data: Some(boxed()),
            secret_key: Some(boxed()),
            description: Some("work".to_owned()),
            is_default: Some(false),
            previous: Some(at()),
        },
        Operation::DeleteDatastore { id: store(), authkey: None },
        Operation::DeleteDatastore { id: store(), authkey: Some(TokenText::new("ab".to_owned())) },
        Operation::CreateSecrets(NewSecrets {
            parent,
            secrets: vec![NewSecret { data: boxed(), link: link() }],
        }),
        Operation::GetSecret { id: secret() },
        Operation::UpdateSecret { id: secret(), data: boxed(), previous: None },
        Operation::SecretHistory { id: secret() },
        Operation::GetSecretVersion { version: version() },
        Operation::MoveSecret { link: link(), parent: Parent::Share(share()) },
        Operation::UnlinkSecret { link: link() },
    ];
    check_round_trips(&all);
    assert!(all.iter().all(|operation| !operation.is_open()));
    let text: Vec<String> = all.iter().map(json).collect();
    assert_snapshot!(text.join("\n"), @r#"
    {"datastores.list":{}}
    {"datastores.get":{"id":"d5d5d5d5d5d5d5d5d5d5d5d5d5d5d5d5"}}
    {"datastores.create":{"kind":"password","description":"home","data":{"text":"c2VhbGVk","nonce":"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB"},"secret_key":{"text":"c2VhbGVk","nonce":"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB"},"is_default":true}}
    {"datastores.create":{"kind":"password","secret_key":{"text":"c2VhbGVk","nonce":"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB"},"is_default":false}}
    {"datastores.update":{"id":"d5d5d5d5d5d5d5d5d5d5d5d5d5d5d5d5"}}
    {"datastores.update":{"id":"d5d5d5d5d5d5d5d5d5d5d5d5d5d5d5d5","data":{"text":"c2VhbGVk","nonce":"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB"},"secret_key":{"text":"c2VhbGVk","nonce":"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB"},"description":"work","is_default":false,"previous":1780000000123}}
    {"datastores.delete":{"id":"d5d5d5d5d5d5d5d5d5d5d5d5d5d5d5d5"}}
    {"datastores.delete":{"id":"d5d5d5d5d5d5d5d5d5d5d5d5d5d5d5d5","authkey":"ab"}}
    {"secrets.create":{"parent":{"datastore":"d5d5d5d5d5d5d5d5d5d5d5d5d5d5d5d5"},"secrets":[{"data":{"text":"c2VhbGVk","nonce":"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB"},"link":"11111111111111111111111111111111"}]}}
    {"secrets.get":{"id":"5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e"}}
    {"secrets.update":{"id":"5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e","data":{"text":"c2VhbGVk","nonce":"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB"}}}
    {"secrets.history":{"id":"5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e"}}
    {"secrets.version":{"version":"0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e"}}
    {"secrets.move":{"link":"11111111111111111111111111111111","parent":{"share":"abababababababababababababababab"}}}
    {"secrets.unlink":{"link":"11111111111111111111111111111111"}}
    "#);
}

#[test]
fn replies() {
    let info = |is_default| DatastoreInfo {
        id: store(),
        kind: "password".to_owned(),
        description: String::new(),
        is_default,
    };
    let by = AccountId::from_bytes([0xac; 16]);
    let earlier = |name| SecretVersionInfo { version: version(), written: at(), by, name };
    let all = [
        Reply::Datastores(DatastoreList { datastores: vec![info(true)] }),
        Reply::Datastore(Datastore { info: info(false), data: None, secret_key: boxed(), written: at() }),
        Reply::DatastoreCreated(DatastoreCreated { id: store() }),
        Reply::SecretsCreated(SecretsCreated { secrets: vec![SecretCreated { link: link(), id: secret() }] }),
        Reply::Secret(Secret { id: secret(), data: boxed(), created: at(), written: at(), reads: 2 }),
        Reply::SecretHistory(SecretHistory { versions: vec![earlier(Some(subject("ann"))), earlier(None)] }),
        Reply::SecretVersion(SecretVersion {
            version: version(),
            secret: secret(),
            data: boxed(),
            created: at(),
            written: at(),
        }),
        Reply::Written(Written { written: at() }),
    ];
    check_round_trips(&all);
    let text: Vec<String> = all.iter().map(json).collect();
    assert_snapshot!(text.join("\n"), @r#"
    {"datastores":{"datastores":[{"id":"d5d5d5d5d5d5d5d5d5d5d5d5d5d5d5d5","kind":"password","description":"","is_default":true}]}}
    {"datastore":{"info":{"id":"d5d5d5d5d5d5d5d5d5d5d5d5d5d5d5d5","kind":"password","description":"","is_default":false},"secret_key":{"text":"c2VhbGVk","nonce":"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB"},"written":1780000000123}}
    {"datastore_created":{"id":"d5d5d5d5d5d5d5d5d5d5d5d5d5d5d5d5"}}
    {"secrets_created":{"secrets":[{"link":"11111111111111111111111111111111","id":"5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e"}]}}
    {"secret":{"id":"5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e","data":{"text":"c2VhbGVk","nonce":"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB"},"created":1780000000123,"written":1780000000123,"reads":2}}
    {"secret_history":{"versions":[{"version":"0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e","written":1780000000123,"by":"acacacacacacacacacacacacacacacac","name":"ann"},{"version":"0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e","written":1780000000123,"by":"acacacacacacacacacacacacacacacac"}]}}
    {"secret_version":{"version":"0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e","secret":"5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e","data":{"text":"c2VhbGVk","nonce":"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB"},"created":1780000000123,"written":1780000000123}}
    {"written":{"written":1780000000123}}
    "#);
}

/// A-LEAK-01: what a person calls their things, and what they show, is in no log.
#[test]
fn descriptions_and_authentication_keys_print_as_nothing() {
    let new = NewDatastore {
        kind: "canary".to_owned(),
        description: "canary".to_owned(),
        data: None,
        secret_key: boxed(),
        is_default: false,
    };
    let info = DatastoreInfo {
        id: store(),
        kind: "canary".to_owned(),
        description: "canary".to_owned(),
        is_default: false,
    };
    let delete =
        Operation::DeleteDatastore { id: store(), authkey: Some(TokenText::new("canary".to_owned())) };
    let printed = format!("{new:?} {info:?} {delete:?}");
    assert!(!printed.contains("canary"), "{printed}");
}

#[test]
fn unknown_and_doubled_members_and_parents_are_refused() {
    let good = r#"{"secrets.move":{"link":"11111111111111111111111111111111","parent":{"share":"abababababababababababababababab"}}}"#;
    assert!(Encoding::Json.read::<Operation>(good.as_bytes()).is_ok());
    for (part, bad) in [
        (r#"{"share":"#, r#"{"shelf":"#),
        (r#"{"share":"#, r#"{"share":"abababababababababababababababab","datastore":"#),
        (r#"{"link":"#, r#"{"links":1,"link":"#),
        (r#""abababababababababababababababab""#, r#""ab""#),
        (r#""abababababababababababababababab""#, "null"),
    ] {
        let text = good.replacen(part, bad, 1);
        assert_ne!(text, good);
        assert!(Encoding::Json.read::<Operation>(text.as_bytes()).is_err(), "{text}");
    }
}
