//! Vectors that others published: RFC 9421 appendix B, RFC 9530, and the three of `SIGNING.md`.

use sfv::{Dictionary, InnerList, ListEntry, Parser};

use super::super::base::signature_base;
use super::super::message::Message;
use super::*;

fn list(text: &str) -> InnerList {
    let dictionary: Dictionary = Parser::new(text).parse().unwrap();
    match dictionary.into_iter().next() {
        Some((_, ListEntry::InnerList(list))) => list,
        _ => panic!("{text}"),
    }
}

const HELLO: &str = r#"{"hello": "world"}"#;

/// The request that the examples of the appendix sign.
fn with_test_request<T>(use_it: impl FnOnce(&Request<'_>) -> T) -> T {
    use_it(&Request {
        method: "POST",
        scheme: "https",
        authority: "example.com",
        path: "/foo",
        query: Some("param=Value&Pet=dog"),
        fields: &[
            ("Host", "example.com"),
            ("Date", "Tue, 20 Apr 2021 02:07:55 GMT"),
            ("Content-Type", "application/json"),
            (
                "Content-Digest",
                "sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:",
            ),
            ("Content-Length", "18"),
        ],
    })
}

#[test]
fn rfc_9421_b_2_5_hmac_of_a_request() {
    let secret = from_base64(
        "uzvJfB4u3N0Jy4T7NZ75MDVcr8zSTInedJtkgcu46YW4XByzNJjxBdtjUkdJPBtbmHhIDi6pcl8jsasjlTMtDQ==",
    );
    let secret = Secret::new(secret.unwrap());
    let list =
        list(r#"sig-b25=("date" "@authority" "content-type");created=1618884473;keyid="test-shared-secret""#);
    let base = with_test_request(|request| signature_base(Message::Request(request), &list)).unwrap();
    let signature = SigningKey::HmacSha256(&secret).sign(&base);
    assert_eq!(signature, from_base64("pxcQw6G3AjtMBQjwo8XzkZf/bws5LelbaMk5rGIGtE8=").unwrap());
    key::verify(Algorithm::HmacSha256, Some(VerifyingKey::HmacSha256(&secret)), &base, &signature).unwrap();
}

#[test]
fn rfc_9421_b_2_6_ed25519_of_a_request() {
    let pkcs8 = from_base64("MC4CAQAwBQYDK2VwBCIEIJ+DYvh6SEqVTm50DFtMDoQikTmiCqirVv9mWG9qfSnF").unwrap();
    let private = sign::SigningKey::from_pkcs8(&pkcs8).unwrap();
    let spki = from_base64("MCowBQYDK2VwAyEAJrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs=").unwrap();
    let public = sign::VerifyingKey::from_spki(&spki).unwrap();
    let list = list(
        r#"sig-b26=("date" "@method" "@path" "@authority" "content-type" "content-length");created=1618884473;keyid="test-key-ed25519""#,
    );
    let base = with_test_request(|request| signature_base(Message::Request(request), &list)).unwrap();
    let signature = SigningKey::Ed25519(&private).sign(&base);
    let published =
        "wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==";
    assert_eq!(signature, from_base64(published).unwrap());
    key::verify(Algorithm::Ed25519, Some(VerifyingKey::Ed25519(&public)), &base, &signature).unwrap();
}

/// The profile has no ECDSA. The library that has one checks our base under the published key.
#[test]
fn rfc_9421_b_2_4_base_of_a_response() {
    let digest =
        "sha-512=:mEWXIS7MaLRuGgxOBdODa3xqM1XdEvxoYhvlCFJ41QJgJc4GTsPp29l5oGX69wWdXymyU0rjJuahq4l5aGgfLQ==:";
    let fields = [
        ("Date", "Tue, 20 Apr 2021 02:07:56 GMT"),
        ("Content-Type", "application/json"),
        ("Content-Digest", digest),
        ("Content-Length", "23"),
    ];
    check_content_digest(&fields, br#"{"message": "good dog"}"#).unwrap();
    let list = list(
        r#"sig-b24=("@status" "content-type" "content-digest" "content-length");created=1618884473;keyid="test-key-ecc-p256""#,
    );
    let base = with_test_request(|request| {
        signature_base(Message::Response(&Response { status: 200, fields: &fields, request }), &list)
    });
    let spki = from_base64(
        "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEqIVYZVLCrPZHGHjP17CTW0/+D9Lfw0EkjqF7xB4FivAxzic30tMM4GF+hR6Dxh71Z50VGGdldkkDXZCnTNnoXQ==",
    )
    .unwrap();
    let signature = from_base64(
        "wNmSUAhwb5LxtOtOpNa6W5xj067m5hFrj0XQ4fvpaCLx0NKocgPquLgyahnzDnDAUy5eCdlYUEkLIj+32oiasw==",
    );
    // The last 65 bytes of the key's DER are the point itself.
    let key = aws_lc_rs::signature::UnparsedPublicKey::new(
        &aws_lc_rs::signature::ECDSA_P256_SHA256_FIXED,
        &spki[spki.len() - 65..],
    );
    key.verify(base.unwrap().as_bytes(), &signature.unwrap()).unwrap();
}

/// The profile has no RSA either. The library that has one checks our bases under the published key: of nothing but the
/// parameters, and of everything.
#[test]
fn rfc_9421_b_2_1_and_b_2_3_bases_of_a_request() {
    let der = from_base64(
        "MIIBCgKCAQEAr4tmm3r20Wd/PbqvP1s2+QEtvpuRaV8Yq40gjUR8y2Rjxa6dpG2GXHbPfvMs8ct+Lh1GH45x28Rw3Ry53mm+oAXjyQ86OnDkZ5N8lYbggD4O3w6M6pAvLkhk95AndTrifbIFPNU8PPMO7OyrFAHqgDsznjPFmTOtCEcN2Z1FpWgchwuYLPL+Wokqltd11nqqzi+bJ9cvSKADYdUAAN5WUtzdpiy6LbTgSxP7ociU4Tn0g5I6aDZJ7A8Lzo0KSyZYoA485mqcO0GVAdVw9lq4aOT9v6d+nb4bnNkQVklLQ3fVAvJm+xdDOp9LCNCN48V2pnDOkFV6+U9nV5oyc6XI2wIDAQAB",
    );
    let key = aws_lc_rs::signature::UnparsedPublicKey::new(
        &aws_lc_rs::signature::RSA_PSS_2048_8192_SHA512,
        der.unwrap(),
    );
    for (input, signature) in [
        (
            r#"sig-b21=();created=1618884473;keyid="test-key-rsa-pss";nonce="b3k2pp5k7z-50gnwp.yemd""#,
            "d2pmTvmbncD3xQm8E9ZV2828BjQWGgiwAaw5bAkgibUopemLJcWDy/lkbbHAve4cRAtx31Iq786U7it++wgGxbtRxf8Udx7zFZsckzXaJMkA7ChG52eSkFxykJeNqsrWH5S+oxNFlD4dzVuwe8DhTSja8xxbR/Z2cOGdCbzR72rgFWhzx2VjBqJzsPLMIQKhO4DGezXehhWwE56YCE+O6c0mKZsfxVrogUvA4HELjVKWmAvtl6UnCh8jYzuVG5WSb/QEVPnP5TmcAnLH1g+s++v6d4s8m0gCw1fV5/SITLq9mhho8K3+7EPYTU8IU1bLhdxO5Nyt8C8ssinQ98Xw9Q==",
        ),
        (
            r#"sig-b23=("date" "@method" "@path" "@query" "@authority" "content-type" "content-digest" "content-length");created=1618884473;keyid="test-key-rsa-pss""#,
            "bbN8oArOxYoyylQQUU6QYwrTuaxLwjAC9fbY2F6SVWvh0yBiMIRGOnMYwZ/5MR6fb0Kh1rIRASVxFkeGt683+qRpRRU5p2voTp768ZrCUb38K0fUxN0O0iC59DzYx8DFll5GmydPxSmme9v6ULbMFkl+V5B1TP/yPViV7KsLNmvKiLJH1pFkh/aYA2HXXZzNBXmIkoQoLd7YfW91kE9o/CCoC1xMy7JA1ipwvKvfrs65ldmlu9bpG6A9BmzhuzF8Eim5f8ui9eH8LZH896+QIF61ka39VBrohr9iyMUJpvRX2Zbhl5ZJzSRxpJyoEZAFL2FUo5fTIztsDZKEgM4cUA==",
        ),
    ] {
        let base = with_test_request(|request| signature_base(Message::Request(request), &list(input)));
        key.verify(base.unwrap().as_bytes(), &from_base64(signature).unwrap()).expect(input);
    }
}

/// What whoever passes a message on may do to it, and what breaks its signature.
#[test]
fn rfc_9421_b_4_transformed_messages() {
    let spki = from_base64("MCowBQYDK2VwAyEAJrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs=").unwrap();
    let public = sign::VerifyingKey::from_spki(&spki).unwrap();
    let list = list(
        r#"transform=("@method" "@path" "@authority" "accept");created=1618884473;keyid="test-key-ed25519""#,
    );
    let signature = from_base64(
        "ZT1kooQsEHpZ0I1IjCqtQppOmIqlJPeo7DHR3SoMn0s5JZ1eRGS0A+vyYP9t/LXlh5QMFFQ6cpLt2m0pmj3NDA==",
    )
    .unwrap();
    let verified =
        |method: &str, path: &str, authority: &str, query: Option<&str>, fields: &[(&str, &str)]| {
            let request = Request { method, scheme: "https", authority, path, query, fields };
            let base = signature_base(Message::Request(&request), &list).unwrap();
            key::verify(Algorithm::Ed25519, Some(VerifyingKey::Ed25519(&public)), &base, &signature).is_ok()
        };
    let (json, any) = (("Accept", "application/json"), ("Accept", "*/*"));
    let demo = Some("name1=Value1&Name2=value2");
    let (date, language) = (("Date", "Fri, 15 Jul 2022 14:24:55 GMT"), ("Accept-Language", "en-US,en;q=0.5"));
    assert!(verified("GET", "/demo", "example.org", demo, &[date, json, any]), "as it was signed");
    let more = [date, language, json, any];
    assert!(verified("GET", "/demo", "example.org", Some("name1=Value1&Name2=value2&param=added"), &more));
    assert!(verified("GET", "/demo", "example.org", demo, &[("Accept", "application/json, */*"), date]));
    assert!(verified("GET", "/demo", "example.org:443", demo, &[json, any]), "by the scheme's own port");
    assert!(verified(
        "GET",
        "/demo",
        "EXAMPLE.ORG",
        demo,
        &[("Referer", "https://developer.example.org/demo"), json, any]
    ));
    assert!(!verified("POST", "/demo", "example.com", demo, &[json, any]), "another method and authority");
    assert!(!verified("GET", "/demo", "example.org", demo, &[any, json]), "in another order");
}

/// RFC 9530, appendix B, and the two bodies of RFC 9421, appendix B.
#[test]
fn digests_agree_with_every_published_vector() {
    for (algorithm, body, expected) in [
        (
            DigestAlgorithm::Sha256,
            format!("{HELLO}\n"),
            "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:",
        ),
        (DigestAlgorithm::Sha256, HELLO.to_owned(), "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:"),
        (
            DigestAlgorithm::Sha512,
            format!("{HELLO}\n"),
            "sha-512=:YMAam51Jz/jOATT6/zvHrLVgOYTGFy1d6GJiOHTohq4yP+pgk4vf2aCsyRZOtw8MjkM7iw7yZ/WkppmM44T3qg==:",
        ),
    ] {
        assert_eq!(content_digest(algorithm, body.as_bytes()), expected);
        check_content_digest(&[("content-digest", expected)], body.as_bytes()).unwrap();
    }
    with_test_request(|request| check_content_digest(request.fields, HELLO.as_bytes())).unwrap();
}

const COVERED: &str = r#"("@method" "@authority" "@path" "@query" "content-type" "content-digest")"#;
const FAR_OFF: Timestamp = Timestamp::from_s(4_102_444_800);

/// The vectors expire far off, so that they stay good.
const PATIENT: Profile<'static> = Profile { life_max: Duration::MAX, ..PROFILE };

fn accept(letter: &Letter, key: VerifyingKey<'_>) -> Accepted {
    letter
        .claim_by(&PATIENT, CREATED)
        .unwrap()
        .verify(Some(key))
        .unwrap()
        .check_body(BODY.as_bytes())
        .unwrap()
}

/// `SIGNING.md`, "Test vectors": what the published clients sign is accepted in the order in which each writes its
/// parameters, and what we sign is what the first of them signs.
#[test]
fn the_profiles_own_vectors_are_made_and_accepted() {
    let (secret, private) = (secret(), private());
    let public = private.verifying_key();
    assert_eq!(public.as_bytes()[..], from_base64("A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=").unwrap());
    let parameters = [
        r#";created=1573691665;keyid="EAYRMSXDOSWY";alg="hmac-sha256""#,
        r#";expires=4102444800;nonce="n-0123456789abcdef";tag="strongroom""#,
    ];
    let theirs = &parameters.concat();
    let parameters = [
        r#";created=1573691665;expires=4102444800;nonce="n-0123456789abcdef""#,
        r#";alg="hmac-sha256";keyid="EAYRMSXDOSWY";tag="strongroom""#,
    ];
    let other = &parameters.concat();
    let ed25519 = theirs.replace("hmac-sha256", "ed25519");
    let hmac_keys = (SigningKey::HmacSha256(&secret), VerifyingKey::HmacSha256(&secret));
    let ed25519_keys = (SigningKey::Ed25519(&private), VerifyingKey::Ed25519(&public));
    for (parameters, signature, (signer, verifier), ours) in [
        (theirs, "WpSoBehPufGQ9cqHfKMymr5zUdIr/IGFhd3CkI0uw8g=", hmac_keys, true),
        (other, "xktTOeykiBa7i8xvN+EH44Ab7AlXdgJ41FK2HU3Zv4A=", hmac_keys, false),
        (
            &ed25519,
            "acC6qCCwqJ+/6sBHoxcUN+Ju5D5M4cTkE0w8sivHvTiavzJQPVSYCSmj4+Xo3zWzKH43abZeMMrl3eOIRTXMBg==",
            ed25519_keys,
            true,
        ),
    ] {
        let (input, signature) = (format!("{LABEL}={COVERED}{parameters}"), format!("{LABEL}=:{signature}:"));
        let letter = Letter::new().add("Signature-Input", &input).add("Signature", &signature);
        let accepted = accept(&letter, verifier);
        assert_eq!((accepted.nonce.as_str(), accepted.expires), (NONCE, Some(FAR_OFF)));
        if ours {
            assert_eq!(Letter::new().signed(&signer, Some(FAR_OFF), &[]), letter);
        }
    }
}

/// The digest of the profile's page.
#[test]
fn the_profiles_own_digest_is_made() {
    let digest = content_digest(DigestAlgorithm::Sha256, BODY.as_bytes());
    assert_eq!(digest, "sha-256=:L0lDJIJuHw7z8xybqOdJAATemy6MYP03JdFFbm0N5j8=:");
}
