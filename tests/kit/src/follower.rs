//! A follower of a feed: connects to any node, listens for a while, loses its connection, and resumes where it stood.

use std::{
    cell::{Cell, RefCell},
    time::Duration,
};

use strongroom_engine::{Credential, EngineError, ErrorKind, feed::FollowFeed};
use strongroom_primitives::id::Subject;

use crate::{checkers::feed::Heard, dice::Dice, world::World};

/// How long a follower waits for anything to come before it looks whether it is wanted any longer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Somebody who follows a feed through all disconnections.
pub struct Follower<'w> {
    world: &'w World,
    credential: Credential,
    follow: FollowFeed,
    cursor: Cell<u64>,
    heard: RefCell<Vec<Heard>>,
    dice: Dice,
    /// Pauses between two pages, in milliseconds: 0 up to this.
    slowest_ms: u64,
}

impl<'w> Follower<'w> {
    /// A follower of the own feed of whoever has `credential`, from the first event. `name` tells its dice from those
    /// of other followers; between two pages it idles for up to `slowest_ms` milliseconds.
    pub fn new(world: &'w World, name: &str, credential: Credential, slowest_ms: u64) -> Self {
        let follow = FollowFeed { owner: None, record: None, after: Some(0), limit: 7 };
        Self {
            world,
            credential,
            follow,
            cursor: Cell::new(0),
            heard: RefCell::default(),
            dice: world.dice(&format!("follower {name}")),
            slowest_ms,
        }
    }

    /// The same follower, of one record in the feed of `owner`.
    #[must_use]
    pub fn of_record(
        mut self,
        owner: Subject,
        record: strongroom_engine::domains::records::RecordName,
    ) -> Self {
        self.follow = FollowFeed { owner: Some(owner), record: Some(record), ..self.follow };
        self
    }

    /// What it has heard so far.
    pub fn heard(&self) -> Vec<Heard> {
        self.heard.borrow().clone()
    }

    /// Where it stands.
    pub fn cursor(&self) -> u64 {
        self.cursor.get()
    }

    /// Listens until `until` holds the sequence number of the last event and that has been heard or passed over.
    ///
    /// # Errors
    /// A refusal; faults are what a follower lives with.
    pub async fn listen(&self, until: &Cell<Option<u64>>) -> Result<(), EngineError> {
        while until.get().is_none_or(|last| self.cursor.get() < last) {
            if let Err(error) = self.one_connection(until).await
                && matches!(error.kind(), ErrorKind::Refused | ErrorKind::NotFound)
            {
                return Err(error);
            }
            self.world.wait(self.dice.ms(1..=200)).await;
        }
        Ok(())
    }

    async fn one_connection(&self, until: &Cell<Option<u64>>) -> Result<(), EngineError> {
        let Some(handle) = self.world.node(self.dice.index(self.world.node_count())) else { return Ok(()) };
        let follow = FollowFeed { after: Some(self.cursor.get()), ..self.follow.clone() };
        let subscribing = handle.subscribe(self.credential.clone(), follow);
        let Ok(subscription) = tokio::time::timeout(PATIENCE, subscribing).await else { return Ok(()) };
        let mut subscription = subscription?;
        self.heard.borrow_mut().push(Heard::Began(self.cursor.get()));
        for _ in 0..self.dice.within(1..=6) {
            if until.get().is_some_and(|last| self.cursor.get() >= last) {
                return Ok(());
            }
            // A connection may be lost at any moment; what was not returned was not heard.
            let patience = if self.dice.chance(20) { self.dice.ms(0..=50) } else { PATIENCE };
            let Ok(page) = tokio::time::timeout(patience, subscription.next()).await else { return Ok(()) };
            let page = page?;
            let gap = page.gap.then_some(Heard::Gap(page.next));
            let events = page.events.into_iter().map(|(sequence, _, event)| Heard::Event(sequence, event));
            self.heard.borrow_mut().extend(gap.into_iter().chain(events));
            self.cursor.set(page.next);
            self.world.wait(self.dice.ms(0..=self.slowest_ms)).await;
        }
        Ok(())
    }
}
