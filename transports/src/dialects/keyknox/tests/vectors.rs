//! What the published clients were recorded to send, and the hashes that are defined for their states.

use strongroom_primitives::{encoding::from_base64, sign::VerifyingKey};

use super::*;

fn vectors() -> Value {
    serde_json::from_str(include_str!("../../../../../tests/vectors/keyknox.json")).unwrap()
}

/// A world in which the vectors' application is known.
async fn know_applications(world: &World, vectors: &Value) {
    let put = async |application: &Value, key_id: &Value, spki_b64: &Value| {
        let spki = from_base64(spki_b64.as_str().unwrap()).unwrap();
        let public_key = *VerifyingKey::from_spki(&spki).unwrap().as_bytes();
        let key = RealmKey { key_id: key_id.as_str().unwrap().to_owned(), public_key, rights: Rights::ALL };
        let realm = RealmId::new(application.as_str().unwrap()).unwrap();
        world.engine.handle().ask(Credential::Operator, PutRealmKey { realm, key }).await.unwrap();
    };
    let jwt = &vectors["jwt"];
    put(&jwt["app_id"], &jwt["api_key_id"], &vectors["keys"]["items"]["api"]["public_spki_b64"]).await;
    for item in vectors["jwt_other_sdk"].as_array().unwrap() {
        put(&item["app_id"], &item["api_key_id"], &item["public_spki_b64"]).await;
    }
}

fn recorded(item: &Value) -> Request {
    let mut request = request(
        item["method"].as_str().unwrap().parse().unwrap(),
        item["path"].as_str().unwrap().strip_prefix("/keyknox").unwrap(),
        item["body"].as_str().unwrap(),
    );
    for (name, value) in item["headers"].as_object().unwrap() {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        request.headers.insert(name, HeaderValue::from_str(value.as_str().unwrap()).unwrap());
    }
    request
}

#[test]
fn every_recorded_request_of_the_published_clients_is_answered_as_they_expect() {
    run(async |world| {
        let vectors = vectors();
        know_applications(&world, &vectors).await;
        let groups = vectors["wire"].as_array().unwrap();
        assert_eq!(groups.len(), 2);
        let emptied = json!({"meta": "", "value": "", "version": "2.0"});
        let first = json!({"meta": "bWV0YQ==", "value": "dmFsdWU=", "version": "1.0"});
        let ticket = |identities: &[&str]| {
            json!({
                "owner": "alice", "root": "group-sessions", "path": "p", "key": "0",
                "identities": identities, "meta": "bWV0YQ==", "value": "dmFsdWU=",
            })
        };
        let gone = |key: &str| {
            json!({
                "owner": "alice", "root": "group-sessions", "path": "p", "key": key,
                "identities": [], "meta": "", "value": "",
            })
        };
        // The recorded previous hashes are made up, so the writes that carry one are stale.
        let newer = [
            Ok(first.clone()),
            Err(50010),
            Ok(first.clone()),
            Ok(emptied.clone()),
            Ok(ticket(&["alice", "bob"])),
            Err(50010),
            Ok(ticket(&["alice", "bob"])),
            Ok(json!(["0"])),
            Ok(ticket(&["alice"])),
            Ok(gone("")),
        ];
        // The older client comes second, to the record that the newer one has emptied.
        let older =
            [Err(50009), Err(50010), Ok(emptied), Ok(json!({"meta": "", "value": "", "version": "3.0"}))];
        for (group, expected) in groups.iter().zip([&newer[..], &older[..]]) {
            let items = group["items"].as_array().unwrap();
            assert_eq!(items.len(), expected.len());
            for (item, expected) in items.iter().zip(expected) {
                let answer = Answer(world.answer(recorded(item)).await);
                let what = format!("{} {} {}", item["method"], item["path"], item["body"]);
                match expected {
                    Ok(body) if body.is_array() => assert_eq!(&answer.json(), body, "{what}"),
                    Ok(body) => assert_eq!(&answer.record(), body, "{what}"),
                    Err(code) => assert_eq!(answer.refusal(), (400, *code), "{what}"),
                }
            }
        }
        // As they were recorded, the tokens have expired since.
        world.advance(Duration::from_secs(1_201));
        let late = Answer(world.answer(recorded(&groups[0]["items"][0])).await);
        assert_eq!(late.refusal(), (401, 20304));
    });
}

#[test]
fn tokens_of_every_client_generation_reach_one_and_the_same_record() {
    run(async |world| {
        let vectors = vectors();
        know_applications(&world, &vectors).await;
        let mut writers = std::collections::BTreeMap::new();
        for item in vectors["jwt"]["items"].as_array().unwrap() {
            let client = world.client_with(item["token"].as_str().unwrap());
            let identity = item["identity"].as_str().unwrap();
            let seen = client.get().await;
            let expected = writers.get(identity).map_or(String::new(), |meta: &String| b64(meta));
            assert_eq!(seen.record()["meta"], expected, "{identity}");
            let meta = format!("written as {identity} after {}", writers.len());
            client.after(&seen.hash()).put(&meta, &meta).await.hash();
            writers.insert(identity.to_owned(), meta);
        }
        assert_eq!(writers.len(), 3, "two identities are there twice, one of them in two encodings");
    });
}

#[test]
fn a_token_of_the_python_sdk_is_accepted_while_it_lives() {
    run(async |world| {
        let vectors = vectors();
        know_applications(&world, &vectors).await;
        let item = &vectors["jwt_other_sdk"][0];
        let client = world.client_with(item["token"].as_str().unwrap());
        assert_eq!(client.get().await.refusal(), (401, 20303), "made long after now");
        let made_s = item["iat"].as_u64().unwrap();
        world.advance(Duration::from_secs(made_s - NOW_S));
        client.get().await.hash();
        let life_s = item["exp"].as_u64().unwrap() - made_s;
        world.advance(Duration::from_secs(life_s + 1));
        assert_eq!(client.get().await.refusal(), (401, 20304));
    });
}

#[test]
fn hashes_on_the_wire_are_those_of_the_vectors() {
    run(async |world| {
        let vectors = vectors();
        let items = vectors["keyknox_hash"]["items"].as_array().unwrap();
        assert_eq!(items.len(), 7);
        for (index, item) in items.iter().enumerate() {
            let field = |name: &str| item[name].as_str().unwrap();
            let client = world.client(&format!("user {index}"));
            let (meta, value) = (&item["meta_b64"], &item["value_b64"]);
            let single = json!({"meta": meta, "value": value}).to_string();
            let named = json!({
                "root": "r", "path": "p", "key": "k", "identities": [], "meta": meta, "value": value,
            });
            let answer = match (field("api"), field("version"), meta == "") {
                ("v1", "1.0", true) => client.get().await,
                ("v1", "1.0", false) => client.put_raw(&single).await,
                ("v1", "1.1", false) => {
                    let before = client.put_raw(&json!({"meta": "bQ==", "value": value}).to_string()).await;
                    client.after(&before.hash()).put_raw(&single).await
                }
                ("v1", "2.0", true) => {
                    client.put("m", "v").await.hash();
                    client.reset().await
                }
                ("v2", _, true) => client.post("pull", named).await,
                ("v2", _, false) => client.post("push", named).await,
                _ => panic!("a state that nobody thought of: {item}"),
            };
            assert_eq!(answer.hash(), field("hash"), "{item}");
        }
    });
}
