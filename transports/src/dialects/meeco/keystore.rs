//! The keystore's mount: which call does what. Source: dialects/meeco.md, section 5.

use std::sync::Arc;

use serde_json::json;

use super::{
    Installation,
    call::{Call, VERSION, answer},
    keys,
    problem::{self, Problem},
    sign_in,
};
use crate::{
    EdgeLimits, Front,
    dialects::{Answering, Dialect, Refusal},
    exchange::{Request, Response, StatusCode},
    path,
    rates::Counted,
};

/// The mount of the keystore.
pub struct Keystore(Arc<Installation>);

impl Keystore {
    /// The keystore of an installation.
    pub fn new(installation: Arc<Installation>) -> Self {
        Self(installation)
    }

    async fn serve(&self, front: &Front, path: &str, request: &Request) -> Result<Response, Problem> {
        let installation = &*self.0;
        let call = &Call::new(front, request, installation, &installation.keystore_realm)?;
        let segments = path::segments(path).map_err(|_| problem::NOT_FOUND)?;
        let segments: Vec<&str> = segments.iter().map(|segment| &**segment).collect();
        let answered = match (request.method.as_str(), &*segments) {
            ("GET", ["version"]) => {
                return answer(
                    StatusCode::OK,
                    json!({ "component": { "name": "keystore", "api_version": VERSION } }),
                );
            }
            ("POST", ["srp", "username"]) => {
                installation.spend(Counted::SignUp, request)?;
                return Box::pin(sign_in::reserve(call)).await;
            }
            ("POST", ["srp", "users"]) => {
                installation.spend(Counted::SignUp, request)?;
                return Box::pin(sign_in::register(call)).await;
            }
            ("POST", ["srp", "challenges"]) => {
                installation.spend(Counted::Challenge, request)?;
                return Box::pin(sign_in::challenge(call)).await;
            }
            ("POST", ["srp", "session"]) => {
                installation.spend(Counted::SignIn, request)?;
                return Box::pin(sign_in::prove(call)).await;
            }
            ("GET", ["session"]) => Box::pin(sign_in::show(call)).await,
            ("DELETE", ["session"]) => Box::pin(sign_in::end(call)).await,
            ("DELETE", ["session", "all"]) => Box::pin(sign_in::end_all(call)).await,
            ("POST", ["session", "limited_in_time"]) => Box::pin(sign_in::limited(call)).await,
            ("GET", ["external_admission_tokens"]) => {
                Box::pin(sign_in::admission_token(call, &installation.audience)).await
            }
            ("GET", ["key_encryption_key"]) => Box::pin(keys::kek(call)).await,
            ("POST", ["key_encryption_key"]) => Box::pin(keys::set_kek(call)).await,
            ("POST", ["data_encryption_keys"]) => Box::pin(keys::create_dek(call)).await,
            ("GET", ["data_encryption_keys", id]) => Box::pin(keys::dek(call, id)).await,
            ("DELETE", ["data_encryption_keys", id]) => Box::pin(keys::delete_dek(call, id)).await,
            ("POST", ["keypairs"]) => Box::pin(keys::create_pair(call)).await,
            ("GET", ["keypairs", "external_id", name]) => Box::pin(keys::find_pair(call, name)).await,
            ("GET", ["keypairs", id]) => Box::pin(keys::pair(call, id)).await,
            ("PATCH", ["keypairs", id]) => Box::pin(keys::update_pair(call, id)).await,
            ("DELETE", ["keypairs", id]) => Box::pin(keys::delete_pair(call, id)).await,
            _ => return Err(problem::NOT_FOUND),
        };
        call.for_session(answered).await
    }
}

impl Dialect for Keystore {
    fn name(&self) -> &'static str {
        "meeco-keystore"
    }

    fn answer<'a>(&'a self, front: &'a Front, path: &'a str, request: &'a Request) -> Answering<'a> {
        Box::pin(async move {
            let answered = self.serve(front, path, request).await;
            tracing::debug!(
                request = &*request.request_id, method = %request.method,
                problem = answered.as_ref().err().map(Problem::name), "meeco keystore"
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
