//! What a right guess gives: the unlock key, what it shows each realm, and the key that opens the secret.

use aws_lc_rs::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use blake2::Blake2sMac;
use blake2::digest::array::ArraySize;
use blake2::digest::consts::{U16, U32};
use blake2::digest::typenum::{IsLessOrEqual, True};
use blake2::digest::{KeyInit, Mac};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::oprf::Output;
use super::pin::SEED_BYTES;
use super::{PinRecoveryError, RecoveryRealmId, SCALAR_BYTES, SecretOctets};
use crate::hash::sha512;
use crate::secret::Secret;

/// Length of the commitment to an unlock key, in bytes.
pub const COMMITMENT_BYTES: usize = 32;
/// Length of what a realm is shown for a right guess, in bytes.
pub const TAG_BYTES: usize = 16;
/// Length of the commitment to an encrypted secret, in bytes.
pub const SECRET_COMMITMENT_BYTES: usize = 16;
/// Longest secret, in bytes.
pub const SECRET_BYTES_MAX: usize = 128;
/// Length of every encrypted secret, in bytes: the longest secret behind its length, and a tag.
pub const ENCRYPTED_SECRET_BYTES: usize = PADDED_BYTES + 16;

const PADDED_BYTES: usize = 1 + SECRET_BYTES_MAX;
const TAG_LABEL: &[u8] = b"Unlock Key Tag";
const SECRET_COMMITMENT_LABEL: &[u8] = b"Encrypted User Secret Commitment";
const ENCRYPTION_KEY_LABEL: &[u8] = b"User Secret Encryption Key";

/// What realms and client know a right guess by. Wiped when dropped.
#[derive(Debug, Clone)]
pub struct UnlockKey {
    key: SecretOctets<32>,
    commitment: [u8; COMMITMENT_BYTES],
}

impl UnlockKey {
    /// From what the OPRF gives: the first half of its SHA-512 is the commitment, the second the key.
    #[must_use]
    pub fn from_output(output: &Output) -> Self {
        let material = Zeroizing::new(sha512(output.expose()));
        let (commitment, key) = material.split_at(COMMITMENT_BYTES);
        let half = |half: &[u8]| half.try_into().expect("both halves have 32 bytes");
        Self { key: SecretOctets::from_bytes(half(key)), commitment: half(commitment) }
    }

    /// What tells a right guess from a wrong one, without giving the key.
    #[must_use]
    pub const fn commitment(&self) -> &[u8; COMMITMENT_BYTES] {
        &self.commitment
    }

    /// Whether this commitment is to this key, in the same time wherever two of them differ.
    #[must_use]
    pub fn is_committed(&self, commitment: &[u8; COMMITMENT_BYTES]) -> bool {
        self.commitment.ct_eq(commitment).into()
    }

    /// What one realm is shown. It says nothing about what another realm is.
    #[must_use]
    pub fn tag(&self, realm: &RecoveryRealmId) -> SecretOctets<TAG_BYTES> {
        SecretOctets::from_bytes(keyed::<U16>(&self.key, &[TAG_LABEL, realm.as_bytes()]).into())
    }

    /// The commitment to what a realm keeps: its share of the encryption scalar, and the encrypted secret.
    #[must_use]
    pub fn secret_commitment(
        &self,
        realm: &RecoveryRealmId,
        share: &SecretOctets<SCALAR_BYTES>,
        encrypted: &[u8; ENCRYPTED_SECRET_BYTES],
    ) -> [u8; SECRET_COMMITMENT_BYTES] {
        let parts = [SECRET_COMMITMENT_LABEL, realm.as_bytes(), share.expose(), encrypted];
        keyed::<U16>(&self.key, &parts).into()
    }

    #[cfg(test)]
    pub(super) fn expose(&self) -> &[u8; 32] {
        self.key.expose()
    }
}

/// What the secret is encrypted by. It is made for one registration and encrypts one secret, so its nonce is zero.
#[derive(Debug, Clone)]
pub struct EncryptionKey(SecretOctets<32>);

impl EncryptionKey {
    /// From the seed, which comes of the PIN, and the scalar, which the realms share.
    #[must_use]
    pub fn derive(seed: &SecretOctets<SEED_BYTES>, scalar: &SecretOctets<SCALAR_BYTES>) -> Self {
        let key = keyed::<U32>(seed, &[ENCRYPTION_KEY_LABEL, scalar.expose()]);
        Self(SecretOctets::from_bytes(key.into()))
    }

    /// Encrypts a secret of up to [`SECRET_BYTES_MAX`] by ChaCha20-Poly1305. Takes the key, which is good for this
    /// only.
    ///
    /// # Errors
    /// [`PinRecoveryError::InputLength`].
    pub fn encrypt(self, secret: &Secret) -> Result<[u8; ENCRYPTED_SECRET_BYTES], PinRecoveryError> {
        let mut padded = pad(secret)?;
        let tag = self.cipher().seal_in_place_separate_tag(nonce(), Aad::empty(), &mut *padded);
        let mut encrypted = [0; ENCRYPTED_SECRET_BYTES];
        let (body, end) = encrypted.split_at_mut(PADDED_BYTES);
        body.copy_from_slice(&*padded);
        end.copy_from_slice(tag.expect("a short text is encrypted").as_ref());
        Ok(encrypted)
    }

    /// The secret.
    ///
    /// # Errors
    /// [`PinRecoveryError::Sealed`].
    pub fn decrypt(&self, encrypted: &[u8; ENCRYPTED_SECRET_BYTES]) -> Result<Secret, PinRecoveryError> {
        let mut padded = Zeroizing::new(*encrypted);
        let plain = self.cipher().open_in_place(nonce(), Aad::empty(), &mut *padded);
        unpad(plain.map_err(|_| PinRecoveryError::Sealed)?)
    }

    fn cipher(&self) -> LessSafeKey {
        let key = UnboundKey::new(&CHACHA20_POLY1305, self.0.expose());
        LessSafeKey::new(key.expect("the key has 32 bytes"))
    }

    #[cfg(test)]
    pub(super) fn expose(&self) -> &[u8; 32] {
        self.0.expose()
    }
}

/// The length of the secret in one byte, the secret, zeros.
pub(super) fn pad(secret: &Secret) -> Result<Zeroizing<[u8; PADDED_BYTES]>, PinRecoveryError> {
    let length = u8::try_from(secret.len()).ok().filter(|length| usize::from(*length) <= SECRET_BYTES_MAX);
    let mut padded = Zeroizing::new([0; PADDED_BYTES]);
    padded[0] = length.ok_or(PinRecoveryError::InputLength)?;
    padded[1..=secret.len()].copy_from_slice(secret.expose());
    Ok(padded)
}

pub(super) fn unpad(padded: &[u8]) -> Result<Secret, PinRecoveryError> {
    let (length, rest) = padded.split_first().ok_or(PinRecoveryError::Sealed)?;
    let (secret, zeros) = rest.split_at_checked(usize::from(*length)).ok_or(PinRecoveryError::Sealed)?;
    if zeros.iter().any(|byte| *byte != 0) { Err(PinRecoveryError::Sealed) } else { Ok(Secret::from(secret)) }
}

fn nonce() -> Nonce {
    Nonce::assume_unique_for_key([0; 12])
}

/// BLAKE2s (RFC 7693) of `N` bytes under a key, over parts that are each behind their length.
fn keyed<N>(key: &SecretOctets<32>, parts: &[&[u8]]) -> blake2::digest::array::Array<u8, N>
where
    N: ArraySize + IsLessOrEqual<U32, Output = True>,
{
    let mac = Blake2sMac::<N>::new_from_slice(key.expose()).expect("the key has 32 bytes");
    mac.chain_update(&*Zeroizing::new(framed(parts))).finalize().into_bytes()
}

/// The parts, each behind its length as 32 bits, big endian.
pub(super) fn framed(parts: &[&[u8]]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(parts.iter().map(|part| 4 + part.len()).sum());
    for part in parts {
        let length = u32::try_from(part.len()).expect("parts are far below 4 GiB");
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(part);
    }
    bytes
}
