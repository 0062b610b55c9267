//! Items, slots and templates: section 6 of the page and its rows of section 10.

use std::time::Duration;

use super::*;

const MISSING: &str = "00000000-0000-0000-0000-000000000000";

/// Makes an item of a template; gives its body.
pub(super) async fn create(member: &Caller<'_>, template: &str, slots: Value) -> Value {
    let item = json!({ "label": "My item", "slots_attributes": slots });
    member.post("/items", json!({ "template_name": template, "item": item })).await.ok(201)
}

fn path_of(body: &Value) -> String {
    format!("/items/{}", text(&body["item"]["id"]))
}

/// The slot of a body with this name.
#[track_caller]
fn slot<'v>(body: &'v Value, name: &str) -> &'v Value {
    let mut named = body["slots"].as_array().unwrap().iter().filter(|slot| slot["name"] == name);
    let slot = named.next().unwrap_or_else(|| panic!("no slot {name} in {body}"));
    assert!(named.next().is_none(), "{name} twice in {body}");
    slot
}

fn names(body: &Value) -> Vec<&str> {
    body["slots"].as_array().unwrap().iter().map(|slot| slot["name"].as_str().unwrap()).collect()
}

#[test]
fn an_item_begins_with_the_slots_of_its_template() {
    run(async |world| {
        let member = world.member("rsa2048").await;
        let empty = create(&member, "custom", Value::Null).await;
        assert_eq!(empty["slots"], json!([]));
        let value = wrapped("secret");
        let slots = json!([
            { "name": "password", "encrypted_value": value },
            { "name": "more", "label": "More", "slot_type_name": "url", "encrypted_value": null },
        ]);
        let body = create(&member, "password", slots).await;
        assert_eq!(names(&body), ["website", "username", "password", "notes", "more"]);
        assert_eq!(slot(&body, "password")["encrypted_value"], value);
        assert_eq!(slot(&body, "password")["slot_type_name"], "password");
        assert_eq!(slot(&body, "password")["required"], true);
        assert_eq!(
            (&slot(&body, "more")["slot_type_name"], &slot(&body, "more")["label"]),
            (&json!("url"), &json!("More"))
        );
        let ids: Vec<&Value> = body["slots"].as_array().unwrap().iter().map(|slot| &slot["id"]).collect();
        assert_eq!(body["item"]["slot_ids"], json!(ids));
        assert_eq!(member.get(&path_of(&body)).await.ok(200), body);
        let other = create(&member, "password", json!([])).await;
        assert_ne!(slot(&other, "password")["id"], slot(&body, "password")["id"], "ids are the item's own");
    });
}

/// Row "Unknown template".
#[test]
fn an_unknown_template_is_told_by_its_own_name() {
    run(async |world| {
        let member = world.member("rsa2048").await;
        for unknown in ["unknown", "Custom", "custom "] {
            let body = json!({ "template_name": unknown, "item": { "label": "x" } });
            member.post("/items", body).await.is(404, "item_template_not_found");
        }
        for wrong in [json!(null), json!(""), json!(1)] {
            let body = json!({ "template_name": wrong, "item": { "label": "x" } });
            member.post("/items", body).await.is_about("template_name");
        }
    });
}

/// A missing name is made of the label: lower case, runs of other characters become `_`.
#[test]
fn a_slot_without_a_name_is_named_after_its_label() {
    run(async |world| {
        let member = world.member("rsa2048").await;
        let slots = json!([
            { "label": "Bank: PIN (new)" },
            { "label": "Zoé", "name": "" },
            { "label": "Label", "name": "kept" },
        ]);
        let body = create(&member, "custom", slots).await;
        assert_eq!(names(&body), ["bank_pin_new_", "zo_", "kept"]);
        member
            .post(
                "/items",
                json!({"template_name": "custom", "item": {"label": "x", "slots_attributes": [{}]}}),
            )
            .await
            .is_about("label");
    });
}

/// PUT matches by id, then by name; the rest stays.
#[test]
fn an_update_finds_slots_by_id_and_then_by_name() {
    run(async |world| {
        let member = world.member("rsa2048").await;
        let (one, two) = (wrapped("one"), wrapped("two"));
        let body =
            create(&member, "custom", json!([{ "name": "a", "encrypted_value": one }, { "name": "b" }]))
                .await;
        let path = path_of(&body);
        let put = async |item: Value| member.put(&path, json!({ "item": item })).await;
        let a = &slot(&body, "a")["id"];

        let by_id =
            put(json!({ "slots_attributes": [{ "id": a, "name": "renamed", "encrypted_value": two }] }))
                .await
                .ok(200);
        assert_eq!(
            (&slot(&by_id, "renamed")["id"], &slot(&by_id, "renamed")["encrypted_value"]),
            (a, &json!(two))
        );
        let by_name =
            put(json!({ "slots_attributes": [{ "name": "b", "encrypted_value": one }] })).await.ok(200);
        assert_eq!(slot(&by_name, "b")["id"], slot(&body, "b")["id"]);
        assert_eq!(slot(&by_name, "renamed")["encrypted_value"], two, "who is not named stays");
        let added = put(json!({ "slots_attributes": [{ "label": "New one" }] })).await.ok(200);
        assert_eq!(names(&added), ["renamed", "b", "new_one"]);

        world.advance(Duration::from_secs(1));
        let relabelled = put(json!({ "label": "Renamed" })).await.ok(200);
        assert_eq!(
            (&relabelled["item"]["label"], &relabelled["item"]["name"]),
            (&json!("Renamed"), &body["item"]["name"])
        );
        assert_eq!(relabelled["item"]["created_at"], body["item"]["created_at"]);
        assert_ne!(relabelled["item"]["updated_at"], body["item"]["updated_at"]);
        let cleared =
            put(json!({ "slots_attributes": [{ "name": "b", "encrypted_value": null }] })).await.ok(200);
        assert_eq!(
            (&slot(&cleared, "b")["encrypted_value"], &slot(&cleared, "b")["encrypted"]),
            (&Value::Null, &json!(false))
        );
        assert_eq!(put(json!({})).await.ok(200)["slots"], cleared["slots"]);
    });
}

#[test]
fn a_slot_goes_by_destroy_or_by_its_id() {
    run(async |world| {
        let member = world.member("rsa2048").await;
        let body =
            create(&member, "custom", json!([{ "name": "a" }, { "name": "b" }, { "name": "c" }])).await;
        let path = path_of(&body);
        let put =
            async |slots: Value| member.put(&path, json!({ "item": { "slots_attributes": slots } })).await;
        let left = put(json!([{ "id": slot(&body, "a")["id"], "_destroy": true }])).await.ok(200);
        assert_eq!(names(&left), ["b", "c"]);
        let left = put(json!([{ "name": "b", "_destroy": true }, { "name": "never", "_destroy": true }]))
            .await
            .ok(200);
        assert_eq!(names(&left), ["c"]);
        let kept = put(json!([{ "name": "c", "_destroy": false }])).await.ok(200);
        assert_eq!(names(&kept), ["c"]);
        put(json!([{ "name": "c", "_destroy": "true" }])).await.is_about("_destroy");
        let slot_path = format!("/slots/{}", text(&slot(&kept, "c")["id"]));
        member.delete(&slot_path).await.gone();
        assert_eq!(names(&member.get(&path).await.ok(200)), Vec::<&str>::new());
        member.delete(&slot_path).await.is(404, "not_found");
        put(json!([{ "id": slot(&body, "a")["id"], "_destroy": true }])).await.is(404, "not_found");
    });
}

/// Row "Plain slot `value`".
#[test]
fn a_plain_value_is_refused_before_anything_is_written() {
    run(async |world| {
        let member = world.member("rsa2048").await;
        let body =
            create(&member, "custom", json!([{ "name": "a", "value": "" }, { "name": "b", "value": null }]))
                .await;
        for plain in [json!("plain"), json!(1), json!(false), json!({}), json!([])] {
            let slots = json!([{ "name": "a", "value": plain, "encrypted_value": wrapped("x") }]);
            let item = json!({ "label": "x", "slots_attributes": slots });
            member
                .post("/items", json!({ "template_name": "custom", "item": item }))
                .await
                .is(400, "plaintext_value_rejected");
            let item = json!({ "item": { "slots_attributes": slots } });
            member.put(&path_of(&body), item).await.is(400, "plaintext_value_rejected");
        }
        assert_eq!(member.get("/items").await.ok(200)["items"].as_array().unwrap().len(), 1);
        assert_eq!(member.get(&path_of(&body)).await.ok(200), body);
    });
}

/// Rows of wrapped values. An empty plaintext is a value; 256 KiB is the most.
#[test]
fn a_value_is_a_cryppo_string_of_at_most_256_kibibytes() {
    run(async |world| {
        let member = world.member("rsa2048").await;
        let post = async |value: &str| {
            let item =
                json!({ "label": "x", "slots_attributes": [{ "name": "a", "encrypted_value": value }] });
            member.post("/items", json!({ "template_name": "custom", "item": item })).await
        };
        let max = 256 * 1024;
        let rest = wrapped("abc").len() - 4;
        let largest = wrapped(&"x".repeat((max - rest) / 4 * 3));
        assert!(max - largest.len() < 4);
        let empty = vectors()["aes_gcm"]["empty_plaintext"]["@meeco/cryppo@0.6.3"].clone();
        for good in [&*largest, empty.as_str().unwrap()] {
            let body = post(good).await.ok(201);
            assert_eq!(
                (&slot(&body, "a")["encrypted_value"], &slot(&body, "a")["encrypted"]),
                (&json!(good), &json!(true))
            );
            assert_eq!(member.get(&path_of(&body)).await.ok(200), body);
        }
        let padded = format!("{largest}{}", "=".repeat(4));
        for bad in
            ["plain", "", "Aes256Ofb.AAAA.QUAA", &padded, &wrapped("x").replace("Aes256Gcm", "Rsa2048")]
        {
            post(bad).await.is_about("encrypted_value");
        }
        // Three of the largest fit into one request, and the fourth makes the item larger than any.
        let slots: Vec<Value> =
            ["a", "b", "c"].iter().map(|name| json!({ "name": name, "encrypted_value": largest })).collect();
        let body = create(&member, "custom", json!(slots)).await;
        let more = json!({ "item": { "slots_attributes": [
            { "name": "d", "encrypted_value": largest }, { "name": "e", "encrypted_value": wrapped("x") },
        ]}});
        member.put(&path_of(&body), more).await.is(413, "payload_too_large");
    });
}

#[test]
fn a_bad_field_of_an_item_is_named() {
    run(async |world| {
        let member = world.member("rsa2048").await;
        let post = async |item: Value| {
            member.post("/items", json!({ "template_name": "custom", "item": item })).await
        };
        for bad in [json!(null), json!("x"), json!([])] {
            post(bad).await.is_about("item");
        }
        for bad in [json!(""), json!(null), json!(1), json!("x".repeat(1_025))] {
            post(json!({ "label": bad })).await.is_about("label");
        }
        post(json!({ "label": "x", "name": "x".repeat(1_025) })).await.is_about("name");
        for bad in [json!("x"), json!({}), json!([1]), json!([[]])] {
            post(json!({ "label": "x", "slots_attributes": bad })).await.is_about("slots_attributes");
        }
        let many: Vec<Value> = (0..257).map(|number| json!({ "name": number.to_string() })).collect();
        post(json!({ "label": "x", "slots_attributes": many })).await.is_about("slots_attributes");
        for (field, bad) in [
            ("name", json!(1)),
            ("label", json!("x".repeat(1_025))),
            ("slot_type_name", json!("unknown")),
            ("encrypted_value", json!(1)),
            ("ordinal", json!(-1)),
            ("ordinal", json!("1")),
            ("visible", json!(1)),
            ("required", json!("yes")),
            ("id", json!(1)),
        ] {
            let mut slot = json!({ "name": "a" });
            slot[field] = bad;
            post(json!({ "label": "x", "slots_attributes": [slot] })).await.is_about(field);
        }
        let unknown = json!([{ "id": MISSING, "name": "a" }]);
        post(json!({ "label": "x", "slots_attributes": unknown })).await.is(404, "not_found");
    });
}

#[test]
fn every_type_of_slot_is_known_by_its_name() {
    run(async |world| {
        let member = world.member("rsa2048").await;
        let types = [
            "key_value",
            "bool",
            "date",
            "datetime",
            "image",
            "url",
            "phone_number",
            "email",
            "password",
            "attachment",
            "attachments_folder",
            "classification_node",
        ];
        let slots: Vec<Value> =
            types.iter().map(|kind| json!({ "name": kind, "slot_type_name": kind })).collect();
        let body = create(&member, "custom", json!(slots)).await;
        types.iter().for_each(|kind| assert_eq!(slot(&body, kind)["slot_type_name"], *kind));
    });
}

/// Row "item, slot missing or another user's".
#[test]
fn anothers_items_are_as_missing_as_those_that_never_were() {
    run(async |world| {
        let (owner, other) = (world.member("rsa2048").await, world.member("rsa4096").await);
        let body = create(&owner, "custom", json!([{ "name": "a" }])).await;
        let theirs = [text(&body["item"]["id"]), MISSING.to_owned(), "no-id".to_owned()];
        let mut answers = Vec::new();
        for id in &theirs {
            let path = format!("/items/{id}");
            answers.push(other.get(&path).await);
            answers.push(other.put(&path, json!({ "item": { "label": "mine" } })).await);
            answers.push(other.delete(&path).await);
        }
        for id in [&text(&slot(&body, "a")["id"]), MISSING, "no-id"] {
            answers.push(other.delete(&format!("/slots/{id}")).await);
        }
        for answer in &answers {
            answer.is(404, "not_found");
            assert_eq!(answer.0.body, answers[0].0.body);
        }
        assert_eq!(other.get("/items").await.ok(200)["items"], json!([]));
        assert_eq!(owner.get(&path_of(&body)).await.ok(200), body);
        owner.delete(&path_of(&body)).await.gone();
        owner.get(&path_of(&body)).await.is(404, "not_found");
        owner.delete(&path_of(&body)).await.is(404, "not_found");
    });
}

#[test]
fn a_vault_holds_so_many_items() {
    let limits = Limits { vault_items_max: 2, ..Limits::default() };
    Setup { limits, ..Setup::default() }.run(async |world| {
        let member = world.member("rsa2048").await;
        create(&member, "custom", json!([])).await;
        let second = create(&member, "custom", json!([])).await;
        let body = json!({ "template_name": "custom", "item": { "label": "third" } });
        member.post("/items", body).await.is(403, "quota_exceeded");
        member.delete(&path_of(&second)).await.gone();
        create(&member, "custom", json!([])).await;
    });
}
