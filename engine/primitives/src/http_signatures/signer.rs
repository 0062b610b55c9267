//! Making the two fields of a signed request.

use std::fmt;

use sfv::{BareItem, InnerList, Integer, Parameters as SfvParameters, String as SfvString};

use super::base::{Component, components, key, signature_base};
use super::claim::{BODY_COVERS, COVERS};
use super::message::Message;
use super::{
    FIELD_BYTES_MAX, KEY_ID_CHARS_MAX, NONCE_CHARS_MAX, NONCE_CHARS_MIN, Refusal, Request, SigningKey, TAG,
    fields,
};
use crate::encoding::to_base64;
use crate::time::Timestamp;

/// The label of the signatures that are made here.
pub const LABEL: &str = "sig";

/// What a signature says of itself. Times are cut to whole seconds.
#[derive(Debug, Clone, Copy)]
pub struct Parameters<'a> {
    /// Names the key: 1 to 128 printable ASCII characters.
    pub key_id: &'a str,
    /// Used once: 16 to 64 printable ASCII characters.
    pub nonce: &'a str,
    /// Now.
    pub created: Timestamp,
    /// The last second in which the signature is good, where it is shorter than the server's window.
    pub expires: Option<Timestamp>,
}

/// The values of the two fields.
#[derive(Clone, PartialEq, Eq)]
pub struct SignatureFields {
    /// `Signature-Input`.
    pub input: String,
    /// `Signature`.
    pub signature: String,
}

/// Shows no signature: whoever reads one in a log before it is spent could spend it.
impl fmt::Debug for SignatureFields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignatureFields").field("input", &self.input).finish_non_exhaustive()
    }
}

/// Signs a request by the profile. With a body, the request's fields must hold `Content-Type` and `Content-Digest`
/// ([`super::content_digest`]). `also` names further components: fields in lower case, or `@target-uri`.
///
/// # Errors
/// [`Refusal`], for what a verifier would refuse whatever the key.
pub fn sign_request(
    request: &Request<'_>,
    has_body: bool,
    also: &[&str],
    parameters: &Parameters<'_>,
    signing_key: &SigningKey<'_>,
) -> Result<SignatureFields, Refusal> {
    let of_body = BODY_COVERS.iter().filter(|_| has_body);
    let covered: Vec<_> =
        COVERS.iter().chain(of_body).chain(also).map(|name| Component::named(name)).collect();
    let length = |text: &str, min: usize, max: usize| (min..=max).contains(&text.len());
    if !length(parameters.key_id, 1, KEY_ID_CHARS_MAX) {
        return Err(Refusal::ParameterForm("keyid"));
    }
    if !length(parameters.nonce, NONCE_CHARS_MIN, NONCE_CHARS_MAX) {
        return Err(Refusal::ParameterForm("nonce"));
    }
    let mut list = SfvParameters::new();
    list.insert(key("created"), seconds("created", parameters.created)?);
    list.insert(key("keyid"), string("keyid", parameters.key_id)?);
    list.insert(key("alg"), string("alg", signing_key.algorithm().name())?);
    if let Some(expires) = parameters.expires {
        list.insert(key("expires"), seconds("expires", expires)?);
    }
    list.insert(key("nonce"), string("nonce", parameters.nonce)?);
    list.insert(key("tag"), string("tag", TAG)?);
    sign(Message::Request(request), &covered, list, signing_key)
}

pub(super) fn sign(
    message: Message<'_>,
    covered: &[Component],
    parameters: SfvParameters,
    signing_key: &SigningKey<'_>,
) -> Result<SignatureFields, Refusal> {
    let items = covered.iter().map(Component::to_item).collect::<Result<Vec<_>, _>>()?;
    let list = InnerList::with_params(items, parameters);
    components(&list)?;
    let signature = signing_key.sign(&signature_base(message, &list)?);
    let input = format!("{LABEL}={}", fields::write_list(list));
    if input.len() > FIELD_BYTES_MAX {
        return Err(Refusal::FieldLength);
    }
    Ok(SignatureFields { input, signature: format!("{LABEL}=:{}:", to_base64(&signature)) })
}

pub(super) fn seconds(name: &'static str, at: Timestamp) -> Result<BareItem, Refusal> {
    Integer::try_from(at.as_s()).map(BareItem::Integer).map_err(|_| Refusal::ParameterForm(name))
}

pub(super) fn string(name: &'static str, text: &str) -> Result<BareItem, Refusal> {
    SfvString::from_string(text.to_owned()).map(BareItem::String).map_err(|_| Refusal::ParameterForm(name))
}
