//! Names of records, as a caller writes them.

use std::fmt;

use crate::ClientError;

/// The longest part of a name, in bytes of UTF-8.
pub const NAME_PART_BYTES_MAX: usize = 1_024;

/// The name of the one record that an identity has in Keyknox version 1.
pub const SINGLE_NAME: &str = "keyknox-v1";

/// One to three parts, each 1 to [`NAME_PART_BYTES_MAX`] bytes of UTF-8. Made from a text (one part), an array or a
/// vector; what breaks the rule is refused when it is used.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordName(Vec<String>);

impl RecordName {
    /// Its parts.
    pub fn parts(&self) -> &[String] {
        &self.0
    }

    /// Whether it is the single record of Keyknox version 1, whose tag includes its version.
    pub(crate) fn is_single(parts: &[String]) -> bool {
        parts.len() == 1 && parts[0] == SINGLE_NAME
    }

    /// The parts, if they are a name.
    pub(crate) fn checked(self) -> Result<Vec<String>, ClientError> {
        if self.0.is_empty() { Err(bad_name()) } else { checked_prefix(self.0) }
    }
}

/// Leading parts of names, none included.
pub(crate) fn checked_prefix(parts: Vec<String>) -> Result<Vec<String>, ClientError> {
    let good = |part: &String| (1..=NAME_PART_BYTES_MAX).contains(&part.len());
    if parts.len() <= 3 && parts.iter().all(good) { Ok(parts) } else { Err(bad_name()) }
}

fn bad_name() -> ClientError {
    let text = format!("a record's name has one to three parts of 1 to {NAME_PART_BYTES_MAX} bytes each");
    ClientError::Invalid(text)
}

impl fmt::Display for RecordName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(" / "))
    }
}

impl From<&str> for RecordName {
    fn from(part: &str) -> Self {
        Self(vec![part.to_owned()])
    }
}

impl From<String> for RecordName {
    fn from(part: String) -> Self {
        Self(vec![part])
    }
}

impl<const N: usize> From<[&str; N]> for RecordName {
    fn from(parts: [&str; N]) -> Self {
        Self(parts.iter().map(|part| (*part).to_owned()).collect())
    }
}

impl From<Vec<String>> for RecordName {
    fn from(parts: Vec<String>) -> Self {
        Self(parts)
    }
}

impl From<&RecordName> for RecordName {
    fn from(name: &RecordName) -> Self {
        name.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_checked_before_anything_is_sent() {
        for bad in [
            RecordName::from([]),
            RecordName::from(["a", "b", "c", "d"]),
            RecordName::from(["a", ""]),
            RecordName::from("x".repeat(NAME_PART_BYTES_MAX + 1)),
        ] {
            assert!(matches!(bad.checked(), Err(ClientError::Invalid(_))));
        }
        assert_eq!(RecordName::from(["a", "b/c", ".."]).checked().unwrap(), ["a", "b/c", ".."]);
        assert!(checked_prefix(Vec::new()).unwrap().is_empty());
    }
}
