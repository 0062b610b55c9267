//! The native interface as HTTP: method, path, query, headers and body together spell an operation.
//!
//! `docs/native-api.md` has the table for people. Reading a request is a pure function ([`operation`]), tested without
//! an engine.

use std::{borrow::Cow, time::Duration};

use http::{HeaderName, HeaderValue, Method, StatusCode, header};
use serde::{Deserialize, Serialize};
use strongroom_engine::Asking;
use strongroom_primitives::{hash::RecordTag, id::Subject};
use strongroom_wire::{Base64Bytes, Operation, Problem, Reply};

use super::{
    FEED_WAIT_S_MAX, dispatch,
    input::{self, Query},
};
use crate::{
    Front, credentials,
    exchange::{Request, Response},
    path,
    problem::{self, bad_request, with_detail},
};

/// The body of a `PUT`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PutBody {
    meta: Base64Bytes,
    value: Base64Bytes,
    #[serde(default)]
    recipients: Vec<Subject>,
}

/// The body of `POST /reset`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ResetBody {
    prefix: Vec<String>,
    #[serde(default)]
    recipient: Option<Subject>,
}

/// The body of `POST /undo/...`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UndoBody {
    sequence: u64,
}

/// The body of `POST /share/...`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ShareBody {
    #[serde(default)]
    add: Vec<Subject>,
    #[serde(default)]
    remove: Vec<Subject>,
}

/// The body of `DELETE /account`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EraseBody {
    confirm: Subject,
}

/// The body of `POST /session/child`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ChildBody {
    life_s: u64,
    #[serde(default)]
    label: String,
}

/// How long a request asks to be kept waiting on top of what any request may take.
pub(crate) fn waits(rest: &str, request: &Request) -> Duration {
    if rest != "/feed" {
        return Duration::ZERO;
    }
    let mut query = Query::new(request.query.as_deref()).ok();
    let wait_s = query.as_mut().and_then(|query| query.parsed::<u64>("wait_s").ok()?).unwrap_or(0);
    Duration::from_secs(wait_s.min(FEED_WAIT_S_MAX))
}

/// Answers a request whose path below the mount is `rest`.
pub(crate) async fn answer(front: &Front, rest: &str, request: &Request) -> Response {
    let answered = async {
        let operation = operation(rest, request)?;
        let credential = credentials::of(&request.headers).map_err(|error| Box::new(problem::of(&error)))?;
        // A tenth is left for the way back, so that the engine's own word on a late answer arrives.
        let within = Some(front.limits().request_within * 9 / 10);
        let asking = Asking { credential, within, idempotency: input::idempotency(&request.headers)? };
        let known = match operation {
            Operation::GetRecord { .. } => input::known_state(&request.headers),
            _ => None,
        };
        Ok((dispatch(front, asking, operation).await?, known))
    };
    match answered.await {
        Ok((reply, known)) => response(reply, known),
        Err(Refused::Problem(problem)) => problem::response(*problem, &request.request_id),
        Err(Refused::Method(allow)) => {
            let problem = with_detail(
                405,
                "method-not-allowed",
                "this path has no such method",
                format!("it has {allow}"),
            );
            let mut response = problem::response(problem, &request.request_id);
            response.headers.insert(header::ALLOW, HeaderValue::from_static(allow));
            response
        }
    }
}

/// Why a request spells no operation.
enum Refused {
    /// A problem to tell.
    Problem(Box<Problem>),
    /// The path is known and has only these methods.
    Method(&'static str),
}

impl From<Box<Problem>> for Refused {
    fn from(problem: Box<Problem>) -> Self {
        Self::Problem(problem)
    }
}

/// The operation that a request spells.
fn operation(rest: &str, request: &Request) -> Result<Operation, Refused> {
    let segments = path::segments(rest).map_err(|_| unknown_path())?;
    let mut query = Query::new(request.query.as_deref())?;
    let Some((first, others)) = segments.split_first() else { return Err(unknown_path().into()) };
    let operation = match (&**first, others) {
        ("records", []) => match request.method {
            Method::GET => Operation::ListRecords {
                owner: query.parsed("owner")?,
                prefix: query.many("prefix"),
                cursor: query.one("cursor")?,
                limit: query.parsed("limit")?,
            },
            _ => return Err(Refused::Method("GET")),
        },
        ("records", name) => match request.method {
            Method::GET => Operation::GetRecord { owner: query.parsed("owner")?, name: owned(name) },
            Method::PUT => {
                let PutBody { meta, value, recipients } = input::body(request)?;
                let previous = input::previous(&request.headers)?;
                Operation::PutRecord { name: owned(name), meta, value, previous, recipients }
            }
            Method::DELETE => {
                Operation::DeleteRecord { name: owned(name), previous: input::previous(&request.headers)? }
            }
            _ => return Err(Refused::Method("GET, PUT, DELETE")),
        },
        ("reset", []) => {
            only(&request.method, &Method::POST, "POST")?;
            let ResetBody { prefix, recipient } = input::body(request)?;
            Operation::ResetRecords { prefix, recipient }
        }
        ("history", [_, ..]) => {
            only(&request.method, &Method::GET, "GET")?;
            Operation::History { name: owned(others), after: query.parsed("after")? }
        }
        ("version", [_, ..]) => {
            only(&request.method, &Method::GET, "GET")?;
            let sequence = query.parsed("sequence")?;
            let sequence = sequence.ok_or_else(|| bad_request("`sequence` says which version"))?;
            Operation::GetVersion { name: owned(others), sequence }
        }
        ("undo", [_, ..]) => {
            only(&request.method, &Method::POST, "POST")?;
            let UndoBody { sequence } = input::body(request)?;
            let previous = input::previous(&request.headers)?;
            Operation::UndoRecord { name: owned(others), sequence, previous }
        }
        ("share", [_, ..]) => {
            only(&request.method, &Method::POST, "POST")?;
            let ShareBody { add, remove } = input::body(request)?;
            Operation::ShareRecord { name: owned(others), add, remove }
        }
        ("grants", []) => {
            only(&request.method, &Method::GET, "GET")?;
            Operation::ListGrants { cursor: query.one("cursor")?, limit: query.parsed("limit")? }
        }
        ("receipt", [_, ..]) => {
            only(&request.method, &Method::GET, "GET")?;
            Operation::Receipt { owner: query.parsed("owner")?, name: owned(others) }
        }
        ("feed", []) => {
            only(&request.method, &Method::GET, "GET")?;
            let record = query.many("record");
            Operation::FeedPage {
                owner: query.parsed("owner")?,
                record: (!record.is_empty()).then_some(record),
                after: query.parsed("after")?,
                wait_s: query.parsed("wait_s")?,
                limit: query.parsed("limit")?,
            }
        }
        ("session", []) => match request.method {
            Method::GET => Operation::Whoami {},
            Method::DELETE => Operation::RevokeSession { session: None },
            _ => return Err(Refused::Method("GET, DELETE")),
        },
        ("session", [child]) if child == "child" => {
            only(&request.method, &Method::POST, "POST")?;
            let ChildBody { life_s, label } = input::body(request)?;
            Operation::OpenChild { life_s, label }
        }
        ("session", [session]) => {
            only(&request.method, &Method::DELETE, "DELETE")?;
            let session = session.parse().map_err(|_| unknown_path())?;
            Operation::RevokeSession { session: Some(session) }
        }
        ("sessions", []) => match request.method {
            Method::GET => Operation::ListSessions {},
            Method::DELETE => {
                Operation::RevokeSessions { keep_current: query.parsed("keep_current")?.unwrap_or(false) }
            }
            _ => return Err(Refused::Method("GET, DELETE")),
        },
        ("account", []) => {
            only(&request.method, &Method::DELETE, "DELETE")?;
            let EraseBody { confirm } = input::body(request)?;
            Operation::EraseAccount { confirm }
        }
        _ => return Err(unknown_path().into()),
    };
    query.done()?;
    let takes_body = matches!(
        operation,
        Operation::PutRecord { .. }
            | Operation::ResetRecords { .. }
            | Operation::UndoRecord { .. }
            | Operation::ShareRecord { .. }
            | Operation::EraseAccount { .. }
            | Operation::OpenChild { .. }
    );
    if !takes_body {
        input::no_body(request)?;
    }
    Ok(operation)
}

fn only(method: &Method, allowed: &Method, allow: &'static str) -> Result<(), Refused> {
    if method == allowed { Ok(()) } else { Err(Refused::Method(allow)) }
}

fn owned(segments: &[Cow<'_, str>]) -> Vec<String> {
    segments.iter().map(|segment| segment.clone().into_owned()).collect()
}

fn unknown_path() -> Box<Problem> {
    Box::new(with_detail(404, "unknown-path", "there is nothing here", "docs/native-api.md lists the paths"))
}

/// An answer as HTTP: the document alone, its kind being fixed by the request.
fn response(reply: Reply, known: Option<RecordTag>) -> Response {
    match reply {
        Reply::Record(record) if known == Some(record.head.tag) => {
            tagged(Response::empty(StatusCode::NOT_MODIFIED), &record.head.tag)
        }
        Reply::Record(record) => tagged(document(&record), &record.head.tag),
        Reply::Head(head) => tagged(document(&head), &head.tag),
        Reply::Done {} => Response::empty(StatusCode::NO_CONTENT),
        Reply::Sessions { sessions } => {
            #[derive(Serialize)]
            struct Sessions {
                sessions: Vec<strongroom_wire::SessionInfo>,
            }
            document(&Sessions { sessions })
        }
        Reply::Revoked { count } => {
            #[derive(Serialize)]
            struct Revoked {
                count: u64,
            }
            document(&Revoked { count })
        }
        Reply::Opened(body) => document(&body),
        Reply::Whoami(body) => document(&body),
        Reply::Names(body) => document(&body),
        Reply::Reset(body) => document(&body),
        Reply::History(body) => document(&body),
        Reply::Shared(body) => document(&body),
        Reply::Grants(body) => document(&body),
        Reply::Receipt(body) => document(&body),
        Reply::Feed(body) => document(&body),
    }
}

fn tagged(response: Response, tag: &RecordTag) -> Response {
    const ETAG: HeaderName = header::ETAG;
    response.with(ETAG, &input::etag_of(tag))
}

fn document(body: &impl Serialize) -> Response {
    let body = serde_json::to_vec(body).expect("answers are made of types that JSON can write");
    Response::json(StatusCode::OK, body)
}
