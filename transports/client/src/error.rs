//! What can go wrong between a caller and a record, in one type.
//!
//! What the server says in its own words stays as it came ([`ClientError::Problem`]), codes that nobody here knows
//! included. Everything else says whether asking again can help, and never says more of an answer than its shape.

use std::time::Duration;

use strongroom_wire::Problem;

use crate::keyknox::envelope::EnvelopeError;
use crate::keyknox::ports::NoEntropy;

/// Whatever a caller's own code failed with.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Why something was not done, or may not have been done.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The server refused or failed, and says why.
    #[error("{0}")]
    Problem(Box<Problem>),
    /// No connection could be made, so nothing was asked.
    #[error("cannot reach the server: {reason}")]
    Unreachable {
        /// What the attempt ran into.
        reason: String,
    },
    /// The connection ended before the answer came; what was asked may have been done.
    #[error("the connection ended before the answer came: {reason}")]
    Lost {
        /// How it ended.
        reason: String,
    },
    /// No answer came in time; what was asked may have been done.
    #[error("no answer within {} ms", within.as_millis())]
    TimedOut {
        /// How long it was waited for.
        within: Duration,
    },
    /// A write was tried several times under one idempotency key, and no try told its outcome.
    #[error("it is not known whether the write happened; read before writing again ({last})")]
    OutcomeUnknown {
        /// What the last try ended with.
        last: Box<ClientError>,
    },
    /// What came back is not the answer to what was asked.
    #[error("the server's answer cannot be trusted: {what}")]
    Protocol {
        /// What is wrong with it.
        what: &'static str,
    },
    /// An answer is larger than allowed. It was not read to its end.
    #[error("the server's answer is larger than {max} bytes, or longer than allowed")]
    TooLarge {
        /// The limit in bytes.
        max: usize,
    },
    /// The server shows a state of a record that is older than one it has shown before.
    #[error("the record was rolled back: sequence {shown} is older than {seen}, seen before")]
    RolledBack {
        /// The newest sequence number ever shown.
        seen: u64,
        /// The one shown now.
        shown: u64,
    },
    /// The server shows a history of a record that does not contain what it has shown before.
    #[error("the record was forked: at sequence {sequence} its history is not the one seen before")]
    Forked {
        /// Where the histories part, or the first that is missing.
        sequence: u64,
    },
    /// Others were faster every time.
    #[error("others changed the record {tries} times in a row, each time just before this change")]
    Contended {
        /// How often it was tried.
        tries: u32,
    },
    /// The caller's own function, which was to change a record, failed; nothing was written.
    #[error("the change cannot be made: {0}")]
    Change(#[source] BoxError),
    /// The source of credentials failed.
    #[error("no credential: {0}")]
    Credentials(#[source] BoxError),
    /// This cannot be asked, or not over this link; nothing was sent.
    #[error("{0}")]
    Invalid(String),
    /// A sealed record cannot be opened or made.
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
    /// No random bytes; nothing was sent.
    #[error(transparent)]
    NoEntropy(#[from] NoEntropy),
}

/// What a caller who does not care for the variant needs to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The caller is not (yet) entitled, or asked for what is never granted.
    Refused,
    /// There is nothing under that name for this caller.
    NotFound,
    /// The caller's picture is out of date.
    Conflict,
    /// Not now; nothing was done.
    Busy,
    /// The server cannot be reached.
    Unreachable,
    /// It is not known whether the write happened.
    OutcomeUnknown,
    /// The server is at fault.
    Fault,
    /// The server, or something in between, shows what cannot be true.
    Untrusted,
    /// The caller's own side is at fault.
    Local,
}

impl ClientError {
    /// The group that the error belongs to.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Problem(problem) => kind_of(problem),
            Self::Unreachable { .. } => ErrorKind::Unreachable,
            Self::Lost { .. } | Self::TimedOut { .. } | Self::OutcomeUnknown { .. } => {
                ErrorKind::OutcomeUnknown
            }
            Self::Protocol { .. } | Self::TooLarge { .. } | Self::RolledBack { .. } | Self::Forked { .. } => {
                ErrorKind::Untrusted
            }
            Self::Contended { .. } => ErrorKind::Busy,
            Self::Change(_)
            | Self::Credentials(_)
            | Self::Invalid(_)
            | Self::Envelope(_)
            | Self::NoEntropy(_) => ErrorKind::Local,
        }
    }

    /// The server's own words, if it gave any.
    pub fn problem(&self) -> Option<&Problem> {
        match self {
            Self::Problem(problem) => Some(problem),
            Self::OutcomeUnknown { last } => last.problem(),
            _ => None,
        }
    }

    /// Whether the same request may succeed later. A write that is asked again needs the same idempotency key, or a
    /// look at the record first.
    pub fn is_retryable(&self) -> bool {
        matches!(self.kind(), ErrorKind::Busy | ErrorKind::Unreachable | ErrorKind::OutcomeUnknown)
    }

    /// How long the server asks to be left alone.
    pub fn retry_after(&self) -> Option<Duration> {
        let after_s = self.problem()?.retry_after_s?;
        Duration::try_from_secs_f64(after_s).ok()
    }

    /// Whether this is the server's problem of this code.
    pub fn is_problem(&self, code: &str) -> bool {
        self.problem().is_some_and(|problem| problem.code.as_str() == code)
    }

    /// Whether a new credential may help.
    pub(crate) fn is_expired(&self) -> bool {
        matches!(self, Self::Problem(problem) if problem.code.as_str() == "credential-expired")
    }

    pub(crate) fn lost(reason: impl Into<String>) -> Self {
        Self::Lost { reason: reason.into() }
    }

    pub(crate) fn protocol(what: &'static str) -> Self {
        Self::Protocol { what }
    }
}

/// By code where the code alone decides, by status for every code that a newer server may have.
fn kind_of(problem: &Problem) -> ErrorKind {
    match (problem.code.as_str(), problem.status) {
        ("outcome-unknown", _) => ErrorKind::OutcomeUnknown,
        ("stale-record" | "previous-missing", _) | (_, 412 | 428) => ErrorKind::Conflict,
        (_, 404) => ErrorKind::NotFound,
        (_, 429 | 503 | 507) => ErrorKind::Busy,
        // A proxy's words: whether the server behind it has acted, it cannot know.
        (_, 502 | 504) => ErrorKind::OutcomeUnknown,
        (_, 400..500) => ErrorKind::Refused,
        _ => ErrorKind::Fault,
    }
}

#[cfg(test)]
mod tests {
    use strongroom_wire::ProblemCode;

    use super::*;

    fn problem(status: u16, code: &'static str) -> ClientError {
        ClientError::Problem(Box::new(Problem::new(status, code, "title")))
    }

    #[test]
    fn errors_fall_into_groups_and_say_whether_asking_again_helps() {
        for (error, kind, again) in [
            (problem(401, "credential-invalid"), ErrorKind::Refused, false),
            (problem(404, "unknown-record"), ErrorKind::NotFound, false),
            (problem(412, "stale-record"), ErrorKind::Conflict, false),
            (problem(428, "previous-missing"), ErrorKind::Conflict, false),
            (problem(503, "overloaded"), ErrorKind::Busy, true),
            (problem(429, "too-many-requests"), ErrorKind::Busy, true),
            (problem(504, "outcome-unknown"), ErrorKind::OutcomeUnknown, true),
            (problem(502, "http-502"), ErrorKind::OutcomeUnknown, true),
            (problem(500, "corrupt"), ErrorKind::Fault, false),
            (ClientError::lost("cut"), ErrorKind::OutcomeUnknown, true),
            (ClientError::protocol("wrong"), ErrorKind::Untrusted, false),
            (ClientError::Contended { tries: 3 }, ErrorKind::Busy, true),
            (ClientError::Invalid("no".to_owned()), ErrorKind::Local, false),
        ] {
            assert_eq!((error.kind(), error.is_retryable()), (kind, again), "{error}");
        }
    }

    #[test]
    fn a_code_of_a_newer_server_keeps_its_name_and_is_grouped_by_its_status() {
        let mut newer = Problem::new(409, "x", "a rule of tomorrow");
        newer.code = ProblemCode("of-tomorrow".to_owned().into());
        newer.retry_after_s = Some(1.5);
        let error = ClientError::Problem(Box::new(newer));
        assert!(error.is_problem("of-tomorrow") && error.to_string().contains("of-tomorrow"));
        assert_eq!(error.kind(), ErrorKind::Refused);
        assert_eq!(error.retry_after(), Some(Duration::from_millis(1_500)));
        let wild = Problem { retry_after_s: Some(f64::NAN), ..Problem::new(503, "x", "t") };
        assert_eq!(ClientError::Problem(Box::new(wild)).retry_after(), None);
    }
}
