//! HTTP message signatures (RFC 9421) of ours, for a peer in another language: one task as JSON on standard input, one
//! answer as JSON on standard output. `tests/clients/signatures` holds published packages against it.
//!
//! | task | answer |
//! |---|---|
//! | `{"sign": {request, key, parameters, also?}}` | the request with its new fields |
//! | `{"verify": {request, key, now, authorities}}` | `{"accepted": {..}}` or `{"refused": "why"}` |
//! | `{"sign_response": {request, response, label, key, parameters}}` | the response with its new fields |
//! | `{"check_response": {request, response, label, key, now}}` | `{"accepted": {}}` or `{"refused": "why"}` |
//!
//! Times are Unix seconds; keys are base64: the secret of `hmac-sha256`, and of `ed25519` PKCS#8 to sign and SPKI to
//! verify. There is no clock and no memory here. A task that cannot be read is a line on standard error and exit code 1.

use std::error::Error;
use std::io::{Read, stdin};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use strongroom_primitives::encoding::from_base64;
use strongroom_primitives::http_signatures::{
    Claim, DigestAlgorithm, Parameters, Profile, Refusal, Request, Response, SignatureFields, SigningKey,
    VerifyingKey, check_response, content_digest, sign_request, sign_response,
};
use strongroom_primitives::secret::Secret;
use strongroom_primitives::sign;
use strongroom_primitives::time::Timestamp;

const TASK_BYTES_MAX: u64 = 1024 * 1024;
/// As the profile has them unless an operator says otherwise.
const WINDOW: Duration = Duration::from_secs(60);
const LIFE_MAX: Duration = Duration::from_secs(300);

#[derive(Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Task {
    Sign {
        request: Letter,
        key: Key,
        parameters: Said,
        #[serde(default)]
        also: Vec<String>,
    },
    Verify {
        request: Letter,
        key: Key,
        now: u64,
        authorities: Vec<String>,
    },
    SignResponse {
        request: Letter,
        response: Reply,
        label: String,
        key: Key,
        parameters: SaidOfResponse,
    },
    CheckResponse {
        request: Letter,
        response: Reply,
        label: String,
        key: Key,
        now: u64,
    },
}

type Fields = Vec<(String, String)>;

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Letter {
    method: String,
    /// Absolute, with a path.
    url: String,
    fields: Fields,
    body: String,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Reply {
    status: u16,
    fields: Fields,
    body: String,
}

#[derive(Deserialize)]
#[serde(tag = "algorithm", deny_unknown_fields)]
enum Key {
    #[serde(rename = "hmac-sha256")]
    HmacSha256 { key: String },
    #[serde(rename = "ed25519")]
    Ed25519 { key: String },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Said {
    key_id: String,
    nonce: String,
    created: u64,
    expires: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SaidOfResponse {
    key_id: String,
    created: u64,
}

type Anything<T> = Result<T, Box<dyn Error>>;

fn main() -> Anything<()> {
    let mut text = String::new();
    stdin().take(TASK_BYTES_MAX).read_to_string(&mut text)?;
    println!("{}", serde_json::from_str::<Task>(&text)?.done()?);
    Ok(())
}

impl Task {
    fn done(self) -> Anything<Value> {
        match self {
            Self::Sign { mut request, key, parameters, also } => {
                let Said { key_id, nonce, created, expires } = &parameters;
                let parameters = Parameters {
                    key_id,
                    nonce,
                    created: Timestamp::from_s(*created),
                    expires: expires.map(Timestamp::from_s),
                };
                let also: Vec<_> = also.iter().map(String::as_str).collect();
                let has_body = add_digest(&mut request.fields, &request.body);
                let made = key.sign(|key| {
                    request.with(|request| Ok(sign_request(request, has_body, &also, &parameters, key)?))
                })?;
                add_signature(&mut request.fields, made);
                Ok(serde_json::to_value(request)?)
            }
            Self::Verify { request, key, now, authorities } => {
                let authorities: Vec<_> = authorities.iter().map(String::as_str).collect();
                let profile = Profile { authorities: &authorities, window: WINDOW, life_max: LIFE_MAX };
                key.verify(|key| {
                    let read =
                        request.with(|request| Ok(Claim::read(request, &profile, Timestamp::from_s(now))))?;
                    let accepted = read
                        .and_then(|claim| claim.verify(Some(key))?.check_body(request.body.as_bytes()))
                        .map(|accepted| {
                            json!({
                                "key_id": accepted.key_id,
                                "nonce": accepted.nonce,
                                "created": accepted.created.as_s(),
                                "expires": accepted.expires.map(Timestamp::as_s),
                                "label": accepted.label,
                            })
                        });
                    Ok(verdict(accepted))
                })
            }
            Self::SignResponse { request, mut response, label, key, parameters } => {
                let SaidOfResponse { key_id, created } = &parameters;
                let created = Timestamp::from_s(*created);
                let has_body = add_digest(&mut response.fields, &response.body);
                let made = key.sign(|key| {
                    response.with(&request, |response| {
                        Ok(sign_response(response, has_body, &label, key_id, created, key)?)
                    })
                })?;
                add_signature(&mut response.fields, made);
                Ok(serde_json::to_value(response)?)
            }
            Self::CheckResponse { request, response, label, key, now } => key.verify(|key| {
                let now = Timestamp::from_s(now);
                let body = response.body.as_bytes();
                response.with(&request, |response| {
                    let checked = check_response(response, body, &label, key, now, WINDOW);
                    Ok(verdict(checked.map(|()| json!({}))))
                })
            }),
        }
    }
}

fn verdict(accepted: Result<Value, Refusal>) -> Value {
    match accepted {
        Ok(accepted) => json!({ "accepted": accepted }),
        Err(refusal) => json!({ "refused": refusal.to_string() }),
    }
}

/// Whether there is a body, whose digest stands among the fields now.
fn add_digest(fields: &mut Fields, body: &str) -> bool {
    if !body.is_empty() {
        let digest = content_digest(DigestAlgorithm::Sha256, body.as_bytes());
        fields.push(("Content-Digest".to_owned(), digest));
    }
    !body.is_empty()
}

fn add_signature(fields: &mut Fields, made: SignatureFields) {
    fields.push(("Signature-Input".to_owned(), made.input));
    fields.push(("Signature".to_owned(), made.signature));
}

fn borrowed(fields: &Fields) -> Vec<(&str, &str)> {
    fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

impl Letter {
    fn with<T>(&self, use_it: impl FnOnce(&Request<'_>) -> Anything<T>) -> Anything<T> {
        let (scheme, rest) = self.url.split_once("://").ok_or("a URL has a scheme")?;
        let (authority, _) = rest.split_once('/').ok_or("a URL has a path")?;
        let (path, query) = match rest[authority.len()..].split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (&rest[authority.len()..], None),
        };
        let fields = borrowed(&self.fields);
        use_it(&Request { method: &self.method, scheme, authority, path, query, fields: &fields })
    }
}

impl Reply {
    fn with<T>(&self, request: &Letter, use_it: impl FnOnce(&Response<'_>) -> Anything<T>) -> Anything<T> {
        let fields = borrowed(&self.fields);
        request.with(|request| use_it(&Response { status: self.status, fields: &fields, request }))
    }
}

impl Key {
    fn sign<T>(&self, use_it: impl FnOnce(&SigningKey<'_>) -> Anything<T>) -> Anything<T> {
        match self {
            Self::HmacSha256 { key } => use_it(&SigningKey::HmacSha256(&Secret::new(from_base64(key)?))),
            Self::Ed25519 { key } => {
                use_it(&SigningKey::Ed25519(&sign::SigningKey::from_pkcs8(&from_base64(key)?)?))
            }
        }
    }

    fn verify<T>(&self, use_it: impl FnOnce(VerifyingKey<'_>) -> Anything<T>) -> Anything<T> {
        match self {
            Self::HmacSha256 { key } => use_it(VerifyingKey::HmacSha256(&Secret::new(from_base64(key)?))),
            Self::Ed25519 { key } => {
                use_it(VerifyingKey::Ed25519(&sign::VerifyingKey::from_spki(&from_base64(key)?)?))
            }
        }
    }
}
