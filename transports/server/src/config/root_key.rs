//! The root key that the store is encrypted under: in a file, or in a variable, never in the configuration itself.
//!
//! It is read only when somebody opens a store, so that `strongroom admin` needs no right to read it.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use strongroom_primitives::{encoding, secret::SecretText};
use strongroom_storage::RootKey;
use zeroize::Zeroizing;

use super::{Complaint, Loaded, read_secret};

/// The variable that holds the root key.
pub(crate) const ROOT_KEY_VARIABLE: &str = "STRONGROOM_ROOT_KEY";

/// What a root key looks like, for whoever wrote something else.
const FORM: &str = "a root key is 64 hexadecimal digits, or the base64 of 32 bytes";

impl Loaded {
    /// Whether a root key is configured, be it good or not.
    pub(super) fn has_root_key(&self) -> bool {
        self.config.storage.root_key_file.is_some() || self.root_key.is_some()
    }

    /// The root key, if one is configured.
    ///
    /// # Errors
    /// If it is none, cannot be read, can be read by others, or two are given.
    pub(crate) fn root_key(&self) -> Result<Option<RootKey>, Complaint> {
        const KEY: &str = "storage.root_key_file";
        match (&self.config.storage.root_key_file, &self.root_key) {
            (None, None) => Ok(None),
            (Some(file), None) => read_root_key(file).map(Some).map_err(|what| self.complain(KEY, what)),
            (None, Some(text)) => {
                let place = format!("variable {ROOT_KEY_VARIABLE}");
                let complaint = || Complaint { place, key: String::new(), what: FORM.to_owned() };
                parse(text).ok_or_else(complaint).map(Some)
            }
            (Some(_), Some(_)) => {
                let what = format!("{ROOT_KEY_VARIABLE} is given as well; one of the two has to go");
                Err(self.complain(KEY, what))
            }
        }
    }
}

/// The root key in a file that only its owner may read.
///
/// # Errors
/// One line that names the file and the fix.
pub(crate) fn read_root_key(file: &Path) -> Result<RootKey, String> {
    let shown = file.display();
    let metadata = fs::metadata(file).map_err(|error| format!("{shown}: {error}"))?;
    if metadata.permissions().mode() & 0o077 != 0 {
        return Err(format!("{shown}: others on this machine may read this key; run `chmod 600 {shown}`"));
    }
    let text = read_secret(file).map_err(|error| format!("{shown}: {error}"))?;
    parse(&SecretText::new(text)).ok_or_else(|| format!("{shown}: {FORM}"))
}

/// The root key that a variable holds, as text.
pub(super) fn in_variables(variables: &[(String, String)]) -> Option<SecretText> {
    let (_, text) = variables.iter().find(|(name, text)| name == ROOT_KEY_VARIABLE && !text.is_empty())?;
    Some(SecretText::new(text.clone()))
}

fn parse(text: &SecretText) -> Option<RootKey> {
    let text = text.expose();
    let bytes = match text.len() {
        64 => encoding::from_hex_of_either_case(text),
        _ => encoding::from_base64(text),
    };
    let bytes = Zeroizing::new(bytes.ok()?);
    let mut key = Zeroizing::new([0; 32]);
    if bytes.len() != key.len() {
        return None;
    }
    key.copy_from_slice(&bytes);
    Some(RootKey::new(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> Option<String> {
        parse(&SecretText::new(text.to_owned())).map(|key| key.id().to_string())
    }

    #[test]
    fn a_root_key_is_read_from_hex_of_either_case_and_from_base64() {
        let bytes = [0xab; 32];
        let hex = encoding::to_hex(&bytes);
        let expected = Some(RootKey::new(Zeroizing::new(bytes)).id().to_string());
        assert_eq!(id(&hex), expected);
        assert_eq!(id(&hex.to_uppercase()), expected);
        assert_eq!(id(&encoding::to_base64(&bytes)), expected);
    }

    #[test]
    fn what_is_no_root_key_is_refused() {
        let hex = "ab".repeat(32);
        for text in ["", "a passphrase", &hex[1..], &format!("{hex} "), &encoding::to_base64(&[1; 31])] {
            assert_eq!(id(text), None, "{text:?}");
        }
    }
}
