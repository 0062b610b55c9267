//! A tenant's log in JSON. Source: RECOVERY.md, section 3.4.

use serde::{Deserialize, Serialize};
use strongroom_engine::domains::pin_recovery::{LoggedEvent, LoggedKind};
use strongroom_primitives::json;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::problem::{self, Problem};

/// Acknowledgements in one request. Events have numbers, so an acknowledgement is one.
const ACKS_MAX: usize = 200;

#[derive(Deserialize)]
struct Asked {
    #[serde(default)]
    acks: Option<Vec<String>>,
    #[serde(default)]
    page_size: Option<i64>,
}

/// What a tenant asks for.
pub(super) struct Page {
    /// Events that it has heard of.
    pub(super) acks: Vec<u64>,
    /// How many others it wants, 1 to 200.
    pub(super) page_size: usize,
}

pub(super) fn page(body: &[u8]) -> Result<Page, Problem> {
    let Asked { acks, page_size } = read(body)?;
    let page_size = usize::try_from(page_size.unwrap_or(1).clamp(1, 200)).unwrap_or(1);
    Ok(Page { acks: numbers(&acks.unwrap_or_default())?, page_size })
}

pub(super) fn acks(body: &[u8]) -> Result<Vec<u64>, Problem> {
    numbers(&read(body)?.acks.unwrap_or_default())
}

fn read(body: &[u8]) -> Result<Asked, Problem> {
    // Read strictly first: a name that comes twice could be read in two ways.
    let object = json::parse_object(body).map_err(|_| problem::MALFORMED)?;
    serde_json::from_value(serde_json::Value::Object(object)).map_err(|_| problem::MALFORMED)
}

fn numbers(acks: &[String]) -> Result<Vec<u64>, Problem> {
    if acks.len() > ACKS_MAX {
        return Err(problem::MALFORMED);
    }
    acks.iter().map(|ack| ack.parse().map_err(|_| problem::MALFORMED)).collect()
}

#[derive(Serialize)]
struct Entry<'a> {
    id: String,
    ack: String,
    when: String,
    user_id: &'a str,
    event: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    num_guesses: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    guess_count: Option<u16>,
}

#[derive(Serialize)]
struct Entries<'a> {
    events: Vec<Entry<'a>>,
}

pub(super) fn document(events: &[LoggedEvent]) -> String {
    let events = events.iter().map(|event| Entry {
        id: event.id.to_string(),
        ack: event.id.to_string(),
        when: instant(event.at.as_ms()),
        user_id: &event.user,
        event: match event.kind {
            LoggedKind::Registered => "registered",
            LoggedKind::GuessUsed => "guess_used",
            LoggedKind::ShareRecovered => "share_recovered",
            LoggedKind::Deleted => "deleted",
        },
        num_guesses: event.num_guesses,
        guess_count: event.guess_count,
    });
    let entries = Entries { events: events.collect() };
    serde_json::to_string(&entries).expect("texts and numbers are written to memory")
}

fn instant(ms: u64) -> String {
    let instant = OffsetDateTime::from_unix_timestamp_nanos(i128::from(ms) * 1_000_000);
    instant.ok().and_then(|instant| instant.format(&Rfc3339).ok()).unwrap_or_default()
}
