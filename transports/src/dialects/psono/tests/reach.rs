//! What the session of an API key may do, call by call.

use super::*;
use crate::dialects::psono::paths::{Door, PATHS};

/// What a call takes of an API key.
#[derive(Debug, Clone, Copy)]
enum Takes {
    /// That it may look, at everything.
    Read,
    /// That it may change something, whatever that is.
    Write,
    /// That it may look, at what is attached to it.
    ReadAttached,
    /// That it may change something, if that is attached to it.
    WriteAttached,
    /// That the caller has no API key.
    Password,
    /// Nothing.
    Nothing,
}

impl Takes {
    fn refuses(self, read: bool, write: bool, restrict: bool) -> bool {
        match self {
            Self::Read => !read || restrict,
            Self::Write => !write || restrict,
            Self::ReadAttached => !read,
            Self::WriteAttached => !write,
            Self::Password => true,
            Self::Nothing => false,
        }
    }
}

fn sealed(world: &World, names: &[&str]) -> Value {
    let mut body = json!({});
    for name in names {
        body[name] = "ab".repeat(80).into();
        body[format!("{name}_nonce")] = to_hex(&world.draw::<NONCE_BYTES>()).into();
    }
    body
}

fn with(mut body: Value, more: Value) -> Value {
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

/// Every call of a session, in good form; what is named is nobody's but for `attached`.
fn calls(world: &World, attached: &str) -> Vec<(&'static str, &'static str, Value, Takes)> {
    let id = || world.uuid();
    let below = || json!({ "parent_datastore_id": id(), "link_id": id() });
    let offer = json!({ "share_id": id(), "user_id": id(), "read": true, "write": true, "grant": true });
    let new_key = json!({
        "title": "x", "public_key": to_hex(BoxSecret::from_seed([1; 32]).public().as_bytes()),
        "verify_key": to_hex(SigningKey::from_seed(&[1; 32]).verifying_key().as_bytes()),
    });
    let keys = ["private_key", "secret_key", "user_private_key", "user_secret_key"];
    let credentials = json!({ "encrypted_credentials_input": "ab".repeat(20), "encrypted_credentials_nonce": "cd".repeat(24) });
    let proof = json!({ "verification": "ab".repeat(80), "verification_nonce": "cd".repeat(24) });
    vec![
        ("POST", "authentication/activate-token", proof, Takes::Nothing),
        ("POST", "authentication/logout", json!({ "session_id": id() }), Takes::Password),
        ("GET", "authentication/sessions", json!(null), Takes::Password),
        ("GET", "session-key", json!(null), Takes::Password),
        ("POST", "user/search", json!({ "user_username": "bob@example.com" }), Takes::Write),
        ("PUT", "device-code/*/claim", credentials, Takes::Password),
        ("GET", "datastore", json!(null), Takes::Read),
        (
            "PUT",
            "datastore",
            with(sealed(world, &["secret_key"]), json!({ "type": "a", "description": id() })),
            Takes::Write,
        ),
        ("POST", "datastore", json!({ "datastore_id": id() }), Takes::Write),
        ("DELETE", "datastore", json!({ "datastore_id": id(), "authkey": "ab".repeat(64) }), Takes::Write),
        ("GET", "datastore/*", json!(null), Takes::Read),
        ("GET", "metadata-datastore/*", json!(null), Takes::Read),
        ("GET", "metadata-share/*", json!(null), Takes::Read),
        ("PUT", "secret", with(sealed(world, &["data"]), below()), Takes::Write),
        (
            "POST",
            "secret",
            with(sealed(world, &["data"]), json!({ "secret_id": attached })),
            Takes::WriteAttached,
        ),
        ("POST", "secret/link", json!({ "link_id": id(), "new_parent_share_id": id() }), Takes::Write),
        ("DELETE", "secret/link", json!({ "link_id": id() }), Takes::Write),
        ("GET", "secret/history/*", json!(null), Takes::Read),
        ("GET", "secret/*", json!(null), Takes::ReadAttached),
        ("GET", "history/*", json!(null), Takes::Read),
        ("PUT", "bulk-secret", json!({ "secrets": [], "parent_datastore_id": id() }), Takes::Write),
        ("POST", "bulk-secret-read", json!({ "secret_ids": [id()] }), Takes::Read),
        ("GET", "share", json!(null), Takes::Read),
        (
            "POST",
            "share",
            with(with(sealed(world, &["data", "key"]), below()), json!({ "key_type": "symmetric" })),
            Takes::Write,
        ),
        ("PUT", "share", with(sealed(world, &["data"]), json!({ "share_id": id() })), Takes::Write),
        ("PUT", "share/link", with(below(), json!({ "share_id": id() })), Takes::Write),
        ("POST", "share/link", json!({ "link_id": id(), "new_parent_share_id": id() }), Takes::Write),
        ("DELETE", "share/link", json!({ "link_id": id() }), Takes::Write),
        ("GET", "share/right", json!(null), Takes::Read),
        ("PUT", "share/right", with(sealed(world, &["key"]), offer.clone()), Takes::Write),
        ("POST", "share/right", offer, Takes::Write),
        ("DELETE", "share/right", json!({ "user_share_right_id": id() }), Takes::Write),
        (
            "POST",
            "share/right/accept",
            with(sealed(world, &["key"]), json!({ "share_right_id": id(), "key_type": "symmetric" })),
            Takes::Write,
        ),
        ("POST", "share/right/decline", json!({ "share_right_id": id() }), Takes::Write),
        ("GET", "share/rights/*", json!(null), Takes::Read),
        ("GET", "share/*", json!(null), Takes::Read),
        ("GET", "api-key", json!(null), Takes::Password),
        ("PUT", "api-key", with(sealed(world, &keys), new_key), Takes::Password),
        ("POST", "api-key", json!({ "api_key_id": id(), "write": true }), Takes::Password),
        ("DELETE", "api-key", json!({ "api_key_id": id() }), Takes::Password),
        (
            "PUT",
            "api-key/secret",
            with(sealed(world, &["secret_key", "title"]), json!({ "api_key_id": id(), "secret_id": id() })),
            Takes::Password,
        ),
        ("DELETE", "api-key/secret", json!({ "api_key_secret_id": id() }), Takes::Password),
        ("GET", "api-key/secret/*", json!(null), Takes::Password),
        ("GET", "api-key/*", json!(null), Takes::Password),
    ]
}

/// Sections 5 and 11.2 to 11.3, A-API-12: every call there is, for every kind of key. What a key may not do is refused in
/// one way, whatever is named; what it may do is not, though most of what is named here there is not.
#[test]
fn every_call_takes_what_it_takes_of_an_api_key() {
    run(async |world| {
        let ann = world.person("ann@example.com").await;
        let owner = ann.session().await;
        let store = with(sealed(&world, &["secret_key"]), json!({ "type": "a", "description": "b" }));
        let store = owner.send("PUT", "/datastore/", store).await.ok(201)["datastore_id"].clone();
        let secret =
            with(sealed(&world, &["data"]), json!({ "link_id": world.uuid(), "parent_datastore_id": store }));
        let secret = text(&owner.send("PUT", "/secret/", secret).await.ok(201)["secret_id"]).to_owned();
        let forbidden = json!({ "detail": "You do not have permission to perform this action." });
        for (read, write, restrict) in [
            (true, true, false),
            (true, false, false),
            (false, true, false),
            (false, false, false),
            (true, true, true),
            (true, false, true),
            (false, true, true),
        ] {
            let flags = json!({ "read": read, "write": write, "restrict_to_secrets": restrict });
            let key = ann.api_key(&owner, flags.clone()).await;
            let attach = json!({ "api_key_id": key.id.to_uuid(), "secret_id": secret });
            let attach = with(sealed(&world, &["secret_key", "title"]), attach);
            owner.send("PUT", "/api-key/secret/", attach).await.ok(201);
            let (client, _) = key.sign_in().await;
            let calls = calls(&world, &secret);
            for (path, door) in PATHS {
                let listed = calls.iter().any(|(_, listed, _, _)| listed == path);
                assert_eq!(listed, *door == Door::Session, "{path}");
            }
            for (method, path, body, takes) in calls {
                let named = match path {
                    "secret/*" => secret.clone(),
                    _ => world.uuid(),
                };
                let target = format!("/{}/", path.replace('*', &named));
                let answer = match method {
                    "GET" => client.get(&target).await,
                    _ => client.send(method, &target, body).await,
                };
                assert!(answer.was_sealed && answer.status < 500, "{method} {path} {flags}");
                let refused = (answer.status, &answer.body) == (403, &forbidden);
                let expected = takes.refuses(read, write, restrict);
                assert_eq!(refused, expected, "{method} {path} {flags}: {}", answer.body);
            }
            client.send("POST", "/authentication/logout/", json!({})).await.ok(200);
            client.get("/datastore/").await.is_unauthorized();
        }
    });
}
