//! Every refusal in Meeco's words: status, name, message. Source: dialects/meeco.md, sections 4 and 10.

use std::{borrow::Cow, time::Duration};

use serde_json::json;
use strongroom_engine::EngineError;
use strongroom_primitives::srp::SrpError;

use crate::{
    dialects::{Refusal, refusals::refusals},
    exchange::{HeaderValue, Response, StatusCode, header},
};

/// The engine's refusals of what `field` holds.
pub(super) fn about(field: &'static str) -> impl Fn(EngineError) -> Problem {
    move |error| Problem::of(&error, field)
}

/// A refusal, ready to be answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Problem {
    status: StatusCode,
    error: &'static str,
    message: Cow<'static, str>,
    retry_after: Option<Duration>,
}

macro_rules! problems {
    ($($name:ident = $status:ident, $error:literal, $message:literal;)*) => {$(
        pub(super) const $name: Problem = Problem::new(StatusCode::$status, $error, $message);
    )*};
}

problems! {
    MALFORMED_JSON = BAD_REQUEST, "malformed_json", "The body is not a JSON object.";
    AMBIGUOUS_PATH = BAD_REQUEST, "invalid_parameter", "path";
    INVALID_SRP_A = BAD_REQUEST, "invalid_srp_a", "srp_a is no value of the group, or zero in it.";
    INVALID_PUBLIC_KEY = BAD_REQUEST, "invalid_public_key", "A public key is RSA of 2048 to 8192 bits in PEM (SubjectPublicKeyInfo).";
    INVALID_ADMISSION_TOKEN = BAD_REQUEST, "invalid_admission_token", "The admission token is unknown, used or expired.";
    PLAINTEXT_VALUE = BAD_REQUEST, "plaintext_value_rejected", "A slot takes encrypted_value; its plain value stays with the client.";
    USERNAME_TAKEN = BAD_REQUEST, "username_taken", "The username is taken.";
    USERNAME_NOT_RESERVED = BAD_REQUEST, "username_not_reserved", "Ask for a username first, and register it within the hour.";
    UNAUTHORIZED = UNAUTHORIZED, "unauthorized", "The call needs a session of this service.";
    LOGIN_FAILED = UNAUTHORIZED, "login_failed", "The sign-in is refused.";
    SUBSCRIPTION_KEY_MISSING = UNAUTHORIZED, "subscription_key_missing", "The header Meeco-Subscription-Key is missing.";
    SUBSCRIPTION_KEY_INVALID = UNAUTHORIZED, "subscription_key_invalid", "The header Meeco-Subscription-Key is not one that this service takes.";
    FORBIDDEN = FORBIDDEN, "forbidden", "This session may not do this.";
    SIGN_UP_CLOSED = FORBIDDEN, "sign_up_closed", "Nobody can sign up here.";
    NOT_FOUND = NOT_FOUND, "not_found", "There is nothing here.";
    TEMPLATE_NOT_FOUND = NOT_FOUND, "item_template_not_found", "There is no such template.";
    KEK_EXISTS = CONFLICT, "key_encryption_key_exists", "The user has a key encryption key already.";
    STALE_KEK = CONFLICT, "key_encryption_key_rotated", "The key encryption key was rotated since this session began: sign in again.";
    IDENTIFIER_TAKEN = CONFLICT, "external_identifier_taken", "Another keypair of the user has this external identifier.";
    VAULT_USER_EXISTS = CONFLICT, "vault_user_exists", "The user has a vault account already, or the key is somebody's.";
    CONFLICT = CONFLICT, "conflict", "The state of things does not allow this.";
    UPGRADE_REQUIRED = UPGRADE_REQUIRED, "upgrade_required", "This service speaks version 2 of the interface.";
    PAYLOAD_TOO_LARGE = PAYLOAD_TOO_LARGE, "payload_too_large", "The request is too large.";
    QUOTA_EXCEEDED = FORBIDDEN, "quota_exceeded", "The user has as much as they may.";
    RATE_LIMITED = TOO_MANY_REQUESTS, "rate_limited", "Too many requests.";
    BUSY = SERVICE_UNAVAILABLE, "service_unavailable", "The service is busy; nothing was changed.";
    INTERNAL = INTERNAL_SERVER_ERROR, "internal_error", "Internal error.";
}

impl Problem {
    const fn new(status: StatusCode, error: &'static str, message: &'static str) -> Self {
        Self { status, error, message: Cow::Borrowed(message), retry_after: None }
    }

    /// A field that is missing, of the wrong type, too long or out of its range. The message is its name.
    pub(super) fn field(name: &'static str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_parameter", name)
    }

    /// The same, to be tried again after `time`.
    pub(super) fn after(self, time: Duration) -> Self {
        Self { retry_after: Some(time), ..self }
    }

    /// Whether somebody who may not ask at all is told this. They are told that, not what is wrong with what they ask.
    pub(super) fn is_for_anybody(&self) -> bool {
        !self.status.is_client_error()
            || [StatusCode::UNAUTHORIZED, StatusCode::TOO_MANY_REQUESTS].contains(&self.status)
    }

    /// Its name in logs.
    pub(super) fn name(&self) -> &'static str {
        self.error
    }

    /// The answer.
    pub(super) fn response(&self) -> Response {
        let body = json!({ "errors": [{
            "error": self.error,
            "http_code": self.status.as_u16(),
            "message": self.message,
            "requested_language": "en",
            "message_in_requested_language": true,
            "extra_info": {},
        }]});
        let mut response = Response::json(self.status, body.to_string());
        if let Some(time) = self.retry_after {
            // Whole seconds are what the header carries; rounding down would invite everybody back too early.
            let seconds = u64::try_from(time.as_millis().div_ceil(1_000).max(1)).unwrap_or(u64::MAX);
            response.headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }

    /// The engine's refusals. `field` is the one that a refusal of a value is about.
    pub(super) fn of(error: &EngineError, field: &'static str) -> Self {
        use EngineError as E;
        match error {
            E::CredentialMissing | E::CredentialInvalid | E::CredentialExpired | E::SessionUnproved => {
                UNAUTHORIZED
            }
            E::AccountSuspended | E::AccountErased => UNAUTHORIZED,
            E::PermissionRefused { .. } | E::ApiKeyRefused | E::ChildSession => FORBIDDEN,
            E::LoginRefused => LOGIN_FAILED,
            E::TooManyAttempts { retry_after } => RATE_LIMITED.after(*retry_after),
            E::SignUpClosed => SIGN_UP_CLOSED,
            E::UsernameInvalid => Self::field("username"),
            E::UsernameTaken => USERNAME_TAKEN,
            E::UsernameNotReserved => USERNAME_NOT_RESERVED,
            E::SrpInvalid(SrpError::ClientPublic) => INVALID_SRP_A,
            E::SrpInvalid(SrpError::Salt) => Self::field("srp_salt"),
            E::SrpInvalid(SrpError::Verifier) => Self::field("srp_verifier"),
            E::SrpInvalid(_) => Self::field("srp_m"),
            E::UnknownSession | E::UnknownKey | E::UnknownRecord | E::UnknownVersion => NOT_FOUND,
            E::KekExists => KEK_EXISTS,
            E::StaleKek { .. } => STALE_KEK,
            E::RestartTooLarge { .. }
            | E::RotationRunning { .. }
            | E::UnknownRotation
            | E::RotationIncomplete { .. }
            | E::PreviousMissing { .. }
            | E::StaleRecord { .. } => CONFLICT,
            E::WrappedKeySize { .. } | E::WrappedKeyMalformed { .. } => Self::field(field),
            E::PublicKeyInvalid { .. } => INVALID_PUBLIC_KEY,
            E::MetadataTooLarge { .. } => Self::field("metadata"),
            E::TooManyExternalIdentifiers { .. } | E::ExternalIdentifierSize { .. } => {
                Self::field("external_identifiers")
            }
            E::ExternalIdentifierTaken { .. } => IDENTIFIER_TAKEN,
            E::TokenRefused | E::TokenSpent => INVALID_ADMISSION_TOKEN,
            E::AlreadyAdmitted | E::VaultUserExists => VAULT_USER_EXISTS,
            E::UnknownVaultUser => UNAUTHORIZED,
            E::UnknownTemplate => TEMPLATE_NOT_FOUND,
            E::UnknownItem | E::UnknownSlot => NOT_FOUND,
            E::SlotValueInvalid { .. } => Self::field("encrypted_value"),
            E::FieldSize { field, .. } => Self::field(field),
            E::TooManySlots { .. } => Self::field("slots_attributes"),
            E::ItemTooLarge { .. } => PAYLOAD_TOO_LARGE,
            E::TooManySessions { .. } | E::QuotaExceeded { .. } => QUOTA_EXCEEDED,
            E::TooLarge => PAYLOAD_TOO_LARGE,
            E::Overloaded { retry_after } | E::Contended { retry_after } => BUSY.after(*retry_after),
            E::Draining | E::DeadlinePassed | E::StorageFull | E::StorageUnavailable => {
                BUSY.after(Duration::from_secs(1))
            }
            E::UnknownRealm
            | E::UnknownRealmKey
            | E::HashingWeak
            | E::PasswordWrong
            | E::RewrapList { .. }
            | E::ValueChangedAlone
            | E::MetaTooLarge { .. }
            | E::ValueTooLarge { .. }
            | E::TooManyRecipients { .. }
            | E::NotShareable
            | E::StoreNotEncrypted
            | E::IdempotencyMismatch
            | refusals!(sign_in)
            | refusals!(sharing)
            | refusals!(service_keys)
            | refusals!(escrow)
            | refusals!(recovery)
            | refusals!(pin_recovery)
            | E::OutcomeUnknown
            | E::Corrupt
            | E::Fault => INTERNAL,
        }
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::BodyTooLarge { .. } => PAYLOAD_TOO_LARGE,
            Refusal::TookTooLong => BUSY.after(Duration::from_secs(1)),
            Refusal::TooManyRequests { retry_after } => RATE_LIMITED.after(retry_after),
            Refusal::AmbiguousPath => AMBIGUOUS_PATH,
            Refusal::Fault => INTERNAL,
        }
    }
}
