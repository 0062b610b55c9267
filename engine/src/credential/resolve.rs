//! From a credential to the rows that vouch for it, and from those rows to a principal.

use std::sync::Arc;

use strongroom_primitives::{
    dc1::KeyId,
    id::{AccountId, ApiKeyId, RealmId, SessionId},
    sign,
    time::Timestamp,
};
use strongroom_storage::Key;

use super::{
    Credential, CredentialCache, Identity, Principal, Rights, Role, Signatures, TokenCredential, TokenFacts,
    cache::{KnownBearer, VerifiedToken},
    issued_in_the_future,
};
use crate::{
    command::{Moment, Reads, View},
    domains::{
        accounts::{AccountState, StoredAccount},
        realms::{StoredRealm, StoredRealmKey},
        service_keys::{Claim, ServiceCaller, SignatureFault, SignedRequest, StoredServiceKey, believed},
        sessions::{StoredSeen, StoredSession, api_key::StoredApiKey},
    },
    error::EngineError,
    keyspace::{self, Keyspace},
};

/// One credential on its way to a principal.
pub(crate) enum Resolver {
    /// Vouched for without rows.
    Settled(Principal),
    /// A bearer session, and whose it is if the cache knows.
    Bearer { digest: [u8; 32], realm: Option<RealmId>, session: SessionId, known: Option<KnownBearer> },
    /// A signed token that verified before.
    Verified { token: Arc<VerifiedToken> },
    /// A signed token that has yet to be verified.
    Unverified { digest: [u8; 32], facts: Box<TokenFacts>, account: AccountId },
    /// A request that claims to be signed by a service key.
    Signed { request: Arc<SignedRequest>, claim: Box<Claim> },
    /// An identity that an authenticated gateway vouches for.
    Gateway { identity: Identity, account: AccountId },
}

/// The next thing that resolving needs.
pub(crate) enum Resolved {
    /// Further rows.
    Need(Reads),
    /// The principal.
    Who(Principal),
}

impl Resolver {
    /// Begins with what the credential says.
    ///
    /// # Errors
    /// [`EngineError::CredentialInvalid`] for a token that cannot be read; [`EngineError::SignatureRefused`] for a signed
    /// request that is refused whoever has signed it.
    pub(crate) fn begin(
        credential: &Credential,
        cache: &CredentialCache,
        moment: &Moment<'_>,
    ) -> Result<Self, EngineError> {
        let space = moment.space;
        Ok(match credential {
            Credential::Anonymous => Self::Settled(Principal::of_role(Role::Nobody)),
            Credential::Operator => Self::Settled(Principal::of_role(Role::Operator)),
            Credential::Node => Self::Settled(Principal::of_role(Role::Node)),
            Credential::Bearer { digest, realm } => {
                let session = StoredSession::id_of(digest);
                let known = cache.bearer(digest);
                Self::Bearer { digest: *digest, realm: realm.clone(), session, known }
            }
            Credential::Token(TokenCredential { digest, text, read }) => match cache.token(digest) {
                Some(token) => Self::Verified { token },
                None => {
                    let facts = Box::new(read(text)?);
                    let account = space.account_of(&facts.realm, &facts.subject);
                    Self::Unverified { digest: *digest, facts, account }
                }
            },
            Credential::Signed(request) => {
                let found = |key: &KeyId| cache.place(&space.key_place(key)).map(|chain| (*chain).clone());
                let claim = Claim::read(request, moment, found).map_err(SignatureFault::refusal)?;
                Self::Signed { request: request.clone(), claim: Box::new(claim) }
            }
            Credential::Gateway { realm, subject } => {
                let identity = Identity { realm: realm.clone(), subject: subject.clone() };
                let account = space.account_of(realm, subject);
                Self::Gateway { identity, account }
            }
        })
    }

    /// The account, as far as it is known before any row was read. Good enough to decide what to read, and nothing
    /// else.
    pub(crate) fn tentative(&self, space: &Keyspace) -> Option<Principal> {
        let (account, identity) = match self {
            Self::Settled(principal) => return Some(principal.clone()),
            Self::Signed { claim, .. } => return claim.tentative(space),
            Self::Bearer { known, .. } => ((*known)?.account, None),
            Self::Verified { token } => {
                let identity = Identity { realm: token.realm.clone(), subject: token.subject.clone() };
                (token.account, Some(identity))
            }
            Self::Unverified { facts, account, .. } => {
                let identity = Identity { realm: facts.realm.clone(), subject: facts.subject.clone() };
                (*account, Some(identity))
            }
            Self::Gateway { identity, account } => (*account, Some(identity.clone())),
        };
        Some(Principal { account, identity, ..Principal::of_role(Role::Account) })
    }

    /// The rows that vouch for the credential, as far as they are known.
    pub(crate) fn reads(&self, space: &Keyspace) -> Reads {
        match self {
            Self::Settled(_) => Reads::none(),
            Self::Bearer { session, known, .. } => {
                let reads = Reads::one(keyspace::session(*session));
                let Some(KnownBearer { account, api_key }) = *known else { return reads };
                let reads = reads.row(keyspace::account(account));
                match api_key {
                    Some(api_key) => reads.row(keyspace::api_key(account, api_key)),
                    None => reads,
                }
            }
            Self::Verified { token } => {
                Reads::one(space.realm_key(&token.realm, &token.key_id)).row(keyspace::account(token.account))
            }
            Self::Unverified { facts, account, .. } => {
                Reads::one(space.realm_key(&facts.realm, &facts.key_id)).row(keyspace::account(*account))
            }
            Self::Signed { claim, .. } => claim.reads(space),
            Self::Gateway { identity, account } => {
                Reads::one(space.realm(&identity.realm)).row(keyspace::account(*account))
            }
        }
    }

    /// The principal, by what the rows say now.
    ///
    /// # Errors
    /// The reason why the credential is refused.
    pub(crate) fn resolve(
        &self,
        view: &View<'_>,
        moment: &mut Moment<'_>,
        cache: &CredentialCache,
        signatures: &Signatures,
    ) -> Result<Resolved, EngineError> {
        let principal = match self {
            Self::Settled(principal) => return Ok(Resolved::Who(principal.clone())),
            Self::Signed { request, claim } => {
                return signed(request, claim, view, moment, cache, signatures);
            }
            Self::Bearer { digest, realm, session, .. } => {
                let stored: StoredSession =
                    view.row(&keyspace::session(*session))?.ok_or(EngineError::CredentialInvalid)?;
                stored.check(digest, moment.now)?;
                if realm.as_ref().is_some_and(|realm| *realm != stored.identity.realm) {
                    return Err(EngineError::CredentialInvalid);
                }
                let account_key = keyspace::account(stored.account);
                let api_key_key = stored.api_key.map(|api_key| keyspace::api_key(stored.account, api_key));
                let parent_key = stored.parent.map(keyspace::session);
                let mut missing = Reads::none();
                if !view.has(&account_key) {
                    let known = KnownBearer { account: stored.account, api_key: stored.api_key };
                    cache.remember_bearer(*digest, known);
                    missing = missing.row(account_key);
                }
                for key in parent_key.iter().chain(&api_key_key).filter(|key| !view.has(key)) {
                    missing = missing.row(key.clone());
                }
                let seen_key = keyspace::session_seen(stored.account, *session);
                if moment.limits.session_idle_max.is_some() && !view.has(&seen_key) {
                    missing = missing.hint(seen_key.clone());
                }
                if !missing.is_empty() {
                    return Ok(Resolved::Need(missing));
                }
                let api_key = api_key(&stored, view)?;
                let ends = ends(&stored, &seen_key, view, moment)?;
                let ends = ends.into_iter().chain(api_key.as_ref().and_then(|(_, key)| key.expires)).min();
                // A child ends no later than its parent by the clock; that the parent is there says the rest.
                if let Some(key) = &parent_key
                    && view.row::<StoredSession>(key)?.is_none()
                {
                    return Err(EngineError::CredentialInvalid);
                }
                let principal = Principal {
                    account: stored.account,
                    identity: Some(stored.identity.clone()),
                    rights: stored.rights,
                    session: Some(*session),
                    assurance: stored.assurance.clone().map(Arc::new),
                    unproved: stored.prove_by.is_some(),
                    expires: ends,
                    ..Principal::of_role(Role::Account)
                };
                match api_key {
                    Some((id, key)) => principal.keyed(id, key.flags),
                    None => principal,
                }
            }
            Self::Verified { token } => {
                let key = realm_key(view, moment, &token.realm, &token.key_id)?;
                if key.public_key != token.public_key {
                    return Err(EngineError::CredentialInvalid);
                }
                token_principal(token, &key)
            }
            Self::Unverified { digest, facts, account } => {
                let key = realm_key(view, moment, &facts.realm, &facts.key_id)?;
                let token = Arc::new(verify(facts, *account, &key, moment)?);
                cache.remember_token(*digest, token.clone());
                token_principal(&token, &key)
            }
            Self::Gateway { identity, account } => {
                let realm: StoredRealm =
                    view.row(&moment.space.realm(&identity.realm))?.ok_or(EngineError::UnknownRealm)?;
                Principal {
                    account: *account,
                    identity: Some(identity.clone()),
                    rights: realm.rights,
                    ..Principal::of_role(Role::Account)
                }
            }
        };
        admit(principal, view, moment).map(Resolved::Who)
    }
}

/// A service key that has signed, once its signature was taken: here, unless that takes a row.
fn signed(
    request: &SignedRequest,
    claim: &Claim,
    view: &View<'_>,
    moment: &mut Moment<'_>,
    cache: &CredentialCache,
    signatures: &Signatures,
) -> Result<Resolved, EngineError> {
    let space = moment.space;
    let chain = claim.chain(view, space)?;
    let vouchers = chain.as_ref().map(|chain| claim.vouchers_in(chain, space));
    if let (Some(chain), Some(vouchers), Some(key)) = (&chain, &vouchers, claim.key_id())
        && let Some(reads) = view.lacks(vouchers.reads())
    {
        cache.remember_place(&space.key_place(key), chain.clone());
        return Ok(Resolved::Need(reads));
    }
    let (served, stored) = match (chain, vouchers) {
        (Some(chain), Some(vouchers)) if view.is_there(&vouchers.chain)? => {
            let stored = vouchers.key.as_ref().map(|key| service_key(key, view, cache)).transpose()?;
            (Some(chain), stored.flatten())
        }
        _ => (None, None),
    };
    let service = believed(request, claim, served, stored, moment)?;
    let taken = request.is_spent() || !signatures.must_be_row(service.at);
    if taken && !request.is_spent() {
        signatures.take(&service.signature, service.form, service.at, moment.now)?;
        request.spend();
    }
    Ok(Resolved::Who(ServiceCaller { spent: taken, ..service }.principal(space)))
}

/// A service key as its row is now, read anew only if the row has changed.
fn service_key(
    key: &Key,
    view: &View<'_>,
    cache: &CredentialCache,
) -> Result<Option<Arc<StoredServiceKey>>, EngineError> {
    let Some(revision) = view.revision(key) else { return Ok(view.row(key)?.map(Arc::new)) };
    if let Some(known) = cache.service_key(key, revision) {
        return Ok(Some(known));
    }
    let stored: Option<Arc<StoredServiceKey>> = view.row(key)?.map(Arc::new);
    if let Some(stored) = &stored {
        cache.remember_service_key(key, revision, stored.clone());
    }
    Ok(stored)
}

/// The API key that a session was opened with. Where that is deleted or inactive, the session is not good either.
fn api_key(stored: &StoredSession, view: &View<'_>) -> Result<Option<(ApiKeyId, StoredApiKey)>, EngineError> {
    let Some(id) = stored.api_key else { return Ok(None) };
    let key: Option<StoredApiKey> = view.row(&keyspace::api_key(stored.account, id))?;
    let key = key.filter(|key| key.active).ok_or(EngineError::CredentialInvalid)?;
    Ok(Some((id, key)))
}

/// The last instant at which a session is good as things stand: also for want of use, where that ends one.
fn ends(
    stored: &StoredSession,
    seen: &Key,
    view: &View<'_>,
    moment: &Moment<'_>,
) -> Result<Option<Timestamp>, EngineError> {
    let Some(idle_max) = moment.limits.session_idle_max else { return Ok(stored.ends()) };
    let seen: Option<StoredSeen> = view.row(seen)?;
    let last = seen.map_or(stored.opened, |seen| seen.at.max(stored.opened));
    Ok(stored.ends().into_iter().chain([last.saturating_add(idle_max)]).min())
}

fn realm_key(
    view: &View<'_>,
    moment: &Moment<'_>,
    realm: &RealmId,
    key_id: &str,
) -> Result<StoredRealmKey, EngineError> {
    view.row(&moment.space.realm_key(realm, key_id))?.ok_or(EngineError::CredentialInvalid)
}

/// Checks a token's signature and times. Its expiry is not checked here: a token that verifies is worth remembering,
/// and an expired one is refused with its own error afterwards.
fn verify(
    facts: &TokenFacts,
    account: AccountId,
    key: &StoredRealmKey,
    moment: &Moment<'_>,
) -> Result<VerifiedToken, EngineError> {
    let public = sign::VerifyingKey::from_bytes(&key.public_key).map_err(|_| EngineError::Corrupt)?;
    public.verify(&facts.signed, &facts.signature).map_err(|_| EngineError::CredentialInvalid)?;
    if issued_in_the_future(facts.issued, moment.now, moment.limits.token_clock_tolerance) {
        return Err(EngineError::CredentialInvalid);
    }
    if moment.limits.token_life_max.is_some_and(|max| facts.expires > facts.issued.saturating_add(max)) {
        return Err(EngineError::CredentialInvalid);
    }
    Ok(VerifiedToken {
        realm: facts.realm.clone(),
        key_id: facts.key_id.clone(),
        subject: facts.subject.clone(),
        account,
        expires: facts.expires,
        rights: facts.rights,
        public_key: key.public_key,
    })
}

fn token_principal(token: &VerifiedToken, key: &StoredRealmKey) -> Principal {
    Principal {
        account: token.account,
        identity: Some(Identity { realm: token.realm.clone(), subject: token.subject.clone() }),
        rights: key.rights.and(token.rights.unwrap_or(Rights::ALL)),
        expires: Some(token.expires),
        ..Principal::of_role(Role::Account)
    }
}

/// The checks that every account goes through, however it came.
fn admit(
    mut principal: Principal,
    view: &View<'_>,
    moment: &mut Moment<'_>,
) -> Result<Principal, EngineError> {
    if let Some(expires) = principal.expires {
        if moment.now > expires {
            return Err(EngineError::CredentialExpired);
        }
        moment.relies_on(expires);
    }
    match view.row::<StoredAccount>(&keyspace::account(principal.account))? {
        None => principal.new_account = true,
        Some(account) => {
            match account.state {
                AccountState::Active => {}
                AccountState::Suspended => return Err(EngineError::AccountSuspended),
                AccountState::Erased => return Err(EngineError::AccountErased),
            }
            principal.rights = principal.rights.and(account.rights);
        }
    }
    Ok(principal)
}
