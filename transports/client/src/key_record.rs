//! The one record of a user's keys at a server: what [`crate::keyknox::key_storage`] asks of whoever carries it.
//!
//! The published clients' record is the native record `keyknox-v1`, so what is stored through one door is read through
//! the other.

use strongroom_primitives::hash::RecordTag;
use strongroom_wire::{Base64Bytes, Operation, Previous, RecordDocument, Reply};

use crate::checks::wrong_kind;
use crate::client::Client;
use crate::error::{ClientError, ErrorKind};
use crate::keyknox::envelope::Envelope;
use crate::keyknox::record::{CloudRecord, RecordStore, StoreError, Version};
use crate::name::SINGLE_NAME;

/// How often an emptying is tried again because others were faster.
const TRIES_MAX: u32 = 8;
const FIRST: Version = Version { major: 1, minor: 0 };

/// The record of a user's keys, over whatever link the client has.
#[derive(Debug, Clone)]
pub struct KeyRecord {
    client: Client,
}

impl KeyRecord {
    /// At the client's server, of the client's caller.
    pub fn new(client: Client) -> Self {
        Self { client }
    }

    async fn read(&self) -> Result<Option<CloudRecord>, ClientError> {
        let Some(RecordDocument { head, meta, value }) = self.client.records().get(SINGLE_NAME).await? else {
            return Ok(None);
        };
        let version = version(&head.version)?;
        Ok(Some(CloudRecord { meta: meta.0.into(), value: value.0.into(), version, tag: head.tag }))
    }

    async fn write(&self, envelope: &Envelope, previous: &RecordTag) -> Result<CloudRecord, ClientError> {
        let operation = Operation::PutRecord {
            name: vec![SINGLE_NAME.to_owned()],
            meta: Base64Bytes(envelope.meta.clone().into()),
            value: Base64Bytes(envelope.value.clone().into()),
            previous: Some(Previous::Tag(*previous)),
            recipients: Vec::new(),
        };
        let Reply::Head(head) = self.client.ask(operation).await? else { return Err(wrong_kind()) };
        // The tag of the answer was checked to be that of exactly these contents in exactly this version.
        let (meta, value) = (envelope.meta.clone(), envelope.value.clone());
        Ok(CloudRecord { meta, value, version: version(&head.version)?, tag: head.tag })
    }

    async fn empty(&self) -> Result<CloudRecord, ClientError> {
        for _ in 0..TRIES_MAX {
            let Some(present) = self.read().await? else { return Ok(empty(FIRST)) };
            match self.client.records().delete(SINGLE_NAME, Some(present.tag)).await {
                // From exactly that state there is one state to come to: nothing, in the next major version.
                Ok(()) => {
                    return Ok(empty(Version { major: present.version.major.saturating_add(1), minor: 0 }));
                }
                Err(error) if error.kind() == ErrorKind::Conflict => {}
                Err(error) => return Err(error),
            }
        }
        Err(ClientError::Contended { tries: TRIES_MAX })
    }
}

impl RecordStore for KeyRecord {
    async fn get(&self) -> Result<CloudRecord, StoreError> {
        self.read().await.map(|record| record.unwrap_or_else(|| empty(FIRST))).map_err(store_error)
    }

    async fn put(&self, envelope: &Envelope, previous: &RecordTag) -> Result<CloudRecord, StoreError> {
        self.write(envelope, previous).await.map_err(store_error)
    }

    async fn reset(&self) -> Result<CloudRecord, StoreError> {
        self.empty().await.map_err(store_error)
    }
}

fn empty(version: Version) -> CloudRecord {
    let tag = RecordTag::v1(&[], &[], &version.to_string());
    CloudRecord { meta: Vec::new(), value: Vec::new(), version, tag }
}

fn version(text: &str) -> Result<Version, ClientError> {
    text.parse().map_err(|_| ClientError::protocol("its version is not one"))
}

fn store_error(error: ClientError) -> StoreError {
    match error.kind() {
        ErrorKind::Conflict => StoreError::Stale,
        _ => StoreError::Failed(Box::new(error)),
    }
}
