//! The operator's listener: health in detail, metrics, the operations of the native interface that are the operator's,
//! and whatever else the operator may ask, which others provide.
//!
//! Health and metrics tell nothing about accounts and are open to whoever reaches this port. Everything else takes the
//! operator's token, whatever the path: without it nobody learns which paths there are (A-ADM-01).

use std::{io, panic::AssertUnwindSafe, sync::Arc};

use futures_util::FutureExt;
use strongroom_engine::EngineError;
use strongroom_primitives::secret::Secret;

use super::{edge::Handler, health::Question, listener::Listener, metrics::Metrics, options::HttpOptions};
use crate::{
    Front,
    dialects::{Answering, Refusal},
    exchange::{HeaderValue, Method, Request, Response, StatusCode, header},
    native, path, problem,
    ws::{self, Admitted},
};

/// Where the native interface lies, as far as it is the operator's.
const NATIVE: &str = "/v1";

/// What the operator may ask beyond health, metrics and the native interface.
pub trait AdminApi: Send + Sync + 'static {
    /// Answers a request of the operator, who has been authenticated. The path has one reading.
    fn answer<'a>(&'a self, front: &'a Front, request: &'a Request) -> Answering<'a>;
}

/// Who answers at the operator's listener, and to whom.
#[derive(Clone)]
pub struct Administration {
    /// The operator's token, as it stands behind `Bearer` in an `Authorization` header.
    pub token: Arc<Secret>,
    /// What is shown at `/metrics`.
    pub metrics: Arc<Metrics>,
    /// What else the operator may ask.
    pub api: Arc<dyn AdminApi>,
}

impl Listener {
    /// Listens for the operator. As [`Listener::start`] otherwise; no WebSocket is opened here.
    ///
    /// # Errors
    /// An address cannot be listened on.
    pub fn start_admin(
        options: HttpOptions,
        front: Front,
        administration: Administration,
    ) -> io::Result<Self> {
        let at = front.clone();
        Self::start_with(options, front, move || Desk { front: at.at_home(), admin: administration.clone() })
    }
}

struct Desk {
    front: Front,
    admin: Administration,
}

impl Desk {
    fn knows(&self, request: &Request) -> bool {
        let given = request.header(header::AUTHORIZATION).and_then(|value| value.split_once(' '));
        given.is_some_and(|(scheme, token)| {
            scheme.eq_ignore_ascii_case("bearer") && self.admin.token.matches(token.as_bytes())
        })
    }

    async fn answer_operator(&self, request: &Request) -> Response {
        match request.path.strip_prefix(NATIVE).filter(|rest| rest.starts_with('/')) {
            Some(rest) => native::answer_operator(&self.front, rest, request).await,
            None => self.admin.api.answer(&self.front, request).await,
        }
    }

    async fn metrics(&self) -> Response {
        let text = self.admin.metrics.render(&self.front.engine().health().await);
        let mut response = Response::json(StatusCode::OK, text);
        let media_type = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
        response.headers.insert(header::CONTENT_TYPE, media_type);
        response
    }
}

impl Handler for Desk {
    fn front(&self) -> &Front {
        &self.front
    }

    async fn answer(&self, request: Request) -> Response {
        let refuse = |problem| problem::response(problem, &request.request_id);
        if let Some(question) = Question::of(&request) {
            return question.answer_in_detail(&self.front).await;
        }
        if &*request.path == "/metrics" && (request.method == Method::GET || request.method == Method::HEAD) {
            return self.metrics().await;
        }
        let mut response = if !self.knows(&request) {
            let error = match request.headers.contains_key(header::AUTHORIZATION) {
                true => EngineError::CredentialInvalid,
                false => EngineError::CredentialMissing,
            };
            let detail =
                "send Authorization: Bearer with the operator's token, which lies in the data folder";
            refuse(strongroom_wire::Problem { detail: Some(detail.to_owned()), ..problem::of(&error) })
        } else if path::check(&request.path).is_err() {
            refuse(problem::of_refusal(Refusal::AmbiguousPath))
        } else {
            let answering = AssertUnwindSafe(self.answer_operator(&request)).catch_unwind();
            answering.await.unwrap_or_else(|_| {
                tracing::error!(request_id = &*request.request_id, "an answer to the operator panicked");
                refuse(problem::of_refusal(Refusal::Fault))
            })
        };
        response.headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }

    fn refuse(&self, request: &Request, refusal: Refusal) -> Response {
        problem::response(problem::of_refusal(refusal), &request.request_id)
    }

    fn admit(&self, request: &Request) -> Result<Admitted, Box<Response>> {
        let detail = "WebSockets are opened at the public listener";
        let problem = problem::with_detail(404, "unknown-path", "no WebSocket is opened here", detail);
        Err(Box::new(ws::refusal(problem, &request.request_id)))
    }
}
