//! What the store below refuses, in the engine's words.

use std::time::Duration;

use strongroom_storage::StorageError;

use super::EngineError;

impl EngineError {
    /// The engine's words for a failed read: nothing was written, so nothing is unknown.
    pub(crate) fn of_read(error: StorageError) -> Self {
        match error {
            StorageError::Corrupt { place } => {
                tracing::error!(place, "stored data is damaged");
                Self::Corrupt
            }
            StorageError::Unavailable { reason } => {
                tracing::error!(reason, "the store did not answer a read");
                Self::StorageUnavailable
            }
            other => {
                tracing::error!(%other, "the store refused a read");
                Self::Fault
            }
        }
    }

    /// The engine's words for a failed commit.
    pub(crate) fn of_commit(error: StorageError) -> Self {
        match error {
            StorageError::Unavailable { reason } => {
                tracing::error!(reason, "the store did not say whether it took a batch");
                Self::OutcomeUnknown
            }
            StorageError::Full => Self::StorageFull,
            StorageError::TooLarge(_) => Self::TooLarge,
            StorageError::TooLate => Self::DeadlinePassed,
            StorageError::Conflict => Self::Contended { retry_after: Duration::from_millis(50) },
            StorageError::Corrupt { place } => {
                tracing::error!(place, "stored data is damaged");
                Self::Corrupt
            }
        }
    }
}
