use super::{
    storage::{BOX, change, hash, public_key, sealed, set_up},
    *,
};

/// A request that takes a token.
struct Asked {
    method: &'static str,
    path: String,
    /// A good one, or none.
    body: Value,
    /// Whether it is for those who are signing in.
    signing_in: bool,
    /// Whether it is about shares, where the lack of an account is a conflict.
    of_shares: bool,
}

/// Every request that takes a token.
fn requests() -> Vec<Asked> {
    let asked = |method, path: &str, body, of_shares| {
        let signing_in = path.starts_with("/auth/");
        Asked { method, path: path.to_owned(), body, signing_in, of_shares }
    };
    let mut older = filing(1);
    older["account_id"] = ANN.into();
    older["share"] = "AAAA".into();
    older["other_share_hash"] = older["user_local_share_hash"].take();
    let key = json!({
        "public_key": public_key(2), "encrypted_secret_key": sealed("x"), "account_root_key_hash": hash(1),
    });
    let boxed = json!({
        "invitation_share_hash": hash(3), "encrypted_invitation_share": sealed("x"),
        "account_root_key_hash": hash(1),
    });
    let storage = "/crypto/secret-storage";
    let process = format!("/auth/secret-storage?login_challenge=c1&identity_id={IDENTITY}");
    vec![
        asked("POST", SHARES, filing(1), true),
        asked("POST", "/root-key-shares", filing(1), true),
        asked("POST", "/auth/account-root-key-shares", filing(1), true),
        asked("POST", "/backup-key-shares", older, true),
        asked("GET", &format!("{SHARES}/AAAA"), Value::Null, true),
        asked("GET", "/root-key-shares/AAAA", Value::Null, true),
        asked("GET", "/auth/account-root-key-shares/AAAA", Value::Null, true),
        asked("GET", "/backup-key-shares/AAAA", Value::Null, true),
        asked("DELETE", &format!("{SHARES}/AAAA"), Value::Null, true),
        asked("DELETE", SHARES, Value::Null, true),
        asked("GET", storage, Value::Null, false),
        asked("GET", &process, Value::Null, false),
        asked("POST", "/crypto/migration/v2", set_up(1, true), false),
        asked("POST", "/auth/crypto/migration/v2", set_up(1, false), false),
        asked("POST", &format!("{storage}/asym-keys"), key, false),
        asked("DELETE", &format!("{storage}/asym-keys"), json!({ "public_keys": ["x"] }), false),
        asked("PUT", &format!("{storage}/box-key-shares/{BOX}"), boxed, false),
        asked("DELETE", &format!("{storage}/box-key-shares"), json!({ "box_ids": [BOX] }), false),
        asked("PUT", &format!("/accounts/{ANN}/password"), change("", "x"), false),
    ]
}

impl Asked {
    /// What a token says that reaches it.
    fn assurance(&self, account: Option<&str>, level: u8) -> Assurance {
        if self.signing_in { signing_in(account, level) } else { assurance(account, level) }
    }

    /// Who shows no token for it.
    fn unknown(&self) -> (u16, String, String, Value) {
        match self.signing_in {
            true => refusal(403, "forbidden", "not_defined", json!({})),
            false => refusal(401, "unauthorized", "not_defined", json!({})),
        }
    }
}

/// Section 10: page token, sign-in, level, body and path, account: on every path, each hides what is looked at later.
#[test]
fn every_request_goes_through_the_same_checks_in_the_same_order() {
    run(async |world| {
        let page_refused = refusal(403, "forbidden", "headers", json!({ "csrf_token": "invalid" }));
        let low = refusal(403, "forbidden", "acr", json!({ "acr": "forbidden", "required_acr": "2" }));
        for asked in requests() {
            let Asked { method, path, body, .. } = &asked;
            let context = format!("{method} {path}");
            let out = Holder { cookies: format!("_csrf={}", world.page) };
            if *method != "GET" {
                let cookie = format!("cookie: {}", out.cookies);
                assert_eq!(said(world.ask(method, path, &[&cookie], "").await), page_refused, "{context}");
            }
            let of = async |assurance: Assurance, body: &str| {
                said(world.page_text(&world.with(assurance).await, method, path, body).await)
            };
            assert_eq!(
                said(world.page_text(&out, method, path, "no json").await),
                asked.unknown(),
                "{context}"
            );
            let good = || asked.assurance(Some(ANN), 2);
            let kind = if asked.signing_in { assurance } else { signing_in };
            assert_eq!(of(kind(Some(ANN), 4), "no json").await, asked.unknown(), "{context}");
            let elsewhere = Assurance { client: "other".to_owned(), ..good() };
            assert_eq!(of(elsewhere, "no json").await, asked.unknown(), "{context}");
            assert_eq!(of(asked.assurance(None, 1), "no json").await, low, "{context}");
            let nobody = || asked.assurance(None, 2);
            if !body.is_null() {
                assert_eq!(of(nobody(), "no json").await.0, 400, "{context}");
                assert_eq!(of(nobody(), "{}").await.0, 400, "{context}");
            }
            let no_account = match asked.of_shares {
                true => refusal(409, "conflict", "not_defined", json!({ "account_id": "conflict" })),
                false => refusal(403, "forbidden", "not_defined", json!({})),
            };
            assert_eq!(of(nobody(), &body.to_string()).await, no_account, "{context}");
            // Whoever has all of it is let in, whatever the store has.
            let answer = world.page(&world.with(good()).await, method, path, body).await;
            assert!([200, 201, 204, 404, 409].contains(&answer.0), "{context} {answer:?}");
        }
    });
}

/// What is wrong with a path or a query is said before anything is said of the account.
#[test]
fn a_path_is_looked_at_before_the_account() {
    run(async |world| {
        for (method, path, signs_in) in [
            ("GET", format!("{SHARES}/AAA="), false),
            ("DELETE", format!("{SHARES}/AAA="), false),
            ("GET", "/auth/account-root-key-shares/AAA=".to_owned(), true),
            ("GET", "/backup-key-shares/AAA=".to_owned(), false),
            ("GET", "/auth/secret-storage?login_challenge=c1".to_owned(), true),
        ] {
            let assurance = if signs_in { signing_in(None, 2) } else { assurance(None, 2) };
            let nobody = world.with(assurance).await;
            assert_eq!(world.page(&nobody, method, &path, &Value::Null).await.0, 400, "{method} {path}");
        }
    });
}

/// Each fault hides those that are looked at after it.
#[test]
fn the_first_check_that_fails_is_the_answer() {
    run(async |world| {
        let post = async |who: &Holder, page: bool, body: &str| {
            let (cookie, header) =
                (format!("cookie: {}", who.cookies), format!("x-csrf-token: {}", world.page));
            let mut headers = vec![&*cookie, "content-type: application/json"];
            if page {
                headers.push(&header);
            }
            said(world.ask("POST", SHARES, &headers, body).await).0
        };
        let out = Holder { cookies: format!("_csrf={}", world.page) };
        let (low, nobody) = (world.holder(None, 1).await, world.holder(None, 2).await);
        let mut foreign = filing(1);
        foreign["account_id"] = BOB.into();
        let foreign = foreign.to_string();
        assert_eq!(post(&out, false, "no json").await, 403, "page token");
        assert_eq!(post(&out, true, "no json").await, 401, "sign-in");
        assert_eq!(post(&low, true, "no json").await, 403, "level");
        assert_eq!(post(&nobody, true, "no json").await, 400, "body");
        assert_eq!(post(&nobody, true, &foreign).await, 409, "account");
        assert_eq!(post(&world.holder(Some(ANN), 2).await, true, &foreign).await, 403, "whose");
    });
}
