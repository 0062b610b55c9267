//! Bytes as text, one spelling each: base64 with padding, base64url without, lower-case hexadecimal.
//!
//! The decoders refuse what common ones forgive (whitespace, missing or surplus padding, bits that fall off the end,
//! upper-case digits), because two spellings of one value are two names for one row.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};

/// The text is not the one canonical spelling of any byte string.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EncodingError {
    /// Not canonical base64 of the expected alphabet and padding.
    #[error("not canonical base64")]
    Base64,
    /// Not an even number of lower-case hexadecimal digits.
    #[error("not lower-case hexadecimal")]
    Hex,
    /// Well spelled, but the value has another length than the type holds.
    #[error("value has the wrong length")]
    Length,
}

/// Standard alphabet with padding (RFC 4648 section 4).
#[must_use]
pub fn to_base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Reads what [`to_base64`] writes and nothing else.
///
/// # Errors
/// [`EncodingError::Base64`].
pub fn from_base64(text: &str) -> Result<Vec<u8>, EncodingError> {
    STANDARD.decode(text).map_err(|_| EncodingError::Base64)
}

/// URL alphabet without padding (RFC 4648 section 5).
#[must_use]
pub fn to_base64url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Base64 with the URL-safe alphabet and with padding.
#[must_use]
pub fn to_base64url_padded(bytes: &[u8]) -> String {
    URL_SAFE.encode(bytes)
}

/// Reads what [`to_base64url`] writes and nothing else.
///
/// # Errors
/// [`EncodingError::Base64`].
pub fn from_base64url(text: &str) -> Result<Vec<u8>, EncodingError> {
    URL_SAFE_NO_PAD.decode(text).map_err(|_| EncodingError::Base64)
}

/// Lower-case hexadecimal, two digits a byte, in the same time whatever the bytes are.
#[must_use]
pub fn to_hex(bytes: &[u8]) -> String {
    base16ct::lower::encode_string(bytes)
}

/// Reads what [`to_hex`] writes and nothing else, in the same time whatever the digits are.
///
/// # Errors
/// [`EncodingError::Hex`].
pub fn from_hex(text: &str) -> Result<Vec<u8>, EncodingError> {
    base16ct::lower::decode_vec(text).map_err(|_| EncodingError::Hex)
}

/// Reads hexadecimal digits of either case.
///
/// # Errors
/// [`EncodingError::Hex`].
pub fn from_hex_of_either_case(text: &str) -> Result<Vec<u8>, EncodingError> {
    base16ct::mixed::decode_vec(text).map_err(|_| EncodingError::Hex)
}

/// Reads lower-case hexadecimal of exactly `N` bytes.
///
/// # Errors
/// [`EncodingError::Hex`], or [`EncodingError::Length`] when it is another number of bytes.
pub fn array_from_hex<const N: usize>(text: &str) -> Result<[u8; N], EncodingError> {
    from_hex(text)?.try_into().map_err(|_| EncodingError::Length)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A-REC-03: every base64 spelling but the canonical one is refused.
    #[test]
    fn base64_that_is_not_canonical_is_refused() {
        assert_eq!(from_base64("bWV0YQ==").unwrap(), b"meta");
        for bad in
            ["bWV0YQ", "bWV0YQ=", "bWV0YQ===", "bWV0YR==", "bWV0 YQ==", "bWV0YQ==\n", "bWV0-_==", "=", "A"]
        {
            assert_eq!(from_base64(bad), Err(EncodingError::Base64), "{bad:?}");
        }
        assert_eq!(from_base64url("-_8").unwrap(), [0xfb, 0xff]);
        for bad in ["-_8=", "+/8", "-_9", "-_8 ", "-"] {
            assert_eq!(from_base64url(bad), Err(EncodingError::Base64), "{bad:?}");
        }
    }

    #[test]
    fn hexadecimal_is_lower_case_and_even() {
        assert_eq!(from_hex("00ff").unwrap(), [0, 255]);
        for bad in ["00FF", "0", "0g", " 00", "0x00"] {
            assert_eq!(from_hex(bad), Err(EncodingError::Hex), "{bad:?}");
        }
        assert_eq!(array_from_hex::<3>("00ff"), Err(EncodingError::Length));
    }

    proptest! {
        #[test]
        fn every_text_that_decodes_is_the_text_that_encoding_gives(text in "[A-Za-z0-9+/=_ -]{0,24}") {
            if let Ok(bytes) = from_base64(&text) {
                prop_assert_eq!(to_base64(&bytes), text.clone());
            }
            if let Ok(bytes) = from_base64url(&text) {
                prop_assert_eq!(to_base64url(&bytes), text.clone());
            }
            if let Ok(bytes) = from_hex(&text) {
                prop_assert_eq!(to_hex(&bytes), text);
            }
        }

        #[test]
        fn bytes_survive_every_encoding(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assert_eq!(from_base64(&to_base64(&bytes)).unwrap(), bytes.clone());
            prop_assert_eq!(from_base64url(&to_base64url(&bytes)).unwrap(), bytes.clone());
            prop_assert_eq!(from_hex(&to_hex(&bytes)).unwrap(), bytes);
        }
    }
}
