//! What hangs right below a datastore or a share, and when each of it was written: how a client learns what to read
//! again.

use serde::{Deserialize, Serialize};
use strongroom_primitives::{
    id::{SecretId, ShareId},
    time::Timestamp,
};
use strongroom_storage::Key;

use super::{
    Child, Parent, Sharing,
    rights::{self, unknown_parent},
    rows::StoredDatastore,
    secrets::StoredSecret,
    shares::StoredShare,
    tree::StoredChild,
};
use crate::{
    command::{Command, Decision, Kind, Moment, Reads, Step, View},
    credential::{Access, Need, Principal},
    domains::pause::{self, Pause, row},
    error::EngineError,
    keyspace::{self, Keyspace},
};

/// Links that one page looks at, at most.
const PAGE_LINKS_MAX: usize = 1_000;

/// Lists what hangs right below a datastore of the caller's, or a share that they may read. Of one that hangs there
/// several times each link is listed.
#[derive(Debug, Clone, Serialize)]
pub struct ListChildren {
    /// Below what.
    pub parent: Parent,
    /// Where to go on: the `next` of the page before.
    pub from: Option<Vec<u8>>,
    /// At most so many are looked at, 1 to 1,000.
    pub limit: usize,
}

/// A page of what hangs below something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChildPage {
    /// When the parent itself was written last.
    pub written: Timestamp,
    /// Shares, and when each was written last.
    pub shares: Vec<(ShareId, Timestamp)>,
    /// Secrets, and when each was written last.
    pub secrets: Vec<(SecretId, Timestamp)>,
    /// Where to go on, if there may be more.
    pub next: Option<Vec<u8>>,
}

impl ListChildren {
    fn rule(
        &self,
        view: &View<'_>,
        who: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Decision<ChildPage>, Pause> {
        if !rights::on_parent(view, who.account, moment, self.parent)?.read {
            return Err(unknown_parent(self.parent).into());
        }
        let written = match self.parent {
            Parent::Datastore(id) => row::<StoredDatastore>(view, keyspace::datastore(who.account, id))?
                .map(|stored| stored.written),
            Parent::Share(id) => row::<StoredShare>(view, keyspace::share(id))?.map(|stored| stored.written),
        };
        let written = written.ok_or_else(|| unknown_parent(self.parent))?;
        let prefix = keyspace::children(self.parent);
        if !view.has_range(&prefix) {
            let from = self.from.as_ref().map(|bytes| Key::new(bytes.clone()));
            let limit = self.limit.clamp(1, PAGE_LINKS_MAX);
            return Err(Pause::Need(Reads::none().range_hint(prefix, from, limit)));
        }
        let (rows, next) = view.range::<StoredChild>(&prefix)?;
        // What a date says may be old by the time it arrives; that it may be seen is guarded above.
        let key_of = |child: Child| match child {
            Child::Secret(id) => keyspace::secret(id),
            Child::Share(id) => keyspace::share(id),
        };
        let keys = rows.iter().map(|(_, stored)| key_of(stored.child));
        let missing = keys.filter(|key| !view.has(key)).fold(Reads::none(), Reads::hint);
        if !missing.is_empty() {
            return Err(Pause::Need(missing));
        }
        let next = next.map(|key| key.as_bytes().to_vec());
        let mut page = ChildPage { written, shares: Vec::new(), secrets: Vec::new(), next };
        for (_, stored) in rows {
            let key = key_of(stored.child);
            match stored.child {
                Child::Secret(id) => {
                    let secret: Option<StoredSecret> = view.row(&key)?;
                    page.secrets.extend(secret.map(|secret| (id, secret.written)));
                }
                Child::Share(id) => {
                    let share: Option<StoredShare> = view.row(&key)?;
                    page.shares.extend(share.map(|share| (id, share.written)));
                }
            }
        }
        Ok(Decision::reply(page))
    }
}

impl Command for ListChildren {
    type Domain = Sharing;
    type Reply = ChildPage;
    const NAME: &'static str = "list_children";
    const KIND: Kind = Kind::Read;

    fn needs(&self) -> Need {
        Need::Keyed(Access::Read)
    }

    fn reads(&self, who: &Principal, _: &Keyspace) -> Reads {
        match self.parent {
            Parent::Datastore(id) => {
                Reads::one(keyspace::datastores(who.account)).row(keyspace::datastore(who.account, id))
            }
            Parent::Share(id) => Reads::one(keyspace::share_right(who.account, id))
                .row(keyspace::node(Child::Share(id)))
                .row(keyspace::share(id)),
        }
    }

    fn decide(
        &self,
        view: &View<'_>,
        who: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<ChildPage>, EngineError> {
        pause::step(self.rule(view, who, moment))
    }
}
