//! All routes: what each takes, what it does not, and that there are no others.

use super::*;

/// Every route with a method that it has, but for [`OPEN_ROUTES`].
const ROUTES: &[(&str, &str)] = &[
    ("GET", "/v1/records"),
    ("GET", "/v1/records/a/b/c"),
    ("PUT", "/v1/records/a"),
    ("DELETE", "/v1/records/a"),
    ("POST", "/v1/reset"),
    ("GET", "/v1/history/a"),
    ("GET", "/v1/version/a?sequence=1"),
    ("POST", "/v1/undo/a"),
    ("POST", "/v1/share/a"),
    ("GET", "/v1/grants"),
    ("GET", "/v1/receipt/a"),
    ("GET", "/v1/feed?after=0"),
    ("GET", "/v1/session"),
    ("DELETE", "/v1/session"),
    ("DELETE", "/v1/session/000102030405060708090a0b0c0d0e0f"),
    ("GET", "/v1/sessions"),
    ("DELETE", "/v1/sessions"),
    ("POST", "/v1/session/child"),
    ("DELETE", "/v1/account"),
    ("PUT", "/v1/user/passphrase"),
    ("GET", "/v1/user/attempts"),
    ("PUT", "/v1/kek"),
    ("GET", "/v1/kek"),
    ("POST", "/v1/kek/restart"),
    ("POST", "/v1/deks"),
    ("GET", "/v1/deks"),
    ("GET", "/v1/deks/000102030405060708090a0b0c0d0e0f"),
    ("DELETE", "/v1/deks/000102030405060708090a0b0c0d0e0f"),
    ("POST", "/v1/keypairs"),
    ("GET", "/v1/keypairs?pending=true"),
    ("GET", "/v1/keypairs/000102030405060708090a0b0c0d0e0f"),
    ("PATCH", "/v1/keypairs/000102030405060708090a0b0c0d0e0f"),
    ("DELETE", "/v1/keypairs/000102030405060708090a0b0c0d0e0f"),
    ("GET", "/v1/keypairs/named/a%2Fb"),
    ("POST", "/v1/kek/rotation"),
    ("PUT", "/v1/kek/rotation/2/keys"),
    ("POST", "/v1/kek/rotation/2/finish"),
    ("DELETE", "/v1/kek/rotation/2"),
    ("POST", "/v1/api-keys"),
    ("GET", "/v1/api-keys"),
    ("PATCH", "/v1/api-keys/000102030405060708090a0b0c0d0e0f"),
    ("DELETE", "/v1/api-keys/000102030405060708090a0b0c0d0e0f"),
    ("POST", "/v1/api-keys/000102030405060708090a0b0c0d0e0f/attachments"),
    ("GET", "/v1/api-keys/000102030405060708090a0b0c0d0e0f/attachments"),
    ("DELETE", "/v1/api-keys/attachments/000102030405060708090a0b0c0d0e0f"),
    ("GET", "/v1/datastores"),
    ("POST", "/v1/datastores"),
    ("GET", "/v1/datastores/000102030405060708090a0b0c0d0e0f"),
    ("PATCH", "/v1/datastores/000102030405060708090a0b0c0d0e0f"),
    ("DELETE", "/v1/datastores/000102030405060708090a0b0c0d0e0f"),
    ("POST", "/v1/secrets"),
    ("GET", "/v1/secrets/000102030405060708090a0b0c0d0e0f"),
    ("PUT", "/v1/secrets/000102030405060708090a0b0c0d0e0f"),
    ("GET", "/v1/secrets/000102030405060708090a0b0c0d0e0f/versions"),
    ("GET", "/v1/secrets/versions/000102030405060708090a0b0c0d0e0f"),
    ("PUT", "/v1/secrets/links/000102030405060708090a0b0c0d0e0f"),
    ("DELETE", "/v1/secrets/links/000102030405060708090a0b0c0d0e0f"),
    ("GET", "/v1/shares"),
    ("POST", "/v1/shares"),
    ("GET", "/v1/shares/000102030405060708090a0b0c0d0e0f"),
    ("PUT", "/v1/shares/000102030405060708090a0b0c0d0e0f"),
    ("GET", "/v1/shares/000102030405060708090a0b0c0d0e0f/rights"),
    ("POST", "/v1/shares/000102030405060708090a0b0c0d0e0f/rights"),
    ("PUT", "/v1/shares/000102030405060708090a0b0c0d0e0f/rights/000102030405060708090a0b0c0d0e0f"),
    ("POST", "/v1/shares/000102030405060708090a0b0c0d0e0f/links"),
    ("PUT", "/v1/shares/links/000102030405060708090a0b0c0d0e0f"),
    ("DELETE", "/v1/shares/links/000102030405060708090a0b0c0d0e0f"),
    ("POST", "/v1/shares/rights/000102030405060708090a0b0c0d0e0f/accept"),
    ("POST", "/v1/shares/rights/000102030405060708090a0b0c0d0e0f/decline"),
    ("DELETE", "/v1/shares/rights/000102030405060708090a0b0c0d0e0f"),
    ("POST", "/v1/admission/tokens"),
    ("GET", "/v1/vault/user"),
    ("PATCH", "/v1/vault/user"),
    ("GET", "/v1/vault/templates"),
    ("POST", "/v1/vault/items"),
    ("GET", "/v1/vault/items"),
    ("GET", "/v1/vault/items/000102030405060708090a0b0c0d0e0f"),
    ("PATCH", "/v1/vault/items/000102030405060708090a0b0c0d0e0f"),
    ("DELETE", "/v1/vault/items/000102030405060708090a0b0c0d0e0f"),
    ("DELETE", "/v1/vault/slots/000102030405060708090a0b0c0d0e0f"),
    ("GET", "/v1/chains"),
    ("POST", "/v1/chains"),
    ("POST", "/v1/chains/abc/root-key"),
    ("GET", "/v1/service-keys?chain=abc"),
    ("POST", "/v1/service-keys"),
    ("GET", "/v1/service-keys/KEY"),
    ("PATCH", "/v1/service-keys/KEY"),
    ("DELETE", "/v1/service-keys/KEY"),
    ("POST", "/v1/service-keys/KEY/rotate"),
    ("GET", "/v1/service-keys/self"),
    ("GET", "/v1/recovery/07070707070707070707070707070707/status?tenant=acme"),
    ("POST", "/v1/recovery/07070707070707070707070707070707/veto"),
    ("GET", "/v1/escrows/key"),
    ("GET", "/v1/escrows"),
    ("POST", "/v1/escrows"),
    ("GET", "/v1/escrows/held"),
    ("GET", "/v1/escrows/000102030405060708090a0b0c0d0e0f"),
    ("DELETE", "/v1/escrows/000102030405060708090a0b0c0d0e0f"),
    ("POST", "/v1/escrows/000102030405060708090a0b0c0d0e0f/epochs"),
    ("GET", "/v1/escrows/000102030405060708090a0b0c0d0e0f/requests"),
    ("POST", "/v1/escrows/000102030405060708090a0b0c0d0e0f/requests"),
    ("GET", "/v1/escrows/000102030405060708090a0b0c0d0e0f/requests/000102030405060708090a0b0c0d0e0f"),
    (
        "POST",
        "/v1/escrows/000102030405060708090a0b0c0d0e0f/requests/000102030405060708090a0b0c0d0e0f/approve",
    ),
    ("POST", "/v1/escrows/000102030405060708090a0b0c0d0e0f/requests/000102030405060708090a0b0c0d0e0f/veto"),
    (
        "POST",
        "/v1/escrows/000102030405060708090a0b0c0d0e0f/requests/000102030405060708090a0b0c0d0e0f/collect",
    ),
];

/// Every route that is asked without a credential.
pub(super) const OPEN_ROUTES: &[(&str, &str)] = &[
    ("GET", "/v1/service"),
    ("GET", "/v1/realms"),
    ("POST", "/v1/users/names"),
    ("POST", "/v1/users"),
    ("POST", "/v1/users/challenge"),
    ("POST", "/v1/users/session"),
    ("POST", "/v1/admission/spend"),
    ("POST", "/v1/vault/users"),
    ("POST", "/v1/vault/session"),
];

/// A box, as a macro so that bodies can be put together of it.
macro_rules! a_box {
    () => {
        r#"{"text":"BwcHBwcHBwcHBwcHBwcHBw==","nonce":"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB"}"#
    };
}

/// 32 bytes in base64, as a macro likewise.
macro_rules! a_key {
    () => {
        r#""AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=""#
    };
}

/// Shares that were dealt, as a macro likewise.
macro_rules! a_deal {
    () => {
        r#"{"commitments":"AQ==","holders":[{"index":1,"kind":{"paper":{}}}]}"#
    };
}

/// A body that the route takes, or none.
pub(super) fn body_for(method: &str, target: &str) -> &'static str {
    match (method, target) {
        ("PUT", "/v1/user/passphrase") => {
            r#"{"client_public":"QQ==","proof":"TQ==","salt":"cw==","verifier":"dg=="}"#
        }
        ("PUT", "/v1/kek") | ("POST", "/v1/kek/restart" | "/v1/deks") => r#"{"wrapped":"w"}"#,
        ("PUT", "/v1/kek/rotation/2/keys") => r#"{"keys":[]}"#,
        ("POST", "/v1/keypairs") => r#"{"public_key":"PEM","wrapped_private_key":"w"}"#,
        ("POST", "/v1/api-keys") => concat!(
            r#"{"title":"t","public_key":"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=","#,
            r#""verify_key":"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=","private_key":"#,
            a_box!(),
            r#","secret_key":"#,
            a_box!(),
            r#","user_private_key":"#,
            a_box!(),
            r#","user_secret_key":"#,
            a_box!(),
            "}"
        ),
        ("POST", "/v1/datastores") => concat!(r#"{"kind":"password","secret_key":"#, a_box!(), "}"),
        ("POST", "/v1/secrets") => {
            r#"{"parent":{"datastore":"000102030405060708090a0b0c0d0e0f"},"secrets":[]}"#
        }
        ("PUT", target) if target.contains("/links/") => {
            r#"{"parent":{"datastore":"000102030405060708090a0b0c0d0e0f"}}"#
        }
        ("POST", "/v1/shares") => concat!(
            r#"{"link":"000102030405060708090a0b0c0d0e0f","#,
            r#""parent":{"datastore":"000102030405060708090a0b0c0d0e0f"},"data":"#,
            a_box!(),
            r#","key":"#,
            a_box!(),
            "}"
        ),
        ("POST", target) if target.ends_with("/rights") => {
            concat!(r#"{"taker":"000102030405060708090a0b0c0d0e0f","rights":{},"key":"#, a_box!(), "}")
        }
        ("PUT", target) if target.contains("/rights/") => r#"{"rights":{"read":true}}"#,
        ("POST", target) if target.ends_with("/accept") => {
            concat!(r#"{"key_kind":"symmetric","key":"#, a_box!(), "}")
        }
        ("POST", target) if target.ends_with("/links") => {
            r#"{"link":"000102030405060708090a0b0c0d0e0f","parent":{"share":"000102030405060708090a0b0c0d0e0f"}}"#
        }
        ("PUT", target) if target.starts_with("/v1/shares/") || target.starts_with("/v1/secrets/") => {
            concat!(r#"{"data":"#, a_box!(), "}")
        }
        ("POST", target) if target.ends_with("/attachments") => concat!(
            r#"{"secret":"000102030405060708090a0b0c0d0e0f","secret_key":"#,
            a_box!(),
            r#","title":"#,
            a_box!(),
            "}"
        ),
        ("POST", "/v1/escrows") => concat!(
            r#"{"id":"000102030405060708090a0b0c0d0e0f","label":"l","payload":"AQ==","deal":"#,
            a_deal!(),
            r#","policy":{"quorum":1,"delay_s":0,"window_s":60,"collect_s":60,"open_requests_max":1}}"#
        ),
        ("POST", target) if target.ends_with("/epochs") => concat!(r#"{"epoch":1,"deal":"#, a_deal!(), "}"),
        ("POST", target) if target.ends_with("/requests") => {
            concat!(r#"{"public_key":"#, a_key!(), r#","reason":"lost it"}"#)
        }
        ("POST", target) if target.ends_with("/approve") => r#"{"epoch":1,"index":1,"sealed":"AQ=="}"#,
        ("PATCH", _) => "{}",
        ("POST", "/v1/kek/rotation") => r#"{"generation":1,"wrapped":"w"}"#,
        ("POST", "/v1/admission/tokens") => r#"{"audience":"users-vault"}"#,
        ("POST", "/v1/vault/items") => r#"{"template":"dfbb9b6fbb5341cfb7df86a0b6165abd","label":"thing"}"#,
        ("POST", "/v1/users") => r#"{"username":"ann","salt":"cw==","verifier":"dg=="}"#,
        ("POST", "/v1/users/challenge") => r#"{"username":"ann","client_public":"QQ=="}"#,
        ("POST", "/v1/users/session") => r#"{"username":"ann","client_public":"QQ==","proof":"TQ=="}"#,
        ("POST", "/v1/admission/spend") => r#"{"token":"no token","audience":"users-vault"}"#,
        ("POST", "/v1/vault/users") => r#"{"admission_token":"no token","public_key":"PEM"}"#,
        ("POST", "/v1/vault/session") => r#"{"public_key":"PEM"}"#,
        ("PUT", _) => r#"{"meta":"bQ==","value":"dg=="}"#,
        ("POST", "/v1/reset") => r#"{"prefix":[]}"#,
        ("POST", "/v1/undo/a") => r#"{"sequence":1}"#,
        ("POST", "/v1/share/a") => r#"{"add":["bob"]}"#,
        ("DELETE", "/v1/account") => r#"{"confirm":"ann"}"#,
        ("POST", "/v1/session/child") => r#"{"life_s":60}"#,
        _ => "",
    }
}

/// A-HTTP-07: a route has the methods it has; neither another method nor a header that names one gets past that.
#[actix_rt::test]
async fn no_other_method_gets_past_a_route() {
    let desk = Desk::new().await;
    desk.put("a", "m", "v", &[]).await;
    for (method, target) in ROUTES.iter().chain(OPEN_ROUTES) {
        for other in ["HEAD", "OPTIONS", "TRACE", "PATCH", "CONNECT", "BREW"] {
            if ROUTES.contains(&(other, target)) {
                continue;
            }
            let answer = desk.ask(other, target, &["x-http-method-override: GET"], "").await;
            assert_eq!(code(&answer), (405, "method-not-allowed"), "{other} {target}");
            let allow = answer.headers[header::ALLOW].to_str().unwrap();
            assert!(allow.split(", ").any(|allowed| allowed == *method), "{method} {target}: {allow}");
        }
    }
    let overridden = ["x-http-method-override: DELETE", "x-http-method: DELETE", "x-method-override: DELETE"];
    assert_eq!(desk.ask("GET", "/v1/records/a", &overridden, "").await.status, 200);
    assert_eq!(desk.ask("GET", "/v1/records/a", &[], "").await.status, 200, "still there");
}

#[actix_rt::test]
async fn every_route_asks_who_is_there() {
    let desk = Desk::new().await;
    for (method, target) in ROUTES {
        let body = body_for(method, target);
        let anonymous = desk.raw(method, target, &[JSON], body).await;
        assert_eq!(anonymous.status, 401, "{method} {target}");
        assert_eq!(anonymous.headers[header::WWW_AUTHENTICATE], "Bearer");
        let unknown =
            desk.ask_as("srt_0000000000000000000000000000000000000000000", method, target, &[], body);
        assert_eq!(code(&unknown.await), (401, "credential-invalid"), "{method} {target}");
    }
    let both = [&*format!("authorization: Bearer {}", desk.token), "authorization: Bearer srt_x"];
    assert_eq!(desk.raw("GET", "/v1/session", &both, "").await.status, 401, "repeated");
}

#[actix_rt::test]
async fn what_is_not_in_the_table_is_not_there() {
    let desk = Desk::new().await;
    for target in [
        "/v1",
        "/v1/",
        "/v1/record/a",
        "/v1/records/a/b/c/d",
        "/v1/history",
        "/v1/undo",
        "/v1/session/xyz",
        "/v1/session/a/b",
        "/v1/feed/x",
        "/v1/Records",
        "/v1/records;x/a",
        "/v1/account/ann",
        "/v1/service/x",
        "/v1/users/ann",
        "/v1/user",
        "/v1/kek/rotation/x",
        "/v1/kek/rotation/-1",
        "/v1/kek/rotation/2/keys/x",
        "/v1/deks/xyz",
        "/v1/keypairs/xyz",
        "/v1/keypairs/named",
        "/v1/api-keys/xyz",
        "/v1/api-keys/xyz/attachments",
        "/v1/api-keys/attachments",
        "/v1/api-keys/attachments/xyz",
        "/v1/datastores/xyz",
        "/v1/datastores/000102030405060708090a0b0c0d0e0f/x",
        "/v1/secrets",
        "/v1/secrets/xyz",
        "/v1/secrets/versions",
        "/v1/secrets/versions/xyz",
        "/v1/secrets/links",
        "/v1/secrets/000102030405060708090a0b0c0d0e0f/links",
        "/v1/shares/xyz",
        "/v1/shares/rights",
        "/v1/shares/rights/xyz/accept",
        "/v1/shares/rights/000102030405060708090a0b0c0d0e0f/refuse",
        "/v1/shares/links",
        "/v1/shares/000102030405060708090a0b0c0d0e0f/rights/xyz",
        "/v1/shares/000102030405060708090a0b0c0d0e0f/links/000102030405060708090a0b0c0d0e0f",
        "/v1/admission",
        "/v1/vault",
        "/v1/vault/items/xyz",
        "/v1/vault/slots",
        "/v1/chains/abc",
        "/v1/chains/0l/root-key",
        "/v1/service-keys/key",
        "/v1/service-keys?chain=0l",
        "/v1/service-keys?chain=a&chain=b",
        "/v1/service-keys/self/rotate",
        "/v1/service-keys/KEY/x",
    ] {
        let status = desk.ask("GET", target, &[], "").await.status;
        assert!(matches!(status, 400 | 404 | 405), "{target}: {status}");
    }
    for query in ["limit=0x1", "limit=-1", "limit=1&limit=2", "owner=", "wait=1", "cursor=a&cursor=b"] {
        let answer = desk.ask("GET", &format!("/v1/records?{query}"), &[], "").await;
        assert_eq!(code(&answer), (400, "bad-request"), "{query}");
    }
    assert_eq!(desk.put("a/b/c/d", "m", "v", &[]).await.status, 400, "four parts");
    assert_eq!(desk.put(&"x".repeat(1_025), "m", "v", &[]).await.status, 400, "too long a part");
}
