//! How registrations lie in their rows, and how they travel within the engine.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use strongroom_primitives::{
    hash,
    pin_recovery::{
        RecoveryRealmId,
        messages::{Registration, Request},
    },
    seal::{Place, SealKey},
};
use zeroize::Zeroizing;

use super::rows::{PinHead, Sealed, StoredPinKey};
use crate::{codec, error::EngineError, ports::Entropy};

/// What a realm keeps of a user. Serialized for a fingerprint, and to be sealed.
#[derive(Clone)]
pub(crate) struct Kept(pub(super) Box<Registration>);

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Kept")
    }
}

impl Kept {
    /// As the client's message has it.
    fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        Request::Register2(self.0.clone()).to_cbor()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        match Request::from_cbor(bytes) {
            Ok(Request::Register2(registration)) => Some(Self(registration)),
            _ => None,
        }
    }
}

impl Serialize for Kept {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_bytes().as_slice().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Kept {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes = Zeroizing::new(Vec::<u8>::deserialize(deserializer)?);
        Self::from_bytes(&bytes).ok_or_else(|| de::Error::custom("no registration"))
    }
}

/// What the keys of records lie under, made from the engine's own secrets.
pub(crate) struct PinSeal {
    root: Zeroizing<[u8; 32]>,
}

impl PinSeal {
    pub(crate) fn new(root: &[u8; 32]) -> Self {
        Self { root: Zeroizing::new(hash::derive_key("strongroom pin recovery v1", root)) }
    }

    /// The key of a realm.
    fn of(&self, realm: &RecoveryRealmId) -> SealKey {
        let secret = Zeroizing::new([&self.root[..], realm.as_bytes()].concat());
        SealKey::derive(&secret, "strongroom pin recovery realm v1")
    }

    /// Seals what is kept under a key that is drawn for it, and the key under that of the realm.
    pub(super) fn seal(
        &self,
        of: Of<'_>,
        head: PinHead,
        kept: &Kept,
        entropy: &dyn Entropy,
    ) -> (Sealed, StoredPinKey) {
        let key = Zeroizing::new(entropy.array::<32>());
        let sealed = self.of(of.realm).seal(entropy.array(), &of.key_place(&head), &key[..]);
        let kept = SealKey::from_key(&key).seal(entropy.array(), &of.place(&head), &kept.to_bytes());
        (Sealed { head, kept }, StoredPinKey { sealed })
    }

    /// # Errors
    /// [`EngineError::Corrupt`] if key and record do not belong together and to this place, or were edited.
    pub(super) fn open(&self, of: Of<'_>, record: &Sealed, key: &StoredPinKey) -> Result<Kept, EngineError> {
        let corrupt = |_| EngineError::Corrupt;
        let key = self.of(of.realm).open(&of.key_place(&record.head), &key.sealed).map_err(corrupt)?;
        let key: &[u8; 32] = key.first_chunk().ok_or(EngineError::Corrupt)?;
        let kept = SealKey::from_key(key).open(&of.place(&record.head), &record.kept).map_err(corrupt)?;
        Kept::from_bytes(&kept).ok_or(EngineError::Corrupt)
    }
}

/// Whose record: that of a user at a realm.
#[derive(Clone, Copy)]
pub(super) struct Of<'a> {
    pub(super) realm: &'a RecoveryRealmId,
    pub(super) record: &'a [u8; 32],
}

impl Of<'_> {
    fn key_place(&self, head: &PinHead) -> Place {
        Place::new("pin record key", &[self.realm.as_bytes(), self.record, &head.mark.to_be_bytes()])
    }

    fn place(&self, head: &PinHead) -> Place {
        Place::new("pin record", &[self.realm.as_bytes(), self.record, &codec::encode_part(head)])
    }
}
