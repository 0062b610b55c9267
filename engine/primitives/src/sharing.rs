//! Threshold sharing of a scalar: any `threshold` of up to 255 shares make it again, and fewer say nothing about it.
//!
//! ```text
//! dealer    SharedScalar::draw -> split -> a Share for each holder, Commitments for everybody
//! holder    Commitments::check(share)                        a bad share is noticed on arrival
//! requester combine(shares, commitments) -> SharedScalar -> payload_key -> SealKey::open
//! ```
//!
//! Shamir's scheme over the scalars of ristretto255 (RFC 9496), with the commitments of Feldman: the base point times
//! each coefficient of the polynomial. The commitments show the secret times the base point, which is safe because what
//! is shared is a uniform scalar and never a PIN: the data that is to be recovered, of any size, lies sealed under
//! [`SharedScalar::payload_key`]. Source: `RECOVERY.md`, sections 5.1, 5.2 and 5.5.
//!
//! Written here because no library fits. `sharks` is biased, and neither it nor `blahaj` commits to anything. `vsss-rs`
//! 6.0.1 draws its coefficients rightly and names a bad share, but it leaves polynomials in memory as they are, shows
//! shares in debug output, keeps an identifier that saturates, and wants the traits of `elliptic-curve` around what is
//! one multiplication here. The curve is `curve25519-dalek` 5, the generation that Ed25519 and X25519 stand on already.
//!
//! Believe this: every coefficient is uniform, zero included. To draw again when a coefficient is zero looks careful
//! and tells whoever holds one share less than needed a value that the secret does not have. And an index has one
//! spelling from 1 to 255: no two shares of a sharing stand at the same place, and none at 0, where the secret is.

mod commitments;
mod indexed;
mod polynomial;
mod refresh;
mod replace;
mod scalar;

pub use self::commitments::Commitments;
pub use self::indexed::{Help, HelpPart, INDEXED_BYTES, RefreshPiece, Share};
pub(crate) use self::polynomial::interpolate;
pub use self::refresh::{Refresh, RefreshCommitments};
pub use self::replace::gather;
pub use self::scalar::{SCALAR_BYTES, SharedScalar};

use zeroize::Zeroizing;

use self::polynomial::Polynomial;

/// Length of an encoded point of ristretto255, in bytes.
pub const POINT_BYTES: usize = 32;

/// Why a sharing cannot be made, or does not give its secret. None repeats a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SharingError {
    /// The threshold is zero, above the number of shares, or 1 where a refresh would change nothing.
    #[error("threshold {threshold} is out of bounds for {count} shares")]
    Threshold {
        /// What was asked for.
        threshold: u8,
        /// Of how many shares.
        count: u8,
    },
    /// The secret is zero, which its commitment would show.
    #[error("the secret is zero")]
    ZeroSecret,
    /// Index 0 is where the secret is.
    #[error("index 0 is no holder's")]
    ZeroIndex,
    /// Two shares, or two helpers, have one index.
    #[error("index {index} is there twice")]
    RepeatedIndex {
        /// The index.
        index: u8,
    },
    /// Fewer shares, or helpers, than the threshold.
    #[error("{given} of {threshold} are there")]
    TooFew {
        /// How many were given.
        given: usize,
        /// How many are needed.
        threshold: u8,
    },
    /// This share, or piece, is not the one that was committed to: damaged, of another sharing, or of another epoch.
    #[error("what holder {index} has does not fit the commitments")]
    BadShare {
        /// Whose it is.
        index: u8,
    },
    /// What is to be added up belongs to different holders.
    #[error("holder {index} is not the one this is for")]
    OtherHolder {
        /// Whose it is.
        index: u8,
    },
    /// A refresh is for another threshold.
    #[error("a refresh for threshold {theirs} does not fit threshold {ours}")]
    OtherThreshold {
        /// Of the sharing.
        ours: u8,
        /// Of the refresh.
        theirs: u8,
    },
    /// The encoding has another length.
    #[error("the encoding has another length")]
    Length,
    /// 32 bytes that are no scalar in its one encoding: little endian, below the order of the group.
    #[error("not the one encoding of a scalar")]
    Scalar,
    /// 32 bytes that are no point of ristretto255 in its one encoding.
    #[error("not the one encoding of a point")]
    Point,
}

/// A secret, shared.
#[derive(Debug)]
pub struct Sharing {
    /// For the holders, by index from 1.
    pub shares: Vec<Share>,
    /// For everybody.
    pub commitments: Commitments,
}

/// Shares a secret among holders 1 to `count`, any `threshold` of whom can make it again.
///
/// `draw` fills what it is given with unpredictable bytes; it is asked for 64 bytes for each coefficient but the secret,
/// `threshold - 1` times.
///
/// # Errors
/// [`SharingError::Threshold`] unless `threshold` is 1 to `count`; [`SharingError::ZeroSecret`].
pub fn split(
    secret: &SharedScalar,
    threshold: u8,
    count: u8,
    draw: impl FnMut(&mut [u8]),
) -> Result<Sharing, SharingError> {
    if threshold == 0 || threshold > count {
        return Err(SharingError::Threshold { threshold, count });
    }
    let polynomial = Polynomial::draw(secret.scalar(), threshold, draw);
    let commitments = Commitments::from_points(polynomial.committed())?;
    let shares = (1..=count).map(|index| Share::of(&polynomial, index)).collect::<Result<_, _>>()?;
    Ok(Sharing { shares, commitments })
}

/// Makes the secret again from at least `threshold` shares, every one of which must be what was committed to.
///
/// # Errors
/// [`SharingError::TooFew`], [`SharingError::RepeatedIndex`], or [`SharingError::BadShare`] with the first that is not
/// good, by the order in which they were given.
pub fn combine(shares: &[Share], commitments: &Commitments) -> Result<SharedScalar, SharingError> {
    let secret = combine_unchecked(shares, commitments.threshold())?;
    shares.iter().try_for_each(|share| commitments.check(share))?;
    Ok(secret)
}

/// As [`combine`], where there are no commitments: shares that do not belong together make some scalar, and what that
/// opens has to tell. Of more shares than `threshold` the first ones are used.
///
/// # Errors
/// [`SharingError::Threshold`] for 0, [`SharingError::TooFew`], [`SharingError::RepeatedIndex`].
pub fn combine_unchecked(shares: &[Share], threshold: u8) -> Result<SharedScalar, SharingError> {
    if threshold == 0 {
        return Err(SharingError::Threshold {
            threshold,
            count: u8::try_from(shares.len()).unwrap_or(u8::MAX),
        });
    }
    let indices = shares.iter().map(Share::index).collect::<Vec<_>>();
    enough(&indices, threshold)?;
    let used = usize::from(threshold);
    let weights = interpolate(&indices[..used], 0);
    let mut secret = Zeroizing::default();
    for (share, weight) in shares.iter().zip(&weights) {
        *secret += share.value() * weight;
    }
    Ok(SharedScalar::from_scalar(secret))
}

/// Whether these are different, and as many as needed.
fn enough(indices: &[u8], threshold: u8) -> Result<(), SharingError> {
    let mut seen = [false; 256];
    for &index in indices {
        if std::mem::replace(&mut seen[usize::from(index)], true) {
            return Err(SharingError::RepeatedIndex { index });
        }
    }
    if indices.len() < usize::from(threshold) {
        return Err(SharingError::TooFew { given: indices.len(), threshold });
    }
    Ok(())
}

#[cfg(test)]
mod tests;
