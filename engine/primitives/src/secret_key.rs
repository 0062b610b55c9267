//! The Secret Key: 32 random bytes that only the user's devices hold, in a form that can be printed and typed.
//!
//! Its text is `VERSION.USERNAME.SECRET`. The version is `1`, the user name is the server's, and the secret is base58
//! (the Bitcoin alphabet), cut from the left into groups of six that are joined by `-`. Source:
//! `dialects/meeco.md`, 1.1.
//!
//! Believe this: key derivation works on the base58 *text* without its dashes, not on the bytes that it stands for
//! ([`SecretKey::expose_base58`]). Reading is stricter than the old clients are: a fourth part, another version or a
//! secret of other than 32 bytes is an error.

use std::fmt;

use zeroize::Zeroizing;

use crate::secret::SecretText;

/// The one version there is.
pub const VERSION: &str = "1";
/// Length of the secret, in bytes.
pub const SECRET_BYTES: usize = 32;
/// Longest user name, in bytes of UTF-8.
pub const USERNAME_BYTES_MAX: usize = 255;

/// Characters in a group of the printed form; the last group may be shorter.
const GROUP_CHARS: usize = 6;
/// 32 bytes in base58: 32 characters when all are zero, 44 at most.
const BASE58_CHARS_MAX: usize = 44;
/// Longest text that is looked at, in bytes: whatever is longer cannot be a Secret Key, with or without dashes.
const TEXT_BYTES_MAX: usize = USERNAME_BYTES_MAX + 256;

/// Which part of a Secret Key is wrong. Never contains the part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SecretKeyError {
    /// Fewer than three parts, one of them empty, or far too long: what clients call `INVALID_SECRET_FORMAT`.
    #[error("secret key is not VERSION.USERNAME.SECRET")]
    Parts,
    /// Something follows the third part.
    #[error("secret key has more than three parts")]
    ExtraPart,
    /// The version is not `1`.
    #[error("secret key has an unknown version")]
    Version,
    /// The user name is empty, longer than [`USERNAME_BYTES_MAX`], or contains a `.` or a control character.
    #[error("user name cannot be part of a secret key")]
    Username,
    /// A character of the secret is not of the base58 alphabet.
    #[error("secret contains a character that is not base58")]
    Alphabet,
    /// The secret is not 32 bytes.
    #[error("secret is not {SECRET_BYTES} bytes")]
    Length,
}

/// A user name and the secret that goes with it. Wiped when dropped; debug output shows the user name only.
#[derive(Clone)]
pub struct SecretKey {
    username: String,
    base58: Zeroizing<String>,
}

impl SecretKey {
    /// Makes the key of `username` from 32 bytes of fresh chance.
    ///
    /// # Errors
    /// [`SecretKeyError::Username`].
    pub fn new(username: &str, secret: &[u8; SECRET_BYTES]) -> Result<Self, SecretKeyError> {
        check_username(username)?;
        let base58 = Zeroizing::new(bs58::encode(secret).into_string());
        Ok(Self { username: username.to_owned(), base58 })
    }

    /// Reads `VERSION.USERNAME.SECRET`. Dashes in the secret are dropped wherever they stand, because people move them;
    /// nothing is trimmed.
    ///
    /// # Errors
    /// [`SecretKeyError`], for the first part that is wrong.
    pub fn parse(text: &str) -> Result<Self, SecretKeyError> {
        if text.len() > TEXT_BYTES_MAX {
            return Err(SecretKeyError::Parts);
        }
        let mut parts = text.split('.');
        let mut part = || parts.next().filter(|part| !part.is_empty()).ok_or(SecretKeyError::Parts);
        let (version, username, secret) = (part()?, part()?, part()?);
        if parts.next().is_some() {
            return Err(SecretKeyError::ExtraPart);
        }
        if version != VERSION {
            return Err(SecretKeyError::Version);
        }
        check_username(username)?;
        let mut base58 = Zeroizing::new(String::with_capacity(secret.len()));
        base58.extend(secret.chars().filter(|c| *c != '-'));
        decode(&base58)?;
        Ok(Self { username: username.to_owned(), base58 })
    }

    /// Whose key it is. No secret.
    #[must_use]
    pub fn username(&self) -> &str {
        &self.username
    }

    /// The secret as base58 without dashes, 32 to 44 ASCII characters: the text that key derivation uses.
    #[must_use]
    pub fn expose_base58(&self) -> &str {
        &self.base58
    }

    /// The 32 bytes that the text stands for.
    #[must_use]
    pub fn expose_bytes(&self) -> Zeroizing<[u8; SECRET_BYTES]> {
        decode(&self.base58).expect("the text was checked when the key was made")
    }

    /// The whole key as it is printed and kept, in groups of six: `1.USERNAME.xQCSCK-8A1d6d-...`.
    #[must_use]
    pub fn expose_grouped(&self) -> SecretText {
        let (groups, dashes) = (&self.base58, self.base58.len() / GROUP_CHARS);
        // As large as it can become, so that no half-written copy is left behind by growing.
        let mut text = String::with_capacity(VERSION.len() + self.username.len() + groups.len() + dashes + 2);
        for part in [VERSION, ".", &self.username, "."] {
            text.push_str(part);
        }
        for (at, char) in groups.char_indices() {
            if at > 0 && at % GROUP_CHARS == 0 {
                text.push('-');
            }
            text.push(char);
        }
        SecretText::new(text)
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretKey(of {:?})", self.username)
    }
}

fn check_username(username: &str) -> Result<(), SecretKeyError> {
    let sized = (1..=USERNAME_BYTES_MAX).contains(&username.len());
    if !sized || username.contains(|c: char| c == '.' || c.is_control()) {
        return Err(SecretKeyError::Username);
    }
    Ok(())
}

fn decode(base58: &str) -> Result<Zeroizing<[u8; SECRET_BYTES]>, SecretKeyError> {
    // Decoding takes time that grows with the square of the length, so the length comes first.
    if base58.len() > BASE58_CHARS_MAX {
        return Err(SecretKeyError::Length);
    }
    let mut bytes = Zeroizing::new([0; SECRET_BYTES]);
    match bs58::decode(base58).onto(&mut *bytes) {
        Ok(SECRET_BYTES) => Ok(bytes),
        Ok(_) | Err(bs58::decode::Error::BufferTooSmall) => Err(SecretKeyError::Length),
        Err(_) => Err(SecretKeyError::Alphabet),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;
    use crate::encoding::array_from_hex;

    fn vectors() -> Value {
        serde_json::from_str(include_str!("../../../tests/vectors/meeco.json")).unwrap()
    }

    #[test]
    fn keys_agree_with_every_published_vector_in_both_directions() {
        let vectors = vectors();
        let cases = vectors["secret_key"]["cases"].as_array().unwrap();
        assert_eq!(cases.len(), 5);
        for case in cases {
            let field = |name: &str| case[name].as_str().unwrap();
            let secret = array_from_hex::<32>(field("random_bytes")).unwrap();
            let key = SecretKey::new("M9znjHbD5Xi", &secret).unwrap();
            assert_eq!(key.expose_base58(), field("base58"), "{}", field("name"));
            assert_eq!(key.expose_base58().len() as u64, case["base58_length"].as_u64().unwrap());
            assert_eq!(key.expose_grouped().expose(), field("secret_key"));
            let read = SecretKey::parse(field("secret_key")).unwrap();
            assert_eq!(*read.expose_bytes(), secret);
            assert_eq!((read.username(), read.expose_base58()), ("M9znjHbD5Xi", field("base58")));
        }
    }

    #[test]
    fn what_old_clients_call_an_invalid_format_is_refused_and_so_is_a_fourth_part() {
        let vectors = vectors();
        let cases = vectors["secret_key"]["malformed"].as_array().unwrap();
        assert_eq!(cases.len(), 7);
        for case in cases {
            let invalid = case["result"] == "INVALID_SECRET_FORMAT";
            let expected = if invalid { SecretKeyError::Parts } else { SecretKeyError::ExtraPart };
            let input = case["input"].as_str().unwrap();
            assert_eq!(SecretKey::parse(input).unwrap_err(), expected, "{input:?}");
        }
    }

    #[test]
    fn each_part_has_its_own_refusal() {
        let ones = |count| format!("1.user.{}", "1".repeat(count));
        let error = |text: &str| SecretKey::parse(text).unwrap_err();
        assert_eq!(error(&ones(32).replacen('1', "2", 1)), SecretKeyError::Version);
        assert_eq!(error(&ones(32).replacen('1', "01", 1)), SecretKeyError::Version);
        assert_eq!(error(&ones(32).replace("user", "us\ner")), SecretKeyError::Username);
        assert_eq!(error(&ones(32).replace("user", &"u".repeat(256))), SecretKeyError::Username);
        for (count, ok) in [(31, false), (32, true), (33, false), (44, false), (45, false)] {
            assert_eq!(SecretKey::parse(&ones(count)).is_ok(), ok, "{count}");
        }
        assert_eq!(error(&ones(33)), SecretKeyError::Length);
        assert_eq!(error("1.user.-"), SecretKeyError::Length);
        for wrong in ['0', 'O', 'I', 'l', ' ', '+', 'é'] {
            assert_eq!(error(&format!("{}{wrong}", ones(31))), SecretKeyError::Alphabet, "{wrong}");
        }
        // The largest text of 44 characters stands for more than 32 bytes.
        assert_eq!(error(&format!("1.user.{}", "z".repeat(44))), SecretKeyError::Length);
        assert_eq!(error(&"1.user.".repeat(100_000)), SecretKeyError::Parts);
        assert_eq!(SecretKey::new("a.b", &[0; 32]).unwrap_err(), SecretKeyError::Username);
        assert_eq!(SecretKey::new("", &[0; 32]).unwrap_err(), SecretKeyError::Username);
    }

    /// A-LEAK-01: neither a key nor the refusal of one shows the secret.
    #[test]
    fn debug_output_of_a_key_is_its_user_name() {
        let key =
            SecretKey::parse("1.M9znjHbD5Xi.xQCSCK-8A1d6d-emUjx8-YVGDcT-UhctWy-2rfHyv-7JNAgh-9").unwrap();
        assert_eq!(format!("{key:?}"), "SecretKey(of \"M9znjHbD5Xi\")");
    }

    proptest! {
        #[test]
        fn a_printed_key_reads_as_itself(username in "[A-Za-z0-9 é_-]{1,40}", secret in any::<[u8; 32]>()) {
            let key = SecretKey::new(&username, &secret).unwrap();
            let read = SecretKey::parse(key.expose_grouped().expose()).unwrap();
            prop_assert_eq!(read.username(), username);
            prop_assert_eq!(*read.expose_bytes(), secret);
        }

        #[test]
        fn any_text_is_read_or_refused(text in r"[1\.\-A-Za-z0é\x00]{0,120}") {
            if let Ok(key) = SecretKey::parse(&text) {
                let again = key.expose_grouped();
                prop_assert_eq!(again.expose().replace('-', ""), text.replace('-', ""));
            }
        }
    }
}
