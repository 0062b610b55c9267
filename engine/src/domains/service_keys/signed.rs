//! A signed request: what its caller shows, and the order in which it is doubted.
//!
//! The first check that fails is the one that is told, in the vendor's order. Before a key is known to have signed, its
//! existence is told to nobody: an unknown key costs what a wrong signature costs. Source: `dialects/dragonchain.md`,
//! sections 3 and 9.

use std::{
    fmt,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use strongroom_primitives::{
    dc1::{
        Authorization, ChainId, KeyId, Parts, Paths, Refusal,
        permissions::{Endpoint, PermissionsDocument},
        read_stamp, verify,
    },
    secret::SecretText,
    time::Timestamp,
};
use thiserror::Error;

use super::{StoredServiceKey, secret::Which};
use crate::{
    command::Moment,
    credential::{Principal, Role},
    error::EngineError,
    keyspace::Keyspace,
};

/// Why a signature is refused, in the order of the checks. Source: dialects/dragonchain.md, section 3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SignatureFault {
    /// Step 1: no chain is named.
    #[error("no chain is named")]
    NoChain,
    /// Step 2: no time is given.
    #[error("no time is given")]
    NoTimestamp,
    /// Step 3: the chain is not served here.
    #[error("the chain is not served here")]
    UnknownChain,
    /// Steps 4 to 8: what the header says. [`Refusal::Mac`] is also said of a key that there is not.
    #[error("the {0}")]
    Header(Refusal),
    /// Step 9: the signature has been taken before.
    #[error("the signature has been taken before")]
    Replayed,
    /// Step 9: the request is older than this engine's memory of what was taken; a newer signature is good.
    #[error("the request was signed before this server was ready for it")]
    BeforeStart,
}

impl SignatureFault {
    pub(crate) fn refusal(self) -> EngineError {
        EngineError::SignatureRefused { fault: self }
    }
}

impl From<Refusal> for SignatureFault {
    fn from(refusal: Refusal) -> Self {
        Self::Header(refusal)
    }
}

/// What was received of a request that is signed with DC1-HMAC, as its transport found it on the wire. A header that
/// came twice is the transport's to refuse.
#[derive(Clone, Default)]
pub struct Dc1Facts {
    /// The `dragonchain` header.
    pub chain: Option<String>,
    /// The `timestamp` header.
    pub timestamp: Option<String>,
    /// The `Authorization` header.
    pub authorization: Option<String>,
    /// The method as received.
    pub verb: String,
    /// The raw request target.
    pub target: String,
    /// The path under which the dialect is served, without a slash at the end.
    pub mount: String,
    /// The `Content-Type` header; empty if there is none.
    pub content_type: String,
    /// The body after transfer decoding and before any content decoding.
    pub body: Bytes,
}

/// A request and how far it has been believed. Whoever asks a command with it makes one for each request that arrived,
/// and never uses it again: its signature is taken once, by this value.
pub struct SignedRequest {
    facts: Dc1Facts,
    /// Which of the key's secrets it was signed with, once that is known.
    proved: OnceLock<u32>,
    /// Whether its signature was taken for it.
    spent: AtomicBool,
}

/// Shows nothing that could be used: a signature in a log could be spent before its owner spends it.
impl fmt::Debug for SignedRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SignedRequest({} body bytes)", self.facts.body.len())
    }
}

impl SignedRequest {
    /// A request that has just arrived.
    #[must_use]
    pub fn dc1(facts: Dc1Facts) -> Arc<Self> {
        Arc::new(Self { facts, proved: OnceLock::new(), spent: AtomicBool::new(false) })
    }

    /// The time that it says, if it says one.
    pub(crate) fn at(&self) -> Option<Timestamp> {
        self.facts.timestamp.as_deref().and_then(|text| read_stamp(text).ok())
    }

    pub(crate) fn is_spent(&self) -> bool {
        self.spent.load(Ordering::Acquire)
    }

    /// Its signature has been taken for it.
    pub(crate) fn spend(&self) {
        self.spent.store(true, Ordering::Release);
    }

    fn parts(&self) -> Parts<'_> {
        let Dc1Facts { chain, timestamp, verb, content_type, body, .. } = &self.facts;
        Parts {
            verb,
            chain: chain.as_deref().unwrap_or_default(),
            timestamp: timestamp.as_deref().unwrap_or_default(),
            content_type,
            body,
        }
    }
}

/// What a request claims, steps 1 to 7. What its header says is told only once the chain is known to be served.
pub(crate) struct Claim {
    pub(crate) chain: ChainId,
    header: Result<Authorization, SignatureFault>,
}

impl Claim {
    /// # Errors
    /// [`SignatureFault`] of steps 1 to 3.
    pub(crate) fn read(
        request: &SignedRequest,
        now: Timestamp,
        window: Duration,
    ) -> Result<Self, SignatureFault> {
        let given = |header: &Option<String>| header.clone().filter(|text| !text.is_empty());
        let chain = given(&request.facts.chain).ok_or(SignatureFault::NoChain)?;
        let timestamp = given(&request.facts.timestamp).ok_or(SignatureFault::NoTimestamp)?;
        let chain = ChainId::new(&chain).map_err(|_| SignatureFault::UnknownChain)?;
        // What was in time when it came is not late because it had to wait.
        let window = if request.proved.get().is_some() { Duration::MAX } else { window };
        let header = request.facts.authorization.as_deref();
        let header = Authorization::read(header, &timestamp, now, window).map_err(SignatureFault::from);
        Ok(Self { chain, header })
    }

    /// The key that is named, if one is.
    pub(crate) fn key_id(&self) -> Option<&KeyId> {
        self.header.as_ref().ok()?.key_id.as_ref()
    }

    /// The caller, as far as it can be guessed before any row was read.
    pub(crate) fn tentative(&self, space: &Keyspace) -> Option<Principal> {
        let header = self.header.as_ref().ok()?;
        let key = header.key_id.clone()?;
        let signature = space.taken(&self.chain, &key, &header.mac);
        let (chain, at) = (self.chain.clone(), header.at);
        let (grant, expires, ends) = (Grant::Nothing, None, None);
        Some(ServiceCaller { chain, key, grant, expires, ends, signature, at, spent: false }.principal(space))
    }
}

/// What a service key may do.
#[derive(Debug, Clone)]
pub(crate) enum Grant {
    /// Everything.
    Root,
    /// What a document says.
    Limited(PermissionsDocument),
    /// Nothing: nobody has looked yet.
    Nothing,
}

/// A service key that has signed.
#[derive(Debug, Clone)]
pub(crate) struct ServiceCaller {
    pub(crate) chain: ChainId,
    pub(crate) key: KeyId,
    pub(crate) grant: Grant,
    /// The last instant at which the key signs, if limited.
    pub(crate) expires: Option<Timestamp>,
    /// The last instant at which the secret signs that it has signed with, if limited.
    pub(crate) ends: Option<Timestamp>,
    /// Its signature, as it is remembered.
    pub(crate) signature: [u8; 16],
    /// The time that the request says.
    pub(crate) at: Timestamp,
    /// Whether its signature was taken for this request.
    pub(crate) spent: bool,
}

impl ServiceCaller {
    pub(crate) fn is_root(&self) -> bool {
        matches!(self.grant, Grant::Root)
    }

    /// Step 10.
    ///
    /// # Errors
    /// [`EngineError::EndpointRefused`].
    pub(crate) fn require(&self, endpoint: Endpoint) -> Result<(), EngineError> {
        let allowed = match &self.grant {
            Grant::Root => true,
            Grant::Limited(document) => document.allows(endpoint),
            Grant::Nothing => false,
        };
        if allowed { Ok(()) } else { Err(EngineError::EndpointRefused { endpoint: endpoint.name() }) }
    }

    pub(crate) fn principal(self, space: &Keyspace) -> Principal {
        let account = space.service_account(&self.chain, &self.key);
        Principal {
            account,
            expires: self.ends,
            service: Some(Arc::new(self)),
            ..Principal::of_role(Role::Service)
        }
    }
}

/// Who has signed, steps 4 to 8. `served`: whether there is the chain; `stored`: the row of the key that is named.
///
/// # Errors
/// [`SignatureFault`] of steps 3 to 8, and [`EngineError::Corrupt`].
pub(crate) fn believed(
    request: &SignedRequest,
    claim: &Claim,
    served: bool,
    stored: Option<StoredServiceKey>,
    moment: &mut Moment<'_>,
) -> Result<ServiceCaller, EngineError> {
    if !served {
        return Err(SignatureFault::UnknownChain.refusal());
    }
    let header = claim.header.as_ref().map_err(|fault| fault.refusal())?;
    let stored = stored.filter(|key| key.is_good(moment.now));
    let generation = match request.proved.get() {
        Some(generation) => Some(*generation),
        None => signed_with(request, claim, header, stored.as_ref(), moment)?,
    };
    let (Some(stored), Some(generation)) = (stored, generation) else {
        return Err(SignatureFault::Header(Refusal::Mac).refusal());
    };
    // It may have been rotated since the signature was looked at.
    let previous =
        stored.previous_at(moment.now).filter(|_| generation.checked_add(1) == Some(stored.generation));
    if generation != stored.generation && previous.is_none() {
        return Err(SignatureFault::Header(Refusal::Mac).refusal());
    }
    let ends = stored.expires.into_iter().chain(previous.map(|previous| previous.until)).min();
    if let Some(ends) = ends {
        moment.relies_on(ends);
    }
    let signature = moment.space.taken(&claim.chain, &stored.id, &header.mac);
    let grant = if stored.root { Grant::Root } else { Grant::Limited(stored.permissions) };
    let _ = request.proved.set(generation);
    Ok(ServiceCaller {
        chain: claim.chain.clone(),
        key: stored.id,
        grant,
        expires: stored.expires,
        ends,
        signature,
        at: header.at,
        spent: request.is_spent(),
    })
}

/// Which generation of the key's secret has signed. Two signatures are looked at before the answer is no, whether the
/// key is unknown, has one secret or two.
fn signed_with(
    request: &SignedRequest,
    claim: &Claim,
    header: &Authorization,
    stored: Option<&StoredServiceKey>,
    moment: &Moment<'_>,
) -> Result<Option<u32>, EngineError> {
    let (parts, paths) = (request.parts(), Paths::of(&request.facts.target, &request.facts.mount));
    let seal = moment.secrets.service_keys();
    let is_by =
        |secret: Option<&SecretText>| verify(header.algorithm, secret, &parts, &paths, &header.mac).is_ok();
    let open = |sealed: Option<(&StoredServiceKey, u32, &[u8])>| match sealed {
        Some((key, generation, sealed)) => {
            seal.open(Which { chain: &claim.chain, key: &key.id, generation }, sealed).map(Some)
        }
        None => {
            let nobody = KeyId::draw(&[0; 32]);
            seal.open_none(Which { chain: &claim.chain, key: &nobody, generation: 0 });
            Ok(None)
        }
    };
    let present = stored.map(|key| (key, key.generation, &*key.secret));
    if is_by(open(present)?.as_ref()) {
        return Ok(present.map(|(_, generation, _)| generation));
    }
    let previous = stored.and_then(|key| {
        let previous = key.previous_at(moment.now)?;
        Some((key, key.generation.checked_sub(1)?, &*previous.secret))
    });
    let by_previous = is_by(open(previous)?.as_ref());
    Ok(previous.filter(|_| by_previous).map(|(_, generation, _)| generation))
}
