//! Signed strings (`Sign.Rsa<bits>.SIGNATURE.DATA`) and the hash by which a value is recognised without being shown.
//! Source: `dialects/meeco.md`, 3.5.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::fields::{Fields, join, to_field};
use super::rsa::strategy;
use super::{CryppoError, Part};
use crate::encoding::to_hex;
use crate::rsa::{PrivateKey, PublicKey};

/// Most that is signed, in bytes: what the Ruby library takes. Reading has no such limit.
pub const SIGNED_BYTES_MAX: usize = 512;
/// Length of the key of a [`value_verification_hash`], in bytes.
pub const VALUE_HASH_KEY_BYTES: usize = 64;

const SIGNED: &str = "Sign";

/// Signs at most [`SIGNED_BYTES_MAX`] bytes, which the string then carries.
///
/// # Errors
/// [`CryppoError::TooLong`], [`CryppoError::Rsa`].
pub fn sign(key: &PrivateKey, data: &[u8]) -> Result<String, CryppoError> {
    if data.len() > SIGNED_BYTES_MAX {
        return Err(CryppoError::TooLong);
    }
    let signature = to_field(&key.sign(data)?);
    join(&[SIGNED, &strategy(key.public_key()), &signature, &to_field(data)])
}

/// The data that a string carries, if `key` signed it.
///
/// # Errors
/// [`CryppoError`]; [`CryppoError::Strategy`] for the signature of a key of another size.
pub fn verify(key: &PublicKey, text: &str) -> Result<Vec<u8>, CryppoError> {
    let fields = Fields::split(text, 4)?;
    if fields.name(0) != SIGNED || fields.name(1) != strategy(key) {
        return Err(CryppoError::Strategy);
    }
    let signature = fields.bytes(2, Part::Signature)?;
    let data = fields.bytes(3, Part::Data)?;
    key.verify(&data, &signature)?;
    Ok(data)
}

/// HMAC-SHA256 over `value` as the clients' library reads it, as 64 hexadecimal digits.
///
/// For text within Latin-1 that is its Latin-1 bytes. Beyond it, bytes run into each other (see `forge_bytes`), so two
/// values may have one hash; every version of the library does so, and the hash serves only to be compared with theirs.
#[must_use]
pub fn value_verification_hash(key: &[u8; VALUE_HASH_KEY_BYTES], value: &str) -> String {
    let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(key).expect("HMAC takes a key of any length");
    mac.update(&forge_bytes(value));
    to_hex(&mac.finalize().into_bytes())
}

/// The bytes that node-forge hashes when it is given text instead of bytes.
///
/// It takes each UTF-16 unit for one byte and XORs four of them, shifted, into a word: the high byte of a unit lands on
/// the byte before it, and that of a word's first unit falls off. Source: `ByteStringBuffer.getInt32` of node-forge, and
/// the vectors, one of which shows a hash that no encoding of its text gives. `dialects/meeco.md`, 3.5, has low bytes only.
fn forge_bytes(text: &str) -> Zeroizing<Vec<u8>> {
    let mut bytes: Zeroizing<Vec<u8>> = Zeroizing::new(Vec::with_capacity(text.len()));
    for unit in text.encode_utf16() {
        let [high, low] = unit.to_be_bytes();
        if !bytes.len().is_multiple_of(4)
            && let Some(before) = bytes.last_mut()
        {
            *before ^= high;
        }
        bytes.push(low);
    }
    bytes
}
