//! Rows as bytes: one format byte, then postcard. The format byte is what lets a later release read what an earlier
//! one wrote; changing a row's shape means a new byte and a reader for the old one.

use bytes::Bytes;
use serde::{Serialize, de::DeserializeOwned};

use crate::error::EngineError;

/// A type that is kept in storage.
pub trait Stored: Serialize + DeserializeOwned {
    /// The format byte that is written.
    const FORMAT: u8 = 1;
}

/// The bytes of a row.
pub(crate) fn encode<T: Stored>(row: &T) -> Bytes {
    let bytes =
        postcard::to_extend(row, vec![T::FORMAT]).expect("rows are made of types that postcard can write");
    bytes.into()
}

/// The row in `bytes`.
///
/// # Errors
/// [`EngineError::Corrupt`] for bytes that this release did not write.
pub(crate) fn decode<T: Stored>(bytes: &[u8]) -> Result<T, EngineError> {
    let row = match bytes.split_first() {
        Some((format, rest)) if *format == T::FORMAT => postcard::take_from_bytes(rest).ok(),
        _ => None,
    };
    match row {
        Some((row, [])) => Ok(row),
        _ => {
            tracing::error!(row = std::any::type_name::<T>(), "a row does not decode");
            Err(EngineError::Corrupt)
        }
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Probe(u32);

    impl Stored for Probe {}

    #[test]
    fn what_was_not_written_by_this_release_is_corrupt() {
        let bytes = encode(&Probe(7));
        assert_eq!(decode::<Probe>(&bytes), Ok(Probe(7)));
        let mut other_format = bytes.to_vec();
        other_format[0] = 2;
        let mut longer = bytes.to_vec();
        longer.push(0);
        for bad in [&other_format[..], &longer, &bytes[..1], &[]] {
            assert_eq!(decode::<Probe>(bad), Err(EngineError::Corrupt));
        }
    }
}
