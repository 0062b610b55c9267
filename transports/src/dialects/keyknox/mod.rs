//! Keyknox: a user's encrypted keys, kept for several devices. Source: seed 004, resolved in dialects/keyknox.md.
//!
//! What lives here is translation: routes, JSON, headers, codes, and the rate limits of a mount. Whether a caller is
//! who they say, and whether a write may happen, is the engine's decision: version 1's record is the native record
//! named `keyknox-v1`, a version 2 record is the native record of its three names, so history, undo and live changes
//! of both are had through the native interface.
//!
//! | path below the mount | operation |
//! |---|---|
//! | `GET /v1` | read the identity's record |
//! | `PUT /v1` | create or replace it |
//! | `POST /v1/reset` | empty it |
//! | `POST /v2/push` | create or replace a named record, add recipients |
//! | `POST /v2/pull` | read a named record |
//! | `POST /v2/keys` | list names |
//! | `POST /v2/reset` | delete named records, or take a recipient out of them |

mod call;
mod caller;
mod meter;
mod problem;
#[cfg(test)]
mod tests;
pub mod token;
mod v1;
mod v2;
mod wire;

use std::sync::Arc;

use strongroom_engine::ports::{Clock, SystemClock};

pub use self::meter::RateLimits;
use self::{
    call::Call,
    caller::{Caller, Standing},
    meter::Meter,
    problem::{Api, Problem},
};
use super::{Answering, Dialect, Refusal};
use crate::{
    Front,
    exchange::{Method, Request, Response},
};

/// What a mount of Keyknox can be told. `Default` is what `strongroom serve` uses.
#[derive(Clone)]
pub struct KeyknoxOptions {
    /// Requests per minute.
    pub rates: RateLimits,
    /// Refuses to store private keys without encryption, which one published client offers under the root
    /// `unsafe-keys`: the only case in which the server would hold a usable secret.
    pub refuse_unsafe_keys: bool,
    /// What the rate limits measure time by.
    pub clock: Arc<dyn Clock>,
}

impl Default for KeyknoxOptions {
    fn default() -> Self {
        Self { rates: RateLimits::default(), refuse_unsafe_keys: false, clock: Arc::new(SystemClock::new()) }
    }
}

/// One mount of Keyknox, versions 1 and 2.
pub struct Keyknox {
    meter: Meter,
    refuse_unsafe_keys: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operation {
    Fetch,
    Store,
    Reset,
    Push,
    Pull,
    Keys,
    ResetNamed,
}

/// A path, the methods it takes, and what they do.
struct Route {
    path: &'static str,
    allow: &'static str,
    api: Api,
    operations: &'static [(&'static str, Operation)],
}

const ROUTES: &[Route] = &[
    Route {
        path: "/v1",
        allow: "GET, PUT",
        api: Api::V1,
        operations: &[("GET", Operation::Fetch), ("PUT", Operation::Store)],
    },
    Route::post("/v1/reset", Api::V1, &[("POST", Operation::Reset)]),
    Route::post("/v2/push", Api::V2, &[("POST", Operation::Push)]),
    Route::post("/v2/pull", Api::V2, &[("POST", Operation::Pull)]),
    Route::post("/v2/keys", Api::V2, &[("POST", Operation::Keys)]),
    Route::post("/v2/reset", Api::V2, &[("POST", Operation::ResetNamed)]),
];

impl Route {
    const fn post(path: &'static str, api: Api, operations: &'static [(&'static str, Operation)]) -> Self {
        Self { path, allow: "POST", api, operations }
    }

    fn of(path: &str, method: &Method) -> Result<(Api, Operation), Problem> {
        let route = ROUTES.iter().find(|route| route.path == path).ok_or(problem::UNKNOWN_PATH)?;
        let operation = route.operations.iter().find(|(allowed, _)| *allowed == method.as_str());
        let (_, operation) = operation.ok_or(problem::WRONG_METHOD.allowing(route.allow))?;
        Ok((route.api, *operation))
    }
}

impl Operation {
    fn writes(self) -> bool {
        !matches!(self, Self::Fetch | Self::Pull | Self::Keys)
    }
}

impl Keyknox {
    /// A mount with these options.
    pub fn new(options: KeyknoxOptions) -> Self {
        let KeyknoxOptions { rates, refuse_unsafe_keys, clock } = options;
        Self { meter: Meter::new(rates, clock), refuse_unsafe_keys }
    }

    async fn serve(&self, front: &Front, path: &str, request: &Request) -> Result<Response, Problem> {
        let (api, operation) = Route::of(path, &request.method)?;
        if request.body.len() > front.limits().body_bytes_max {
            return Err(problem::BODY_SIZE);
        }
        if let (false, Some(address)) = (request.peer.gateway, request.peer.address) {
            self.meter.spend_request(address).map_err(|wait| problem::TOO_MANY.after(wait))?;
        }
        let Caller { credential, standing } = Caller::of(request)?;
        let refuse_unsafe_keys = self.refuse_unsafe_keys;
        let mut call = Call { front, request, credential, vouched: None, api, refuse_unsafe_keys };
        let answered = match self.count(&mut call, &standing, operation).await {
            Err(problem) => Err(problem),
            // All but the hot one are boxed: a future is as large as the largest that it waits for, and one is made
            // and moved for every request.
            Ok(()) => match operation {
                Operation::Fetch => v1::fetch(&call).await,
                Operation::Store => Box::pin(v1::store(&call)).await,
                Operation::Reset => Box::pin(v1::reset(&call)).await,
                Operation::Push => Box::pin(v2::push(&call)).await,
                Operation::Pull => Box::pin(v2::pull(&call)).await,
                Operation::Keys => Box::pin(v2::keys(&call)).await,
                Operation::ResetNamed => Box::pin(v2::reset(&call)).await,
            },
        };
        match (answered, &standing) {
            (Err(problem::TOKEN_INVALID), Standing::Token { address: Some(address), .. }) => {
                let spent = self.meter.spend_bad_token(*address);
                Err(spent.map_or_else(|wait| problem::TOO_MANY.after(wait), |()| problem::TOKEN_INVALID))
            }
            (answered, _) => answered,
        }
    }

    /// Counts the request against its identity's allowance.
    async fn count(
        &self,
        call: &mut Call<'_>,
        standing: &Standing,
        operation: Operation,
    ) -> Result<(), Problem> {
        if let Standing::Vouched(identity) = standing {
            call.vouched = Some(identity.clone());
        }
        if !self.meter.counts_identities() {
            return Ok(());
        }
        let identity = match standing {
            Standing::Vouched(identity) => identity.clone(),
            Standing::Token { digest, .. } => match self.meter.known(digest) {
                Some(identity) => identity,
                None => {
                    let identity = Box::pin(call.identity()).await?;
                    self.meter.remember(*digest, identity.clone());
                    identity
                }
            },
        };
        let spent = self.meter.spend_operation(&identity, operation.writes());
        spent.map_err(|wait| problem::TOO_MANY.after(wait))
    }
}

impl Dialect for Keyknox {
    fn name(&self) -> &'static str {
        "keyknox"
    }

    fn answer<'a>(&'a self, front: &'a Front, path: &'a str, request: &'a Request) -> Answering<'a> {
        Box::pin(async move {
            let answered = self.serve(front, path, request).await;
            tracing::debug!(
                request = &*request.request_id, agent = ?request.header("virgil-agent"),
                method = %request.method, path, problem = answered.as_ref().err().map(Problem::code), "keyknox"
            );
            answered.unwrap_or_else(|problem| problem.response())
        })
    }

    fn refuse(&self, refusal: Refusal) -> Response {
        Problem::from(refusal).response()
    }
}
