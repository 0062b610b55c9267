//! Shares of keys of boxes, one by one.

use serde::Serialize;
use strongroom_primitives::id::BoxId;

use super::{
    Escrow, account_of,
    asym_keys::delete,
    rows::{BoxShare, StoredStorage},
    setup::NewBoxShare,
};
use crate::{
    command::{Command, Decision, Kind, Moment, Reads, Step, View},
    credential::{Need, Principal},
    error::EngineError,
    feed::Event,
    keyspace::{self, Keyspace},
};

/// Stores a share of a box's key, in place of the one that there was for this box, whose id and time of creation it
/// keeps.
#[derive(Debug, Clone, Serialize)]
pub struct PutBoxShare {
    /// The share.
    pub new: NewBoxShare,
    /// The root key that it lies under, by its hash.
    pub root_key_hash: Vec<u8>,
}

impl Command for PutBoxShare {
    type Domain = Escrow;
    type Reply = BoxShare;
    const NAME: &'static str = "put_box_share";
    const KIND: Kind = Kind::Write;

    fn needs(&self) -> Need {
        Need::Assured
    }

    fn reads(&self, who: &Principal, _: &Keyspace) -> Reads {
        Reads::one(keyspace::escrow_storage(who.account))
            .row(keyspace::escrow_box_share(who.account, self.new.in_box))
    }

    fn decide(
        &self,
        view: &View<'_>,
        who: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<BoxShare>, EngineError> {
        let account = account_of(who)?;
        BoxShare::check(&self.new.share_hash, &self.new.encrypted, moment.limits)?;
        let storage = StoredStorage::of(view, account)?;
        storage.check_root(&self.root_key_hash)?;
        let key = keyspace::escrow_box_share(account, self.new.in_box);
        let fresh = self.new.row(moment.now, moment.entropy.array());
        let (row, storage) = match view.row::<BoxShare>(&key)? {
            Some(former) => (BoxShare { id: former.id, created: former.created, ..fresh }, storage),
            None => (fresh, storage.with_one_more(moment)?),
        };
        Decision::reply(row.clone())
            .put(key, &row)
            .put(keyspace::escrow_storage(account), &storage)
            .tell(account, Event::SecretStorageChanged {})
            .done()
    }
}

/// Removes shares of boxes' keys. Those that are not there are passed over.
#[derive(Debug, Clone, Serialize)]
pub struct DeleteBoxShares {
    /// Of which boxes.
    pub boxes: Vec<BoxId>,
}

impl Command for DeleteBoxShares {
    type Domain = Escrow;
    type Reply = ();
    const NAME: &'static str = "delete_box_shares";
    const KIND: Kind = Kind::Write;

    fn needs(&self) -> Need {
        Need::Assured
    }

    fn reads(&self, who: &Principal, _: &Keyspace) -> Reads {
        let keys = self.boxes.iter().map(|in_box| keyspace::escrow_box_share(who.account, *in_box));
        keys.fold(Reads::one(keyspace::escrow_storage(who.account)), Reads::row)
    }

    fn decide(&self, view: &View<'_>, who: &Principal, _: &mut Moment<'_>) -> Result<Step<()>, EngineError> {
        let account = account_of(who)?;
        let keys = self.boxes.iter().map(|in_box| keyspace::escrow_box_share(account, *in_box));
        delete(view, account, keys.collect())?.done()
    }
}
