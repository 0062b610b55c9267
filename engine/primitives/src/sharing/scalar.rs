//! The scalar that is shared.

use std::fmt;

use curve25519_dalek::scalar::Scalar;
use hkdf::Hkdf;
use sha2::Sha512;
use zeroize::Zeroizing;

use super::SharingError;
use crate::seal::SealKey;

/// Length of an encoded scalar, in bytes.
pub const SCALAR_BYTES: usize = 32;

/// What the key of a payload is for: the `info` of HKDF.
const PAYLOAD: &[u8] = b"strongroom shared payload v1";

/// A scalar of ristretto255 that is to be shared, or was. Wiped when dropped.
#[derive(Clone)]
pub struct SharedScalar(Zeroizing<Scalar>);

impl SharedScalar {
    /// A uniform scalar, from the 64 bytes of chance that `draw` is asked for.
    #[must_use]
    pub fn draw(draw: impl FnMut(&mut [u8])) -> Self {
        Self(uniform(draw))
    }

    /// From its 32 bytes, little endian.
    ///
    /// # Errors
    /// [`SharingError::Scalar`] for a number that is not below the order of the group.
    pub fn from_bytes(bytes: &[u8; SCALAR_BYTES]) -> Result<Self, SharingError> {
        canonical(bytes).map(Self)
    }

    /// Its 32 bytes, little endian.
    #[must_use]
    pub fn expose(&self) -> Zeroizing<[u8; SCALAR_BYTES]> {
        Zeroizing::new(self.0.to_bytes())
    }

    /// The key under which a payload is sealed: HKDF-SHA-512 (RFC 5869) without salt over the 32 bytes, 32 bytes of
    /// output, for AES-256-GCM. A scalar made of the wrong shares gives another key, so the tag refuses it.
    ///
    /// The same before and after a refresh, as the scalar is.
    #[must_use]
    pub fn payload_key(&self) -> SealKey {
        let mut key = Zeroizing::new([0; 32]);
        Hkdf::<Sha512>::new(None, &*self.expose())
            .expand(PAYLOAD, &mut *key)
            .expect("one block of HKDF has more than 32 bytes");
        SealKey::from_key(&key)
    }

    pub(super) fn from_scalar(scalar: Zeroizing<Scalar>) -> Self {
        Self(scalar)
    }

    pub(super) fn scalar(&self) -> &Scalar {
        &self.0
    }
}

impl fmt::Debug for SharedScalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SharedScalar(32 bytes)")
    }
}

/// A uniform scalar, zero included: 64 bytes are so many more than the order of the group has that what is left of
/// them says nothing.
pub(super) fn uniform(mut draw: impl FnMut(&mut [u8])) -> Zeroizing<Scalar> {
    let mut wide = Zeroizing::new([0; 64]);
    draw(&mut *wide);
    Zeroizing::new(Scalar::from_bytes_mod_order_wide(&wide))
}

/// The scalar of its one encoding.
pub(super) fn canonical(bytes: &[u8; SCALAR_BYTES]) -> Result<Zeroizing<Scalar>, SharingError> {
    Option::from(Scalar::from_canonical_bytes(*bytes)).map(Zeroizing::new).ok_or(SharingError::Scalar)
}
