//! The two algorithms of the profile, and keys that know which one they are for.

use std::sync::LazyLock;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::Refusal;
use crate::secret::Secret;
use crate::sign;

/// How a signature is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// Ed25519 (RFC 8032): the server holds public keys only. 64 bytes.
    Ed25519,
    /// HMAC with SHA-256: both sides hold the secret. 32 bytes.
    HmacSha256,
}

impl Algorithm {
    /// As the `alg` parameter spells it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ed25519 => "ed25519",
            Self::HmacSha256 => "hmac-sha256",
        }
    }

    /// The one of exactly this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::Ed25519, Self::HmacSha256].into_iter().find(|algorithm| algorithm.name() == name)
    }
}

/// What signs.
#[derive(Debug, Clone, Copy)]
pub enum SigningKey<'a> {
    /// A private key.
    Ed25519(&'a sign::SigningKey),
    /// A shared secret, used as the bytes that it is.
    HmacSha256(&'a Secret),
}

impl SigningKey<'_> {
    /// The only algorithm of this key.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        match self {
            Self::Ed25519(_) => Algorithm::Ed25519,
            Self::HmacSha256(_) => Algorithm::HmacSha256,
        }
    }

    pub(super) fn sign(&self, base: &str) -> Vec<u8> {
        match self {
            Self::Ed25519(key) => key.sign(base.as_bytes()).to_vec(),
            Self::HmacSha256(secret) => mac(secret.expose(), base).finalize().into_bytes().to_vec(),
        }
    }
}

/// What verifies.
#[derive(Debug, Clone, Copy)]
pub enum VerifyingKey<'a> {
    /// A public key.
    Ed25519(&'a sign::VerifyingKey),
    /// A shared secret, used as the bytes that it is.
    HmacSha256(&'a Secret),
}

impl VerifyingKey<'_> {
    /// The only algorithm of this key.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        match self {
            Self::Ed25519(_) => Algorithm::Ed25519,
            Self::HmacSha256(_) => Algorithm::HmacSha256,
        }
    }

    fn check(&self, base: &str, signature: &[u8]) -> Result<(), Refusal> {
        match self {
            Self::Ed25519(key) => key.verify(base.as_bytes(), signature).map_err(|_| Refusal::Signature),
            Self::HmacSha256(secret) => {
                mac(secret.expose(), base).verify_slice(signature).map_err(|_| Refusal::Signature)
            }
        }
    }
}

/// Checks a signature by `algorithm`. Where there is no key, or one of another algorithm, the same work is done with
/// one that stands in for it.
pub(super) fn verify(
    algorithm: Algorithm,
    key: Option<VerifyingKey<'_>>,
    base: &str,
    signature: &[u8],
) -> Result<(), Refusal> {
    static NOBODY: LazyLock<(sign::VerifyingKey, Secret)> =
        LazyLock::new(|| (sign::SigningKey::from_seed(&[0; 32]).verifying_key(), Secret::new(vec![0; 32])));
    let decoy = match algorithm {
        Algorithm::Ed25519 => VerifyingKey::Ed25519(&NOBODY.0),
        Algorithm::HmacSha256 => VerifyingKey::HmacSha256(&NOBODY.1),
    };
    let known = key.filter(|key| key.algorithm() == algorithm);
    let verdict = known.unwrap_or(decoy).check(base, signature);
    if known.is_some() { verdict } else { Err(Refusal::Signature) }
}

fn mac(secret: &[u8], base: &str) -> Hmac<Sha256> {
    Hmac::new_from_slice(secret).expect("HMAC takes keys of any length").chain_update(base)
}
