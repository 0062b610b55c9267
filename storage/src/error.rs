//! What can go wrong in a store, in the words of its caller.

use thiserror::Error;

/// Why a store did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum StorageError {
    /// A guard did not hold. Nothing was written; read again and decide again.
    #[error("a row changed since it was read")]
    Conflict,
    /// The batch arrived after its `not_after_ms`. Nothing was written.
    #[error("the batch came too late to be applied")]
    TooLate,
    /// The batch, a key or a value is over its limit. Nothing was written.
    #[error("{0}")]
    TooLarge(TooLarge),
    /// There is no room on the device. Nothing was written; reads go on, and writes go on once there is room.
    #[error("the store's device is full")]
    Full,
    /// The store cannot answer. After `commit` the outcome is **unknown**.
    #[error("the store is unavailable: {reason}")]
    Unavailable {
        /// What the operator needs to know; holds no row content.
        reason: String,
    },
    /// A row's bytes are not what was written. The row is not returned.
    #[error("damaged data at {place}")]
    Corrupt {
        /// Where: the key in hexadecimal, or the file.
        place: String,
    },
}

impl StorageError {
    /// An `Unavailable` with this reason.
    pub fn unavailable(reason: impl Into<String>) -> Self {
        Self::Unavailable { reason: reason.into() }
    }
}

/// What was over its limit. Sizes in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum TooLarge {
    /// A key.
    #[error("a key of {bytes} bytes is over the limit of {max}")]
    Key {
        /// Its size.
        bytes: usize,
        /// The limit.
        max: usize,
    },
    /// A value.
    #[error("a value of {bytes} bytes is over the limit of {max}")]
    Value {
        /// Its size.
        bytes: usize,
        /// The limit.
        max: usize,
    },
    /// All keys and values of a batch together.
    #[error("a batch of {bytes} bytes is over the limit of {max}")]
    Batch {
        /// Its size.
        bytes: usize,
        /// The limit.
        max: usize,
    },
}
