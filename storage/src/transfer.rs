//! Moving all rows from one store to another, whatever keeps them: a stream of rows with a checksum at its end.
//!
//! The stream carries keys and values. Revisions belong to the store that gave them, so the rows get new ones where
//! they arrive, and the mark of time starts anew with the clock there. Rows written while an export runs may or may not be in it: export from a store that is at rest.
//!
//! The one thing to believe: the whole stream is read and checked before the first row is written, so a damaged,
//! cut-off or newer one imports nothing.

use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write as _};

use thiserror::Error;
use xxhash_rust::xxh3::Xxh3;

use crate::{
    Batch, KEY_BYTES_MAX, Key, OVERHEAD_BYTES_MAX, RESERVED_KEY, Range, Storage, StorageError,
    VALUE_BYTES_MAX, Write,
};

/// What a stream begins with.
const MAGIC: &[u8; 16] = b"strongroom rows\n";

/// The version that this release writes, and the latest that it reads.
const VERSION: u16 = 1;

/// Stands where a key's length would, at the end of the rows.
const END: u16 = u16::MAX;

/// How much is written in one batch, in bytes.
const BATCH_BYTES: usize = 2 * 1024 * 1024;

/// What was moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Moved {
    /// How many rows.
    pub rows: u64,
    /// The bytes of their values.
    pub value_bytes: u64,
    /// Whether they are rows of an encrypted store as they lie there. Such rows are of use only under the root key of
    /// that store, and are imported into a bare backend.
    pub encrypted: bool,
}

/// Why rows were not moved.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TransferError {
    /// The stream could not be read or written.
    #[error("the stream of rows failed: {0}")]
    Io(#[from] io::Error),
    /// The store did not give or take a row. After an import the store may hold some of the rows.
    #[error("the store failed: {0}")]
    Storage(#[from] StorageError),
    /// These are not rows.
    #[error("this is not a stream of rows")]
    NotRows,
    /// The stream was written by a later release. Nothing was imported.
    #[error("the stream is of version {found}, and this release knows versions up to {known}")]
    Newer {
        /// Its version.
        found: u16,
        /// The latest version known.
        known: u16,
    },
    /// The stream ends early. Nothing was imported.
    #[error("the stream of rows is cut off after {rows} rows")]
    CutOff {
        /// How many whole rows there are.
        rows: u64,
    },
    /// The stream is not what was written. Nothing was imported.
    #[error("the stream of rows is damaged: {what}")]
    Damaged {
        /// How it shows.
        what: &'static str,
    },
    /// There are rows in the store already. Nothing was imported.
    #[error("the store to import into is not empty")]
    NotEmpty,
}

/// Writes every row of `storage` to `out`, in key order.
///
/// # Errors
/// If the store cannot be read or the stream cannot be written.
pub async fn export(storage: &impl Storage, out: impl io::Write) -> Result<Moved, TransferError> {
    let mut out = Summing::over(BufWriter::new(out));
    let mut moved = Moved::default();
    out.write(MAGIC)?;
    out.write(&VERSION.to_be_bytes())?;
    let mut range = Some(Range::all(usize::MAX));
    while let Some(wanted) = range {
        let page = storage.scan(wanted.clone()).await?;
        for (key, row) in &page.rows {
            // Both lengths are bounded far below what their fields hold.
            out.write(&(key.as_bytes().len() as u16).to_be_bytes())?;
            out.write(&(row.value.len() as u32).to_be_bytes())?;
            out.write(key.as_bytes())?;
            out.write(&row.value)?;
            moved.rows += 1;
            moved.value_bytes += row.value.len() as u64;
            moved.encrypted |= *key == RESERVED_KEY;
        }
        range = page.next.map(|next| wanted.from(next));
    }
    out.write(&END.to_be_bytes())?;
    out.write(&moved.rows.to_be_bytes())?;
    let sum = out.sum.digest128();
    out.write(&sum.to_be_bytes())?;
    out.inner.flush()?;
    Ok(moved)
}

/// Puts every row of a stream into `storage`, which must be empty.
///
/// # Errors
/// Nothing is imported from a stream that is not whole. If the store fails half-way it holds some of the rows, and a
/// fresh one has to be used to try again.
pub async fn import(storage: &impl Storage, mut input: impl Read + Seek) -> Result<Moved, TransferError> {
    let start = input.stream_position()?;
    let promised = check(&mut input)?;
    if !storage.scan(Range::all(1)).await?.rows.is_empty() {
        return Err(TransferError::NotEmpty);
    }
    input.seek(SeekFrom::Start(start))?;
    let mut rows = Rows::begin(&mut input)?;
    let overhead_bytes = if promised.encrypted { OVERHEAD_BYTES_MAX } else { 0 };
    let empty = Batch { overhead_bytes, ..Batch::default() };
    let mut batch = empty.clone();
    while let Some((key, value)) = rows.next()? {
        batch.writes.push(Write::Put(key, value.into()));
        if batch.size_bytes() >= BATCH_BYTES {
            storage.commit(std::mem::replace(&mut batch, empty.clone())).await?;
        }
    }
    if !batch.writes.is_empty() {
        storage.commit(batch).await?;
    }
    if rows.moved != promised {
        return Err(TransferError::Damaged { what: "it changed while it was read" });
    }
    Ok(promised)
}

/// Reads a stream to its end and says whether it is whole, importing nothing.
///
/// # Errors
/// Whatever would keep it from being imported.
pub fn check(input: impl Read) -> Result<Moved, TransferError> {
    let mut input = input;
    let mut rows = Rows::begin(&mut input)?;
    while rows.next()?.is_some() {}
    let moved = rows.moved;
    if rows.input.inner.read(&mut [0])? != 0 {
        return Err(TransferError::Damaged { what: "something follows its end" });
    }
    Ok(moved)
}

/// A reader or writer that adds up what goes through it.
struct Summing<T> {
    inner: T,
    sum: Xxh3,
}

impl<T> Summing<T> {
    fn over(inner: T) -> Self {
        Self { inner, sum: Xxh3::new() }
    }
}

impl<T: io::Write> Summing<T> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.sum.update(bytes);
        self.inner.write_all(bytes)
    }
}

impl<T: Read> Summing<T> {
    fn read<const BYTES: usize>(&mut self) -> io::Result<[u8; BYTES]> {
        let mut bytes = [0; BYTES];
        self.inner.read_exact(&mut bytes)?;
        self.sum.update(&bytes);
        Ok(bytes)
    }

    fn read_vec(&mut self, bytes: usize) -> io::Result<Vec<u8>> {
        let mut read = vec![0; bytes];
        self.inner.read_exact(&mut read)?;
        self.sum.update(&read);
        Ok(read)
    }
}

/// The rows of a stream, one after another.
struct Rows<R> {
    input: Summing<BufReader<R>>,
    moved: Moved,
}

impl<R: Read> Rows<R> {
    fn begin(input: R) -> Result<Self, TransferError> {
        let mut rows = Self { input: Summing::over(BufReader::new(input)), moved: Moved::default() };
        match rows.input.read::<16>() {
            Ok(magic) if magic == *MAGIC => {}
            Ok(_) => return Err(TransferError::NotRows),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Err(TransferError::NotRows),
            Err(error) => return Err(error.into()),
        }
        let found = u16::from_be_bytes(rows.input.read().map_err(|error| rows.cut_off(error))?);
        if found > VERSION {
            return Err(TransferError::Newer { found, known: VERSION });
        }
        if found == 0 {
            return Err(TransferError::NotRows);
        }
        Ok(rows)
    }

    fn next(&mut self) -> Result<Option<(Key, Vec<u8>)>, TransferError> {
        let row = self.read_row();
        row.map_err(|error| match error {
            TransferError::Io(error) => self.cut_off(error),
            other => other,
        })
    }

    fn read_row(&mut self) -> Result<Option<(Key, Vec<u8>)>, TransferError> {
        let key_bytes = u16::from_be_bytes(self.input.read()?);
        if key_bytes == END {
            self.read_end()?;
            return Ok(None);
        }
        let value_bytes = u32::from_be_bytes(self.input.read()?) as usize;
        // A length is not believed further than a row can be long.
        let value_bytes_max = VALUE_BYTES_MAX + OVERHEAD_BYTES_MAX;
        if usize::from(key_bytes) > KEY_BYTES_MAX || value_bytes > value_bytes_max {
            return Err(TransferError::Damaged { what: "a row is longer than a row can be" });
        }
        let key = Key::new(self.input.read_vec(key_bytes.into())?);
        let value = self.input.read_vec(value_bytes)?;
        self.moved.rows += 1;
        self.moved.value_bytes += value_bytes as u64;
        self.moved.encrypted |= key == RESERVED_KEY;
        Ok(Some((key, value)))
    }

    fn read_end(&mut self) -> Result<(), TransferError> {
        let rows = u64::from_be_bytes(self.input.read()?);
        let sum = self.input.sum.digest128();
        if u128::from_be_bytes(self.input.read()?) != sum || rows != self.moved.rows {
            return Err(TransferError::Damaged { what: "its checksum is not that of its rows" });
        }
        Ok(())
    }

    fn cut_off(&self, error: io::Error) -> TransferError {
        if error.kind() == io::ErrorKind::UnexpectedEof {
            return TransferError::CutOff { rows: self.moved.rows };
        }
        error.into()
    }
}

#[cfg(test)]
mod tests {
    use std::{io::Cursor, sync::Arc};

    use super::*;
    use crate::Memory;

    fn memory() -> Memory {
        Memory::new(Arc::new(|| 1_700_000_000_000))
    }

    async fn filled() -> Memory {
        let store = memory();
        for n in 0..50_usize {
            let write = Write::Put(Key::new(format!("row {n}").into_bytes()), vec![n as u8; n * n].into());
            store.commit(Batch { writes: vec![write], ..Batch::default() }).await.unwrap();
        }
        let empty = Write::Put(Key::from_static(b""), Vec::new().into());
        store.commit(Batch { writes: vec![empty], ..Batch::default() }).await.unwrap();
        store
    }

    async fn values(storage: &impl Storage) -> Vec<(Key, Vec<u8>)> {
        let page = storage.scan(Range::all(1_000)).await.unwrap();
        page.rows.into_iter().map(|(key, row)| (key, row.value.to_vec())).collect()
    }

    async fn exported() -> Vec<u8> {
        let mut stream = Vec::new();
        export(&filled().await, &mut stream).await.unwrap();
        stream
    }

    #[tokio::test]
    async fn what_was_exported_is_what_is_imported() {
        let (from, to) = (filled().await, memory());
        let mut stream = Vec::new();
        let moved = export(&from, &mut stream).await.unwrap();
        assert_eq!(moved.rows, 51);
        assert_eq!(import(&to, Cursor::new(&stream)).await.unwrap(), moved);
        assert_eq!(values(&to).await, values(&from).await);
    }

    #[tokio::test]
    async fn an_export_goes_from_every_backend_to_every_other() {
        let root = tempfile::tempdir().unwrap();
        let options = || crate::Options::new(Arc::new(|| 1_700_000_000_000));
        let from = filled().await;
        let mut stream = Vec::new();
        export(&from, &mut stream).await.unwrap();

        let sled = crate::sled::Sled::open(root.path().join("a"), options()).unwrap();
        import(&sled, Cursor::new(&stream)).await.unwrap();
        let mut again = Vec::new();
        export(&sled, &mut again).await.unwrap();
        assert!(again == stream, "sled gave back another stream");

        let redb = crate::redb::Redb::open(root.path().join("b"), options()).unwrap();
        import(&redb, Cursor::new(&again)).await.unwrap();
        assert_eq!(values(&redb).await, values(&from).await);
    }

    #[tokio::test]
    async fn a_stream_cut_off_anywhere_imports_nothing() {
        let stream = exported().await;
        let store = memory();
        for end in (0..stream.len()).step_by(97).chain([stream.len() - 1]) {
            let refusal = import(&store, Cursor::new(&stream[..end])).await.unwrap_err();
            assert!(
                matches!(refusal, TransferError::CutOff { .. } | TransferError::NotRows),
                "{end} bytes: {refusal}"
            );
        }
        assert!(store.is_empty());
    }

    #[tokio::test]
    async fn a_flipped_bit_anywhere_imports_nothing() {
        let stream = exported().await;
        let store = memory();
        for at in (0..stream.len()).step_by(61).chain(0..80) {
            let mut flipped = stream.clone();
            flipped[at] ^= 0x10;
            assert!(import(&store, Cursor::new(&flipped)).await.is_err(), "byte {at} went unseen");
        }
        assert!(store.is_empty());
    }

    #[tokio::test]
    async fn a_newer_stream_is_named_and_imports_nothing() {
        let mut stream = exported().await;
        stream[16..18].copy_from_slice(&(VERSION + 1).to_be_bytes());
        let store = memory();
        let refusal = import(&store, Cursor::new(&stream)).await.unwrap_err();
        assert!(matches!(refusal, TransferError::Newer { found: 2, known: 1 }), "{refusal}");
        assert!(store.is_empty());
    }

    #[tokio::test]
    async fn rows_are_not_mixed_into_a_store_that_has_some() {
        let stream = exported().await;
        let refusal = import(&filled().await, Cursor::new(&stream)).await.unwrap_err();
        assert!(matches!(refusal, TransferError::NotEmpty), "{refusal}");
    }

    #[tokio::test]
    async fn what_follows_the_end_of_a_stream_is_not_ignored() {
        let mut stream = exported().await;
        stream.push(0);
        assert!(import(&memory(), Cursor::new(&stream)).await.is_err());
    }
}
