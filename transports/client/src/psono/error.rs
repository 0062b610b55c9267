//! What can go wrong between an API key and a secret, in one type.

use strongroom_primitives::psono::PsonoError;

use crate::ClientError;
use crate::keyknox::ports::NoEntropy;

/// Why something was not done. Never contains any of a secret.
#[derive(Debug, thiserror::Error)]
pub enum PsonoClientError {
    /// The server, or the way to it. What it refuses is a problem whose code is Psono's own word for it.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// One of the texts of an API key is none that it can be.
    #[error("`{name}` must be {form}")]
    Key {
        /// Which of the six.
        name: &'static str,
        /// What it should be.
        form: &'static str,
    },
    /// The answer to the login is not signed by the key that the server should have. Nothing else was asked.
    #[error("the server did not prove that it is the one this API key is for: its signature does not verify")]
    ServerUnproved,
    /// Something that is sealed does not open by the key that it should open by.
    #[error("the {what} does not open: it was sealed by another key, or changed")]
    DoesNotOpen {
        /// What it is.
        what: &'static str,
    },
    /// Something that opened, or came in an answer, is not what it should be.
    #[error("the {what} is malformed")]
    Malformed {
        /// What it is.
        what: &'static str,
    },
    /// The API key is restricted to the secrets that are attached to it, and does not open the vault.
    #[error("the API key is restricted to the secrets that are attached to it")]
    Restricted,
    /// Somebody changed the secret after it was read. Nothing was written.
    #[error("somebody else changed the secret after it was read; nothing was written")]
    Stale,
    /// A vault is larger than a walk goes.
    #[error("the vault has more than {max} {what}")]
    TooLarge {
        /// What there is too much of.
        what: &'static str,
        /// How many of them a walk takes.
        max: usize,
    },
}

impl PsonoClientError {
    /// The error of the client, where it is one.
    pub fn client(&self) -> Option<&ClientError> {
        match self {
            Self::Client(error) => Some(error),
            _ => None,
        }
    }

    /// Whether the server refused with one of these statuses.
    pub(super) fn is_refusal(&self, statuses: &[u16]) -> bool {
        let problem = self.client().and_then(ClientError::problem);
        problem.is_some_and(|problem| statuses.contains(&problem.status))
    }

    /// Of what a primitive says of `what`.
    pub(super) fn of(error: PsonoError, what: &'static str) -> Self {
        match error {
            PsonoError::Signature => Self::ServerUnproved,
            PsonoError::Sealed => Self::DoesNotOpen { what },
            PsonoError::Form | PsonoError::Scrypt | PsonoError::Salt => Self::Malformed { what },
        }
    }
}

impl From<NoEntropy> for PsonoClientError {
    fn from(error: NoEntropy) -> Self {
        Self::Client(error.into())
    }
}
