//! Shares, their tree, and offers. Source: dialects/psono.md, section 7.3.

use super::*;

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
