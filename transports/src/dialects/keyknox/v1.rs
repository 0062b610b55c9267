//! Version 1: one versioned record per identity. Source: seed 004; dialects/keyknox.md, section 3.

use strongroom_engine::{
    EngineError, Right,
    domains::records::{
        GetRecord, PutRecord, RecordForm, RecordHead, RecordName, ResetSingle, Version, absent_tag,
    },
};

use super::{
    call::Call,
    problem::Problem,
    wire::{self, Members, Opaque},
};
use crate::exchange::Response;

const EMPTY: Opaque<'_> = Opaque::Bytes(&[]);

/// `GET /v1`: the record. Where there is none, an empty one of version 1.0, which is where every client begins.
pub(super) async fn fetch(call: &Call<'_>) -> Result<Response, Problem> {
    match call.ask(GetRecord { owner: None, name: RecordName::single() }).await {
        Ok(record) => {
            Ok(present(call, &record.head, Opaque::Bytes(&record.meta), Opaque::Bytes(&record.value)).await)
        }
        Err(EngineError::UnknownRecord) => Ok(absent()),
        Err(error) => Err(call.problem(&error)),
    }
}

/// `PUT /v1`: creates the record, or replaces it if the caller knows its present hash.
pub(super) async fn store(call: &Call<'_>) -> Result<Response, Problem> {
    let limits = call.front.engine().limits();
    let read = Members::read(&call.request.body)
        .and_then(|mut members| members.content(limits.single_meta_bytes_max, limits.value_bytes_max));
    let content = match read {
        Ok(content) => content,
        Err(problem) => return Err(call.refuse_known(Right::Create, problem).await),
    };
    let previous = wire::previous(call.request);
    let put = PutRecord::new(RecordName::single(), content.meta, content.value, previous, Vec::new());
    let head = call.ask(put).await.map_err(|error| call.problem(&error))?;
    Ok(present(call, &head, Opaque::Text(&content.meta_text), Opaque::Text(&content.value_text)).await)
}

/// `POST /v1/reset`: empties the record in its next major version. The body is not looked at. A previous hash is not
/// needed, and is checked where one is given.
pub(super) async fn reset(call: &Call<'_>) -> Result<Response, Problem> {
    let reset = ResetSingle { previous: wire::previous(call.request) };
    match call.ask(reset).await.map_err(|error| call.problem(&error))? {
        Some(record) => Ok(present(call, &record.head, EMPTY, EMPTY).await),
        None => Ok(absent()),
    }
}

async fn present(call: &Call<'_>, head: &RecordHead, meta: Opaque<'_>, value: Opaque<'_>) -> Response {
    let response = wire::record_answer(wire::single_body(meta, value, head.version), &head.tag);
    call.with_evidence(response, head).await
}

fn absent() -> Response {
    wire::record_answer(wire::single_body(EMPTY, EMPTY, Version::FIRST), &absent_tag(RecordForm::Single))
}
