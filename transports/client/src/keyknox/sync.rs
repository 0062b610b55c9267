//! Keys in the cloud, mirrored on this machine: changed there first, then here; read here.
//!
//! Synchronising follows the published clients: what only the cloud has is saved, what the cloud changed later is
//! updated, what only the local store has is deleted. One thing is added. An empty cloud record carries nobody's
//! signature, so a server alone could wipe every device with it; [`OnEmpty`] says whether it is believed.

use strongroom_primitives::sign::{SigningKey, VerifyingKey};

use super::entries::{Entries, Entry};
use super::key_storage::{CloudKeyStorage, KeyStorageError, NewEntry, OnEmpty};
use super::local::{Changes, Evidence, LocalStore};
use super::record::RecordStore;

/// What one synchronisation did, by name.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct SyncReport {
    /// Came from the cloud.
    pub saved: Vec<String>,
    /// Were changed in the cloud later than here.
    pub updated: Vec<String>,
    /// Are in the cloud no more.
    pub deleted: Vec<String>,
}

/// The keys of one user, in the cloud and here.
///
/// The local store blocks for a few milliseconds on each change; an executor that minds should give this a thread.
#[derive(Debug)]
pub struct SyncKeyStorage<S, L> {
    cloud: CloudKeyStorage<S>,
    local: L,
}

impl<S: RecordStore, L: LocalStore> SyncKeyStorage<S, L> {
    /// Joins both. `cloud` should have been given the evidence that `local` holds.
    pub fn new(cloud: CloudKeyStorage<S>, local: L) -> Self {
        Self { cloud, local }
    }

    /// All keys, as of the last synchronisation or change.
    pub fn entries(&self) -> &Entries {
        self.local.entries()
    }

    /// One key, if it is there.
    pub fn retrieve(&self, name: &str) -> Option<&Entry> {
        self.local.entries().get(name)
    }

    /// Brings the local store to what the cloud holds.
    ///
    /// # Errors
    /// [`KeyStorageError`]; then the local keys stay as they were.
    pub async fn sync(&mut self, on_empty: OnEmpty) -> Result<SyncReport, KeyStorageError> {
        self.cloud.set_on_empty(on_empty);
        let read = self.cloud.retrieve_all().await.cloned();
        // Following is for this once: a later change must not find an emptied record and build on it.
        self.cloud.set_on_empty(OnEmpty::Refuse);
        let (cloud, local) = (read?, self.local.entries());
        let mut report = SyncReport::default();
        let mut put = Vec::new();
        for (name, theirs) in cloud.iter() {
            match local.get(name) {
                None => report.saved.push(name.clone()),
                Some(ours) if theirs.modified_at > ours.modified_at => report.updated.push(name.clone()),
                Some(_) => continue,
            }
            put.push(theirs.clone());
        }
        report.deleted = local.keys().filter(|name| !cloud.contains_key(*name)).cloned().collect();
        self.apply(put, report.deleted.clone())?;
        Ok(report)
    }

    /// Stores a key under a name that is taken neither here nor in the cloud.
    ///
    /// # Errors
    /// [`KeyStorageError`].
    pub async fn store(&mut self, entry: NewEntry) -> Result<(), KeyStorageError> {
        self.store_many(vec![entry]).await
    }

    /// Stores several keys, or none of them.
    ///
    /// # Errors
    /// [`KeyStorageError`].
    pub async fn store_many(&mut self, new: Vec<NewEntry>) -> Result<(), KeyStorageError> {
        let taken = new.iter().find(|entry| self.local.entries().contains_key(&entry.name));
        if let Some(entry) = taken {
            return Err(KeyStorageError::AlreadyExists { name: entry.name.clone() });
        }
        let stored = self.cloud.store_many(new).await?;
        self.apply(stored, Vec::new())
    }

    /// Gives a key new data and notes; a name that is not there yet is stored.
    ///
    /// # Errors
    /// [`KeyStorageError`].
    pub async fn update(&mut self, new: NewEntry) -> Result<(), KeyStorageError> {
        let updated = self.cloud.update(new).await?;
        self.apply(vec![updated], Vec::new())
    }

    /// Removes several keys, or none of them.
    ///
    /// # Errors
    /// [`KeyStorageError`].
    pub async fn delete_many(&mut self, names: &[&str]) -> Result<(), KeyStorageError> {
        self.cloud.delete_many(names).await?;
        self.apply(Vec::new(), names.iter().map(|name| (*name).to_owned()).collect())
    }

    /// Removes everything, in the cloud and here. Needs no reading before.
    ///
    /// # Errors
    /// [`KeyStorageError`].
    pub async fn delete_all(&mut self) -> Result<(), KeyStorageError> {
        self.cloud.delete_all().await?;
        let names = self.local.entries().keys().cloned().collect();
        self.apply(Vec::new(), names)
    }

    /// Encrypts the cloud record anew for other readers; the local store keeps its own lock.
    ///
    /// # Errors
    /// [`KeyStorageError`].
    pub async fn update_recipients(
        &mut self,
        own: Option<SigningKey>,
        readers: Vec<VerifyingKey>,
    ) -> Result<(), KeyStorageError> {
        self.cloud.update_recipients(own, readers).await?;
        self.apply(Vec::new(), Vec::new())
    }

    /// Forgets the evidence here and in memory, after the user has confirmed that the cloud really went back.
    ///
    /// # Errors
    /// [`KeyStorageError::Local`].
    pub fn forget_seen(&mut self) -> Result<(), KeyStorageError> {
        self.local.apply(Changes { evidence: Evidence::Forget, ..Changes::default() })?;
        self.cloud.forget_seen();
        Ok(())
    }

    /// Keys and evidence go into one local change, so that no crash leaves keys newer than the evidence.
    fn apply(&mut self, put: Vec<Entry>, remove: Vec<String>) -> Result<(), KeyStorageError> {
        let evidence = self.cloud.seen().map_or(Evidence::Keep, Evidence::Raise);
        self.local.apply(Changes { put, remove, evidence })?;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
