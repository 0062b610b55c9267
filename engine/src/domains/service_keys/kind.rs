//! What a key signs with. A key has one kind, and signs nothing in the manner of another (THREATS A-MAC-04).

use serde::{Deserialize, Serialize};
use strongroom_primitives::{http_signatures::Algorithm, sign};

use super::{ServiceSecret, rows::Held, secret::Which};
use crate::{command::Moment, error::EngineError};

/// How a key signs. Serialized as `dc1-hmac`, `hmac-sha256` and `ed25519`. Source: SIGNING.md.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyKind {
    /// By DC1-HMAC, with a secret that the server must be able to use.
    #[default]
    Dc1Hmac,
    /// By RFC 9421 with HMAC-SHA256, with such a secret. The key of the HMAC is the bytes of its text.
    HmacSha256,
    /// By RFC 9421 with Ed25519: the server has the public key only.
    Ed25519,
}

impl KeyKind {
    /// As it is serialized.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Dc1Hmac => "dc1-hmac",
            Self::HmacSha256 => Algorithm::HmacSha256.name(),
            Self::Ed25519 => Algorithm::Ed25519.name(),
        }
    }

    /// Whether its keys are named by their id alone, so that the id must be one of a kind in the whole engine.
    pub(super) const fn is_named_alone(self) -> bool {
        !matches!(self, Self::Dc1Hmac)
    }
}

impl From<Algorithm> for KeyKind {
    fn from(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::HmacSha256 => Self::HmacSha256,
            Algorithm::Ed25519 => Self::Ed25519,
        }
    }
}

/// What a new key is to sign with: its kind, and what the client has to bring for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub enum SignsWith {
    /// A secret that is drawn, for DC1-HMAC.
    #[default]
    Dc1Hmac,
    /// A secret that is drawn, for RFC 9421 with HMAC-SHA256.
    HmacSha256,
    /// A private key that stays with the client.
    Ed25519 {
        /// Its public half, 32 bytes (RFC 8032).
        public_key: [u8; 32],
    },
}

impl SignsWith {
    /// The kind of such a key.
    #[must_use]
    pub const fn kind(self) -> KeyKind {
        match self {
            Self::Dc1Hmac => KeyKind::Dc1Hmac,
            Self::HmacSha256 => KeyKind::HmacSha256,
            Self::Ed25519 { .. } => KeyKind::Ed25519,
        }
    }

    /// What the server keeps of it, and the secret where there is one to hand over.
    ///
    /// # Errors
    /// [`EngineError::StoreNotEncrypted`] where a secret could not be kept; [`EngineError::ServicePublicKeyInvalid`].
    pub(super) fn take(
        self,
        which: Which<'_>,
        moment: &Moment<'_>,
    ) -> Result<(Held, Option<ServiceSecret>), EngineError> {
        if let Self::Ed25519 { public_key } = self {
            let key = sign::VerifyingKey::from_bytes(&public_key);
            return Ok((Held::Public(key.map_err(|_| EngineError::ServicePublicKeyInvalid)?), None));
        }
        let secret = ServiceSecret::draw(moment.entropy);
        Ok((Held::seal(which, &secret, moment)?, Some(secret)))
    }
}
