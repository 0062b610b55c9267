//! What everybody may know of a sharing, and by which a share is checked.

use std::fmt;

use curve25519_dalek::ristretto::{CompressedRistretto, RistrettoPoint};
use curve25519_dalek::traits::{Identity as _, IsIdentity as _};

use super::{POINT_BYTES, Share, SharingError};
use crate::encoding::to_hex;

/// The base point of ristretto255 times each coefficient of the polynomial, from the secret on: as many points as the
/// threshold.
///
/// A coefficient other than the secret may be zero, so its point may be the identity; to refuse it would tell holders
/// what a coefficient is not.
#[derive(Clone, PartialEq, Eq)]
pub struct Commitments(Vec<RistrettoPoint>);

impl Commitments {
    pub(super) fn from_points(points: Vec<RistrettoPoint>) -> Result<Self, SharingError> {
        match points.first() {
            Some(secret) if secret.is_identity() => Err(SharingError::ZeroSecret),
            Some(_) => Ok(Self(points)),
            None => Err(SharingError::Length),
        }
    }

    pub(super) fn points(&self) -> &[RistrettoPoint] {
        &self.0
    }

    /// Reads 1 to 255 points of 32 bytes each.
    ///
    /// # Errors
    /// [`SharingError::Length`], [`SharingError::Point`] for anything but the one encoding of a point, and
    /// [`SharingError::ZeroSecret`] when the first is the identity.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, SharingError> {
        Self::from_points(decode_points(bytes)?)
    }

    /// 32 bytes for each point, in order.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        encode_points(&self.0)
    }

    /// How many shares make the secret: 1 to 255.
    #[must_use]
    pub fn threshold(&self) -> u8 {
        u8::try_from(self.0.len()).expect("there are at most 255 points")
    }

    /// The base point times the secret, 32 bytes: what stays the same over every refresh.
    #[must_use]
    pub fn public(&self) -> [u8; POINT_BYTES] {
        self.0[0].compress().to_bytes()
    }

    /// Whether the share lies on the polynomial that is committed to.
    ///
    /// # Errors
    /// [`SharingError::BadShare`].
    pub fn check(&self, share: &Share) -> Result<(), SharingError> {
        let index = share.index();
        if RistrettoPoint::mul_base(share.value()) == evaluate(&self.0, index) {
            Ok(())
        } else {
            Err(SharingError::BadShare { index })
        }
    }
}

impl fmt::Debug for Commitments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Commitments({} to {})", self.threshold(), to_hex(&self.public()))
    }
}

/// The polynomial over points at `index`, by Horner's rule.
pub(super) fn evaluate(points: &[RistrettoPoint], index: u8) -> RistrettoPoint {
    points.iter().rev().fold(RistrettoPoint::identity(), |value, point| times(&value, index) + point)
}

/// `factor` times the point, in a time that depends on `factor`, which is public: eight doublings instead of 252.
fn times(point: &RistrettoPoint, factor: u8) -> RistrettoPoint {
    (0..8).rev().fold(RistrettoPoint::identity(), |sum, bit| {
        let doubled = sum + sum;
        if factor >> bit & 1 == 1 { doubled + point } else { doubled }
    })
}

pub(super) fn encode_points(points: &[RistrettoPoint]) -> Vec<u8> {
    points.iter().flat_map(|point| point.compress().to_bytes()).collect()
}

/// At least one point and at most 255.
pub(super) fn decode_points(bytes: &[u8]) -> Result<Vec<RistrettoPoint>, SharingError> {
    let (points, []) = bytes.as_chunks::<POINT_BYTES>() else { return Err(SharingError::Length) };
    if points.is_empty() || points.len() > usize::from(u8::MAX) {
        return Err(SharingError::Length);
    }
    let decode =
        |point: &[u8; POINT_BYTES]| CompressedRistretto(*point).decompress().ok_or(SharingError::Point);
    points.iter().map(decode).collect()
}
