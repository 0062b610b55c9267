//! Requests as this dialect has them: JSON, plain or sealed by a session's key.

use std::time::Duration;

use reqwest::Method;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use serde::Serialize;
use serde_json::Value;
use strongroom_primitives::json;
use strongroom_primitives::nacl::BoxKey;
use strongroom_primitives::psono::Sealed;
use strongroom_wire::{Problem, ProblemCode};
use zeroize::Zeroizing;

use super::document::Document;
use super::{PsonoApiKey, PsonoClientError};
use crate::keyknox::ports::{Ports, draw};
use crate::link::{Answer, Door};
use crate::{ClientError, ClientOptions};

/// How much of a server's own words is repeated, in characters.
const WORDS_MAX: usize = 200;

/// What a session shows and is sealed by.
pub(super) struct Seal {
    /// `Token` and the token.
    pub(super) authorization: HeaderValue,
    pub(super) key: BoxKey,
}

/// A server of this dialect.
pub(super) struct PsonoLink {
    door: Door,
    within: Duration,
    pub(super) ports: Ports,
}

impl PsonoLink {
    /// The server of an API key. Asks nobody yet.
    pub(super) fn new(key: &PsonoApiKey, options: &ClientOptions) -> Result<Self, PsonoClientError> {
        let door = Door::new(&key.server_url, "", options)?;
        Ok(Self { door, within: options.within, ports: options.ports.clone() })
    }

    /// Asks without a session.
    pub(super) async fn plain(
        &self,
        method: Method,
        path: &str,
        body: String,
    ) -> Result<Vec<u8>, PsonoClientError> {
        let request = self.door.request(method, path).header(CONTENT_TYPE, "application/json").body(body);
        let answer = self.door.send(request, self.within).await?;
        if answer.is_success() { Ok(answer.body) } else { Err(refused(&answer, &answer.body)) }
    }

    /// Asks within a session. What is done has to be sealed by its key; a refusal may come from somebody who has none.
    pub(super) async fn sealed(
        &self,
        seal: &Seal,
        method: Method,
        path: &str,
        body: Option<&impl Serialize>,
    ) -> Result<Zeroizing<Vec<u8>>, PsonoClientError> {
        let mut request = self.door.request(method, path).header(AUTHORIZATION, seal.authorization.clone());
        if let Some(body) = body {
            let text = Zeroizing::new(serde_json::to_vec(body).expect("texts and flags make a document"));
            let sealed = Sealed::seal(&seal.key, draw(&*self.ports.entropy)?, &text);
            request = request.header(CONTENT_TYPE, "application/json").body(sealed.to_json());
        }
        let answer = self.door.send(request, self.within).await?;
        let opened = Sealed::read(&answer.body).and_then(|sealed| sealed.open(&seal.key));
        match (answer.is_success(), opened) {
            (true, Ok(opened)) => Ok(opened),
            (true, Err(_)) if answer.body.is_empty() => Ok(Zeroizing::new(Vec::new())),
            (true, Err(_)) => Err(ClientError::protocol("it is not sealed by the session's key").into()),
            (false, Ok(opened)) => Err(refused(&answer, &opened)),
            (false, Err(_)) => Err(refused(&answer, &answer.body)),
        }
    }

    /// Asks within a session, for a document that errors call `what`.
    pub(super) async fn document(
        &self,
        seal: &Seal,
        path: &str,
        what: &'static str,
    ) -> Result<Document, PsonoClientError> {
        Document::read(&self.sealed(seal, Method::GET, path, None::<&()>).await?, what)
    }
}

/// A refusal as a problem: its code is Psono's word, or `http-` and the status where there is none.
fn refused(answer: &Answer, body: &[u8]) -> PsonoClientError {
    let words = json::parse_object(body).ok().and_then(|members| words_of(&Value::Object(members)));
    let status = answer.status;
    let code = words.as_deref().filter(|words| is_code(words)).map(str::to_owned);
    let detail = match (&code, words) {
        (None, Some(words)) => Some(words),
        (None, None) => Some("it does not say why: is the URL right, path included?".to_owned()),
        (Some(_), _) => None,
    };
    let code = ProblemCode(code.unwrap_or_else(|| format!("http-{status}")).into());
    let title = format!("refused with HTTP status {status}");
    let retry_after_s = answer.retry_after_s.map(|seconds| seconds as f64);
    let problem = Problem { code, detail, retry_after_s, ..Problem::new(status, "psono", title) };
    ClientError::Problem(Box::new(problem)).into()
}

/// What a refusal says, in whichever of its forms. Source: dialects/psono.md, section 10.
fn words_of(refusal: &Value) -> Option<String> {
    let text = |value: &Value| {
        let text = value.as_str().or_else(|| value.get(0)?.as_str())?;
        Some(text.chars().filter(|c| !c.is_control()).take(WORDS_MAX).collect::<String>())
    };
    for name in ["non_field_errors", "error", "message", "detail"] {
        if let Some(words) = refusal.get(name).and_then(text) {
            return Some(words);
        }
    }
    let (name, value) = refusal.as_object()?.iter().find(|(_, value)| text(value).is_some())?;
    Some(format!("{}: {}", text(&Value::String(name.clone()))?, text(value)?))
}

fn is_code(words: &str) -> bool {
    !words.is_empty() && words.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}
