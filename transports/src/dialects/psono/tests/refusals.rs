//! Bad input, row by row; how often and how much; what no refusal repeats.

use super::*;
use crate::dialects::{Dialect, Refusal};

/// A person, and a client with an API key that may write.
async fn keyed(world: &World) -> Client<'_> {
    let ann = world.person("ann@example.com").await;
    let owner = ann.session().await;
    ann.api_key(&owner, json!({ "write": true })).await.sign_in().await.0
}

#[test]
fn paths_have_one_reading_with_and_without_their_final_slash() {
    run(async |world| {
        let client = keyed(&world).await;
        for path in ["/datastore", "/datastore/"] {
            client.get(path).await.ok(200);
        }
        for path in [
            "/datastore//",
            "//datastore/",
            "/./datastore/",
            "/info/../datastore/",
            "/datastore/%2e%2e/",
            "/x%00/",
        ] {
            client.get(path).await.is(404, json!({ "detail": "Not found." }));
        }
        for path in ["/", "/nothing/", "/Datastore/", "/datastore/a/b/", "/info/x/"] {
            world.request("GET", path, &[], "").await.is(404, json!({ "detail": "Not found." }));
        }
    });
}

#[test]
fn other_methods_are_refused_behind_each_door_in_its_own_way() {
    run(async |world| {
        let client = keyed(&world).await;
        let refusal = json!({ "detail": "Method not allowed." });
        for (method, path) in
            [("POST", "/info/"), ("GET", "/api-key/login/"), ("DELETE", "/authentication/login/")]
        {
            world.request(method, path, &[], "{}").await.is(405, refusal.clone());
        }
        for (method, path) in [
            ("PATCH", "/datastore/"),
            ("POST", "/datastore/x/"),
            ("PUT", "/authentication/logout/"),
            ("HEAD", "/datastore/"),
            ("OPTIONS", "/datastore/"),
        ] {
            let refused = client.send(method, path, json!({})).await;
            refused.is(405, refusal.clone());
            assert!(refused.was_sealed, "{method} {path}");
        }
        let override_ = [("x-http-method-override", "DELETE"), ("authorization", "Token x")];
        world.request("POST", "/datastore/", &override_, "").await.is_unauthorized();
    });
}

/// A-HTTP-11: what is not said to be JSON is not read.
#[test]
fn a_body_of_another_type_is_refused() {
    run(async |world| {
        let client = keyed(&world).await;
        let sealed = client.seal(&json!({ "user_username": "ann@example.com" }).to_string());
        let token = format!("Token {}", client.token);
        let refusal = json!({ "detail": "Unsupported media type in request." });
        for kind in ["text/plain", "application/x-www-form-urlencoded", "", "application/jsonx"] {
            let headers = [("authorization", &*token), ("content-type", kind)];
            let refused = world.request("POST", "/user/search/", &headers, &sealed).await.opened(&client.key);
            refused.is(415, refusal.clone());
            assert!(refused.was_sealed);
            let open =
                world.request("POST", "/authentication/prelogin/", &[("content-type", kind)], "{}").await;
            open.is(415, refusal.clone());
        }
        let headers = [("authorization", &*token), ("content-type", "Application/JSON; charset=utf-8")];
        world.request("POST", "/user/search/", &headers, &sealed).await.ok(200);
        for body in ["\u{feff}{}", "{}x", "{\"a\":NaN}", "{/**/}", "{\"a\":1,\"a\":2}", "{"] {
            let refused = world.request("POST", "/authentication/prelogin/", &[], body).await;
            refused.is(400, json!({ "detail": "JSON parse error" }));
        }
        world
            .post("/authentication/prelogin/", json!([]))
            .await
            .is_code("Invalid data. Expected a dictionary, but got list.");
    });
}

#[test]
fn a_member_that_is_missing_or_wrong_is_named() {
    run(async |world| {
        let client = keyed(&world).await;
        let is = async |method: &str, path: &str, body: Value, name: &str, what: &str| {
            client.send(method, path, body).await.is(400, json!({ name: [what] }));
        };
        let required = "This field is required.";
        let long = "x".repeat(65);
        let sealed = || json!({ "type": "a", "description": "b", "secret_key": "ab".repeat(80), "secret_key_nonce": "cd".repeat(24) });
        let put = |name: &str, value: Value| {
            let mut body = sealed();
            body[name] = value;
            body
        };
        is("PUT", "/datastore/", json!({}), "type", required).await;
        is("PUT", "/datastore/", put("secret_key", Value::Null), "secret_key", required).await;
        is(
            "PUT",
            "/datastore/",
            put("type", json!(long)),
            "type",
            "Ensure this field has no more than 64 characters.",
        )
        .await;
        is("PUT", "/datastore/", put("type", json!(7)), "type", "Not a valid string.").await;
        is("PUT", "/datastore/", put("type", json!("")), "type", "This field may not be blank.").await;
        is("PUT", "/datastore/", put("is_default", json!("yes")), "is_default", "IS_NOT_A_VALID_BOOLEAN")
            .await;
        is("PUT", "/datastore/", put("secret_key", json!("zz")), "secret_key", "NO_VALID_HEX").await;
        is("PUT", "/datastore/", put("secret_key_nonce", json!("abc")), "secret_key_nonce", "NO_VALID_HEX")
            .await;
        is(
            "PUT",
            "/datastore/",
            put("secret_key_nonce", json!("ab")),
            "secret_key_nonce",
            "Has the wrong length.",
        )
        .await;
        is("PUT", "/datastore/", put("data", json!("ab".repeat(16))), "data_nonce", required).await;
        is("POST", "/datastore/", json!({ "datastore_id": "x" }), "datastore_id", "IS_NOT_A_VALID_UUID")
            .await;
        is("POST", "/datastore/", json!({ "datastore_id": 7 }), "datastore_id", "IS_NOT_A_VALID_UUID").await;
        is(
            "POST",
            "/datastore/",
            json!({ "datastore_id": world.uuid(), "old_write_date": "then" }),
            "old_write_date",
            "Datetime has wrong format.",
        )
        .await;
        is(
            "POST",
            "/secret/",
            json!({ "secret_id": world.uuid(), "callback_user": "x".repeat(129) }),
            "callback_user",
            "Ensure this field has no more than 128 characters.",
        )
        .await;
        client.send("PUT", "/datastore/", sealed()).await.ok(201);
        let shouted = json!({ "type": "a", "description": "c", "secret_key": "AB".repeat(80), "secret_key_nonce": "CD".repeat(24) });
        let id = client.send("PUT", "/datastore/", shouted).await.ok(201)["datastore_id"].clone();
        let shown = client.get(&format!("/datastore/{}/", text(&id).to_uppercase())).await.ok(200);
        assert_eq!(shown["secret_key"], "ab".repeat(80), "written in lower case");
    });
}

/// A body over its limit is refused before it is read, and each door has its own.
#[test]
fn bodies_are_bounded_by_their_door() {
    run(async |world| {
        let psono = Psono::new(PsonoOptions::new(realm()));
        let edge = EdgeLimits::default();
        for (path, max) in [
            ("/api-key/login", 64 * 1024),
            ("/authentication/register", 64 * 1024),
            ("/nothing", 64 * 1024),
            ("/datastore", 16 * 1024 * 1024),
            ("/api-key-access/secret", 16 * 1024 * 1024),
        ] {
            assert_eq!(psono.body_bytes_max(&edge, path), max, "{path}");
        }
        let body = |bytes: usize| format!("{{\"x\":\"{}\"}}", "x".repeat(bytes - 8));
        let refused = world.request("POST", "/authentication/prelogin/", &[], body(64 * 1024 + 1)).await;
        refused.is(413, json!({ "detail": "Request body is too large." }));
        let read = world.request("POST", "/authentication/prelogin/", &[], body(64 * 1024)).await;
        read.is(400, json!({ "username": ["This field is required."] }));
        let client = keyed(&world).await;
        let sealed = client.seal(&json!({ "user_username": "x".repeat(512 * 1024) }).to_string());
        let read = client.raw("POST", "/user/search/", None, sealed).await;
        read.is(400, json!({ "user_username": ["Ensure this field has no more than 512 characters."] }));
    });
}

/// A-RATE in the dialect's words: the wait is told twice, in a text that a client looks for and in a header.
#[test]
fn whoever_asks_too_often_is_told_when_to_come_back() {
    let rates = PsonoRates {
        api_key_logins_per_hour: 2,
        logins_per_day: 1,
        prelogins_per_day: 1,
        registrations_per_day: 1,
        device_polls_per_day: 1,
        info_per_hour: 3,
        anonymous_per_day: 1,
        bad_tokens_per_minute: 2,
        session_per_day: 0,
    };
    run_with(
        |options| options.rates = rates,
        async |world| {
            let throttled = |answer: &Answer| {
                let told = answer.body["detail"].as_str().is_some_and(|detail| {
                    detail.starts_with("Request was throttled. Expected available in ")
                });
                answer.status == 429 && told && answer.headers.contains_key(header::RETRY_AFTER)
            };
            for (path, allowed) in [
                ("/authentication/login/", 1),
                ("/authentication/prelogin/", 1),
                ("/authentication/register/", 1),
                ("/device-code/", 1),
                ("/api-key/login/", 2),
                ("/api-key-access/secret/", 1),
            ] {
                for _ in 0..allowed {
                    assert_eq!(world.post(path, json!({})).await.status, 400, "{path}");
                }
                assert!(throttled(&world.post(path, json!({})).await), "{path}");
            }
            for _ in 0..3 {
                world.request("GET", "/info/", &[], "").await.ok(200);
            }
            assert!(throttled(&world.request("GET", "/info/", &[], "").await));
            world.advance(Duration::from_secs(20 * 60));
            world.request("GET", "/info/", &[], "").await.ok(200);
            // Whatever is wrong with a token, and whichever it is.
            let tokens = [String::new(), "Token x".to_owned(), format!("Token {}", "0".repeat(128))];
            let get = async |token: &str| {
                world.request("GET", "/datastore/", &[("authorization", token)], "").await
            };
            for token in &tokens[..2] {
                get(token).await.is_unauthorized();
            }
            assert!(throttled(&get(&tokens[2]).await));
            world.advance(Duration::from_secs(30));
            get(&tokens[2]).await.is_unauthorized();
            assert!(throttled(&get(&tokens[2]).await));
        },
    );
}

/// Good sessions are counted one by one; their refusals are sealed like all others, and bad tokens cost them nothing.
#[test]
fn each_session_has_an_allowance_of_its_own() {
    let rates = PsonoRates { session_per_day: 3, bad_tokens_per_minute: 1, ..PsonoRates::NONE };
    run_with(
        |options| options.rates = rates,
        async |world| {
            let ann = world.person("ann@example.com").await;
            let owner = ann.session().await;
            let key = ann.api_key(&owner, json!({})).await;
            let (client, _) = key.sign_in().await;
            for number in 0..40 {
                let headers = [("authorization", &*format!("Token {number:0>128}"))];
                let refused = world.request("GET", "/datastore/", &headers, "").await;
                assert_eq!(refused.status, if number == 0 { 401 } else { 429 });
            }
            for _ in 0..3 {
                client.get("/datastore/").await.ok(200);
            }
            let refused = client.get("/datastore/").await;
            assert!(refused.was_sealed && refused.headers.contains_key(header::RETRY_AFTER));
            assert_eq!(refused.status, 429);
            key.sign_in().await.0.get("/datastore/").await.ok(200);
        },
    );
}

/// Section 3: browsers remember an answer to their preflight for a day, and it names what clients send.
#[test]
fn a_preflight_is_good_for_a_day() {
    run(async |world| {
        let cors = crate::CorsPolicy::new(["https://web.example".to_owned()]).unwrap();
        let psono = Arc::new(Psono::new(PsonoOptions::new(realm())));
        let router = Router::builder().mount("/psono", psono).cors(cors).build().unwrap();
        let mut headers = HeaderMap::new();
        headers.insert(header::ORIGIN, HeaderValue::from_static("https://web.example"));
        headers.insert(header::ACCESS_CONTROL_REQUEST_METHOD, HeaderValue::from_static("PUT"));
        let request = Request {
            method: Method::OPTIONS,
            path: "/psono/datastore/".into(),
            query: None,
            headers,
            body: bytes::Bytes::new(),
            peer: Peer::default(),
            request_id: "r".into(),
        };
        let answer = router.answer(&world.front, request).await;
        assert_eq!(answer.headers[header::ACCESS_CONTROL_MAX_AGE], "86400");
        assert_eq!(answer.headers[header::ACCESS_CONTROL_ALLOW_ORIGIN], "https://web.example");
        let list = |name: HeaderName| answer.headers[name].to_str().unwrap().to_ascii_lowercase();
        let (allowed, methods) =
            (list(header::ACCESS_CONTROL_ALLOW_HEADERS), list(header::ACCESS_CONTROL_ALLOW_METHODS));
        let named = |list: &str, name: &str| list.split(',').any(|one| one.trim() == name);
        for name in [
            "authorization",
            "authorization-validator",
            "content-type",
            "audit-log",
            "pragma",
            "if-modified-since",
            "cache-control",
            "accept",
        ] {
            assert!(named(&allowed, name), "{name}");
        }
        for method in ["get", "post", "put", "patch", "delete", "options"] {
            assert!(named(&methods, method), "{method}");
        }
    });
}

/// An API key has an allowance of its own, whoever asks in its name and from wherever, and before its signature is
/// looked at.
#[test]
fn the_logins_of_one_key_are_counted_together() {
    let rates = PsonoRates { api_key_logins_per_hour: 3, ..PsonoRates::NONE };
    run_with(
        |options| options.rates = rates,
        async |world| {
            let login = async |key: ApiKeyId, address: u8| {
                let session = BoxSecret::from_seed(world.draw()).public();
                let request = LoginRequest::new(key, &SigningKey::from_seed(&[1; 32]), &session, "");
                let mut headers = HeaderMap::new();
                headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
                let request = Request {
                    method: Method::POST,
                    path: "/psono/api-key/login/".into(),
                    query: None,
                    headers,
                    body: request.to_json().into(),
                    peer: Peer {
                        address: Some(IpAddr::from([192, 0, 2, address])),
                        gateway: false,
                        secure: true,
                    },
                    request_id: "r".into(),
                };
                world.router.answer(&world.front, request).await.status.as_u16()
            };
            let (one, other) = (ApiKeyId::from_bytes([1; 16]), ApiKeyId::from_bytes([2; 16]));
            for address in 1..=3 {
                assert_eq!(login(one, address).await, 400);
            }
            assert_eq!(login(one, 4).await, 429);
            assert_eq!(login(other, 4).await, 400);
        },
    );
}

#[test]
fn what_the_transport_refuses_is_said_in_the_same_forms() {
    let psono = Psono::new(PsonoOptions::new(realm()));
    for (refusal, status) in [
        (Refusal::BodyTooLarge { max: 1 }, 413),
        (Refusal::TookTooLong, 504),
        (Refusal::TooManyRequests { retry_after: Duration::from_millis(1_500) }, 429),
        (Refusal::AmbiguousPath, 404),
        (Refusal::Fault, 500),
    ] {
        let answer = Answer::new(psono.refuse(refusal));
        assert!(answer.status == status && answer.body["detail"].is_string(), "{refusal:?}");
    }
    let answer =
        Answer::new(psono.refuse(Refusal::TooManyRequests { retry_after: Duration::from_millis(1_500) }));
    assert_eq!(answer.headers[header::RETRY_AFTER], "2", "rounded up");
}

/// A-LEAK-01: whatever is refused, the refusal repeats nothing of it but the id of what is not there.
#[test]
fn no_refusal_repeats_what_it_refuses() {
    const CANARY: &str = "canaryCANARY";
    run(async |world| {
        let client = keyed(&world).await;
        let mut members = serde_json::Map::new();
        for name in [
            "username",
            "authkey",
            "info",
            "signature",
            "login_info",
            "public_key",
            "datastore_id",
            "data",
            "data_nonce",
            "secret_id",
            "link_id",
            "share_id",
            "api_key_id",
            "old_write_date",
            "activation_code",
            "device_description",
            "user_username",
            "title",
            "session_id",
        ] {
            members.insert(name.to_owned(), CANARY.into());
        }
        let body = Value::Object(members);
        let mut refused = 0;
        for path in [
            "/api-key/login/",
            "/authentication/login/",
            "/authentication/register/",
            "/authentication/verify-email/",
            "/device-code/",
        ] {
            let answer = world.post(path, body.clone()).await;
            refused += usize::from(answer.status == 400);
            assert!(!answer.raw.contains(CANARY), "{path}: {}", answer.raw);
        }
        for path in [
            "/datastore/",
            "/secret/",
            "/secret/link/",
            "/share/",
            "/share/link/",
            "/share/right/",
            "/share/right/accept/",
            "/api-key/",
            "/api-key/secret/",
            "/bulk-secret/",
            "/user/search/",
            "/authentication/logout/",
        ] {
            for method in ["PUT", "POST", "DELETE"] {
                let answer = client.send(method, path, body.clone()).await;
                refused += usize::from(answer.status >= 400);
                assert!(!answer.body.to_string().contains(CANARY), "{method} {path}: {}", answer.body);
            }
        }
        assert!(refused > 35, "{refused}");
    });
}
