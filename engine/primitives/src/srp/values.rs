//! The values that travel and the values that are kept, each checked when it is made.
//!
//! Numbers are read from at most the group's length and kept padded to it, so leading zeros never change what a value
//! means and every hash sees one spelling.

use std::fmt;

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::group::Profile;
use super::modpow::{ArithmeticError, Residue};

/// Shortest salt, in bytes (`dialects/meeco.md`, 9).
pub const SALT_BYTES_MIN: usize = 16;
/// Longest salt, in bytes (`dialects/meeco.md`, 9).
pub const SALT_BYTES_MAX: usize = 64;

/// A value is refused, or a proof does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SrpError {
    /// The salt is shorter than [`SALT_BYTES_MIN`] or longer than [`SALT_BYTES_MAX`].
    #[error("srp salt has the wrong length")]
    Salt,
    /// The verifier is empty, longer than the group's values, or not between 1 and N - 1 (both excluded).
    #[error("srp verifier is not a value of the group")]
    Verifier,
    /// A is empty, longer than the group's values, zero, or not below N.
    #[error("srp client value is not a value of the group")]
    ClientPublic,
    /// B is empty, longer than the group's values, zero, or not below N; or u is zero. The handshake is over.
    #[error("srp server value is not a value of the group")]
    ServerPublic,
    /// B came out as zero: draw another ephemeral secret. Its chance is below 2^-2000.
    #[error("srp ephemeral secret gives no usable value")]
    Redraw,
    /// M1 or M2 is not the expected one, or not 32 bytes.
    #[error("srp proof does not fit")]
    Proof,
    /// Values of different profiles were mixed, or the library had no memory.
    #[error("srp arithmetic failed")]
    Arithmetic,
}

impl From<ArithmeticError> for SrpError {
    fn from(_: ArithmeticError) -> Self {
        Self::Arithmetic
    }
}

/// The salt of a verifier: 16 to 64 bytes, random, public, chosen by the client when it registers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Salt(Vec<u8>);

impl Salt {
    /// Takes 16 to 64 bytes as they are.
    ///
    /// # Errors
    /// [`SrpError::Salt`].
    pub fn new(bytes: &[u8]) -> Result<Self, SrpError> {
        let fits = (SALT_BYTES_MIN..=SALT_BYTES_MAX).contains(&bytes.len());
        if fits { Ok(Self(bytes.to_vec())) } else { Err(SrpError::Salt) }
    }

    /// Its bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// The verifier `v = g^x`: what the server keeps of a password. Whoever has it can test guesses, so it is a secret.
#[derive(Clone)]
pub struct Verifier(Zeroizing<Vec<u8>>);

impl Verifier {
    /// From big-endian bytes, at most [`Profile::group_bytes`].
    ///
    /// # Errors
    /// [`SrpError::Verifier`] unless `1 < v < N - 1` (`dialects/meeco.md`, 9); [`SrpError::Arithmetic`].
    pub fn new(profile: Profile, bytes: &[u8]) -> Result<Self, SrpError> {
        let value = profile.group().value(bytes)?.ok_or(SrpError::Verifier)?;
        Self::from_residue(profile, &value)
    }

    pub(super) fn from_residue(profile: Profile, value: &Residue) -> Result<Self, SrpError> {
        let group = profile.group();
        let is_minus_one = group.modulus.add(value, &group.one)?.is_zero();
        if value.is_zero() || value.is_one() || is_minus_one {
            return Err(SrpError::Verifier);
        }
        Ok(Self(group.modulus.to_padded(value)?))
    }

    /// [`Profile::group_bytes`] bytes, big endian. Every call is a place to review.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    pub(super) fn residue(&self, profile: Profile) -> Result<Residue, SrpError> {
        of_profile(profile, &self.0)
    }
}

/// The client's value `A = g^a`. Public.
#[derive(Clone, PartialEq, Eq)]
pub struct ClientPublic(Vec<u8>);

impl ClientPublic {
    /// From big-endian bytes, at most [`Profile::group_bytes`].
    ///
    /// # Errors
    /// [`SrpError::ClientPublic`] unless `0 < A < N`; [`SrpError::Arithmetic`].
    pub fn new(profile: Profile, bytes: &[u8]) -> Result<Self, SrpError> {
        public(profile, bytes)?.map(Self).ok_or(SrpError::ClientPublic)
    }

    pub(super) fn from_residue(profile: Profile, value: &Residue) -> Result<Self, SrpError> {
        Ok(Self(profile.group().modulus.to_padded(value)?.to_vec()))
    }

    /// [`Profile::group_bytes`] bytes, big endian.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    pub(super) fn residue(&self, profile: Profile) -> Result<Residue, SrpError> {
        of_profile(profile, &self.0)
    }
}

/// The server's value `B = k * v + g^b`. Public.
#[derive(Clone, PartialEq, Eq)]
pub struct ServerPublic(Vec<u8>);

impl ServerPublic {
    /// From big-endian bytes, at most [`Profile::group_bytes`].
    ///
    /// # Errors
    /// [`SrpError::ServerPublic`] unless `0 < B < N`; [`SrpError::Arithmetic`].
    pub fn new(profile: Profile, bytes: &[u8]) -> Result<Self, SrpError> {
        public(profile, bytes)?.map(Self).ok_or(SrpError::ServerPublic)
    }

    /// Nothing when the value is zero.
    pub(super) fn from_residue(profile: Profile, value: &Residue) -> Result<Option<Self>, SrpError> {
        if value.is_zero() {
            return Ok(None);
        }
        Ok(Some(Self(profile.group().modulus.to_padded(value)?.to_vec())))
    }

    /// [`Profile::group_bytes`] bytes, big endian. All of them must be sent: clients hash what they receive.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    pub(super) fn residue(&self, profile: Profile) -> Result<Residue, SrpError> {
        of_profile(profile, &self.0)
    }
}

/// An ephemeral secret, a or b: 32 fresh random bytes, read as a big-endian number. One handshake only.
#[derive(Clone)]
pub struct Ephemeral(Zeroizing<[u8; 32]>);

impl Ephemeral {
    /// Takes 32 bytes that come from the caller's source of chance.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// Its bytes, for the row that a server keeps between challenge and answer. Every call is a place to review.
    #[must_use]
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}

/// A proof, M1 or M2: 32 bytes. There is no `==`: it is compared in constant time.
#[derive(Clone)]
pub struct Proof(Zeroizing<[u8; 32]>);

impl Proof {
    /// Takes the 32 bytes that the other side sent.
    ///
    /// # Errors
    /// [`SrpError::Proof`] when it is not 32 bytes.
    pub fn new(bytes: &[u8]) -> Result<Self, SrpError> {
        bytes.try_into().map(|bytes| Self(Zeroizing::new(bytes))).map_err(|_| SrpError::Proof)
    }

    /// Its bytes, to be sent. Until then it is as good as a password for its handshake.
    #[must_use]
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }

    /// Whether `candidate` is the same proof, in constant time.
    #[must_use]
    pub fn matches(&self, candidate: &Self) -> bool {
        self.0.ct_eq(&*candidate.0).into()
    }
}

/// The key that both sides hold after a handshake, `K = H(PAD(S))`: 32 bytes. Wiped when dropped.
pub struct SessionKey(Zeroizing<[u8; 32]>);

impl SessionKey {
    pub(super) fn new(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// Its bytes. Every call is a place to review.
    #[must_use]
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}

/// Debug output says what a value is and how long, and shows nothing of it.
macro_rules! hide {
    ($($name:ident),*) => {$(
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({} bytes)"), self.0.len())
            }
        }
    )*};
}

hide!(Verifier, ClientPublic, ServerPublic, Ephemeral, Proof, SessionKey);

/// The padded form of a public value. Nothing when it is malformed or zero.
fn public(profile: Profile, bytes: &[u8]) -> Result<Option<Vec<u8>>, SrpError> {
    let group = profile.group();
    match group.value(bytes)? {
        Some(value) if !value.is_zero() => Ok(Some(group.modulus.to_padded(&value)?.to_vec())),
        _ => Ok(None),
    }
}

/// Values are padded to the length of their group, so a value of another profile shows by its length.
fn of_profile(profile: Profile, padded: &[u8]) -> Result<Residue, SrpError> {
    if padded.len() != profile.group_bytes() {
        return Err(SrpError::Arithmetic);
    }
    profile.group().value(padded)?.ok_or(SrpError::Arithmetic)
}
