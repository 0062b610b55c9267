//! What a request brings along appears in no refusal and in nothing that can be printed. The log is looked at where all
//! is logged: in the tests of the whole router.

use strongroom_engine::domains::sessions::{
    TokenForm,
    srp::{FinishSrp, RegisterUser, SrpProfile},
};

use super::*;
use crate::dialects::meeco::call::Call;

const CANARY: &str = "canaryCANARY";

/// Whether a text has the canary in it, in whatever case: hexadecimal is read in both.
fn repeats(told: &str) -> bool {
    told.to_ascii_lowercase().contains(&CANARY.to_ascii_lowercase())
}

/// A-LEAK-01, A-TOK-06: whatever is refused, the refusal repeats nothing of it.
#[test]
fn no_refusal_repeats_what_it_refuses() {
    run(async |world| {
        let (keystore, vault) = world.both("rsa2048").await;
        let holder = world.holder().await;
        let bodies = [
            json!({ "username": CANARY, "srp_salt": CANARY, "srp_verifier": CANARY, "srp_a": CANARY, "srp_m": CANARY }),
            json!({ "username": "x", "srp_a": CANARY, "valid_for": CANARY }),
            json!({ "public_key": CANARY, "admission_token": CANARY }),
            json!({ "public_key": key_pair("rsa4096").0, "admission_token": CANARY }),
            json!({ "serialized_key_encryption_key": CANARY, "serialized_data_encryption_key": CANARY }),
            json!({ "public_key": key_pair("rsa4096").0, "encrypted_serialized_key": CANARY }),
            json!({ "template_name": CANARY, "item": { "label": CANARY } }),
            json!({ "template_name": "custom", "item": { "label": "x", "slots_attributes": [{ "value": CANARY }] } }),
            json!({ "template_name": "custom", "item": { "label": "x", "slots_attributes": [{ "name": "x", "encrypted_value": CANARY }] } }),
            json!({ "user": { "email": [CANARY] } }),
            json!({ CANARY: CANARY }),
            json!(CANARY),
        ];
        let calls = [
            "/srp/users",
            "/srp/challenges",
            "/srp/session",
            "/key_encryption_key",
            "/data_encryption_keys",
            "/keypairs",
            "/me",
            "/session",
            "/items",
            "/session/limited_in_time",
        ];
        let mut refused = 0;
        for caller in [&keystore, &vault, &holder, &world.vault().with(CANARY)] {
            for body in &bodies {
                for path in calls {
                    for method in ["POST", "PUT"] {
                        let answer = caller.send(method, path, body.to_string()).await;
                        let told = String::from_utf8_lossy(&answer.0.body).into_owned();
                        if answer.status() >= 400 {
                            refused += 1;
                            assert!(!repeats(&told), "{method} {path}: {told}");
                        }
                    }
                }
            }
            for target in [
                "/keypairs/external_id/canaryCANARY",
                "/items?per_page=canaryCANARY",
                "/items/canaryCANARY",
                "/canaryCANARY",
            ] {
                let told = String::from_utf8_lossy(&caller.get(target).await.0.body).into_owned();
                assert!(!repeats(&told), "{target}: {told}");
            }
        }
        assert!(refused > 500, "{refused}");
    });
}

/// A-LEAK-01: what carries secrets prints without them.
#[test]
fn what_carries_secrets_prints_without_them() {
    run(async |world| {
        let user = world.user().await;
        let attempt = user.attempt(HOME).await;
        let proof = text(&attempt["srp_m"]);
        let finish = FinishSrp {
            realm: realm("keystore"),
            username: user.name.clone(),
            profile: SrpProfile::Meeco,
            client_public: from_hex(attempt["srp_a"].as_str().unwrap()).unwrap(),
            proof: from_hex(&proof).unwrap(),
            life: None,
            label: "label".to_owned(),
            form: TokenForm::Pair,
            network: Vec::new(),
        };
        let printed = format!("{finish:?}");
        assert!(!printed.contains(&format!("{:?}", &finish.proof)) && !printed.contains(&proof), "{printed}");
        let opened = world.engine.handle().ask(Credential::Anonymous, finish).await.unwrap();
        let printed = format!("{opened:?} {:?}", opened.session);
        assert!(!printed.contains(&opened.session.token), "{printed}");
        let register = RegisterUser {
            realm: realm("keystore"),
            username: user.name.clone(),
            profile: SrpProfile::Meeco,
            salt: vec![7; 16],
            verifier: vec![0xca; 256],
            derivation: String::new(),
        };
        assert!(!format!("{register:?}").contains("202"), "{register:?}");

        let caller = world.keystore().with(&opened.session.token);
        let token = admission_token(&caller).await;
        let create = strongroom_engine::domains::vault::CreateVaultUser {
            realm: realm("vault"),
            keystore: realm("keystore"),
            token: secret(&token),
            public_key: key_pair("rsa2048").0,
            form: TokenForm::Pair,
            label: String::new(),
        };
        assert!(!format!("{create:?}").contains(&token));
        let made = world.engine.handle().ask(Credential::Anonymous, create).await.unwrap();
        assert!(!format!("{made:?}").contains(&made.session.token));
    });
}

/// What a session is called by its owner is what the client calls itself, without what could forge a line of a log.
#[test]
fn a_session_is_labelled_by_the_clients_own_name() {
    run(async |world| {
        let request = |agent: Option<&'static [u8]>| {
            let mut headers = HeaderMap::new();
            headers
                .insert(HeaderName::from_static("meeco-subscription-key"), HeaderValue::from_static("key"));
            if let Some(agent) = agent {
                headers.insert(header::USER_AGENT, HeaderValue::from_bytes(agent).unwrap());
            }
            Request {
                method: Method::GET,
                path: "/".into(),
                query: None,
                headers,
                body: bytes::Bytes::new(),
                peer: Peer::default(),
                request_id: "r".into(),
            }
        };
        let label = |agent: Option<&'static [u8]>| {
            let request = request(agent);
            let installation = Installation::new(MeecoOptions::new(realm("keystore"), realm("vault")));
            let realm = realm("keystore");
            Call::new(&world.front, &request, &installation, &realm).map(|call| call.label()).unwrap()
        };
        assert_eq!(label(Some(b"meeco-cli/1.0")), "meeco-cli/1.0");
        assert_eq!(label(Some(b"tab\there")), "tabhere");
        assert_eq!(label(None), "a client without a name");
        assert_eq!(label(Some(b"\xff")), "a client without a name");
        assert_eq!(label(Some(&[b'x'; 1_000])).len(), 128);
    });
}
