//! Rotation of the KEK: a client draws a new one, rewraps every key by it, page by page, and then lets it take the old
//! one's place. Records and whatever else the keys encrypt are not touched.
//!
//! Until the end both KEKs are kept, and every rewrapped key is kept as both wrap it, so a rotation that is interrupted
//! can be gone on with from any device, or cancelled, and no key depends on it. Keys that are added meanwhile are
//! wrapped by the old KEK and have to be rewrapped like the others: the end is refused as long as one is not. DEKs and
//! private keys are keys alike.

use std::collections::BTreeSet;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use strongroom_primitives::{
    id::{AccountId, DekId, KeyPairId},
    time::Timestamp,
};
use strongroom_storage::Key;

use super::{
    KeyHierarchy, StoredKek,
    deks::stored_dek,
    kek::Kek,
    key_pairs::stored_key_pair,
    rows::{StoredRotation, Wrapping},
    wrapped,
};
use crate::{
    command::{Command, Decision, Kind, Moment, Reads, Step, View},
    credential::{Need, Principal},
    error::EngineError,
    keyspace::{self, Keyspace},
};

/// How far a rotation has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RotationStatus {
    /// The generation of the KEK to come.
    pub target: u32,
    /// That KEK, wrapped by the account's PDK.
    pub wrapped: Bytes,
    /// When the rotation began.
    pub began: Timestamp,
    /// Keys that are rewrapped.
    pub done: u64,
    /// All keys.
    pub keys: u64,
}

impl RotationStatus {
    pub(super) fn of(rotation: &StoredRotation, keys: u64) -> Self {
        let StoredRotation { target, wrapped, began, done } = rotation.clone();
        Self { target, wrapped, began, done, keys }
    }
}

/// Begins a rotation.
#[derive(Debug, Clone, Serialize)]
pub struct BeginRotation {
    /// The generation of the KEK that is to be replaced.
    pub generation: u32,
    /// The new KEK, wrapped by the account's PDK.
    pub wrapped: Bytes,
}

impl Command for BeginRotation {
    type Domain = KeyHierarchy;
    type Reply = RotationStatus;
    const NAME: &'static str = "begin_rotation";
    const KIND: Kind = Kind::Write;

    fn needs(&self) -> Need {
        Need::Account
    }

    fn reads(&self, who: &Principal, _: &Keyspace) -> Reads {
        Reads::one(keyspace::kek(who.account))
    }

    fn decide(
        &self,
        view: &View<'_>,
        who: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<RotationStatus>, EngineError> {
        wrapped::check(&self.wrapped, moment.limits.wrapped_key_bytes_max)?;
        let mut kek = StoredKek::of(view, who.account)?;
        kek.check_holder(Some(self.generation), view, who)?;
        if let Some(running) = &kek.rotation {
            return Err(EngineError::RotationRunning { target: running.target });
        }
        let target = kek.next_generation()?;
        kek.last_generation = target;
        let rotation = StoredRotation { target, wrapped: self.wrapped.clone(), began: moment.now, done: 0 };
        let status = RotationStatus::of(&rotation, kek.keys);
        kek.rotation = Some(rotation);
        kek.save(who.account, Decision::reply(status)).done()
    }
}

/// A key that the KEK wraps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum WrappedKeyId {
    /// A DEK.
    Dek(DekId),
    /// The private key of this key pair.
    KeyPair(KeyPairId),
}

impl From<DekId> for WrappedKeyId {
    fn from(id: DekId) -> Self {
        Self::Dek(id)
    }
}

impl From<KeyPairId> for WrappedKeyId {
    fn from(id: KeyPairId) -> Self {
        Self::KeyPair(id)
    }
}

impl WrappedKeyId {
    fn key(self, account: AccountId) -> Key {
        match self {
            Self::Dek(id) => keyspace::dek(account, id),
            Self::KeyPair(id) => keyspace::key_pair(account, id),
        }
    }
}

/// A key as the KEK to come wraps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rewrapped {
    /// Which.
    pub id: WrappedKeyId,
    /// The key, wrapped by the KEK to come.
    pub wrapped: Bytes,
}

/// Keeps some keys as the KEK to come wraps them. All of them or none: a key that is gone, or named twice, refuses the
/// whole (THREATS A-KEY-06). Doing it again changes nothing.
#[derive(Debug, Clone, Serialize)]
pub struct Rewrap {
    /// Which rotation.
    pub target: u32,
    /// The keys, of both kinds; at most 256, and no more than fit in one commit of 16 MiB.
    pub keys: Vec<Rewrapped>,
}

/// The most keys in one [`Rewrap`].
const REWRAP_MAX: usize = 256;

impl Command for Rewrap {
    type Domain = KeyHierarchy;
    type Reply = RotationStatus;
    const NAME: &'static str = "rewrap";
    const KIND: Kind = Kind::Write;

    fn needs(&self) -> Need {
        Need::Account
    }

    fn reads(&self, who: &Principal, _: &Keyspace) -> Reads {
        let keys = self.keys.iter().take(REWRAP_MAX);
        keys.fold(Reads::one(keyspace::kek(who.account)), |reads, key| reads.row(key.id.key(who.account)))
    }

    fn decide(
        &self,
        view: &View<'_>,
        who: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<RotationStatus>, EngineError> {
        let distinct: BTreeSet<WrappedKeyId> = self.keys.iter().map(|key| key.id).collect();
        if self.keys.len() > REWRAP_MAX || distinct.len() < self.keys.len() {
            return Err(EngineError::RewrapList { max: REWRAP_MAX });
        }
        let mut kek = StoredKek::of(view, who.account)?;
        let mut rotation = kek.rotation_to(self.target)?.clone();
        let mut decision = Decision::reply(());
        for Rewrapped { id, wrapped: text } in &self.keys {
            let key = id.key(who.account);
            let mut rewrap = |wrapping: &mut Wrapping, bytes_max: usize| {
                wrapped::check(text, bytes_max)?;
                rotation.done += u64::from(!kek.is_rewrapped(wrapping));
                *wrapping = wrapping.rewrapped(kek.generation, self.target, text.clone())?;
                Ok::<(), EngineError>(())
            };
            decision = match *id {
                WrappedKeyId::Dek(id) => {
                    let mut dek = stored_dek(view, who.account, id)?;
                    rewrap(&mut dek.wrapping, moment.limits.wrapped_key_bytes_max)?;
                    decision.put(key, &dek)
                }
                WrappedKeyId::KeyPair(id) => {
                    let mut pair = stored_key_pair(view, who.account, id)?;
                    rewrap(&mut pair.wrapping, moment.limits.wrapped_private_key_bytes_max)?;
                    decision.put(key, &pair)
                }
            };
        }
        let decision = decision.answer(RotationStatus::of(&rotation, kek.keys));
        kek.rotation = Some(rotation);
        kek.save(who.account, decision).done()
    }
}

/// Lets the new KEK take the old one's place. Refused while a key is not rewrapped.
#[derive(Debug, Clone, Serialize)]
pub struct FinishRotation {
    /// Which rotation.
    pub target: u32,
}

impl Command for FinishRotation {
    type Domain = KeyHierarchy;
    type Reply = Kek;
    const NAME: &'static str = "finish_rotation";
    const KIND: Kind = Kind::Write;

    fn needs(&self) -> Need {
        Need::Account
    }

    fn reads(&self, who: &Principal, _: &Keyspace) -> Reads {
        Reads::one(keyspace::kek(who.account))
    }

    fn decide(
        &self,
        view: &View<'_>,
        who: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<Kek>, EngineError> {
        let before = StoredKek::of(view, who.account)?;
        let rotation = before.rotation_to(self.target)?;
        if rotation.done != before.keys {
            return Err(EngineError::RotationIncomplete { remaining: before.keys.abs_diff(rotation.done) });
        }
        let kek = StoredKek {
            generation: rotation.target,
            wrapped: rotation.wrapped.clone(),
            since: moment.now,
            // Whoever ends a rotation need not be who drew the KEK.
            set_by: None,
            rotation: None,
            ..before
        };
        kek.save(who.account, Decision::reply(kek.clone().into())).done()
    }
}

/// Gives a rotation up. The present KEK stays, and with it every key as it was.
#[derive(Debug, Clone, Serialize)]
pub struct CancelRotation {
    /// Which rotation.
    pub target: u32,
}

impl Command for CancelRotation {
    type Domain = KeyHierarchy;
    type Reply = Kek;
    const NAME: &'static str = "cancel_rotation";
    const KIND: Kind = Kind::Write;

    fn needs(&self) -> Need {
        Need::Account
    }

    fn reads(&self, who: &Principal, _: &Keyspace) -> Reads {
        Reads::one(keyspace::kek(who.account))
    }

    fn decide(&self, view: &View<'_>, who: &Principal, _: &mut Moment<'_>) -> Result<Step<Kek>, EngineError> {
        let before = StoredKek::of(view, who.account)?;
        before.rotation_to(self.target)?;
        let kek = StoredKek { rotation: None, ..before };
        kek.save(who.account, Decision::reply(kek.clone().into())).done()
    }
}
