//! The keys of an encrypted store and what one value looks like under them.
//!
//! | key | made of | by |
//! |---|---|---|
//! | root key | 32 random bytes of the operator's | the operator |
//! | data key | root key and store id | BLAKE3, key derivation |
//! | key of one write | data key and 12 random bytes | BLAKE3, keyed |
//!
//! A sealed value is the form (1 byte), 24 random bytes, the ciphertext and the tag (16 bytes). The first 12 random bytes
//! make the key of the write, the other 12 are the nonce of AES-256-GCM under it. So no key meets many nonces, and what
//! counts is that 192 random bits do not repeat: after 2^64 writes the chance of that is below 2^-64. No store has to
//! change its key for having written much.

use std::{fmt, sync::Arc};

use aes_gcm::{
    Aes256Gcm, KeyInit,
    aead::{AeadInOut, Nonce, Tag},
};
use bytes::Bytes;
use zeroize::Zeroizing;

use crate::{Key, StorageError, error::corrupt};

/// Where random bytes come from: fills the slice. Handed in, so that a simulation can be repeated; a store that matters
/// is given those of the operating system.
pub type Chance = Arc<dyn Fn(&mut [u8]) + Send + Sync>;

/// First byte of every sealed value, so that a later form can be told from this one.
pub(super) const FORM: u8 = 1;

/// The random bytes of one write.
const RANDOM_BYTES: usize = 24;

/// Those of them that make the key of the write.
const SALT_BYTES: usize = 12;

/// The tag of AES-256-GCM, in bytes.
const TAG_BYTES: usize = 16;

/// What stands before the ciphertext, in bytes.
const HEAD_BYTES: usize = 1 + RANDOM_BYTES;

/// How much longer a sealed value is than what it holds, in bytes.
pub(super) const SEAL_BYTES: usize = HEAD_BYTES + TAG_BYTES;

/// What a store is encrypted under: 32 random bytes, never a passphrase. Wiped when dropped, hidden in debug output.
#[derive(Clone)]
pub struct RootKey(Zeroizing<[u8; 32]>);

impl RootKey {
    /// The key of these bytes, which must be random.
    pub fn new(bytes: Zeroizing<[u8; 32]>) -> Self {
        Self(bytes)
    }

    /// What the key is called. It tells nothing about the key.
    pub fn id(&self) -> RootKeyId {
        let digest = blake3::derive_key("strongroom storage root key id v1", &*self.0);
        let mut id = [0; 8];
        id.copy_from_slice(&digest[..8]);
        RootKeyId(id)
    }

    /// A key for one purpose in the store `store`.
    pub(super) fn derive(&self, purpose: &'static str, store: &StoreId) -> Zeroizing<[u8; 32]> {
        let mut secret = Zeroizing::new([0; 48]);
        secret[..32].copy_from_slice(&*self.0);
        secret[32..].copy_from_slice(store);
        Zeroizing::new(blake3::derive_key(purpose, &*secret))
    }
}

impl fmt::Debug for RootKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RootKey(32 bytes)")
    }
}

/// The name of a root key: 8 bytes of a hash of it, shown in hexadecimal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RootKeyId(pub(super) [u8; 8]);

impl fmt::Display for RootKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// What tells one store's data key from that of another under the same root key.
pub(super) type StoreId = [u8; 16];

/// What the values of one store are sealed under.
pub(super) struct DataKey {
    key: Zeroizing<[u8; 32]>,
    chance: Chance,
}

impl DataKey {
    pub(super) fn new(root: &RootKey, store: &StoreId, chance: Chance) -> Self {
        Self { key: root.derive("strongroom storage data key v1", store), chance }
    }

    /// Seals `value` for the row `key`, [`SEAL_BYTES`] longer.
    pub(super) fn seal(&self, key: &Key, value: &[u8]) -> Bytes {
        let mut sealed = Vec::with_capacity(value.len() + SEAL_BYTES);
        sealed.push(FORM);
        sealed.resize(HEAD_BYTES, 0);
        (self.chance)(&mut sealed[1..]);
        let (cipher, nonce) = self.cipher(&sealed[1..]);
        sealed.extend_from_slice(value);
        let tag = cipher
            .encrypt_inout_detached(&nonce, &place(key), sealed[HEAD_BYTES..].as_mut().into())
            .expect("AES-GCM encrypts anything below 64 GiB");
        sealed.extend_from_slice(&tag);
        sealed.into()
    }

    /// Opens what was sealed for exactly this row of this store.
    ///
    /// # Errors
    /// `Corrupt`, whatever the reason: telling one from another would help only somebody who is guessing.
    pub(super) fn open(&self, key: &Key, sealed: &[u8]) -> Result<Bytes, StorageError> {
        let open = || {
            let (head, rest) = sealed.split_first_chunk::<HEAD_BYTES>()?;
            let (body, tag) = rest.split_last_chunk::<TAG_BYTES>()?;
            if head[0] != FORM {
                return None;
            }
            let (cipher, nonce) = self.cipher(&head[1..]);
            let mut value = body.to_vec();
            let tag = Tag::<Aes256Gcm>::from(*tag);
            cipher
                .decrypt_inout_detached(&nonce, &place(key), value.as_mut_slice().into(), &tag)
                .ok()
                .map(|()| Bytes::from(value))
        };
        open().ok_or_else(|| corrupt(key))
    }

    /// The cipher and the nonce that belong to the random bytes of one write.
    fn cipher(&self, random: &[u8]) -> (Aes256Gcm, Nonce<Aes256Gcm>) {
        let (salt, rest) = random.split_at(SALT_BYTES);
        let key = Zeroizing::new(*blake3::keyed_hash(&self.key, salt).as_bytes());
        let mut nonce = [0; RANDOM_BYTES - SALT_BYTES];
        nonce.copy_from_slice(rest);
        (Aes256Gcm::new((&*key).into()), nonce.into())
    }
}

/// What a sealed value is bound to beside its store: the form and the key of its row.
fn place(key: &Key) -> Vec<u8> {
    let mut place = Vec::with_capacity(1 + key.as_bytes().len());
    place.push(FORM);
    place.extend_from_slice(key.as_bytes());
    place
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root(byte: u8) -> RootKey {
        RootKey::new(Zeroizing::new([byte; 32]))
    }

    fn data_key(root: &RootKey, store: u8) -> DataKey {
        DataKey::new(root, &[store; 16], Arc::new(|bytes| bytes.fill(7)))
    }

    /// Rows on disk must open under every later release.
    #[test]
    fn the_bytes_of_a_sealed_value_never_change() {
        let sealed = data_key(&root(1), 2).seal(&Key::from_static(b"key"), b"value");
        // Worked out apart from this code, from what the page above says.
        let expected = concat!(
            "01",
            "070707070707070707070707070707070707070707070707",
            "311c3735db",
            "6b09f7cee3e018311582a2591b0d7f87"
        );
        assert_eq!(crate::error::hex(&sealed), expected);
        assert_eq!(root(1).id().to_string(), "8dc9f6ca83cc2a67");
    }

    #[test]
    fn a_sealed_value_opens_in_its_row_of_its_store_under_its_root_key_only() {
        let (key, other) = (Key::from_static(b"key"), Key::from_static(b"kez"));
        let ours = data_key(&root(1), 2);
        let sealed = ours.seal(&key, b"value");
        assert_eq!(sealed.len(), 5 + SEAL_BYTES);
        assert_eq!(ours.open(&key, &sealed).unwrap().as_ref(), b"value");
        assert_eq!(ours.open(&other, &sealed), Err(corrupt(&other)));
        assert_eq!(data_key(&root(1), 3).open(&key, &sealed), Err(corrupt(&key)));
        assert_eq!(data_key(&root(2), 2).open(&key, &sealed), Err(corrupt(&key)));
    }

    /// A-STO-02
    #[test]
    fn every_flipped_bit_and_every_cut_is_noticed() {
        let key = Key::from_static(b"key");
        let ours = data_key(&root(1), 2);
        let sealed = ours.seal(&key, b"value");
        for at in 0..sealed.len() {
            for bit in 0..8 {
                let mut bad = sealed.to_vec();
                bad[at] ^= 1 << bit;
                assert!(ours.open(&key, &bad).is_err(), "byte {at}, bit {bit}");
            }
            assert!(ours.open(&key, &sealed[..at]).is_err(), "cut at {at}");
        }
    }

    /// A-LEAK-01
    #[test]
    fn a_root_key_is_not_shown() {
        assert_eq!(format!("{:?}", root(0x5a)), "RootKey(32 bytes)");
    }
}
