//! New shares of an old secret, so that shares of different epochs are worth nothing together.
//!
//! Whoever refreshes draws a polynomial whose constant is zero and gives each holder its value; holders check and add
//! it, and everybody multiplies the commitments. Several may do so in one epoch; as long as one of them keeps its
//! polynomial to itself, nobody can follow. Source: `RECOVERY.md`, section 5.5, after Herzberg and others.
//!
//! A refresh is worth what holders throw away: a holder that keeps the share of the last epoch keeps it alive.

use std::fmt;

use curve25519_dalek::ristretto::RistrettoPoint;
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::Identity as _;
use zeroize::Zeroizing;

use super::commitments::{decode_points, encode_points, evaluate};
use super::polynomial::Polynomial;
use super::{Commitments, RefreshPiece, Share, SharingError};

/// One party's part in a refresh. Wiped when dropped.
pub struct Refresh(Polynomial);

impl Refresh {
    /// Draws one for sharings of `threshold`: 64 bytes of chance, `threshold - 1` times.
    ///
    /// # Errors
    /// [`SharingError::Threshold`] below 2: a share that is the secret itself cannot be made another.
    pub fn draw(threshold: u8, draw: impl FnMut(&mut [u8])) -> Result<Self, SharingError> {
        if threshold < 2 {
            return Err(SharingError::Threshold { threshold, count: u8::MAX });
        }
        Ok(Self(Polynomial::draw(&Scalar::ZERO, threshold, draw)))
    }

    /// What the holder of `index` adds to its share.
    ///
    /// # Errors
    /// [`SharingError::ZeroIndex`].
    pub fn piece(&self, index: u8) -> Result<RefreshPiece, SharingError> {
        RefreshPiece::of(&self.0, index)
    }

    /// What everybody multiplies the commitments with.
    #[must_use]
    pub fn commitments(&self) -> RefreshCommitments {
        RefreshCommitments(self.0.committed().split_off(1))
    }
}

impl fmt::Debug for Refresh {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Refresh(..)")
    }
}

/// The base point times each coefficient of a refresh but the constant one, which is always zero and therefore not
/// written: no refresh can be spelled that changes the secret. One point less than the threshold.
#[derive(Clone, PartialEq, Eq)]
pub struct RefreshCommitments(Vec<RistrettoPoint>);

impl RefreshCommitments {
    /// Reads 1 to 254 points of 32 bytes each.
    ///
    /// # Errors
    /// [`SharingError::Length`], or [`SharingError::Point`] for anything but the one encoding of a point.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, SharingError> {
        let points = decode_points(bytes)?;
        if points.len() == usize::from(u8::MAX) { Err(SharingError::Length) } else { Ok(Self(points)) }
    }

    /// 32 bytes for each point, in order.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        encode_points(&self.0)
    }

    /// Of the sharings that it is for: 2 to 255.
    #[must_use]
    pub fn threshold(&self) -> u8 {
        u8::try_from(self.0.len() + 1).expect("there are at most 254 points")
    }

    /// Whether the piece lies on the polynomial that is committed to.
    ///
    /// # Errors
    /// [`SharingError::BadShare`].
    pub fn check(&self, piece: &RefreshPiece) -> Result<(), SharingError> {
        let index = piece.index();
        let mut points = vec![RistrettoPoint::identity()];
        points.extend_from_slice(&self.0);
        if RistrettoPoint::mul_base(piece.value()) == evaluate(&points, index) {
            Ok(())
        } else {
            Err(SharingError::BadShare { index })
        }
    }
}

impl fmt::Debug for RefreshCommitments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RefreshCommitments({})", self.threshold())
    }
}

impl Share {
    /// The share of the next epoch. Check it against the commitments of that epoch before this one is thrown away.
    ///
    /// # Errors
    /// [`SharingError::OtherHolder`] for somebody else's piece; [`SharingError::BadShare`] for one that is not what
    /// was committed to.
    pub fn refreshed(&self, piece: &RefreshPiece, to: &RefreshCommitments) -> Result<Self, SharingError> {
        if piece.index() != self.index() {
            return Err(SharingError::OtherHolder { index: piece.index() });
        }
        to.check(piece)?;
        Self::new(self.index(), Zeroizing::new(self.value() + piece.value()))
    }
}

impl Commitments {
    /// The commitments of the next epoch, to the same secret.
    ///
    /// # Errors
    /// [`SharingError::OtherThreshold`].
    pub fn refreshed(&self, by: &RefreshCommitments) -> Result<Self, SharingError> {
        let (ours, theirs) = (self.threshold(), by.threshold());
        if ours != theirs {
            return Err(SharingError::OtherThreshold { ours, theirs });
        }
        let (secret, others) = self.points().split_first().expect("there is at least one point");
        let others = others.iter().zip(&by.0).map(|(ours, theirs)| ours + theirs);
        Self::from_points(std::iter::once(*secret).chain(others).collect())
    }
}
