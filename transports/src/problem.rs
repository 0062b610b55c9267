//! Refusals and failures as problem documents (RFC 9457): the one table from the engine's errors to statuses and words.
//!
//! A `detail` names the fix. No document carries a path, a version, a stack or anything that the caller did not
//! already know; the request id is how an operator finds the rest in the log (A-HTTP-13).

use std::time::Duration;

use http::{HeaderName, HeaderValue, StatusCode, header};
use strongroom_engine::{EngineError as E, Quota, Right, domains::service_keys::SignatureFault};
use strongroom_primitives::http_signatures::ACCEPT_SIGNATURE;
use strongroom_wire::Problem;

use crate::{dialects::Refusal, exchange::Response, native};

/// The media type of problem documents.
const MEDIA_TYPE: HeaderValue = HeaderValue::from_static("application/problem+json");

/// The problem document of an engine's error.
pub fn of(error: &E) -> Problem {
    let (status, title, detail) = words(error);
    let mut problem = Problem::new(status, error.code(), title);
    problem.detail = detail;
    match error {
        E::PreviousMissing { head } | E::StaleRecord { head: Some(head) } => {
            problem.head = Some(Box::new(native::convert::head(head)));
        }
        E::TooManyAttempts { retry_after }
        | E::GuessTooSoon { retry_after }
        | E::CoolingDown { retry_after }
        | E::Overloaded { retry_after }
        | E::Contended { retry_after } => {
            problem.retry_after_s = Some(retry_after.as_secs_f64());
        }
        E::Draining | E::DeadlinePassed | E::StorageUnavailable => problem.retry_after_s = Some(1.0),
        E::StorageFull => problem.retry_after_s = Some(30.0),
        _ => {}
    }
    problem
}

/// Status, title and, where there is something to do about it, detail.
fn words(error: &E) -> (u16, &'static str, Option<String>) {
    let say = |text: &str| Some(text.to_owned());
    match error {
        E::CredentialMissing => (
            401,
            "no credential was given",
            say("send Authorization: Bearer with a token that `strongroom admin` issued"),
        ),
        E::CredentialInvalid => (
            401,
            "the credential is not valid",
            say("it is unknown, malformed, wrongly signed or revoked; get a new one"),
        ),
        E::CredentialExpired => (401, "the credential has expired", say("get a new one and ask again")),
        E::PermissionRefused { right } => {
            let right = match right {
                Right::Create => "create",
                Right::Get => "get",
                Right::Reset => "reset",
            };
            let detail = format!("it takes the right `{right}`, which this credential does not give");
            (403, "the credential does not allow this", Some(detail))
        }
        E::AccountSuspended => (403, "the account is suspended", say("ask the operator to resume it")),
        E::AccountErased => (403, "the account was erased", say("its name is never used again; use another")),
        E::UnknownRealm => (404, "there is no such realm", None),
        E::UnknownRealmKey => (404, "the realm has no such key", None),
        E::UnknownSession => (404, "there is no such session", say("GET /v1/sessions lists those there are")),
        E::ChildSession => (
            403,
            "a session that was opened from another opens none itself",
            say("ask with the session it was opened from"),
        ),
        E::TooManySessions { max } => {
            (409, "the account has too many sessions", Some(format!("{max} are allowed; revoke one first")))
        }
        E::SessionUnproved => (401, "the session has yet to be proved", say("open its token and use that")),
        E::SignUpClosed => (
            403,
            "nobody can sign up here",
            say("ask the operator to open the realm: `strongroom admin realm sign-up`"),
        ),
        E::UsernameInvalid => {
            (422, "this is no username", say("1 to 128 visible ASCII characters, without a dot"))
        }
        E::UsernameTaken => (409, "the username is taken", say("reserve another one")),
        E::UsernameNotReserved => {
            (422, "the username is not reserved", say("reserve one first, and register it within the hour"))
        }
        E::SrpInvalid(error) => (422, "a value of SRP cannot be used", Some(error.to_string())),
        E::LoginRefused => (
            401,
            "the sign-in is refused",
            say("check username, passphrase and Secret Key, and begin anew: a challenge is answered once"),
        ),
        E::TooManyAttempts { .. } => {
            (429, "too many attempts to sign in have failed", say("wait, and begin anew"))
        }
        E::KeyInvalid => (
            422,
            "the public key is not usable",
            say("give an Ed25519 or X25519 key of 32 bytes, of full order"),
        ),
        E::ApiKeyRefused => (
            403,
            "the API key may not do this",
            say("ask with a session of the account, or change what the key may do"),
        ),
        E::InsecureRefused => (
            403,
            "the API key does not let the server open its secrets",
            say("open them where they are needed"),
        ),
        E::UnknownApiKey => (404, "there is no such API key", None),
        E::AlreadyAttached => (
            409,
            "the secret is attached to the API key already",
            say("detach it first to give it another key"),
        ),
        E::UnknownAttachment => (404, "there is no such attached secret", None),
        E::LoginReplayed => {
            (409, "the session key has been used before", say("draw a new one for every sign-in"))
        }
        E::LoginNonceRefused => (
            401,
            "the nonce of the sign-in is not good, or no longer",
            say("ask for a new challenge, and sign in within a minute"),
        ),
        E::ServerKeyRefused => (
            409,
            "the sign-in is meant for a key that this server does not answer with",
            say("the key was rotated, or this is another server: have the owner of the API key confirm the \
                 `server_key` of a new challenge, and keep that one"),
        ),
        E::NonceReplayed { .. } => {
            (409, "the request has been seen before in this session", say("seal it again with a new nonce"))
        }
        E::SessionActive => (409, "the session is proved already", None),
        E::ValidatorWrong => {
            (401, "the validator is not that of the session", say("open it with the private key of the user"))
        }
        E::PersonNameInvalid => (
            422,
            "this is no username",
            say("local@domain of letters, digits, dots and hyphens, two or more before the @, and no role"),
        ),
        E::AddressInvalid => (422, "this is no e-mail address", say("at most 128 visible ASCII characters")),
        E::SauceInvalid => (422, "the user sauce is not hexadecimal", say("give 64 hexadecimal digits")),
        E::HashingWeak => (
            422,
            "the parameters of scrypt cannot be taken",
            say("u from 14 to 20, r from 8 to 64, p from 1 to 64, l from 64 to 1024"),
        ),
        E::ActivationRefused => {
            (400, "the activation code is not good", say("sign up again to get a new one"))
        }
        E::PersonNotActivated => {
            (403, "the person has yet to be activated", say("follow the link that was sent by e-mail"))
        }
        E::PasswordWrong => (403, "the password is wrong", None),
        E::UnknownDeviceCode => (404, "there is no such device code", say("begin anew on the device")),
        E::DeviceCodeExpired => (410, "the device code has expired", say("begin anew on the device")),
        E::DeviceCodePending => {
            (409, "nobody has claimed the device code yet", say("ask again in a few seconds"))
        }
        E::DeviceCodeClaimed => (409, "the device code has been claimed", say("begin anew on the device")),
        E::IdentityRotating { .. } => (
            409,
            "the identity before the present one still answers",
            say("rotate again once its overlap is over"),
        ),
        E::KekExists => {
            (409, "the account has a KEK already", say("it is written once; rotate it to replace it"))
        }
        E::UnknownKey => (404, "there is no such key", None),
        E::StaleKek { generation } => (
            409,
            "the KEK was rotated",
            Some(format!("the present KEK is generation {generation}; read it, and wrap the key by it")),
        ),
        E::RotationRunning { target } => (
            409,
            "a rotation is under way",
            Some(format!("go on with the one to generation {target}, or cancel it")),
        ),
        E::UnknownRotation => (404, "no such rotation is under way", say("the KEK shows the one there is")),
        E::RotationIncomplete { remaining } => (
            409,
            "the rotation is not complete",
            Some(format!("{remaining} keys have yet to be rewrapped; list those that are pending")),
        ),
        E::RestartTooLarge { max } => (
            403,
            "the account has too many keys to begin anew",
            Some(format!("an enrolment is restarted with at most {max} keys; rotate the KEK instead")),
        ),
        E::RewrapList { max } => (
            422,
            "the list of rewrapped keys cannot be taken",
            Some(format!("name each key once, and at most {max}")),
        ),
        E::WrappedKeySize { bytes, max } => (
            422,
            "the wrapped key has the wrong size",
            Some(format!("it has {bytes} bytes, 1 to {max} are allowed")),
        ),
        E::WrappedKeyMalformed { fault } => {
            (422, "the wrapped key is malformed", Some(format!("send a cryppo string of Aes256Gcm; {fault}")))
        }
        E::PublicKeyInvalid { reason } => (
            422,
            "the public key is not usable",
            Some(format!("give an RSA key of 2048 to 8192 bits, SubjectPublicKeyInfo in PEM; {reason}")),
        ),
        E::MetadataTooLarge { bytes, max } => {
            (413, "metadata is too large", Some(format!("it has {bytes} bytes, {max} are allowed")))
        }
        E::TooManyExternalIdentifiers { max } => {
            (422, "too many external identifiers", Some(format!("{max} are allowed")))
        }
        E::ExternalIdentifierSize { at, max } => (
            422,
            "an external identifier has the wrong size",
            Some(format!("number {at}, counted from 0, must have 1 to {max} characters")),
        ),
        E::ExternalIdentifierTaken { at } => (
            409,
            "an external identifier is taken",
            Some(format!("number {at}, counted from 0, belongs to another key pair or was given twice")),
        ),
        E::TokenRefused => {
            (400, "the admission token is not good here", say("get a new one where you are signed in"))
        }
        E::TokenSpent => (409, "the admission token was spent", say("it admitted somebody; sign in")),
        E::AlreadyAdmitted => {
            (409, "the account has been admitted there already", say("sign in there; it is done once"))
        }
        E::VaultUserExists => {
            (409, "the vault has this user or this key already", say("sign in with the key of that user"))
        }
        E::UnknownVaultUser => {
            (404, "the caller is no user of the vault", say("enrol with an admission token"))
        }
        E::UnknownTemplate => (404, "there is no such template", None),
        E::UnknownItem => (404, "there is no such item", None),
        E::UnknownSlot => (404, "there is no such slot", None),
        E::SlotValueInvalid { reason } => (
            422,
            "the slot's value is not encrypted",
            Some(format!(
                "{reason}; values are encrypted where they are written, and sent as cryppo strings"
            )),
        ),
        E::FieldSize { field, bytes, max } => (
            422,
            "a text has the wrong size",
            Some(format!("`{field}` has {bytes} bytes, at most {max} are allowed")),
        ),
        E::TooManySlots { max } => (422, "too many slots", Some(format!("{max} are allowed"))),
        E::ItemTooLarge { bytes, max } => {
            (413, "the item is too large", Some(format!("it has {bytes} bytes, {max} are allowed")))
        }
        E::UnknownDatastore => (404, "there is no such datastore", None),
        E::UnknownSecret => (404, "there is no such secret", say("or none that the caller may do this with")),
        E::UnknownShare => (404, "there is no such share", say("or none that the caller may do this with")),
        E::UnknownLink => (404, "there is no such link", say("or none that the caller may move")),
        E::UnknownShareRight => (404, "there is no such right on a share", None),
        E::UnknownTaker => (404, "there is nobody to share with by this id", None),
        E::DatastoreExists => {
            (409, "there is a datastore of this type and description", say("choose another description"))
        }
        E::DefaultDatastore => {
            (403, "a default datastore is not deleted", say("make another one of its type the default first"))
        }
        E::StaleWrite { written } => (
            412,
            "it was written at another time than the one named",
            Some(format!("read it again and merge: it was written at {} ms", written.as_ms())),
        ),
        E::LinkTaken => (409, "the link's id is taken", say("draw another one")),
        E::NonceUsed => {
            (409, "the nonce was used before", say("draw a new one for everything that is sealed"))
        }
        E::ShareCycle => (409, "a share does not hang below itself", None),
        E::ShareTooDeep { max } => {
            (422, "the share would hang too deep", Some(format!("shares hang at most {max} deep")))
        }
        E::TooManyLinks { max } => (422, "too many links", Some(format!("{max} are allowed"))),
        E::TooManySecrets { max } => (422, "too many secrets", Some(format!("{max} are allowed"))),
        E::TooManyMembers { max } => {
            (422, "too many accounts on one share", Some(format!("{max} are allowed")))
        }
        E::ShareRightExists => (
            409,
            "the account has a right on this share already",
            say("change that, or revoke it first; an offer may wait for its answer"),
        ),
        E::PreviousMissing { .. } => (
            428,
            "the record exists and the write names no previous state",
            say("read `head`, merge, and write again with its tag as `previous` (If-Match)"),
        ),
        E::StaleRecord { .. } => (
            412,
            "the record is not in the state that the write names",
            say("read the record again, merge, and write with the present tag as `previous` (If-Match)"),
        ),
        E::ValueChangedAlone => (
            422,
            "value was changed without meta",
            say("this record takes a new `meta` with every new `value`"),
        ),
        E::UnknownRecord => (404, "there is no such record", None),
        E::UnknownVersion => {
            (404, "history does not hold this version", say("records.history lists the versions there are"))
        }
        E::MetaTooLarge { bytes, max } => {
            (413, "meta is too large", Some(format!("it has {bytes} bytes, {max} are allowed")))
        }
        E::ValueTooLarge { bytes, max } => {
            (413, "value is too large", Some(format!("it has {bytes} bytes, {max} are allowed")))
        }
        E::TooManyRecipients { max } => (422, "too many recipients", Some(format!("{max} are allowed"))),
        E::NotShareable => (
            422,
            "this record cannot be shared",
            say("put what is to be shared into a record of another name"),
        ),
        E::QuotaExceeded { what, max } => {
            let what = match what {
                Quota::Records => "records",
                Quota::Bytes => "bytes",
                Quota::Keys => "keys",
                Quota::ApiKeys => "API keys",
                Quota::AttachedSecrets => "secrets attached to one API key",
                Quota::Audiences => "services",
                Quota::Items => "items",
                Quota::ItemBytes => "bytes of items",
                Quota::Datastores => "datastores",
                Quota::Secrets => "secrets",
                Quota::Shares => "shares",
                Quota::Chains => "chains",
                Quota::ServiceKeys => "keys of one chain",
                Quota::Escrows => "escrows",
                Quota::RecoveryRequests => "requests for one escrow",
            };
            let detail = format!("{max} {what} are allowed; delete something, or ask the operator for more");
            (403, "the account's quota is used up", Some(detail))
        }
        E::UnknownRecoveryRealm => (404, "there is no such realm of recovery", None),
        E::PinMessageInvalid { reason } => (422, "the message is not good", Some(reason.to_string())),
        E::TooManyGuessesAllowed { max } => (
            422,
            "a registration allows too many guesses",
            Some(format!("the realm takes registrations that allow at most {max}")),
        ),
        E::GuessTooSoon { .. } => (429, "the next guess has to wait", say("it was not counted")),
        E::UnknownErasure => (
            404,
            "there is nothing to take back",
            say("copies of records that were deleted or replaced are kept for a time, for their owners only"),
        ),
        E::AnchorFailed => (
            500,
            "what happened could not be marked",
            say("it may have happened, and a guess be used; the operator finds the reason in the log"),
        ),
        E::SignatureRefused { fault } => {
            (401, "the signature of the request is refused", Some(format!("{fault}; {}", way_out(fault))))
        }
        E::EndpointRefused { endpoint } => (
            403,
            "the service key is not allowed to do this",
            Some(format!("its permissions document does not allow `{endpoint}`")),
        ),
        E::ServiceKeyWidens => (
            403,
            "a service key cannot grant permissions that it does not hold",
            say("ask with the root key, or for less, or for a shorter time"),
        ),
        E::RootKeyRefused => (
            403,
            "the root key is protected",
            say("it is not deleted and not limited; the operator rotates it, and it names itself"),
        ),
        E::ReservedKeyRefused => (
            403,
            "the id is reserved",
            say("ids that begin with SC_ or INTERCHAIN are of other kinds of keys"),
        ),
        E::UnknownServiceKey => (404, "there is no such service key", None),
        E::UnknownChain => (404, "there is no such chain", None),
        E::ChainExists => {
            (409, "there is a chain of this id", say("rotate its root key to give it another one"))
        }
        E::KeyIdTaken => {
            (409, "the key id is taken, or was", say("an id is never issued again; take another one"))
        }
        E::NicknameInvalid { max } => (
            422,
            "the nickname is not one",
            Some(format!("it may have {max} characters, and no control characters")),
        ),
        E::ServiceSecretInvalid => (
            422,
            "the secret is not one that can be taken over",
            say("32 to 256 characters of A-Z, a-z, 0-9 and ._~:/@+=-"),
        ),
        E::ServicePublicKeyInvalid => (
            422,
            "the public key is not one that can be taken over",
            say(
                "a new Ed25519 public key of 32 bytes for a key of the kind ed25519, and none for any other kind",
            ),
        ),
        E::StoreNotEncrypted => (
            403,
            "the store is not encrypted",
            say(
                "secrets of service keys and shares of realms of recovery are kept by an encrypted store only; the operator encrypts it with `strongroom store encrypt`",
            ),
        ),
        // Escrow.
        E::AssuranceTooLow { .. } => {
            (403, "the sign-in did not go far enough", say("sign in again, at least with the password"))
        }
        E::NoEscrowAccount => (409, "the token names no account", say("sign in with an account")),
        E::AssuranceInvalid => (
            422,
            "no token can have this assurance",
            say("a level is 1 to 4; a client has a name; only a sign-in process has a login challenge"),
        ),
        E::UnknownEscrowShare => {
            (404, "there is no such share", say("it may have expired; ask for the password"))
        }
        E::ShareNamesItself => {
            (400, "the share is filed under its own hash", say("file it under the other's"))
        }
        E::NoSecretStorage => (409, "there is no secret storage", say("set it up first")),
        E::RootKeyStale => (403, "the root key is another one by now", say("read the secret storage again")),
        E::IdentityKeysMissing => {
            (400, "the identity's public keys are missing", say("the first set-up brings them"))
        }
        E::IdentityKeysExist => (400, "the identity has its public keys", say("leave them out")),
        E::TooManyWrappedSecrets { .. } => (413, "too many wrapped secrets", say("remove some first")),
        // Recovery
        E::UnknownEscrow => (404, "there is no such escrow", None),
        E::UnknownRecoveryRequest => (404, "there is no such recovery request", None),
        E::EscrowExists => {
            (409, "the escrow's id is taken", say("draw another id, and seal the shares anew"))
        }
        E::EscrowInvalid(fault) => (422, "the escrow cannot be kept like this", Some(fault.to_string())),
        E::StaleEpoch { epoch } => (
            409,
            "the escrow was refreshed",
            Some(format!("it is in epoch {epoch}; read it, and use the share of that epoch")),
        ),
        E::NotYourShare { index } => (
            403,
            "the share is not the caller's to give",
            Some(format!(
                "holder {index} is somebody else, or approves by a signature, or not their own request"
            )),
        ),
        E::AlreadyApproved { index } => {
            (409, "the holder has approved already", Some(format!("holder {index} approves once")))
        }
        E::RequestClosed { .. } => {
            (409, "the request is closed", say("it was vetoed, or its time is over; open another one"))
        }
        E::NotReleased { due } => (
            409,
            "the request has yet to be released",
            match due {
                Some(due) => Some(format!("its delay is over at {} ms since 1970", due.as_ms())),
                None => say("more holders have to approve"),
            },
        ),
        E::CoolingDown { .. } => {
            (429, "the last request was too short a time ago", say("wait, and ask again"))
        }
        E::IdempotencyMismatch => (
            422,
            "the idempotency key was used with another command",
            say("draw a new key for every new effect, and keep it for retries of that effect only"),
        ),
        E::Overloaded { .. } => (503, "too much is going on", say("nothing was written; ask again later")),
        E::Contended { .. } => {
            (503, "others keep changing the same rows", say("nothing was written; ask again later"))
        }
        E::Draining => (503, "the server is going down", say("nothing was written; ask again, or elsewhere")),
        E::DeadlinePassed => (503, "it took too long", say("nothing was written; ask again later")),
        E::OutcomeUnknown => (
            504,
            "it is not known whether the write happened",
            say("repeat it with the same idempotency key, or read before writing again"),
        ),
        E::StorageFull => {
            (507, "the store is full", say("nothing was written; reads go on; the operator has to make room"))
        }
        E::StorageUnavailable => {
            (503, "the store is unavailable", say("nothing was written; ask again later"))
        }
        E::Corrupt => (500, "stored data is damaged", say("the operator finds the place in the log")),
        E::TooLarge => (413, "the command writes more than fits in one batch", say("ask for less at a time")),
        E::Fault => (500, "internal fault", say("the operator finds the reason in the log")),
    }
}

/// The problem document of a transport's own refusal.
pub(crate) fn of_refusal(refusal: Refusal) -> Problem {
    match refusal {
        Refusal::BodyTooLarge { max } => {
            with_detail(413, "body-too-large", "the body is too large", format!("{max} bytes are allowed"))
        }
        Refusal::TookTooLong => with_detail(
            504,
            "outcome-unknown",
            "it took too long",
            "if it was to write something, repeat it with the same idempotency key, or read before writing again",
        ),
        Refusal::TooManyRequests { retry_after } => {
            let mut problem = Problem::new(429, "too-many-requests", "too many requests");
            problem.retry_after_s = Some(retry_after.as_secs_f64());
            problem
        }
        Refusal::AmbiguousPath => with_detail(
            400,
            "ambiguous-path",
            "the path can be read in two ways",
            "leave out empty and dot segments, control characters and backslashes; write a slash in a name as %2F",
        ),
        Refusal::Fault => of(&E::Fault),
    }
}

/// A problem of the edge with a word on what to do about it.
pub(crate) fn with_detail(
    status: u16,
    code: &'static str,
    title: &'static str,
    detail: impl Into<String>,
) -> Problem {
    Problem { detail: Some(detail.into()), ..Problem::new(status, code, title) }
}

/// A request that cannot be understood.
pub(crate) fn bad_request(detail: impl Into<String>) -> Box<Problem> {
    Box::new(with_detail(400, "bad-request", "the request cannot be understood", detail))
}

/// A problem document as an answer, with the headers that go with it.
pub fn response(problem: Problem, request_id: &str) -> Response {
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let problem = Problem { request_id: Some(request_id.to_owned()), ..problem };
    let body = serde_json::to_vec(&problem).expect("a problem is made of types that JSON can write");
    let mut response = Response::json(status, body);
    response.headers.insert(header::CONTENT_TYPE, MEDIA_TYPE);
    if let Some(after_s) = problem.retry_after_s {
        response
            .headers
            .insert(header::RETRY_AFTER, whole_seconds(Duration::from_secs_f64(after_s.max(0.0))));
    }
    if status == StatusCode::UNAUTHORIZED {
        response.headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    response
}

/// The same from an interface that takes signed requests: whoever is refused is told how to sign (RFC 9421, section 5.1).
pub(crate) fn signable(problem: Problem, request_id: &str) -> Response {
    let mut response = response(problem, request_id);
    if response.status == StatusCode::UNAUTHORIZED {
        let accept = HeaderValue::from_static(ACCEPT_SIGNATURE);
        response.headers.insert(HeaderName::from_static("accept-signature"), accept);
    }
    response
}

/// What helps against a refused signature.
fn way_out(fault: &SignatureFault) -> &'static str {
    use strongroom_primitives::http_signatures::Refusal as R;
    match fault {
        SignatureFault::Message(R::Authority) => {
            "the operator names this server's URLs in `public_urls` under [server]"
        }
        SignatureFault::Message(R::Created | R::Expired | R::Expires)
        | SignatureFault::Replayed
        | SignatureFault::BeforeStart => "sign every request anew, by a clock that is right",
        SignatureFault::Message(R::Signature | R::Digest) => {
            "the key signs in its own kind what is sent, and is neither deleted nor over"
        }
        _ => "sign as Accept-Signature and docs/native-api.md say",
    }
}

/// A duration as `Retry-After` has it: whole seconds, rounded up, at least one.
fn whole_seconds(after: Duration) -> HeaderValue {
    let seconds = after.as_secs() + u64::from(after.subsec_nanos() > 0);
    HeaderValue::from(seconds.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The detail of a refused signature says what to do about this one.
    #[test]
    fn a_refused_signature_says_what_helps() {
        use strongroom_primitives::http_signatures::Refusal as R;
        let told = |fault| of(&E::SignatureRefused { fault }).detail.unwrap();
        assert!(told(SignatureFault::Message(R::Authority)).contains("public_urls"));
        assert!(told(SignatureFault::Message(R::Created)).contains("clock"));
        assert!(told(SignatureFault::Replayed).contains("anew"));
        assert!(told(SignatureFault::Message(R::Signature)).contains("its own kind"));
        assert!(told(SignatureFault::Message(R::NotCovered("@query"))).contains("@query is not covered"));
    }

    #[test]
    fn a_busy_answer_says_when_to_come_back_in_whole_seconds() {
        let busy = of(&E::Overloaded { retry_after: Duration::from_millis(250) });
        assert_eq!((busy.status, busy.retry_after_s), (503, Some(0.25)));
        let answer = response(busy, "r7");
        assert_eq!(answer.headers[header::RETRY_AFTER], "1");
        assert_eq!(answer.headers[header::CONTENT_TYPE], "application/problem+json");
        assert!(String::from_utf8(answer.body.to_vec()).unwrap().contains(r#""request_id":"r7""#));
        assert_eq!(whole_seconds(Duration::from_millis(2_001)), "3");
    }

    /// F-14: an unknown outcome is never told as a failure that wrote nothing.
    #[test]
    fn an_unknown_outcome_says_so_and_how_to_resolve_it() {
        for problem in [of(&E::OutcomeUnknown), of_refusal(Refusal::TookTooLong)] {
            assert_eq!((problem.status, problem.code.as_str()), (504, "outcome-unknown"));
            assert!(problem.detail.unwrap().contains("idempotency key"));
        }
    }

    #[test]
    fn who_is_not_signed_in_is_told_how_to() {
        let answer = response(of(&E::CredentialMissing), "r");
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
        assert_eq!(answer.headers[header::WWW_AUTHENTICATE], "Bearer");
    }
}
