//! The client's half of registering.

use std::collections::BTreeMap;

use zeroize::Zeroizing;

use super::configuration::Configuration;
use super::messages::{Policy, Registration, SignedPublicKey};
use super::oprf::PrivateKey;
use super::unlock::{EncryptionKey, UnlockKey};
use super::{PinRecoveryError, RecoveryRealmId, VERSION_BYTES, shares};
use crate::secret::Secret;
use crate::sign::SigningKey;

impl Configuration {
    /// What each realm is to keep so that `secret`, of up to [`SECRET_BYTES_MAX`](super::unlock::SECRET_BYTES_MAX), is
    /// recovered by `pin` and `info`. Costs one stretching of the PIN.
    ///
    /// `draw` fills what it is given with unpredictable bytes; it is asked for a version, for the coefficients of two
    /// polynomials and for a key that signs and is thrown away.
    ///
    /// # Errors
    /// [`PinRecoveryError::InputLength`], [`PinRecoveryError::Memory`], [`PinRecoveryError::Chance`].
    pub fn register(
        &self,
        pin: &[u8],
        info: &[u8],
        secret: &Secret,
        policy: Policy,
        draw: &mut dyn FnMut(&mut [u8]),
    ) -> Result<BTreeMap<RecoveryRealmId, Registration>, PinRecoveryError> {
        let mut version = [0; VERSION_BYTES];
        draw(&mut version);
        let stretched = self.hashing().stretch(pin, &version, info)?;
        let oprf = shares::draw(self.recover_threshold(), self.count(), draw)?;
        let encryption = shares::draw(self.recover_threshold(), self.count(), draw)?;
        let mut seed = Zeroizing::new([0; 32]);
        draw(&mut *seed);
        let signing = SigningKey::from_seed(&seed);

        let output = PrivateKey::from_bytes(&oprf.scalar)?.output(stretched.access_key.expose());
        let unlock = UnlockKey::from_output(&output);
        let encrypted_secret =
            EncryptionKey::derive(&stretched.encryption_key_seed, &encryption.scalar).encrypt(secret)?;

        let kept = |(realm, (key, share)): (&RecoveryRealmId, _)| {
            let public_key = PrivateKey::from_bytes(&key)?.public_key();
            let registration = Registration {
                version,
                oprf_private_key: key,
                oprf_signed_public_key: SignedPublicKey::sign(realm, public_key, &signing),
                unlock_key_commitment: *unlock.commitment(),
                unlock_key_tag: unlock.tag(realm),
                encrypted_secret_commitment: unlock.secret_commitment(realm, &share, &encrypted_secret),
                encryption_key_scalar_share: share,
                encrypted_secret,
                policy,
            };
            Ok((*realm, registration))
        };
        self.realms().iter().zip(oprf.shares.into_iter().zip(encryption.shares)).map(kept).collect()
    }
}
