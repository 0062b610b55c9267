//! What can go wrong between a person and their keys, in one type.

use strongroom_primitives::{
    cryppo::CryppoError, rsa::RsaKeyError, secret_key::SecretKeyError, srp::SrpError, two_skd::DeriveError,
    two_skd::WorkError,
};

use crate::ClientError;
use crate::keyknox::ports::NoEntropy;

/// Something that the server keeps for a user and that only the user can open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// The key encryption key, under the passphrase.
    Kek,
    /// The KEK that a rotation is bringing, under the passphrase.
    NextKek,
    /// A data encryption key.
    Dek,
    /// A private key.
    PrivateKey,
    /// The token of a vault session.
    VaultSession,
    /// The value of a slot.
    Value,
}

impl std::fmt::Display for Kept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Kek => "key encryption key",
            Self::NextKek => "key encryption key of the rotation",
            Self::Dek => "data encryption key",
            Self::PrivateKey => "private key",
            Self::VaultSession => "vault session",
            Self::Value => "value",
        })
    }
}

/// Why something was not done. Never contains any of a secret.
#[derive(Debug, thiserror::Error)]
pub enum UserError {
    /// The server, or the way to it.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// User name, Secret Key and passphrase do not belong together. Which of them is wrong, nobody can tell.
    #[error("user name, Secret Key or passphrase is wrong")]
    LoginRefused,
    /// The server asks for work outside the bounds of [`strongroom_primitives::two_skd::WorkFactors`], so it learned
    /// nothing of the passphrase.
    #[error("the server asks for a derivation that is not accepted here: {0}")]
    Work(#[from] WorkError),
    /// The server sent no proof that it knows the verifier, or a wrong one: it is not the server that the user signed up
    /// with. No session was kept.
    #[error("the server did not prove that it knows the user: it may be another server")]
    ServerUnproved,
    /// A value of the handshake is none that an honest server sends.
    #[error("the server's handshake cannot be trusted: {0}")]
    Handshake(#[source] SrpError),
    /// The passphrase cannot be stretched.
    #[error(transparent)]
    Derive(#[from] DeriveError),
    /// A user name that no Secret Key can have.
    #[error("the server's user name cannot be used: {0}")]
    Username(#[from] SecretKeyError),
    /// What the server keeps does not open: it was changed, mixed up, or is of another passphrase.
    #[error("the {what} does not open: {why}")]
    DoesNotOpen {
        /// What was to be opened.
        what: Kept,
        /// Why it does not.
        why: CryppoError,
    },
    /// A value is too long to be kept.
    #[error("the {what} cannot be encrypted: {why}")]
    NotEncrypted {
        /// What was to be encrypted.
        what: Kept,
        /// Why it cannot.
        why: CryppoError,
    },
    /// The server keeps a public key beside a private one that is not its half.
    #[error("the key pair's halves do not belong together")]
    KeyPair,
    /// A key pair that is none, or could not be made.
    #[error(transparent)]
    RsaKey(#[from] RsaKeyError),
    /// The rotation was cancelled by another device, or another one was begun.
    #[error("the rotation was cancelled by another device")]
    RotationGone,
    /// Keys were added as fast as they were rewrapped.
    #[error("keys were added {passes} times while the others were rewrapped; go on with the rotation later")]
    RotationContended {
        /// How often the end was tried.
        passes: u32,
    },
    /// No random bytes; nothing was sent.
    #[error(transparent)]
    NoEntropy(#[from] NoEntropy),
    /// The work of deriving or making a key was given up, because the runtime ends.
    #[error("the work was given up")]
    GivenUp,
}

impl UserError {
    /// What went wrong on the way to the server, or at it, if that is where it went wrong.
    #[must_use]
    pub fn client(&self) -> Option<&ClientError> {
        match self {
            Self::Client(error) => Some(error),
            _ => None,
        }
    }

    /// Whether this is the server's problem of this code.
    #[must_use]
    pub fn is_problem(&self, code: &str) -> bool {
        self.client().is_some_and(|error| error.is_problem(code))
    }
}

/// For `map_err`: this does not open.
pub(super) fn does_not_open(what: Kept) -> impl Fn(CryppoError) -> UserError {
    move |why| UserError::DoesNotOpen { what, why }
}
