//! Texts that do not print.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use strongroom_primitives::secret::SecretText;

/// A text of cryppo's: a wrapped key, the value of a slot, a sealed token. Only whoever holds the key can open it; it
/// still prints as its length, because logs are read by people who need not have it.
///
/// Source: dialects/meeco.md, section 3.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CryppoString(pub String);

impl fmt::Debug for CryppoString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CryppoString({} bytes)", self.0.len())
    }
}

/// A token that opens something, as it travels. Wiped when dropped; prints as its length; compared in constant time.
#[derive(Clone)]
pub struct TokenText(pub SecretText);

impl TokenText {
    /// Takes the text over.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(SecretText::new(text))
    }
}

impl fmt::Debug for TokenText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TokenText({} bytes)", self.0.expose().len())
    }
}

impl PartialEq for TokenText {
    fn eq(&self, other: &Self) -> bool {
        self.0.matches(other.0.expose())
    }
}

impl Eq for TokenText {}

impl Serialize for TokenText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.expose())
    }
}

impl<'de> Deserialize<'de> for TokenText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::new)
    }
}
