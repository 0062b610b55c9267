//! How verifiers, handshakes and reserved names lie in storage.

use serde::{Deserialize, Serialize};
use strongroom_primitives::{
    id::AccountId,
    srp::{self, Decoy, Profile, Salt, Verifier},
    time::Timestamp,
    two_skd::WorkFactors,
};
use zeroize::Zeroize;

use crate::{codec::Stored, command::Moment, error::EngineError};

/// Group, hash and form of proof, as both sides have agreed on them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SrpProfile {
    /// 2048 bits and proofs over the values alone: what Meeco's published clients speak.
    Meeco,
    /// 3072 bits and the proofs of RFC 2945: ours.
    Native,
}

impl SrpProfile {
    pub(super) fn profile(self) -> Profile {
        match self {
            Self::Meeco => Profile::MEECO,
            Self::Native => Profile::NATIVE,
        }
    }

    /// Challenges that an account can have open, and for how long each. Source: dialects/meeco.md, section 5;
    /// THREATS.md, section 3.
    pub(super) fn handshakes(self) -> (u8, std::time::Duration) {
        let seconds = std::time::Duration::from_secs;
        match self {
            Self::Meeco => (32, seconds(300)),
            Self::Native => (8, seconds(60)),
        }
    }
}

/// What an account's passphrase is checked against.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredVerifier {
    pub(crate) profile: SrpProfile,
    pub(crate) salt: Vec<u8>,
    pub(crate) verifier: Vec<u8>,
    /// How the client makes the password out of passphrase and Secret Key, in its own words.
    pub(crate) derivation: String,
    /// Grows with every change of the passphrase: a challenge made with an older one is not answered.
    pub(crate) generation: u32,
    pub(crate) since: Timestamp,
}

impl Stored for StoredVerifier {}

impl Drop for StoredVerifier {
    fn drop(&mut self) {
        self.verifier.zeroize();
    }
}

/// The verifier of an account, or the decoy of a name that has none.
pub(super) struct Held {
    pub(super) salt: Salt,
    pub(super) verifier: Verifier,
    pub(super) derivation: String,
    /// 0 for a decoy.
    pub(super) generation: u32,
}

impl Held {
    /// What a username is checked against in this profile. The decoy is made for every name, so that the time is that
    /// of one who has no account (THREATS A-SRP-04).
    pub(super) fn of(
        username: &str,
        profile: SrpProfile,
        stored: Option<&StoredVerifier>,
        moment: &Moment<'_>,
    ) -> Result<Self, EngineError> {
        let Decoy { salt, verifier } = srp::decoy(profile.profile(), moment.secrets.decoys(), username)
            .map_err(|_| EngineError::Fault)?;
        // What most clients say, so that a name is not known by it either.
        let derivation = match profile {
            SrpProfile::Meeco => String::new(),
            SrpProfile::Native => WorkFactors::DEFAULT.to_string(),
        };
        let decoy = Self { salt, verifier, derivation, generation: 0 };
        let Some(stored) = stored.filter(|stored| stored.profile == profile) else { return Ok(decoy) };
        let salt = Salt::new(&stored.salt).map_err(|_| EngineError::Corrupt)?;
        let verifier =
            Verifier::new(profile.profile(), &stored.verifier).map_err(|_| EngineError::Corrupt)?;
        Ok(Self { salt, verifier, derivation: stored.derivation.clone(), generation: stored.generation })
    }
}

/// A challenge that waits for its answer.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredHandshake {
    pub(crate) account: AccountId,
    pub(crate) profile: SrpProfile,
    /// SHA-256 of A.
    pub(crate) client_public: [u8; 32],
    /// b.
    pub(crate) ephemeral: [u8; 32],
    /// B.
    pub(crate) server_public: Vec<u8>,
    /// Of the verifier that B was made with; 0 for a decoy.
    pub(crate) generation: u32,
    pub(crate) expires: Timestamp,
}

impl Stored for StoredHandshake {}

impl Drop for StoredHandshake {
    fn drop(&mut self) {
        self.ephemeral.zeroize();
    }
}

/// A username that is kept for whoever asked for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredReservation {
    pub(crate) expires: Timestamp,
}

impl Stored for StoredReservation {}
