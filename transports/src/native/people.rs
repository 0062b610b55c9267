//! What the native interface is told about people: where they sign up, and how often an address may try.

use std::{net::IpAddr, sync::Arc};

use strongroom_engine::ports::{Clock, SystemClock};
use strongroom_primitives::id::{Audience, RealmId};
use strongroom_wire::{Problem, ServiceInfo};

use crate::{
    dialects::Refusal,
    problem,
    rates::{Counted, PeopleLimits, PeopleRates},
};

/// Where people are, and how much they may ask. The realms are the operator's: nobody names one in a request.
pub struct PeopleOptions {
    /// The realm of people who sign in with a passphrase.
    pub users_realm: RealmId,
    /// The realm of vault users; another one. Its name is the audience of admission tokens for the vault.
    pub vault_realm: RealmId,
    /// Requests per minute.
    pub rates: PeopleRates,
    /// What rates measure time by.
    pub clock: Arc<dyn Clock>,
}

impl Default for PeopleOptions {
    fn default() -> Self {
        let realm = |name: &str| RealmId::new(name).expect("visible ASCII characters make a realm");
        Self {
            users_realm: realm("users"),
            vault_realm: realm("users-vault"),
            rates: PeopleRates::default(),
            clock: Arc::new(SystemClock::new()),
        }
    }
}

/// People, as every way to the native interface shares them.
pub(crate) struct People {
    pub(super) users_realm: RealmId,
    pub(super) vault_realm: RealmId,
    limits: PeopleLimits,
}

impl People {
    pub(crate) fn new(options: PeopleOptions) -> Self {
        let PeopleOptions { users_realm, vault_realm, rates, clock } = options;
        Self { users_realm, vault_realm, limits: PeopleLimits::new(rates, clock) }
    }

    /// Counts a request against the allowance of the address that it came from.
    ///
    /// # Errors
    /// `too-many-requests`.
    pub(super) fn spend(&self, what: Counted, address: Option<IpAddr>) -> Result<(), Box<Problem>> {
        let spent = self.limits.spend(what, address);
        spent.map_err(|retry_after| Box::new(problem::of_refusal(Refusal::TooManyRequests { retry_after })))
    }

    pub(super) fn info(&self) -> ServiceInfo {
        ServiceInfo {
            users_realm: self.users_realm.clone(),
            vault_audience: Audience::from(&self.vault_realm),
        }
    }
}
