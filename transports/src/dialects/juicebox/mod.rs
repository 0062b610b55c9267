//! Juicebox: realms of PIN recovery, for its published clients. Source: RECOVERY.md, section 3.
//!
//! What lives here is translation: routes, headers, CBOR in and out, JSON for the log, statuses, and the rates of a
//! mount. Whose token is good, what counts and what is given, is the engine's.
//!
//! | path below the mount | method | is |
//! |---|---|---|
//! | `/{realm}/` | GET | that the realm is here |
//! | `/{realm}/req` | POST | a request of a user, in CBOR |
//! | `/{realm}/status` | GET | how it stands with the user's record; costs no guess |
//! | `/{realm}/tenant_log`, `/{realm}/tenant_log/ack` | POST | a tenant's log, in JSON |
//!
//! Believe this: the status of an answer is what its clients understand. 401, 426 and 429 mean something to them; of
//! everything else that is no success they ask once more, at once.

mod log;
mod problem;
mod rates;
#[cfg(test)]
mod tests;
mod version;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use serde_json::json;
use strongroom_engine::{
    EngineError,
    domains::pin_recovery::RecoveryStatus,
    ports::{Clock, SystemClock},
};
use strongroom_primitives::{
    pin_recovery::{
        RecoveryRealmId,
        messages::{MESSAGE_BYTES_MAX, Request as Message},
    },
    time::Timestamp,
};

pub use rates::JuiceboxRates;

use self::{problem::Problem, rates::Allowances};
use crate::{
    EdgeLimits, Front,
    dialects::{Answering, Dialect, Refusal},
    exchange::{HeaderName, HeaderValue, Method, Request, Response, StatusCode, header},
    path,
};

static VERSION: HeaderName = HeaderName::from_static("x-juicebox-version");

/// The largest body of a request for a log: room for 200 acknowledgements. Source: RECOVERY.md, section 3.4.
const LOG_BODY_BYTES_MAX: usize = 32 * 1024;

/// What a mount of Juicebox can be told.
pub struct JuiceboxOptions {
    /// How often somebody may ask.
    pub rates: JuiceboxRates,
    /// What rates measure time by.
    pub clock: Arc<dyn Clock>,
}

impl Default for JuiceboxOptions {
    fn default() -> Self {
        Self { rates: JuiceboxRates::default(), clock: Arc::new(SystemClock::new()) }
    }
}

/// A mount of Juicebox: all realms of the engine, told apart by the first part of the path.
pub struct Juicebox {
    allowances: Allowances,
}

/// What is asked of a realm.
enum Asked {
    Here,
    Message,
    Status,
    Log,
    Acknowledgement,
}

impl Asked {
    /// What lies behind the name of a realm, and its method.
    fn of(rest: &[&str]) -> Option<(Self, Method)> {
        match rest {
            [] => Some((Self::Here, Method::GET)),
            ["req"] => Some((Self::Message, Method::POST)),
            ["status"] => Some((Self::Status, Method::GET)),
            ["tenant_log"] => Some((Self::Log, Method::POST)),
            ["tenant_log", "ack"] => Some((Self::Acknowledgement, Method::POST)),
            _ => None,
        }
    }
}

impl Juicebox {
    /// A mount with these options.
    #[must_use]
    pub fn new(options: JuiceboxOptions) -> Self {
        Self { allowances: Allowances::new(options.rates, options.clock) }
    }

    async fn serve(&self, front: &Front, path: &str, request: &Request) -> Result<Response, Problem> {
        let segments = path::segments(path).map_err(|_| problem::NOTHING_HERE)?;
        let segments: Vec<&str> = segments.iter().map(|segment| &**segment).collect();
        let (realm, rest) = segments.split_first().ok_or(problem::NOTHING_HERE)?;
        let realm = RecoveryRealmId::from_hex(realm).map_err(|_| problem::NOTHING_HERE)?;
        let (asked, method) = Asked::of(rest).ok_or(problem::NOTHING_HERE)?;
        if request.method != method {
            return Err(problem::METHOD);
        }
        front.engine().recovery_realm(&realm)?;
        match asked {
            Asked::Here => {
                Ok(Response::json(StatusCode::OK, json!({ "realmID": realm.to_string() }).to_string()))
            }
            Asked::Message => self.message(front, &realm, request).await,
            Asked::Status => self.status(front, &realm, request).await,
            Asked::Log => self.log(front, &realm, request).await,
            Asked::Acknowledgement => self.acknowledge(front, &realm, request).await,
        }
    }

    async fn message(
        &self,
        front: &Front,
        realm: &RecoveryRealmId,
        request: &Request,
    ) -> Result<Response, Problem> {
        if request.body.len() > MESSAGE_BYTES_MAX {
            return Err(problem::TOO_LARGE);
        }
        if !request.header(&VERSION).is_some_and(version::is_served) {
            return Err(problem::UPGRADE);
        }
        let user = front.engine().recovery_user(realm, bearer(request)?)?;
        self.allowances.spend(realm, user.tenant(), Some(user.subject()))?;
        let message = Message::from_cbor(&request.body).map_err(|_| problem::MALFORMED)?;
        let answer = front.engine().recovery(user, message, within(front)).await?;
        let mut response = Response::empty(StatusCode::OK);
        let octets = HeaderValue::from_static("application/octet-stream");
        response.headers.insert(header::CONTENT_TYPE, octets);
        response.body = Bytes::copy_from_slice(&answer.to_cbor());
        Ok(response)
    }

    async fn status(
        &self,
        front: &Front,
        realm: &RecoveryRealmId,
        request: &Request,
    ) -> Result<Response, Problem> {
        let user = front.engine().recovery_user(realm, bearer(request)?)?;
        self.allowances.spend(realm, user.tenant(), Some(user.subject()))?;
        let status = front.engine().recovery_status(user, within(front)).await?;
        Ok(Response::json(StatusCode::OK, status_document(&status)))
    }

    async fn log(
        &self,
        front: &Front,
        realm: &RecoveryRealmId,
        request: &Request,
    ) -> Result<Response, Problem> {
        let auditor = front.engine().recovery_auditor(realm, bearer(request)?)?;
        self.allowances.spend(realm, auditor.tenant(), None)?;
        let log::Page { acks, page_size } = log::page(&request.body)?;
        if !acks.is_empty() {
            front.engine().acknowledge_recovery_log(auditor.clone(), acks, within(front)).await?;
        }
        let events = front.engine().recovery_log(auditor, page_size, within(front)).await?;
        Ok(Response::json(StatusCode::OK, log::document(&events)))
    }

    async fn acknowledge(
        &self,
        front: &Front,
        realm: &RecoveryRealmId,
        request: &Request,
    ) -> Result<Response, Problem> {
        let auditor = front.engine().recovery_auditor(realm, bearer(request)?)?;
        self.allowances.spend(realm, auditor.tenant(), None)?;
        let acks = log::acks(&request.body)?;
        front.engine().acknowledge_recovery_log(auditor, acks, within(front)).await?;
        Ok(Response::json(StatusCode::OK, "{}"))
    }
}

/// A tenth is left for the way back, so that the engine's own word on a late answer arrives.
fn within(front: &Front) -> Option<Duration> {
    Some(front.limits().request_within * 9 / 10)
}

/// The token of a request.
fn bearer(request: &Request) -> Result<&str, Problem> {
    let credentials = request.header(header::AUTHORIZATION).and_then(|text| text.split_once(' '));
    let token = credentials.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    token.map(|(_, token)| token).ok_or_else(|| EngineError::CredentialMissing.into())
}

/// Source: RECOVERY.md, section 4.1. Times in milliseconds since 1970.
fn status_document(status: &RecoveryStatus) -> String {
    let ms = |instant: Option<Timestamp>| instant.map(Timestamp::as_ms);
    json!({
        "registered": status.registered,
        "no_guesses": status.no_guesses,
        "guesses_used": status.guesses_used,
        "guesses_allowed": status.guesses_allowed,
        "next_guess_at": ms(status.next_guess_at),
        "pending_destruction_at": ms(status.pending_destruction_at),
        "restored": status.restored,
    })
    .to_string()
}

impl Dialect for Juicebox {
    fn name(&self) -> &'static str {
        "juicebox"
    }

    fn answer<'a>(&'a self, front: &'a Front, path: &'a str, request: &'a Request) -> Answering<'a> {
        Box::pin(async move {
            let mut answer = self.serve(front, path, request).await;
            if let Err(problem) = &answer
                && problem.status() == StatusCode::UNAUTHORIZED
                && let Err(throttled) = self.allowances.spend_failure(request.peer.address)
            {
                answer = Err(throttled);
            }
            let problem = answer.as_ref().err();
            tracing::debug!(
                request = &*request.request_id, method = %request.method,
                problem = problem.map(Problem::what), "juicebox"
            );
            answer.unwrap_or_else(|problem| problem.response())
        })
    }

    fn body_bytes_max(&self, _: &EdgeLimits, path: &str) -> usize {
        if path.ends_with("/req") { MESSAGE_BYTES_MAX } else { LOG_BODY_BYTES_MAX }
    }

    /// Clients are given the address of a realm with the slash at its end.
    fn final_slash(&self) -> bool {
        true
    }

    fn refuse(&self, refusal: Refusal) -> Response {
        Problem::from(refusal).response()
    }
}
