//! The owner's veto: a record that was deleted or replaced comes back, as it was.

use serde::Serialize;
use strongroom_primitives::{id::RealmId, pin_recovery::RecoveryRealmId};

use super::{
    LoggedKind, PinRecovery, RecoveryRealm,
    seen::{Marked, Seen, reads},
    user::PinUser,
};
use crate::{
    command::{Command, Kind, Lane, Moment, Reads, Step, View},
    credential::{Need, Principal},
    error::EngineError,
    keyspace::Keyspace,
};

/// Takes back a record that was deleted or replaced, with the count that it had; what is registered now is dropped for
/// it. Asked by the account whose subject is the user of the tenant: a token of the tenant is not enough, because one
/// may have been what deleted it.
#[derive(Debug, Serialize)]
pub(crate) struct VetoErasure {
    accounts: RealmId,
    /// The user but for the subject, which is the account's.
    user: PinUser,
    #[serde(skip)]
    realm: RecoveryRealmId,
}

impl VetoErasure {
    /// # Errors
    /// [`EngineError::UnknownErasure`] where the tenant has no accounts here.
    pub(super) fn of(realm: &RecoveryRealm, tenant: &str) -> Result<Self, EngineError> {
        let known = realm.tenants.get(tenant).and_then(|tenant| tenant.accounts.clone());
        let accounts = known.ok_or(EngineError::UnknownErasure)?;
        Ok(Self { accounts, user: realm.user(tenant, ""), realm: realm.id })
    }

    /// The user that the caller is, if they are one.
    fn owner(&self, who: &Principal) -> Option<PinUser> {
        let identity = who.identity.as_ref().filter(|identity| identity.realm == self.accounts)?;
        Some(self.user.named(identity.subject.as_str()))
    }
}

impl Command for VetoErasure {
    type Domain = PinRecovery;
    type Reply = Marked<()>;
    const NAME: &'static str = "veto_erasure";
    const KIND: Kind = Kind::Write;

    fn needs(&self) -> Need {
        Need::Account
    }

    fn lane(&self, _: &Principal, space: &Keyspace) -> Lane {
        space.pin_lane(&self.realm)
    }

    fn reads(&self, who: &Principal, space: &Keyspace) -> Reads {
        self.owner(who).map_or_else(Reads::none, |user| reads(&user, space))
    }

    fn decide(
        &self,
        view: &View<'_>,
        who: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<Marked<()>>, EngineError> {
        let user = self.owner(who).ok_or(EngineError::UnknownErasure)?;
        let seen = Seen::look(&user, view, moment.space)?;
        let grace = seen.grace_at(moment.now).ok_or(EngineError::UnknownErasure)?;
        let guesses = (grace.record.head.allowed, seen.used(&grace.record.head));
        let change = seen.change().restore(grace).log(LoggedKind::Registered, Some(guesses), moment);
        moment.relies_on(grace.until);
        change.done(()).done()
    }
}
