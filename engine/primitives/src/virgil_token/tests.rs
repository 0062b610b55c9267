//! Tokens of every published client, and what must not pass for one.

use serde_json::{Value, json};

use super::*;
use crate::encoding::{from_base64, from_hex, to_base64url, to_hex};
use crate::hash::sha512;
use crate::sign::SigningKey;

fn vectors() -> Value {
    serde_json::from_str(include_str!("../../../../tests/vectors/keyknox.json")).unwrap()
}

fn key() -> SigningKey {
    SigningKey::from_seed(&[6; 32])
}

fn header() -> Value {
    json!({"alg": "VEDS512", "kid": "k1", "typ": "JWT", "cty": "virgil-jwt;v=1"})
}

fn claims() -> Value {
    json!({"iss": "virgil-app", "sub": "identity-alice", "iat": 1_000, "exp": 2_000})
}

fn token_of(header: &[u8], payload: &[u8]) -> String {
    let input = format!("{}.{}", to_base64url(header), to_base64url(payload));
    let signature = to_base64url(&key().sign_envelope(input.as_bytes()));
    format!("{input}.{signature}")
}

fn token(header: &Value, claims: &Value) -> String {
    token_of(header.to_string().as_bytes(), claims.to_string().as_bytes())
}

fn refusal(header: &Value, claims: &Value) -> TokenError {
    parse(&token(header, claims)).unwrap_err()
}

fn with(mut object: Value, name: &str, value: Value) -> Value {
    object[name] = value;
    object
}

fn without(mut object: Value, name: &str) -> Value {
    object.as_object_mut().unwrap().remove(name).unwrap();
    object
}

#[test]
fn tokens_of_every_published_client_verify_and_name_the_same_identity() {
    let vectors = vectors();
    let group = &vectors["jwt"];
    let spki = from_base64(vectors["keys"]["items"]["api"]["public_spki_b64"].as_str().unwrap()).unwrap();
    let api = VerifyingKey::from_spki(&spki).unwrap();
    let items = group["items"].as_array().unwrap();
    assert_eq!(items.len(), 5);
    for item in items {
        let text = item["token"].as_str().unwrap();
        let token = parse(text).unwrap();
        token.verify(&api).unwrap();
        assert_eq!(token.app_id.as_str(), group["app_id"]);
        assert_eq!(token.key_id, group["api_key_id"]);
        assert_eq!(token.identity.as_str(), item["identity"]);
        assert_eq!(token.issued_at_s, item["iat"]);
        assert_eq!(token.expires_at_s, item["exp"]);
        assert_eq!(token.rights, None);
        assert_eq!(token.signing_input, item["signing_input"]);
        assert_eq!(to_hex(&token.signed_digest()), item["signing_input_sha512_hex"]);
        api.verify(&token.signed_digest(), &token.signature().unwrap()).unwrap();
        assert_eq!(to_hex(&token.signature), item["signature_der_hex"]);
        let payload = from_hex(item["payload_hex"].as_str().unwrap()).unwrap();
        assert_eq!(std::str::from_utf8(&payload).is_ok(), item["payload_is_valid_utf8"]);
        assert_eq!(text.split('.').nth(1).unwrap(), to_base64url(&payload));
        assert_eq!(
            text.split('.').next().unwrap(),
            to_base64url(item["header_json"].as_str().unwrap().as_bytes())
        );
    }
}

#[test]
fn a_token_with_sorted_members_blanks_and_escapes_verifies_too() {
    let vectors = vectors();
    let item = &vectors["jwt_other_sdk"][0];
    let token = parse(item["token"].as_str().unwrap()).unwrap();
    let spki = from_base64(item["public_spki_b64"].as_str().unwrap()).unwrap();
    token.verify(&VerifyingKey::from_spki(&spki).unwrap()).unwrap();
    assert_eq!(token.identity.as_str(), "zo\u{e9}");
    assert_eq!(token.identity.as_str(), item["identity"]);
    assert_eq!(token.app_id.as_str(), item["app_id"]);
    assert_eq!(token.key_id, item["api_key_id"]);
    assert_eq!((token.issued_at_s, token.expires_at_s), (1_795_290_313, 1_795_291_513));
}

/// A-REC-07 and A-REC-08: the header is the known one or the token is refused; nothing in it is followed.
#[test]
fn a_header_that_says_anything_else_is_refused() {
    for (name, value) in [
        ("alg", json!("none")),
        ("alg", json!("EdDSA")),
        ("alg", json!("HS256")),
        ("alg", json!(["VEDS512"])),
        ("typ", json!("jwt")),
        ("cty", json!("virgil-jwt;v=2")),
        ("kid", json!("")),
        ("kid", json!(7)),
        ("kid", json!("k".repeat(KEY_ID_BYTES_MAX + 1))),
        ("jku", json!("https://example.org/keys")),
        ("x5u", json!("https://example.org/cert")),
        ("jwk", json!({"kty": "OKP"})),
        ("crit", json!(["b64"])),
    ] {
        assert_eq!(
            refusal(&with(header(), name, value.clone()), &claims()),
            TokenError::Header,
            "{name} {value}"
        );
    }
    for name in ["alg", "typ", "cty", "kid"] {
        assert_eq!(refusal(&without(header(), name), &claims()), TokenError::Header, "{name}");
    }
    assert_eq!(refusal(&json!(["VEDS512"]), &claims()), TokenError::Header);
    assert!(parse(&token(&with(header(), "kid", json!("k".repeat(KEY_ID_BYTES_MAX))), &claims())).is_ok());
    for odd in ["../../k1", "' OR 1=1 --"] {
        let text = token(&with(header(), "kid", json!(odd)), &claims());
        assert_eq!(parse(&text).unwrap().key_id, odd, "opaque: it simply names no key");
    }
}

/// A-REC-08: a claim of the wrong type is an invalid claim, not an absent one.
#[test]
fn claims_missing_of_another_type_or_out_of_bounds_are_refused() {
    for name in ["iss", "sub", "iat", "exp"] {
        assert_eq!(refusal(&header(), &without(claims(), name)), TokenError::Payload, "{name}");
    }
    for name in ["iat", "exp", "nbf"] {
        for value in
            [json!("1500"), json!(1500.0), json!(1500.5), json!([1500]), json!(-1), json!(null), json!(1e30)]
        {
            let claims = with(claims(), name, value.clone());
            assert_eq!(refusal(&header(), &claims), TokenError::Payload, "{name} {value}");
        }
    }
    for (name, value) in [
        ("exp", json!(1_000)),
        ("exp", json!(999)),
        ("iss", json!("app")),
        ("iss", json!("virgil-")),
        ("iss", json!("virgil-two words")),
        ("sub", json!("alice")),
        ("sub", json!("identity-")),
        ("sub", json!(null)),
        ("sub", json!(format!("identity-{}", "a".repeat(1_025)))),
        ("ada", json!("text")),
        ("ada", json!(null)),
        ("ada", json!({"keyknox": ["get"]})),
        ("ada", json!({"keyknox": "get,delete"})),
        ("ada", json!({"keyknox": "get, reset"})),
    ] {
        assert_eq!(
            refusal(&header(), &with(claims(), name, value.clone())),
            TokenError::Payload,
            "{name} {value}"
        );
    }
    assert_eq!(refusal(&header(), &json!("text")), TokenError::Payload);
}

/// A-REC-08 and rule 2.4 of the threat model: one name, one value.
#[test]
fn doubled_members_are_refused() {
    let doubled = br#"{"iss":"virgil-app","sub":"identity-a","sub":"identity-b","iat":1,"exp":2}"#;
    assert_eq!(parse(&token_of(header().to_string().as_bytes(), doubled)).unwrap_err(), TokenError::Payload);
    let doubled = br#"{"alg":"none","alg":"VEDS512","kid":"k","typ":"JWT","cty":"virgil-jwt;v=1"}"#;
    assert_eq!(parse(&token_of(doubled, claims().to_string().as_bytes())).unwrap_err(), TokenError::Header);
}

/// A-REC-08: two dots short, or one too many; padding; another alphabet; a mebibyte.
#[test]
fn text_that_is_not_three_parts_of_base64url_is_refused() {
    let good = token(&header(), &claims());
    let (input, signature) = good.rsplit_once('.').unwrap();
    for bad in [
        String::new(),
        "..".to_owned(),
        input.replace('.', ""),
        input.to_owned() + ".",
        format!(".{good}"),
        format!("{good}."),
        format!("{good}=="),
        format!(" {good}"),
        format!("{good}\n"),
        format!("{input}.+{signature}"),
        format!("{good}.{signature}"),
        "a".repeat(TOKEN_BYTES_MAX + 1),
        good.clone() + &"A".repeat(1 << 20),
    ] {
        assert_eq!(parse(&bad).unwrap_err(), TokenError::Form, "{}", &bad[..bad.len().min(80)]);
    }
}

#[test]
fn a_token_of_exactly_the_longest_length_is_read() {
    let filled = |spare: usize| token(&header(), &with(claims(), "ada", json!({"x": "y".repeat(spare)})));
    let fits = (0..TOKEN_BYTES_MAX).rev().map(filled).find(|text| text.len() <= TOKEN_BYTES_MAX).unwrap();
    assert!(fits.len() > TOKEN_BYTES_MAX - 4);
    assert!(parse(&fits).is_ok());
    assert_eq!(parse(&(fits + "AAAA")).unwrap_err(), TokenError::Form);
}

/// A-REC-07 and A-REC-09: only the exact envelope by the very key verifies, over the very bytes received.
#[test]
fn any_changed_bit_or_other_key_fails_the_signature() {
    let text = token(&header(), &claims());
    parse(&text).unwrap().verify(&key().verifying_key()).unwrap();
    let other = SigningKey::from_seed(&[7; 32]).verifying_key();
    assert_eq!(parse(&text).unwrap().verify(&other), Err(TokenError::Signature));
    let (input, _) = text.rsplit_once('.').unwrap();
    for signature in
        [key().sign(&sha512(input.as_bytes())).to_vec(), key().sign(input.as_bytes()).to_vec(), vec![0]]
    {
        let text = format!("{input}.{}", to_base64url(&signature));
        assert_eq!(parse(&text).unwrap().verify(&key().verifying_key()), Err(TokenError::Signature));
    }
    for at in 0..text.len() {
        let mut bytes = text.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(bytes).unwrap();
        let verdict = parse(&changed).and_then(|token| token.verify(&key().verifying_key()));
        assert!(verdict.is_err(), "byte {at}");
    }
}

#[test]
fn a_token_lives_from_five_minutes_before_its_issue_to_the_end_of_its_last_second() {
    let text = token(&header(), &claims());
    let parsed = parse(&text).unwrap();
    assert_eq!(parsed.check_times(699), Err(TokenError::NotYetValid));
    assert_eq!(parsed.check_times(700), Ok(()));
    assert_eq!(parsed.check_times(2_000), Ok(()));
    assert_eq!(parsed.check_times(2_001), Err(TokenError::Expired));
    let later = token(&header(), &with(claims(), "nbf", json!(1_500)));
    assert_eq!(parse(&later).unwrap().check_times(1_199), Err(TokenError::NotYetValid));
    assert_eq!(parse(&later).unwrap().check_times(1_200), Ok(()));
}

/// A-REC-10: a token can be limited to a subset of the three operations, the empty one included.
#[test]
fn rights_are_read_from_the_application_data() {
    let rights = |list: &str| {
        let text = token(&header(), &with(claims(), "ada", json!({"keyknox": list, "device": "phone"})));
        parse(&text).unwrap().rights.unwrap()
    };
    assert_eq!(rights("create,reset"), TokenRights { create: true, get: false, reset: true });
    assert_eq!(rights("get"), TokenRights { get: true, ..TokenRights::default() });
    assert_eq!(rights(""), TokenRights::default());
    let text = token(&header(), &with(claims(), "ada", json!({"device": "phone"})));
    assert_eq!(parse(&text).unwrap().rights, None);
}
