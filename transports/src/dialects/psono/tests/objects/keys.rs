//! API keys, what is attached to them, and what they reach with a session and without. Source: dialects/psono.md,
//! sections 7.4 and 8.

use super::*;

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
