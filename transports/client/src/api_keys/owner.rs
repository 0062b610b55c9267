//! The keys of an API key's owner.

use std::fmt;

use strongroom_primitives::cryppo::WrappingKey;
use strongroom_primitives::hash::derive_key;
use strongroom_primitives::nacl::BoxKey;
use zeroize::Zeroizing;

/// The keys of a person that their API keys give access to.
#[derive(Clone)]
pub struct OwnerKeys {
    /// What others seal for: an X25519 secret of 32 bytes.
    pub private_key: Zeroizing<[u8; 32]>,
    /// What the person seals for themselves.
    pub secret_key: BoxKey,
}

impl OwnerKeys {
    /// Those of a person with a passphrase, from the data encryption key (DEK) of their vault: BLAKE3's key derivation of
    /// its 32 bytes, for the purposes `strongroom owner private key v1` and `strongroom owner secret key v1`.
    ///
    /// Another passphrase and another KEK leave the DEK as it is, and so these.
    #[must_use]
    pub fn derived(dek: &WrappingKey) -> Self {
        let derived = |purpose| derive_key(purpose, dek.expose_bytes());
        Self {
            private_key: Zeroizing::new(derived("strongroom owner private key v1")),
            secret_key: BoxKey::from_bytes(derived("strongroom owner secret key v1")),
        }
    }
}

impl fmt::Debug for OwnerKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OwnerKeys(..)")
    }
}

#[cfg(test)]
mod tests {
    use strongroom_primitives::encoding::to_hex;

    use super::*;

    /// What is sealed under these keys stays at the server for years: they never come out differently.
    #[test]
    fn the_keys_of_an_owner_come_out_of_their_dek_the_same_for_ever() {
        let derived = |byte| OwnerKeys::derived(&WrappingKey::from_bytes(&[byte; 32]));
        let keys = derived(7);
        assert_eq!(
            to_hex(&*keys.private_key),
            "34b570d43c5ae844ba4f0102bbab862cf5250e4248511dd46eade8dfd56fd4c9"
        );
        assert_eq!(
            to_hex(keys.secret_key.expose()),
            "576960b23c3698c12dbe51ebaf893cfebd552b61a40436e3ef55b579fb4bc32a"
        );
        assert_ne!(*derived(8).private_key, *keys.private_key);
    }
}
