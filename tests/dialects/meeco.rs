//! Meeco over the router: the whole life of a user as both generations of clients live it, word by word; races over two
//! nodes; paths; and what must appear nowhere.
//!
//! What differs from run to run stands in the goldens as a name: `<id 1>`, `<session 2>`, `<512 digits>`.

mod life;
pub(crate) mod world;

use futures_util::future::join_all;
use serde_json::json;

use self::world::{Answer, deployed};
use crate::support::everything_logged;

/// A-SRP-08 over two nodes.
#[test]
fn of_proofs_that_race_on_two_nodes_one_opens_a_session() {
    deployed(2, async |world| {
        let user = world.user().await;
        for _ in 0..8 {
            let attempt = world.attempt(&user).await;
            let tries = (0..8).map(|number| {
                let keystore = world.keystore(number % 2);
                let attempt = attempt.clone();
                async move { keystore.post("/srp/session", attempt).await }
            });
            let statuses: Vec<u16> = join_all(tries).await.iter().map(Answer::status).collect();
            assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 1, "{statuses:?}");
            assert_eq!(statuses.iter().filter(|status| **status == 401).count(), 7, "{statuses:?}");
        }
    });
}

/// A-TOK-02 over two nodes.
#[test]
fn of_64_uses_of_a_token_on_two_nodes_one_makes_an_account() {
    deployed(2, async |world| {
        let user = world.user().await;
        let keystore = world.sign_in(&user).await;
        let token = world.admission_token(&keystore).await;
        let body = json!({ "public_key": world.public_key, "admission_token": token });
        let tries = (0..64).map(|number| {
            let vault = world.vault(number % 2);
            let body = body.clone();
            async move { vault.post("/me", body).await }
        });
        let statuses: Vec<u16> = join_all(tries).await.iter().map(Answer::status).collect();
        assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 1, "{statuses:?}");
        assert_eq!(statuses.iter().filter(|status| **status == 400).count(), 63, "{statuses:?}");
    });
}

/// A-KEY-01 over two nodes.
#[test]
fn of_keks_that_race_on_two_nodes_one_is_kept() {
    deployed(2, async |world| {
        let user = world.user().await;
        let first = world.sign_in(&user).await;
        let second = world.keystore(1).with(first.session());
        let kek = |plain: &str| json!({ "serialized_key_encryption_key": world::wrapped(plain) });
        let tries = (0..16).map(|number| {
            let (caller, body) =
                (if number % 2 == 0 { &first } else { &second }, kek(&format!("kek {number}")));
            caller.post("/key_encryption_key", body)
        });
        let answers = join_all(tries).await;
        let (kept, lost): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status() == 201);
        assert_eq!((kept.len(), lost.len()), (1, 15));
        assert!(lost.iter().all(|answer| answer.status() == 409));
        for caller in [&first, &second] {
            assert_eq!(caller.get("/key_encryption_key").await.json(), kept[0].json());
        }
    });
}

/// A-HTTP-06: one path has one reading, or none; an encoded slash is a character of its segment.
#[test]
fn a_path_with_two_readings_is_refused_in_the_dialects_words() {
    deployed(1, async |world| {
        let user = world.user().await;
        let keystore = world.sign_in(&user).await;
        for path in ["//version", "/./version", "/srp/../version", "/version%00", "/version%zz", "/version/"]
        {
            let answer = keystore.get(path).await;
            assert_eq!((answer.status(), answer.error()), (400, "invalid_parameter".to_owned()), "{path}");
        }
        let kek = json!({ "serialized_key_encryption_key": world::wrapped("kek") });
        assert_eq!(keystore.post("/key_encryption_key", kek).await.status(), 201);
        let pair = json!({
            "public_key": world.public_key,
            "encrypted_serialized_key": world::wrapped("private key"),
            "external_identifiers": ["a/../b"],
        });
        let id = keystore.post("/keypairs", pair).await.json()["keypair"]["id"].clone();
        let found = keystore.get("/keypairs/external_id/a%2F..%2Fb").await;
        assert_eq!((found.status(), &found.json()["keypair"]["id"]), (200, &id));
        assert_eq!(keystore.get("/keypairs/external_id/a%2fb").await.status(), 404);
    });
}

/// A-LEAK-01, A-TOK-06: a whole life and every kind of refusal, with everything logged that is ever logged.
#[test]
fn passwords_tokens_sessions_and_keys_appear_in_no_log() {
    let log = everything_logged();
    let mut secrets = vec!["MEECOCANARY".to_owned(), world::wrapped("MEECOCANARY")];
    deployed(1, async |world| {
        let user = world.user().await;
        let attempt = world.attempt(&user).await;
        secrets.extend(["srp_a", "srp_m"].map(|name| attempt[name].as_str().unwrap().to_owned()));
        let keystore = world.sign_in(&user).await;
        let token = world.admission_token(&keystore).await;
        let body = json!({ "public_key": world.public_key, "admission_token": token });
        let answer = world.vault(0).post("/me", body.clone()).await;
        let session = world.unseal(&answer.json()["encrypted_session_authentication_string"]);
        let vault = world.vault(0).with(&session);
        let kek = json!({ "serialized_key_encryption_key": world::wrapped("MEECOCANARY") });
        keystore.post("/key_encryption_key", kek.clone()).await;
        let item = json!({ "label": "MEECOCANARY", "slots_attributes": [
            { "name": "a", "encrypted_value": world::wrapped("MEECOCANARY") },
        ]});
        vault.post("/items", json!({ "template_name": "custom", "item": item })).await;
        let refused = [
            world.vault(0).post("/me", body).await,
            world.keystore(0).post("/srp/session", attempt.clone()).await,
            world.keystore(0).post("/srp/session", attempt).await,
            keystore.post("/key_encryption_key", kek).await,
            keystore
                .post("/data_encryption_keys", json!({"serialized_data_encryption_key": "MEECOCANARY"}))
                .await,
            keystore.get("/keypairs/external_id/MEECOCANARY").await,
            vault.post("/items", json!({"template_name": "MEECOCANARY", "item": {"label": "x"}})).await,
            vault.with(&format!("{session}MEECOCANARY")).get("/me").await,
        ];
        assert_eq!(refused.iter().map(Answer::status).filter(|status| *status >= 400).count(), 7);
        secrets.extend([token, session, keystore.session().to_owned()]);
    });
    let logged = log.text();
    assert!(
        logged.contains("meeco keystore") && logged.contains("meeco vault"),
        "something was logged at all"
    );
    for secret in &secrets {
        assert!(!logged.contains(secret.as_str()), "the log has {secret:.40}");
    }
}
