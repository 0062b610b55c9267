//! API keys, to the letter.

use strongroom_primitives::id::{ApiKeyId, ApiKeySecretId, SecretId};

use super::*;

fn id() -> ApiKeyId {
    ApiKeyId::from_bytes([0xab; 16])
}

fn secret() -> SecretId {
    SecretId::from_bytes([0x5e; 16])
}

fn attachment() -> ApiKeySecretId {
    ApiKeySecretId::from_bytes([0xa7; 16])
}

fn sign_in() -> ApiKeySignIn {
    ApiKeySignIn {
        api_key: id(),
        nonce: Base64Array([1; 32]),
        client_public: Base64Array([2; 32]),
        server_key: Base64Array([3; 32]),
        life_s: Some(60),
        label: "cron".to_owned(),
        signature: Base64Array([4; 64]),
    }
}

#[test]
fn operations() {
    let narrowed = Operation::UpdateApiKey {
        id: id(),
        title: None,
        read: None,
        write: Some(false),
        restrict: None,
        insecure: None,
        active: None,
        expires: Change::Keep,
    };
    let boxed = || Boxed { text: bytes("t"), nonce: Base64Array([1; 24]) };
    let ends = |expires| Operation::UpdateApiKey {
        id: id(),
        title: None,
        read: None,
        write: None,
        restrict: None,
        insecure: None,
        active: None,
        expires,
    };
    let all = [
        Operation::ChallengeApiKey {},
        Operation::SignInWithApiKey(Box::new(sign_in())),
        Operation::ListApiKeys {},
        narrowed,
        ends(Change::Set(at())),
        ends(Change::Clear),
        Operation::RevokeApiKey { id: id() },
        Operation::AttachSecret { id: id(), secret: secret(), secret_key: boxed(), title: boxed() },
        Operation::ListAttached { id: id() },
        Operation::DetachSecret { attachment: attachment() },
    ];
    let text: Vec<String> = all.iter().map(json).collect();
    assert_snapshot!(text.join("\n"), @r#"
    {"api_keys.challenge":{}}
    {"api_keys.login":{"api_key":"abababababababababababababababab","nonce":"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=","client_public":"AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=","server_key":"AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM=","life_s":60,"label":"cron","signature":"BAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBA=="}}
    {"api_keys.list":{}}
    {"api_keys.update":{"id":"abababababababababababababababab","write":false}}
    {"api_keys.update":{"id":"abababababababababababababababab","expires":1780000000123}}
    {"api_keys.update":{"id":"abababababababababababababababab","expires":null}}
    {"api_keys.revoke":{"id":"abababababababababababababababab"}}
    {"api_keys.attach":{"id":"abababababababababababababababab","secret":"5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e","secret_key":{"text":"dA==","nonce":"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB"},"title":{"text":"dA==","nonce":"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB"}}}
    {"api_keys.attached":{"id":"abababababababababababababababab"}}
    {"api_keys.detach":{"attachment":"a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7"}}
    "#);
    for operation in &all {
        for encoding in [Encoding::Json, Encoding::Cbor] {
            assert_eq!(encoding.read::<Operation>(&encoding.write(operation)).as_ref(), Ok(operation));
        }
    }
    let open = all.iter().filter(|operation| operation.is_open()).count();
    assert_eq!(open, 2, "a challenge and its answer");
}

#[test]
fn replies() {
    let title = Boxed { text: bytes("t"), nonce: Base64Array([1; 24]) };
    let listed = Attachment { attachment: attachment(), secret: secret(), title };
    let all = [
        Reply::Attached(Attached { attachment: attachment() }),
        Reply::Attachments(AttachmentList { attachments: vec![listed] }),
    ];
    let text: Vec<String> = all.iter().map(json).collect();
    assert_snapshot!(text.join("\n"), @r#"
    {"attached":{"attachment":"a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7"}}
    {"attachments":{"attachments":[{"attachment":"a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7","secret":"5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e","title":{"text":"dA==","nonce":"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB"}}]}}
    "#);
}

/// A-API-05: a key, a nonce or a signature of another length is no document.
#[test]
fn bytes_of_one_length_have_that_length_in_both_encodings() {
    let frame = |operation| ClientFrame::Ask { id: 1, operation, idempotency_key: None };
    let asked = frame(Operation::SignInWithApiKey(Box::new(sign_in())));
    for encoding in [Encoding::Json, Encoding::Cbor] {
        assert_eq!(encoding.read::<ClientFrame>(&encoding.write(&asked)).as_ref(), Ok(&asked));
    }
    let text = json(&asked);
    for (good, bad) in [("AgICAgI=", "AgICAg=="), ("AQEBAQE=", ""), ("BAQEBA==", "BAQEBAQEBA==")] {
        assert!(text.contains(good));
        assert!(refused(Encoding::Json, text.replace(good, bad).as_bytes()), "{good}");
    }
}

/// A-LEAK-01.
#[test]
fn a_grant_prints_without_its_token() {
    let boxed = || Boxed { text: bytes("canary"), nonce: Base64Array([1; 24]) };
    let key = ApiKey {
        id: id(),
        title: "backup".to_owned(),
        read: true,
        write: false,
        restrict: false,
        insecure: false,
        active: true,
        created: at(),
        expires: None,
        public_key: Base64Array([1; 32]),
        private_key: boxed(),
        secret_key: boxed(),
    };
    let account = AccountId::from_bytes([1; 16]);
    let token = TokenText::new("srt_canary".to_owned());
    let grant = Grant { token, session: session(), account, expires: None, key, owner: None };
    assert!(!format!("{grant:?} {:?}", sign_in()).contains("canary"));
    assert!(json(&grant).starts_with(r#"{"token":"srt_canary","session":"abab"#));
}
