//! The vault's mount: which call does what. Source: dialects/meeco.md, section 6.

use std::sync::Arc;

use serde_json::json;

use super::{
    Installation,
    call::{Call, VERSION, answer},
    items, people,
    problem::{self, Problem},
    sign_in, templates,
};
use crate::{
    EdgeLimits, Front,
    dialects::{Answering, Dialect, Refusal},
    exchange::{Request, Response, StatusCode},
    path,
    rates::Counted,
};

/// The mount of the vault.
pub struct Vault(Arc<Installation>);

impl Vault {
    /// The vault of an installation.
    pub fn new(installation: Arc<Installation>) -> Self {
        Self(installation)
    }

    async fn serve(&self, front: &Front, path: &str, request: &Request) -> Result<Response, Problem> {
        let installation = &*self.0;
        let call = &Call::new(front, request, installation, &installation.vault_realm)?;
        let segments = path::segments(path).map_err(|_| problem::NOT_FOUND)?;
        let segments: Vec<&str> = segments.iter().map(|segment| &**segment).collect();
        let answered = match (request.method.as_str(), &*segments) {
            ("GET", ["version"]) => {
                return answer(
                    StatusCode::OK,
                    json!({ "component": { "name": "vault", "api_version": VERSION } }),
                );
            }
            ("POST", ["me"]) => {
                installation.spend(Counted::SignUp, request)?;
                return Box::pin(people::enrol(call, &installation.keystore_realm)).await;
            }
            ("POST", ["session"]) => {
                installation.spend(Counted::VaultSignIn, request)?;
                return Box::pin(people::sign_in(call)).await;
            }
            ("GET", ["me"]) => Box::pin(people::show(call)).await,
            ("PUT", ["me"]) => Box::pin(people::update(call)).await,
            ("DELETE", ["session"]) => Box::pin(sign_in::end(call)).await,
            ("DELETE", ["session", "all"]) => Box::pin(sign_in::end_all(call)).await,
            ("POST", ["session", "limited_in_time"]) => Box::pin(people::limited(call)).await,
            ("GET", ["item_templates"]) => Box::pin(templates::list(call)).await,
            ("GET", ["item_templates", id]) => Box::pin(templates::show(call, id)).await,
            ("POST", ["items"]) => Box::pin(items::create(call)).await,
            ("GET", ["items"]) => Box::pin(items::list(call)).await,
            ("GET", ["items", id]) => Box::pin(items::show(call, id)).await,
            ("PUT", ["items", id]) => Box::pin(items::update(call, id)).await,
            ("DELETE", ["items", id]) => Box::pin(items::delete(call, id)).await,
            ("DELETE", ["slots", id]) => Box::pin(items::delete_slot(call, id)).await,
            _ => return Err(problem::NOT_FOUND),
        };
        call.for_session(answered).await
    }
}

impl Dialect for Vault {
    fn name(&self) -> &'static str {
        "meeco-vault"
    }

    fn answer<'a>(&'a self, front: &'a Front, path: &'a str, request: &'a Request) -> Answering<'a> {
        Box::pin(async move {
            let answered = self.serve(front, path, request).await;
            tracing::debug!(
                request = &*request.request_id, method = %request.method,
                problem = answered.as_ref().err().map(Problem::name), "meeco vault"
            );
            answered.unwrap_or_else(|problem| problem.response())
        })
    }

    fn body_bytes_max(&self, _: &EdgeLimits, _: &str) -> usize {
        self.0.body_bytes_max
    }

    fn refuse(&self, refusal: Refusal) -> Response {
        Problem::from(refusal).response()
    }
}
