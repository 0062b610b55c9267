//! Tokens that other software signed, tokens of our own, and what is neither.

mod refusals;

use serde_json::{Value, json};

use super::super::names::{logged_user, record_id};
use super::super::tenant_key::{STORED_KEY_BYTES_MAX, TenantKey, TenantKeyError, TenantSigningKey};
use super::super::tenant_token::*;
use super::*;
use crate::encoding::to_base64url;
use crate::secret::Secret;
use crate::sign::SigningKey;

const NOW_S: u64 = 1_800_000_000;

/// Signed by Python's `hmac` with the bytes 0 to 31.
const BY_HMAC: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCIsImtpZCI6InRlc3QtYWNtZTo3In0.eyJpc3MiOiJ0ZXN0LWFjbWUiLCJzdWIiOiJhbGljZSIsImF1ZCI6IjAwMDEwMjAzMDQwNTA2MDcwODA5MGEwYjBjMGQwZTBmIiwiZXhwIjoxODAwMDAwNjAwLCJuYmYiOjE4MDAwMDAwMDAsInNjb3BlIjoidXNlciJ9.g6nhGAj5dLRKgPOqiCjAJ3obK3AmlWbSIs7_ikAA144";
/// Signed by OpenSSL with the seed of 32 ones; the audience is a list, and there is no scope.
const BY_ED25519: &str = "eyJhbGciOiJFZERTQSIsInR5cCI6IkpXVCIsImtpZCI6InRlc3QtYWNtZTo3In0.eyJpc3MiOiJ0ZXN0LWFjbWUiLCJzdWIiOiJhbGljZSIsImF1ZCI6WyIwMDAxMDIwMzA0MDUwNjA3MDgwOTBhMGIwYzBkMGUwZiJdLCJleHAiOjE4MDAwMDA2MDAsIm5iZiI6MTgwMDAwMDAwMH0.ancuVNKO7u8FdJZr_nVIlobeVxl0DLnig7sDd-QNYguWDbR6u4iMSdEIQqvQD34NxhpcUUMswnbRqwItv7iACw";
const ED25519_SPKI: &str =
    "302a300506032b65700321008a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c";
/// Signed by OpenSSL with a key of 2,048 bits; the scope is `audit`.
const BY_RSA: &str = "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCIsImtpZCI6InRlc3QtYWNtZTo3In0.eyJpc3MiOiJ0ZXN0LWFjbWUiLCJzdWIiOiJhbGljZSIsImF1ZCI6IjAwMDEwMjAzMDQwNTA2MDcwODA5MGEwYjBjMGQwZTBmIiwiZXhwIjoxODAwMDAwNjAwLCJuYmYiOjE4MDAwMDAwMDAsInNjb3BlIjoiYXVkaXQiLCJpYXQiOjE4MDAwMDAwMDB9.IIJZ5itI1cE1w6KnKNy_yZqntwUhwlfmSZP1pkbaykXYZpYHJ4Pj0wkE-0Z896PSKqfKt60cP-17QqhvgFEH8Z_orrq4T1GeXl1TaPuNFWjr3B7Fa9xbRZwMI1M92CZKuZRvspTHZS96mA17lOZzTIBnmLGNmdQC0PJd5nYxerRHrNWc7SzZsFA0i4eoIfJ8s7ChGkCvKVHvzTst2zkXISebsr8t1mkc_FvBrRrykRk081djwtqjPzUETXxmYIC77DyaFRDH3EJG7-zjAN4DIXVlTNDbd6wjjpyRB1K7M7Ry68wk_yAA6UcEk_jZBZX2KiIdL4A270NrnNOCc1Ggkg";
const RSA_SPKI: &str = "30820122300d06092a864886f70d01010105000382010f003082010a028201010095994a4fea18d6300beb69888fc8484eeb6904c66b88d0735b53c89b93ffb9e6b232e6eace6796945f4671247c1f85869c712027a47cfad38845dcb429b31efb1557cb4aae32d08d8e0279863fdea124cc804ca60e4b321fc7e1ebeca905fce35e7404b53c5e4b70d345fae932448f3ea8be9b341082d2c6496c348bfb1afae868d41336c38872565f98d151eb2967b86ae469f6edfde5b7e4669a5f3f07b6205262843a5ca8055e72d68612d9b0f866c98c0b4e8ccf417f5f5e207990475f22a16a287994c2969a6b0bf9b21df105355e01e6761b0dc4e94a396f44539e1488cc18e53de04a27ee3445a53092726bf9fd653c4a520e6ccbce69caaf982644ad0203010001";

fn realm() -> RecoveryRealmId {
    RecoveryRealmId::from_hex("000102030405060708090a0b0c0d0e0f").unwrap()
}

fn secret() -> Vec<u8> {
    (0..32).collect()
}

fn stored(data: &str, encoding: &str, algorithm: &str) -> Vec<u8> {
    json!({ "data": data, "encoding": encoding, "algorithm": algorithm }).to_string().into_bytes()
}

/// A token of this header and these claims, signed by the shared secret.
fn signed(header: &Value, claims: &Value) -> String {
    let part = |value: &Value| to_base64url(value.to_string().as_bytes());
    let input = format!("{}.{}", part(header), part(claims));
    let signature = TenantSigningKey::HmacSha256(Secret::new(secret())).sign(input.as_bytes());
    format!("{input}.{}", to_base64url(&signature))
}

fn header() -> Value {
    json!({ "alg": "HS256", "kid": "acme:1" })
}

fn claims() -> Value {
    json!({ "iss": "acme", "sub": "alice", "aud": realm().to_string(), "nbf": NOW_S, "exp": NOW_S + 600 })
}

fn with(mut object: Value, name: &str, value: Value) -> Value {
    object[name] = value;
    object
}

fn without(mut object: Value, name: &str) -> Value {
    object.as_object_mut().unwrap().remove(name).unwrap();
    object
}

fn parsed(header: &Value, claims: &Value) -> Result<(), TenantTokenError> {
    TenantToken::parse(&signed(header, claims)).map(drop)
}

fn refusal(header: &Value, claims: &Value) -> TenantTokenError {
    parsed(header, claims).unwrap_err()
}

#[test]
fn tokens_of_other_software_verify_under_their_own_key_only() {
    let keys = [
        TenantKey::read(&secret()).unwrap(),
        TenantKey::read(&stored(ED25519_SPKI, "Hex", "Edwards25519")).unwrap(),
        TenantKey::read(&stored(RSA_SPKI, "Hex", "RsaPkcs1Sha256")).unwrap(),
    ];
    let scopes = [Some(Scope::User), None, Some(Scope::Audit)];
    for (own, (text, scope)) in [BY_HMAC, BY_ED25519, BY_RSA].iter().zip(scopes).enumerate() {
        let token = TenantToken::parse(text).unwrap();
        assert_eq!(
            (token.tenant.as_str(), token.key_version, token.subject.as_str()),
            ("test-acme", 7, "alice")
        );
        assert_eq!((token.realm, token.scope), (realm(), scope));
        assert_eq!((token.not_before_s, token.expires_at_s), (NOW_S, NOW_S + 600));
        for (other, key) in keys.iter().enumerate() {
            let verdict = if own == other { Ok(()) } else { Err(TenantTokenError::Signature) };
            assert_eq!(token.verify(key), verdict, "{own} {other}");
        }
        token.check(&realm(), scope.unwrap_or(Scope::User), NOW_S).unwrap();
    }
}

/// The signature is over every byte before it, and is one signature.
#[test]
fn a_changed_token_does_not_verify() {
    let key = TenantKey::read(&secret()).unwrap();
    let good = signed(&header(), &claims());
    TenantToken::parse(&good).unwrap().verify(&key).unwrap();
    let mut refused = 0;
    for (at, old) in good.char_indices().filter(|(_, letter)| *letter != '.') {
        let mut bent = good.clone();
        bent.replace_range(at..=at, if old == 'A' { "B" } else { "A" });
        let Ok(token) = TenantToken::parse(&bent) else { continue };
        assert_eq!(token.verify(&key), Err(TenantTokenError::Signature), "{at}");
        refused += 1;
    }
    assert!(refused > 40, "{refused}");
    let other = TenantKey::read(&[1; 32]).unwrap();
    assert_eq!(TenantToken::parse(&good).unwrap().verify(&other), Err(TenantTokenError::Signature));
}

/// The key says the algorithm: a good signature under another name is none.
#[test]
fn a_token_that_names_another_algorithm_than_its_keys_is_refused() {
    let key = TenantKey::read(&secret()).unwrap();
    for name in ["RS256", "EdDSA"] {
        let text = signed(&with(header(), "alg", json!(name)), &claims());
        let token = TenantToken::parse(&text).unwrap();
        assert_eq!(token.verify(&key), Err(TenantTokenError::Signature), "{name}");
    }
}

/// A public key is no secret: whoever signs by its bytes has signed by nothing.
#[test]
fn a_token_signed_by_a_public_key_as_if_it_were_a_secret_is_refused() {
    let spki = from_hex(RSA_SPKI).unwrap();
    let key = TenantKey::read(&stored(RSA_SPKI, "Hex", "RsaPkcs1Sha256")).unwrap();
    let input = signed(&header(), &claims());
    let input = input.rsplit_once('.').unwrap().0;
    let forged = TenantSigningKey::HmacSha256(Secret::new(spki)).sign(input.as_bytes());
    let token = format!("{input}.{}", to_base64url(&forged));
    assert_eq!(TenantToken::parse(&token).unwrap().verify(&key), Err(TenantTokenError::Signature));
}

#[test]
fn a_generated_token_is_taken_for_what_it_was_made_for() {
    let seed = SigningKey::from_seed(&[1; 32]);
    let ours = [
        (TenantSigningKey::HmacSha256(Secret::new(secret())), TenantKey::read(&secret()).unwrap()),
        (
            TenantSigningKey::Edwards25519(seed),
            TenantKey::read(&stored(ED25519_SPKI, "Hex", "Edwards25519")).unwrap(),
        ),
    ];
    for (signing, key) in ours {
        let generator = TokenGenerator::new("test-acme", 7, signing).unwrap();
        for scope in [Scope::User, Scope::Audit] {
            let text = generator.issue(&realm(), "alice \u{e9}", scope, NOW_S).unwrap();
            let token = TenantToken::parse(text.expose()).unwrap();
            token.verify(&key).unwrap();
            assert_eq!((token.subject.as_str(), token.scope), ("alice \u{e9}", Some(scope)));
            assert_eq!((token.not_before_s, token.expires_at_s), (NOW_S - 10, NOW_S + 600));
            token.check(&realm(), scope, NOW_S).unwrap();
        }
        assert_eq!(generator.issue(&realm(), "", Scope::User, NOW_S).unwrap_err(), TenantTokenError::Payload);
        let long = "a".repeat(TOKEN_BYTES_MAX);
        assert_eq!(generator.issue(&realm(), &long, Scope::User, NOW_S).unwrap_err(), TenantTokenError::Form);
    }
    let short = TenantSigningKey::HmacSha256(Secret::new(vec![1; 31]));
    assert_eq!(TokenGenerator::new("acme", 1, short).unwrap_err(), TenantTokenError::WeakKey);
    for bad in ["", "test-", "acme ", "ac-me", "acme:1", "\u{e9}"] {
        let key = TenantSigningKey::HmacSha256(Secret::new(secret()));
        assert_eq!(TokenGenerator::new(bad, 1, key).unwrap_err(), TenantTokenError::KeyId, "{bad:?}");
    }
}

#[test]
fn a_token_is_good_at_its_realm_for_its_scope_and_in_its_time() {
    let text = signed(&header(), &claims());
    let token = TenantToken::parse(&text).unwrap();
    let check = |now_s| token.check(&realm(), Scope::User, now_s);
    let end_s = NOW_S + 600;
    for (now_s, verdict) in [
        (0, Err(TenantTokenError::NotYetValid)),
        (NOW_S - 6, Err(TenantTokenError::NotYetValid)),
        (NOW_S - 5, Ok(())),
        (end_s + 5, Ok(())),
        (end_s + 6, Err(TenantTokenError::Expired)),
        (u64::MAX, Err(TenantTokenError::Expired)),
    ] {
        assert_eq!(check(now_s), verdict, "{now_s}");
    }
    let elsewhere = RecoveryRealmId::from_bytes([1; 16]);
    assert_eq!(token.check(&elsewhere, Scope::User, NOW_S), Err(TenantTokenError::Realm));
    assert_eq!(token.check(&realm(), Scope::Audit, NOW_S), Err(TenantTokenError::Scope));
    let audit = signed(&header(), &with(claims(), "scope", json!("audit")));
    let audit = TenantToken::parse(&audit).unwrap();
    assert_eq!(audit.check(&realm(), Scope::User, NOW_S), Err(TenantTokenError::Scope));
    assert_eq!(audit.check(&realm(), Scope::Audit, NOW_S), Ok(()));

    let living = |life_s: u64| parsed(&header(), &with(claims(), "exp", json!(NOW_S + life_s)));
    assert_eq!((living(LIFE_MAX_S), living(LIFE_MAX_S + 1)), (Ok(()), Err(TenantTokenError::Life)));
    assert_eq!(parsed(&header(), &with(claims(), "exp", json!(u64::MAX))), Err(TenantTokenError::Life));
}

/// Whatever looks like the document of a key is read as one or refused, never taken for a secret.
#[test]
fn a_stored_key_is_a_secret_or_the_known_document() {
    for good in [
        secret(),
        vec![0xff; 32],
        stored(&"ab".repeat(32), "Hex", "HmacSha256"),
        stored(&"AB".repeat(32), "Hex", "HmacSha256"),
        stored(&"\u{e9}".repeat(16), "UTF8", "HmacSha256"),
    ] {
        assert!(matches!(TenantKey::read(&good), Ok(TenantKey::HmacSha256(_))));
    }
    let read = |stored: &[u8]| TenantKey::read(stored).map(drop).unwrap_err();
    for bad in [
        b"{".to_vec(),
        [b"{", &secret()[..]].concat(),
        stored(RSA_SPKI, "hex", "RsaPkcs1Sha256"),
        stored(RSA_SPKI, "Hex", "RSA"),
        stored(RSA_SPKI, "Base64", "RsaPkcs1Sha256"),
        stored("0", "Hex", "HmacSha256"),
        [&stored(RSA_SPKI, "Hex", "RsaPkcs1Sha256")[..], b" x"].concat(),
        json!({ "data": RSA_SPKI, "encoding": "Hex" }).to_string().into_bytes(),
        json!({ "data": RSA_SPKI, "encoding": "Hex", "algorithm": "RsaPkcs1Sha256", "more": 1 })
            .to_string()
            .into(),
        vec![1; STORED_KEY_BYTES_MAX + 1],
    ] {
        assert_eq!(read(&bad), TenantKeyError::Form, "{}", String::from_utf8_lossy(&bad));
    }
    assert_eq!(read(b""), TenantKeyError::TooShort);
    assert_eq!(read(&[1; 31]), TenantKeyError::TooShort);
    assert_eq!(read(&stored(&"ab".repeat(31), "Hex", "HmacSha256")), TenantKeyError::TooShort);
    for (data, algorithm) in [
        (RSA_SPKI, "Edwards25519"),
        (ED25519_SPKI, "RsaPkcs1Sha256"),
        ("", "Edwards25519"),
        ("00", "RsaPkcs1Sha256"),
    ] {
        assert_eq!(read(&stored(data, "Hex", algorithm)), TenantKeyError::PublicKey, "{data}");
    }
}

/// A-LEAK-01: keys of tenants do not print.
#[test]
fn keys_of_tenants_print_without_their_secrets() {
    let generator =
        TokenGenerator::new("acme", 1, TenantSigningKey::HmacSha256(Secret::new(vec![0xab; 32]))).unwrap();
    let printed = format!("{generator:?} {:?}", TenantKey::read(&[0xab; 32]).unwrap());
    assert!(!printed.contains("171") && !printed.contains("ab, ab"), "{printed}");
    assert_eq!(printed.matches("HmacSha256(Secret(32 bytes))").count(), 2, "{printed}");
}

/// Worked out apart from this code, over `a2 6b "tenant_name" 64 "acme" 67 "user_id" 65 "alice"`: rows are found by it.
#[test]
fn names_of_users_never_change() {
    let id = to_hex(&record_id("acme", "alice"));
    assert_eq!(id, "cbfc6be2809cbabbb52c44a50206432d478960c42730c83aa821dc1381e10fcc");
    assert_ne!(record_id("acme", "bob"), record_id("acme", "alice"));
    assert_ne!(record_id("acmea", "lice"), record_id("acme", "alice"));
    let logged = logged_user("acme", "alice");
    assert_eq!(logged, "a50389e4b9338744fb0b39ddf6594eec1d5879283eaf4711cee9b9b7babac517");
}
