//! What a realm does with a registration, but for counting, which comes before.

use super::messages::{Recover2Request, Registration};
use super::oprf::{self, CHANCE_BYTES, Evaluation, PrivateKey};
use super::unlock::TAG_BYTES;
use super::{POINT_BYTES, PinRecoveryError, RecoveryRealmId, SecretOctets};

impl Registration {
    /// Checks that the registration can be recovered from, as far as one realm sees: its scalars are scalars, its
    /// public key is that of its private key, and signed for this realm.
    ///
    /// # Errors
    /// [`PinRecoveryError::Scalar`], [`PinRecoveryError::KeyPair`], [`PinRecoveryError::Signature`].
    pub fn check(&self, realm: &RecoveryRealmId) -> Result<(), PinRecoveryError> {
        let key = PrivateKey::from_bytes(&self.oprf_private_key)?;
        PrivateKey::from_bytes(&self.encryption_key_scalar_share)?;
        if key.public_key() != self.oprf_signed_public_key.public_key {
            return Err(PinRecoveryError::KeyPair);
        }
        self.oprf_signed_public_key.verify(realm)
    }

    /// Evaluates a guess. **The guess has been counted, durably, before this is called**, or at least before any of the
    /// answer leaves; and [`Registration::check`] has found it good. `chance` makes the nonce of the proof: fresh, as in [`PrivateKey::evaluate`].
    ///
    /// # Errors
    /// [`PinRecoveryError::Point`], which [`Recover2Request::check`] finds before anything is counted;
    /// [`PinRecoveryError::Scalar`], [`PinRecoveryError::Chance`].
    pub fn evaluate(
        &self,
        blinded_input: &[u8; POINT_BYTES],
        chance: [u8; CHANCE_BYTES],
    ) -> Result<Evaluation, PinRecoveryError> {
        // The public key was checked when this was registered.
        let key = PrivateKey::from_bytes(&self.oprf_private_key)?;
        key.evaluate_as(&self.oprf_signed_public_key.public_key, blinded_input, chance)
    }

    /// Whether this tag shows that a guess was right, in the same time wherever two tags differ.
    #[must_use]
    pub fn unlocks(&self, tag: &SecretOctets<TAG_BYTES>) -> bool {
        self.unlock_key_tag.matches(tag)
    }
}

impl Recover2Request {
    /// Checks that what is to be evaluated is a point and not the identity. One that is not costs no guess.
    ///
    /// # Errors
    /// [`PinRecoveryError::Point`].
    pub fn check(&self) -> Result<(), PinRecoveryError> {
        oprf::point(&self.oprf_blinded_input).map(drop)
    }
}
