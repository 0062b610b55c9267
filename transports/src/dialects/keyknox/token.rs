//! Virgil JWTs as credentials: the scheme of the header, and how the engine reads the token behind it.
//!
//! Nothing is verified here. The engine looks up the key by application and key id, checks the signature over what
//! [`read`] hands it, and remembers the result until the token expires; a revoked key is noticed because its row is
//! read with every request. The format itself is shared with clients and lives in `primitives::virgil_token`.

use std::time::Duration;

use bytes::Bytes;
use strongroom_engine::{
    Credential, EngineError, Right, Rights,
    credential::{TokenCredential, TokenFacts},
};
use strongroom_primitives::{
    hash::sha256,
    time::Timestamp,
    virgil_token::{self, TokenRights},
};

/// What precedes the token in an `Authorization` header, as every published client spells it.
const SCHEME: &str = "Virgil ";

/// The credential in the value of an `Authorization` header; `None` if it is not `Virgil <token>`.
///
/// The token is not looked at: one that is no token at all is refused by the engine as an invalid credential.
pub fn credential(authorization: &str) -> Option<Credential> {
    let text = authorization.strip_prefix(SCHEME)?.trim_matches(' ');
    if text.is_empty() {
        return None;
    }
    let digest = sha256(text.as_bytes());
    Some(Credential::Token(TokenCredential { digest, text: Bytes::copy_from_slice(text.as_bytes()), read }))
}

/// Reads a token's text: at most [`virgil_token::TOKEN_BYTES_MAX`] bytes, three parts of base64url.
///
/// The signed bytes are the 64-byte SHA-512 digest of the first two parts as received; the signature is the 64 bytes
/// inside the exact 83-byte envelope. A token is good throughout the second in which it expires, and not before its
/// `nbf`, where it has one. Source: dialects/keyknox.md, section 2.1.
///
/// # Errors
/// [`EngineError::CredentialInvalid`].
pub fn read(text: &[u8]) -> Result<TokenFacts, EngineError> {
    let text = std::str::from_utf8(text).map_err(|_| EngineError::CredentialInvalid)?;
    let token = virgil_token::parse(text).map_err(|_| EngineError::CredentialInvalid)?;
    let signature = token.signature().map_err(|_| EngineError::CredentialInvalid)?;
    let starts_s = token.issued_at_s.max(token.not_before_s.unwrap_or_default());
    Ok(TokenFacts {
        signed: token.signed_digest().to_vec(),
        signature,
        issued: Timestamp::from_s(starts_s),
        expires: Timestamp::from_s(token.expires_at_s).saturating_add(Duration::from_millis(999)),
        rights: token.rights.map(rights),
        realm: token.app_id,
        key_id: token.key_id,
        subject: token.identity,
    })
}

fn rights(token: TokenRights) -> Rights {
    [(token.create, Right::Create), (token.get, Right::Get), (token.reset, Right::Reset)]
        .into_iter()
        .filter_map(|(given, right)| given.then_some(right))
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use strongroom_primitives::{
        encoding::{from_base64, to_base64url},
        sign::{SigningKey, VerifyingKey},
    };

    use super::*;

    fn vectors() -> Value {
        serde_json::from_str(include_str!("../../../../tests/vectors/keyknox.json")).unwrap()
    }

    fn key(spki_b64: &Value) -> VerifyingKey {
        VerifyingKey::from_spki(&from_base64(spki_b64.as_str().unwrap()).unwrap()).unwrap()
    }

    fn token(claims: &Value) -> String {
        let header = json!({"alg": "VEDS512", "kid": "k", "typ": "JWT", "cty": "virgil-jwt;v=1"});
        let part = |value: &Value| to_base64url(value.to_string().as_bytes());
        let input = format!("{}.{}", part(&header), part(claims));
        let signature = SigningKey::from_seed(&[1; 32]).sign_envelope(input.as_bytes());
        format!("{input}.{}", to_base64url(&signature))
    }

    fn claims() -> Value {
        json!({"iss": "virgil-app", "sub": "identity-alice", "iat": 1_000, "exp": 2_000})
    }

    #[test]
    fn tokens_of_every_published_client_give_the_facts_that_their_vectors_state() {
        let vectors = vectors();
        let api = key(&vectors["keys"]["items"]["api"]["public_spki_b64"]);
        let group = &vectors["jwt"];
        let items = group["items"].as_array().unwrap();
        assert_eq!(items.len(), 5);
        for item in items {
            check(item, &group["app_id"], &group["api_key_id"], &api);
        }
        let others = vectors["jwt_other_sdk"].as_array().unwrap();
        assert_eq!(others.len(), 1);
        for item in others {
            check(item, &item["app_id"], &item["api_key_id"], &key(&item["public_spki_b64"]));
        }
    }

    fn check(item: &Value, app_id: &Value, key_id: &Value, key: &VerifyingKey) {
        let facts = read(item["token"].as_str().unwrap().as_bytes()).unwrap();
        key.verify(&facts.signed, &facts.signature).unwrap();
        assert_eq!(facts.realm.as_str(), app_id);
        assert_eq!(facts.key_id, *key_id.as_str().unwrap());
        assert_eq!(facts.subject.as_str(), item["identity"]);
        assert_eq!(facts.issued.as_s(), item["iat"].as_u64().unwrap());
        assert_eq!(facts.expires.as_s(), item["exp"].as_u64().unwrap());
        assert_eq!(facts.rights, None);
    }

    #[test]
    fn a_token_is_good_for_the_whole_second_in_which_it_expires() {
        let facts = read(token(&claims()).as_bytes()).unwrap();
        assert_eq!(facts.expires, Timestamp::from_ms(2_000_999));
    }

    /// A-REC-08: `nbf` holds a token back as a late `iat` does.
    #[test]
    fn a_token_starts_at_the_later_of_its_issue_and_its_not_before() {
        let mut claims = claims();
        claims["nbf"] = json!(1_500);
        assert_eq!(read(token(&claims).as_bytes()).unwrap().issued, Timestamp::from_s(1_500));
        claims["nbf"] = json!(500);
        assert_eq!(read(token(&claims).as_bytes()).unwrap().issued, Timestamp::from_s(1_000));
    }

    #[test]
    fn application_data_limits_a_token_to_the_rights_it_lists() {
        let mut claims = claims();
        claims["ada"] = json!({"keyknox": "get,reset"});
        let rights = read(token(&claims).as_bytes()).unwrap().rights.unwrap();
        assert!(rights.has(Right::Get) && rights.has(Right::Reset) && !rights.has(Right::Create));
    }

    #[test]
    fn only_the_virgil_scheme_with_something_behind_it_is_a_credential() {
        assert!(credential("Virgil abc").is_some());
        for other in ["", "Virgil", "Virgil ", "Virgil   ", "Bearer abc", "virgil abc", "VirgilX abc", "abc"]
        {
            assert!(credential(other).is_none(), "{other:?}");
        }
    }

    /// A-LEAK-01: a credential in a log shows its size only.
    #[test]
    fn a_credential_prints_without_its_token() {
        let text = token(&claims());
        let printed = format!("{:?}", credential(&format!("Virgil {text}")).unwrap());
        assert!(
            printed.contains(&format!("{} bytes", text.len())) && !printed.contains(&text[..20]),
            "{printed}"
        );
    }
}
