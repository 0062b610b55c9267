//! The client's half of recovering: three rounds with the realms, each of which narrows them to those that agree.
//!
//! Whoever holds these values sends the requests and collects the answers, as far as they come; an answer of a realm
//! that is not in the configuration counts for nothing. A realm that lies, about its key, its result or its share, is
//! left out as if it had not answered: it can deny its help and it can burn guesses, no more.

use std::collections::BTreeMap;

use subtle::ConstantTimeEq;

use super::configuration::Configuration;
use super::messages::{
    Evaluated, Recover1Answer, Recover2Answer, Recover2Request, Recover3Answer, Recover3Request,
};
use super::oprf::{Blinding, CHANCE_BYTES};
use super::pin::SEED_BYTES;
use super::unlock::{EncryptionKey, UnlockKey};
use super::{POINT_BYTES, PinRecoveryError, RecoveryRealmId, SecretOctets, VERSION_BYTES, shares};
use crate::secret::Secret;
use crate::sharing::interpolate;

/// Why a secret is not recovered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RecoverError {
    /// So many realms have nothing, or nothing any more, that the others are too few.
    #[error("nothing is registered")]
    NotRegistered,
    /// As [`RecoverError::NotRegistered`], and some realm says that all guesses were used.
    #[error("all guesses are used")]
    NoGuesses,
    /// The guess was wrong.
    #[error("wrong PIN, {guesses_remaining} guesses are left")]
    WrongPin {
        /// The least that any of the realms that agree has left.
        guesses_remaining: u16,
    },
    /// Fewer realms than the threshold gave sound answers that agree. Another try may do better, and may cost a guess.
    #[error("too few realms agree")]
    TooFew,
    /// What the client itself does fails.
    #[error(transparent)]
    Own(#[from] PinRecoveryError),
}

/// The version that enough realms have.
#[derive(Debug, Clone)]
pub struct Agreed<'a> {
    configuration: &'a Configuration,
    version: [u8; VERSION_BYTES],
    realms: Vec<RecoveryRealmId>,
}

impl Configuration {
    /// The first round's end: which registration is to be recovered. Costs no guess.
    ///
    /// # Errors
    /// [`RecoverError::NotRegistered`], [`RecoverError::NoGuesses`], [`RecoverError::TooFew`].
    pub fn agree(
        &self,
        answers: &BTreeMap<RecoveryRealmId, Recover1Answer>,
    ) -> Result<Agreed<'_>, RecoverError> {
        let mut lost = Lost::default();
        let versions = self.known(answers).filter_map(|(realm, _, answer)| match answer {
            Recover1Answer::Ok { version } => Some((*version, realm)),
            Recover1Answer::NotRegistered => lost.registration(),
            Recover1Answer::NoGuesses => lost.guesses(),
        });
        let majority = self.majority(versions);
        let (version, realms) = majority.ok_or_else(|| lost.verdict(self))?;
        Ok(Agreed { configuration: self, version, realms })
    }

    /// The answers of realms of this configuration, with the indices of their shares.
    fn known<'a, A>(
        &'a self,
        answers: &'a BTreeMap<RecoveryRealmId, A>,
    ) -> impl Iterator<Item = (RecoveryRealmId, u8, &'a A)> {
        answers.iter().filter_map(|(realm, answer)| Some((*realm, self.index(realm)?, answer)))
    }

    /// What enough realms say. There is one such thing at most, because enough are more than half.
    fn majority<K: Ord, V>(&self, said: impl Iterator<Item = (K, V)>) -> Option<(K, Vec<V>)> {
        let mut groups = BTreeMap::<K, Vec<V>>::new();
        for (what, value) in said {
            groups.entry(what).or_default().push(value);
        }
        groups.into_iter().find(|(_, values)| values.len() >= usize::from(self.recover_threshold()))
    }
}

impl<'a> Agreed<'a> {
    /// The realms that take part in the second round.
    #[must_use]
    pub fn realms(&self) -> &[RecoveryRealmId] {
        &self.realms
    }

    /// Prepares a guess. Costs one stretching of the PIN; `chance` is what hides it.
    ///
    /// # Errors
    /// [`PinRecoveryError::InputLength`], [`PinRecoveryError::Memory`], [`PinRecoveryError::Chance`].
    pub fn blind(
        self,
        pin: &[u8],
        info: &[u8],
        chance: [u8; CHANCE_BYTES],
    ) -> Result<Blinded<'a>, PinRecoveryError> {
        let stretched = self.configuration.hashing().stretch(pin, &self.version, info)?;
        let (blinding, input) = Blinding::start(stretched.access_key.expose(), chance)?;
        Ok(Blinded { agreed: self, blinding, input, seed: stretched.encryption_key_seed })
    }
}

/// A guess that no realm has seen.
#[derive(Debug)]
pub struct Blinded<'a> {
    agreed: Agreed<'a>,
    blinding: Blinding,
    input: [u8; POINT_BYTES],
    seed: SecretOctets<SEED_BYTES>,
}

impl<'a> Blinded<'a> {
    /// What each of [`Agreed::realms`] is asked. Costs a guess at each of them.
    #[must_use]
    pub fn request(&self) -> Recover2Request {
        Recover2Request { version: self.agreed.version, oprf_blinded_input: self.input }
    }

    /// The realms that take part in the second round.
    #[must_use]
    pub fn realms(&self) -> &[RecoveryRealmId] {
        self.agreed.realms()
    }

    /// The second round's end: whether the guess was right.
    ///
    /// # Errors
    /// [`RecoverError`].
    pub fn unlock(
        self,
        answers: &BTreeMap<RecoveryRealmId, Recover2Answer>,
    ) -> Result<Unlocked<'a>, RecoverError> {
        let configuration = self.agreed.configuration;
        let mut lost = Lost::default();
        let results = configuration.known(answers).filter_map(|(realm, index, answer)| match answer {
            Recover2Answer::Ok(evaluated) => {
                self.check(&realm, evaluated).ok()?;
                let group = (evaluated.oprf_signed_public_key.verifying_key, evaluated.unlock_key_commitment);
                Some((group, (index, evaluated)))
            }
            Recover2Answer::VersionMismatch => None,
            Recover2Answer::NotRegistered => lost.registration(),
            Recover2Answer::NoGuesses => lost.guesses(),
        });
        let majority = configuration.majority(results);
        let ((_, commitment), results) = majority.ok_or_else(|| lost.verdict(configuration))?;

        let indices: Vec<_> = results.iter().map(|(index, _)| *index).collect();
        let points = results.iter().map(|(_, evaluated)| &evaluated.oprf_blinded_result);
        let output = self.blinding.finish(interpolate(&indices, 0).iter().zip(points))?;
        let unlock = UnlockKey::from_output(&output);
        if !unlock.is_committed(&commitment) {
            let remaining = results.iter().map(|(_, evaluated)| evaluated.guesses_remaining());
            let guesses_remaining = remaining.min().unwrap_or(0);
            return Err(RecoverError::WrongPin { guesses_remaining });
        }
        Ok(Unlocked { agreed: self.agreed, unlock, seed: self.seed })
    }

    /// Whether a realm used the key that was signed for it.
    fn check(&self, realm: &RecoveryRealmId, evaluated: &Evaluated) -> Result<(), PinRecoveryError> {
        let key = &evaluated.oprf_signed_public_key;
        key.verify(realm)?;
        evaluated.oprf_proof.verify(&self.input, &key.public_key, &evaluated.oprf_blinded_result)
    }
}

impl Evaluated {
    /// How many guesses are left after this one, by the realm's word.
    #[must_use]
    pub const fn guesses_remaining(&self) -> u16 {
        self.num_guesses.saturating_sub(self.guess_count)
    }
}

/// A guess that was right.
#[derive(Debug)]
pub struct Unlocked<'a> {
    agreed: Agreed<'a>,
    unlock: UnlockKey,
    seed: SecretOctets<SEED_BYTES>,
}

impl Unlocked<'_> {
    /// The realms that take part in the third round.
    #[must_use]
    pub fn realms(&self) -> &[RecoveryRealmId] {
        self.agreed.realms()
    }

    /// What one of them is asked. It sets its count to 0.
    #[must_use]
    pub fn request(&self, realm: &RecoveryRealmId) -> Recover3Request {
        Recover3Request { version: self.agreed.version, unlock_key_tag: self.unlock.tag(realm) }
    }

    /// The third round's end: the secret.
    ///
    /// # Errors
    /// [`RecoverError`].
    pub fn open(&self, answers: &BTreeMap<RecoveryRealmId, Recover3Answer>) -> Result<Secret, RecoverError> {
        let configuration = self.agreed.configuration;
        let mut lost = Lost::default();
        let mut refused = None::<u16>;
        let kept = configuration.known(answers).filter_map(|(realm, index, answer)| match answer {
            Recover3Answer::Ok(released) => {
                let (share, secret) = (&released.encryption_key_scalar_share, &released.encrypted_secret);
                let ours = self.unlock.secret_commitment(&realm, share, secret);
                let committed = bool::from(ours.ct_eq(&released.encrypted_secret_commitment));
                committed.then(|| (*secret, (index, share.clone())))
            }
            Recover3Answer::VersionMismatch => None,
            Recover3Answer::NotRegistered => lost.registration(),
            Recover3Answer::NoGuesses => lost.guesses(),
            Recover3Answer::BadUnlockKeyTag { guesses_remaining: left } => {
                refused = Some(refused.map_or(*left, |least| least.min(*left)));
                None
            }
        });
        let Some((encrypted_secret, shared)) = configuration.majority(kept) else {
            let wrong = refused.map(|guesses_remaining| RecoverError::WrongPin { guesses_remaining });
            return Err(wrong.unwrap_or_else(|| lost.verdict(configuration)));
        };
        let scalar = shares::combine(&shared, configuration.recover_threshold())?;
        Ok(EncryptionKey::derive(&self.seed, &scalar).decrypt(&encrypted_secret)?)
    }
}

/// How many realms say that they have nothing.
#[derive(Debug, Default)]
struct Lost {
    realms: usize,
    by_guesses: bool,
}

impl Lost {
    fn registration<T>(&mut self) -> Option<T> {
        self.realms += 1;
        None
    }

    fn guesses<T>(&mut self) -> Option<T> {
        self.by_guesses = true;
        self.registration()
    }

    /// One realm that has nothing, or says so, decides nothing as long as the others could be enough.
    fn verdict(&self, configuration: &Configuration) -> RecoverError {
        let others = configuration.realms().len() - self.realms;
        match (others < usize::from(configuration.recover_threshold()), self.by_guesses) {
            (false, _) => RecoverError::TooFew,
            (true, true) => RecoverError::NoGuesses,
            (true, false) => RecoverError::NotRegistered,
        }
    }
}
