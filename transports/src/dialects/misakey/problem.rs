//! Every refusal in Misakey's words. Source: dialects/misakey.md, sections 4 and 10.
//!
//! Clients branch on status, `code`, `origin` and `details`, never on `desc`. All four keys are always there.

use std::time::Duration;

use serde_json::{Map, Value};
use strongroom_engine::EngineError;

use super::paths::Route;
use crate::{
    dialects::{Refusal, refusals::refusals},
    exchange::{HeaderValue, Response, StatusCode, header},
};

const CONTENT_TYPE: HeaderValue = HeaderValue::from_static("application/json; charset=UTF-8");

/// A refusal, ready to be answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Problem {
    status: StatusCode,
    code: &'static str,
    origin: &'static str,
    desc: &'static str,
    details: Option<(&'static str, &'static str)>,
    /// The least level, where the sign-in did not reach it.
    required_acr: Option<u8>,
    retry_after: Option<Duration>,
    allow: Option<&'static str>,
}

macro_rules! problems {
    ($($name:ident = $status:ident $code:literal $origin:literal $desc:literal;)*) => {$(
        pub(super) const $name: Problem = Problem::new(StatusCode::$status, $code, $origin, $desc);
    )*};
}

problems! {
    NO_OBJECT = BAD_REQUEST "bad_request" "body" "the body is not a JSON object";
    MEDIA_TYPE = BAD_REQUEST "bad_request" "body" "the body is not declared as application/json";
    UNAUTHORIZED = UNAUTHORIZED "unauthorized" "not_defined" "a valid access token is required";
    NO_PROCESS = FORBIDDEN "forbidden" "not_defined" "a valid token of a sign-in is required";
    FORBIDDEN = FORBIDDEN "forbidden" "not_defined" "this is not allowed";
    NO_PATH = NOT_FOUND "not_found" "path" "there is nothing here";
    NOT_FOUND = NOT_FOUND "not_found" "not_defined" "there is no such share";
    NO_STORAGE = CONFLICT "conflict" "not_defined" "there is no secret storage yet";
    STALE_ROOT = FORBIDDEN "forbidden" "account_root_key_hash" "the root key is another one by now";
    TOO_LARGE = PAYLOAD_TOO_LARGE "request_entity_too_large" "body" "the body is too large";
    TOO_MANY_SECRETS = PAYLOAD_TOO_LARGE "request_entity_too_large" "body" "too many secrets";
    TOO_MANY = TOO_MANY_REQUESTS "too_many_requests" "not_defined" "too many requests";
    BUSY = SERVICE_UNAVAILABLE "service_unavailable" "not_defined" "nothing was changed; ask again later";
    UNKNOWN_OUTCOME = SERVICE_UNAVAILABLE "service_unavailable" "not_defined"
        "it is not known whether the change was made";
    INTERNAL = INTERNAL_SERVER_ERROR "internal" "not_defined" "";
}

/// A page token is missing or not the cookie's. The client forgets its own on exactly this detail.
pub(super) fn page_token() -> Problem {
    Problem { desc: "the page token is not valid", ..Problem::forbidden("headers", "csrf_token", "invalid") }
}

/// The token names no account, where shares are asked for.
pub(super) fn no_account() -> Problem {
    let problem = Problem::new(StatusCode::CONFLICT, "conflict", "not_defined", "the token names no account");
    Problem { details: Some(("account_id", "conflict")), ..problem }
}

/// A method that the path does not take.
pub(super) fn wrong_method(route: &Route<'_>) -> Problem {
    let (status, code) = (StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed");
    Problem { allow: Some(route.methods()), ..Problem::new(status, code, "not_defined", "another method") }
}

/// An answer in the vendor's type.
pub(super) fn json(status: StatusCode, body: &Value) -> Response {
    let mut response = Response::json(status, body.to_string());
    response.headers.insert(header::CONTENT_TYPE, CONTENT_TYPE);
    response
}

impl Problem {
    const fn new(status: StatusCode, code: &'static str, origin: &'static str, desc: &'static str) -> Self {
        let (details, required_acr, retry_after, allow) = (None, None, None, None);
        Self { status, code, origin, desc, details, required_acr, retry_after, allow }
    }

    const fn bad(origin: &'static str, name: &'static str, what: &'static str) -> Self {
        let problem = Self::new(StatusCode::BAD_REQUEST, "bad_request", origin, "the request is not valid");
        Self { details: Some((name, what)), ..problem }
    }

    /// What is wrong with a member of a body.
    pub(super) const fn body(name: &'static str, what: &'static str) -> Self {
        Self::bad("body", name, what)
    }

    /// What is wrong with a path.
    pub(super) const fn path(name: &'static str, what: &'static str) -> Self {
        Self::bad("path", name, what)
    }

    /// What is wrong with a query.
    pub(super) const fn query(name: &'static str, what: &'static str) -> Self {
        Self::bad("query", name, what)
    }

    /// What is not the caller's.
    pub(super) const fn forbidden(origin: &'static str, name: &'static str, what: &'static str) -> Self {
        Self { origin, details: Some((name, what)), ..FORBIDDEN }
    }

    fn too_low(required: u8) -> Self {
        let problem = Self::forbidden("acr", "acr", "forbidden");
        Self { required_acr: Some(required), desc: "the sign-in did not go far enough", ..problem }
    }

    /// The same, to be tried again after `time`.
    pub(super) fn after(self, time: Duration) -> Self {
        Self { retry_after: Some(time), ..self }
    }

    /// Whether the caller's token is not good.
    pub(super) fn is_unauthorized(&self) -> bool {
        self.status == StatusCode::UNAUTHORIZED
    }

    /// For logs.
    pub(super) fn code(&self) -> &'static str {
        self.code
    }

    /// The answer.
    pub(super) fn response(&self) -> Response {
        let mut details = Map::new();
        if let Some((name, what)) = self.details {
            details.insert(name.into(), what.into());
        }
        if let Some(required) = self.required_acr {
            details.insert("required_acr".into(), required.to_string().into());
        }
        let body = serde_json::json!({ "code": self.code, "origin": self.origin, "desc": self.desc, "details": details });
        let mut response = json(self.status, &body);
        if let Some(time) = self.retry_after {
            // Rounded up: rounding down would invite everybody back too early.
            let seconds = u64::try_from(time.as_millis().div_ceil(1_000).max(1)).unwrap_or(u64::MAX);
            response.headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        match self.allow {
            Some(methods) => response.with(header::ALLOW, methods),
            None => response,
        }
    }

    /// The engine's refusals. Nothing is left over: the compiler names a refusal that has no line yet.
    pub(super) fn of(error: &EngineError) -> Self {
        use EngineError as E;
        match error {
            E::CredentialMissing
            | E::CredentialInvalid
            | E::CredentialExpired
            | E::SessionUnproved
            | E::AccountSuspended
            | E::AccountErased => UNAUTHORIZED,
            E::AssuranceTooLow { required } => Self::too_low(*required),
            E::NoEscrowAccount | E::ApiKeyRefused | E::PermissionRefused { .. } => FORBIDDEN,
            E::UnknownEscrowShare => NOT_FOUND,
            E::ShareNamesItself => Self::body("user_local_share_hash", "invalid"),
            E::NoSecretStorage => NO_STORAGE,
            E::RootKeyStale => STALE_ROOT,
            E::IdentityKeysMissing => Self::body("pubkey", "required"),
            E::IdentityKeysExist => Self::body("pubkey", "conflict"),
            E::TooManyWrappedSecrets { .. } => TOO_MANY_SECRETS,
            E::FieldSize { field, .. } => Self::body(field, "malformed"),
            E::HashingWeak => Self::body("params", "malformed"),
            E::PasswordWrong => Self::forbidden("body", "old_password", "invalid"),
            E::TooManyAttempts { retry_after } => TOO_MANY.after(*retry_after),
            E::TooLarge => TOO_LARGE,
            E::Overloaded { retry_after } | E::Contended { retry_after } => BUSY.after(*retry_after),
            E::Draining | E::DeadlinePassed | E::StorageFull | E::StorageUnavailable => {
                BUSY.after(Duration::from_secs(1))
            }
            E::OutcomeUnknown => UNKNOWN_OUTCOME,
            // The rest are refusals of commands that this dialect does not ask, and faults.
            E::UnknownRealm
            | E::UnknownRealmKey
            | E::UnknownSession
            | E::ChildSession
            | E::TooManySessions { .. }
            | E::SignUpClosed
            | E::UsernameInvalid
            | E::UsernameTaken
            | E::UsernameNotReserved
            | E::SrpInvalid(_)
            | E::LoginRefused
            | E::QuotaExceeded { .. }
            | E::AssuranceInvalid
            | E::StoreNotEncrypted
            | refusals!(sign_in)
            | refusals!(keys)
            | refusals!(sharing)
            | refusals!(records)
            | refusals!(service_keys)
            | refusals!(recovery)
            | refusals!(pin_recovery)
            | E::IdempotencyMismatch
            | E::Corrupt
            | E::Fault => INTERNAL,
        }
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::BodyTooLarge { .. } => TOO_LARGE,
            Refusal::TookTooLong => UNKNOWN_OUTCOME,
            Refusal::TooManyRequests { retry_after } => TOO_MANY.after(retry_after),
            Refusal::AmbiguousPath => NO_PATH,
            Refusal::Fault => INTERNAL,
        }
    }
}
