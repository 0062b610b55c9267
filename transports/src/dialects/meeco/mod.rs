//! Meeco: a keystore that holds wrapped keys under SRP sign-in, and a vault that holds encrypted items. Source: seed
//! 000, resolved in dialects/meeco.md.
//!
//! The two are mounts of one [`Installation`]. A keystore user and a vault user are accounts of two realms, and a
//! session is good in its own realm only, so neither service takes the other's. The one thing that passes between
//! them is the admission token.
//!
//! What lives here is translation: routes, JSON in two flavours, names of errors, and the rates of a mount. Rules are
//! the engine's.
//!
//! | module | has |
//! |---|---|
//! | `keystore`, `sign_in`, `keys` | the calls of section 5 |
//! | `vault`, `people`, `templates`, `items`, `bodies` | those of section 6 |
//! | `call` | what every call does alike: subscription key, version, session, body |
//! | `members`, `paging`, `problem` | reading bodies and queries; every refusal in Meeco's words |

mod bodies;
mod call;
mod items;
mod keys;
mod keystore;
mod members;
mod paging;
mod people;
mod problem;
mod sign_in;
mod templates;
#[cfg(test)]
mod tests;
mod vault;

use std::sync::Arc;

use strongroom_engine::ports::{Clock, SystemClock};
use strongroom_primitives::{
    id::{Audience, RealmId},
    secret::SecretText,
};

pub use keystore::Keystore;
pub use vault::Vault;

use self::problem::Problem;
use crate::{
    exchange::Request,
    rates::{Counted, PeopleLimits, PeopleRates},
};

/// The largest request body unless said otherwise: 1 MiB. Source: dialects/meeco.md, section 9.
pub const BODY_BYTES_MAX: usize = 1024 * 1024;

/// What an installation of Meeco can be told.
pub struct MeecoOptions {
    /// The realm of keystore users.
    pub keystore_realm: RealmId,
    /// The realm of vault users; another one.
    pub vault_realm: RealmId,
    /// The values of `Meeco-Subscription-Key` that are taken; any, if there are none.
    pub subscription_keys: Vec<SecretText>,
    /// Requests per minute.
    pub rates: PeopleRates,
    /// The largest request body, in bytes. In place of [`crate::EdgeLimits::body_bytes_max`]: four slots of the largest
    /// size take more than that.
    pub body_bytes_max: usize,
    /// What rates measure time by.
    pub clock: Arc<dyn Clock>,
}

impl MeecoOptions {
    /// The options of `strongroom serve` for these realms.
    pub fn new(keystore_realm: RealmId, vault_realm: RealmId) -> Self {
        Self {
            keystore_realm,
            vault_realm,
            subscription_keys: Vec::new(),
            rates: PeopleRates::default(),
            body_bytes_max: BODY_BYTES_MAX,
            clock: Arc::new(SystemClock::new()),
        }
    }
}

/// What the two mounts share.
pub struct Installation {
    keystore_realm: RealmId,
    vault_realm: RealmId,
    /// The vault, as admission tokens name it: by its realm.
    audience: Audience,
    subscription_keys: Vec<SecretText>,
    body_bytes_max: usize,
    limits: PeopleLimits,
}

impl Installation {
    /// An installation with these options.
    pub fn new(options: MeecoOptions) -> Arc<Self> {
        let MeecoOptions { keystore_realm, vault_realm, subscription_keys, rates, body_bytes_max, clock } =
            options;
        Arc::new(Self {
            keystore_realm,
            audience: Audience::from(&vault_realm),
            vault_realm,
            subscription_keys,
            body_bytes_max,
            limits: PeopleLimits::new(rates, clock),
        })
    }

    /// Counts a request against the allowance of the address that it came from.
    fn spend(&self, what: Counted, request: &Request) -> Result<(), Problem> {
        let spent = self.limits.spend(what, request.peer.address);
        spent.map_err(|wait| problem::RATE_LIMITED.after(wait))
    }
}
