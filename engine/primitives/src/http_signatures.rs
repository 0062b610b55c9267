//! HTTP Message Signatures (RFC 9421) by one profile: requests signed with a key, and responses bound to them.
//!
//! ```text
//! client                                            server
//! sign_request                        ->   Claim::read      what stands in the fields, and the profile's rules
//!                                          Claim::verify    the signature, under the key that the claim names
//!                                          Verified::check_body   the bytes that came, under the signed digest
//! check_response                      <-   sign_response
//! ```
//!
//! | rule | |
//! |---|---|
//! | signature | the one with `tag="strongroom"`; several with it are refused |
//! | covered | `@method`, `@authority`, `@path`, `@query`, and more if the signer likes |
//! | covered with a body | `content-type` and `content-digest` as well |
//! | parameters | `created`, `keyid`, `nonce` (16 to 64 characters), `alg`, `tag`; perhaps `expires` |
//! | algorithms | `ed25519`, `hmac-sha256`: the one of the key, never the one of the header alone |
//! | `@authority` | one of the configured public names |
//!
//! No clock and no memory: the caller says what time it is, and remembers (`key_id`, `nonce`) of an [`Accepted`] request
//! until `created` plus the window, as one atomic step.
//!
//! Believe this: what is verified is the received text. A `Signature-Input` or `Signature` field that is not its own
//! serialization (RFC 9651, section 4.1) is refused, so there is one spelling, parameters keep the order in which the
//! signer wrote them, and nothing stands there twice. Source: `SIGNING.md`.

mod base;
mod claim;
mod digest;
mod fields;
mod key;
mod message;
mod response;
mod signer;

pub use self::claim::{Accepted, Claim, Profile, Verified};
pub use self::digest::{DigestAlgorithm, check_content_digest, content_digest};
pub use self::key::{Algorithm, SigningKey, VerifyingKey};
pub use self::message::{Request, Response};
pub use self::response::{check_response, sign_response};
pub use self::signer::{LABEL, Parameters, SignatureFields, sign_request};

/// The `tag` of every signature of the profile.
pub const TAG: &str = "strongroom";
/// The value of `Accept-Signature` (RFC 9421, section 5.1) for an answer that refuses a request: what every signature
/// covers and says of itself.
pub const ACCEPT_SIGNATURE: &str = r#"sig=("@method" "@authority" "@path" "@query" "content-type" "content-digest");created;tag="strongroom""#;
/// Longest `Signature-Input`, `Signature` or `Content-Digest` that is looked at, in bytes, all its lines together.
pub const FIELD_BYTES_MAX: usize = 4 * 1024;
/// Most signatures that one message may carry.
pub const SIGNATURES_MAX: usize = 8;
/// Most components that one signature may cover.
pub const COMPONENTS_MAX: usize = 32;
/// Longest `keyid`, in characters.
pub const KEY_ID_CHARS_MAX: usize = 128;
/// Shortest `nonce`, in characters.
pub const NONCE_CHARS_MIN: usize = 16;
/// Longest `nonce`, in characters.
pub const NONCE_CHARS_MAX: usize = 64;

/// Why a message is refused, or cannot be signed. One variant for each rule; none repeats what a stranger wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A field is longer than [`FIELD_BYTES_MAX`].
    #[error("a signature field is longer than 4,096 bytes")]
    FieldLength,
    /// A field is not a dictionary of the right members, or not its own serialization.
    #[error("a signature field is not in its one form")]
    FieldForm,
    /// More than [`SIGNATURES_MAX`] signatures or [`COMPONENTS_MAX`] components.
    #[error("too many signatures or components")]
    TooMany,
    /// No signature has the tag of the profile.
    #[error("no signature with tag \"strongroom\"")]
    NoSignature,
    /// Several signatures have the tag of the profile.
    #[error("several signatures with tag \"strongroom\"")]
    SeveralSignatures,
    /// A parameter that must be there is not.
    #[error("signature parameter {0} is missing")]
    ParameterAbsent(&'static str),
    /// A parameter is of another type, or its length is out of bounds.
    #[error("signature parameter {0} is malformed")]
    ParameterForm(&'static str),
    /// A parameter that the profile does not know.
    #[error("signature parameter is not known")]
    ParameterUnknown,
    /// An algorithm that the profile does not know.
    #[error("signature algorithm is not ed25519 or hmac-sha256")]
    Algorithm,
    /// `created` is further from now than the window, either way.
    #[error("signature was not created within the window")]
    Created,
    /// `expires` is before `created`, or further after it than allowed.
    #[error("expiry is before the creation or too long after it")]
    Expires,
    /// `expires` is over.
    #[error("signature has expired")]
    Expired,
    /// A component is not one of the known derived ones or a field in lower case, or has a parameter.
    #[error("a covered component is not known")]
    Component,
    /// A component is covered twice.
    #[error("a component is covered twice")]
    ComponentRepeated,
    /// What must be covered is not.
    #[error("{0} is not covered")]
    NotCovered(&'static str),
    /// A covered field is not in the message.
    #[error("a covered field is absent")]
    FieldAbsent,
    /// A covered field that can have one value only is there several times.
    #[error("a covered field is repeated")]
    FieldRepeated,
    /// A covered part of the message is not printable ASCII, so that it could read as something else.
    #[error("a covered part is not printable ASCII")]
    Text,
    /// The request is for a name that is not ours.
    #[error("authority is not one of the public names")]
    Authority,
    /// The signature does not verify: its key is unknown, of another algorithm, or another. One answer for all.
    #[error("signature does not verify")]
    Signature,
    /// `Content-Digest` names another algorithm than `sha-256` and `sha-512`, or none.
    #[error("content digest is not sha-256 or sha-512")]
    DigestAlgorithm,
    /// The body has another digest.
    #[error("content digest does not match the body")]
    Digest,
}

#[cfg(test)]
mod tests;
