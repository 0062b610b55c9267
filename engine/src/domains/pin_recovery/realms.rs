//! What a realm says of itself, for clients that want to notice when it is another, or an older copy of itself.

use serde::{Deserialize, Serialize};
use strongroom_primitives::pin_recovery::RecoveryRealmId;

use super::{PinRecovery, RecoveryRealm, rows::StoredPinRealm};
use crate::{
    command::{Command, Decision, Kind, Moment, Reads, Step, View},
    credential::{Need, Principal},
    error::EngineError,
    keyspace::Keyspace,
};

/// A realm and its counters. Source: RECOVERY.md, section 4.1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecoveryRealmInfo {
    /// Its public name.
    pub realm: RecoveryRealmId,
    /// Who runs it; may be empty.
    pub operator: String,
    /// Drawn when the realm began in its store: another one is another store.
    pub epoch: [u8; 16],
    /// How often the store was found to be restored. Never falls.
    pub restores: u32,
    /// Changes of records so far. Never falls, but where a restore is not noticed.
    pub changes: u64,
}

/// Asks for all realms that the engine is.
#[derive(Debug, Serialize)]
pub(crate) struct ListRecoveryRealms {
    realms: Vec<(RecoveryRealmId, String)>,
}

impl ListRecoveryRealms {
    pub(super) fn of<'a>(realms: impl Iterator<Item = &'a RecoveryRealm>) -> Self {
        Self { realms: realms.map(|realm| (realm.id, realm.operator.clone())).collect() }
    }
}

impl Command for ListRecoveryRealms {
    type Domain = PinRecovery;
    type Reply = Vec<RecoveryRealmInfo>;
    const NAME: &'static str = "list_recovery_realms";
    const KIND: Kind = Kind::Read;

    fn needs(&self) -> Need {
        Need::Anyone
    }

    fn reads(&self, _: &Principal, space: &Keyspace) -> Reads {
        self.realms.iter().fold(Reads::none(), |reads, (realm, _)| reads.row(space.pin_realm(realm)))
    }

    fn decide(
        &self,
        view: &View<'_>,
        _: &Principal,
        moment: &mut Moment<'_>,
    ) -> Result<Step<Vec<RecoveryRealmInfo>>, EngineError> {
        let info = |(realm, operator): &(RecoveryRealmId, String)| {
            let row: Option<StoredPinRealm> = view.row(&moment.space.pin_realm(realm))?;
            let StoredPinRealm { epoch, generation, mark, .. } =
                row.ok_or(EngineError::UnknownRecoveryRealm)?;
            let operator = operator.clone();
            Ok(RecoveryRealmInfo { realm: *realm, operator, epoch, restores: generation, changes: mark })
        };
        let realms: Result<Vec<_>, EngineError> = self.realms.iter().map(info).collect();
        Decision::reply(realms?).done()
    }
}
