//! Fields of a fixed number of bytes: byte strings on the way out; byte strings or arrays of integers on the way in.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{self, Deserializer, SeqAccess, Visitor};
use serde::ser::Serializer;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// `N` bytes that must not be seen. Wiped when dropped; prints as its length.
///
/// It travels as a field of a message and cannot be written by itself.
#[derive(Clone)]
pub struct SecretOctets<const N: usize>(Zeroizing<[u8; N]>);

impl<const N: usize> SecretOctets<N> {
    /// From the bytes.
    #[must_use]
    pub fn from_bytes(bytes: [u8; N]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The bytes themselves. Every call is a place to review.
    #[must_use]
    pub fn expose(&self) -> &[u8; N] {
        &self.0
    }

    /// Whether it is the same secret, in the same time wherever the two differ.
    #[must_use]
    pub fn matches(&self, candidate: &Self) -> bool {
        self.0.ct_eq(&*candidate.0).into()
    }
}

impl<const N: usize> fmt::Debug for SecretOctets<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretOctets({N} bytes)")
    }
}

/// What such a field holds.
pub(super) trait Octets {
    /// All zeros, to be filled in place: a secret is not copied on its way in.
    fn zeroed() -> Self;
    fn octets(&self) -> &[u8];
    fn octets_mut(&mut self) -> &mut [u8];
}

impl<const N: usize> Octets for [u8; N] {
    fn zeroed() -> Self {
        [0; N]
    }

    fn octets(&self) -> &[u8] {
        self
    }

    fn octets_mut(&mut self) -> &mut [u8] {
        self
    }
}

impl<const N: usize> Octets for SecretOctets<N> {
    fn zeroed() -> Self {
        Self::from_bytes([0; N])
    }

    fn octets(&self) -> &[u8] {
        &*self.0
    }

    fn octets_mut(&mut self) -> &mut [u8] {
        &mut *self.0
    }
}

pub(super) fn serialize<T: Octets, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_bytes(value.octets())
}

pub(super) fn deserialize<'de, T: Octets, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    deserializer.deserialize_bytes(Fixed(PhantomData))
}

struct Fixed<T>(PhantomData<T>);

impl<'de, T: Octets> Visitor<'de> for Fixed<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", T::zeroed().octets().len())
    }

    fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<T, E> {
        let mut value = T::zeroed();
        if bytes.len() != value.octets().len() {
            return Err(E::invalid_length(bytes.len(), &self));
        }
        value.octets_mut().copy_from_slice(bytes);
        Ok(value)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut integers: A) -> Result<T, A::Error> {
        let mut value = T::zeroed();
        for (at, octet) in value.octets_mut().iter_mut().enumerate() {
            *octet = integers.next_element()?.ok_or_else(|| de::Error::invalid_length(at, &self))?;
        }
        match integers.next_element::<u8>()? {
            None => Ok(value),
            Some(_) => Err(de::Error::invalid_length(value.octets().len() + 1, &self)),
        }
    }
}
