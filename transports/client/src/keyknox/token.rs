//! Virgil JWTs, made from an application's key: what a backend hands to its users, and a command line to itself.
//!
//! Bytes are laid out as the published clients lay them out (members in their order, no blanks, UTF-8), so equal inputs
//! give equal tokens everywhere. Reading and checking tokens is shared with servers and lives in
//! [`strongroom_primitives::virgil_token`].

use serde::Serialize;
use serde_json::{Map, Value};
use strongroom_primitives::encoding::to_base64url;
use strongroom_primitives::id::{RealmId, Subject};
use strongroom_primitives::secret::SecretText;
use strongroom_primitives::sign::SigningKey;
use strongroom_primitives::time::Timestamp;
use strongroom_primitives::virgil_token::{
    ALGORITHM, CONTENT_TYPE, ISSUER_PREFIX, KEY_ID_BYTES_MAX, SUBJECT_PREFIX, TOKEN_BYTES_MAX, TYPE,
};

/// Why no token is made: every server would refuse it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MakeTokenError {
    /// The key id is not 1 to [`KEY_ID_BYTES_MAX`] bytes long.
    #[error("application key id is empty or too long")]
    KeyId,
    /// A token must live at least a second.
    #[error("token life is zero")]
    Life,
    /// The application data makes the token longer than [`TOKEN_BYTES_MAX`].
    #[error("token is too long")]
    TooLong,
}

/// An application's signing key and the two names it is known by.
#[derive(Debug, Clone)]
pub struct ApplicationKey {
    app_id: RealmId,
    key_id: String,
    key: SigningKey,
}

impl ApplicationKey {
    /// Puts the three together. `key_id` is what the server filed the public half under.
    ///
    /// # Errors
    /// [`MakeTokenError::KeyId`].
    pub fn new(app_id: RealmId, key_id: impl Into<String>, key: SigningKey) -> Result<Self, MakeTokenError> {
        let key_id = key_id.into();
        if !(1..=KEY_ID_BYTES_MAX).contains(&key_id.len()) {
            return Err(MakeTokenError::KeyId);
        }
        Ok(Self { app_id, key_id, key })
    }

    /// A token that speaks for `identity` from `now` for `life_s` seconds. `data` is the application's own (`ada`);
    /// servers of this project read a `keyknox` member in it as a limit of rights.
    ///
    /// # Errors
    /// [`MakeTokenError::Life`] or [`MakeTokenError::TooLong`].
    pub fn token(
        &self,
        identity: &Subject,
        now: Timestamp,
        life_s: u64,
        data: Option<&Map<String, Value>>,
    ) -> Result<SecretText, MakeTokenError> {
        let issued_at_s = now.as_s();
        let expires_at_s = issued_at_s.saturating_add(life_s);
        if expires_at_s == issued_at_s {
            return Err(MakeTokenError::Life);
        }
        let header = Header { alg: ALGORITHM, kid: &self.key_id, typ: TYPE, cty: CONTENT_TYPE };
        let claims = Claims {
            iss: format!("{ISSUER_PREFIX}{}", self.app_id),
            sub: format!("{SUBJECT_PREFIX}{identity}"),
            iat: issued_at_s,
            exp: expires_at_s,
            ada: data,
        };
        let mut token = format!("{}.{}", part(&header), part(&claims));
        let signature = self.key.sign_envelope(token.as_bytes());
        token.push('.');
        token.push_str(&to_base64url(&signature));
        if token.len() > TOKEN_BYTES_MAX {
            return Err(MakeTokenError::TooLong);
        }
        Ok(SecretText::new(token))
    }
}

#[derive(Serialize)]
struct Header<'a> {
    alg: &'a str,
    kid: &'a str,
    typ: &'a str,
    cty: &'a str,
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: String,
    sub: String,
    iat: u64,
    exp: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    ada: Option<&'a Map<String, Value>>,
}

fn part(document: &impl Serialize) -> String {
    to_base64url(&serde_json::to_vec(document).expect("a document of texts and numbers can be written"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use strongroom_primitives::virgil_token::parse;

    use super::*;
    use crate::keyknox::envelope::testing::{key, vectors};

    fn application() -> ApplicationKey {
        ApplicationKey::new("app".parse().unwrap(), "k1", SigningKey::from_seed(&[4; 32])).unwrap()
    }

    #[test]
    fn tokens_are_the_very_bytes_of_the_published_clients() {
        let vectors = vectors();
        let group = &vectors["jwt"];
        let application = ApplicationKey::new(
            group["app_id"].as_str().unwrap().parse().unwrap(),
            group["api_key_id"].as_str().unwrap(),
            key(&vectors, group["signing_key"].as_str().unwrap()),
        )
        .unwrap();
        let mut equal = 0;
        // One client generation writes ISO-8859-1; its token differs from ours, which is UTF-8, and says the same.
        let items = group["items"].as_array().unwrap();
        for item in items.iter().filter(|item| item["payload_is_valid_utf8"] == true) {
            let identity = item["identity"].as_str().unwrap().parse().unwrap();
            let (issued_at_s, expires_at_s) = (item["iat"].as_u64().unwrap(), item["exp"].as_u64().unwrap());
            let now = Timestamp::from_s(issued_at_s);
            let token = application
                .token(&identity, now, expires_at_s - issued_at_s, item["ada"].as_object())
                .unwrap();
            assert_eq!(token.expose(), item["token"].as_str().unwrap());
            equal += 1;
        }
        assert_eq!(equal, 4);
    }

    #[test]
    fn a_made_token_is_read_back_with_its_rights_and_times() {
        let data = json!({"keyknox": "get"});
        let identity = "zo\u{1f511}".parse().unwrap();
        let token = application().token(&identity, Timestamp::from_ms(1_999), 60, data.as_object()).unwrap();
        let parsed = parse(token.expose()).unwrap();
        parsed.verify(&SigningKey::from_seed(&[4; 32]).verifying_key()).unwrap();
        assert_eq!(parsed.identity, identity);
        assert_eq!((parsed.issued_at_s, parsed.expires_at_s), (1, 61));
        assert!(parsed.rights.unwrap().get && !parsed.rights.unwrap().create);
    }

    #[test]
    fn a_token_that_every_server_would_refuse_is_not_made() {
        let identity = "alice".parse().unwrap();
        let make = |life_s, data: &Value| {
            application().token(&identity, Timestamp::from_s(1), life_s, data.as_object()).map(|_| ())
        };
        assert_eq!(make(0, &json!({})), Err(MakeTokenError::Life));
        assert_eq!(make(1, &json!({"x": "y".repeat(TOKEN_BYTES_MAX)})), Err(MakeTokenError::TooLong));
        assert_eq!(make(1, &json!({"x": "y"})), Ok(()));
        for key_id in [String::new(), "k".repeat(KEY_ID_BYTES_MAX + 1)] {
            let made = ApplicationKey::new("app".parse().unwrap(), key_id, SigningKey::from_seed(&[4; 32]));
            assert_eq!(made.unwrap_err(), MakeTokenError::KeyId);
        }
    }

    /// A-LEAK-01: neither a token nor the key that made it shows itself.
    #[test]
    fn tokens_and_application_keys_print_without_their_secrets() {
        let token = application().token(&"alice".parse().unwrap(), Timestamp::from_s(1), 1, None).unwrap();
        let printed = format!("{token:?} {:?}", application());
        assert!(
            !printed.contains("eyJ") && !printed.contains("04040404") && !printed.contains("4, 4"),
            "{printed}"
        );
    }
}
