//! Values that the published SDKs all read alike. Source: `dialects/dragonchain.md`, section 7.

use std::fmt;

use strongroom_primitives::secret::SecretText;

use super::CredentialsError;
use crate::link::Address;

/// Longest value that is used or written, in characters.
pub const VALUE_CHARS_MAX: usize = 2_048;

/// What an old tool wrote where it knew no endpoint.
const UNDEFINED: &str = "undefined";

/// Whether all parsers read `text` as it stands. An empty one says nothing and is none.
pub(super) fn is_clear(text: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || b"._~:/@+=-".contains(&byte);
    (1..=VALUE_CHARS_MAX).contains(&text.len()) && text.bytes().all(known)
}

/// Takes a value over if it is clear; errors name it by `section` and `name`.
pub(super) fn clear<'t>(section: &str, name: &str, text: &'t str) -> Result<&'t str, CredentialsError> {
    if is_clear(text) {
        return Ok(text);
    }
    Err(CredentialsError::Value { section: section.to_owned(), name: name.to_owned() })
}

/// What requests are signed by.
#[derive(Debug, Clone)]
pub struct ServiceKey {
    id: String,
    secret: SecretText,
}

impl ServiceKey {
    /// Takes both parts over. `section` is what errors call the place that they come from.
    ///
    /// # Errors
    /// [`CredentialsError::Value`].
    pub fn new(section: &str, id: &str, secret: &SecretText) -> Result<Self, CredentialsError> {
        let id = clear(section, "auth_key_id", id)?.to_owned();
        clear(section, "auth_key", secret.expose())?;
        Ok(Self { id, secret: secret.clone() })
    }

    /// The key's id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The key itself: the bytes of the text are the HMAC key.
    #[must_use]
    pub fn secret(&self) -> &SecretText {
        &self.secret
    }
}

/// Where a chain is served: `http://` or `https://`, host, perhaps port and path, no slash at the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint(String);

impl Endpoint {
    /// Reads what somebody typed or a file holds. Without a scheme it is `https://`; the word `undefined`, which an old
    /// tool wrote, and nothing at all are no endpoint. `section` is what errors call the place.
    ///
    /// # Errors
    /// [`CredentialsError::Value`], and [`CredentialsError::Endpoint`] for what is no URL of a server.
    pub fn read(section: &str, text: &str) -> Result<Option<Self>, CredentialsError> {
        let text = text.trim();
        if text.is_empty() || text == UNDEFINED {
            return Ok(None);
        }
        let url = if text.contains("://") { text.to_owned() } else { format!("https://{text}") };
        clear(section, "endpoint", &url)?;
        if !url.starts_with("https://") && !url.starts_with("http://") {
            let text =
                format!("the endpoint of {section} begins with https://, or with http:// on this machine");
            return Err(CredentialsError::Endpoint(text));
        }
        // Whether a request may be shown on the way is asked when one is made.
        Address::read(&url, "", true).map_err(|error| CredentialsError::Endpoint(error.to_string()))?;
        Ok(Some(Self(url.trim_end_matches('/').to_owned())))
    }

    /// The URL.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_has_a_scheme_and_no_slash_at_its_end() {
        for (text, url) in [
            ("host.example", "https://host.example"),
            (" host.example:8470/dragonchain/ ", "https://host.example:8470/dragonchain"),
            ("http://127.0.0.1:8470", "http://127.0.0.1:8470"),
        ] {
            assert_eq!(Endpoint::read("x", text).unwrap().unwrap().as_str(), url);
        }
        for none in ["", " ", "undefined"] {
            assert_eq!(Endpoint::read("x", none).unwrap(), None, "{none:?}");
        }
        for bad in [
            "/",
            "https://[::1]",
            "ftp://x",
            "wss://x",
            "https://",
            "https://u@x",
            "https://x/a%20b",
            "a b",
            "x;y",
            "x?y=1",
        ] {
            assert!(Endpoint::read("x", bad).is_err(), "{bad}");
        }
    }

    /// A-LEAK-01: a bad value is named by its place only, and a good one has no way into debug output.
    #[test]
    fn a_key_is_never_repeated() {
        let error = ServiceKey::new("[a]", "ID", &SecretText::new("can ary".to_owned())).unwrap_err();
        assert!(
            error.to_string().contains("auth_key of [a]") && !error.to_string().contains("can"),
            "{error}"
        );
        let key = ServiceKey::new("[a]", "ID", &SecretText::new("canary".to_owned())).unwrap();
        assert!(!format!("{key:?}").contains("canary"));
        assert!(ServiceKey::new("[a]", "I D", &SecretText::new("x".to_owned())).is_err());
        assert!(ServiceKey::new("[a]", "", &SecretText::new("x".to_owned())).is_err());
        assert!(ServiceKey::new("[a]", "ID", &SecretText::new("x".repeat(VALUE_CHARS_MAX + 1))).is_err());
    }
}
