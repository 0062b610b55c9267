//! A target: a server of its own process that the load program has started and may drive.

use std::path::Path;
use std::sync::Arc;

use crate::run::Connector;

/// Everything a started target needs to have in common with the others.
pub(crate) trait Target {
    /// The process whose tree is measured.
    fn pid(&self) -> u32;

    /// Where its data lies, for targets that keep any.
    fn folder(&self) -> Option<&Path> {
        None
    }

    /// Opens clients.
    fn connector(&self) -> Arc<dyn Connector>;

    /// Housekeeping between windows that the target would otherwise do in the middle of somebody else's.
    ///
    /// # Errors
    /// The target refused or is gone.
    fn tidy(&self) -> anyhow::Result<()> {
        Ok(())
    }
}

/// Where and how targets are started.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Site<'a> {
    /// An existing folder for data folders and logs; every account may pass through it.
    pub(crate) folder: &'a Path,
    /// The core that servers are bound to; all cores when absent.
    pub(crate) core: Option<usize>,
}

/// Runs one future to its end on the calling thread.
pub(crate) fn block_on<T>(future: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(future)
}
