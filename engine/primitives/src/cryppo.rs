//! Cryppo strings: how Meeco's clients write down what they encrypt, wrap, derive and sign. Source:
//! `dialects/meeco.md`, section 3.
//!
//! A string is a few fields joined by dots: `Aes256Gcm.DATA.ARTEFACTS`, the same with `.Pbkdf2Hmac.DERIVATION` behind
//! it, `Rsa4096.DATA.ARTEFACTS`, `Sign.Rsa4096.SIGNATURE.DATA`. All but names are base64 with padding, in the URL-safe
//! alphabet. Artefacts are a small map of what decryption needs besides the key, as BSON or as YAML.
//!
//! Believe this: what is read here, every client reads, and a server never writes a stored string anew: [`Wrapped`]
//! keeps the text as it came. So the reader is strict. The standard alphabet of base64 is tolerated, but one string
//! uses one alphabet throughout; padding is never left out, no bits fall off the end. `Aes256Gcm` is the only strategy
//! for keys and slots, because an old client picks the cipher mode by the name, and some modes authenticate nothing.
//!
//! Errors say which part is wrong and never contain any of it.

mod artefacts;
mod derived;
mod fields;
mod rsa;
mod signed;
mod wrapped;

use std::fmt;

pub use artefacts::{ArtefactError, Form};
pub use derived::{Derivation, ITERATIONS_MAX, PassphraseWrapped};
pub use rsa::{decrypt_rsa, encrypt_rsa};
pub use signed::{SIGNED_BYTES_MAX, VALUE_HASH_KEY_BYTES, sign, value_verification_hash, verify};
pub use wrapped::{KEY_BYTES, NONCE_BYTES, Wrapped, WrappingKey, read_text};

use crate::rsa::RsaError;

/// Longest string that is read or written, in bytes: what a slot value may take (`dialects/meeco.md`, section 9).
/// Wrapped keys have smaller limits of their own, which belong to whoever stores them.
pub const TEXT_BYTES_MAX: usize = 256 * 1024;

/// A field of a string, or a text that belongs to one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The cipher text, or what was signed.
    Data,
    /// What decryption needs besides the key.
    Artefacts,
    /// How the key comes from a passphrase.
    Derivation,
    /// The signature.
    Signature,
    /// A key as clients print it.
    Key,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Data => "data",
            Self::Artefacts => "artefacts",
            Self::Derivation => "derivation",
            Self::Signature => "signature",
            Self::Key => "key",
        })
    }
}

/// Why a string is refused or an operation on it fails. Never contains any of the string.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CryppoError {
    /// More than [`TEXT_BYTES_MAX`], or more than [`SIGNED_BYTES_MAX`] to be signed.
    #[error("too long")]
    TooLong,
    /// Too few or too many fields.
    #[error("string has another number of parts")]
    Parts,
    /// The name of the strategy is unknown, is not allowed here, or does not fit the key.
    #[error("strategy is not accepted here")]
    Strategy,
    /// Fields of one string use both alphabets of base64.
    #[error("string mixes two base64 alphabets")]
    MixedAlphabets,
    /// A field is not canonical base64 with padding.
    #[error("{0} is not canonical base64")]
    Base64(Part),
    /// The map in a field is wrong.
    #[error("{0}: {1}")]
    Artefacts(Part, ArtefactError),
    /// Damaged, or of another key. One answer for both.
    #[error("string does not open under this key")]
    DoesNotOpen,
    /// What is there is not a key of 32 bytes. Some clients wrap the base64 text of a key (44 bytes); which was meant
    /// is not for us to guess.
    #[error("unexpected key length: {bytes} bytes")]
    UnexpectedKeyLength {
        /// How many there are instead.
        bytes: usize,
    },
    /// The RSA operation fails.
    #[error(transparent)]
    Rsa(#[from] RsaError),
}

#[cfg(test)]
mod tests;
