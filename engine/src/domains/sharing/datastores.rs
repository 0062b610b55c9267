//! Datastores: created, listed and read by the account that they belong to.

use serde::{Deserialize, Serialize};
use strongroom_primitives::{
    id::{AccountId, DatastoreId},
    time::Timestamp,
};

use super::{
    DATASTORE_TEXT_CHARS_MAX, Sharing, check_data, check_key,
    rows::{StoredDatastore, StoredDatastores},
};
use crate::{
    boxed::Boxed,
    command::{Command, Decision, Kind, Moment, Reads, Step, View},
    credential::{Access, Need, Principal},
    error::{EngineError, Quota},
    keyspace::{self, Keyspace},
};

/// What a list shows of a datastore.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatastoreInfo {
    /// Which.
    pub id: DatastoreId,
    /// What clients keep in it, such as `password`. Together with the description unique within the account.
    pub kind: String,
    /// What people know it by.
    pub description: String,
    /// Whether it is the one that clients open for its type. At most one of each type is.
    pub is_default: bool,
}

/// A datastore.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Datastore {
    /// What a list shows of it.
    pub info: DatastoreInfo,
    /// What it holds, sealed with its key; `None` until it is first saved.
    pub data: Option<Boxed>,
    /// Its key, sealed with the account's.
    pub secret_key: Boxed,
    /// When it was written last.
    pub written: Timestamp,
}

/// The rows of the account's datastores and of one of them.
pub(super) fn reads_of(account: AccountId, id: DatastoreId) -> Reads {
    Reads::one(keyspace::datastores(account)).row(keyspace::datastore(account, id))
}

/// The account's datastores, which have been read.
pub(super) fn stored_list(view: &View<'_>, account: AccountId) -> Result<StoredDatastores, EngineError> {
    Ok(view.row(&keyspace::datastores(account))?.unwrap_or_default())
}

/// One of them. Somebody else's is one that never was (THREATS A-KEY-02).
pub(super) fn stored(
    view: &View<'_>,
    account: AccountId,
    id: DatastoreId,
) -> Result<StoredDatastore, EngineError> {
    view.row(&keyspace::datastore(account, id))?.ok_or(EngineError::UnknownDatastore)
}

pub(super) fn check_text(field: &'static str, text: &str) -> Result<(), EngineError> {
    // A character has four bytes at most: what is longer than that need not be counted.
    let fits = text.len() <= 4 * DATASTORE_TEXT_CHARS_MAX && text.chars().count() <= DATASTORE_TEXT_CHARS_MAX;
    let max = DATASTORE_TEXT_CHARS_MAX;
    if fits { Ok(()) } else { Err(EngineError::FieldSize { field, bytes: text.len(), max }) }
}

impl StoredDatastores {
    /// Refuses a type and description that another datastore has.
    pub(super) fn check_unique(&self, candidate: &DatastoreInfo) -> Result<(), EngineError> {
        let same = |one: &DatastoreInfo| {
            one.id != candidate.id && one.kind == candidate.kind && one.description == candidate.description
        };
        if self.list.iter().any(same) { Err(EngineError::DatastoreExists) } else { Ok(()) }
    }

    /// Makes room for a default datastore: no other of its type is one.
    pub(super) fn clear_default(&mut self, kind: &str) {
        self.list.iter_mut().filter(|one| one.kind == kind).for_each(|one| one.is_default = false);
    }
}

/// Creates a datastore.
#[derive(Debug, Clone, Serialize)]
pub struct CreateDatastore {
    /// What clients keep in it; at most 64 characters.
    pub kind: String,
    /// What people know it by; at most 64 characters.
    pub description: String,
    /// What it holds, sealed with its key.
    pub data: Option<Boxed>,
    /// Its key, sealed with the account's; at most 256 bytes.
    pub secret_key: Boxed,
    /// Whether clients open it for its type. The one they opened until now is then no longer the default.
    pub is_default: bool,
}

impl Command for CreateDatastore {
    type Domain = Sharing;
    type Reply = DatastoreId;
    const NAME: &'static str = "create_datastore";
    const KIND: Kind = Kind::Write;

    fn needs(&self) -> Need {
        Need::Keyed(Access::Write)
    }

    fn reads(&self, who: &Principal, _: &Keyspace) -> Reads {
        Reads::one(keyspace::datastores(who.account))
    }

    fn decide(
        &self,
        view: &View<'_>,
        who: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<DatastoreId>, EngineError> {
        check_text("type", &self.kind)?;
        check_text("description", &self.description)?;
        self.data.iter().try_for_each(|data| check_data(data, moment.limits))?;
        check_key("secret_key", &self.secret_key)?;
        let mut datastores = stored_list(view, who.account)?;
        let max = moment.limits.account_datastores_max;
        if datastores.list.len() >= max {
            return Err(EngineError::QuotaExceeded { what: Quota::Datastores, max: max as u64 });
        }
        let id = DatastoreId::from_bytes(moment.entropy.array());
        let (kind, description) = (self.kind.clone(), self.description.clone());
        let info = DatastoreInfo { id, kind, description, is_default: self.is_default };
        datastores.check_unique(&info)?;
        if self.is_default {
            datastores.clear_default(&self.kind);
        }
        datastores.list.push(info);
        let (data, secret_key) = (self.data.clone(), self.secret_key.clone());
        let stored = StoredDatastore { data, secret_key, written: moment.now };
        Decision::reply(id)
            .put(keyspace::datastores(who.account), &datastores)
            .put(keyspace::datastore(who.account, id), &stored)
            .done()
    }
}

/// Lists the caller's datastores in the order of their creation: clients take the first of a type.
#[derive(Debug, Clone, Serialize)]
pub struct ListDatastores {}

impl Command for ListDatastores {
    type Domain = Sharing;
    type Reply = Vec<DatastoreInfo>;
    const NAME: &'static str = "list_datastores";
    const KIND: Kind = Kind::Read;

    fn needs(&self) -> Need {
        Need::Keyed(Access::Read)
    }

    fn reads(&self, who: &Principal, _: &Keyspace) -> Reads {
        Reads::one(keyspace::datastores(who.account))
    }

    fn decide(
        &self,
        view: &View<'_>,
        who: &Principal,
        _: &mut Moment<'_>,
    ) -> Result<Step<Vec<DatastoreInfo>>, EngineError> {
        Decision::reply(stored_list(view, who.account)?.list).done()
    }
}

/// Reads a datastore of the caller's.
#[derive(Debug, Clone, Serialize)]
pub struct GetDatastore {
    /// Which.
    pub id: DatastoreId,
}

impl Command for GetDatastore {
    type Domain = Sharing;
    type Reply = Datastore;
    const NAME: &'static str = "get_datastore";
    const KIND: Kind = Kind::Read;

    fn needs(&self) -> Need {
        Need::Keyed(Access::Read)
    }

    fn reads(&self, who: &Principal, _: &Keyspace) -> Reads {
        reads_of(who.account, self.id)
    }

    fn decide(
        &self,
        view: &View<'_>,
        who: &Principal,
        _: &mut Moment<'_>,
    ) -> Result<Step<Datastore>, EngineError> {
        let StoredDatastore { data, secret_key, written } = stored(view, who.account, self.id)?;
        let list = stored_list(view, who.account)?.list;
        let info = list.into_iter().find(|one| one.id == self.id).ok_or(EngineError::Corrupt)?;
        Decision::reply(Datastore { info, data, secret_key, written }).done()
    }
}
