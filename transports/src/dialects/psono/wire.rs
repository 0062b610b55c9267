//! Requests without a session, and answers.

use http::header;
use serde_json::Value;
use strongroom_engine::{Asking, Boxed, Command, Credential, EngineError, Routed};

use super::{
    Psono,
    members::{Members, hex_of},
    problem::{self, Problem},
};
use crate::{
    Front,
    exchange::{Request, Response, StatusCode},
    rates::network_of,
};

/// Success: a status, and a JSON text or nothing.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) body: String,
}

impl Answer {
    pub(super) fn json(status: StatusCode, body: Value) -> Self {
        Self { status, body: body.to_string() }
    }

    /// In plain.
    pub(super) fn response(self) -> Response {
        Response::json(self.status, self.body)
    }
}

/// 200.
pub(super) fn ok(body: Value) -> Result<Answer, Problem> {
    Ok(Answer::json(StatusCode::OK, body))
}

/// 201.
pub(super) fn created(body: Value) -> Result<Answer, Problem> {
    Ok(Answer::json(StatusCode::CREATED, body))
}

/// Writes a sealed text and its nonce; empty ones where there is none.
pub(super) fn put_data(document: &mut Value, name: &str, nonce: &str, data: Option<&Boxed>) {
    document[name] = Value::String(data.map_or_else(String::new, |data| hex_of(&data.text)));
    document[nonce] = Value::String(data.map_or_else(String::new, |data| hex_of(data.nonce)));
}

/// A request of somebody without a session, or whose session does not matter.
pub(super) struct Open<'a> {
    pub(super) psono: &'a Psono,
    pub(super) front: &'a Front,
    pub(super) request: &'a Request,
}

impl Open<'_> {
    /// The body. None is as good as an empty object.
    ///
    /// # Errors
    /// 415, `JSON parse error`.
    pub(super) fn members(&self) -> Result<Members, Problem> {
        if self.request.body.is_empty() {
            return Ok(Members::default());
        }
        if !is_json(self.request) {
            return Err(problem::MEDIA_TYPE);
        }
        Members::read(&self.request.body)
    }

    /// Asks for nobody in particular.
    pub(super) async fn ask<C: Command>(&self, command: C) -> Result<C::Reply, EngineError>
    where
        C::Domain: Routed,
    {
        self.front.engine().ask(asking(self.front, Credential::Anonymous), command).await
    }

    /// The same in Psono's words.
    pub(super) async fn tell<C: Command>(&self, command: C) -> Result<C::Reply, Problem>
    where
        C::Domain: Routed,
    {
        self.ask(command).await.map_err(|error| Problem::of(&error))
    }

    /// The network that the request comes from.
    pub(super) fn network(&self) -> Vec<u8> {
        network_of(self.request.peer.address)
    }
}

pub(super) fn asking(front: &Front, credential: Credential) -> Asking {
    // A tenth is left for the way back, so that the engine's own word on a late answer arrives.
    let within = Some(front.limits().request_within * 9 / 10);
    Asking { credential, within, idempotency: None }
}

/// Whether the body says that it is JSON, whatever parameters follow.
pub(super) fn is_json(request: &Request) -> bool {
    let kind = request.header(header::CONTENT_TYPE).and_then(|kind| kind.split(';').next());
    kind.is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}
