//! A store whose values are sealed: AES-256-GCM under a root key that does not lie beside them.
//!
//! What is sealed is each value, for its row of its store: moved to another row, or to another store under the same root
//! key, it does not open. Keys of rows stay as they are, so ranges and guards work as before; whoever writes through
//! this keeps what is secret out of them. Guards compare revisions, which the store below gives.
//!
//! One row, under [`RESERVED_KEY`], is of the wrapper's own and is shown to nobody: it says which root key the store was
//! made with, so a wrong one is refused before a row is read, and a store is never half sealed.
//!
//! The one thing to believe: a value that comes back is one that was sealed for this row by somebody with the root key.
//! That it is the *latest* such value nobody can tell here: who can write the files can put an older one back.
//!
//! What the files still show: how many rows there are, the keys, the sizes of values, and what was written when.

mod marker;
mod seal;
#[cfg(test)]
mod tests;

use thiserror::Error;
use tokio::sync::broadcast;

use crate::{
    Batch, BoxFuture, Committed, Guard, Info, Key, Page, RESERVED_KEY, Range, Row, Storage, StorageError,
    Topics, Write,
};
use marker::Marker;
pub use seal::{Chance, RootKey, RootKeyId};
use seal::{DataKey, SEAL_BYTES};

/// Another store, with values that only the root key opens.
pub struct Encrypted<S> {
    inner: S,
    key: DataKey,
}

/// Why a store was not opened under a root key. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum EncryptedError {
    /// The store was made with another root key.
    #[error("the store is encrypted under the root key {sealed_under}, and the one given is {given}")]
    OtherRootKey {
        /// The key that is needed.
        sealed_under: RootKeyId,
        /// The key that was given.
        given: RootKeyId,
    },
    /// The store holds rows, and they are not sealed.
    #[error("the store is not encrypted")]
    NotEncrypted,
    /// The store was encrypted by a later release.
    #[error("the store is encrypted in form {found}, and this release knows forms up to {known}")]
    Newer {
        /// The form of the store.
        found: u8,
        /// The latest form that this release knows.
        known: u8,
    },
    /// The row that says how the store is encrypted is not what was written.
    #[error("the row that says how the store is encrypted is damaged")]
    Damaged,
    /// The store below did not answer.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// Whether a store is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encryption {
    /// There is no row: it may become either.
    Empty,
    /// Its rows lie there as they were written.
    Plain,
    /// Its values are sealed under this root key.
    Under(RootKeyId),
}

impl Encryption {
    /// Looks at a store without its root key.
    ///
    /// # Errors
    /// If it does not answer, or says how it is encrypted in a way that is not understood.
    pub async fn of(storage: &impl Storage) -> Result<Self, EncryptedError> {
        if let Some(marker) = marker_of(storage).await? {
            return Ok(Self::Under(marker.root));
        }
        let is_empty = storage.scan(Range::all(1)).await?.rows.is_empty();
        Ok(if is_empty { Self::Empty } else { Self::Plain })
    }
}

impl<S: Storage> Encrypted<S> {
    /// Opens `inner` under its root key; an empty store is made an encrypted one.
    ///
    /// # Errors
    /// If it is not encrypted, or under another key; see [`EncryptedError`].
    pub async fn open(inner: S, root: &RootKey, chance: Chance) -> Result<Self, EncryptedError> {
        loop {
            if let Some(marker) = marker_of(&inner).await? {
                let store = marker.verified(root)?;
                return Ok(Self { inner, key: DataKey::new(root, &store, chance) });
            }
            if !inner.scan(Range::all(1)).await?.rows.is_empty() {
                return Err(EncryptedError::NotEncrypted);
            }
            let mut store = [0; 16];
            chance(&mut store);
            let batch = Batch {
                guards: vec![Guard::Absent(RESERVED_KEY.clone())],
                writes: vec![Write::Put(RESERVED_KEY.clone(), Marker::new(root, store).encode().into())],
                ..Batch::default()
            };
            match inner.commit(batch).await {
                // Another node was first, and its row is as good: the next look finds one.
                Ok(_) | Err(StorageError::Conflict) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Tries to open every row and names those that do not: damaged, moved, or written by somebody without the key.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn check(&self) -> Result<Vec<Key>, StorageError> {
        let mut damaged = Vec::new();
        let mut range = Some(Range::all(usize::MAX));
        while let Some(wanted) = range {
            let page = self.inner.scan(wanted.clone()).await?;
            let unreadable =
                |(key, row): &(Key, Row)| *key != RESERVED_KEY && self.key.open(key, &row.value).is_err();
            damaged.extend(page.rows.into_iter().filter(unreadable).map(|(key, _)| key));
            range = page.next.map(|next| wanted.from(next));
        }
        Ok(damaged)
    }

    fn opened(&self, key: &Key, row: Row) -> Result<Row, StorageError> {
        Ok(Row { value: self.key.open(key, &row.value)?, ..row })
    }

    fn sealed(&self, mut batch: Batch) -> Result<Batch, StorageError> {
        batch.check_limits()?;
        for write in &mut batch.writes {
            if *write.key() == RESERVED_KEY {
                return Err(StorageError::unavailable("this key belongs to the encryption of the store"));
            }
            if let Write::Put(key, value) = write {
                *value = self.key.seal(key, value);
            }
        }
        batch.overhead_bytes += SEAL_BYTES;
        Ok(batch)
    }

    /// A page of the store below, opened.
    async fn page(&self, range: Range) -> Result<Page, StorageError> {
        let Page { rows, next } = self.inner.scan(range).await?;
        let open = |(key, row)| {
            let row = self.opened(&key, row)?;
            Ok((key, row))
        };
        Ok(Page { rows: rows.into_iter().map(open).collect::<Result<_, StorageError>>()?, next })
    }

    /// A page of a range around the wrapper's own row: what lies before it, then what lies behind it.
    async fn page_around(&self, range: Range) -> Result<Page, StorageError> {
        let before = Range { end: Some(RESERVED_KEY.clone()), ..range.clone() };
        let mut page = self.page(before).await?;
        if page.next.is_some() {
            return Ok(page);
        }
        let room = range.rows_max() - page.rows.len();
        // Without room for a row it is still to be known whether one follows.
        let behind = Range { limit: room.max(1), ..range.after(&RESERVED_KEY) };
        let Page { rows, next } = self.page(behind).await?;
        if room == 0 {
            page.next = rows.into_iter().next().map(|(key, _)| key);
        } else {
            page.rows.extend(rows);
            page.next = next;
        }
        Ok(page)
    }
}

async fn marker_of(storage: &impl Storage) -> Result<Option<Marker>, EncryptedError> {
    let rows = storage.get(std::slice::from_ref(&RESERVED_KEY)).await?;
    rows.into_iter().flatten().next().map(|row| Marker::decode(&row.value)).transpose()
}

impl<S: Storage> Storage for Encrypted<S> {
    fn get<'a>(&'a self, keys: &'a [Key]) -> BoxFuture<'a, Result<Vec<Option<Row>>, StorageError>> {
        Box::pin(async move {
            let rows = self.inner.get(keys).await?;
            let open = |(key, row): (&Key, Option<Row>)| {
                row.filter(|_| *key != RESERVED_KEY).map(|row| self.opened(key, row)).transpose()
            };
            keys.iter().zip(rows).map(open).collect()
        })
    }

    fn scan(&self, range: Range) -> BoxFuture<'_, Result<Page, StorageError>> {
        Box::pin(async move {
            if range.contains(&RESERVED_KEY) { self.page_around(range).await } else { self.page(range).await }
        })
    }

    fn commit(&self, batch: Batch) -> BoxFuture<'_, Result<Committed, StorageError>> {
        Box::pin(async move { self.inner.commit(self.sealed(batch)?).await })
    }

    fn changed(&self) -> broadcast::Receiver<Topics> {
        self.inner.changed()
    }

    fn info(&self) -> Info {
        Info { encrypted: true, ..self.inner.info() }
    }
}
