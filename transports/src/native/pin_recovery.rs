//! What accounts ask of realms of PIN recovery, and what realms say of themselves.

use strongroom_engine::{
    Credential,
    domains::{pin_recovery as engine, sessions::identity::ServerIdentity},
};
use strongroom_primitives::pin_recovery::RecoveryRealmId;
use strongroom_wire::{
    Base64Array, Base64Bytes, Encoding, PinRecoveryStatus, PinRecoveryStep, Problem, RealmStatement,
    RealmsStatement, Reply, SignedRealms,
};

use super::{Desk, refused};
use crate::rates::Counted;

/// Name and version of what answers.
const SOFTWARE: &str = concat!("strongroom ", env!("CARGO_PKG_VERSION"));

/// Open to everybody: clients look at a realm before they have a token for it.
pub(super) async fn realms(desk: Desk<'_>) -> Result<Reply, Box<Problem>> {
    desk.spend(Counted::Challenge)?;
    let engine = desk.front.engine();
    let identity = engine.ask(Credential::Anonymous, ServerIdentity {}).await.map_err(refused)?;
    let realms = engine.recovery_realms(desk.asking.within).await.map_err(refused)?;
    let statement = RealmsStatement {
        at: engine.now(),
        software: SOFTWARE.to_owned(),
        realms: realms.into_iter().map(stated).collect(),
    };
    let statement = Encoding::Json.write(&statement);
    let signature = engine.identities().sign(identity.current, &SignedRealms::message(&statement));
    Ok(Reply::PinRecoveryRealms(SignedRealms {
        statement: Base64Bytes(statement),
        signature: Base64Array(signature),
        server_key: Base64Array(*engine.identities().verify_key(identity.current).as_bytes()),
        generation: identity.current,
    }))
}

fn stated(info: engine::RecoveryRealmInfo) -> RealmStatement {
    let engine::RecoveryRealmInfo { realm, operator, epoch, restores, changes } = info;
    RealmStatement { realm, operator, epoch: Base64Array(epoch), restores, changes }
}

pub(super) async fn status(
    desk: Desk<'_>,
    realm: RecoveryRealmId,
    tenant: Option<String>,
) -> Result<Reply, Box<Problem>> {
    let status = desk.front.engine().own_recovery_status(desk.asking, &realm, tenant.as_deref());
    let status = status.await.map_err(refused)?;
    Ok(Reply::PinRecoveryStatus(PinRecoveryStatus {
        registered: status.registered,
        no_guesses: status.no_guesses,
        guesses_used: status.guesses_used,
        guesses_allowed: status.guesses_allowed,
        next_guess_at: status.next_guess_at,
        pending_destruction_at: status.pending_destruction_at,
        restored: status.restored,
    }))
}

pub(super) async fn veto(
    desk: Desk<'_>,
    realm: RecoveryRealmId,
    tenant: Option<String>,
) -> Result<Reply, Box<Problem>> {
    let veto = desk.front.engine().veto_erasure(desk.asking, &realm, tenant.as_deref());
    veto.await.map(|()| Reply::Done {}).map_err(refused)
}

/// A step as followers are told of it.
pub(super) fn step(step: engine::PinStep) -> PinRecoveryStep {
    use engine::PinStep as Step;
    match step {
        Step::Registered { guesses_allowed } => PinRecoveryStep::Registered { guesses_allowed },
        Step::Replaced { guesses_allowed, veto_until } => {
            PinRecoveryStep::Replaced { guesses_allowed, veto_until }
        }
        Step::GuessUsed { guesses_used, guesses_allowed } => {
            PinRecoveryStep::GuessUsed { guesses_used, guesses_allowed }
        }
        Step::NoGuesses {} => PinRecoveryStep::NoGuesses {},
        Step::Recovered {} => PinRecoveryStep::Recovered {},
        Step::Deleted { veto_until } => PinRecoveryStep::Deleted { veto_until },
        Step::BroughtBack { guesses_used, guesses_allowed } => {
            PinRecoveryStep::BroughtBack { guesses_used, guesses_allowed }
        }
        Step::Restored {} => PinRecoveryStep::Restored {},
    }
}
