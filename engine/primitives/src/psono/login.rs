//! The login of an API key: the client signs what it wants, and the server answers what only this client can open.
//!
//! The client's session key pair is fresh for every login, and so is the server's. The server's signature is over the
//! hexadecimal *text* of the box, not over its bytes; the box itself binds nonce and session keys.

use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::{PsonoError, hex, hex_array};
use crate::encoding::to_hex;
use crate::id::ApiKeyId;
use crate::json::parse_object;
use crate::nacl::{BoxKey, BoxPublic, BoxSecret, NONCE_BYTES};
use crate::sign::{SigningKey, VerifyingKey};

/// A login as it is sent: a JSON text, and a signature over exactly this text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoginRequest {
    /// What is wanted, as it was written.
    pub info: String,
    /// Ed25519 over the bytes of `info`.
    pub signature: [u8; 64],
}

impl LoginRequest {
    /// Asks for a session of an API key. `session` is the public half of a key pair that is used for this login only;
    /// `seed` is the private key of the API key; the session's owner knows it by `description`.
    #[must_use]
    pub fn new(api_key: ApiKeyId, seed: &SigningKey, session: &BoxPublic, description: &str) -> Self {
        let info = json!({
            "api_key_id": api_key.to_uuid(),
            "session_public_key": to_hex(session.as_bytes()),
            "device_description": description,
        });
        Self::sign(info.to_string(), seed)
    }

    /// Signs a text as it is.
    #[must_use]
    pub fn sign(info: String, seed: &SigningKey) -> Self {
        Self { signature: seed.sign(info.as_bytes()), info }
    }

    /// Reads `{"info": text, "signature": hex}`. Does not look into `info`.
    ///
    /// # Errors
    /// [`PsonoError::Form`].
    pub fn read(document: &[u8]) -> Result<Self, PsonoError> {
        let members = parse_object(document).map_err(|_| PsonoError::Form)?;
        let member = |name: &str| members.get(name).and_then(Value::as_str).ok_or(PsonoError::Form);
        let signature = hex_array(member("signature")?).ok_or(PsonoError::Form)?;
        Ok(Self { info: member("info")?.to_owned(), signature })
    }

    /// The document that [`LoginRequest::read`] reads.
    #[must_use]
    pub fn to_json(&self) -> String {
        json!({ "info": self.info, "signature": to_hex(&self.signature) }).to_string()
    }
}

/// The server's answer to a login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoginAnswer {
    /// The box: what the session is and the keys that the API key has.
    pub boxed: Vec<u8>,
    /// The nonce of the box.
    pub nonce: [u8; NONCE_BYTES],
    /// Ed25519 of the server over the hexadecimal text of `boxed`.
    pub signature: [u8; 64],
    /// The server's half of the box.
    pub session_public: [u8; 32],
}

impl LoginAnswer {
    /// Boxes `plain` under the key that `session_public` and the client's session key agree on, and has the box signed:
    /// `sign` signs as the server.
    #[must_use]
    pub fn new(
        key: &BoxKey,
        session_public: &BoxPublic,
        nonce: [u8; NONCE_BYTES],
        plain: &[u8],
        sign: impl FnOnce(&[u8]) -> [u8; 64],
    ) -> Self {
        let boxed = key.seal(&nonce, plain);
        let signature = sign(to_hex(&boxed).as_bytes());
        Self { boxed, nonce, signature, session_public: *session_public.as_bytes() }
    }

    /// What the server says, once its signature is verified.
    ///
    /// # Errors
    /// [`PsonoError::Signature`], [`PsonoError::Sealed`].
    pub fn open(&self, server: &VerifyingKey, session: &BoxSecret) -> Result<Zeroizing<Vec<u8>>, PsonoError> {
        server.verify(to_hex(&self.boxed).as_bytes(), &self.signature).map_err(|_| PsonoError::Signature)?;
        let theirs = BoxPublic::from_bytes(self.session_public).map_err(|_| PsonoError::Sealed)?;
        let key = session.agree(&theirs).map_err(|_| PsonoError::Sealed)?;
        Ok(key.open(&self.nonce, &self.boxed)?)
    }

    /// Reads the four members in hexadecimal.
    ///
    /// # Errors
    /// [`PsonoError::Form`].
    pub fn read(document: &[u8]) -> Result<Self, PsonoError> {
        let members = parse_object(document).map_err(|_| PsonoError::Form)?;
        let member = |name: &str| members.get(name).and_then(Value::as_str).ok_or(PsonoError::Form);
        Ok(Self {
            boxed: hex(member("login_info")?).ok_or(PsonoError::Form)?,
            nonce: hex_array(member("login_info_nonce")?).ok_or(PsonoError::Form)?,
            signature: hex_array(member("login_info_signature")?).ok_or(PsonoError::Form)?,
            session_public: hex_array(member("server_session_public_key")?).ok_or(PsonoError::Form)?,
        })
    }

    /// The document that [`LoginAnswer::read`] reads.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({
            "login_info": to_hex(&self.boxed),
            "login_info_nonce": to_hex(&self.nonce),
            "login_info_signature": to_hex(&self.signature),
            "server_session_public_key": to_hex(&self.session_public),
        })
    }
}

/// What a session's validator says: the time in the client's own words, RFC 3339, and which device it is.
#[must_use]
pub fn validator(request_time: &str, fingerprint: &str) -> String {
    json!({ "request_time": request_time, "request_device_fingerprint": fingerprint }).to_string()
}
