//! Which realms there are, and how many of them it takes.

use super::pin::PinHashing;
use super::{PinRecoveryError, RecoveryRealmId};

/// The realms of a client, its thresholds and how PINs are stretched. A secret is recovered with the configuration that
/// it was registered with, or not at all: the place of a realm among the others says which share it has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Configuration {
    realms: Vec<RecoveryRealmId>,
    register_threshold: u8,
    recover_threshold: u8,
    hashing: PinHashing,
}

impl Configuration {
    /// Of 1 to 255 different realms, in any order. `recover_threshold` of them are needed to recover, a strict
    /// majority, so that no two groups of them can have two opinions; `register_threshold`, at least as many, have to
    /// take a registration before it counts as made.
    ///
    /// # Errors
    /// [`PinRecoveryError::Configuration`].
    pub fn new(
        realms: impl IntoIterator<Item = RecoveryRealmId>,
        register_threshold: u8,
        recover_threshold: u8,
        hashing: PinHashing,
    ) -> Result<Self, PinRecoveryError> {
        let mut realms: Vec<_> = realms.into_iter().collect();
        realms.sort_unstable();
        let count = u8::try_from(realms.len()).map_err(|_| PinRecoveryError::Configuration)?;
        let distinct = realms.windows(2).all(|pair| pair[0] != pair[1]);
        let majority = recover_threshold > count / 2;
        if !distinct || !majority || recover_threshold > register_threshold || register_threshold > count {
            return Err(PinRecoveryError::Configuration);
        }
        Ok(Self { realms, register_threshold, recover_threshold, hashing })
    }

    /// The realms, by their ids.
    #[must_use]
    pub fn realms(&self) -> &[RecoveryRealmId] {
        &self.realms
    }

    /// How many realms have to take a registration.
    #[must_use]
    pub const fn register_threshold(&self) -> u8 {
        self.register_threshold
    }

    /// How many realms are needed to recover.
    #[must_use]
    pub const fn recover_threshold(&self) -> u8 {
        self.recover_threshold
    }

    /// How PINs are stretched.
    #[must_use]
    pub const fn hashing(&self) -> PinHashing {
        self.hashing
    }

    /// Which share a realm has, from 1: its place among the ids.
    #[must_use]
    pub fn index(&self, realm: &RecoveryRealmId) -> Option<u8> {
        let place = self.realms.binary_search(realm).ok()?;
        u8::try_from(place + 1).ok()
    }

    pub(super) fn count(&self) -> u8 {
        u8::try_from(self.realms.len()).expect("there are at most 255 realms")
    }
}
