//! What the engine's handle is asked: messages of the protocol, in the order that keeps its one promise.

use std::time::Duration;

use strongroom_primitives::pin_recovery::{
    PinRecoveryError, RecoveryRealmId,
    messages::{
        Answer, Done, Evaluated, Recover1Answer, Recover2Answer, Recover2Request, Recover3Answer,
        Recover3Request, Registration, Released, Request,
    },
    tenant_token::Scope,
};

use super::{
    LoggedEvent, PinRecovery, RecoveryRealmInfo, RecoveryStatus,
    log::{AckLog, ReadLog},
    owner::{OwnShareStatus, Owners},
    realms::ListRecoveryRealms,
    recover::{CountGuess, Counted, FindShare, Found, ReleaseShare, Shown},
    register::{DeleteShare, RegisterShare},
    restored::TellRestored,
    seal::Kept,
    seen::Marked,
    status::ShareStatus,
    user::{PinUser, TenantAuditor},
    veto::VetoErasure,
};
use crate::{
    command::Command,
    credential::Credential,
    error::EngineError,
    handle::{Asking, EngineHandle},
};

/// Events that are acknowledged, or read, at once. Source: RECOVERY.md, section 3.4.
const LOG_PAGE_MAX: usize = 200;

impl EngineHandle {
    /// Whether this engine is the realm.
    ///
    /// # Errors
    /// [`EngineError::UnknownRecoveryRealm`].
    pub fn recovery_realm(&self, realm: &RecoveryRealmId) -> Result<(), EngineError> {
        self.shared().recovery.get(realm).map(drop)
    }

    /// Who asks a realm, by a token of a tenant for one of its users.
    ///
    /// # Errors
    /// [`EngineError::UnknownRecoveryRealm`], [`EngineError::CredentialInvalid`], [`EngineError::CredentialExpired`].
    pub fn recovery_user(&self, realm: &RecoveryRealmId, token: &str) -> Result<PinUser, EngineError> {
        self.shared().recovery.admit(realm, token, Scope::User, self.now())
    }

    /// Who asks a realm, by a token of a tenant for its log.
    ///
    /// # Errors
    /// As [`EngineHandle::recovery_user`].
    pub fn recovery_auditor(
        &self,
        realm: &RecoveryRealmId,
        token: &str,
    ) -> Result<TenantAuditor, EngineError> {
        self.shared().recovery.admit(realm, token, Scope::Audit, self.now()).map(TenantAuditor)
    }

    /// What a realm answers to a request of a user. `within`: how long it may take.
    ///
    /// A guess is counted, durably, and marked outside the store, before it is evaluated. An answer that does not come
    /// may therefore have cost one.
    ///
    /// # Errors
    /// [`EngineError::PinMessageInvalid`] for keys or points that are none, [`EngineError::TooManyGuessesAllowed`],
    /// [`EngineError::StoreNotEncrypted`], [`EngineError::GuessTooSoon`]; [`EngineError::AnchorFailed`]; and what every
    /// command may answer.
    pub async fn recovery(
        &self,
        user: PinUser,
        request: Request,
        within: Option<Duration>,
    ) -> Result<Answer, EngineError> {
        match request {
            Request::Register1 => Ok(Answer::Register1(Done::Ok)),
            Request::Register2(registration) => self.register(user, registration, within).await,
            Request::Recover1 => self.find(user, within).await,
            Request::Recover2(guess) => self.guess(user, guess, within).await,
            Request::Recover3(opening) => self.release(user, opening, within).await,
            Request::Delete => {
                self.marked(user.realm(), DeleteShare { user }, within).await?;
                Ok(Answer::Delete(Done::Ok))
            }
        }
    }

    /// How it stands with a user's record. Costs nothing.
    ///
    /// # Errors
    /// What every command may answer.
    pub async fn recovery_status(
        &self,
        user: PinUser,
        within: Option<Duration>,
    ) -> Result<RecoveryStatus, EngineError> {
        self.ask_as_anyone(ShareStatus { user }, within).await
    }

    /// What the engine's realms say of themselves.
    ///
    /// # Errors
    /// What every command may answer.
    pub async fn recovery_realms(
        &self,
        within: Option<Duration>,
    ) -> Result<Vec<RecoveryRealmInfo>, EngineError> {
        self.ask_as_anyone(ListRecoveryRealms::of(self.shared().recovery.all()), within).await
    }

    /// How it stands with an account's own record. `tenant` may be left out where the account is a user of one only.
    ///
    /// # Errors
    /// [`EngineError::UnknownRecoveryRealm`], also if the caller is no user of the tenant, or of several where none is
    /// named; and what every command may answer.
    pub async fn own_recovery_status(
        &self,
        asking: impl Into<Asking>,
        realm: &RecoveryRealmId,
        tenant: Option<&str>,
    ) -> Result<RecoveryStatus, EngineError> {
        let owners = Owners::at(&self.shared().recovery, realm, tenant);
        self.ask(asking, OwnShareStatus { owners }).await
    }

    /// Tells owners that the stores of their realms were restored, a page of records of each realm. Answers whether there
    /// are more. The engine does so by itself.
    ///
    /// # Errors
    /// What every command may answer.
    pub async fn tell_restored(&self, within: Option<Duration>) -> Result<bool, EngineError> {
        let mut more = false;
        for realm in self.shared().recovery.all() {
            let owners = Owners::of(realm, None);
            let asking = Asking { credential: Credential::Node, within, idempotency: None };
            more |= self.ask(asking, TellRestored { owners }).await?;
        }
        Ok(more)
    }

    /// Gives an account its record back that was deleted or replaced, with the count that it had. `tenant` may be left
    /// out where the account is a user of one only.
    ///
    /// # Errors
    /// [`EngineError::UnknownErasure`] if there is nothing to take back, no such realm, or the caller is no user of the
    /// tenant, or of several where none is named; and what every command may answer.
    pub async fn veto_erasure(
        &self,
        asking: impl Into<Asking>,
        realm: &RecoveryRealmId,
        tenant: Option<&str>,
    ) -> Result<(), EngineError> {
        let veto = VetoErasure { owners: Owners::at(&self.shared().recovery, realm, tenant) };
        let Marked { mark, .. } = self.ask(asking, veto).await?;
        self.told(*realm, mark).await
    }

    /// The oldest events of a tenant at a realm, at most `limit` of up to 200.
    ///
    /// # Errors
    /// What every command may answer.
    pub async fn recovery_log(
        &self,
        TenantAuditor(user): TenantAuditor,
        limit: usize,
        within: Option<Duration>,
    ) -> Result<Vec<LoggedEvent>, EngineError> {
        let limit = limit.clamp(1, LOG_PAGE_MAX);
        self.ask_as_anyone(ReadLog { user, limit }, within).await
    }

    /// Removes events from a tenant's log, by their ids: at most 200 are looked at.
    ///
    /// # Errors
    /// What every command may answer.
    pub async fn acknowledge_recovery_log(
        &self,
        TenantAuditor(user): TenantAuditor,
        mut events: Vec<u64>,
        within: Option<Duration>,
    ) -> Result<(), EngineError> {
        events.truncate(LOG_PAGE_MAX);
        self.ask_as_anyone(AckLog { user, events }, within).await
    }

    async fn register(
        &self,
        user: PinUser,
        registration: Box<Registration>,
        within: Option<Duration>,
    ) -> Result<Answer, EngineError> {
        let (realm, room) = (user.realm(), self.shared().room()?);
        let (registration, checked) = self
            .shared()
            .compute(room, move || {
                let checked = registration.check(&realm);
                (registration, checked)
            })
            .await?;
        checked.map_err(invalid)?;
        self.marked(realm, RegisterShare { user, kept: Kept(registration) }, within).await?;
        Ok(Answer::Register2(Done::Ok))
    }

    async fn find(&self, user: PinUser, within: Option<Duration>) -> Result<Answer, EngineError> {
        let found = self.marked(user.realm(), FindShare { user }, within).await?;
        Ok(Answer::Recover1(match found {
            Found::There(version) => Recover1Answer::Ok { version },
            Found::NoGuesses => Recover1Answer::NoGuesses,
            Found::Nothing | Found::Other => Recover1Answer::NotRegistered,
        }))
    }

    async fn guess(
        &self,
        user: PinUser,
        guess: Recover2Request,
        within: Option<Duration>,
    ) -> Result<Answer, EngineError> {
        guess.check().map_err(invalid)?;
        // Before the guess is counted: nobody shall lose one because everybody computes.
        let room = self.shared().room()?;
        let count = CountGuess { user: user.clone(), version: guess.version };
        let Counted { kept, allowed, used } = match self.marked(user.realm(), count, within).await? {
            Found::There(counted) => counted,
            Found::Nothing => return Ok(Answer::Recover2(Recover2Answer::NotRegistered)),
            Found::NoGuesses => return Ok(Answer::Recover2(Recover2Answer::NoGuesses)),
            Found::Other => return Ok(Answer::Recover2(Recover2Answer::VersionMismatch)),
        };
        let chance = self.shared().entropy.array();
        let input = guess.oprf_blinded_input;
        let (kept, evaluation) = self
            .shared()
            .compute(room, move || {
                let evaluation = kept.0.evaluate(&input, chance);
                (kept, evaluation)
            })
            .await?;
        let evaluation = evaluation.map_err(invalid)?;
        Ok(Answer::Recover2(Recover2Answer::Ok(Box::new(Evaluated {
            oprf_signed_public_key: kept.0.oprf_signed_public_key,
            oprf_blinded_result: evaluation.blinded_result,
            oprf_proof: evaluation.proof,
            unlock_key_commitment: kept.0.unlock_key_commitment,
            num_guesses: allowed,
            guess_count: used,
        }))))
    }

    async fn release(
        &self,
        user: PinUser,
        opening: Recover3Request,
        within: Option<Duration>,
    ) -> Result<Answer, EngineError> {
        let Recover3Request { version, unlock_key_tag: tag } = opening;
        let found = self.marked(user.realm(), ReleaseShare { user, version, tag }, within).await?;
        Ok(Answer::Recover3(match found {
            Found::There(Shown::Right(kept)) => Recover3Answer::Ok(Box::new(Released {
                encryption_key_scalar_share: kept.0.encryption_key_scalar_share,
                encrypted_secret: kept.0.encrypted_secret,
                encrypted_secret_commitment: kept.0.encrypted_secret_commitment,
            })),
            Found::There(Shown::Wrong { left }) => {
                Recover3Answer::BadUnlockKeyTag { guesses_remaining: left }
            }
            Found::Nothing => Recover3Answer::NotRegistered,
            Found::NoGuesses => Recover3Answer::NoGuesses,
            Found::Other => Recover3Answer::VersionMismatch,
        }))
    }

    /// Runs a command, and answers once its mark lies outside the store.
    async fn marked<C, T>(
        &self,
        realm: RecoveryRealmId,
        command: C,
        within: Option<Duration>,
    ) -> Result<T, EngineError>
    where
        C: Command<Domain = PinRecovery, Reply = Marked<T>>,
    {
        let Marked { outcome, mark } = self.ask_as_anyone(command, within).await?;
        self.told(realm, mark).await?;
        Ok(outcome)
    }

    async fn told(
        &self,
        realm: RecoveryRealmId,
        mark: Option<crate::ports::AnchorMark>,
    ) -> Result<(), EngineError> {
        let Some(mark) = mark else { return Ok(()) };
        self.shared().anchor.raise(realm, mark).await.map_err(|error| {
            tracing::error!(%error, "a change is durable but its mark is not: nobody is told of it");
            EngineError::AnchorFailed
        })
    }

    /// Asks without a credential of the engine's own: who may ask has been found out by a tenant's token.
    async fn ask_as_anyone<C: Command<Domain = PinRecovery>>(
        &self,
        command: C,
        within: Option<Duration>,
    ) -> Result<C::Reply, EngineError> {
        let credential = Credential::Anonymous;
        self.ask(Asking { credential, within, idempotency: None }, command).await
    }
}

fn invalid(reason: PinRecoveryError) -> EngineError {
    EngineError::PinMessageInvalid { reason }
}
