//! Every refusal in the vendor's words: `{"error":{"type","details"}}`. Source: dialects/dragonchain.md, sections 1, 3
//! and 10.

use std::{borrow::Cow, time::Duration};

use serde::Serialize;
use strongroom_engine::{EngineError, domains::service_keys::SignatureFault};
use strongroom_primitives::dc1::Refusal as Header;

use crate::{
    dialects::{Refusal, refusals::refusals},
    exchange::{HeaderValue, Response, StatusCode, header},
};

/// A refusal, ready to be answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Problem {
    status: StatusCode,
    kind: &'static str,
    details: Cow<'static, str>,
    retry_after: Option<Duration>,
    /// The methods that there are, where another was used.
    allowed: Option<&'static str>,
}

macro_rules! problems {
    ($($name:ident = $status:ident $kind:ident $details:literal;)*) => {$(
        pub(super) const $name: Problem =
            Problem::new(StatusCode::$status, stringify!($kind), Cow::Borrowed($details));
    )*};
}

problems! {
    NO_CHAIN = UNAUTHORIZED AUTHENTICATION_ERROR "Missing Dragonchain ID in request header";
    NO_TIMESTAMP = UNAUTHORIZED AUTHENTICATION_ERROR "Missing timestamp in request header";
    OTHER_CHAIN = UNAUTHORIZED AUTHENTICATION_ERROR "Incorrect Dragonchain ID";
    MALFORMED = UNAUTHORIZED AUTHENTICATION_ERROR "Malformed Authorization Header";
    VERSION = UNAUTHORIZED AUTHENTICATION_ERROR "Unsupported DC Authorization Version";
    ALGORITHM = UNAUTHORIZED AUTHENTICATION_ERROR "Unsupported HMAC Hash Type";
    SKEWED = UNAUTHORIZED AUTHENTICATION_ERROR "Timestamp of request too skewed";
    MAC = UNAUTHORIZED AUTHENTICATION_ERROR "Invalid HMAC Authentication";
    REPLAYED = UNAUTHORIZED AUTHENTICATION_ERROR "Previous matching request found (no replays allowed)";
    NO_JSON = BAD_REQUEST BAD_REQUEST "Could not parse JSON";
    NO_JSON_TYPE = BAD_REQUEST BAD_REQUEST "Content-Type of a body must be application/json";
    WIDENS = FORBIDDEN ACTION_FORBIDDEN "A key cannot grant permissions that it does not hold";
    MODIFY_ROOT = FORBIDDEN ACTION_FORBIDDEN "Cannot modify root API key";
    REMOVE_ROOT = FORBIDDEN ACTION_FORBIDDEN "Cannot remove root API key";
    MODIFY_INTERCHAIN = FORBIDDEN ACTION_FORBIDDEN "Cannot modify interchain keys";
    REMOVE_RESERVED = FORBIDDEN ACTION_FORBIDDEN "Cannot delete reserved API keys";
    NO_RESOURCE = NOT_FOUND NOT_FOUND "The requested resource(s) cannot be found.";
    NO_ROUTE = NOT_FOUND NOT_FOUND "The requested route was not found.";
    METHOD_NOT_ALLOWED = METHOD_NOT_ALLOWED METHOD_NOT_ALLOWED "The method is not allowed for the requested URL.";
    TOO_LARGE = PAYLOAD_TOO_LARGE PAYLOAD_TOO_LARGE "The request body is too large.";
    CONTENT_ENCODING = UNSUPPORTED_MEDIA_TYPE UNSUPPORTED_MEDIA_TYPE "Content-Encoding is not supported.";
    BUSY = SERVICE_UNAVAILABLE SERVICE_UNAVAILABLE "The server is busy and nothing was changed. Sign the request anew to try again.";
    UNKNOWN_OUTCOME = GATEWAY_TIMEOUT GATEWAY_TIMEOUT "It is not known whether the change was made.";
    INTERNAL = INTERNAL_SERVER_ERROR INTERNAL_SERVER_ERROR "Unexpected error occurred";
}

#[derive(Serialize)]
struct Document<'a> {
    error: Error<'a>,
}

#[derive(Serialize)]
struct Error<'a> {
    r#type: &'a str,
    details: &'a str,
}

impl Problem {
    const fn new(status: StatusCode, kind: &'static str, details: Cow<'static, str>) -> Self {
        Self { status, kind, details, retry_after: None, allowed: None }
    }

    /// A body that says something it may not.
    pub(super) fn invalid(details: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "VALIDATION_ERROR", details.into())
    }

    /// An allowance that is used up.
    pub(super) fn too_many(details: String, wait: Duration) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, "TOO_MANY_REQUESTS", details.into()).after(wait)
    }

    fn forbidden(details: String) -> Self {
        Self::new(StatusCode::FORBIDDEN, "ACTION_FORBIDDEN", details.into())
    }

    fn after(self, time: Duration) -> Self {
        Self { retry_after: Some(time), ..self }
    }

    /// The same, naming the methods that there are.
    pub(super) fn allowing(self, methods: &'static str) -> Self {
        Self { allowed: Some(methods), ..self }
    }

    pub(super) fn status(&self) -> StatusCode {
        self.status
    }

    /// Its type, for logs.
    pub(super) fn kind(&self) -> &'static str {
        self.kind
    }

    /// The answer.
    pub(super) fn response(&self) -> Response {
        let document = Document { error: Error { r#type: self.kind, details: &self.details } };
        let body = serde_json::to_vec(&document).expect("texts are JSON");
        let mut response = Response::json(self.status, body);
        let headers = &mut response.headers;
        if let Some(wait) = self.retry_after {
            // Rounded up: rounding down would invite everybody back too early.
            let seconds = u64::try_from(wait.as_millis().div_ceil(1_000).max(1)).unwrap_or(u64::MAX);
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Some(methods) = self.allowed {
            headers.insert(header::ALLOW, HeaderValue::from_static(methods));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("DC1-HMAC-SHA256"));
        }
        response
    }

    fn of_fault(fault: SignatureFault) -> Self {
        match fault {
            SignatureFault::NoChain => NO_CHAIN,
            SignatureFault::NoTimestamp => NO_TIMESTAMP,
            SignatureFault::UnknownChain => OTHER_CHAIN,
            SignatureFault::Header(Header::Malformed | Header::Timestamp) => MALFORMED,
            SignatureFault::Header(Header::Version) => VERSION,
            SignatureFault::Header(Header::Algorithm) => ALGORITHM,
            // What was signed before this server was ready for it is good when it is signed anew.
            SignatureFault::Header(Header::Skewed) | SignatureFault::BeforeStart => SKEWED,
            SignatureFault::Header(Header::Mac) => MAC,
            SignatureFault::Replayed => REPLAYED,
            // No request of this dialect is one of those.
            SignatureFault::Message(_) => MAC,
        }
    }
}

/// The engine's refusals. Nothing is left over: the compiler names a refusal that has no line yet.
impl From<EngineError> for Problem {
    fn from(error: EngineError) -> Self {
        use EngineError as E;
        match error {
            E::SignatureRefused { fault } => Self::of_fault(fault),
            // A key that went while its request was on its way is like one that never was.
            E::CredentialMissing | E::CredentialInvalid | E::CredentialExpired => MAC,
            E::EndpointRefused { endpoint } => {
                Self::forbidden(format!("This key is not allowed to perform {endpoint}"))
            }
            E::ServiceKeyWidens => WIDENS,
            E::RootKeyRefused => MODIFY_ROOT,
            E::ReservedKeyRefused => MODIFY_INTERCHAIN,
            E::UnknownServiceKey => NO_RESOURCE,
            E::UnknownChain => OTHER_CHAIN,
            E::NicknameInvalid { max } => {
                Self::invalid(format!("nickname has more than {max} characters, or control characters"))
            }
            E::FieldSize { field, max, .. } => Self::invalid(format!("{field} has more than {max} bytes")),
            E::QuotaExceeded { max, .. } => {
                Self::forbidden(format!("The chain has {max} keys, and can have no more"))
            }
            E::TooLarge => TOO_LARGE,
            E::Overloaded { retry_after } | E::Contended { retry_after } => BUSY.after(retry_after),
            E::TooManyAttempts { retry_after } => BUSY.after(retry_after),
            E::Draining | E::DeadlinePassed | E::StorageUnavailable => BUSY.after(Duration::from_secs(1)),
            E::StorageFull => BUSY.after(Duration::from_secs(30)),
            E::OutcomeUnknown => UNKNOWN_OUTCOME,
            // The rest are refusals of commands that this dialect does not ask, and faults.
            E::PermissionRefused { .. }
            | E::AccountSuspended
            | E::AccountErased
            | E::UnknownRealm
            | E::UnknownRealmKey
            | E::UnknownSession
            | E::ChildSession
            | E::TooManySessions { .. }
            | E::SessionUnproved
            | E::SignUpClosed
            | E::UsernameInvalid
            | E::UsernameTaken
            | E::UsernameNotReserved
            | E::SrpInvalid(_)
            | E::LoginRefused
            | E::ApiKeyRefused
            | E::HashingWeak
            | E::PasswordWrong
            | E::ChainExists
            | E::KeyIdTaken
            | E::ServiceSecretInvalid
            | E::ServicePublicKeyInvalid
            | E::StoreNotEncrypted
            | refusals!(sign_in)
            | refusals!(keys)
            | refusals!(sharing)
            | refusals!(records)
            | refusals!(escrow)
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
            Refusal::TooManyRequests { retry_after } => {
                Self::too_many("Too many requests.".to_owned(), retry_after)
            }
            Refusal::AmbiguousPath => NO_ROUTE,
            Refusal::Fault => INTERNAL,
        }
    }
}
