//! Whether the server lives and whether it is ready, for supervisors and balancers. Tells nobody how it feels.

use strongroom_engine::Health;

use crate::{
    Front,
    exchange::{HeaderValue, Method, Request, Response, StatusCode, header},
};

/// Something that a supervisor asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Question {
    /// `/livez`: whether the process answers at all.
    Lives,
    /// `/readyz`: whether the store answers, takes writes, and the engine takes commands.
    IsReady,
}

impl Question {
    /// The question that a request asks, if it asks one.
    pub(super) fn of(request: &Request) -> Option<Self> {
        let question = match &*request.path {
            "/livez" => Self::Lives,
            "/readyz" => Self::IsReady,
            _ => return None,
        };
        (request.method == Method::GET || request.method == Method::HEAD).then_some(question)
    }

    /// 200 for yes, 503 for no.
    pub(super) async fn answer(self, front: &Front) -> Response {
        let yes = match self {
            Self::Lives => true,
            Self::IsReady => front.engine().health().await.is_ready(),
        };
        said(yes, if yes { r#"{"status":"ok"}"# } else { r#"{"status":"unavailable"}"# }.to_owned())
    }

    /// The same, with the reasons, for the operator.
    pub(super) async fn answer_in_detail(self, front: &Front) -> Response {
        let health = front.engine().health().await;
        let yes = self == Self::Lives || health.is_ready();
        said(yes, detail(yes, &health))
    }
}

fn detail(yes: bool, health: &Health) -> String {
    let Health { storage_answers, storage, draining, in_flight, busy_lanes, followed_topics } = health;
    serde_json::json!({
        "status": if yes { "ok" } else { "unavailable" },
        "storage_answers": storage_answers,
        "storage_refuses_writes": storage.refusing_writes,
        "draining": draining,
        "in_flight": in_flight,
        "busy_lanes": busy_lanes,
        "followed_topics": followed_topics,
    })
    .to_string()
}

fn said(yes: bool, body: String) -> Response {
    let status = if yes { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let mut response = Response::json(status, body);
    response.headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
