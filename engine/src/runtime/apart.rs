//! Work on the CPU port that is no decision: what is computed before a command is asked, or of its answer.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::courier::{Shared, unwound};
use crate::error::EngineError;

impl Shared {
    /// Room among the heavy decisions.
    ///
    /// # Errors
    /// [`EngineError::Overloaded`].
    pub(crate) fn room(&self) -> Result<OwnedSemaphorePermit, EngineError> {
        let busy = EngineError::Overloaded { retry_after: self.busy_retry_after() };
        self.heavy.clone().try_acquire_owned().map_err(|_| busy)
    }

    /// Computes `work`, which takes up `room` until it is done.
    ///
    /// # Errors
    /// [`EngineError::Fault`] if it panics.
    pub(crate) async fn compute<T: Send + 'static>(
        self: &Arc<Self>,
        room: OwnedSemaphorePermit,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, EngineError> {
        let (hand_back, handed_back) = oneshot::channel();
        self.cpu.run(Box::new(move || {
            let done = unwound(|| Ok(work()));
            drop(room);
            // Nobody is there to take it where the caller went away.
            let _ = hand_back.send(done);
        }));
        handed_back.await.map_err(|_| EngineError::Fault)?
    }
}
