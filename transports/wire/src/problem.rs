//! Refusals and failures: problem documents after RFC 9457, over HTTP and in frames alike.

use serde::{Deserialize, Serialize};

use crate::RecordHead;

/// What is the matter, by a stable name. Unknown names are kept as they are, so that a client meets a newer server.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ProblemCode(pub std::borrow::Cow<'static, str>);

impl ProblemCode {
    /// A code of this name.
    pub const fn new(name: &'static str) -> Self {
        Self(std::borrow::Cow::Borrowed(name))
    }

    /// Its name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A problem document. Its media type over HTTP is `application/problem+json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Problem {
    /// `urn:strongroom:problem:` and the code.
    #[serde(rename = "type")]
    pub kind: String,
    /// What is the matter, for people.
    pub title: String,
    /// The HTTP status, in frames too.
    pub status: u16,
    /// The code.
    pub code: ProblemCode,
    /// What to do about it, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// Seconds after which a retry makes sense.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_s: Option<f64>,
    /// The present head, where the caller's picture was out of date.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head: Option<Box<RecordHead>>,
    /// The request's id, as in the server's log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

impl Problem {
    /// A problem without further members.
    pub fn new(status: u16, code: &'static str, title: impl Into<String>) -> Self {
        Self {
            kind: format!("urn:strongroom:problem:{code}"),
            title: title.into(),
            status,
            code: ProblemCode::new(code),
            detail: None,
            retry_after_s: None,
            head: None,
            request_id: None,
        }
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({})", self.title, self.code.as_str())?;
        match &self.detail {
            Some(detail) => write!(f, ": {detail}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Problem {}
