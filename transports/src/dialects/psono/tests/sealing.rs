//! Tokens, validators, sealed bodies, and what cannot be sent twice.

use super::*;

#[test]
fn whoever_has_no_session_is_told_that_and_nothing_else() {
    run(async |world| {
        let ann = world.person("ann@example.com").await;
        let key = ann.api_key(&ann.session().await, json!({ "write": true })).await;
        let (client, _) = key.sign_in().await;
        let token = client.token.clone();
        for value in [
            String::new(),
            token.clone(),
            "Token".to_owned(),
            "Token ".to_owned(),
            format!("Bearer {token}"),
            format!("Token  {token}"),
            format!("Token {token} "),
            format!("Token {}", &token[..127]),
            format!("Token {}", "0".repeat(128)),
            format!("Token {}", "z".repeat(128)),
        ] {
            let headers = [("authorization", &*value)];
            for (method, path, body) in [
                ("GET", "/datastore/", ""),
                ("PUT", "/datastore/", "{"),
                ("PATCH", "/datastore/", ""),
                ("GET", "/api-key/x/", ""),
                ("GET", "/authentication/logout/", ""),
            ] {
                world.request(method, path, &headers, body).await.is_unauthorized();
            }
        }
        for scheme in ["token", "TOKEN"] {
            let value = format!("{scheme} {token}");
            world.request("GET", "/datastore/", &[("authorization", &value)], "").await.ok(200);
        }
        world.advance(Duration::from_secs(601));
        client.get("/datastore/").await.is_unauthorized();
        client.send("PATCH", "/datastore/", json!({})).await.is_unauthorized();
    });
}

/// A-API-08: what is remembered of a session grants nothing: the end of it, and of its key, bites with the next request.
#[test]
fn a_key_that_is_narrowed_turned_off_or_deleted_narrows_and_ends_its_sessions() {
    run(async |world| {
        let ann = world.person("ann@example.com").await;
        let owner = ann.session().await;
        let key = ann.api_key(&owner, json!({ "write": true })).await;
        let (client, _) = key.sign_in().await;
        let id = key.id.to_uuid();
        let change = async |name: &str, flag: bool| {
            owner.send("POST", "/api-key/", json!({ "api_key_id": id, name: flag })).await.ok(200);
        };
        let forbidden = json!({ "detail": "You do not have permission to perform this action." });
        let save = json!({ "datastore_id": world.uuid(), "description": "x" });
        let unknown = json!({ "message": "NO_PERMISSION_OR_NOT_EXIST" });
        client.send("POST", "/datastore/", save.clone()).await.is(403, unknown);
        change("write", false).await;
        client.send("POST", "/datastore/", save).await.is(403, forbidden.clone());
        client.get("/datastore/").await.ok(200);
        change("read", false).await;
        let refused = client.get("/datastore/").await;
        refused.is(403, forbidden.clone());
        assert!(refused.was_sealed);
        change("read", true).await;
        change("restrict_to_secrets", true).await;
        client.get("/datastore/").await.is(403, forbidden);
        change("restrict_to_secrets", false).await;
        change("active", false).await;
        client.get("/datastore/").await.is_unauthorized();
        change("active", true).await;
        let (client, _) = key.sign_in().await;
        client.get("/datastore/").await.ok(200);
        owner.send("DELETE", "/api-key/", json!({ "api_key_id": id })).await.ok(200);
        client.get("/datastore/").await.is_unauthorized();
    });
}

/// A-API-12: an API key mints nothing, ends nobody, and changes nothing of itself.
#[test]
fn sessions_of_api_keys_do_not_administer() {
    run(async |world| {
        let ann = world.person("ann@example.com").await;
        let owner = ann.session().await;
        let key = ann.api_key(&owner, json!({ "write": true })).await;
        let (client, _) = key.sign_in().await;
        let sessions = owner.get("/authentication/sessions/").await.ok(200);
        let sessions = sessions["sessions"].as_array().unwrap();
        let owners = sessions.iter().find(|one| one["current_session"] == true).unwrap()["id"].clone();
        let id = key.id.to_uuid();
        let forbidden = json!({ "detail": "You do not have permission to perform this action." });
        for (method, path, body) in [
            ("POST", "/api-key/", json!({ "api_key_id": id, "write": true })),
            ("DELETE", "/api-key/", json!({ "api_key_id": id })),
            ("DELETE", "/api-key/secret/", json!({ "api_key_secret_id": world.uuid() })),
            ("POST", "/authentication/logout/", json!({ "session_id": owners })),
        ] {
            client.send(method, path, body).await.is(403, forbidden.clone());
        }
        for path in ["/api-key/", "/authentication/sessions/", &format!("/api-key/{id}/")] {
            client.get(path).await.is(403, forbidden.clone());
        }
        owner.get("/datastore/").await.ok(200);
    });
}

/// A-API-11: a body is taken once, whatever it is sent to.
#[test]
fn a_body_is_taken_once_in_a_session() {
    run(async |world| {
        let ann = world.person("ann@example.com").await;
        let key = ann.api_key(&ann.session().await, json!({ "write": true })).await;
        let (client, _) = key.sign_in().await;
        let body = client.seal(&json!({ "user_username": "ann@example.com" }).to_string());
        client.raw("POST", "/user/search/", None, &body).await.ok(200);
        for path in ["/user/search/", "/datastore/", "/authentication/logout/"] {
            let again = client.raw("POST", path, None, &body).await;
            again.is(400, json!({ "detail": "Invalid request" }));
            assert!(again.was_sealed, "{path}");
        }
        for method in ["PUT", "DELETE"] {
            let again = client.raw(method, "/datastore/", None, &body).await;
            again.is(400, json!({ "detail": "Invalid request" }));
        }
        let (other, _) = key.sign_in().await;
        other.raw("POST", "/user/search/", None, &body).await.is(400, json!({ "detail": "Invalid request" }));
    });
}

/// A-API-09, A-API-10: what does not open is refused as a whole, and spends nothing; no answer repeats a nonce.
#[test]
fn a_body_that_does_not_open_is_refused_as_a_whole() {
    run(async |world| {
        let ann = world.person("ann@example.com").await;
        let key = ann.api_key(&ann.session().await, json!({ "write": true })).await;
        let (client, _) = key.sign_in().await;
        let invalid = json!({ "detail": "Invalid request" });
        let good = client.seal(&json!({ "user_username": "ann@example.com" }).to_string());
        let mut document: Value = serde_json::from_str(&good).unwrap();
        let flipped = |hex: &str| format!("{}{}", if hex.starts_with('0') { "1" } else { "0" }, &hex[1..]);
        let mut bad = vec![String::new(), "[]".into(), "{}".into(), "x".into(), good[1..].to_owned()];
        for name in ["text", "nonce"] {
            let kept = document[name].clone();
            for other in [json!(flipped(text(&kept))), json!("zz"), json!(7), json!("")] {
                document[name] = other;
                bad.push(document.to_string());
            }
            document[name] = kept;
        }
        let stranger = Sealed::seal(&BoxKey::from_bytes([1; 32]), world.draw(), b"{}");
        bad.push(stranger.to_json());
        for body in bad {
            let refused = client.raw("POST", "/user/search/", None, &body).await;
            refused.is(400, invalid.clone());
            assert!(refused.was_sealed, "{body}");
        }
        client.raw("POST", "/user/search/", None, &good).await.ok(200);
        let no_object = json!({ "non_field_errors": ["Invalid data. Expected a dictionary, but got list."] });
        let no_json = json!({ "detail": "JSON parse error" });
        for (plain, told) in
            [("x", &no_json), ("", &no_json), ("{\"a\":1,\"a\":2}", &no_json), ("[]", &no_object)]
        {
            let refused = client.raw("POST", "/user/search/", None, client.seal(plain)).await;
            refused.is(400, told.clone());
            assert!(refused.was_sealed, "{plain}");
        }
        let (other, _) = key.sign_in().await;
        let theirs = other.get("/datastore/").await;
        let sealed = Sealed::read(theirs.raw.as_bytes()).unwrap();
        assert!(sealed.open(&other.key).is_ok() && sealed.open(&client.key).is_err());
        let mut nonces = std::collections::BTreeSet::new();
        for _ in 0..200 {
            let answer = client.get("/datastore/").await;
            assert!(nonces.insert(Sealed::read(answer.raw.as_bytes()).unwrap().nonce));
        }
    });
}

#[test]
fn a_session_that_is_bound_to_a_device_asks_for_its_validator() {
    run(async |world| {
        let ann = world.person("ann@example.com").await;
        let client = ann.session().await;
        let said = |text: &str| client.seal(text);
        let time = world.time(0);
        for header in [
            None,
            Some(String::new()),
            Some("x".to_owned()),
            Some("{}".to_owned()),
            Some(Sealed::seal(&BoxKey::from_bytes([1; 32]), world.draw(), b"{}").to_json()),
        ] {
            client.raw("GET", "/datastore/", header.as_deref(), "").await.is_unauthorized();
        }
        client.get("/datastore/").await.ok(200);
        let older = json!({ "request_time": time, "request_device_session": "a device" });
        client.raw("GET", "/datastore/", Some(&said(&older.to_string())), "").await.ok(200);
        for ahead_ms in [0, 20_000] {
            client.raw("GET", "/datastore/", client.validator(ahead_ms).as_deref(), "").await.ok(200);
        }
    });
}

/// Section 5: a validator is asked for exactly where the device gave a fingerprint or its time, and only what it gave is
/// compared; a clock may be wrong, but not drift.
#[test]
fn a_program_shows_of_its_device_what_it_gave_when_it_signed_in() {
    const HOUR_MS: u64 = 3_600_000;
    run(async |world| {
        let ann = world.person("ann@example.com").await;
        let key = ann.api_key(&ann.session().await, json!({})).await;
        let sign_in = async |device: Value| {
            let session = BoxSecret::from_seed(world.draw());
            let mut info = json!({ "api_key_id": key.id.to_uuid(), "session_public_key": to_hex(session.public().as_bytes()) });
            for (name, value) in device.as_object().unwrap() {
                info[name] = value.clone();
            }
            let answer = key.login(&LoginRequest::sign(info.to_string(), &key.signing)).await;
            key.opened(&session, answer).await.0
        };
        let get = async |client: &Client<'_>, time: &str, print: &str| {
            let header = client.seal(&validator(time, print));
            client.raw("GET", "/datastore/", Some(&header), "").await
        };
        for nothing in [json!({}), json!({ "device_fingerprint": "" }), json!({ "device_fingerprint": null })]
        {
            let client = sign_in(nothing).await;
            client.raw("GET", "/datastore/", None, "").await.ok(200);
        }
        let printed = sign_in(json!({ "device_fingerprint": "print" })).await;
        printed.raw("GET", "/datastore/", None, "").await.is_unauthorized();
        get(&printed, "2001-09-09T01:46:40Z", "print").await.ok(200);
        get(&printed, "2001-09-09T01:46:40Z", "Print").await.is_unauthorized();
        get(&printed, "2001-09-09T01:46:40Z", "print").await.is_unauthorized();

        for (drift_ms, status) in [(0, 200), (20_000, 200), (-20_000, 200), (20_001, 401), (-20_001, 401)] {
            let client = sign_in(json!({ "device_time": world.time(HOUR_MS) })).await;
            client.raw("GET", "/datastore/", None, "").await.is_unauthorized();
            world.advance(Duration::from_secs(60));
            let time = world.time(HOUR_MS.checked_add_signed(drift_ms).unwrap());
            assert_eq!(get(&client, &time, "any").await.status, status, "{drift_ms} ms");
            assert_eq!(get(&client, &world.time(HOUR_MS), "any").await.status, status, "ended or not");
        }
    });
}

/// A-API-08: a suspended account has no sessions, whatever they are sealed with, and they come back with it.
#[test]
fn the_sessions_of_a_suspended_account_are_none() {
    use strongroom_engine::{Identity, domains::accounts::SetAccountPolicy};
    use strongroom_primitives::id::Subject;
    run(async |world| {
        let ann = world.person("ann@example.com").await;
        let owner = ann.session().await;
        let (program, _) = ann.api_key(&owner, json!({})).await.sign_in().await;
        let suspend = async |suspended: bool| {
            let identity = Identity { realm: realm(), subject: Subject::new("ann@example.com").unwrap() };
            let policy = SetAccountPolicy { identity, suspended: Some(suspended), rights: None };
            for_operator(&world.engine, policy).await;
        };
        program.get("/datastore/").await.ok(200);
        suspend(true).await;
        for client in [&owner, &program] {
            client.get("/datastore/").await.is_unauthorized();
            client.send("POST", "/user/search/", json!({})).await.is_unauthorized();
        }
        let client = BoxSecret::from_seed(world.draw());
        ann.attempt(&client, &ann.said("d")).await.is_code("USERNAME_OR_PASSWORD_WRONG");
        suspend(false).await;
        program.get("/datastore/").await.ok(200);
    });
}

/// A validator that opens and says something else was made by a holder of the key: the session has two holders.
#[test]
fn a_validator_of_another_device_or_time_ends_the_session() {
    run(async |world| {
        let ann = world.person("ann@example.com").await;
        let time = world.time(0);
        let cases = [
            validator(&time, "another device"),
            validator(&world.time(20_001), "a device"),
            json!({ "request_time": time }).to_string(),
            json!({ "request_device_fingerprint": "a device" }).to_string(),
            json!({ "request_time": 7, "request_device_fingerprint": "a device" }).to_string(),
            "[]".to_owned(),
        ];
        for case in cases {
            let client = ann.session().await;
            client.raw("GET", "/datastore/", Some(&client.seal(&case)), "").await.is_unauthorized();
            client.get("/datastore/").await.is_unauthorized();
        }
        let (unproved, proof) = ann.sign_in("a device").await;
        let other = unproved.seal(&validator(&time, "another device"));
        let path = "/authentication/activate-token/";
        unproved.raw("POST", path, Some(&other), "").await.is_unauthorized();
        unproved.activate(&proof).await.is_unauthorized();
    });
}

#[test]
fn a_validator_is_taken_once() {
    run(async |world| {
        let ann = world.person("ann@example.com").await;
        let client = ann.session().await;
        let header = client.validator(0);
        client.raw("GET", "/datastore/", header.as_deref(), "").await.ok(200);
        for path in ["/datastore/", "/api-key/"] {
            client.raw("GET", path, header.as_deref(), "").await.is_unauthorized();
        }
        client.get("/datastore/").await.ok(200);
    });
}
