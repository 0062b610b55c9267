//! The URLs by which clients reach the server, as the operator names them: what a signed request may be for, whatever
//! its `Host` says. Source: `SIGNING.md`.

use std::{net::SocketAddr, str::FromStr, sync::Arc};

use http::Uri;
use thiserror::Error;

/// The text is not the URL of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error(
    "not the URL of a server: write https:// or http://, a name, and a port unless it is the scheme's own"
)]
pub struct PublicUrlError;

/// One URL: scheme, name and perhaps a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl {
    scheme: &'static str,
    authority: String,
}

impl PublicUrl {
    /// The URL under which a listener at this address is reached.
    pub fn of_listener(address: SocketAddr, secure: bool) -> Self {
        Self { scheme: if secure { "https" } else { "http" }, authority: address.to_string() }
    }

    /// Its name, and its port where one was written.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// The same on this machine, by the name that people type.
    fn localhost(&self) -> Option<Self> {
        let port =
            self.authority.strip_prefix("127.0.0.1:").or_else(|| self.authority.strip_prefix("[::1]:"))?;
        Some(Self { scheme: self.scheme, authority: format!("localhost:{port}") })
    }
}

impl FromStr for PublicUrl {
    type Err = PublicUrlError;

    fn from_str(text: &str) -> Result<Self, PublicUrlError> {
        let uri: Uri = text.parse().map_err(|_| PublicUrlError)?;
        let scheme = match uri.scheme_str() {
            Some("https") => "https",
            Some("http") => "http",
            _ => return Err(PublicUrlError),
        };
        let authority = uri.authority().ok_or(PublicUrlError)?.as_str();
        let is_bare = matches!(uri.path(), "" | "/") && uri.query().is_none();
        if !is_bare || authority.contains('@') || uri.host().is_none_or(str::is_empty) {
            return Err(PublicUrlError);
        }
        Ok(Self { scheme, authority: authority.to_ascii_lowercase() })
    }
}

impl std::fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}://{}", self.scheme, self.authority)
    }
}

/// All of them.
#[derive(Debug, Clone, Default)]
pub struct PublicUrls {
    urls: Vec<PublicUrl>,
    authorities: Arc<[String]>,
}

impl PublicUrls {
    /// These, and `localhost` where one of them is this machine by its address.
    pub fn new(urls: impl IntoIterator<Item = PublicUrl>) -> Self {
        let mut all: Vec<PublicUrl> = Vec::new();
        for url in urls {
            let localhost = url.localhost();
            all.extend([Some(url), localhost].into_iter().flatten());
        }
        let authorities = all.iter().map(|url| url.authority.clone()).collect();
        Self { urls: all, authorities }
    }

    /// The names that a request may be for.
    pub(crate) fn authorities(&self) -> &Arc<[String]> {
        &self.authorities
    }

    /// The scheme by which this name is reached.
    pub(crate) fn scheme_of(&self, authority: &str) -> &'static str {
        let named = self.urls.iter().find(|url| url.authority.eq_ignore_ascii_case(authority));
        named.or(self.urls.first()).map_or("https", |url| url.scheme)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_names_a_server_and_nothing_more() {
        for good in ["https://keys.example", "http://127.0.0.1:8470", "https://[2001:db8::1]:8443"] {
            assert_eq!(good.parse::<PublicUrl>().unwrap().to_string(), good);
        }
        assert_eq!("https://Keys.Example/".parse::<PublicUrl>().unwrap().authority(), "keys.example");
        for bad in [
            "",
            "keys.example",
            "ftp://keys.example",
            "https://",
            "https://u:p@x",
            "https://x/v1",
            "https://x/?q",
        ] {
            assert_eq!(bad.parse::<PublicUrl>(), Err(PublicUrlError), "{bad:?}");
        }
    }

    #[test]
    fn a_name_is_reached_by_the_scheme_it_was_configured_with() {
        let listener = PublicUrl::of_listener("127.0.0.1:8470".parse().unwrap(), false);
        let urls = PublicUrls::new(["https://keys.example".parse().unwrap(), listener]);
        assert_eq!(**urls.authorities(), ["keys.example", "127.0.0.1:8470", "localhost:8470"]);
        assert_eq!(urls.scheme_of("KEYS.example"), "https");
        assert_eq!(urls.scheme_of("localhost:8470"), "http");
        assert_eq!((urls.scheme_of("elsewhere"), PublicUrls::default().scheme_of("x")), ("https", "https"));
    }
}
