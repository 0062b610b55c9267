//! Chains and service keys, to the letter.

use strongroom_primitives::dc1::{ChainId, KeyId};

use super::*;

const SECRET: &str = "canary-of-a-service-key-0123456789";

fn chain() -> ChainId {
    ChainId::new("sj8mz8RvbJMpXiYd7BACvqMfTExtfhT5zqeCj61ww9q4").unwrap()
}

fn id() -> KeyId {
    KeyId::new("EAYRMSXDOSWY").unwrap()
}

fn secret() -> TokenText {
    TokenText::new(SECRET.to_owned())
}

fn key() -> ServiceKey {
    ServiceKey {
        id: id(),
        kind: ServiceKeyKind::Dc1Hmac,
        public_key: None,
        nickname: "My Key".to_owned(),
        root: false,
        registered: at(),
        permissions: "{}".to_owned(),
        expires: None,
        last_used: None,
        overlap_until: Some(at()),
    }
}

fn all() -> Vec<Operation> {
    let new = NewServiceKey {
        chain: Some(chain()),
        kind: ServiceKeyKind::Ed25519,
        public_key: Some(Base64Array([1; 32])),
        nickname: "My Key".to_owned(),
        permissions: Some("{}".to_owned()),
        expires: Some(at()),
    };
    let update = |expires| Operation::UpdateServiceKey {
        chain: None,
        id: id(),
        nickname: Some(String::new()),
        permissions: None,
        expires,
    };
    let rotate =
        |overlap_s| Operation::RotateServiceKey { chain: None, id: id(), public_key: None, overlap_s };
    vec![
        Operation::CreateChain(NewChain::default()),
        Operation::CreateChain(NewChain { id: Some(chain()), root: Some(id()), secret: Some(secret()) }),
        Operation::ListChains {},
        Operation::RotateRoot { chain: chain(), root: None, secret: None },
        Operation::CreateServiceKey(Box::default()),
        Operation::CreateServiceKey(Box::new(new)),
        Operation::ListServiceKeys { chain: None },
        Operation::GetServiceKey { chain: Some(chain()), id: id() },
        update(Change::Keep),
        update(Change::Clear),
        rotate(0),
        rotate(60),
        Operation::RotateServiceKey {
            chain: None,
            id: id(),
            public_key: Some(Base64Array([2; 32])),
            overlap_s: 0,
        },
        Operation::DeleteServiceKey { chain: None, id: id() },
        Operation::ServiceKeyInUse {},
    ]
}

#[test]
fn operations() {
    let text: Vec<String> = all().iter().map(json).collect();
    assert_snapshot!(text.join("\n"), @r#"
    {"chains.create":{}}
    {"chains.create":{"id":"sj8mz8RvbJMpXiYd7BACvqMfTExtfhT5zqeCj61ww9q4","root":"EAYRMSXDOSWY","secret":"canary-of-a-service-key-0123456789"}}
    {"chains.list":{}}
    {"chains.rotate_root":{"chain":"sj8mz8RvbJMpXiYd7BACvqMfTExtfhT5zqeCj61ww9q4"}}
    {"service_keys.create":{}}
    {"service_keys.create":{"chain":"sj8mz8RvbJMpXiYd7BACvqMfTExtfhT5zqeCj61ww9q4","kind":"ed25519","public_key":"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=","nickname":"My Key","permissions":"{}","expires":1780000000123}}
    {"service_keys.list":{}}
    {"service_keys.get":{"chain":"sj8mz8RvbJMpXiYd7BACvqMfTExtfhT5zqeCj61ww9q4","id":"EAYRMSXDOSWY"}}
    {"service_keys.update":{"id":"EAYRMSXDOSWY","nickname":""}}
    {"service_keys.update":{"id":"EAYRMSXDOSWY","nickname":"","expires":null}}
    {"service_keys.rotate":{"id":"EAYRMSXDOSWY"}}
    {"service_keys.rotate":{"id":"EAYRMSXDOSWY","overlap_s":60}}
    {"service_keys.rotate":{"id":"EAYRMSXDOSWY","public_key":"AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI="}}
    {"service_keys.delete":{"id":"EAYRMSXDOSWY"}}
    {"service_keys.self":{}}
    "#);
    for operation in all() {
        assert!(!operation.is_open(), "{operation:?}");
        for encoding in [Encoding::Json, Encoding::Cbor] {
            assert_eq!(encoding.read::<Operation>(&encoding.write(&operation)).as_ref(), Ok(&operation));
        }
    }
    let not_operators: Vec<Operation> = all().into_iter().filter(|one| !one.is_operators()).collect();
    assert_eq!(not_operators, [Operation::ServiceKeyInUse {}], "the operator is no service key");
}

#[test]
fn replies() {
    let listed = Chain { id: chain(), root: id(), since: at(), keys: 2 };
    let all = [
        Reply::RootKey(RootKey { chain: chain(), id: id(), secret: secret() }),
        Reply::Chains(ChainList { chains: vec![listed] }),
        Reply::ServiceKeyMade(ServiceKeyMade { key: key(), secret: Some(secret()) }),
        Reply::ServiceKey(key()),
        Reply::ServiceKeys(ServiceKeyList { service_keys: vec![key()] }),
        Reply::ServiceKeyInUse(ServiceKeyInUse { chain: chain(), id: id(), root: true, expires: None }),
    ];
    let text: Vec<String> = all.iter().map(json).collect();
    assert_snapshot!(text.join("\n"), @r#"
    {"root_key":{"chain":"sj8mz8RvbJMpXiYd7BACvqMfTExtfhT5zqeCj61ww9q4","id":"EAYRMSXDOSWY","secret":"canary-of-a-service-key-0123456789"}}
    {"chains":{"chains":[{"id":"sj8mz8RvbJMpXiYd7BACvqMfTExtfhT5zqeCj61ww9q4","root":"EAYRMSXDOSWY","since":1780000000123,"keys":2}]}}
    {"service_key_made":{"key":{"id":"EAYRMSXDOSWY","kind":"dc1-hmac","nickname":"My Key","root":false,"registered":1780000000123,"permissions":"{}","overlap_until":1780000000123},"secret":"canary-of-a-service-key-0123456789"}}
    {"service_key":{"id":"EAYRMSXDOSWY","kind":"dc1-hmac","nickname":"My Key","root":false,"registered":1780000000123,"permissions":"{}","overlap_until":1780000000123}}
    {"service_keys":{"service_keys":[{"id":"EAYRMSXDOSWY","kind":"dc1-hmac","nickname":"My Key","root":false,"registered":1780000000123,"permissions":"{}","overlap_until":1780000000123}]}}
    {"service_key_in_use":{"chain":"sj8mz8RvbJMpXiYd7BACvqMfTExtfhT5zqeCj61ww9q4","id":"EAYRMSXDOSWY","root":true}}
    "#);
    for reply in all {
        for encoding in [Encoding::Json, Encoding::Cbor] {
            assert_eq!(encoding.read::<Reply>(&encoding.write(&reply)).as_ref(), Ok(&reply));
        }
    }
}

/// A-LEAK-01.
#[test]
fn what_holds_a_secret_prints_without_it() {
    let made = RootKey { chain: chain(), id: id(), secret: secret() };
    let printed = format!("{:?} {made:?} {:?}", all(), ServiceKeyMade { key: key(), secret: Some(secret()) });
    assert!(!printed.contains("canary"), "{printed}");
}
