//! Sealing small byte strings: AES-256-GCM under a key that is made from a secret for one purpose.
//!
//! Every seal is bound to its place: [`Place`] is not optional, and what was sealed for one place does not open in
//! another. The nonce is handed in, because chance belongs to the caller; with random nonces one key is good for far
//! fewer than 2^32 seals.

use std::fmt;

use aes_gcm::aead::{Aead, Payload};
use aes_gcm::{Aes256Gcm, KeyInit};
use zeroize::Zeroizing;

/// First byte of every seal, so that a later form can be told from this one.
const FORM: u8 = 1;
/// Length of the nonce that each seal starts with, in bytes.
pub const NONCE_BYTES: usize = 12;
/// How much longer a seal is than what it holds: form, nonce and tag.
pub const OVERHEAD_BYTES: usize = 1 + NONCE_BYTES + 16;

/// The seal does not open: damaged, moved from another place, sealed under another key, or no seal at all.
///
/// One answer for all four, because telling them apart would help only somebody who is guessing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("seal does not open here")]
pub struct SealError;

/// Where a seal belongs: its kind, and the parts that tell it from others of its kind. Authenticated, not stored.
#[derive(Debug, Clone)]
pub struct Place(Vec<u8>);

impl Place {
    /// `kind` names what is sealed (`"idempotent answer"`); `parts` name which one. Every length goes in, so parts
    /// cannot run into each other.
    #[must_use]
    pub fn new(kind: &str, parts: &[&[u8]]) -> Self {
        let mut bytes = vec![FORM];
        for part in std::iter::once(kind.as_bytes()).chain(parts.iter().copied()) {
            bytes.extend_from_slice(&(part.len() as u64).to_le_bytes());
            bytes.extend_from_slice(part);
        }
        Self(bytes)
    }
}

/// A key for one purpose. Wiped when dropped, hidden in debug output.
pub struct SealKey(Aes256Gcm);

impl SealKey {
    /// Makes the key for `purpose` from a secret of full strength (at least 16 random bytes; never a passphrase) by
    /// BLAKE3 in its key-derivation mode. Keys of different purposes say nothing about each other.
    #[must_use]
    pub fn derive(secret: &[u8], purpose: &'static str) -> Self {
        let key = Zeroizing::new(blake3::derive_key(purpose, secret));
        Self::from_key(&key)
    }

    /// Uses 32 bytes that are a key already.
    #[must_use]
    pub fn from_key(key: &[u8; 32]) -> Self {
        Self(Aes256Gcm::new(key.into()))
    }

    /// Seals `plain` for `place`. `nonce` must be fresh chance, never used with this key before.
    ///
    /// The answer is `01 || nonce || ciphertext || tag`, [`OVERHEAD_BYTES`] longer than `plain`.
    #[must_use]
    pub fn seal(&self, nonce: [u8; NONCE_BYTES], place: &Place, plain: &[u8]) -> Vec<u8> {
        let body = self
            .0
            .encrypt(&nonce.into(), Payload { msg: plain, aad: &place.0 })
            .expect("AES-GCM encrypts anything below 64 GiB");
        let mut sealed = Vec::with_capacity(plain.len() + OVERHEAD_BYTES);
        sealed.push(FORM);
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(&body);
        sealed
    }

    /// Opens what was sealed for exactly this place.
    ///
    /// # Errors
    /// [`SealError`], whatever the reason.
    pub fn open(&self, place: &Place, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let (form, rest) = sealed.split_first().ok_or(SealError)?;
        let (nonce, body) = rest.split_first_chunk::<NONCE_BYTES>().ok_or(SealError)?;
        if *form != FORM {
            return Err(SealError);
        }
        let plain = self.0.decrypt(&(*nonce).into(), Payload { msg: body, aad: &place.0 });
        plain.map(Zeroizing::new).map_err(|_| SealError)
    }
}

impl fmt::Debug for SealKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealKey(32 bytes)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> SealKey {
        SealKey::derive(&[3; 16], "strongroom test")
    }

    #[test]
    fn what_was_sealed_opens_in_its_place() {
        let place = Place::new("answer", &[b"alice", b"7"]);
        let sealed = key().seal([9; 12], &place, b"the answer");
        assert_eq!(sealed.len(), 10 + OVERHEAD_BYTES);
        assert_eq!(key().open(&place, &sealed).unwrap().as_slice(), b"the answer");
    }

    /// Rule 2.3 of the threat model: a ciphertext moved to another place does not open.
    #[test]
    fn a_seal_opens_nowhere_else_and_under_no_other_key() {
        let place = Place::new("answer", &[b"alice", b"7"]);
        let sealed = key().seal([9; 12], &place, b"the answer");
        for other in [
            Place::new("answer", &[b"alice7", b""]),
            Place::new("answer", &[b"alice"]),
            Place::new("answe", &[b"ralice", b"7"]),
        ] {
            assert_eq!(key().open(&other, &sealed).unwrap_err(), SealError);
        }
        assert_eq!(SealKey::derive(&[3; 16], "another").open(&place, &sealed).unwrap_err(), SealError);
        assert_eq!(
            SealKey::derive(&[4; 16], "strongroom test").open(&place, &sealed).unwrap_err(),
            SealError
        );
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_noticed() {
        let place = Place::new("answer", &[]);
        let sealed = key().seal([9; 12], &place, b"abc");
        for at in 0..sealed.len() {
            for bit in 0..8 {
                let mut bad = sealed.clone();
                bad[at] ^= 1 << bit;
                assert!(key().open(&place, &bad).is_err(), "byte {at}, bit {bit}");
            }
            assert!(key().open(&place, &sealed[..at]).is_err(), "cut at {at}");
        }
    }

    #[test]
    fn the_bytes_of_a_seal_never_change_because_stored_answers_must_open() {
        let sealed = key().seal([1; 12], &Place::new("answer", &[b"x"]), b"hi");
        // Worked out apart from this code, over the bytes that the docstrings describe.
        assert_eq!(
            crate::encoding::to_hex(&sealed),
            "01010101010101010101010101bd57268a0774c60530afbc64c08f8d082952"
        );
    }
}
