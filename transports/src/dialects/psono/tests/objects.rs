//! Datastores, secrets, shares and their rights, API keys and what is attached to them, device codes: every call of
//! section 7 and 9 once as clients ask it, and what each refuses.

use super::*;

const NOT_THERE: &str = "NO_PERMISSION_OR_NOT_EXIST";

/// A text and its nonce, sealed for nobody in particular.
fn data(world: &World) -> Value {
    let nonce = world.draw::<NONCE_BYTES>();
    let text = BoxKey::from_bytes([9; 32]).seal(&nonce, &nonce);
    json!({ "data": to_hex(&text), "data_nonce": to_hex(&nonce) })
}

fn with(mut body: Value, more: Value) -> Value {
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

async fn datastore(client: &Client<'_>, kind: &str, description: &str) -> String {
    let sealed = json!({ "secret_key": "ab".repeat(80), "secret_key_nonce": "cd".repeat(24) });
    let body =
        with(sealed, json!({ "type": kind, "description": description, "data": "", "data_nonce": "" }));
    text(&client.send("PUT", "/datastore/", body).await.ok(201)["datastore_id"]).to_owned()
}

async fn secret(client: &Client<'_>, parent: Value) -> (String, String) {
    let link = client.world.uuid();
    let body = with(with(data(client.world), json!({ "link_id": link })), parent);
    (text(&client.send("PUT", "/secret/", body).await.ok(201)["secret_id"]).to_owned(), link)
}

async fn share(client: &Client<'_>, parent: Value) -> (String, String) {
    let link = client.world.uuid();
    let key = json!({ "key": "ab".repeat(80), "key_nonce": "cd".repeat(24), "key_type": "symmetric" });
    let body = with(with(with(data(client.world), key), json!({ "link_id": link })), parent);
    (text(&client.send("POST", "/share/", body).await.ok(201)["share_id"]).to_owned(), link)
}

#[test]
fn datastores_are_made_listed_read_saved_and_deleted() {
    run(async |world| {
        let ann = world.person("ann@example.com").await;
        let client = ann.session().await;
        let first = datastore(&client, "password", "one").await;
        let second = datastore(&client, "password", "two").await;
        let list = client.get("/datastore/").await.ok(200);
        let expected = |id: &str, description: &str, is_default: bool| json!({ "id": id, "type": "password", "description": description, "is_default": is_default });
        assert_eq!(
            list["datastores"],
            json!([expected(&first, "one", false), expected(&second, "two", true)])
        );
        let path = format!("/datastore/{first}/");
        let fresh = client.get(&path).await.ok(200);
        assert_eq!(
            (&fresh["data"], &fresh["data_nonce"], &fresh["write_date"]),
            (&json!(""), &json!(""), &json!(world.time(0)))
        );
        let saved = data(&world);
        let body =
            with(saved.clone(), json!({ "datastore_id": first, "old_write_date": fresh["write_date"] }));
        let told = client.send("POST", "/datastore/", body).await.ok(200);
        assert_eq!(told["success"], "Data updated.");
        assert_ne!(told["write_date"], fresh["write_date"], "later, though no time has passed");
        let stale =
            json!({ "datastore_id": first, "description": "x", "old_write_date": fresh["write_date"] });
        client.send("POST", "/datastore/", stale).await.is_code("WRITE_DATE_MISMATCH");
        let never = json!({ "datastore_id": first, "description": "x", "old_write_date": "2026-05-28T20:26:40.000001+00:00" });
        client.send("POST", "/datastore/", never).await.is_code("WRITE_DATE_MISMATCH");
        let shown = client.get(&path).await.ok(200);
        assert_eq!((&shown["data"], &shown["data_nonce"]), (&saved["data"], &saved["data_nonce"]));
        assert_eq!(shown["write_date"], told["write_date"]);
        let same = with(
            json!({ "secret_key": "ab".repeat(80), "secret_key_nonce": "cd".repeat(24) }),
            json!({ "type": "password", "description": "two" }),
        );
        let refused = client.send("PUT", "/datastore/", same).await;
        assert_eq!((refused.status, &refused.body["error"]), (400, &json!("DuplicateTypeDescription")));

        let delete = |id: &str, authkey: &str| json!({ "datastore_id": id, "authkey": authkey });
        let wrong = client.send("DELETE", "/datastore/", delete(&first, &"00".repeat(64))).await;
        wrong.is(403, json!({ "message": "PASSWORD_INCORRECT" }));
        let default = client.send("DELETE", "/datastore/", delete(&second, &ann.authkey)).await;
        default.is_code("CANNOT_DELETE_DEFAULT_DATASTORE");
        client
            .send("DELETE", "/datastore/", delete(&first, &ann.authkey.to_uppercase()))
            .await
            .is(200, json!({}));
        client.get(&path).await.is(403, json!({ "message": NOT_THERE }));
    });
}

/// A-SRP-13: a session is no way to try passwords, be it that of an API key.
#[test]
fn wrong_passwords_for_a_datastore_are_counted_as_failed_logins_are() {
    run(async |world| {
        let ann = world.person("ann@example.com").await;
        let owner = ann.session().await;
        let (program, _) = ann.api_key(&owner, json!({ "write": true })).await.sign_in().await;
        let store = datastore(&owner, "password", "one").await;
        datastore(&owner, "password", "two").await;
        let wrong = json!({ "datastore_id": store, "authkey": "00".repeat(64) });
        for number in 0..10 {
            let client = if number % 2 == 0 { &owner } else { &program };
            let refused = client.send("DELETE", "/datastore/", wrong.clone()).await;
            refused.is(403, json!({ "message": "PASSWORD_INCORRECT" }));
        }
        let right = json!({ "datastore_id": store, "authkey": ann.authkey });
        let wait = json!({ "detail": "Request was throttled. Expected available in 1 seconds." });
        let refused = owner.send("DELETE", "/datastore/", right.clone()).await;
        refused.is(429, wait.clone());
        assert!(refused.was_sealed && refused.headers[header::RETRY_AFTER] == "1");
        let client = BoxSecret::from_seed(world.draw());
        ann.attempt(&client, &ann.said("d")).await.is(429, wait);
        world.advance(Duration::from_secs(1));
        owner.send("DELETE", "/datastore/", right).await.is(200, json!({}));
    });
}

/// A-KEY-02: what is somebody else's is told like what never was, and so is what no id can be.
#[test]
fn what_is_somebody_elses_is_not_there() {
    run(async |world| {
        let (ann, bob) = (world.person("ann@example.com").await, world.person("bob@example.com").await);
        let (client, other) = (ann.session().await, bob.session().await);
        let store = datastore(&client, "password", "one").await;
        let (secret, link) = secret(&client, json!({ "parent_datastore_id": store })).await;
        let (share, _) = share(&client, json!({ "parent_datastore_id": store })).await;
        client.send("POST", "/secret/", with(data(&world), json!({ "secret_id": secret }))).await.ok(200);
        let history = client.get(&format!("/secret/history/{secret}/")).await.ok(200);
        let version = text_of(&history["history"][0]["id"]);
        client.get(&format!("/history/{version}/")).await.ok(200);
        let unknown = world.uuid();
        for id in [&store, &unknown, &"x".to_owned()] {
            other.get(&format!("/datastore/{id}/")).await.is(403, json!({ "message": NOT_THERE }));
        }
        for (path, id) in [
            ("secret", &secret),
            ("share", &share),
            ("secret/history", &secret),
            ("metadata-share", &share),
            ("metadata-datastore", &store),
            ("history", &version),
            ("share/rights", &share),
        ] {
            for id in [id, &unknown, &"x".to_owned()] {
                let refused = other.get(&format!("/{path}/{id}/")).await;
                refused.is(400, json!({ "message": NOT_THERE, "resource_id": id }));
            }
        }
        let not_there = json!({ "message": NOT_THERE });
        for id in [&link, &unknown] {
            other.send("DELETE", "/secret/link/", json!({ "link_id": id })).await.is(400, not_there.clone());
        }
        for id in [&secret, &unknown] {
            let body = with(data(&world), json!({ "secret_id": id }));
            other.send("POST", "/secret/", body).await.is(400, not_there.clone());
        }
        for id in [&store, &unknown] {
            let body = with(
                with(data(&world), json!({ "link_id": world.uuid() })),
                json!({ "parent_datastore_id": id }),
            );
            assert_eq!(other.send("PUT", "/secret/", body).await.status, 400);
        }
        let sessions = client.get("/authentication/sessions/").await.ok(200);
        for id in [&sessions["sessions"][0]["id"], &json!(unknown)] {
            let end = json!({ "session_id": id });
            other.send("POST", "/authentication/logout/", end).await.is_code(NOT_THERE);
        }
        client.get("/authentication/sessions/").await.ok(200);
        let key = ann.api_key(&client, json!({})).await.id.to_uuid();
        let others = bob.api_key(&other, json!({})).await.id.to_uuid();
        // Neither is a secret attached to somebody else's key, nor somebody else's secret to one's own.
        let sealed = json!({
            "secret_key": "ab".repeat(80), "secret_key_nonce": "cd".repeat(24), "title": "ef".repeat(20), "title_nonce": "01".repeat(24),
        });
        for (key, secret) in [(&key, &secret), (&others, &secret), (&others, &unknown)] {
            let attach = with(sealed.clone(), json!({ "api_key_id": key, "secret_id": secret }));
            other.send("PUT", "/api-key/secret/", attach).await.is_code(NOT_THERE);
        }
        for id in [&key, &unknown, &"x".to_owned()] {
            let refused = other.get(&format!("/api-key/{id}/")).await;
            refused.is(400, json!({ "message": NOT_THERE, "resource_id": id }));
            if id.len() > 1 {
                other
                    .send("DELETE", "/api-key/", json!({ "api_key_id": id }))
                    .await
                    .is_code("API_KEY_DOES_NOT_EXIST");
            }
        }
    });
}

#[test]
fn secrets_are_made_read_counted_changed_and_remembered() {
    run(async |world| {
        let ann = world.person("ann@example.com").await;
        let client = ann.session().await;
        let store = datastore(&client, "password", "one").await;
        let below = json!({ "parent_datastore_id": store });
        let first = data(&world);
        let link = world.uuid();
        let body = with(
            with(
                first.clone(),
                json!({ "link_id": link, "callback_url": "https://x", "callback_user": null }),
            ),
            below.clone(),
        );
        let made = client.send("PUT", "/secret/", body.clone()).await.ok(201);
        let id = text(&made["secret_id"]);
        let path = format!("/secret/{id}/");
        for count in 1..=3 {
            let shown = client.get(&path).await.ok(200);
            assert_eq!((&shown["data"], &shown["read_count"]), (&first["data"], &json!(count)));
            assert_eq!(
                (&shown["type"], &shown["callback_url"], &shown["callback_user"]),
                (&json!("password"), &json!("https://x"), &json!(""))
            );
        }
        let same_nonce =
            client.send("PUT", "/secret/", with(body.clone(), json!({ "link_id": world.uuid() }))).await;
        assert_eq!((same_nonce.status, &same_nonce.body["error"]), (400, &json!("DuplicateNonce")));
        let same_link = client
            .send("PUT", "/secret/", with(with(data(&world), json!({ "link_id": link })), below.clone()))
            .await;
        assert_eq!((same_link.status, &same_link.body["error"]), (400, &json!("DuplicateLinkID")));

        let second = data(&world);
        let before = client.get(&path).await.ok(200)["write_date"].clone();
        let update = with(second.clone(), json!({ "secret_id": id, "old_write_date": before }));
        let told = client.send("POST", "/secret/", update.clone()).await.ok(200);
        let again = client
            .send(
                "POST",
                "/secret/",
                with(data(&world), json!({ "secret_id": id, "old_write_date": before })),
            )
            .await;
        again.is_code("WRITE_DATE_MISMATCH");
        let reused = client.send("POST", "/secret/", with(first.clone(), json!({ "secret_id": id }))).await;
        assert_eq!((reused.status, &reused.body["error"]), (400, &json!("DuplicateNonce")));
        assert_eq!(client.get(&path).await.ok(200)["write_date"], told["write_date"]);
        let history = client.get(&format!("/secret/history/{id}/")).await.ok(200);
        let history = history["history"].as_array().unwrap();
        assert_eq!((history.len(), text(&history[0]["username"])), (1, "ann@example.com"));
        let old = client.get(&format!("/history/{}/", text(&history[0]["id"]))).await.ok(200);
        assert_eq!(old["data"], first["data"]);

        let other = datastore(&client, "password", "two").await;
        let metadata = |id: String| {
            let client = &client;
            async move { client.get(&format!("/metadata-datastore/{id}/")).await.ok(200)["secrets"].clone() }
        };
        assert_eq!(metadata(store.clone()).await, json!([{ "id": id, "write_date": told["write_date"] }]));
        let go = json!({ "link_id": link, "new_parent_datastore_id": other });
        client.send("POST", "/secret/link/", go).await.ok(200);
        assert_eq!((metadata(store).await, metadata(other).await[0]["id"].clone()), (json!([]), json!(id)));
        client.send("DELETE", "/secret/link/", json!({ "link_id": link })).await.ok(200);
        client.get(&path).await.is(400, json!({ "message": NOT_THERE, "resource_id": id }));
    });
}

#[test]
fn many_secrets_are_made_and_read_at_once() {
    run(async |world| {
        let ann = world.person("ann@example.com").await;
        let client = ann.session().await;
        let store = datastore(&client, "password", "one").await;
        let links: Vec<String> = (0..5).map(|_| world.uuid()).collect();
        let secrets: Vec<Value> =
            links.iter().map(|link| with(data(&world), json!({ "link_id": link }))).collect();
        let body = json!({ "secrets": secrets, "parent_datastore_id": store });
        let made = client.send("PUT", "/bulk-secret/", body).await.ok(201);
        let made = made["secrets"].as_array().unwrap();
        assert_eq!(made.iter().map(|one| text(&one["link_id"])).collect::<Vec<_>>(), links);
        let mut ids: Vec<Value> = made.iter().map(|one| one["secret_id"].clone()).collect();
        ids.push(world.uuid().into());
        let read = client.send("POST", "/bulk-secret-read/", json!({ "secret_ids": ids })).await.ok(200);
        let read = read["secrets"].as_array().unwrap();
        assert_eq!(read.len(), 5, "what is not there is left out");
        assert!(read.iter().all(|one| ids.contains(&one["id"]) && one["read_count"] == 1));
        for body in [
            json!({}),
            json!({ "secret_ids": "x" }),
            json!({ "secret_ids": ["x"] }),
            json!({ "secret_ids": vec![world.uuid(); 1_001] }),
        ] {
            let refused = client.send("POST", "/bulk-secret-read/", body).await;
            assert_eq!(refused.status, 400);
            assert!(refused.body.get("secret_ids").is_some(), "{}", refused.body);
        }
    });
}

/// An API key that may only look may also look at many, though that is a POST.
#[test]
fn a_key_that_may_read_reads_many_at_once() {
    run(async |world| {
        let ann = world.person("ann@example.com").await;
        let owner = ann.session().await;
        let store = datastore(&owner, "password", "one").await;
        let (secret, _) = secret(&owner, json!({ "parent_datastore_id": store })).await;
        let (client, _) = ann.api_key(&owner, json!({})).await.sign_in().await;
        let read = client.send("POST", "/bulk-secret-read/", json!({ "secret_ids": [secret] })).await.ok(200);
        assert_eq!(read["secrets"][0]["read_count"], 1);
        let body = with(data(&world), json!({ "secret_id": secret }));
        assert_eq!(client.send("POST", "/secret/", body).await.status, 403);
    });
}

/// A-API-12: a restricted key reaches what is attached to it, and nothing else.
#[test]
fn a_restricted_key_reaches_what_is_attached_to_it() {
    run(async |world| {
        let ann = world.person("ann@example.com").await;
        let owner = ann.session().await;
        let store = datastore(&owner, "password", "one").await;
        let below = json!({ "parent_datastore_id": store });
        let ((open, _), (closed, _)) = (secret(&owner, below.clone()).await, secret(&owner, below).await);
        let key = ann.api_key(&owner, json!({ "restrict_to_secrets": true, "write": true })).await;
        let attach = json!({
            "api_key_id": key.id.to_uuid(), "secret_id": open,
            "secret_key": "ab".repeat(80), "secret_key_nonce": "cd".repeat(24), "title": "ef".repeat(20), "title_nonce": "01".repeat(24),
        });
        let attached = owner.send("PUT", "/api-key/secret/", attach.clone()).await.ok(201);
        owner.send("PUT", "/api-key/secret/", attach).await.is_code("API_KEY_SECRET_ALREADY_EXIST");
        let listed = owner.get(&format!("/api-key/secret/{}/", key.id.to_uuid())).await.ok(200);
        let expected = json!({ "id": attached["api_key_secret_id"], "secret_id": open, "title": "ef".repeat(20), "title_nonce": "01".repeat(24) });
        assert_eq!(listed, json!([expected]));

        let (client, _) = key.sign_in().await;
        client.get(&format!("/secret/{open}/")).await.ok(200);
        client.send("POST", "/secret/", with(data(&world), json!({ "secret_id": open }))).await.ok(200);
        let refused = client.get(&format!("/secret/{closed}/")).await;
        assert!([400, 403].contains(&refused.status), "{}", refused.body);
        for path in
            ["/datastore/", "/share/", &format!("/datastore/{store}/"), &format!("/secret/history/{open}/")]
        {
            assert_eq!(client.get(path).await.status, 403, "{path}");
        }
        let detach = json!({ "api_key_secret_id": attached["api_key_secret_id"] });
        owner.send("DELETE", "/api-key/secret/", detach.clone()).await.ok(200);
        assert!([400, 403].contains(&client.get(&format!("/secret/{open}/")).await.status));
        owner.send("DELETE", "/api-key/secret/", detach).await.is_code("API_KEY_SECRET_DOES_NOT_EXIST");
    });
}

#[test]
fn api_keys_are_listed_shown_changed_and_deleted() {
    run(async |world| {
        let ann = world.person("ann@example.com").await;
        let owner = ann.session().await;
        let key = ann.api_key(&owner, json!({ "allow_insecure_access": true })).await;
        let id = key.id.to_uuid();
        let short = |title: &str, write: bool| json!({ "id": id, "title": title, "read": true, "write": write, "restrict_to_secrets": false, "allow_insecure_access": true, "active": true });
        assert_eq!(owner.get("/api-key/").await.ok(200), json!({ "api_keys": [short("a test", false)] }));
        let shown = owner.get(&format!("/api-key/{id}/")).await.ok(200);
        let sealed = sealed_of(&shown, "secret_key");
        assert_eq!(
            *open_key(&BoxKey::from_bytes(ann.secret_key), &sealed.nonce, &sealed.text).unwrap(),
            key.secret
        );
        let change = json!({ "api_key_id": id, "title": "other", "write": true });
        owner.send("POST", "/api-key/", change).await.is(200, json!({}));
        assert_eq!(owner.get("/api-key/").await.ok(200)["api_keys"][0], short("other", true));
        owner.send("POST", "/api-key/", json!({ "api_key_id": id })).await.is_code("NOTHING_TO_UPDATE");
        owner.send("DELETE", "/api-key/", json!({ "api_key_id": id })).await.is(200, json!({}));
        owner
            .send("DELETE", "/api-key/", json!({ "api_key_id": id }))
            .await
            .is_code("API_KEY_DOES_NOT_EXIST");
    });
}

#[test]
fn a_share_is_offered_accepted_used_changed_and_taken_back() {
    run(async |world| {
        let (ann, bob) = (world.person("ann@example.com").await, world.person("bob@example.com").await);
        let (giver, taker) = (ann.session().await, bob.session().await);
        let store = datastore(&giver, "password", "one").await;
        let (id, _) = share(&giver, json!({ "parent_datastore_id": store })).await;
        let (secret, _) = secret(&giver, json!({ "parent_share_id": id })).await;
        let bobs =
            giver.send("POST", "/user/search/", json!({ "user_username": "bob@example.com" })).await.ok(200);
        let offer = json!({
            "share_id": id, "user_id": bobs["id"], "key": "ab".repeat(80), "key_nonce": "cd".repeat(24),
            "title": "ef".repeat(20), "title_nonce": "01".repeat(24), "type": "23".repeat(20), "type_nonce": "45".repeat(24),
            "read": true, "write": false, "grant": false,
        });
        let right = giver.send("PUT", "/share/right/", offer.clone()).await.ok(201)["share_right_id"].clone();
        assert_eq!(giver.send("PUT", "/share/right/", offer).await.status, 400);
        let listed = taker.get("/share/").await.ok(200)["shares"][0].clone();
        assert_eq!(
            (&listed["id"], &listed["share_right_id"], &listed["share_right_accepted"]),
            (&json!(id), &right, &Value::Null)
        );
        assert_eq!(listed["share_right_create_user_username"], "ann@example.com");
        assert_eq!(bytes(&listed["share_right_create_user_public_key"]), *ann.keys().public().as_bytes());
        assert_eq!(
            (&listed["share_right_key_type"], &listed["share_right_title"]),
            (&json!("asymmetric"), &json!("ef".repeat(20)))
        );
        let path = format!("/share/{id}/");
        assert_eq!(taker.get(&path).await.status, 400, "not before it is accepted");
        let accept = json!({ "share_right_id": right, "key": "67".repeat(80), "key_nonce": "89".repeat(24), "key_type": "symmetric" });
        let accepted = taker.send("POST", "/share/right/accept/", accept).await.ok(200);
        assert_eq!((&accepted["share_id"], &accepted["share_type"]), (&json!(id), &json!("23".repeat(20))));
        assert!(accepted["share_data"].is_string());
        let shown = taker.get(&path).await.ok(200);
        assert_eq!(shown["rights"], json!({ "read": true, "write": false, "grant": false }));
        assert_eq!(shown["data"], accepted["share_data"]);
        taker.get(&format!("/secret/{secret}/")).await.ok(200);
        let save = with(data(&world), json!({ "share_id": id }));
        assert_eq!(taker.send("PUT", "/share/", save.clone()).await.status, 400);
        let more =
            json!({ "share_id": id, "user_id": bobs["id"], "read": true, "write": true, "grant": false });
        giver.send("POST", "/share/right/", more).await.ok(200);
        taker.send("PUT", "/share/", save).await.ok(200);
        let members = giver.get(&format!("/share/rights/{id}/")).await.ok(200);
        assert_eq!(members["user_share_rights"].as_array().unwrap().len(), 2);
        assert_eq!(members["own_share_rights"].as_array().unwrap().len(), 1);
        let own = taker.get("/share/right/").await.ok(200)["share_rights"][0].clone();
        assert_eq!((&own["id"], &own["share_id"], &own["write"]), (&right, &json!(id), &json!(true)));
        giver.send("DELETE", "/share/right/", json!({ "user_share_right_id": right })).await.ok(200);
        taker.get(&path).await.is(400, json!({ "message": NOT_THERE, "resource_id": id }));
        assert_eq!(taker.get(&format!("/secret/{secret}/")).await.status, 400);
    });
}

#[test]
fn shares_hang_in_a_tree_without_cycles() {
    run(async |world| {
        let ann = world.person("ann@example.com").await;
        let client = ann.session().await;
        let store = datastore(&client, "password", "one").await;
        let (outer, outer_link) = share(&client, json!({ "parent_datastore_id": store })).await;
        let (inner, inner_link) = share(&client, json!({ "parent_share_id": outer })).await;
        let below = client.get(&format!("/metadata-share/{outer}/")).await.ok(200);
        assert_eq!((&below["shares"][0]["id"], &below["secrets"]), (&json!(inner), &json!([])));
        let under_itself = json!({ "link_id": outer_link, "new_parent_share_id": inner });
        client.send("POST", "/share/link/", under_itself).await.is_code("LINK_WOULD_MAKE_A_CYCLE");
        let place = json!({ "link_id": world.uuid(), "share_id": outer, "parent_share_id": inner });
        client.send("PUT", "/share/link/", place).await.is_code("LINK_WOULD_MAKE_A_CYCLE");
        let place = json!({ "link_id": world.uuid(), "share_id": inner, "parent_datastore_id": store });
        client.send("PUT", "/share/link/", place.clone()).await.ok(201);
        client.send("DELETE", "/share/link/", json!({ "link_id": inner_link })).await.ok(200);
        let both = with(place, json!({ "parent_share_id": outer }));
        for body in [both, json!({ "link_id": world.uuid(), "share_id": inner })] {
            let refused = client.send("PUT", "/share/link/", body).await;
            refused.is_code("EITHER_PARENT_SHARE_OR_DATASTORE_NEED_TO_BE_SPECIFIED");
        }
    });
}

#[test]
fn an_offer_is_declined() {
    run(async |world| {
        let (ann, bob) = (world.person("ann@example.com").await, world.person("bob@example.com").await);
        let (giver, taker) = (ann.session().await, bob.session().await);
        let store = datastore(&giver, "password", "one").await;
        let (id, _) = share(&giver, json!({ "parent_datastore_id": store })).await;
        let bobs =
            giver.send("POST", "/user/search/", json!({ "user_username": "bob@example.com" })).await.ok(200);
        let offer = json!({ "share_id": id, "user_id": bobs["id"], "key": "ab".repeat(80), "key_nonce": "cd".repeat(24), "read": true, "write": true, "grant": true });
        let right = giver.send("PUT", "/share/right/", offer).await.ok(201)["share_right_id"].clone();
        taker.send("POST", "/share/right/decline/", json!({ "share_right_id": right })).await.ok(200);
        assert_eq!(taker.get(&format!("/share/{id}/")).await.status, 400);
    });
}

/// A device that waits longer than a validator lasts is let in all the same: its clock was read when it asked.
#[test]
fn a_device_is_let_in_by_a_person_once() {
    run(async |world| {
        let ann = world.person("ann@example.com").await;
        let person = ann.session().await;
        let device = BoxSecret::from_seed(world.draw());
        let fingerprint = "a device of its own, here";
        let ask = json!({
            "device_description": "a box", "device_fingerprint": fingerprint, "device_date": world.time(0),
            "user_public_key": to_hex(device.public().as_bytes()),
        });
        let code = world.post("/device-code/", ask.clone()).await.ok(201);
        assert_eq!((&code["state"], &code["valid_till"]), (&json!("pending"), &json!(world.time(300_000))));
        let id = text(&code["id"]);
        let poll = format!("/device-code/{id}/token/");
        world.post(&poll, json!({})).await.is_code("DEVICE_CODE_NOT_CLAIMED");
        world.advance(Duration::from_secs(120));
        let credentials = json!({ "encrypted_credentials_input": "ab".repeat(200), "encrypted_credentials_nonce": "cd".repeat(24) });
        let claim = format!("/device-code/{id}/claim/");
        let claimed = person.send("PUT", &claim, credentials.clone()).await.ok(200);
        assert_eq!(
            (&claimed["state"], &claimed["server_public_key"]),
            (&json!("claimed"), &code["server_public_key"])
        );
        person
            .send("PUT", &claim, credentials)
            .await
            .is(403, json!({ "detail": "DEVICE_CODE_ALREADY_CLAIMED" }));
        let told = world.post(&poll, json!({})).await.ok(200);
        let server = BoxPublic::from_bytes(bytes(&code["server_public_key"])).unwrap();
        let opened = device
            .agree(&server)
            .unwrap()
            .open(&bytes(&told["nonce"]), &from_hex(text(&told["boxed_payload"])).unwrap())
            .unwrap();
        let payload: Value = serde_json::from_slice(&opened).unwrap();
        assert_eq!((text(&payload["id"]), text(&payload["encrypted_credentials"])), (id, &*"ab".repeat(200)));
        let client = Client {
            world: &world,
            token: text(&payload["token"]).to_owned(),
            key: BoxKey::from_bytes(bytes(&payload["session_secret_key"])),
            fingerprint: Some(fingerprint.to_owned()),
        };
        client.get("/api-key/").await.ok(200);
        world.post(&poll, json!({})).await.is_code("DEVICE_CODE_NOT_FOUND");

        let late = text(&world.post("/device-code/", ask.clone()).await.ok(201)["id"]).to_owned();
        world.advance(Duration::from_secs(301));
        let credentials = json!({ "encrypted_credentials_input": "ab".repeat(200), "encrypted_credentials_nonce": "cd".repeat(24) });
        let expired = person.send("PUT", &format!("/device-code/{late}/claim/"), credentials).await;
        expired.is(403, json!({ "detail": "DEVICE_CODE_EXPIRED" }));
        world.post(&format!("/device-code/{late}/token/"), json!({})).await.is_code("DEVICE_CODE_EXPIRED");
        world.post("/device-code/x/token/", json!({})).await.is_code("DEVICE_CODE_NOT_FOUND");
        for (name, value) in [
            ("device_description", "ab"),
            ("device_fingerprint", "short"),
            ("device_date", "x"),
            ("user_public_key", "00"),
        ] {
            let mut body = ask.clone();
            body[name] = value.into();
            let refused = world.post("/device-code/", body).await;
            assert!(refused.status == 400 && refused.body.get(name).is_some(), "{name}: {}", refused.body);
        }
    });
}

/// The key of a secret that a key reaches, the secret, and what it says.
async fn attached_secret(
    ann: &Person<'_>,
    owner: &Client<'_>,
    key: &ApiKey<'_>,
    plain: &str,
) -> ([u8; 32], String) {
    let world = ann.world;
    let store = datastore(owner, "password", &world.uuid()).await;
    let (secret_key, nonce) = (world.draw::<32>(), world.draw::<NONCE_BYTES>());
    let text = BoxKey::from_bytes(secret_key).seal(&nonce, plain.as_bytes());
    let body = json!({ "data": to_hex(&text), "data_nonce": to_hex(&nonce), "link_id": world.uuid(), "parent_datastore_id": store });
    let id = text_of(&owner.send("PUT", "/secret/", body).await.ok(201)["secret_id"]);
    let nonce = world.draw();
    let attach = json!({
        "api_key_id": key.id.to_uuid(), "secret_id": id,
        "secret_key": to_hex(&seal_key(&BoxKey::from_bytes(key.secret), &nonce, &secret_key)), "secret_key_nonce": to_hex(&nonce),
        "title": "ef".repeat(20), "title_nonce": "01".repeat(24),
    });
    owner.send("PUT", "/api-key/secret/", attach).await.ok(201);
    (secret_key, id)
}

fn text_of(value: &Value) -> String {
    text(value).to_owned()
}

/// A-API-12, A-API-13: two ids are the only credential, and they reach what is attached and nothing else.
#[test]
fn a_key_reaches_its_secrets_without_a_session() {
    run(async |world| {
        let ann = world.person("ann@example.com").await;
        let owner = ann.session().await;
        let key = ann.api_key(&owner, json!({ "write": true })).await;
        let (secret_key, id) = attached_secret(&ann, &owner, &key, r#"{"a":"one"}"#).await;
        let (_, other) = attached_secret(&ann, &owner, &ann.api_key(&owner, json!({})).await, "{}").await;
        let ask = json!({ "api_key_id": key.id.to_uuid(), "secret_id": id });
        let told = world.post("/api-key-access/secret/", ask.clone()).await.ok(200);
        assert_eq!((&told["read_count"], &told["write_date"]), (&json!(1), &json!(world.time(0))));
        let sealed = sealed_of(&told, "secret_key");
        let opened = open_key(&BoxKey::from_bytes(key.secret), &sealed.nonce, &sealed.text).unwrap();
        assert_eq!(*opened, secret_key);
        let plain = sealed_of(&told, "data").open(&BoxKey::from_bytes(secret_key)).unwrap();
        assert_eq!(plain.as_slice(), br#"{"a":"one"}"#);

        let put =
            async |body: Value| world.request("PUT", "/api-key-access/secret/", &[], body.to_string()).await;
        let stale =
            with(with(data(&world), ask.clone()), json!({ "old_write_date": "2020-01-01T00:00:00Z" }));
        put(stale).await.is_code("WRITE_DATE_MISMATCH");
        let fresh = with(with(data(&world), ask.clone()), json!({ "old_write_date": told["write_date"] }));
        let written = put(fresh.clone()).await.ok(200)["write_date"].clone();
        let empty = with(with(data(&world), ask.clone()), json!({ "old_write_date": "" }));
        let written_again = put(empty).await.ok(200)["write_date"].clone();
        assert_ne!(written, written_again);
        let inspected = world.post("/api-key-access/inspect/", ask.clone()).await.ok(200);
        let expected = json!({
            "allow_insecure_access": false, "restrict_to_secrets": false, "read": true, "write": true,
            "api_key_secrets": [{ "secret_id": id, "write_date": written_again }],
        });
        assert_eq!(inspected, expected);

        let change = async |name: &str, flag: bool| {
            owner
                .send("POST", "/api-key/", json!({ "api_key_id": key.id.to_uuid(), name: flag }))
                .await
                .ok(200);
        };
        for body in [
            json!({ "api_key_id": key.id.to_uuid(), "secret_id": other }),
            json!({ "api_key_id": world.uuid(), "secret_id": id }),
        ] {
            world.post("/api-key-access/secret/", body.clone()).await.is_code(NOT_THERE);
            put(with(data(&world), body)).await.is_code(NOT_THERE);
        }
        change("write", false).await;
        put(with(data(&world), ask.clone())).await.is_code(NOT_THERE);
        change("read", false).await;
        world.post("/api-key-access/secret/", ask.clone()).await.is_code(NOT_THERE);
        change("read", true).await;
        change("active", false).await;
        world.post("/api-key-access/secret/", ask.clone()).await.is_code(NOT_THERE);
        world.post("/api-key-access/inspect/", ask).await.is_code(NOT_THERE);
    });
}

/// The server opens nothing unless the operator allows it, and the key, and the caller has the right key.
#[test]
fn the_server_opens_a_secret_only_where_all_three_allow_it() {
    let plain = r#"{"a":{"b":"bare"},"list":[1]}"#;
    for allowed in [false, true] {
        run_with(
            |options| options.insecure_access = allowed,
            async |world| {
                let ann = world.person("ann@example.com").await;
                let owner = ann.session().await;
                let key = ann.api_key(&owner, json!({ "allow_insecure_access": true, "write": true })).await;
                let closed = ann.api_key(&owner, json!({})).await;
                let (secret_key, id) = attached_secret(&ann, &owner, &key, plain).await;
                let (_, other) = attached_secret(&ann, &owner, &closed, plain).await;
                let ask = |key: &ApiKey<'_>, id: &str, secret: [u8; 32]| json!({ "api_key_id": key.id.to_uuid(), "secret_id": id, "api_key_secret_key": to_hex(&secret) });
                let good = ask(&key, &id, key.secret);
                let read = async |body: Value| world.post("/api-key-access/secret/", body).await;
                if !allowed {
                    read(good).await.is_code("INSECURE_ACCESS_NOT_ALLOWED");
                    return;
                }
                read(ask(&closed, &other, closed.secret)).await.is_code("INSECURE_ACCESS_NOT_ALLOWED");
                read(ask(&key, &id, [1; 32])).await.is_code("API_KEY_SECRET_KEY_INVALID");
                assert_eq!(read(good.clone()).await.raw, plain);
                for (way, found) in [("a.b", "bare"), ("list", "[1]"), ("list.0", "1"), ("nothing", "")] {
                    let answer = read(with(good.clone(), json!({ "json_filter": way }))).await;
                    assert_eq!((answer.status, &*answer.raw), (200, found), "{way}");
                }
                let put = async |body: Value| {
                    world.request("PUT", "/api-key-access/secret/", &[], body.to_string()).await
                };
                let changed = r#"{"a":"changed"}"#;
                put(with(good.clone(), json!({ "insecure_data": changed }))).await.ok(200);
                put(with(good.clone(), json!({ "insecure_data": "{" })))
                    .await
                    .is(400, json!({ "insecure_data": ["Is not JSON."] }));
                put(with(ask(&key, &id, [1; 32]), json!({ "insecure_data": "{}" })))
                    .await
                    .is_code("API_KEY_SECRET_KEY_INVALID");
                assert_eq!(read(good).await.raw, changed);
                let shown = owner.get(&format!("/secret/{id}/")).await.ok(200);
                let opened = sealed_of(&shown, "data").open(&BoxKey::from_bytes(secret_key)).unwrap();
                assert_eq!(opened.as_slice(), changed.as_bytes());
            },
        );
    }
}
