//! Datastores and secrets: every call of section 7 once as clients ask it, and what each refuses. Shares, keys and devices
//! have files of their own below.

mod devices;
mod keys;
mod shares;

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

fn text_of(value: &Value) -> String {
    text(value).to_owned()
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
