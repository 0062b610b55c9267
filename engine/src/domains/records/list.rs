//! Listing: the names of records, and what others have shared.

use serde::{Deserialize, Serialize};
use strongroom_primitives::{id::Subject, time::Timestamp};
use strongroom_storage::Key;

use super::{RecordForm, RecordName, Records, StoredHead, access, name::check_parts, rows::StoredGrant};
use crate::{
    command::{Command, Decision, Kind, Moment, Reads, Step, View},
    credential::{Need, Principal, Right},
    error::EngineError,
    keyspace::{self, Keyspace},
};

/// Lists the records whose names begin with `prefix`. The order is that of hashes and means nothing.
///
/// Of somebody else's records only those are listed that the caller may read.
#[derive(Debug, Clone, Serialize)]
pub struct ListRecords {
    /// Whose; `None` for the caller's own.
    pub owner: Option<Subject>,
    /// Leading parts of names; empty for all.
    pub prefix: Vec<String>,
    /// Where to go on: the `next` of the page before.
    pub from: Option<Vec<u8>>,
    /// At most so many; clamped to the engine's page limit.
    pub limit: usize,
}

/// A page of record names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamePage {
    /// Names, with sequence number, version and time of each record's present state.
    pub records: Vec<(RecordName, u64, super::Version, Timestamp)>,
    /// Where to go on, if there may be more.
    pub next: Option<Vec<u8>>,
}

/// Heads that a listing of somebody else's records looks at. Such a listing is never paged: a cursor would tell how
/// many records there are that the caller may not read.
const FOREIGN_ROWS: usize = 16_384;

impl Command for ListRecords {
    type Domain = Records;
    type Reply = NamePage;
    const NAME: &'static str = "list_records";
    const KIND: Kind = Kind::Read;

    fn needs(&self) -> Need {
        Need::Right(Right::Get)
    }

    fn reads(&self, who: &Principal, space: &Keyspace) -> Reads {
        let owner = access::owner_account(self.owner.as_ref(), who, space);
        let from = self.from.as_ref().map(|bytes| Key::new(bytes.clone()));
        let rows = if owner == who.account { self.limit.clamp(1, 1_024) } else { FOREIGN_ROWS };
        Reads::none().range(space.heads(owner, &self.prefix), from, rows, keyspace::ledger(owner))
    }

    fn decide(
        &self,
        view: &View<'_>,
        who: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<NamePage>, EngineError> {
        check_parts(&self.prefix).map_err(|_| EngineError::UnknownRecord)?;
        let space = moment.space;
        let owner = access::owner_account(self.owner.as_ref(), who, space);
        let (mut rows, mut next) = view.range::<StoredHead>(&space.heads(owner, &self.prefix))?;
        rows.retain(|(_, head)| head.is_live());
        if owner != who.account {
            rows.retain(|(_, head)| head.name.form() == RecordForm::Named);
            let missing: Vec<Key> = rows
                .iter()
                .map(|(_, head)| keyspace::recipients(owner, space.record(&head.name)))
                .filter(|key| !view.has(key))
                .collect();
            if !missing.is_empty() {
                return Ok(Step::Need(missing.into_iter().fold(Reads::none(), Reads::row)));
            }
            let mut readable = Vec::new();
            for (key, head) in rows {
                if access::recipients(view, owner, &head.name, space)?.contains(&who.identity()?.subject) {
                    readable.push((key, head));
                }
            }
            (rows, next) = (readable, None);
        }
        let records = rows
            .into_iter()
            .map(|(_, head)| (head.name, head.sequence, head.version, head.written))
            .collect();
        Decision::reply(NamePage { records, next: next.map(|key| key.as_bytes().to_vec()) }).done()
    }
}

/// Lists what others have shared with the caller.
///
/// The list runs a moment behind: a grant appears once the sweeper has delivered it, and reading is what decides.
#[derive(Debug, Clone, Serialize)]
pub struct ListGrants {
    /// Where to go on: the `next` of the page before.
    pub from: Option<Vec<u8>>,
    /// At most so many; clamped to the engine's page limit.
    pub limit: usize,
}

/// A record that somebody shared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// Whose it is.
    pub owner: Subject,
    /// Its name there.
    pub name: RecordName,
    /// Since when.
    pub since: Timestamp,
}

/// A page of grants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantPage {
    /// The grants.
    pub grants: Vec<Grant>,
    /// Where to go on, if there may be more.
    pub next: Option<Vec<u8>>,
}

impl Command for ListGrants {
    type Domain = Records;
    type Reply = GrantPage;
    const NAME: &'static str = "list_grants";
    const KIND: Kind = Kind::Read;

    fn needs(&self) -> Need {
        Need::Right(Right::Get)
    }

    fn reads(&self, who: &Principal, _: &Keyspace) -> Reads {
        let from = self.from.as_ref().map(|bytes| Key::new(bytes.clone()));
        Reads::none().range_hint(keyspace::grants(who.account), from, self.limit.clamp(1, 1_024))
    }

    fn decide(
        &self,
        view: &View<'_>,
        who: &Principal,
        _: &mut Moment<'_>,
    ) -> Result<Step<GrantPage>, EngineError> {
        let (rows, next) = view.range::<StoredGrant>(&keyspace::grants(who.account))?;
        let grants = rows
            .into_iter()
            .map(|(_, StoredGrant { owner, name, since })| Grant { owner, name, since })
            .collect();
        Decision::reply(GrantPage { grants, next: next.map(|key| key.as_bytes().to_vec()) }).done()
    }
}
