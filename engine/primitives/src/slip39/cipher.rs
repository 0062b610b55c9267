//! The passphrase's part: a Feistel cipher of four rounds, each as slow as PBKDF2 makes it.

use std::fmt;

use sha2::Sha256;
use zeroize::Zeroizing;

use super::Slip39Error;
use crate::secret::SecretText;

/// Iterations of a round at exponent 0.
const ROUND_ITERATIONS: u32 = 2_500;
const ROUNDS: u8 = 4;

/// What the members' shares are of: a secret, encrypted under a passphrase, which may be empty. Wiped when dropped.
#[derive(Clone)]
pub struct EncryptedSecret {
    pub(super) identifier: u16,
    pub(super) extendable: bool,
    pub(super) exponent: u8,
    pub(super) bytes: Zeroizing<Vec<u8>>,
}

impl EncryptedSecret {
    pub(super) fn encrypt(mut self, passphrase: &SecretText) -> Result<Self, Slip39Error> {
        self.bytes = self.rounds(passphrase, 0..ROUNDS)?;
        Ok(self)
    }

    /// How many iterations of PBKDF2 [`Self::decrypt`] takes: 10,000 doubled as many times as the exponent says, up to
    /// 327,680,000, which is minutes. The exponent is what the mnemonics say: look at it before you decrypt what a
    /// stranger gave.
    #[must_use]
    pub fn iterations(&self) -> u64 {
        u64::from(ROUNDS) * u64::from(ROUND_ITERATIONS << self.exponent)
    }

    /// The secret. Another passphrase gives another one, and no error.
    ///
    /// # Errors
    /// [`Slip39Error::Passphrase`].
    pub fn decrypt(&self, passphrase: &SecretText) -> Result<Zeroizing<Vec<u8>>, Slip39Error> {
        self.rounds(passphrase, (0..ROUNDS).rev())
    }

    /// The same both ways, but for the order of the rounds.
    fn rounds(
        &self,
        passphrase: &SecretText,
        rounds: impl Iterator<Item = u8>,
    ) -> Result<Zeroizing<Vec<u8>>, Slip39Error> {
        let passphrase = passphrase.expose().as_bytes();
        if !passphrase.iter().all(|letter| (b' '..=b'~').contains(letter)) {
            return Err(Slip39Error::Passphrase);
        }
        let half = self.bytes.len() / 2;
        let mut left = Zeroizing::new(self.bytes[..half].to_vec());
        let mut right = Zeroizing::new(self.bytes[half..].to_vec());
        let mut password = Zeroizing::new([&[0], passphrase].concat());
        for round in rounds {
            password[0] = round;
            let salt = Zeroizing::new([&self.salt()[..], &right].concat());
            let mut mask = Zeroizing::new(vec![0; half]);
            pbkdf2::pbkdf2_hmac::<Sha256>(&password, &salt, ROUND_ITERATIONS << self.exponent, &mut mask);
            left.iter_mut().zip(mask.iter()).for_each(|(byte, mask)| *byte ^= mask);
            std::mem::swap(&mut left, &mut right);
        }
        Ok(Zeroizing::new([&right[..], &left].concat()))
    }

    /// Extendable sets have no salt, so that sets of one secret with other identifiers mean the same with a passphrase.
    fn salt(&self) -> Vec<u8> {
        if self.extendable { Vec::new() } else { [b"shamir", &self.identifier.to_be_bytes()[..]].concat() }
    }
}

impl fmt::Debug for EncryptedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EncryptedSecret({} bytes)", self.bytes.len())
    }
}
