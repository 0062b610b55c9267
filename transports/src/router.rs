//! From a path to whoever answers it: the native interface or a dialect, the one with the longest matching prefix.
//!
//! Everything that holds for every answer, whoever gives it, holds here: one reading of the path, a deadline, a request
//! id, no caching, the browser's rules, and that a panic costs one request and tells nothing.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures_util::FutureExt;
use http::{HeaderName, HeaderValue, StatusCode, header};

use crate::{
    Front,
    cors::{Cookies, CorsPolicy, PREFLIGHT_AGE},
    dialects::{Dialect, Refusal},
    exchange::{Request, Response},
    native, path, problem,
};

const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// Source: dialects/misakey.md, section 3.
const NO_STORE_NO_CACHE: HeaderValue = HeaderValue::from_static("no-store, no-cache");

static REQUEST_ID: HeaderName = HeaderName::from_static("strongroom-request-id");

/// Who answers what lies under a prefix.
#[derive(Clone)]
enum Target {
    /// The native interface.
    Native,
    /// A vendor's wire protocol.
    Dialect(Arc<dyn Dialect>),
}

/// A prefix and who answers what lies under it.
#[derive(Clone)]
pub struct Mount {
    prefix: String,
    target: Target,
}

impl Mount {
    /// The prefix: empty for everything, else a slash and segments without a slash at the end.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Its name in logs and metrics.
    pub fn name(&self) -> &'static str {
        match &self.target {
            Target::Native => "native",
            Target::Dialect(dialect) => dialect.name(),
        }
    }

    /// A path without the slash at its end, if that means nothing here.
    fn tidy<'p>(&self, path: &'p str) -> &'p str {
        match (&self.target, path.strip_suffix('/')) {
            (Target::Dialect(dialect), Some(tidy)) if !tidy.is_empty() && dialect.final_slash() => tidy,
            _ => path,
        }
    }

    /// What is left of `path` below the prefix: empty, or beginning with a slash.
    fn rest<'p>(&self, path: &'p str) -> Option<&'p str> {
        path.strip_prefix(&*self.prefix).filter(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    fn preflight_age(&self) -> Duration {
        match &self.target {
            Target::Native => PREFLIGHT_AGE,
            Target::Dialect(dialect) => dialect.preflight_age(),
        }
    }

    fn cookies(&self) -> Cookies {
        match &self.target {
            Target::Native => Cookies::Refused,
            Target::Dialect(dialect) => dialect.cookies(),
        }
    }

    fn refuse(&self, refusal: Refusal, request_id: &str) -> Response {
        match &self.target {
            Target::Native => problem::response(problem::of_refusal(refusal), request_id),
            Target::Dialect(dialect) => dialect.refuse(refusal),
        }
    }
}

/// Why a router cannot be built.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RouterError {
    /// Two mounts have the same prefix.
    #[error("{0:?} is mounted twice")]
    MountedTwice(String),
    /// A prefix that no path can lie under.
    #[error("{0:?} is no prefix: write a slash and segments, without a slash at the end")]
    Prefix(String),
}

/// Collects mounts.
#[derive(Default)]
pub struct RouterBuilder {
    mounts: Vec<Mount>,
    cors: CorsPolicy,
}

impl RouterBuilder {
    /// Mounts the native interface.
    #[must_use]
    pub fn native(mut self, prefix: &str) -> Self {
        self.mounts.push(Mount { prefix: prefix.to_owned(), target: Target::Native });
        self
    }

    /// Mounts a dialect.
    #[must_use]
    pub fn mount(mut self, prefix: &str, dialect: Arc<dyn Dialect>) -> Self {
        self.mounts.push(Mount { prefix: prefix.to_owned(), target: Target::Dialect(dialect) });
        self
    }

    /// Which scripts in browsers may read answers; without it none.
    #[must_use]
    pub fn cors(self, cors: CorsPolicy) -> Self {
        Self { cors, ..self }
    }

    /// The router.
    ///
    /// # Errors
    /// [`RouterError`].
    pub fn build(mut self) -> Result<Router, RouterError> {
        // Longest first, so that the first match is the closest.
        self.mounts.sort_by(|a, b| b.prefix.len().cmp(&a.prefix.len()).then_with(|| a.prefix.cmp(&b.prefix)));
        for pair in self.mounts.windows(2) {
            if pair[0].prefix == pair[1].prefix {
                return Err(RouterError::MountedTwice(pair[0].prefix.clone()));
            }
        }
        for Mount { prefix, .. } in &self.mounts {
            if !prefix.is_empty() && (prefix == "/" || prefix.contains('%') || path::check(prefix).is_err()) {
                return Err(RouterError::Prefix(prefix.clone()));
            }
        }
        Ok(Router { mounts: self.mounts, cors: self.cors })
    }
}

/// Answers requests.
pub struct Router {
    mounts: Vec<Mount>,
    cors: CorsPolicy,
}

impl Router {
    /// Begins a router that answers nothing.
    pub fn builder() -> RouterBuilder {
        RouterBuilder::default()
    }

    /// The mounts, longest prefix first.
    pub fn mounts(&self) -> &[Mount] {
        &self.mounts
    }

    /// Which scripts in browsers may read answers.
    pub fn cors(&self) -> &CorsPolicy {
        &self.cors
    }

    /// The mount that a path lies under.
    pub fn mount_of(&self, path: &str) -> Option<(&Mount, usize)> {
        self.mounts.iter().find_map(|mount| Some((mount, path.len() - mount.rest(path)?.len())))
    }

    /// The largest body of a request to this path, in bytes.
    pub fn body_bytes_max(&self, front: &Front, path: &str) -> usize {
        let edge = front.limits();
        match self.mount_of(path).map(|(mount, at)| (&mount.target, &mount.tidy(path)[at..])) {
            Some((Target::Dialect(dialect), rest)) => dialect.body_bytes_max(edge, rest),
            Some((Target::Native, _)) | None => edge.body_bytes_max,
        }
    }

    /// Answers a request. Never panics, and takes no longer than [`crate::EdgeLimits::request_within`]; a request of
    /// the native interface that asks to wait for an event has that time on top.
    pub async fn answer(&self, front: &Front, request: Request) -> Response {
        let response = self.decide(front, &request).await;
        self.finish(response, &request)
    }

    /// The answer to a request that the transport refuses by itself, in the words of whoever is mounted there.
    pub fn refuse(&self, request: &Request, refusal: Refusal) -> Response {
        let response = match self.mount_of(&request.path) {
            Some((mount, _)) => mount.refuse(refusal, &request.request_id),
            None => problem::response(problem::of_refusal(refusal), &request.request_id),
        };
        self.finish(response, request)
    }

    async fn decide(&self, front: &Front, request: &Request) -> Response {
        let mount = self.mount_of(&request.path);
        let path = mount.map_or(&*request.path, |(mount, _)| mount.tidy(&request.path));
        if path::check(path).is_err() {
            return match mount {
                Some((mount, _)) => mount.refuse(Refusal::AmbiguousPath, &request.request_id),
                None => problem::response(problem::of_refusal(Refusal::AmbiguousPath), &request.request_id),
            };
        }
        let Some((mount, at)) = mount else {
            let nothing = problem::with_detail(
                404,
                "unknown-path",
                "there is nothing here",
                "the documentation lists the paths; prefixes are set in the configuration",
            );
            return problem::response(nothing, &request.request_id);
        };
        if let Some(preflight) = self.cors.preflight(request, mount.preflight_age(), mount.cookies()) {
            return preflight;
        }
        let rest = &path[at..];
        let mut within = front.limits().request_within;
        let answering = async {
            match &mount.target {
                Target::Native => native::answer(front, rest, request).await,
                Target::Dialect(dialect) => dialect.answer(front, rest, request).await,
            }
        };
        if let Target::Native = mount.target {
            within += native::waits(rest, request);
        }
        match tokio::time::timeout(within, AssertUnwindSafe(answering).catch_unwind()).await {
            Ok(Ok(response)) => response,
            Ok(Err(_)) => {
                tracing::error!(
                    request_id = &*request.request_id,
                    mount = mount.name(),
                    "an answer panicked"
                );
                mount.refuse(Refusal::Fault, &request.request_id)
            }
            Err(_) => mount.refuse(Refusal::TookTooLong, &request.request_id),
        }
    }

    /// What every answer carries.
    fn finish(&self, mut response: Response, request: &Request) -> Response {
        let cookies = self.mount_of(&request.path).map_or(Cookies::Refused, |(mount, _)| mount.cookies());
        self.cors.decorate(&request.headers, &mut response.headers, cookies);
        let no_store = match cookies {
            Cookies::Refused => NO_STORE,
            Cookies::Taken => NO_STORE_NO_CACHE,
        };
        response.headers.insert(header::CACHE_CONTROL, no_store);
        if let Ok(id) = HeaderValue::from_str(&request.request_id) {
            response.headers.insert(REQUEST_ID.clone(), id);
        }
        if response.status == StatusCode::NO_CONTENT || response.status == StatusCode::NOT_MODIFIED {
            response.body = bytes::Bytes::new();
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use http::Method;

    use super::*;
    use crate::{
        EdgeLimits,
        dialects::Answering,
        testing::{Bench, request},
    };

    /// Says what was asked of it; panics and dawdles where asked to.
    struct Parrot(&'static str);

    impl Dialect for Parrot {
        fn name(&self) -> &'static str {
            self.0
        }

        fn final_slash(&self) -> bool {
            self.0 == "slashes"
        }

        fn answer<'a>(&'a self, _: &'a Front, path: &'a str, _: &'a Request) -> Answering<'a> {
            Box::pin(async move {
                match path {
                    "/panic" => panic!("canary-of-a-panic"),
                    "/dawdle" => std::future::pending().await,
                    _ => Response::json(StatusCode::OK, format!("{}:{path}", self.0)),
                }
            })
        }

        fn refuse(&self, refusal: Refusal) -> Response {
            Response::json(StatusCode::IM_A_TEAPOT, format!("{}:{refusal:?}", self.0))
        }
    }

    fn router() -> Router {
        Router::builder()
            .native("/v1")
            .mount("/k", Arc::new(Parrot("short")))
            .mount("/k/deep", Arc::new(Parrot("deep")))
            .mount("/s", Arc::new(Parrot("slashes")))
            .cors(CorsPolicy::new(["https://app.example".to_owned()]).unwrap())
            .build()
            .unwrap()
    }

    async fn ask(bench: &Bench, path: &str) -> (u16, String) {
        let response = router().answer(&bench.front, request(Method::GET, path, &[], "")).await;
        assert_eq!(response.headers[header::CACHE_CONTROL], "no-store", "{path}");
        assert_eq!(response.headers[&REQUEST_ID], "r1", "{path}");
        (response.status.as_u16(), String::from_utf8(response.body.to_vec()).unwrap())
    }

    #[actix_rt::test]
    async fn the_longest_prefix_answers_and_only_on_a_boundary_of_segments() {
        let bench = Bench::new().await;
        assert_eq!(ask(&bench, "/k/deep/x").await, (200, "deep:/x".to_owned()));
        assert_eq!(ask(&bench, "/k/deeper").await, (200, "short:/deeper".to_owned()));
        assert_eq!(ask(&bench, "/k").await, (200, "short:".to_owned()));
        assert_eq!(ask(&bench, "/k/a%2Fb").await, (200, "short:/a%2Fb".to_owned()), "still encoded");
        for nowhere in ["/", "/kk", "/K", "/%6b", "/v2/records"] {
            let (status, body) = ask(&bench, nowhere).await;
            assert_eq!(status, 404, "{nowhere}");
            assert!(body.contains("unknown-path"), "{body}");
        }
    }

    /// A-HTTP-06: one slash at the end, where the vendor writes it; two are still ambiguous.
    #[actix_rt::test]
    async fn a_final_slash_means_nothing_where_the_dialect_says_so() {
        let bench = Bench::new().await;
        for path in ["/s/x/y", "/s/x/y/"] {
            assert_eq!(ask(&bench, path).await, (200, "slashes:/x/y".to_owned()));
        }
        assert_eq!(ask(&bench, "/s/").await, (200, "slashes:".to_owned()));
        for path in ["/s//", "/s/x//", "/s/./", "/s/x/%2e%2e/", "/s/%00/"] {
            assert_eq!(ask(&bench, path).await, (418, "slashes:AmbiguousPath".to_owned()), "{path}");
        }
    }

    /// A-HTTP-06: an ambiguous path never reaches who is mounted there, who words the refusal.
    #[actix_rt::test]
    async fn an_ambiguous_path_is_refused_in_the_words_of_the_mount() {
        let bench = Bench::new().await;
        for path in ["/k/../v1/session", "/k//x", "/k/%2e%2e/v1/session", "/k/%00", "/k/x%zz", "/k/deep/"] {
            let (status, body) = ask(&bench, path).await;
            assert_eq!(status, 418, "{path}");
            assert!(body.ends_with(":AmbiguousPath"), "{body}");
        }
        for path in ["//v1/session", "*", "http://host/v1/session", "/v1/session/", "/v1/./session"] {
            assert_eq!(ask(&bench, path).await.0, 400, "{path}");
        }
    }

    /// A-HTTP-13.
    #[actix_rt::test]
    async fn a_panic_costs_one_request_and_tells_nothing() {
        let bench = Bench::new().await;
        assert_eq!(ask(&bench, "/k/panic").await, (418, "short:Fault".to_owned()));
        assert_eq!(ask(&bench, "/k/x").await.0, 200);
    }

    #[actix_rt::test]
    async fn an_answer_that_does_not_come_is_given_up() {
        let within = Duration::from_millis(20);
        let edge = EdgeLimits { request_within: within, ..EdgeLimits::default() };
        let bench = Bench::with(strongroom_engine::Limits::default(), edge).await;
        assert_eq!(ask(&bench, "/k/dawdle").await, (418, "short:TookTooLong".to_owned()));
    }

    /// A-HTTP-09.
    #[actix_rt::test]
    async fn a_preflight_is_answered_wherever_something_is_mounted() {
        let bench = Bench::new().await;
        let preflight = |path: &str, origin: &str| {
            let headers = [format!("origin: {origin}"), "access-control-request-method: PUT".to_owned()];
            let headers: Vec<&str> = headers.iter().map(String::as_str).collect();
            request(Method::OPTIONS, path, &headers, "")
        };
        for path in ["/v1/records/x", "/k/whatever"] {
            let answer = router().answer(&bench.front, preflight(path, "https://app.example")).await;
            assert_eq!(answer.status, StatusCode::NO_CONTENT, "{path}");
            assert_eq!(answer.headers[header::ACCESS_CONTROL_ALLOW_ORIGIN], "https://app.example");
            let answer = router().answer(&bench.front, preflight(path, "https://evil.example")).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path}");
            assert!(!answer.headers.contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN));
        }
        let answer = router().answer(&bench.front, preflight("/nowhere", "https://app.example")).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND);
    }

    #[test]
    fn a_router_with_two_answers_for_one_prefix_is_not_built() {
        let twice = Router::builder().native("/v1").mount("/v1", Arc::new(Parrot("x"))).build();
        assert_eq!(twice.err(), Some(RouterError::MountedTwice("/v1".to_owned())));
        for bad in ["/", "v1", "/v1/", "/a//b", "/a/..", "/%76"] {
            let built = Router::builder().native(bad).build();
            assert_eq!(built.err(), Some(RouterError::Prefix(bad.to_owned())));
        }
    }
}
