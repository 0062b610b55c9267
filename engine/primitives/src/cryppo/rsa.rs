//! `Rsa<bits>` strings: a short text for the holder of a private key, such as a session. Source:
//! `dialects/meeco.md`, 3.3.
//!
//! The number in the name is the size of the modulus. The clients do not look at it; here a string with another number
//! than the key's is refused, since nobody writes one.

use super::artefacts::{ArtefactError, Form, Kind, Map};
use super::fields::{Fields, join, to_field};
use super::{CryppoError, Part};
use crate::rsa::{PrivateKey, PublicKey, RsaError};
use crate::secret::Secret;

/// How a key of this size is named in a string.
pub(super) fn strategy(key: &PublicKey) -> String {
    format!("Rsa{}", key.bits())
}

/// Encrypts at most [`PublicKey::plain_bytes_max`] bytes: `Rsa4096.DATA.QQUAAAAA`, which every client reads.
///
/// # Errors
/// [`CryppoError::Rsa`], with [`RsaError::PlainTooLong`] for a text that is too long.
pub fn encrypt_rsa(key: &PublicKey, plain: &[u8]) -> Result<String, CryppoError> {
    let data = to_field(&key.encrypt(plain)?);
    join(&[&strategy(key), &data, &Map::default().write(Kind::Cipher, Form::Bson)])
}

/// Decrypts what [`encrypt_rsa`] or a client wrote. The artefacts are an empty map, or one whose three values are
/// empty texts.
///
/// # Errors
/// [`CryppoError`]; [`CryppoError::Strategy`] for a string of a key of another size, [`CryppoError::DoesNotOpen`] for
/// one of another key.
pub fn decrypt_rsa(key: &PrivateKey, text: &str) -> Result<Secret, CryppoError> {
    let fields = Fields::split(text, 3)?;
    if fields.name(0) != strategy(key.public_key()) {
        return Err(CryppoError::Strategy);
    }
    let data = fields.bytes(1, Part::Data)?;
    nothing_in(Map::read(Kind::Cipher, &fields, 2)?)
        .map_err(|error| CryppoError::Artefacts(Part::Artefacts, error))?;
    key.decrypt(&data).map_err(|error| match error {
        RsaError::DoesNotOpen => CryppoError::DoesNotOpen,
        other => other.into(),
    })
}

fn nothing_in(mut map: Map) -> Result<(), ArtefactError> {
    if !map.is_empty() {
        for name in ["iv", "at", "ad"] {
            map.expect_text(name, "")?;
        }
    }
    map.finish()
}
