//! Records: names, receipts, and pages of a feed that may be waited for.

use std::time::Duration;

use strongroom_engine::{
    EngineError, Identity,
    domains::{
        accounts::WhoAmI,
        records::{self, DeleteRecord, GetRecord, RecordForm, RecordName, ResetSingle},
    },
    feed::FollowFeed,
};
use strongroom_primitives::id::Subject;
use strongroom_wire::{FeedPage, Previous, Problem, ReceiptDocument, Reply, ResetDone};

use super::{Desk, FEED_WAIT_S_MAX, convert, refused};
use crate::problem::bad_request;

pub(super) async fn delete(
    desk: Desk<'_>,
    name: Vec<String>,
    previous: Option<Previous>,
) -> Result<Reply, Box<Problem>> {
    let (name, previous) = (name_of(name)?, previous_of(previous));
    match name.form() {
        RecordForm::Single => {
            let emptied = desk.ask(ResetSingle { previous }).await?;
            emptied.ok_or_else(|| refused(EngineError::UnknownRecord))?;
        }
        RecordForm::Named => {
            desk.ask(DeleteRecord { name, previous }).await?;
        }
    }
    Ok(Reply::Done {})
}

pub(super) async fn reset(
    desk: Desk<'_>,
    prefix: Vec<String>,
    recipient: Option<Subject>,
) -> Result<Reply, Box<Problem>> {
    let (engine, prefix) = (desk.front.engine(), prefix_of(prefix)?);
    let done = match recipient {
        Some(recipient) => engine.remove_recipient(desk.asking, prefix, recipient).await,
        None => engine.reset_records(desk.asking, prefix, records::Previous::Unsaid).await,
    };
    Ok(Reply::Reset(ResetDone { count: done.map_err(refused)?.count }))
}

pub(super) async fn receipt(
    desk: Desk<'_>,
    owner: Option<Subject>,
    name: Vec<String>,
) -> Result<Reply, Box<Problem>> {
    let engine = desk.front.engine();
    let me = engine.ask(desk.asking.credential.clone(), WhoAmI).await.map_err(refused)?;
    let record = desk.ask(GetRecord { owner, name: name_of(name)? }).await?;
    let identity = Identity { realm: me.identity.realm, subject: record.head.owner.clone() };
    let receipt = engine.receipt(&identity, &record.head);
    Ok(Reply::Receipt(ReceiptDocument {
        head: convert::head(&record.head),
        signature: receipt.signature,
        key: receipt.key,
    }))
}

/// One page, waiting for something to be on it. Comes back early where the server is going down.
pub(super) async fn feed_page(
    desk: Desk<'_>,
    owner: Option<Subject>,
    record: Option<Vec<String>>,
    after: Option<u64>,
    wait_s: Option<u64>,
    limit: Option<usize>,
) -> Result<Reply, Box<Problem>> {
    let record = record.map(name_of).transpose()?;
    let follow = FollowFeed { owner, record, after, limit: desk.page_rows(limit) };
    let wait = Duration::from_secs(wait_s.unwrap_or(0).min(FEED_WAIT_S_MAX));
    if wait.is_zero() {
        return Ok(Reply::Feed(convert::feed(desk.ask(follow).await?)));
    }
    let front = desk.front;
    let mut subscription = front.engine().subscribe(desk.asking.credential, follow).await.map_err(refused)?;
    let page = tokio::select! {
        biased;
        page = subscription.next() => Some(page.map_err(refused)?),
        () = front.closing() => None,
        () = tokio::time::sleep(wait) => None,
    };
    Ok(Reply::Feed(match page {
        Some(page) => convert::feed(page),
        None => {
            let after = subscription.after().unwrap_or_default();
            FeedPage { events: Vec::new(), next_after: after, head: after, gap: false }
        }
    }))
}

/// A record's name.
pub(crate) fn name_of(parts: Vec<String>) -> Result<RecordName, Box<Problem>> {
    RecordName::new(parts).map_err(|error| bad_request(error.to_string()))
}

/// Leading parts of names: each must be one that a name can have.
pub(super) fn prefix_of(parts: Vec<String>) -> Result<Vec<String>, Box<Problem>> {
    if parts.is_empty() { Ok(parts) } else { name_of(parts).map(|name| name.parts().to_vec()) }
}

pub(super) fn previous_of(previous: Option<Previous>) -> records::Previous {
    match previous {
        None => records::Previous::Unsaid,
        Some(Previous::Absent) => records::Previous::Absent,
        Some(Previous::Tag(tag)) => records::Previous::Tag(tag),
    }
}
