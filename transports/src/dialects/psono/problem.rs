//! Every refusal in Psono's words, in the five forms that its clients read. Source: dialects/psono.md, section 10.
//!
//! | form | for |
//! |---|---|
//! | `{"field": ["what"]}` | a member of a body |
//! | `{"non_field_errors": ["CODE"]}` | a request as a whole |
//! | `{"detail": "text"}` | who asks, how, and how often |
//! | `{"message": "CODE"}` | what is not there for the caller |
//! | `{"error": "Name", "message": "text"}` | what is there already |

use std::{borrow::Cow, time::Duration};

use serde_json::{Value, json};
use strongroom_engine::EngineError;

use crate::{
    dialects::{Refusal, refusals::refusals},
    exchange::{HeaderValue, Response, StatusCode, header},
};

/// In which form a refusal is said.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Form {
    Field(&'static str),
    Code,
    Detail,
    Message,
    Named(&'static str),
}

/// A refusal, ready to be answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Problem {
    status: StatusCode,
    form: Form,
    text: Cow<'static, str>,
    /// What is not there, in the caller's own words, where a client wants to be told.
    resource: Option<String>,
    retry_after: Option<Duration>,
}

macro_rules! problems {
    ($($name:ident = $status:ident $form:ident $text:literal;)*) => {$(
        pub(super) const $name: Problem = Problem::new(StatusCode::$status, Form::$form, $text);
    )*};
}

problems! {
    INVALID_REQUEST = BAD_REQUEST Detail "Invalid request";
    MALFORMED_JSON = BAD_REQUEST Detail "JSON parse error";
    UNAUTHORIZED = UNAUTHORIZED Detail "Invalid token.";
    FORBIDDEN = FORBIDDEN Detail "You do not have permission to perform this action.";
    NOT_FOUND = NOT_FOUND Detail "Not found.";
    METHOD_NOT_ALLOWED = METHOD_NOT_ALLOWED Detail "Method not allowed.";
    MEDIA_TYPE = UNSUPPORTED_MEDIA_TYPE Detail "Unsupported media type in request.";
    TOO_LARGE = PAYLOAD_TOO_LARGE Detail "Request body is too large.";
    THROTTLED = TOO_MANY_REQUESTS Detail "Request was throttled.";
    BUSY = SERVICE_UNAVAILABLE Detail "The server is busy; nothing was changed.";
    UNKNOWN_OUTCOME = GATEWAY_TIMEOUT Detail "It is not known whether the change was made.";
    INTERNAL = INTERNAL_SERVER_ERROR Detail "Internal error.";
    NOT_THERE = BAD_REQUEST Message "NO_PERMISSION_OR_NOT_EXIST";
    NO_PERMISSION = BAD_REQUEST Code "NO_PERMISSION_OR_NOT_EXIST";
    DATASTORE_NOT_THERE = FORBIDDEN Message "NO_PERMISSION_OR_NOT_EXIST";
    PASSWORD_INCORRECT = FORBIDDEN Message "PASSWORD_INCORRECT";
    WRITE_DATE_MISMATCH = BAD_REQUEST Code "WRITE_DATE_MISMATCH";
    NOTHING_TO_UPDATE = BAD_REQUEST Code "NOTHING_TO_UPDATE";
    ONE_PARENT = BAD_REQUEST Code "EITHER_PARENT_SHARE_OR_DATASTORE_NEED_TO_BE_SPECIFIED";
    LOGIN_INFO_INVALID = BAD_REQUEST Code "Login info no valid json";
    LOGIN_REPLAYED = BAD_REQUEST Code "LOGIN_INFO_REPLAYED";
    LOGIN_SEALED = BAD_REQUEST Code "LOGIN_INFO_CANNOT_BE_DECRYPTED";
    LOGIN_REFUSED = BAD_REQUEST Code "USERNAME_OR_PASSWORD_WRONG";
    REGISTRATION_CLOSED = BAD_REQUEST Code "REGISTRATION_HAS_BEEN_DISABLED";
    DOMAIN_NOT_ALLOWED = BAD_REQUEST Code "DOMAIN_NOT_ALLOWED";
    CODE_CLAIMED = FORBIDDEN Detail "DEVICE_CODE_ALREADY_CLAIMED";
    CODE_EXPIRED = FORBIDDEN Detail "DEVICE_CODE_EXPIRED";
    INSECURE_REFUSED = BAD_REQUEST Code "INSECURE_ACCESS_NOT_ALLOWED";
    API_KEY_SECRET_INVALID = BAD_REQUEST Code "API_KEY_SECRET_KEY_INVALID";
}

impl Problem {
    const fn new(status: StatusCode, form: Form, text: &'static str) -> Self {
        Self { status, form, text: Cow::Borrowed(text), resource: None, retry_after: None }
    }

    /// What is wrong with a member of a body.
    pub(super) const fn field(name: &'static str, text: &'static str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, Form::Field(name), text)
    }

    /// A member that is missing.
    pub(super) const fn required(name: &'static str) -> Self {
        Self::field(name, "This field is required.")
    }

    /// A member that is too long.
    pub(super) fn too_long(name: &'static str, max: usize) -> Self {
        let text = Cow::Owned(format!("Ensure this field has no more than {max} characters."));
        Self { text, ..Self::field(name, "") }
    }

    /// JSON that is no object. Types have the names that Python gives them.
    pub(super) fn no_dictionary(found: &Value) -> Self {
        let kind = match found {
            Value::Null => "NoneType",
            Value::Bool(_) => "bool",
            Value::Number(number) if number.is_f64() => "float",
            Value::Number(_) => "int",
            Value::String(_) => "str",
            Value::Array(_) => "list",
            Value::Object(_) => "dict",
        };
        let text = Cow::Owned(format!("Invalid data. Expected a dictionary, but got {kind}."));
        Self { text, ..Self::code("") }
    }

    /// A request that is refused as a whole.
    pub(super) const fn code(code: &'static str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, Form::Code, code)
    }

    /// Something that is there already.
    const fn named(error: &'static str, message: &'static str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, Form::Named(error), message)
    }

    /// The same, to be tried again after `time`.
    pub(super) fn after(self, time: Duration) -> Self {
        Self { retry_after: Some(time), ..self }
    }

    /// The same, naming what is not there as the caller named it.
    pub(super) fn about(self, resource: &str) -> Self {
        Self { resource: Some(resource.to_owned()), ..self }
    }

    /// Whether the caller has no session. Such a refusal is never sealed.
    pub(super) fn is_unauthorized(&self) -> bool {
        self.status == StatusCode::UNAUTHORIZED
    }

    /// Whether it says something about the request, which is for those with a session only.
    pub(super) fn is_about_the_request(&self) -> bool {
        self.status.is_client_error()
            && ![StatusCode::UNAUTHORIZED, StatusCode::TOO_MANY_REQUESTS].contains(&self.status)
    }

    /// What is said, for logs. Only what is not there is named in the caller's words, and it is left out.
    pub(super) fn name(&self) -> &str {
        &self.text
    }

    pub(super) fn status(&self) -> StatusCode {
        self.status
    }

    /// Whole seconds until the next try, rounded up: rounding down would invite everybody back too early.
    fn retry_after_s(&self) -> Option<u64> {
        let time = self.retry_after?;
        Some(u64::try_from(time.as_millis().div_ceil(1_000).max(1)).unwrap_or(u64::MAX))
    }

    /// The document.
    pub(super) fn body(&self) -> Value {
        let text = match (&self.form, self.retry_after_s()) {
            (Form::Detail, Some(seconds)) if self.status == StatusCode::TOO_MANY_REQUESTS => {
                Cow::Owned(format!("{} Expected available in {seconds} seconds.", self.text))
            }
            _ => Cow::Borrowed(&*self.text),
        };
        match &self.form {
            Form::Field(name) => json!({ *name: [text] }),
            Form::Code => json!({ "non_field_errors": [text] }),
            Form::Detail => json!({ "detail": text }),
            Form::Message => match &self.resource {
                Some(resource) => json!({ "message": text, "resource_id": resource }),
                None => json!({ "message": text }),
            },
            Form::Named(error) => json!({ "error": error, "message": text }),
        }
    }

    /// The headers that go with it.
    pub(super) fn decorate(&self, response: &mut Response) {
        if let Some(seconds) = self.retry_after_s() {
            response.headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.is_unauthorized() {
            response.headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Token"));
        }
    }

    /// The answer in plain JSON.
    pub(super) fn response(&self) -> Response {
        let mut response = Response::json(self.status, self.body().to_string());
        self.decorate(&mut response);
        response
    }

    /// The engine's refusals. Nothing is left over: the compiler names a refusal that has no line yet. Where one call says another word for one of them, it says so itself.
    pub(super) fn of(error: &EngineError) -> Self {
        use EngineError as E;
        match error {
            E::CredentialMissing | E::CredentialInvalid | E::CredentialExpired | E::SessionUnproved => {
                UNAUTHORIZED
            }
            E::AccountSuspended | E::AccountErased => UNAUTHORIZED,
            E::PermissionRefused { .. } | E::ChildSession | E::ApiKeyRefused => FORBIDDEN,
            E::NonceReplayed { .. } => INVALID_REQUEST,
            E::LoginReplayed => LOGIN_REPLAYED,
            E::LoginRefused => LOGIN_REFUSED,
            E::TooManyAttempts { retry_after } => THROTTLED.after(*retry_after),
            E::SignUpClosed => REGISTRATION_CLOSED,
            E::PersonNameInvalid => Self::field("username", "INVALID_USERNAME_FORMAT"),
            E::UsernameTaken => Self::field("username", "USERNAME_ALREADY_EXISTS"),
            E::AddressInvalid => Self::field("email", "INVALID_EMAIL_FORMAT"),
            E::SauceInvalid => Self::field("user_sauce", "NO_VALID_HEX"),
            E::HashingWeak => Self::field("hashing_parameters", "HASHING_PARAMETERS_NOT_SUPPORTED"),
            E::ActivationRefused => Self::code("ACTIVATION_CODE_INCORRECT"),
            E::PersonNotActivated => Self::code("ACCOUNT_NOT_VERIFIED"),
            E::SessionActive => Self::code("TOKEN_INCORRECT"),
            E::ValidatorWrong => Self::code("VERIFICATION_CODE_INCORRECT"),
            E::PasswordWrong => PASSWORD_INCORRECT,
            E::KeyInvalid => Self::field("public_key", "Is not a usable public key."),
            E::FieldSize { field, bytes, max } if bytes > max => Self::too_long(field, *max),
            E::FieldSize { field, .. } => Self::field(field, "Is too short."),
            E::UnknownApiKey => Self::code("API_KEY_DOES_NOT_EXIST"),
            E::AlreadyAttached => Self::code("API_KEY_SECRET_ALREADY_EXIST"),
            E::UnknownAttachment => Self::code("API_KEY_SECRET_DOES_NOT_EXIST"),
            E::UnknownDeviceCode => Self::code("DEVICE_CODE_NOT_FOUND"),
            E::DeviceCodeExpired => Self::code("DEVICE_CODE_EXPIRED"),
            E::DeviceCodePending => Self::code("DEVICE_CODE_NOT_CLAIMED"),
            E::DeviceCodeClaimed => CODE_CLAIMED,
            E::UnknownDatastore | E::UnknownSecret | E::UnknownShare | E::UnknownLink => NOT_THERE,
            E::UnknownShareRight | E::UnknownTaker | E::UnknownSession => NO_PERMISSION,
            E::DefaultDatastore => Self::code("CANNOT_DELETE_DEFAULT_DATASTORE"),
            E::DatastoreExists => Self::named(
                "DuplicateTypeDescription",
                "The combination of type and description must be unique.",
            ),
            E::LinkTaken => Self::named("DuplicateLinkID", "The link id already exists."),
            E::NonceUsed => Self::named("DuplicateNonce", "The nonce has been used before."),
            E::StaleWrite { .. } => WRITE_DATE_MISMATCH,
            E::ShareCycle => Self::code("LINK_WOULD_MAKE_A_CYCLE"),
            E::ShareTooDeep { .. } => Self::code("SHARES_NESTED_TOO_DEEP"),
            E::TooManyLinks { .. } => Self::code("TOO_MANY_LINKS"),
            E::TooManySecrets { .. } => Self::code("TOO_MANY_SECRETS"),
            E::TooManyMembers { .. } => Self::code("TOO_MANY_SHARE_RIGHTS"),
            E::ShareRightExists => Self::code("USER_ALREADY_HAS_A_SHARE_RIGHT"),
            E::InsecureRefused => INSECURE_REFUSED,
            E::TooManySessions { .. } | E::QuotaExceeded { .. } => Self::code("QUOTA_EXCEEDED"),
            E::TooLarge => TOO_LARGE,
            // Not 503: clients take that for the end of their session, and forget what they are doing.
            E::Overloaded { retry_after } | E::Contended { retry_after } => THROTTLED.after(*retry_after),
            E::Draining | E::DeadlinePassed | E::StorageFull | E::StorageUnavailable => {
                BUSY.after(Duration::from_secs(1))
            }
            E::OutcomeUnknown => UNKNOWN_OUTCOME,
            // The rest are refusals of commands that this dialect does not ask, and faults.
            E::UnknownRealm
            | E::UnknownRealmKey
            | E::UsernameInvalid
            | E::UsernameNotReserved
            | E::SrpInvalid(_)
            | E::LoginNonceRefused
            | E::ServerKeyRefused
            | E::IdentityRotating { .. }
            | E::StoreNotEncrypted
            | refusals!(keys)
            | refusals!(records)
            | refusals!(service_keys)
            | refusals!(escrow)
            | refusals!(recovery)
            | refusals!(pin_recovery)
            | E::IdempotencyMismatch
            | E::Corrupt
            | E::Fault => INTERNAL,
        }
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::BodyTooLarge { .. } => TOO_LARGE,
            Refusal::TookTooLong => UNKNOWN_OUTCOME,
            Refusal::TooManyRequests { retry_after } => THROTTLED.after(retry_after),
            Refusal::AmbiguousPath => NOT_FOUND,
            Refusal::Fault => INTERNAL,
        }
    }
}
