//! The outer grammar: fields between dots, base64 in most of them.

use base64::Engine as _;
use base64::engine::general_purpose::{GeneralPurpose, STANDARD, URL_SAFE};

use super::{CryppoError, Part, TEXT_BYTES_MAX};

/// The fields of one string, and the alphabet that it uses.
pub(super) struct Fields<'a> {
    fields: Vec<&'a str>,
    alphabet: &'static GeneralPurpose,
}

impl<'a> Fields<'a> {
    /// Exactly `count` fields. Both alphabets read a string without any of the four characters that tell them apart.
    pub(super) fn split(text: &'a str, count: usize) -> Result<Self, CryppoError> {
        if text.len() > TEXT_BYTES_MAX {
            return Err(CryppoError::TooLong);
        }
        let fields: Vec<&str> = text.split('.').take(count + 1).collect();
        if fields.len() != count {
            return Err(CryppoError::Parts);
        }
        let alphabet = match (text.contains(['-', '_']), text.contains(['+', '/'])) {
            (true, true) => return Err(CryppoError::MixedAlphabets),
            (false, true) => &STANDARD,
            (_, false) => &URL_SAFE,
        };
        Ok(Self { fields, alphabet })
    }

    /// A field as it is.
    pub(super) fn name(&self, at: usize) -> &'a str {
        self.fields[at]
    }

    /// A field as the bytes that it stands for.
    pub(super) fn bytes(&self, at: usize, part: Part) -> Result<Vec<u8>, CryppoError> {
        self.alphabet.decode(self.fields[at]).map_err(|_| CryppoError::Base64(part))
    }
}

/// How every field is written: URL-safe alphabet, padded.
pub(super) fn to_field(bytes: &[u8]) -> String {
    URL_SAFE.encode(bytes)
}

/// `fields` joined by dots, unless that is more than any reader takes.
pub(super) fn join(fields: &[&str]) -> Result<String, CryppoError> {
    let text = fields.join(".");
    if text.len() > TEXT_BYTES_MAX { Err(CryppoError::TooLong) } else { Ok(text) }
}

/// Reads what [`to_field`] writes and nothing else.
pub(super) fn from_field(text: &str, part: Part) -> Result<Vec<u8>, CryppoError> {
    if text.len() > TEXT_BYTES_MAX {
        return Err(CryppoError::TooLong);
    }
    URL_SAFE.decode(text).map_err(|_| CryppoError::Base64(part))
}
