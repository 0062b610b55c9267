//! How wrapped keys lie in storage.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use strongroom_primitives::{
    id::{AccountId, DekId, KeyPairId, SessionId},
    time::Timestamp,
};

use super::{ExternalIdentifier, wrapped};
use crate::{
    codec::Stored,
    command::{Decision, Moment, Reads, View},
    credential::Principal,
    domains::sessions::{StoredSession, srp::KekUnderNewPassphrase},
    error::{EngineError, Quota},
    feed::Event,
    keyspace,
};

/// The generation of an account's first KEK.
const FIRST_GENERATION: u32 = 1;

/// The KEK of an account, and the one that is to replace it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredKek {
    pub(crate) generation: u32,
    /// The KEK, wrapped by the account's PDK.
    pub(crate) wrapped: Bytes,
    /// When it became the present one.
    pub(crate) since: Timestamp,
    /// How many keys it wraps.
    pub(crate) keys: u64,
    /// The highest generation that was ever given out.
    pub(crate) last_generation: u32,
    /// The session whose caller set it, and therefore holds it.
    pub(crate) set_by: Option<SessionId>,
    pub(crate) rotation: Option<StoredRotation>,
}

impl Stored for StoredKek {}

/// A rotation that has begun.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredRotation {
    /// The generation of the KEK to come.
    pub(crate) target: u32,
    /// That KEK, wrapped by the account's PDK.
    pub(crate) wrapped: Bytes,
    pub(crate) began: Timestamp,
    /// How many keys are wrapped by it already.
    pub(crate) done: u64,
}

impl StoredKek {
    /// The KEK of an account, which has been read.
    ///
    /// # Errors
    /// [`EngineError::UnknownKey`] if there is none.
    pub(super) fn of(view: &View<'_>, account: AccountId) -> Result<Self, EngineError> {
        view.row(&keyspace::kek(account))?.ok_or(EngineError::UnknownKey)
    }

    /// An account's first KEK, which wraps nothing yet.
    pub(super) fn first(wrapped: Bytes, who: &Principal, now: Timestamp) -> Self {
        Self {
            generation: FIRST_GENERATION,
            wrapped,
            since: now,
            keys: 0,
            last_generation: FIRST_GENERATION,
            set_by: who.session,
            rotation: None,
        }
    }

    /// Another KEK in this one's place, which wraps nothing yet.
    pub(super) fn replaced(
        &self,
        wrapped: Bytes,
        who: &Principal,
        now: Timestamp,
    ) -> Result<Self, EngineError> {
        let generation = self.next_generation()?;
        Ok(Self { generation, last_generation: generation, ..Self::first(wrapped, who, now) })
    }

    /// A generation that was never given out.
    pub(super) fn next_generation(&self) -> Result<u32, EngineError> {
        self.last_generation.checked_add(1).ok_or(EngineError::Fault)
    }

    /// The rows that [`StoredKek::check_holder`] looks at.
    pub(super) fn reads_of_holder(who: &Principal) -> Reads {
        let reads = Reads::one(keyspace::kek(who.account));
        match who.session {
            Some(session) => reads.row(keyspace::session(session)),
            None => reads,
        }
    }

    /// Refuses a caller who may hold a KEK that is no longer the present one: one who names another generation, or
    /// names none and comes neither with the session that set the KEK nor with one that was opened after that.
    pub(super) fn check_holder(
        &self,
        named: Option<u32>,
        view: &View<'_>,
        who: &Principal,
    ) -> Result<(), EngineError> {
        let holds = match (named, who.session) {
            (Some(generation), _) => generation == self.generation,
            // There has been no other.
            (None, _) if self.generation == FIRST_GENERATION => true,
            (None, Some(session)) if self.set_by == Some(session) => true,
            (None, Some(session)) => {
                let stored: Option<StoredSession> = view.row(&keyspace::session(session))?;
                stored.is_some_and(|stored| stored.opened > self.since)
            }
            (None, None) => false,
        };
        if holds { Ok(()) } else { Err(EngineError::StaleKek { generation: self.generation }) }
    }

    /// The rotation with this target.
    pub(super) fn rotation_to(&self, target: u32) -> Result<&StoredRotation, EngineError> {
        let rotation = self.rotation.as_ref().filter(|rotation| rotation.target == target);
        rotation.ok_or(EngineError::UnknownRotation)
    }

    /// Counts one key more.
    ///
    /// # Errors
    /// [`EngineError::QuotaExceeded`] if the account has `max` of them.
    pub(super) fn count_in(&mut self, max: u64) -> Result<(), EngineError> {
        if self.keys >= max {
            return Err(EngineError::QuotaExceeded { what: Quota::Keys, max });
        }
        self.keys += 1;
        Ok(())
    }

    /// Counts one key less: the one that is wrapped like this.
    pub(super) fn count_out(&mut self, wrapping: &Wrapping) {
        let was_rewrapped = self.is_rewrapped(wrapping);
        self.keys = self.keys.saturating_sub(1);
        if let Some(rotation) = &mut self.rotation {
            rotation.done = rotation.done.saturating_sub(u64::from(was_rewrapped));
        }
    }

    /// Whether a rotation is under way and has yet to rewrap this key.
    pub(super) fn is_pending(&self, wrapping: &Wrapping) -> bool {
        self.rotation.is_some() && !self.is_rewrapped(wrapping)
    }

    pub(super) fn is_rewrapped(&self, wrapping: &Wrapping) -> bool {
        self.rotation.as_ref().is_some_and(|rotation| wrapping.is_for(rotation.target))
    }

    /// The same KEK, and the one to come, as the PDK of a new passphrase wraps them.
    ///
    /// # Errors
    /// [`EngineError::StaleKek`] if it is not given, or another; [`EngineError::RotationRunning`] and
    /// [`EngineError::UnknownRotation`] where what is given does not fit the rotation under way.
    pub(crate) fn under_new_passphrase(
        self,
        given: Option<&KekUnderNewPassphrase>,
        moment: &Moment<'_>,
    ) -> Result<Self, EngineError> {
        let given = given.filter(|given| given.generation == self.generation);
        let given = given.ok_or(EngineError::StaleKek { generation: self.generation })?;
        let max = moment.limits.wrapped_key_bytes_max;
        wrapped::check(&given.wrapped, max)?;
        let rotation = match (self.rotation, &given.target) {
            (None, None) => None,
            (Some(running), Some((target, text))) if *target == running.target => {
                wrapped::check(text, max)?;
                Some(StoredRotation { wrapped: text.clone(), ..running })
            }
            (Some(running), _) => return Err(EngineError::RotationRunning { target: running.target }),
            (None, Some(_)) => return Err(EngineError::UnknownRotation),
        };
        Ok(Self { wrapped: given.wrapped.clone(), rotation, ..self })
    }

    /// Writes the row and tells the account's followers.
    pub(crate) fn save<R>(&self, account: AccountId, decision: Decision<R>) -> Decision<R> {
        let event = Event::KeysChanged { generation: self.generation };
        decision.put(keyspace::kek(account), self).tell(account, event)
    }
}

/// A key as it is wrapped by the present KEK, and, while a rotation runs, by the next one as well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Wrapping {
    generation: u32,
    text: Bytes,
    /// The generation of another KEK, and the key wrapped by that. What is left of a cancelled rotation counts for
    /// nothing, because its generation never comes again.
    other: Option<(u32, Bytes)>,
}

impl Wrapping {
    pub(super) fn new(generation: u32, text: Bytes) -> Self {
        Self { generation, text, other: None }
    }

    /// Whether the key is wrapped by the KEK of this generation.
    fn is_for(&self, generation: u32) -> bool {
        self.generation == generation || self.other.as_ref().is_some_and(|(other, _)| *other == generation)
    }

    /// The key as the KEK of `generation` wraps it.
    ///
    /// # Errors
    /// [`EngineError::Corrupt`] if it does not.
    pub(super) fn under(&self, generation: u32) -> Result<&Bytes, EngineError> {
        match &self.other {
            _ if self.generation == generation => Ok(&self.text),
            Some((other, text)) if *other == generation => Ok(text),
            _ => Err(EngineError::Corrupt),
        }
    }

    /// The same key, kept as the present KEK wraps it and as the one to come does.
    pub(super) fn rewrapped(&self, present: u32, target: u32, text: Bytes) -> Result<Self, EngineError> {
        Ok(Self { generation: present, text: self.under(present)?.clone(), other: Some((target, text)) })
    }
}

/// One data-encryption key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredDek {
    pub(crate) id: DekId,
    pub(crate) wrapping: Wrapping,
    pub(crate) created: Timestamp,
}

impl Stored for StoredDek {}

/// One key pair.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredKeyPair {
    pub(crate) id: KeyPairId,
    /// The private key.
    pub(crate) wrapping: Wrapping,
    pub(crate) created: Timestamp,
    /// The public key, as it was given.
    pub(crate) public_key: String,
    /// SHA-256 of the public key's SubjectPublicKeyInfo in DER.
    pub(crate) fingerprint: [u8; 32],
    pub(crate) external_identifiers: Vec<ExternalIdentifier>,
    pub(crate) metadata: Bytes,
}

impl Stored for StoredKeyPair {}

/// Which key pair goes by a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredExternalIdentifier {
    pub(crate) key_pair: KeyPairId,
}

impl Stored for StoredExternalIdentifier {}
