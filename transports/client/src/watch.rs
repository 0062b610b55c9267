//! Following a feed for as long as one likes, over connections that come and go.
//!
//! Believe this: every event after the place where the watch began is shown once and in order, or a [`Update::Gap`]
//! says that some are lost and that the records themselves are to be read again. The place is the client's own, a
//! number; it moves only when something is shown, so a lost connection costs a question and no event.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use futures_util::StreamExt;
use futures_util::stream::{BoxStream, unfold};
use strongroom_primitives::id::Subject;
use strongroom_wire::Event;

use crate::ClientError;
use crate::client::Client;
use crate::link::{Feed, Place, Shown};
use crate::name::RecordName;

/// Most events that one answer may bring.
const PAGE_EVENTS_MAX: usize = 256;

/// What to follow, and from where.
#[derive(Debug, Clone, Default)]
pub struct WatchOptions {
    /// Whose feed; `None` for the caller's own. Somebody else's takes a record that they share with the caller.
    pub owner: Option<Subject>,
    /// Only events that concern this record.
    pub record: Option<RecordName>,
    /// The number of the last event that was seen, as [`Update::after`] gave it; `None` for what happens from now on.
    pub after: Option<u64>,
}

/// What a watch shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Update {
    /// Something happened.
    Event(Event),
    /// Events up to `after` are lost: read the records again. The watch goes on behind them.
    Gap {
        /// The number of the last event that is lost.
        after: u64,
    },
}

impl Update {
    /// Where a watch goes on that has seen this: [`WatchOptions::after`] of the next one.
    pub fn after(&self) -> u64 {
        match self {
            Self::Event(event) => event.sequence,
            Self::Gap { after } => *after,
        }
    }
}

/// A watch. Ends after its first error; losing a connection, or a server that is busy, is none.
pub struct Watch(BoxStream<'static, Result<Update, ClientError>>);

impl Watch {
    pub(crate) fn new(client: Client, options: WatchOptions) -> Self {
        let WatchOptions { owner, record, after } = options;
        let record = record.map(RecordName::checked).transpose();
        let watcher = record.map(|record| Watcher {
            client,
            place: Place { owner, record, after, page_events: PAGE_EVENTS_MAX },
            feed: None,
            failures: 0,
            renewed: false,
            jumped_to: None,
            ready: VecDeque::new(),
        });
        Self(match watcher {
            Ok(watcher) => unfold(Some(watcher), step).boxed(),
            Err(error) => futures_util::stream::once(std::future::ready(Err(error))).boxed(),
        })
    }
}

async fn step(watcher: Option<Watcher>) -> Option<(Result<Update, ClientError>, Option<Watcher>)> {
    let mut watcher = watcher?;
    Some(match watcher.next().await {
        Ok(update) => (Ok(update), Some(watcher)),
        Err(error) => (Err(error), None),
    })
}

impl Stream for Watch {
    type Item = Result<Update, ClientError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_next_unpin(cx)
    }
}

impl std::fmt::Debug for Watch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Watch")
    }
}

struct Watcher {
    client: Client,
    /// `after` is the last sequence number that was shown or passed.
    place: Place,
    feed: Option<Box<dyn Feed>>,
    /// Times in a row that following failed before anything was shown.
    failures: u32,
    /// A new credential was asked for and has not proved itself yet.
    renewed: bool,
    /// The feed was followed anew because it jumped to this number.
    jumped_to: Option<u64>,
    ready: VecDeque<Update>,
}

impl Watcher {
    async fn next(&mut self) -> Result<Update, ClientError> {
        loop {
            if let Some(update) = self.ready.pop_front() {
                return Ok(update);
            }
            match self.show().await {
                Ok(shown) => self.take(shown).await,
                Err(error) => self.bear(error).await?,
            }
        }
    }

    /// The next thing from the feed, which is followed anew if it is not being followed.
    async fn show(&mut self) -> Result<Shown, ClientError> {
        let feed = match &mut self.feed {
            Some(feed) => feed,
            none => none.insert(self.client.link.follow(&self.place).await?),
        };
        feed.next().await
    }

    async fn take(&mut self, shown: Shown) {
        match shown {
            Shown::Began { after } => match self.place.after {
                // What lies between is skipped by the server's own word.
                Some(ours) if after > ours => self.lose(after),
                Some(_) => {}
                None => self.place.after = Some(after),
            },
            Shown::Event(event) => self.take_event(event).await,
            #[cfg(any(feature = "http", test))]
            Shown::Passed { after } => {
                self.place.after = self.place.after.max(Some(after));
                self.prove();
            }
            Shown::Gap { after } => self.lose(after),
        }
    }

    async fn take_event(&mut self, event: Event) {
        let ours = self.place.after.unwrap_or(0);
        if event.sequence <= ours {
            // Shown already, before a connection was lost or by a network that doubles.
            return;
        }
        if self.is_consecutive() && event.sequence != ours + 1 {
            if self.jumped_to != Some(event.sequence) {
                // Something was lost on the way: what is missing is asked for again.
                self.jumped_to = Some(event.sequence);
                self.feed = None;
                self.pause().await;
                return;
            }
            self.lose(event.sequence - 1);
        }
        self.place.after = Some(event.sequence);
        self.ready.push_back(Update::Event(event));
        self.prove();
    }

    /// Numbers have no holes where the whole of an own feed is followed.
    fn is_consecutive(&self) -> bool {
        self.place.owner.is_none() && self.place.record.is_none()
    }

    fn lose(&mut self, after: u64) {
        self.place.after = Some(after);
        self.ready.push_back(Update::Gap { after });
        self.prove();
    }

    /// Something came of the present connection and credential.
    fn prove(&mut self) {
        self.failures = 0;
        self.renewed = false;
        self.jumped_to = None;
        self.place.page_events = (self.place.page_events * 2).min(PAGE_EVENTS_MAX);
    }

    /// Waits out what passes by itself.
    async fn bear(&mut self, error: ClientError) -> Result<(), ClientError> {
        self.feed = None;
        // A connection that never lives long enough for a long answer may do for a short one.
        self.place.page_events = (self.place.page_events / 2).max(1);
        if error.is_expired() && !self.renewed {
            self.renewed = true;
            return Ok(());
        }
        if !error.is_retryable() {
            return Err(error);
        }
        let asked = error.retry_after().unwrap_or_default().min(self.client.options.backoff.max);
        tokio::time::sleep(asked).await;
        self.pause().await;
        Ok(())
    }

    async fn pause(&mut self) {
        self.failures = self.failures.saturating_add(1);
        let options = &self.client.options;
        tokio::time::sleep(options.backoff.after(self.failures, &*options.ports.entropy)).await;
    }
}

#[cfg(test)]
mod tests;
