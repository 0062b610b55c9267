//! Records as a caller sees them: named pairs of opaque bytes, replaced by compare-and-set.
//!
//! Nothing here encrypts; [`crate::SealedRecords`] does. Answers are checked against their questions before they are
//! handed out.

use std::fmt;

use bytes::Bytes;
use strongroom_primitives::hash::RecordTag;
use strongroom_primitives::id::{IdempotencyKey, Subject};
use strongroom_wire::{
    Base64Bytes, GrantInfo, NamePage, Operation, Previous, ReceiptDocument, RecordDocument, RecordHead,
    RecordInfo, Reply, VersionInfo,
};

use crate::checks::wrong_kind;
use crate::client::Client;
use crate::error::{BoxError, ClientError, ErrorKind};
use crate::name::{RecordName, checked_prefix};

/// How often [`Records::put_with`] makes a change again because others were faster.
pub const MERGES_MAX: u32 = 16;
/// Most rows that a listing collects, over all its pages.
pub const LIST_ROWS_MAX: usize = 100_000;

/// What a record holds.
#[derive(Clone, PartialEq, Eq)]
pub struct Content {
    /// Opaque bytes; by convention what is needed to decrypt `value`. At most 64 KiB.
    pub meta: Bytes,
    /// Opaque bytes. At most 100 KiB.
    pub value: Bytes,
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Content({} + {} bytes)", self.meta.len(), self.value.len())
    }
}

/// A write of one record.
#[derive(Debug, Clone)]
pub struct Put {
    name: RecordName,
    content: Content,
    previous: Option<Previous>,
    recipients: Vec<Subject>,
    key: Option<IdempotencyKey>,
}

impl Put {
    /// Creates a record; refused as a conflict if there is one.
    pub fn create(name: impl Into<RecordName>, content: Content) -> Self {
        let previous = Some(Previous::Absent);
        Self { name: name.into(), content, previous, recipients: Vec::new(), key: None }
    }

    /// Replaces the state that `tag` names, and no other.
    pub fn replace(name: impl Into<RecordName>, content: Content, tag: RecordTag) -> Self {
        Self { previous: Some(Previous::Tag(tag)), ..Self::create(name, content) }
    }

    /// Adds to those who may read the record beside its owner.
    #[must_use]
    pub fn share_with(mut self, recipients: impl IntoIterator<Item = Subject>) -> Self {
        self.recipients.extend(recipients);
        self
    }

    /// Under a key of the caller's own, kept by them, so that the same write can be repeated after a restart. Repeated
    /// within 24 hours, it gets its first answer.
    #[must_use]
    pub fn under_key(self, key: IdempotencyKey) -> Self {
        Self { key: Some(key), ..self }
    }
}

/// The records of one caller at one server.
#[derive(Debug, Clone)]
pub struct Records {
    client: Client,
}

impl Records {
    pub(crate) fn new(client: Client) -> Self {
        Self { client }
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// Reads a record of the caller's own; `None` if there is none.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn get(&self, name: impl Into<RecordName>) -> Result<Option<RecordDocument>, ClientError> {
        self.read(None, name.into()).await
    }

    /// Reads a record of somebody else's; `None` if there is none that the caller may read.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn get_of(
        &self,
        owner: &Subject,
        name: impl Into<RecordName>,
    ) -> Result<Option<RecordDocument>, ClientError> {
        self.read(Some(owner.clone()), name.into()).await
    }

    async fn read(
        &self,
        owner: Option<Subject>,
        name: RecordName,
    ) -> Result<Option<RecordDocument>, ClientError> {
        match self.client.ask(Operation::GetRecord { owner, name: name.checked()? }).await {
            Ok(Reply::Record(record)) => Ok(Some(record)),
            Ok(_) => Err(wrong_kind()),
            Err(error) if error.is_problem("unknown-record") => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Creates or replaces a record. A conflict carries the present head in its problem.
    ///
    /// # Errors
    /// [`ClientError`], and [`ClientError::OutcomeUnknown`] where no try told what became of it.
    pub async fn put(&self, put: Put) -> Result<RecordHead, ClientError> {
        let Put { name, content: Content { meta, value }, previous, recipients, key } = put;
        let (name, meta, value) = (name.checked()?, Base64Bytes(meta), Base64Bytes(value));
        let operation = Operation::PutRecord { name, meta, value, previous, recipients };
        let reply = match key {
            Some(key) => self.client.ask_with_key(operation, Some(key)).await?,
            None => self.client.ask(operation).await?,
        };
        head(reply)
    }

    /// Changes a record whatever others do meanwhile: `change` is given the present state, or `None`, and says what the
    /// record should hold, or `None` to leave it. When somebody else was faster it is given their state and asked
    /// again, at most [`MERGES_MAX`] times. Returns the head as it is then.
    ///
    /// # Errors
    /// [`ClientError::Contended`], [`ClientError::Change`] with whatever `change` failed with, and the errors of
    /// reading and writing.
    pub async fn put_with(
        &self,
        name: impl Into<RecordName>,
        mut change: impl FnMut(Option<&RecordDocument>) -> Result<Option<Content>, BoxError>,
    ) -> Result<Option<RecordHead>, ClientError> {
        let name = name.into();
        for lost in 1..=MERGES_MAX {
            let present = self.get(&name).await?;
            let Some(content) = change(present.as_ref()).map_err(ClientError::Change)? else {
                return Ok(present.map(|record| record.head));
            };
            let put = match &present {
                Some(record) => Put::replace(&name, content, record.head.tag),
                None => Put::create(&name, content),
            };
            match self.put(put).await {
                Err(error) if error.kind() == ErrorKind::Conflict => {
                    let options = &self.client.options;
                    tokio::time::sleep(options.backoff.after(lost.min(4), &*options.ports.entropy)).await;
                }
                written => return written.map(Some),
            }
        }
        Err(ClientError::Contended { tries: MERGES_MAX })
    }

    /// Deletes a record; with `tag`, only in that state. The single record of Keyknox version 1 is emptied instead.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn delete(
        &self,
        name: impl Into<RecordName>,
        tag: Option<RecordTag>,
    ) -> Result<(), ClientError> {
        let (name, previous) = (name.into().checked()?, tag.map(Previous::Tag));
        self.client.ask(Operation::DeleteRecord { name, previous }).await.map(drop)
    }

    /// Lists records whose names begin so; all of them without a prefix. At most [`LIST_ROWS_MAX`]. `owner`: whose;
    /// `None` for the caller's own.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn list(
        &self,
        owner: Option<&Subject>,
        prefix: &[&str],
    ) -> Result<Vec<RecordInfo>, ClientError> {
        let mut rows = Rows::default();
        loop {
            let prefix = checked_prefix(prefix.iter().map(|part| (*part).to_owned()).collect())?;
            let (owner, cursor) = (owner.cloned(), rows.cursor.clone());
            let NamePage { records, next } =
                match self.client.ask(Operation::ListRecords { owner, prefix, cursor, limit: None }).await? {
                    Reply::Names(page) => page,
                    _ => return Err(wrong_kind()),
                };
            if !rows.take(records, next)? {
                return Ok(rows.rows);
            }
        }
    }

    /// Lists what others have shared with the caller. At most [`LIST_ROWS_MAX`].
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn grants(&self) -> Result<Vec<GrantInfo>, ClientError> {
        let mut rows = Rows::default();
        loop {
            let cursor = rows.cursor.clone();
            match self.client.ask(Operation::ListGrants { cursor, limit: None }).await? {
                Reply::Grants(page) if !rows.take(page.grants.clone(), page.next.clone())? => {
                    return Ok(rows.rows);
                }
                Reply::Grants(_) => {}
                _ => return Err(wrong_kind()),
            }
        }
    }

    /// Lists the versions that history keeps of a record of the caller's own, oldest first, after a sequence number.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn history(
        &self,
        name: impl Into<RecordName>,
        mut after: Option<u64>,
    ) -> Result<Vec<VersionInfo>, ClientError> {
        let name = name.into().checked()?;
        let mut versions: Vec<VersionInfo> = Vec::new();
        loop {
            let page = match self.client.ask(Operation::History { name: name.clone(), after }).await? {
                Reply::History(page) => page,
                _ => return Err(wrong_kind()),
            };
            versions.extend(page.versions);
            match page.next_after {
                None => return Ok(versions),
                Some(_) if versions.len() > LIST_ROWS_MAX => return Err(endless()),
                Some(next) if after.is_none_or(|after| next > after) => after = Some(next),
                Some(_) => return Err(endless()),
            }
        }
    }

    /// Reads a former version.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn version(
        &self,
        name: impl Into<RecordName>,
        sequence: u64,
    ) -> Result<RecordDocument, ClientError> {
        match self.client.ask(Operation::GetVersion { name: name.into().checked()?, sequence }).await? {
            Reply::Record(record) => Ok(record),
            _ => Err(wrong_kind()),
        }
    }

    /// Makes a former version the head again; with `tag`, only over that state.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn undo(
        &self,
        name: impl Into<RecordName>,
        sequence: u64,
        tag: Option<RecordTag>,
    ) -> Result<RecordHead, ClientError> {
        let (name, previous) = (name.into().checked()?, tag.map(Previous::Tag));
        head(self.client.ask(Operation::UndoRecord { name, sequence, previous }).await?)
    }

    /// Says who may read a record from now on, and who may not any longer. Returns all who may.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn share(
        &self,
        name: impl Into<RecordName>,
        add: Vec<Subject>,
        remove: Vec<Subject>,
    ) -> Result<Vec<Subject>, ClientError> {
        match self.client.ask(Operation::ShareRecord { name: name.into().checked()?, add, remove }).await? {
            Reply::Shared(shared) => Ok(shared.recipients),
            _ => Err(wrong_kind()),
        }
    }

    /// Deletes all records whose names begin so, the single one excepted; or, with `recipient`, takes only that one's
    /// access to them back. Returns how many there were.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn reset(&self, prefix: &[&str], recipient: Option<Subject>) -> Result<u64, ClientError> {
        let prefix = checked_prefix(prefix.iter().map(|part| (*part).to_owned()).collect())?;
        match self.client.ask(Operation::ResetRecords { prefix, recipient }).await? {
            Reply::Reset(done) => Ok(done.count),
            _ => Err(wrong_kind()),
        }
    }

    /// The server's signature under a record's present head; [`crate::check_receipt`] verifies it. `owner`: whose
    /// record; `None` for the caller's own.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn receipt(
        &self,
        owner: Option<&Subject>,
        name: impl Into<RecordName>,
    ) -> Result<ReceiptDocument, ClientError> {
        let (owner, name) = (owner.cloned(), name.into().checked()?);
        match self.client.ask(Operation::Receipt { owner, name }).await? {
            Reply::Receipt(receipt) => Ok(receipt),
            _ => Err(wrong_kind()),
        }
    }
}

fn head(reply: Reply) -> Result<RecordHead, ClientError> {
    match reply {
        Reply::Head(head) => Ok(head),
        _ => Err(wrong_kind()),
    }
}

/// A server that never comes to an end.
fn endless() -> ClientError {
    ClientError::protocol("its list has no end")
}

/// Pages being collected.
pub(crate) struct Rows<T> {
    pub(crate) rows: Vec<T>,
    pub(crate) cursor: Option<String>,
    pages: usize,
}

impl<T> Default for Rows<T> {
    fn default() -> Self {
        Self { rows: Vec::new(), cursor: None, pages: 0 }
    }
}

impl<T> Rows<T> {
    /// Takes a page in. Returns whether there is another.
    pub(crate) fn take(&mut self, rows: Vec<T>, next: Option<String>) -> Result<bool, ClientError> {
        self.rows.extend(rows);
        self.pages += 1;
        // Pages may be empty where nothing on them is the caller's to see, but not without end.
        if self.rows.len() > LIST_ROWS_MAX
            || self.pages > LIST_ROWS_MAX / 10
            || (next.is_some() && next == self.cursor)
        {
            return Err(endless());
        }
        self.cursor = next;
        Ok(self.cursor.is_some())
    }
}
