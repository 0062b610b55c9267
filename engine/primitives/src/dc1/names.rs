//! Ids of keys and chains, and secrets of keys. Source: `dialects/dragonchain.md`, section 1.

use std::fmt;

use aws_lc_rs::signature::{ECDSA_P256K1_SHA256_ASN1, ParsedPublicKey};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::secret::SecretText;

/// Longest key id, in characters.
pub const KEY_ID_CHARS_MAX: usize = 64;
/// Longest chain id, in characters.
pub const CHAIN_ID_CHARS_MAX: usize = 64;
/// Length of a secret that [`draw_secret`] makes, in characters: about 256 bits.
pub const SECRET_CHARS: usize = 43;
/// Length of a compressed secp256k1 public key, in bytes.
pub const PUBLIC_KEY_BYTES: usize = 33;

const DRAWN_ID_CHARS: usize = 12;
const LETTERS: &[u8; 26] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const LETTERS_AND_DIGITS: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// The text has not the form of an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FormError {
    /// A key id is not 1 to [`KEY_ID_CHARS_MAX`] of `A-Z`, `0-9` and `_`.
    #[error("key id is not 1 to 64 upper-case letters, digits and underscores")]
    KeyId,
    /// A chain id is not 1 to [`CHAIN_ID_CHARS_MAX`] characters of base58.
    #[error("chain id is not 1 to 64 characters of base58")]
    ChainId,
}

/// Names a key within its chain. New ones are 12 letters; older ones hold digits, those of contracts start with `SC_`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct KeyId(String);

impl KeyId {
    /// Takes an id that somebody wrote.
    ///
    /// # Errors
    /// [`FormError::KeyId`].
    pub fn new(text: &str) -> Result<Self, FormError> {
        let known = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
        if (1..=KEY_ID_CHARS_MAX).contains(&text.len()) && text.bytes().all(known) {
            Ok(Self(text.to_owned()))
        } else {
            Err(FormError::KeyId)
        }
    }

    /// A new id: 12 letters, each as likely as any other. `seed` is fresh chance.
    #[must_use]
    pub fn draw(seed: &[u8; 32]) -> Self {
        Self(drawn("strongroom dc1 key id v1", seed, LETTERS, DRAWN_ID_CHARS))
    }

    /// As it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for KeyId {
    type Error = FormError;

    fn try_from(text: String) -> Result<Self, FormError> {
        Self::new(&text)
    }
}

impl From<KeyId> for String {
    fn from(id: KeyId) -> Self {
        id.0
    }
}

/// A new secret: 43 letters and digits, each as likely as any other. `seed` is fresh chance, and as secret as the
/// result.
#[must_use]
pub fn draw_secret(seed: &[u8; 32]) -> SecretText {
    SecretText::new(drawn("strongroom dc1 secret v1", seed, LETTERS_AND_DIGITS, SECRET_CHARS))
}

/// Characters of `alphabet` by the bytes that BLAKE3 derives from `seed` for one purpose, without end. Bytes beyond the
/// last whole multiple of the alphabet are passed over, because a remainder would favour the first characters.
fn drawn(purpose: &'static str, seed: &[u8; 32], alphabet: &[u8], chars: usize) -> String {
    let fair = 256 - 256 % alphabet.len();
    let mut stream = blake3::Hasher::new_derive_key(purpose).update(seed).finalize_xof();
    let mut block = Zeroizing::new([0; 64]);
    let mut text = String::with_capacity(chars);
    while text.len() < chars {
        stream.fill(&mut *block);
        let indexes = block.iter().map(|byte| usize::from(*byte)).filter(|value| *value < fair);
        text.extend(
            indexes.take(chars - text.len()).map(|value| char::from(alphabet[value % alphabet.len()])),
        );
    }
    text
}

/// Names a chain: base58 (Bitcoin's alphabet, no checksum) of a compressed secp256k1 public key. What others wrote is
/// opaque; only [`ChainId::public_key`] looks inside.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ChainId(String);

impl ChainId {
    /// Takes an id that somebody wrote.
    ///
    /// # Errors
    /// [`FormError::ChainId`].
    pub fn new(text: &str) -> Result<Self, FormError> {
        let known = |byte: u8| byte.is_ascii_alphanumeric() && !b"0OIl".contains(&byte);
        if (1..=CHAIN_ID_CHARS_MAX).contains(&text.len()) && text.bytes().all(known) {
            Ok(Self(text.to_owned()))
        } else {
            Err(FormError::ChainId)
        }
    }

    /// The id of the chain with this public key. That the bytes are a point of the curve is not checked.
    #[must_use]
    pub fn of_public_key(bytes: &[u8; PUBLIC_KEY_BYTES]) -> Self {
        Self(bs58::encode(bytes).into_string())
    }

    /// The id of a new chain: that of a point of secp256k1, each as likely as any other. `seed` is fresh chance. Nobody
    /// has the private key to it: nothing here is signed with one.
    #[must_use]
    pub fn draw(seed: &[u8; 32]) -> Self {
        let mut stream =
            blake3::Hasher::new_derive_key("strongroom dc1 chain id v1").update(seed).finalize_xof();
        let mut bytes = [0; PUBLIC_KEY_BYTES];
        loop {
            stream.fill(&mut bytes);
            // Which of the two points with this x; half of all x have none.
            bytes[0] = 2 + (bytes[0] & 1);
            if ParsedPublicKey::new(&ECDSA_P256K1_SHA256_ASN1, bytes).is_ok() {
                return Self::of_public_key(&bytes);
            }
        }
    }

    /// The bytes of the public key, where the id has the form of one: 33 bytes, the first 2 or 3.
    #[must_use]
    pub fn public_key(&self) -> Option<[u8; PUBLIC_KEY_BYTES]> {
        let mut bytes = [0; CHAIN_ID_CHARS_MAX];
        let length = bs58::decode(&self.0).onto(&mut bytes[..]).ok()?;
        let key: [u8; PUBLIC_KEY_BYTES] = bytes[..length].try_into().ok()?;
        matches!(key[0], 2 | 3).then_some(key)
    }

    /// As it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ChainId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for ChainId {
    type Error = FormError;

    fn try_from(text: String) -> Result<Self, FormError> {
        Self::new(&text)
    }
}

impl From<ChainId> for String {
    fn from(id: ChainId) -> Self {
        id.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ids_and_secrets_that_the_original_made_have_the_form() {
        for id in ["dLP759g8FC3iHaxE7PhvycuWxvjTTuWgBiH9ud4adRHr", &"z".repeat(64), "1"] {
            assert_eq!(ChainId::new(id).unwrap().as_str(), id);
        }
        for id in ["EAYRMSXDOSWY", "SC_EAYRMSXDOSWY", "A1B2", &"_".repeat(64)] {
            assert_eq!(KeyId::new(id).unwrap().to_string(), id);
        }
        let chain = ChainId::new("dLP759g8FC3iHaxE7PhvycuWxvjTTuWgBiH9ud4adRHr").unwrap();
        assert_eq!(chain.public_key().unwrap()[0], 2);
        assert_eq!(ChainId::of_public_key(&chain.public_key().unwrap()), chain);
        assert_eq!(ChainId::new(&"z".repeat(64)).unwrap().public_key(), None);
        assert_eq!(ChainId::new("1").unwrap().public_key(), None);
        assert_eq!(ChainId::of_public_key(&[4; 33]).public_key(), None);
    }

    #[test]
    fn texts_of_another_form_are_no_ids() {
        for bad in ["", "a", "A-B", "A/B", "A B", "Ä", "A\n", &"A".repeat(65)] {
            assert_eq!(KeyId::new(bad), Err(FormError::KeyId), "{bad:?}");
        }
        for bad in ["", "0", "O", "I", "l", "a b", "a/b", "é", &"z".repeat(65)] {
            assert_eq!(ChainId::new(bad), Err(FormError::ChainId), "{bad:?}");
        }
    }

    /// About half of what is tried is no point of the curve; the first seeds would show it.
    #[test]
    fn a_drawn_chain_is_a_point_of_the_curve() {
        let drawn: std::collections::BTreeSet<_> =
            (0..64_u8).map(|seed| ChainId::draw(&[seed; 32])).collect();
        assert_eq!(drawn.len(), 64);
        for id in &drawn {
            let key = id.public_key().unwrap();
            assert!(ParsedPublicKey::new(&ECDSA_P256K1_SHA256_ASN1, key).is_ok());
        }
        let both = |first: u8| drawn.iter().filter(|id| id.public_key().unwrap()[0] == first).count();
        assert!(both(2) > 8 && both(3) > 8, "either sign of y");
        let mut off = [2; PUBLIC_KEY_BYTES];
        // 5^3 + 7 is no square modulo the prime of the curve.
        off[1..].fill(0);
        off[PUBLIC_KEY_BYTES - 1] = 5;
        assert!(ParsedPublicKey::new(&ECDSA_P256K1_SHA256_ASN1, off).is_err());
    }

    /// A remainder of 256 by 62 would make the first eight characters a quarter likelier than the rest: over 43,000
    /// drawn characters their share would be 8 * 5 / 256 in place of 8 / 62, 16 standard deviations too much.
    #[test]
    fn every_character_is_as_likely_as_any_other() {
        let mut counts = [0_u32; 128];
        for number in 0..1_000_u32 {
            let mut seed = [0; 32];
            seed[..4].copy_from_slice(&number.to_le_bytes());
            let secret = draw_secret(&seed);
            assert_eq!(secret.expose().len(), SECRET_CHARS);
            secret.expose().bytes().for_each(|byte| counts[usize::from(byte)] += 1);
        }
        let first: u32 = LETTERS_AND_DIGITS[..8].iter().map(|byte| counts[usize::from(*byte)]).sum();
        let expected = 43_000 * 8 / 62;
        assert!(first.abs_diff(expected) < 420, "{first} for {expected}");
        assert!(LETTERS_AND_DIGITS.iter().all(|byte| (500..900).contains(&counts[usize::from(*byte)])));
        assert_eq!(counts.iter().sum::<u32>(), 43_000);
    }

    proptest! {
        #[test]
        fn one_seed_draws_one_id_and_one_secret(seed: [u8; 32], other: [u8; 32]) {
            let id = KeyId::draw(&seed);
            prop_assert!(id.as_str().len() == 12 && id.as_str().bytes().all(|byte| byte.is_ascii_uppercase()));
            prop_assert_eq!(&KeyId::new(id.as_str()).unwrap(), &id);
            prop_assert_eq!(seed == other, draw_secret(&seed).matches(draw_secret(&other).expose()));
        }
    }
}
