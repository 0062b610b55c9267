//! What Misakey's client computes: the two shares of a root key, the key of a password, and secrets under keys.
//!
//! | here | is |
//! |---|---|
//! | [`Key`] | a root key or another secret of 32 bytes |
//! | [`Share`], [`ShareHash`] | half of a split key, and the name under which the other half is filed |
//! | [`password_key`], [`Salt`] | Argon2i of a password |
//! | [`EncryptedRootKey`], [`EncryptedSecret`] | a key under the password's key, and a key under the root key |
//! | [`Cryptogram`] | a text for the holder of an X25519 key |
//!
//! Believe this: either share alone is noise, and nothing tells whether two shares belong together. A wrong share gives
//! a wrong key, which is noticed only where something sealed by the right one does not open. A server cannot check that
//! a hash is that of the share which it does not have, so any hash of up to [`SHARE_HASH_BYTES_MAX`] is taken. Source:
//! `dialects/misakey.md`, section 2.

mod documents;
mod shares;
#[cfg(test)]
mod tests;

use argon2::{Algorithm, Argon2, Params, Version};
use zeroize::Zeroizing;

pub use documents::{Cryptogram, DOCUMENT_BYTES_MAX, EncryptedRootKey, EncryptedSecret};
pub use shares::{SHARE_BYTES_MAX, SHARE_HASH_BYTES_MAX, Share, ShareHash};

use crate::encoding::{array_from_hex, to_base64url, to_hex};
use crate::hash::sha512;
use crate::nacl::{BoxKey, KEY_BYTES, OpenError};
use crate::secret::{Secret, SecretText};

/// Length of a salt, in bytes.
pub const SALT_BYTES: usize = 16;

/// What is wrong with what a user or a peer gave. Never contains it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MisakeyError {
    /// Not the one spelling in base64url without padding, or in lower-case hexadecimal for a salt.
    #[error("value is not canonically encoded")]
    Encoding,
    /// Well spelled, but empty, too long, or of another length than the value has.
    #[error("value has the wrong length")]
    Length,
    /// A document has another form than the client gives it.
    #[error("document is malformed")]
    Form,
    /// A sealed secret does not open: a wrong password, a wrong key, or damage.
    #[error("sealed secret does not open")]
    Sealed,
    /// There was no memory (1 MiB) to stretch the password.
    #[error("not enough memory to stretch the password")]
    Memory,
}

impl From<OpenError> for MisakeyError {
    fn from(_: OpenError) -> Self {
        Self::Sealed
    }
}

/// A secret of 32 bytes: a root key, a vault key, or the secret half of an X25519 key. 43 characters as text. Wiped
/// when dropped.
#[derive(Debug, Clone)]
pub struct Key(Secret);

impl Key {
    /// From its 32 bytes.
    #[must_use]
    pub fn from_bytes(bytes: [u8; KEY_BYTES]) -> Self {
        Self(Secret::from(&Zeroizing::new(bytes)[..]))
    }

    /// Reads base64url without padding.
    ///
    /// # Errors
    /// [`MisakeyError::Encoding`], [`MisakeyError::Length`].
    pub fn from_b64u(text: &str) -> Result<Self, MisakeyError> {
        let secret = shares::read(text, KEY_BYTES).map(Secret::new)?;
        if secret.len() == KEY_BYTES { Ok(Self(secret)) } else { Err(MisakeyError::Length) }
    }

    /// Writes what [`Key::from_b64u`] reads.
    #[must_use]
    pub fn to_b64u(&self) -> SecretText {
        SecretText::new(to_base64url(self.0.expose()))
    }

    /// The 32 bytes themselves.
    #[must_use]
    pub fn expose(&self) -> &[u8; KEY_BYTES] {
        self.0.expose().try_into().expect("a key has 32 bytes")
    }

    /// Whether it is the same key, in the same time wherever the two differ.
    #[must_use]
    pub fn matches(&self, other: &Self) -> bool {
        self.0.matches(other.0.expose())
    }

    /// What a server knows a root key by: all 64 bytes of SHA-512 over the key's bytes, as 86 characters of base64url.
    #[must_use]
    pub fn hash(&self) -> String {
        to_base64url(&sha512(self.0.expose()))
    }

    /// The key that seals by [`EncryptedSecret`].
    fn box_key(&self) -> BoxKey {
        BoxKey::from_bytes(*self.expose())
    }
}

impl TryFrom<&[u8]> for Key {
    type Error = MisakeyError;

    fn try_from(bytes: &[u8]) -> Result<Self, MisakeyError> {
        if bytes.len() == KEY_BYTES { Ok(Self(Secret::from(bytes))) } else { Err(MisakeyError::Length) }
    }
}

/// 16 bytes of chance. What goes into Argon2i are the 32 characters of its lower-case hexadecimal text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Salt([u8; SALT_BYTES]);

impl Salt {
    /// From its 16 bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; SALT_BYTES]) -> Self {
        Self(bytes)
    }

    /// Reads 32 digits of lower-case hexadecimal.
    ///
    /// # Errors
    /// [`MisakeyError::Encoding`], [`MisakeyError::Length`].
    pub fn from_hex(text: &str) -> Result<Self, MisakeyError> {
        if text.len() != 2 * SALT_BYTES {
            return Err(MisakeyError::Length);
        }
        array_from_hex(text).map(Self).map_err(|_| MisakeyError::Encoding)
    }

    /// Writes what [`Salt::from_hex`] reads.
    #[must_use]
    pub fn to_hex(&self) -> String {
        to_hex(&self.0)
    }
}

/// The key of a password: Argon2i version 0x13 over its UTF-8 bytes, one pass over 1 MiB, one lane. A guess costs about
/// a millisecond, so what is sealed by it (a wrapped root key) is never shown to strangers.
///
/// # Errors
/// [`MisakeyError::Memory`].
pub fn password_key(password: &SecretText, salt: &Salt) -> Result<BoxKey, MisakeyError> {
    let params = Params::new(1024, 1, 1, Some(KEY_BYTES)).expect("the parameters are within Argon2's bounds");
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    // Lengths are within Argon2's own bounds, so memory is all that can be missing.
    Argon2::new(Algorithm::Argon2i, Version::V0x13, params)
        .hash_password_into(password.expose().as_bytes(), salt.to_hex().as_bytes(), &mut *key)
        .map_err(|_| MisakeyError::Memory)?;
    Ok(BoxKey::from_bytes(*key))
}
