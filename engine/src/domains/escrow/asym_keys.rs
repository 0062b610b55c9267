//! Secret halves of key pairs, one by one.

use serde::Serialize;
use strongroom_primitives::id::AccountId;
use strongroom_storage::Key;

use super::{
    Escrow, account_of,
    rows::{AsymKey, StoredStorage},
};
use crate::{
    command::{Command, Decision, Kind, Moment, Reads, Step, View},
    credential::{Need, Principal},
    error::EngineError,
    feed::Event,
    keyspace::{self, Keyspace},
};

/// Stores the secret half of a key pair. Where there is one for this public key already, that one stays and is the
/// answer.
#[derive(Debug, Clone, Serialize)]
pub struct PutAsymKey {
    /// The public half.
    pub public_key: String,
    /// The secret half, sealed by the client.
    pub encrypted: String,
    /// The root key that it lies under, by its hash.
    pub root_key_hash: Vec<u8>,
}

impl Command for PutAsymKey {
    type Domain = Escrow;
    type Reply = AsymKey;
    const NAME: &'static str = "put_asym_key";
    const KIND: Kind = Kind::Write;

    fn needs(&self) -> Need {
        Need::Assured
    }

    fn reads(&self, who: &Principal, space: &Keyspace) -> Reads {
        Reads::one(keyspace::escrow_storage(who.account))
            .row(space.escrow_asym_key(who.account, &self.public_key))
    }

    fn decide(
        &self,
        view: &View<'_>,
        who: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<AsymKey>, EngineError> {
        let account = account_of(who)?;
        AsymKey::check(&self.public_key, &self.encrypted, moment.limits)?;
        let storage = StoredStorage::of(view, account)?;
        storage.check_root(&self.root_key_hash)?;
        let key = moment.space.escrow_asym_key(account, &self.public_key);
        if let Some(first) = view.row::<AsymKey>(&key)? {
            return Decision::reply(first).done();
        }
        let storage = storage.with_one_more(moment)?;
        let (public_key, encrypted) = (self.public_key.clone(), self.encrypted.clone());
        let row = AsymKey { public_key, encrypted, created: moment.now };
        Decision::reply(row.clone())
            .put(key, &row)
            .put(keyspace::escrow_storage(account), &storage)
            .tell(account, Event::SecretStorageChanged {})
            .done()
    }
}

/// Removes secret halves of key pairs by their public halves. Those that are not there are passed over.
#[derive(Debug, Clone, Serialize)]
pub struct DeleteAsymKeys {
    /// The public halves.
    pub public_keys: Vec<String>,
}

impl Command for DeleteAsymKeys {
    type Domain = Escrow;
    type Reply = ();
    const NAME: &'static str = "delete_asym_keys";
    const KIND: Kind = Kind::Write;

    fn needs(&self) -> Need {
        Need::Assured
    }

    fn reads(&self, who: &Principal, space: &Keyspace) -> Reads {
        let keys = self.public_keys.iter().map(|public| space.escrow_asym_key(who.account, public));
        keys.fold(Reads::one(keyspace::escrow_storage(who.account)), Reads::row)
    }

    fn decide(
        &self,
        view: &View<'_>,
        who: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<()>, EngineError> {
        let account = account_of(who)?;
        let space = moment.space;
        let keys = self.public_keys.iter().map(|public| space.escrow_asym_key(account, public));
        delete(view, account, keys.collect())?.done()
    }
}

/// Removes those of these wrapped secrets that are there.
pub(super) fn delete(
    view: &View<'_>,
    account: AccountId,
    mut keys: Vec<Key>,
) -> Result<Decision<()>, EngineError> {
    keys.sort();
    keys.dedup();
    let storage: Option<StoredStorage> = view.row(&keyspace::escrow_storage(account))?;
    let mut going = Vec::new();
    for key in keys {
        if view.is_there(&key)? {
            going.push(key);
        }
    }
    let Some(storage) = storage.filter(|_| !going.is_empty()) else { return Ok(Decision::reply(())) };
    let storage = storage.with_fewer(going.len());
    let decision = going.into_iter().fold(Decision::reply(()), Decision::delete);
    Ok(decision
        .put(keyspace::escrow_storage(account), &storage)
        .tell(account, Event::SecretStorageChanged {}))
}
