//! Telling owners that their realm's store was restored, a page of records at a time.
//!
//! A restore is found when an engine starts, and written down with the place from which on owners are to be told. Each
//! page is told in the commit that moves this place on, so that everybody is told, and nobody twice, whoever dies.

use serde::Serialize;
use strongroom_primitives::id::AccountId;

use super::{
    PinRecovery, PinStep,
    owner::Owners,
    rows::{StoredPinRealm, StoredPinRecord},
    seen::keys_of,
};
use crate::{
    command::{Command, Decision, Kind, Lane, Moment, Reads, Step, View},
    credential::{Need, Principal},
    domains::accounts::StoredAccount,
    error::EngineError,
    feed::Event,
    keyspace::{self, Keyspace},
};

/// Records on a page.
const PAGE: usize = 64;

/// Tells the owners of the records on the next page, and answers whether there are more.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct TellRestored {
    pub(super) owners: Owners,
}

impl Command for TellRestored {
    type Domain = PinRecovery;
    type Reply = bool;
    const NAME: &'static str = "tell_restored";
    const KIND: Kind = Kind::Write;

    fn needs(&self) -> Need {
        Need::Node
    }

    fn lane(&self, _: &Principal, space: &Keyspace) -> Lane {
        space.pin_lane(&self.owners.realm)
    }

    fn reads(&self, _: &Principal, space: &Keyspace) -> Reads {
        Reads::one(space.pin_realm(&self.owners.realm))
    }

    fn decide(
        &self,
        view: &View<'_>,
        _: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<bool>, EngineError> {
        let (space, realm) = (moment.space, &self.owners.realm);
        let Some(stored) = view.row::<StoredPinRealm>(&space.pin_realm(realm))? else {
            return Decision::reply(false).done();
        };
        let Some(from) = stored.untold else { return Decision::reply(false).done() };
        // Whoever writes a record writes the realm's row as well, which is guarded.
        let records = space.pin_records(realm);
        let from = space.pin_record_at(realm, &from);
        if let Some(reads) = view.lacks(Reads::none().range_hint(records.clone(), Some(from.clone()), PAGE)) {
            return Ok(Step::Need(reads));
        }
        let (rows, next) = view.range::<StoredPinRecord>(&records)?;
        let owners: Vec<_> = rows
            .into_iter()
            .filter(|(key, _)| *key >= from)
            .filter_map(|(key, record)| match record {
                StoredPinRecord::Registered(record) if record.head.generation < stored.generation => {
                    record.head.owner.map(|owner| (key, owner))
                }
                _ => None,
            })
            .collect();
        let accounts = owners.iter().map(|(_, owner)| keyspace::account(*owner));
        if let Some(reads) = view.lacks(accounts.fold(Reads::none(), Reads::row)) {
            return Ok(Step::Need(reads));
        }
        let mut decision = Decision::reply(next.is_some());
        for (record, owner) in owners {
            if let Some(tenant) = self.tenant_of(&record, owner, view, space)? {
                let event = Event::PinRecovery { realm: *realm, tenant, step: PinStep::Restored {} };
                decision = decision.tell(owner, event);
            }
        }
        let untold = next.as_ref().and_then(|next| keyspace::sixteen(next, 18));
        decision.put(space.pin_realm(realm), &StoredPinRealm { untold, ..stored }).done()
    }
}

impl TellRestored {
    /// The tenant at which a record is an account's. `None` if it is not, or not any more.
    fn tenant_of(
        &self,
        record: &strongroom_storage::Key,
        owner: AccountId,
        view: &View<'_>,
        space: &Keyspace,
    ) -> Result<Option<String>, EngineError> {
        let account: Option<StoredAccount> = view.row(&keyspace::account(owner))?;
        // That of an erased account is gone.
        let Some(identity) = account.and_then(|account| account.identity) else { return Ok(None) };
        let mut users = self.owners.users(&identity);
        Ok(users.find(|user| keys_of(user, space).record == *record).map(|user| user.tenant))
    }
}
