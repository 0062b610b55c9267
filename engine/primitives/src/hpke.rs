//! Sealing to a holder's public key, so that nobody on the way can open it: HPKE (RFC 9180) in base mode.
//!
//! The suite is DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, ChaCha20-Poly1305. What is sealed is 32 bytes of a public key
//! made for this one seal, then the encrypted text with 16 bytes of tag. `info` says what a seal is for and `aad` what
//! it belongs to; neither travels in it, and with other ones it does not open. Base mode says nothing about who sealed:
//! whoever has the public key can. Source: `RECOVERY.md`, section 5.3.
//!
//! Believe this: every seal has a key of its own, made from chance that is handed in. The same chance twice for one
//! holder and one `info` is the same key and nonce twice.

use std::convert::Infallible;
use std::fmt;

use ::hpke::aead::ChaCha20Poly1305;
use ::hpke::kdf::HkdfSha256;
use ::hpke::kem::X25519HkdfSha256;
use ::hpke::{
    Deserializable as _, Kem, OpModeR, OpModeS, Serializable as _, single_shot_open,
    single_shot_seal_with_rng,
};
use rand_core::{TryCryptoRng, TryRng};
use zeroize::Zeroizing;

use crate::encoding::to_hex;
use crate::nacl::{BoxPublic, LowOrder};

/// Length of a key of either kind, in bytes.
pub const KEY_BYTES: usize = 32;
/// How many bytes longer a sealed text is than the text.
pub const OVERHEAD_BYTES: usize = KEY_BYTES + 16;
/// Longest `info`, in bytes.
pub const INFO_BYTES_MAX: usize = 4 * 1024;

type PrivateKey = <X25519HkdfSha256 as Kem>::PrivateKey;
type PublicKey = <X25519HkdfSha256 as Kem>::PublicKey;
type EncappedKey = <X25519HkdfSha256 as Kem>::EncappedKey;

/// Why nothing is sealed or opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HpkeError {
    /// `info` is longer than [`INFO_BYTES_MAX`].
    #[error("info is longer than 4,096 bytes")]
    Info,
    /// The public key is a point of low order, with which every secret agrees on the same.
    #[error("public key is a point of low order")]
    LowOrder,
    /// The seal does not open: for another holder, `info` or `aad`, changed on its way, or no seal. Nothing tells which.
    #[error("seal does not open")]
    Open,
}

impl From<LowOrder> for HpkeError {
    fn from(_: LowOrder) -> Self {
        Self::LowOrder
    }
}

/// The X25519 public key of a holder, no point of low order.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct HolderPublic(BoxPublic);

impl HolderPublic {
    /// From the 32 bytes of RFC 7748.
    ///
    /// # Errors
    /// [`HpkeError::LowOrder`].
    pub fn from_bytes(bytes: [u8; KEY_BYTES]) -> Result<Self, HpkeError> {
        Ok(Self(BoxPublic::from_bytes(bytes)?))
    }

    /// The 32 bytes of RFC 7748.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; KEY_BYTES] {
        self.0.as_bytes()
    }

    /// Seals `text`, [`OVERHEAD_BYTES`] longer. `drawn` is fresh chance, for this seal alone.
    ///
    /// # Errors
    /// [`HpkeError::Info`]; [`HpkeError::LowOrder`], should the shared secret be zero in spite of the check that the
    /// key has passed.
    pub fn seal(
        &self,
        info: &[u8],
        aad: &[u8],
        text: &[u8],
        drawn: [u8; KEY_BYTES],
    ) -> Result<Vec<u8>, HpkeError> {
        bounded(info)?;
        let to = PublicKey::from_bytes(self.as_bytes()).expect("an X25519 public key has 32 bytes");
        let (key, body) = single_shot_seal_with_rng::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
            &OpModeS::Base,
            &to,
            info,
            text,
            aad,
            &mut Drawn(Some(Zeroizing::new(drawn))),
        )
        .map_err(|_| HpkeError::LowOrder)?;
        let mut sealed = Vec::with_capacity(text.len() + OVERHEAD_BYTES);
        sealed.extend_from_slice(&key.to_bytes());
        sealed.extend_from_slice(&body);
        Ok(sealed)
    }
}

impl fmt::Debug for HolderPublic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HolderPublic({})", to_hex(self.as_bytes()))
    }
}

/// The X25519 secret of a holder. Wiped when dropped.
#[derive(Clone)]
pub struct HolderSecret(PrivateKey);

impl HolderSecret {
    /// From 32 bytes of chance, by `DeriveKeyPair` (RFC 9180, section 7.1.3).
    #[must_use]
    pub fn derive(seed: [u8; KEY_BYTES]) -> Self {
        Self(X25519HkdfSha256::derive_keypair(&*Zeroizing::new(seed)).0)
    }

    /// From the 32 bytes of RFC 7748, any value: they are clamped.
    #[must_use]
    pub fn from_bytes(bytes: [u8; KEY_BYTES]) -> Self {
        let bytes = Zeroizing::new(bytes);
        Self(PrivateKey::from_bytes(&*bytes).expect("any 32 bytes are an X25519 secret"))
    }

    /// The 32 bytes of RFC 7748, clamped.
    #[must_use]
    pub fn expose(&self) -> Zeroizing<[u8; KEY_BYTES]> {
        Zeroizing::new(self.0.to_bytes().into())
    }

    /// The public half. Costs one curve operation.
    #[must_use]
    pub fn public(&self) -> HolderPublic {
        let public = X25519HkdfSha256::sk_to_pk(&self.0).to_bytes().into();
        HolderPublic::from_bytes(public).expect("a clamped multiple of the base point has its full order")
    }

    /// The text of a seal made by [`HolderPublic::seal`] for the same `info` and `aad`.
    ///
    /// # Errors
    /// [`HpkeError::Info`], [`HpkeError::Open`].
    pub fn open(&self, info: &[u8], aad: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, HpkeError> {
        bounded(info)?;
        let (key, body) = sealed.split_first_chunk::<KEY_BYTES>().ok_or(HpkeError::Open)?;
        let key = EncappedKey::from_bytes(key).map_err(|_| HpkeError::Open)?;
        let text = single_shot_open::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
            &OpModeR::Base,
            &self.0,
            &key,
            info,
            body,
            aad,
        );
        text.map(Zeroizing::new).map_err(|_| HpkeError::Open)
    }
}

impl fmt::Debug for HolderSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HolderSecret(of {})", to_hex(self.public().as_bytes()))
    }
}

fn bounded(info: &[u8]) -> Result<(), HpkeError> {
    if info.len() > INFO_BYTES_MAX { Err(HpkeError::Info) } else { Ok(()) }
}

/// Chance that was handed in, given out once: a seal draws the seed of one key.
struct Drawn(Option<Zeroizing<[u8; KEY_BYTES]>>);

impl TryRng for Drawn {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        unreachable!("a seal draws 32 bytes")
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        unreachable!("a seal draws 32 bytes")
    }

    fn try_fill_bytes(&mut self, wanted: &mut [u8]) -> Result<(), Infallible> {
        let drawn = self.0.take().expect("a seal draws once");
        wanted.copy_from_slice(&*drawn);
        Ok(())
    }
}

impl TryCryptoRng for Drawn {}

#[cfg(test)]
mod tests;
