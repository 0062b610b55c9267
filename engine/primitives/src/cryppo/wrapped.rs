//! `Aes256Gcm` strings: keys wrapped by keys, slot values, private keys. Source: `dialects/meeco.md`, 3.2.
//!
//! AES-256-GCM with a nonce of 12 bytes, the tag of 16 bytes apart from the cipher text, and the four ASCII bytes
//! `none` as associated data. So a string is bound to its key and to nothing else: who stores it must not mix it up
//! with another of the same key.

use std::fmt;

use aes_gcm::aead::{Aead, Payload};
use aes_gcm::{Aes256Gcm, KeyInit};
use zeroize::{Zeroize, Zeroizing};

use super::artefacts::{ArtefactError, Form, Kind, Map, Value};
use super::fields::{Fields, from_field, join, to_field};
use super::{CryppoError, Part};
use crate::secret::{Secret, SecretText};

/// Length of every key in the hierarchy, in bytes.
pub const KEY_BYTES: usize = 32;
/// Length of the nonce, in bytes.
pub const NONCE_BYTES: usize = 12;

const STRATEGY: &str = "Aes256Gcm";
const TAG_BYTES: usize = 16;
/// The associated data of every string.
const AD: &str = "none";

/// An `Aes256Gcm` string whose shape was checked, without a key: the strategy, the artefacts' version, a nonce of 12
/// bytes, a tag of 16, the associated data. Keeps the text as it came, for whoever stores it.
///
/// Not a secret, but debug output shows only its length.
#[derive(Clone, PartialEq, Eq)]
pub struct Wrapped {
    text: String,
    data_bytes: usize,
}

impl Wrapped {
    /// Checks a string. Its data may be empty, as that of an empty slot is.
    ///
    /// # Errors
    /// [`CryppoError`], for the first part that is wrong.
    pub fn parse(text: &str) -> Result<Self, CryppoError> {
        let sealed = Sealed::read(text)?;
        Ok(Self { text: text.to_owned(), data_bytes: sealed.body.len() - TAG_BYTES })
    }

    /// The text as it came.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The text as it came.
    #[must_use]
    pub fn into_string(self) -> String {
        self.text
    }

    /// Length of what is encrypted, in bytes: known to anybody, 32 for a wrapped key.
    #[must_use]
    pub fn data_bytes(&self) -> usize {
        self.data_bytes
    }
}

impl fmt::Debug for Wrapped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Wrapped({} bytes)", self.text.len())
    }
}

/// The fields of a string, decoded.
struct Sealed {
    nonce: [u8; NONCE_BYTES],
    /// Cipher text and tag.
    body: Vec<u8>,
}

impl Sealed {
    fn read(text: &str) -> Result<Self, CryppoError> {
        let fields = Fields::split(text, 3)?;
        if fields.name(0) != STRATEGY {
            return Err(CryppoError::Strategy);
        }
        let mut body = fields.bytes(1, Part::Data)?;
        let (nonce, tag) = artefacts(Map::read(Kind::Cipher, &fields, 2)?)
            .map_err(|error| CryppoError::Artefacts(Part::Artefacts, error))?;
        body.extend_from_slice(&tag);
        Ok(Self { nonce, body })
    }
}

fn artefacts(mut map: Map) -> Result<([u8; NONCE_BYTES], [u8; TAG_BYTES]), ArtefactError> {
    let nonce = map.binary("iv")?.try_into().map_err(|_| ArtefactError::Value("iv"))?;
    let tag = map.binary("at")?.try_into().map_err(|_| ArtefactError::Value("at"))?;
    map.expect_text("ad", AD)?;
    map.finish()?;
    Ok((nonce, tag))
}

/// A key of 32 bytes that encrypts and wraps. Wiped when dropped, hidden in debug output.
#[derive(Clone)]
pub struct WrappingKey([u8; KEY_BYTES]);

impl WrappingKey {
    /// From its bytes.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; KEY_BYTES]) -> Self {
        Self(*bytes)
    }

    /// Reads what [`WrappingKey::expose_text`] writes and nothing else: no other alphabet, no line break, no blank.
    ///
    /// # Errors
    /// [`CryppoError::Base64`] with [`Part::Key`]; [`CryppoError::UnexpectedKeyLength`] for anything but 32 bytes;
    /// [`CryppoError::TooLong`].
    pub fn from_text(text: &SecretText) -> Result<Self, CryppoError> {
        let bytes = Secret::new(from_field(text.expose(), Part::Key)?);
        Self::from_secret(&bytes)
    }

    /// From bytes that were decrypted.
    ///
    /// # Errors
    /// [`CryppoError::UnexpectedKeyLength`] for anything but 32 bytes.
    pub fn from_secret(bytes: &Secret) -> Result<Self, CryppoError> {
        let key = bytes.expose().try_into();
        key.map(Self).map_err(|_| CryppoError::UnexpectedKeyLength { bytes: bytes.len() })
    }

    /// Its bytes.
    #[must_use]
    pub fn expose_bytes(&self) -> &[u8; KEY_BYTES] {
        &self.0
    }

    /// As clients print keys: URL-safe base64 with padding, 44 characters.
    #[must_use]
    pub fn expose_text(&self) -> SecretText {
        SecretText::new(to_field(&self.0))
    }

    /// Encrypts `plain`, which may be empty. `nonce` must be fresh chance, never used with this key before.
    ///
    /// # Errors
    /// [`CryppoError::TooLong`] when the string would be longer than any reader takes, at about 192 KiB.
    pub fn encrypt(
        &self,
        nonce: [u8; NONCE_BYTES],
        plain: &[u8],
        form: Form,
    ) -> Result<Wrapped, CryppoError> {
        if plain.len() > super::TEXT_BYTES_MAX {
            return Err(CryppoError::TooLong);
        }
        let body = Aes256Gcm::new((&self.0).into())
            .encrypt(&nonce.into(), Payload { msg: plain, aad: AD.as_bytes() })
            .expect("AES-GCM encrypts anything below 64 GiB");
        let (data, tag) = body.split_at(plain.len());
        let artefacts = Map::default()
            .with("iv", Value::Binary(nonce.to_vec()))
            .with("at", Value::Binary(tag.to_vec()))
            .with("ad", Value::Text(AD.to_owned()))
            .write(Kind::Cipher, form);
        let text = join(&[STRATEGY, &to_field(data), &artefacts])?;
        Ok(Wrapped { text, data_bytes: plain.len() })
    }

    /// Wraps another key, as its 32 bytes.
    #[must_use]
    pub fn wrap_key(&self, nonce: [u8; NONCE_BYTES], key: &Self, form: Form) -> Wrapped {
        self.encrypt(nonce, &key.0, form).expect("a key is short")
    }

    /// Decrypts.
    ///
    /// # Errors
    /// [`CryppoError::DoesNotOpen`].
    pub fn decrypt(&self, wrapped: &Wrapped) -> Result<Secret, CryppoError> {
        let sealed = Sealed::read(&wrapped.text)?;
        let plain = Aes256Gcm::new((&self.0).into())
            .decrypt(&sealed.nonce.into(), Payload { msg: &sealed.body, aad: AD.as_bytes() });
        plain.map(Secret::new).map_err(|_| CryppoError::DoesNotOpen)
    }

    /// Unwraps a key.
    ///
    /// # Errors
    /// [`CryppoError::DoesNotOpen`]; [`CryppoError::UnexpectedKeyLength`] for anything but 32 bytes.
    pub fn unwrap_key(&self, wrapped: &Wrapped) -> Result<Self, CryppoError> {
        Self::from_secret(&self.decrypt(wrapped)?)
    }

    /// Decrypts the text of a slot, see [`read_text`].
    ///
    /// # Errors
    /// [`CryppoError::DoesNotOpen`].
    pub fn decrypt_text(&self, wrapped: &Wrapped) -> Result<SecretText, CryppoError> {
        Ok(read_text(&self.decrypt(wrapped)?))
    }
}

impl fmt::Debug for WrappingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WrappingKey")
    }
}

impl Drop for WrappingKey {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// The text of a slot: UTF-8, or Latin-1 where it is not UTF-8, because old clients wrote the low byte of each UTF-16
/// unit. What those clients lost (anything beyond Latin-1) stays lost.
#[must_use]
pub fn read_text(plain: &Secret) -> SecretText {
    if let Ok(text) = str::from_utf8(plain.expose()) {
        return SecretText::new(text.to_owned());
    }
    let mut text = Zeroizing::new(String::with_capacity(2 * plain.len()));
    text.extend(plain.expose().iter().copied().map(char::from));
    SecretText::new(std::mem::take(&mut *text))
}
