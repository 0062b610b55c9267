//! Misakey: halves of root keys that reopen a browser without the password, and the secrets that root keys wrap.
//! Source: seed 002, resolved in dialects/misakey.md.
//!
//! Pages reach it with cookies, so every request that changes something also shows a token that only a page of this
//! browser can know. Checks come in one order, and the first that fails is the answer: page token, sign-in, its level,
//! body and path, account, store.
//!
//! What lives here is translation: routes in both spellings, cookies, base64url in JSON, names of errors, and the
//! rates of a mount. Rules are the engine's.
//!
//! | module | has |
//! |---|---|
//! | `paths` | every path, and what each takes |
//! | `cookies`, `call` | page tokens and sign-in; what every call does alike |
//! | `members`, `problem`, `rates` | reading bodies; every refusal in Misakey's words; how often |
//! | `shares` | section 5 |
//! | `storage`, `passwords` | section 7 |

mod call;
mod cookies;
mod members;
mod passwords;
mod paths;
mod problem;
mod rates;
mod shares;
mod storage;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use strongroom_engine::ports::{Clock, SystemClock};
use strongroom_primitives::id::RealmId;

pub use rates::MisakeyRates;

use self::{
    call::Call,
    paths::{Door, Route},
    problem::Problem,
    rates::{Allowances, Public},
};
use crate::{
    EdgeLimits, Front,
    cors::Cookies,
    dialects::{Answering, Dialect, Refusal},
    exchange::{Request, Response},
    path,
};

/// The largest body: 64 KiB. Source: dialects/misakey.md, section 9.
pub const BODY_BYTES_MAX: usize = 64 * 1024;

/// The largest body that sets up a secret storage: 1 MiB. Source: the same.
pub const SETUP_BODY_BYTES_MAX: usize = 1024 * 1024;

/// What a mount of Misakey can be told.
pub struct MisakeyOptions {
    /// The realm of its accounts and identities.
    pub realm: RealmId,
    /// The client whose tokens are taken.
    pub client: String,
    /// How often an account may ask, and an address that shows no token.
    pub rates: MisakeyRates,
    /// What rates measure time by.
    pub clock: Arc<dyn Clock>,
}

impl MisakeyOptions {
    /// The options of `strongroom serve` for this realm and client.
    pub fn new(realm: RealmId, client: String) -> Self {
        Self { realm, client, rates: MisakeyRates::default(), clock: Arc::new(SystemClock::new()) }
    }
}

/// A mount of Misakey.
pub struct Misakey {
    realm: RealmId,
    client: String,
    allowances: Allowances,
}

impl Misakey {
    /// A mount with these options.
    pub fn new(options: MisakeyOptions) -> Self {
        let MisakeyOptions { realm, client, rates, clock } = options;
        Self { realm, client, allowances: Allowances::new(rates, clock) }
    }

    async fn serve(&self, front: &Front, path: &str, request: &Request) -> Result<Response, Problem> {
        cookies::check_page(front, request)?;
        let segments = path::segments(path).map_err(|_| problem::NO_PATH)?;
        let segments: Vec<&str> = segments.iter().map(|segment| &**segment).collect();
        let route = paths::route_of(&segments).ok_or(problem::NO_PATH)?;
        let door = route.door(request.method.as_str()).ok_or_else(|| problem::wrong_method(&route))?;
        if request.body.len() > route.body_bytes_max() {
            return Err(problem::TOO_LARGE);
        }
        match (door, &route) {
            (Door::Open, Route::Csrf) => {
                self.allowances.spend_from(request.peer.address, Public::PageToken)?;
                Ok(cookies::page_token(front, request))
            }
            (Door::Open, Route::PasswordParams { account }) => {
                Box::pin(passwords::params(self, front, request.peer.address, account)).await
            }
            (door, _) => {
                let call = Call::begin(self, front, request, door).await?;
                self.within(&call, &route).await
            }
        }
    }

    /// What is behind the doors that take a token.
    async fn within(&self, call: &Call<'_>, route: &Route<'_>) -> Result<Response, Problem> {
        match (call.request.method.as_str(), route) {
            ("POST", Route::Shares { .. }) => Box::pin(shares::file(call)).await,
            ("DELETE", Route::Shares { .. }) => Box::pin(shares::drop_all(call)).await,
            ("GET", Route::Share { hash, .. }) => Box::pin(shares::fetch(call, hash)).await,
            ("DELETE", Route::Share { hash, .. }) => Box::pin(shares::drop_one(call, hash)).await,
            ("POST", Route::Backups) => Box::pin(shares::file_backup(call)).await,
            ("GET", Route::Backup { hash }) => Box::pin(shares::fetch_backup(call, hash)).await,
            ("GET", Route::Storage { .. }) => Box::pin(storage::show(call)).await,
            ("POST", Route::Setup { .. }) => Box::pin(storage::set_up(call)).await,
            ("POST", Route::AsymKeys) => Box::pin(storage::put_asym_key(call)).await,
            ("DELETE", Route::AsymKeys) => Box::pin(storage::delete_asym_keys(call)).await,
            ("PUT", Route::BoxShare { in_box }) => Box::pin(storage::put_box_share(call, in_box)).await,
            ("DELETE", Route::BoxShares) => Box::pin(storage::delete_box_shares(call)).await,
            ("PUT", Route::Password { account }) => Box::pin(passwords::change(call, account)).await,
            _ => Err(problem::wrong_method(route)),
        }
    }
}

impl Dialect for Misakey {
    fn name(&self) -> &'static str {
        "misakey"
    }

    fn answer<'a>(&'a self, front: &'a Front, path: &'a str, request: &'a Request) -> Answering<'a> {
        Box::pin(async move {
            let answered = self.serve(front, path, request).await;
            tracing::debug!(
                request = &*request.request_id, method = %request.method,
                problem = answered.as_ref().err().map(Problem::code), "misakey"
            );
            answered.unwrap_or_else(|problem| problem.response())
        })
    }

    fn body_bytes_max(&self, _: &EdgeLimits, path: &str) -> usize {
        let segments = path::segments(path).unwrap_or_default();
        let segments: Vec<&str> = segments.iter().map(|segment| &**segment).collect();
        paths::route_of(&segments).map_or(BODY_BYTES_MAX, |route| route.body_bytes_max())
    }

    fn cookies(&self) -> Cookies {
        Cookies::Taken
    }

    fn refuse(&self, refusal: Refusal) -> Response {
        Problem::from(refusal).response()
    }
}
