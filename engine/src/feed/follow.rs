//! Reading a feed: one page as a command, and a subscription that reads page after page.

use serde::{Deserialize, Serialize};
use strongroom_primitives::{id::Subject, time::Timestamp};

use super::{Event, Ledger, StoredEvent, Waiter};
use crate::{
    command::{Command, Decision, Kind, Moment, Reads, Step, View},
    credential::{Credential, Need, Principal, Right},
    domains::records::{self, RecordName, Records},
    error::EngineError,
    handle::EngineHandle,
    keyspace::{self, Keyspace},
};

/// Reads the events of an account after a sequence number.
///
/// The owner sees all of them. Anybody else must name one record and be among its recipients at the moment of reading,
/// and sees the events that concern it; what they may not see looks exactly like what does not exist.
#[derive(Debug, Clone, Serialize)]
pub struct FollowFeed {
    /// Whose feed; `None` for the caller's own.
    pub owner: Option<Subject>,
    /// Only events that concern this record.
    pub record: Option<RecordName>,
    /// The sequence number of the last event that the caller has seen; 0 for none; `None` to begin at the end.
    pub after: Option<u64>,
    /// At most so many events; clamped to the engine's page limit.
    pub limit: usize,
}

/// A stretch of a feed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeedPage {
    /// Events in order, each with its sequence number and time.
    pub events: Vec<(u64, Timestamp, Event)>,
    /// The `after` of the next page. Runs ahead of the last event where events were left out.
    pub next: u64,
    /// The sequence number of the latest event in the feed.
    pub head: u64,
    /// True if events after `after` are gone: the caller must read the records themselves again.
    pub gap: bool,
}

impl FollowFeed {
    fn owner_account(&self, who: &Principal, space: &Keyspace) -> strongroom_primitives::id::AccountId {
        records::owner_account(self.owner.as_ref(), who, space)
    }

    fn range_from(&self, owner: strongroom_primitives::id::AccountId) -> Option<strongroom_storage::Key> {
        self.after.map(|after| keyspace::event(owner, after.saturating_add(1)))
    }
}

impl Command for FollowFeed {
    type Domain = Records;
    type Reply = FeedPage;
    const NAME: &'static str = "follow_feed";
    const KIND: Kind = Kind::Read;

    fn needs(&self) -> Need {
        Need::Right(Right::Get)
    }

    fn reads(&self, who: &Principal, space: &Keyspace) -> Reads {
        let owner = self.owner_account(who, space);
        let mut reads = Reads::one(keyspace::ledger(owner));
        if let Some(from) = self.range_from(owner) {
            let limit = self.limit.clamp(1, 1_000);
            reads = reads.range(keyspace::events(owner), Some(from), limit, keyspace::ledger(owner));
        }
        match &self.record {
            Some(name) if owner != who.account => reads.and(records::reads_of_access(owner, name, space)),
            _ => reads,
        }
    }

    fn decide(
        &self,
        view: &View<'_>,
        who: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<FeedPage>, EngineError> {
        let owner = self.owner_account(who, moment.space);
        if owner != who.account {
            let name = self.record.as_ref().ok_or(EngineError::UnknownRecord)?;
            records::check_access(view, owner, name, who, moment.space)?;
        }
        let ledger: Ledger = view.row(&keyspace::ledger(owner))?.unwrap_or_default();
        let Some(after) = self.after else {
            let page = FeedPage { events: Vec::new(), next: ledger.feed, head: ledger.feed, gap: false };
            return Decision::reply(page).done();
        };
        let (rows, _) = view.range::<StoredEvent>(&keyspace::events(owner))?;
        let mut page = FeedPage { events: Vec::new(), next: after, head: ledger.feed, gap: false };
        // Sequence numbers are consecutive, so a jump is a gap; and so is a cursor from a future that never was.
        page.gap = match rows.first() {
            Some((key, _)) => keyspace::trailing_number(key) != Some(after.saturating_add(1)),
            None => after != ledger.feed,
        };
        if page.gap {
            page.next = ledger.feed;
            return Decision::reply(page).done();
        }
        for (key, stored) in rows {
            let sequence = keyspace::trailing_number(&key).ok_or(EngineError::Corrupt)?;
            if sequence != page.next.saturating_add(1) {
                // Nodes whose clocks differ date events out of order, so retention may take one out of the middle.
                // The page ends before the hole, and the next one begins with it.
                break;
            }
            page.next = sequence;
            if self.record.as_ref().is_none_or(|name| stored.event.concerns(name)) {
                page.events.push((page.next, stored.at, stored.event));
            }
        }
        Decision::reply(page).done()
    }
}

/// A follower of one feed: a cursor and a place at the board. Holds no event, so a slow one costs nothing.
pub struct Subscription {
    handle: EngineHandle,
    credential: Credential,
    follow: FollowFeed,
    waiter: Waiter,
}

impl Subscription {
    pub(crate) fn new(
        handle: EngineHandle,
        credential: Credential,
        follow: FollowFeed,
        waiter: Waiter,
    ) -> Self {
        Self { handle, credential, follow, waiter }
    }

    /// The cursor: the last sequence number that was handed out or passed over.
    pub fn after(&self) -> Option<u64> {
        self.follow.after
    }

    /// The next page that holds an event or a gap. Waits until there is one.
    ///
    /// Dropping the future loses nothing: the cursor moves only when a page is returned.
    ///
    /// # Errors
    /// What [`FollowFeed`] answers, above all that the credential is no longer good. Busy and failing stores are
    /// reported too; calling again goes on where it stood.
    pub async fn next(&mut self) -> Result<FeedPage, EngineError> {
        loop {
            let page = self.handle.ask(self.credential.clone(), self.follow.clone()).await?;
            self.follow.after = Some(page.next);
            if page.gap || !page.events.is_empty() {
                return Ok(page);
            }
            if page.next < page.head {
                continue;
            }
            let poll = self.handle.limits().poll_interval;
            // A hint may be lost; the feed is in the rows, so a lost one costs a poll interval and no event.
            let _ = tokio::time::timeout(poll, self.waiter.raised()).await;
        }
    }
}
