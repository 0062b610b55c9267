//! The oblivious pseudorandom function: a realm evaluates a PIN that it does not see, and proves that it used its key.
//!
//! ```text
//! client    P = map(SHA-512(input))    u = r P
//! realm     w = k u, summed over realms
//! client    output = SHA-512(label, input, w / r)
//! ```
//!
//! The group is ristretto255 (RFC 9496), the map its one-way map of 64 bytes. There is no domain tag of RFC 9380, so
//! this is not RFC 9497, and no library has it: the group is that of `curve25519-dalek`, what is done with it stands
//! here. Source: `RECOVERY.md`, section 3.3.

use std::fmt;

use curve25519_dalek::ristretto::{CompressedRistretto, RistrettoPoint};
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::IsIdentity;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::messages::Proof;
use super::{POINT_BYTES, PinRecoveryError, SCALAR_BYTES, SecretOctets};
use crate::hash::sha512;

/// Length of an output, in bytes.
pub const OUTPUT_BYTES: usize = 64;
/// How much chance makes a uniform scalar, in bytes.
pub const CHANCE_BYTES: usize = 64;

const OUTPUT_LABEL: &[u8] = b"Juicebox_OPRF_2023_1;";
const PROOF_LABEL: &[u8] = b"Juicebox_DLEQ_2023_1;";

/// A key of the function, or a realm's share of one. Never zero. Wiped when dropped.
pub struct PrivateKey(Zeroizing<Scalar>);

impl PrivateKey {
    /// From its 32 bytes, little endian.
    ///
    /// # Errors
    /// [`PinRecoveryError::Scalar`] for zero and for anything but the one encoding of a scalar.
    pub fn from_bytes(bytes: &SecretOctets<SCALAR_BYTES>) -> Result<Self, PinRecoveryError> {
        let scalar = Zeroizing::new(scalar(bytes.expose())?);
        if bool::from(scalar.ct_eq(&Scalar::ZERO)) { Err(PinRecoveryError::Scalar) } else { Ok(Self(scalar)) }
    }

    /// The public half: the key times the base point.
    #[must_use]
    pub fn public_key(&self) -> [u8; POINT_BYTES] {
        RistrettoPoint::mul_base(&self.0).compress().to_bytes()
    }

    /// Evaluates a blinded input, in the same time whatever the key is. `chance` makes the nonce of the proof and must
    /// be fresh: two proofs with one nonce show the key.
    ///
    /// # Errors
    /// [`PinRecoveryError::Point`] for an input that is no point or the identity; [`PinRecoveryError::Chance`].
    pub fn evaluate(
        &self,
        blinded_input: &[u8; POINT_BYTES],
        chance: [u8; CHANCE_BYTES],
    ) -> Result<Evaluation, PinRecoveryError> {
        self.evaluate_as(&self.public_key(), blinded_input, chance)
    }

    /// The same for whoever keeps the public half beside the key, and has checked that it is: making it again costs a tenth
    /// of an evaluation.
    ///
    /// # Errors
    /// As [`PrivateKey::evaluate`].
    pub(super) fn evaluate_as(
        &self,
        public_key: &[u8; POINT_BYTES],
        blinded_input: &[u8; POINT_BYTES],
        chance: [u8; CHANCE_BYTES],
    ) -> Result<Evaluation, PinRecoveryError> {
        let input = point(blinded_input)?;
        let nonce = uniform(chance)?;
        let result = (input * *self.0).compress().to_bytes();
        let commitments = [RistrettoPoint::mul_base(&nonce), input * *nonce];
        let c = challenge(blinded_input, public_key, &result, commitments);
        let beta_z = *nonce + c * *self.0;
        Ok(Evaluation { blinded_result: result, proof: Proof { c: c.to_bytes(), beta_z: beta_z.to_bytes() } })
    }

    /// The output for an input that is known, as the client makes it when it registers.
    #[must_use]
    pub fn output(&self, input: &[u8]) -> Output {
        output(input, &(map(input) * *self.0))
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PrivateKey(32 bytes)")
    }
}

/// What a realm makes of a blinded input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Evaluation {
    /// A point.
    pub blinded_result: [u8; POINT_BYTES],
    /// That it comes of the key.
    pub proof: Proof,
}

impl Proof {
    /// Checks that the key of `public_key` makes `blinded_result` of `blinded_input`.
    ///
    /// # Errors
    /// [`PinRecoveryError::Point`], [`PinRecoveryError::Scalar`], [`PinRecoveryError::Proof`].
    pub fn verify(
        &self,
        blinded_input: &[u8; POINT_BYTES],
        public_key: &[u8; POINT_BYTES],
        blinded_result: &[u8; POINT_BYTES],
    ) -> Result<(), PinRecoveryError> {
        let (input, public, result) = (point(blinded_input)?, point(public_key)?, point(blinded_result)?);
        let (c, beta_z) = (scalar(&self.c)?, scalar(&self.beta_z)?);
        let commitments = [RistrettoPoint::mul_base(&beta_z) - public * c, input * beta_z - result * c];
        let again = challenge(blinded_input, public_key, blinded_result, commitments);
        if again == c { Ok(()) } else { Err(PinRecoveryError::Proof) }
    }
}

/// An input and what hides it. Wiped when dropped.
pub struct Blinding {
    input: Zeroizing<Vec<u8>>,
    factor: Zeroizing<Scalar>,
}

impl Blinding {
    /// Hides an input by chance. The second value is what realms are shown.
    ///
    /// # Errors
    /// [`PinRecoveryError::Chance`].
    pub fn start(
        input: &[u8],
        chance: [u8; CHANCE_BYTES],
    ) -> Result<(Self, [u8; POINT_BYTES]), PinRecoveryError> {
        let factor = uniform(chance)?;
        let blinded = (map(input) * *factor).compress().to_bytes();
        Ok((Self { input: Zeroizing::new(input.to_vec()), factor }, blinded))
    }

    /// The output, from the results of realms and what each is weighted with. Results are to be proved first.
    ///
    /// # Errors
    /// [`PinRecoveryError::Point`].
    pub(super) fn finish<'a>(
        &self,
        weighted: impl IntoIterator<Item = (&'a Scalar, &'a [u8; POINT_BYTES])>,
    ) -> Result<Output, PinRecoveryError> {
        let parts = weighted.into_iter().map(|(weight, result)| Ok(point(result)? * weight));
        let combined = parts.sum::<Result<RistrettoPoint, PinRecoveryError>>()?;
        let inverse = Zeroizing::new(self.factor.invert());
        Ok(output(&self.input, &(combined * *inverse)))
    }
}

impl fmt::Debug for Blinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Blinding(..)")
    }
}

/// What the function gives for an input: 64 bytes.
pub type Output = SecretOctets<OUTPUT_BYTES>;

fn output(input: &[u8], point: &RistrettoPoint) -> Output {
    let point = Zeroizing::new(point.compress().to_bytes());
    let hashed = Zeroizing::new([OUTPUT_LABEL, input, &*point].concat());
    SecretOctets::from_bytes(sha512(&hashed))
}

/// The point of an input.
pub(super) fn map(input: &[u8]) -> RistrettoPoint {
    RistrettoPoint::from_uniform_bytes(&Zeroizing::new(sha512(input)))
}

fn challenge(
    input: &[u8; POINT_BYTES],
    public: &[u8; POINT_BYTES],
    result: &[u8; POINT_BYTES],
    commitments: [RistrettoPoint; 2],
) -> Scalar {
    let [base, other] = commitments.map(|point| point.compress().to_bytes());
    let hashed = [PROOF_LABEL, input, public, result, &base, &other].concat();
    Scalar::from_bytes_mod_order_wide(&sha512(&hashed))
}

fn uniform(chance: [u8; CHANCE_BYTES]) -> Result<Zeroizing<Scalar>, PinRecoveryError> {
    let chance = Zeroizing::new(chance);
    let scalar = Zeroizing::new(Scalar::from_bytes_mod_order_wide(&chance));
    if bool::from(scalar.ct_eq(&Scalar::ZERO)) { Err(PinRecoveryError::Chance) } else { Ok(scalar) }
}

fn scalar(bytes: &[u8; SCALAR_BYTES]) -> Result<Scalar, PinRecoveryError> {
    Option::from(Scalar::from_canonical_bytes(*bytes)).ok_or(PinRecoveryError::Scalar)
}

pub(super) fn point(bytes: &[u8; POINT_BYTES]) -> Result<RistrettoPoint, PinRecoveryError> {
    let point = CompressedRistretto(*bytes).decompress();
    point.filter(|point| !point.is_identity()).ok_or(PinRecoveryError::Point)
}
