//! Section 4: every operation, word by word.

use strongroom_primitives::dc1::permissions::PermissionsDocument;

use super::*;

const LIMITED: &str = r#"{"version":"1","default_allow":false,"permissions":{"allow_read":true}}"#;
const NO_RESOURCE: &str = "The requested resource(s) cannot be found.";

/// What a key may do that was made without a document, as it is shown.
fn defaults() -> String {
    PermissionsDocument::for_new_keys().to_text()
}

/// What a listing shows of a key that was made a moment ago.
fn shown(id: &str, nickname: &str, permissions: &str) -> String {
    format!(
        r#"{{"id":"{id}","registration_time":{NOW_S},"nickname":"{nickname}","root":false,"permissions_document":{permissions}}}"#
    )
}

#[test]
fn health_is_anybodys_to_ask() {
    run(async |world| {
        for path in ["/health", "/v1/health"] {
            let answer = world.send(&Sent::new("GET", &format!("/dragonchain{path}"))).await;
            assert_eq!((answer.status, &*answer.text), (200, "OK\n"));
            assert_eq!(answer.headers[header::CONTENT_TYPE], "text/plain; charset=utf-8");
        }
    });
}

#[test]
fn the_status_says_what_the_clients_read() {
    run(async |world| {
        let version = env!("CARGO_PKG_VERSION");
        let expected = format!(
            r#"{{"id":"{CHAIN}","level":1,"url":"https://keys.example/dragonchain","hashAlgo":"sha256","scheme":"trust","version":"{version}","encryptionAlgo":"secp256k1","indexingEnabled":false}}"#
        );
        for path in ["/v1/status", "/status"] {
            let answer = world.ask(&world.root, "GET", path).await;
            assert_eq!((answer.status, &*answer.text), (200, &*expected));
        }
    });
}

/// A-MAC-08: the secret is in the answer that makes the key, and in no other.
#[test]
fn a_key_is_made_shown_listed_changed_and_deleted() {
    run(async |world| {
        let body = r#"{"nickname":"My New Key"}"#;
        let made = world.tell(&world.root, "POST", "/v1/api-key", body).await;
        let document = made.ok(201);
        let (id, key) = (document["id"].as_str().unwrap(), document["key"].as_str().unwrap());
        assert!(id.len() == 12 && id.bytes().all(|byte| byte.is_ascii_uppercase()), "{id}");
        assert!(key.len() == 43 && key.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        let key_of_list = shown(id, "My New Key", &defaults());
        let with = |more: &str| format!("{},{more}}}", key_of_list.strip_suffix('}').unwrap());
        assert_eq!(made.text, with(&format!(r#""key":"{key}""#)));

        let path = format!("/v1/api-key/{id}");
        assert_eq!(world.ask(&world.root, "GET", &path).await.text, key_of_list);
        let everything = PermissionsDocument::for_root().to_text();
        let root = format!(
            r#"{{"id":"{ROOT}","registration_time":0,"nickname":"","root":true,"permissions_document":{everything},"last_used":{NOW_S}}}"#
        );
        let mut keys = [root, key_of_list.clone()];
        if id < ROOT {
            keys.reverse();
        }
        let listed = world.ask(&world.root, "GET", "/v1/api-key").await;
        assert_eq!((listed.status, listed.text), (200, format!(r#"{{"keys":[{}]}}"#, keys.join(","))));

        let changed = world.tell(&world.root, "PUT", &path, r#"{"nickname":"Ключ 🔑"}"#).await;
        let expected = with(r#""success":true"#).replace("My New Key", "Ключ 🔑");
        assert_eq!((changed.status, changed.text), (200, expected));
        let deleted = world.ask(&world.root, "DELETE", &path).await;
        assert_eq!((deleted.status, &*deleted.text), (200, r#"{"success":true}"#));
        for verb in ["GET", "DELETE"] {
            world.ask(&world.root, verb, &path).await.is(404, "NOT_FOUND", NO_RESOURCE);
        }
        world.tell(&world.root, "PUT", &path, "{}").await.is(404, "NOT_FOUND", NO_RESOURCE);
    });
}

/// A-MAC-10: each client has its own way to say nothing.
#[test]
fn a_key_is_made_of_nothing_however_that_is_said() {
    run(async |world| {
        let root = &world.root;
        let bare = Sent::new("POST", "/dragonchain/v1/api-key");
        let typed = bare.clone().header("content-type", "application/json");
        let untyped = bare.clone().header("content-type", "application/octet-stream");
        let python = bare.sign(root, "/v1/api-key", &world.stamp());
        let javascript = world.signed(root, "POST", "/v1/api-key", Some("{}"));
        let empty_json = typed.sign(root, "/v1/api-key", &world.stamp());
        let aiohttp = untyped.clone().sign_as(Algorithm::Sha256, root, "/v1/api-key", &world.stamp(), "");
        for sent in [python, javascript, empty_json, aiohttp] {
            let made = world.send(&sent).await.ok(201);
            let expected: Value = serde_json::from_str(&defaults()).unwrap();
            assert_eq!((&made["nickname"], &made["permissions_document"]), (&json!(""), &expected));
        }
        // Nobody signs the type of nothing, and of something it is signed.
        let signed = untyped.clone().sign(root, "/v1/api-key", &world.stamp());
        world.send(&signed).await.is_unsigned(MAC);
        let something =
            untyped.body("{}").sign_as(Algorithm::Sha256, root, "/v1/api-key", &world.stamp(), "");
        world.send(&something).await.is_unsigned(MAC);
    });
}

#[test]
fn what_an_update_leaves_out_stays() {
    run(async |world| {
        let body = format!(r#"{{"nickname":"a","permissions_document":{LIMITED}}}"#);
        let made = world.tell(&world.root, "POST", "/v1/api-key", &body).await.ok(201);
        let path = format!("/v1/api-key/{}", made["id"].as_str().unwrap());
        let limited: Value = serde_json::from_str(LIMITED).unwrap();
        let everything: Value = serde_json::from_str(EVERYTHING).unwrap();
        for (body, nickname, permissions) in [
            ("{}", "a", &limited),
            (r#"{"nickname":"b"}"#, "b", &limited),
            (&format!(r#"{{"permissions_document":{EVERYTHING}}}"#), "b", &everything),
            (r#"{"nickname":""}"#, "", &everything),
        ] {
            let changed = world.tell(&world.root, "PUT", &path, body).await.ok(200);
            assert_eq!(
                (&changed["nickname"], &changed["permissions_document"]),
                (&json!(nickname), permissions)
            );
            assert_eq!(changed["success"], true);
        }
    });
}

/// A-MAC-07.
#[test]
fn the_root_key_is_named_and_nothing_else() {
    run(async |world| {
        let path = format!("/v1/api-key/{ROOT}");
        let body = format!(r#"{{"nickname":"safe","permissions_document":{LIMITED}}}"#);
        let changed = world.tell(&world.root, "PUT", &path, &body).await.ok(200);
        assert_eq!((&changed["nickname"], &changed["root"]), (&json!("safe"), &json!(true)));
        assert_eq!(changed["permissions_document"]["default_allow"], true);
        world.ask(&world.root, "DELETE", &path).await.is_forbidden("Cannot remove root API key");
        let wide = world.key(Some(EVERYTHING)).await;
        world
            .tell(&wide, "PUT", &path, r#"{"nickname":"x"}"#)
            .await
            .is_forbidden("Cannot modify root API key");
        world.ask(&wide, "DELETE", &path).await.is_forbidden("Cannot remove root API key");
    });
}

#[test]
fn ids_of_other_kinds_of_keys_are_reserved() {
    run(async |world| {
        let between = format!("INTERCHAIN_{CHAIN}");
        for id in ["SC_EAYRMSXDOSWY", "SC_something", "INTERCHAINEAYRMSXDOSWY", &between] {
            let path = format!("/v1/api-key/{id}");
            world.ask(&world.root, "DELETE", &path).await.is_forbidden("Cannot delete reserved API keys");
            world.ask(&world.root, "GET", &path).await.is(404, "NOT_FOUND", NO_RESOURCE);
        }
        let update = |id: &str| format!("/v1/api-key/{id}");
        for id in ["INTERCHAINEAYRMSXDOSWY", &between] {
            let answer = world.tell(&world.root, "PUT", &update(id), "{}").await;
            answer.is_forbidden("Cannot modify interchain keys");
        }
        for id in ["SC_EAYRMSXDOSWY", "SC_something"] {
            let answer = world.tell(&world.root, "PUT", &update(id), "{}").await;
            answer.is(404, "NOT_FOUND", NO_RESOURCE);
        }
    });
}

/// A-MAC-07: a key deletes itself, and is gone for its next request.
#[test]
fn a_key_may_delete_itself() {
    run(async |world| {
        let wide = world.key(Some(EVERYTHING)).await;
        let path = format!("/v1/api-key/{}", wide.id);
        assert_eq!(world.ask(&wide, "DELETE", &path).await.text, r#"{"success":true}"#);
        world.ask(&wide, "GET", "/v1/status").await.is_unsigned(MAC);
    });
}

#[test]
fn a_key_does_what_its_document_allows_and_grants_no_more() {
    run(async |world| {
        let usual = world.key(None).await;
        for (verb, path, endpoint) in [
            ("POST", "/v1/api-key", "create_api_key"),
            ("PUT", "/v1/api-key/ABC", "update_api_key"),
            ("DELETE", "/v1/api-key/ABC", "delete_api_key"),
        ] {
            let refused = world.ask(&usual, verb, path).await;
            refused.is_forbidden(&format!("This key is not allowed to perform {endpoint}"));
        }
        for path in ["/v1/status", "/v1/api-key", &format!("/v1/api-key/{ROOT}")] {
            world.ask(&usual, "GET", path).await.ok(200);
        }
        let nothing = world.key(Some(r#"{"version":"1","default_allow":false,"permissions":{}}"#)).await;
        for (path, endpoint) in [
            ("/v1/status", "get_status"),
            ("/v1/api-key", "list_api_keys"),
            ("/v1/api-key/ABC", "get_api_key"),
        ] {
            let refused = world.ask(&nothing, "GET", path).await;
            refused.is_forbidden(&format!("This key is not allowed to perform {endpoint}"));
        }
        // The usual document allows more than the key that would grant it.
        let maker = r#"{"version":"1","default_allow":false,"permissions":{"api_keys":{"allow_create":true,"allow_update":true}}}"#;
        let maker = world.key(Some(maker)).await;
        let widens = "A key cannot grant permissions that it does not hold";
        world.ask(&maker, "POST", "/v1/api-key").await.is_forbidden(widens);
        let own = format!("/v1/api-key/{}", maker.id);
        let all = format!(r#"{{"permissions_document":{EVERYTHING}}}"#);
        world.tell(&maker, "PUT", &own, &all).await.is_forbidden(widens);
        let less = r#"{"permissions_document":{"version":"1","default_allow":false,"permissions":{}}}"#;
        world.tell(&maker, "POST", "/v1/api-key", less).await.ok(201);
    });
}

/// What is made by a key that ends, ends with it: it could grant nothing that lasts longer.
#[test]
fn a_key_that_ends_makes_keys_that_end_with_it() {
    run(async |world| {
        let wide = world.key(Some(EVERYTHING)).await;
        let end = Timestamp::from_ms((NOW_S + 90) * 1_000);
        let limit = strongroom_engine::domains::service_keys::UpdateServiceKey {
            chain: Some(world.root.chain.clone()),
            expires: strongroom_engine::Change::Set(end),
            ..strongroom_engine::domains::service_keys::UpdateServiceKey::of(wide.id.clone())
        };
        world.node.engine.handle().ask(Credential::Operator, limit).await.unwrap();
        let made = world.ask(&wide, "POST", "/v1/api-key").await.ok(201);
        assert_eq!(made["expires_at"], NOW_S + 90);
        world.clock.advance(Duration::from_secs(91));
        world.ask(&wide, "GET", "/v1/status").await.is_unsigned(MAC);
    });
}

/// A chain is a tenant: the keys of one are unknown in the other.
#[test]
fn the_header_selects_the_chain() {
    run(async |world| {
        let other =
            world.node.engine.handle().ask(Credential::Operator, CreateChain::default()).await.unwrap();
        let other = Signer::root(&other);
        let listed = world.ask(&other, "GET", "/v1/api-key").await.ok(200);
        assert_eq!(listed["keys"].as_array().unwrap().len(), 1);
        let path = format!("/v1/api-key/{ROOT}");
        world.ask(&other, "GET", &path).await.is(404, "NOT_FOUND", NO_RESOURCE);
        let stranger = Signer { chain: other.chain.clone(), ..world.root.clone() };
        world.ask(&stranger, "GET", "/v1/status").await.is_unsigned(MAC);
    });
}
