//! Every refusal as a status that the published clients know, with a line of text for people. Source: RECOVERY.md,
//! section 3.1.

use std::time::Duration;

use strongroom_engine::{EngineError as E, ErrorKind};

use crate::{
    dialects::Refusal,
    exchange::{HeaderValue, Response, StatusCode, header},
};

/// A refusal, ready to be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Problem {
    status: StatusCode,
    what: &'static str,
    retry_after: Option<Duration>,
}

macro_rules! problems {
    ($($name:ident = $status:ident $what:literal;)*) => {$(
        pub(super) const $name: Problem =
            Problem { status: StatusCode::$status, what: $what, retry_after: None };
    )*};
}

problems! {
    NOTHING_HERE = NOT_FOUND "there is no such realm or path";
    METHOD = METHOD_NOT_ALLOWED "the path is not asked by this method";
    MALFORMED = BAD_REQUEST "the message is malformed";
    INVALID = BAD_REQUEST "a key, a point or a signature of the message is none";
    TOO_MANY_GUESSES = BAD_REQUEST "the registration allows more guesses than the realm does";
    TOO_LARGE = PAYLOAD_TOO_LARGE "the body is too large";
    UPGRADE = UPGRADE_REQUIRED "X-Juicebox-Version has to be 0.2.0 or later";
    UNAUTHORIZED = UNAUTHORIZED "the token is not good here";
    WAIT = TOO_MANY_REQUESTS "too many requests, or too soon after a guess";
    BUSY = SERVICE_UNAVAILABLE "the realm is busy, and nothing was done";
    LATE = GATEWAY_TIMEOUT "the answer did not come in time";
    INTERNAL = INTERNAL_SERVER_ERROR "the realm failed; a guess may be used";
}

impl Problem {
    /// An allowance that is used up, or a guess that has to wait.
    pub(super) fn wait(time: Duration) -> Self {
        Self { retry_after: Some(time), ..WAIT }
    }

    pub(super) fn status(&self) -> StatusCode {
        self.status
    }

    /// What is the matter, for logs.
    pub(super) fn what(&self) -> &'static str {
        self.what
    }

    /// The answer.
    pub(super) fn response(&self) -> Response {
        let mut response = Response::empty(self.status);
        response.body = bytes::Bytes::from_static(self.what.as_bytes());
        let headers = &mut response.headers;
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
        if let Some(time) = self.retry_after {
            let seconds = u64::try_from(time.as_millis().div_ceil(1_000)).unwrap_or(u64::MAX).max(1);
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

impl From<E> for Problem {
    fn from(error: E) -> Self {
        match error {
            E::CredentialMissing | E::CredentialInvalid | E::CredentialExpired => UNAUTHORIZED,
            E::UnknownRecoveryRealm => NOTHING_HERE,
            E::PinMessageInvalid { .. } => INVALID,
            E::TooManyGuessesAllowed { .. } => TOO_MANY_GUESSES,
            E::GuessTooSoon { retry_after } => Self::wait(retry_after),
            E::Overloaded { retry_after } | E::Contended { retry_after } => {
                Self { retry_after: Some(retry_after), ..BUSY }
            }
            error if error.kind() == ErrorKind::Busy => {
                Self { retry_after: Some(Duration::from_secs(1)), ..BUSY }
            }
            E::StorageUnavailable => Self { retry_after: Some(Duration::from_secs(1)), ..BUSY },
            // Faults, and refusals of commands that this dialect does not ask.
            _ => INTERNAL,
        }
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::BodyTooLarge { .. } => TOO_LARGE,
            Refusal::TookTooLong => LATE,
            Refusal::TooManyRequests { retry_after } => Self::wait(retry_after),
            Refusal::AmbiguousPath => NOTHING_HERE,
            Refusal::Fault => INTERNAL,
        }
    }
}
