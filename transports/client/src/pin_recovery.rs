//! What a person keeps behind a PIN at a server's realms: how it stands, and taking back what somebody deleted. Clients
//! of the Juicebox protocol register and recover.

use strongroom_primitives::{pin_recovery::RecoveryRealmId, sign::VerifyingKey};
use strongroom_wire::{
    Encoding, Operation, PinRecoveryStatus, RealmStatement, RealmsStatement, Reply, SignedRealms,
};

use crate::checks::wrong_kind;
use crate::client::Client;
use crate::error::ClientError;

/// What a client's caller keeps behind a PIN.
#[derive(Debug, Clone)]
pub struct PinRecovery {
    client: Client,
}

impl Client {
    /// What the caller keeps behind a PIN at the server's realms.
    #[must_use]
    pub fn pin_recovery(&self) -> PinRecovery {
        PinRecovery { client: self.clone() }
    }
}

/// What a server said of its realms, under a signature that was found good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownRealms {
    /// What it said.
    pub statement: RealmsStatement,
    /// The key that signed it: pin it, and ask for it the next time.
    pub server_key: VerifyingKey,
}

impl KnownRealms {
    /// What it said of one realm.
    #[must_use]
    pub fn realm(&self, realm: &RecoveryRealmId) -> Option<&RealmStatement> {
        self.statement.realms.iter().find(|stated| stated.realm == *realm)
    }

    /// Whether a realm may be an older copy of what it said before: it is gone, began anew, was restored, or has fewer
    /// changes. Of a restore that the realm noticed, its guesses say so as well.
    #[must_use]
    pub fn is_older_than(&self, before: &RealmStatement) -> bool {
        self.realm(&before.realm).is_none_or(|now| {
            now.epoch != before.epoch || now.restores > before.restores || now.changes < before.changes
        })
    }
}

impl PinRecovery {
    /// What the server says of its realms. With `pinned`, under no other key than this.
    ///
    /// # Errors
    /// [`ClientError`], also for a statement that is signed with another key or not well.
    pub async fn realms(&self, pinned: Option<&VerifyingKey>) -> Result<KnownRealms, ClientError> {
        let Reply::PinRecoveryRealms(signed) = self.client.ask(Operation::PinRecoveryRealms {}).await? else {
            return Err(wrong_kind());
        };
        let server_key = VerifyingKey::from_bytes(&signed.server_key.0).map_err(|_| unsigned())?;
        if pinned.is_some_and(|pinned| pinned.as_bytes() != server_key.as_bytes()) {
            return Err(unsigned());
        }
        let message = SignedRealms::message(&signed.statement.0);
        server_key.verify(&message, &signed.signature.0).map_err(|_| unsigned())?;
        let statement = Encoding::Json.read(&signed.statement.0).map_err(|_| unsigned())?;
        Ok(KnownRealms { statement, server_key })
    }

    /// How it stands with the caller's record. `tenant` may be left out where the caller is a user of one only.
    ///
    /// # Errors
    /// [`ClientError`], among it `unknown-recovery-realm`.
    pub async fn status(
        &self,
        realm: RecoveryRealmId,
        tenant: Option<&str>,
    ) -> Result<PinRecoveryStatus, ClientError> {
        let tenant = tenant.map(str::to_owned);
        match self.client.ask(Operation::PinRecoveryStatus { realm, tenant }).await? {
            Reply::PinRecoveryStatus(status) => Ok(status),
            _ => Err(wrong_kind()),
        }
    }

    /// Takes back what was deleted or replaced, with the guesses that were used.
    ///
    /// # Errors
    /// [`ClientError`], among it `unknown-erasure`.
    pub async fn veto(&self, realm: RecoveryRealmId, tenant: Option<&str>) -> Result<(), ClientError> {
        let tenant = tenant.map(str::to_owned);
        self.client.ask(Operation::VetoPinErasure { realm, tenant }).await.map(drop)
    }
}

fn unsigned() -> ClientError {
    ClientError::protocol("what it says of its realms is not signed as expected")
}
