//! Virgil JWTs: their text taken apart, their signature and times checked. Server and client share this reader.
//!
//! What a token may do, whose key signs for an application and how answers look belong to the dialect; making tokens
//! belongs to the client. The signature covers the received bytes: nothing is ever written again to be compared.
//! The algorithm is fixed (Ed25519 over SHA-512 in its DER wrapping), so a header that names another one, or brings a
//! key of its own, is refused rather than obeyed.

use serde_json::{Map, Value};

use crate::encoding::from_base64url;
use crate::hash::sha512;
use crate::id::{RealmId, Subject};
use crate::json::parse_object;
use crate::sign::{VerifyingKey, open_envelope};

/// Longest token that is looked at, in bytes.
pub const TOKEN_BYTES_MAX: usize = 16 * 1024;
/// Longest key id in a header, in bytes.
pub const KEY_ID_BYTES_MAX: usize = 256;
/// How far ahead of the reader's clock a token may have been issued, in seconds.
pub const AHEAD_MAX_S: u64 = 300;

/// The `alg` of every header.
pub const ALGORITHM: &str = "VEDS512";
/// The `typ` of every header.
pub const TYPE: &str = "JWT";
/// The `cty` of every header.
pub const CONTENT_TYPE: &str = "virgil-jwt;v=1";
/// What precedes the application's id in `iss`.
pub const ISSUER_PREFIX: &str = "virgil-";
/// What precedes the identity in `sub`.
pub const SUBJECT_PREFIX: &str = "identity-";

/// Why a token is refused. Only [`TokenError::Expired`] is worth renewing a token for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Longer than [`TOKEN_BYTES_MAX`], or not three non-empty parts of base64url.
    #[error("token is not three parts of base64url")]
    Form,
    /// The header is not an object with exactly the four known members, or one of them has another value.
    #[error("token header is not the known one")]
    Header,
    /// The payload is not an object, or one of its claims is missing, of another type or out of its bounds.
    #[error("token payload is invalid")]
    Payload,
    /// The signature is not the exact envelope or does not verify under the application's key.
    #[error("token signature does not verify")]
    Signature,
    /// Issued (or not valid) more than [`AHEAD_MAX_S`] ahead of now.
    #[error("token is not valid yet")]
    NotYetValid,
    /// Its time is over.
    #[error("token has expired")]
    Expired,
}

/// The operations that a token is limited to by its `ada.keyknox` member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TokenRights {
    /// May write.
    pub create: bool,
    /// May read and list.
    pub get: bool,
    /// May reset.
    pub reset: bool,
}

/// A token taken apart. Nothing in it is to be believed before [`ParsedToken::verify`] and
/// [`ParsedToken::check_times`] have agreed; `app_id` and `key_id` are what the key is looked up by.
#[derive(Debug, Clone)]
pub struct ParsedToken<'a> {
    /// The application that issued it.
    pub app_id: RealmId,
    /// The key it is signed with, 1 to [`KEY_ID_BYTES_MAX`] bytes, opaque.
    pub key_id: String,
    /// Whom it speaks for.
    pub identity: Subject,
    /// When it was issued, in seconds since 1970.
    pub issued_at_s: u64,
    /// The last second at which it is valid, in seconds since 1970.
    pub expires_at_s: u64,
    /// The first second at which it is valid, where it says so.
    pub not_before_s: Option<u64>,
    /// What it is limited to; `None` leaves that to the application's policy.
    pub rights: Option<TokenRights>,
    signing_input: &'a str,
    signature: Vec<u8>,
}

impl ParsedToken<'_> {
    /// Checks the signature under the key of the pair (`app_id`, `key_id`).
    ///
    /// # Errors
    /// [`TokenError::Signature`].
    pub fn verify(&self, key: &VerifyingKey) -> Result<(), TokenError> {
        key.verify_envelope(self.signing_input.as_bytes(), &self.signature).map_err(|_| TokenError::Signature)
    }

    /// The bytes that plain Ed25519 was applied to: the SHA-512 digest of the token's first two parts as received.
    #[must_use]
    pub fn signed_digest(&self) -> [u8; 64] {
        sha512(self.signing_input.as_bytes())
    }

    /// The 64 bytes of plain Ed25519 inside the signature part, for a verifier that keeps its keys elsewhere.
    ///
    /// # Errors
    /// [`TokenError::Signature`] for anything but the exact 83-byte envelope.
    pub fn signature(&self) -> Result<[u8; 64], TokenError> {
        open_envelope(&self.signature).map_err(|_| TokenError::Signature)
    }

    /// Checks the times against the clock. A token is still valid in the second in which it expires.
    ///
    /// # Errors
    /// [`TokenError::NotYetValid`] or [`TokenError::Expired`].
    pub fn check_times(&self, now_s: u64) -> Result<(), TokenError> {
        let horizon_s = now_s.saturating_add(AHEAD_MAX_S);
        if self.issued_at_s > horizon_s || self.not_before_s.is_some_and(|start_s| start_s > horizon_s) {
            return Err(TokenError::NotYetValid);
        }
        if self.expires_at_s < now_s { Err(TokenError::Expired) } else { Ok(()) }
    }
}

/// Takes a token apart and checks everything that needs neither key nor clock.
///
/// # Errors
/// [`TokenError::Form`], [`TokenError::Header`] or [`TokenError::Payload`].
pub fn parse(token: &str) -> Result<ParsedToken<'_>, TokenError> {
    if token.len() > TOKEN_BYTES_MAX {
        return Err(TokenError::Form);
    }
    let (signing_input, signature) = token.rsplit_once('.').ok_or(TokenError::Form)?;
    let (header, payload) = signing_input.split_once('.').ok_or(TokenError::Form)?;
    if [header, payload, signature].contains(&"") {
        return Err(TokenError::Form);
    }
    let part = |text: &str| from_base64url(text).map_err(|_| TokenError::Form);
    let (header, payload, signature) = (part(header)?, part(payload)?, part(signature)?);
    let key_id = read_header(&parse_object(as_utf8(&header).as_bytes()).map_err(|_| TokenError::Header)?)?;
    let claims = parse_object(as_utf8(&payload).as_bytes()).map_err(|_| TokenError::Payload)?;
    let issued_at_s = claims.get("iat").and_then(Value::as_u64).ok_or(TokenError::Payload)?;
    let expires_at_s = claims.get("exp").and_then(Value::as_u64).ok_or(TokenError::Payload)?;
    if expires_at_s <= issued_at_s {
        return Err(TokenError::Payload);
    }
    let not_before_s = match claims.get("nbf") {
        None => None,
        Some(start) => Some(start.as_u64().ok_or(TokenError::Payload)?),
    };
    Ok(ParsedToken {
        app_id: RealmId::new(prefixed(&claims, "iss", ISSUER_PREFIX)?).map_err(|_| TokenError::Payload)?,
        key_id,
        identity: Subject::new(prefixed(&claims, "sub", SUBJECT_PREFIX)?).map_err(|_| TokenError::Payload)?,
        issued_at_s,
        expires_at_s,
        not_before_s,
        rights: read_rights(&claims)?,
        signing_input,
        signature,
    })
}

/// One published client writes UTF-8, another ISO-8859-1, a third plain ASCII. Bytes that are valid UTF-8 are taken
/// as that; anything else is read as ISO-8859-1, where every byte is the character of its own number.
fn as_utf8(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().copied().map(char::from).collect(),
    }
}

/// Exactly four members. Others (`jku`, `x5u`, `jwk`, `crit` and whatever comes next) would ask the verifier to do
/// something else than it does, and no published client writes any.
fn read_header(header: &Map<String, Value>) -> Result<String, TokenError> {
    let member = |name: &str| header.get(name).and_then(Value::as_str).ok_or(TokenError::Header);
    let key_id = member("kid")?;
    let known = header.len() == 4
        && member("alg")? == ALGORITHM
        && member("typ")? == TYPE
        && member("cty")? == CONTENT_TYPE
        && (1..=KEY_ID_BYTES_MAX).contains(&key_id.len());
    if known { Ok(key_id.to_owned()) } else { Err(TokenError::Header) }
}

fn prefixed<'a>(claims: &'a Map<String, Value>, name: &str, prefix: &str) -> Result<&'a str, TokenError> {
    let text = claims.get(name).and_then(Value::as_str);
    text.and_then(|text| text.strip_prefix(prefix)).ok_or(TokenError::Payload)
}

fn read_rights(claims: &Map<String, Value>) -> Result<Option<TokenRights>, TokenError> {
    let Some(application_data) = claims.get("ada") else { return Ok(None) };
    let application_data = application_data.as_object().ok_or(TokenError::Payload)?;
    let Some(list) = application_data.get("keyknox") else { return Ok(None) };
    let list = list.as_str().ok_or(TokenError::Payload)?;
    let mut rights = TokenRights::default();
    for right in list.split(',').filter(|_| !list.is_empty()) {
        match right {
            "create" => rights.create = true,
            "get" => rights.get = true,
            "reset" => rights.reset = true,
            _ => return Err(TokenError::Payload),
        }
    }
    Ok(Some(rights))
}

#[cfg(test)]
mod tests;
