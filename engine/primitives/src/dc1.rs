//! DC1-HMAC: how a Dragonchain client signs a request with a shared secret, and how a server checks it.
//!
//! | here | is |
//! |---|---|
//! | [`Parts`], [`sign`], [`verify`] | what is signed, and both ends of it |
//! | [`Authorization`] | the header taken apart, and the age of the request |
//! | [`Paths`] | the texts that a client may have signed as the path of one request |
//! | [`KeyId`], [`ChainId`], [`draw_secret`] | names and secrets |
//! | [`permissions`] | what a key may do |
//!
//! Which chain is served, which key an id names and which signatures were seen before belong to whoever keeps them.
//! Believe this: neither host nor other headers are signed, and a server that can check a signature can make one.
//! Source: `dialects/dragonchain.md`, sections 1, 2, 3 and 5.

mod authorization;
mod names;
mod paths;
pub mod permissions;
mod stamp;

use hmac::{KeyInit, Mac, SimpleHmac, digest::Digest, digest::common::BlockSizeUser};
use subtle::{Choice, ConstantTimeEq};

pub use self::authorization::{AUTHORIZATION_BYTES_MAX, Authorization, Refusal};
pub use self::names::{
    CHAIN_ID_CHARS_MAX, ChainId, FormError, KEY_ID_CHARS_MAX, KeyId, PUBLIC_KEY_BYTES, SECRET_CHARS,
    draw_secret,
};
pub use self::paths::Paths;
pub use self::stamp::{StampError, read_stamp, write_stamp};
use crate::encoding::to_base64;
use crate::secret::SecretText;

/// The function that serves both for the hash of the body and inside the HMAC (RFC 2104).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// SHA-256: 32 bytes.
    Sha256,
    /// BLAKE2b of 64 bytes, unkeyed, without salt and personalization; its block is 128 bytes.
    Blake2b512,
    /// SHA3-256 (FIPS 202): 32 bytes; its block is 136 bytes.
    Sha3_256,
}

impl Algorithm {
    /// All of them. The first is what clients use unless told otherwise.
    pub const ALL: [Self; 3] = [Self::Sha256, Self::Blake2b512, Self::Sha3_256];

    /// As the header spells it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "SHA256",
            Self::Blake2b512 => "BLAKE2b512",
            Self::Sha3_256 => "SHA3-256",
        }
    }

    /// The one of exactly this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name() == name)
    }

    fn hash(self, bytes: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha256 => sha2::Sha256::digest(bytes).to_vec(),
            Self::Blake2b512 => blake2::Blake2b512::digest(bytes).to_vec(),
            Self::Sha3_256 => sha3::Sha3_256::digest(bytes).to_vec(),
        }
    }

    fn mac(self, key: &SecretText, message: &str) -> Vec<u8> {
        match self {
            Self::Sha256 => mac_over::<sha2::Sha256>(key, message),
            Self::Blake2b512 => mac_over::<blake2::Blake2b512>(key, message),
            Self::Sha3_256 => mac_over::<sha3::Sha3_256>(key, message),
        }
    }
}

fn mac_over<D: Digest + BlockSizeUser>(key: &SecretText, message: &str) -> Vec<u8> {
    let mac =
        SimpleHmac::<D>::new_from_slice(key.expose().as_bytes()).expect("HMAC takes keys of any length");
    mac.chain_update(message).finalize().into_bytes().to_vec()
}

/// A part of a request holds a control character. A line feed in one part would read as the end of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a part of the request holds a control character")]
pub struct ControlCharacter;

/// What is signed beside the path. Texts are those on the wire; an absent `Content-Type` is empty.
#[derive(Debug, Clone, Copy)]
pub struct Parts<'a> {
    /// The method. [`sign`] writes it in upper case, [`verify`] takes it as received.
    pub verb: &'a str,
    /// The `dragonchain` header.
    pub chain: &'a str,
    /// The `timestamp` header.
    pub timestamp: &'a str,
    /// The `Content-Type` header, or empty.
    pub content_type: &'a str,
    /// The body after transfer decoding and before any content decoding.
    pub body: &'a [u8],
}

/// The message, cut where the path goes, so that the body is hashed once for all candidates.
struct Frame {
    before: String,
    after: String,
}

impl Frame {
    fn new(algorithm: Algorithm, parts: &Parts<'_>) -> Result<Self, ControlCharacter> {
        let Parts { verb, chain, timestamp, content_type, body } = parts;
        for text in [verb, chain, timestamp, content_type] {
            check(text)?;
        }
        let hash = to_base64(&algorithm.hash(body));
        Ok(Self {
            before: format!("{verb}\n"),
            after: format!("\n{chain}\n{timestamp}\n{content_type}\n{hash}"),
        })
    }

    fn around(&self, path: &str) -> String {
        [&self.before, path, &self.after].concat()
    }
}

fn check(text: &str) -> Result<(), ControlCharacter> {
    if text.bytes().any(|byte| byte.is_ascii_control()) { Err(ControlCharacter) } else { Ok(()) }
}

/// Signs a request: the HMAC bytes. `path` is what follows the endpoint, with `?query` as it is sent.
/// The HMAC key is the UTF-8 text of `key` as it stands, never decoded.
///
/// # Errors
/// [`ControlCharacter`].
pub fn sign(
    algorithm: Algorithm,
    key: &SecretText,
    parts: &Parts<'_>,
    path: &str,
) -> Result<Vec<u8>, ControlCharacter> {
    let verb = parts.verb.to_ascii_uppercase();
    let frame = Frame::new(algorithm, &Parts { verb: &verb, ..*parts })?;
    check(path)?;
    Ok(algorithm.mac(key, &frame.around(path)))
}

/// Checks an HMAC against every candidate path. The decision falls after the last one; each comparison takes the same
/// time wherever the bytes differ, and only the full length matches.
///
/// Give `None` for a key id that names nobody: the work is the same and the answer is no.
///
/// # Errors
/// [`Refusal::Mac`].
pub fn verify(
    algorithm: Algorithm,
    key: Option<&SecretText>,
    parts: &Parts<'_>,
    paths: &Paths<'_>,
    mac: &[u8],
) -> Result<(), Refusal> {
    let frame = Frame::new(algorithm, parts).map_err(|ControlCharacter| Refusal::Mac)?;
    let decoy = SecretText::new("A".repeat(SECRET_CHARS));
    let used = key.unwrap_or(&decoy);
    let mut found = Choice::from(0);
    for path in paths.iter() {
        found |= algorithm.mac(used, &frame.around(path)).ct_eq(mac);
    }
    if bool::from(found & Choice::from(u8::from(key.is_some()))) { Ok(()) } else { Err(Refusal::Mac) }
}

#[cfg(test)]
mod tests;
