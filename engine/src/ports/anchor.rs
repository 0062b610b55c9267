//! What lies outside the store and its backups: how far the store has come, so that a restored one is known.

use std::{fmt, future::Future, pin::Pin};

use serde::{Deserialize, Serialize};
use strongroom_primitives::pin_recovery::RecoveryRealmId;
use thiserror::Error;

/// How far a realm of recovery has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnchorMark {
    /// Tells the realm of one store from that of another.
    pub epoch: [u8; 16],
    /// Changes so far. Only ever rises.
    pub mark: u64,
}

/// What lies outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anchored {
    /// Nobody keeps marks: a restored store is not noticed.
    Untold,
    /// Marks are kept, and none of this realm is there.
    Nothing,
    /// The highest that was told.
    Mark(AnchorMark),
}

/// A mark could not be read or written. Holds the reason, for the log.
#[derive(Debug, Clone, Error)]
#[error("what lies outside the store cannot be used: {0}")]
pub struct AnchorError(pub String);

/// A mark on its way out.
pub type Raising<'a> = Pin<Box<dyn Future<Output = Result<(), AnchorError>> + Send + 'a>>;

/// Keeps marks where no backup of the store takes them along.
pub trait Anchor: Send + Sync + 'static {
    /// What is known of a realm. Asked when an engine starts.
    ///
    /// # Errors
    /// [`AnchorError`]: the engine does not start, because it could not tell whether its store was restored.
    fn load(&self, realm: &RecoveryRealmId) -> Result<Anchored, AnchorError>;

    /// Returns once a mark of the realm at least as high would survive a power cut. Marks may come out of order; the
    /// highest counts. One of another epoch takes the place of what was there.
    fn raise(&self, realm: RecoveryRealmId, mark: AnchorMark) -> Raising<'_>;
}

impl fmt::Debug for dyn Anchor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Anchor")
    }
}

/// Keeps nothing: for engines that are no realm, and for hosts that know by other means that a store was restored.
#[derive(Debug, Default)]
pub struct Unanchored;

impl Anchor for Unanchored {
    fn load(&self, _: &RecoveryRealmId) -> Result<Anchored, AnchorError> {
        Ok(Anchored::Untold)
    }

    fn raise(&self, _: RecoveryRealmId, _: AnchorMark) -> Raising<'_> {
        Box::pin(std::future::ready(Ok(())))
    }
}
