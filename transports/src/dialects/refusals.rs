//! Refusals by what they are about, so that a dialect names at once those of commands that it does not ask.
//!
//! The lists stand here once, and stay exhaustive: a refusal that is added to the engine and to no list has no line in any
//! dialect, and the compiler says so.

/// A pattern of all refusals of `strongroom_engine::EngineError`, named `E`, that are about one thing.
macro_rules! refusals {
    // Of API keys, people, devices and the identity of the engine.
    (sign_in) => {
        E::KeyInvalid
            | E::UnknownApiKey
            | E::AlreadyAttached
            | E::UnknownAttachment
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
            | E::ActivationRefused
            | E::PersonNotActivated
            | E::UnknownDeviceCode
            | E::DeviceCodeExpired
            | E::DeviceCodePending
            | E::DeviceCodeClaimed
            | E::IdentityRotating { .. }
    };
    // Of the key hierarchy, admission and vaults.
    (keys) => {
        E::KekExists
            | E::UnknownKey
            | E::StaleKek { .. }
            | E::RotationRunning { .. }
            | E::UnknownRotation
            | E::RotationIncomplete { .. }
            | E::RestartTooLarge { .. }
            | E::RewrapList { .. }
            | E::WrappedKeySize { .. }
            | E::WrappedKeyMalformed { .. }
            | E::PublicKeyInvalid { .. }
            | E::MetadataTooLarge { .. }
            | E::TooManyExternalIdentifiers { .. }
            | E::ExternalIdentifierSize { .. }
            | E::ExternalIdentifierTaken { .. }
            | E::TokenRefused
            | E::TokenSpent
            | E::AlreadyAdmitted
            | E::VaultUserExists
            | E::UnknownVaultUser
            | E::UnknownTemplate
            | E::UnknownItem
            | E::UnknownSlot
            | E::SlotValueInvalid { .. }
            | E::TooManySlots { .. }
            | E::ItemTooLarge { .. }
    };
    // Of datastores, secrets and shares.
    (sharing) => {
        E::UnknownDatastore
            | E::UnknownSecret
            | E::UnknownShare
            | E::UnknownLink
            | E::UnknownShareRight
            | E::UnknownTaker
            | E::DatastoreExists
            | E::DefaultDatastore
            | E::StaleWrite { .. }
            | E::LinkTaken
            | E::NonceUsed
            | E::ShareCycle
            | E::ShareTooDeep { .. }
            | E::TooManyLinks { .. }
            | E::TooManySecrets { .. }
            | E::TooManyMembers { .. }
            | E::ShareRightExists
    };
    // Of records.
    (records) => {
        E::PreviousMissing { .. }
            | E::StaleRecord { .. }
            | E::ValueChangedAlone
            | E::UnknownRecord
            | E::UnknownVersion
            | E::MetaTooLarge { .. }
            | E::ValueTooLarge { .. }
            | E::TooManyRecipients { .. }
            | E::NotShareable
    };
    // Of service keys and the requests that they sign.
    (service_keys) => {
        E::SignatureRefused { .. }
            | E::EndpointRefused { .. }
            | E::ServiceKeyWidens
            | E::RootKeyRefused
            | E::ReservedKeyRefused
            | E::UnknownServiceKey
            | E::UnknownChain
            | E::ChainExists
            | E::KeyIdTaken
            | E::NicknameInvalid { .. }
            | E::ServiceSecretInvalid
            | E::ServicePublicKeyInvalid
    };
    // Of halves of root keys and what these wrap.
    (escrow) => {
        E::AssuranceTooLow { .. }
            | E::NoEscrowAccount
            | E::AssuranceInvalid
            | E::UnknownEscrowShare
            | E::ShareNamesItself
            | E::NoSecretStorage
            | E::RootKeyStale
            | E::IdentityKeysMissing
            | E::IdentityKeysExist
            | E::TooManyWrappedSecrets { .. }
    };
    // Of escrows among holders.
    (recovery) => {
        E::UnknownEscrow
            | E::UnknownRecoveryRequest
            | E::EscrowExists
            | E::EscrowInvalid(_)
            | E::StaleEpoch { .. }
            | E::NotYourShare { .. }
            | E::AlreadyApproved { .. }
            | E::RequestClosed { .. }
            | E::NotReleased { .. }
            | E::CoolingDown { .. }
    };
    // Of realms of recovery.
    (pin_recovery) => {
        E::UnknownRecoveryRealm
            | E::PinMessageInvalid { .. }
            | E::TooManyGuessesAllowed { .. }
            | E::GuessTooSoon { .. }
            | E::UnknownErasure
            | E::AnchorFailed
    };
}

pub(super) use refusals;
