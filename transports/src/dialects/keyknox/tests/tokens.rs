//! Who may ask: tokens good and bad, rights, and that the token alone decides.

use strongroom_engine::{
    Identity, Right,
    domains::{accounts::SetAccountPolicy, realms::RevokeRealmKey},
};
use strongroom_primitives::id::Subject;

use super::*;

/// What a client with this token is told.
async fn refusal(world: &World, token: &str) -> (u16, u64) {
    world.client_with(token).get().await.refusal()
}

#[test]
fn no_token_and_other_schemes_are_20300() {
    run(async |world| {
        let nobody = Client { world: &world, headers: Vec::new() };
        assert_eq!(nobody.get().await.refusal(), (401, 20300));
        for value in ["", "Bearer srt_abc", "Bearer", "Virgil", "Virgil ", "virgil abc", "Basic YTpi"] {
            assert_eq!(nobody.and("authorization", value).get().await.refusal(), (401, 20300), "{value:?}");
        }
        let good = world.client("alice").headers[0].1.clone();
        let twice = nobody.and("authorization", &good).and("authorization", &good);
        assert_eq!(twice.get().await.refusal(), (401, 20300), "two tokens are none");
    });
}

/// A-REC-07, A-REC-08.
#[test]
fn headers_that_are_not_the_one_header_are_20303() {
    run(async |world| {
        for (member, value) in [
            ("alg", json!("none")),
            ("alg", json!("EdDSA")),
            ("alg", json!("HS256")),
            ("alg", json!("veds512")),
            ("alg", json!(null)),
            ("typ", json!("jwt")),
            ("typ", json!("JWS")),
            ("cty", json!("virgil-jwt;v=2")),
            ("cty", json!("")),
            ("kid", json!("")),
            ("kid", json!(1)),
            ("kid", json!("k2")),
            ("kid", json!(" k1")),
            ("kid", json!("../k1")),
            ("kid", json!("k1' OR '1'='1")),
            ("kid", json!("k".repeat(1024 * 1024))),
            ("jku", json!("http://192.0.2.9/keys")),
            ("x5u", json!("http://192.0.2.9/chain")),
            ("jwk", json!({"kty": "OKP"})),
            ("crit", json!(["b64"])),
        ] {
            let mut header = header_claims();
            header[member] = value.clone();
            let token = token_of(&header, &claims("alice"), &application_key());
            assert_eq!(refusal(&world, &token).await, (401, 20303), "{member} {value:.40}");
        }
    });
}

/// A-REC-08.
#[test]
fn payloads_that_are_not_what_clients_write_are_20303() {
    run(async |world| {
        for (member, value) in [
            ("iss", json!("app")),
            ("iss", json!("virgil-")),
            ("iss", json!(null)),
            ("sub", json!("identity-")),
            ("sub", json!("alice")),
            ("sub", json!(format!("identity-{}", "a".repeat(1_025)))),
            ("iat", json!(NOW_S.to_string())),
            ("iat", json!(-1)),
            ("iat", json!(1.5)),
            ("iat", json!([NOW_S])),
            ("iat", json!(null)),
            ("exp", json!((NOW_S + 100).to_string())),
            ("exp", json!(1.7e9)),
            ("exp", json!([NOW_S + 100])),
            ("exp", json!(-5)),
            ("exp", json!(null)),
            ("exp", json!(NOW_S)),
            ("nbf", json!("1")),
            ("nbf", json!(-1)),
            ("nbf", json!(NOW_S + 301)),
            ("ada", json!({"keyknox": "create,everything"})),
            ("ada", json!({"keyknox": 1})),
        ] {
            let mut claims = claims("alice");
            claims[member] = value.clone();
            let token = token_of(&header_claims(), &claims, &application_key());
            assert_eq!(refusal(&world, &token).await, (401, 20303), "{member} {value:.40}");
        }
        for member in ["iss", "sub", "iat", "exp"] {
            let mut claims = claims("alice");
            claims.as_object_mut().unwrap().remove(member);
            let token = token_of(&header_claims(), &claims, &application_key());
            assert_eq!(refusal(&world, &token).await, (401, 20303), "without {member}");
        }
    });
}

/// A-REC-07, A-REC-08.
#[test]
fn text_that_is_no_token_is_20303() {
    run(async |world| {
        let good = token_of(&header_claims(), &claims("alice"), &application_key());
        let two_parts = good.rsplit_once('.').unwrap().0;
        let padded = format!("{good}=");
        let longer = format!("{good}.");
        let (dot, huge) = (".".repeat(2), "a".repeat(64 * 1024));
        for bad in ["x", "a.b", "a.b.c", two_parts, &*padded, &*longer, &*dot, &*huge, "a b"] {
            assert_eq!(refusal(&world, bad).await, (401, 20303), "{bad:.40}");
        }
        assert_eq!(world.client_with(&good).get().await.record()["version"], "1.0");
    });
}

/// A-REC-07, A-REC-09.
#[test]
fn signatures_that_are_not_the_applications_envelope_are_20303() {
    run(async |world| {
        let input = signing_input(&header_claims(), &claims("alice"));
        let key = application_key();
        let digest = strongroom_primitives::hash::sha512(input.as_bytes());
        let envelope = key.sign_envelope(input.as_bytes());
        let mut ends = vec![
            key.sign(&digest).to_vec(),
            key.sign(input.as_bytes()).to_vec(),
            SigningKey::from_seed(&[2; 32]).sign_envelope(input.as_bytes()).to_vec(),
            [&envelope[..], &[0]].concat(),
            envelope[..82].to_vec(),
            Vec::new(),
        ];
        let mut without_prehash = envelope;
        without_prehash[19..].copy_from_slice(&key.sign(input.as_bytes()));
        ends.push(without_prehash.to_vec());
        for bit in (0..83 * 8).step_by(37) {
            let mut flipped = envelope;
            flipped[bit / 8] ^= 1 << (bit % 8);
            ends.push(flipped.to_vec());
        }
        for signature in ends {
            let token = format!("{input}.{}", to_base64url(&signature));
            assert_eq!(refusal(&world, &token).await, (401, 20303), "{} bytes", signature.len());
        }
        let mut claims = claims("alice");
        claims["iss"] = json!("virgil-other");
        let crossed = token_of(&header_claims(), &claims, &key);
        assert_eq!(refusal(&world, &crossed).await, (401, 20303), "a key verifies its own application only");
        claims["iss"] = json!("virgil-unknown");
        assert_eq!(refusal(&world, &token_of(&header_claims(), &claims, &key)).await, (401, 20303));
    });
}

#[test]
fn a_token_expires_after_the_second_it_names_and_then_is_20304() {
    run(async |world| {
        let client = world.client("alice");
        client.get().await.hash();
        world.advance(Duration::from_millis(1_200_999));
        client.get().await.hash();
        world.advance(Duration::from_millis(1));
        assert_eq!(client.get().await.refusal(), (401, 20304), "also when it was verified before");
        let fresh = token_of(&header_claims(), &claims("alice"), &application_key());
        assert_eq!(refusal(&world, &fresh).await, (401, 20304));
        let forged = token_of(&header_claims(), &claims("alice"), &SigningKey::from_seed(&[9; 32]));
        assert_eq!(
            refusal(&world, &forged).await,
            (401, 20303),
            "the signature is looked at before the time"
        );
    });
}

#[test]
fn a_token_may_be_made_300_seconds_ahead_and_no_more() {
    run(async |world| {
        for (ahead_s, good) in [(300, true), (301, false)] {
            let mut claims = claims("alice");
            claims["iat"] = json!(NOW_S + ahead_s);
            let answer =
                world.client_with(&token_of(&header_claims(), &claims, &application_key())).get().await;
            if good { drop(answer.hash()) } else { assert_eq!(answer.refusal(), (401, 20303)) }
        }
    });
}

/// A-REC-06.
#[test]
fn the_token_decides_who_asks_whatever_other_headers_say() {
    run(async |world| {
        world.client("bob").put("bobs", "v").await.hash();
        let forged = world
            .client("alice")
            .and("x-virgil-identity", "bob")
            .and("x-application-id", "app")
            .and("x-account-id", "1");
        assert_eq!(forged.get().await.record()["meta"], "", "alice has nothing");
        forged.put("alices", "v").await.hash();
        assert_eq!(world.client("bob").get().await.record()["meta"], b64("bobs"));
        let only_preset = Client { world: &world, headers: forged.headers[1..].to_vec() };
        assert_eq!(only_preset.get().await.refusal(), (401, 20300));
    });
}

/// Every operation, with the right it takes.
async fn operations(client: &Client<'_>) -> Vec<(Right, Answer)> {
    let name = json!({"root": "r", "path": "p", "key": "k"});
    let mut push = name.clone();
    push["identities"] = json!([]);
    push["meta"] = json!("bQ==");
    push["value"] = json!("dg==");
    vec![
        (Right::Create, client.put("m", "v").await),
        (Right::Create, client.post("push", push).await),
        (Right::Get, client.get().await),
        (Right::Get, client.post("pull", name.clone()).await),
        (Right::Get, client.post("keys", json!({})).await),
        (Right::Reset, client.reset().await),
        (Right::Reset, client.post("reset", name.clone()).await),
        (Right::Reset, client.post("reset", json!({"identity": "bob"})).await),
    ]
}

/// A-REC-10.
#[test]
fn a_missing_right_refuses_exactly_its_operations_with_20500() {
    run(async |world| {
        for missing in Rights::ALL.iter() {
            let rights: Rights = Rights::ALL.iter().filter(|right| *right != missing).collect();
            let list: Vec<&str> = [(Right::Create, "create"), (Right::Get, "get"), (Right::Reset, "reset")]
                .into_iter()
                .filter_map(|(right, name)| rights.has(right).then_some(name))
                .collect();
            // Once by the token's own limits, once by the application's key.
            let mut limited = claims(&format!("token-{missing:?}"));
            limited["ada"] = json!({"keyknox": list.join(",")});
            let by_token = token_of(&header_claims(), &limited, &application_key());
            let key = SigningKey::from_seed(&[7; 32]);
            world.put_key("app", &format!("{missing:?}"), &key, rights).await;
            let mut header = header_claims();
            header["kid"] = json!(format!("{missing:?}"));
            let by_key = token_of(&header, &claims(&format!("key-{missing:?}")), &key);
            for token in [by_token, by_key] {
                for (right, answer) in operations(&world.client_with(&token)).await {
                    if right == missing {
                        assert_eq!(answer.refusal(), (403, 20500), "{right:?} without {missing:?}");
                    } else {
                        assert_eq!(answer.0.status, 200, "{right:?} without {missing:?}: {}", answer.json());
                    }
                }
            }
        }
    });
}

#[test]
fn who_may_not_ask_learns_nothing_about_the_rest_of_the_request() {
    run(async |world| {
        let mut claims = claims("alice");
        claims["ada"] = json!({"keyknox": ""});
        let powerless = world.client_with(&token_of(&header_claims(), &claims, &application_key()));
        let unknown = world.client_with("a.b.c");
        assert_eq!(powerless.put_raw("{").await.refusal(), (403, 20500));
        assert_eq!(unknown.put_raw("{").await.refusal(), (401, 20303));
        for operation in ["push", "pull", "keys", "reset"] {
            assert_eq!(powerless.post(operation, json!([])).await.refusal(), (403, 20500), "{operation}");
            assert_eq!(unknown.post(operation, json!([])).await.refusal(), (401, 20303), "{operation}");
        }
    });
}

#[test]
fn a_revoked_key_is_noticed_at_once_though_its_tokens_had_verified() {
    run(async |world| {
        let client = world.client("alice");
        client.get().await.hash();
        let revoke = RevokeRealmKey { realm: RealmId::new("app").unwrap(), key_id: "k1".to_owned() };
        world.engine.handle().ask(Credential::Operator, revoke).await.unwrap();
        assert_eq!(client.get().await.refusal(), (401, 20303));
        assert_eq!(client.put("m", "v").await.refusal(), (401, 20303));
    });
}

#[test]
fn a_suspended_identity_is_20500_for_everything() {
    run(async |world| {
        let client = world.client("alice");
        client.put("m", "v").await.hash();
        let identity =
            Identity { realm: RealmId::new("app").unwrap(), subject: Subject::new("alice").unwrap() };
        let suspend = SetAccountPolicy { identity, suspended: Some(true), rights: None };
        world.engine.handle().ask(Credential::Operator, suspend).await.unwrap();
        for (_, answer) in operations(&client).await {
            assert_eq!(answer.refusal(), (403, 20500));
        }
        world.client("bob").get().await.hash();
    });
}

#[test]
fn a_maximum_life_refuses_tokens_that_live_longer() {
    let limits = Limits { token_life_max: Some(Duration::from_secs(1_199)), ..Limits::default() };
    with(RateLimits::NONE, false, limits, async |world| {
        assert_eq!(world.client("alice").get().await.refusal(), (401, 20303));
        let mut claims = claims("alice");
        claims["exp"] = json!(NOW_S + 1_190);
        world.client_with(&token_of(&header_claims(), &claims, &application_key())).get().await.hash();
    });
}

/// A-LEAK-01, A-HTTP-13: refusals say nothing of what was sent or of how it is kept.
#[test]
fn a_refusal_repeats_nothing_of_the_request() {
    run(async |world| {
        let token = token_of(&header_claims(), &claims("canary"), &SigningKey::from_seed(&[9; 32]));
        let answers = [
            world.client_with(&token).put("canary", "canary").await,
            world.client("canary").put_raw(r#"{"meta":"Y2FuYXJ5","value":"canary!"}"#).await,
            world.client("canary").after("canary").put("canary", "canary").await,
        ];
        for answer in answers {
            let (_, code) = answer.refusal();
            let text = String::from_utf8(answer.0.body.to_vec()).unwrap();
            for secret in ["canary", "Y2FuYXJ5", &token[..30]] {
                assert!(!text.contains(secret), "{code}: {text}");
            }
        }
    });
}
