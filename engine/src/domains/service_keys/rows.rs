//! The rows of chains and their keys.

use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use strongroom_primitives::{
    dc1::{ChainId, KeyId, permissions::PermissionsDocument},
    sign,
    time::Timestamp,
};

use super::{Form, KeyKind, SIGNATURE_SLACK, ServiceKeyInfo, ServiceSecret, check_sealed, secret::Which};
use crate::{codec::Stored, command::Moment, error::EngineError};

/// How many chains there are.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredChainCount {
    pub(crate) chains: u64,
}

impl Stored for StoredChainCount {}

/// A chain. Written with every change of its keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredChain {
    pub(crate) id: ChainId,
    pub(crate) root: KeyId,
    pub(crate) since: Timestamp,
    /// Keys that there are, the root key included.
    pub(crate) keys: u64,
    /// Ids that were drawn for keys.
    pub(crate) drawn: u64,
}

impl Stored for StoredChain {}

/// A key of a chain.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredServiceKey {
    pub(crate) id: KeyId,
    pub(crate) nickname: String,
    pub(crate) root: bool,
    pub(crate) registered: Timestamp,
    pub(crate) permissions: Arc<PermissionsDocument>,
    pub(crate) expires: Option<Timestamp>,
    /// For good: no change makes a key one of another kind.
    pub(crate) kind: KeyKind,
    /// Which of its secrets or public keys is the present one, counted from 0.
    pub(crate) generation: u32,
    pub(crate) held: Held,
    pub(crate) previous: Option<StoredPrevious>,
}

impl Stored for StoredServiceKey {}

/// What the server holds to check signatures with.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Held {
    /// A secret, sealed.
    Sealed(Vec<u8>),
    /// A public key: its 32 bytes, which are looked at as the row is read.
    Public(#[serde(serialize_with = "write_public", deserialize_with = "read_public")] sign::VerifyingKey),
}

impl Held {
    /// A secret as it is kept.
    ///
    /// # Errors
    /// [`EngineError::StoreNotEncrypted`].
    pub(super) fn seal(
        which: Which<'_>,
        secret: &ServiceSecret,
        moment: &Moment<'_>,
    ) -> Result<Self, EngineError> {
        check_sealed(moment)?;
        Ok(Self::Sealed(moment.secrets.service_keys().seal(which, secret, moment.entropy)))
    }

    pub(super) fn public_key(&self) -> Option<&sign::VerifyingKey> {
        match self {
            Self::Sealed(_) => None,
            Self::Public(key) => Some(key),
        }
    }
}

fn write_public<S: Serializer>(key: &sign::VerifyingKey, serializer: S) -> Result<S::Ok, S::Error> {
    key.as_bytes().serialize(serializer)
}

fn read_public<'de, D: Deserializer<'de>>(deserializer: D) -> Result<sign::VerifyingKey, D::Error> {
    let bytes = <[u8; 32]>::deserialize(deserializer)?;
    sign::VerifyingKey::from_bytes(&bytes).map_err(de::Error::custom)
}

/// What was held before what is held now.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredPrevious {
    pub(crate) held: Held,
    /// The last instant at which it signs.
    pub(crate) until: Timestamp,
}

impl StoredServiceKey {
    /// One that signs with the public key of a private key whose seed is all sevens.
    #[cfg(test)]
    pub(crate) fn sample() -> Self {
        Self {
            id: KeyId::draw(&[1; 32]),
            nickname: "build".to_owned(),
            root: false,
            registered: Timestamp::from_ms(1_780_000_000_000),
            permissions: Arc::new(PermissionsDocument::for_root()),
            expires: None,
            kind: KeyKind::Ed25519,
            generation: 1,
            held: Held::Public(sign::SigningKey::from_seed(&[7; 32]).verifying_key()),
            previous: Some(StoredPrevious {
                held: Held::Sealed(vec![9; 3]),
                until: Timestamp::from_ms(1_780_000_000_000),
            }),
        }
    }

    pub(crate) fn is_good(&self, now: Timestamp) -> bool {
        self.expires.is_none_or(|expires| now <= expires)
    }

    /// What was held before, as long as it signs.
    pub(crate) fn previous_at(&self, now: Timestamp) -> Option<&StoredPrevious> {
        self.previous.as_ref().filter(|previous| now <= previous.until)
    }

    pub(super) fn info(&self, last_used: Option<Timestamp>, now: Timestamp) -> ServiceKeyInfo {
        ServiceKeyInfo {
            id: self.id.clone(),
            nickname: self.nickname.clone(),
            root: self.root,
            registered: self.registered,
            permissions: (*self.permissions).clone(),
            kind: self.kind,
            public_key: self.held.public_key().map(|key| *key.as_bytes()),
            expires: self.expires,
            last_used,
            overlap_until: self.previous_at(now).map(|previous| previous.until),
        }
    }
}

/// Where the key is that is named by its id alone. Written once and kept after the key is deleted, so an id says the
/// same for ever.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredKeyPlace {
    pub(crate) chain: ChainId,
}

impl Stored for StoredKeyPlace {}

/// A key id was in use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredRetired {
    pub(crate) at: Timestamp,
}

impl Stored for StoredRetired {}

/// The last use of a key that is written down.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredKeyUse {
    pub(crate) id: KeyId,
    pub(crate) at: Timestamp,
}

impl Stored for StoredKeyUse {}

/// A signature was taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredSignature {
    pub(crate) form: Form,
    /// The time that the request says.
    pub(crate) at: Timestamp,
    /// The last instant at which it is remembered.
    pub(crate) until: Timestamp,
}

impl Stored for StoredSignature {}

impl StoredSignature {
    pub(super) fn taken(form: Form, at: Timestamp, moment: &Moment<'_>) -> Self {
        let window = form.window(moment.limits).max(form.window_kept());
        Self { form, at, until: at.saturating_add(window).saturating_add(SIGNATURE_SLACK) }
    }
}
