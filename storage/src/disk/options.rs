//! How a store on disk is opened.

use std::{fmt, io};

use crate::WallClock;

/// The cache of a backend unless told otherwise: 128 MiB.
const CACHE_BYTES: u64 = 128 * 1024 * 1024;

/// How a store on disk is opened. Made by [`Options::new`]; each field may then be set.
#[derive(Clone)]
#[non_exhaustive]
pub struct Options {
    /// How much memory the backend may use to keep pages and rows at hand, in bytes.
    pub cache_bytes: u64,
    /// Where the store takes its time from.
    pub clock: WallClock,
    /// Called before every sync of the data, so that a test can make it fail or leave it out.
    #[cfg(feature = "testing")]
    pub sync_hook: Option<SyncHook>,
    /// Whether the writer looks for room before each group; if not, the backend meets the end of the device.
    #[cfg(feature = "testing")]
    pub looks_for_room: bool,
    /// Whether sled's note of a heavy group is synced.
    #[cfg(feature = "testing")]
    pub syncs_notes: bool,
}

/// Decides what becomes of a sync: done, left out, or failed with the error given.
#[cfg(feature = "testing")]
pub type SyncHook = std::sync::Arc<dyn Fn() -> io::Result<Syncing> + Send + Sync>;

/// What becomes of a sync that a test looks at.
#[cfg(feature = "testing")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Syncing {
    /// It is done.
    Real,
    /// It is left out and reported as done: what a store without it would do.
    Skipped,
}

impl Options {
    /// The defaults, with this clock.
    pub fn new(clock: WallClock) -> Self {
        Self {
            cache_bytes: CACHE_BYTES,
            clock,
            #[cfg(feature = "testing")]
            sync_hook: None,
            #[cfg(feature = "testing")]
            looks_for_room: true,
            #[cfg(feature = "testing")]
            syncs_notes: true,
        }
    }

    /// Whether to look for room before each group; always, outside of tests.
    pub(crate) fn room_is_looked_for(&self) -> bool {
        #[cfg(feature = "testing")]
        let looks = self.looks_for_room;
        #[cfg(not(feature = "testing"))]
        let looks = true;
        looks
    }

    /// Whether sled's note of a heavy group is synced; always, outside of tests. Such a sync also makes the rest of
    /// the file system durable, so a test of what is lost without syncs has to do without it.
    pub(crate) fn note_syncs_are_wanted(&self) -> bool {
        #[cfg(feature = "testing")]
        let syncs = self.syncs_notes;
        #[cfg(not(feature = "testing"))]
        let syncs = true;
        syncs
    }

    /// Whether a sync is to be made now; always, outside of tests.
    pub(crate) fn sync_is_wanted(&self) -> io::Result<bool> {
        #[cfg(feature = "testing")]
        if let Some(hook) = &self.sync_hook {
            return Ok(hook()? == Syncing::Real);
        }
        Ok(true)
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options").field("cache_bytes", &self.cache_bytes).finish_non_exhaustive()
    }
}
