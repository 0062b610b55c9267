//! A wire protocol of your own, without touching Strongroom: a pocket that holds one line of text per name.
//!
//! It shows what a dialect is: a table from somebody's requests to the engine's commands, and from the engine's
//! refusals to somebody's words. It keeps no state and needs no socket.
//!
//! Run it: `cargo run --example own_dialect`

use std::sync::Arc;

use strongroom_engine::{
    Credential, Engine, EngineError, ErrorKind, Rights,
    domains::{
        realms::PutRealm,
        records::{GetRecord, Previous, PutRecord, RecordName},
    },
};
use strongroom_primitives::id::{RealmId, Subject};
use strongroom_storage::Memory;
use strongroom_transports::{
    EdgeLimits, Front, Router,
    dialects::{Answering, Dialect, Refusal},
    exchange::{HeaderMap, Method, Peer, Request, Response, StatusCode},
};

/// `GET /<name>` reads a line, `PUT /<name>` writes one that is not there yet.
struct Pocket {
    realm: RealmId,
}

impl Pocket {
    /// A pocket trusts whoever it is mounted behind to have checked the name in `x-user`.
    fn credential(&self, request: &Request) -> Result<Credential, EngineError> {
        let user = request.header("x-user").ok_or(EngineError::CredentialMissing)?;
        let subject = Subject::new(user).map_err(|_| EngineError::CredentialInvalid)?;
        Ok(Credential::Gateway { realm: self.realm.clone(), subject })
    }

    async fn serve(&self, front: &Front, path: &str, request: &Request) -> Result<Response, EngineError> {
        let credential = self.credential(request)?;
        let name = RecordName::new(["pocket", path.trim_start_matches('/')])
            .map_err(|_| EngineError::UnknownRecord)?;
        match request.method {
            Method::GET => {
                let record = front.engine().ask(credential, GetRecord { owner: None, name }).await?;
                Ok(line(StatusCode::OK, record.value))
            }
            Method::PUT => {
                let value = request.body.clone();
                let put = PutRecord::new(name, value.clone(), value, Previous::Absent, Vec::new());
                front.engine().ask(credential, put).await?;
                Ok(line(StatusCode::CREATED, "kept"))
            }
            _ => Ok(line(StatusCode::METHOD_NOT_ALLOWED, "a pocket knows GET and PUT")),
        }
    }
}

fn line(status: StatusCode, text: impl Into<bytes::Bytes>) -> Response {
    Response { status, headers: HeaderMap::new(), body: text.into() }
}

impl Dialect for Pocket {
    fn name(&self) -> &'static str {
        "pocket"
    }

    fn answer<'a>(&'a self, front: &'a Front, path: &'a str, request: &'a Request) -> Answering<'a> {
        Box::pin(async move {
            self.serve(front, path, request).await.unwrap_or_else(|error| match error.kind() {
                ErrorKind::NotFound => line(StatusCode::NOT_FOUND, "nothing in there"),
                ErrorKind::Conflict => line(StatusCode::CONFLICT, "there is something in there already"),
                ErrorKind::Refused => line(StatusCode::FORBIDDEN, "not your pocket"),
                ErrorKind::Busy | ErrorKind::Fault => line(StatusCode::SERVICE_UNAVAILABLE, "later"),
            })
        })
    }

    fn refuse(&self, _: Refusal) -> Response {
        line(StatusCode::BAD_REQUEST, "no")
    }
}

fn request(method: Method, path: &str, user: &str, body: &'static str) -> Request {
    let mut headers = HeaderMap::new();
    headers.insert("x-user", user.parse().expect("a header value"));
    Request {
        method,
        path: path.into(),
        query: None,
        headers,
        body: body.into(),
        peer: Peer::default(),
        request_id: "example".into(),
    }
}

#[actix_rt::main]
async fn main() {
    let storage = Memory::new(Arc::new(|| 1_780_000_000_000));
    let engine = Engine::builder(Arc::new(storage)).start().await.expect("the engine starts");
    let realm = RealmId::new("pockets").expect("a good realm");
    let known = PutRealm { realm: realm.clone(), rights: Rights::ALL };
    engine.handle().ask(Credential::Operator, known).await.expect("the realm is put");

    let router = Router::builder().mount("/pocket", Arc::new(Pocket { realm })).build().expect("one mount");
    let front = Front::new(engine.handle().clone(), EdgeLimits::default());

    let conversation = [
        (Method::GET, "alice", "", 404, "nothing in there"),
        (Method::PUT, "alice", "a string", 201, "kept"),
        (Method::PUT, "alice", "or nothing", 409, "there is something in there already"),
        (Method::GET, "alice", "", 200, "a string"),
        (Method::GET, "bob", "", 404, "nothing in there"),
    ];
    for (method, user, body, status, answer) in conversation {
        let said = format!("{user}: {method} /pocket/left {body}");
        let response = router.answer(&front, request(method, "/pocket/left", user, body)).await;
        println!("{said} -> {} {}", response.status, String::from_utf8_lossy(&response.body));
        assert_eq!((response.status.as_u16(), &response.body[..]), (status, answer.as_bytes()));
    }
}
