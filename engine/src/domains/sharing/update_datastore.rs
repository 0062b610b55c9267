//! Saving and deleting datastores.

use serde::{Serialize, Serializer};
use strongroom_primitives::{id::DatastoreId, secret::SecretText, time::Timestamp};

use super::{
    Sharing, Written, check_data, check_key, check_previous,
    datastores::{check_text, reads_of, stored, stored_list},
};
use crate::{
    boxed::Boxed,
    command::{Command, Decision, Kind, Moment, Reads, Step, View},
    credential::{Access, Need, Principal},
    domains::{admission::by_digest, people::PasswordAgain},
    error::EngineError,
    keyspace::{self, Keyspace},
};

/// Saves a datastore: what is not given stays as it is.
#[derive(Debug, Clone, Serialize)]
pub struct UpdateDatastore {
    /// Which.
    pub id: DatastoreId,
    /// What it holds, sealed with its key.
    pub data: Option<Boxed>,
    /// Its key, sealed with the account's; at most 256 bytes.
    pub secret_key: Option<Boxed>,
    /// What people know it by; at most 64 characters.
    pub description: Option<String>,
    /// Whether clients open it for its type.
    pub is_default: Option<bool>,
    /// When it was written last, as far as the caller knows: the write is refused if that was at another time.
    pub previous: Option<Timestamp>,
}

impl Command for UpdateDatastore {
    type Domain = Sharing;
    type Reply = Written;
    const NAME: &'static str = "update_datastore";
    const KIND: Kind = Kind::Write;

    fn needs(&self) -> Need {
        Need::Keyed(Access::Write)
    }

    fn reads(&self, who: &Principal, _: &Keyspace) -> Reads {
        reads_of(who.account, self.id)
    }

    fn decide(
        &self,
        view: &View<'_>,
        who: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<Written>, EngineError> {
        self.data.iter().try_for_each(|data| check_data(data, moment.limits))?;
        self.secret_key.iter().try_for_each(|key| check_key("secret_key", key))?;
        self.description.iter().try_for_each(|text| check_text("description", text))?;
        let mut datastore = stored(view, who.account, self.id)?;
        check_previous(self.previous, datastore.written)?;
        let written = Written::after(datastore.written, moment.now);
        datastore.written = written.at;
        datastore.data = self.data.clone().or(datastore.data);
        datastore.secret_key = self.secret_key.clone().unwrap_or(datastore.secret_key);
        let decision = Decision::reply(written).put(keyspace::datastore(who.account, self.id), &datastore);

        let before = stored_list(view, who.account)?;
        let mut datastores = before.clone();
        let at = datastores.list.iter().position(|one| one.id == self.id).ok_or(EngineError::Corrupt)?;
        let mut info = datastores.list[at].clone();
        info.description = self.description.clone().unwrap_or(info.description);
        info.is_default = self.is_default.unwrap_or(info.is_default);
        datastores.check_unique(&info)?;
        if info.is_default {
            datastores.clear_default(&info.kind);
        }
        datastores.list[at] = info;
        // Every walk of the account's is guarded by the list, so it is written only where it changes.
        if datastores == before {
            return decision.done();
        }
        decision.put(keyspace::datastores(who.account), &datastores).done()
    }
}

/// Deletes a datastore. The links in it lead nowhere from then on. A wrong password is counted as a failed sign-in is.
#[derive(Debug, Clone, Serialize)]
pub struct DeleteDatastore {
    /// Which.
    pub id: DatastoreId,
    /// Shows that the caller knows the password: 128 hexadecimal digits. Needed of a person who has one; whoever is no
    /// person has none to show.
    #[serde(serialize_with = "given_by_digest")]
    pub authkey: Option<SecretText>,
    /// The network that the caller comes from, for counting wrong passwords; empty if there is none.
    pub network: Vec<u8>,
}

fn given_by_digest<S: Serializer>(authkey: &Option<SecretText>, serializer: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct ByDigest<'a>(#[serde(serialize_with = "by_digest")] &'a SecretText);
    authkey.as_ref().map(ByDigest).serialize(serializer)
}

impl Command for DeleteDatastore {
    type Domain = Sharing;
    type Reply = ();
    const NAME: &'static str = "delete_datastore";
    const KIND: Kind = Kind::Write;

    fn needs(&self) -> Need {
        Need::Keyed(Access::Write)
    }

    fn reads(&self, who: &Principal, _: &Keyspace) -> Reads {
        reads_of(who.account, self.id).and(PasswordAgain::reads(who.account))
    }

    fn decide(
        &self,
        view: &View<'_>,
        who: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<()>, EngineError> {
        stored(view, who.account, self.id)?;
        let mut datastores = stored_list(view, who.account)?;
        let asked =
            PasswordAgain { account: who.account, authkey: self.authkey.as_ref(), network: &self.network };
        let decision = asked.before(view, moment, |_| {
            if datastores.list.iter().any(|one| one.id == self.id && one.is_default) {
                return Err(EngineError::DefaultDatastore);
            }
            datastores.list.retain(|one| one.id != self.id);
            Ok(Decision::reply(())
                .put(keyspace::datastores(who.account), &datastores)
                .delete(keyspace::datastore(who.account, self.id)))
        })?;
        decision.done()
    }
}
