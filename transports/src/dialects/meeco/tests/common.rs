//! What holds for every call: who may ask, in which version, how much, and how a refusal is told. Section 4 of the page,
//! and the rows of section 10 that are about no field.

use std::time::Duration;

use strongroom_engine::EngineError;

use super::*;
use crate::dialects::{Refusal, meeco::problem::Problem};

/// Rows "`Meeco-Subscription-Key` missing / not in list".
#[test]
fn every_call_needs_a_subscription_key_and_without_a_list_any_will_do() {
    run(async |world| {
        for caller in [world.keystore(), world.vault()] {
            let without = caller.without("meeco-subscription-key");
            for nobody in [&without, &without.and("meeco-subscription-key", "")] {
                for (method, path) in [("GET", "/version"), ("GET", "/session"), ("GET", "/nowhere")] {
                    nobody.send(method, path, "").await.is(401, "subscription_key_missing");
                }
            }
            caller.and("meeco-subscription-key", "anything").get("/version").await.ok(200);
        }
    });
}

#[test]
fn with_a_list_of_subscription_keys_only_those_will_do() {
    Setup { subscription_keys: &["one", "two"], ..Setup::default() }.run(async |world| {
        for caller in [world.keystore(), world.vault()] {
            for good in ["one", "two"] {
                caller.and("meeco-subscription-key", good).get("/version").await.ok(200);
            }
            for bad in ["key", "on", "one ", "ONE", "one,two"] {
                let stranger = caller.and("meeco-subscription-key", bad);
                stranger.get("/version").await.is(401, "subscription_key_invalid");
                stranger.send("POST", "/srp/users", "{").await.is(401, "subscription_key_invalid");
            }
            let mut twice = caller.and("meeco-subscription-key", "one");
            twice.headers.push(("meeco-subscription-key".to_owned(), "two".to_owned()));
            twice.get("/version").await.is(401, "subscription_key_missing");
        }
    });
}

/// Row "`X_MEECO_API_VERSION` major not 2".
#[test]
fn another_major_version_is_told_to_upgrade() {
    run(async |world| {
        for caller in [world.keystore(), world.vault()] {
            for good in ["2", "2.0.0", "2.7", "2.0.0-beta"] {
                caller.and("x_meeco_api_version", good).get("/version").await.ok(200);
            }
            for bad in ["1.0.0", "3", "20.0", "", "two", "-2", "v2"] {
                let old = caller.and("x_meeco_api_version", bad);
                old.get("/version").await.is(426, "upgrade_required");
                old.send("POST", "/srp/users", "{").await.is(426, "upgrade_required");
            }
        }
    });
}

/// Row "Unknown path or method".
#[test]
fn an_unknown_path_or_method_is_not_found_with_a_session_or_without() {
    run(async |world| {
        let (keystore, vault) = world.both("rsa2048").await;
        for (caller, unknown) in [
            (&keystore, [("GET", "/"), ("GET", "/me"), ("PUT", "/key_encryption_key"), ("POST", "/version")]),
            (&vault, [("GET", ""), ("GET", "/keypairs"), ("PATCH", "/me"), ("DELETE", "/items")]),
        ] {
            for (method, path) in unknown {
                caller.send(method, path, "{}").await.is(404, "not_found");
                caller.without("authorization").send(method, path, "{}").await.is(404, "not_found");
            }
            for path in ["/VERSION", "/version/x", "/srp", "/session/all/x"] {
                caller.get(path).await.is(404, "not_found");
            }
        }
    });
}

/// Row "No, unknown, expired or wrong-service `Authorization`", on every call that takes a session; and that nobody
/// learns anything else first, whatever is wrong with the request.
#[test]
fn without_a_good_session_every_call_that_takes_one_says_so_and_nothing_else() {
    const KEYSTORE: [(&str, &str); 16] = [
        ("GET", "/session"),
        ("DELETE", "/session"),
        ("DELETE", "/session/all?except_current=maybe"),
        ("POST", "/session/limited_in_time"),
        ("GET", "/external_admission_tokens"),
        ("GET", "/key_encryption_key"),
        ("POST", "/key_encryption_key"),
        ("POST", "/key_encryption_key?restart=true&%zz"),
        ("POST", "/data_encryption_keys"),
        ("GET", "/data_encryption_keys/nothing"),
        ("DELETE", "/data_encryption_keys/nothing"),
        ("POST", "/keypairs"),
        ("GET", "/keypairs/external_id/auth"),
        ("GET", "/keypairs/nothing"),
        ("PATCH", "/keypairs/nothing"),
        ("DELETE", "/keypairs/nothing"),
    ];
    const VAULT: [(&str, &str); 15] = [
        ("DELETE", "/session"),
        ("DELETE", "/session/all"),
        ("POST", "/session/limited_in_time"),
        ("GET", "/me"),
        ("PUT", "/me"),
        ("GET", "/item_templates?per_page=none"),
        ("GET", "/item_templates/nothing"),
        ("POST", "/items"),
        ("GET", "/items?per_page=none"),
        ("GET", "/items/nothing"),
        ("PUT", "/items/nothing"),
        ("DELETE", "/items/nothing"),
        ("DELETE", "/slots/nothing"),
        ("DELETE", "/session/all?except_current=maybe"),
        ("GET", "/items?%zz"),
    ];
    run(async |world| {
        let (keystore, vault) = world.both("rsa2048").await;
        let half = "A".repeat(43);
        let unknown = format!("{half}=.{half}=");
        for (own, other, calls) in [(&keystore, &vault, &KEYSTORE[..]), (&vault, &keystore, &VAULT[..])] {
            let nobodies = [
                own.without("authorization"),
                own.with(""),
                own.with("undefined"),
                own.with(&unknown),
                own.with(&format!("Bearer {}", own.session())),
                own.with(&own.session().replace('=', "")),
                own.with(&own.session()[..88]),
                own.with(other.session()),
            ];
            for (method, target) in calls {
                for nobody in &nobodies {
                    nobody.send(method, target, "{").await.is(401, "unauthorized");
                }
            }
        }
        world.advance(DAY * 30 + Duration::from_millis(1));
        for (caller, calls) in [(&keystore, &KEYSTORE[..]), (&vault, &VAULT[..])] {
            for (method, target) in calls {
                caller.send(method, target, "{").await.is(401, "unauthorized");
            }
        }
    });
}

#[test]
fn open_calls_ignore_whatever_authorization_says() {
    run(async |world| {
        for session in ["", "undefined", "Bearer x", "a.b"] {
            let keystore = world.keystore().with(session);
            keystore.get("/version").await.ok(200);
            keystore.post("/srp/username", json!({})).await.ok(200);
            keystore.post("/srp/users", json!({})).await.is_about("username");
            let challenge = json!({"username": "nobody", "srp_a": "02"});
            keystore.post("/srp/challenges", challenge).await.ok(200);
            keystore.post("/srp/session", json!({})).await.is_about("username");
            let vault = world.vault().with(session);
            vault.get("/version").await.ok(200);
            vault.post("/me", json!({})).await.is_about("public_key");
            vault.post("/session", json!({})).await.is_about("public_key");
        }
    });
}

/// Headers that clients of 2023 send empty or as the text `undefined`.
#[test]
fn headers_that_mean_nothing_here_are_ignored() {
    run(async |world| {
        let mut caller = world.signed_in().await;
        for name in ["meeco-delegation-id", "meeco-organisation-id", "meeco-srt", "authorizationoidc2"] {
            caller = caller.and(name, "undefined");
        }
        caller.get("/session").await.ok(200);
    });
}

/// Row "Body not JSON, or JSON but not an object", and texts that have two meanings.
#[test]
fn a_body_that_is_no_json_object_is_malformed() {
    run(async |world| {
        let holder = world.holder().await;
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(40), "]".repeat(40));
        let bad: [&[u8]; 11] = [
            b"",
            b"{",
            b"[]",
            b"null",
            b"\"text\"",
            b"{}x",
            b"{} {}",
            b"{\"a\":1,\"a\":1}",
            b"{'a':1}",
            b"{\"a\":\"\xff\"}",
            deep.as_bytes(),
        ];
        for body in bad {
            for path in ["/srp/users", "/srp/challenges", "/srp/session"] {
                world.keystore().send("POST", path, body).await.is(400, "malformed_json");
            }
            for path in ["/key_encryption_key", "/data_encryption_keys", "/keypairs"] {
                holder.send("POST", path, body).await.is(400, "malformed_json");
            }
            for path in ["/me", "/session"] {
                world.vault().send("POST", path, body).await.is(400, "malformed_json");
            }
        }
    });
}

#[test]
fn where_all_members_are_optional_no_body_is_as_good_as_an_empty_object() {
    run(async |world| {
        for body in ["", "{}", r#"{"captcha_token":null,"more":[1]}"#] {
            world.keystore().send("POST", "/srp/username", body).await.ok(200);
        }
        world.keystore().send("POST", "/srp/username", "[]").await.is(400, "malformed_json");
        let holder = world.holder().await;
        let id = keys::create_pair(&holder, json!({})).await;
        holder.send("PATCH", &format!("/keypairs/{id}"), "").await.ok(200);
    });
}

/// Row "Body over the limit", which is the mount's own: 1 MiB, whatever the listener's is for others.
#[test]
fn a_body_of_one_mebibyte_is_read_and_one_byte_more_is_not() {
    run(async |world| {
        let edge = EdgeLimits { body_bytes_max: 1, ..EdgeLimits::default() };
        for (service, caller) in
            [(&world.keystore as &dyn Dialect, world.keystore()), (&world.vault, world.vault())]
        {
            assert_eq!(service.body_bytes_max(&edge, "/session"), 1024 * 1024);
            let body = |bytes: usize| format!(r#"{{"x":"{}"}}"#, "x".repeat(bytes - 8));
            caller.send("POST", "/session", body(1024 * 1024 + 1)).await.is(413, "payload_too_large");
        }
        let body = |bytes: usize| format!(r#"{{"x":"{}"}}"#, "x".repeat(bytes - 8));
        world.vault().send("POST", "/session", body(1024 * 1024)).await.is_about("public_key");
    });
}

#[test]
fn versions_name_their_service() {
    run(async |world| {
        for caller in [world.keystore(), world.keystore().old()] {
            let body = caller.get("/version").await.ok(200);
            assert_eq!(body, json!({"component": {"name": "keystore", "api_version": "2.0.0"}}));
        }
        let body = world.vault().get("/version").await.ok(200);
        assert_eq!(body, json!({"component": {"name": "vault", "api_version": "2.0.0"}}));
    });
}

#[test]
fn what_the_transport_refuses_is_said_in_the_same_form() {
    run(async |world| {
        for service in [&world.keystore as &dyn Dialect, &world.vault] {
            for (refusal, status, name) in [
                (Refusal::BodyTooLarge { max: 1 }, 413, "payload_too_large"),
                (Refusal::TookTooLong, 503, "service_unavailable"),
                (Refusal::TooManyRequests { retry_after: Duration::from_millis(1_500) }, 429, "rate_limited"),
                (Refusal::AmbiguousPath, 400, "invalid_parameter"),
                (Refusal::Fault, 500, "internal_error"),
            ] {
                let answer = Answer(service.refuse(refusal));
                answer.is(status, name);
                if status == 429 {
                    assert_eq!(answer.retry_after(), 2, "rounded up");
                }
            }
        }
    });
}

#[test]
fn what_may_succeed_later_says_when_and_what_is_our_fault_says_nothing() {
    let soon = Duration::from_millis(250);
    for busy in [
        EngineError::Overloaded { retry_after: soon },
        EngineError::Contended { retry_after: soon },
        EngineError::Draining,
        EngineError::DeadlinePassed,
        EngineError::StorageFull,
        EngineError::StorageUnavailable,
    ] {
        let answer = Answer(Problem::of(&busy, "field").response());
        answer.is(503, "service_unavailable");
        assert_eq!(answer.retry_after(), 1);
    }
    for fault in [EngineError::OutcomeUnknown, EngineError::Corrupt, EngineError::Fault] {
        let answer = Answer(Problem::of(&fault, "field").response());
        assert_eq!(answer.told(), (500, "internal_error".to_owned(), "Internal error.".to_owned()));
        assert!(!answer.0.headers.contains_key(header::RETRY_AFTER));
    }
}
