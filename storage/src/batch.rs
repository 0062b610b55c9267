//! The words of the contract: keys, rows, revisions, guards and batches.

use std::{fmt, sync::Arc, time::Duration};

use bytes::Bytes;

use crate::{StorageError, TooLarge};

/// The longest key, in bytes.
pub const KEY_BYTES_MAX: usize = 256;

/// The largest value, in bytes: 2 MiB.
pub const VALUE_BYTES_MAX: usize = 2 * 1024 * 1024;

/// The most bytes of keys and values in one batch: 16 MiB.
pub const BATCH_BYTES_MAX: usize = 16 * 1024 * 1024;

/// The most bytes that wrappers add to a value, all of them together.
pub const OVERHEAD_BYTES_MAX: usize = 256;

/// The key under which an encrypted store says how it is encrypted. Nobody but the encrypting wrapper writes it.
pub static RESERVED_KEY: Key = Key::from_static(b"\0strongroom encrypted");

/// A key: 0 to [`KEY_BYTES_MAX`] bytes, ordered bytewise. Cheap to clone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(Bytes);

impl Key {
    /// A key of these bytes.
    pub fn new(bytes: impl Into<Bytes>) -> Self {
        Self(bytes.into())
    }

    /// A key of static bytes.
    pub const fn from_static(bytes: &'static [u8]) -> Self {
        Self(Bytes::from_static(bytes))
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The smallest key that is greater than this one.
    pub fn successor(&self) -> Self {
        let mut bytes = Vec::with_capacity(self.0.len() + 1);
        bytes.extend_from_slice(&self.0);
        bytes.push(0);
        Self(bytes.into())
    }

    /// The smallest key that is greater than every key with this prefix; `None` if there is none.
    pub fn prefix_end(&self) -> Option<Self> {
        let last = self.0.iter().rposition(|byte| *byte != 0xff)?;
        let mut bytes = self.0[..=last].to_vec();
        bytes[last] += 1;
        Some(Self(bytes.into()))
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_str(")")
    }
}

/// Names one write of one row. Unique within a store, greater than every earlier revision of the same key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Revision(pub u64);

/// A value and the write that made it.
#[derive(Clone, PartialEq, Eq)]
pub struct Row {
    /// The write that made it.
    pub revision: Revision,
    /// What was written: at most [`VALUE_BYTES_MAX`] bytes, and what wrappers have added.
    pub value: Bytes,
}

impl fmt::Debug for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Row({:?}, {} bytes)", self.revision, self.value.len())
    }
}

/// What must hold for a batch to be applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Guard {
    /// There is no row under this key.
    Absent(Key),
    /// The row under this key is still this write.
    At(Key, Revision),
}

impl Guard {
    /// The guarded key.
    pub fn key(&self) -> &Key {
        match self {
            Self::Absent(key) | Self::At(key, _) => key,
        }
    }

    /// Whether the guard holds when the row's present revision is `found`.
    pub fn holds(&self, found: Option<Revision>) -> bool {
        match self {
            Self::Absent(_) => found.is_none(),
            Self::At(_, revision) => found == Some(*revision),
        }
    }
}

/// One change of one row.
#[derive(Clone, PartialEq, Eq)]
pub enum Write {
    /// Create or replace.
    Put(Key, Bytes),
    /// Remove; a key without a row is no error.
    Delete(Key),
}

impl Write {
    /// The written key.
    pub fn key(&self) -> &Key {
        match self {
            Self::Put(key, _) | Self::Delete(key) => key,
        }
    }
}

impl fmt::Debug for Write {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Put(key, value) => write!(f, "Put({key:?}, {} bytes)", value.len()),
            Self::Delete(key) => write!(f, "Delete({key:?})"),
        }
    }
}

/// A name that followers wait on: 16 opaque bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Topic(pub [u8; 16]);

/// The topics of one or more commits.
pub type Topics = Arc<[Topic]>;

/// Changes that happen together or not at all.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Batch {
    /// What must hold; checked at the instant the batch is applied.
    pub guards: Vec<Guard>,
    /// What changes. At most one write per key; of several the last one counts.
    pub writes: Vec<Write>,
    /// Whom to wake.
    pub topics: Vec<Topic>,
    /// The last instant, in milliseconds since 1970, at which the batch may be applied.
    pub not_after_ms: Option<u64>,
    /// How long a backend may hold the batch back, so that others become durable in the same sync. A backend that gains
    /// nothing by it need not.
    pub patience: Duration,
    /// How many bytes wrappers have added to each value: the limits of values and of the whole are higher by that, so
    /// that who writes through a wrapper meets the same limits. At most [`OVERHEAD_BYTES_MAX`] of them count.
    pub overhead_bytes: usize,
}

impl Batch {
    /// The bytes of all keys and values.
    pub fn size_bytes(&self) -> usize {
        self.writes
            .iter()
            .map(|write| match write {
                Write::Put(key, value) => key.as_bytes().len() + value.len(),
                Write::Delete(key) => key.as_bytes().len(),
            })
            .sum()
    }

    /// Refuses a batch that no backend takes.
    ///
    /// # Errors
    /// [`StorageError::TooLarge`] for a key, a value or the whole.
    pub fn check_limits(&self) -> Result<(), StorageError> {
        let overhead = self.overhead_bytes.min(OVERHEAD_BYTES_MAX);
        for write in &self.writes {
            let bytes = write.key().as_bytes().len();
            if bytes > KEY_BYTES_MAX {
                return Err(StorageError::TooLarge(TooLarge::Key { bytes, max: KEY_BYTES_MAX }));
            }
            if let Write::Put(_, value) = write
                && value.len() > VALUE_BYTES_MAX + overhead
            {
                let (bytes, max) = (value.len(), VALUE_BYTES_MAX);
                return Err(StorageError::TooLarge(TooLarge::Value { bytes, max }));
            }
        }
        let bytes = self.size_bytes();
        if bytes > BATCH_BYTES_MAX + overhead * self.writes.len() {
            return Err(StorageError::TooLarge(TooLarge::Batch { bytes, max: BATCH_BYTES_MAX }));
        }
        Ok(())
    }
}

/// What a commit did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Committed {
    /// The revision of the batch's last write; every row of the batch has this or a smaller one.
    pub revision: Revision,
    /// When it was applied: milliseconds since 1970, never before an earlier commit's.
    pub at_ms: u64,
}
