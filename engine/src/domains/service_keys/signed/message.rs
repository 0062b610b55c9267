//! Requests that are signed by the profile of RFC 9421. Source: `SIGNING.md`.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use bytes::Bytes;
use strongroom_primitives::{
    dc1::KeyId,
    http_signatures::{Claim, Profile, Refusal, Request, VerifyingKey},
    time::Timestamp,
};

use super::{super::KeyKind, Form, SignatureFault};
use crate::command::Moment;

/// How long after its creation a signature may say that it expires. Source: SIGNING.md.
const LIFE_MAX: Duration = Duration::from_secs(300);

/// What was received of a request that is signed by RFC 9421, as its transport found it on the wire. Nothing of it has to
/// be looked at before: what a signature may not cover, or a field that may not come twice, is refused here.
#[derive(Clone)]
pub struct MessageFacts {
    /// The method as received.
    pub method: String,
    /// `https` or `http`: how clients reach the server by its configuration, not how the last proxy does.
    pub scheme: &'static str,
    /// The `Host` field, or the authority of the target where it has one; empty if neither is there.
    pub authority: String,
    /// The public names of the server, by its configuration, each with its port unless that is the scheme's own. A
    /// request for any other name is refused; where there is no name, every request is.
    pub names: Arc<[String]>,
    /// The path of the target as received, still percent-encoded, the mount included.
    pub path: String,
    /// The query as received, without its question mark; `None` when there is no question mark.
    pub query: Option<String>,
    /// All header fields, names in any case. Lines of one name are in the order of the message. What is not UTF-8 may be
    /// replaced by anything that is not ASCII: no signature covers it.
    pub fields: Vec<(String, String)>,
    /// The body after transfer decoding and before any content decoding.
    pub body: Bytes,
}

/// A message, and what it claims once somebody has looked.
pub(super) struct Message {
    facts: MessageFacts,
    claim: OnceLock<Result<Arc<MessageClaim>, Refusal>>,
}

impl Message {
    pub(super) fn new(facts: MessageFacts) -> Self {
        Self { facts, claim: OnceLock::new() }
    }

    pub(super) fn body_bytes(&self) -> usize {
        self.facts.body.len()
    }

    /// What it claims, by the time of the first look: what was in time when it came is not late because it had to wait.
    pub(super) fn claim(&self, moment: &Moment<'_>) -> Result<Arc<MessageClaim>, SignatureFault> {
        let claim = self.claim.get_or_init(|| {
            let claim = self.read(moment.now, Form::Message.window(moment.limits))?;
            let key_id = KeyId::new(&claim.key_id).ok();
            Ok(Arc::new(MessageClaim { claim, key_id, body: self.facts.body.clone() }))
        });
        claim.clone().map_err(SignatureFault::from)
    }

    fn read(&self, now: Timestamp, window: Duration) -> Result<Claim, Refusal> {
        let MessageFacts { method, scheme, authority, names, path, query, fields, .. } = &self.facts;
        let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let names: Vec<_> = names.iter().map(String::as_str).collect();
        let request = Request { method, scheme, authority, path, query: query.as_deref(), fields: &fields };
        Claim::read(&request, &Profile { authorities: &names, window, life_max: LIFE_MAX }, now)
    }
}

/// What a message claims.
pub(super) struct MessageClaim {
    claim: Claim,
    /// The key that is named; `None` for what cannot be the id of one.
    pub(super) key_id: Option<KeyId>,
    body: Bytes,
}

impl MessageClaim {
    pub(super) fn kind(&self) -> KeyKind {
        self.claim.algorithm.into()
    }

    pub(super) fn created(&self) -> Timestamp {
        self.claim.created
    }

    pub(super) fn nonce(&self) -> &str {
        &self.claim.nonce
    }

    /// Whether this key has signed, body and all. `None` for a key that there is not: the work is the same.
    pub(super) fn check(&self, key: Option<VerifyingKey<'_>>) -> Result<(), SignatureFault> {
        self.claim.verify(key)?.check_body(&self.body)?;
        Ok(())
    }
}
