//! Public keys of the function, signed for one realm. What makes them worth something: the key that signs is the same
//! at all realms of a registration and thrown away, so a realm cannot put another key in the place of its own.

use super::messages::SignedPublicKey;
use super::{POINT_BYTES, PinRecoveryError, RecoveryRealmId};
use crate::sign::{SigningKey, VerifyingKey};

impl SignedPublicKey {
    /// Signs a public key for a realm.
    #[must_use]
    pub fn sign(realm: &RecoveryRealmId, public_key: [u8; POINT_BYTES], key: &SigningKey) -> Self {
        let signature = key.sign(&signed(realm, &public_key));
        Self { public_key, verifying_key: *key.verifying_key().as_bytes(), signature }
    }

    /// Checks that the key is signed for this realm by the key that it names.
    ///
    /// # Errors
    /// [`PinRecoveryError::Signature`].
    pub fn verify(&self, realm: &RecoveryRealmId) -> Result<(), PinRecoveryError> {
        VerifyingKey::from_bytes(&self.verifying_key)
            .and_then(|key| key.verify(&signed(realm, &self.public_key), &self.signature))
            .map_err(|_| PinRecoveryError::Signature)
    }
}

/// The realm's id and the point, each behind its length as 16 bits, big endian.
fn signed(realm: &RecoveryRealmId, public_key: &[u8; POINT_BYTES]) -> Vec<u8> {
    let length = |part: &[u8]| u16::try_from(part.len()).expect("both have a few bytes").to_be_bytes();
    let id = realm.as_bytes();
    [&length(id)[..], id, &length(public_key), public_key].concat()
}
