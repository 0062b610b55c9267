//! A user's keys in the cloud: one encrypted record, changed safely while other devices change it too.
//!
//! Every change rewrites the whole record against the tag of the state it started from. When another device was faster,
//! the record is read again and the change is made again on top of theirs; the change itself decides whether it still
//! makes sense. Nothing is kept on disk here: [`super::sync`] mirrors the keys into a local store.
//!
//! Believe this: no state is used that is older than one already seen, and no record is written that this user's own
//! key could not read and vouch for afterwards.

use std::collections::BTreeMap;
use std::fmt;

use strongroom_primitives::hash::RecordTag;
use strongroom_primitives::secret::Secret;
use strongroom_primitives::sign::{SigningKey, VerifyingKey};
use strongroom_primitives::time::Timestamp;

use super::entries::{self, Entries, EntriesError, Entry};
use super::envelope::{self, EnvelopeError};
use super::local::LocalError;
use super::ports::Ports;
use super::record::{CloudLimits, CloudRecord, RecordStore, Seen, StoreError, Version, WentBack};

/// How often a change is made again because another device was faster.
pub const ATTEMPTS_MAX: u32 = 8;

/// Why keys could not be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum KeyStorageError {
    /// A key of this name is there already.
    #[error("a key named {name:?} exists already")]
    AlreadyExists {
        /// The name.
        name: String,
    },
    /// No key has this name.
    #[error("there is no key named {name:?}")]
    NotFound {
        /// The name.
        name: String,
    },
    /// The user's own public key is not among the readers: what is written so could never be read or trusted again.
    #[error("the own public key is not among the readers")]
    OwnKeyMissing,
    /// Other devices were faster [`ATTEMPTS_MAX`] times in a row.
    #[error("other devices keep changing the record")]
    Contended,
    /// The cloud's answer is larger than [`CloudLimits`] allow.
    #[error("the cloud's answer is larger than allowed")]
    TooLarge,
    /// The cloud acknowledged a write or a reset with a state that is not its result.
    #[error("the cloud acknowledged a change with another state")]
    NotStored,
    /// The cloud shows an empty record where keys were, and [`OnEmpty::Refuse`] holds.
    #[error(
        "the cloud shows no keys at all any more (version {version}); nobody's key is needed to empty a record"
    )]
    Emptied {
        /// The version of the empty record.
        version: Version,
    },
    /// The cloud showed an earlier state, or two states in one.
    #[error(transparent)]
    WentBack(#[from] WentBack),
    /// The record cannot be opened or made.
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
    /// The record opens, but holds no document of keys.
    #[error(transparent)]
    Entries(#[from] EntriesError),
    /// The record store failed.
    #[error(transparent)]
    Store(StoreError),
    /// The local store failed; the cloud has been changed all the same where a change was asked for.
    #[error(transparent)]
    Local(#[from] LocalError),
}

/// Who writes, and for whom: the user's private key, and the public keys of all who read and whose writing counts.
#[derive(Debug, Clone)]
pub struct UserKeys {
    own: SigningKey,
    readers: Vec<VerifyingKey>,
}

impl UserKeys {
    /// Puts them together; `readers` includes the public half of `own`.
    ///
    /// # Errors
    /// [`KeyStorageError::OwnKeyMissing`].
    pub fn new(own: SigningKey, readers: Vec<VerifyingKey>) -> Result<Self, KeyStorageError> {
        if readers.contains(&own.verifying_key()) {
            Ok(Self { own, readers })
        } else {
            Err(KeyStorageError::OwnKeyMissing)
        }
    }

    /// The private key that signs and opens.
    pub(crate) fn own(&self) -> &SigningKey {
        &self.own
    }

    /// The public keys of all who read, and whose writing counts.
    pub(crate) fn readers(&self) -> &[VerifyingKey] {
        &self.readers
    }
}

/// What to do when the cloud shows an empty record where keys were before.
///
/// A reset needs a token and no key, and an empty record carries nobody's signature: a server alone can show one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnEmpty {
    /// Report [`KeyStorageError::Emptied`] and keep what was read before: the user decides.
    Refuse,
    /// Believe it, as the published clients do after a reset on another device.
    Follow,
}

/// What a caller wants kept under a name.
#[derive(Clone)]
pub struct NewEntry {
    /// What the user calls it.
    pub name: String,
    /// The key itself.
    pub data: Secret,
    /// Notes beside it.
    pub meta: Option<BTreeMap<String, String>>,
}

impl fmt::Debug for NewEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewEntry").field("name", &self.name).field("data", &self.data).finish_non_exhaustive()
    }
}

/// The keys of one user in the cloud.
#[derive(Debug)]
pub struct CloudKeyStorage<S> {
    store: S,
    keys: UserKeys,
    ports: Ports,
    limits: CloudLimits,
    on_empty: OnEmpty,
    seen: Option<Seen>,
    held: Option<Held>,
}

/// The state that the next change starts from.
#[derive(Debug)]
struct Held {
    tag: RecordTag,
    is_empty: bool,
    entries: Entries,
}

impl<S: RecordStore> CloudKeyStorage<S> {
    /// Over a store, with nothing read yet and [`OnEmpty::Refuse`]. `seen` is the evidence kept from before, if any.
    pub fn new(store: S, keys: UserKeys, ports: Ports, limits: CloudLimits, seen: Option<Seen>) -> Self {
        Self { store, keys, ports, limits, on_empty: OnEmpty::Refuse, seen, held: None }
    }

    /// Says what an empty record means from now on.
    pub fn set_on_empty(&mut self, on_empty: OnEmpty) {
        self.on_empty = on_empty;
    }

    /// The newest state shown so far; to be kept for next time.
    pub fn seen(&self) -> Option<Seen> {
        self.seen
    }

    /// Forgets the evidence, after the user has confirmed that the record really went back (a restored server, say).
    pub fn forget_seen(&mut self) {
        self.seen = None;
        self.held = None;
    }

    /// Whether the record, as last read, has no contents at all: never written, or reset. `None` before any reading.
    pub fn is_empty(&self) -> Option<bool> {
        self.held.as_ref().map(|held| held.is_empty)
    }

    /// Reads the record and gives all keys in it.
    ///
    /// # Errors
    /// [`KeyStorageError`]; what was read before stays as it was.
    pub async fn retrieve_all(&mut self) -> Result<&Entries, KeyStorageError> {
        let record = self.store.get().await.map_err(KeyStorageError::Store)?;
        self.take(record).map(|held| &held.entries)
    }

    /// Stores a key under a name that is not taken.
    ///
    /// # Errors
    /// [`KeyStorageError`].
    pub async fn store(&mut self, entry: NewEntry) -> Result<Entry, KeyStorageError> {
        let mut stored = self.store_many(vec![entry]).await?;
        Ok(stored.pop().expect("one key in, one key out"))
    }

    /// Stores several keys in one write, or none of them.
    ///
    /// # Errors
    /// [`KeyStorageError`].
    pub async fn store_many(&mut self, new: Vec<NewEntry>) -> Result<Vec<Entry>, KeyStorageError> {
        self.change(|entries, now| new.iter().map(|new| insert(entries, new, now)).collect()).await
    }

    /// Gives a key new data and notes; its date of creation stays. A name that is not there yet is stored.
    ///
    /// # Errors
    /// [`KeyStorageError`].
    pub async fn update(&mut self, new: NewEntry) -> Result<Entry, KeyStorageError> {
        self.change(|entries, now| {
            let created_at = entries.get(&new.name).map_or(now, |old| old.created_at);
            let entry = dated(&new, created_at, now);
            entries.insert(entry.name.clone(), entry.clone());
            Ok(entry)
        })
        .await
    }

    /// Removes one key.
    ///
    /// # Errors
    /// [`KeyStorageError`].
    pub async fn delete(&mut self, name: &str) -> Result<(), KeyStorageError> {
        self.delete_many(&[name]).await
    }

    /// Removes several keys in one write, or none of them.
    ///
    /// # Errors
    /// [`KeyStorageError`].
    pub async fn delete_many(&mut self, names: &[&str]) -> Result<(), KeyStorageError> {
        self.change(|entries, _| {
            for name in names {
                let found = entries.remove(*name);
                found.ok_or_else(|| KeyStorageError::NotFound { name: (*name).to_owned() })?;
            }
            Ok(())
        })
        .await
    }

    /// Empties the record. Needs no reading before and no key that opens it, so it is also the way out when neither is
    /// to be had.
    ///
    /// # Errors
    /// [`KeyStorageError`].
    pub async fn delete_all(&mut self) -> Result<(), KeyStorageError> {
        let record = self.store.reset().await.map_err(KeyStorageError::Store)?;
        if !record.is_empty() {
            return Err(KeyStorageError::NotStored);
        }
        self.admit(&record)?;
        self.held = Some(Held { tag: record.tag, is_empty: true, entries: Entries::new() });
        Ok(())
    }

    /// Encrypts the record anew for other readers, and under another private key where one is given. An empty record
    /// is not written; the keys count from its next write on.
    ///
    /// # Errors
    /// [`KeyStorageError`]; the keys stay as they were.
    pub async fn update_recipients(
        &mut self,
        own: Option<SigningKey>,
        readers: Vec<VerifyingKey>,
    ) -> Result<(), KeyStorageError> {
        let keys = UserKeys::new(own.unwrap_or_else(|| self.keys.own.clone()), readers)?;
        self.retrieve_all().await?;
        if self.is_empty() == Some(false) {
            self.write(&keys, |_, _| Ok(())).await?;
        }
        self.keys = keys;
        Ok(())
    }

    async fn change<T>(
        &mut self,
        edit: impl FnMut(&mut Entries, Timestamp) -> Result<T, KeyStorageError>,
    ) -> Result<T, KeyStorageError> {
        if self.held.is_none() {
            self.retrieve_all().await?;
        }
        let keys = self.keys.clone();
        self.write(&keys, edit).await
    }

    /// Makes one change on the held state and writes it under `keys`, again and again while others are faster.
    async fn write<T>(
        &mut self,
        keys: &UserKeys,
        mut edit: impl FnMut(&mut Entries, Timestamp) -> Result<T, KeyStorageError>,
    ) -> Result<T, KeyStorageError> {
        for _ in 0..ATTEMPTS_MAX {
            let held = self.held.as_ref().expect("every caller has read the record");
            let mut entries = held.entries.clone();
            let outcome = edit(&mut entries, self.ports.clock.now())?;
            if entries.len() > self.limits.entries_max {
                return Err(EntriesError::TooMany.into());
            }
            let plain = entries::write(&entries);
            let envelope = envelope::seal(&plain, &keys.own, &keys.readers, &*self.ports.entropy)?;
            let record = match self.store.put(&envelope, &held.tag).await {
                Ok(record) if record.holds(&envelope) => record,
                Ok(_) => return Err(KeyStorageError::NotStored),
                Err(StoreError::Stale) => {
                    let record = self.store.get().await.map_err(KeyStorageError::Store)?;
                    // A first try may have arrived while its answer was lost; every envelope is unlike any other, so
                    // finding this one means that it is done.
                    if !record.holds(&envelope) {
                        self.take(record)?;
                        continue;
                    }
                    record
                }
                Err(error) => return Err(KeyStorageError::Store(error)),
            };
            self.admit(&record)?;
            self.held = Some(Held { tag: record.tag, is_empty: false, entries });
            return Ok(outcome);
        }
        Err(KeyStorageError::Contended)
    }

    /// Takes over a state that the cloud showed: within bounds, not from the past, and opened.
    fn take(&mut self, record: CloudRecord) -> Result<&Held, KeyStorageError> {
        let limits = self.limits;
        if record.meta.len() > limits.meta_bytes_max || record.value.len() > limits.value_bytes_max {
            return Err(KeyStorageError::TooLarge);
        }
        let had_keys = self.seen.is_some_and(|seen| seen.is_stored());
        if record.is_empty() && had_keys && self.on_empty == OnEmpty::Refuse {
            self.check(&record)?;
            return Err(KeyStorageError::Emptied { version: record.version });
        }
        let plain = envelope::open(&record.meta, &record.value, &self.keys.own, &self.keys.readers)?;
        let entries = entries::read(&plain, limits.entries_max)?;
        self.admit(&record)?;
        Ok(self.held.insert(Held { tag: record.tag, is_empty: record.is_empty(), entries }))
    }

    fn admit(&mut self, record: &CloudRecord) -> Result<(), WentBack> {
        self.seen = Some(self.check(record)?);
        Ok(())
    }

    /// The evidence as it would be after this state.
    fn check(&self, record: &CloudRecord) -> Result<Seen, WentBack> {
        self.seen.as_ref().map_or(Ok(Seen::of(record)), |seen| seen.admit(record))
    }
}

fn insert(entries: &mut Entries, new: &NewEntry, now: Timestamp) -> Result<Entry, KeyStorageError> {
    if entries.contains_key(&new.name) {
        return Err(KeyStorageError::AlreadyExists { name: new.name.clone() });
    }
    let entry = dated(new, now, now);
    entries.insert(entry.name.clone(), entry.clone());
    Ok(entry)
}

fn dated(new: &NewEntry, created_at: Timestamp, modified_at: Timestamp) -> Entry {
    Entry { name: new.name.clone(), data: new.data.clone(), meta: new.meta.clone(), created_at, modified_at }
}

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
