//! From what a request says to the key that has signed it.

use std::{
    borrow::Cow,
    sync::{Arc, LazyLock},
    time::Duration,
};

use strongroom_primitives::{
    dc1::{Authorization, ChainId, KeyId, Refusal},
    http_signatures::{self, VerifyingKey},
    secret::Secret,
    time::Timestamp,
};
use strongroom_storage::Key;

use super::{
    super::{
        Grant, KeyKind, ServiceCaller, StoredServiceKey, rows::Held, rows::StoredKeyPlace, secret::Which,
    },
    Dc1Facts, Facts, Form, SignatureFault, SignedRequest,
    message::MessageClaim,
};
use crate::{
    command::{Moment, Reads, View},
    credential::Principal,
    error::EngineError,
    keyspace::Keyspace,
};

/// A key that there is not, where somebody looks for one all the same.
static NOBODY: LazyLock<(ChainId, KeyId)> =
    LazyLock::new(|| (ChainId::draw(&[0; 32]), KeyId::draw(&[0; 32])));

/// What a request claims.
pub(crate) struct Claim {
    /// The chain that it names. Where it names a key alone: the chain in which that was found last.
    chain: Option<ChainId>,
    /// What is wrong with a header of DC1-HMAC is told only once the chain is known to be served.
    said: Result<Said, SignatureFault>,
    /// Those of that chain, or of a chain that there is not.
    vouchers: Vouchers,
}

/// Which rows vouch for a claim, if its key is one of a certain chain. Spelled once: that takes a keyed hash for each
/// part.
#[derive(Clone)]
pub(crate) struct Vouchers {
    /// The row of the chain.
    pub(crate) chain: Key,
    /// The row of the key, if one is named.
    pub(crate) key: Option<Key>,
}

impl Vouchers {
    fn new(said: &Result<Said, SignatureFault>, chain: &ChainId, space: &Keyspace) -> Self {
        let key = said.as_ref().ok().and_then(Said::key_id);
        Self { chain: space.chain(chain), key: key.map(|key| space.service_key(chain, key)) }
    }

    pub(crate) fn reads(&self) -> Reads {
        let reads = Reads::one(self.chain.clone());
        match &self.key {
            Some(key) => reads.row(key.clone()),
            None => reads,
        }
    }
}

enum Said {
    Dc1(Arc<Dc1Facts>, Authorization),
    Message(Arc<MessageClaim>),
}

impl Said {
    fn key_id(&self) -> Option<&KeyId> {
        match self {
            Self::Dc1(_, header) => header.key_id.as_ref(),
            Self::Message(message) => message.key_id.as_ref(),
        }
    }

    fn form(&self) -> Form {
        match self {
            Self::Dc1(..) => Form::Dc1,
            Self::Message(_) => Form::Message,
        }
    }

    /// The one kind of keys that can have signed it.
    fn kind(&self) -> KeyKind {
        match self {
            Self::Dc1(..) => KeyKind::Dc1Hmac,
            Self::Message(message) => message.kind(),
        }
    }

    fn at(&self) -> Timestamp {
        match self {
            Self::Dc1(_, header) => header.at,
            Self::Message(message) => message.created(),
        }
    }

    /// It as it is remembered.
    fn taken(&self, chain: &ChainId, key: &KeyId, space: &Keyspace) -> [u8; 16] {
        match self {
            Self::Dc1(_, header) => space.taken(chain, key, &header.mac),
            Self::Message(message) => space.taken_nonce(key, message.nonce()),
        }
    }

    /// The one answer for a key that there is not and for every key that has not signed it.
    fn not_signed(&self) -> SignatureFault {
        match self {
            Self::Dc1(..) => Refusal::Mac.into(),
            Self::Message(_) => http_signatures::Refusal::Signature.into(),
        }
    }

    /// Whether what is held of a key has signed it. `None` for a key that there is not: the work is the same.
    ///
    /// # Errors
    /// [`EngineError::SignatureRefused`] and [`EngineError::Corrupt`].
    fn check(&self, held: Option<(Which<'_>, &Held)>, moment: &Moment<'_>) -> Result<(), EngineError> {
        if let (Self::Message(message), KeyKind::Ed25519) = (self, self.kind()) {
            let key = held.map(|(_, held)| held.public_key().ok_or(EngineError::Corrupt)).transpose()?;
            return message.check(key.map(VerifyingKey::Ed25519)).map_err(SignatureFault::refusal);
        }
        let seal = moment.secrets.service_keys();
        let secret = match held {
            Some((which, held)) => Some(seal.open(which, held)?),
            None => {
                let (chain, key) = &*NOBODY;
                seal.open_none(Which { chain, key, kind: self.kind(), generation: 0 });
                None
            }
        };
        let verdict = match self {
            Self::Dc1(facts, header) => facts.check(header, secret.as_ref()),
            Self::Message(message) => {
                let secret = secret.map(|text| Secret::from(text.expose().as_bytes()));
                message.check(secret.as_ref().map(VerifyingKey::HmacSha256))
            }
        };
        verdict.map_err(SignatureFault::refusal)
    }
}

impl Claim {
    /// Reads what the request says. `found`: the chain in which a key that is named alone was found last.
    ///
    /// # Errors
    /// [`SignatureFault`] of steps 1 to 3, and what a message says that is refused whatever the key.
    pub(crate) fn read(
        request: &SignedRequest,
        moment: &Moment<'_>,
        found: impl FnOnce(&KeyId) -> Option<ChainId>,
    ) -> Result<Self, SignatureFault> {
        let facts = match &request.facts {
            Facts::Dc1(facts) => facts,
            Facts::Message(message) => {
                let claim = message.claim(moment)?;
                let chain = claim.key_id.as_ref().and_then(found);
                return Ok(Self::new(chain, Ok(Said::Message(claim)), moment.space));
            }
        };
        let given = |header: &Option<String>| header.clone().filter(|text| !text.is_empty());
        let chain = given(&facts.chain).ok_or(SignatureFault::NoChain)?;
        let timestamp = given(&facts.timestamp).ok_or(SignatureFault::NoTimestamp)?;
        let chain = ChainId::new(&chain).map_err(|_| SignatureFault::UnknownChain)?;
        // What was in time when it came is not late because it had to wait.
        let window =
            if request.proved.get().is_some() { Duration::MAX } else { Form::Dc1.window(moment.limits) };
        let header = Authorization::read(facts.authorization.as_deref(), &timestamp, moment.now, window);
        let said = header.map(|header| Said::Dc1(facts.clone(), header)).map_err(SignatureFault::from);
        Ok(Self::new(Some(chain), said, moment.space))
    }

    fn new(chain: Option<ChainId>, said: Result<Said, SignatureFault>, space: &Keyspace) -> Self {
        let vouchers = Vouchers::new(&said, chain.as_ref().unwrap_or(&NOBODY.0), space);
        Self { chain, said, vouchers }
    }

    /// The key that is named, if one is.
    pub(crate) fn key_id(&self) -> Option<&KeyId> {
        self.said.as_ref().ok()?.key_id()
    }

    /// The key that is named, where it is named without its chain.
    fn named_alone(&self) -> Option<&KeyId> {
        self.said.as_ref().ok().filter(|said| said.form() == Form::Message)?.key_id()
    }

    /// The caller, as far as it can be guessed before any row was read.
    pub(crate) fn tentative(&self, space: &Keyspace) -> Option<Principal> {
        let said = self.said.as_ref().ok()?;
        let (chain, key) = (self.chain.clone()?, said.key_id()?.clone());
        let signature = said.taken(&chain, &key, space);
        let caller = ServiceCaller {
            chain,
            key,
            grant: Grant::Nothing,
            expires: None,
            ends: None,
            form: said.form(),
            signature,
            at: said.at(),
            spent: false,
        };
        Some(caller.principal(space))
    }

    /// The rows that vouch for it, where they were found last. Where nobody knows yet, rows that are not there are
    /// looked at, so that an id that names nobody is not told from one that does by what is read.
    pub(crate) fn reads(&self, space: &Keyspace) -> Reads {
        let reads = self.vouchers.reads();
        match self.named_alone() {
            // An id says the same for ever, so nothing is lost by not guarding it.
            Some(key) => reads.hint(space.key_place(key)),
            None => reads,
        }
    }

    /// The rows that vouch for it, if its key is one of this chain.
    pub(crate) fn vouchers_in(&self, chain: &ChainId, space: &Keyspace) -> Cow<'_, Vouchers> {
        if self.chain.as_ref() == Some(chain) {
            Cow::Borrowed(&self.vouchers)
        } else {
            Cow::Owned(Vouchers::new(&self.said, chain, space))
        }
    }

    /// The chain of its key, by what it says or by what the row of the id says. `None` if the id names nobody.
    ///
    /// # Errors
    /// [`EngineError::Corrupt`].
    pub(crate) fn chain(&self, view: &View<'_>, space: &Keyspace) -> Result<Option<ChainId>, EngineError> {
        match (&self.said, self.named_alone()) {
            (_, Some(key)) => {
                let place: Option<StoredKeyPlace> = view.row(&space.key_place(key))?;
                Ok(place.map(|place| place.chain))
            }
            (Ok(Said::Message(_)), None) => Ok(None),
            _ => Ok(self.chain.clone()),
        }
    }
}

/// Who has signed. `served`: the chain of the key, if there is one; `stored`: the key's row.
///
/// # Errors
/// [`SignatureFault`] of all steps but the last, and [`EngineError::Corrupt`].
pub(crate) fn believed(
    request: &SignedRequest,
    claim: &Claim,
    served: Option<ChainId>,
    stored: Option<Arc<StoredServiceKey>>,
    moment: &mut Moment<'_>,
) -> Result<ServiceCaller, EngineError> {
    let is_message = matches!(&claim.said, Ok(said) if said.form() == Form::Message);
    if served.is_none() && !is_message {
        return Err(SignatureFault::UnknownChain.refusal());
    }
    let said = claim.said.as_ref().map_err(|fault| fault.refusal())?;
    let found = served.zip(stored).filter(|(_, key)| key.kind == said.kind() && key.is_good(moment.now));
    let found = found.as_ref().map(|(chain, key)| (chain, &**key));
    let generation = match request.proved.get() {
        Some(generation) => *generation,
        None => signed_with(said, found, moment)?,
    };
    let (chain, stored) = found.ok_or_else(|| said.not_signed().refusal())?;
    // It may have been rotated since the signature was looked at.
    let previous =
        stored.previous_at(moment.now).filter(|_| generation.checked_add(1) == Some(stored.generation));
    if generation != stored.generation && previous.is_none() {
        return Err(said.not_signed().refusal());
    }
    let ends = stored.expires.into_iter().chain(previous.map(|previous| previous.until)).min();
    if let Some(ends) = ends {
        moment.relies_on(ends);
    }
    let _ = request.proved.set(generation);
    Ok(ServiceCaller {
        chain: chain.clone(),
        key: stored.id.clone(),
        grant: if stored.root { Grant::Root } else { Grant::Limited(stored.permissions.clone()) },
        expires: stored.expires,
        ends,
        form: said.form(),
        signature: said.taken(chain, &stored.id, moment.space),
        at: said.at(),
        spent: request.is_spent(),
    })
}

/// Which generation of what the key signs with has signed. Two signatures are looked at before the answer is no, whether
/// the key is unknown, has one secret or public key, or two.
fn signed_with(
    said: &Said,
    found: Option<(&ChainId, &StoredServiceKey)>,
    moment: &Moment<'_>,
) -> Result<u32, EngineError> {
    let which = |generation| {
        let (chain, key) = found?;
        Some(Which { chain, key: &key.id, kind: key.kind, generation })
    };
    let present = found.and_then(|(_, key)| Some((which(key.generation)?, &key.held)));
    let previous = found.and_then(|(_, key)| {
        let previous = key.previous_at(moment.now)?;
        Some((which(key.generation.checked_sub(1)?)?, &previous.held))
    });
    let not_signed = said.not_signed().refusal();
    for held in [present, previous] {
        match (said.check(held, moment), held) {
            (Ok(()), Some((which, _))) => return Ok(which.generation),
            (Err(refusal), _) if refusal != not_signed => return Err(refusal),
            _ => {}
        }
    }
    Err(not_signed)
}
