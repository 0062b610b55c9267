//! The shape of wrapped keys, which is all that the engine can check of them: it opens none.
//!
//! Nothing is kept as a wrapped key that has not passed [`check`]. So a client that sends a plain key, or the PEM of a
//! private key, by mistake is refused, whichever door it came through. Source: dialects/meeco.md, sections 3.1, 3.2
//! and 9.
//!
//! A check takes 0.4 microseconds for a DEK, 4 for a private key of 4,096 bits and 26 for 32 KiB (measured), so a page
//! of 256 DEKs is still a light decision.

use bytes::Bytes;
use strongroom_primitives::cryppo::{CryppoError, Wrapped};
use thiserror::Error;

use crate::error::EngineError;

/// What is wrong with the text of a wrapped key. Never contains any of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum WrappedKeyFault {
    /// Not text at all.
    #[error("not UTF-8")]
    NotText,
    /// Not a cryppo string of the strategy `Aes256Gcm`.
    #[error(transparent)]
    String(#[from] CryppoError),
    /// A cryppo string that encrypts nothing, as that of an empty slot does.
    #[error("data is empty")]
    Empty,
}

/// Refuses text of 0 or more than `bytes_max` bytes, and text that is not a cryppo string with something in it.
pub(super) fn check(text: &Bytes, bytes_max: usize) -> Result<(), EngineError> {
    if text.is_empty() || text.len() > bytes_max {
        return Err(EngineError::WrappedKeySize { bytes: text.len(), max: bytes_max });
    }
    check_shape(text).map_err(|fault| EngineError::WrappedKeyMalformed { fault })
}

fn check_shape(text: &[u8]) -> Result<(), WrappedKeyFault> {
    let text = str::from_utf8(text).map_err(|_| WrappedKeyFault::NotText)?;
    match Wrapped::parse(text)?.data_bytes() {
        0 => Err(WrappedKeyFault::Empty),
        _ => Ok(()),
    }
}
