//! Names of records: one to three parts.

use serde::{Deserialize, Deserializer, Serialize, de};
use thiserror::Error;

/// The longest part of a name, in bytes of UTF-8.
pub const NAME_PART_BYTES_MAX: usize = 1_024;

/// The name of the one record that an identity has in Keyknox version 1.
pub const SINGLE_NAME: &str = "keyknox-v1";

/// The name of a record within its account: one to three parts of 1 to [`NAME_PART_BYTES_MAX`] bytes of UTF-8 each,
/// any characters. Parts are kept apart, so different splits never collide.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct RecordName(Vec<String>);

/// Which rules a record follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordForm {
    /// The record named [`SINGLE_NAME`]: not shareable, its tag includes its version, `value` never changes without
    /// `meta`, and a reset leaves an empty record of the next major version.
    Single,
    /// Every other record: shareable, and a reset deletes it.
    Named,
}

/// Why a name is none. `part` counts from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum NameError {
    /// No parts, or more than three.
    #[error("a record's name has one to three parts")]
    Parts,
    /// An empty part.
    #[error("part {part} of the name is empty")]
    Empty {
        /// Which.
        part: usize,
    },
    /// A part that is too long.
    #[error("part {part} of the name is longer than {NAME_PART_BYTES_MAX} bytes")]
    TooLong {
        /// Which.
        part: usize,
    },
}

impl RecordName {
    /// A name of these parts.
    ///
    /// # Errors
    /// [`NameError`].
    pub fn new<T: Into<String>>(parts: impl IntoIterator<Item = T>) -> Result<Self, NameError> {
        let parts: Vec<String> = parts.into_iter().map(Into::into).collect();
        check_parts(&parts)?;
        if parts.is_empty() { Err(NameError::Parts) } else { Ok(Self(parts)) }
    }

    /// The name of the single record.
    pub fn single() -> Self {
        Self(vec![SINGLE_NAME.to_owned()])
    }

    /// Its parts.
    pub fn parts(&self) -> &[String] {
        &self.0
    }

    /// Which rules the record follows.
    pub fn form(&self) -> RecordForm {
        if self.0.len() == 1 && self.0[0] == SINGLE_NAME { RecordForm::Single } else { RecordForm::Named }
    }
}

/// Checks the leading parts of names, none included.
///
/// # Errors
/// [`NameError`].
pub(super) fn check_parts(parts: &[String]) -> Result<(), NameError> {
    if parts.len() > 3 {
        return Err(NameError::Parts);
    }
    for (part, text) in parts.iter().enumerate() {
        if text.is_empty() {
            return Err(NameError::Empty { part });
        }
        if text.len() > NAME_PART_BYTES_MAX {
            return Err(NameError::TooLong { part });
        }
    }
    Ok(())
}

impl<'de> Deserialize<'de> for RecordName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(Vec::<String>::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_one_to_three_parts_of_one_to_1024_bytes() {
        let long = "x".repeat(NAME_PART_BYTES_MAX);
        assert!(RecordName::new([long.as_str(), "p", "k"]).is_ok());
        assert_eq!(RecordName::new([format!("{long}x")]), Err(NameError::TooLong { part: 0 }));
        assert_eq!(RecordName::new(["r", ""]), Err(NameError::Empty { part: 1 }));
        assert_eq!(RecordName::new(["a", "b", "c", "d"]), Err(NameError::Parts));
        assert_eq!(RecordName::new(Vec::<String>::new()), Err(NameError::Parts));
    }

    #[test]
    fn only_the_whole_single_name_is_the_single_record() {
        assert_eq!(RecordName::single().form(), RecordForm::Single);
        assert_eq!(RecordName::new([SINGLE_NAME, "x"]).unwrap().form(), RecordForm::Named);
    }
}
