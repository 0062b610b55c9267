//! Section 10: every row of bad input; rates, sizes, and what appears nowhere.

use super::*;
use crate::dialects::{Dialect, Refusal};

const NO_ROUTE: &str = "The requested route was not found.";

/// A-HTTP-06.
#[test]
fn an_unknown_route_is_told_before_anybody_has_signed() {
    run(async |world| {
        for path in [
            "",
            "/",
            "/v1",
            "/v1/",
            "/v1/status/",
            "/v1/api-key/",
            "/v1/api-key/ABC/",
            "/v1/api-key/ABC/x",
            "/v1/v1/status",
            "/v2/status",
            "/V1/status",
            "/v1//status",
            "/v1/./status",
            "/v1/%2e%2e/status",
            "/v1/api-key/%00",
            "/v1/transaction",
            "/v1/interchain-auth-register",
        ] {
            let sent = Sent::new("GET", &format!("/dragonchain{path}"));
            world.send(&sent).await.is(404, "NOT_FOUND", NO_ROUTE);
        }
    });
}

/// A-HTTP-07.
#[test]
fn a_wrong_method_is_told_before_anybody_has_signed() {
    run(async |world| {
        for (path, allowed, methods) in [
            (
                "/v1/status",
                "GET, HEAD",
                ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH", "get"].as_slice(),
            ),
            ("/health", "GET, HEAD", &["POST", "DELETE", "OPTIONS"]),
            ("/v1/api-key", "GET, HEAD, POST", &["PUT", "DELETE", "OPTIONS", "BREW", "post"]),
            ("/api-key/ABC", "DELETE, GET, HEAD, PUT", &["POST", "OPTIONS", "TRACE", "PATCH", "delete"]),
        ] {
            for method in methods {
                let answer = world.send(&Sent::new(method, &format!("/dragonchain{path}"))).await;
                answer.is(405, "METHOD_NOT_ALLOWED", "The method is not allowed for the requested URL.");
                assert_eq!(answer.headers[header::ALLOW], allowed);
            }
        }
    });
}

/// A-HTTP-11: bodies that are no JSON, or JSON with two meanings.
#[test]
fn a_body_that_is_no_json_is_refused() {
    run(async |world| {
        let paths = [("POST", "/v1/api-key".to_owned()), ("PUT", format!("/v1/api-key/{ROOT}"))];
        let deep = "[".repeat(10_000);
        for body in
            ["{", "x", "\u{feff}{}", r#"{"nickname":"a","nickname":"b"}"#, "{} {}", r#"{"a":NaN}"#, &deep]
        {
            for (verb, path) in &paths {
                let answer = world.tell(&world.root, verb, path, body).await;
                answer.is(400, "BAD_REQUEST", "Could not parse JSON");
            }
        }
        let path = &paths[1].1;
        let sent =
            Sent::new("PUT", &format!("/dragonchain{path}")).header("content-type", "application/json");
        let broken = sent.body(b"{\"nickname\":\"\xff\"}").sign(&world.root, path, &world.stamp());
        world.send(&broken).await.is(400, "BAD_REQUEST", "Could not parse JSON");
    });
}

/// A body of another type is never passed over: it may hold the document that was to limit the key.
#[test]
fn a_body_of_another_type_is_refused() {
    run(async |world| {
        let typed = |verb: &str, path: &str, content_type: &str, body: &str| {
            let sent = Sent::new(verb, &format!("/dragonchain{path}")).body(body);
            let typed =
                if content_type.is_empty() { sent } else { sent.header("content-type", content_type) };
            typed.sign(&world.root, path, &world.stamp())
        };
        let root = format!("/v1/api-key/{ROOT}");
        for content_type in ["", "text/plain", "application/x-www-form-urlencoded", "application/jsonx"] {
            let told = "Content-Type of a body must be application/json";
            world.send(&typed("POST", "/v1/api-key", content_type, "{}")).await.is(400, "BAD_REQUEST", told);
            let answer = world.send(&typed("PUT", &root, content_type, "{}")).await;
            answer.is(400, "BAD_REQUEST", "Could not parse JSON");
        }
        for content_type in ["", "application/json"] {
            let answer = world.send(&typed("PUT", &root, content_type, "")).await;
            answer.is(400, "BAD_REQUEST", "Could not parse JSON");
        }
        for content_type in ["application/json; charset=utf-8", "Application/JSON"] {
            world.send(&typed("PUT", &root, content_type, "{}")).await.ok(200);
        }
    });
}

#[test]
fn a_body_that_says_what_it_may_not_is_refused_with_the_place() {
    run(async |world| {
        let long = format!(r#"{{"nickname":"{}"}}"#, "é".repeat(257));
        let types = format!(r#"{{"{}":true}}"#, "t".repeat(60_000));
        let large = format!(
            r#"{{"permissions_document":{{"version":"1","default_allow":true,"permissions":{{"transactions":{{"create_transaction":{{"transaction_types":{types}}}}}}}}}}}"#
        );
        for (body, told) in [
            ("[]", "the body is not an object"),
            ("null", "the body is not an object"),
            (r#"{"name":"a"}"#, "the body holds an unknown name"),
            (r#"{"root":true}"#, "the body holds an unknown name"),
            (r#"{"expires_at":1}"#, "the body holds an unknown name"),
            (r#"{"nickname":1}"#, "nickname is not a string"),
            (r#"{"nickname":null}"#, "nickname is not a string"),
            (&long, "nickname has more than 256 characters, or control characters"),
            (r#"{"nickname":"a\nb"}"#, "nickname has more than 256 characters, or control characters"),
            (r#"{"permissions_document":null}"#, "permissions_document: the document is not an object"),
            (r#"{"permissions_document":{}}"#, "permissions_document: version is missing"),
            (
                r#"{"permissions_document":{"version":"1","default_allow":true,"permissions":{"api_keys":{"x":1}}}}"#,
                "permissions_document: permissions.api_keys holds an unknown name",
            ),
            (&large, "permissions_document has more than 4096 bytes"),
        ] {
            for (verb, path) in [("POST", "/v1/api-key"), ("PUT", &*format!("/v1/api-key/{ROOT}"))] {
                let answer = world.tell(&world.root, verb, path, body).await;
                answer.is(400, "VALIDATION_ERROR", told);
            }
        }
        let listed = world.ask(&world.root, "GET", "/v1/api-key").await.ok(200);
        assert_eq!(listed["keys"].as_array().unwrap().len(), 1, "nothing was made");
    });
}

#[test]
fn what_has_not_the_form_of_an_id_names_no_key() {
    run(async |world| {
        for id in ["abc", "A-B", "a%20b", "%D0%BA", "A%2FB", &"A".repeat(65), "MIGRATION_V1_COMPLETE"] {
            let path = format!("/v1/api-key/{id}");
            let gone = "The requested resource(s) cannot be found.";
            world.ask(&world.root, "GET", &path).await.is(404, "NOT_FOUND", gone);
            world.ask(&world.root, "DELETE", &path).await.is(404, "NOT_FOUND", gone);
            world.tell(&world.root, "PUT", &path, "{}").await.is(404, "NOT_FOUND", gone);
            // Whoever has not signed learns nothing of that.
            let sent = Sent::new("GET", &format!("/dragonchain{path}"));
            world.send(&sent).await.is_unsigned("Missing Dragonchain ID in request header");
        }
    });
}

/// A-HTTP-05.
#[test]
fn what_is_too_large_or_encoded_is_refused() {
    run(async |world| {
        let max = 64 * 1024;
        let fill = |bytes: usize| format!(r#"{{"nickname":"{}"}}"#, "x".repeat(bytes - 15));
        let most = world.tell(&world.root, "POST", "/v1/api-key", &fill(max)).await;
        assert_eq!(most.json()["error"]["type"], "VALIDATION_ERROR", "it was read");
        let more = world.tell(&world.root, "POST", "/v1/api-key", &fill(max + 1)).await;
        more.is(413, "PAYLOAD_TOO_LARGE", "The request body is too large.");
        let mount = Dragonchain::new(DragonchainOptions::default());
        assert_eq!(mount.body_bytes_max(&EdgeLimits::default(), "/v1/api-key"), max);
        for encoding in ["gzip", "identity", ""] {
            let sent = world.signed(&world.root, "POST", "/v1/api-key", Some("{}"));
            let answer = world.send(&sent.header("content-encoding", encoding)).await;
            answer.is(415, "UNSUPPORTED_MEDIA_TYPE", "Content-Encoding is not supported.");
        }
    });
}

#[test]
fn a_chain_has_so_many_keys_and_no_more() {
    let limits = Limits { service_keys_max: 2, ..Limits::default() };
    run_with(Setup { limits, ..Setup::default() }, async |world| {
        world.ask(&world.root, "POST", "/v1/api-key").await.ok(201);
        let full = world.ask(&world.root, "POST", "/v1/api-key").await;
        full.is_forbidden("The chain has 2 keys, and can have no more");
    });
}

/// Section 9: a full memory refuses, and says when to come back.
#[test]
fn where_no_more_signatures_can_be_remembered_requests_have_to_wait() {
    let limits = Limits { signatures_max: 2, ..Limits::default() };
    run_with(Setup { limits, ..Setup::default() }, async |world| {
        let first = world.signed(&world.root, "GET", "/v1/status", None);
        world.send(&first).await.ok(200);
        world.ask(&world.root, "GET", "/v1/status").await.ok(200);
        let busy = world.ask(&world.root, "GET", "/v1/status").await;
        let told = "The server is busy and nothing was changed. Sign the request anew to try again.";
        busy.is(503, "SERVICE_UNAVAILABLE", told);
        assert_eq!(busy.headers[header::RETRY_AFTER], "60");
        world.send(&first).await.is_unsigned(REPLAYED);
    });
}

/// Section 9: failures are counted by their source, and only failures.
#[test]
fn failures_are_counted_by_the_address_that_they_come_from() {
    let rates = DragonchainRates { failures_per_minute: 3, ..DragonchainRates::NONE };
    run_with(Setup { rates, ..Setup::default() }, async |world| {
        let forged = Signer { secret: SecretText::new("x".repeat(43)), ..world.root.clone() };
        for _ in 0..5 {
            world.ask(&world.root, "GET", "/v1/status").await.ok(200);
            assert_eq!(world.send(&Sent::new("GET", "/dragonchain/nothing")).await.status, 404);
        }
        for _ in 0..3 {
            world.ask(&forged, "GET", "/v1/status").await.is_unsigned(MAC);
        }
        for sent in
            [world.signed(&forged, "GET", "/v1/status", None), Sent::new("GET", "/dragonchain/status")]
        {
            let throttled = world.send(&sent).await;
            let told = "API Rate Limit Exceeded. 3 requests allowed per minute.";
            throttled.is(429, "TOO_MANY_REQUESTS", told);
            assert_eq!(throttled.headers[header::RETRY_AFTER], "20");
        }
        // Who signs well from there is served, and elsewhere nobody has failed.
        world.ask(&world.root, "GET", "/v1/status").await.ok(200);
        let elsewhere = Sent { address: [192, 0, 2, 2], ..world.signed(&forged, "GET", "/v1/status", None) };
        world.send(&elsewhere).await.is_unsigned(MAC);
        world.clock.advance(Duration::from_secs(20));
        world.ask(&forged, "GET", "/v1/status").await.is_unsigned(MAC);
    });
}

/// Section 9: what others send in a key's name costs it nothing.
#[test]
fn requests_are_counted_by_the_key_that_has_signed_them() {
    let rates = DragonchainRates { key_requests_per_minute: 2, ..DragonchainRates::NONE };
    run_with(Setup { rates, ..Setup::default() }, async |world| {
        let forged = Signer { secret: SecretText::new("x".repeat(43)), ..world.root.clone() };
        for _ in 0..5 {
            world.ask(&forged, "GET", "/v1/status").await.is_unsigned(MAC);
        }
        let key = world.key(None).await;
        world.ask(&world.root, "GET", "/v1/status").await.ok(200);
        let told = "API Rate Limit Exceeded. 2 requests allowed per minute.";
        let throttled = world.ask(&world.root, "POST", "/v1/api-key").await;
        throttled.is(429, "TOO_MANY_REQUESTS", told);
        assert_eq!(throttled.headers[header::RETRY_AFTER], "30");
        // What a key may not do counts as well, and nothing was made.
        world
            .ask(&key, "POST", "/v1/api-key")
            .await
            .is_forbidden("This key is not allowed to perform create_api_key");
        assert_eq!(world.ask(&key, "GET", "/v1/api-key").await.ok(200)["keys"].as_array().unwrap().len(), 2);
        world.ask(&key, "POST", "/v1/api-key").await.is(429, "TOO_MANY_REQUESTS", told);
        world.clock.advance(Duration::from_secs(30));
        world.ask(&world.root, "GET", "/v1/status").await.ok(200);
    });
}

/// A-HTTP-13.
#[test]
fn what_a_transport_refuses_is_said_in_the_vendors_words() {
    let mount = Dragonchain::new(DragonchainOptions::default());
    let wait = Duration::from_millis(1_500);
    for (refusal, status, kind, details) in [
        (Refusal::BodyTooLarge { max: 1 }, 413, "PAYLOAD_TOO_LARGE", "The request body is too large."),
        (Refusal::TookTooLong, 504, "GATEWAY_TIMEOUT", "It is not known whether the change was made."),
        (Refusal::TooManyRequests { retry_after: wait }, 429, "TOO_MANY_REQUESTS", "Too many requests."),
        (Refusal::AmbiguousPath, 404, "NOT_FOUND", NO_ROUTE),
        (Refusal::Fault, 500, "INTERNAL_SERVER_ERROR", "Unexpected error occurred"),
    ] {
        let answer = Answer::new(mount.refuse(refusal));
        answer.is(status, kind, details);
        assert_eq!(
            answer.headers.get(header::RETRY_AFTER).map(HeaderValue::as_bytes),
            (status == 429).then_some(b"2".as_slice())
        );
    }
}

/// A-LEAK-01: no refusal repeats what was sent.
#[test]
fn no_refusal_repeats_what_it_refuses() {
    run(async |world| {
        let canary = "canary7Kq2";
        let mut said = Vec::new();
        let path = format!("/v1/api-key/{canary}");
        said.push(world.ask(&world.root, "GET", &path).await);
        said.push(world.ask(&world.root, "GET", &format!("/v1/{canary}")).await);
        for body in [
            format!(r#"{{"{canary}":1}}"#),
            format!(r#"{{"nickname":["{canary}"]}}"#),
            format!(r#"{{"nickname":"{canary}\n"}}"#),
            format!(r#"{{"permissions_document":{{"{canary}":1}}}}"#),
            format!(
                r#"{{"permissions_document":{{"version":"1","default_allow":true,"permissions":{{"{canary}":1}}}}}}"#
            ),
            format!(
                r#"{{"permissions_document":{{"version":"{canary}","default_allow":true,"permissions":{{}}}}}}"#
            ),
            canary.to_owned(),
        ] {
            said.push(world.tell(&world.root, "POST", "/v1/api-key", &body).await);
        }
        let good = world.signed(&world.root, "GET", "/v1/status", None);
        for name in ["dragonchain", "timestamp", "authorization"] {
            said.push(world.send(&good.clone().set(name, canary)).await);
        }
        for answer in said {
            assert!(answer.status >= 400 && !answer.text.contains(canary), "{answer:?}");
            assert!(!format!("{:?}", answer.headers).contains(canary), "{answer:?}");
        }
    });
}
