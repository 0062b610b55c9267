//! Polynomials over the scalars, and the way back from their values.

use curve25519_dalek::{ristretto::RistrettoPoint, scalar::Scalar};
use zeroize::Zeroizing;

use super::scalar::uniform;

/// A polynomial, by its coefficients from the constant one. Wiped when dropped.
pub(super) struct Polynomial(Zeroizing<Vec<Scalar>>);

impl Polynomial {
    /// Of `threshold` coefficients, of which all but the constant one are drawn.
    pub(super) fn draw(constant: &Scalar, threshold: u8, mut draw: impl FnMut(&mut [u8])) -> Self {
        // Never grown, so that no copy stays behind.
        let mut coefficients = Zeroizing::new(vec![Scalar::ZERO; usize::from(threshold.max(1))]);
        coefficients[0] = *constant;
        for coefficient in &mut coefficients[1..] {
            *coefficient = *uniform(&mut draw);
        }
        Self(coefficients)
    }

    /// Its value at `index`, by Horner's rule.
    pub(super) fn at(&self, index: u8) -> Zeroizing<Scalar> {
        let index = Scalar::from(index);
        let mut value = Zeroizing::new(Scalar::ZERO);
        for coefficient in self.0.iter().rev() {
            *value = *value * index + coefficient;
        }
        value
    }

    /// The base point times each coefficient.
    pub(super) fn committed(&self) -> Vec<RistrettoPoint> {
        self.0.iter().map(RistrettoPoint::mul_base).collect()
    }
}

/// What each value at `indices`, all different, has to be multiplied with so that their sum is the value at `at`
/// (Lagrange). Nothing here is secret.
pub(crate) fn interpolate(indices: &[u8], at: u8) -> Vec<Scalar> {
    let at = Scalar::from(at);
    let places = indices.iter().copied().map(Scalar::from).collect::<Vec<_>>();
    let weight = |own: &Scalar| {
        let others = || places.iter().filter(|place| *place != own);
        let over = others().map(|place| at - place).product::<Scalar>();
        over * others().map(|place| own - place).product::<Scalar>().invert()
    };
    places.iter().map(weight).collect()
}
