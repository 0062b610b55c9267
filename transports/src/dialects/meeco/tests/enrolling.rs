//! Admission tokens and becoming a vault user: sections 5 and 6 of the page and their rows of section 10.

use std::time::Duration;

use futures_util::future::join_all;
use strongroom_engine::domains::admission::IssueToken;
use strongroom_primitives::{hash::sha256, id::Audience};

use super::{keys::bad_public_keys, *};

async fn enrol(world: &World, key: &str, token: &str) -> Answer {
    let body = json!({ "public_key": key_pair(key).0, "admission_token": token });
    world.vault().post("/me", body).await
}

#[test]
fn asking_for_an_admission_token_again_gives_the_same_until_it_expires() {
    run(async |world| {
        let caller = world.signed_in().await;
        let body = caller.get("/external_admission_tokens").await.ok(200);
        let token = text(&body["external_admission_token"]["vault_api_admission_token"]);
        let expected = json!({ "external_admission_token": {
            "vault_api_admission_token": token,
            "passphrase_store_admission_token": null,
        }});
        assert_eq!(body, expected);
        world.advance(DAY);
        assert_eq!(caller.get("/external_admission_tokens").await.ok(200), expected);
        world.advance(Duration::from_millis(1));
        assert_ne!(admission_token(&caller).await, token);
        assert_ne!(admission_token(&world.signed_in().await).await, token);
    });
}

/// Row "admission token of a user who has a vault account; key already registered; external token asked again after
/// enrolment".
#[test]
fn whoever_has_a_vault_account_gets_no_other() {
    run(async |world| {
        let caller = world.signed_in().await;
        let token = admission_token(&caller).await;
        enrol(&world, "rsa2048", &token).await.ok(201);
        caller.get("/external_admission_tokens").await.is(409, "vault_user_exists");

        let other = world.signed_in().await;
        let token = admission_token(&other).await;
        enrol(&world, "rsa2048", &token).await.is(409, "vault_user_exists");
        // The same key in another spelling is the same key; and the refusal has burnt nothing.
        let unix = key_pair("rsa2048").0.replace("\r\n", "\n");
        let body = json!({ "public_key": unix, "admission_token": token });
        world.vault().post("/me", body).await.is(409, "vault_user_exists");
        enrol(&world, "rsa4096", &token).await.ok(201);
    });
}

/// Row "Admission token unknown, used, expired, empty". A-TOK-01, A-TOK-04, A-TOK-05: one answer for all of them.
#[test]
fn a_token_that_is_not_good_is_refused_and_only_the_first_use_of_a_good_one_is_good() {
    run(async |world| {
        let caller = world.signed_in().await;
        let token = admission_token(&caller).await;
        let session = caller.session().to_owned();
        let digest = sha256(session.as_bytes());
        let credential = Credential::Bearer { digest, realm: Some(RealmId::new("keystore").unwrap()) };
        let elsewhere = IssueToken { audience: Audience::from(&realm("elsewhere")) };
        let elsewhere = world.engine.handle().ask(credential, elsewhere).await.unwrap();
        let flipped =
            format!("{}{}", &token[..token.len() - 1], if token.ends_with('A') { "Q" } else { "A" });
        let mut bad = vec![
            "unknown".to_owned(),
            flipped,
            token[..token.len() - 1].to_owned(),
            format!("{token}="),
            format!("{token} "),
            format!(" {token}"),
            format!("{token}\n"),
            token.to_uppercase(),
            session,
            elsewhere.token.expose().to_owned(),
            "x".repeat(4 * 1024),
        ];
        let standard = token.replace('-', "+").replace('_', "/");
        if standard != token {
            bad.push(standard);
        }
        for text in &bad {
            enrol(&world, "rsa2048", text).await.is(400, "invalid_admission_token");
        }
        for wrong in [json!(""), json!(null), json!(1), json!([token]), json!("x".repeat(4 * 1024 + 1))] {
            let body = json!({ "public_key": key_pair("rsa2048").0, "admission_token": wrong });
            world.vault().post("/me", body).await.is_about("admission_token");
        }
        enrol(&world, "rsa2048", &token).await.ok(201);
        // Used.
        enrol(&world, "rsa2048", &token).await.is(400, "invalid_admission_token");
        enrol(&world, "rsa4096", &token).await.is(400, "invalid_admission_token");
    });
}

#[test]
fn an_expired_token_admits_nobody() {
    run(async |world| {
        let caller = world.signed_in().await;
        let (token, other) =
            (admission_token(&caller).await, admission_token(&world.signed_in().await).await);
        world.advance(DAY);
        enrol(&world, "rsa2048", &token).await.ok(201);
        world.advance(Duration::from_millis(1));
        enrol(&world, "rsa4096", &other).await.is(400, "invalid_admission_token");
    });
}

/// Row "Public key not PEM, private key, not RSA, under 2048 bits". A-TOK-08: the token is as good as before.
#[test]
fn a_refused_key_burns_no_token() {
    run(async |world| {
        let token = admission_token(&world.signed_in().await).await;
        for bad in bad_public_keys() {
            let body = json!({ "public_key": bad, "admission_token": token });
            world.vault().post("/me", body).await.is(400, "invalid_public_key");
            world.vault().post("/session", json!({ "public_key": bad })).await.is(400, "invalid_public_key");
        }
        for wrong in [json!(""), json!(null), json!(7), json!("x".repeat(8 * 1024 + 1))] {
            let body = json!({ "public_key": wrong, "admission_token": token });
            world.vault().post("/me", body).await.is_about("public_key");
            world.vault().post("/session", json!({ "public_key": wrong })).await.is_about("public_key");
        }
        enrol(&world, "rsa2048", &token).await.ok(201);
    });
}

/// A-TOK-02.
#[test]
fn of_64_parallel_uses_of_a_token_one_makes_an_account() {
    run(async |world| {
        let token = admission_token(&world.signed_in().await).await;
        let answers = join_all((0..64).map(|_| enrol(&world, "rsa2048", &token))).await;
        let made = answers.iter().filter(|answer| answer.status() == 201).count();
        assert_eq!(made, 1);
        let others = answers.iter().filter(|answer| answer.status() != 201);
        others.for_each(|answer| answer.is(400, "invalid_admission_token"));
    });
}

#[test]
fn of_parallel_users_with_one_key_one_gets_an_account() {
    run(async |world| {
        let mut tokens = Vec::new();
        for _ in 0..8 {
            tokens.push(admission_token(&world.signed_in().await).await);
        }
        let answers = join_all(tokens.iter().map(|token| enrol(&world, "rsa2048", token))).await;
        let made = answers.iter().filter(|answer| answer.status() == 201).count();
        assert_eq!(made, 1);
        let others = answers.iter().filter(|answer| answer.status() != 201);
        others.for_each(|answer| answer.is(409, "vault_user_exists"));
    });
}
