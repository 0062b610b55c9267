//! Records whose content is a Keyknox envelope: signed, encrypted for several readers, and held against what was shown
//! before.
//!
//! Believe this: the server sees neither key nor plaintext, nothing is encrypted to a key that the caller did not hand
//! over, nothing is accepted that a key of the caller's list did not sign, and no head that went back. What an envelope
//! does not bind is its place: a server can show one record of a writer under another record's name to a reader who
//! has seen neither. Who needs that too puts the name into the plaintext.

use std::sync::{Mutex, PoisonError};

use strongroom_primitives::hash::RecordTag;
use strongroom_primitives::id::Subject;
use strongroom_primitives::secret::Secret;
use strongroom_primitives::sign::VerifyingKey;
use strongroom_wire::{RecordDocument, RecordHead};

use crate::client::Client;
use crate::error::{BoxError, ClientError};
use crate::heads::SeenHeads;
use crate::keyknox::envelope;
use crate::keyknox::key_storage::UserKeys;
use crate::name::RecordName;
use crate::records::{Content, Put, Records};

/// A record that was opened.
#[derive(Debug, Clone)]
pub struct Opened {
    /// Its head.
    pub head: RecordHead,
    /// What was sealed.
    pub plain: Secret,
}

/// Sealed records of one user.
#[derive(Debug)]
pub struct SealedRecords {
    records: Records,
    keys: UserKeys,
    seen: Mutex<SeenHeads>,
}

impl SealedRecords {
    /// Over a client. `keys`: who writes, who reads, and whose writing counts. `seen`: the evidence kept from before.
    pub fn new(client: &Client, keys: UserKeys, seen: SeenHeads) -> Self {
        Self { records: client.records(), keys, seen: Mutex::new(seen) }
    }

    /// The evidence so far; to be kept for next time.
    pub fn seen(&self) -> SeenHeads {
        self.lock().clone()
    }

    /// Forgets a record's evidence, after the user has confirmed that the record really went back.
    pub fn forget(&self, owner: &Subject, name: &RecordName) {
        self.lock().forget(owner, name.parts());
    }

    /// Reads and opens a record of the caller's own; `None` if there is none.
    ///
    /// # Errors
    /// [`ClientError::Envelope`] for one that is not for this user or that nobody vouches for,
    /// [`ClientError::RolledBack`], [`ClientError::Forked`], and those of reading.
    pub async fn get(&self, name: impl Into<RecordName>) -> Result<Option<Opened>, ClientError> {
        let Some(record) = self.records.get(name.into()).await? else { return Ok(None) };
        self.admit(&record.head).await?;
        self.open(record, self.keys.readers()).map(Some)
    }

    /// Reads and opens a record that somebody shares with the caller, signed by one of `writers`; `None` if there is
    /// none that the caller may read.
    ///
    /// # Errors
    /// As [`SealedRecords::get`].
    pub async fn get_of(
        &self,
        owner: &Subject,
        name: impl Into<RecordName>,
        writers: &[VerifyingKey],
    ) -> Result<Option<Opened>, ClientError> {
        let Some(record) = self.records.get_of(owner, name.into()).await? else { return Ok(None) };
        // History is the owner's, so only what one head says of the next can be told.
        self.lock().admit(&record.head, &[])?;
        self.open(record, writers).map(Some)
    }

    /// Seals and writes a record: over the state that `tag` names, or as a new one. `share_with` may read it from then
    /// on, as far as the server is concerned; what they can open depends on the readers' keys.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn put(
        &self,
        name: impl Into<RecordName>,
        plain: &Secret,
        tag: Option<RecordTag>,
        share_with: Vec<Subject>,
    ) -> Result<RecordHead, ClientError> {
        let (name, content) = (name.into(), self.seal(plain)?);
        let put = match tag {
            Some(tag) => Put::replace(name, content, tag),
            None => Put::create(name, content),
        };
        let head = self.records.put(put.share_with(share_with)).await?;
        self.admit(&head).await?;
        Ok(head)
    }

    /// Changes a record whatever others do meanwhile; as [`Records::put_with`], with what was sealed in it.
    ///
    /// # Errors
    /// Those of [`Records::put_with`] and of [`SealedRecords::get`].
    pub async fn put_with(
        &self,
        name: impl Into<RecordName>,
        mut change: impl FnMut(Option<&Secret>) -> Result<Option<Secret>, BoxError>,
    ) -> Result<Option<RecordHead>, ClientError> {
        let name = name.into();
        let mut refused = None;
        let changed = self
            .records
            .put_with(&name, |present| {
                let opened = present.map(|record| self.open(record.clone(), self.keys.readers())).transpose();
                let opened = opened.map_err(|error| keep(&mut refused, error))?;
                let Some(plain) = change(opened.as_ref().map(|opened| &opened.plain))? else {
                    return Ok(None);
                };
                self.seal(&plain).map(Some).map_err(|error| keep(&mut refused, error))
            })
            .await;
        // What went wrong in here is told as what it is, not as a failure of the caller's function.
        let head = changed.map_err(|error| refused.unwrap_or(error))?;
        if let Some(head) = &head {
            self.admit(head).await?;
        }
        Ok(head)
    }

    async fn admit(&self, head: &RecordHead) -> Result<(), ClientError> {
        let after = self.lock().needs_history(head);
        let between = match after {
            Some(after) => self.records.history(head.name.clone(), Some(after)).await?,
            None => Vec::new(),
        };
        self.lock().admit(head, &between)
    }

    fn open(&self, record: RecordDocument, writers: &[VerifyingKey]) -> Result<Opened, ClientError> {
        let plain = envelope::open(&record.meta.0, &record.value.0, self.keys.own(), writers)?;
        Ok(Opened { head: record.head, plain: Secret::from(&plain[..]) })
    }

    fn seal(&self, plain: &Secret) -> Result<Content, ClientError> {
        let entropy = &*self.records.client().options.ports.entropy;
        let sealed = envelope::seal(plain.expose(), self.keys.own(), self.keys.readers(), entropy)?;
        Ok(Content { meta: sealed.meta.into(), value: sealed.value.into() })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, SeenHeads> {
        // Nothing panics while it is held; poisoned, it is still whole.
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Keeps an error for the way back and stands in for it on the way through.
fn keep(kept: &mut Option<ClientError>, error: ClientError) -> BoxError {
    let text = error.to_string();
    *kept = Some(error);
    text.into()
}
