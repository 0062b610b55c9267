//! Secret bytes and secret text: wiped when dropped, silent when printed.
//!
//! There is no `Display`, no `Serialize` and no `PartialEq` here on purpose. [`Secret::expose`] and
//! [`Secret::matches`] are the only ways in, so a reviewer finds every use of a secret by searching for the two words.

use std::fmt;

use subtle::ConstantTimeEq;
use zeroize::Zeroize;

/// Bytes that must not be seen: a key, a seed, a bearer token. Prints as `Secret(32 bytes)`.
///
/// Wiping is best effort: the compiler may have moved the bytes before they came here.
#[derive(Clone)]
pub struct Secret(Vec<u8>);

impl Secret {
    /// Takes the bytes over. The vector's own buffer is the one that is wiped.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The bytes themselves. Every call is a place to review.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// Whether `candidate` is the same secret, in time that depends on the two lengths only.
    #[must_use]
    pub fn matches(&self, candidate: &[u8]) -> bool {
        self.0.ct_eq(candidate).into()
    }

    /// Length in bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are no bytes at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<&[u8]> for Secret {
    fn from(bytes: &[u8]) -> Self {
        Self(bytes.to_vec())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({} bytes)", self.0.len())
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// Text that must not be seen: a passphrase, a bearer token as it travels. Prints as `SecretText(12 bytes)`.
#[derive(Clone)]
pub struct SecretText(String);

impl SecretText {
    /// Takes the text over. The string's own buffer is the one that is wiped.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// The text itself. Every call is a place to review.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether `candidate` is the same text, in time that depends on the two lengths only.
    #[must_use]
    pub fn matches(&self, candidate: &str) -> bool {
        self.0.as_bytes().ct_eq(candidate.as_bytes()).into()
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretText({} bytes)", self.0.len())
    }
}

impl Drop for SecretText {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A-LEAK-01: a secret never shows itself in debug output, however deep it is nested.
    #[test]
    fn debug_output_of_a_secret_is_its_length_only() {
        let secret = Secret::from(&b"canary-in-the-mine"[..]);
        let text = SecretText::new("canary passphrase".to_owned());
        let printed = format!("{:?} {:#?}", Some(&secret), vec![&text]);
        assert!(!printed.contains("canary"));
        assert!(printed.contains("Secret(18 bytes)"));
        assert!(printed.contains("SecretText(17 bytes)"));
    }

    #[test]
    fn a_secret_matches_itself_and_nothing_else() {
        let secret = Secret::new(vec![1, 2, 3]);
        assert!(secret.matches(&[1, 2, 3]));
        assert!(!secret.matches(&[1, 2, 2]));
        assert!(!secret.matches(&[1, 2]));
        assert!(!secret.matches(&[]));
        assert!(SecretText::new("token".to_owned()).matches("token"));
        assert!(!SecretText::new("token".to_owned()).matches("Token"));
    }
}
