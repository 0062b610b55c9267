//! Responses that are signed and bound to the request that they answer.
//!
//! The signature covers the status, the request's own signature and, where there is a body, its type and digest. As the
//! request's signature is over a nonce, no response answers two requests.

use std::time::Duration;

use sfv::Parameters as SfvParameters;

use super::base::{Component, components, key as name, signature_base};
use super::claim::{BODY_COVERS, CONTENT_DIGEST, Given, check_created, tagged};
use super::digest::Digests;
use super::message::Message;
use super::signer::{seconds, sign, string};
use super::{Refusal, Response, SignatureFields, SigningKey, TAG, VerifyingKey, key};
use crate::time::Timestamp;

/// Signs a response to the request whose signature has `label`. With a body, the response's fields must hold
/// `Content-Type` and `Content-Digest`.
///
/// # Errors
/// [`Refusal`], for what a client would refuse whatever the key.
pub fn sign_response(
    response: &Response<'_>,
    has_body: bool,
    label: &str,
    key_id: &str,
    created: Timestamp,
    signing_key: &SigningKey<'_>,
) -> Result<SignatureFields, Refusal> {
    let of_body = BODY_COVERS.iter().filter(|_| has_body).map(|name| Component::named(name));
    let covered: Vec<_> = required(label).into_iter().chain(of_body).collect();
    let mut parameters = SfvParameters::new();
    parameters.insert(name("created"), seconds("created", created)?);
    parameters.insert(name("keyid"), string("keyid", key_id)?);
    parameters.insert(name("alg"), string("alg", signing_key.algorithm().name())?);
    parameters.insert(name("tag"), string("tag", TAG)?);
    sign(Message::Response(response), &covered, parameters, signing_key)
}

/// Checks that a response is the server's answer to the request that was signed under `label`.
///
/// # Errors
/// [`Refusal`]. Nothing of a refused response is to be used.
pub fn check_response(
    response: &Response<'_>,
    body: &[u8],
    label: &str,
    server: VerifyingKey<'_>,
    now: Timestamp,
    window: Duration,
) -> Result<(), Refusal> {
    let message = Message::Response(response);
    let (_, list, signature) = tagged(message)?;
    let given = Given::read(&list)?;
    check_created(given.created.ok_or(Refusal::ParameterAbsent("created"))?, now, window)?;
    let algorithm = given.algorithm.ok_or(Refusal::ParameterAbsent("alg"))?;
    let covered = components(&list)?;
    for (component, called) in required(label).iter().zip(["@status", "signature"]) {
        if !covered.contains(component) {
            return Err(Refusal::NotCovered(called));
        }
    }
    let uncovered = BODY_COVERS.into_iter().find(|name| !covered.contains(&Component::named(name)));
    if let Some(name) = uncovered.filter(|_| !body.is_empty()) {
        return Err(Refusal::NotCovered(name));
    }
    key::verify(algorithm, Some(server), &signature_base(message, &list)?, &signature)?;
    if covered.contains(&Component::named(CONTENT_DIGEST)) {
        Digests::read(response.fields)?.ok_or(Refusal::FieldAbsent)?.check(body)?;
    }
    Ok(())
}

fn required(label: &str) -> [Component; 2] {
    let bound =
        Component { of_request: true, member: Some(label.to_owned()), ..Component::named("signature") };
    [Component::named("@status"), bound]
}
