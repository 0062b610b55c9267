//! Sealed secrets as the client writes them: JSON, with bytes as objects that say how they are encoded.
//!
//! What is written is the client's spelling to the byte. What is read may have its members in another order, as any
//! JSON may, but no others and none twice; the bytes in it have one spelling.

use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::{Key, MisakeyError, SALT_BYTES, Salt, password_key};
use crate::encoding::{from_base64, from_base64url, to_base64, to_base64url};
use crate::json::parse_object;
use crate::nacl::{BoxKey, BoxPublic, BoxSecret, KEY_BYTES, NONCE_BYTES, TAG_BYTES};
use crate::secret::SecretText;

/// Longest document that is looked at, in bytes of its text.
pub const DOCUMENT_BYTES_MAX: usize = 16 * 1024;

const SEALED_KEY_BYTES: usize = TAG_BYTES + KEY_BYTES;

/// A root key under the key of a password. Nothing in it is secret, but whoever has it can try passwords.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncryptedRootKey {
    nonce: [u8; NONCE_BYTES],
    salt: Salt,
    sealed: [u8; SEALED_KEY_BYTES],
}

impl EncryptedRootKey {
    /// Seals a root key. Salt and nonce are fresh chance.
    ///
    /// # Errors
    /// [`MisakeyError::Memory`].
    pub fn seal(
        root: &Key,
        password: &SecretText,
        salt: [u8; SALT_BYTES],
        nonce: [u8; NONCE_BYTES],
    ) -> Result<Self, MisakeyError> {
        let salt = Salt::from_bytes(salt);
        let sealed = password_key(password, &salt)?.seal(&nonce, root.expose());
        let sealed = sealed.try_into().expect("a sealed key is a tag longer than the key");
        Ok(Self { nonce, salt, sealed })
    }

    /// The root key.
    ///
    /// # Errors
    /// [`MisakeyError::Sealed`], [`MisakeyError::Memory`].
    pub fn open(&self, password: &SecretText) -> Result<Key, MisakeyError> {
        open_key(&password_key(password, &self.salt)?, &self.nonce, &self.sealed)
    }

    /// Reads base64url of `{"nonce":U,"salt":"<hex>","ciphertext":U}`, at most [`DOCUMENT_BYTES_MAX`].
    ///
    /// # Errors
    /// [`MisakeyError::Form`].
    pub fn read(text: &str) -> Result<Self, MisakeyError> {
        let members = unwrap(text)?;
        let [nonce, salt, sealed] = exactly(&members, ["nonce", "salt", "ciphertext"])?;
        let salt = salt.as_str().and_then(|salt| Salt::from_hex(salt).ok()).ok_or(MisakeyError::Form)?;
        Ok(Self { nonce: fixed(tagged_bytes(nonce)?)?, salt, sealed: fixed(tagged_bytes(sealed)?)? })
    }

    /// Writes what [`EncryptedRootKey::read`] reads.
    #[must_use]
    pub fn to_text(&self) -> String {
        let (nonce, salt, sealed) = (tagged(&self.nonce), self.salt.to_hex(), tagged(&self.sealed));
        wrap(&format!(r#"{{"nonce":{nonce},"salt":"{salt}","ciphertext":{sealed}}}"#))
    }
}

/// A secret of 32 bytes under a root key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncryptedSecret {
    nonce: [u8; NONCE_BYTES],
    sealed: [u8; SEALED_KEY_BYTES],
}

impl EncryptedSecret {
    /// Seals a secret. The nonce is fresh chance.
    #[must_use]
    pub fn seal(secret: &Key, under: &Key, nonce: [u8; NONCE_BYTES]) -> Self {
        let sealed = under.box_key().seal(&nonce, secret.expose());
        Self { nonce, sealed: sealed.try_into().expect("a sealed key is a tag longer than the key") }
    }

    /// The secret.
    ///
    /// # Errors
    /// [`MisakeyError::Sealed`].
    pub fn open(&self, under: &Key) -> Result<Key, MisakeyError> {
        open_key(&under.box_key(), &self.nonce, &self.sealed)
    }

    /// Reads base64url of `{"nonce":"<base64>","ciphertext":U}`, at most [`DOCUMENT_BYTES_MAX`].
    ///
    /// # Errors
    /// [`MisakeyError::Form`].
    pub fn read(text: &str) -> Result<Self, MisakeyError> {
        let members = unwrap(text)?;
        let [nonce, sealed] = exactly(&members, ["nonce", "ciphertext"])?;
        Ok(Self { nonce: fixed(plain_bytes(nonce)?)?, sealed: fixed(tagged_bytes(sealed)?)? })
    }

    /// Writes what [`EncryptedSecret::read`] reads.
    #[must_use]
    pub fn to_text(&self) -> String {
        let (nonce, sealed) = (to_base64(&self.nonce), tagged(&self.sealed));
        wrap(&format!(r#"{{"nonce":"{nonce}","ciphertext":{sealed}}}"#))
    }
}

/// A text boxed for the holder of an X25519 key by a sender who is nobody: its key is made for this one text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cryptogram {
    sender: BoxPublic,
    nonce: [u8; NONCE_BYTES],
    sealed: Vec<u8>,
}

impl Cryptogram {
    /// Boxes a text. `ephemeral` makes the sender's key; it and the nonce are fresh chance.
    ///
    /// # Errors
    /// [`MisakeyError::Sealed`] should the two keys agree on zero.
    pub fn seal(
        plain: &[u8],
        recipient: &BoxPublic,
        ephemeral: [u8; KEY_BYTES],
        nonce: [u8; NONCE_BYTES],
    ) -> Result<Self, MisakeyError> {
        let sender = BoxSecret::from_seed(ephemeral);
        let key = sender.agree(recipient).map_err(|_| MisakeyError::Sealed)?;
        Ok(Self { sender: sender.public(), nonce, sealed: key.seal(&nonce, plain) })
    }

    /// The text.
    ///
    /// # Errors
    /// [`MisakeyError::Sealed`].
    pub fn open(&self, recipient: &BoxSecret) -> Result<Zeroizing<Vec<u8>>, MisakeyError> {
        let key = recipient.agree(&self.sender).map_err(|_| MisakeyError::Sealed)?;
        Ok(key.open(&self.nonce, &self.sealed)?)
    }

    /// Reads `{"ephemeralSenderPublicKey":U,"nonce":U,"ciphertext":U}` as it is, at most [`DOCUMENT_BYTES_MAX`].
    ///
    /// # Errors
    /// [`MisakeyError::Form`], also for a sender's key of low order and a ciphertext without room for a tag.
    pub fn read(text: &str) -> Result<Self, MisakeyError> {
        let members = parse_document(text.as_bytes())?;
        let [sender, nonce, sealed] = exactly(&members, ["ephemeralSenderPublicKey", "nonce", "ciphertext"])?;
        let sender = BoxPublic::from_bytes(fixed(tagged_bytes(sender)?)?).map_err(|_| MisakeyError::Form)?;
        let (nonce, sealed) = (fixed(tagged_bytes(nonce)?)?, tagged_bytes(sealed)?);
        if sealed.len() < TAG_BYTES { Err(MisakeyError::Form) } else { Ok(Self { sender, nonce, sealed }) }
    }

    /// Writes what [`Cryptogram::read`] reads.
    #[must_use]
    pub fn to_json(&self) -> String {
        let (sender, nonce) = (tagged(self.sender.as_bytes()), tagged(&self.nonce));
        let sealed = tagged(&self.sealed);
        format!(r#"{{"ephemeralSenderPublicKey":{sender},"nonce":{nonce},"ciphertext":{sealed}}}"#)
    }
}

fn open_key(
    key: &BoxKey,
    nonce: &[u8; NONCE_BYTES],
    sealed: &[u8; SEALED_KEY_BYTES],
) -> Result<Key, MisakeyError> {
    Key::try_from(key.open(nonce, sealed)?.as_slice())
}

fn wrap(json: &str) -> String {
    to_base64url(json.as_bytes())
}

fn unwrap(text: &str) -> Result<Map<String, Value>, MisakeyError> {
    if text.len() > DOCUMENT_BYTES_MAX {
        return Err(MisakeyError::Form);
    }
    parse_document(&from_base64url(text).map_err(|_| MisakeyError::Form)?)
}

fn parse_document(text: &[u8]) -> Result<Map<String, Value>, MisakeyError> {
    if text.len() > DOCUMENT_BYTES_MAX {
        return Err(MisakeyError::Form);
    }
    parse_object(text).map_err(|_| MisakeyError::Form)
}

/// The members of these names, if there are no others.
fn exactly<'a, const N: usize>(
    members: &'a Map<String, Value>,
    names: [&str; N],
) -> Result<[&'a Value; N], MisakeyError> {
    if members.len() != N || !names.iter().all(|name| members.contains_key(*name)) {
        return Err(MisakeyError::Form);
    }
    Ok(names.map(|name| &members[name]))
}

/// `{"type":"Uint8Array","encoding":"base64","value":"<base64>"}`: U in the forms above.
fn tagged(bytes: &[u8]) -> String {
    format!(r#"{{"type":"Uint8Array","encoding":"base64","value":"{}"}}"#, to_base64(bytes))
}

fn tagged_bytes(value: &Value) -> Result<Vec<u8>, MisakeyError> {
    let members = value.as_object().ok_or(MisakeyError::Form)?;
    let [kind, encoding, value] = exactly(members, ["type", "encoding", "value"])?;
    if kind != "Uint8Array" || encoding != "base64" {
        return Err(MisakeyError::Form);
    }
    plain_bytes(value)
}

fn plain_bytes(value: &Value) -> Result<Vec<u8>, MisakeyError> {
    value.as_str().and_then(|text| from_base64(text).ok()).ok_or(MisakeyError::Form)
}

fn fixed<const N: usize>(bytes: Vec<u8>) -> Result<[u8; N], MisakeyError> {
    bytes.try_into().map_err(|_| MisakeyError::Form)
}
