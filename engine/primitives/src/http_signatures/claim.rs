//! What a signed request claims, and the three steps in which it comes to be believed.

use std::fmt;
use std::time::Duration;

use sfv::{BareItem, InnerList, ListEntry};

use super::base::{Component, components, signature_base};
use super::digest::Digests;
use super::message::Message;
use super::{
    Algorithm, KEY_ID_CHARS_MAX, NONCE_CHARS_MAX, NONCE_CHARS_MIN, Refusal, Request, SIGNATURES_MAX, TAG,
    VerifyingKey, fields, key,
};
use crate::time::Timestamp;

/// What every request must cover.
pub(super) const COVERS: [&str; 4] = ["@method", "@authority", "@path", "@query"];
/// What a request with a body must cover as well.
pub(super) const BODY_COVERS: [&str; 2] = ["content-type", CONTENT_DIGEST];
pub(super) const CONTENT_DIGEST: &str = "content-digest";

/// What the server demands beyond the signature.
#[derive(Debug, Clone, Copy)]
pub struct Profile<'a> {
    /// The public names of the server, each with its port unless that is the scheme's own.
    pub authorities: &'a [&'a str],
    /// How far `created` may be from now, either way.
    pub window: Duration,
    /// How long after `created` a signature may expire.
    pub life_max: Duration,
}

/// A signed request that keeps the profile's rules. Nothing in it is to be believed before [`Claim::verify`].
pub struct Claim {
    /// Names the key to verify with.
    pub key_id: String,
    /// The algorithm that the signer says it used.
    pub algorithm: Algorithm,
    /// What the signer promises never to use again under this key: 16 to 64 characters.
    pub nonce: String,
    /// When it was signed, in whole seconds.
    pub created: Timestamp,
    expires: Option<Timestamp>,
    label: String,
    base: String,
    signature: Vec<u8>,
    covers_type: bool,
    digests: Option<Digests>,
}

/// A request whose signature is the key's, and whose body is still to come.
#[derive(Debug)]
pub struct Verified<'a>(&'a Claim);

/// A request that is the key's, body and all, once (`key_id`, `nonce`) proves new.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// The key that signed.
    pub key_id: String,
    /// What the signer promises never to use again under this key: 16 to 64 characters.
    pub nonce: String,
    /// When it was signed. After this instant plus the window no request with this nonce is accepted any more.
    pub created: Timestamp,
    /// The last second in which it is good, where it says so.
    pub expires: Option<Timestamp>,
    /// The label of the signature, which a response names when it is bound to it.
    pub label: String,
}

impl Claim {
    /// Takes the request's signature apart and holds it against the profile. Needs neither key nor body.
    ///
    /// # Errors
    /// [`Refusal`], all but those of [`Claim::verify`] and [`Verified::check_body`].
    pub fn read(request: &Request<'_>, profile: &Profile<'_>, now: Timestamp) -> Result<Self, Refusal> {
        let message = Message::Request(request);
        let (label, list, signature) = tagged(message)?;
        let parameters = Given::read(&list)?;
        let created = parameters.created.ok_or(Refusal::ParameterAbsent("created"))?;
        let key_id = parameters.key_id.ok_or(Refusal::ParameterAbsent("keyid"))?;
        let nonce = parameters.nonce.ok_or(Refusal::ParameterAbsent("nonce"))?;
        let algorithm = parameters.algorithm.ok_or(Refusal::ParameterAbsent("alg"))?;
        check_created(created, now, profile.window)?;
        if let Some(expires) = parameters.expires {
            if expires < created || expires.since(created) > profile.life_max {
                return Err(Refusal::Expires);
            }
            if expires.as_s() < now.as_s() {
                return Err(Refusal::Expired);
            }
        }
        let covered = components(&list)?;
        if covered.iter().any(|component| component.of_request || component.member.is_some()) {
            return Err(Refusal::Component);
        }
        let covers = |name: &str| covered.contains(&Component::named(name));
        if let Some(name) = COVERS.into_iter().find(|name| !covers(name)) {
            return Err(Refusal::NotCovered(name));
        }
        let authority = request.normal_authority(request.authority);
        if !profile.authorities.iter().any(|name| request.normal_authority(name) == authority) {
            return Err(Refusal::Authority);
        }
        let digests = if covers(CONTENT_DIGEST) { Digests::read(request.fields)? } else { None };
        let covers_type = covers("content-type");
        let base = signature_base(message, &list)?;
        let expires = parameters.expires;
        Ok(Self { key_id, algorithm, nonce, created, expires, label, base, signature, covers_type, digests })
    }

    /// Checks the signature under the key of [`Claim::key_id`]: under each of them in turn, where it has several. Give
    /// `None` for an id that names nobody: the work is the same and the answer is no.
    ///
    /// # Errors
    /// [`Refusal::Signature`], also for a key of another algorithm than the claim's.
    pub fn verify(&self, verifying_key: Option<VerifyingKey<'_>>) -> Result<Verified<'_>, Refusal> {
        key::verify(self.algorithm, verifying_key, &self.base, &self.signature)?;
        Ok(Verified(self))
    }
}

/// Shows neither the signature nor what it covers: that may be a secret of another field.
impl fmt::Debug for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Claim({} by {:?})", self.algorithm.name(), self.key_id)
    }
}

impl Verified<'_> {
    /// Checks the body as it was received, empty or not, against the signed digest.
    ///
    /// # Errors
    /// [`Refusal::NotCovered`] for a body that the signature does not cover with its type; [`Refusal::Digest`].
    pub fn check_body(self, body: &[u8]) -> Result<Accepted, Refusal> {
        let Claim { key_id, nonce, created, expires, label, covers_type, digests, .. } = self.0;
        match digests {
            None if !body.is_empty() => return Err(Refusal::NotCovered(CONTENT_DIGEST)),
            Some(_) if !body.is_empty() && !covers_type => return Err(Refusal::NotCovered("content-type")),
            Some(digests) => digests.check(body)?,
            None => {}
        }
        Ok(Accepted {
            key_id: key_id.clone(),
            nonce: nonce.clone(),
            created: *created,
            expires: *expires,
            label: label.clone(),
        })
    }
}

/// The one signature of the profile: its label, its covered list and its bytes.
pub(super) fn tagged(message: Message<'_>) -> Result<(String, InnerList, Vec<u8>), Refusal> {
    let inputs = fields::dictionary(message.fields(), "signature-input")?.ok_or(Refusal::NoSignature)?;
    let mut signatures = fields::dictionary(message.fields(), "signature")?.ok_or(Refusal::NoSignature)?;
    if inputs.len().max(signatures.len()) > SIGNATURES_MAX {
        return Err(Refusal::TooMany);
    }
    let mut chosen = None;
    for (label, member) in inputs {
        let ListEntry::InnerList(list) = member else { return Err(Refusal::FieldForm) };
        let tag = list.params.get("tag").and_then(BareItem::as_string);
        if tag.is_some_and(|tag| tag.as_str() == TAG) && chosen.replace((label, list)).is_some() {
            return Err(Refusal::SeveralSignatures);
        }
    }
    let (label, list) = chosen.ok_or(Refusal::NoSignature)?;
    let Some(ListEntry::Item(signature)) = signatures.swap_remove(&label) else {
        return Err(Refusal::NoSignature);
    };
    let signature = signature.bare_item.as_byte_sequence().filter(|_| signature.params.is_empty());
    Ok((label.to_string(), list, signature.ok_or(Refusal::FieldForm)?.to_vec()))
}

pub(super) fn check_created(created: Timestamp, now: Timestamp, window: Duration) -> Result<(), Refusal> {
    if created.since(now).max(now.since(created)) > window { Err(Refusal::Created) } else { Ok(()) }
}

/// The parameters that are there, each in its form.
#[derive(Default)]
pub(super) struct Given {
    pub(super) created: Option<Timestamp>,
    pub(super) expires: Option<Timestamp>,
    pub(super) key_id: Option<String>,
    pub(super) nonce: Option<String>,
    pub(super) algorithm: Option<Algorithm>,
}

impl Given {
    pub(super) fn read(list: &InnerList) -> Result<Self, Refusal> {
        let mut given = Self::default();
        for (name, value) in &list.params {
            match name.as_str() {
                "created" => given.created = Some(seconds("created", value)?),
                "expires" => given.expires = Some(seconds("expires", value)?),
                "keyid" => given.key_id = Some(text("keyid", value, 1, KEY_ID_CHARS_MAX)?),
                "nonce" => given.nonce = Some(text("nonce", value, NONCE_CHARS_MIN, NONCE_CHARS_MAX)?),
                "alg" => {
                    let name = value.as_string().ok_or(Refusal::ParameterForm("alg"))?;
                    given.algorithm = Some(Algorithm::named(name.as_str()).ok_or(Refusal::Algorithm)?);
                }
                "tag" => {}
                _ => return Err(Refusal::ParameterUnknown),
            }
        }
        Ok(given)
    }
}

fn seconds(name: &'static str, value: &BareItem) -> Result<Timestamp, Refusal> {
    let seconds = value.as_integer().and_then(|seconds| u64::try_from(seconds).ok());
    seconds.map(Timestamp::from_s).ok_or(Refusal::ParameterForm(name))
}

fn text(name: &'static str, value: &BareItem, min: usize, max: usize) -> Result<String, Refusal> {
    let text = value.as_string().map(|text| text.as_str()).filter(|text| (min..=max).contains(&text.len()));
    text.map(str::to_owned).ok_or(Refusal::ParameterForm(name))
}
