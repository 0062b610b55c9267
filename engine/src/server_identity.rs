//! The identity that the engine shows to clients who seal their sessions: per generation one seed, which is an X25519
//! secret and an Ed25519 seed. Source: dialects/psono.md, sections 2 and 3.
//!
//! Seeds are derived from the root, so no row has to be kept for them, and private halves never leave here. Which
//! generation is the current one is a row; see `domains/sessions/identity`.

use std::sync::{Arc, Mutex, PoisonError};

use strongroom_primitives::{
    hash,
    id::DeviceCodeId,
    nacl::{BoxKey, BoxPublic, BoxSecret, LowOrder},
    secret::Secret,
    sign,
};
use zeroize::Zeroizing;

use crate::{domains::sessions::identity::IdentityGenerations, error::EngineError};

/// Every generation of the engine's identity.
pub struct Identities {
    root: Secret,
    /// The keys of the generations that were asked for last: deriving them costs more than signing.
    known: Mutex<Vec<(u32, Arc<Keys>)>>,
}

/// The keys of one generation.
struct Keys {
    agreement: BoxSecret,
    signing: sign::SigningKey,
}

/// Generations whose keys are kept: those of an overlap, and the ones before and after.
const KNOWN_MAX: usize = 4;

impl Identities {
    pub(crate) fn new(root: &[u8; 32]) -> Self {
        let root = Secret::new(hash::derive_key("strongroom server identity v1", root).to_vec());
        Self { root, known: Mutex::default() }
    }

    fn seed(&self, purpose: &'static str, which: &[u8]) -> Zeroizing<[u8; 32]> {
        let mut secret = Zeroizing::new(Vec::with_capacity(self.root.len() + which.len()));
        secret.extend_from_slice(self.root.expose());
        secret.extend_from_slice(which);
        Zeroizing::new(hash::derive_key(purpose, &secret))
    }

    fn keys(&self, generation: u32) -> Arc<Keys> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, keys)) = known.iter().find(|(known, _)| *known == generation) {
            return keys.clone();
        }
        let seed = self.seed("strongroom server identity generation v1", &generation.to_be_bytes());
        let keys = Arc::new(Keys {
            agreement: BoxSecret::from_seed(*seed),
            signing: sign::SigningKey::from_seed(&seed),
        });
        if known.len() == KNOWN_MAX {
            known.remove(0);
        }
        known.push((generation, keys.clone()));
        keys
    }

    fn code_secret(&self, code: DeviceCodeId) -> BoxSecret {
        BoxSecret::from_seed(*self.seed("strongroom device code v1", code.as_bytes()))
    }

    /// The X25519 public key of a generation.
    pub fn public_key(&self, generation: u32) -> BoxPublic {
        self.keys(generation).agreement.public()
    }

    /// The Ed25519 public key of a generation.
    pub fn verify_key(&self, generation: u32) -> sign::VerifyingKey {
        self.keys(generation).signing.verifying_key()
    }

    /// The generation among those that answer whose Ed25519 public key this is.
    ///
    /// # Errors
    /// [`EngineError::ServerKeyRefused`].
    pub fn generation_of(
        &self,
        answering: &IdentityGenerations,
        verify_key: &[u8; 32],
    ) -> Result<u32, EngineError> {
        let previous = answering.previous.map(|(generation, _)| generation);
        [Some(answering.current), previous]
            .into_iter()
            .flatten()
            .find(|generation| self.verify_key(*generation).as_bytes() == verify_key)
            .ok_or(EngineError::ServerKeyRefused)
    }

    /// Signs `bytes` as they are with Ed25519.
    pub fn sign(&self, generation: u32, bytes: &[u8]) -> [u8; 64] {
        self.keys(generation).signing.sign(bytes)
    }

    /// The key of a NaCl `box` between a generation and somebody else.
    ///
    /// # Errors
    /// [`LowOrder`] for a public key that gives everybody the same key.
    pub fn agree(&self, generation: u32, other: &BoxPublic) -> Result<BoxKey, LowOrder> {
        self.keys(generation).agreement.agree(other)
    }

    /// The X25519 public key that answers to one device code.
    pub fn code_public(&self, code: DeviceCodeId) -> BoxPublic {
        self.code_secret(code).public()
    }

    /// The key of a NaCl `box` between a device code and the device that asked for it.
    ///
    /// # Errors
    /// [`LowOrder`] as for [`Identities::agree`].
    pub(crate) fn agree_for_code(&self, code: DeviceCodeId, device: &BoxPublic) -> Result<BoxKey, LowOrder> {
        self.code_secret(code).agree(device)
    }
}

#[cfg(test)]
mod tests {
    use strongroom_primitives::time::Timestamp;

    use super::*;

    #[test]
    fn generations_codes_and_stores_have_keys_of_their_own() {
        let identities = Identities::new(&[1; 32]);
        let code = DeviceCodeId::from_bytes([0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        let keys = [
            *identities.public_key(1).as_bytes(),
            *identities.public_key(2).as_bytes(),
            *identities.code_public(code).as_bytes(),
            *Identities::new(&[2; 32]).public_key(1).as_bytes(),
        ];
        for (at, key) in keys.iter().enumerate() {
            assert!(keys[..at].iter().all(|other| other != key));
        }
        let again = Identities::new(&[1; 32]);
        assert_eq!(again.public_key(1).as_bytes(), identities.public_key(1).as_bytes());
        let signature = identities.sign(2, b"said");
        assert!(again.verify_key(2).verify(b"said", &signature).is_ok());
        assert!(again.verify_key(1).verify(b"said", &signature).is_err());
    }

    #[test]
    fn a_key_belongs_to_a_generation_only_while_that_answers() {
        let identities = Identities::new(&[1; 32]);
        let key = |generation| *identities.verify_key(generation).as_bytes();
        let overlap = IdentityGenerations { current: 3, previous: Some((2, Timestamp::MAX)) };
        assert_eq!(identities.generation_of(&overlap, &key(3)), Ok(3));
        assert_eq!(identities.generation_of(&overlap, &key(2)), Ok(2));
        let alone = IdentityGenerations { previous: None, ..overlap.clone() };
        let stranger = *Identities::new(&[2; 32]).verify_key(3).as_bytes();
        for (answering, key) in
            [(&overlap, key(1)), (&overlap, key(4)), (&overlap, stranger), (&alone, key(2))]
        {
            assert_eq!(identities.generation_of(answering, &key), Err(EngineError::ServerKeyRefused));
        }
    }

    #[test]
    fn both_ends_of_an_agreement_have_the_same_key() {
        let identities = Identities::new(&[1; 32]);
        let device = BoxSecret::from_seed([9; 32]);
        let here = identities.agree(1, &device.public()).unwrap();
        let there = device.agree(&identities.public_key(1)).unwrap();
        let sealed = here.seal(&[5; 24], b"hello");
        assert_eq!(there.open(&[5; 24], &sealed).unwrap().as_slice(), b"hello");
    }
}
