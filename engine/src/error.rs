//! What the engine says when the answer is no. A variant names what is the matter in the caller's terms and carries
//! what the caller needs next; the words and numbers of a protocol belong to the transports.

mod names;
mod quota;
mod store;

use std::time::Duration;

use strongroom_primitives::{
    cryppo::CryppoError, pin_recovery::PinRecoveryError, rsa::RsaKeyError, srp::SrpError, time::Timestamp,
};
use thiserror::Error;

pub use names::ErrorKind;
pub use quota::Quota;

use crate::{
    credential::Right,
    domains::{
        key_hierarchy::WrappedKeyFault,
        records::RecordHead,
        recovery::{EscrowFault, RequestState},
        service_keys::SignatureFault,
    },
};

/// Every refusal and every fault of the engine.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum EngineError {
    // Who is asking
    /// No credential was given.
    #[error("no credential was given")]
    CredentialMissing,
    /// The credential is not one that this engine accepts: unknown, malformed, badly signed or revoked.
    #[error("the credential is not valid")]
    CredentialInvalid,
    /// The credential was good once.
    #[error("the credential has expired")]
    CredentialExpired,
    /// The credential does not give this right.
    #[error("the credential does not give the right {right:?}")]
    PermissionRefused {
        /// What it would have taken.
        right: Right,
    },
    /// The operator has suspended the account.
    #[error("the account is suspended")]
    AccountSuspended,
    /// The account was erased; its name is never used again.
    #[error("the account was erased")]
    AccountErased,

    // Realms, keys, sessions
    /// No such realm.
    #[error("there is no such realm")]
    UnknownRealm,
    /// The realm has no such key.
    #[error("the realm has no such key")]
    UnknownRealmKey,
    /// No such session.
    #[error("there is no such session")]
    UnknownSession,
    /// A session that was opened from another one opens none itself.
    #[error("a session that was opened from another opens none itself")]
    ChildSession,
    /// The account has as many sessions as it may.
    #[error("the account already has {max} sessions")]
    TooManySessions {
        /// The limit.
        max: u64,
    },
    /// The session's token was handed out sealed and nobody has shown yet that they could open it.
    #[error("the session has yet to be proved")]
    SessionUnproved,
    /// A public key is not one: wrong form, or a point of small order.
    #[error("the public key is not a usable Ed25519 key")]
    KeyInvalid,

    // Signing up and in
    /// Nobody can make themselves an account in this realm.
    #[error("the realm is closed for sign-up")]
    SignUpClosed,
    /// A username is not 1 to 128 visible ASCII characters without dots.
    #[error("a username has 1 to 128 visible ASCII characters and no dot")]
    UsernameInvalid,
    /// The username belongs to somebody.
    #[error("the username is taken")]
    UsernameTaken,
    /// The username was not reserved, or too long ago.
    #[error("the username was not reserved")]
    UsernameNotReserved,
    /// A value of SRP is none of its group, or has the wrong size.
    #[error("{0}")]
    SrpInvalid(SrpError),
    /// The sign-in is refused: no such account, a wrong proof, a challenge that was answered or has expired. Which of
    /// them is not told.
    #[error("the sign-in is refused")]
    LoginRefused,
    /// Too many attempts to sign in to this account have failed.
    #[error("too many attempts to sign in have failed")]
    TooManyAttempts {
        /// When to come back.
        retry_after: Duration,
    },

    // API keys, people and sealed sessions
    /// The session's API key may not do this.
    #[error("the API key may not do this")]
    ApiKeyRefused,
    /// The API key does not let the server open or seal its secrets.
    #[error("the API key does not let the server open its secrets")]
    InsecureRefused,
    /// No such API key, or none of the caller's: the two are not told apart.
    #[error("there is no such API key")]
    UnknownApiKey,
    /// The secret is attached to this API key already.
    #[error("the secret is attached to the API key already")]
    AlreadyAttached,
    /// No such attachment, or none of the caller's: the two are not told apart.
    #[error("there is no such attached secret")]
    UnknownAttachment,
    /// The API key has been signed in with for this session key before.
    #[error("the session key has been used before")]
    LoginReplayed,
    /// A sign-in with an API key names a nonce that was not made here, or longer ago than it is good.
    #[error("the nonce of the sign-in is not good, or no longer")]
    LoginNonceRefused,
    /// A sign-in with an API key is meant for a key of the server that is none of those that answer.
    #[error("the sign-in is meant for a key that this server does not answer with")]
    ServerKeyRefused,
    /// A sealed request has been seen before in this session.
    #[error("the nonce has been used before in this session")]
    NonceReplayed {
        /// Whether it is that of the validator, and not that of the body alone.
        validator: bool,
    },
    /// The session is proved already.
    #[error("the session is proved already")]
    SessionActive,
    /// What was shown does not prove the session.
    #[error("the validator is not that of the session")]
    ValidatorWrong,
    /// A username of a person is not `local@domain` in letters, digits, dots and hyphens, or names a role.
    #[error("the username is not local@domain in letters, digits, dots and hyphens, or names a role")]
    PersonNameInvalid,
    /// An e-mail address is none.
    #[error("the e-mail address is not one")]
    AddressInvalid,
    /// What the wrapping key is derived with is not hexadecimal.
    #[error("the user sauce is not hexadecimal")]
    SauceInvalid,
    /// A client would put too little work into what it derives from a password, or more than can be asked for.
    #[error("the parameters of scrypt are below 14, 8, 1, 64 or beyond reason")]
    HashingWeak,
    /// The activation code is none, has expired or was used.
    #[error("the activation code is not good")]
    ActivationRefused,
    /// The person has yet to show that they read mail to their address. Told only to somebody who knows the password.
    #[error("the person has yet to be activated")]
    PersonNotActivated,
    /// Somebody who is signed in was asked for their password as well, and it was wrong.
    #[error("the password is wrong")]
    PasswordWrong,
    /// No such device code.
    #[error("there is no such device code")]
    UnknownDeviceCode,
    /// The device code came too late.
    #[error("the device code has expired")]
    DeviceCodeExpired,
    /// Nobody has claimed the device code yet.
    #[error("nobody has claimed the device code yet")]
    DeviceCodePending,
    /// Somebody has claimed the device code.
    #[error("the device code has been claimed")]
    DeviceCodeClaimed,
    /// The engine's identity was rotated so lately that the one before still answers.
    #[error("the identity before the present one still answers")]
    IdentityRotating {
        /// The last instant at which it does.
        until: Timestamp,
    },

    // Keys
    /// The account has a KEK already; it can only be rotated.
    #[error("the account has a KEK already")]
    KekExists,
    /// No such key, or none of the caller's: the two are not told apart.
    #[error("there is no such key")]
    UnknownKey,
    /// The caller holds a KEK that is no longer the present one, or may hold one.
    #[error("the KEK was rotated; the present one is generation {generation}")]
    StaleKek {
        /// The present generation.
        generation: u32,
    },
    /// A rotation is under way.
    #[error("a rotation to generation {target} is under way")]
    RotationRunning {
        /// The generation of the KEK to come.
        target: u32,
    },
    /// No such rotation is under way.
    #[error("no such rotation is under way")]
    UnknownRotation,
    /// The rotation cannot end yet.
    #[error("{remaining} keys have yet to be rewrapped")]
    RotationIncomplete {
        /// Keys that are wrapped by the old KEK only.
        remaining: u64,
    },
    /// The account has more keys than an enrolment can have; nothing is dropped.
    #[error("more than {max} keys are not dropped with an enrolment")]
    RestartTooLarge {
        /// The limit.
        max: usize,
    },
    /// A list of rewrapped keys is too long or names one twice.
    #[error("more than {max} keys, or one of them twice")]
    RewrapList {
        /// The limit.
        max: usize,
    },
    /// A wrapped key is empty or over its limit. Sizes in bytes.
    #[error("the wrapped key has {bytes} bytes, 1 to {max} are allowed")]
    WrappedKeySize {
        /// Its size.
        bytes: usize,
        /// The limit.
        max: usize,
    },
    /// A wrapped key is not a cryppo string of the strategy `Aes256Gcm` that holds something.
    #[error("the wrapped key is malformed: {fault}")]
    WrappedKeyMalformed {
        /// The rule that it breaks.
        fault: WrappedKeyFault,
    },

    // Key pairs
    /// A public key is not one that is taken here.
    #[error("the public key is not usable: {reason}")]
    PublicKeyInvalid {
        /// Why not.
        reason: RsaKeyError,
    },
    /// A key pair's metadata is over its limit. Sizes in bytes.
    #[error("metadata has {bytes} bytes, {max} are allowed")]
    MetadataTooLarge {
        /// Its size.
        bytes: usize,
        /// The limit.
        max: usize,
    },
    /// More external identifiers than a key pair may have.
    #[error("more than {max} external identifiers")]
    TooManyExternalIdentifiers {
        /// The limit.
        max: usize,
    },
    /// An external identifier is empty or too long.
    #[error("external identifier {at} does not have 1 to {max} characters")]
    ExternalIdentifierSize {
        /// Which of those given, counted from 0.
        at: usize,
        /// The limit, in characters.
        max: usize,
    },
    /// An external identifier is that of another key pair of the account, or was given twice.
    #[error("external identifier {at} is taken")]
    ExternalIdentifierTaken {
        /// Which of those given, counted from 0.
        at: usize,
    },

    // Admission
    /// The text is no admission token that is good here: malformed, altered, expired, for another service or user, or
    /// of a keystore that is not trusted. It was not spent.
    #[error("the admission token is not good here")]
    TokenRefused,
    /// The admission token was good, and has admitted somebody.
    #[error("the admission token was spent")]
    TokenSpent,
    /// The account spent a token for this audience; there is no other.
    #[error("the account has been admitted there already")]
    AlreadyAdmitted,

    // Vault
    /// The vault has this user already, or another one with this public key.
    #[error("the vault has this user or this key already")]
    VaultUserExists,
    /// The caller has no vault.
    #[error("the caller is no user of the vault")]
    UnknownVaultUser,
    /// No such template.
    #[error("there is no such template")]
    UnknownTemplate,
    /// No such item, or none of the caller's: the two are not told apart.
    #[error("there is no such item")]
    UnknownItem,
    /// No such slot, or none of the caller's: the two are not told apart.
    #[error("there is no such slot")]
    UnknownSlot,
    /// The value of a slot is not one that only its owner can open.
    #[error("the slot's value is not encrypted as it should be: {reason}")]
    SlotValueInvalid {
        /// Why not.
        reason: CryppoError,
    },
    /// A text is empty where it must not be, or over its limit. Sizes in bytes.
    #[error("{field} has {bytes} bytes, {max} are allowed")]
    FieldSize {
        /// Which text.
        field: &'static str,
        /// Its size.
        bytes: usize,
        /// The limit.
        max: usize,
    },
    /// An item has more slots than it may, or a command names more.
    #[error("more than {max} slots")]
    TooManySlots {
        /// The limit.
        max: usize,
    },
    /// An item with its slots is over its limit. Sizes in bytes.
    #[error("the item has {bytes} bytes, {max} are allowed")]
    ItemTooLarge {
        /// Its size.
        bytes: usize,
        /// The limit.
        max: usize,
    },

    // Datastores, secrets and shares
    /// No such datastore, or none of the caller's: the two are not told apart.
    #[error("there is no such datastore")]
    UnknownDatastore,
    /// No such secret, or none that the caller may do this with: the two are not told apart.
    #[error("there is no such secret")]
    UnknownSecret,
    /// No such share, or none that the caller may do this with: the two are not told apart.
    #[error("there is no such share")]
    UnknownShare,
    /// No such link, or none that the caller may move: the two are not told apart.
    #[error("there is no such link")]
    UnknownLink,
    /// No such right on a share, or none that the caller may deal with: the two are not told apart.
    #[error("there is no such right on a share")]
    UnknownShareRight,
    /// There is nobody of the caller's realm by this id.
    #[error("there is nobody to share with by this id")]
    UnknownTaker,
    /// The account has a datastore of this type and description.
    #[error("there is a datastore of this type and description")]
    DatastoreExists,
    /// The default datastore of its type is not deleted.
    #[error("a default datastore is not deleted")]
    DefaultDatastore,
    /// What is to be replaced has been written since the date that the command names.
    #[error("it was written at another time than the one named")]
    StaleWrite {
        /// When it was written last.
        written: Timestamp,
    },
    /// A link goes by this id.
    #[error("the link's id is taken")]
    LinkTaken,
    /// The nonce has sealed a secret before.
    #[error("the nonce was used before")]
    NonceUsed,
    /// The share would hang below itself.
    #[error("a share does not hang below itself")]
    ShareCycle,
    /// The share would hang deeper than shares do, or below too many others.
    #[error("shares hang at most {max} deep")]
    ShareTooDeep {
        /// The limit.
        max: usize,
    },
    /// A secret or a share hangs in as many places as it may.
    #[error("more than {max} links")]
    TooManyLinks {
        /// The limit.
        max: usize,
    },
    /// More secrets than a command may name.
    #[error("more than {max} secrets")]
    TooManySecrets {
        /// The limit.
        max: usize,
    },
    /// As many accounts have a right on the share as may.
    #[error("more than {max} accounts on one share")]
    TooManyMembers {
        /// The limit.
        max: usize,
    },
    /// The account has a right on the share, or an offer that it has not answered.
    #[error("the account has a right on this share already")]
    ShareRightExists,

    // Records
    /// The record exists and the command names no previous version.
    #[error("the record exists and no previous version was named")]
    PreviousMissing {
        /// The present head.
        head: Box<RecordHead>,
    },
    /// The named previous version is not the head.
    #[error("the named previous version is not the present one")]
    StaleRecord {
        /// The present head; `None` if there is no record.
        head: Option<Box<RecordHead>>,
    },
    /// The single record's `value` must not change while its `meta` stays.
    #[error("value was changed without meta")]
    ValueChangedAlone,
    /// No such record, or none that the caller may read: the two are not told apart.
    #[error("there is no such record")]
    UnknownRecord,
    /// History does not hold this version.
    #[error("history does not hold this version")]
    UnknownVersion,
    /// `meta` is over its limit. Sizes in decoded bytes.
    #[error("meta has {bytes} bytes, {max} are allowed")]
    MetaTooLarge {
        /// Its size.
        bytes: usize,
        /// The limit.
        max: usize,
    },
    /// `value` is over its limit. Sizes in decoded bytes.
    #[error("value has {bytes} bytes, {max} are allowed")]
    ValueTooLarge {
        /// Its size.
        bytes: usize,
        /// The limit.
        max: usize,
    },
    /// More recipients than a record or a command may have.
    #[error("more than {max} recipients")]
    TooManyRecipients {
        /// The limit.
        max: usize,
    },
    /// A single record has no recipients.
    #[error("this record cannot be shared")]
    NotShareable,
    /// The account holds as much as it may.
    #[error("the account's quota of {max} {what} is used up")]
    QuotaExceeded {
        /// Records or bytes.
        what: Quota,
        /// The limit.
        max: u64,
    },

    // PIN recovery
    /// This engine is no such realm.
    #[error("there is no such realm of recovery")]
    UnknownRecoveryRealm,
    /// A key, a point or a signature of a message is none.
    #[error("the message is not good: {reason}")]
    PinMessageInvalid {
        /// Why not.
        reason: PinRecoveryError,
    },
    /// A registration would allow more guesses than the realm does.
    #[error("a registration allows at most {max} guesses")]
    TooManyGuessesAllowed {
        /// The limit.
        max: u16,
    },
    /// The next guess has to wait. It was not counted.
    #[error("the next guess has to wait")]
    GuessTooSoon {
        /// When to come back.
        retry_after: Duration,
    },
    /// Nothing was deleted or replaced that the caller could have back.
    #[error("there is nothing to take back")]
    UnknownErasure,
    /// What tells a restored store could not be written. What was asked may have happened, and a guess be used.
    #[error("the mark outside the store could not be written")]
    AnchorFailed,

    // Service keys
    /// The signature of a request is not good, or no longer.
    #[error("the signature of the request is refused: {fault}")]
    SignatureRefused {
        /// Why: the first of the checks that failed.
        fault: SignatureFault,
    },
    /// The service key is not allowed to do this.
    #[error("the service key is not allowed to perform {endpoint}")]
    EndpointRefused {
        /// What it is not allowed to do.
        endpoint: &'static str,
    },
    /// A service key would grant what it does not hold, or for longer than it holds it.
    #[error("a service key cannot grant permissions that it does not hold")]
    ServiceKeyWidens,
    /// The root key of a chain is not deleted and not limited, and only it or the operator changes it.
    #[error("the root key of a chain is protected")]
    RootKeyRefused,
    /// Keys with such an id are not the caller's to make, change or delete.
    #[error("the id is reserved for keys of another kind")]
    ReservedKeyRefused,
    /// No such service key.
    #[error("there is no such service key")]
    UnknownServiceKey,
    /// No such chain.
    #[error("there is no such chain")]
    UnknownChain,
    /// There is a chain of this id.
    #[error("there is a chain of this id")]
    ChainExists,
    /// A key of the chain has this id, or had it.
    #[error("the key id is taken, or was")]
    KeyIdTaken,
    /// A nickname is too long or holds control characters.
    #[error("a nickname has at most {max} characters and no control characters")]
    NicknameInvalid {
        /// The limit, in Unicode scalar values.
        max: usize,
    },
    /// A secret is not one that can be taken over.
    #[error("a secret has 32 to 256 characters of A-Z, a-z, 0-9 and ._~:/@+=-")]
    ServiceSecretInvalid,
    /// A public key is no usable Ed25519 key, is the present one, or is missing or given where the kind of the key does not
    /// ask for it.
    #[error("a service key of the kind ed25519, and no other, takes a new Ed25519 public key")]
    ServicePublicKeyInvalid,
    // Escrow.
    /// The caller has not signed in as far as the command asks.
    #[error("the sign-in went not as far as level {required}")]
    AssuranceTooLow {
        /// The least level.
        required: u8,
    },
    /// The caller's token names an identity, and no account of it.
    #[error("the token names no account")]
    NoEscrowAccount,
    /// An assurance level, a client's name or a login challenge that no token can have.
    #[error("the assurance is not one that a token can have")]
    AssuranceInvalid,
    /// No live share of the caller's is filed under the hash.
    #[error("there is no such share")]
    UnknownEscrowShare,
    /// A share under its own hash would put both halves in one place.
    #[error("the share is filed under its own hash")]
    ShareNamesItself,
    /// The account keeps no secrets yet.
    #[error("there is no secret storage")]
    NoSecretStorage,
    /// The account keeps its secrets under another root key by now.
    #[error("the root key is another one by now")]
    RootKeyStale,
    /// The first set-up of an identity brings its public keys.
    #[error("the public keys of the identity are missing")]
    IdentityKeysMissing,
    /// The identity has its public keys, and keeps them.
    #[error("the identity has its public keys already")]
    IdentityKeysExist,
    /// The account keeps as many wrapped secrets as it may.
    #[error("more than {max} wrapped secrets")]
    TooManyWrappedSecrets {
        /// The limit.
        max: usize,
    },
    /// Secrets that the server must be able to use are kept by an encrypted store only.
    #[error("the store is not encrypted")]
    StoreNotEncrypted,

    // Recovery
    /// No such escrow, or none that the caller has to do with: the two are not told apart.
    #[error("there is no such escrow")]
    UnknownEscrow,
    /// No such request, or none of the caller's.
    #[error("there is no such recovery request")]
    UnknownRecoveryRequest,
    /// An escrow has this id.
    #[error("the escrow's id is taken")]
    EscrowExists,
    /// An escrow or a request is not one that can be kept.
    #[error("{0}")]
    EscrowInvalid(EscrowFault),
    /// The escrow was refreshed, or will not be refreshed any more.
    #[error("the escrow is in epoch {epoch}")]
    StaleEpoch {
        /// The present epoch.
        epoch: u32,
    },
    /// The caller is not the holder of this index, or that holder approves nothing, or not their own request.
    #[error("share {index} is not the caller's to give")]
    NotYourShare {
        /// The index.
        index: u8,
    },
    /// The holder has approved the request.
    #[error("holder {index} has approved already")]
    AlreadyApproved {
        /// The index.
        index: u8,
    },
    /// The request is vetoed or over.
    #[error("the request is closed")]
    RequestClosed {
        /// How it ended.
        state: RequestState,
    },
    /// The request was not released yet.
    #[error("the request has yet to be released")]
    NotReleased {
        /// When it can be, once enough holders have approved.
        due: Option<Timestamp>,
    },
    /// The caller's last request for the escrow was too short a time ago.
    #[error("the last request was too short a time ago")]
    CoolingDown {
        /// When to come back.
        retry_after: Duration,
    },

    // The bus
    /// The idempotency key was used with another command.
    #[error("the idempotency key was used with another command")]
    IdempotencyMismatch,
    /// Too much is going on; nothing was written.
    #[error("too many commands in flight")]
    Overloaded {
        /// When to come back.
        retry_after: Duration,
    },
    /// Others won every race; nothing was written.
    #[error("the rows are too busy")]
    Contended {
        /// When to come back.
        retry_after: Duration,
    },
    /// The engine is going down; nothing was written.
    #[error("the engine is draining")]
    Draining,
    /// The deadline passed before anything was written.
    #[error("the deadline passed")]
    DeadlinePassed,
    /// The store did not say whether it took the write. An idempotency key resolves it.
    #[error("it is not known whether the write happened")]
    OutcomeUnknown,

    // Below
    /// The store's device is full; reads go on.
    #[error("the store is full")]
    StorageFull,
    /// The store does not answer; nothing was written.
    #[error("the store is unavailable")]
    StorageUnavailable,
    /// A row is damaged. The place is in the log and in `store check`.
    #[error("stored data is damaged")]
    Corrupt,
    /// A command wants more in one batch than the store takes.
    #[error("the command writes more than fits in one batch")]
    TooLarge,
    /// One of our own promises was broken. Logged where it happened.
    #[error("internal fault")]
    Fault,
}
