//! SecretBox and Box of NaCl: XSalsa20-Poly1305 under a key of 32 bytes, and the key that two X25519 keys agree on.
//!
//! A sealed text is 16 bytes of tag, then as many bytes as the text has; its nonce of 24 bytes travels beside it and
//! is the caller's chance. There is no associated data: a seal says nothing about where it belongs, so what is sealed
//! has to say it. Source: `dialects/psono.md`, section 2.
//!
//! Believe this: no key is ever agreed on with a point of low order. Such a point would fix the shared secret whatever
//! the other side's secret is.

use std::fmt;

use aws_lc_rs::agreement::{self, PrivateKey, UnparsedPublicKey, X25519};
use poly1305::Poly1305;
use poly1305::universal_hash::KeyInit as _;
use salsa20::cipher::consts::U10;
use salsa20::cipher::{KeyIvInit as _, StreamCipher as _};
use salsa20::{XSalsa20, hsalsa};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::encoding::to_hex;

/// Length of a key of any kind, in bytes.
pub const KEY_BYTES: usize = 32;
/// Length of a nonce, in bytes. Long enough to be drawn at random for every seal.
pub const NONCE_BYTES: usize = 24;
/// How many bytes longer a sealed text is than the text.
pub const TAG_BYTES: usize = 16;

/// Coordinates of the points of low order, little endian, without the top bit, which X25519 does not read:
/// 0, 1, the two of order 8, p - 1, and the second spellings of 0 and 1.
const LOW_ORDER: [[u8; KEY_BYTES]; 7] = [
    [0; KEY_BYTES],
    spelled(1, 0, 0),
    [
        0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3, 0xfa, 0xf1, 0x9f, 0xc4, 0x6a, 0xda,
        0x09, 0x8d, 0xeb, 0x9c, 0x32, 0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49, 0xb8, 0x00,
    ],
    [
        0x5f, 0x9c, 0x95, 0xbc, 0xa3, 0x50, 0x8c, 0x24, 0xb1, 0xd0, 0xb1, 0x55, 0x9c, 0x83, 0xef, 0x5b, 0x04,
        0x44, 0x5c, 0xc4, 0x58, 0x1c, 0x8e, 0x86, 0xd8, 0x22, 0x4e, 0xdd, 0xd0, 0x9f, 0x11, 0x57,
    ],
    spelled(0xec, 0xff, 0x7f),
    spelled(0xed, 0xff, 0x7f),
    spelled(0xee, 0xff, 0x7f),
];

/// A coordinate by its first, its middle and its last byte.
const fn spelled(first: u8, middle: u8, last: u8) -> [u8; KEY_BYTES] {
    let mut bytes = [middle; KEY_BYTES];
    bytes[0] = first;
    bytes[KEY_BYTES - 1] = last;
    bytes
}

/// A sealed text does not open: another key, another nonce, or changed on its way. Nothing tells which.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("sealed text does not open")]
pub struct OpenError;

/// A public key is a point of low order, with which every secret agrees on the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("public key is a point of low order")]
pub struct LowOrder;

/// A key of XSalsa20-Poly1305: that of a SecretBox, or what two keys of a Box agree on. Wiped when dropped.
#[derive(Clone)]
pub struct BoxKey(Zeroizing<[u8; KEY_BYTES]>);

impl BoxKey {
    /// From the 32 bytes of the key.
    #[must_use]
    pub fn from_bytes(bytes: [u8; KEY_BYTES]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The 32 bytes themselves.
    #[must_use]
    pub fn expose(&self) -> &[u8; KEY_BYTES] {
        &self.0
    }

    /// Seals `text`: 16 bytes of tag, then the encrypted text. The caller never uses a nonce twice under one key.
    #[must_use]
    pub fn seal(&self, nonce: &[u8; NONCE_BYTES], text: &[u8]) -> Vec<u8> {
        let (mut cipher, authenticator) = self.start(nonce);
        let mut sealed = vec![0; TAG_BYTES + text.len()];
        let (tag, body) = sealed.split_at_mut(TAG_BYTES);
        body.copy_from_slice(text);
        cipher.apply_keystream(body);
        tag.copy_from_slice(&authenticator.compute_unpadded(body));
        sealed
    }

    /// The text of a seal made by [`BoxKey::seal`]. The tag is checked before anything is decrypted.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(&self, nonce: &[u8; NONCE_BYTES], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, OpenError> {
        let (tag, body) = sealed.split_first_chunk::<TAG_BYTES>().ok_or(OpenError)?;
        let (mut cipher, authenticator) = self.start(nonce);
        if !bool::from(authenticator.compute_unpadded(body).ct_eq(tag)) {
            return Err(OpenError);
        }
        let mut text = Zeroizing::new(body.to_vec());
        cipher.apply_keystream(&mut text);
        Ok(text)
    }

    /// The cipher behind its first 32 bytes, which are the key of the authenticator.
    fn start(&self, nonce: &[u8; NONCE_BYTES]) -> (XSalsa20, Poly1305) {
        let mut cipher = XSalsa20::new((&*self.0).into(), nonce.into());
        let mut once = Zeroizing::new([0; KEY_BYTES]);
        cipher.apply_keystream(&mut *once);
        (cipher, Poly1305::new((&*once).into()))
    }
}

impl fmt::Debug for BoxKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BoxKey(32 bytes)")
    }
}

/// An X25519 public key that is no point of low order. Spellings are kept as they came: a coordinate of p or more is
/// read as its remainder, as NaCl does.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct BoxPublic([u8; KEY_BYTES]);

impl BoxPublic {
    /// From the 32 bytes of RFC 7748. Costs no curve operation.
    ///
    /// # Errors
    /// [`LowOrder`].
    pub fn from_bytes(bytes: [u8; KEY_BYTES]) -> Result<Self, LowOrder> {
        let mut coordinate = bytes;
        coordinate[KEY_BYTES - 1] &= 0x7f;
        if LOW_ORDER.contains(&coordinate) { Err(LowOrder) } else { Ok(Self(bytes)) }
    }

    /// The 32 bytes of RFC 7748.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; KEY_BYTES] {
        &self.0
    }
}

impl fmt::Debug for BoxPublic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BoxPublic({})", to_hex(&self.0))
    }
}

/// An X25519 secret, prepared. Wiped when dropped.
///
/// Its 32 bytes also serve as the seed of an Ed25519 key (`dialects/psono.md`, section 2), so they are taken as they
/// are and clamped inside.
pub struct BoxSecret {
    private: PrivateKey,
    public: BoxPublic,
}

impl BoxSecret {
    /// From 32 bytes of chance, any value. Costs one curve operation, for the public half.
    #[must_use]
    pub fn from_seed(seed: [u8; KEY_BYTES]) -> Self {
        let seed = Zeroizing::new(seed);
        let private =
            PrivateKey::from_private_key(&X25519, &*seed).expect("any 32 bytes are an X25519 secret");
        let public = private.compute_public_key().expect("every secret has its public half");
        let bytes = public.as_ref().try_into().expect("an X25519 public key has 32 bytes");
        let public =
            BoxPublic::from_bytes(bytes).expect("a clamped multiple of the base point has its full order");
        Self { private, public }
    }

    /// The public half.
    #[must_use]
    pub fn public(&self) -> BoxPublic {
        self.public
    }

    /// The key of a Box between this secret and `other`: HSalsa20 over what X25519 makes of them, as
    /// `crypto_box_beforenm` does. Both sides come to the same key.
    ///
    /// # Errors
    /// [`LowOrder`], should the shared secret be zero in spite of the check that `other` has passed.
    pub fn agree(&self, other: &BoxPublic) -> Result<BoxKey, LowOrder> {
        let other = UnparsedPublicKey::new(&X25519, other.as_bytes());
        agreement::agree(&self.private, other, LowOrder, |shared| {
            let shared: &[u8; KEY_BYTES] = shared.try_into().map_err(|_| LowOrder)?;
            if bool::from(shared.ct_eq(&[0; KEY_BYTES])) {
                return Err(LowOrder);
            }
            let key = hsalsa::<U10>(shared.into(), &[0; 16].into());
            Ok(BoxKey::from_bytes(key.into()))
        })
    }
}

impl fmt::Debug for BoxSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BoxSecret(of {})", to_hex(self.public.as_bytes()))
    }
}

#[cfg(test)]
mod tests;
