//! Realms, their tenants, and who a token says is asking.

use std::{collections::BTreeMap, fmt, sync::Arc};

use serde::Serialize;
use strongroom_primitives::{
    id::{AccountId, RealmId, Subject},
    pin_recovery::{
        REALM_ID_BYTES, RecoveryRealmId,
        names::{logged_user, record_id},
        tenant_key::TenantKey,
        tenant_token::{Scope, TenantToken, TenantTokenError},
    },
    time::Timestamp,
};

use super::PinPolicy;
use crate::{error::EngineError, keyspace::Keyspace};

/// A realm that this engine is.
#[derive(Debug)]
pub struct RecoveryRealm {
    /// Its public name.
    pub id: RecoveryRealmId,
    /// Who runs it, in words for those who choose realms; may be empty.
    pub operator: String,
    /// Whose users it serves, by the names of their tenants.
    pub tenants: BTreeMap<String, RecoveryTenant>,
    /// What it holds them to.
    pub policy: PinPolicy,
}

/// An application whose tokens a realm takes.
#[derive(Default)]
pub struct RecoveryTenant {
    /// The keys that its tokens are checked with, by their versions.
    pub keys: BTreeMap<u64, TenantKey>,
    /// The realm of accounts whose subjects are the users of this tenant, if there is one: they are told of what happens
    /// to their records, and may veto.
    pub accounts: Option<RealmId>,
}

impl fmt::Debug for RecoveryTenant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RecoveryTenant({} keys)", self.keys.len())
    }
}

/// All realms of an engine.
#[derive(Debug, Clone, Default)]
pub(crate) struct RecoveryRealms(BTreeMap<RecoveryRealmId, Arc<RecoveryRealm>>);

impl RecoveryRealms {
    /// Adds one, in the place of another of the same id.
    pub(crate) fn serve(&mut self, realm: Arc<RecoveryRealm>) {
        self.0.insert(realm.id, realm);
    }

    pub(crate) fn ids(&self) -> impl Iterator<Item = &RecoveryRealmId> {
        self.0.keys()
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &RecoveryRealm> {
        self.0.values().map(|realm| &**realm)
    }

    pub(super) fn get(&self, realm: &RecoveryRealmId) -> Result<&RecoveryRealm, EngineError> {
        self.0.get(realm).map(|realm| &**realm).ok_or(EngineError::UnknownRecoveryRealm)
    }

    /// Who asks `realm` for `scope`, by a token of one of its tenants. Why a token is refused is not told.
    ///
    /// # Errors
    /// [`EngineError::UnknownRecoveryRealm`], [`EngineError::CredentialExpired`], [`EngineError::CredentialInvalid`].
    pub(super) fn admit(
        &self,
        realm: &RecoveryRealmId,
        token: &str,
        scope: Scope,
        now: Timestamp,
    ) -> Result<PinUser, EngineError> {
        let known = self.get(realm)?;
        let invalid = |_| EngineError::CredentialInvalid;
        let token = TenantToken::parse(token).map_err(invalid)?;
        let key = known.tenants.get(&token.tenant).and_then(|tenant| tenant.keys.get(&token.key_version));
        token.verify(key.ok_or(EngineError::CredentialInvalid)?).map_err(invalid)?;
        token.check(realm, scope, now.as_ms() / 1_000).map_err(|error| match error {
            TenantTokenError::Expired => EngineError::CredentialExpired,
            _ => EngineError::CredentialInvalid,
        })?;
        Ok(known.user(&token.tenant, &token.subject))
    }
}

impl RecoveryRealm {
    pub(super) fn user(&self, tenant: &str, subject: &str) -> PinUser {
        PinUser {
            realm: *self.id.as_bytes(),
            tenant: tenant.to_owned(),
            subject: subject.to_owned(),
            accounts: self.tenants.get(tenant).and_then(|tenant| tenant.accounts.clone()),
            policy: self.policy.clone(),
        }
    }
}

/// A user of a tenant at a realm, and what the realm holds them to. Made of a token that was found good, or of an
/// account, and of nothing else.
#[derive(Debug, Clone, Serialize)]
pub struct PinUser {
    realm: [u8; REALM_ID_BYTES],
    pub(super) tenant: String,
    subject: String,
    /// The realm of accounts that the user is of, if the tenant's users are accounts.
    pub(super) accounts: Option<RealmId>,
    pub(super) policy: PinPolicy,
}

impl PinUser {
    /// The name of the tenant.
    #[must_use]
    pub fn tenant(&self) -> &str {
        &self.tenant
    }

    /// The user, in the tenant's words.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// The same of another subject.
    pub(super) fn named(&self, subject: &str) -> Self {
        Self { subject: subject.to_owned(), ..self.clone() }
    }

    pub(super) fn realm(&self) -> RecoveryRealmId {
        RecoveryRealmId::from_bytes(self.realm)
    }

    /// The account that the user would be.
    pub(super) fn account(&self, space: &Keyspace) -> Option<AccountId> {
        let subject = Subject::new(self.subject.as_str()).ok()?;
        self.accounts.as_ref().map(|realm| space.account_of(realm, &subject))
    }

    /// What the user's record is called. Source: RECOVERY.md, section 3.4.
    pub(super) fn record(&self) -> [u8; 32] {
        record_id(&self.tenant, &self.subject)
    }

    /// What the user is called in the log of the tenant.
    pub(super) fn logged(&self) -> String {
        logged_user(&self.tenant, &self.subject)
    }
}

/// A tenant that asks for its log at a realm, by a token that was found good.
#[derive(Debug, Clone)]
pub struct TenantAuditor(pub(super) PinUser);

impl TenantAuditor {
    /// The name of the tenant.
    #[must_use]
    pub fn tenant(&self) -> &str {
        self.0.tenant()
    }
}
