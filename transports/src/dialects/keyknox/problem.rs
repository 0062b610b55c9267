//! Every refusal in Keyknox's words: status, code, message. Source: dialects/keyknox.md, section 7 and 10.
//!
//! A caller's mistake is never a 5xx, because published clients repeat those with growing pauses. Where the vendor
//! has no code for what is the matter, the code is the HTTP status: clients need a non-zero one to show the message.

use std::time::Duration;

use strongroom_engine::EngineError;

use crate::{
    dialects::{Refusal, refusals::refusals},
    exchange::{HeaderValue, Response, StatusCode, header},
};

/// Which of the two interfaces a request came through; one refusal has a code in each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Api {
    /// `/v1`: one record per identity.
    V1,
    /// `/v2`: records with names and recipients.
    V2,
}

/// A refusal, ready to be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Problem {
    status: StatusCode,
    code: u32,
    message: &'static str,
    retry_after: Option<Duration>,
    allow: Option<&'static str>,
}

macro_rules! problems {
    ($($(#[$doc:meta])* $name:ident = $status:ident, $code:literal, $message:literal;)*) => {$(
        $(#[$doc])*
        pub(super) const $name: Problem = Problem::new(StatusCode::$status, $code, $message);
    )*};
}

problems! {
    INTERNAL = INTERNAL_SERVER_ERROR, 10000, "Internal error.";
    TOKEN_MISSING = UNAUTHORIZED, 20300, "The Virgil token is missing.";
    TOKEN_INVALID = UNAUTHORIZED, 20303, "The Virgil token is invalid.";
    /// Clients renew their token on exactly this pair of status and code.
    TOKEN_EXPIRED = UNAUTHORIZED, 20304, "The Virgil token has expired.";
    PERMISSION = FORBIDDEN, 20500, "The operation is not permitted.";
    QUOTA = FORBIDDEN, 20501, "The storage quota is exceeded.";
    BODY = BAD_REQUEST, 30000, "The request body is not a JSON object.";
    APPLICATION_MISSING = BAD_REQUEST, 50000, "`X-Application-Id` header is missing.";
    ACCOUNT_MISSING = BAD_REQUEST, 50001, "`X-Account-Id` header is missing.";
    /// Never sent by these routes: every client expects an empty record where there is none.
    NO_RECORD = NOT_FOUND, 50002, "keyknox entity not found.";
    GATEWAY_IDENTITY_MISSING = BAD_REQUEST, 50003, "`X-Virgil-Identity` header is missing.";
    META_MISSING = BAD_REQUEST, 50004, "`meta` parameter is missing.";
    META_SIZE = BAD_REQUEST, 50005, "`meta` parameter has wrong size.";
    VALUE_MISSING = BAD_REQUEST, 50006, "`value` parameter is missing.";
    VALUE_SIZE = BAD_REQUEST, 50007, "`value` parameter has wrong size.";
    VALUE_ALONE = BAD_REQUEST, 50008, "`value` parameter was changed without the `meta` parameter.";
    PREVIOUS_MISSING = BAD_REQUEST, 50009, "`Virgil-Keyknox-Previous-Hash` header is missing.";
    PREVIOUS_INVALID = BAD_REQUEST, 50010, "`Virgil-Keyknox-Previous-Hash` header is invalid.";
    APPLICATION_INVALID = BAD_REQUEST, 50011, "`X-Application-Id` header is invalid.";
    ROOT = BAD_REQUEST, 50020, "`root` parameter is missing or invalid.";
    PATH = BAD_REQUEST, 50021, "`path` parameter is missing or invalid.";
    KEY = BAD_REQUEST, 50022, "`key` parameter is missing or invalid.";
    IDENTITIES = BAD_REQUEST, 50023, "`identities` parameter is missing or invalid.";
    IDENTITY = BAD_REQUEST, 50024, "`identity` parameter is invalid.";
    AMBIGUOUS_PATH = BAD_REQUEST, 400, "The path can be read in two ways.";
    UNKNOWN_PATH = NOT_FOUND, 404, "There is nothing under this path.";
    WRONG_METHOD = METHOD_NOT_ALLOWED, 405, "The method is not allowed here.";
    BODY_SIZE = PAYLOAD_TOO_LARGE, 413, "The request is too large.";
    TOO_MANY = TOO_MANY_REQUESTS, 429, "Too many requests.";
    BUSY = SERVICE_UNAVAILABLE, 503, "The service is busy.";
}

impl Problem {
    const fn new(status: StatusCode, code: u32, message: &'static str) -> Self {
        Self { status, code, message, retry_after: None, allow: None }
    }

    /// The same, to be tried again after `time`.
    pub(super) fn after(self, time: Duration) -> Self {
        Self { retry_after: Some(time), ..self }
    }

    /// The same, with the methods that would have been allowed.
    pub(super) fn allowing(self, methods: &'static str) -> Self {
        Self { allow: Some(methods), ..self }
    }

    /// The number that clients tell refusals apart by.
    pub(super) fn code(&self) -> u32 {
        self.code
    }

    /// The answer.
    pub(super) fn response(&self) -> Response {
        let body = format!(r#"{{"code":{},"message":"{}"}}"#, self.code, self.message);
        let mut response = Response::json(self.status, body);
        let headers = &mut response.headers;
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(time) = self.retry_after {
            // Whole seconds are what the header carries; rounding down would invite everybody back too early.
            let seconds = time.as_millis().div_ceil(1_000).max(1);
            headers
                .insert(header::RETRY_AFTER, HeaderValue::from(u64::try_from(seconds).unwrap_or(u64::MAX)));
        }
        if let Some(methods) = self.allow {
            headers.insert(header::ALLOW, HeaderValue::from_static(methods));
        }
        response
    }

    /// The engine's refusals. Nothing is left over: the compiler names a refusal that has no line yet.
    pub(super) fn of(error: &EngineError, api: Api) -> Self {
        use EngineError as E;
        match (error, api) {
            (E::CredentialMissing, _) => TOKEN_MISSING,
            (E::CredentialInvalid, _) => TOKEN_INVALID,
            (E::CredentialExpired, _) => TOKEN_EXPIRED,
            (E::PermissionRefused { .. } | E::ApiKeyRefused | E::AccountSuspended | E::AccountErased, _) => {
                PERMISSION
            }
            (E::QuotaExceeded { .. }, _) => QUOTA,
            // Only a gateway names an application; a token of an unknown one has no key and is invalid.
            (E::UnknownRealm, _) => APPLICATION_INVALID,
            (E::PreviousMissing { .. }, Api::V1) => PREVIOUS_MISSING,
            // Group tickets and ratchet sessions take exactly this code for "exists already".
            (E::PreviousMissing { .. }, Api::V2) | (E::StaleRecord { .. }, _) => PREVIOUS_INVALID,
            (E::ValueChangedAlone, _) => VALUE_ALONE,
            (E::MetaTooLarge { .. }, _) => META_SIZE,
            (E::ValueTooLarge { .. }, _) => VALUE_SIZE,
            (E::TooManyRecipients { .. } | E::NotShareable, _) => IDENTITIES,
            (E::UnknownRecord | E::UnknownVersion, _) => NO_RECORD,
            (E::TooLarge, _) => BODY_SIZE,
            (E::TooManyAttempts { retry_after }, _) => TOO_MANY.after(*retry_after),
            (E::Overloaded { retry_after } | E::Contended { retry_after }, _) => BUSY.after(*retry_after),
            (E::Draining | E::DeadlinePassed | E::StorageFull, _) => BUSY.after(Duration::from_secs(1)),
            (
                E::UnknownRealmKey
                | E::UnknownSession
                | E::TooManySessions { .. }
                | E::ChildSession
                | E::SessionUnproved
                | E::SignUpClosed
                | E::UsernameInvalid
                | E::UsernameTaken
                | E::UsernameNotReserved
                | E::SrpInvalid(_)
                | E::LoginRefused
                | E::HashingWeak
                | E::PasswordWrong
                | E::FieldSize { .. }
                | E::StoreNotEncrypted
                | E::IdempotencyMismatch
                | E::OutcomeUnknown
                | refusals!(sign_in)
                | refusals!(keys)
                | refusals!(sharing)
                | refusals!(service_keys)
                | refusals!(escrow)
                | refusals!(recovery)
                | refusals!(pin_recovery)
                | E::StorageUnavailable
                | E::Corrupt
                | E::Fault,
                _,
            ) => INTERNAL,
        }
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::BodyTooLarge { .. } => BODY_SIZE,
            Refusal::TookTooLong => BUSY.after(Duration::from_secs(1)),
            Refusal::TooManyRequests { retry_after } => TOO_MANY.after(retry_after),
            Refusal::AmbiguousPath => AMBIGUOUS_PATH,
            Refusal::Fault => INTERNAL,
        }
    }
}
