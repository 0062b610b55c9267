//! The native interface as HTTP: method, path, query, headers and body together spell an operation.
//!
//! `docs/native-api.md` has the table for people. Reading a request is a pure function ([`operation`]), tested without
//! an engine.

mod response;

use std::{borrow::Cow, time::Duration};

use http::{HeaderValue, Method, header};
use serde::{Deserialize, de::DeserializeOwned};
use strongroom_engine::{Asking, Credential, EngineError, domains::sessions::ProveSession};
use strongroom_primitives::{hash::RecordTag, id::Subject};
use strongroom_wire::{Base64Bytes, Operation, Previous, Problem, Reply};

use self::response::response;
use super::{
    Caller, FEED_WAIT_S_MAX, dispatch,
    input::{self, Query},
    paths, refused,
};
use crate::{
    Front,
    credentials::Shown,
    exchange::{Request, Response, agent_of},
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
    let answered = match ask(front, rest, request).await {
        Err(Refused::Problem(problem)) if problem.code.as_str() == EngineError::SessionUnproved.code() => {
            match prove(front, request).await {
                Ok(()) => ask(front, rest, request).await,
                Err(problem) => Err(problem.into()),
            }
        }
        answered => answered,
    };
    told(answered, request)
}

/// Answers the operator, whom the listener has authenticated. They have no account, so what takes one is not there.
#[cfg(any(feature = "http", test))]
pub(crate) async fn answer_operator(front: &Front, rest: &str, request: &Request) -> Response {
    let answered = match operation(rest, request) {
        Ok(operation) if operation.is_operators() => {
            put(front, request, Credential::Operator, operation).await
        }
        Ok(_) => Err(unknown_path().into()),
        Err(refused) => Err(refused),
    };
    told(answered, request)
}

/// An answer or a refusal as HTTP.
fn told(answered: Answered, request: &Request) -> Response {
    match answered {
        Ok((reply, known)) => response(reply, known),
        Err(Refused::Problem(problem)) => problem::signable(*problem, &request.request_id),
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

/// What a request asks, answered; with it the state that a reader of a record knows already.
type Answered = Result<(Reply, Option<RecordTag>), Refused>;

async fn ask(front: &Front, rest: &str, request: &Request) -> Answered {
    let operation = operation(rest, request)?;
    let credential = Shown::from(request).credential(front).map_err(refused)?;
    put(front, request, credential, operation).await
}

/// Puts a question to the engine.
async fn put(front: &Front, request: &Request, credential: Credential, operation: Operation) -> Answered {
    let asking = Asking { idempotency: input::idempotency(&request.headers)?, ..asking(front, credential) };
    let known = match operation {
        Operation::GetRecord { .. } => input::known_state(&request.headers),
        _ => None,
    };
    let agent = agent_of(&request.headers);
    let caller = Caller { address: request.peer.address, agent: agent.as_deref() };
    Ok((dispatch(front, caller, asking, operation).await?, known))
}

/// Proves the session that a request came with: whoever uses it has opened the text in which it came.
async fn prove(front: &Front, request: &Request) -> Result<(), Box<Problem>> {
    let credential = Shown::from(request).credential(front).map_err(refused)?;
    front.engine().ask(asking(front, credential), ProveSession {}).await.map_err(refused)
}

fn asking(front: &Front, credential: Credential) -> Asking {
    // A tenth is left for the way back, so that the engine's own word on a late answer arrives.
    let within = Some(front.limits().request_within * 9 / 10);
    Asking { credential, within, idempotency: None }
}

/// Why a request spells no operation.
pub(super) enum Refused {
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

/// A request being read: its query, each parameter of which is taken once, and its body, if somebody wants it.
pub(super) struct Reading<'r> {
    request: &'r Request,
    pub(super) query: Query<'r>,
    takes_body: bool,
}

impl<'r> Reading<'r> {
    fn new(request: &'r Request) -> Result<Self, Box<Problem>> {
        Ok(Self { request, query: Query::new(request.query.as_deref())?, takes_body: false })
    }

    pub(super) fn method(&self) -> &'r Method {
        &self.request.method
    }

    /// Refuses every other method.
    pub(super) fn only(&self, allowed: &Method, allow: &'static str) -> Result<(), Refused> {
        if self.request.method == *allowed { Ok(()) } else { Err(Refused::Method(allow)) }
    }

    pub(super) fn body<T: DeserializeOwned>(&mut self) -> Result<T, Box<Problem>> {
        self.takes_body = true;
        input::body(self.request)
    }

    /// The same where it may be left out.
    pub(super) fn body_if_any<T: DeserializeOwned + Default>(&mut self) -> Result<T, Box<Problem>> {
        if self.request.body.is_empty() { Ok(T::default()) } else { self.body() }
    }

    fn previous(&self) -> Result<Option<Previous>, Box<Problem>> {
        input::previous(&self.request.headers)
    }

    /// Refuses what was sent and nobody took.
    fn done(self) -> Result<(), Box<Problem>> {
        self.query.done()?;
        if self.takes_body { Ok(()) } else { input::no_body(self.request) }
    }
}

/// The operation that a request spells.
fn operation(rest: &str, request: &Request) -> Result<Operation, Refused> {
    let segments = path::segments(rest).map_err(|_| unknown_path())?;
    let mut reading = Reading::new(request)?;
    let Some((first, others)) = segments.split_first() else { return Err(unknown_path().into()) };
    let operation = match (&**first, others) {
        ("records", []) => match *reading.method() {
            Method::GET => Operation::ListRecords {
                owner: reading.query.parsed("owner")?,
                prefix: reading.query.many("prefix"),
                cursor: reading.query.one("cursor")?,
                limit: reading.query.parsed("limit")?,
            },
            _ => return Err(Refused::Method("GET")),
        },
        ("records", name) => match *reading.method() {
            Method::GET => Operation::GetRecord { owner: reading.query.parsed("owner")?, name: owned(name) },
            Method::PUT => {
                let PutBody { meta, value, recipients } = reading.body()?;
                let previous = reading.previous()?;
                Operation::PutRecord { name: owned(name), meta, value, previous, recipients }
            }
            Method::DELETE => Operation::DeleteRecord { name: owned(name), previous: reading.previous()? },
            _ => return Err(Refused::Method("GET, PUT, DELETE")),
        },
        ("reset", []) => {
            reading.only(&Method::POST, "POST")?;
            let ResetBody { prefix, recipient } = reading.body()?;
            Operation::ResetRecords { prefix, recipient }
        }
        ("history", [_, ..]) => {
            reading.only(&Method::GET, "GET")?;
            Operation::History { name: owned(others), after: reading.query.parsed("after")? }
        }
        ("version", [_, ..]) => {
            reading.only(&Method::GET, "GET")?;
            let sequence = reading.query.parsed("sequence")?;
            let sequence = sequence.ok_or_else(|| bad_request("`sequence` says which version"))?;
            Operation::GetVersion { name: owned(others), sequence }
        }
        ("undo", [_, ..]) => {
            reading.only(&Method::POST, "POST")?;
            let UndoBody { sequence } = reading.body()?;
            let previous = reading.previous()?;
            Operation::UndoRecord { name: owned(others), sequence, previous }
        }
        ("share", [_, ..]) => {
            reading.only(&Method::POST, "POST")?;
            let ShareBody { add, remove } = reading.body()?;
            Operation::ShareRecord { name: owned(others), add, remove }
        }
        ("grants", []) => {
            reading.only(&Method::GET, "GET")?;
            Operation::ListGrants {
                cursor: reading.query.one("cursor")?,
                limit: reading.query.parsed("limit")?,
            }
        }
        ("receipt", [_, ..]) => {
            reading.only(&Method::GET, "GET")?;
            Operation::Receipt { owner: reading.query.parsed("owner")?, name: owned(others) }
        }
        ("feed", []) => {
            reading.only(&Method::GET, "GET")?;
            let record = reading.query.many("record");
            Operation::FeedPage {
                owner: reading.query.parsed("owner")?,
                record: (!record.is_empty()).then_some(record),
                after: reading.query.parsed("after")?,
                wait_s: reading.query.parsed("wait_s")?,
                limit: reading.query.parsed("limit")?,
            }
        }
        ("session", []) => match *reading.method() {
            Method::GET => Operation::Whoami {},
            Method::DELETE => Operation::RevokeSession { session: None },
            _ => return Err(Refused::Method("GET, DELETE")),
        },
        ("session", [child]) if child == "child" => {
            reading.only(&Method::POST, "POST")?;
            let ChildBody { life_s, label } = reading.body()?;
            Operation::OpenChild { life_s, label }
        }
        ("session", [session]) => {
            reading.only(&Method::DELETE, "DELETE")?;
            let session = session.parse().map_err(|_| unknown_path())?;
            Operation::RevokeSession { session: Some(session) }
        }
        ("sessions", []) => match *reading.method() {
            Method::GET => Operation::ListSessions {},
            Method::DELETE => Operation::RevokeSessions {
                keep_current: reading.query.parsed("keep_current")?.unwrap_or(false),
            },
            _ => return Err(Refused::Method("GET, DELETE")),
        },
        ("account", []) => {
            reading.only(&Method::DELETE, "DELETE")?;
            let EraseBody { confirm } = reading.body()?;
            Operation::EraseAccount { confirm }
        }
        _ => paths::operation(&segments, &mut reading)?,
    };
    reading.done()?;
    Ok(operation)
}

fn owned(segments: &[Cow<'_, str>]) -> Vec<String> {
    segments.iter().map(|segment| segment.clone().into_owned()).collect()
}

pub(super) fn unknown_path() -> Box<Problem> {
    Box::new(with_detail(404, "unknown-path", "there is nothing here", "docs/native-api.md lists the paths"))
}
