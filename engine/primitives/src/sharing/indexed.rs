//! Scalars that belong to a holder: shares, and what holders give each other.

use std::fmt;

use curve25519_dalek::scalar::Scalar;
use zeroize::Zeroizing;

use super::SharingError;
use super::polynomial::Polynomial;
use super::scalar::{SCALAR_BYTES, canonical};

/// Length of an encoded share, or of anything else that belongs to a holder: an index and a scalar.
pub const INDEXED_BYTES: usize = 1 + SCALAR_BYTES;

macro_rules! indexed {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        ///
        /// Encoded as 33 bytes: the index, then the scalar, little endian. Wiped when dropped.
        #[derive(Clone)]
        pub struct $name {
            index: u8,
            value: Zeroizing<Scalar>,
        }

        impl $name {
            pub(super) fn new(index: u8, value: Zeroizing<Scalar>) -> Result<Self, SharingError> {
                if index == 0 { Err(SharingError::ZeroIndex) } else { Ok(Self { index, value }) }
            }

            /// Reads what [`Self::expose`] writes and nothing else.
            ///
            /// # Errors
            /// [`SharingError::Length`], [`SharingError::ZeroIndex`], [`SharingError::Scalar`].
            pub fn from_bytes(bytes: &[u8]) -> Result<Self, SharingError> {
                let bytes: &[u8; INDEXED_BYTES] = bytes.try_into().map_err(|_| SharingError::Length)?;
                let (index, value) = bytes.split_first_chunk::<1>().ok_or(SharingError::Length)?;
                let value = value.try_into().map_err(|_| SharingError::Length)?;
                Self::new(index[0], canonical(value)?)
            }

            /// The 33 bytes themselves.
            #[must_use]
            pub fn expose(&self) -> Zeroizing<[u8; INDEXED_BYTES]> {
                let mut bytes = Zeroizing::new([self.index; INDEXED_BYTES]);
                bytes[1..].copy_from_slice(&*Zeroizing::new(self.value.to_bytes()));
                bytes
            }

            /// Whose it is: 1 to 255.
            #[must_use]
            pub fn index(&self) -> u8 {
                self.index
            }

            pub(super) fn value(&self) -> &Scalar {
                &self.value
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "(of {})"), self.index)
            }
        }
    };
}

indexed! {
    /// A holder's share of a secret.
    Share
}

indexed! {
    /// What makes a holder's share that of the next epoch.
    RefreshPiece
}

indexed! {
    /// What one helper gives to the helper of this index when a share is made for a newcomer.
    HelpPart
}

indexed! {
    /// What one helper gives to the newcomer of this index.
    Help
}

impl Share {
    pub(super) fn of(polynomial: &Polynomial, index: u8) -> Result<Self, SharingError> {
        Self::new(index, polynomial.at(index))
    }
}

impl RefreshPiece {
    pub(super) fn of(polynomial: &Polynomial, index: u8) -> Result<Self, SharingError> {
        Self::new(index, polynomial.at(index))
    }
}
