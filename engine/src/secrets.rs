//! The engine's own keys: made once, kept in one row of the store, never shown.

use serde::{Deserialize, Serialize};
use strongroom_primitives::{
    hash,
    hpke::HolderSecret,
    noise::{self, NoiseError, Pattern, Responder},
    seal::SealKey,
    secret::Secret,
    sign,
};
use zeroize::{Zeroize, Zeroizing};

use crate::{
    codec::Stored,
    domains::{pin_recovery::PinSeal, service_keys::ServiceSeal},
    ports::Entropy,
    server_identity::Identities,
};

/// Keys that belong to one store.
pub struct EngineSecrets {
    /// Signs receipts for record heads.
    receipt: sign::SigningKey,
    /// Makes the decoys of names that have no account.
    decoys: Secret,
    /// Signs admission tokens.
    admission: sign::SigningKey,
    /// What sealed channels end at.
    channel: Zeroizing<[u8; 32]>,
    /// What is kept of the people's authentication keys is keyed with it.
    people: Zeroizing<[u8; 32]>,
    /// Nonces of sign-ins with API keys are made with it.
    login_nonces: Zeroizing<[u8; 32]>,
    /// What the engine shows to clients who seal their sessions.
    identities: Identities,
    /// What the secrets of service keys lie under.
    service_keys: ServiceSeal,
    /// What shares of root keys lie under.
    escrow: SealKey,
    /// Tokens of pages are made with it.
    page_tokens: Zeroizing<[u8; 32]>,
    /// What the keys of recovery records lie under.
    pin_recovery: PinSeal,
    /// What the server's own shares of escrows are sealed to.
    recovery: HolderSecret,
}

impl EngineSecrets {
    /// The public half of the key that signs receipts.
    pub fn receipt_key(&self) -> sign::VerifyingKey {
        self.receipt.verifying_key()
    }

    /// What salts and verifiers of unknown names are made from.
    pub(crate) fn decoys(&self) -> &Secret {
        &self.decoys
    }

    /// Signs `statement`, which the caller has made unambiguous.
    pub(crate) fn sign_receipt(&self, statement: &[u8]) -> [u8; 64] {
        self.receipt.sign(statement)
    }

    /// The public half of the key that signs admission tokens.
    pub fn admission_key(&self) -> sign::VerifyingKey {
        self.admission.verifying_key()
    }

    /// The X25519 public key that sealed channels end at.
    pub(crate) fn channel_key(&self) -> [u8; 32] {
        noise::public_key(&self.channel)
    }

    /// Takes the first message of a client that wants a sealed channel.
    pub(crate) fn receive_channel(
        &self,
        pattern: Pattern,
        prologue: &[u8],
        drawn: [u8; 32],
        message: &[u8],
    ) -> Result<Responder, NoiseError> {
        Responder::receive(pattern, prologue, &self.channel, drawn, message)
    }

    /// What is kept of the people's authentication keys is keyed with it.
    pub(crate) fn people(&self) -> &[u8; 32] {
        &self.people
    }

    /// Nonces of sign-ins with API keys are made with it.
    pub(crate) fn login_nonces(&self) -> &[u8; 32] {
        &self.login_nonces
    }

    /// What the engine shows to clients who seal their sessions.
    pub fn identities(&self) -> &Identities {
        &self.identities
    }

    /// What the secrets of service keys lie under.
    pub(crate) fn service_keys(&self) -> &ServiceSeal {
        &self.service_keys
    }

    /// What shares of root keys lie under.
    pub(crate) fn escrow(&self) -> &SealKey {
        &self.escrow
    }

    /// Tokens of pages are made with it.
    pub(crate) fn page_tokens(&self) -> &[u8; 32] {
        &self.page_tokens
    }

    /// What the keys of recovery records lie under.
    pub(crate) fn pin_recovery(&self) -> &PinSeal {
        &self.pin_recovery
    }

    /// What the server's own shares of escrows are sealed to.
    pub(crate) fn recovery(&self) -> &HolderSecret {
        &self.recovery
    }

    /// Signs `statement`, which the caller has made unambiguous.
    pub(crate) fn sign_admission(&self, statement: &[u8]) -> [u8; 64] {
        self.admission.sign(statement)
    }
}

/// The row that holds the keys: one 32-byte root from which each is derived for its one purpose.
#[derive(Serialize, Deserialize)]
pub(crate) struct StoredSecrets {
    root: [u8; 32],
}

impl Stored for StoredSecrets {}

impl StoredSecrets {
    pub(crate) fn generate(entropy: &dyn Entropy) -> Self {
        Self { root: entropy.array() }
    }

    /// The key that hides names and identities in storage keys.
    pub(crate) fn naming_key(&self) -> [u8; 32] {
        hash::derive_key("strongroom naming v1", &self.root)
    }

    pub(crate) fn secrets(&self) -> EngineSecrets {
        let signing_key = |purpose| {
            let seed = Zeroizing::new(hash::derive_key(purpose, &self.root));
            sign::SigningKey::from_seed(&seed)
        };
        EngineSecrets {
            receipt: signing_key("strongroom receipt v1"),
            admission: signing_key("strongroom admission v1"),
            channel: Zeroizing::new(hash::derive_key("strongroom channel v1", &self.root)),
            people: Zeroizing::new(hash::derive_key("strongroom people v1", &self.root)),
            login_nonces: Zeroizing::new(hash::derive_key("strongroom login nonces v1", &self.root)),
            identities: Identities::new(&self.root),
            service_keys: ServiceSeal::new(&self.root),
            escrow: SealKey::derive(&self.root, "strongroom escrow v1"),
            page_tokens: Zeroizing::new(hash::derive_key("strongroom page tokens v1", &self.root)),
            pin_recovery: PinSeal::new(&self.root),
            recovery: HolderSecret::derive(hash::derive_key("strongroom recovery v1", &self.root)),
            decoys: Secret::new(hash::derive_key("strongroom srp decoys v1", &self.root).to_vec()),
        }
    }
}

impl Drop for StoredSecrets {
    fn drop(&mut self) {
        self.root.zeroize();
    }
}
