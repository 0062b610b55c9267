//! Texts that are no token, whoever signed them.

use super::*;

#[test]
fn a_header_that_says_anything_else_is_refused() {
    assert_eq!(parsed(&header(), &claims()), Ok(()));
    assert_eq!(parsed(&with(header(), "typ", json!("JWT")), &claims()), Ok(()));
    for (name, value) in [
        ("alg", json!("none")),
        ("alg", json!("hs256")),
        ("alg", json!("HS512")),
        ("alg", json!(["HS256"])),
        ("typ", json!("jwt")),
        ("typ", json!(null)),
        ("kid", json!(1)),
        ("jku", json!("https://example.org/keys")),
        ("jwk", json!({ "kty": "oct" })),
        ("crit", json!(["b64"])),
    ] {
        let bad = with(header(), name, value.clone());
        assert_eq!(refusal(&bad, &claims()), TenantTokenError::Header, "{name} {value}");
    }
    for name in ["alg", "kid"] {
        assert_eq!(refusal(&without(header(), name), &claims()), TenantTokenError::Header, "{name}");
    }
}

#[test]
fn a_key_id_is_a_tenant_and_a_version() {
    for (good, tenant, version) in
        [("acme:1", "acme", 1), ("test-Acme9:0", "test-Acme9", 0), ("a:18446744073709551615", "a", u64::MAX)]
    {
        let text = signed(&with(header(), "kid", json!(good)), &with(claims(), "iss", json!(tenant)));
        let token = TenantToken::parse(&text).unwrap();
        assert_eq!((token.tenant.as_str(), token.key_version), (tenant, version));
    }
    for bad in [
        "acme",
        "acme:",
        ":1",
        "test-:1",
        "acme:01",
        "acme:+1",
        "acme:-1",
        "acme:1 ",
        "acme:18446744073709551616",
        "ac:me:1",
        "ac-me:1",
        "test-test-acme:1",
        "\u{e9}:1",
    ] {
        let claims = with(claims(), "iss", json!(bad.split(':').next()));
        assert_eq!(refusal(&with(header(), "kid", json!(bad)), &claims), TenantTokenError::KeyId, "{bad:?}");
    }
    let other = with(claims(), "iss", json!("other"));
    assert_eq!(refusal(&header(), &other), TenantTokenError::Payload, "the key is another tenant's");
}

/// A claim of the wrong type is an invalid claim, not an absent one.
#[test]
fn claims_missing_of_another_type_or_out_of_bounds_are_refused() {
    for name in ["iss", "sub", "aud", "nbf", "exp"] {
        assert_eq!(refusal(&header(), &without(claims(), name)), TenantTokenError::Payload, "{name}");
    }
    let id = realm().to_string();
    for (name, value) in [
        ("sub", json!("")),
        ("sub", json!(7)),
        ("aud", json!("00")),
        ("aud", json!(id.to_uppercase())),
        ("aud", json!([])),
        ("aud", json!([id, id])),
        ("aud", json!([[id]])),
        ("aud", json!({ "realm": id })),
        ("scope", json!("")),
        ("scope", json!("User")),
        ("scope", json!("user audit")),
        ("scope", json!(null)),
        ("scope", json!(["user"])),
        ("nbf", json!(-1)),
        ("nbf", json!(1.5)),
        ("nbf", json!("1800000000")),
        ("nbf", json!(null)),
        ("iat", json!("1800000000")),
        ("exp", json!(1e30)),
        ("exp", json!(NOW_S - 1)),
    ] {
        let bad = with(claims(), name, value.clone());
        assert_eq!(refusal(&header(), &bad), TenantTokenError::Payload, "{name} {value}");
    }
    let issued = with(without(claims(), "nbf"), "iat", json!(NOW_S - 9));
    assert_eq!(TenantToken::parse(&signed(&header(), &issued)).unwrap().not_before_s, NOW_S - 9);
    assert_eq!(parsed(&header(), &with(claims(), "more", json!({ "anything": 1 }))), Ok(()));
}

#[test]
fn a_text_that_is_no_token_is_refused() {
    let good = signed(&header(), &claims());
    let [header, payload, _] = good.split('.').collect::<Vec<_>>()[..] else { panic!("three parts") };
    for bad in [
        String::new(),
        "..".to_owned(),
        "bogus".to_owned(),
        format!("{header}.{payload}"),
        format!("{header}.{payload}."),
        format!("{good}."),
        format!("{good}="),
        format!(" {good}"),
        format!("{header}.{payload}.{}", "A".repeat(TOKEN_BYTES_MAX)),
    ] {
        assert_eq!(TenantToken::parse(&bad).map(drop), Err(TenantTokenError::Form), "{bad}");
    }
    let token = |header: &str, payload: &str| {
        let text = format!("{}.{}.AAAA", to_base64url(header.as_bytes()), to_base64url(payload.as_bytes()));
        TenantToken::parse(&text).map(drop).unwrap_err()
    };
    assert_eq!(token("[]", "{}"), TenantTokenError::Header);
    assert_eq!(token(r#"{"alg":"HS256","kid":"a:1","kid":"b:1"}"#, "{}"), TenantTokenError::Header);
    assert_eq!(token(r#"{"alg":"HS256","kid":"a:1"}"#, "{}{}"), TenantTokenError::Payload);
}
