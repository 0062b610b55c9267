//! A store on disk, whichever backend keeps it, and how it is unlocked.

use std::{path::Path, sync::Arc};

use anyhow::bail;
use strongroom_engine::ports::{Clock, Entropy, OsEntropy, SystemClock};
use strongroom_storage::{
    Chance, Encrypted, EncryptedError, Encryption, OpenError, Options, RootKey, Storage, StorageError,
    WallClock, redb::Redb, sled::Sled,
};

use crate::config::StorageKind;

/// Where stores take their time from.
pub(crate) fn wall_clock() -> WallClock {
    let clock = SystemClock::new();
    Arc::new(move || clock.wall().as_ms())
}

/// Where stores take their random bytes from.
pub(crate) fn chance() -> Chance {
    Arc::new(|bytes| OsEntropy.fill(bytes))
}

/// A store on disk, whichever backend keeps it.
pub(crate) enum DiskStore {
    /// sled.
    Sled(Arc<Sled>),
    /// redb.
    Redb(Arc<Redb>),
}

impl DiskStore {
    /// Opens the store in the folder, or makes one there; `None` for a kind that is not kept on disk.
    ///
    /// # Errors
    /// One clear line for whatever stands against it.
    pub(crate) fn open(path: &Path, kind: StorageKind, cache_bytes: u64) -> Result<Option<Self>, OpenError> {
        Self::open_at(path, kind, cache_bytes, wall_clock())
    }

    /// The same, with a clock of the caller's.
    ///
    /// # Errors
    /// One clear line for whatever stands against it.
    pub(crate) fn open_at(
        path: &Path,
        kind: StorageKind,
        cache_bytes: u64,
        clock: WallClock,
    ) -> Result<Option<Self>, OpenError> {
        let mut options = Options::new(clock);
        options.cache_bytes = cache_bytes;
        Ok(match kind {
            StorageKind::Sled => Some(Self::Sled(Arc::new(Sled::open(path, options)?))),
            StorageKind::Redb => Some(Self::Redb(Arc::new(Redb::open(path, options)?))),
            StorageKind::Memory => None,
        })
    }

    /// The store as it lies on disk, for whoever does not care which backend it is.
    pub(crate) fn storage(&self) -> Arc<dyn Storage> {
        match self {
            Self::Sled(store) => store.clone(),
            Self::Redb(store) => store.clone(),
        }
    }

    /// Finishes what is waiting and lets go of the files.
    ///
    /// # Errors
    /// If it was closed before.
    pub(crate) async fn close(&self) -> Result<(), StorageError> {
        match self {
            Self::Sled(store) => store.close().await,
            Self::Redb(store) => store.close().await,
        }
    }
}

/// The rows of `store`, which lies in `path`: under its root key, or as they are where none is given. With one, an empty
/// store becomes an encrypted one.
///
/// # Errors
/// If the store is encrypted and there is no key, is not and there is one, or under another key: one line with the fix.
pub(crate) async fn unlock(
    store: Arc<dyn Storage>,
    root: Option<&RootKey>,
    path: &Path,
) -> anyhow::Result<Arc<dyn Storage>> {
    let shown = path.display();
    let Some(root) = root else {
        return match Encryption::of(&store).await {
            Ok(Encryption::Empty | Encryption::Plain) => Ok(store),
            Ok(Encryption::Under(id)) => bail!(
                "{shown}: the store is encrypted under the root key {id}, and none is configured; add `root_key_file = \
                 \"...\"` under [storage], or set STRONGROOM_ROOT_KEY_FILE"
            ),
            Err(error) => bail!("{shown}: {error}"),
        };
    };
    match Encrypted::open(store, root, chance()).await {
        Ok(store) => Ok(Arc::new(store)),
        Err(error @ EncryptedError::NotEncrypted) => bail!(
            "{shown}: {error}, and a root key is configured; run `strongroom store encrypt`, or take `root_key_file` \
             out of [storage]"
        ),
        Err(error @ EncryptedError::OtherRootKey { .. }) => {
            bail!("{shown}: {error}; name the file of the other one in `root_key_file` under [storage]")
        }
        Err(error) => bail!("{shown}: {error}"),
    }
}
