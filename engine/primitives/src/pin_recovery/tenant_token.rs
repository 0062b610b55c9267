//! Tokens of tenants (JWT): who may ask a realm about which secret. A token is for one user of one tenant at one realm.
//!
//! The signature covers the received bytes. The algorithm is that of the tenant's key; a header that names another one,
//! or brings anything but `alg`, `kid` and `typ`, is refused rather than obeyed. Written here because all that a
//! library would add to the verifiers and the strict JSON reader of this crate is leniency. Source: `RECOVERY.md`,
//! section 3.4.

use serde_json::{Map, Value, json};

use super::RecoveryRealmId;
use super::tenant_key::{Algorithm, HMAC_BYTES_MIN, TenantKey, TenantSigningKey};
use crate::encoding::{from_base64url, to_base64url};
use crate::json::parse_object;
use crate::secret::SecretText;

/// Longest token that is looked at, in bytes.
pub const TOKEN_BYTES_MAX: usize = 1000;
/// How far the clocks of tenant and realm may be apart, in seconds.
pub const LEEWAY_S: u64 = 5;
/// Longest life of a token, in seconds.
pub const LIFE_MAX_S: u64 = 24 * 60 * 60;
/// How long a token of [`TokenGenerator`] is good, in seconds from when it is made.
pub const ISSUED_LIFE_S: u64 = 600;
/// How long before it is made a token of [`TokenGenerator`] is good, in seconds, for realms whose clocks are behind.
pub const ISSUED_BEFORE_S: u64 = 10;

/// Why a token is refused, or is not made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TenantTokenError {
    /// Longer than [`TOKEN_BYTES_MAX`], or not three non-empty parts of base64url.
    #[error("token is not three parts of base64url")]
    Form,
    /// The header is not an object of `alg`, `kid` and perhaps `typ`, or names an algorithm that is not known.
    #[error("token header is invalid")]
    Header,
    /// `kid` is not the name of a tenant and the version of its key.
    #[error("key id is not a tenant and a version")]
    KeyId,
    /// A claim is missing, of another type or out of its bounds, or the token is not issued by the tenant of its key.
    #[error("token payload is invalid")]
    Payload,
    /// The key is of another algorithm, or the signature is not its own.
    #[error("token signature does not verify")]
    Signature,
    /// The token is for another realm.
    #[error("token is for another realm")]
    Realm,
    /// The token is for something else.
    #[error("token is of another scope")]
    Scope,
    /// It would be good for longer than [`LIFE_MAX_S`].
    #[error("token is good for too long")]
    Life,
    /// Its time has not come.
    #[error("token is not valid yet")]
    NotYetValid,
    /// Its time is over.
    #[error("token has expired")]
    Expired,
    /// A secret of less than [`HMAC_BYTES_MIN`] to sign by.
    #[error("secret of the tenant is too short")]
    WeakKey,
}

/// What a token is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// A user's secret.
    User,
    /// The tenant's log.
    Audit,
}

impl Scope {
    /// As a token spells it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Audit => "audit",
        }
    }
}

/// A token taken apart. Nothing in it is to be believed before [`TenantToken::verify`] and [`TenantToken::check`] have
/// agreed; `tenant` and `key_version` are what the key is looked up by.
#[derive(Debug, Clone)]
pub struct TenantToken<'a> {
    /// Who issued it.
    pub tenant: String,
    /// Which of the tenant's keys signed it.
    pub key_version: u64,
    /// The user, in the tenant's words: at least one byte, opaque.
    pub subject: String,
    /// At which realm it is good.
    pub realm: RecoveryRealmId,
    /// What it is for, if it says so.
    pub scope: Option<Scope>,
    /// The first second at which it is valid, in seconds since 1970.
    pub not_before_s: u64,
    /// The last second at which it is valid, in seconds since 1970.
    pub expires_at_s: u64,
    algorithm: Algorithm,
    signing_input: &'a str,
    signature: Vec<u8>,
}

impl<'a> TenantToken<'a> {
    /// Takes a token apart and checks what needs neither key nor clock.
    ///
    /// # Errors
    /// [`TenantTokenError::Form`], [`TenantTokenError::Header`], [`TenantTokenError::KeyId`],
    /// [`TenantTokenError::Payload`], [`TenantTokenError::Life`].
    pub fn parse(token: &'a str) -> Result<Self, TenantTokenError> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err(TenantTokenError::Form);
        }
        let (signing_input, signature) = token.rsplit_once('.').ok_or(TenantTokenError::Form)?;
        let (header, payload) = signing_input.split_once('.').ok_or(TenantTokenError::Form)?;
        if [header, payload, signature].contains(&"") {
            return Err(TenantTokenError::Form);
        }
        let part = |text: &str| from_base64url(text).map_err(|_| TenantTokenError::Form);
        let (header, payload, signature) = (part(header)?, part(payload)?, part(signature)?);
        let header = parse_object(&header).map_err(|_| TenantTokenError::Header)?;
        let (algorithm, key_id) = read_header(&header)?;
        let (tenant, key_version) = read_key_id(key_id).ok_or(TenantTokenError::KeyId)?;

        let claims = parse_object(&payload).map_err(|_| TenantTokenError::Payload)?;
        let claims = Claims(&claims);
        let subject = claims.text("sub")?;
        if claims.text("iss")? != tenant || subject.is_empty() {
            return Err(TenantTokenError::Payload);
        }
        let (not_before_s, expires_at_s) = claims.times()?;
        let life_s = expires_at_s.checked_sub(not_before_s).ok_or(TenantTokenError::Payload)?;
        if life_s > LIFE_MAX_S {
            return Err(TenantTokenError::Life);
        }
        Ok(Self {
            tenant: tenant.to_owned(),
            key_version,
            subject: subject.to_owned(),
            realm: claims.realm()?,
            scope: claims.scope()?,
            not_before_s,
            expires_at_s,
            algorithm,
            signing_input,
            signature,
        })
    }

    /// Checks the signature under the key of `tenant` and `key_version`.
    ///
    /// # Errors
    /// [`TenantTokenError::Signature`].
    pub fn verify(&self, key: &TenantKey) -> Result<(), TenantTokenError> {
        let own = key.algorithm() == self.algorithm;
        let good = own && key.verifies(self.signing_input.as_bytes(), &self.signature);
        if good { Ok(()) } else { Err(TenantTokenError::Signature) }
    }

    /// Checks that the token is for this realm, for `scope`, and good now, give or take [`LEEWAY_S`]. One that does not
    /// say what it is for is for a user's secret.
    ///
    /// # Errors
    /// [`TenantTokenError::Realm`], [`TenantTokenError::Scope`], [`TenantTokenError::NotYetValid`],
    /// [`TenantTokenError::Expired`].
    pub fn check(&self, realm: &RecoveryRealmId, scope: Scope, now_s: u64) -> Result<(), TenantTokenError> {
        if self.realm != *realm {
            return Err(TenantTokenError::Realm);
        }
        if self.scope.unwrap_or(Scope::User) != scope {
            return Err(TenantTokenError::Scope);
        }
        if self.not_before_s > now_s.saturating_add(LEEWAY_S) {
            return Err(TenantTokenError::NotYetValid);
        }
        let over = self.expires_at_s.saturating_add(LEEWAY_S) < now_s;
        if over { Err(TenantTokenError::Expired) } else { Ok(()) }
    }
}

/// Makes tokens, as a tenant does.
#[derive(Debug, Clone)]
pub struct TokenGenerator {
    tenant: String,
    key_version: u64,
    key: TenantSigningKey,
}

impl TokenGenerator {
    /// For a tenant whose realms know this version of its key. A tenant's name is ASCII letters and digits, with
    /// `test-` before them or not.
    ///
    /// # Errors
    /// [`TenantTokenError::KeyId`], [`TenantTokenError::WeakKey`].
    pub fn new(tenant: &str, key_version: u64, key: TenantSigningKey) -> Result<Self, TenantTokenError> {
        if !is_tenant_name(tenant) {
            return Err(TenantTokenError::KeyId);
        }
        match &key {
            TenantSigningKey::HmacSha256(secret) if secret.len() < HMAC_BYTES_MIN => {
                Err(TenantTokenError::WeakKey)
            }
            _ => Ok(Self { tenant: tenant.to_owned(), key_version, key }),
        }
    }

    /// A token for one user at one realm, good for [`ISSUED_LIFE_S`]. `now_s` is in seconds since 1970.
    ///
    /// # Errors
    /// [`TenantTokenError::Payload`] for an empty subject; [`TenantTokenError::Form`] for one that makes the token
    /// longer than [`TOKEN_BYTES_MAX`].
    pub fn issue(
        &self,
        realm: &RecoveryRealmId,
        subject: &str,
        scope: Scope,
        now_s: u64,
    ) -> Result<SecretText, TenantTokenError> {
        if subject.is_empty() {
            return Err(TenantTokenError::Payload);
        }
        let kid = format!("{}:{}", self.tenant, self.key_version);
        let header = json!({ "alg": self.key.algorithm().header_name(), "kid": kid, "typ": "JWT" });
        let payload = json!({
            "iss": self.tenant,
            "sub": subject,
            "aud": realm.to_string(),
            "nbf": now_s.saturating_sub(ISSUED_BEFORE_S),
            "exp": now_s.saturating_add(ISSUED_LIFE_S),
            "scope": scope.name(),
        });
        let part = |value: Value| to_base64url(value.to_string().as_bytes());
        let signing_input = format!("{}.{}", part(header), part(payload));
        let signature = self.key.sign(signing_input.as_bytes());
        let token = SecretText::new(format!("{signing_input}.{}", to_base64url(&signature)));
        if token.expose().len() > TOKEN_BYTES_MAX { Err(TenantTokenError::Form) } else { Ok(token) }
    }
}

fn read_header(header: &Map<String, Value>) -> Result<(Algorithm, &str), TenantTokenError> {
    let member = |name: &str| header.get(name).and_then(Value::as_str).ok_or(TenantTokenError::Header);
    let algorithm = Algorithm::named(member("alg")?).ok_or(TenantTokenError::Header)?;
    let members = if header.contains_key("typ") { 3 } else { 2 };
    let known = header.len() == members && (members == 2 || member("typ")? == "JWT");
    if known { Ok((algorithm, member("kid")?)) } else { Err(TenantTokenError::Header) }
}

/// `<tenant>:<version>`, the version in decimal digits without leading zeros.
fn read_key_id(key_id: &str) -> Option<(&str, u64)> {
    let (tenant, digits) = key_id.split_once(':')?;
    let version: u64 = digits.parse().ok()?;
    (is_tenant_name(tenant) && version.to_string() == digits).then_some((tenant, version))
}

/// Whether this is the name of a tenant: ASCII letters and digits, with `test-` before them or not.
#[must_use]
pub fn is_tenant_name(name: &str) -> bool {
    let name = name.strip_prefix("test-").unwrap_or(name);
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

struct Claims<'a>(&'a Map<String, Value>);

impl<'a> Claims<'a> {
    fn text(&self, name: &str) -> Result<&'a str, TenantTokenError> {
        self.0.get(name).and_then(Value::as_str).ok_or(TenantTokenError::Payload)
    }

    fn seconds(&self, name: &str) -> Result<Option<u64>, TenantTokenError> {
        let seconds = |claim: &Value| claim.as_u64().ok_or(TenantTokenError::Payload);
        self.0.get(name).map(seconds).transpose()
    }

    /// From when to when. A token that does not say from when is good from when it was issued.
    fn times(&self) -> Result<(u64, u64), TenantTokenError> {
        let (issued_at_s, not_before_s) = (self.seconds("iat")?, self.seconds("nbf")?);
        let start_s = not_before_s.or(issued_at_s).ok_or(TenantTokenError::Payload)?;
        Ok((start_s, self.seconds("exp")?.ok_or(TenantTokenError::Payload)?))
    }

    /// The one audience, by itself or as a list of one.
    fn realm(&self) -> Result<RecoveryRealmId, TenantTokenError> {
        let audience = match self.0.get("aud") {
            Some(Value::Array(list)) if list.len() == 1 => list.first(),
            other => other,
        };
        let id = audience.and_then(Value::as_str).and_then(|text| RecoveryRealmId::from_hex(text).ok());
        id.ok_or(TenantTokenError::Payload)
    }

    fn scope(&self) -> Result<Option<Scope>, TenantTokenError> {
        match self.0.get("scope") {
            None => Ok(None),
            Some(name) => {
                let known = [Scope::User, Scope::Audit].into_iter().find(|scope| name == scope.name());
                known.map(Some).ok_or(TenantTokenError::Payload)
            }
        }
    }
}
