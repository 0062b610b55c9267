//! Tenants, users and clients of PIN recovery, for tests: one tenant, realms of one byte each, cheap PINs.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use strongroom_primitives::{
    id::RealmId,
    pin_recovery::{
        PinRecoveryError, RecoveryRealmId,
        configuration::Configuration,
        messages::{Answer, Policy, Recover2Request, Registration, Request},
        pin::PinHashing,
        recovering::RecoverError,
        tenant_key::{TenantKey, TenantSigningKey},
        tenant_token::{Scope, TokenGenerator},
    },
    secret::{Secret, SecretText},
    time::Timestamp,
};

use crate::{
    EngineError, EngineHandle,
    domains::pin_recovery::{PinPolicy, RecoveryRealm, RecoveryTenant},
    ports::{Entropy, SeededEntropy},
};

/// The name of the tenant of every realm here.
pub const TENANT: &str = "acme";

/// The bytes of its key, of version 1: an HMAC secret.
pub const TENANT_SECRET: [u8; 32] = *b"a secret of thirty-two bytes, ye";

/// A realm whose id is this byte sixteen times, with one tenant.
///
/// # Panics
/// Never: the tenant's key is a good one.
#[must_use]
pub fn realm(id: u8, policy: PinPolicy) -> Arc<RecoveryRealm> {
    Arc::new(realm_with(id, policy, None))
}

/// The same, whose users are the subjects of a realm of accounts.
///
/// # Panics
/// If that is no realm.
#[must_use]
pub fn realm_of_accounts(id: u8, policy: PinPolicy, accounts: &str) -> Arc<RecoveryRealm> {
    Arc::new(realm_with(id, policy, Some(RealmId::new(accounts).expect("a good realm"))))
}

fn realm_with(id: u8, policy: PinPolicy, accounts: Option<RealmId>) -> RecoveryRealm {
    let key = TenantKey::read(&TENANT_SECRET).expect("a good key");
    let tenant = RecoveryTenant { keys: BTreeMap::from([(1, key)]), accounts };
    let tenants = BTreeMap::from([(TENANT.to_owned(), tenant)]);
    let operator = "the operator of the tests".to_owned();
    RecoveryRealm { id: RecoveryRealmId::from_bytes([id; 16]), operator, tenants, policy }
}

/// A policy without waiting.
#[must_use]
pub fn at_once() -> PinPolicy {
    PinPolicy { back_off: Vec::new(), ..PinPolicy::default() }
}

/// A token of the tenant.
///
/// # Panics
/// If that is no subject.
#[must_use]
pub fn token(realm: &RecoveryRealmId, subject: &str, scope: Scope, now: Timestamp) -> SecretText {
    let key = TenantSigningKey::HmacSha256(Secret::new(TENANT_SECRET.to_vec()));
    let generator = TokenGenerator::new(TENANT, 1, key).expect("a good tenant");
    generator.issue(realm, subject, scope, now.as_ms() / 1_000).expect("a good subject")
}

/// A client of one realm.
pub struct PinClient {
    realm: RecoveryRealmId,
    configuration: Configuration,
    entropy: SeededEntropy,
}

impl PinClient {
    /// A client whose chance comes from `seed`.
    ///
    /// # Panics
    /// Never: one realm is a sound configuration.
    #[must_use]
    pub fn new(realm: RecoveryRealmId, seed: u64) -> Self {
        let configuration = Configuration::new([realm], 1, 1, PinHashing::FastInsecure).expect("one realm");
        Self { realm, configuration, entropy: SeededEntropy::new(seed) }
    }

    fn chance(&self) -> [u8; 64] {
        (&self.entropy as &dyn Entropy).array()
    }

    /// What the realm is to keep.
    ///
    /// # Panics
    /// If the secret is too long.
    #[must_use]
    pub fn registration(&self, pin: &str, secret: &[u8], num_guesses: u16) -> Registration {
        let mut draw = |bytes: &mut [u8]| self.entropy.fill(bytes);
        let secret = Secret::new(secret.to_vec());
        let policy = Policy { num_guesses };
        let mut kept = self
            .configuration
            .register(pin.as_bytes(), b"", &secret, policy, &mut draw)
            .expect("a good registration");
        kept.remove(&self.realm).expect("the only realm")
    }

    /// A guess at a version.
    ///
    /// # Errors
    /// Those of the primitives.
    pub fn guess(&self, version: [u8; 16], pin: &str) -> Result<Recover2Request, PinRecoveryError> {
        let found = strongroom_primitives::pin_recovery::messages::Recover1Answer::Ok { version };
        let answers = BTreeMap::from([(self.realm, found)]);
        let agreed = self.configuration.agree(&answers).expect("the only realm");
        Ok(agreed.blind(pin.as_bytes(), b"", self.chance())?.request())
    }

    /// Recovers from the realm in three rounds.
    ///
    /// # Errors
    /// The engine's refusal.
    ///
    /// # Panics
    /// If an answer is not to its request.
    pub async fn recover(
        &self,
        handle: &EngineHandle,
        token: &SecretText,
        pin: &str,
    ) -> Result<Result<Secret, RecoverError>, EngineError> {
        let within = Some(Duration::from_secs(10));
        let user = handle.recovery_user(&self.realm, token.expose())?;
        let ask = async |request| handle.recovery(user.clone(), request, within).await;
        let Answer::Recover1(found) = ask(Request::Recover1).await? else { panic!("not an answer to that") };
        let agreed = match self.configuration.agree(&BTreeMap::from([(self.realm, found)])) {
            Ok(agreed) => agreed,
            Err(error) => return Ok(Err(error)),
        };
        let blinded = agreed.blind(pin.as_bytes(), b"", self.chance()).expect("a short PIN");
        let Answer::Recover2(guessed) = ask(Request::Recover2(blinded.request())).await? else {
            panic!("not an answer to that")
        };
        let unlocked = match blinded.unlock(&BTreeMap::from([(self.realm, guessed)])) {
            Ok(unlocked) => unlocked,
            Err(error) => return Ok(Err(error)),
        };
        let Answer::Recover3(opened) = ask(Request::Recover3(unlocked.request(&self.realm))).await? else {
            panic!("not an answer to that")
        };
        Ok(unlocked.open(&BTreeMap::from([(self.realm, opened)])))
    }
}
