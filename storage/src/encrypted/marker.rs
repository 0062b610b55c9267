//! The one row of an encrypted store that is not sealed: under which root key the others are.

use zeroize::Zeroizing;

use super::{EncryptedError, RootKey, RootKeyId, seal::StoreId};

/// The form of the row that this release writes, and the latest that it reads.
const FORM: u8 = 1;

/// Form (1), id of the root key (8) and id of the store (16).
const HEAD_BYTES: usize = 1 + 8 + 16;

/// The head and its check (32): a keyed hash that only who has the root key can make.
const BYTES: usize = HEAD_BYTES + 32;

/// What the row says, not yet believed: only [`Marker::verified`] is.
pub(super) struct Marker {
    pub(super) root: RootKeyId,
    store: StoreId,
    check: [u8; 32],
}

impl Marker {
    /// That of a new store.
    pub(super) fn new(root: &RootKey, store: StoreId) -> Self {
        let mut marker = Self { root: root.id(), store, check: [0; 32] };
        marker.check = *marker.checked_by(root).as_bytes();
        marker
    }

    /// The row as it lies in the store.
    pub(super) fn encode(&self) -> Vec<u8> {
        [&self.head()[..], &self.check].concat()
    }

    /// Reads it back.
    pub(super) fn decode(bytes: &[u8]) -> Result<Self, EncryptedError> {
        if let Some(&found) = bytes.first()
            && found > FORM
        {
            return Err(EncryptedError::Newer { found, known: FORM });
        }
        let bytes: &[u8; BYTES] = bytes.try_into().map_err(|_| EncryptedError::Damaged)?;
        if bytes[0] != FORM {
            return Err(EncryptedError::Damaged);
        }
        let mut marker = Self { root: RootKeyId([0; 8]), store: [0; 16], check: [0; 32] };
        marker.root.0.copy_from_slice(&bytes[1..9]);
        marker.store.copy_from_slice(&bytes[9..HEAD_BYTES]);
        marker.check.copy_from_slice(&bytes[HEAD_BYTES..]);
        Ok(marker)
    }

    /// The id of the store, if `root` is its root key and the row is what was written.
    pub(super) fn verified(&self, root: &RootKey) -> Result<StoreId, EncryptedError> {
        let given = root.id();
        if self.root != given {
            return Err(EncryptedError::OtherRootKey { sealed_under: self.root, given });
        }
        // Compared in constant time.
        if self.checked_by(root) != self.check {
            return Err(EncryptedError::Damaged);
        }
        Ok(self.store)
    }

    fn checked_by(&self, root: &RootKey) -> blake3::Hash {
        let key: Zeroizing<[u8; 32]> = root.derive("strongroom storage marker v1", &self.store);
        blake3::keyed_hash(&key, &self.head())
    }

    fn head(&self) -> [u8; HEAD_BYTES] {
        let mut head = [0; HEAD_BYTES];
        head[0] = FORM;
        head[1..9].copy_from_slice(&self.root.0);
        head[9..].copy_from_slice(&self.store);
        head
    }
}
