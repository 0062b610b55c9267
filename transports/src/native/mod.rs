//! The native interface: one dispatcher behind every way to ask.
//!
//! [`dispatch`] turns an operation of the wire into commands of the engine and their answers back into documents. HTTP
//! (`http.rs`) and frames ([`crate::ws`]) only differ in how an operation is spelled, so what holds over one holds
//! over all. Nothing here decides anything about records, sessions or accounts.

pub(crate) mod convert;
#[cfg(test)]
mod documentation;
mod http;
mod input;
#[cfg(test)]
mod tests;

use std::time::Duration;

use strongroom_engine::{
    Asking, EngineError, Identity,
    domains::{
        accounts::WhoAmI,
        records::{
            self, DeleteRecord, GetRecord, GetVersion, ListGrants, ListRecords, PutRecord, RecordForm,
            RecordName, ResetSingle, ShareRecord, UndoRecord,
        },
        sessions::{ListSessions, OpenChild, RevokeSession, RevokeSessions},
    },
    feed::FollowFeed,
};
use strongroom_primitives::{encoding, id::Subject};
use strongroom_wire::{FeedPage, Operation, Previous, Problem, ReceiptDocument, Reply, ResetDone, Shared};

pub(crate) use http::{answer, waits};
pub(crate) use input::idempotency_key;

use crate::{
    Front,
    problem::{self, bad_request, with_detail},
};

/// The longest that a page of a feed may be waited for, in seconds.
pub const FEED_WAIT_S_MAX: u64 = 60;

/// The longest life of a session that is opened from another, in seconds: 30 days.
const CHILD_LIFE_S_MAX: u64 = 30 * 24 * 60 * 60;

/// The longest cursor of a listing, in bytes. Ours are shorter.
const CURSOR_BYTES_MAX: usize = 256;

/// Asks the engine what `operation` says, and answers in the words of the wire.
///
/// # Errors
/// The problem document of whatever the engine refuses, and `bad-request` for what cannot be a command at all.
pub async fn dispatch(front: &Front, asking: Asking, operation: Operation) -> Result<Reply, Box<Problem>> {
    let engine = front.engine();
    let refused = |error: EngineError| Box::new(problem::of(&error));
    match operation {
        // The two that are asked a thousand times more often than all others stand alone; the others are boxed, so
        // that they do not make these larger.
        Operation::GetRecord { owner, name } => {
            let record =
                engine.ask(asking, GetRecord { owner, name: name_of(name)? }).await.map_err(refused)?;
            Ok(Reply::Record(convert::record(record)))
        }
        Operation::PutRecord { name, meta, value, previous, recipients } => {
            let put = PutRecord::new(name_of(name)?, meta.0, value.0, previous_of(previous), recipients);
            let head = engine.ask(asking, put).await.map_err(refused)?;
            Ok(Reply::Head(convert::head(&head)))
        }
        rare => Box::pin(dispatch_rare(front, asking, rare)).await,
    }
}

async fn dispatch_rare(front: &Front, asking: Asking, operation: Operation) -> Result<Reply, Box<Problem>> {
    let engine = front.engine();
    let refused = |error: EngineError| Box::new(problem::of(&error));
    let page_rows = |limit: Option<usize>| {
        let max = engine.limits().page_rows_max;
        limit.unwrap_or(max).clamp(1, max)
    };
    match operation {
        Operation::GetRecord { .. } | Operation::PutRecord { .. } => {
            unreachable!("dispatch answers these itself")
        }
        Operation::Whoami {} => {
            let me = engine.ask(asking, WhoAmI).await.map_err(refused)?;
            Ok(Reply::Whoami(convert::whoami(me)))
        }
        Operation::ListSessions {} => {
            let sessions = engine.ask(asking, ListSessions { identity: None }).await.map_err(refused)?;
            Ok(Reply::Sessions { sessions: sessions.into_iter().map(convert::session).collect() })
        }
        Operation::RevokeSession { session } => {
            engine.ask(asking, RevokeSession { identity: None, session }).await.map_err(refused)?;
            Ok(Reply::Done {})
        }
        Operation::RevokeSessions { keep_current } => {
            let all = RevokeSessions { identity: None, keep_current };
            Ok(Reply::Revoked { count: engine.ask(asking, all).await.map_err(refused)? })
        }
        Operation::OpenChild { life_s, label } => {
            if !(1..=CHILD_LIFE_S_MAX).contains(&life_s) {
                return Err(bad_request(format!("life_s is 1 to {CHILD_LIFE_S_MAX} seconds")));
            }
            let open = OpenChild { life: Duration::from_secs(life_s), label };
            Ok(Reply::Opened(convert::opened(engine.ask(asking, open).await.map_err(refused)?)))
        }
        Operation::ListRecords { owner, prefix, cursor, limit } => {
            let from = cursor_of(cursor)?;
            let list = ListRecords { owner, prefix: prefix_of(prefix)?, from, limit: page_rows(limit) };
            Ok(Reply::Names(convert::names(engine.ask(asking, list).await.map_err(refused)?)))
        }
        Operation::DeleteRecord { name, previous } => {
            let (name, previous) = (name_of(name)?, previous_of(previous));
            match name.form() {
                RecordForm::Single => {
                    let emptied = engine.ask(asking, ResetSingle { previous }).await.map_err(refused)?;
                    emptied.ok_or_else(|| refused(EngineError::UnknownRecord))?;
                }
                RecordForm::Named => {
                    engine.ask(asking, DeleteRecord { name, previous }).await.map_err(refused)?;
                }
            }
            Ok(Reply::Done {})
        }
        Operation::ResetRecords { prefix, recipient } => {
            let prefix = prefix_of(prefix)?;
            let done = match recipient {
                Some(recipient) => engine.remove_recipient(asking, prefix, recipient).await,
                None => engine.reset_records(asking, prefix, records::Previous::Unsaid).await,
            };
            Ok(Reply::Reset(ResetDone { count: done.map_err(refused)?.count }))
        }
        Operation::History { name, after } => {
            let history = records::History { name: name_of(name)?, after };
            Ok(Reply::History(convert::history(engine.ask(asking, history).await.map_err(refused)?)))
        }
        Operation::GetVersion { name, sequence } => {
            let version = GetVersion { name: name_of(name)?, sequence };
            Ok(Reply::Record(convert::record(engine.ask(asking, version).await.map_err(refused)?)))
        }
        Operation::UndoRecord { name, sequence, previous } => {
            let undo = UndoRecord { name: name_of(name)?, sequence, previous: previous_of(previous) };
            Ok(Reply::Head(convert::head(&engine.ask(asking, undo).await.map_err(refused)?)))
        }
        Operation::ShareRecord { name, add, remove } => {
            let share = ShareRecord { name: name_of(name)?, add, remove };
            let shared = engine.ask(asking, share).await.map_err(refused)?;
            Ok(Reply::Shared(Shared { recipients: shared.recipients }))
        }
        Operation::ListGrants { cursor, limit } => {
            let list = ListGrants { from: cursor_of(cursor)?, limit: page_rows(limit) };
            Ok(Reply::Grants(convert::grants(engine.ask(asking, list).await.map_err(refused)?)))
        }
        Operation::Receipt { owner, name } => receipt(front, asking, owner, name).await,
        Operation::FeedPage { owner, record, after, wait_s, limit } => {
            let record = record.map(name_of).transpose()?;
            let follow = FollowFeed { owner, record, after, limit: page_rows(limit) };
            let wait = Duration::from_secs(wait_s.unwrap_or(0).min(FEED_WAIT_S_MAX));
            feed_page(front, asking, follow, wait).await.map(Reply::Feed)
        }
        Operation::EraseAccount { confirm } => {
            let me = engine.ask(asking.credential.clone(), WhoAmI).await.map_err(refused)?;
            if me.identity.subject != confirm {
                return Err(Box::new(with_detail(
                    422,
                    "confirmation-mismatch",
                    "the confirmation is not the caller's subject",
                    "nothing was erased; `confirm` must repeat the subject that GET /v1/session shows",
                )));
            }
            engine.erase_account(asking, None).await.map_err(refused)?;
            Ok(Reply::Done {})
        }
    }
}

async fn receipt(
    front: &Front,
    asking: Asking,
    owner: Option<Subject>,
    name: Vec<String>,
) -> Result<Reply, Box<Problem>> {
    let engine = front.engine();
    let refused = |error: EngineError| Box::new(problem::of(&error));
    let me = engine.ask(asking.credential.clone(), WhoAmI).await.map_err(refused)?;
    let record = engine.ask(asking, GetRecord { owner, name: name_of(name)? }).await.map_err(refused)?;
    let identity = Identity { realm: me.identity.realm, subject: record.head.owner.clone() };
    let receipt = engine.receipt(&identity, &record.head);
    Ok(Reply::Receipt(ReceiptDocument {
        head: convert::head(&record.head),
        signature: receipt.signature,
        key: receipt.key,
    }))
}

/// One page, waiting for something to be on it. Comes back early where the server is going down.
async fn feed_page(
    front: &Front,
    asking: Asking,
    follow: FollowFeed,
    wait: Duration,
) -> Result<FeedPage, Box<Problem>> {
    let refused = |error: EngineError| Box::new(problem::of(&error));
    if wait.is_zero() {
        return front.engine().ask(asking, follow).await.map(convert::feed).map_err(refused);
    }
    let mut subscription = front.engine().subscribe(asking.credential, follow).await.map_err(refused)?;
    let page = tokio::select! {
        biased;
        page = subscription.next() => Some(page.map_err(refused)?),
        () = front.closing() => None,
        () = tokio::time::sleep(wait) => None,
    };
    Ok(match page {
        Some(page) => convert::feed(page),
        None => {
            let after = subscription.after().unwrap_or_default();
            FeedPage { events: Vec::new(), next_after: after, head: after, gap: false }
        }
    })
}

/// A record's name.
pub(crate) fn name_of(parts: Vec<String>) -> Result<RecordName, Box<Problem>> {
    RecordName::new(parts).map_err(|error| bad_request(error.to_string()))
}

/// Leading parts of names: each must be one that a name can have.
fn prefix_of(parts: Vec<String>) -> Result<Vec<String>, Box<Problem>> {
    if parts.is_empty() { Ok(parts) } else { name_of(parts).map(|name| name.parts().to_vec()) }
}

fn previous_of(previous: Option<Previous>) -> records::Previous {
    match previous {
        None => records::Previous::Unsaid,
        Some(Previous::Absent) => records::Previous::Absent,
        Some(Previous::Tag(tag)) => records::Previous::Tag(tag),
    }
}

fn cursor_of(cursor: Option<String>) -> Result<Option<Vec<u8>>, Box<Problem>> {
    let Some(text) = cursor else { return Ok(None) };
    match encoding::from_base64url(&text) {
        Ok(bytes) if bytes.len() <= CURSOR_BYTES_MAX => Ok(Some(bytes)),
        _ => Err(bad_request("the cursor is not one that a listing gave; begin again without it")),
    }
}
