//! Questions as HTTP requests. One request, one answer; events by long poll.
//!
//! No redirect is followed, no answer is read beyond its limit, and nothing is sent in the clear to another machine.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use reqwest::Method;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, IF_MATCH, IF_NONE_MATCH};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use strongroom_wire::{Operation, Previous, Reply, SessionInfo};

use super::address::NATIVE_PATH;
use super::door::Door;
use super::{Feed, Link, Place, Question, Shown, foreign};
use crate::client::ClientOptions;
use crate::credentials::Credentials;
use crate::{ClientError, checks};

/// How long a page of a feed waits at the server for something to be on it, in seconds.
const FEED_WAIT_S: u64 = 25;

/// A server over HTTP. Clones share connections.
#[derive(Clone)]
pub(crate) struct HttpLink(Arc<Inner>);

struct Inner {
    door: Door,
    credentials: Credentials,
    options: ClientOptions,
}

impl HttpLink {
    pub(crate) fn new(
        url: &str,
        credentials: Credentials,
        options: ClientOptions,
    ) -> Result<Self, ClientError> {
        let door = Door::new(url, NATIVE_PATH, &options)?;
        Ok(Self(Arc::new(Inner { door, credentials, options })))
    }
}

impl Link for HttpLink {
    fn ask<'a>(&'a self, question: &'a Question) -> BoxFuture<'a, Result<Reply, ClientError>> {
        Box::pin(self.0.ask(question))
    }

    fn of(&self, credentials: Credentials) -> Arc<dyn Link> {
        let Inner { door, options, .. } = &*self.0;
        let (door, options) = (door.clone(), options.clone());
        Arc::new(Self(Arc::new(Inner { door, credentials, options })))
    }

    fn follow<'a>(&'a self, place: &'a Place) -> BoxFuture<'a, Result<Box<dyn Feed>, ClientError>> {
        let poll = Poll { link: self.0.clone(), place: place.clone(), began: false, shown: VecDeque::new() };
        Box::pin(std::future::ready(Ok(Box::new(poll) as Box<dyn Feed>)))
    }
}

impl Inner {
    async fn ask(&self, question: &Question) -> Result<Reply, ClientError> {
        let spelled = spell(&question.operation)?;
        let issued = self.credentials.token(&*self.options.ports.clock).await?;
        let mut headers = spelled.headers;
        if let Some(authorization) = &issued.authorization {
            let mut authorization = HeaderValue::from_str(authorization.expose()).map_err(|_| {
                ClientError::Invalid("the token has characters that no header can have".to_owned())
            })?;
            authorization.set_sensitive(true);
            headers.insert(AUTHORIZATION, authorization);
        }
        if let Some(key) = &question.idempotency {
            let mut key =
                HeaderValue::from_str(&key.expose_text()).expect("hexadecimal digits make a header");
            key.set_sensitive(true);
            headers.insert("idempotency-key", key);
        }
        let mut request = self.door.request(spelled.method, &spelled.target).headers(headers);
        if let Some(body) = spelled.body {
            request = request.header(CONTENT_TYPE, "application/json").body(body);
        }
        let answered = self.door.send(request, question.within).await?;
        let answer = if answered.is_success() {
            read_reply(&question.operation, &answered.body)
        } else {
            let problem = foreign::read_problem(answered.status, answered.retry_after_s, &answered.body);
            Err(ClientError::Problem(Box::new(problem)))
        };
        if answer.as_ref().is_err_and(ClientError::is_expired) {
            self.credentials.forget(&issued).await;
        }
        answer
    }
}

/// An operation as HTTP spells it.
#[derive(Debug)]
struct Spelled {
    method: Method,
    /// Path below the native interface and query.
    target: String,
    headers: HeaderMap,
    body: Option<Vec<u8>>,
}

/// Spells an operation.
fn spell(operation: &Operation) -> Result<Spelled, ClientError> {
    let mut headers = HeaderMap::new();
    let mut body = None;
    let (method, target) = match operation {
        Operation::Whoami {} => (Method::GET, Target::at("/session")),
        Operation::ListSessions {} => (Method::GET, Target::at("/sessions")),
        Operation::RevokeSession { session } => {
            let session = session.map(|session| session.to_string());
            (Method::DELETE, Target::at("/session").name(session.as_slice())?)
        }
        Operation::RevokeSessions { keep_current } => {
            (Method::DELETE, Target::at("/sessions").query("keep_current", Some(keep_current)))
        }
        Operation::OpenChild { life_s, label } => {
            body = Some(json!({ "life_s": life_s, "label": label }));
            (Method::POST, Target::at("/session/child"))
        }
        Operation::GetRecord { owner, name } => {
            (Method::GET, Target::at("/records").name(name)?.query("owner", owner))
        }
        Operation::PutRecord { name, meta, value, previous, recipients } => {
            conditions(&mut headers, previous.as_ref());
            body = Some(json!({ "meta": meta, "value": value, "recipients": recipients }));
            (Method::PUT, Target::at("/records").name(name)?)
        }
        Operation::DeleteRecord { name, previous } => {
            conditions(&mut headers, previous.as_ref());
            (Method::DELETE, Target::at("/records").name(name)?)
        }
        Operation::ListRecords { owner, prefix, cursor, limit } => {
            let target = Target::at("/records").query("owner", owner).query("prefix", prefix);
            (Method::GET, target.query("cursor", cursor).query("limit", limit))
        }
        Operation::ResetRecords { prefix, recipient } => {
            body = Some(json!({ "prefix": prefix, "recipient": recipient }));
            (Method::POST, Target::at("/reset"))
        }
        Operation::History { name, after } => {
            (Method::GET, Target::at("/history").name(name)?.query("after", after))
        }
        Operation::GetVersion { name, sequence } => {
            (Method::GET, Target::at("/version").name(name)?.query("sequence", [sequence]))
        }
        Operation::UndoRecord { name, sequence, previous } => {
            conditions(&mut headers, previous.as_ref());
            body = Some(json!({ "sequence": sequence }));
            (Method::POST, Target::at("/undo").name(name)?)
        }
        Operation::ShareRecord { name, add, remove } => {
            body = Some(json!({ "add": add, "remove": remove }));
            (Method::POST, Target::at("/share").name(name)?)
        }
        Operation::ListGrants { cursor, limit } => {
            (Method::GET, Target::at("/grants").query("cursor", cursor).query("limit", limit))
        }
        Operation::Receipt { owner, name } => {
            (Method::GET, Target::at("/receipt").name(name)?.query("owner", owner))
        }
        Operation::FeedPage { owner, record, after, wait_s, limit } => {
            let target = Target::at("/feed").query("owner", owner).query("record", record.iter().flatten());
            (Method::GET, target.query("after", after).query("wait_s", wait_s).query("limit", limit))
        }
        Operation::EraseAccount { confirm } => {
            body = Some(json!({ "confirm": confirm }));
            (Method::DELETE, Target::at("/account"))
        }
        Operation::ServiceInfo {} => (Method::GET, Target::at("/service")),
        Operation::ReserveUsername {} => (Method::POST, Target::at("/users/names")),
        Operation::RegisterUser(new) => {
            body = Some(json!(new));
            (Method::POST, Target::at("/users"))
        }
        Operation::BeginSrp(start) => {
            body = Some(json!(start));
            (Method::POST, Target::at("/users/challenge"))
        }
        Operation::FinishSrp(proof) => {
            body = Some(json!(proof));
            (Method::POST, Target::at("/users/session"))
        }
        Operation::ChangePassphrase(change) => {
            body = Some(json!(change));
            (Method::PUT, Target::at("/user/passphrase"))
        }
        Operation::SignInAttempts {} => (Method::GET, Target::at("/user/attempts")),
        Operation::ChallengeApiKey {} => (Method::POST, Target::at("/api-keys/challenge")),
        Operation::SignInWithApiKey(sign_in) => {
            body = Some(json!(sign_in));
            (Method::POST, Target::at("/api-keys/session"))
        }
        Operation::CreateApiKey(new) => {
            body = Some(json!(new));
            (Method::POST, Target::at("/api-keys"))
        }
        Operation::ListApiKeys {} => (Method::GET, Target::at("/api-keys")),
        Operation::UpdateApiKey { id, .. } => {
            body = Some(arguments(operation, "id"));
            (Method::PATCH, Target::at("/api-keys").name(&[id.to_string()])?)
        }
        Operation::RevokeApiKey { id } => (Method::DELETE, Target::at("/api-keys").name(&[id.to_string()])?),
        Operation::AttachSecret { id, .. } => {
            body = Some(arguments(operation, "id"));
            (Method::POST, Target::at(&format!("/api-keys/{id}/attachments")))
        }
        Operation::ListAttached { id } => (Method::GET, Target::at(&format!("/api-keys/{id}/attachments"))),
        Operation::DetachSecret { attachment } => {
            (Method::DELETE, Target::at(&format!("/api-keys/attachments/{attachment}")))
        }
        Operation::GetKek {} => (Method::GET, Target::at("/kek")),
        Operation::SetKek(kek) => {
            body = Some(json!(kek));
            (Method::PUT, Target::at("/kek"))
        }
        Operation::RestartEnrolment(kek) => {
            body = Some(json!(kek));
            (Method::POST, Target::at("/kek/restart"))
        }
        Operation::CreateDek(dek) => {
            body = Some(json!(dek));
            (Method::POST, Target::at("/deks"))
        }
        Operation::GetDek { id } => (Method::GET, Target::at("/deks").name(&[id.to_string()])?),
        Operation::DeleteDek { id } => (Method::DELETE, Target::at("/deks").name(&[id.to_string()])?),
        Operation::ListDeks { pending, cursor, limit } => {
            (Method::GET, Target::at("/deks").query("pending", pending.then_some(true)).page(cursor, limit))
        }
        Operation::CreateKeyPair(pair) => {
            body = Some(json!(pair));
            (Method::POST, Target::at("/keypairs"))
        }
        Operation::GetKeyPair { id } => (Method::GET, Target::at("/keypairs").name(&[id.to_string()])?),
        Operation::FindKeyPair { external_identifier } => {
            (Method::GET, Target::at("/keypairs/named").name(std::slice::from_ref(external_identifier))?)
        }
        Operation::UpdateKeyPair { id, .. } => {
            body = Some(arguments(operation, "id"));
            (Method::PATCH, Target::at("/keypairs").name(&[id.to_string()])?)
        }
        Operation::DeleteKeyPair { id } => (Method::DELETE, Target::at("/keypairs").name(&[id.to_string()])?),
        Operation::ListKeyPairs { pending, cursor, limit } => (
            Method::GET,
            Target::at("/keypairs").query("pending", pending.then_some(true)).page(cursor, limit),
        ),
        Operation::BeginRotation(rotation) => {
            body = Some(json!(rotation));
            (Method::POST, Target::at("/kek/rotation"))
        }
        Operation::Rewrap { target, keys } => {
            body = Some(json!({ "keys": keys }));
            (Method::PUT, Target::at(&format!("/kek/rotation/{target}/keys")))
        }
        Operation::FinishRotation { target } => {
            (Method::POST, Target::at(&format!("/kek/rotation/{target}/finish")))
        }
        Operation::CancelRotation { target } => {
            (Method::DELETE, Target::at(&format!("/kek/rotation/{target}")))
        }
        Operation::IssueToken(wanted) => {
            body = Some(json!(wanted));
            (Method::POST, Target::at("/admission/tokens"))
        }
        Operation::SpendToken(shown) => {
            body = Some(json!(shown));
            (Method::POST, Target::at("/admission/spend"))
        }
        Operation::CreateVaultUser(enrolment) => {
            body = Some(json!(enrolment));
            (Method::POST, Target::at("/vault/users"))
        }
        Operation::OpenVaultSession(sign_in) => {
            body = Some(json!(sign_in));
            (Method::POST, Target::at("/vault/session"))
        }
        Operation::GetVaultUser {} => (Method::GET, Target::at("/vault/user")),
        Operation::UpdateVaultUser(change) => {
            body = Some(json!(change));
            (Method::PATCH, Target::at("/vault/user"))
        }
        Operation::ListTemplates {} => (Method::GET, Target::at("/vault/templates")),
        Operation::CreateItem(item) => {
            body = Some(json!(item));
            (Method::POST, Target::at("/vault/items"))
        }
        Operation::GetItem { id } => (Method::GET, Target::at("/vault/items").name(&[id.to_string()])?),
        Operation::ListItems { templates, cursor, limit } => {
            (Method::GET, Target::at("/vault/items").query("template", templates).page(cursor, limit))
        }
        Operation::UpdateItem { id, .. } => {
            body = Some(arguments(operation, "id"));
            (Method::PATCH, Target::at("/vault/items").name(&[id.to_string()])?)
        }
        Operation::DeleteItem { id } => (Method::DELETE, Target::at("/vault/items").name(&[id.to_string()])?),
        Operation::DeleteSlot { id } => (Method::DELETE, Target::at("/vault/slots").name(&[id.to_string()])?),
    };
    let body = body.map(|body| body.to_string().into_bytes());
    Ok(Spelled { method, target: target.0, headers, body })
}

/// What an operation takes, but for the one that the path names.
fn arguments(operation: &Operation, named: &str) -> Value {
    let mut spelled = json!(operation);
    let arguments = spelled.as_object_mut().and_then(|all| all.values_mut().next()).map(Value::take);
    let mut arguments = arguments.expect("an operation is an object of one member, which has its arguments");
    arguments.as_object_mut().and_then(|all| all.remove(named)).expect("the path names one of them");
    arguments
}

fn conditions(headers: &mut HeaderMap, previous: Option<&Previous>) {
    match previous {
        None => {}
        Some(Previous::Absent) => drop(headers.insert(IF_NONE_MATCH, HeaderValue::from_static("*"))),
        Some(Previous::Tag(tag)) => {
            let etag = HeaderValue::from_str(&format!("\"{}\"", tag.to_base64()));
            drop(headers.insert(IF_MATCH, etag.expect("base64 in quotes makes a header")));
        }
    }
}

/// A path and a query being written.
struct Target(String);

impl Target {
    fn at(path: &str) -> Self {
        Self(path.to_owned())
    }

    /// One more segment for every part, percent-encoded whole.
    fn name(mut self, parts: &[String]) -> Result<Self, ClientError> {
        for part in parts {
            // Whoever reads a URL on the way takes these for steps in a tree, however they are encoded.
            if part == "." || part == ".." || part.chars().any(char::is_control) {
                return Err(ClientError::Invalid(format!(
                    "the name part {part:?} cannot be spelled in a URL; use a WebSocket for it"
                )));
            }
            self.0.push('/');
            self.encode(part);
        }
        Ok(self)
    }

    /// A parameter for every value.
    fn query<T: ToString>(mut self, name: &str, values: impl IntoIterator<Item = T>) -> Self {
        for value in values {
            self.0.push(if self.0.contains('?') { '&' } else { '?' });
            self.0.push_str(name);
            self.0.push('=');
            self.encode(&value.to_string());
        }
        self
    }

    /// The parameters of a listing.
    fn page(self, cursor: &Option<String>, limit: &Option<usize>) -> Self {
        self.query("cursor", cursor).query("limit", limit)
    }

    fn encode(&mut self, text: &str) {
        for byte in text.bytes() {
            if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                self.0.push(char::from(byte));
            } else {
                self.0.push_str(&format!("%{byte:02X}"));
            }
        }
    }
}

/// The answer of an operation: over HTTP the document stands alone, its kind being fixed by the question.
fn read_reply(operation: &Operation, body: &[u8]) -> Result<Reply, ClientError> {
    #[derive(Deserialize)]
    struct Sessions {
        sessions: Vec<SessionInfo>,
    }
    #[derive(Deserialize)]
    struct Revoked {
        count: u64,
    }
    fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, ClientError> {
        serde_json::from_slice(body)
            .map_err(|_| ClientError::protocol("it is not the document that was asked for"))
    }
    Ok(match operation {
        Operation::Whoami {} => Reply::Whoami(read(body)?),
        Operation::ListSessions {} => Reply::Sessions { sessions: read::<Sessions>(body)?.sessions },
        Operation::RevokeSessions { .. } => Reply::Revoked { count: read::<Revoked>(body)?.count },
        Operation::OpenChild { .. } => Reply::Opened(read(body)?),
        Operation::GetRecord { .. } | Operation::GetVersion { .. } => Reply::Record(read(body)?),
        Operation::PutRecord { .. } | Operation::UndoRecord { .. } => Reply::Head(read(body)?),
        Operation::ListRecords { .. } => Reply::Names(read(body)?),
        Operation::ResetRecords { .. } => Reply::Reset(read(body)?),
        Operation::History { .. } => Reply::History(read(body)?),
        Operation::ShareRecord { .. } => Reply::Shared(read(body)?),
        Operation::ListGrants { .. } => Reply::Grants(read(body)?),
        Operation::Receipt { .. } => Reply::Receipt(read(body)?),
        Operation::FeedPage { .. } => Reply::Feed(read(body)?),
        Operation::ServiceInfo {} => Reply::Service(read(body)?),
        Operation::ReserveUsername {} => Reply::Reserved(read(body)?),
        Operation::RegisterUser(_) => Reply::Registered(read(body)?),
        Operation::BeginSrp(_) => Reply::Challenge(read(body)?),
        Operation::FinishSrp(_) => Reply::SignedIn(read(body)?),
        Operation::ChangePassphrase(_) => Reply::PassphraseChanged(read(body)?),
        Operation::SignInAttempts {} => Reply::Attempts(read(body)?),
        Operation::ChallengeApiKey {} => Reply::ApiKeyChallenge(read(body)?),
        Operation::SignInWithApiKey(_) => Reply::ApiKeySignedIn(read(body)?),
        Operation::CreateApiKey(_) | Operation::UpdateApiKey { .. } => Reply::ApiKey(read(body)?),
        Operation::ListApiKeys {} => Reply::ApiKeys(read(body)?),
        Operation::AttachSecret { .. } => Reply::Attached(read(body)?),
        Operation::ListAttached { .. } => Reply::Attachments(read(body)?),
        Operation::SetKek(_)
        | Operation::GetKek {}
        | Operation::RestartEnrolment(_)
        | Operation::FinishRotation { .. }
        | Operation::CancelRotation { .. } => Reply::Kek(read(body)?),
        Operation::BeginRotation(_) | Operation::Rewrap { .. } => Reply::Rotation(read(body)?),
        Operation::CreateDek(_) | Operation::GetDek { .. } => Reply::Dek(read(body)?),
        Operation::ListDeks { .. } => Reply::Deks(read(body)?),
        Operation::CreateKeyPair(_)
        | Operation::GetKeyPair { .. }
        | Operation::FindKeyPair { .. }
        | Operation::UpdateKeyPair { .. } => Reply::KeyPair(read(body)?),
        Operation::ListKeyPairs { .. } => Reply::KeyPairs(read(body)?),
        Operation::IssueToken(_) => Reply::AdmissionToken(read(body)?),
        Operation::SpendToken(_) => Reply::Admitted(read(body)?),
        Operation::CreateVaultUser(_) => Reply::VaultEnrolled(read(body)?),
        Operation::OpenVaultSession(_) => Reply::VaultSession(read(body)?),
        Operation::GetVaultUser {} | Operation::UpdateVaultUser(_) => Reply::VaultUser(read(body)?),
        Operation::ListTemplates {} => Reply::Templates(read(body)?),
        Operation::CreateItem(_) | Operation::GetItem { .. } | Operation::UpdateItem { .. } => {
            Reply::Item(read(body)?)
        }
        Operation::ListItems { .. } => Reply::Items(read(body)?),
        Operation::RevokeSession { .. }
        | Operation::DeleteRecord { .. }
        | Operation::EraseAccount { .. }
        | Operation::RevokeApiKey { .. }
        | Operation::DetachSecret { .. }
        | Operation::DeleteDek { .. }
        | Operation::DeleteKeyPair { .. }
        | Operation::DeleteItem { .. }
        | Operation::DeleteSlot { .. } => Reply::Done {},
    })
}

/// A feed by long poll.
struct Poll {
    link: Arc<Inner>,
    place: Place,
    began: bool,
    shown: VecDeque<Shown>,
}

impl Feed for Poll {
    fn next(&mut self) -> BoxFuture<'_, Result<Shown, ClientError>> {
        Box::pin(async move {
            while self.shown.is_empty() {
                self.poll().await?;
            }
            Ok(self.shown.pop_front().expect("the loop ends with something to show"))
        })
    }
}

impl Poll {
    async fn poll(&mut self) -> Result<(), ClientError> {
        // The first look does not wait: it tells that the feed may be followed, and from where.
        let wait_s = if self.began { FEED_WAIT_S } else { 0 };
        let Place { owner, record, after, page_events } = self.place.clone();
        let limit = Some(page_events);
        let operation =
            Operation::FeedPage { owner, record, after, wait_s: (wait_s > 0).then_some(wait_s), limit };
        let within = self.link.options.within + Duration::from_secs(wait_s);
        let question = Question { operation, idempotency: None, within };
        let reply = self.link.ask(&question).await?;
        checks::check(&question.operation, &reply)?;
        let Reply::Feed(page) = reply else { return Err(checks::wrong_kind()) };
        if !self.began {
            self.began = true;
            self.shown.push_back(Shown::Began { after: after.unwrap_or(page.next_after) });
        }
        if page.gap {
            self.shown.push_back(Shown::Gap { after: page.next_after });
        } else {
            self.shown.extend(page.events.into_iter().map(Shown::Event));
            self.shown.push_back(Shown::Passed { after: page.next_after });
        }
        self.place.after = Some(page.next_after);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
