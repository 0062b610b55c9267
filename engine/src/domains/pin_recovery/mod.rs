//! PIN recovery: realms that keep shares of secrets and count the guesses at their PINs. The Juicebox protocol.
//!
//! A **realm** here is one holder of shares, known by 16 bytes ([`RecoveryRealm`]); it has no accounts. Its users are
//! those of its **tenants**, applications whose tokens it takes. A user has at most one record at a realm:
//!
//! ```text
//! nothing    --register-->                        registered, count 0
//! registered --guess, count below the limit-->    registered, count + 1
//! registered --right tag-->                       registered, count 0
//! registered --guess, find, at the limit-->       no guesses: the key of what was kept is erased
//! registered --wrong tag at the limit-->          no guesses
//! registered --delete, register-->                nothing, or registered; the old record is a grace copy for a time
//! grace copy --veto of the owner-->               registered, with the count that it had
//! no guesses --register-->                        registered, count 0
//! ```
//!
//! | here | is |
//! |---|---|
//! | [`RecoveryRealm`], [`PinPolicy`] | who may ask a realm, and what it holds them to |
//! | `register`, `recover` | the transitions above, each a guarded write |
//! | `status`, [`RecoveryStatus`], `veto` | what an owner may see, and take back |
//! | `log`, [`LoggedEvent`] | what a tenant is told |
//! | `owner`, [`PinStep`] | which users accounts are, and what they are told |
//! | `restored` | telling them that a store was restored |
//! | `realms`, [`RecoveryRealmInfo`] | what a realm says of itself |
//! | `marks` | that a store was restored, seen from outside of it |
//! | `ask` | what the engine's handle is asked: the order of counting, marking and evaluating |
//!
//! Believe this: **a guess is counted before it is computed.** The command that counts answers what it takes to
//! evaluate; only once its commit is durable, and the mark of it lies outside the store, is anything evaluated. A
//! restored store therefore never gives back a guess: it is known by its mark, and all its records begin at their last
//! guess. Source: `RECOVERY.md`, sections 3 and 4.

mod ask;
mod log;
mod marks;
mod owner;
mod policy;
mod realms;
mod recover;
mod register;
mod restored;
mod rows;
mod seal;
mod seen;
mod status;
mod step;
#[cfg(test)]
mod tests;
mod user;
mod veto;

pub use log::{LoggedEvent, LoggedKind};
pub(crate) use marks::begin;
pub use policy::{BACK_OFF, GUESSES_MAX, PinPolicy};
pub use realms::RecoveryRealmInfo;
pub(crate) use rows::StoredPinGrace;
pub(crate) use seal::PinSeal;
pub use status::RecoveryStatus;
pub use step::PinStep;
pub(crate) use user::RecoveryRealms;
pub use user::{PinUser, RecoveryRealm, RecoveryTenant, TenantAuditor};

use crate::command::Domain;

/// The domain of PIN recovery.
#[derive(Debug)]
pub struct PinRecovery;

impl Domain for PinRecovery {
    const NAME: &'static str = "pin_recovery";
}
