//! Psono: sealed sessions of API keys, people and devices, and the datastores, secrets and shares that they reach.
//! Source: seed 001, resolved in dialects/psono.md.
//!
//! What lives here is translation: routes, hexadecimal in JSON, the sealing of a session's requests and answers, names
//! of errors, and the rates of a mount. Rules are the engine's; even what a request may be replayed into is a row.
//!
//! | module | has |
//! |---|---|
//! | `paths`, `wire`, `session`, `seals` | every path; what requests do alike, without and within a session |
//! | `members`, `dates`, `problem`, `rates` | reading bodies; every refusal in Psono's words; how often |
//! | `info`, `login`, `people`, `sessions`, `device_codes` | sections 3 to 6 and 9 |
//! | `datastores`, `secrets`, `shares`, `api_keys` | section 7 |
//! | `access` | section 8 |

mod access;
mod api_keys;
mod datastores;
mod dates;
mod device_codes;
mod info;
mod login;
mod members;
mod paths;
mod people;
mod problem;
mod rates;
mod seals;
mod secrets;
mod session;
mod sessions;
mod share_rights;
mod shares;
#[cfg(test)]
mod tests;
mod wire;

use std::{sync::Arc, time::Duration};

use strongroom_engine::ports::{Clock, Entropy, OsEntropy, SystemClock};
use strongroom_primitives::{id::RealmId, secret::SecretText};

pub use rates::PsonoRates;

use self::{
    paths::Door,
    problem::Problem,
    rates::{Allowances, Counted},
    seals::Seals,
    session::Session,
    wire::{Answer, Open},
};
use crate::{
    EdgeLimits, Front,
    dialects::{Answering, Dialect, Refusal},
    exchange::{Request, Response},
    path,
};

/// The largest body of a request that takes no session: 64 KiB. Source: dialects/psono.md, section 10.
pub const OPEN_BODY_BYTES_MAX: usize = 64 * 1024;
/// The largest body of a request of a session, and of one that an API key makes without a session, unless said
/// otherwise: 16 MiB. Source: dialects/psono.md, section 10.
pub const BODY_BYTES_MAX: usize = 16 * 1024 * 1024;

/// How long a browser may remember an answer to its preflight: a day. Source: dialects/psono.md, section 3.
const PREFLIGHT_AGE: Duration = Duration::from_secs(86_400);

/// Sends an activation code to whoever says that an address is theirs.
pub trait Mail: Send + Sync + 'static {
    /// Hands the code over for sending and returns at once. What becomes of it is nobody's business here: whoever gets
    /// no mail registers again.
    fn send(&self, address: &str, code: &SecretText);
}

/// What a mount of Psono can be told.
pub struct PsonoOptions {
    /// The realm of its people. Their accounts hang on it.
    pub realm: RealmId,
    /// The domains that user names may have; any, if there are none.
    pub allowed_domains: Vec<String>,
    /// Where the web client is, if there is one: an address without a slash at its end.
    pub web_client: String,
    /// How activation codes are sent. Without it nobody has to show that an address is theirs.
    pub mail: Option<Arc<dyn Mail>>,
    /// Whether API keys that allow it may have their secrets opened by the server.
    pub insecure_access: bool,
    /// How often somebody may ask.
    pub rates: PsonoRates,
    /// The largest body of a request of a session, in bytes, in place of [`EdgeLimits::body_bytes_max`].
    pub body_bytes_max: usize,
    /// What validators and rates measure time by.
    pub clock: Arc<dyn Clock>,
    /// Where nonces and session keys come from.
    pub entropy: Arc<dyn Entropy>,
}

impl PsonoOptions {
    /// The options of `strongroom serve` for this realm.
    pub fn new(realm: RealmId) -> Self {
        Self {
            realm,
            allowed_domains: Vec::new(),
            web_client: String::new(),
            mail: None,
            insecure_access: false,
            rates: PsonoRates::default(),
            body_bytes_max: BODY_BYTES_MAX,
            clock: Arc::new(SystemClock::new()),
            entropy: Arc::new(OsEntropy),
        }
    }
}

/// A mount of Psono.
pub struct Psono {
    realm: RealmId,
    allowed_domains: Vec<String>,
    web_client: String,
    mail: Option<Arc<dyn Mail>>,
    insecure_access: bool,
    body_bytes_max: usize,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    allowances: Allowances,
    seals: Seals,
    signed: info::Signed,
}

impl Psono {
    /// A mount with these options.
    pub fn new(options: PsonoOptions) -> Self {
        let PsonoOptions { realm, allowed_domains, web_client, mail, .. } = options;
        let PsonoOptions { insecure_access, rates, body_bytes_max, clock, entropy, .. } = options;
        Self {
            realm,
            allowed_domains: allowed_domains.iter().map(|domain| domain.to_lowercase()).collect(),
            web_client,
            mail,
            insecure_access,
            body_bytes_max,
            allowances: Allowances::new(rates, clock.clone()),
            clock,
            entropy,
            seals: Seals::new(),
            signed: info::Signed::default(),
        }
    }

    fn takes_domain_of(&self, username: &str) -> bool {
        let domain = username.rsplit_once('@').map(|(_, domain)| domain.to_lowercase());
        self.allowed_domains.is_empty() || domain.is_some_and(|domain| self.allowed_domains.contains(&domain))
    }

    async fn serve(&self, front: &Front, path: &str, request: &Request) -> (Response, Option<Problem>) {
        let segments = path::segments(path).unwrap_or_default();
        let segments: Vec<&str> = segments.iter().map(|segment| &**segment).collect();
        let Some(door) = paths::door_of(&segments) else { return refused(problem::NOT_FOUND) };
        let counted = match door {
            Door::Session => return self.serve_session(front, &segments, request).await,
            Door::Access => Counted::Anonymous,
            Door::Open(counted) => counted,
        };
        if let Err(problem) = self.allowances.spend(counted, request.peer.address) {
            return refused(problem);
        }
        if request.body.len() > self.body_bytes_max_of(door) {
            return refused(problem::TOO_LARGE);
        }
        let open = Open { psono: self, front, request };
        match self.open(&open, &segments).await {
            Ok(response) => (response, None),
            Err(problem) => refused(problem),
        }
    }

    async fn serve_session(
        &self,
        front: &Front,
        segments: &[&str],
        request: &Request,
    ) -> (Response, Option<Problem>) {
        if request.body.len() > self.body_bytes_max {
            return refused(problem::TOO_LARGE);
        }
        let session = match Box::pin(Session::begin(self, front, request)).await {
            Ok(session) => session,
            Err(problem) if problem.is_unauthorized() => {
                let spent = self.allowances.spend(Counted::BadToken, request.peer.address);
                return refused(spent.err().unwrap_or(problem));
            }
            Err(problem) => return refused(problem),
        };
        let answered = match session.spend() {
            Ok(()) => self.within(&session, segments).await,
            Err(throttled) => Err(throttled),
        };
        let problem = answered.as_ref().err().cloned();
        (session.finish(answered).await, problem)
    }

    /// What is behind the doors that take no session.
    async fn open(&self, open: &Open<'_>, segments: &[&str]) -> Result<Response, Problem> {
        let answer = match (open.request.method.as_str(), segments) {
            ("GET", ["info"]) => return info::info(open).await,
            ("GET", ["healthcheck"]) => info::health(open).await?,
            ("POST", ["api-key", "login"]) => Box::pin(login::by_api_key(open)).await?,
            ("POST", ["authentication", "register"]) => Box::pin(people::register(open)).await?,
            ("POST", ["authentication", "verify-email"]) => Box::pin(people::verify_email(open)).await?,
            ("POST", ["authentication", "prelogin"]) => Box::pin(people::prelogin(open)).await?,
            ("POST", ["authentication", "login"]) => Box::pin(people::login(open)).await?,
            ("POST", ["api-key-access", "secret"]) => Box::pin(access::read(open)).await?,
            ("PUT", ["api-key-access", "secret"]) => Box::pin(access::write(open)).await?,
            ("POST", ["api-key-access", "inspect"]) => Box::pin(access::inspect(open)).await?,
            ("POST", ["device-code"]) => Box::pin(device_codes::create(open)).await?,
            ("POST", ["device-code", id, "token"]) => Box::pin(device_codes::poll(open, id)).await?,
            _ => return Err(problem::METHOD_NOT_ALLOWED),
        };
        Ok(answer.response())
    }

    /// What is behind the others.
    async fn within(&self, session: &Session<'_>, segments: &[&str]) -> Result<Answer, Problem> {
        let method = session.request.method.as_str();
        let takes_body = ["POST", "PUT", "DELETE"].contains(&method);
        if !takes_body && method != "GET" {
            return Err(problem::METHOD_NOT_ALLOWED);
        }
        let members = Box::pin(session.receive(takes_body)).await?;
        match (method, segments) {
            ("POST", ["authentication", "activate-token"]) => {
                Box::pin(people::activate(session, members)).await
            }
            ("POST", ["authentication", "logout"]) => Box::pin(sessions::logout(session, members)).await,
            ("GET", ["authentication", "sessions"]) => Box::pin(sessions::list(session)).await,
            ("GET", ["session-key"]) => Box::pin(people::session_key(session)).await,
            ("POST", ["user", "search"]) => Box::pin(people::search(session, members)).await,
            ("GET", ["datastore"]) => Box::pin(datastores::list(session)).await,
            ("PUT", ["datastore"]) => Box::pin(datastores::create(session, members)).await,
            ("POST", ["datastore"]) => Box::pin(datastores::update(session, members)).await,
            ("DELETE", ["datastore"]) => Box::pin(datastores::delete(session, members)).await,
            ("GET", ["datastore", id]) => Box::pin(datastores::show(session, id)).await,
            ("GET", ["metadata-datastore", id]) => Box::pin(shares::below_datastore(session, id)).await,
            ("GET", ["metadata-share", id]) => Box::pin(shares::below_share(session, id)).await,
            ("PUT", ["secret"]) => Box::pin(secrets::create(session, members)).await,
            ("POST", ["secret"]) => Box::pin(secrets::update(session, members)).await,
            ("POST", ["secret", "link"]) => Box::pin(secrets::move_link(session, members)).await,
            ("DELETE", ["secret", "link"]) => Box::pin(secrets::delete_link(session, members)).await,
            ("GET", ["secret", "history", id]) => Box::pin(secrets::history(session, id)).await,
            ("GET", ["secret", id]) => Box::pin(secrets::read(session, id)).await,
            ("GET", ["history", id]) => Box::pin(secrets::version(session, id)).await,
            ("PUT", ["bulk-secret"]) => Box::pin(secrets::create_many(session, members)).await,
            ("POST", ["bulk-secret-read"]) => Box::pin(secrets::read_many(session, members)).await,
            ("GET", ["share"]) => Box::pin(share_rights::shares(session)).await,
            ("POST", ["share"]) => Box::pin(shares::create(session, members)).await,
            ("PUT", ["share"]) => Box::pin(shares::save(session, members)).await,
            ("PUT", ["share", "link"]) => Box::pin(shares::place_link(session, members)).await,
            ("POST", ["share", "link"]) => Box::pin(shares::move_link(session, members)).await,
            ("DELETE", ["share", "link"]) => Box::pin(shares::delete_link(session, members)).await,
            ("GET", ["share", "right"]) => Box::pin(share_rights::own_rights(session)).await,
            ("PUT", ["share", "right"]) => Box::pin(share_rights::offer(session, members)).await,
            ("POST", ["share", "right"]) => Box::pin(share_rights::change(session, members)).await,
            ("DELETE", ["share", "right"]) => Box::pin(share_rights::revoke(session, members)).await,
            ("POST", ["share", "right", "accept"]) => Box::pin(share_rights::accept(session, members)).await,
            ("POST", ["share", "right", "decline"]) => {
                Box::pin(share_rights::decline(session, members)).await
            }
            ("GET", ["share", "rights", id]) => Box::pin(share_rights::members(session, id)).await,
            ("GET", ["share", id]) => Box::pin(shares::show(session, id)).await,
            ("PUT", ["device-code", id, "claim"]) => {
                Box::pin(device_codes::claim(session, members, id)).await
            }
            ("GET", ["api-key"]) => Box::pin(api_keys::list(session)).await,
            ("PUT", ["api-key"]) => Box::pin(api_keys::create(session, members)).await,
            ("POST", ["api-key"]) => Box::pin(api_keys::update(session, members)).await,
            ("DELETE", ["api-key"]) => Box::pin(api_keys::delete(session, members)).await,
            ("PUT", ["api-key", "secret"]) => Box::pin(api_keys::attach(session, members)).await,
            ("DELETE", ["api-key", "secret"]) => Box::pin(api_keys::detach(session, members)).await,
            ("GET", ["api-key", "secret", id]) => Box::pin(api_keys::attached(session, id)).await,
            ("GET", ["api-key", id]) => Box::pin(api_keys::show(session, id)).await,
            _ => Err(problem::METHOD_NOT_ALLOWED),
        }
    }

    fn body_bytes_max_of(&self, door: Door) -> usize {
        match door {
            Door::Open(_) => OPEN_BODY_BYTES_MAX.min(self.body_bytes_max),
            Door::Access | Door::Session => self.body_bytes_max,
        }
    }
}

fn refused(problem: Problem) -> (Response, Option<Problem>) {
    (problem.response(), Some(problem))
}

impl Dialect for Psono {
    fn name(&self) -> &'static str {
        "psono"
    }

    fn answer<'a>(&'a self, front: &'a Front, path: &'a str, request: &'a Request) -> Answering<'a> {
        Box::pin(async move {
            let (response, problem) = self.serve(front, path, request).await;
            tracing::debug!(
                request = &*request.request_id, method = %request.method,
                problem = problem.as_ref().map(Problem::name), "psono"
            );
            response
        })
    }

    fn body_bytes_max(&self, _: &EdgeLimits, path: &str) -> usize {
        let segments = path::segments(path).unwrap_or_default();
        paths::door_of(&segments).map_or(OPEN_BODY_BYTES_MAX, |door| self.body_bytes_max_of(door))
    }

    fn final_slash(&self) -> bool {
        true
    }

    fn preflight_age(&self) -> Duration {
        PREFLIGHT_AGE
    }

    fn refuse(&self, refusal: Refusal) -> Response {
        Problem::from(refusal).response()
    }
}
