//! Which users an account is at a realm: those of the tenants whose users are accounts of its realm.

use serde::Serialize;
use strongroom_primitives::pin_recovery::RecoveryRealmId;

use super::{
    PinRecovery, RecoveryRealm, RecoveryStatus,
    seen::reads,
    status::status,
    user::{PinUser, RecoveryRealms},
};
use crate::{
    command::{Command, Kind, Moment, Reads, Step, View},
    credential::{Identity, Need, Principal},
    error::EngineError,
    keyspace::Keyspace,
};

/// The users of a realm that are accounts, but for their subjects, which are the accounts'.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Owners {
    #[serde(skip)]
    pub(super) realm: RecoveryRealmId,
    users: Vec<PinUser>,
}

impl Owners {
    /// Those of one tenant, or of all; nobody where there is no such realm.
    pub(super) fn at(realms: &RecoveryRealms, realm: &RecoveryRealmId, tenant: Option<&str>) -> Self {
        let nobody = || Self { realm: *realm, users: Vec::new() };
        realms.get(realm).map_or_else(|_| nobody(), |realm| Self::of(realm, tenant))
    }

    /// The same of a realm that is there.
    pub(super) fn of(realm: &RecoveryRealm, tenant: Option<&str>) -> Self {
        let asked = |name: &String| tenant.is_none_or(|tenant| tenant == name);
        let users = realm.tenants.keys().filter(|name| asked(name)).map(|name| realm.user(name, ""));
        Self { realm: realm.id, users: users.filter(|user| user.accounts.is_some()).collect() }
    }

    /// The users that somebody is, one of each tenant.
    pub(super) fn users(&self, identity: &Identity) -> impl Iterator<Item = PinUser> {
        let of_realm = |user: &&PinUser| user.accounts.as_ref() == Some(&identity.realm);
        self.users.iter().filter(of_realm).map(|user| user.named(identity.subject.as_str()))
    }

    /// The one user that the caller is. `None` if they are none, or one of several tenants.
    pub(super) fn user(&self, who: &Principal) -> Option<PinUser> {
        let mut users = self.users(who.identity.as_ref()?);
        users.next().filter(|_| users.next().is_none())
    }
}

/// Asks how it stands with the caller's own record.
#[derive(Debug, Serialize)]
pub(crate) struct OwnShareStatus {
    pub(super) owners: Owners,
}

impl Command for OwnShareStatus {
    type Domain = PinRecovery;
    type Reply = RecoveryStatus;
    const NAME: &'static str = "own_share_status";
    const KIND: Kind = Kind::Read;

    fn needs(&self) -> Need {
        Need::Account
    }

    fn reads(&self, who: &Principal, space: &Keyspace) -> Reads {
        self.owners.user(who).map_or_else(Reads::none, |user| reads(&user, space))
    }

    fn decide(
        &self,
        view: &View<'_>,
        who: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<RecoveryStatus>, EngineError> {
        let user = self.owners.user(who).ok_or(EngineError::UnknownRecoveryRealm)?;
        status(&user, view, moment)?.done()
    }
}
