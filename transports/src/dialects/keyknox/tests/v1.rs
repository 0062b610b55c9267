//! Version 1, row by row.

use strongroom_engine::domains::records::{RecordForm, absent_tag};

use super::*;

#[test]
fn an_absent_record_reads_as_an_empty_one_of_version_1_0() {
    run(async |world| {
        let answer = world.client("alice").get().await;
        assert_eq!(answer.record(), json!({"meta": "", "value": "", "version": "1.0"}));
        assert_eq!(answer.hash(), absent_tag(RecordForm::Single).to_base64());
    });
}

#[test]
fn a_record_is_created_with_no_hash_an_empty_one_or_that_of_the_absent_state() {
    run(async |world| {
        let absent = world.client("alice").get().await.hash();
        let alice = world.client("alice").put("m", "v").await;
        assert_eq!(alice.record(), json!({"meta": b64("m"), "value": b64("v"), "version": "1.0"}));
        assert_eq!(world.client("alice").get().await.hash(), alice.hash());
        assert_eq!(world.client("alice").get().await.record(), alice.record());
        assert_eq!(world.client("bob").after("").put("m", "v").await.version(), "1.0");
        assert_eq!(world.client("carol").after(&absent).put("m", "v").await.version(), "1.0");
        let other = alice.hash();
        assert_eq!(world.client("dave").after(&other).put("m", "v").await.refusal(), (400, 50010));
        assert_eq!(world.client("dave").get().await.record()["meta"], "", "nothing was created");
    });
}

/// A-REC-01.
#[test]
fn an_existing_record_is_replaced_under_its_present_hash_only() {
    run(async |world| {
        let client = world.client("alice");
        let first = client.put("m1", "v1").await.hash();
        let foreign = world.client("bob").put("m2", "v2").await.hash();
        assert_eq!(client.put("m2", "v2").await.refusal(), (400, 50009));
        assert_eq!(client.after("").put("m2", "v2").await.refusal(), (400, 50009), "empty counts as none");
        let short = &strongroom_primitives::encoding::to_base64(&[1; 63]);
        let unpadded = first.trim_end_matches('=');
        let flipped: String = first
            .chars()
            .map(|letter| {
                if letter.is_lowercase() { letter.to_ascii_uppercase() } else { letter.to_ascii_lowercase() }
            })
            .collect();
        for stale in [&*foreign, "x", "AAAA", short, unpadded, &*flipped, "\u{e9}"] {
            assert_eq!(client.after(stale).put("m2", "v2").await.refusal(), (400, 50010), "{stale}");
        }
        let twice = client.after(&first).after(&first).put("m2", "v2").await;
        assert_eq!(twice.refusal(), (400, 50010), "a repeated header says two things");
        assert_eq!(client.get().await.hash(), first, "the record is as it was");
        assert_eq!(client.after(&first).put("m2", "v2").await.version(), "2.0");
        let replayed = client.after(&first).put("m2", "v2").await;
        assert_eq!(replayed.refusal(), (400, 50010), "the same request again is stale");
    });
}

/// A-REC-04.
#[test]
fn versions_follow_what_changed() {
    run(async |world| {
        let client = world.client("alice");
        let first = client.put("m1", "v1").await;
        assert_eq!(first.version(), "1.0");
        let both = client.after(&first.hash()).put("m2", "v2").await;
        assert_eq!(both.version(), "2.0");
        let meta_only = client.after(&both.hash()).put("m3", "v2").await;
        assert_eq!(meta_only.version(), "2.1");
        let value_only = client.after(&meta_only.hash()).put("m3", "v3").await;
        assert_eq!(value_only.refusal(), (400, 50008));
        assert_eq!(client.get().await.hash(), meta_only.hash(), "nothing changed");
        let nothing = client.after(&meta_only.hash()).put("m3", "v2").await;
        assert_eq!((nothing.version(), nothing.hash()), ("2.1".to_owned(), meta_only.hash()));
        let reset = client.reset().await;
        assert_eq!(reset.record(), json!({"meta": "", "value": "", "version": "3.0"}));
        assert_eq!(client.get().await.hash(), reset.hash());
        let empty = client.reset().await;
        assert_eq!(empty.version(), "4.0", "an empty record is reset too");
        assert_ne!(empty.hash(), reset.hash(), "one empty state is not another");
        let mut hash = client.after(&empty.hash()).put("m", "v").await.hash();
        assert_eq!(client.get().await.version(), "5.0");
        for major in 6..=10 {
            let write = client.after(&hash).put(&format!("m{major}"), &format!("v{major}")).await;
            assert_eq!(write.version(), format!("{major}.0"));
            hash = write.hash();
        }
    });
}

#[test]
fn a_reset_of_an_absent_record_stores_nothing() {
    run(async |world| {
        let client = world.client("alice");
        let reset = client.reset().await;
        assert_eq!(reset.record(), json!({"meta": "", "value": "", "version": "1.0"}));
        assert_eq!(reset.hash(), client.get().await.hash());
        assert_eq!(client.put("m", "v").await.version(), "1.0");
    });
}

#[test]
fn a_reset_looks_at_neither_body_nor_its_type() {
    run(async |world| {
        let client = world.client("alice").and("content-type", "application/x-www-form-urlencoded");
        client.put("m", "v").await.hash();
        assert_eq!(client.send(Method::POST, "/v1/reset", "\u{0}not=json").await.version(), "2.0");
    });
}

#[test]
fn a_reset_checks_a_previous_hash_where_one_is_given() {
    run(async |world| {
        let client = world.client("alice");
        let first = client.put("m", "v").await.hash();
        let second = client.after(&first).put("m2", "v2").await.hash();
        assert_eq!(client.after(&first).reset().await.refusal(), (400, 50010));
        assert_eq!(client.after("nonsense").reset().await.refusal(), (400, 50010));
        assert_eq!(client.after(&second).reset().await.version(), "3.0");
    });
}

#[test]
fn a_body_that_is_no_json_object_is_30000() {
    run(async |world| {
        let client = world.client("alice");
        let good = r#"{"meta":"bQ==","value":"dg=="}"#;
        let doubled = r#"{"meta":"bQ==","meta":"bQ==","value":"dg=="}"#;
        let with_mark = format!("\u{feff}{good}");
        let trailing = format!("{good}x");
        for body in ["", "{", "[]", "null", "7", "\"text\"", doubled, &with_mark, &trailing, "{/**/}"] {
            assert_eq!(client.put_raw(body).await.refusal(), (400, 30000), "{body}");
        }
        let invalid = client.send(Method::PUT, "/v1", b"{\"meta\":\"\xff\"}").await;
        assert_eq!(invalid.refusal(), (400, 30000), "invalid UTF-8");
        assert_eq!(client.put_raw(good).await.version(), "1.0");
    });
}

#[test]
fn meta_is_looked_at_before_value_and_each_must_be_text_of_at_least_one_byte() {
    run(async |world| {
        let client = world.client("alice");
        for bad in [json!(null), json!(1), json!([]), json!({}), json!(true), json!("")] {
            let meta = client.put_raw(&json!({"meta": bad, "value": bad}).to_string()).await;
            assert_eq!(meta.refusal(), (400, 50004), "{bad}");
            let value = client.put_raw(&json!({"meta": "bQ==", "value": bad}).to_string()).await;
            assert_eq!(value.refusal(), (400, 50006), "{bad}");
        }
        assert_eq!(client.put_raw("{}").await.refusal(), (400, 50004));
        assert_eq!(client.put_raw(r#"{"meta":"bQ=="}"#).await.refusal(), (400, 50006));
        assert_eq!(client.put_raw(r#"{"value":"bQ=="}"#).await.refusal(), (400, 50004));
    });
}

/// A-REC-03.
#[test]
fn base64_that_is_not_canonical_is_refused() {
    run(async |world| {
        let client = world.client("alice");
        for bad in ["bQ", "bQ=", "bR==", "b Q==", "bQ==\n", "-_8=", "bQ==bQ==", "b\u{e9}==", "===="] {
            let meta = client.put_raw(&json!({"meta": bad, "value": "dg=="}).to_string()).await;
            assert_eq!(meta.refusal(), (400, 50004), "{bad:?}");
            let value = client.put_raw(&json!({"meta": "bQ==", "value": bad}).to_string()).await;
            assert_eq!(value.refusal(), (400, 50006), "{bad:?}");
        }
    });
}

/// A-REC-03.
#[test]
fn sizes_are_counted_after_decoding_and_the_limit_itself_is_allowed() {
    run(async |world| {
        let client = world.client("alice");
        let (meta, value) = ("m".repeat(10_240), "v".repeat(102_400));
        let stored = client.put(&meta, &value).await.hash();
        let client = client.after(&stored);
        assert_eq!(client.put(&format!("{meta}m"), "v").await.refusal(), (400, 50005));
        assert_eq!(client.put("m", &format!("{value}v")).await.refusal(), (400, 50007));
        let missing = json!({"meta": b64(&format!("{meta}m"))}).to_string();
        assert_eq!(
            client.put_raw(&missing).await.refusal(),
            (400, 50005),
            "the size of meta comes before value"
        );
        assert_eq!(client.get().await.hash(), stored, "the record is as it was");
    });
}

#[test]
fn unknown_members_and_the_content_type_do_not_matter() {
    run(async |world| {
        let client = world.client("alice").and("content-type", "application/json;charset=utf-8");
        let body = r#"{"meta":"bQ==","value":"dg==","version":"9.9","extra":{"meta":1}}"#;
        assert_eq!(client.put_raw(body).await.version(), "1.0");
    });
}

/// A-HTTP-07.
#[test]
fn a_wrong_method_is_405_and_an_unknown_path_404() {
    run(async |world| {
        let client = world.client("alice").and("x-http-method-override", "GET");
        for method in
            [Method::HEAD, Method::POST, Method::DELETE, Method::OPTIONS, Method::TRACE, Method::PATCH]
        {
            let answer = client.send(method.clone(), "/v1", "").await;
            assert_eq!(answer.refusal().0, 405, "{method}");
            assert_eq!(answer.0.headers[header::ALLOW], "GET, PUT");
        }
        for path in ["/v1/reset", "/v2/push", "/v2/pull", "/v2/keys", "/v2/reset"] {
            let answer = client.send(Method::GET, path, "").await;
            assert_eq!(
                (answer.refusal().0, answer.0.headers[header::ALLOW].to_str().unwrap()),
                (405, "POST")
            );
        }
        for path in ["", "/", "/v1/", "/V1", "/v2", "/v3", "/v1/resets", "/v1/reset/", "/%76%31"] {
            assert_eq!(client.send(Method::GET, path, "").await.refusal().0, 404, "{path}");
        }
    });
}

#[test]
fn the_same_identity_of_two_applications_is_two() {
    run(async |world| {
        world.client("alice").put("m", "v").await.hash();
        let mut claims = claims("alice");
        claims["iss"] = json!("virgil-other");
        let other = token_of(&header_claims(), &claims, &SigningKey::from_seed(&[2; 32]));
        assert_eq!(world.client_with(&other).get().await.record()["meta"], "");
    });
}

#[test]
fn evidence_comes_only_when_asked_for_and_its_signature_covers_the_head() {
    use strongroom_engine::{
        Identity,
        domains::records::{GetRecord, RecordName, receipt_statement},
    };
    use strongroom_primitives::{encoding::from_base64url, id::Subject, sign::VerifyingKey};

    run(async |world| {
        let plain = world.client("alice");
        let asking = plain.and("strongroom-keyknox-evidence", "1");
        let names =
            ["sequence", "chain", "receipt", "receipt-key"].map(|name| format!("strongroom-keyknox-{name}"));
        let none = |answer: &Answer| names.iter().all(|name| !answer.0.headers.contains_key(name));
        assert!(none(&asking.get().await), "an absent record has no history");
        let written = asking.put("m", "v").await;
        let read = asking.get().await;
        assert!(none(&plain.get().await));
        for name in &names {
            assert_eq!(written.0.headers[name], read.0.headers[name]);
        }
        assert_eq!(read.0.headers[&names[0]], "1");
        assert_eq!(asking.reset().await.0.headers[&names[0]], "2");

        let credential = super::super::token::credential(&plain.headers[0].1).unwrap();
        let get = GetRecord { owner: None, name: RecordName::single() };
        let head = world.engine.handle().ask(credential, get).await.unwrap().head;
        let realm = RealmId::new("app").unwrap();
        let statement =
            receipt_statement(&Identity { realm, subject: Subject::new("alice").unwrap() }, &head);
        let last = asking.get().await;
        let bytes = |name: &str| from_base64url(last.0.headers[name].to_str().unwrap()).unwrap();
        let key = VerifyingKey::from_bytes(&bytes(&names[3]).try_into().unwrap()).unwrap();
        key.verify(&statement, &bytes(&names[2])).unwrap();
        assert_eq!(bytes(&names[1]), head.chain);
    });
}
