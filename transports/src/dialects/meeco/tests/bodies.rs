//! Every field and every array of every body, in both flavours, against the lists of dialects/meeco.md, sections 6 and 7.
//! Clients walk the arrays without a look whether they are there, so a missing one ends them.

use std::collections::BTreeSet;

use super::{items::create, keys::create_pair, *};

const USER: &str = "id full_name email is_app_logging_enabled image country joined_at onboarded_at track_events \
    track_usage cloudname timezone unconfirmed_email verified_at share_terms key_store_admission_token key_store_id \
    key_store_url key_store_username private_dek_external_id private_encryption_space_id did queued_for_deletion_after \
    accepted_terms broken_attachments_present association_ids user_type";
const ITEM: &str = "id own name label description created_at updated_at item_template_id item_template_label ordinal \
    visible image item_image item_image_background_colour background_color classification_node_ids association_ids \
    associations_to_ids slot_ids me original_id owner_id share_id shareable share_count valid_share_count";
const SLOT: &str = "id own share_id name label description encrypted encrypted_value encrypted_value_verification_key \
    value_verification_hash ordinal visible required slot_type_name classification_node_ids attachment_id \
    attachment_ids attachments_folder_id item_id slotable_id slotable_type image creator original_id owner_id \
    created_at updated_at";
const ITEM_BODY: &str =
    "item slots shares associations associations_to attachments classification_nodes thumbnails";
const TEMPLATES_BODY: &str =
    "item_templates slots classification_nodes attachments thumbnails meta next_page_after";
const META: &str = "next_page_exists order_by order order_from_params per_page per_page_from_params current_cursor \
    records_count page page_count";

/// Says which of the fields of the page are missing.
#[track_caller]
fn has(value: &Value, fields: &str) {
    let given: BTreeSet<&str> = value.as_object().expect("an object").keys().map(String::as_str).collect();
    let missing: Vec<&str> = fields.split_whitespace().filter(|field| !given.contains(field)).collect();
    assert_eq!(missing, Vec::<&str>::new(), "missing in {value}");
}

#[track_caller]
fn are_arrays(value: &Value, fields: &str) {
    for field in fields.split_whitespace() {
        assert!(value[field].is_array(), "{field} in {value}");
    }
}

#[track_caller]
fn is_slot(slot: &Value, item: Option<&Value>) {
    has(slot, SLOT);
    are_arrays(slot, "classification_node_ids attachment_ids");
    assert_eq!((&slot["own"], &slot["share_id"]), (&json!(true), &Value::Null));
    assert_eq!(slot["encrypted"], json!(!slot["encrypted_value"].is_null()), "exactly when there is a value");
    assert_eq!(slot["item_id"], item.cloned().unwrap_or_default());
}

#[track_caller]
fn is_item(item: &Value) {
    has(item, ITEM);
    are_arrays(item, "classification_node_ids association_ids associations_to_ids slot_ids");
    assert_eq!(
        (&item["own"], &item["share_id"]),
        (&json!(true), &Value::Null),
        "or the SDK asks for its share"
    );
}

#[track_caller]
fn is_user(user: &Value) {
    has(user, USER);
    are_arrays(user, "association_ids");
    assert!(user["email"].is_string(), "text, maybe empty");
    assert_eq!(user["user_type"], "human");
}

#[test]
fn every_body_about_a_user_has_every_field() {
    run(async |world| {
        let keystore = world.signed_in().await;
        let token = admission_token(&keystore).await;
        let body = json!({ "public_key": key_pair("rsa2048").0, "admission_token": token });
        let enrolled = world.vault().post("/me", body).await.ok(201);
        has(&enrolled, "encrypted_session_authentication_string user associations");
        let sealed = &enrolled["encrypted_session_authentication_string"];
        let member = world.vault().with(&unseal(&key_pair("rsa2048").1, sealed));
        for body in [
            enrolled,
            member.get("/me").await.ok(200),
            member.old().get("/me").await.ok(200),
            member.put("/me", json!({"user": {}})).await.ok(200),
        ] {
            is_user(&body["user"]);
            are_arrays(&body, "associations");
        }
    });
}

#[test]
fn every_body_about_items_has_every_field_and_every_array() {
    run(async |world| {
        let member = world.member("rsa2048").await;
        let slots = json!([{ "name": "password", "encrypted_value": wrapped("x") }, { "label": "More" }]);
        let created = create(&member, "password", slots).await;
        let path = format!("/items/{}", text(&created["item"]["id"]));
        for body in [
            created,
            create(&member.old(), "custom", json!([])).await,
            member.get(&path).await.ok(200),
            member.old().get(&path).await.ok(200),
            member.put(&path, json!({"item": {}})).await.ok(200),
        ] {
            has(&body, ITEM_BODY);
            are_arrays(&body, ITEM_BODY.strip_prefix("item ").unwrap());
            is_item(&body["item"]);
            let slots = body["slots"].as_array().unwrap();
            slots.iter().for_each(|slot| is_slot(slot, Some(&body["item"]["id"])));
        }
        for caller in [&member, &member.old()] {
            let body = caller.get("/items").await.ok(200);
            are_arrays(
                &body,
                "items slots shares associations associations_to attachments classification_nodes thumbnails",
            );
            has(&body, "meta next_page_after");
            body["items"].as_array().unwrap().iter().for_each(is_item);
            for slot in body["slots"].as_array().unwrap() {
                is_slot(slot, Some(&slot["slotable_id"]));
            }
        }
    });
}

#[test]
fn every_body_about_templates_has_every_array() {
    run(async |world| {
        let member = world.member("rsa2048").await;
        for caller in [&member, &member.old()] {
            let body = caller.get("/item_templates").await.ok(200);
            has(&body, TEMPLATES_BODY);
            are_arrays(&body, "item_templates slots classification_nodes attachments thumbnails");
            let id = text(&body["item_templates"][1]["id"]);
            let one = caller.get(&format!("/item_templates/{id}")).await.ok(200);
            are_arrays(&one, "slots classification_nodes attachments thumbnails");
            for slot in body["slots"].as_array().unwrap().iter().chain(one["slots"].as_array().unwrap()) {
                is_slot(slot, None);
                assert_eq!(slot["slotable_type"], "ItemTemplate");
            }
            for template in body["item_templates"].as_array().unwrap() {
                are_arrays(template, "slot_ids classification_node_ids association_ids associations_to_ids");
            }
        }
    });
}

/// Section 7: `meta` is an array for the old clients and an object for the new ones.
#[test]
fn lists_speak_of_themselves_in_two_flavours() {
    run(async |world| {
        let member = world.member("rsa2048").await;
        create(&member, "custom", json!([])).await;
        create(&member, "custom", json!([])).await;
        for (list, more) in [
            ("/items?per_page=1", true),
            ("/items", false),
            ("/item_templates?per_page=2", true),
            ("/item_templates", false),
        ] {
            let old = member.old().get(list).await.ok(200);
            assert_eq!(old["meta"], json!([{ "next_page_exists": more }]));
            let new = member.get(list).await.ok(200);
            has(&new["meta"], META);
            assert_eq!(new["meta"]["next_page_exists"], more);
            assert_eq!(new["meta"]["per_page_from_params"], more);
            assert_eq!(old["next_page_after"], new["next_page_after"]);
        }
    });
}

/// Section 7: external identifiers are objects for the old clients and texts for the new ones.
#[test]
fn external_identifiers_come_in_two_flavours() {
    run(async |world| {
        let holder = world.holder().await;
        let id = create_pair(&holder, json!({ "external_identifiers": ["auth", "more"] })).await;
        for path in [format!("/keypairs/{id}"), "/keypairs/external_id/auth".to_owned()] {
            let new = holder.get(&path).await.ok(200);
            assert_eq!(new["keypair"]["external_identifiers"], json!(["auth", "more"]));
            has(&new["keypair"], "id public_key encrypted_serialized_key metadata external_identifiers");
            let old = holder.old().get(&path).await.ok(200);
            let identifiers = old["keypair"]["external_identifiers"].as_array().unwrap();
            for (identifier, name) in identifiers.iter().zip(["auth", "more"]) {
                assert_eq!(
                    *identifier,
                    json!({ "id": identifier["id"], "identifier": name, "keypair_id": id })
                );
                assert!(identifier["id"].is_string());
            }
            assert_eq!(identifiers.len(), 2);
        }
        let created =
            holder.old().patch(&format!("/keypairs/{id}"), json!({ "external_identifiers": ["x"] })).await;
        assert_eq!(created.ok(200)["keypair"]["external_identifiers"][0]["identifier"], "x");
    });
}
