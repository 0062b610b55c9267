//! RSA as Meeco's clients use it: OAEP with SHA-1 to hand over a session, PKCS#1 v1.5 with SHA-256 to sign. Source:
//! `dialects/meeco.md`, 3.3, 3.5 and 3.6.
//!
//! All arithmetic is that of `aws-lc-rs`, the library that TLS already brings. The `rsa` crate is left out:
//! RUSTSEC-2023-0071 says that the timing of its private-key operations leaks the key, and no release mends it. Nobody
//! hands randomness in here, which is the exception in this crate: OAEP's seed and new keys are drawn by the library,
//! because it offers no other way.
//!
//! Believe this: a key has one DER form. What the library reads is written again and compared, so no two byte strings
//! are one key, and [`PublicKey::fingerprint`] names it. PEM is only how it travels; its line ends do not matter.
//!
//! OAEP with SHA-1 is the clients' choice. It does not rest on collisions of SHA-1 being hard, but new designs should
//! take SHA-256.

use std::fmt;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{
    KeySize, OAEP_SHA1_MGF1SHA1, OaepPrivateDecryptingKey, OaepPublicEncryptingKey, PrivateDecryptingKey,
    PublicEncryptingKey,
};
use aws_lc_rs::signature::{
    KeyPair as _, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair, UnparsedPublicKey,
};
use pem_rfc7468::LineEnding;
use zeroize::Zeroizing;

use crate::encoding::to_hex;
use crate::hash::sha256;
use crate::secret::{Secret, SecretText};

/// Longest PEM of a public key that is looked at, in bytes. One of 8,192 bits takes about 1,500.
pub const PUBLIC_PEM_BYTES_MAX: usize = 8 * 1024;
/// Longest PEM of a private key that is looked at, in bytes. One of 8,192 bits takes about 6,400.
pub const PRIVATE_PEM_BYTES_MAX: usize = 16 * 1024;
/// Smallest modulus, in bits.
pub const BITS_MIN: usize = 2048;
/// Largest modulus, in bits.
pub const BITS_MAX: usize = 8192;

const PUBLIC_LABEL: &str = "PUBLIC KEY";
const PRIVATE_LABEL: &str = "RSA PRIVATE KEY";
/// SEQUENCE { OID 1.2.840.113549.1.1.1, NULL }: the AlgorithmIdentifier of plain RSA.
const ALGORITHM: [u8; 15] =
    [0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];

/// Why something is no key that is taken here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RsaKeyError {
    /// Longer than any key of [`BITS_MAX`].
    #[error("key is too long")]
    TooLong,
    /// Not PEM by the strict grammar of RFC 7468, or something follows it.
    #[error("key is not PEM")]
    Pem,
    /// A private key where a public one is expected. Whoever sent it should consider it lost.
    #[error("key is a private key")]
    Private,
    /// PEM of something else: the label is not `PUBLIC KEY`, or `RSA PRIVATE KEY` where a private one is expected.
    #[error("PEM label is not that of the expected key")]
    Label,
    /// Not the one DER form of an RSA key of [`BITS_MIN`] to [`BITS_MAX`] with an odd modulus and an odd exponent
    /// from 3 to 33 bits.
    #[error("not a usable RSA key")]
    Key,
    /// The library could not make a new key.
    #[error("no new RSA key could be made")]
    Generation,
}

/// An operation with a sound key fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RsaError {
    /// More than [`PublicKey::plain_bytes_max`].
    #[error("plain text is too long for the key")]
    PlainTooLong,
    /// Damaged, made for another key or in another way. One answer for all, so that it helps nobody who is guessing.
    #[error("cipher text does not open")]
    DoesNotOpen,
    /// The signature does not verify.
    #[error("signature does not verify")]
    Signature,
    /// The library fails, for a key whose numbers are no RSA key after all (primes are not tested), or without chance.
    #[error("RSA operation fails")]
    Fault,
}

/// A public key. Clones share the parsed key; parsing takes 12 to 40 microseconds, so keep it.
#[derive(Clone)]
pub struct PublicKey {
    key: PublicEncryptingKey,
    spki: Vec<u8>,
}

impl PublicKey {
    /// From SubjectPublicKeyInfo in PEM, at most [`PUBLIC_PEM_BYTES_MAX`]. Lines of 64 characters, any line end.
    ///
    /// # Errors
    /// [`RsaKeyError`].
    pub fn from_pem(pem: &str) -> Result<Self, RsaKeyError> {
        if pem.len() > PUBLIC_PEM_BYTES_MAX {
            return Err(RsaKeyError::TooLong);
        }
        let (label, der) = read_pem(pem)?;
        match label {
            PUBLIC_LABEL => Self::from_spki(&der),
            _ if label.ends_with("PRIVATE KEY") => Err(RsaKeyError::Private),
            _ => Err(RsaKeyError::Label),
        }
    }

    /// From SubjectPublicKeyInfo in DER.
    ///
    /// # Errors
    /// [`RsaKeyError::TooLong`], [`RsaKeyError::Key`].
    pub fn from_spki(der: &[u8]) -> Result<Self, RsaKeyError> {
        if der.len() > PUBLIC_PEM_BYTES_MAX {
            return Err(RsaKeyError::TooLong);
        }
        // Behind the outer SEQUENCE, which takes four bytes in every key of this size. The library also reads keys that
        // are marked for PSS only; that it cannot write them, and so fails below, is not to be relied on.
        if der.get(4..4 + ALGORITHM.len()) != Some(&ALGORITHM) {
            return Err(RsaKeyError::Key);
        }
        // Checks the size, the modulus and the exponent, in microseconds.
        let key = PublicEncryptingKey::from_der(der).map_err(|_| RsaKeyError::Key)?;
        let written: PublicKeyX509Der<'_> = key.as_der().map_err(|_| RsaKeyError::Key)?;
        if written.as_ref() != der {
            return Err(RsaKeyError::Key);
        }
        Ok(Self { key, spki: der.to_vec() })
    }

    /// SubjectPublicKeyInfo in DER.
    #[must_use]
    pub fn to_spki(&self) -> &[u8] {
        &self.spki
    }

    /// SubjectPublicKeyInfo in PEM as the clients write it: 64 columns, CRLF, also at the end.
    #[must_use]
    pub fn to_pem(&self) -> String {
        write_pem(PUBLIC_LABEL, &self.spki)
    }

    /// SHA-256 of the DER: what keys are compared and found by.
    #[must_use]
    pub fn fingerprint(&self) -> [u8; 32] {
        sha256(&self.spki)
    }

    /// Size of the modulus, in bits.
    #[must_use]
    pub fn bits(&self) -> usize {
        self.key.key_size_bits()
    }

    /// The most that [`PublicKey::encrypt`] takes, in bytes: 214 for 2,048 bits, 470 for 4,096.
    #[must_use]
    pub fn plain_bytes_max(&self) -> usize {
        self.key.key_size_bytes() - 2 * 20 - 2
    }

    /// RSAES-OAEP with SHA-1, MGF1 with SHA-1, no label. The answer is as long as the modulus.
    ///
    /// # Errors
    /// [`RsaError::PlainTooLong`], [`RsaError::Fault`].
    pub fn encrypt(&self, plain: &[u8]) -> Result<Vec<u8>, RsaError> {
        if plain.len() > self.plain_bytes_max() {
            return Err(RsaError::PlainTooLong);
        }
        let mut cipher = vec![0; self.key.key_size_bytes()];
        let length = OaepPublicEncryptingKey::new(self.key.clone())
            .and_then(|key| Ok(key.encrypt(&OAEP_SHA1_MGF1SHA1, plain, &mut cipher, None)?.len()))
            .map_err(|_| RsaError::Fault)?;
        cipher.truncate(length);
        Ok(cipher)
    }

    /// Checks an RSASSA-PKCS1-v1_5 signature with SHA-256.
    ///
    /// # Errors
    /// [`RsaError::Signature`].
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), RsaError> {
        UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &self.spki)
            .verify(message, signature)
            .map_err(|_| RsaError::Signature)
    }
}

impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.spki == other.spki
    }
}

impl Eq for PublicKey {}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({} bits, {})", self.bits(), to_hex(&self.fingerprint()[..8]))
    }
}

/// The sizes that new keys are made in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NewKeyBits {
    /// 2,048 bits.
    Bits2048,
    /// 4,096 bits: what the clients make.
    Bits4096,
}

/// A private key with its public half. The library wipes it; debug output shows the public half.
pub struct PrivateKey {
    pair: RsaKeyPair,
    opener: OaepPrivateDecryptingKey,
    public: PublicKey,
}

impl PrivateKey {
    /// Makes a new key, e = 65537. Seconds of work for 4,096 bits.
    ///
    /// # Errors
    /// [`RsaKeyError::Generation`].
    pub fn generate(bits: NewKeyBits) -> Result<Self, RsaKeyError> {
        let size = match bits {
            NewKeyBits::Bits2048 => KeySize::Rsa2048,
            NewKeyBits::Bits4096 => KeySize::Rsa4096,
        };
        let pair = RsaKeyPair::generate(size).map_err(|_| RsaKeyError::Generation)?;
        Self::from_pair(pair)
    }

    /// From PKCS#1 in PEM, at most [`PRIVATE_PEM_BYTES_MAX`]. Lines of 64 characters, any line end.
    ///
    /// # Errors
    /// [`RsaKeyError`].
    pub fn from_pem(pem: &SecretText) -> Result<Self, RsaKeyError> {
        if pem.expose().len() > PRIVATE_PEM_BYTES_MAX {
            return Err(RsaKeyError::TooLong);
        }
        match read_pem(pem.expose())? {
            (PRIVATE_LABEL, der) => Self::from_pkcs1(&der),
            _ => Err(RsaKeyError::Label),
        }
    }

    fn from_pkcs1(der: &[u8]) -> Result<Self, RsaKeyError> {
        // Checks that all its numbers belong together.
        let pair = RsaKeyPair::from_der(der).map_err(|_| RsaKeyError::Key)?;
        let key = Self::from_pair(pair)?;
        // Both sides are secret, but how far they agree tells only about the spelling.
        if key.expose_pkcs1().expose() != der {
            return Err(RsaKeyError::Key);
        }
        Ok(key)
    }

    fn from_pair(pair: RsaKeyPair) -> Result<Self, RsaKeyError> {
        let pkcs8: Pkcs8V1Der<'_> = pair.as_der().map_err(|_| RsaKeyError::Key)?;
        let opener = PrivateDecryptingKey::from_pkcs8(pkcs8.as_ref()).map_err(|_| RsaKeyError::Key)?;
        let opener = OaepPrivateDecryptingKey::new(opener).map_err(|_| RsaKeyError::Key)?;
        let spki: PublicKeyX509Der<'_> = pair.public_key().as_der().map_err(|_| RsaKeyError::Key)?;
        let public = PublicKey::from_spki(spki.as_ref())?;
        Ok(Self { pair, opener, public })
    }

    fn expose_pkcs1(&self) -> Secret {
        let pkcs8: Pkcs8V1Der<'_> = self.pair.as_der().expect("a key that was read can be written");
        let pkcs1 = unwrap_pkcs8(pkcs8.as_ref()).expect("the library writes PKCS#8 version 0");
        Secret::from(pkcs1)
    }

    /// PKCS#1 in PEM as the clients write it: 64 columns, CRLF, also at the end.
    #[must_use]
    pub fn expose_pem(&self) -> SecretText {
        SecretText::new(write_pem(PRIVATE_LABEL, self.expose_pkcs1().expose()))
    }

    /// The public half.
    #[must_use]
    pub fn public_key(&self) -> &PublicKey {
        &self.public
    }

    /// Opens what [`PublicKey::encrypt`] made.
    ///
    /// # Errors
    /// [`RsaError::DoesNotOpen`].
    pub fn decrypt(&self, cipher: &[u8]) -> Result<Secret, RsaError> {
        let mut plain = Zeroizing::new(vec![0; self.opener.min_output_size()]);
        let plain = self.opener.decrypt(&OAEP_SHA1_MGF1SHA1, cipher, &mut plain, None);
        plain.map(|plain| Secret::from(&*plain)).map_err(|_| RsaError::DoesNotOpen)
    }

    /// RSASSA-PKCS1-v1_5 with SHA-256; as long as the modulus. The same message gives the same signature.
    ///
    /// # Errors
    /// [`RsaError::Fault`].
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, RsaError> {
        let mut signature = vec![0; self.pair.public_modulus_len()];
        self.pair
            .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature)
            .map_err(|_| RsaError::Fault)?;
        Ok(signature)
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PrivateKey(of {:?})", self.public)
    }
}

fn read_pem(pem: &str) -> Result<(&str, Zeroizing<Vec<u8>>), RsaKeyError> {
    // RFC 7468 lets text stand before the first line; the library steps over it, and a key that we keep has none.
    if !pem.starts_with("-----BEGIN ") {
        return Err(RsaKeyError::Pem);
    }
    let mut der = Zeroizing::new(vec![0; pem.len()]);
    let (label, read) = pem_rfc7468::decode(pem.as_bytes(), &mut der).map_err(|_| RsaKeyError::Pem)?;
    let length = read.len();
    der.truncate(length);
    Ok((label, der))
}

fn write_pem(label: &str, der: &[u8]) -> String {
    pem_rfc7468::encode_string(label, LineEnding::CRLF, der).expect("a key fits in PEM")
}

/// The PKCS#1 key in PKCS#8 version 0. Keys of these sizes have lengths of two bytes, so the head is always
/// SEQUENCE { INTEGER 0, AlgorithmIdentifier, OCTET STRING follows }, 26 bytes of which four say a length.
fn unwrap_pkcs8(der: &[u8]) -> Option<&[u8]> {
    let length = |bytes: &[u8; 2]| usize::from(u16::from_be_bytes(*bytes));
    let (outer, rest) = der.strip_prefix(&[0x30, 0x82])?.split_first_chunk::<2>()?;
    let all = (length(outer) == rest.len()).then_some(rest)?;
    let head = all.strip_prefix(&[0x02, 0x01, 0x00])?.strip_prefix(&ALGORITHM)?;
    let (inner, pkcs1) = head.strip_prefix(&[0x04, 0x82])?.split_first_chunk::<2>()?;
    (length(inner) == pkcs1.len()).then_some(pkcs1)
}

#[cfg(test)]
mod tests;
