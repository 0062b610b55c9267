//! Tokens for the load's clients: Virgil JWTs signed with an application key that the server was configured with.
//!
//! Made here from the signature primitive alone, so that the load program depends on nothing of the code it measures
//! but that. One token per client, made once; making them is no part of any measurement.

use serde_json::json;
use strongroom_primitives::encoding::to_base64url;
use strongroom_primitives::sign::SigningKey;

use crate::measure::clock::unix_seconds;

/// Longer than any run.
const LIFE_S: u64 = 12 * 3600;

/// An application and the key that signs its tokens.
#[derive(Debug, Clone)]
pub(crate) struct Application {
    pub(crate) id: String,
    pub(crate) key_id: String,
    pub(crate) key: SigningKey,
}

impl Application {
    /// A token that speaks for `identity`.
    pub(crate) fn token(&self, identity: &str) -> String {
        let now = unix_seconds();
        let header = json!({ "alg": "VEDS512", "kid": self.key_id, "typ": "JWT", "cty": "virgil-jwt;v=1" });
        let claims = json!({
            "iss": format!("virgil-{}", self.id),
            "sub": format!("identity-{identity}"),
            "iat": now,
            "exp": now + LIFE_S,
        });
        let part = |value: &serde_json::Value| to_base64url(value.to_string().as_bytes());
        let signed = format!("{}.{}", part(&header), part(&claims));
        let signature = self.key.sign_envelope(signed.as_bytes());
        format!("{signed}.{}", to_base64url(&signature))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use strongroom_primitives::virgil_token;

    #[test]
    fn a_token_is_read_and_verified_as_the_server_does_it() {
        let key = SigningKey::from_seed(&[7; 32]);
        let application = Application { id: "load".to_owned(), key_id: "0123".to_owned(), key };
        let token = application.token("client-3");
        let parsed = virgil_token::parse(&token).unwrap();
        parsed.verify(&application.key.verifying_key()).unwrap();
        parsed.check_times(unix_seconds()).unwrap();
    }
}
