//! Scalars that are shared among realms ([`crate::sharing`]), as the fields of messages hold them: without an index,
//! which is the place of the realm in the configuration. The protocol has no commitments to shares; a bad one is
//! noticed by the proof of the OPRF, or by the commitment to the encrypted secret.

use zeroize::Zeroizing;

use super::{PinRecoveryError, SCALAR_BYTES, SecretOctets};
use crate::sharing::{INDEXED_BYTES, Share, SharedScalar, combine_unchecked, split};

/// A scalar, and the share of each realm in the order of their ids.
pub(super) struct Shared {
    pub(super) scalar: SecretOctets<SCALAR_BYTES>,
    pub(super) shares: Vec<SecretOctets<SCALAR_BYTES>>,
}

/// Draws a scalar and shares it. The thresholds are those of a sound configuration, so chance is all that can fail.
pub(super) fn draw(
    threshold: u8,
    count: u8,
    draw: &mut dyn FnMut(&mut [u8]),
) -> Result<Shared, PinRecoveryError> {
    let scalar = SharedScalar::draw(&mut *draw);
    let sharing = split(&scalar, threshold, count, draw).map_err(|_| PinRecoveryError::Chance)?;
    let without_index = |share: &Share| {
        let indexed = share.expose();
        let (_, bytes) = indexed.split_at(INDEXED_BYTES - SCALAR_BYTES);
        SecretOctets::from_bytes(bytes.try_into().expect("a share is an index and a scalar"))
    };
    Ok(Shared {
        scalar: SecretOctets::from_bytes(*scalar.expose()),
        shares: sharing.shares.iter().map(without_index).collect(),
    })
}

/// The scalar, from shares by the indices of their realms.
pub(super) fn combine(
    shares: &[(u8, SecretOctets<SCALAR_BYTES>)],
    threshold: u8,
) -> Result<SecretOctets<SCALAR_BYTES>, PinRecoveryError> {
    let with_index = |(index, share): &(u8, SecretOctets<SCALAR_BYTES>)| {
        let mut bytes = Zeroizing::new([*index; INDEXED_BYTES]);
        bytes[INDEXED_BYTES - SCALAR_BYTES..].copy_from_slice(share.expose());
        Share::from_bytes(&*bytes)
    };
    let shares = shares.iter().map(with_index).collect::<Result<Vec<_>, _>>();
    let scalar = shares.and_then(|shares| combine_unchecked(&shares, threshold));
    scalar.map(|scalar| SecretOctets::from_bytes(*scalar.expose())).map_err(|_| PinRecoveryError::Scalar)
}
