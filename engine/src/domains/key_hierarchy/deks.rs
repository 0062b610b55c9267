//! DEKs: any number up to the quota, each wrapped by the account's KEK. What they are for, only clients know.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use strongroom_primitives::{
    id::{AccountId, DekId},
    time::Timestamp,
};
use strongroom_storage::Key;

use super::{
    KeyHierarchy, StoredKek,
    rows::{StoredDek, Wrapping},
    wrapped,
};
use crate::{
    command::{Command, Decision, Kind, Moment, Reads, Step, View},
    credential::{Need, Principal},
    error::EngineError,
    keyspace::{self, Keyspace},
};

/// A wrapped DEK.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dek {
    /// Which.
    pub id: DekId,
    /// The generation of the KEK that wraps it.
    pub generation: u32,
    /// The DEK, wrapped by that KEK.
    pub wrapped: Bytes,
    /// Since when it is kept.
    pub created: Timestamp,
}

impl Dek {
    fn of(stored: StoredDek, kek: &StoredKek) -> Result<Self, EngineError> {
        let wrapped = stored.wrapping.under(kek.generation)?.clone();
        Ok(Self { id: stored.id, generation: kek.generation, wrapped, created: stored.created })
    }
}

/// The rows of the KEK and of one DEK.
fn reads_of(account: AccountId, id: DekId) -> Reads {
    Reads::one(keyspace::kek(account)).row(keyspace::dek(account, id))
}

/// A DEK that has been read. Somebody else's is one that never was (THREATS A-KEY-02).
pub(super) fn stored_dek(view: &View<'_>, account: AccountId, id: DekId) -> Result<StoredDek, EngineError> {
    view.row(&keyspace::dek(account, id))?.ok_or(EngineError::UnknownKey)
}

/// Keeps a new DEK.
#[derive(Debug, Clone, Serialize)]
pub struct CreateDek {
    /// The DEK, wrapped by the present KEK: a cryppo string.
    pub wrapped: Bytes,
    /// The generation of the KEK that wraps it. `None` if the caller does not know: then only a session that was
    /// opened under the present KEK is believed to hold it.
    pub generation: Option<u32>,
}

impl Command for CreateDek {
    type Domain = KeyHierarchy;
    type Reply = Dek;
    const NAME: &'static str = "create_dek";
    const KIND: Kind = Kind::Write;

    fn needs(&self) -> Need {
        Need::Account
    }

    fn reads(&self, who: &Principal, _: &Keyspace) -> Reads {
        StoredKek::reads_of_holder(who)
    }

    fn decide(
        &self,
        view: &View<'_>,
        who: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<Dek>, EngineError> {
        wrapped::check(&self.wrapped, moment.limits.wrapped_key_bytes_max)?;
        let mut kek = StoredKek::of(view, who.account)?;
        kek.check_holder(self.generation, view, who)?;
        kek.count_in(moment.limits.account_keys_max)?;
        let id = DekId::from_bytes(moment.entropy.array());
        let wrapping = Wrapping::new(kek.generation, self.wrapped.clone());
        let stored = StoredDek { id, wrapping, created: moment.now };
        let decision = Decision::reply(Dek::of(stored.clone(), &kek)?);
        kek.save(who.account, decision.put(keyspace::dek(who.account, id), &stored)).done()
    }
}

/// Reads a DEK.
#[derive(Debug, Clone, Serialize)]
pub struct GetDek {
    /// Which.
    pub id: DekId,
}

impl Command for GetDek {
    type Domain = KeyHierarchy;
    type Reply = Dek;
    const NAME: &'static str = "get_dek";
    const KIND: Kind = Kind::Read;

    fn needs(&self) -> Need {
        Need::Account
    }

    fn reads(&self, who: &Principal, _: &Keyspace) -> Reads {
        reads_of(who.account, self.id)
    }

    fn decide(&self, view: &View<'_>, who: &Principal, _: &mut Moment<'_>) -> Result<Step<Dek>, EngineError> {
        let stored = stored_dek(view, who.account, self.id)?;
        Decision::reply(Dek::of(stored, &StoredKek::of(view, who.account)?)?).done()
    }
}

/// Forgets a DEK. What it encrypts is lost.
#[derive(Debug, Clone, Serialize)]
pub struct DeleteDek {
    /// Which.
    pub id: DekId,
}

impl Command for DeleteDek {
    type Domain = KeyHierarchy;
    type Reply = ();
    const NAME: &'static str = "delete_dek";
    const KIND: Kind = Kind::Write;

    fn needs(&self) -> Need {
        Need::Account
    }

    fn reads(&self, who: &Principal, _: &Keyspace) -> Reads {
        reads_of(who.account, self.id)
    }

    fn decide(&self, view: &View<'_>, who: &Principal, _: &mut Moment<'_>) -> Result<Step<()>, EngineError> {
        let stored = stored_dek(view, who.account, self.id)?;
        let mut kek = StoredKek::of(view, who.account)?;
        kek.count_out(&stored.wrapping);
        let decision = Decision::reply(()).delete(keyspace::dek(who.account, self.id));
        kek.save(who.account, decision).done()
    }
}

/// Lists the caller's DEKs. The order means nothing.
#[derive(Debug, Clone, Serialize)]
pub struct ListDeks {
    /// Whether only those are listed that the rotation under way has yet to rewrap.
    pub pending: bool,
    /// Where to go on: the `next` of the page before.
    pub from: Option<Vec<u8>>,
    /// At most so many are looked at; clamped to the engine's page limit.
    pub limit: usize,
}

/// A page of DEKs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DekPage {
    /// The DEKs.
    pub deks: Vec<Dek>,
    /// Where to go on, if there may be more.
    pub next: Option<Vec<u8>>,
}

impl Command for ListDeks {
    type Domain = KeyHierarchy;
    type Reply = DekPage;
    const NAME: &'static str = "list_deks";
    const KIND: Kind = Kind::Read;

    fn needs(&self) -> Need {
        Need::Account
    }

    fn reads(&self, who: &Principal, _: &Keyspace) -> Reads {
        let from = self.from.as_ref().map(|bytes| Key::new(bytes.clone()));
        let kek = keyspace::kek(who.account);
        Reads::none().range(keyspace::deks(who.account), from, self.limit.clamp(1, 256), kek)
    }

    fn decide(
        &self,
        view: &View<'_>,
        who: &Principal,
        _: &mut Moment<'_>,
    ) -> Result<Step<DekPage>, EngineError> {
        let kek = StoredKek::of(view, who.account)?;
        let (rows, next) = view.range::<StoredDek>(&keyspace::deks(who.account))?;
        let wanted = rows.into_iter().map(|(_, stored)| stored);
        let deks = wanted
            .filter(|stored| !self.pending || kek.is_pending(&stored.wrapping))
            .map(|stored| Dek::of(stored, &kek))
            .collect::<Result<_, _>>()?;
        Decision::reply(DekPage { deks, next: next.map(|key| key.as_bytes().to_vec()) }).done()
    }
}
