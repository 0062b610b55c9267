//! What a username of a person is: one canonical form, so that no two look alike. Source: dialects/psono.md, section 6.

use strongroom_primitives::id::{AccountId, RealmId, Subject};

use crate::{credential::Identity, error::EngineError, keyspace::Keyspace};

/// Longest username and longest e-mail address, in bytes.
const NAME_BYTES_MAX: usize = 128;

/// Local parts that speak for a whole domain, and that nobody gets.
const ROLES: [&str; 15] = [
    "abuse",
    "admin",
    "administrator",
    "hostmaster",
    "info",
    "mail",
    "marketing",
    "noreply",
    "postmaster",
    "root",
    "sales",
    "security",
    "support",
    "sysadmin",
    "webmaster",
];

/// The identity that a username names, whatever its case.
///
/// # Errors
/// [`EngineError::PersonNameInvalid`] for one that is no `local@domain` of the letters `a` to `z`, digits, dots and
/// hyphens with two or more characters before the `@`, that is longer than 128 bytes, or that names a role.
pub(super) fn identity_of(realm: &RealmId, username: &str) -> Result<Identity, EngineError> {
    let invalid = EngineError::PersonNameInvalid;
    if username.len() > NAME_BYTES_MAX || !username.is_ascii() {
        return Err(invalid);
    }
    let username = username.to_ascii_lowercase();
    let (local, domain) = username.split_once('@').ok_or(invalid.clone())?;
    if !is_dotted(local) || !is_dotted(domain) || local.len() < 2 || ROLES.contains(&local) {
        return Err(invalid);
    }
    let subject = Subject::new(username).map_err(|_| invalid)?;
    Ok(Identity { realm: realm.clone(), subject })
}

/// Labels of letters, digits and hyphens, with dots between them.
fn is_dotted(text: &str) -> bool {
    let good = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    text.split('.').all(|label| !label.is_empty() && label.bytes().all(good))
}

/// The account of a username; one that nobody has for what is no username.
pub(super) fn account_of(realm: &RealmId, username: &str, space: &Keyspace) -> AccountId {
    match identity_of(realm, username) {
        Ok(identity) => space.account_of(&identity.realm, &identity.subject),
        Err(_) => AccountId::from_bytes([0; 16]),
    }
}

/// An e-mail address in the one spelling that it is found by.
///
/// # Errors
/// [`EngineError::AddressInvalid`] for what has no `@` between two texts of visible ASCII characters, or more than 128
/// bytes.
pub(super) fn address_of(address: &str) -> Result<String, EngineError> {
    let good =
        |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'@');
    match address.split_once('@') {
        Some((local, domain)) if address.len() <= NAME_BYTES_MAX && good(local) && good(domain) => {
            Ok(address.to_ascii_lowercase())
        }
        _ => Err(EngineError::AddressInvalid),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_username_has_one_form_and_case_does_not_matter() {
        let realm = RealmId::new("app").unwrap();
        let of = |name: &str| identity_of(&realm, name);
        assert_eq!(of("Ann.Lee@Example.com").unwrap().subject.as_str(), "ann.lee@example.com");
        assert!(of("a1@host").is_ok());
        let long = format!("{}@host", "a".repeat(124));
        for bad in [
            "",
            "@",
            "a@host",
            "ann",
            "ann@",
            "@host",
            "a b@host",
            "ann@@host",
            "ann@ho st",
            "admin@host",
            "INFO@host",
            "ann+x@host",
            "änn@host",
            ".ann@host",
            "ann.@host",
            "an..n@host",
            "ann@host.",
            "ann@h\0t",
            "ann@host\n",
            &long,
        ] {
            assert_eq!(of(bad), Err(EngineError::PersonNameInvalid), "{bad:?}");
        }
        assert!(of(&long[1..]).is_ok());
    }

    #[test]
    fn an_address_is_found_in_any_case() {
        assert_eq!(address_of("Ann+x@Example.com").as_deref(), Ok("ann+x@example.com"));
        for bad in ["", "ann", "@host", "ann@", "a nn@host", "ann@ho@st", "ann@h\u{e9}"] {
            assert_eq!(address_of(bad), Err(EngineError::AddressInvalid), "{bad:?}");
        }
    }
}
