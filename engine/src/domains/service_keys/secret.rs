//! Secrets of service keys: how they are handed over, once, and how they lie in a row.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use strongroom_primitives::{
    dc1::{ChainId, KeyId, SECRET_CHARS, draw_secret},
    hash,
    seal::{NONCE_BYTES, Place, SealKey},
    secret::SecretText,
};
use zeroize::Zeroizing;

use super::{KeyKind, rows::Held};
use crate::{error::EngineError, ports::Entropy};

/// Shortest secret that is taken over, in characters.
const CHARS_MIN: usize = 32;

/// Longest secret that is taken over, in characters.
const CHARS_MAX: usize = 256;

/// The secret of a service key, in a command or in the one answer that shows it. Serialized only for a fingerprint, and
/// to be kept sealed under the caller's idempotency key.
#[derive(Clone)]
pub struct ServiceSecret(SecretText);

impl ServiceSecret {
    /// Takes over a secret that was made elsewhere: 32 to 256 characters that every credentials file can hold. Source:
    /// dialects/dragonchain.md, section 7.
    ///
    /// # Errors
    /// [`EngineError::ServiceSecretInvalid`].
    pub fn new(text: SecretText) -> Result<Self, EngineError> {
        let known = |byte: u8| byte.is_ascii_alphanumeric() || b"._~:/@+=-".contains(&byte);
        let bytes = text.expose().as_bytes();
        let fits = (CHARS_MIN..=CHARS_MAX).contains(&bytes.len()) && bytes.iter().copied().all(known);
        if fits { Ok(Self(text)) } else { Err(EngineError::ServiceSecretInvalid) }
    }

    pub(super) fn draw(entropy: &dyn Entropy) -> Self {
        Self(draw_secret(&Zeroizing::new(entropy.array())))
    }

    /// The text. The key of the HMAC is its bytes, for either kind of key that has one.
    #[must_use]
    pub fn expose(&self) -> &SecretText {
        &self.0
    }
}

impl fmt::Debug for ServiceSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ServiceSecret")
    }
}

impl Serialize for ServiceSecret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.expose())
    }
}

impl<'de> Deserialize<'de> for ServiceSecret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(SecretText::new(String::deserialize(deserializer)?)).map_err(de::Error::custom)
    }
}

/// Which secret: that of a key of a chain, of which kind, and the how manieth.
#[derive(Clone, Copy)]
pub(crate) struct Which<'a> {
    pub(crate) chain: &'a ChainId,
    pub(crate) key: &'a KeyId,
    pub(crate) kind: KeyKind,
    pub(crate) generation: u32,
}

impl Which<'_> {
    fn place(&self) -> Place {
        let generation = self.generation.to_be_bytes();
        let kind = self.kind.name().as_bytes();
        let parts = [self.chain.as_str().as_bytes(), self.key.as_str().as_bytes(), kind, &generation];
        Place::new("service key", &parts)
    }
}

/// What the secrets lie under, made from the engine's own secrets.
pub(crate) struct ServiceSeal {
    key: SealKey,
    /// What ids are drawn with.
    ids: Zeroizing<[u8; 32]>,
    /// What is opened in place of the secret of a key that there is not.
    decoy: Vec<u8>,
}

impl ServiceSeal {
    pub(crate) fn new(root: &[u8; 32]) -> Self {
        // A purpose of its own: the decoy's nonce is always the same one.
        let decoy = SealKey::derive(root, "strongroom service key decoy v1");
        let decoy = decoy.seal([0; NONCE_BYTES], &Place::new("decoy", &[]), &[0; SECRET_CHARS]);
        Self {
            key: SealKey::derive(root, "strongroom service keys v1"),
            ids: Zeroizing::new(hash::derive_key("strongroom service key ids v1", root)),
            decoy,
        }
    }

    pub(super) fn seal(&self, which: Which<'_>, secret: &ServiceSecret, entropy: &dyn Entropy) -> Vec<u8> {
        self.key.seal(entropy.array(), &which.place(), secret.0.expose().as_bytes())
    }

    /// # Errors
    /// [`EngineError::Corrupt`] if it is no secret, was sealed for another place, or is damaged.
    pub(super) fn open(&self, which: Which<'_>, held: &Held) -> Result<SecretText, EngineError> {
        let Held::Sealed(sealed) = held else { return Err(EngineError::Corrupt) };
        let plain = self.key.open(&which.place(), sealed).map_err(|_| EngineError::Corrupt)?;
        let text = std::str::from_utf8(&plain).map_err(|_| EngineError::Corrupt)?;
        Ok(SecretText::new(text.to_owned()))
    }

    /// Does the work of [`ServiceSeal::open`] for a key that there is not.
    pub(super) fn open_none(&self, which: Which<'_>) {
        let opened = self.key.open(&which.place(), &self.decoy);
        debug_assert!(opened.is_err(), "a decoy is no secret");
    }

    /// What an id is drawn with: the same for the same parts, so that a decision that runs again draws the same one, and
    /// not to be told from chance by anybody else.
    pub(super) fn seed(&self, parts: &[&[u8]]) -> [u8; 32] {
        let half = |domain| hash::keyed_hash16(&self.ids, domain, parts);
        let mut seed = [0; 32];
        seed[..16].copy_from_slice(&half("first half"));
        seed[16..].copy_from_slice(&half("second half"));
        seed
    }
}
