//! A signed request: what its caller shows, in one of two forms, and how far it has been believed.
//!
//! | form | the key is named by | two requests are one if they have the same |
//! |---|---|---|
//! | DC1-HMAC ([`Dc1Facts`]) | chain and key id | chain, key id and HMAC |
//! | RFC 9421 ([`MessageFacts`]) | key id alone | key id and nonce |
//!
//! Both are doubted in one order, in `claim`: what they say by themselves, whether the key has signed it, whether it was
//! seen before. The first check that fails is the one that is told. Before a key is known to have signed, its existence
//! is told to nobody: an unknown key, a key of another kind and a wrong signature are one answer and one work.
//! Sources: `dialects/dragonchain.md`, sections 3 and 9; `SIGNING.md`.

mod claim;
mod dc1;
mod message;

use std::{
    fmt,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use serde::{Deserialize, Serialize};
use strongroom_primitives::{
    dc1::{Refusal, read_stamp},
    http_signatures,
    time::Timestamp,
};
use thiserror::Error;

pub(crate) use claim::{Claim, believed};
pub use dc1::Dc1Facts;
pub use message::MessageFacts;

use self::message::Message;
use crate::{command::Moment, error::EngineError, limits::Limits};

/// How much longer than its window a signature is remembered: for clocks that are apart. Source:
/// dialects/dragonchain.md, section 9.
pub(crate) const SIGNATURE_SLACK: Duration = Duration::from_secs(60);

/// Why a signature is refused, in the order of the checks.
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
    /// Steps 4 to 8: what the header says. [`Refusal::Mac`] is also said of a key that there is not, or is of another
    /// kind.
    #[error("the {0}")]
    Header(Refusal),
    /// What a message signature says, in the order of [`http_signatures`]. [`http_signatures::Refusal::Signature`] is
    /// also said of a key that there is not, or is of another kind.
    #[error("{0}")]
    Message(http_signatures::Refusal),
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

impl From<http_signatures::Refusal> for SignatureFault {
    fn from(refusal: http_signatures::Refusal) -> Self {
        Self::Message(refusal)
    }
}

/// The form of a signed request. Each has a window of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Form {
    /// DC1-HMAC.
    Dc1,
    /// RFC 9421.
    Message,
}

impl Form {
    /// How far a request's time may lie from now, either way.
    pub(crate) fn window(self, limits: &Limits) -> Duration {
        match self {
            Self::Dc1 => limits.signature_window,
            Self::Message => limits.message_signature_window,
        }
    }

    /// The widest window that a row of the form is kept for at least, whatever the limits say now: a wider one may have
    /// been in force, or may be after the next start. Source: dialects/dragonchain.md, section 3; SIGNING.md.
    pub(super) const fn window_kept(self) -> Duration {
        match self {
            Self::Dc1 => Duration::from_secs(600),
            Self::Message => Duration::from_secs(300),
        }
    }
}

/// A request and how far it has been believed. Whoever asks a command with it makes one for each request that arrived:
/// its signature is taken once, by this value and with the first command that is answered. Whatever is asked with it
/// afterwards looks at the key's row again, so one value may stand for all messages of a connection that a signed
/// request has opened: it ends with the key, not with the window. Of commands that are asked before the first is
/// answered, one may be refused as [`SignatureFault::Replayed`].
pub struct SignedRequest {
    facts: Facts,
    /// Which of the key's secrets or public keys it was signed with, once that is known.
    proved: OnceLock<u32>,
    /// Whether its signature was taken for it.
    spent: AtomicBool,
}

enum Facts {
    Dc1(Arc<Dc1Facts>),
    Message(Box<Message>),
}

/// Shows nothing that could be used: a signature in a log could be spent before its owner spends it.
impl fmt::Debug for SignedRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let body_bytes = match &self.facts {
            Facts::Dc1(facts) => facts.body.len(),
            Facts::Message(message) => message.body_bytes(),
        };
        write!(f, "SignedRequest({body_bytes} body bytes)")
    }
}

impl SignedRequest {
    /// A request that has just arrived, signed with DC1-HMAC.
    #[must_use]
    pub fn dc1(facts: Dc1Facts) -> Arc<Self> {
        Self::arrived(Facts::Dc1(Arc::new(facts)))
    }

    /// A request that has just arrived, signed by the profile of RFC 9421 ([`http_signatures`]).
    #[must_use]
    pub fn message(facts: MessageFacts) -> Arc<Self> {
        Self::arrived(Facts::Message(Box::new(Message::new(facts))))
    }

    fn arrived(facts: Facts) -> Arc<Self> {
        Arc::new(Self { facts, proved: OnceLock::new(), spent: AtomicBool::new(false) })
    }

    /// Its form and the time that it says, if it says one.
    pub(crate) fn stamp(&self, moment: &Moment<'_>) -> Option<(Form, Timestamp)> {
        match &self.facts {
            Facts::Dc1(facts) => {
                let at = facts.timestamp.as_deref().and_then(|text| read_stamp(text).ok())?;
                Some((Form::Dc1, at))
            }
            Facts::Message(message) => Some((Form::Message, message.claim(moment).ok()?.created())),
        }
    }

    pub(crate) fn is_spent(&self) -> bool {
        self.spent.load(Ordering::Acquire)
    }

    /// Its signature has been taken for it.
    pub(crate) fn spend(&self) {
        self.spent.store(true, Ordering::Release);
    }
}
