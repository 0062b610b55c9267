//! What a PIN is stretched to: an access key, which realms evaluate blindly, and the seed of the encryption key, which
//! no realm is shown in any form.

use argon2::{Algorithm, Argon2, Params, Version};
use zeroize::Zeroizing;

use super::{PinRecoveryError, SecretOctets, VERSION_BYTES};

/// Longest PIN, and longest user info, in bytes.
pub const INPUT_BYTES_MAX: usize = 64 * 1024;
/// Length of an access key, in bytes.
pub const ACCESS_KEY_BYTES: usize = 32;
/// Length of the seed of an encryption key, in bytes.
pub const SEED_BYTES: usize = 32;

/// How much work a guess at a PIN is. Argon2id version 0x13, one lane, 64 bytes of output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PinHashing {
    /// 16 MiB, 32 passes.
    Standard2019,
    /// 8 KiB, one pass: for tests, and for PINs that are keys already.
    FastInsecure,
}

/// A stretched PIN. Wiped when dropped.
#[derive(Debug, Clone)]
pub struct StretchedPin {
    /// The input of the OPRF.
    pub access_key: SecretOctets<ACCESS_KEY_BYTES>,
    /// Half of what makes the encryption key; the other half is shared among the realms.
    pub encryption_key_seed: SecretOctets<SEED_BYTES>,
}

impl PinHashing {
    /// Stretches a PIN for one registration of one user. `info` is whatever tells this user from others; it is not
    /// secret. Costs a good part of a second with [`PinHashing::Standard2019`].
    ///
    /// # Errors
    /// [`PinRecoveryError::InputLength`], [`PinRecoveryError::Memory`].
    pub fn stretch(
        self,
        pin: &[u8],
        version: &[u8; VERSION_BYTES],
        info: &[u8],
    ) -> Result<StretchedPin, PinRecoveryError> {
        if pin.len() > INPUT_BYTES_MAX || info.len() > INPUT_BYTES_MAX {
            return Err(PinRecoveryError::InputLength);
        }
        let (memory_kib, passes) = match self {
            Self::Standard2019 => (16 * 1024, 32),
            Self::FastInsecure => (8, 1),
        };
        let params = Params::new(memory_kib, passes, 1, Some(ACCESS_KEY_BYTES + SEED_BYTES))
            .expect("the parameters are within Argon2's bounds");
        let mut stretched = Zeroizing::new([0; ACCESS_KEY_BYTES + SEED_BYTES]);
        // Lengths are within Argon2's own bounds, so memory is all that can be missing.
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(pin, &salt(version, info), &mut *stretched)
            .map_err(|_| PinRecoveryError::Memory)?;
        let (access_key, seed) = stretched.split_at(ACCESS_KEY_BYTES);
        let half =
            |half: &[u8]| SecretOctets::from_bytes(half.try_into().expect("both halves have 32 bytes"));
        Ok(StretchedPin { access_key: half(access_key), encryption_key_seed: half(seed) })
    }
}

/// Version and user info, each behind its length as 32 bits, big endian.
pub(super) fn salt(version: &[u8; VERSION_BYTES], info: &[u8]) -> Vec<u8> {
    super::unlock::framed(&[version, info])
}
