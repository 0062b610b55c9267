//! Dragonchain: keys of chains, and the requests that they sign. Source: seed 003, resolved in dialects/dragonchain.md.
//!
//! What lives here is translation: routes, the headers of a signed request, the vendor's JSON and its words for refusals,
//! and the rates of a mount. Which signatures are good and taken, and who may do what, is the engine's.
//!
//! | module | has |
//! |---|---|
//! | `paths` | every route: what is asked, before anybody has to say who asks |
//! | `call` | a signed request on its way: its headers, and the one value that takes its signature |
//! | `keys`, `bodies`, `wire` | section 4: the operations, what they read and what they answer |
//! | `problem`, `rates` | every refusal in the vendor's words; how often |
//!
//! Believe this: each request makes one [`SignedRequest`](strongroom_engine::domains::service_keys::SignedRequest), so its
//! signature is taken before its body is looked at, and is spent when the body is refused.

mod bodies;
mod call;
mod keys;
mod paths;
mod problem;
mod rates;
#[cfg(test)]
mod tests;
mod wire;

use std::sync::Arc;

use strongroom_engine::ports::{Clock, SystemClock};

pub use rates::DragonchainRates;

use self::{
    call::Call,
    paths::{Operation, Route},
    problem::Problem,
    rates::Allowances,
};
use crate::{
    EdgeLimits, Front,
    dialects::{Answering, Dialect, Refusal},
    exchange::{Request, Response, StatusCode, header},
    path,
};

/// The largest body of a request: 64 KiB. Source: dialects/dragonchain.md, section 9.
pub const BODY_BYTES_MAX: usize = 64 * 1024;

/// What a mount of Dragonchain can be told.
pub struct DragonchainOptions {
    /// Where clients reach it, as its status says; empty if that is not known.
    pub url: String,
    /// How often somebody may ask.
    pub rates: DragonchainRates,
    /// What rates measure time by.
    pub clock: Arc<dyn Clock>,
}

impl Default for DragonchainOptions {
    fn default() -> Self {
        Self { url: String::new(), rates: DragonchainRates::default(), clock: Arc::new(SystemClock::new()) }
    }
}

/// A mount of Dragonchain: all chains, told apart by the header that names one.
pub struct Dragonchain {
    url: String,
    allowances: Allowances,
}

impl Dragonchain {
    /// A mount with these options.
    pub fn new(options: DragonchainOptions) -> Self {
        let DragonchainOptions { url, rates, clock } = options;
        Self { url, allowances: Allowances::new(rates, clock) }
    }

    async fn serve(&self, front: &Front, path: &str, request: &Request) -> Result<Response, Problem> {
        let segments = path::segments(path).map_err(|_| problem::NO_ROUTE)?;
        let segments: Vec<&str> = segments.iter().map(|segment| &**segment).collect();
        let operation = match paths::route(&segments, &request.method)? {
            Route::Health => return Ok(wire::healthy()),
            Route::Signed(operation) => operation,
        };
        if request.headers.contains_key(header::CONTENT_ENCODING) {
            return Err(problem::CONTENT_ENCODING);
        }
        if request.body.len() > BODY_BYTES_MAX {
            return Err(problem::TOO_LARGE);
        }
        let call = Call::receive(front, path, request, &self.allowances)?;
        let endpoint = operation.endpoint();
        match operation {
            Operation::Status => Ok(wire::status(&call.check(endpoint).await?, &self.url)),
            Operation::Create => keys::create(&call, &call.check(endpoint).await?).await,
            Operation::List => {
                call.count(endpoint).await?;
                keys::list(&call).await
            }
            Operation::Get(id) => {
                call.count(endpoint).await?;
                keys::show(&call, id).await
            }
            Operation::Update(id) => {
                call.check(endpoint).await?;
                keys::update(&call, id).await
            }
            Operation::Delete(id) => {
                call.check(endpoint).await?;
                keys::delete(&call, id).await
            }
        }
    }
}

impl Dialect for Dragonchain {
    fn name(&self) -> &'static str {
        "dragonchain"
    }

    fn answer<'a>(&'a self, front: &'a Front, path: &'a str, request: &'a Request) -> Answering<'a> {
        Box::pin(async move {
            let mut answer = self.serve(front, path, request).await;
            if let Err(problem) = &answer
                && problem.status() == StatusCode::UNAUTHORIZED
                && let Err(throttled) = self.allowances.spend_failure(request.peer.address)
            {
                answer = Err(throttled);
            }
            let problem = answer.as_ref().err();
            tracing::debug!(
                request = &*request.request_id, method = %request.method,
                problem = problem.map(Problem::kind), "dragonchain"
            );
            answer.unwrap_or_else(|problem| problem.response())
        })
    }

    fn body_bytes_max(&self, _: &EdgeLimits, _: &str) -> usize {
        BODY_BYTES_MAX
    }

    fn refuse(&self, refusal: Refusal) -> Response {
        Problem::from(refusal).response()
    }
}
