//! Vault users: sessions that are sealed to their keys, and what they say about themselves. Section 6 of the page.

use std::time::Duration;

use super::*;

/// Asks for a session of the vault with nothing but a public key, and opens it.
async fn session<'w>(world: &'w World, key: &str, valid_for: Value) -> Caller<'w> {
    let (pem, private) = key_pair(key);
    let body = json!({ "public_key": pem, "valid_for": valid_for });
    let body = world.vault().post("/session", body).await.ok(201);
    let session = unseal(&private, &body["session"]["encrypted_session_authentication_string"]);
    assert_eq!(session.len(), 89);
    world.vault().with(&session)
}

#[test]
fn a_session_is_sealed_to_the_key_as_clients_read_it() {
    run(async |world| {
        for key in ["rsa2048", "rsa4096"] {
            world.member(key).await;
            let (pem, _) = key_pair(key);
            for spelling in [pem.clone(), pem.replace("\r\n", "\n")] {
                let body = world.vault().post("/session", json!({ "public_key": spelling })).await.ok(201);
                let sealed = text(&body["session"]["encrypted_session_authentication_string"]);
                let parts: Vec<&str> = sealed.split('.').collect();
                let strategy = format!("Rsa{}", &key[3..]);
                assert_eq!((parts.len(), parts[0], parts[2]), (3, &*strategy, "QQUAAAAA"));
                assert_eq!(body, json!({"session": {"encrypted_session_authentication_string": sealed}}));
            }
            session(&world, key, Value::Null).await.get("/me").await.ok(200);
        }
    });
}

/// Row "Vault login with unknown key".
#[test]
fn a_key_that_nobody_brought_along_signs_nobody_in() {
    run(async |world| {
        world.member("rsa2048").await;
        let body = json!({ "public_key": key_pair("rsa4096").0 });
        world.vault().post("/session", body).await.is(401, "login_failed");
    });
}

/// A session that nobody has opened lives ten minutes; its first use proves it, and then it lives as long as it says.
#[test]
fn a_session_is_unproved_for_ten_minutes_or_until_its_first_use() {
    run(async |world| {
        world.member("rsa2048").await;
        let (used, unused) =
            (session(&world, "rsa2048", Value::Null).await, session(&world, "rsa2048", Value::Null).await);
        world.advance(Duration::from_secs(600));
        used.get("/me").await.ok(200);
        world.advance(Duration::from_millis(1));
        unused.get("/me").await.is(401, "unauthorized");
        world.advance(DAY);
        used.get("/me").await.ok(200);
    });
}

/// Whatever the first use is, it proves the session, and does what it is for.
#[test]
fn every_first_use_of_a_session_does_what_it_is_for() {
    run(async |world| {
        world.member("rsa2048").await;
        let fresh = async || session(&world, "rsa2048", Value::Null).await;
        fresh().await.get("/me").await.ok(200);
        fresh().await.put("/me", json!({"user": {}})).await.ok(200);
        fresh().await.get("/items").await.ok(200);
        fresh().await.get("/item_templates").await.ok(200);
        let item = json!({"template_name": "custom", "item": {"label": "first"}});
        fresh().await.post("/items", item).await.ok(201);
        fresh().await.post("/session/limited_in_time", json!({"valid_for": 60})).await.ok(201);
        let leaving = fresh().await;
        leaving.delete("/session").await.gone();
        leaving.get("/me").await.is(401, "unauthorized");
        // Also one that is refused for another reason.
        let refused = fresh().await;
        refused.send("POST", "/items", "{").await.is(400, "malformed_json");
        world.advance(Duration::from_secs(601));
        refused.get("/me").await.ok(200);
    });
}

/// Whoever has the public key can ask for sessions without end; they push out each other, the oldest first, and no
/// session that somebody has used.
#[test]
fn sessions_that_nobody_opens_push_out_only_each_other() {
    run(async |world| {
        let owner = world.member("rsa2048").await;
        owner.get("/me").await.ok(200);
        let first = session(&world, "rsa2048", Value::Null).await;
        world.advance(Duration::from_millis(1));
        let second = session(&world, "rsa2048", Value::Null).await;
        world.advance(Duration::from_millis(1));
        for _ in 0..15 {
            session(&world, "rsa2048", Value::Null).await;
        }
        first.get("/me").await.is(401, "unauthorized");
        second.get("/me").await.ok(200);
        for _ in 0..200 {
            world.vault().post("/session", json!({"public_key": key_pair("rsa2048").0})).await.ok(201);
        }
        owner.get("/me").await.ok(200);
        second.get("/me").await.ok(200);
        session(&world, "rsa2048", Value::Null).await.get("/me").await.ok(200);
    });
}

#[test]
fn a_session_of_the_vault_ends_when_it_was_told_to() {
    run(async |world| {
        world.member("rsa2048").await;
        for bad in [json!(0), json!(-1), json!(1.5), json!("60"), json!(2_592_001)] {
            let body = json!({ "public_key": key_pair("rsa2048").0, "valid_for": bad });
            world.vault().post("/session", body).await.is_about("valid_for");
        }
        let short = session(&world, "rsa2048", json!(60)).await;
        short.get("/me").await.ok(200);
        world.advance(Duration::from_secs(60));
        short.get("/me").await.ok(200);
        world.advance(Duration::from_millis(1));
        short.get("/me").await.is(401, "unauthorized");
    });
}

#[test]
fn a_limited_session_of_the_vault_is_sealed_too_and_ends_with_its_parent() {
    run(async |world| {
        let parent = world.member("rsa2048").await;
        for bad in [json!({}), json!({"valid_for": 0}), json!({"valid_for": "60"})] {
            parent.post("/session/limited_in_time", bad).await.is_about("valid_for");
        }
        let body = parent.post("/session/limited_in_time", json!({ "valid_for": 60 })).await.ok(201);
        let sealed = &body["session"]["encrypted_session_authentication_string"];
        assert_eq!(body, json!({"session": {"encrypted_session_authentication_string": sealed}}));
        let child = world.vault().with(&unseal(&key_pair("rsa2048").1, sealed));
        child.get("/me").await.ok(200);
        parent.delete("/session").await.gone();
        child.get("/me").await.is(401, "unauthorized");
    });
}

#[test]
fn signing_out_of_the_vault_leaves_the_keystore() {
    run(async |world| {
        let (keystore, first) = world.both("rsa2048").await;
        let (second, third) =
            (session(&world, "rsa2048", Value::Null).await, session(&world, "rsa2048", Value::Null).await);
        second.get("/me").await.ok(200);
        second.delete("/session/all?except_current=true").await.gone();
        first.get("/me").await.is(401, "unauthorized");
        third.get("/me").await.is(401, "unauthorized");
        second.get("/me").await.ok(200);
        second.delete("/session/all").await.gone();
        second.get("/me").await.is(401, "unauthorized");
        keystore.get("/session").await.ok(200);
    });
}

/// One stored value under two names; the new one wins.
#[test]
fn the_private_dek_has_two_names() {
    run(async |world| {
        let member = world.member("rsa2048").await;
        let put = async |user: Value| member.put("/me", json!({ "user": user })).await.ok(200);
        let is = |body: &Value, id: Value| {
            assert_eq!(body["user"]["private_dek_external_id"], id);
            assert_eq!(body["user"]["private_encryption_space_id"], id);
        };
        is(&member.get("/me").await.ok(200), Value::Null);
        is(&put(json!({ "private_encryption_space_id": "one" })).await, json!("one"));
        is(&put(json!({ "private_dek_external_id": "two" })).await, json!("two"));
        let both = json!({ "private_encryption_space_id": "old", "private_dek_external_id": "new" });
        is(&put(both).await, json!("new"));
        // What a client has not set it may send as null: nobody is to lose their key by that.
        let unset = json!({ "private_encryption_space_id": null, "private_dek_external_id": null });
        is(&put(unset).await, json!("new"));
        is(
            &put(json!({ "private_encryption_space_id": "x", "private_dek_external_id": null })).await,
            json!("x"),
        );
        is(&member.get("/me").await.ok(200), json!("x"));
    });
}

#[test]
fn a_profile_changes_member_by_member_and_null_clears_it() {
    run(async |world| {
        let member = world.member("rsa2048").await;
        let put = async |user: Value| member.put("/me", json!({ "user": user })).await;
        let all = json!({ "country": "AU", "email": "a@example.com", "full_name": "Zoé", "image": "id" });
        let body = put(all.clone()).await.ok(200);
        for (name, value) in all.as_object().unwrap() {
            assert_eq!(body["user"][name], *value);
        }
        let body = put(json!({ "country": null, "email": null, "unknown": 1 })).await.ok(200);
        assert_eq!((&body["user"]["country"], &body["user"]["email"]), (&Value::Null, &json!("")));
        assert_eq!(body["user"]["full_name"], "Zoé");
        let longest = "x".repeat(1_024);
        put(json!({ "full_name": longest })).await.ok(200);
        for name in ["country", "email", "full_name", "image", "private_dek_external_id"] {
            for bad in [json!("x".repeat(1_025)), json!(1), json!(["x"])] {
                put(json!({ name: bad })).await.is_about(name);
            }
        }
        for bad in [json!({}), json!({"user": null}), json!({"user": "x"}), json!({"user": []})] {
            member.put("/me", bad).await.is_about("user");
        }
    });
}
