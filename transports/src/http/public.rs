//! What the public listener answers: the router's paths, a WebSocket, and whether the server is alive.

use std::sync::Arc;

use super::{edge::Handler, health};
use crate::{
    Front, Router,
    credentials::Shown,
    dialects::Refusal,
    exchange::{Request, Response},
    problem,
    ws::{self, Admitted},
};

/// One thread's public face.
pub(super) struct Public {
    front: Front,
    router: Arc<Router>,
    websocket_path: Option<Arc<str>>,
}

impl Public {
    pub(super) fn new(front: Front, router: Arc<Router>, websocket_path: Option<Arc<str>>) -> Self {
        Self { front, router, websocket_path }
    }
}

impl Handler for Public {
    fn front(&self) -> &Front {
        &self.front
    }

    async fn answer(&self, request: Request) -> Response {
        match health::Question::of(&request) {
            Some(question) => question.answer(&self.front).await,
            None => self.router.answer(&self.front, request).await,
        }
    }

    fn body_bytes_max(&self, request: &Request) -> usize {
        self.router.body_bytes_max(&self.front, &request.path)
    }

    fn refuse(&self, request: &Request, refusal: Refusal) -> Response {
        self.router.refuse(request, refusal)
    }

    fn admit(&self, request: &Request) -> Result<Admitted, Box<Response>> {
        let problem = if self.websocket_path.as_deref() == Some(&*request.path) {
            match ws::admit(&request.headers, self.router.cors(), || {
                Shown::from(request).credential(&self.front)
            }) {
                Ok(admitted) => return Ok(admitted),
                Err(problem) => *problem,
            }
        } else {
            let detail = "the native interface opens them at /v1/ws";
            problem::with_detail(404, "unknown-path", "no WebSocket is opened here", detail)
        };
        Err(Box::new(ws::refusal(problem, &request.request_id)))
    }
}
