//! An API key as its owner hands it to a program.

use std::fmt;

use strongroom_primitives::id::ApiKeyId;
use strongroom_primitives::nacl::{BoxKey, BoxPublic};
use strongroom_primitives::psono::hex_array;
use strongroom_primitives::secret::SecretText;
use strongroom_primitives::sign::{SigningKey, VerifyingKey};
use zeroize::Zeroizing;

use super::PsonoClientError;

const KEY_FORM: &str = "a key of 32 bytes in 64 hexadecimal digits";

/// The texts that an API key consists of, under the names that seed 001 gives them. Keys are 64 hexadecimal digits of
/// either case.
#[derive(Debug, Clone)]
pub struct ApiKeyTexts {
    /// Where the server's interface lies, path included: `https://host/psono`.
    pub server_url: String,
    /// Which API key: a hyphenated UUID.
    pub api_key_id: String,
    /// What it signs with.
    pub api_key_private_key: SecretText,
    /// What it opens the keys of its owner by, and those of the secrets attached to it.
    pub api_key_secret_key: SecretText,
    /// The server's X25519 key.
    pub server_public_key: String,
    /// The key that the server signs with. A key, whatever its name says.
    pub server_signature: String,
}

/// An API key that can be used, and the server that it is for.
#[derive(Clone)]
pub struct PsonoApiKey {
    pub(super) server_url: String,
    pub(super) id: ApiKeyId,
    pub(super) signing: SigningKey,
    pub(super) secret: BoxKey,
    pub(super) server: VerifyingKey,
}

impl PsonoApiKey {
    /// Reads the six texts. The server's X25519 key is checked for its form only: an API key's login makes no use of it.
    ///
    /// # Errors
    /// [`PsonoClientError::Key`], which names the text and repeats none of it.
    pub fn read(texts: &ApiKeyTexts) -> Result<Self, PsonoClientError> {
        let key = |name, text: &str| {
            hex_array::<32>(text).map(Zeroizing::new).ok_or(PsonoClientError::Key { name, form: KEY_FORM })
        };
        let id = ApiKeyId::from_uuid(&texts.api_key_id)
            .map_err(|_| PsonoClientError::Key { name: "api_key_id", form: "a UUID of 36 characters" })?;
        let private = key("api_key_private_key", texts.api_key_private_key.expose())?;
        let secret = key("api_key_secret_key", texts.api_key_secret_key.expose())?;
        let public = key("server_public_key", &texts.server_public_key)?;
        BoxPublic::from_bytes(*public)
            .map_err(|_| PsonoClientError::Key { name: "server_public_key", form: "a usable X25519 key" })?;
        let signature = key("server_signature", &texts.server_signature)?;
        let server = VerifyingKey::from_bytes(&signature).map_err(|_| PsonoClientError::Key {
            name: "server_signature",
            form: "the Ed25519 key that the server signs with",
        })?;
        Ok(Self {
            server_url: texts.server_url.clone(),
            id,
            signing: SigningKey::from_seed(&private),
            secret: BoxKey::from_bytes(*secret),
            server,
        })
    }

    /// Where its server is.
    pub fn server_url(&self) -> &str {
        &self.server_url
    }

    /// Which it is.
    pub fn id(&self) -> ApiKeyId {
        self.id
    }
}

impl fmt::Debug for PsonoApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PsonoApiKey({})", self.id)
    }
}
