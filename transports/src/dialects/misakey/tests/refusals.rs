use super::*;

fn bad(origin: &str, field: &str, what: &str) -> (u16, String, String, Value) {
    refusal(400, "bad_request", origin, json!({ field: what }))
}

#[test]
fn a_body_is_an_object_that_says_it_is_json() {
    run(async |world| {
        let ann = world.holder(Some(ANN), 2).await;
        let no_object = refusal(400, "bad_request", "body", json!({}));
        for body in ["", "x", "[]", "null", "\"x\"", "{\"share\":1,\"share\":2}", "{} {}"] {
            assert_eq!(said(world.page_text(&ann, "POST", SHARES, body).await), no_object, "{body}");
        }
        let (cookie, page) = (format!("cookie: {}", ann.cookies), format!("x-csrf-token: {}", world.page));
        for media in ["content-type: text/plain", "content-type: application/x-www-form-urlencoded", "x: y"] {
            for path in [SHARES, "/crypto/migration/v2"] {
                let headers = [&*cookie, &page, media];
                let answer = said(world.ask("POST", path, &headers, &filing(1).to_string()).await);
                assert_eq!(answer, no_object, "{media}");
            }
        }
        let charset = "content-type: application/json; charset=UTF-8";
        let answer = world.ask("POST", SHARES, &[&cookie, &page, charset], &filing(1).to_string()).await;
        assert_eq!(answer.0, 201);
    });
}

/// A-SHR-05: one spelling for one hash, in the body and in the path.
#[test]
fn text_has_one_spelling() {
    run(async |world| {
        let ann = world.holder(Some(ANN), 2).await;
        let good = "AAAA";
        world.page(&ann, "POST", SHARES, &json!({ "share": good, "user_local_share_hash": good })).await;
        let bad_text = ["AAA=", "AA+A", "AA/A", "AA\nA", "AAAAA", "AAB", " AAA", "AAÄ"];
        for field in ["share", "user_local_share_hash"] {
            for text in bad_text {
                let mut body = filing(1);
                body[field] = text.into();
                let answer = said(world.page(&ann, "POST", SHARES, &body).await);
                assert_eq!(answer, bad("body", field, "malformed"), "{field} {text:?}");
            }
            let long = to_base64url(&vec![1; if field == "share" { 129 } else { 65 }]);
            for value in [json!(1), json!([]), json!({}), json!(true), json!(long)] {
                let mut body = filing(1);
                body[field] = value;
                assert_eq!(
                    said(world.page(&ann, "POST", SHARES, &body).await),
                    bad("body", field, "malformed")
                );
            }
            for value in [json!(""), json!(null)] {
                let mut body = filing(1);
                body[field] = value;
                assert_eq!(
                    said(world.page(&ann, "POST", SHARES, &body).await),
                    bad("body", field, "required")
                );
            }
        }
        let malformed = bad("path", "user_local_share_hash", "malformed");
        for text in ["AAA=", "AAA%3D", "AA+A", "AA%2FA", "AA%2fA", "AAAAA", "AAB", "AAA%20"] {
            assert_eq!(said(world.get(&ann, &format!("{SHARES}/{text}")).await), malformed, "{text}");
        }
        let long = to_base64url(&[1; 65]);
        assert_eq!(said(world.get(&ann, &format!("{SHARES}/{long}")).await), malformed);
        for text in ["%2e%2e", "AAA/", "../AAA"] {
            assert_eq!(world.get(&ann, &format!("{SHARES}/{text}")).await.0, 404, "{text}");
        }
        // Another spelling of the same letters is the same path.
        assert_eq!(world.get(&ann, &format!("{SHARES}/%41AAA")).await.0, 200);
        assert_eq!(world.get(&ann, &format!("{SHARES}/aaaa")).await.0, 404);
    });
}

#[test]
fn sizes_are_taken_up_to_their_limits() {
    run(async |world| {
        let ann = world.holder(Some(ANN), 2).await;
        let body =
            json!({ "share": to_base64url(&[1; 128]), "user_local_share_hash": to_base64url(&[2; 64]) });
        assert_eq!(world.page(&ann, "POST", SHARES, &body).await.0, 201);
        let padded = |bytes: usize| {
            let body = filing(1).to_string();
            format!("{}{body}", " ".repeat(bytes - body.len()))
        };
        assert_eq!(world.page_text(&ann, "POST", SHARES, &padded(65_536)).await.0, 201);
        let large = refusal(413, "request_entity_too_large", "body", json!({}));
        for bytes in [65_537, 655_360] {
            assert_eq!(said(world.page_text(&ann, "POST", SHARES, &padded(bytes)).await), large);
        }
        let max = |path: &str| world.router.body_bytes_max(&world.front, &format!("/misakey{path}"));
        assert_eq!((max(SHARES), max("/crypto/migration/v2"), max("/nowhere")), (65_536, 1 << 20, 65_536));
        assert_eq!(max("/auth/crypto/migration/v2"), 1 << 20);
    });
}

#[test]
fn an_id_is_a_uuid_of_version_4() {
    run(async |world| {
        let ann = world.holder(Some(ANN), 2).await;
        for id in [
            "x",
            "b2dc8b7e-44e6-1510-b222-c914876fad1c",
            "b2dc8b7e-44e6-4510-7222-c914876fad1c",
            "b2dc8b7e44e64510b222c914876fad1c",
        ] {
            let mut body = filing(1);
            body["account_id"] = id.into();
            assert_eq!(
                said(world.page(&ann, "POST", SHARES, &body).await),
                bad("body", "account_id", "malformed")
            );
            let params = world.ask("GET", &format!("/accounts/{id}/pwd-params"), &[], "").await;
            assert_eq!(said(params), bad("path", "id", "malformed"));
        }
    });
}

/// Shares and storage say it differently.
#[test]
fn a_token_without_an_account_gets_nothing() {
    run(async |world| {
        let nobody = world.holder(None, 2).await;
        let conflict = refusal(409, "conflict", "not_defined", json!({ "account_id": "conflict" }));
        assert_eq!(said(world.page(&nobody, "POST", SHARES, &filing(1)).await), conflict);
        assert_eq!(said(world.get(&nobody, &at(1)).await), conflict);
        assert_eq!(said(world.page(&nobody, "DELETE", SHARES, &Value::Null).await), conflict);
        let forbidden = refusal(403, "forbidden", "not_defined", json!({}));
        assert_eq!(said(world.get(&nobody, "/crypto/secret-storage").await), forbidden);
    });
}

#[test]
fn a_wrong_method_is_told_the_right_ones() {
    run(async |world| {
        let ann = world.holder(Some(ANN), 2).await;
        let wrong = refusal(405, "method_not_allowed", "not_defined", json!({}));
        for (method, path) in [
            ("PUT", SHARES),
            ("PATCH", SHARES),
            ("GET", SHARES),
            ("POST", "/csrf"),
            ("DELETE", "/auth/account-root-key-shares"),
            ("DELETE", "/auth/account-root-key-shares/AAA"),
            ("DELETE", "/backup-key-shares/AAA"),
            ("PUT", "/crypto/secret-storage"),
            ("GET", "/crypto/migration/v2"),
        ] {
            assert_eq!(said(world.page(&ann, method, path, &Value::Null).await), wrong, "{method} {path}");
        }
        let cookie = format!("cookie: {}", ann.cookies);
        assert_eq!(world.raw("GET", SHARES, &[&cookie], "").await.headers[header::ALLOW], "POST, DELETE");
        for path in ["", "/", "/nowhere", "/auth/root-key-shares", "/crypto", "/csrf/x"] {
            assert_eq!(world.get(&ann, path).await.0, 404, "{path:?}");
        }
    });
}

#[test]
fn without_a_sign_in_under_way_its_paths_are_forbidden() {
    run(async |world| {
        let (ann, signing_in) = (world.holder(Some(ANN), 2).await, world.process(ANN).await);
        let forbidden = refusal(403, "forbidden", "not_defined", json!({}));
        let paths =
            ["/auth/account-root-key-shares/AAA", "/auth/secret-storage?login_challenge=c&identity_id=i"];
        for path in paths {
            assert_eq!(said(world.get(&ann, path).await), forbidden, "{path}");
            let wrong = Holder { cookies: signing_in.cookies.replace("=bearer", "=Bearer") };
            assert_eq!(said(world.get(&wrong, path).await), forbidden, "{path}");
        }
        let body = filing(1);
        assert_eq!(said(world.page(&ann, "POST", "/auth/account-root-key-shares", &body).await), forbidden);
    });
}

/// Nothing that a refusal says repeats what was sent.
#[test]
fn a_refusal_repeats_nothing() {
    run(async |world| {
        let ann = world.holder(Some(ANN), 2).await;
        let canary = "canary+canary";
        for body in [
            json!({ "share": canary }),
            json!({ canary: 1 }),
            json!({ "share": "AAA", "user_local_share_hash": canary }),
        ] {
            let (_, answer) = world.page(&ann, "POST", SHARES, &body).await;
            assert!(!answer.to_string().contains("canary"), "{answer}");
        }
        let (_, answer) = world.get(&ann, &format!("{SHARES}/{canary}")).await;
        assert!(!answer.to_string().contains("canary"), "{answer}");
    });
}
