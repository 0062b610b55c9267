//! Keys of tenants: what a realm keeps to check their tokens, and what a tenant signs them by.

use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::Sha256;

use crate::encoding::from_hex_of_either_case;
use crate::json::parse_object;
use crate::secret::Secret;
use crate::{rsa, sign};

/// Longest stored key that is looked at, in bytes.
pub const STORED_KEY_BYTES_MAX: usize = 16 * 1024;
/// Shortest secret of HMAC with SHA-256, in bytes (RFC 7518, section 3.2).
pub const HMAC_BYTES_MIN: usize = 32;

/// What is stored is no key. Never says what it holds, because that may be a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TenantKeyError {
    /// Longer than [`STORED_KEY_BYTES_MAX`], or it begins with `{` and is not the known document.
    #[error("key of the tenant is malformed")]
    Form,
    /// A secret of less than [`HMAC_BYTES_MIN`].
    #[error("secret of the tenant is too short")]
    TooShort,
    /// Not a usable public key as SubjectPublicKeyInfo in DER.
    #[error("public key of the tenant is not usable")]
    PublicKey,
}

/// How tokens are signed. The key says which, never the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// HMAC with SHA-256.
    HmacSha256,
    /// RSASSA-PKCS1-v1_5 with SHA-256, 2,048 to 8,192 bits.
    RsaPkcs1Sha256,
    /// Ed25519.
    Edwards25519,
}

impl Algorithm {
    const ALL: [Self; 3] = [Self::HmacSha256, Self::RsaPkcs1Sha256, Self::Edwards25519];

    /// As the header of a token spells it.
    #[must_use]
    pub const fn header_name(self) -> &'static str {
        match self {
            Self::HmacSha256 => "HS256",
            Self::RsaPkcs1Sha256 => "RS256",
            Self::Edwards25519 => "EdDSA",
        }
    }

    /// The one of exactly this name in a header.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.header_name() == name)
    }

    /// As a stored key spells it.
    const fn stored_name(self) -> &'static str {
        match self {
            Self::HmacSha256 => "HmacSha256",
            Self::RsaPkcs1Sha256 => "RsaPkcs1Sha256",
            Self::Edwards25519 => "Edwards25519",
        }
    }
}

/// What checks the tokens of one version of a tenant's key.
#[derive(Debug, Clone)]
pub enum TenantKey {
    /// A shared secret, used as the bytes that it is.
    HmacSha256(Secret),
    /// A public key.
    RsaPkcs1Sha256(rsa::PublicKey),
    /// A public key.
    Edwards25519(sign::VerifyingKey),
}

impl TenantKey {
    /// Reads a key as operators store it: `{"data","encoding":"Hex|UTF8","algorithm"}` with one of the algorithms
    /// `HmacSha256`, `RsaPkcs1Sha256` and `Edwards25519`, public keys as SubjectPublicKeyInfo in DER; or the bytes of
    /// an HMAC secret as they are.
    ///
    /// Whatever begins with `{` has to be the document. Were a misspelt one taken for a secret, then a public key that
    /// is in it would be one, and anybody could sign.
    ///
    /// # Errors
    /// [`TenantKeyError`].
    pub fn read(stored: &[u8]) -> Result<Self, TenantKeyError> {
        if stored.len() > STORED_KEY_BYTES_MAX {
            return Err(TenantKeyError::Form);
        }
        if stored.first() != Some(&b'{') {
            return Self::hmac(stored.to_vec());
        }
        let members = parse_object(stored).map_err(|_| TenantKeyError::Form)?;
        let member = |name: &str| members.get(name).and_then(Value::as_str).ok_or(TenantKeyError::Form);
        let data = match (member("encoding")?, member("data")?) {
            ("Hex", data) => from_hex_of_either_case(data).map_err(|_| TenantKeyError::Form)?,
            ("UTF8", data) => data.as_bytes().to_vec(),
            _ => return Err(TenantKeyError::Form),
        };
        let named = member("algorithm")?;
        let known = Algorithm::ALL.into_iter().find(|algorithm| algorithm.stored_name() == named);
        match known.filter(|_| members.len() == 3).ok_or(TenantKeyError::Form)? {
            Algorithm::HmacSha256 => Self::hmac(data),
            Algorithm::RsaPkcs1Sha256 => rsa::PublicKey::from_spki(&data)
                .map(Self::RsaPkcs1Sha256)
                .map_err(|_| TenantKeyError::PublicKey),
            Algorithm::Edwards25519 => sign::VerifyingKey::from_spki(&data)
                .map(Self::Edwards25519)
                .map_err(|_| TenantKeyError::PublicKey),
        }
    }

    fn hmac(secret: Vec<u8>) -> Result<Self, TenantKeyError> {
        let secret = Secret::new(secret);
        if secret.len() < HMAC_BYTES_MIN {
            Err(TenantKeyError::TooShort)
        } else {
            Ok(Self::HmacSha256(secret))
        }
    }

    /// The only algorithm of this key.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        match self {
            Self::HmacSha256(_) => Algorithm::HmacSha256,
            Self::RsaPkcs1Sha256(_) => Algorithm::RsaPkcs1Sha256,
            Self::Edwards25519(_) => Algorithm::Edwards25519,
        }
    }

    pub(super) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::HmacSha256(secret) => mac(secret, message).verify_slice(signature).is_ok(),
            Self::RsaPkcs1Sha256(key) => key.verify(message, signature).is_ok(),
            Self::Edwards25519(key) => key.verify(message, signature).is_ok(),
        }
    }
}

/// What a tenant signs its tokens by.
#[derive(Debug, Clone)]
pub enum TenantSigningKey {
    /// A shared secret, used as the bytes that it is.
    HmacSha256(Secret),
    /// A private key.
    Edwards25519(sign::SigningKey),
}

impl TenantSigningKey {
    /// The only algorithm of this key.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        match self {
            Self::HmacSha256(_) => Algorithm::HmacSha256,
            Self::Edwards25519(_) => Algorithm::Edwards25519,
        }
    }

    pub(super) fn sign(&self, message: &[u8]) -> Vec<u8> {
        match self {
            Self::HmacSha256(secret) => mac(secret, message).finalize().into_bytes().to_vec(),
            Self::Edwards25519(key) => key.sign(message).to_vec(),
        }
    }
}

fn mac(secret: &Secret, message: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(secret.expose()).expect("HMAC takes keys of any length").chain_update(message)
}
