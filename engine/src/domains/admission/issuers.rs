//! Other keystores whose tokens are accepted here.

use std::collections::BTreeMap;

use strongroom_primitives::{id::IssuerName, sign::VerifyingKey};

/// A keystore elsewhere, and the key that its tokens are signed with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustedIssuer {
    /// What its users are told apart by: they are known here as `name/subject`.
    pub name: IssuerName,
    /// Its [admission key](crate::EngineHandle::admission_key).
    pub public_key: VerifyingKey,
}

/// All of them.
#[derive(Debug, Clone, Default)]
pub struct Issuers {
    by_key: BTreeMap<[u8; 32], IssuerName>,
}

impl Issuers {
    /// Adds one. A key that is known already gets the new name.
    pub(crate) fn trust(&mut self, issuer: TrustedIssuer) {
        self.by_key.insert(*issuer.public_key.as_bytes(), issuer.name);
    }

    /// What the holder of this key is called, if it is trusted.
    pub(super) fn name_of(&self, key: &[u8; 32]) -> Option<&IssuerName> {
        self.by_key.get(key)
    }
}
