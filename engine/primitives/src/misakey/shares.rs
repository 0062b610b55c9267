//! Two shares that make a key when they are combined by XOR.

use zeroize::Zeroizing;

use super::{Key, MisakeyError};
use crate::encoding::{from_base64url, to_base64url};
use crate::hash::sha512;
use crate::nacl::KEY_BYTES;
use crate::secret::{Secret, SecretText};

/// Longest share that is taken, in bytes. Those of the client have 32.
pub const SHARE_BYTES_MAX: usize = 128;
/// Longest hash that is taken, in bytes. Those of the client have exactly these 64.
pub const SHARE_HASH_BYTES_MAX: usize = 64;

/// One half of a key: 1 to [`SHARE_BYTES_MAX`] bytes. Wiped when dropped, hidden in debug output.
#[derive(Debug, Clone)]
pub struct Share(Secret);

impl Share {
    /// Reads base64url without padding. The length is looked at first.
    ///
    /// # Errors
    /// [`MisakeyError::Encoding`], [`MisakeyError::Length`].
    pub fn from_b64u(text: &str) -> Result<Self, MisakeyError> {
        read(text, SHARE_BYTES_MAX).map(|bytes| Self(Secret::new(bytes)))
    }

    /// Writes what [`Share::from_b64u`] reads.
    #[must_use]
    pub fn to_b64u(&self) -> SecretText {
        SecretText::new(to_base64url(self.0.expose()))
    }

    /// The bytes themselves.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        self.0.expose()
    }

    /// SHA-512 over the bytes. The *local* share's hash is what the remote share is filed under; a remote share that is
    /// filed under its own hash would be a local one, and both halves in one place.
    #[must_use]
    pub fn hash(&self) -> ShareHash {
        ShareHash(sha512(self.expose()).to_vec())
    }

    /// The same for a share of a box key, which must have 32 bytes.
    ///
    /// # Errors
    /// [`MisakeyError::Length`].
    pub fn box_hash(&self) -> Result<ShareHash, MisakeyError> {
        if self.0.len() == KEY_BYTES { Ok(self.hash()) } else { Err(MisakeyError::Length) }
    }

    /// The key that this share and the other one make.
    ///
    /// # Errors
    /// [`MisakeyError::Length`] unless both have 32 bytes.
    pub fn combine(&self, other: &Self) -> Result<Key, MisakeyError> {
        let both = Zeroizing::new(xor(as_key(self)?, as_key(other)?));
        Ok(Key::from_bytes(*both))
    }
}

impl Key {
    /// Splits the key by 32 bytes of chance, which become the first of the two shares: the local one, which stays in
    /// the browser. The second is the remote one.
    #[must_use]
    pub fn split(&self, chance: [u8; KEY_BYTES]) -> (Share, Share) {
        let local = Zeroizing::new(chance);
        let remote = Zeroizing::new(xor(self.expose(), &local));
        let share = |bytes: &[u8; KEY_BYTES]| Share(Secret::from(&bytes[..]));
        (share(&local), share(&remote))
    }
}

/// What a share is filed under: 1 to [`SHARE_HASH_BYTES_MAX`] bytes, opaque to a server and compared byte for byte.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ShareHash(Vec<u8>);

impl ShareHash {
    /// Reads base64url without padding. The length is looked at first.
    ///
    /// # Errors
    /// [`MisakeyError::Encoding`], [`MisakeyError::Length`].
    pub fn from_b64u(text: &str) -> Result<Self, MisakeyError> {
        read(text, SHARE_HASH_BYTES_MAX).map(Self)
    }

    /// Writes what [`ShareHash::from_b64u`] reads.
    #[must_use]
    pub fn to_b64u(&self) -> String {
        to_base64url(&self.0)
    }

    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// 1 to `bytes_max` bytes in base64url without padding.
pub(super) fn read(text: &str, bytes_max: usize) -> Result<Vec<u8>, MisakeyError> {
    if text.is_empty() || text.len() > (4 * bytes_max).div_ceil(3) {
        return Err(MisakeyError::Length);
    }
    from_base64url(text).map_err(|_| MisakeyError::Encoding)
}

fn as_key(share: &Share) -> Result<&[u8; KEY_BYTES], MisakeyError> {
    share.expose().try_into().map_err(|_| MisakeyError::Length)
}

fn xor(one: &[u8; KEY_BYTES], other: &[u8; KEY_BYTES]) -> [u8; KEY_BYTES] {
    std::array::from_fn(|at| one[at] ^ other[at])
}
