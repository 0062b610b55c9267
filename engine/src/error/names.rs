//! The group and the stable name of each error. Both are said here once; every dialect words them for itself.

use super::EngineError;

/// What a caller who does not care for the variant needs to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The caller is not (yet) entitled, or asked for something that is never granted.
    Refused,
    /// There is nothing under that name for this caller.
    NotFound,
    /// The caller's picture is out of date.
    Conflict,
    /// Not now.
    Busy,
    /// Our side is at fault.
    Fault,
}

impl EngineError {
    /// The group that the error belongs to.
    pub fn kind(&self) -> ErrorKind {
        use EngineError as E;
        match self {
            E::CredentialMissing
            | E::CredentialInvalid
            | E::CredentialExpired
            | E::PermissionRefused { .. }
            | E::AccountSuspended
            | E::AccountErased
            | E::TooManySessions { .. }
            | E::ChildSession
            | E::SessionUnproved
            | E::SignUpClosed
            | E::UsernameInvalid
            | E::UsernameNotReserved
            | E::SrpInvalid(_)
            | E::LoginRefused
            | E::ApiKeyRefused
            | E::InsecureRefused
            | E::LoginReplayed
            | E::LoginNonceRefused
            | E::ServerKeyRefused
            | E::NonceReplayed { .. }
            | E::SessionActive
            | E::ValidatorWrong
            | E::PersonNameInvalid
            | E::AddressInvalid
            | E::SauceInvalid
            | E::HashingWeak
            | E::ActivationRefused
            | E::PersonNotActivated
            | E::PasswordWrong
            | E::DeviceCodeExpired
            | E::KeyInvalid
            | E::RestartTooLarge { .. }
            | E::RewrapList { .. }
            | E::WrappedKeySize { .. }
            | E::WrappedKeyMalformed { .. }
            | E::PublicKeyInvalid { .. }
            | E::MetadataTooLarge { .. }
            | E::TooManyExternalIdentifiers { .. }
            | E::ExternalIdentifierSize { .. }
            | E::TokenRefused
            | E::SlotValueInvalid { .. }
            | E::FieldSize { .. }
            | E::TooManySlots { .. }
            | E::ItemTooLarge { .. }
            | E::DefaultDatastore
            | E::ShareCycle
            | E::ShareTooDeep { .. }
            | E::TooManyLinks { .. }
            | E::TooManySecrets { .. }
            | E::TooManyMembers { .. }
            | E::ValueChangedAlone
            | E::MetaTooLarge { .. }
            | E::ValueTooLarge { .. }
            | E::TooManyRecipients { .. }
            | E::NotShareable
            | E::QuotaExceeded { .. }
            | E::PinMessageInvalid { .. }
            | E::TooManyGuessesAllowed { .. }
            | E::SignatureRefused { .. }
            | E::EndpointRefused { .. }
            | E::ServiceKeyWidens
            | E::RootKeyRefused
            | E::ReservedKeyRefused
            | E::NicknameInvalid { .. }
            | E::ServiceSecretInvalid
            | E::ServicePublicKeyInvalid
            | E::AssuranceTooLow { .. }
            | E::NoEscrowAccount
            | E::AssuranceInvalid
            | E::ShareNamesItself
            | E::RootKeyStale
            | E::IdentityKeysMissing
            | E::IdentityKeysExist
            | E::TooManyWrappedSecrets { .. }
            | E::StoreNotEncrypted
            | E::EscrowInvalid(_)
            | E::NotYourShare { .. }
            | E::IdempotencyMismatch
            | E::TooLarge => ErrorKind::Refused,
            E::UnknownRealm
            | E::UnknownRealmKey
            | E::UnknownSession
            | E::UnknownApiKey
            | E::UnknownAttachment
            | E::UnknownDeviceCode
            | E::UnknownKey
            | E::UnknownEscrowShare
            | E::NoSecretStorage
            | E::UnknownVaultUser
            | E::UnknownTemplate
            | E::UnknownItem
            | E::UnknownSlot
            | E::UnknownDatastore
            | E::UnknownSecret
            | E::UnknownShare
            | E::UnknownLink
            | E::UnknownShareRight
            | E::UnknownTaker
            | E::UnknownRotation
            | E::UnknownRecord
            | E::UnknownVersion
            | E::UnknownRecoveryRealm
            | E::UnknownErasure
            | E::UnknownServiceKey
            | E::UnknownChain
            | E::UnknownEscrow
            | E::UnknownRecoveryRequest => ErrorKind::NotFound,
            E::PreviousMissing { .. }
            | E::StaleRecord { .. }
            | E::UsernameTaken
            | E::AlreadyAttached
            | E::DeviceCodeClaimed
            | E::IdentityRotating { .. }
            | E::TokenSpent
            | E::AlreadyAdmitted
            | E::VaultUserExists
            | E::DatastoreExists
            | E::StaleWrite { .. }
            | E::LinkTaken
            | E::NonceUsed
            | E::ShareRightExists
            | E::KekExists
            | E::StaleKek { .. }
            | E::RotationRunning { .. }
            | E::RotationIncomplete { .. }
            | E::ExternalIdentifierTaken { .. }
            | E::ChainExists
            | E::KeyIdTaken
            | E::EscrowExists
            | E::StaleEpoch { .. }
            | E::AlreadyApproved { .. }
            | E::RequestClosed { .. }
            | E::NotReleased { .. } => ErrorKind::Conflict,
            E::TooManyAttempts { .. }
            | E::CoolingDown { .. }
            | E::DeviceCodePending
            | E::GuessTooSoon { .. }
            | E::Overloaded { .. }
            | E::Contended { .. }
            | E::Draining
            | E::DeadlinePassed
            | E::StorageFull => ErrorKind::Busy,
            E::OutcomeUnknown | E::StorageUnavailable | E::Corrupt | E::AnchorFailed | E::Fault => {
                ErrorKind::Fault
            }
        }
    }

    /// A stable name for logs, metrics and problem documents.
    pub fn code(&self) -> &'static str {
        use EngineError as E;
        match self {
            E::CredentialMissing => "credential-missing",
            E::CredentialInvalid => "credential-invalid",
            E::CredentialExpired => "credential-expired",
            E::PermissionRefused { .. } => "permission-refused",
            E::AccountSuspended => "account-suspended",
            E::AccountErased => "account-erased",
            E::UnknownRealm => "unknown-realm",
            E::UnknownRealmKey => "unknown-realm-key",
            E::UnknownSession => "unknown-session",
            E::ChildSession => "child-session",
            E::TooManySessions { .. } => "too-many-sessions",
            E::SessionUnproved => "session-unproved",
            E::SignUpClosed => "sign-up-closed",
            E::UsernameInvalid => "username-invalid",
            E::UsernameTaken => "username-taken",
            E::UsernameNotReserved => "username-not-reserved",
            E::SrpInvalid(_) => "srp-invalid",
            E::LoginRefused => "login-refused",
            E::TooManyAttempts { .. } => "too-many-attempts",
            E::KeyInvalid => "key-invalid",
            E::ApiKeyRefused => "api-key-refused",
            E::InsecureRefused => "insecure-refused",
            E::UnknownApiKey => "unknown-api-key",
            E::AlreadyAttached => "already-attached",
            E::UnknownAttachment => "unknown-attachment",
            E::LoginReplayed => "login-replayed",
            E::LoginNonceRefused => "login-nonce-refused",
            E::ServerKeyRefused => "server-key-refused",
            E::NonceReplayed { .. } => "nonce-replayed",
            E::SessionActive => "session-active",
            E::ValidatorWrong => "validator-wrong",
            E::PersonNameInvalid => "person-name-invalid",
            E::AddressInvalid => "address-invalid",
            E::SauceInvalid => "sauce-invalid",
            E::HashingWeak => "hashing-weak",
            E::ActivationRefused => "activation-refused",
            E::PersonNotActivated => "person-not-activated",
            E::PasswordWrong => "password-wrong",
            E::UnknownDeviceCode => "unknown-device-code",
            E::DeviceCodeExpired => "device-code-expired",
            E::DeviceCodePending => "device-code-pending",
            E::DeviceCodeClaimed => "device-code-claimed",
            E::IdentityRotating { .. } => "identity-rotating",
            E::KekExists => "kek-exists",
            E::UnknownKey => "unknown-key",
            E::StaleKek { .. } => "stale-kek",
            E::RotationRunning { .. } => "rotation-running",
            E::UnknownRotation => "unknown-rotation",
            E::RotationIncomplete { .. } => "rotation-incomplete",
            E::RestartTooLarge { .. } => "restart-too-large",
            E::RewrapList { .. } => "rewrap-list",
            E::WrappedKeySize { .. } => "wrapped-key-size",
            E::WrappedKeyMalformed { .. } => "wrapped-key-malformed",
            E::PublicKeyInvalid { .. } => "public-key-invalid",
            E::MetadataTooLarge { .. } => "metadata-too-large",
            E::TooManyExternalIdentifiers { .. } => "too-many-external-identifiers",
            E::ExternalIdentifierSize { .. } => "external-identifier-size",
            E::ExternalIdentifierTaken { .. } => "external-identifier-taken",
            E::TokenRefused => "token-refused",
            E::TokenSpent => "token-spent",
            E::AlreadyAdmitted => "already-admitted",
            E::VaultUserExists => "vault-user-exists",
            E::UnknownVaultUser => "unknown-vault-user",
            E::UnknownTemplate => "unknown-template",
            E::UnknownItem => "unknown-item",
            E::UnknownSlot => "unknown-slot",
            E::SlotValueInvalid { .. } => "slot-value-invalid",
            E::FieldSize { .. } => "field-size",
            E::TooManySlots { .. } => "too-many-slots",
            E::ItemTooLarge { .. } => "item-too-large",
            E::UnknownDatastore => "unknown-datastore",
            E::UnknownSecret => "unknown-secret",
            E::UnknownShare => "unknown-share",
            E::UnknownLink => "unknown-link",
            E::UnknownShareRight => "unknown-share-right",
            E::UnknownTaker => "unknown-taker",
            E::DatastoreExists => "datastore-exists",
            E::DefaultDatastore => "default-datastore",
            E::StaleWrite { .. } => "stale-write",
            E::LinkTaken => "link-taken",
            E::NonceUsed => "nonce-used",
            E::ShareCycle => "share-cycle",
            E::ShareTooDeep { .. } => "share-too-deep",
            E::TooManyLinks { .. } => "too-many-links",
            E::TooManySecrets { .. } => "too-many-secrets",
            E::TooManyMembers { .. } => "too-many-members",
            E::ShareRightExists => "share-right-exists",
            E::PreviousMissing { .. } => "previous-missing",
            E::StaleRecord { .. } => "stale-record",
            E::ValueChangedAlone => "value-changed-alone",
            E::UnknownRecord => "unknown-record",
            E::UnknownVersion => "unknown-version",
            E::MetaTooLarge { .. } => "meta-too-large",
            E::ValueTooLarge { .. } => "value-too-large",
            E::TooManyRecipients { .. } => "too-many-recipients",
            E::NotShareable => "not-shareable",
            E::QuotaExceeded { .. } => "quota-exceeded",
            E::UnknownRecoveryRealm => "unknown-recovery-realm",
            E::PinMessageInvalid { .. } => "pin-message-invalid",
            E::TooManyGuessesAllowed { .. } => "too-many-guesses-allowed",
            E::GuessTooSoon { .. } => "guess-too-soon",
            E::UnknownErasure => "unknown-erasure",
            E::AnchorFailed => "anchor-failed",
            E::SignatureRefused { .. } => "signature-refused",
            E::EndpointRefused { .. } => "endpoint-refused",
            E::ServiceKeyWidens => "service-key-widens",
            E::RootKeyRefused => "root-key-refused",
            E::ReservedKeyRefused => "reserved-key-refused",
            E::UnknownServiceKey => "unknown-service-key",
            E::UnknownChain => "unknown-chain",
            E::ChainExists => "chain-exists",
            E::KeyIdTaken => "key-id-taken",
            E::NicknameInvalid { .. } => "nickname-invalid",
            E::ServiceSecretInvalid => "service-secret-invalid",
            E::ServicePublicKeyInvalid => "service-public-key-invalid",
            E::AssuranceTooLow { .. } => "assurance-too-low",
            E::NoEscrowAccount => "no-escrow-account",
            E::AssuranceInvalid => "assurance-invalid",
            E::UnknownEscrowShare => "unknown-escrow-share",
            E::ShareNamesItself => "share-names-itself",
            E::NoSecretStorage => "no-secret-storage",
            E::RootKeyStale => "root-key-stale",
            E::IdentityKeysMissing => "identity-keys-missing",
            E::IdentityKeysExist => "identity-keys-exist",
            E::TooManyWrappedSecrets { .. } => "too-many-wrapped-secrets",
            E::StoreNotEncrypted => "store-not-encrypted",
            E::UnknownEscrow => "unknown-escrow",
            E::UnknownRecoveryRequest => "unknown-recovery-request",
            E::EscrowExists => "escrow-exists",
            E::EscrowInvalid(_) => "escrow-invalid",
            E::StaleEpoch { .. } => "stale-epoch",
            E::NotYourShare { .. } => "not-your-share",
            E::AlreadyApproved { .. } => "already-approved",
            E::RequestClosed { .. } => "request-closed",
            E::NotReleased { .. } => "not-released",
            E::CoolingDown { .. } => "cooling-down",
            E::IdempotencyMismatch => "idempotency-mismatch",
            E::Overloaded { .. } => "overloaded",
            E::Contended { .. } => "contended",
            E::Draining => "draining",
            E::DeadlinePassed => "deadline-passed",
            E::OutcomeUnknown => "outcome-unknown",
            E::StorageFull => "storage-full",
            E::StorageUnavailable => "storage-unavailable",
            E::Corrupt => "corrupt",
            E::TooLarge => "too-large",
            E::Fault => "fault",
        }
    }
}
