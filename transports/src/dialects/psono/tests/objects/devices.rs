//! Device codes. Source: dialects/psono.md, section 9.

use super::*;

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
