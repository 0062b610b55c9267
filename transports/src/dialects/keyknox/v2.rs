//! Version 2: any number of records by owner, root, path and key, shared with other identities. Source: what the
//! published clients send and expect; dialects/keyknox.md, section 5.
//!
//! A record that is absent and one that the caller may not read give the same bytes by the same path: the engine does
//! not tell them apart, so nothing here could.

use std::collections::BTreeSet;

use strongroom_engine::{
    EngineError, Right,
    domains::records::{
        GetRecord, ListRecords, Previous, PutRecord, Record, RecordForm, RecordName, absent_tag,
    },
};
use strongroom_primitives::id::Subject;

use super::{
    call::Call,
    problem::{self, Problem},
    wire::{self, Content, Members, Opaque},
};
use crate::exchange::Response;

/// The root under which a published client stores private keys without encryption.
const UNSAFE_ROOT: &str = "unsafe-keys";
/// Names asked for at once.
const LIST_PAGE: usize = 1_024;
const EMPTY: Opaque<'_> = Opaque::Bytes(&[]);

/// `POST /v2/push`: creates a record, or replaces it if the caller knows its present hash. Recipients are added.
pub(super) async fn push(call: &Call<'_>) -> Result<Response, Problem> {
    let push = match Push::read(call) {
        Ok(push) => push,
        Err(problem) => return Err(call.refuse_known(Right::Create, problem).await),
    };
    let Push { name, identities, content } = push;
    let previous = wire::previous(call.request);
    let put = PutRecord::new(name, content.meta, content.value, previous, identities);
    let head = call.ask(put).await.map_err(|error| call.problem(&error))?;
    let (meta, value) = (Opaque::Text(&content.meta_text), Opaque::Text(&content.value_text));
    let body = wire::named_body(&head.owner, head.name.parts(), &head.recipients, meta, value);
    Ok(call.with_evidence(wire::record_answer(body, &head.tag), &head).await)
}

struct Push {
    name: RecordName,
    identities: Vec<Subject>,
    content: Content,
}

impl Push {
    fn read(call: &Call<'_>) -> Result<Self, Problem> {
        let limits = call.front.engine().limits();
        let mut members = Members::read(&call.request.body)?;
        let parts = whole_name(&mut members)?;
        let identities = members.identities(limits.recipients_max)?;
        let content = members.content(limits.meta_bytes_max, limits.value_bytes_max)?;
        if call.refuse_unsafe_keys && parts[0] == UNSAFE_ROOT {
            return Err(problem::PERMISSION);
        }
        Ok(Self { name: RecordName::new(parts).map_err(|_| problem::ROOT)?, identities, content })
    }
}

fn whole_name(members: &mut Members) -> Result<[String; 3], Problem> {
    Ok([
        members.name_part("root", problem::ROOT)?,
        members.name_part("path", problem::PATH)?,
        members.name_part("key", problem::KEY)?,
    ])
}

/// The leading parts of names that a body gives. A part without the one before it is refused in the name of the one
/// that is missing, so that a forgotten root never widens a reset to everything.
fn prefix(members: &mut Members) -> Result<Vec<String>, Problem> {
    let root = members.optional_name_part("root", problem::ROOT)?;
    let path = members.optional_name_part("path", problem::PATH)?;
    let key = members.optional_name_part("key", problem::KEY)?;
    match (root, path, key) {
        (None, None, None) => Ok(Vec::new()),
        (None, ..) => Err(problem::ROOT),
        (Some(_), None, Some(_)) => Err(problem::PATH),
        (Some(root), path, key) => Ok([Some(root), path, key].into_iter().flatten().collect()),
    }
}

/// `POST /v2/pull`: a record of the caller's, or of the owner that `identity` names.
pub(super) async fn pull(call: &Call<'_>) -> Result<Response, Problem> {
    let read = || {
        let mut members = Members::read(&call.request.body)?;
        let parts = whole_name(&mut members)?;
        Ok((members.identity()?, parts))
    };
    let (owner, parts) = match read() {
        Ok(named) => named,
        Err(problem) => return Err(call.refuse_known(Right::Get, problem).await),
    };
    let name = RecordName::new(parts.clone()).map_err(|_| problem::ROOT)?;
    match call.ask(GetRecord { owner: owner.clone(), name }).await {
        Ok(record) => Ok(present(call, &record).await),
        Err(EngineError::UnknownRecord) => {
            let owner = match owner {
                Some(owner) => owner,
                None => call.identity().await?.subject,
            };
            Ok(absent(&owner, &parts))
        }
        Err(error) => Err(call.problem(&error)),
    }
}

/// `POST /v2/keys`: the next part of the names under what is given, each once, in order. Of somebody else's records
/// only those count that the caller may read.
pub(super) async fn keys(call: &Call<'_>) -> Result<Response, Problem> {
    let read = || {
        let mut members = Members::read(&call.request.body)?;
        let mut prefix = prefix(&mut members)?;
        prefix.truncate(2);
        Ok((members.identity()?, prefix))
    };
    let (owner, prefix) = match read() {
        Ok(named) => named,
        Err(problem) => return Err(call.refuse_known(Right::Get, problem).await),
    };
    let mut found = BTreeSet::new();
    let mut list = ListRecords { owner, prefix, from: None, limit: LIST_PAGE };
    loop {
        let page = call.ask(list.clone()).await.map_err(|error| call.problem(&error))?;
        // Names of one or two parts belong to the native interface; this version cannot address them.
        let whole = page.records.iter().map(|(name, ..)| name.parts()).filter(|parts| parts.len() == 3);
        found.extend(whole.map(|parts| parts[list.prefix.len()].clone()));
        match page.next {
            Some(next) => list.from = Some(next),
            None => break,
        }
    }
    let mut body = String::new();
    wire::push_texts(&mut body, found.iter().map(String::as_str));
    Ok(wire::answer(body))
}

/// `POST /v2/reset`: deletes the caller's records under what is given, or takes the recipient that `identity` names
/// out of them. A previous hash is checked where one is given, which takes a whole name and no recipient.
pub(super) async fn reset(call: &Call<'_>) -> Result<Response, Problem> {
    let previous = wire::previous(call.request);
    let read = || {
        let mut members = Members::read(&call.request.body)?;
        let prefix = prefix(&mut members)?;
        let recipient = members.identity()?;
        let checkable = prefix.len() == 3 && recipient.is_none();
        if previous != Previous::Unsaid && !checkable {
            return Err(problem::PREVIOUS_INVALID);
        }
        Ok((prefix, recipient))
    };
    let (prefix, recipient) = match read() {
        Ok(named) => named,
        Err(problem) => return Err(call.refuse_known(Right::Reset, problem).await),
    };
    // Asked before anything is deleted, so that nothing can go wrong between the deletion and its answer.
    let owner = call.identity().await?.subject;
    let engine = call.front.engine();
    let done = match recipient {
        None => engine.reset_records(call.asking(), prefix.clone(), previous).await,
        Some(recipient) => engine.remove_recipient(call.asking(), prefix.clone(), recipient).await,
    };
    match done.map_err(|error| call.problem(&error))?.record {
        Some(record) if prefix.len() == 3 => Ok(present(call, &record).await),
        _ => Ok(absent(&owner, &prefix)),
    }
}

async fn present(call: &Call<'_>, record: &Record) -> Response {
    let head = &record.head;
    let (meta, value) = (Opaque::Bytes(&record.meta), Opaque::Bytes(&record.value));
    let body = wire::named_body(&head.owner, head.name.parts(), &head.recipients, meta, value);
    call.with_evidence(wire::record_answer(body, &head.tag), head).await
}

fn absent(owner: &Subject, parts: &[String]) -> Response {
    let body = wire::named_body(owner, parts, &[], EMPTY, EMPTY);
    wire::record_answer(body, &absent_tag(RecordForm::Named))
}
