//! The engine's front door for everybody who asks something of it. Cheap to clone, usable from any thread.

use std::{sync::Arc, time::Duration};

use strongroom_primitives::{
    id::{AccountId, IdempotencyKey},
    key_login::{Answer, KeyLoginError, Verified},
    noise::{NoiseError, Pattern, Responder},
    sign::VerifyingKey,
    time::Timestamp,
};
use strongroom_storage::{Info, Storage, Topic};

use crate::{
    bus::{Caller, Route},
    command::{Command, Domain, Kind, Lane},
    credential::{Credential, Identity},
    domains::{
        accounts::{Accounts, EraseAccount, PurgeAccount, WhoAmI},
        admission::Admission,
        escrow::Escrow,
        key_hierarchy::KeyHierarchy,
        people::People,
        pin_recovery::PinRecovery,
        realms::Realms,
        records::{Previous, Receipt, RecordHead, Records, RemoveRecipient, ResetDone, ResetRecords},
        recovery::Recovery,
        service_keys::{KeyInUse, ServiceKeys, SignedRequest, SpendSignature, WhichServiceKey},
        sessions::Sessions,
        sharing::Sharing,
        vault::Vault,
    },
    error::{EngineError, ErrorKind},
    feed::{FollowFeed, Subscription},
    keyspace::{self, Keyspace},
    limits::Limits,
    login_nonce::{self, LoginNonce},
    observe::Observer,
    page_token,
    runtime::{Courier, Shared},
    server_identity::Identities,
};

/// What a credential that is good now depends on.
struct Standing {
    /// Raised when it may no longer be.
    topics: [Topic; 2],
    expires: Option<Timestamp>,
}

/// One route per domain.
pub(crate) struct Routes {
    accounts: Route<Accounts>,
    admission: Route<Admission>,
    escrow: Route<Escrow>,
    key_hierarchy: Route<KeyHierarchy>,
    people: Route<People>,
    pin_recovery: Route<PinRecovery>,
    realms: Route<Realms>,
    records: Route<Records>,
    recovery: Route<Recovery>,
    service_keys: Route<ServiceKeys>,
    sessions: Route<Sessions>,
    sharing: Route<Sharing>,
    vault: Route<Vault>,
}

/// A domain that the engine has actors for.
pub trait Routed: Domain + Sized {
    #[doc(hidden)]
    fn route(routes: &RoutesRef<'_>) -> RouteRef<Self>;
}

#[doc(hidden)]
pub struct RoutesRef<'a>(&'a Arc<Routes>);

#[doc(hidden)]
pub struct RouteRef<D: Domain>(Arc<Routes>, fn(&Routes) -> &Route<D>);

impl<D: Domain> RouteRef<D> {
    fn get(&self) -> &Route<D> {
        (self.1)(&self.0)
    }
}

macro_rules! routed {
    ($($domain:ty => $field:ident),*) => {$(
        impl Routed for $domain {
            fn route(routes: &RoutesRef<'_>) -> RouteRef<Self> {
                RouteRef(routes.0.clone(), |routes| &routes.$field)
            }
        }
    )*};
}

routed!(
    Accounts => accounts,
    Admission => admission,
    Escrow => escrow,
    KeyHierarchy => key_hierarchy,
    People => people,
    PinRecovery => pin_recovery,
    Realms => realms,
    Records => records,
    Recovery => recovery,
    ServiceKeys => service_keys,
    Sessions => sessions,
    Sharing => sharing,
    Vault => vault
);

impl Routes {
    pub(crate) fn new(grounds: &crate::bus::Grounds, couriers: &[Arc<Courier>], limits: &Limits) -> Self {
        Self {
            accounts: Route::new(grounds, couriers, limits.in_flight_max),
            admission: Route::new(grounds, couriers, limits.in_flight_max),
            escrow: Route::new(grounds, couriers, limits.in_flight_max),
            key_hierarchy: Route::new(grounds, couriers, limits.in_flight_max),
            people: Route::new(grounds, couriers, limits.in_flight_max),
            pin_recovery: Route::new(grounds, couriers, limits.in_flight_max),
            realms: Route::new(grounds, couriers, limits.in_flight_max),
            records: Route::new(grounds, couriers, limits.in_flight_max),
            recovery: Route::new(grounds, couriers, limits.in_flight_max),
            service_keys: Route::new(grounds, couriers, limits.in_flight_max),
            sessions: Route::new(grounds, couriers, limits.in_flight_max),
            sharing: Route::new(grounds, couriers, limits.in_flight_max),
            vault: Route::new(grounds, couriers, limits.in_flight_max),
        }
    }

    fn here(&self, courier: &Arc<Courier>) -> Self {
        Self {
            accounts: self.accounts.here(courier),
            admission: self.admission.here(courier),
            escrow: self.escrow.here(courier),
            key_hierarchy: self.key_hierarchy.here(courier),
            people: self.people.here(courier),
            pin_recovery: self.pin_recovery.here(courier),
            realms: self.realms.here(courier),
            records: self.records.here(courier),
            recovery: self.recovery.here(courier),
            service_keys: self.service_keys.here(courier),
            sessions: self.sessions.here(courier),
            sharing: self.sharing.here(courier),
            vault: self.vault.here(courier),
        }
    }

    async fn drain(&self) {
        self.accounts.drain().await;
        self.admission.drain().await;
        self.escrow.drain().await;
        self.key_hierarchy.drain().await;
        self.people.drain().await;
        self.pin_recovery.drain().await;
        self.realms.drain().await;
        self.sessions.drain().await;
        self.records.drain().await;
        self.recovery.drain().await;
        self.service_keys.drain().await;
        self.sharing.drain().await;
        self.vault.drain().await;
    }

    fn in_flight(&self) -> usize {
        self.accounts.in_flight()
            + self.admission.in_flight()
            + self.escrow.in_flight()
            + self.key_hierarchy.in_flight()
            + self.people.in_flight()
            + self.pin_recovery.in_flight()
            + self.realms.in_flight()
            + self.records.in_flight()
            + self.recovery.in_flight()
            + self.service_keys.in_flight()
            + self.sessions.in_flight()
            + self.sharing.in_flight()
            + self.vault.in_flight()
    }
}

/// Who asks, by when, and whether twice is once.
#[derive(Debug, Clone)]
pub struct Asking {
    /// What the caller presents.
    pub credential: Credential,
    /// How long the answer may take; `None` for the engine's default.
    pub within: Option<Duration>,
    /// A retry with the same key gets the first answer.
    pub idempotency: Option<IdempotencyKey>,
}

impl From<Credential> for Asking {
    fn from(credential: Credential) -> Self {
        Self { credential, within: None, idempotency: None }
    }
}

/// How the engine feels.
#[derive(Debug, Clone)]
pub struct Health {
    /// Whether the store answered a read just now.
    pub storage_answers: bool,
    /// What the store says about itself.
    pub storage: Info,
    /// Whether the engine refuses new commands because it is going down.
    pub draining: bool,
    /// Commands in flight.
    pub in_flight: usize,
    /// Lanes in which somebody waits or is being served.
    pub busy_lanes: usize,
    /// Topics that somebody follows.
    pub followed_topics: usize,
}

impl Health {
    /// Whether commands that write can be expected to succeed.
    pub fn is_ready(&self) -> bool {
        self.storage_answers && !self.draining && self.storage.refusing_writes.is_none()
    }
}

/// Asks the engine.
#[derive(Clone)]
pub struct EngineHandle {
    shared: Arc<Shared>,
    couriers: Arc<[Arc<Courier>]>,
    routes: Arc<Routes>,
    /// Where commands go: actors on the caller's own thread, or the engine's.
    nearest: Arc<Routes>,
    draining: Arc<std::sync::atomic::AtomicBool>,
}

impl EngineHandle {
    pub(crate) fn new(shared: Arc<Shared>, couriers: Arc<[Arc<Courier>]>, routes: Arc<Routes>) -> Self {
        let draining = Arc::default();
        Self { shared, couriers, nearest: routes.clone(), routes, draining }
    }

    /// A handle for use on this thread only, which must run an `actix_rt` arbiter: commands are run by actors started
    /// here, so a call never crosses to another thread. Writes are ordered all the same, because all threads share the
    /// engine's lanes.
    #[must_use]
    pub fn at_home(&self) -> Self {
        let courier = Courier::new(self.shared.clone());
        Self { nearest: Arc::new(self.routes.here(&courier)), ..self.clone() }
    }

    /// Commands that were asked, through any handle, and have not been answered yet.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.routes.in_flight()
    }

    /// Asks, and waits for the answer.
    ///
    /// # Errors
    /// What the command says, and [`EngineError::Overloaded`], [`EngineError::Contended`],
    /// [`EngineError::DeadlinePassed`], [`EngineError::OutcomeUnknown`] and the like from the way there.
    pub async fn ask<C: Command>(
        &self,
        asking: impl Into<Asking>,
        command: C,
    ) -> Result<C::Reply, EngineError>
    where
        C::Domain: Routed,
    {
        let Asking { credential, within, idempotency } = asking.into();
        if self.draining.load(std::sync::atomic::Ordering::Acquire) {
            return Err(EngineError::Draining);
        }
        let within = within.unwrap_or(self.shared.limits.deadline_default);
        let deadline = self.shared.time.monotonic().saturating_add(within);
        if let Credential::Signed(request) = &credential {
            self.take_signature(request, deadline).await?;
        }
        self.carry(Caller { credential, deadline, idempotency }, command).await
    }

    /// Takes the signature of a request as a row, where memory is not enough. Otherwise it is taken as the request is
    /// believed.
    async fn take_signature(
        &self,
        request: &Arc<SignedRequest>,
        deadline: Duration,
    ) -> Result<(), EngineError> {
        let signatures = &self.shared.signatures;
        if request.is_spent() {
            return Ok(());
        }
        let stamp = request.stamp(&self.shared.moment()).filter(|(_, at)| signatures.must_be_row(*at));
        let Some((form, at)) = stamp else { return Ok(()) };
        let credential = Credential::Signed(request.clone());
        let signature =
            self.carry(Caller { credential, deadline, idempotency: None }, SpendSignature {}).await?;
        // Somebody else may have told the store the time meanwhile, so that memory was enough.
        if !request.is_spent() {
            // And it was for another copy of the request, if there is one: of those, memory knows the first.
            signatures.take(&signature, form, at, self.now())?;
            request.spend();
        }
        Ok(())
    }

    async fn carry<C: Command>(&self, caller: Caller, command: C) -> Result<C::Reply, EngineError>
    where
        C::Domain: Routed,
    {
        let retry_after = Duration::from_millis(250);
        let lane = match C::KIND {
            Kind::Read => Lane([0; 16]),
            Kind::Write => self.couriers[0].admit(&command, &caller).await?,
        };
        let route = C::Domain::route(&RoutesRef(&self.nearest));
        route.get().ask(command, caller, lane, retry_after).await
    }

    /// Follows a feed from `follow.after` on.
    ///
    /// # Errors
    /// What [`FollowFeed`] answers: the first page is read, and thrown away, to learn that it may be.
    pub async fn subscribe(
        &self,
        credential: Credential,
        follow: FollowFeed,
    ) -> Result<Subscription, EngineError> {
        let me = self.ask(credential.clone(), WhoAmI).await?;
        let owner = match &follow.owner {
            Some(owner) => self.shared.space.account_of(&me.identity.realm, owner),
            None => me.account,
        };
        // Waiting begins before the first look, so that nothing can fall between the two.
        let waiter = self.shared.board.wait_on(keyspace::account_topic(owner));
        let mut follow = follow;
        let page = self.ask(credential.clone(), follow.clone()).await?;
        if follow.after.is_none() {
            follow.after = Some(page.head);
        }
        Ok(Subscription::new(self.clone(), credential, follow, waiter))
    }

    /// That a credential is good now, and what to wait for until it may no longer be.
    async fn standing(&self, credential: &Credential) -> Result<Standing, EngineError> {
        let space = &self.shared.space;
        if let Credential::Signed(_) = credential {
            let KeyInUse { chain, id, expires, .. } =
                self.ask(credential.clone(), WhichServiceKey {}).await?;
            let key = keyspace::account_topic(space.service_account(&chain, &id));
            return Ok(Standing { topics: [key, key], expires });
        }
        let me = self.ask(credential.clone(), WhoAmI).await?;
        let (account, realm) = (keyspace::account_topic(me.account), space.realm_topic(&me.identity.realm));
        Ok(Standing { topics: [account, realm], expires: me.expires })
    }

    /// Returns once `credential` is no longer good, with the reason: it was revoked, it expired, its account ended.
    pub async fn until_refused(&self, credential: Credential) -> EngineError {
        let mut waiters = None;
        loop {
            let wait = match self.standing(&credential).await {
                Err(error) if error.kind() == ErrorKind::Refused => return error,
                Err(_) => Duration::from_millis(500),
                Ok(Standing { topics: [one, other], expires }) => {
                    if waiters.is_none() {
                        waiters = Some((self.shared.board.wait_on(one), self.shared.board.wait_on(other)));
                        continue;
                    }
                    let left = expires.map(|expires| expires.since(self.now()) + Duration::from_millis(1));
                    left.unwrap_or(Duration::MAX).min(self.shared.limits.poll_interval)
                }
            };
            let raised = async {
                match &mut waiters {
                    Some((one, other)) => {
                        tokio::select! { biased; () = one.raised() => (), () = other.raised() => () }
                    }
                    None => std::future::pending().await,
                }
            };
            let _ = tokio::time::timeout(wait, raised).await;
        }
    }

    /// Deletes records by leading parts of their names, commit after commit until all are gone.
    ///
    /// # Errors
    /// What [`ResetRecords`] answers. What earlier commits deleted stays deleted.
    pub async fn reset_records(
        &self,
        asking: Asking,
        prefix: Vec<String>,
        previous: Previous,
    ) -> Result<ResetDone, EngineError> {
        self.in_steps(asking, |from| {
            // Only a whole name has a previous state, and a whole name takes one step.
            let previous = if from.is_none() { previous.clone() } else { Previous::Unsaid };
            ResetRecords { prefix: prefix.clone(), previous, from }
        })
        .await
    }

    /// Takes a recipient out of records by leading parts of their names, commit after commit.
    ///
    /// # Errors
    /// What [`RemoveRecipient`] answers. What earlier commits changed stays changed.
    pub async fn remove_recipient(
        &self,
        asking: Asking,
        prefix: Vec<String>,
        recipient: strongroom_primitives::id::Subject,
    ) -> Result<ResetDone, EngineError> {
        self.in_steps(asking, |from| RemoveRecipient {
            prefix: prefix.clone(),
            recipient: recipient.clone(),
            from,
        })
        .await
    }

    async fn in_steps<C: Command<Reply = ResetDone, Domain = Records>>(
        &self,
        asking: Asking,
        step: impl Fn(Option<Vec<u8>>) -> C,
    ) -> Result<ResetDone, EngineError> {
        let rest = Asking { idempotency: None, ..asking.clone() };
        let mut total = self.ask(asking, step(None)).await?;
        while let Some(next) = total.next.take() {
            let done = self.ask(rest.clone(), step(Some(next))).await?;
            total.count += done.count;
            total.next = done.next;
            total.record = total.record.or(done.record);
        }
        Ok(total)
    }

    /// Ends an account and removes its rows. Returns once none is left.
    ///
    /// # Errors
    /// What [`EraseAccount`] answers. After it has answered, the account has ended even if removing its rows failed:
    /// the sweeper goes on with it.
    pub async fn erase_account(
        &self,
        asking: Asking,
        identity: Option<Identity>,
    ) -> Result<AccountId, EngineError> {
        let account = self.ask(asking, EraseAccount { identity }).await?.account;
        while self.ask(Credential::Node, PurgeAccount { account }).await?.more {}
        Ok(account)
    }

    /// The engine's signature under a record's head.
    pub fn receipt(&self, owner: &Identity, head: &RecordHead) -> Receipt {
        Receipt::sign(&self.shared.secrets, owner, head)
    }

    /// The X25519 public key that sealed channels to this engine's store end at: 32 bytes.
    pub fn channel_key(&self) -> [u8; 32] {
        self.shared.secrets.channel_key()
    }

    /// Takes the first message of a client that wants a sealed channel ([`strongroom_primitives::noise`]); `prologue` is
    /// what both sides hold to be said already.
    ///
    /// # Errors
    /// [`NoiseError::Message`]: it was not made for [`EngineHandle::channel_key`], or not like this.
    pub fn receive_channel(
        &self,
        pattern: Pattern,
        prologue: &[u8],
        message: &[u8],
    ) -> Result<Responder, NoiseError> {
        let drawn = self.shared.entropy.array();
        self.shared.secrets.receive_channel(pattern, prologue, drawn, message)
    }

    /// The X25519 public key that a share is sealed to which this engine's store is to hold itself: 32 bytes.
    pub fn recovery_key(&self) -> [u8; 32] {
        *self.shared.secrets.recovery().public().as_bytes()
    }

    /// The public key of the engine's receipts: Ed25519, 32 bytes.
    pub fn receipt_key(&self) -> [u8; 32] {
        *self.shared.secrets.receipt_key().as_bytes()
    }

    /// The public key of the engine's admission tokens, for services elsewhere that accept them.
    pub fn admission_key(&self) -> VerifyingKey {
        self.shared.secrets.admission_key()
    }

    /// What the engine shows to clients who seal their sessions. Which generation is the current one,
    /// [`ServerIdentity`](crate::domains::sessions::identity::ServerIdentity) tells.
    pub fn identities(&self) -> &Identities {
        self.shared.secrets.identities()
    }

    /// A token that shows a page's script and its browser's cookie to belong together. Every engine over this store
    /// takes it, at any time; it is bound to nobody.
    pub fn page_token(&self) -> [u8; 32] {
        page_token::draw(self.shared.secrets.page_tokens(), self.shared.entropy.array())
    }

    /// Whether a token is one of [`EngineHandle::page_token`].
    pub fn is_page_token(&self, token: &[u8; 32]) -> bool {
        page_token::check(self.shared.secrets.page_tokens(), token)
    }

    /// A nonce for a sign-in with an API key. Every engine over this store takes it.
    pub fn login_nonce(&self) -> LoginNonce {
        LoginNonce::new(self.shared.secrets.login_nonces(), self.now(), self.shared.entropy.array())
    }

    /// Whether a nonce is one of [`EngineHandle::login_nonce`], and still good.
    ///
    /// # Errors
    /// [`EngineError::LoginNonceRefused`].
    pub fn check_login_nonce(&self, nonce: &[u8; 32]) -> Result<(), EngineError> {
        login_nonce::check(self.shared.secrets.login_nonces(), nonce, self.now())
    }

    /// Seals `grant` for a client whose sign-in with an API key was accepted, signed by this generation of the engine's
    /// identity.
    ///
    /// # Errors
    /// [`KeyLoginError::LowOrder`].
    pub fn answer_login(
        &self,
        login: &Verified,
        generation: u32,
        grant: &[u8],
    ) -> Result<Answer, KeyLoginError> {
        let (drawn, nonce) = (self.shared.entropy.array(), self.shared.entropy.array());
        login.answer(grant, drawn, nonce, |bytes| self.identities().sign(generation, bytes))
    }

    /// How the engine feels, asking the store.
    pub async fn health(&self) -> Health {
        let storage_answers = self.shared.storage.get(&[keyspace::format()]).await.is_ok();
        Health {
            storage_answers,
            storage: self.shared.storage.info(),
            draining: self.draining.load(std::sync::atomic::Ordering::Acquire),
            in_flight: self.routes.in_flight(),
            busy_lanes: self.shared.lanes.len(),
            followed_topics: self.shared.board.len(),
        }
    }

    /// The limits in force.
    pub fn limits(&self) -> &Limits {
        &self.shared.limits
    }

    /// The engine's wall time.
    pub fn now(&self) -> Timestamp {
        self.shared.time.now()
    }

    /// How long this engine has yet to refuse signed requests of the present time, because one before it may have taken
    /// them: at most two seconds after its start, and not at all where signatures are rows.
    pub fn signatures_refused_for(&self) -> Duration {
        // Some forms say the time in whole seconds, cut: the first that is past the fence in all of them.
        let first = |fence: Timestamp| Timestamp::from_s(fence.as_s() + 1);
        self.shared.signatures.fence().map_or(Duration::ZERO, |fence| first(fence).since(self.now()))
    }

    /// Refuses new commands, and returns once those in flight have ended.
    pub(crate) async fn drain(&self) {
        self.draining.store(true, std::sync::atomic::Ordering::Release);
        self.routes.drain().await;
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    pub(crate) fn storage(&self) -> &dyn Storage {
        &*self.shared.storage
    }

    pub(crate) fn space(&self) -> &Keyspace {
        &self.shared.space
    }

    pub(crate) fn observer(&self) -> &dyn Observer {
        &*self.shared.observer
    }
}
